"""OSRM beside the embedded engine, on the same roads at the same speeds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from shapely.geometry import shape

from routing.engines.embedded import NetworkTravel
from routing.engines.osrm import build_osrm, osrm_server
from routing.engines.osrm_http import OsrmHttp
from routing.errors import EngineUnavailable, ExtractBroken, ExtractMissing
from routing.importer import import_roads
from routing.network import Network, load_network, metres_between
from routing.speeds import MOUNTAIN_SPEEDS
from routing.travel import UNREACHABLE_SECONDS, Point, TravelTimes
from tests.markers import DATA, needs_data
from tests.routing.maps import Extract, at

KIMOTSUKI = DATA / "geo" / "kimotsuki"
PAIRS = 500


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("osrm")


@pytest.fixture(scope="module")
def town(folder: Path) -> Path:
    """A made-up town of 6 by 6 streets, with a one-way trunk road and a lone island road."""
    extract = Extract().grid(6).way([(0, 0), (2.5, 2.6), (5, 5)], "trunk", oneway="yes")
    extract.way([(60, 60), (60, 61)], "tertiary")
    return extract.write(folder / "town.osm.pbf")


@pytest.fixture(scope="module")
def osrm(town: Path, folder: Path) -> Iterator[OsrmHttp]:
    with osrm_server(build_osrm(town, folder / "osrm", MOUNTAIN_SPEEDS)) as engine:
        yield engine


@pytest.fixture(scope="module")
def embedded(town: Path, folder: Path) -> NetworkTravel:
    import_roads(town, folder / "town.npz", MOUNTAIN_SPEEDS)
    return NetworkTravel(load_network(folder / "town.npz"))


def corners() -> list[Point]:
    return [at(row + 0.31, column) for row in range(5) for column in range(6)]


def test_both_engines_agree_on_a_made_up_town(osrm: OsrmHttp, embedded: NetworkTravel) -> None:
    ours, theirs = (engine.table(corners(), corners()) for engine in (embedded, osrm))
    assert ours.seconds == pytest.approx(theirs.seconds, rel=0.01, abs=2)
    assert ours.metres == pytest.approx(theirs.metres, rel=0.01, abs=5)


def test_both_engines_tell_the_same_turns(osrm: OsrmHttp, embedded: NetworkTravel) -> None:
    def told(engine: NetworkTravel | OsrmHttp) -> list[tuple[str, str]]:
        leg = engine.leg(at(0, 0.5), at(1.5, 1))
        return [(turn.manoeuvre, turn.road) for turn in leg.turns]

    assert told(osrm) == told(embedded)
    assert told(osrm)[1] == ("left", "Avenue 2")


def test_a_leg_and_the_table_agree(osrm: OsrmHttp) -> None:
    origin, destination = at(0.3, 0), at(4.3, 5)
    leg = osrm.leg(origin, destination)
    table = osrm.table((origin,), (destination,))
    assert leg.seconds == pytest.approx(table.seconds[0, 0], abs=1)
    assert leg.metres == pytest.approx(table.metres[0, 0], abs=2)
    assert metres_between(leg.line[0], origin) < 5
    assert leg.turns[0].manoeuvre == "depart"
    assert leg.turns[-1].manoeuvre == "arrive"


def test_a_large_table_is_asked_for_in_blocks(osrm: OsrmHttp) -> None:
    whole = osrm.table(corners(), corners()[:7])
    small = OsrmHttp(osrm._address, places_a_request=8)
    parts = small.table(corners(), corners()[:7])
    small.close()
    assert (parts.seconds == whole.seconds).all()
    assert (parts.metres == whole.metres).all()


def test_a_point_is_brought_onto_the_road(osrm: OsrmHttp, embedded: NetworkTravel) -> None:
    snaps = [engine.snap(at(0.4, 0.05)) for engine in (osrm, embedded)]
    assert metres_between(snaps[0].point, snaps[1].point) < 2
    assert snaps[0].distance_metres == pytest.approx(snaps[1].distance_metres, abs=1)


def test_where_no_road_leads_it_says_so(osrm: OsrmHttp) -> None:
    island = at(60, 60.5)
    assert osrm.leg(at(0, 0.5), island).seconds == UNREACHABLE_SECONDS
    assert osrm.table((at(0, 0.5),), (island,)).seconds[0, 0] == UNREACHABLE_SECONDS


def test_a_request_too_large_for_the_server_is_one_clear_error(osrm: OsrmHttp) -> None:
    greedy = OsrmHttp(osrm._address, places_a_request=2000)
    with pytest.raises(EngineUnavailable, match="does not answer"):
        greedy.table(corners() * 21, corners() * 21)
    greedy.close()


def test_a_build_from_nothing_or_from_a_letter_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ExtractMissing):
        build_osrm(tmp_path / "there.osm.pbf", tmp_path / "osrm", MOUNTAIN_SPEEDS)
    letter = tmp_path / "letter.osm.pbf"
    letter.write_bytes(b"to the mayor")
    with pytest.raises(ExtractBroken, match="osrm-extract") as caught:
        build_osrm(letter, tmp_path / "osrm", MOUNTAIN_SPEEDS)
    assert len(str(caught.value).splitlines()) == 1


def test_a_server_without_its_files_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable), osrm_server(tmp_path / "roads.osrm"):
        pass


def random_places(network: Network, count: int, seed: int) -> list[Point]:
    """Places within some 50 m of the junctions of the town proper."""
    boundary = json.loads((KIMOTSUKI / "boundary.geojson").read_text(encoding="utf-8"))
    area = shapely.union_all([shape(part["geometry"]) for part in boundary["features"]])
    spots = shapely.points(network.junctions[:, ::-1])
    inside = network.junctions[shapely.contains(area, spots)]
    draw = np.random.default_rng(seed)
    chosen = inside[draw.integers(0, len(inside), count)] + draw.normal(0, 0.0003, (count, 2))
    return [Point(float(lat), float(lon)) for lat, lon in chosen]


def differences(ours: TravelTimes, theirs: TravelTimes, network: Network) -> NDArray[np.float64]:
    """Of random pairs in Kimotsuki, how far the seconds are apart, as a share of OSRM's."""
    origins = random_places(network, PAIRS, seed=1)
    destinations = random_places(network, PAIRS, seed=2)
    shares = []
    for start in range(0, PAIRS, 50):
        block = slice(start, start + 50)
        mine, other = (
            engine.table(origins[block], destinations[block]).seconds.diagonal()
            for engine in (ours, theirs)
        )
        shares.append(np.abs(mine - other) / np.maximum(other, 1))
    return np.concatenate(shares)


@pytest.mark.data
@needs_data("geo/kimotsuki/roads.osm.pbf")
def test_embedded_and_osrm_agree_in_kimotsuki(tmp_path: Path) -> None:
    network = load_network(Path("dispatch/towns/kimotsuki/network.npz"))
    base = build_osrm(KIMOTSUKI / "roads.osm.pbf", tmp_path / "osrm", MOUNTAIN_SPEEDS)
    with osrm_server(base) as osrm:
        found = differences(NetworkTravel(network, MOUNTAIN_SPEEDS), osrm, network)
    assert len(found) == PAIRS
    assert np.median(found) < 0.03
    assert np.quantile(found, 0.95) < 0.05
