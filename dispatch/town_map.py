"""Reading what lies where in a town: its service areas, stops, settlements and other names.

See: dispatch/towns/README.md for each file and column
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import shapely

from dispatch.toml_reader import MISSING, Problems, Row, Section, Table
from dispatch.town import GSI_TILES, Area, MapTiles, Settlement, Stop, TileKind, Town, find_area
from dispatch.wording import Phrase
from routing.places import NamedPlace
from routing.travel import Point


def areas_of(folder: Path, problems: Problems) -> tuple[Area, ...]:
    """The service areas of area.geojson: polygons with a name."""
    file = "area.geojson"
    try:
        features = json.loads((folder / file).read_text(encoding="utf-8"))["features"]
        areas = tuple(_area(feature) for feature in features)
    except OSError:
        problems.note(file, "", MISSING, Phrase("add_file", {"file": file}))
        return ()
    except (ValueError, KeyError, TypeError, IndexError, shapely.errors.ShapelyError) as mistake:
        problems.note(file, "", f"{type(mistake).__name__}: {mistake}", Phrase("mend_geojson"))
        return ()
    if not areas:
        problems.note(file, "features", MISSING, Phrase("mend_geojson"))
    for area in areas:
        if not area.shape.is_valid:
            why = shapely.is_valid_reason(area.shape)
            problems.note(file, area.name, why, Phrase("mend_polygon"))
    return areas


def _area(feature: Mapping[str, Any]) -> Area:
    geometry = feature["geometry"]
    if geometry["type"] not in ("Polygon", "MultiPolygon"):
        raise ValueError(geometry["type"])
    one = geometry["type"] == "Polygon"
    polygons = [geometry["coordinates"]] if one else geometry["coordinates"]
    lats = [lat for rings in polygons for ring in rings for _, lat, *_ in ring]
    if not all(-90 <= lat <= 90 for lat in lats):
        raise ValueError(max(lats, key=abs))
    return Area(
        name=str(feature["properties"]["name"]),
        polygons=tuple(
            tuple(tuple(Point(float(lat), float(lon)) for lon, lat, *_ in ring) for ring in rings)
            for rings in polygons
        ),
    )


TILES = ("none", "gsi", "raster", "vector")


def map_tiles_of(section: Section) -> MapTiles | None:
    """What browsers may fetch for the map: nothing unless the town says so."""
    kind = section.text("tiles", "none")
    if kind not in TILES:
        section.note("tiles", kind, "write_one_of", options=TILES)
    tiles = GSI_TILES if kind == "gsi" else None
    if kind in {"raster", "vector"}:
        shape: TileKind = "vector" if kind == "vector" else "raster"
        tiles = MapTiles(shape, section.text("tiles_url"), section.text("tiles_credit"))
    section.done()
    return tiles


def stops_of(folder: Path, town: Town, problems: Problems) -> tuple[Stop, ...]:
    """The designated stops of stops.csv; each must lie in a service area."""
    stops = []
    known: set[str] = set()
    table = Table(folder, "stops.csv", ("stop_id", "name", "kana", "kind", "lat", "lon"), problems)
    for row in table:
        stop = Stop(
            id=row.needed("stop_id"),
            name=row.needed("name"),
            kana=row.text("kana"),
            point=_cell_point(row),
            kind=row.text("kind") or "stop",
            aliases=_aliases(row),
        )
        if stop.id in known:
            row.note("stop_id", stop.id, "write_once")
        if town.areas and find_area(stop.point, town) is None:
            row.note("lat", f"{stop.point.lat}, {stop.point.lon}", "move_into_area")
        known.add(stop.id)
        stops.append(stop)
    return tuple(stops)


def settlements_of(folder: Path, town: Town, problems: Problems) -> tuple[Settlement, ...]:
    """The settlements of settlements.csv; each names its district."""
    settlements = []
    known: set[str] = set()
    areas = [area.name for area in town.areas]
    columns = ("settlement_id", "name", "kana", "lat", "lon", "population", "district")
    for row in Table(folder, "settlements.csv", columns, problems):
        settlement = Settlement(
            id=row.needed("settlement_id"),
            name=row.needed("name"),
            kana=row.text("kana"),
            point=_cell_point(row),
            population=round(row.number("population", 0, 10_000_000)),
            district=row.needed("district"),
        )
        if settlement.id in known:
            row.note("settlement_id", settlement.id, "write_once")
        if areas and settlement.district not in areas:
            row.note("district", settlement.district, "write_one_of", options=areas)
        known.add(settlement.id)
        settlements.append(settlement)
    return tuple(settlements)


def places_of(folder: Path, problems: Problems) -> tuple[NamedPlace, ...]:
    """Further names of gazetteer/places.csv; none if the town has no such file."""
    file = "gazetteer/places.csv"
    if not (folder / file).exists():
        return ()
    columns = ("name", "kana", "kind", "lat", "lon")
    return tuple(
        NamedPlace(
            name=row.needed("name"),
            kana=row.text("kana"),
            kind=row.text("kind") or "place",
            point=_cell_point(row),
            aliases=_aliases(row),
        )
        for row in Table(folder, file, columns, problems)
    )


def _aliases(row: Row) -> tuple[str, ...]:
    return tuple(alias.strip() for alias in row.text("aliases").split(";") if alias.strip())


def _cell_point(row: Row) -> Point:
    return Point(row.number("lat", -90, 90), row.number("lon", -180, 180))
