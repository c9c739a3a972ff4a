"""Asks the compiled labels for routes that pay at given prices, and for a bound.

See: docs/words.md, bound; docs/decisions/0130-a-bound-from-trips.md
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dispatch.optimizer.alike import VehicleKind, visits_of
from dispatch.optimizer.columns import Int64
from dispatch.optimizer.first_trips import COST, PLACE, RESTS, TIME
from dispatch.optimizer.master import Column, Prices, served_by
from dispatch.optimizer.pricing import (
    MOST_CUTS,
    STANDS,
    Cuts,
    Labels,
    Task,
    empty_labels,
    find_routes,
)
from dispatch.optimizer.to_go import FAR, ToGo, empty_to_go, fill_to_go
from dispatch.optimizer.trip_costs import WORD

MOST_LABELS = 1_500_000
MOST_ROUTES = 100_000

LOOKED_AT = 20
"""So many times the routes wanted are looked at to find some of different passengers."""

NAMED_AT_MOST = 3
"""A further route has to serve somebody whom fewer than so many routes of the round serve."""


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """One kind of vehicle at given prices; `least` is what any route of it costs at least.

    Costs are those of the routes less the prices of whom they serve, in whole units.
    """

    index: int
    kind: VehicleKind
    prices: Prices
    value: Int64
    starts: Int64
    cuts: Cuts
    togo: ToGo
    least: int


@dataclass(slots=True, eq=False)
class Pricer:
    """Working space for one bound."""

    kinds: Sequence[VehicleKind]
    requests: int
    breaks: int
    labels: Labels = field(init=False)

    def __post_init__(self) -> None:
        words = max(1, -(-self.requests // WORD))
        spots = max(
            (len(kind.ways.rest_place) + 1) * (len(kind.ways.travel) + self.requests)
            for kind in self.kinds
        )
        self.labels = empty_labels(MOST_LABELS, words, spots, MOST_ROUTES)

    def ask(self, index: int, prices: Prices, cuts: Sequence[tuple[int, int, int]]) -> Question:
        """Prepare the question of one kind; this alone gives a first bound."""
        kind = self.kinds[index]
        value = (kind.carried @ prices.requests).astype(np.int64)
        starts = kind.starts.state.copy()
        starts[:, COST] -= (kind.started @ prices.requests).astype(np.int64)
        prepared, twice = _cuts_of(kind, cuts, prices)
        for cut, price in enumerate(prepared.price.tolist()):
            starts[:, COST] += price * ((twice >> cut) & 1)
        togo = empty_to_go(kind.ways, kind.slots)
        least = -FAR
        if kind.slots > 1:
            fill_to_go(kind.ways, kind.trips, value, togo)
            slots = (starts[:, TIME] - kind.ways.since) // kind.ways.step
            then = togo.stands[
                starts[:, RESTS], starts[:, PLACE], np.minimum(slots, kind.slots - 1)
            ]
            least = int((starts[:, COST] + then).min(initial=FAR))
        return Question(index, kind, prices, value, starts, prepared, togo, least)

    def answer(self, question: Question, below: int, mode: int) -> int | None:
        """How many routes cost less than `below`; None if there was no room for all labels."""
        kind = question.kind
        task = Task(
            kind.ways,
            kind.trips,
            question.value,
            question.cuts,
            question.togo,
            below,
            mode,
        )
        whole = find_routes(task, question.starts, self.labels)
        return int(self.labels.tally[1]) if whole else None

    def least(self, count: int, otherwise: int) -> int:
        """The least cost of the routes found last, or `otherwise` if there are none."""
        return int(self.labels.final_cost[:count].min(initial=otherwise))

    def columns(self, question: Question, count: int, most: int) -> list[Column]:
        """Up to `most` of the routes found last, cheap ones first, of passengers as different
        as they can be."""
        found: dict[frozenset[int], Column] = {}
        named = np.zeros(self.requests, np.int64)
        order = np.argsort(self.labels.final_cost[:count], kind="stable").tolist()
        for number in order[: LOOKED_AT * most]:
            if len(found) == most:
                break
            label = int(self.labels.final[number])
            visits = visits_of(self.breaks, question.kind, self._nodes(question, label))
            served = served_by(visits)
            if served in found or (named[list(served)] >= NAMED_AT_MOST).all():
                continue
            named[list(served)] += 1
            cost = self._own_cost(question, label, number)
            found[served] = Column(question.index, served, cost, visits)
        return list(found.values())

    def all_columns(self, question: Question, count: int) -> list[Column]:
        """All routes found last, the cheapest for each set of passengers."""
        found: dict[frozenset[int], Column] = {}
        for number in np.argsort(self.labels.final_cost[:count], kind="stable").tolist():
            label = int(self.labels.final[number])
            visits = visits_of(self.breaks, question.kind, self._nodes(question, label))
            served = served_by(visits)
            if served not in found:
                cost = self._own_cost(question, label, number)
                found[served] = Column(question.index, served, cost, visits)
        return list(found.values())

    def _trail(self, label: int) -> tuple[int, list[int]]:
        """The start of a route and the trips and breaks after it, in order."""
        vias: list[int] = []
        while self.labels.parent[label] >= 0:
            if self.labels.kind[label] == STANDS:
                vias.append(int(self.labels.via[label]))
            label = int(self.labels.parent[label])
        return -1 - int(self.labels.parent[label]), vias[::-1]

    def _nodes(self, question: Question, label: int) -> list[int]:
        kind, trips = question.kind, question.kind.trips
        start, vias = self._trail(label)
        begun = kind.starts.nodes[start]
        nodes: list[int] = begun[1 : 1 + begun[0]].tolist()
        for via in vias:
            if via < 0:
                nodes.append(kind.first_break - 1 - via)
            else:
                at = trips.start[via]
                nodes += trips.visits[at : at + trips.length[via]].tolist()
        return nodes

    def _own_cost(self, question: Question, label: int, number: int) -> int:
        """The cost of a route found, without prices."""
        start, vias = self._trail(label)
        cost = int(self.labels.final_cost[number])
        state = question.kind.starts.state
        cost += int(state[start, COST] - question.starts[start, COST])
        odd = int(question.cuts.start_odd[start])
        for via in vias:
            if via >= 0:
                cost += int(question.value[via])
                pays = (int(question.cuts.odd[via]) & odd) | int(question.cuts.twice[via])
                cost -= sum(
                    price
                    for cut, price in enumerate(question.cuts.price.tolist())
                    if (pays >> cut) & 1
                )
                odd ^= int(question.cuts.odd[via])
        return cost


def _cuts_of(
    kind: VehicleKind, cuts: Sequence[tuple[int, int, int]], prices: Prices
) -> tuple[Cuts, Int64]:
    """The cuts as the labels read them, and which of them each start pays for."""
    price = prices.cuts[:MOST_CUTS].astype(np.int64)
    odd, twice = _shares(kind.carried, cuts)
    start_odd, start_twice = _shares(kind.started, cuts)
    return Cuts(price, odd, twice, start_odd), start_twice


def _shares(
    carried: NDArray[np.float64], cuts: Sequence[tuple[int, int, int]]
) -> tuple[Int64, Int64]:
    """By row, the cuts of which one or three are carried, and those of which two or three."""
    odd, twice = np.zeros(len(carried), np.int64), np.zeros(len(carried), np.int64)
    for number, cut in enumerate(cuts[:MOST_CUTS]):
        count = carried[:, list(cut)].sum(axis=1).astype(np.int64)
        odd |= (count % 2) << number
        twice |= (count >= 2).astype(np.int64) << number
    return odd, twice
