"""The way as a driver is told it: the line on the map and the list of turns.

A turn is worth a line when the road's name changes, or when one leaves the way that leads
on; following a road round its bends is not.

See: docs/words.md, turn list; docs/roads.md
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import shapely
from shapely.ops import substring

from routing.graph import Floats, Graph, angles
from routing.many_to_many import Arcs
from routing.travel import Point, Turn

STRAIGHT_DEGREES = 20.0
SLIGHT_DEGREES = 45.0
SHARP_DEGREES = 120.0
ROUND_DEGREES = 170.0


def manoeuvre(angle: float, back: bool = False) -> str:
    """The word for a turn by `angle` degrees; right is positive."""
    size, side = abs(angle), "right" if angle > 0 else "left"
    if back or size > ROUND_DEGREES:
        return "u_turn"
    if size < STRAIGHT_DEGREES:
        return "straight"
    if size < SLIGHT_DEGREES:
        return f"slight_{side}"
    return side if size < SHARP_DEGREES else f"sharp_{side}"


def line_of(graph: Graph, way: Arcs, shares: tuple[float, float]) -> tuple[Point, ...]:
    """The line of a way; `shares` are where it begins on its first and ends on its last link."""
    parts = []
    for i, arc in enumerate(way):
        whole = (1.0, 0.0) if arc & 1 else (0.0, 1.0)
        begin = shares[0] if i == 0 else whole[0]
        end = shares[1] if i == len(way) - 1 else whole[1]
        part = substring(graph.lines[arc >> 1], begin, end, normalized=True)
        parts.append(shapely.get_coordinates(part))
    points = graph.unflat(np.concatenate(parts)).round(6)
    fresh = np.ones(len(points), np.bool_)
    fresh[1:] = (np.diff(points, axis=0) != 0).any(axis=1)
    kept = [Point(float(lat), float(lon)) for lat, lon in points[fresh]]
    return tuple(kept if len(kept) > 1 else kept * 2)


def turns_of(
    graph: Graph, way: Arcs, ends: tuple[Point, Point], driven: Sequence[int]
) -> tuple[Turn, ...]:
    """The turn list of a way.

    ends : where it begins and ends; driven : decimetres driven at the end of each arc.
    """
    network = graph.network
    names = [network.names[network.name[arc >> 1]] for arc in way]
    found = [("depart", names[0], ends[0], 0)]
    for i in range(1, len(way)):
        word = _word_at(graph, int(way[i - 1]), int(way[i]))
        if word:
            lat, lon = network.junctions[graph.start[way[i]]]
            found.append((word, names[i], Point(float(lat), float(lon)), driven[i - 1]))
    found.append(("arrive", names[-1], ends[1], driven[-1]))
    at = [(decimetres + 5) // 10 for *_, decimetres in found]
    onward = [b - a for a, b in pairwise(at)] + [0]
    return tuple(
        Turn(word, road, point, metres)
        for (word, road, point, _), metres in zip(found, onward, strict=True)
    )


def _word_at(graph: Graph, before: int, onto: int) -> str | None:
    """What to say where one arc follows another; None if there is nothing to say."""
    names = graph.network.names
    name_before = names[graph.network.name[before >> 1]]
    name_onto = names[graph.network.name[onto >> 1]]
    if onto == before ^ 1:
        return "u_turn"
    angle = _angle(graph, before, onto)
    renamed = bool(name_onto) and name_onto != name_before
    if graph.roads_at[graph.end[before]] <= 2:
        return manoeuvre(0.0) if renamed else None
    if renamed:
        return manoeuvre(angle)
    follows_road = bool(name_onto) and name_onto == name_before
    bends = abs(angle) >= (SLIGHT_DEGREES if follows_road else STRAIGHT_DEGREES)
    if not bends:
        return None
    if follows_road or abs(angle) < SLIGHT_DEGREES:
        others = _other_ways_on(graph, before, onto)
        if all(abs(_angle(graph, before, other)) >= abs(angle) for other in others):
            return None  # it is the way that leads on
    return manoeuvre(angle)


def _other_ways_on(graph: Graph, before: int, onto: int) -> list[int]:
    first = graph.turns.first
    arcs = graph.turns.onto[first[before] : first[before + 1]]
    return [int(arc) for arc in arcs if arc != onto]


def _angle(graph: Graph, before: int, onto: int) -> float:
    headings: tuple[Floats, Floats] = (graph.heading_in[[before]], graph.heading_out[[onto]])
    return float(angles(*headings)[0])
