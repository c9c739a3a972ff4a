"""What is expected is counted from what was asked for, not from what was given."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.commands.foresight import wishes_of
from dispatch.events import Event, Fact
from dispatch.forecast import Trip, forecast_of_days, forecast_of_today
from dispatch.town_file import load_town
from tests.dispatch.test_town_file import HOSHINO
from tests.markers import examples

NINE = 9 * 3600


def test_a_busy_hour_is_expected_to_be_busy_on_the_next_day() -> None:
    trips = [Trip(NINE + 60 * n, 0, 1) for n in range(30)] + [Trip(NINE + 4000, 1, 0)] * 10
    forecast = forecast_of_days(trips, days=10, area_of_place=[0, 0])
    assert forecast.expected(NINE, NINE + 3600) == pytest.approx(3)
    assert forecast.expected(NINE + 3600, NINE + 7200) == pytest.approx(1)
    assert forecast.expected(0, NINE) == 0.0


def test_a_trip_stays_on_its_side_of_the_pass() -> None:
    trips = [Trip(NINE, 0, 1), Trip(NINE, 2, 3)] * 50
    forecast = forecast_of_days(trips, 1, area_of_place=[0, 0, 1, 1], prior=0.0)
    drawn = forecast.draw(NINE, 1800, 20, np.random.default_rng(1))
    asked = np.arange(drawn.asked.shape[1]) < drawn.number[:, None]
    assert (drawn.destination[asked] == drawn.origin[asked] + 1).all()


def test_nothing_is_known_of_what_the_day_has_not_shown_yet() -> None:
    seen = [Trip(100 * n, n % 3, (n + 1) % 3) for n in range(10)]
    later = [Trip(5000 + n, 2, 0) for n in range(100)]
    one, two = (forecast_of_today(trips, 1000, [0, 0, 0]) for trips in (seen, seen + later))
    assert one.expected(1000, 2000) == two.expected(1000, 2000)
    assert (one.origins == two.origins).all()


@given(
    now=st.integers(0, 80_000),
    horizon=st.integers(1, 6000),
    trips=st.lists(
        st.builds(Trip, st.integers(0, 86_399), st.integers(0, 3), st.integers(0, 3)), max_size=40
    ),
)
@settings(max_examples=examples(40, 2000), deadline=None)
def test_a_future_lies_in_the_future_in_order_and_leads_somewhere(
    now: int, horizon: int, trips: list[Trip]
) -> None:
    forecast = forecast_of_days(trips, 3, [0, 0, 1, 1])
    drawn = forecast.draw(now, horizon, 5, np.random.default_rng(now))
    for k, number in enumerate(drawn.number.tolist()):
        asked = drawn.asked[k, :number].tolist()
        assert asked == sorted(asked)
        assert all(now < second <= now + horizon for second in asked)
        assert (drawn.origin[k, :number] != drawn.destination[k, :number]).all()


def test_as_many_requests_are_drawn_as_are_expected() -> None:
    trips = [Trip(NINE + 30 * n, n % 4, (n + 1) % 4) for n in range(120)]
    forecast = forecast_of_days(trips, 2, [0, 0, 1, 1])
    drawn = forecast.draw(NINE, 1800, 2000, np.random.default_rng(3))
    assert abs(drawn.number.mean() - 30) < 0.5


def test_who_was_refused_counts_like_who_was_offered_a_ride_and_offers_count_once() -> None:
    town, day = load_town(HOSHINO), date(2026, 6, 9)
    at = datetime(2026, 6, 9, 8, 0, tzinfo=UTC)
    stop, other = town.stops[0].id, town.stops[1].id
    places = {"origin": {"stop_id": stop}, "destination": {"stop_id": other}}
    offer = {"quote_id": "q1", "promise": {"pickup_earliest": "2026-06-09T08:10:00Z"}, **places}
    wish = {"code": "full", "facts": {}, "wish": {**places, "depart_after": None}}
    events = [
        Event(Fact.OFFERED, at, day, payload=offer),
        Event(Fact.OFFERED, at, day, payload=offer),
        Event(Fact.QUOTE_REFUSED, at, day, payload=wish),
    ]
    found = list(wishes_of(events, day, town))
    assert [(trip.origin, trip.destination, trip.lead) for trip in found] == [
        (0, 1, 600),
        (0, 1, 0),
    ]
