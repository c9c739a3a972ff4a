"""The road network in the town's folder: real roads on a fresh machine."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from routing.engines.embedded import NetworkTravel
from routing.importer import import_roads
from routing.network import Network, load_network
from routing.speeds import MOUNTAIN_SPEEDS
from routing.travel import Point
from tests.markers import DATA, needs_data

FILE = Path("dispatch/towns/kimotsuki/network.npz")
KIMOTSUKI = DATA / "geo" / "kimotsuki"
TOWN_HALL = Point(31.3445, 130.9453)
UCHINOURA = Point(31.2770, 131.0790)


@pytest.fixture(scope="module")
def network() -> Network:
    return load_network(FILE)


@pytest.fixture(scope="module")
def travel(network: Network) -> NetworkTravel:
    return NetworkTravel(network, MOUNTAIN_SPEEDS)


def test_the_file_is_small_and_says_whose_data_it_is(network: Network) -> None:
    assert FILE.stat().st_size < 400_000
    assert network.about["credit"] == "© OpenStreetMap contributors"
    assert network.about["as_of"] == "2021-08"
    assert "OpenStreetMap" in FILE.with_name("network.README.md").read_text(encoding="utf-8")


def test_over_the_pass_to_uchinoura_takes_half_an_hour_not_twenty_minutes(
    travel: NetworkTravel,
) -> None:
    leg = travel.leg(TOWN_HALL, UCHINOURA)
    assert 26 * 60 < leg.seconds < 28.5 * 60
    assert 17_000 < leg.metres < 18_500
    assert [turn.road for turn in leg.turns if turn.road == "国道448号"]


def test_every_road_can_be_reached_and_left(network: Network, travel: NetworkTravel) -> None:
    middles = [network.line(link).mean(axis=0) for link in range(0, len(network), 60)]
    points = [Point(float(lat), float(lon)) for lat, lon in middles]
    assert travel.table((TOWN_HALL,), points).seconds.max() < 3 * 3600
    assert travel.table(points, (TOWN_HALL,)).seconds.max() < 3 * 3600


@pytest.mark.data
@needs_data("geo/kimotsuki/bus_stops.geojson")
def test_every_bus_stop_lies_by_a_road(travel: NetworkTravel) -> None:
    stops = json.loads((KIMOTSUKI / "bus_stops.geojson").read_text(encoding="utf-8"))
    places = [part["geometry"]["coordinates"] for part in stops["features"]]
    assert max(travel.snap(Point(lat, lon)).distance_metres for lon, lat in places) < 30


@pytest.mark.data
@needs_data("geo/kimotsuki/roads.osm.pbf")
def test_the_file_is_what_our_importer_makes_of_the_extract(
    network: Network, tmp_path: Path
) -> None:
    boundary = json.loads((KIMOTSUKI / "boundary.geojson").read_text(encoding="utf-8"))
    out = tmp_path / "network.npz"
    import_roads(KIMOTSUKI / "roads.osm.pbf", out, MOUNTAIN_SPEEDS, boundary, as_of="2021-08")
    fresh = load_network(out)
    assert np.array_equal(fresh.length_decimetres, network.length_decimetres)
    assert np.array_equal(fresh.points, network.points)
    assert (fresh.names, fresh.about) == (network.names, network.about)
