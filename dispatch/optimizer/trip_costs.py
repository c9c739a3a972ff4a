"""What a trip costs, by when it starts; and which trips no plan needs.

The later a trip starts, the more it costs: people wait. Its cost is a constant for early
starts and from then on a line that only bends upwards; each *bend* adds to its slope.

See: docs/words.md, trip; docs/decisions/0130-a-bound-from-trips.md
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatch.optimizer.columns import Int64, Tables
from dispatch.optimizer.kernels import kernel

WORD = 62
"""Requests that one number of a set holds, a bit each."""

BENDS = 6
"""Bends of a cost that are kept; the later ones are left out, which makes it cheaper."""

NO_BEND = 2**40


class Trips(NamedTuple):
    """F trips. *Start* is the vehicle's arrival at the first pickup, in seconds."""

    first: Int64
    """(F,) request that is picked up first."""
    last: Int64
    """(F,) place where the vehicle stands empty again."""
    earliest_end: Int64
    """(F,) when it could leave there at best, however early it starts."""
    span: Int64
    """(F,) seconds from start to end if it never waits."""
    latest: Int64
    """(F,) latest start that keeps all limits."""
    cost: Int64
    """(F,) cost of an early start."""
    bend_at: Int64
    """(F, BENDS) starts at which the cost begins to rise faster, ascending; then NO_BEND."""
    bend_slope: Int64
    """(F, BENDS) by how much a second."""
    served: Int64
    """(F, words) set of the requests set down."""
    start: Int64
    """(F,) where its nodes begin in `visits`."""
    length: Int64
    """(F,) how many they are."""
    visits: Int64
    """Nodes of all trips, one after the other."""


class Path(NamedTuple):
    """A trip that is being tried, by visit, and working space."""

    node: Int64
    place: Int64
    head: Int64
    """Position of the first visit of its call."""
    offset: Int64
    """Seconds from the trip's start to the begin of its call, without waiting."""
    until: Int64
    """Seconds from the trip's start to the end of this visit, without waiting."""
    open_: Int64
    """A visit that opens no later may join its call."""
    latest: Int64
    """Latest start of the trip for this visit and all before it."""
    driven: Int64
    begin: Int64
    """Row k: the begins of visits 0 … k after an early start, all before k + 1 known."""
    departs: Int64
    """At a call's first visit: `until` of its last one."""
    cursor: Int64
    """What is to be tried next after this visit."""
    pickup_at: Int64
    """By request: position of its pickup."""
    state: Int64
    """By request: WAITS, RIDES or DONE."""
    load: Int64
    bend_at: Int64
    bend_slope: Int64


def empty_trips(most: int, words: int) -> Trips:
    """Room for `most` trips."""
    shapes = {
        "bend_at": (most, BENDS),
        "bend_slope": (most, BENDS),
        "served": (most, words),
        "visits": (10 * most,),
    }
    columns: dict[str, Any] = {
        name: np.zeros(shapes.get(name, (most,)), np.int64) for name in Trips._fields
    }
    return Trips(**columns)


@kernel
def write_cost(tables: Tables, path: Path, k: int, trips: Trips, n: int) -> None:
    """Passengers and cost of the path up to visit k, as trip n.

    Visit i begins at the later of its begin after an early start and start + offset. Time on
    board that is spent standing still counts at the smaller of the prices of excess ride and
    waiting: a vehicle might leave later, and then they wait at their stop instead.
    """
    row = path.begin[k]
    cost, bends = tables.cost_driving * path.driven[k], 0
    idle_price = min(tables.cost_excess, tables.cost_waiting)
    trips.served[n, :] = 0
    for i in range(k + 1):
        node = path.node[i]
        request, down = divmod(node - tables.breaks, 2)
        moves, due = row[i] - path.offset[i], tables.due[node]
        cost += tables.cost_lateness * max(0, row[i] - due)
        bends = _bend(path, bends, max(moves, due - path.offset[i]), tables.cost_lateness)
        if not down:
            cost += tables.cost_waiting * (row[i] - tables.opens[node])
            bends = _bend(path, bends, moves, tables.cost_waiting)
            trips.served[n, request // WORD] |= np.int64(1) << (request % WORD)
            continue
        call = path.head[path.pickup_at[request]]
        if call == path.head[i]:
            continue
        ride = path.offset[i] - path.departs[call]
        leaves = row[call] - path.offset[call]
        excess = max(0, ride - tables.direct[request])
        idle = max(0, ride + moves - leaves - tables.direct[request]) - excess
        cost += tables.cost_excess * excess + idle_price * idle
        if idle > 0:
            bends = _bend(path, bends, leaves, -idle_price)
            bends = _bend(path, bends, leaves + idle, idle_price)
    trips.cost[n] = cost
    _write_bends(path, bends, trips, n)


@kernel
def _bend(path: Path, bends: int, at: int, slope: int) -> int:
    """Note one more bend of the cost, in order of time; how many there are then."""
    i = bends
    while i > 0 and path.bend_at[i - 1] > at:
        path.bend_at[i] = path.bend_at[i - 1]
        path.bend_slope[i] = path.bend_slope[i - 1]
        i -= 1
    path.bend_at[i] = at
    path.bend_slope[i] = slope
    return bends + 1


@kernel
def _write_bends(path: Path, bends: int, trips: Trips, n: int) -> None:
    """Keep the first bends that matter, those of one second as one."""
    trips.bend_at[n, :] = NO_BEND
    trips.bend_slope[n, :] = 0
    kept = 0
    i = 0
    while i < bends and path.bend_at[i] < trips.latest[n] and kept < BENDS:
        at, slope = path.bend_at[i], 0
        while i < bends and path.bend_at[i] == at:
            slope += path.bend_slope[i]
            i += 1
        if slope:
            trips.bend_at[n, kept] = at
            trips.bend_slope[n, kept] = slope
            kept += 1


@kernel
def cost_at(trips: Trips, n: int, start: int) -> int:
    """Cost of trip n started at `start`."""
    cost = trips.cost[n]
    for bend in range(BENDS):
        late = start - trips.bend_at[n, bend]
        if late <= 0:
            break
        cost += trips.bend_slope[n, bend] * late
    return int(cost)


@kernel
def end_at(trips: Trips, n: int, start: int) -> int:
    """When trip n ends that is started at `start`."""
    return int(max(trips.earliest_end[n], start + trips.span[n]))


@kernel
def _outdoes(trips: Trips, a: int, b: int) -> bool:
    """Whether a may always stand in for b: same passengers and places, no later, no dearer.

    Costs and ends only bend upwards, so it is enough to look at b's bends and its last start.
    """
    last = trips.latest[b]
    if trips.latest[a] < last or trips.cost[a] > trips.cost[b]:
        return False
    if trips.earliest_end[a] > trips.earliest_end[b]:
        return False
    for at in (last, min(last, trips.earliest_end[b] - trips.span[b])):
        if end_at(trips, a, at) > end_at(trips, b, at):
            return False
    for bend in range(BENDS):
        at = min(last, trips.bend_at[b, bend])
        if cost_at(trips, a, at) > cost_at(trips, b, at):
            return False
        if at == last:
            return True
    return cost_at(trips, a, last) <= cost_at(trips, b, last)


@kernel
def _mark_outdone(
    trips: Trips, order: NDArray[np.intp], kind: NDArray[np.intp], out: NDArray[np.bool_]
) -> None:
    """Set out[i] where another trip of the same kind outdoes trip i; `order` sorts by kind."""
    begin = 0
    while begin < order.shape[0]:
        end = begin
        while end < order.shape[0] and kind[order[end]] == kind[order[begin]]:
            end += 1
        for x in range(begin, end):
            for y in range(begin, end):
                a, b = order[x], order[y]
                if a != b and not out[a] and not out[b] and _outdoes(trips, a, b):
                    out[b] = True
        begin = end


def best_trips(trips: Trips, count: int) -> Trips:
    """Those of the first `count` trips that none outdoes, ordered by whom they take first."""
    if count == 0:
        return Trips(*(column[:0] for column in trips))
    keys = np.column_stack((trips.first[:count], trips.last[:count], trips.served[:count]))
    kind = np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)
    out = np.zeros(count, np.bool_)
    _mark_outdone(trips, np.argsort(kind, kind="stable"), kind, out)
    kept = np.flatnonzero(~out)
    kept = kept[np.argsort(trips.first[kept], kind="stable")]
    nodes = int(trips.start[count - 1] + trips.length[count - 1])
    columns = {
        name: np.ascontiguousarray(column[kept])
        for name, column in trips._asdict().items()
        if name != "visits"
    }
    return Trips(**columns, visits=trips.visits[:nodes].copy())


def members(served: Int64, requests: int) -> NDArray[np.float64]:
    """Sets as a table of zeros and ones: (sets, requests)."""
    table = np.zeros((len(served), requests))
    for request in range(requests):
        table[:, request] = (served[:, request // WORD] >> (request % WORD)) & 1
    return table
