"""The town's own base map: made from vector tiles, small, and whole without a network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import shapely

from api.basemap import bounds_of, known_land, map_of
from dispatch.town_file import find_town, load_town
from routing.basemap import BaseMap, Peak, import_basemap, read_basemap, write_basemap
from routing.errors import BaseMapBroken
from tests.markers import DATA, needs_data, soak_only

TILES = "geo/kimotsuki/basemap.pmtiles"
SEA = ((131.1, 31.35), (131.1, 31.2))
"""In the bay of 志布志, and in the Pacific off 岸良, where the tiles end."""

SQUARE = (((130.0, 31.0), (130.1, 31.0), (130.1, 31.1), (130.0, 31.0)),)


def test_a_base_map_is_read_as_it_was_written(tmp_path: Path) -> None:
    ground = BaseMap("© somebody", (SQUARE,), (), (SQUARE[0],), (Peak("国見山", 130.9, 31.2),))

    write_basemap(ground, tmp_path / "basemap.json.gz")

    assert read_basemap(tmp_path / "basemap.json.gz") == ground


def test_a_town_without_a_base_map_has_an_empty_one(tmp_path: Path) -> None:
    assert read_basemap(tmp_path / "basemap.json.gz") == BaseMap()


@pytest.mark.parametrize("content", [b"", b"no map", b"\x1f\x8b\x08broken"])
def test_a_broken_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "basemap.json.gz").write_bytes(content)

    with pytest.raises(BaseMapBroken, match=r"basemap\.json\.gz"):
        read_basemap(tmp_path / "basemap.json.gz")


@needs_data(TILES)
@soak_only
def test_the_towns_base_map_comes_out_of_the_tiles_again(tmp_path: Path) -> None:
    town = load_town(find_town("kimotsuki"))
    committed = read_basemap(find_town("kimotsuki") / "basemap.json.gz")

    made = import_basemap(DATA / TILES, bounds_of(town), committed.credit, known_land(town))

    assert made == committed


def test_kimotsuki_has_a_sea_woods_roads_of_every_width_and_names() -> None:
    drawn = map_of(load_town(find_town("kimotsuki")))

    west, south, east, north = drawn.bounds
    assert west < drawn.centre[0] < east
    assert south < drawn.centre[1] < north
    assert [road["properties"]["width"] for road in drawn.roads.features] == [1, 2, 3, 4, 5]
    assert len(drawn.woods.features) > 100
    grounds = [
        json.dumps(each["geometry"]) for each in [*drawn.water.features, *drawn.woods.features]
    ]
    assert all(shapely.is_valid(shapely.from_geojson(grounds)))
    sea = shapely.union_all(
        shapely.from_geojson([json.dumps(e["geometry"]) for e in drawn.water.features])
    )
    stops = [shapely.Point(each["geometry"]["coordinates"]) for each in drawn.stops.features]
    assert all(sea.contains(shapely.Point(each)) for each in SEA)
    assert not any(sea.contains(stop) for stop in stops)
    assert {area["properties"]["name"] for area in drawn.areas.features} == {"高山", "内之浦"}
    assert any("OpenStreetMap" in credit for credit in drawn.credits)
    assert drawn.tiles is None
