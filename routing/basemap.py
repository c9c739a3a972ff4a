"""The town's own base map: sea, woods, rivers and peaks to draw beneath roads and vehicles.

It is a small file in the town's folder, so that a map needs no network and no tile server.
Roads, stops and names are not in it: the town has those already.

See: docs/roads.md, base map; docs/decisions/0085-a-base-map-of-the-towns-own.md
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import asinh, pi, radians, tan
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from shapely.ops import linemerge

from routing.errors import BaseMapBroken
from routing.network import Network

ZOOM = 11
"""The tiles' zoom that a base map is taken from: a pixel of it is about 8 m."""

SIMPLE_DEGREES = 0.0002
"""About 20 m: how far a simplified edge may lie from the true one."""

GRID_DEGREES = 1e-5
"""About 1 m: every corner is rounded to this."""

GAP_DEGREES = 0.01
"""About 1 km: half the width of fields and bays that still count as land."""

SMALLEST_WOOD = 2e-6
"""Square degrees, about 2 ha: smaller woods are left out."""

ROAD_CLASSES: Mapping[str, int] = {
    "motorway": 1, "trunk": 1, "primary": 1, "secondary": 2, "tertiary": 3, "unclassified": 4,
    "residential": 5, "living_street": 5,
}  # fmt: skip
"""Roads that are drawn, from the widest line (1) to the thinnest (5); tracks are not."""

type Line = tuple[tuple[float, float], ...]
"""Longitudes and latitudes, in degrees."""

type Area = tuple[Line, ...]
"""An outer ring and its holes."""


@dataclass(frozen=True, slots=True)
class Peak:
    """A summit with a name."""

    name: str
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class BaseMap:
    """What lies around the roads. `credit` must be shown wherever the map is."""

    credit: str = ""
    water: tuple[Area, ...] = ()
    woods: tuple[Area, ...] = ()
    rivers: tuple[Line, ...] = ()
    peaks: tuple[Peak, ...] = field(default=())


def read_basemap(path: Path) -> BaseMap:
    """A base map from its file; an empty one where there is none. Raises BaseMapBroken."""
    if not path.is_file():
        return BaseMap()
    try:
        found = json.loads(gzip.decompress(path.read_bytes()))
        return BaseMap(
            credit=found["credit"],
            water=_areas(found["water"]),
            woods=_areas(found["woods"]),
            rivers=tuple(_line(each) for each in found["rivers"]),
            peaks=tuple(Peak(name, lon, lat) for name, lon, lat in found["peaks"]),
        )
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise BaseMapBroken(file=path, problem=error) from error


def write_basemap(basemap: BaseMap, path: Path) -> None:
    """Write a base map; the same map gives the same bytes."""
    form = {
        "credit": basemap.credit,
        "water": basemap.water,
        "woods": basemap.woods,
        "rivers": basemap.rivers,
        "peaks": [(peak.name, peak.lon, peak.lat) for peak in basemap.peaks],
    }
    text = json.dumps(form, ensure_ascii=False, separators=(",", ":"))
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


def roads_by_class(network: Network) -> dict[int, tuple[Line, ...]]:
    """The lines of the roads that are drawn, joined, by their class of width."""
    found: dict[int, list[shapely.LineString]] = {}
    for link in range(len(network.origin)):
        width = ROAD_CLASSES.get(network.classes[network.road_class[link]])
        if width is not None:
            points = network.points[network.line_start[link] : network.line_start[link + 1]]
            found.setdefault(width, []).append(shapely.LineString(points[:, ::-1]))
    return {
        width: tuple(_lines_of(shapely.simplify(linemerge(lines), SIMPLE_DEGREES / 4)))
        for width, lines in sorted(found.items())
    }


def land_of(network: Network, areas: Iterable[BaseGeometry]) -> BaseGeometry:
    """What is land for certain: the service areas, and the roads with 100 m around them."""
    roads = [
        shapely.LineString(line) for lines in roads_by_class(network).values() for line in lines
    ]
    return shapely.union_all([*areas, shapely.buffer(shapely.MultiLineString(roads), 0.001)])


# --- made once, from vector tiles -----------------------------------------------------------


def import_basemap(
    tiles: Path, bounds: tuple[float, float, float, float], credit: str, land: BaseGeometry
) -> BaseMap:
    """A base map out of vector tiles in the OpenMapTiles schema (a .pmtiles file).

    bounds : west, south, east, north, in degrees.
    land : what is land for certain (areas, roads), since tiles may stop at the open sea.
    Raises BaseMapBroken where the file cannot be read.
    """
    from pmtiles.reader import MmapSource, Reader  # noqa: PLC0415  (only the importer needs it)

    clip = shapely.box(*bounds)
    try:
        with tiles.open("rb") as file:
            reader: Tiles = Reader(MmapSource(file))
            layers = _layers(reader, bounds)
    except (OSError, ValueError, KeyError) as error:
        raise BaseMapBroken(file=tiles, problem=error) from error
    water = shapely.union_all([shape for shape, _ in layers["water"]])
    woods = shapely.union_all(
        [shape for shape, kind in layers["landcover"] if kind.get("class") == "wood"]
    )
    ocean = [shape for shape, kind in layers["water"] if kind.get("class") == "ocean"]
    if ocean:
        sea = open_sea(shapely.union_all(ocean), shapely.union_all([land, woods]), clip)
        water = shapely.union_all([water, sea])
    rivers = [shape for shape, kind in layers["waterway"] if kind.get("class") == "river"]
    return BaseMap(
        credit=credit,
        water=tuple(_areas_of(_simple(water, clip))),
        woods=tuple(_areas_of(_simple(woods, clip), SMALLEST_WOOD)),
        rivers=tuple(_lines_of(_simple(linemerge(_parts(shapely.union_all(rivers))), clip))),
        peaks=tuple(sorted(_peaks(layers["mountain_peak"], clip), key=lambda peak: peak.name)),
    )


class Tiles(Protocol):
    """Vector tiles, each compressed with gzip."""

    def get(self, z: int, x: int, y: int) -> bytes | None:
        """One tile; None where there is none."""
        ...


def open_sea(known: BaseGeometry, land: BaseGeometry, clip: BaseGeometry) -> BaseGeometry:
    """The known sea, continued to wherever nothing is that stands on land.

    Gaps in what is known to be land are closed, up to twice GAP_DEGREES wide.
    """
    coarse = shapely.simplify(land, SIMPLE_DEGREES * 2)
    shore = shapely.buffer(shapely.buffer(coarse, GAP_DEGREES), -GAP_DEGREES)
    open_water = shapely.get_parts(shapely.difference(clip, shore))
    return shapely.union_all([part for part in open_water if part.intersects(known)])


def _layers(
    reader: Tiles, bounds: tuple[float, float, float, float]
) -> dict[str, list[tuple[BaseGeometry, Mapping[str, Any]]]]:
    """Shapes in degrees and their properties, by layer, of all tiles within `bounds`."""
    import mapbox_vector_tile  # noqa: PLC0415

    wanted = ("water", "landcover", "waterway", "mountain_peak")
    found: dict[str, list[tuple[BaseGeometry, Mapping[str, Any]]]] = {name: [] for name in wanted}
    west, north = _tile_at(bounds[0], bounds[3])
    east, south = _tile_at(bounds[2], bounds[1])
    for x in range(int(west), int(east) + 1):
        for y in range(int(north), int(south) + 1):
            data = reader.get(ZOOM, x, y)
            if data is None:
                continue
            tile = mapbox_vector_tile.decode(
                gzip.decompress(data), default_options={"y_coord_down": True}
            )
            for name in wanted:
                layer = tile.get(name, {"features": [], "extent": 1})
                for feature in layer["features"]:
                    shape = shapely.from_geojson(json.dumps(feature["geometry"]))
                    degrees = _in_degrees(shape, (x, y), layer["extent"])
                    found[name].append((shapely.make_valid(degrees), feature["properties"]))
    return found


def _tile_at(lon: float, lat: float) -> tuple[float, float]:
    """The tile's column and row at ZOOM (Web Mercator)."""
    count = 2**ZOOM
    return (lon + 180) / 360 * count, (1 - asinh(tan(radians(lat))) / pi) / 2 * count


def _in_degrees(shape: BaseGeometry, tile: tuple[int, int], extent: int) -> BaseGeometry:
    def degrees(points: Any) -> Any:
        column = tile[0] + points[:, 0] / extent
        row = tile[1] + points[:, 1] / extent
        lat = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * row / 2**ZOOM))))
        return np.column_stack((column / 2**ZOOM * 360 - 180, lat))

    return shapely.transform(shape, degrees)


def _simple(shape: BaseGeometry, clip: BaseGeometry) -> BaseGeometry:
    simple = shapely.simplify(shapely.intersection(shape, clip), SIMPLE_DEGREES)
    return shapely.set_precision(simple, GRID_DEGREES)  # rounding alone may cross two edges


def _peaks(
    shapes: Iterable[tuple[BaseGeometry, Mapping[str, Any]]], clip: BaseGeometry
) -> set[Peak]:
    found = set()
    for shape, about in shapes:
        name = about.get("name") or about.get("name:latin")
        if name and clip.contains(shape):
            spot = shapely.get_coordinates(shape)[0]
            found.add(Peak(str(name), round(float(spot[0]), 5), round(float(spot[1]), 5)))
    return found


def _parts(shape: BaseGeometry) -> list[shapely.LineString]:
    return [part for part in shapely.get_parts(shape) if isinstance(part, shapely.LineString)]


def _areas_of(shape: BaseGeometry, least: float = 0.0) -> Iterator[Area]:
    for part in shapely.get_parts(shape):
        if part.geom_type == "Polygon" and part.area > least:
            holes = [ring for ring in part.interiors if shapely.Polygon(ring).area > least]
            yield tuple(_line(ring.coords) for ring in (part.exterior, *holes))


def _lines_of(shape: BaseGeometry) -> Iterator[Line]:
    for part in shapely.get_parts(shape):
        if part.geom_type == "LineString":
            yield _line(part.coords)


def _line(points: Iterable[Sequence[float]]) -> Line:
    return tuple((round(float(point[0]), 5), round(float(point[1]), 5)) for point in points)


def _areas(found: Iterable[Iterable[Iterable[Sequence[float]]]]) -> tuple[Area, ...]:
    return tuple(tuple(_line(ring) for ring in area) for area in found)
