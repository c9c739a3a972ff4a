"""The growing table of all places that the service has met."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from hypothesis import given, settings
from hypothesis import strategies as st

from routing.engines.embedded import NetworkTravel
from routing.network import grid_network
from routing.travel import PlaceTable, Point
from routing.warm import warm
from tests.routing.maps import OnRoad

NETWORK = grid_network(4, 4)
TRAVEL = NetworkTravel(NETWORK)
POINTS = [OnRoad(link, 0.3).point(NETWORK) for link in range(len(NETWORK))]
WHOLE = TRAVEL.table(POINTS, POINTS)


def has_the_right_numbers(table: PlaceTable) -> bool:
    order = [POINTS.index(table.point(i)) for i in range(len(table))]
    return bool(
        (table.seconds == WHOLE.seconds[order][:, order]).all()
        and (table.metres == WHOLE.metres[order][:, order]).all()
    )


@settings(max_examples=25, deadline=None)
@given(order=st.lists(st.sampled_from(POINTS), max_size=30), together=st.integers(0, 10))
def test_places_met_one_by_one_and_together_have_the_same_ways(
    order: list[Point], together: int
) -> None:
    table = PlaceTable(TRAVEL, order[:together])
    indices = [table.index_of(point) for point in order]
    assert len(table) == len(set(order))
    assert [table.point(i) for i in indices] == order
    assert has_the_right_numbers(table)


def test_a_view_of_the_table_stays_true_while_it_grows() -> None:
    table = PlaceTable(TRAVEL, POINTS[:3])
    seconds = table.seconds
    table.add(POINTS)
    assert (seconds == WHOLE.seconds[:3, :3]).all()


def test_several_threads_may_meet_new_places_at_once() -> None:
    table = PlaceTable(TRAVEL)
    with ThreadPoolExecutor(4) as pool:
        indices = list(pool.map(table.index_of, POINTS * 4))
    assert [table.point(i) for i in indices] == POINTS * 4
    assert len(table) == len(POINTS)
    assert has_the_right_numbers(table)


def test_warming_up_needs_no_town() -> None:
    warm()
