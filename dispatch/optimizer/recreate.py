"""Putting rides back into a plan, each where it costs least.

The order is drawn by chance (any, by time, longest first, or whoever would regret waiting
most), and now and then a vehicle is overlooked: that is what lets the search find what
greed alone does not.

See: docs/words.md, search; docs/decisions/0036-ruin-and-recreate.md for the sources
"""

from __future__ import annotations

import numpy as np

from dispatch.optimizer.columns import BROKEN, NONE, Int32, Routes, Scratch, Tables, put_in
from dispatch.optimizer.insertion import (
    COST,
    DROPOFF_AT,
    NO_COST,
    PICKUP_AT,
    VEHICLE,
    cheapest_in_route,
    clear,
    note_pairs,
    try_pairs,
)
from dispatch.optimizer.kernels import called_kernel, kernel, lean_kernel
from dispatch.optimizer.ruin import Draft, Habits, draw
from dispatch.optimizer.schedule import evaluate, loads_fit
from dispatch.optimizer.slack import work_out_route

OUT_OF_REACH = NO_COST
"""The cost of a plan that leaves out somebody who must be served, or is too dear already."""


@kernel
def recreate(
    tables: Tables,
    routes: Routes,
    scratch: Scratch,
    draft: Draft,
    habits: Habits,
    bounds: tuple[int, int],
) -> int:
    """Put the bag's requests back; returns how much dearer the routes have become.

    `bounds`: the most that they may become dearer, and by how much the price of a request
    rises that is left out. OUT_OF_REACH as soon as that is exceeded or somebody required has
    no place.
    """
    for vehicle in range(len(draft.touched)):
        if draft.touched[vehicle]:
            _resettle(tables, routes, scratch, draft, vehicle)
    if draft.size[0] > 1 and draw(draft.random, 100) < habits.regret_of_100:
        return _recreate_by_regret(tables, routes, scratch, draft, habits, bounds)
    _sort_bag(tables, draft)
    dearer = 0
    for i in range(draft.size[0]):
        request = draft.bag[i]
        _find_place(tables, routes, scratch, draft, habits, request)
        if scratch.found[VEHICLE] >= 0:
            dearer += _put_back(tables, routes, scratch, draft, request)
        elif draft.required[request]:
            return OUT_OF_REACH
        else:
            dearer += draft.price[request]
            draft.price[request] += bounds[1]
        if dearer > bounds[0]:
            return OUT_OF_REACH
    return dearer


@called_kernel
def _find_place(
    tables: Tables, routes: Routes, scratch: Scratch, draft: Draft, habits: Habits, request: int
) -> None:
    """Leave the cheapest insertion of `request` into any route in `scratch.found`."""
    clear(scratch)
    scratch.pairs[0] = 0
    vehicles, many = len(routes.count), len(scratch.pair) // 2
    for touched in range(1, -1, -1):  # where rides were taken out a good place is likely
        for vehicle in range(vehicles):
            same = draft.touched[vehicle] == (touched == 1)
            if same and _may_try(routes, draft, vehicle, habits):
                note_pairs(tables, routes, vehicle, request, scratch)
            if vehicle == vehicles - 1 or scratch.pairs[0] > many:
                try_pairs(tables, routes, request, scratch)


@lean_kernel
def _may_try(routes: Routes, draft: Draft, vehicle: int, habits: Habits) -> bool:
    """There is room for two visits more, and the vehicle is not overlooked this time.

    An empty vehicle is not tried where the one before it is just like it and empty too.
    Overlooking is the blink of Christiaens and Vanden Berghe (2020).
    """
    count = routes.count
    if count[vehicle] + 2 > routes.node.shape[1] or draft.closed[vehicle]:
        return False
    if draft.like_the_last[vehicle] and count[vehicle] == 0 and count[vehicle - 1] == 0:
        return False
    return draw(draft.random, 1000) >= habits.blinks_of_1000


@lean_kernel
def _put_back(tables: Tables, routes: Routes, scratch: Scratch, draft: Draft, request: int) -> int:
    """Insert `request` where `scratch.found` says; returns how much dearer the route is."""
    vehicle = scratch.found[VEHICLE]
    before = routes.cost[vehicle]
    put_in(
        tables,
        routes,
        vehicle,
        request,
        scratch.found[PICKUP_AT],
        scratch.found[DROPOFF_AT] + 1,
    )
    draft.vehicle_of[request] = vehicle
    draft.touched[vehicle] = True
    return int(work_out_route(tables, routes, vehicle, scratch) - before)


@kernel
def _sort_bag(tables: Tables, draft: Draft) -> None:
    """Bring the bag into an order drawn by chance: any, earliest first, longest first, near."""
    way = draw(draft.random, 8)
    size = draft.size[0]
    for i in range(size):
        request = draft.bag[i]
        pickup = tables.breaks + 2 * request
        direct = np.int64(tables.direct[request])
        if way < 3:
            draft.rank[i] = draw(draft.random, 2**30)
        elif way < 5:
            draft.rank[i] = tables.opens[pickup]
        elif way < 7:
            draft.rank[i] = -direct
        else:
            draft.rank[i] = direct
    order = np.argsort(draft.rank[:size])
    draft.bag[:size] = draft.bag[:size][order]


@called_kernel
def _find_place_in(
    tables: Tables, routes: Routes, vehicle: int, request: int, scratch: Scratch
) -> None:
    """`cheapest_in_route`, called rather than written out."""
    cheapest_in_route(tables, routes, vehicle, request, scratch)


@kernel
def _recreate_by_regret(
    tables: Tables,
    routes: Routes,
    scratch: Scratch,
    draft: Draft,
    habits: Habits,
    bounds: tuple[int, int],
) -> int:
    """Put back first whoever's second-best vehicle is dearest compared with the best."""
    size, vehicles = draft.size[0], len(routes.count)
    found = np.empty((size, vehicles, len(scratch.found)), np.int64)
    waiting = np.ones(size, np.bool_)
    dearer = 0
    first, last = 0, vehicles  # of the vehicles that have changed since they were asked
    for _ in range(size):
        for j in range(size):
            for vehicle in range(first, last if waiting[j] else first):
                clear(scratch)
                if _may_try(routes, draft, vehicle, habits):
                    _find_place_in(tables, routes, vehicle, draft.bag[j], scratch)
                for column in range(found.shape[2]):
                    found[j, vehicle, column] = scratch.found[column]
        i = _most_regretted(found, waiting)
        waiting[i] = False
        first = int(np.argmin(found[i, :, COST]))
        last = first
        if found[i, first, COST] == NO_COST:
            if draft.required[draft.bag[i]]:
                return OUT_OF_REACH
            dearer += draft.price[draft.bag[i]]
            draft.price[draft.bag[i]] += bounds[1]
        else:
            scratch.found[:] = found[i, first]
            dearer += _put_back(tables, routes, scratch, draft, draft.bag[i])
            last = first + 1
            if last < vehicles and draft.like_the_last[last]:
                last += 1  # it was overlooked while the one before it was empty, too
        if dearer > bounds[0]:
            return OUT_OF_REACH
    return dearer


@lean_kernel
def _most_regretted(
    found: np.ndarray[tuple[int, int, int], np.dtype[np.int64]],
    waiting: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> int:
    """The waiting request that loses most if its best vehicle is taken by another."""
    chosen, most = -1, -1
    for i in range(len(waiting)):
        if not waiting[i]:
            continue
        best, second = NO_COST, NO_COST
        for vehicle in range(found.shape[1]):
            cost = found[i, vehicle, COST]
            if cost < best:
                best, second = cost, best
            elif cost < second:
                second = cost
        regret = second - best
        if chosen < 0 or regret > most:
            chosen, most = i, regret
    return chosen


@called_kernel
def _resettle(tables: Tables, routes: Routes, scratch: Scratch, draft: Draft, vehicle: int) -> None:
    """Move one break, or the drop-off of somebody on board, to its best place in a route."""
    count = int(routes.count[vehicle])
    p = _draw_resettler(tables, routes, draft, vehicle)
    if p < 0:
        return
    nodes, row = scratch.nodes, routes.node[vehicle]
    best_cost, best_at = routes.cost[vehicle], p
    for q in range(tables.locked[vehicle], count):
        _write_moved(nodes, row, count, p, q)
        if q == p or not _breaks_in_order(nodes, count, tables.breaks):
            continue
        if not loads_fit(tables, vehicle, nodes, count, scratch):
            continue
        cost = evaluate(tables, vehicle, nodes, routes.count[vehicle], scratch)
        if cost != BROKEN and cost <= best_cost:
            best_cost, best_at = cost, q
    _write_moved(nodes, row, count, p, best_at)
    for i in range(count):
        row[i] = nodes[i]
    work_out_route(tables, routes, vehicle, scratch)


@lean_kernel
def _draw_resettler(tables: Tables, routes: Routes, draft: Draft, vehicle: int) -> int:
    """Position of a visit that cannot change vehicle but may move in its route, or -1."""
    total = 0
    chosen = -1
    for p in range(tables.locked[vehicle], routes.count[vehicle]):
        node = routes.node[vehicle, p]
        alone = node < tables.breaks
        if not alone:
            alone = tables.aboard_since[(node - tables.breaks) // 2] > NONE
        if alone:
            total += 1
            if draw(draft.random, total) == 0:
                chosen = p
    return chosen


@lean_kernel
def _write_moved(target: Int32, nodes: Int32, count: int, p: int, q: int) -> None:
    """`target` becomes `nodes` with the visit at `p` moved to position `q`."""
    for i in range(count):
        target[i] = nodes[i]
    step = 1 if q > p else -1
    for i in range(p, q, step):
        target[i] = nodes[i + step]
    target[q] = nodes[p]


@lean_kernel
def _breaks_in_order(nodes: Int32, count: int, breaks: int) -> bool:
    """A vehicle's breaks are numbered in the order in which they are taken."""
    last = -1
    for i in range(count):
        if nodes[i] < breaks:
            if nodes[i] < last:
                return False
            last = nodes[i]
    return True
