"""An OpenStreetMap extract becomes a road network, or one clear error and nothing else."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from routing.errors import BadSpeeds, ExtractBroken, ExtractMissing, NoRoads
from routing.importer import ImportReport, import_roads
from routing.network import Network, load_network, metres_between
from routing.speeds import MOUNTAIN_SPEEDS
from tests.routing.maps import LAT, LON, STEP, Extract, at

LOOP = ((0, 1), (1, 1), (1, 0), (0, 0))
"""The way back, so that what stands between (0, 0) and (0, 1) is part of a ring."""


def imported(extract: Extract, tmp_path: Path, **wishes: object) -> Network:
    report(extract, tmp_path, **wishes)
    return load_network(tmp_path / "network.npz")


def report(extract: Extract, tmp_path: Path, **wishes: object) -> ImportReport:
    pbf = extract.write(tmp_path / "roads.osm.pbf")
    return import_roads(pbf, tmp_path / "network.npz", MOUNTAIN_SPEEDS, **wishes)  # type: ignore[arg-type]


def test_ways_are_joined_where_nothing_is_decided(tmp_path: Path) -> None:
    extract = Extract().way([(0, 0), (0, 1)], name="A").way([(0, 2), (0, 1)], name="A")
    extract.way([(0, 2), (0, 3), (0, 4)], name="A")
    network = imported(extract, tmp_path)
    assert (len(network), len(network.junctions)) == (1, 2)
    assert network.length_decimetres[0] / 10 == pytest.approx(
        metres_between(at(0, 0), at(0, 4)), abs=0.1
    )


def test_a_change_of_class_or_name_remains_a_junction(tmp_path: Path) -> None:
    extract = Extract().way([(0, 0), (0, 1)], name="A").way([(0, 1), (0, 2)], name="B")
    extract.way([(0, 2), (0, 3)], "tertiary", name="B")
    network = imported(extract, tmp_path)
    assert len(network) == 3
    assert set(network.classes) == {"residential", "tertiary"}
    assert network.names == ("", "A", "B")


def test_where_three_roads_meet_is_a_junction(tmp_path: Path) -> None:
    extract = Extract().way([(0, 0), (0, 1), (0, 2)], name="A").way([(0, 1), (1, 1)], name="A")
    assert len(imported(extract, tmp_path)) == 3


@pytest.mark.parametrize(
    ("tags", "places"),
    [
        ({"oneway": "yes"}, ((0, 0), (0, 1))),
        ({"oneway": "-1"}, ((0, 1), (0, 0))),
        ({"junction": "roundabout"}, ((0, 0), (0, 1))),
    ],
)
def test_one_way_roads_lead_one_way(
    tmp_path: Path, tags: dict[str, str], places: tuple[tuple[int, int], ...]
) -> None:
    extract = Extract().way(places, "tertiary", **tags).way(LOOP)
    network = imported(extract, tmp_path)
    oneway = [i for i in range(len(network)) if network.oneway[i]]
    assert [network.classes[network.road_class[i]] for i in oneway] == ["tertiary"]
    start = network.line(oneway[0])[0]
    assert (start[0], start[1]) == pytest.approx((at(0, 0).lat, at(0, 0).lon), abs=1e-5)


def test_a_road_tagged_both_ways_is_no_one_way_road(tmp_path: Path) -> None:
    network = imported(Extract().way([(0, 0), (0, 1)], "motorway", oneway="no"), tmp_path)
    assert not network.oneway.any()


@pytest.mark.parametrize(
    "tags",
    [
        {"access": "private"},
        {"motor_vehicle": "no"},
        {"access": "yes", "motorcar": "no"},
        {"area": "yes"},
    ],
)
def test_what_no_car_may_drive_is_left_out(tmp_path: Path, tags: dict[str, str]) -> None:
    extract = Extract().way([(0, 0), (0, 1)]).way([(0, 1), (0, 2)], "service", **tags)
    extract.way([(0, 1), (1, 1)], "footway")
    assert imported(extract, tmp_path).classes == ("residential",)


def test_a_general_ban_with_leave_for_cars_is_open(tmp_path: Path) -> None:
    extract = Extract().way([(0, 0), (0, 1)], access="no", motor_vehicle="yes")
    assert len(imported(extract, tmp_path)) == 1


def test_one_does_not_drive_through_a_bollard(tmp_path: Path) -> None:
    extract = Extract().way([(0, 0), (0, 1), (0, 2), (0, 3)]).tag((0, 1), barrier="bollard")
    extract.way([(0, 2), (1, 2)], "track")
    network = imported(extract, tmp_path)
    street = network.length_decimetres[network.road_class == network.classes.index("residential")]
    assert street.sum() / 10 == pytest.approx(metres_between(at(0, 1), at(0, 3)), abs=0.2)


def test_a_gate_and_a_bollard_with_leave_for_cars_are_open(tmp_path: Path) -> None:
    extract = Extract().way([(0, 0), (0, 1), (0, 2), (0, 3)]).tag((0, 1), barrier="gate")
    extract.tag((0, 2), barrier="bollard", motor_vehicle="yes")
    assert imported(extract, tmp_path).length_decimetres.sum() / 10 == pytest.approx(
        metres_between(at(0, 0), at(0, 3)), abs=0.1
    )


def test_a_lane_that_one_cannot_leave_again_is_left_out(tmp_path: Path) -> None:
    extract = Extract().grid(3).way([(2, 2), (3, 3)], "service", oneway="yes")
    extract.way([(9, 9), (9, 10)], "track")
    summary = report(extract, tmp_path)
    assert load_network(summary.file).classes == ("residential",)
    assert summary.links_cut_off == 2


def test_the_line_is_simpler_and_the_length_is_not(tmp_path: Path) -> None:
    wiggle = [(0.002 * (i % 2), i / 10) for i in range(31)]  # about a metre to and fro
    extract = Extract().way(wiggle)
    network = imported(extract, tmp_path)
    points = [at(*place) for place in wiggle]
    driven = sum(metres_between(a, b) for a, b in pairwise(points))
    assert len(network.line(0)) == 2
    assert network.length_decimetres[0] / 10 == pytest.approx(driven, abs=0.1)


def test_a_real_bend_stays_in_the_line(tmp_path: Path) -> None:
    network = imported(Extract().way([(0, 0), (0.5, 0.5), (0, 1)]), tmp_path)
    assert len(network.line(0)) == 3


def test_only_roads_near_the_town_are_kept(tmp_path: Path) -> None:
    square = [[LON, LAT], [LON + STEP, LAT], [LON + STEP, LAT + STEP], [LON, LAT + STEP]]
    town = {"type": "Polygon", "coordinates": [[*square, square[0]]]}
    feature = {"type": "Feature", "properties": {}, "geometry": town}
    collection = {"type": "FeatureCollection", "features": [feature]}
    extract = Extract().way([(0, 0), (0, 1)]).way([(0, 1), (0, 2)]).way([(0, 2), (0, 9)])
    for geojson in (town, feature, collection):
        network = imported(extract, tmp_path, boundary=geojson, margin_metres=400)
        assert network.length_decimetres.sum() / 10 == pytest.approx(
            metres_between(at(0, 0), at(0, 2)), abs=0.1
        )


def test_names_are_folded_and_a_number_stands_in_for_a_name(tmp_path: Path) -> None:
    extract = Extract().way([(0, 0), (0, 1)], name="国道２２０号", ref="220")
    extract.way([(0, 1), (0, 2)], ref="448")
    assert imported(extract, tmp_path).names == ("", "448", "国道220号")


def test_the_credit_travels_inside_the_file(tmp_path: Path) -> None:
    network = imported(Extract().grid(2), tmp_path, as_of="2021-08")
    assert network.about["credit"] == "© OpenStreetMap contributors"
    assert network.about["licence"].startswith("ODbL 1.0")
    assert network.about["as_of"] == "2021-08"


def test_the_same_extract_gives_the_same_file(tmp_path: Path) -> None:
    files = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        imported(Extract().grid(4), tmp_path / name)
        files.append((tmp_path / name / "network.npz").read_bytes())
    assert files[0] == files[1]


def test_the_report_is_one_line_that_says_what_came_out(tmp_path: Path) -> None:
    summary = report(Extract().grid(3).way([(9, 9), (9, 10)], "track"), tmp_path)
    assert (summary.links, summary.junctions, summary.links_cut_off) == (12, 9, 1)
    assert str(summary).startswith("network.npz: 12 links, 9 junctions, 6 km of road")
    assert str(summary).endswith("0 outside the area, 1 cut off")


def test_a_missing_extract_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ExtractMissing, match=r"there\.osm\.pbf"):
        import_roads(tmp_path / "there.osm.pbf", tmp_path / "network.npz", MOUNTAIN_SPEEDS)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.999])
def test_an_extract_cut_short_leaves_the_old_network_alone(tmp_path: Path, share: float) -> None:
    pbf = Extract().grid(12).write(tmp_path / "roads.osm.pbf")
    whole = pbf.read_bytes()
    pbf.write_bytes(whole[: int(share * len(whole))])
    out = tmp_path / "network.npz"
    out.write_bytes(b"as it was")
    with pytest.raises(ExtractBroken) as caught:
        import_roads(pbf, out, MOUNTAIN_SPEEDS)
    assert len(str(caught.value).splitlines()) == 1
    assert out.read_bytes() == b"as it was"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["network.npz", "roads.osm.pbf"]


@pytest.mark.parametrize("name", ["roads.osm.pbf", "roads.txt", "roads.osm"])
@pytest.mark.parametrize("content", [b"", b"a letter to the mayor", bytes(range(256)) * 8])
def test_a_foreign_file_is_no_extract(tmp_path: Path, name: str, content: bytes) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises((ExtractBroken, NoRoads)):
        import_roads(file, tmp_path / "network.npz", MOUNTAIN_SPEEDS)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_extract_without_roads_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(NoRoads, match="no road that a car may drive"):
        report(Extract().way([(0, 0), (0, 1)], "footway"), tmp_path)
    assert not (tmp_path / "network.npz").exists()


def test_a_speed_that_is_none_is_refused(tmp_path: Path) -> None:
    pbf = Extract().grid(2).write(tmp_path / "roads.osm.pbf")
    with pytest.raises(BadSpeeds, match="residential"):
        import_roads(pbf, tmp_path / "network.npz", {"residential": -1})
