"""An OpenStreetMap extract in, the town's road network out.

Reads the roads that a car may drive, keeps those in and around the town from which one can
reach every other, joins what is cut at points that are no junction, simplifies the lines to
about 5 m and writes one small file. The credit that the Open Database Licence asks for
travels inside the file.

See: docs/roads.md; docs/decisions/0010-the-towns-own-road-network.md
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import cos, radians
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from routing.errors import NoRoads
from routing.extract import Piece, Restriction, read_extract
from routing.network import (
    EARTH_METRES,
    Link,
    Network,
    metres_between,
    network_from_links,
    save_network,
)
from routing.strong import largest_strong_part
from routing.travel import Point

CREDIT = "© OpenStreetMap contributors"
LICENCE = "ODbL 1.0, https://opendatacommons.org/licenses/odbl/1-0/"
TOLERANCE_METRES = 5.0
METRES_PER_DEGREE = radians(1) * EARTH_METRES


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came out: the network's size, and what was left out and why."""

    file: Path
    file_bytes: int
    junctions: int
    links: int
    road_metres: int
    ways_read: int
    links_outside: int
    links_cut_off: int
    points_missing: int
    turns_forbidden: int

    def __str__(self) -> str:
        missing = f", {self.points_missing} points missing" if self.points_missing else ""
        return (
            f"{self.file.name}: {self.links} links, {self.junctions} junctions, "
            f"{self.road_metres / 1000:.0f} km of road, {self.file_bytes / 1000:.0f} kB; left out: "
            f"{self.links_outside} outside the area, {self.links_cut_off} cut off{missing}"
        )


def import_roads(
    pbf: Path,
    out: Path,
    speeds: Mapping[str, float],
    boundary: Mapping[str, Any] | None = None,
    margin_metres: float = 8000.0,
    as_of: str | None = None,
) -> ImportReport:
    """Write the road network of a town from an OpenStreetMap extract.

    Parameters
    ----------
    speeds : km/h by road class; classes without a speed (footways) are no roads here.
    boundary : GeoJSON of the town; None keeps the whole extract.
    margin_metres : how far beyond the boundary roads are kept, for ways that leave the town.
    as_of : date of the data, for the credit; the extract's own if None.

    Raises ExtractMissing, ExtractBroken, NoRoads; `out` is then as it was before.
    """
    extract = read_extract(pbf, speeds)
    pieces = list(_cut_at_junctions(extract.ways))
    near = _within(pieces, boundary, margin_metres)
    strong = _strongly_connected(near, extract.restrictions)
    if not strong:
        raise NoRoads(file=pbf)
    joined = _join_chains(strong, {x.via for x in extract.restrictions})
    about = {
        "credit": CREDIT,
        "licence": LICENCE,
        "source": pbf.name,
        "as_of": as_of or extract.dated,
    }
    network = _network(joined, extract.restrictions, about)
    save_network(network, out)
    return ImportReport(
        file=out,
        file_bytes=out.stat().st_size,
        junctions=len(network.junctions),
        links=len(network),
        road_metres=round(int(network.length_decimetres.sum(dtype="int64")) / 10),
        ways_read=len(extract.ways),
        links_outside=len(pieces) - len(near),
        links_cut_off=len(near) - len(strong),
        points_missing=extract.points_missing,
        turns_forbidden=len(network.forbidden),
    )


def _cut_at_junctions(ways: Sequence[Piece]) -> Iterator[Piece]:
    uses = Counter(node for way in ways for node in way.nodes)
    for way in ways:
        start = 0
        for i in range(1, len(way.nodes)):
            if uses[way.nodes[i]] > 1 or i == len(way.nodes) - 1:
                part = slice(start, i + 1)
                yield replace(way, nodes=way.nodes[part], points=way.points[part])
                start = i


def _within(
    pieces: Sequence[Piece], boundary: Mapping[str, Any] | None, margin_metres: float
) -> list[Piece]:
    """The pieces that touch the town or lie within the margin around it."""
    if boundary is None:
        return list(pieces)
    town = shapely.union_all([shape(dict(part)) for part in _geometries(boundary)])
    squeeze = cos(radians(town.centroid.y))
    area = _in_metres(town, squeeze).buffer(margin_metres)
    shapely.prepare(area)

    def is_near(piece: Piece) -> bool:
        line = shapely.LineString([(p.lon, p.lat) for p in piece.points])
        return bool(area.intersects(_in_metres(line, squeeze)))

    return [piece for piece in pieces if is_near(piece)]


def _geometries(geojson: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if geojson.get("type") == "FeatureCollection":
        return [geometry for part in geojson["features"] for geometry in _geometries(part)]
    return [geojson["geometry"]] if geojson.get("type") == "Feature" else [geojson]


def _in_metres(geometry: BaseGeometry, squeeze: float) -> BaseGeometry:
    """Degrees to metres on a flat map, true near the latitude whose cosine is `squeeze`."""
    scale = (METRES_PER_DEGREE * squeeze, METRES_PER_DEGREE)
    return shapely.transform(geometry, lambda lonlat: lonlat * scale)


def _strongly_connected(
    pieces: Sequence[Piece], restrictions: Sequence[Restriction]
) -> list[Piece]:
    """What can be reached from everywhere else; a lane that only leads in or out is dropped."""
    links = [(piece.nodes[0], piece.nodes[-1], piece.oneway) for piece in pieces]
    within = largest_strong_part(links, frozenset(_forbidden(pieces, restrictions)))
    return [piece for piece, kept in zip(pieces, within, strict=True) if kept]


def _forbidden(
    pieces: Sequence[Piece], restrictions: Sequence[Restriction]
) -> list[tuple[int, int]]:
    """Pairs of arcs of which the second may not follow the first.

    As the extract's rules ask, both ways of a restriction must begin or end at its node.
    """
    ends: dict[int, tuple[list[tuple[int, int]], list[tuple[int, int]]]] = {
        restriction.via: ([], []) for restriction in restrictions
    }
    for i, piece in enumerate(pieces):
        for arc, start, end in ((2 * i, 0, -1), (2 * i + 1, -1, 0)):
            if arc & 1 and piece.oneway:
                continue
            if piece.nodes[end] in ends:
                ends[piece.nodes[end]][0].append((arc, piece.way_at[end]))
            if piece.nodes[start] in ends:
                ends[piece.nodes[start]][1].append((arc, piece.way_at[start]))
    found: set[tuple[int, int]] = set()
    for restriction in restrictions:
        arriving, leaving = ends[restriction.via]
        before = [arc for arc, way in arriving if way == restriction.from_way]
        named = {arc for arc, way in leaving if way == restriction.to_way}
        if len(before) != 1 or len(named) != 1:
            continue  # a way that passes through the node, or is not here: unclear which turn
        barred = {arc for arc, _ in leaving} - named if restriction.only else named
        found |= {(before[0], onto) for onto in barred}
    return sorted(found)


def _join_chains(pieces: Sequence[Piece], kept: Collection[int]) -> list[Piece]:
    """Join pieces at nodes where nothing is decided: two ends, same class, name, direction.

    Nodes in `kept` remain, since turn restrictions name them.
    """
    alive: dict[int, Piece] = dict(enumerate(pieces))
    meeting: dict[int, list[int]] = defaultdict(list)
    for i, piece in alive.items():
        meeting[piece.nodes[0]].append(i)
        meeting[piece.nodes[-1]].append(i)
    for node, here in meeting.items():
        if len(here) != 2 or here[0] == here[1] or node in kept:
            continue
        joined = _joined(alive[here[0]], alive[here[1]], node)
        if joined is None:
            continue
        first, second = here
        far = _other_end(alive[second], node)
        alive[first] = joined
        del alive[second]
        meeting[far] = [first if i == second else i for i in meeting[far]]
        here.clear()
    return list(alive.values())


def _other_end(piece: Piece, node: int) -> int:
    return piece.nodes[0] if piece.nodes[-1] == node else piece.nodes[-1]


def _joined(first: Piece, second: Piece, node: int) -> Piece | None:
    """`first` and `second` as one piece through `node`, or None if they differ."""
    same = (first.road_class, first.name, first.oneway) == (
        second.road_class,
        second.name,
        second.oneway,
    )
    if not same:
        return None
    if first.oneway:
        before, after = (first, second) if first.nodes[-1] == node else (second, first)
        if before.nodes[-1] != node or after.nodes[0] != node:
            return None
    else:
        before = first if first.nodes[-1] == node else first.reversed()
        after = second if second.nodes[0] == node else second.reversed()
    return replace(
        before,
        nodes=before.nodes + after.nodes[1:],
        points=before.points + after.points[1:],
        way_at=(before.way_at[0], after.way_at[1]),
    )


def _network(
    pieces: Sequence[Piece], restrictions: Sequence[Restriction], about: Mapping[str, str]
) -> Network:
    """Number the junctions by place, put the links in order, simplify their lines."""
    place: dict[int, Point] = {}
    for piece in pieces:
        place[piece.nodes[0]] = piece.points[0]
        place[piece.nodes[-1]] = piece.points[-1]
    order = sorted(place, key=lambda node: (_along_z_curve(place[node]), node))
    number = {node: i for i, node in enumerate(order)}
    turned = [
        piece.reversed()
        if not piece.oneway and number[piece.nodes[0]] > number[piece.nodes[-1]]
        else piece
        for piece in pieces
    ]
    both = [(_link(piece, number), piece) for piece in turned]
    both.sort(key=lambda pair: _order_of(pair[0]))
    forbidden = _forbidden([piece for _, piece in both], restrictions)
    links = [link for link, _ in both]
    return network_from_links([place[node] for node in order], links, about, forbidden)


def _order_of(link: Link) -> tuple[object, ...]:
    return (link.origin, link.destination, link.length_metres, link.road_class, link.name)


def _link(piece: Piece, number: Mapping[int, int]) -> Link:
    points = piece.points
    length = sum(metres_between(a, b) for a, b in pairwise(points))
    squeeze = cos(radians(points[0].lat))
    flat = shapely.LineString([(p.lon * squeeze, p.lat) for p in points])
    simple = flat.simplify(TOLERANCE_METRES / METRES_PER_DEGREE, preserve_topology=False)
    return Link(
        origin=number[piece.nodes[0]],
        destination=number[piece.nodes[-1]],
        road_class=piece.road_class,
        name=piece.name,
        oneway=piece.oneway,
        via=tuple(Point(y, x / squeeze) for x, y in simple.coords[1:-1]),
        length_metres=length,
    )


def _along_z_curve(point: Point) -> int:
    """Neighbours on the map become neighbours in the file and in memory (Morton order)."""
    lat, lon = round((point.lat + 90) * 1e5), round((point.lon + 180) * 1e5)
    return int(f"{lat:027b}", 4) * 2 + int(f"{lon:027b}", 4)
