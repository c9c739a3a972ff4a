"""Made-up roads for tests, and the plainest search there is to hold the compiled one against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

import osmium
from osmium.osm.mutable import Node, Relation, Way

from routing.network import Network
from routing.travel import Point

LAT, LON = 31.30, 131.00
STEP = 0.005
"""Degrees between neighbouring points of the test maps, about 500 m."""


def at(row: float, column: float) -> Point:
    """A point of the test map, rows to the north, columns to the east."""
    return Point(LAT + row * STEP, LON + column * STEP)


@dataclass(slots=True)
class Extract:
    """An OpenStreetMap extract in the making: nodes by row and column, ways through them."""

    nodes: dict[int, Point] = field(default_factory=dict)
    node_tags: dict[int, dict[str, str]] = field(default_factory=dict)
    ways: list[tuple[list[int], dict[str, str]]] = field(default_factory=list)
    relations: list[tuple[list[tuple[str, int, str]], dict[str, str]]] = field(default_factory=list)

    def way(
        self, places: Sequence[tuple[float, float]], highway: str = "residential", **tags: str
    ) -> Extract:
        """Add a way through (row, column) places; equal places are the same node."""
        nodes = [self._node(at(*place)) for place in places]
        self.ways.append((nodes, {"highway": highway, **tags}))
        return self

    def tag(self, place: tuple[float, float], **tags: str) -> Extract:
        """Tag a node that is there already."""
        self.node_tags[self._node(at(*place))] = tags
        return self

    def restrict(
        self, from_way: int, via: tuple[float, float], to_way: int, **tags: str
    ) -> Extract:
        """Add a turn restriction; ways are numbered from 1 in the order they were added."""
        node = self._node(at(*via))
        members = [("w", from_way, "from"), ("n", node, "via"), ("w", to_way, "to")]
        self.relations.append((members, {"type": "restriction", **tags}))
        return self

    def grid(self, size: int) -> Extract:
        """Streets of `size` by `size` junctions, so that everything is connected."""
        for i in range(size):
            self.way([(i, c) for c in range(size)], name=f"Street {i + 1}")
            self.way([(r, i) for r in range(size)], name=f"Avenue {i + 1}")
        return self

    def write(self, path: Path) -> Path:
        """Write the .osm.pbf file."""
        path.unlink(missing_ok=True)
        with osmium.SimpleWriter(str(path)) as writer:
            for number, point in self.nodes.items():
                tags = self.node_tags.get(number, {})
                writer.add_node(Node(id=number, location=(point.lon, point.lat), tags=tags))
            for number, (nodes, tags) in enumerate(self.ways, start=1):
                writer.add_way(Way(id=number, nodes=nodes, tags=tags))
            for number, (members, tags) in enumerate(self.relations, start=1):
                writer.add_relation(Relation(id=number, members=members, tags=tags))
        return path

    def _node(self, point: Point) -> int:
        for number, known in self.nodes.items():
            if known == point:
                return number
        self.nodes[len(self.nodes) + 1] = point
        return len(self.nodes)


@dataclass(frozen=True, slots=True)
class OnRoad:
    """A place on a straight link of a network: which one, and how far along, 0 to 1."""

    link: int
    share: float

    def point(self, network: Network) -> Point:
        """Its position on the map."""
        (lat_a, lon_a), (lat_b, lon_b) = network.line(self.link)
        return Point(
            float(lat_a + self.share * (lat_b - lat_a)),
            float(lon_a + self.share * (lon_b - lon_a)),
        )


def plain_seconds(
    network: Network, speeds: Mapping[str, float], origin: OnRoad, destination: OnRoad
) -> float:
    """Seconds of the quickest way where turns cost nothing, found the slow way; inf if none."""
    roads = [_road(network, speeds, link) for link in range(len(network))]
    reached = dict.fromkeys(range(len(network.junctions)), inf)
    start, end, seconds, oneway = roads[origin.link]
    reached[end] = (1 - origin.share) * seconds
    if not oneway:
        reached[start] = origin.share * seconds
    for _ in range(len(network.junctions)):  # Bellman and Ford: relax all roads, again and again
        for start, end, seconds, oneway in roads:
            reached[end] = min(reached[end], reached[start] + seconds)
            if not oneway:
                reached[start] = min(reached[start], reached[end] + seconds)
    start, end, seconds, oneway = roads[destination.link]
    ways = [reached[start] + destination.share * seconds]
    if not oneway:
        ways.append(reached[end] + (1 - destination.share) * seconds)
    if origin.link == destination.link:
        forward = destination.share - origin.share
        if forward >= 0 or not oneway:
            ways.append(abs(forward) * seconds)
    return min(ways)


def _road(network: Network, speeds: Mapping[str, float], link: int) -> tuple[int, int, float, bool]:
    kmh = speeds[network.classes[network.road_class[link]]]
    seconds = float(network.length_decimetres[link]) / 10 / (kmh / 3.6)
    return (
        int(network.origin[link]),
        int(network.destination[link]),
        seconds,
        bool(network.oneway[link]),
    )
