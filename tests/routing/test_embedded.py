"""The embedded road engine: tables, ways, one-way roads, places along a road."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from math import inf
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from routing.engines.embedded import HourFactors, NetworkTravel
from routing.errors import BadSpeeds
from routing.graph import NO_TURN_COSTS, TurnCosts
from routing.network import Link, Network, grid_network, metres_between, network_from_links
from routing.snapping import Snapper
from routing.travel import UNREACHABLE_SECONDS, Point
from tests.markers import examples
from tests.routing.maps import OnRoad, at, plain_seconds

SPEEDS = {"residential": 36.0, "track": 9.0}


def road(*links: Link, places: int) -> Network:
    """Junctions in a row from west to east, 500 m apart."""
    return network_from_links([at(0, c) for c in range(places)], links)


@st.composite
def towns(draw: st.DrawFn) -> Network:
    """A small grid with some streets one-way, some slow, some longer than they look."""
    grid = grid_network(draw(st.integers(2, 4)), draw(st.integers(2, 4)), 400.0)
    size = len(grid)
    flags = st.lists(st.booleans(), min_size=size, max_size=size)
    lengths = st.lists(st.integers(4000, 9000), min_size=size, max_size=size)
    kept = draw(flags.filter(any))
    network = replace(
        grid,
        oneway=np.array(draw(flags), np.bool_),
        length_decimetres=np.array(draw(lengths), np.int32),
        road_class=np.array(draw(flags), np.int32),
        classes=("residential", "track"),
    )
    return without(network, np.array(kept)) if draw(st.booleans()) else network


def without(network: Network, kept: NDArray[np.bool_]) -> Network:
    """Only the links marked in `kept`."""
    columns = ("origin", "destination", "length_decimetres", "road_class", "name", "oneway")
    lines = [network.line(link) for link in np.flatnonzero(kept).tolist()]
    return replace(
        network,
        **{column: getattr(network, column)[kept] for column in columns},
        points=np.concatenate(lines),
        line_start=np.arange(0, 2 * len(lines) + 1, 2, dtype=np.int32),
    )


def places(network: Network) -> st.SearchStrategy[OnRoad]:
    shares = st.sampled_from((0.15, 0.3, 0.5, 0.7, 0.85))
    return st.builds(OnRoad, st.integers(0, len(network) - 1), shares)


@settings(max_examples=examples(150, 5000), deadline=None)
@given(data=st.data())
def test_the_quickest_way_is_what_the_plainest_search_finds(data: st.DataObject) -> None:
    network = data.draw(towns())
    spots = data.draw(st.lists(places(network), min_size=2, max_size=4))
    travel = NetworkTravel(network, SPEEDS, NO_TURN_COSTS)
    points = [spot.point(network) for spot in spots]
    table = travel.table(points, points)
    for i, origin in enumerate(spots):
        for j, destination in enumerate(spots):
            expected = plain_seconds(network, SPEEDS, origin, destination)
            found = table.seconds[i, j]
            if expected == inf:
                assert found == UNREACHABLE_SECONDS
            else:
                assert found == pytest.approx(expected, abs=1.5)


@settings(max_examples=examples(80, 2000), deadline=None)
@given(data=st.data())
def test_table_and_leg_tell_the_same_from_either_side(data: st.DataObject) -> None:
    network = data.draw(towns())
    spots = data.draw(st.lists(places(network), min_size=2, max_size=4))
    travel = NetworkTravel(network, SPEEDS, TurnCosts())
    points = [spot.point(network) for spot in spots]
    table = travel.table(points, points)
    many = travel.table(points, points[:1])
    assert (many.seconds == table.seconds[:, :1]).all()
    assert (many.metres == table.metres[:, :1]).all()
    for i, destination in enumerate(points):
        leg = travel.leg(points[0], destination)
        assert (leg.seconds, leg.metres) == (table.seconds[0, i], table.metres[0, i])
        assert sum(turn.metres for turn in leg.turns) in (leg.metres, 0)


@settings(max_examples=examples(60, 1000), deadline=None)
@given(data=st.data())
def test_a_way_is_as_long_on_the_map_as_it_says(data: st.DataObject) -> None:
    network = grid_network(3, 3, 300.0)
    travel = NetworkTravel(network, SPEEDS)
    origin, destination = (data.draw(places(network)).point(network) for _ in range(2))
    leg = travel.leg(origin, destination)
    drawn = sum(metres_between(a, b) for a, b in zip(leg.line, leg.line[1:], strict=False))
    assert drawn == pytest.approx(leg.metres, rel=0.01, abs=3)
    assert metres_between(leg.line[0], origin) < 2
    assert metres_between(leg.line[-1], destination) < 2


def test_no_detour_over_a_third_place_is_quicker() -> None:
    network = grid_network(4, 4)
    travel = NetworkTravel(network, SPEEDS, NO_TURN_COSTS)
    points = [OnRoad(link, 0.4).point(network) for link in range(len(network))]
    seconds = travel.table(points, points).seconds.astype(np.int64)
    over_a_third = (seconds[:, :, None] + seconds[None, :, :]).min(axis=1)
    assert (seconds <= over_a_third + 1).all()


def test_a_one_way_street_is_driven_one_way_only() -> None:
    there = Link(0, 1, oneway=True, length_metres=500)
    back = Link(1, 0, via=(at(1, 0.5),), length_metres=2000)
    travel = NetworkTravel(road(there, back, places=2), SPEEDS, NO_TURN_COSTS)
    west, east = at(0, 0.25), at(0, 0.75)
    assert travel.table((west,), (east,)).seconds[0, 0] == 25
    assert travel.table((east,), (west,)).seconds[0, 0] == 225


def test_a_place_that_no_road_leads_to_is_unreachable() -> None:
    network = network_from_links([at(0, 0), at(0, 1), at(3, 0), at(3, 1)], [Link(0, 1), Link(2, 3)])
    travel = NetworkTravel(network, SPEEDS)
    leg = travel.leg(at(0, 0.5), at(3, 0.5))
    assert (leg.seconds, leg.line, leg.turns) == (UNREACHABLE_SECONDS, (), ())
    assert travel.table((at(0, 0.5),), (at(3, 0.5),)).seconds[0, 0] == UNREACHABLE_SECONDS


def test_both_places_on_one_road_go_straight_along_it() -> None:
    travel = NetworkTravel(road(Link(0, 1, length_metres=500), places=2), SPEEDS)
    leg = travel.leg(at(0, 0.9), at(0, 0.3))
    assert (leg.seconds, leg.metres) == (30, 300)
    assert [turn.manoeuvre for turn in leg.turns] == ["depart", "arrive"]


def test_the_way_to_where_one_is_takes_no_time() -> None:
    travel = NetworkTravel(grid_network(2, 2), SPEEDS)
    leg = travel.leg(Point(31.001, 131.0), Point(31.001, 131.0))
    assert (leg.seconds, leg.metres, len(leg.line)) == (0, 0, 2)


def test_a_point_is_brought_onto_the_road_beside_it_not_to_its_end() -> None:
    travel = NetworkTravel(road(Link(0, 1), places=2), SPEEDS)
    snap = travel.snap(at(0.1, 0.4))
    assert metres_between(snap.point, at(0, 0.4)) < 1
    assert snap.distance_metres == pytest.approx(55.6, abs=0.5)


def test_a_point_far_from_every_road_says_how_far() -> None:
    travel = NetworkTravel(road(Link(0, 1), places=2), SPEEDS)
    assert travel.snap(at(20, 0.5)).distance_metres == pytest.approx(11_120, rel=0.01)


def test_of_two_roads_equally_near_always_the_same_one_is_taken() -> None:
    network = network_from_links([at(0, 0), at(0, 1), at(1, 1)], [Link(0, 1), Link(1, 2)])
    travel = NetworkTravel(network, SPEEDS)
    corners = (at(0, 1), at(-0.2, 1.2))
    links = [Snapper(travel._graph).positions((corner,)).link[0] for corner in corners]
    assert links == [0, 0]


def test_the_table_of_nobody_is_empty() -> None:
    travel = NetworkTravel(grid_network(2, 2), SPEEDS)
    assert travel.table((), (at(0, 0),)).seconds.shape == (0, 1)
    assert travel.table((at(0, 0),), ()).metres.shape == (1, 0)


def test_many_places_are_searched_in_threads_with_the_same_result() -> None:
    network = grid_network(5, 5)
    travel = NetworkTravel(network, SPEEDS)
    points = [OnRoad(link, 0.3).point(network) for link in range(len(network))]
    together = travel.table(points, points).seconds
    alone = [travel.table((origin,), points).seconds[0] for origin in points]
    assert (together == np.array(alone)).all()


def test_a_turn_across_the_oncoming_traffic_takes_longest() -> None:
    network = network_from_links(
        [at(0, -1), at(0, 0), at(0, 1), at(1, 0), at(-1, 0)],
        [Link(0, 1), Link(1, 2), Link(1, 3), Link(1, 4)],
    )
    west, east, north, south = at(0, -0.5), at(0, 0.5), at(0.5, 0), at(-0.5, 0)
    turns = {}
    for side in (True, False):
        paid = NetworkTravel(network, SPEEDS, TurnCosts(left_hand_traffic=side))
        free = NetworkTravel(network, SPEEDS, NO_TURN_COSTS)
        more = paid.table((west,), (east, north, south)).seconds
        less = free.table((west,), (east, north, south)).seconds
        turns[side] = (more - less)[0].tolist()
    assert turns[True][0] == turns[False][0] <= 1
    assert 1 < turns[True][1] < turns[True][2] < 10
    assert 1 < turns[False][2] < turns[False][1] < 10


def test_nobody_turns_round_in_a_spur_to_shorten_the_way() -> None:
    network = road(
        Link(0, 1, oneway=True),
        Link(1, 0, oneway=True, via=(at(1, 0.5),)),
        Link(1, 2),
        places=3,
    )
    leg = NetworkTravel(network, SPEEDS).leg(at(0, 0.75), at(0, 0.25))
    assert leg.seconds < UNREACHABLE_SECONDS
    assert "u_turn" not in [turn.manoeuvre for turn in leg.turns]


def test_every_way_takes_longer_at_the_busy_hour_and_metres_stay() -> None:
    factors = HourFactors(tuple(2.0 if hour == 8 else 1.0 for hour in range(24)),
                          ZoneInfo("Asia/Tokyo"))  # fmt: skip
    travel = NetworkTravel(road(Link(0, 1, length_metres=500), places=2), SPEEDS, None, factors)
    eight_in_tokyo = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
    noon_in_tokyo = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
    busy = travel.table((at(0, 0.3),), (at(0, 0.9),), eight_in_tokyo)
    calm = travel.leg(at(0, 0.3), at(0, 0.9), noon_in_tokyo)
    assert (busy.seconds[0, 0], busy.metres[0, 0]) == (60, 300)
    assert (calm.seconds, calm.metres) == (30, 300)


def test_slip_roads_drive_like_the_road_they_belong_to() -> None:
    network = road(Link(0, 1, "trunk_link", length_metres=500), places=2)
    travel = NetworkTravel(network, {"trunk": 36.0})
    assert travel.table((at(0, 0.3),), (at(0, 0.9),)).seconds[0, 0] == 30


@pytest.mark.parametrize("speeds", [{}, {"residential": 0.0}, {"residential": float("nan")}])
def test_a_speed_table_without_a_sound_speed_is_refused(speeds: dict[str, float]) -> None:
    with pytest.raises(BadSpeeds, match="residential"):
        NetworkTravel(grid_network(2, 2), speeds)


def test_the_engine_says_its_name_and_that_it_is_exact() -> None:
    travel = NetworkTravel(grid_network(2, 2), SPEEDS)
    assert (travel.name, travel.exact, travel.credit) == ("embedded", True, "")
