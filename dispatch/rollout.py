"""How a plan fares in sampled futures: the same insertion, on roads that are driven meanwhile.

Each future is played request by request. Before each one the vehicles drive on to its second,
so that none of them acts on a request before it is asked for; then it goes where it costs
least, or is refused. What is counted: how many are refused and what the others cost.

See: docs/words.md, sampled future; docs/decisions/0141-looking-ahead-by-sampled-futures.md
"""

from __future__ import annotations

import numpy as np

from dispatch.forecast import Futures
from dispatch.optimizer.arrays import PlanArrays
from dispatch.optimizer.columns import NONE, Int32, Int64, Routes, Scratch, Tables, put_in
from dispatch.optimizer.insertion import (
    COST,
    DROPOFF_AT,
    PICKUP_AT,
    VEHICLE,
    cheapest_insertion,
)
from dispatch.optimizer.kernels import kernel, lean_kernel, wide
from dispatch.optimizer.plan import NEVER
from dispatch.optimizer.slack import refresh_route

REFUSED, SPENT = range(2)
"""Columns of the outcome."""

CHANGES = (
    "place",
    "opens",
    "latest",
    "max_ride",
    "direct",
    "aboard_since",
    "only_vehicle",
    "start_place",
    "ready",
    "arrives_first",
    "first_leg",
    "locked",
)
"""Columns of the tables that driving on, or another request, writes to."""


def play_futures(
    arrays: PlanArrays, first: int, futures: Futures, latest: Int32, max_ride: Int32
) -> Int64:
    """Play each future on the plan in `arrays`, which stay as they are.

    Parameters
    ----------
    first
        The first of the spare requests at the end of `arrays`; as many as the longest
        future has. What they say is overwritten.
    latest, max_ride
        (K, M) latest pickup and longest ride of each sampled request.

    Returns (K, 2): refused requests, and the cost of those that were taken.
    """
    outcome = np.zeros((len(futures.number), 2), np.int64)
    changed = {name: getattr(arrays.tables, name).copy() for name in CHANGES}
    tables = arrays.tables._replace(**changed)
    routes = Routes._make(column.copy() for column in arrays.routes)
    terms = (latest, max_ride)
    play(
        arrays.tables, arrays.routes, tables, routes, arrays.scratch, first, futures, terms, outcome
    )
    return outcome


@kernel
def play(  # noqa: PLR0913, PLR0917  (compiled code takes its columns one by one)
    tables_before: Tables,
    routes_before: Routes,
    tables: Tables,
    routes: Routes,
    scratch: Scratch,
    first: int,
    futures: Futures,
    terms: tuple[Int32, Int32],
    outcome: Int64,
) -> None:
    """`play_futures` on columns; `tables` and `routes` are working copies of those before."""
    for k in range(futures.number.shape[0]):
        _start_over(tables_before, routes_before, tables, routes)
        for vehicle in range(routes.count.shape[0]):
            refresh_route(tables, routes, vehicle, scratch)
        for i in range(futures.number[k]):
            request = first + i
            _ask(tables, request, futures, terms, k, i)
            for vehicle in range(routes.count.shape[0]):
                drive_on(tables, routes, vehicle, futures.asked[k, i], scratch)
            if cheapest_insertion(tables, routes, request, scratch):
                found = scratch.found
                vehicle = found[VEHICLE]
                outcome[k, SPENT] += found[COST]
                put_in(tables, routes, vehicle, request, found[PICKUP_AT], found[DROPOFF_AT] + 1)
                refresh_route(tables, routes, vehicle, scratch)
            else:
                outcome[k, REFUSED] += 1


@lean_kernel
def _start_over(
    tables_before: Tables, routes_before: Routes, tables: Tables, routes: Routes
) -> None:
    """Bring the working copies back to the moment from which every future is played."""
    for request in range(tables.only_vehicle.shape[0]):
        tables.aboard_since[request] = tables_before.aboard_since[request]
        tables.only_vehicle[request] = tables_before.only_vehicle[request]
    for node in range(tables.latest.shape[0]):
        tables.latest[node] = tables_before.latest[node]
    for vehicle in range(routes.count.shape[0]):
        tables.start_place[vehicle] = tables_before.start_place[vehicle]
        tables.ready[vehicle] = tables_before.ready[vehicle]
        tables.arrives_first[vehicle] = tables_before.arrives_first[vehicle]
        tables.first_leg[vehicle] = tables_before.first_leg[vehicle]
        tables.locked[vehicle] = tables_before.locked[vehicle]
        routes.count[vehicle] = routes_before.count[vehicle]
        for i in range(routes.count[vehicle]):
            routes.node[vehicle, i] = routes_before.node[vehicle, i]


@lean_kernel
def _ask(
    tables: Tables, request: int, futures: Futures, terms: tuple[Int32, Int32], k: int, i: int
) -> None:
    """Write request `i` of future `k` into the columns of a spare request."""
    pickup = tables.breaks + 2 * request
    origin, destination = futures.origin[k, i], futures.destination[k, i]
    tables.place[pickup], tables.place[pickup + 1] = origin, destination
    tables.opens[pickup], tables.opens[pickup + 1] = futures.opens[k, i], NONE
    tables.latest[pickup], tables.latest[pickup + 1] = terms[0][k, i], NEVER
    tables.max_ride[request] = terms[1][k, i]
    tables.direct[request] = tables.travel[origin, destination]
    tables.aboard_since[request] = NONE
    tables.only_vehicle[request] = -1


@lean_kernel
def drive_on(tables: Tables, routes: Routes, vehicle: int, now: int, scratch: Scratch) -> None:
    """Drive one vehicle on to second `now`; what happens in that second is still open.

    As on the road: it leaves at once with somebody aboard, else in time for its next visit,
    which is locked from then on; whoever is aboard stays with it.
    """
    changed = False
    while routes.count[vehicle] > 0:
        head = routes.node[vehicle, 0]
        if tables.arrives_first[vehicle] == NONE:
            if not _leaves(tables, routes, vehicle, head, now):
                break
            changed = True
        begin = max(wide(tables.arrives_first[vehicle]), wide(tables.opens[head]))
        if begin >= now:
            break
        _serve(tables, routes, vehicle, begin)
        changed = True
    if tables.arrives_first[vehicle] == NONE and tables.ready[vehicle] < now:
        tables.ready[vehicle] = now
        changed = True
    if changed:
        refresh_route(tables, routes, vehicle, scratch)


@lean_kernel
def _leaves(tables: Tables, routes: Routes, vehicle: int, head: int, now: int) -> bool:
    """Send the vehicle to its next visit if it leaves before `now`."""
    place = tables.place[head]
    if place < 0:
        place = tables.start_place[vehicle]
    leg = wide(tables.travel[tables.start_place[vehicle], place])
    leaves = wide(tables.ready[vehicle])
    if not _somebody_aboard(tables, routes, vehicle):
        leaves = max(leaves, wide(tables.opens[head]) - leg)
    if leaves >= now:
        return False
    tables.first_leg[vehicle] = leg
    tables.arrives_first[vehicle] = leaves + leg
    tables.locked[vehicle] = max(1, tables.locked[vehicle])
    return True


@lean_kernel
def _somebody_aboard(tables: Tables, routes: Routes, vehicle: int) -> bool:
    for i in range(routes.count[vehicle]):
        node = routes.node[vehicle, i]
        if node >= tables.breaks:
            request = (node - tables.breaks) // 2
            if tables.aboard_since[request] != NONE:
                return True
    return False


@lean_kernel
def _serve(tables: Tables, routes: Routes, vehicle: int, begin: int) -> None:
    """The first call of the route is over: its visits go, its riders are aboard or away."""
    row = routes.node[vehicle]
    place = tables.place[row[0]]
    departs = begin + tables.own[row[0]]
    served = 1
    if row[0] >= tables.breaks:
        departs += tables.stop_seconds
        while (
            served < routes.count[vehicle]
            and row[served] >= tables.breaks
            and tables.place[row[served]] == place
            and tables.opens[row[served]] <= begin
        ):
            departs += tables.own[row[served]]
            served += 1
    for i in range(served):
        if row[i] >= tables.breaks and (row[i] - tables.breaks) % 2 == 0:
            request = (row[i] - tables.breaks) // 2
            tables.aboard_since[request] = departs
            tables.only_vehicle[request] = vehicle
            arrives = departs + wide(tables.max_ride[request])
            tables.latest[row[i] + 1] = min(wide(tables.latest[row[i] + 1]), arrives)
    for i in range(served, routes.count[vehicle]):
        row[i - served] = row[i]
    routes.count[vehicle] -= served
    if place >= 0:
        tables.start_place[vehicle] = place
    tables.ready[vehicle] = departs
    tables.arrives_first[vehicle] = NONE
    tables.locked[vehicle] = max(0, tables.locked[vehicle] - served)
