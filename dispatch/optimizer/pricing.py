"""The cheapest routes at given prices of the requests: trips strung together by labels.

A price says what serving a request is worth to the plan. A *label* is one way for a vehicle
to have come somewhere: when, at what cost less the prices earned, having served whom. Labels
are taken in order of time; one is dropped if another at the same place is in nothing worse,
or if the least it must still pay (`to_go.py`) leaves no route cheap enough.

See: docs/words.md, bound; docs/decisions/0130-a-bound-from-trips.md
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any, NamedTuple

import numpy as np

from dispatch.optimizer.columns import UNREACHABLE, Int64
from dispatch.optimizer.first_trips import COST, PLACE, RESTS, SERVED, TIME
from dispatch.optimizer.kernels import kernel, wide
from dispatch.optimizer.to_go import ToGo, Ways, home_from, slot_at
from dispatch.optimizer.trip_costs import WORD, Trips, cost_at, end_at

QUICK, EXACT, ALL = 0, 1, 2
"""Labels that only compare time and cost; that also compare whom they may still serve; that
keep each set of passengers, for whoever wants all routes."""

STANDS, BEGINS = 0, 1
"""A label stands empty at a place, or begins a trip with the pickup of a request."""

ID_BITS = 24
HASHED = 2**20

MOST_CUTS = 60


class Cuts(NamedTuple):
    """Sets of three requests of which no plan has two in more than one route.

    A route that serves two or three of them pays the set's price (subset rows: Jepsen,
    Petersen, Spoorendonk and Pisinger 2008).
    """

    price: Int64
    """(C,) not below zero."""
    odd: Int64
    """(F,) by trip: the sets of which it serves one or all three, a bit each."""
    twice: Int64
    """(F,) by trip: the sets of which it serves two or three."""
    start_odd: Int64
    """(S,) the same by start."""


class Labels(NamedTuple):
    """L labels, and the routes found. A label without parent has -1 - start there."""

    time: Int64
    cost: Int64
    at: Int64
    """A place (STANDS) or a request (BEGINS)."""
    kind: Int64
    rests: Int64
    """Breaks taken."""
    parent: Int64
    via: Int64
    """The trip that led here, or -1 - break."""
    next: Int64
    """The next label to compare with at the same place."""
    odd: Int64
    """The cuts of which it has served one or three, a bit each."""
    served: Int64
    """(L, words) whom it has served and could still reach (ALL: has served)."""
    first: Int64
    """The latest label at each place, or by hash."""
    final: Int64
    """(most,) last labels of the routes found."""
    final_cost: Int64
    tally: Int64
    """(3,) labels, routes found, whether there was no room."""


def empty_labels(most: int, words: int, spots: int, finals: int) -> Labels:
    """Room for `most` labels and `finals` routes; `spots` counts breaks x (places + requests)."""
    shapes = {
        "served": (most, words),
        "first": (max(HASHED, spots),),
        "final": (finals,),
        "final_cost": (finals,),
        "tally": (3,),
    }
    columns: dict[str, Any] = {
        name: np.zeros(shapes.get(name, (most,)), np.int64) for name in Labels._fields
    }
    return Labels(**columns)


class Task(NamedTuple):
    """What routes are asked for: of which vehicles, at which prices."""

    ways: Ways
    trips: Trips
    value: Int64
    """(F,) the prices that each trip earns."""
    cuts: Cuts
    togo: ToGo
    below: int
    """What the routes have to cost less than."""
    mode: int


class Spot(NamedTuple):
    """A label's first columns (in compiled code)."""

    time: int
    cost: int
    at: int
    kind: int
    rests: int


@kernel
def find_routes(task: Task, starts: Int64, labels: Labels) -> bool:
    """Find all routes that are cheap enough; False if there was no room for all labels.

    QUICK finds some of them. starts: as `Starts.state`, with the prices of those served taken
    off the cost.
    """
    ways, togo = task.ways, task.togo
    places = togo.stands.shape[1]
    spots = places + togo.begins.shape[1]
    labels.tally[:] = 0
    reset = labels.first.shape[0] if task.mode == ALL else togo.begins.shape[0] * spots
    labels.first[:reset] = -1
    heap = [wide(0) for _ in range(0)]
    for s in range(starts.shape[0]):
        place, rests, time = starts[s, PLACE], starts[s, RESTS], starts[s, TIME]
        cost = starts[s, COST]
        if cost + togo.stands[rests, place, slot_at(ways, togo, time)] < task.below:
            new = _push(labels, heap, -1 - s, -1, Spot(time, cost, place, STANDS, rests))
            labels.odd[new] = task.cuts.start_odd[s]
            labels.served[new] = starts[s, SERVED:]
    while len(heap) > 0 and labels.tally[2] == 0:
        label = wide(heappop(heap) & ((1 << ID_BITS) - 1))
        slot = _slot(labels, label, places, spots, task.mode)
        if _is_outdone(task, labels, label, wide(labels.first[slot])):
            continue
        labels.next[label] = labels.first[slot]
        labels.first[slot] = label
        if labels.kind[label] == BEGINS:
            _serve(task, labels, heap, label)
        else:
            _go_home(task, labels, label)
            _rest(task, labels, heap, label)
            _drive_on(task, labels, heap, label)
    return bool(labels.tally[2] == 0)


@kernel
def _push(labels: Labels, heap: list[int], parent: int, via: int, spot: Spot) -> int:
    """A new label that has served whom its parent has; its number."""
    label = wide(labels.tally[0])
    if label + 1 >= labels.time.shape[0]:
        labels.tally[2] = 1
        return label
    labels.tally[0] = label + 1
    labels.time[label] = spot.time
    labels.cost[label] = spot.cost
    labels.at[label] = spot.at
    labels.kind[label] = spot.kind
    labels.rests[label] = spot.rests
    labels.parent[label] = parent
    labels.via[label] = via
    if parent >= 0:
        labels.odd[label] = labels.odd[parent]
        labels.served[label] = labels.served[parent]
    heappush(heap, (spot.time << ID_BITS) | label)
    return label


@kernel
def _slot(labels: Labels, label: int, places: int, spots: int, mode: int) -> int:
    """Where the labels to compare with are kept: at the same place, or with the same served."""
    slot = labels.rests[label] * spots + labels.at[label]
    if labels.kind[label] == BEGINS:
        slot += places
    if mode == ALL:
        for w in range(labels.served.shape[1]):
            word = labels.served[label, w]
            slot = slot * 1_000_003 + (word ^ (word >> 29))
        slot &= HASHED - 1
    return int(slot)


@kernel
def _is_outdone(task: Task, labels: Labels, label: int, other: int) -> bool:
    """Whether one of `other` and its nexts, all no later, is in nothing worse than `label`."""
    while other >= 0:
        spare = labels.cost[label] - labels.cost[other]
        if spare >= 0 and _serves_less(task, labels, other, label):
            if task.mode == EXACT:
                spare -= _price_of(task.cuts, labels.odd[other] & ~labels.odd[label])
            if spare >= 0:
                return True
        other = wide(labels.next[other])
    return False


@kernel
def _serves_less(task: Task, labels: Labels, a: int, b: int) -> bool:
    """Whether whoever b may still serve, a may too."""
    ways = task.ways
    if task.mode == QUICK:
        return True
    if task.mode == ALL:
        same = labels.at[a] == labels.at[b] and labels.kind[a] == labels.kind[b]
        return bool(
            same
            and labels.rests[a] == labels.rests[b]
            and (labels.served[a] == labels.served[b]).all()
        )
    here = labels.at[b] if labels.kind[b] == STANDS else ways.origin[labels.at[b]]
    for w in range(labels.served.shape[1]):
        extra = labels.served[a, w] & ~labels.served[b, w]
        if extra != 0 and _in_reach(ways, extra, w, here, labels.time[b]) != 0:
            return False
    return True


@kernel
def _in_reach(ways: Ways, word: int, w: int, here: int, time: int) -> int:
    """Those of a set's word `w` whose pickup a vehicle could still reach in time."""
    for bit in range(WORD):
        if (word >> bit) & 1:
            request = w * WORD + bit
            if time + ways.nearest[here, ways.origin[request]] > ways.latest[request]:
                word &= ~(wide(1) << bit)
    return word


@kernel
def _price_of(cuts: Cuts, word: int) -> int:
    """What the cuts in `word` cost together."""
    price = wide(0)
    if word != 0:
        for cut in range(cuts.price.shape[0]):
            if (word >> cut) & 1:
                price += wide(cuts.price[cut])
    return price


@kernel
def _serve(task: Task, labels: Labels, heap: list[int], label: int) -> None:
    """Every trip that begins with the pickup the label stands for."""
    ways, trips, cuts, togo = task.ways, task.trips, task.cuts, task.togo
    request, rests = labels.at[label], labels.rests[label]
    time, odd = labels.time[label], labels.odd[label]
    for n in range(ways.first_trip[request], ways.first_trip[request + 1]):
        if time > trips.latest[n]:
            continue
        end = end_at(trips, n, time)
        cost = labels.cost[label] + cost_at(trips, n, time) - task.value[n]
        if cost + togo.stands[rests, trips.last[n], slot_at(ways, togo, end)] >= task.below:
            continue
        met = False
        for w in range(labels.served.shape[1]):
            met = met or (trips.served[n, w] & labels.served[label, w]) != 0
        if met:
            continue
        cost += _price_of(cuts, (cuts.odd[n] & odd) | cuts.twice[n])
        new = _push(labels, heap, label, n, Spot(end, cost, trips.last[n], STANDS, rests))
        labels.odd[new] = odd ^ cuts.odd[n]
        for w in range(labels.served.shape[1]):
            word = trips.served[n, w] | labels.served[label, w]
            if task.mode == EXACT:
                word = _in_reach(ways, word, w, trips.last[n], end)
            labels.served[new, w] = word


@kernel
def _go_home(task: Task, labels: Labels, label: int) -> None:
    """End the route here; an empty route is not looked at."""
    begun = labels.parent[label] >= 0 or task.ways.under_way
    if not begun or labels.rests[label] < task.togo.begins.shape[0] - 1:
        return
    cost = labels.cost[label] + home_from(task.ways, labels.at[label], labels.time[label])
    if cost >= task.below:
        return
    found = labels.tally[1]
    if found == labels.final.shape[0]:
        labels.tally[2] = 1
        return
    labels.final[found] = label
    labels.final_cost[found] = cost
    labels.tally[1] = found + 1


@kernel
def _rest(task: Task, labels: Labels, heap: list[int], label: int) -> None:
    """Take the next break."""
    ways, togo = task.ways, task.togo
    taken, here = labels.rests[label], labels.at[label]
    if taken == togo.begins.shape[0] - 1:
        return
    there = here if ways.rest_place[taken] < 0 else ways.rest_place[taken]
    way = 0 if there == here else ways.travel[here, there]
    begin = max(labels.time[label] + way, ways.rest_earliest[taken])
    if way >= UNREACHABLE or begin > ways.rest_latest[taken]:
        return
    end, cost = begin + ways.rest_seconds[taken], labels.cost[label] + ways.driving * way
    if cost + togo.stands[taken + 1, there, slot_at(ways, togo, end)] < task.below:
        _push(labels, heap, label, -1 - taken, Spot(end, cost, there, STANDS, taken + 1))


@kernel
def _drive_on(task: Task, labels: Labels, heap: list[int], label: int) -> None:
    """Drive to every pickup that a trip may begin with."""
    ways, togo = task.ways, task.togo
    rests, here, time = labels.rests[label], labels.at[label], labels.time[label]
    for request in range(togo.begins.shape[1]):
        if ways.first_trip[request] == ways.first_trip[request + 1]:
            continue
        way = ways.travel[here, ways.origin[request]]
        if way >= UNREACHABLE or time + way > ways.latest[request]:
            continue
        if (labels.served[label, request // WORD] >> (request % WORD)) & 1:
            continue
        begin = max(time + way, ways.opens[request])
        cost = labels.cost[label] + ways.driving * way
        if cost + togo.begins[rests, request, slot_at(ways, togo, begin)] < task.below:
            _push(labels, heap, label, 0, Spot(begin, cost, request, BEGINS, rests))
