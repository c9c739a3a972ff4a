"""The embedded road engine: the town's own network, searched in this process.

Nothing to install, nothing to build, nothing to wait for: it loads a small file, knows the
town's speeds and answers tables, lines and turns. For large extracts see `osrm.py`.

See: docs/roads.md; docs/decisions/0010-the-towns-own-road-network.md
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import pairwise
from math import ceil
from os import cpu_count

import numpy as np
from numpy.typing import NDArray

from routing.directions import line_of, turns_of
from routing.graph import TurnCosts, Turns, build_graph
from routing.many_to_many import (
    NEVER,
    Arcs,
    Places,
    Roads,
    Weights,
    decimetres_in,
    many_to_many,
    milliseconds_in,
    quickest_way,
)
from routing.network import Network
from routing.snapping import Positions, Snapper
from routing.speeds import MOUNTAIN_SPEEDS
from routing.travel import UNREACHABLE_SECONDS, IntTable, Leg, Point, Snap, Table

ROWS_A_THREAD = 16
"""Fewer rows than this are not worth a thread of their own."""


@dataclass(frozen=True, slots=True)
class HourFactors:
    """How much longer every way takes by hour of the day, 24 factors; 1.0 is the speed table."""

    by_hour: tuple[float, ...]
    zone: tzinfo

    def __call__(self, at: datetime) -> float:
        return self.by_hour[at.astimezone(self.zone).hour]


class NetworkTravel:
    """`TravelTimes` on a town's road network.

    Parameters
    ----------
    speeds : km/h by road class (`_link` classes drive like the road they belong to).
    costs : what turns take.
    factor_at : times of the day at which every way takes longer or less long.

    Raises BadSpeeds where the table lacks a class that the network has.
    """

    def __init__(
        self,
        network: Network,
        speeds: Mapping[str, float] = MOUNTAIN_SPEEDS,
        costs: TurnCosts | None = None,
        factor_at: Callable[[datetime], float] | None = None,
    ) -> None:
        self._graph = build_graph(network, speeds, costs or TurnCosts())
        self._snapper = Snapper(self._graph)
        self._factor_at = factor_at

    @property
    def name(self) -> str:
        return "embedded"

    @property
    def exact(self) -> bool:
        return True

    @property
    def credit(self) -> str:
        """Whose data it is, to be shown with every map."""
        return self._graph.network.about.get("credit", "")

    def snap(self, point: Point) -> Snap:
        """The nearest place on a road, however far off; the caller decides what is too far."""
        return self._snapper.snap(self._snapper.positions((point,)), 0)

    def table(
        self,
        origins: Sequence[Point],
        destinations: Sequence[Point],
        at: datetime | None = None,
    ) -> Table:
        """Seconds (rounded up) and metres; searches from whichever side has fewer places."""
        if not origins or not destinations:
            empty: IntTable = np.zeros((len(origins), len(destinations)), np.int32)
            return Table(empty, empty.copy())
        sources = self._snapper.positions(origins)
        targets = self._snapper.positions(destinations)
        if len(origins) <= len(destinations):
            from_here = self._roads(self._graph.turns)
            out = _search(from_here, (sources.arcs, sources.left), (targets.arcs, targets.left))
        else:
            to_here = self._roads(self._graph.turns_back)
            out = _search(to_here, (targets.arcs, targets.behind), (sources.arcs, sources.behind)).T
        return self._table(out, at)

    def leg(self, origin: Point, destination: Point, at: datetime | None = None) -> Leg:
        """The quickest way; no line and UNREACHABLE_SECONDS where there is none."""
        ends = self._snapper.positions((origin, destination))
        way = quickest_way(self._roads(self._graph.turns), (ends.arcs, ends.left))
        if len(way) == 0:
            return Leg(UNREACHABLE_SECONDS, UNREACHABLE_SECONDS, ())
        reached = self._weights_along(way, ends)
        driven = [decimetres_in(weight) for weight in reached]
        line = line_of(self._graph, way, (float(ends.share[0]), float(ends.share[1])))
        turns = turns_of(self._graph, way, (line[0], line[-1]), driven)
        return Leg(
            seconds=ceil(milliseconds_in(reached[-1]) * self._factor(at) / 1000),
            metres=(driven[-1] + 5) // 10,
            line=line,
            turns=turns,
        )

    def _weights_along(self, way: Arcs, ends: Positions) -> list[int]:
        """The weight driven at the end of each arc of a way."""
        first, last = way[0] & 1, way[-1] & 1
        if len(way) == 1:
            return [int(ends.left[0, first] - ends.left[1, last])]
        reached = [int(ends.left[0, first])]
        turns = self._graph.turns
        for before, onto in pairwise(way):
            row = slice(turns.first[before], turns.first[before + 1])
            turn = turns.weight[row][turns.onto[row] == onto][0]
            reached.append(int(reached[-1] + turn + self._graph.weight[onto]))
        reached[-1] -= int(ends.left[1, last])
        return reached

    def _roads(self, turns: Turns) -> Roads:
        return turns.first, turns.onto, turns.weight, self._graph.weight

    def _table(self, weights: Weights, at: datetime | None) -> Table:
        none = weights >= NEVER
        metres = (decimetres_in(weights) + 5) // 10
        seconds = np.ceil(milliseconds_in(weights) * self._factor(at) / 1000)
        return Table(_whole(seconds, none), _whole(metres, none))

    def _factor(self, at: datetime | None) -> float:
        return self._factor_at(at) if self._factor_at and at else 1.0


def _search(roads: Roads, rows: Places, columns: Places) -> Weights:
    """(rows, columns) weights, in as many threads as the machine has; the GIL is free."""
    out = np.empty((len(rows[0]), len(columns[0])), np.int64)

    def part(start: int, end: int) -> None:
        many_to_many(roads, (rows[0][start:end], rows[1][start:end]), columns, out[start:end])

    threads = min(cpu_count() or 1, len(out) // ROWS_A_THREAD)
    if threads < 2:
        part(0, len(out))
        return out
    bounds = np.linspace(0, len(out), threads + 1).astype(int).tolist()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(part, bounds, bounds[1:]))
    return out


def _whole(values: NDArray[np.float64] | Weights, none: NDArray[np.bool_]) -> IntTable:
    capped = np.minimum(np.where(none, UNREACHABLE_SECONDS, values), UNREACHABLE_SECONDS)
    return np.ascontiguousarray(capped.astype(np.int32))
