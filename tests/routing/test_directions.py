"""The turn list: what a driver is told, and what not."""

from __future__ import annotations

import pytest

from routing.directions import manoeuvre
from routing.engines.embedded import NetworkTravel
from routing.network import Link, Network, grid_network, network_from_links
from routing.travel import Point, Turn
from tests.routing.maps import OnRoad, at


def told(travel: NetworkTravel, origin: Point, destination: Point) -> list[tuple[str, str]]:
    return [(turn.manoeuvre, turn.road) for turn in travel.leg(origin, destination).turns]


def street(network: Network, name: str, nth: int = 0) -> Point:
    """The middle of the nth block of a street."""
    index = network.names.index(name)
    links = [link for link in range(len(network)) if network.name[link] == index]
    return OnRoad(links[nth], 0.5).point(network)


def test_left_is_left_and_right_is_right() -> None:
    grid = grid_network(3, 3)
    travel = NetworkTravel(grid)
    west, north = street(grid, "Street 1"), street(grid, "Avenue 2")
    assert told(travel, west, north) == [
        ("depart", "Street 1"), ("left", "Avenue 2"), ("arrive", "Avenue 2"),
    ]  # fmt: skip
    assert told(travel, north, west) == [
        ("depart", "Avenue 2"), ("right", "Street 1"), ("arrive", "Street 1"),
    ]  # fmt: skip


def test_going_straight_on_along_a_street_is_not_worth_a_word() -> None:
    grid = grid_network(4, 5)
    first, last = street(grid, "Street 2", 0), street(grid, "Street 2", 3)
    turns = NetworkTravel(grid).leg(first, last).turns
    assert [turn.manoeuvre for turn in turns] == ["depart", "arrive"]
    assert turns[0].metres == 1500


def test_metres_say_how_far_it_is_to_the_next_turn() -> None:
    grid = grid_network(3, 3, spacing_metres=400)
    turns = NetworkTravel(grid).leg(street(grid, "Street 1"), street(grid, "Avenue 2", 1)).turns
    assert [turn.metres for turn in turns] == [200, 600, 0]


def test_a_road_that_changes_its_name_is_told_once() -> None:
    links = [Link(0, 1, name="坂道"), Link(1, 2, name="浜通り"), Link(2, 3, name="浜通り")]
    network = network_from_links([at(0, c) for c in range(4)], links)
    assert told(NetworkTravel(network), at(0, 0.5), at(0, 2.5)) == [
        ("depart", "坂道"), ("straight", "浜通り"), ("arrive", "浜通り"),
    ]  # fmt: skip


def test_a_bend_in_the_road_is_no_turn() -> None:
    links = [Link(0, 1, name="A"), Link(1, 2, "tertiary", name="A")]
    network = network_from_links([at(0, 0), at(0, 1), at(1, 1)], links)
    assert told(NetworkTravel(network), at(0, 0.5), at(0.5, 1)) == [
        ("depart", "A"), ("arrive", "A"),
    ]  # fmt: skip


def test_a_named_road_that_turns_off_while_another_leads_on_is_a_turn() -> None:
    links = [Link(0, 1, name="A"), Link(1, 2, name="A"), Link(1, 3, name="")]
    network = network_from_links([at(0, 0), at(0, 1), at(1, 1), at(0, 2)], links)
    assert told(NetworkTravel(network), at(0, 0.5), at(0.5, 1)) == [
        ("depart", "A"), ("left", "A"), ("arrive", "A"),
    ]  # fmt: skip


def test_a_turn_without_a_name_is_told_without_a_name() -> None:
    network = network_from_links(
        [at(0, 0), at(0, 1), at(-1, 1), at(0, 2)], [Link(0, 1), Link(1, 2), Link(1, 3)]
    )
    turns = NetworkTravel(network).leg(at(0, 0.5), at(-0.5, 1)).turns
    assert [(turn.manoeuvre, turn.road) for turn in turns][1] == ("right", "")
    assert isinstance(turns[1], Turn)
    assert turns[1].point == at(0, 1)


@pytest.mark.parametrize(
    ("angle", "word"),
    [
        (0, "straight"),
        (-15, "straight"),
        (30, "slight_right"),
        (-30, "slight_left"),
        (90, "right"),
        (-90, "left"),
        (150, "sharp_right"),
        (-150, "sharp_left"),
        (178, "u_turn"),
    ],
)
def test_an_angle_has_its_word(angle: float, word: str) -> None:
    assert manoeuvre(angle) == word
