"""The road network made ready for driving: seconds from the speed table, turns with their cost.

See: docs/roads.md; docs/decisions/0011-search-from-road-to-road.md
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from routing.errors import BadSpeeds
from routing.many_to_many import Arcs, Weights, weight_of
from routing.network import EARTH_METRES, Network
from routing.speeds import speed_of

METRES_PER_DEGREE = float(np.radians(1) * EARTH_METRES)
LOOK_METRES = 15.0
"""How far before and after a junction one looks to see which way the road leads."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TurnCosts:
    """Seconds that a turn at a junction takes beyond driving the roads.

    A turn costs nearly nothing straight on and nearly `turn_seconds` when sharp, along an
    S-curve of its angle; one across the oncoming traffic up to `across_seconds` more; turning
    round, where the road ends, `u_turn_seconds` more. Shape and default values are those of
    OSRM's car profile (profiles/car.lua, BSD 2-clause), so both engines promise the same.
    """

    turn_seconds: float = 7.5
    across_seconds: float = 2.0
    u_turn_seconds: float = 20.0
    left_hand_traffic: bool = True
    bias: float = 1.075


NO_TURN_COSTS = TurnCosts(turn_seconds=0.0, across_seconds=0.0, u_turn_seconds=0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Turns:
    """CSR of turns: from arc a onto `onto[first[a]:first[a + 1]]`, `weight` of each turn."""

    first: Arcs
    onto: Arcs
    weight: Weights


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """What the search needs, by arc (2i: link i from its origin; 2i + 1: towards it).

    weight : (2m,) int64 of driving the arc whole (see many_to_many).
    is_open : (2m,) bool, False against a one-way road.
    heading_in, heading_out : (2m,) degrees clockwise from north, at the arc's end and start.
    roads_at : (n,) how many roads meet at a junction.
    turns, turns_back : onto the next arc, and from an arc back to those before it.
    lines : (m,) shapely lines on a flat map in metres, see `flat`.
    squeeze : cosine of the latitude in the middle of the network.
    """

    network: Network
    weight: Weights
    is_open: NDArray[np.bool_]
    start: Arcs
    end: Arcs
    heading_in: Floats
    heading_out: Floats
    roads_at: Arcs
    turns: Turns
    turns_back: Turns
    lines: NDArray[np.object_]
    squeeze: float

    def flat(self, latlon: Floats) -> Floats:
        """(n, 2) latitude and longitude to (n, 2) metres east and north."""
        return np.column_stack((latlon[:, 1] * self.squeeze, latlon[:, 0])) * METRES_PER_DEGREE

    def unflat(self, metres: Floats) -> Floats:
        """The way back from `flat`."""
        return np.column_stack((metres[:, 1], metres[:, 0] / self.squeeze)) / METRES_PER_DEGREE


def build_graph(network: Network, speeds: Mapping[str, float], costs: TurnCosts) -> Graph:
    """Turn lengths into weights by the speed table and join the arcs by their turns.

    Raises BadSpeeds for a class of road in the network that the table gives no speed for.
    """
    squeeze = float(np.cos(np.radians(network.junctions[:, 0].mean())))
    flat = np.column_stack((network.points[:, 1] * squeeze, network.points[:, 0]))
    owner = np.repeat(np.arange(len(network)), np.diff(network.line_start))
    lines = np.asarray(shapely.linestrings(flat * METRES_PER_DEGREE, indices=owner))
    heading_out, heading_in = _headings(lines)
    start = np.column_stack((network.origin, network.destination)).ravel()
    end = np.column_stack((network.destination, network.origin)).ravel()
    is_open = np.column_stack((np.ones(len(network), np.bool_), ~network.oneway)).ravel()
    roads_at = np.bincount(np.concatenate((network.origin, network.destination)),
                           minlength=len(network.junctions)).astype(np.int32)  # fmt: skip
    before, onto = _possible_turns(start, end, is_open, network.forbidden)
    turn = _turn_weights(before, onto, heading_in, heading_out, roads_at[end[before]], costs)
    return Graph(
        network=network,
        weight=np.repeat(_link_weights(network, speeds), 2),
        is_open=is_open,
        start=start,
        end=end,
        heading_in=heading_in,
        heading_out=heading_out,
        roads_at=roads_at,
        turns=_in_rows(before, onto, turn, len(start)),
        turns_back=_in_rows(onto, before, turn, len(start)),
        lines=lines,
        squeeze=squeeze,
    )


def _link_weights(network: Network, speeds: Mapping[str, float]) -> Weights:
    kmh = np.ones(len(network.classes))
    for i, road_class in enumerate(network.classes):
        speed = speed_of(road_class, speeds)
        if speed is None:
            raise BadSpeeds(road_class=road_class, found="no speed")
        kmh[i] = speed
    decimetres = network.length_decimetres.astype(np.int64)
    milliseconds = np.rint(decimetres * 360 / kmh[network.road_class]).astype(np.int64)
    return weight_of(np.maximum(milliseconds, 1), decimetres)


def _headings(lines: NDArray[np.object_]) -> tuple[Floats, Floats]:
    """Degrees clockwise from north at the start and the end of each arc."""
    length = shapely.length(lines)
    look = np.minimum(LOOK_METRES, length)
    ends = [
        shapely.get_coordinates(shapely.line_interpolate_point(lines, at))
        for at in (0 * length, look, length - look, length)
    ]
    leaving = _bearing(ends[0], ends[1])
    arriving = _bearing(ends[2], ends[3])
    heading_out = np.column_stack((leaving, (arriving + 180) % 360)).ravel()
    heading_in = np.column_stack((arriving, (leaving + 180) % 360)).ravel()
    return heading_out, heading_in


def _bearing(a: Floats, b: Floats) -> Floats:
    return np.degrees(np.arctan2(b[:, 0] - a[:, 0], b[:, 1] - a[:, 1])) % 360


def _possible_turns(
    start: Arcs, end: Arcs, is_open: NDArray[np.bool_], forbidden: Arcs
) -> tuple[Arcs, Arcs]:
    """Every pair of arcs that follow each other; back again only where nothing else is left."""
    arcs = np.flatnonzero(is_open).astype(np.int32)
    leaving = arcs[np.argsort(start[arcs], kind="stable")]
    ways_on = np.bincount(start[arcs], minlength=int(max(start.max(), end.max())) + 1)
    first = np.concatenate(([0], np.cumsum(ways_on)))
    counts = ways_on[end[arcs]]
    before = np.repeat(arcs, counts)
    offset = np.arange(len(before)) - np.repeat(np.cumsum(counts) - counts, counts)
    onto = leaving[first[end[before]] + offset]
    code = before.astype(np.int64) * len(start) + onto
    allowed = ~np.isin(code, forbidden[:, 0].astype(np.int64) * len(start) + forbidden[:, 1])
    back = onto == before ^ 1
    others = np.bincount(before[allowed & ~back], minlength=len(start))
    fine = allowed & (~back | (others[before] == 0))
    return before[fine], onto[fine]


def angles(heading_in: Floats, heading_out: Floats) -> Floats:
    """How far one turns, in degrees, -180 to 180; right is positive."""
    return (heading_out - heading_in + 180) % 360 - 180


def _turn_weights(
    before: Arcs,
    onto: Arcs,
    heading_in: Floats,
    heading_out: Floats,
    roads: Arcs,
    costs: TurnCosts,
) -> Weights:
    angle = angles(heading_in[before], heading_out[onto])
    back = onto == before ^ 1
    across = angle if costs.left_hand_traffic else -angle
    # Towards the oncoming lane the curve rises a little earlier than away from it.
    bias = np.where(across >= 0, costs.bias, 1 / costs.bias)
    seconds = costs.turn_seconds / (
        1 + np.exp(6.5 / bias - 13 * bias * np.abs(angle) / 180)
    ) + costs.across_seconds * ((across > 0) & ~back) / (
        1 + np.exp(3.25 - 13 * np.abs(angle) / 180)
    )
    seconds = np.where((roads > 2) | back, seconds, 0.0) + costs.u_turn_seconds * back
    milliseconds: Weights = np.rint(seconds * 1000).astype(np.int64)
    return weight_of(milliseconds, np.zeros_like(milliseconds))


def _in_rows(row: Arcs, onto: Arcs, weight: Weights, rows: int) -> Turns:
    order = np.lexsort((onto, row))
    first = np.concatenate(([0], np.cumsum(np.bincount(row, minlength=rows))))
    return Turns(
        first=first.astype(np.int32),
        onto=np.ascontiguousarray(onto[order].astype(np.int32)),
        weight=np.ascontiguousarray(weight[order]),
    )
