"""What an OpenStreetMap extract says about roads: which ones a car may drive, and how.

Tags are read as the OpenStreetMap wiki describes them; everything the rest of the importer
needs to know of them stands here.

See: docs/roads.md; https://wiki.openstreetmap.org/wiki/Key:access and Relation:restriction
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import osmium

from routing.errors import ExtractBroken, ExtractMissing, NoRoads
from routing.speeds import speed_of
from routing.travel import Point

# Who may pass, by the most particular key that is present (OpenStreetMap wiki, Key:access).
RESTRICTION_KEYS = ("restriction:motorcar", "restriction")
ACCESS_KEYS = ("motorcar", "motor_vehicle", "vehicle", "access")
CLOSED = frozenset((
    "no", "private", "agricultural", "forestry", "emergency", "military", "official", "psv",
    "bus", "foot", "bicycle",
))  # fmt: skip
BARRIERS = frozenset((
    "block", "bollard", "chain", "cycle_barrier", "debris", "ditch", "fence", "guard_rail",
    "full-height_turnstile", "hedge", "horse_stile", "jersey_barrier", "kissing_gate", "log",
    "motorcycle_barrier", "planter", "stile", "turnstile", "wall",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of road between two nodes of the extract, in the direction of travel.

    way_at : the extract's ways that its first and its last node lie on.
    """

    nodes: list[int]
    points: list[Point]
    road_class: str
    name: str
    oneway: bool
    way_at: tuple[int, int]

    def reversed(self) -> Piece:
        """The same road from the other end."""
        return replace(
            self, nodes=self.nodes[::-1], points=self.points[::-1], way_at=self.way_at[::-1]
        )


@dataclass(frozen=True, slots=True)
class Restriction:
    """At node `via`, coming from one way, one may not (or may only) go on along another."""

    from_way: int
    via: int
    to_way: int
    kind: str

    @property
    def only(self) -> bool:
        """True where it names the one way on that is allowed."""
        return self.kind.startswith("only_")


@dataclass(frozen=True, slots=True)
class Extract:
    """The roads of an extract, their turn restrictions, and what is known about the data."""

    ways: list[Piece]
    restrictions: list[Restriction]
    points_missing: int
    dated: str


def read_extract(pbf: Path, speeds: Mapping[str, float]) -> Extract:
    """All ways of a class with a speed that a car may drive.

    Raises ExtractMissing, ExtractBroken, NoRoads.
    """
    if not pbf.is_file():
        raise ExtractMissing(file=pbf, problem="there is no such file")
    keys = osmium.filter.KeyFilter("highway", "barrier", *RESTRICTION_KEYS, *ACCESS_KEYS)
    ways: list[Piece] = []
    restrictions: list[Restriction] = []
    barred: set[int] = set()
    missing = 0
    try:
        with osmium.io.Reader(str(pbf)) as reader:
            dated = reader.header().get("osmosis_replication_timestamp", "")[:10]
        things: Any = osmium.FileProcessor(str(pbf)).with_locations().with_filter(keys)
        for thing in things:
            if thing.is_node() and _bars(thing.tags):
                barred.add(thing.id)
            elif thing.is_way() and (way := _way(thing, speeds)):
                missing += sum(not node.location.valid() for node in thing.nodes)
                ways.append(way)
            elif thing.is_relation():
                restrictions.extend(_restrictions(thing))
    except (RuntimeError, ValueError) as error:
        problem = " ".join(str(error).split()) or "it cannot be read"
        raise ExtractBroken(file=pbf, problem=problem) from error
    new_node = count(-(10**15), -1)
    kept = [part for way in ways for part in _split_at_barriers(way, barred, new_node)]
    if not kept:
        raise NoRoads(file=pbf)
    return Extract(kept, restrictions, missing, dated or "not said")


def _restrictions(relation: Any) -> Iterator[Restriction]:
    """The restriction for cars over one node; those over a way are left to the drivers."""
    tags = relation.tags
    kind = next((tags.get(key) for key in RESTRICTION_KEYS if key in tags), "")
    if not kind.startswith(("no_", "only_")) or "motorcar" in tags.get("except", ""):
        return
    by_role: dict[str, list[int]] = {}
    for member in relation.members:
        by_role.setdefault(f"{member.role} {member.type}", []).append(member.ref)
    if len(by_role.get("via n", ())) != 1:
        return
    for from_way in by_role.get("from w", ()):
        for to_way in by_role.get("to w", ()):
            yield Restriction(from_way, by_role["via n"][0], to_way, kind)


def _way(way: Any, speeds: Mapping[str, float]) -> Piece | None:
    tags = way.tags
    road_class = tags.get("highway", "")
    if speed_of(road_class, speeds) is None or tags.get("area") == "yes":
        return None
    if _access(tags) in CLOSED:
        return None
    placed = [node for node in way.nodes if node.location.valid()]
    placed = [node for i, node in enumerate(placed) if i == 0 or node.ref != placed[i - 1].ref]
    direction = _direction(tags, road_class)
    piece = Piece(
        nodes=[node.ref for node in placed],
        points=[Point(node.lat, node.lon) for node in placed],
        road_class=road_class,
        name=unicodedata.normalize("NFKC", tags.get("name") or tags.get("ref") or ""),
        oneway=direction != 0,
        way_at=(way.id, way.id),
    )
    return piece.reversed() if direction < 0 else piece


def _direction(tags: Any, road_class: str) -> int:
    """1 along the way only, -1 against it only, 0 both."""
    oneway = tags.get("oneway", "")
    if oneway in ("-1", "reverse"):
        return -1
    if oneway in ("yes", "true", "1"):
        return 1
    if oneway in ("no", "false", "0"):
        return 0
    implied = road_class == "motorway" or tags.get("junction") in ("roundabout", "circular")
    return 1 if implied else 0


def _access(tags: Any) -> str | None:
    return next((tags.get(key) for key in ACCESS_KEYS if key in tags), None)


def _bars(tags: Any) -> bool:
    access = _access(tags)
    return access in CLOSED if access else tags.get("barrier") in BARRIERS


def _split_at_barriers(way: Piece, barred: set[int], new_node: Iterator[int]) -> Iterator[Piece]:
    """End the way on both sides of a barrier: the two ends share no node any more."""
    start = 0
    for i in range(1, len(way.nodes)):
        if way.nodes[i] in barred or i == len(way.nodes) - 1:
            nodes = way.nodes[start : i + 1]
            for end in (0, -1):
                if nodes[end] in barred:
                    nodes[end] = next(new_node)
            yield replace(way, nodes=nodes, points=way.points[start : i + 1])
            start = i
