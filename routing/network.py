"""The town's own road network: junctions and the links between them, in one small file.

A *link* is a stretch of road from one junction to the next with its class, its name, its
true length and its line; a *junction* is where roads meet, end, or change class or name.
How fast one drives is no part of it: the town's speed table turns lengths into seconds
when the network is loaded, so a town changes its speeds without a new import.

See: docs/roads.md; docs/decisions/0010-the-towns-own-road-network.md
"""

from __future__ import annotations

import json
import os
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import asin, cos, degrees, radians, sin, sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from routing.errors import NetworkBroken, NetworkMissing, NetworkNotWritten
from routing.travel import Point

EARTH_METRES = 6_371_008.8
"""Mean radius of the earth (IUGG, R1)."""

FORMAT = "noriai-roads"
VERSION = 1
DAMAGED = (
    AttributeError, EOFError, IndexError, KeyError, NotImplementedError, RuntimeError, SyntaxError,
    TypeError, ValueError, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What reading a damaged or foreign file may raise, by where the damage lies."""

GRID = 100_000
"""Stored coordinates are whole 1/100,000 degrees, about 1.1 m."""


@dataclass(frozen=True, slots=True)
class Link:
    """A stretch of road, as `network_from_links` takes it.

    origin, destination : indices of junctions.
    via : points of its line between the two.
    length_metres : measured along the line when None.
    """

    origin: int
    destination: int
    road_class: str = "residential"
    name: str = ""
    oneway: bool = False
    via: tuple[Point, ...] = ()
    length_metres: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Roads as columns; n junctions, m links, k points of all lines together.

    junctions : (n, 2) float64, latitude and longitude in degrees.
    origin, destination : (m,) int32 junctions.
    length_decimetres : (m,) int32, along the road as it is mapped, not as simplified.
    road_class, name : (m,) int32, indices into `classes` and `names`; name 0 is "".
    oneway : (m,) bool, from origin to destination only.
    line_start : (m + 1,) int32; link i has the points line_start[i] to line_start[i + 1].
    points : (k, 2) float64, whole lines, both junctions included.
    about : where it comes from: `credit`, `licence`, `as_of`, `source`, …
    forbidden : (turns, 2) int32 arcs (2i: link i from its origin, 2i + 1: towards it) of which
        the second may not follow the first.
    """

    junctions: NDArray[np.float64]
    origin: NDArray[np.int32]
    destination: NDArray[np.int32]
    length_decimetres: NDArray[np.int32]
    road_class: NDArray[np.int32]
    name: NDArray[np.int32]
    oneway: NDArray[np.bool_]
    line_start: NDArray[np.int32]
    points: NDArray[np.float64]
    classes: tuple[str, ...]
    names: tuple[str, ...]
    about: Mapping[str, str] = field(default_factory=dict)
    forbidden: NDArray[np.int32] = field(default_factory=lambda: np.zeros((0, 2), np.int32))

    def __len__(self) -> int:
        return len(self.origin)

    def line(self, link: int) -> NDArray[np.float64]:
        """(points, 2) latitude and longitude of one link, from origin to destination."""
        return self.points[self.line_start[link] : self.line_start[link + 1]]


def metres_between(origin: Point, destination: Point) -> float:
    """Great-circle distance on a sphere (haversine)."""
    lat_a, lat_b = radians(origin.lat), radians(destination.lat)
    half_lat, half_lon = (lat_b - lat_a) / 2, radians(destination.lon - origin.lon) / 2
    chord = sin(half_lat) ** 2 + cos(lat_a) * cos(lat_b) * sin(half_lon) ** 2
    return 2 * EARTH_METRES * asin(sqrt(chord))


def network_from_links(
    junctions: Sequence[Point],
    links: Sequence[Link],
    about: Mapping[str, str] | None = None,
    forbidden: Sequence[tuple[int, int]] = (),
) -> Network:
    """Build a network by hand: made-up towns, and what the importer read.

    Coordinates are rounded to the file's grid, so a network is the same before it is saved
    and after it is loaded; lengths are measured before that.
    """
    classes = tuple(sorted({link.road_class for link in links}))
    names = ("", *sorted({link.name for link in links} - {""}))
    class_index = {text: i for i, text in enumerate(classes)}
    name_index = {text: i for i, text in enumerate(names)}
    lines = [(junctions[x.origin], *x.via, junctions[x.destination]) for x in links]
    lengths = [
        _line_metres(line) if link.length_metres is None else link.length_metres
        for link, line in zip(links, lines, strict=True)
    ]
    flat = [(p.lat, p.lon) for line in lines for p in line]
    starts = np.cumsum([0, *(len(line) for line in lines)])
    return Network(
        junctions=_on_grid([(p.lat, p.lon) for p in junctions]),
        origin=np.array([x.origin for x in links], np.int32),
        destination=np.array([x.destination for x in links], np.int32),
        length_decimetres=np.array([max(1, round(10 * metres)) for metres in lengths], np.int32),
        road_class=np.array([class_index[x.road_class] for x in links], np.int32),
        name=np.array([name_index[x.name] for x in links], np.int32),
        oneway=np.array([x.oneway for x in links], np.bool_),
        line_start=starts.astype(np.int32),
        points=_on_grid(flat),
        classes=classes,
        names=names,
        about=dict(about or {}),
        forbidden=np.array(forbidden, np.int32).reshape(-1, 2),
    )


def grid_network(
    rows: int,
    columns: int,
    spacing_metres: float = 500.0,
    origin: Point | None = None,
    road_class: str = "residential",
) -> Network:
    """A made-up town of straight streets: `rows` of them west to east, `columns` south to north.

    `origin` is the junction in the south-west (31.0 N, 131.0 E if None). Junction number
    row * columns + column; streets are named "Street 1" (the southernmost) …, "Avenue 1"
    (the westernmost) ….
    """
    corner = origin or Point(31.0, 131.0)
    lat_step = degrees(spacing_metres / EARTH_METRES)
    lon_step = lat_step / cos(radians(corner.lat))
    junctions = [
        Point(corner.lat + row * lat_step, corner.lon + column * lon_step)
        for row in range(rows)
        for column in range(columns)
    ]

    def street(start: int, end: int, name: str) -> Link:
        return Link(start, end, road_class, name, length_metres=spacing_metres)

    along = [
        street(row * columns + c, row * columns + c + 1, f"Street {row + 1}")
        for row in range(rows)
        for c in range(columns - 1)
    ]
    across = [
        street(r * columns + column, (r + 1) * columns + column, f"Avenue {column + 1}")
        for r in range(rows - 1)
        for column in range(columns)
    ]
    return network_from_links(junctions, along + across, {"source": "made up"})


def save_network(network: Network, path: Path) -> None:
    """Write the file whole or not at all; the same network gives the same bytes.

    Raises NetworkNotWritten where the folder is missing, full or closed to us.
    """
    about = {"format": FORMAT, "version": VERSION, "classes": network.classes}
    about |= {"names": network.names, "about": dict(sorted(network.about.items()))}
    text = json.dumps(about, ensure_ascii=False, sort_keys=True).encode()
    steps = np.diff(_to_grid(network.points), axis=0, prepend=np.zeros((1, 2), np.int32))
    ends = np.diff(_to_grid(network.junctions), axis=0, prepend=np.zeros((1, 2), np.int32))
    columns = {
        "about": np.frombuffer(text, np.uint8),
        "junctions": _to_planes(ends.ravel()),
        "origin": _to_planes(np.diff(network.origin, prepend=np.int32(0))),
        "span": _to_planes(network.destination - network.origin),
        "length": _to_planes(network.length_decimetres),
        "road_class": network.road_class.astype(np.uint8),
        "name": _to_planes(network.name),
        "oneway": np.packbits(network.oneway),
        "line": _to_planes(np.diff(network.line_start)),
        "points": _to_planes(steps.ravel()),
        "forbidden": _to_planes(network.forbidden.ravel()),
    }
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with partial.open("wb") as stream:
            np.savez_compressed(stream, **columns)  # type: ignore[arg-type]
        partial.replace(path)
    except OSError as error:
        raise NetworkNotWritten(file=path, problem=error.strerror or "refused") from error
    finally:
        partial.unlink(missing_ok=True)


def load_network(path: Path) -> Network:
    """Read a road network.

    Raises NetworkMissing, or NetworkBroken for a file that is damaged, foreign or newer.
    """
    if not path.is_file():
        raise NetworkMissing(file=path, problem="there is no such file")
    try:
        with np.load(path, allow_pickle=False) as columns:
            about = json.loads(columns["about"].tobytes().decode())
            if about.get("format") != FORMAT:
                raise NetworkBroken(file=path, problem="it is a file of another kind")
            if about.get("version") != VERSION:
                raise NetworkBroken(file=path, problem=f"version {about.get('version')}")
            network = _from_columns(columns, about)
            problem = _problem_of(network)
    except NetworkBroken:
        raise
    except OSError as error:
        raise NetworkBroken(file=path, problem=error.strerror or "it cannot be read") from error
    except DAMAGED as error:
        raise NetworkBroken(file=path, problem="it is damaged or of another kind") from error
    if problem:
        raise NetworkBroken(file=path, problem=problem)
    return network


def _from_columns(columns: Any, about: Mapping[str, Any]) -> Network:
    origin = np.cumsum(_from_planes(columns["origin"]), dtype=np.int32)
    junctions = np.cumsum(_from_planes(columns["junctions"]).reshape(-1, 2), axis=0)
    points = np.cumsum(_from_planes(columns["points"]).reshape(-1, 2), axis=0)
    counts = _from_planes(columns["line"])
    return Network(
        junctions=junctions / GRID,
        origin=origin,
        destination=origin + _from_planes(columns["span"]),
        length_decimetres=_from_planes(columns["length"]),
        road_class=columns["road_class"].astype(np.int32),
        name=_from_planes(columns["name"]),
        oneway=np.unpackbits(columns["oneway"], count=len(origin)).astype(np.bool_),
        line_start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        points=points / GRID,
        classes=tuple(about["classes"]),
        names=tuple(about["names"]),
        about=dict(about["about"]),
        forbidden=_from_planes(columns["forbidden"]).reshape(-1, 2),
    )


def _problem_of(network: Network) -> str | None:
    """What keeps the columns from being a network, if anything does."""
    links, places = len(network.origin), len(network.junctions)
    columns = (network.destination, network.length_decimetres, network.road_class)
    if links == 0 or any(len(x) != links for x in (*columns, network.name, network.oneway)):
        return "its columns differ in length"
    within = (
        (network.origin, places),
        (network.destination, places),
        (network.road_class, len(network.classes)),
        (network.name, len(network.names)),
        (network.forbidden, 2 * links),
    )
    if any(x.size and (x.min() < 0 or x.max() >= limit) for x, limit in within):
        return "it names a junction, class or road that it does not hold"
    if len(network.line_start) != links + 1 or network.line_start[-1] != len(network.points):
        return "its lines do not fit its links"
    if np.diff(network.line_start).min() < 2 or network.length_decimetres.min() < 1:
        return "it holds a road without a line or a length"
    return None


def _line_metres(line: Sequence[Point]) -> float:
    return sum(metres_between(a, b) for a, b in pairwise(line))


def _to_grid(degrees_: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.rint(degrees_ * GRID).astype(np.int32)


def _on_grid(degrees_: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    return _to_grid(np.array(degrees_, np.float64).reshape(-1, 2)) / GRID


def _to_planes(values: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Small differences as bytes that compress well: sign in the last bit, byte by byte."""
    signed = values.astype(np.int32)
    folded = ((signed << 1) ^ (signed >> 31)).astype("<u4")
    return np.ascontiguousarray(folded.view(np.uint8).reshape(-1, 4).T)


def _from_planes(planes: NDArray[np.uint8]) -> NDArray[np.int32]:
    folded = np.ascontiguousarray(planes.T).view("<u4").reshape(-1)
    return ((folded >> 1) ^ -(folded & 1).astype(np.uint32)).astype(np.uint32).view(np.int32)
