"""The last resort says that it guesses, and guesses by geopy's great circle."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from geopy.distance import great_circle
from hypothesis import given
from hypothesis import strategies as st

from routing.engines.crow_fly import CrowFly
from routing.travel import Point
from tests.routing.maps import at

POINTS = st.builds(Point, st.floats(24, 46), st.floats(123, 146))


def test_it_says_that_it_only_estimates() -> None:
    assert (CrowFly().name, CrowFly().exact) == ("crow_fly", False)


@given(origin=POINTS, destination=POINTS)
def test_metres_are_geopys_great_circle_times_the_detour(origin: Point, destination: Point) -> None:
    air = great_circle((origin.lat, origin.lon), (destination.lat, destination.lon)).m
    found = CrowFly(detour=1.4).table((origin,), (destination,)).metres[0, 0]
    assert found == pytest.approx(1.4 * air, rel=1e-6, abs=1)


def test_seconds_follow_from_metres_and_are_rounded_up() -> None:
    table = CrowFly(speed_kmh=36, detour=1.0).table((at(0, 0), at(0, 1)), (at(1, 0), at(0, 0)))
    assert table.seconds.shape == (2, 2)
    assert table.seconds[0].tolist() == [56, 0]
    assert table.metres[0].tolist() == [556, 0]


def test_a_leg_is_a_straight_line_that_agrees_with_the_table() -> None:
    engine = CrowFly()
    leg = engine.leg(at(0, 0), at(3, 2))
    table = engine.table((at(0, 0),), (at(3, 2),))
    assert (leg.seconds, leg.metres) == (table.seconds[0, 0], table.metres[0, 0])
    assert leg.line == (at(0, 0), at(3, 2))
    assert [turn.manoeuvre for turn in leg.turns] == ["depart", "arrive"]


def test_a_point_stays_where_it_is_and_nobody_has_no_table() -> None:
    assert CrowFly().snap(at(1, 1)).point == at(1, 1)
    assert CrowFly().table((), (at(0, 0),)).seconds.shape == (0, 1)


def test_the_hour_counts_here_too() -> None:
    engine = CrowFly(factor_at=lambda _: 2.0)
    noon = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
    calm = CrowFly().leg(at(0, 0), at(0, 4)).seconds
    assert engine.leg(at(0, 0), at(0, 4), noon).seconds == pytest.approx(2 * calm, abs=1)
    assert engine.leg(at(0, 0), at(0, 4)).seconds == calm
