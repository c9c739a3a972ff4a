"""The base map: what the town knows of its own ground, for a map that needs no network.

See: docs/http.md, the live town; docs/decisions/0085-a-base-map-of-the-towns-own.md
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from shapely import union_all
from shapely.geometry.base import BaseGeometry

from api.forms import Answer
from dispatch.town import TileKind, Town
from dispatch.wiring import NETWORK_FILE
from routing.basemap import Area, BaseMap, Line, land_of, read_basemap, roads_by_class
from routing.network import Network, load_network

router = APIRouter(prefix="/map", tags=["places"])

BASEMAP_FILE = "basemap.json.gz"

MARGIN_DEGREES = 0.03
"""How far the map reaches beyond the service area: about 3 km."""

A_DAY = "private, max-age=86400"


class Features(Answer):
    """A GeoJSON FeatureCollection (RFC 7946)."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[dict[str, Any]]


class TilesOut(Answer):
    """Tiles that the town lets browsers fetch in place of the base map."""

    kind: TileKind
    url: str
    credit: str


class MapOut(Answer):
    """The base map. `bounds` are west, south, east, north; `centre` is where it opens.

    Roads have a `width` from 1 (widest) to 5; places a `rank` from 1 (most people) on.
    """

    bounds: tuple[float, float, float, float]
    centre: tuple[float, float]
    credits: list[str]
    tiles: TilesOut | None
    water: Features
    woods: Features
    rivers: Features
    roads: Features
    areas: Features
    places: Features
    stops: Features
    peaks: Features


def map_of(town: Town) -> MapOut:
    """The base map of a town, from the files of its folder."""
    folder = town.folder or Path()
    ground = read_basemap(folder / BASEMAP_FILE)
    network = folder / NETWORK_FILE
    roads = roads_of(load_network(network)) if network.is_file() else []
    tiles = town.tiles
    return MapOut(
        bounds=bounds_of(town),
        centre=(town.centre.lon, town.centre.lat),
        credits=_credits(town, ground),
        tiles=None
        if tiles is None
        else TilesOut(kind=tiles.kind, url=tiles.url, credit=tiles.credit),
        water=Features(features=_polygons(ground.water)),
        woods=Features(features=_polygons(ground.woods)),
        rivers=Features(features=_lines(ground.rivers)),
        roads=Features(features=roads),
        areas=Features(features=_areas(town)),
        places=Features(features=_settlements(town)),
        stops=Features(
            features=[
                _point(s.point.lon, s.point.lat, id=s.id, name=s.name, kind=s.kind)
                for s in town.stops
            ]
        ),
        peaks=Features(features=[_point(p.lon, p.lat, name=p.name) for p in ground.peaks]),
    )


def bounds_of(town: Town) -> tuple[float, float, float, float]:
    """West, south, east, north of the service area and a little around it."""
    boxes = [area.shape.bounds for area in town.areas]
    stops = [(s.point.lon, s.point.lat, s.point.lon, s.point.lat) for s in town.stops]
    every = boxes or stops or [(town.centre.lon, town.centre.lat) * 2]
    return (
        round(min(box[0] for box in every) - MARGIN_DEGREES, 5),
        round(min(box[1] for box in every) - MARGIN_DEGREES, 5),
        round(max(box[2] for box in every) + MARGIN_DEGREES, 5),
        round(max(box[3] for box in every) + MARGIN_DEGREES, 5),
    )


def known_land(town: Town) -> BaseGeometry:
    """What is land for certain: the service areas and the roads that the town has."""
    network = (town.folder or Path()) / NETWORK_FILE
    areas = [area.shape for area in town.areas]
    return land_of(load_network(network), areas) if network.is_file() else union_all(areas)


def roads_of(network: Network) -> list[dict[str, Any]]:
    """The roads that are drawn, a feature a width."""
    return [
        _feature("MultiLineString", lines, width=width)
        for width, lines in roads_by_class(network).items()
    ]


def _credits(town: Town, ground: BaseMap) -> list[str]:
    return list(dict.fromkeys([*town.credits, *filter(None, [ground.credit])]))


def _settlements(town: Town) -> list[dict[str, Any]]:
    by_people = sorted(town.settlements, key=lambda each: -each.population)
    return [
        _point(s.point.lon, s.point.lat, name=s.name, kana=s.kana, rank=rank)
        for rank, s in enumerate(by_people, 1)
    ]


def _areas(town: Town) -> list[dict[str, Any]]:
    return [
        _feature(
            "MultiPolygon",
            [
                [[(round(p.lon, 5), round(p.lat, 5)) for p in ring] for ring in polygon]
                for polygon in area.polygons
            ],
            name=area.name,
        )
        for area in town.areas
    ]


def _polygons(areas: Iterable[Area]) -> list[dict[str, Any]]:
    return [_feature("Polygon", area) for area in areas]


def _lines(lines: Iterable[Line]) -> list[dict[str, Any]]:
    return [_feature("LineString", line) for line in lines]


def _point(lon: float, lat: float, **about: object) -> dict[str, Any]:
    return _feature("Point", (round(lon, 5), round(lat, 5)), **about)


def _feature(shape: str, coordinates: object, **about: object) -> dict[str, Any]:
    geometry = {"type": shape, "coordinates": coordinates}
    return {"type": "Feature", "properties": about, "geometry": geometry}


class DrawnMap:
    """The answer as bytes, made once in a process when it is first asked for."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._body = b""
        self.etag = ""

    def body(self) -> bytes:
        """The base map as JSON."""
        if not self._body:
            self._body = map_of(self._town).model_dump_json().encode()
            self.etag = f'"{hashlib.sha256(self._body).hexdigest()[:24]}"'
        return self._body


def is_known(etag: str, if_none_match: str) -> bool:
    """Whether the caller has this already (RFC 9110, 13.1.2).

    A proxy that compresses an answer marks its tag as weak, which means the same here.
    """
    known = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in known or "*" in known


@router.get("", response_model=MapOut)
def draw(request: Request) -> Response:
    """Sea, woods, roads, areas, names and stops, to draw a map without a network."""
    drawn: DrawnMap = request.app.state.drawn_map
    body = drawn.body()
    headers = {"ETag": drawn.etag, "Cache-Control": A_DAY}
    if is_known(drawn.etag, request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
