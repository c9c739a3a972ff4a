"""Turns that are forbidden on the road are forbidden in the plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from routing.engines.embedded import NetworkTravel
from routing.engines.osrm import build_osrm, osrm_server
from routing.importer import import_roads
from routing.network import Link, load_network, network_from_links
from routing.speeds import MOUNTAIN_SPEEDS
from routing.travel import Point
from tests.routing.maps import Extract, at

WEST, NORTH = at(1, 0.5), at(1.5, 1)
"""One turns left at (1, 1) to get from the one to the other."""

FROM_WEST, TO_EAST, TO_NORTH, TO_SOUTH = 1, 2, 3, 4
"""Numbers of the ways that meet at (1, 1)."""


def a_town() -> Extract:
    """Four ways that meet at (1, 1), and streets around them."""
    extract = Extract().way([(1, 0), (1, 1)]).way([(1, 1), (1, 2)])
    extract.way([(1, 1), (2, 1)]).way([(1, 1), (0, 1)])
    return extract.way([(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0), (0, 0)])


def travel(extract: Extract, tmp_path: Path) -> NetworkTravel:
    pbf = extract.write(tmp_path / "roads.osm.pbf")
    import_roads(pbf, tmp_path / "network.npz", MOUNTAIN_SPEEDS)
    return NetworkTravel(load_network(tmp_path / "network.npz"))


def told(engine: NetworkTravel) -> list[str]:
    return told_to(engine, NORTH)


def told_to(engine: NetworkTravel, destination: Point) -> list[str]:
    return [turn.manoeuvre for turn in engine.leg(WEST, destination).turns]


def test_without_a_restriction_one_turns_left(tmp_path: Path) -> None:
    assert told(travel(a_town(), tmp_path)) == ["depart", "left", "arrive"]


@pytest.mark.parametrize(
    ("from_way", "to_way", "kind"),
    [
        (TO_EAST, TO_NORTH, "no_right_turn"),
        (FROM_WEST, TO_SOUTH, "no_right_turn"),
        (FROM_WEST, TO_NORTH, "only_left_turn"),
        (FROM_WEST, 99, "only_straight_on"),
        (99, TO_NORTH, "no_left_turn"),
        (FROM_WEST, TO_NORTH, "gibberish"),
    ],
)
def test_a_restriction_of_another_turn_changes_nothing(
    tmp_path: Path, from_way: int, to_way: int, kind: str
) -> None:
    extract = a_town().restrict(from_way, (1, 1), to_way, restriction=kind)
    assert told(travel(extract, tmp_path)) == ["depart", "left", "arrive"]


def test_where_turning_left_is_forbidden_one_goes_round(tmp_path: Path) -> None:
    extract = a_town().restrict(FROM_WEST, (1, 1), TO_NORTH, restriction="no_left_turn")
    engine = travel(extract, tmp_path)
    assert engine.leg(WEST, NORTH).metres > 1500
    assert engine.leg(NORTH, WEST).metres < 1100


def test_an_only_restriction_forbids_all_other_ways_on(tmp_path: Path) -> None:
    extract = a_town().restrict(FROM_WEST, (1, 1), TO_EAST, restriction="only_straight_on")
    engine = travel(extract, tmp_path)
    assert engine.leg(WEST, NORTH).metres > 1500
    assert engine.leg(WEST, at(0.5, 1)).metres > 1500
    assert told_to(engine, at(1, 1.5)) == ["depart", "arrive"]


def test_a_restriction_for_others_is_none_for_us(tmp_path: Path) -> None:
    extract = a_town().restrict(
        FROM_WEST, (1, 1), TO_NORTH, restriction="no_left_turn", **{"except": "motorcar;bus"}
    )
    assert told(travel(extract, tmp_path)) == ["depart", "left", "arrive"]


def test_a_junction_with_a_restriction_is_not_joined_away(tmp_path: Path) -> None:
    extract = Extract().way([(0, 0), (0, 1)]).way([(0, 1), (0, 2)])
    extract.restrict(1, (0, 1), 1, restriction="no_u_turn")
    pbf = extract.write(tmp_path / "roads.osm.pbf")
    report = import_roads(pbf, tmp_path / "network.npz", MOUNTAIN_SPEEDS)
    assert (report.links, report.turns_forbidden) == (2, 1)


def test_forbidden_turns_are_kept_by_hand_made_networks_too() -> None:
    places = [at(0, 0), at(0, 1), at(1, 1), at(0, 2)]
    links = [Link(0, 1), Link(1, 2), Link(1, 3), Link(2, 3)]
    free = NetworkTravel(network_from_links(places, links))
    bound = NetworkTravel(network_from_links(places, links, forbidden=[(0, 2)]))
    origin, destination = at(0, 0.5), at(0.5, 1)
    assert free.leg(origin, destination).metres < bound.leg(origin, destination).metres
    back = (destination,), (origin,)
    assert free.table(*back).seconds == bound.table(*back).seconds


def test_osrm_goes_round_just_as_we_do(tmp_path: Path) -> None:
    extract = a_town().restrict(FROM_WEST, (1, 1), TO_NORTH, restriction="no_left_turn")
    ours = travel(extract, tmp_path).leg(WEST, NORTH)
    base = build_osrm(tmp_path / "roads.osm.pbf", tmp_path / "osrm", MOUNTAIN_SPEEDS)
    with osrm_server(base) as osrm:
        theirs = osrm.leg(WEST, NORTH)
    assert ours.seconds == pytest.approx(theirs.seconds, abs=3)
    assert ours.metres == pytest.approx(theirs.metres, abs=5)
