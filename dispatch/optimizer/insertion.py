"""The cheapest place for one request in all routes: what an offer is made of.

Every vehicle and every pair of positions is looked at. Most pairs fall to limits that were
worked out beforehand (`slack.py`); for the rest the whole new route gets its exact times. The
answer is the same as that of trying every pair, ties going to the lowest vehicle, then to
the earliest positions.

See: docs/words.md, insertion; docs/decisions/0032-exact-insertion-with-slack.md
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dispatch.optimizer.arrays import PlanArrays
from dispatch.optimizer.columns import (
    BROKEN,
    NONE,
    Int32,
    Int64,
    Routes,
    Scratch,
    Tables,
)
from dispatch.optimizer.kernels import lean_kernel, wide
from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import Plan, Problem, Request, Route
from dispatch.optimizer.schedule import (
    Standing,
    evaluate,
    first_arrival,
    joins,
    next_call,
    travel_between,
)

COST, VEHICLE, PICKUP_AT, DROPOFF_AT, PICKUP_BEGIN, DEPARTURE, DROPOFF_BEGIN = range(7)
"""Columns of `Scratch.found`. Positions are those of the route as it was: the new visit goes
before the visit that stands there; equal positions mean pickup and drop-off side by side."""

LEAST, IN, AT, UNTIL = range(4)
"""Columns of `Scratch.pair`: a lower bound of the cost, the vehicle, and the two positions."""

NO_COST = 2**62
"""Dearer than any insertion."""


class Start(NamedTuple):
    """One pickup being tried, before visit `p` of the old route (in compiled code)."""

    vehicle: int
    request: int
    p: int
    after: Standing
    """The vehicle after the pickup."""
    way: int
    """Travel seconds to the pickup."""
    joined: bool
    """Whether the pickup joins a call that is there already."""
    stretch: int
    """Seconds by which the two visits can prolong a standing, and put off its departure."""
    cost: int
    """Least cost of the pickup to its party."""


@lean_kernel
def cheapest_insertion(tables: Tables, routes: Routes, request: int, scratch: Scratch) -> bool:
    """Find the cheapest feasible insertion of `request` into any route.

    True if there is one; it is in `scratch.found` then. Nothing is inserted: call
    `columns.put_in(…, pickup_at, dropoff_at + 1)` and `slack.refresh_route` for that.
    """
    clear(scratch)
    for vehicle in range(routes.count.shape[0]):
        cheapest_in_route(tables, routes, vehicle, request, scratch)
    return bool(scratch.found[VEHICLE] >= 0)


@lean_kernel
def clear(scratch: Scratch) -> None:
    """Forget the best insertion found so far."""
    scratch.found[:] = 0
    scratch.found[COST] = NO_COST
    scratch.found[VEHICLE] = -1


@lean_kernel
def cheapest_in_route(
    tables: Tables, routes: Routes, vehicle: int, request: int, scratch: Scratch
) -> None:
    """Replace `scratch.found` if a cheaper insertion into this one route exists."""
    scratch.pairs[0] = 0
    note_pairs(tables, routes, vehicle, request, scratch)
    try_pairs(tables, routes, request, scratch)


@lean_kernel
def note_pairs(
    tables: Tables, routes: Routes, vehicle: int, request: int, scratch: Scratch
) -> None:
    """Note all pairs of positions of one route that may be cheaper than `scratch.found`."""
    only = tables.only_vehicle[request]
    if routes.cost[vehicle] == BROKEN or (only >= 0 and only != vehicle):
        return
    pickup = tables.breaks + 2 * request
    latest = tables.latest[pickup]
    stretch = _longest_stretch(tables, routes, vehicle, pickup)
    bounded = stretch == 0 and _keeps_order_of_times(tables, routes, vehicle, pickup)
    first = _first_gap(tables, routes, vehicle, tables.opens[pickup] - stretch)
    for p in range(first, routes.count[vehicle] + 1):
        if routes.began[vehicle, p] > latest:
            break
        if bounded and _least_of_pickup(tables, routes, vehicle, pickup, p) > scratch.found[COST]:
            continue
        if not _has_room(tables, routes, vehicle, p, request):
            continue
        here = standing_at(tables, routes, vehicle, p)
        travel = travel_between(tables, here.place, tables.place[pickup])
        arrival = first_arrival(tables, vehicle, travel) if p == 0 else here.free + travel
        after = next_call(tables, vehicle, here, pickup, arrival, NONE)
        if after.began > latest or after.began > routes.tightest[vehicle, p] + stretch:
            continue
        start = Start(
            vehicle,
            request,
            p,
            after,
            travel,
            joins(tables, here, pickup),
            stretch,
            _own_cost(tables, pickup, after.began),
        )
        _note_dropoffs(tables, routes, start, scratch)


@lean_kernel
def _first_gap(tables: Tables, routes: Routes, vehicle: int, opens: int) -> int:
    """The first gap that may be used after which no visit has to begin before `opens`."""
    low, high = wide(tables.locked[vehicle]), wide(routes.count[vehicle])
    while low < high:
        middle = (low + high) >> 1
        if routes.tightest[vehicle, middle] < opens:
            low = middle + 1
        else:
            high = middle
    return low


@lean_kernel
def _least_of_pickup(tables: Tables, routes: Routes, vehicle: int, pickup: int, p: int) -> int:
    """A lower bound of what the pickup before visit p adds, wherever the drop-off goes."""
    if p == 0 and tables.arrives_first[vehicle] != NONE:
        return -NO_COST
    here = tables.start_place[vehicle] if p == 0 else routes.place[vehicle, p - 1]
    place = tables.place[pickup]
    way = wide(tables.travel_to[place, here]) - wide(routes.leg[vehicle, p]) - tables.shortcut
    way += travel_between(tables, place, routes.place[vehicle, p])
    return tables.cost_driving * way + wide(routes.margin[vehicle])


@lean_kernel
def _keeps_order_of_times(tables: Tables, routes: Routes, vehicle: int, pickup: int) -> bool:
    """Whether a new pickup makes nothing in the route earlier than it is now.

    So where ways through a third place save next to nothing, nobody calls at the two places
    already, and no break is taken wherever the vehicle happens to be.
    """
    standing = tables.stop_seconds + min(tables.own[pickup], tables.own[pickup + 1])
    if tables.shortcut > standing:
        return False
    if tables.breaks == 0 and tables.alone[(pickup - tables.breaks) >> 1]:
        return True
    origin, destination = tables.place[pickup], tables.place[pickup + 1]
    for p in range(routes.count[vehicle]):
        place = routes.place[vehicle, p]
        if place in (origin, destination) or tables.place[routes.node[vehicle, p]] < 0:
            return False
    return True


@lean_kernel
def _longest_stretch(tables: Tables, routes: Routes, vehicle: int, pickup: int) -> int:
    """Seconds by which the two visits can prolong a standing of the route, if they join one."""
    stretch = wide(0)
    if tables.alone[(pickup - tables.breaks) >> 1]:
        return stretch
    for node in (pickup, pickup + 1):
        for p in range(routes.count[vehicle]):
            if routes.place[vehicle, p] == tables.place[node]:
                stretch += tables.own[node]
                break
    return stretch


@lean_kernel
def _own_cost(tables: Tables, pickup: int, begin: int) -> int:
    """Least cost of the new party's own pickup, begun no earlier than `begin`."""
    waiting = tables.cost_waiting * (begin - wide(tables.opens[pickup]))
    return waiting + tables.cost_lateness * max(0, begin - wide(tables.due[pickup]))


@lean_kernel
def standing_at(tables: Tables, routes: Routes, vehicle: int, p: int) -> Standing:
    """The vehicle at position `p`, before visit p."""
    place = tables.start_place[vehicle] if p == 0 else routes.place[vehicle, p - 1]
    return Standing(
        wide(place),
        wide(routes.began[vehicle, p]),
        wide(routes.free[vehicle, p]),
        wide(routes.head_open[vehicle, p]),
    )


@lean_kernel
def _has_room(tables: Tables, routes: Routes, vehicle: int, p: int, request: int) -> bool:
    """Whether `request` fits on board at position `p`."""
    for dimension in range(tables.loads.shape[1]):
        load = routes.load[vehicle, p, dimension] + tables.loads[request, dimension]
        if load > tables.capacity[vehicle, dimension]:
            return False
    return True


@lean_kernel
def _note_dropoffs(tables: Tables, routes: Routes, start: Start, scratch: Scratch) -> None:
    """Note every drop-off for one pickup that slack and the best so far do not rule out."""
    vehicle, here = start.vehicle, start.after
    dropoff = tables.breaks + 2 * start.request + 1
    latest = tables.latest[dropoff]
    for d in range(start.p, routes.count[vehicle] + 1):
        if d > start.p:
            here = _pass_visit(tables, routes, start, d - 1, here)
            if (
                routes.node[vehicle, d - 1] < tables.breaks
                or here.began > routes.latest[vehicle, d - 1] + start.stretch
                or not _has_room(tables, routes, vehicle, d, start.request)
            ):
                return
        if here.began > latest:
            return
        arrival = here.free + travel_between(tables, here.place, tables.place[dropoff])
        after = next_call(tables, vehicle, here, dropoff, arrival, NONE)
        if after.began > latest or _too_late_after(tables, routes, start, d, after):
            continue
        least = _least_increase(tables, routes, start, d, here, after)
        if least <= scratch.found[COST]:
            i = scratch.pairs[0]
            scratch.pair[i, LEAST] = least
            scratch.pair[i, IN] = vehicle
            scratch.pair[i, AT] = start.p
            scratch.pair[i, UNTIL] = d
            scratch.pairs[0] = i + 1


@lean_kernel
def _pass_visit(tables: Tables, routes: Routes, start: Start, i: int, here: Standing) -> Standing:
    """The vehicle after visit `i` of the old route, the pickup being before visit `start.p`."""
    node = routes.node[start.vehicle, i]
    leg = wide(routes.leg[start.vehicle, i])
    if i == start.p:
        leg = travel_between(tables, here.place, tables.place[node])
    return next_call(tables, start.vehicle, here, node, here.free + leg, NONE)


@lean_kernel
def _keeps_calls(tables: Tables, routes: Routes, vehicle: int, p: int, place: int) -> bool:
    """Whether the calls after position `p` stay as they are behind a new visit at `place`.

    Not so if the next visit may join the new one, or is a break taken wherever the vehicle is.
    """
    if p == routes.count[vehicle]:
        return True
    if routes.place[vehicle, p] == place:
        return False
    return bool(tables.place[routes.node[vehicle, p]] >= 0)


@lean_kernel
def _too_late_after(tables: Tables, routes: Routes, start: Start, d: int, after: Standing) -> bool:
    """Whether the rest of the route cannot follow a drop-off at position `d`."""
    if not _keeps_calls(tables, routes, start.vehicle, d, after.place):
        return False
    begin = after.free + travel_between(tables, after.place, routes.place[start.vehicle, d])
    return bool(begin > routes.latest_call[start.vehicle, d] + start.stretch)


@lean_kernel
def _least_increase(
    tables: Tables, routes: Routes, start: Start, d: int, here: Standing, after: Standing
) -> int:
    """A lower bound of the cost increase with the drop-off at position `d`.

    The detour and the new rider's own cost count in full. Present riders cost no less than
    now but for `Routes.margin`, if everything after the new visits begins no earlier than
    now; that is checked, since a travel table need not keep the triangle inequality. Where
    a standing is prolonged, its riders' rides are measured from a later departure.
    """
    vehicle, p = start.vehicle, start.p
    down = travel_between(tables, here.place, after.place)
    down += travel_between(tables, after.place, routes.place[vehicle, d])
    down -= wide(routes.leg[vehicle, d])
    kept = _keeps_calls(tables, routes, vehicle, d, after.place)
    if d == p:
        detour = start.way + down
        kept = kept and detour + tables.stop_seconds + start.stretch >= 0
    else:
        place = start.after.place
        up = start.way - wide(routes.leg[vehicle, p])
        up += travel_between(tables, place, routes.place[vehicle, p])
        detour = up + down
        pickup = tables.breaks + 2 * start.request
        kept = kept and _keeps_calls(tables, routes, vehicle, p, place)
        kept = kept and up + tables.stop_seconds + tables.own[pickup] >= 0
        kept = kept and down + tables.stop_seconds + tables.own[pickup + 1] >= 0
    if not kept or (p == 0 and tables.arrives_first[vehicle] > NONE):
        return -NO_COST
    ride = after.began - start.after.free - wide(tables.direct[start.request])
    increase = tables.cost_driving * detour + start.cost + wide(routes.margin[vehicle])
    increase += min(tables.cost_waiting, tables.cost_excess) * max(0, ride)
    if routes.count[vehicle] == 0:
        increase += tables.cost_vehicle
    if start.joined or here.place == after.place:
        parties = routes.load.shape[2] - 1
        riders = routes.load[vehicle, p, parties] + routes.load[vehicle, d, parties]
        increase -= tables.cost_excess * start.stretch * wide(riders)
    return increase


@lean_kernel
def try_pairs(tables: Tables, routes: Routes, request: int, scratch: Scratch) -> None:
    """Try the pairs noted, those first that may be cheapest, until no other can be cheaper."""
    pair, found = scratch.pair, scratch.found
    while True:
        chosen, least = -1, wide(NO_COST)
        for i in range(scratch.pairs[0]):
            if pair[i, LEAST] < least:
                chosen, least = i, pair[i, LEAST]
        if chosen < 0 or least > found[COST]:
            scratch.pairs[0] = 0
            return
        pair[chosen, LEAST] = NO_COST
        vehicle, p, d = pair[chosen, IN], pair[chosen, AT], pair[chosen, UNTIL]
        if least < found[COST] or _comes_before(found, vehicle, p, d):
            _try_pair(tables, routes, vehicle, request, p, d, scratch)


@lean_kernel
def _comes_before(found: Int64, vehicle: int, p: int, d: int) -> bool:
    """Whether an insertion is preferred to the best so far if both cost the same."""
    if vehicle != found[VEHICLE]:
        return bool(vehicle < found[VEHICLE])
    return bool(p < found[PICKUP_AT] or (p == found[PICKUP_AT] and d < found[DROPOFF_AT]))


@lean_kernel
def _try_pair(
    tables: Tables, routes: Routes, vehicle: int, request: int, p: int, d: int, scratch: Scratch
) -> None:
    """Give the whole new route its exact times; keep it if it is the cheapest so far."""
    count = routes.count[vehicle]
    pickup = tables.breaks + 2 * request
    row, nodes = routes.node[vehicle], scratch.nodes
    for i in range(count):
        nodes[i + (i >= p) + (i >= d)] = row[i]
    nodes[p] = pickup
    nodes[d + 1] = pickup + 1
    cost = evaluate(tables, vehicle, nodes, count + 2, scratch)
    found = scratch.found
    if cost == BROKEN or cost - routes.cost[vehicle] > found[COST]:
        return
    if cost - routes.cost[vehicle] == found[COST] and not _comes_before(found, vehicle, p, d):
        return
    found[COST] = cost - routes.cost[vehicle]
    found[VEHICLE] = vehicle
    found[PICKUP_AT] = p
    found[DROPOFF_AT] = d
    found[PICKUP_BEGIN] = scratch.begin[p]
    found[DEPARTURE] = scratch.depart[scratch.head[p]]
    found[DROPOFF_BEGIN] = scratch.begin[d + 1]


@lean_kernel
def cheapest_insertions(
    tables: Tables,
    routes: Routes,
    request: int,
    windows: Int32,
    scratch: Scratch,
    out: Int64,
) -> None:
    """`cheapest_insertion` once for each time window; the tables are the same afterwards.

    windows: (n, 3) earliest pickup, latest pickup, latest arrival; out: (n, 8), a row of
    `Scratch.found` each, with vehicle -1 where nothing fits.
    """
    pickup = tables.breaks + 2 * request
    kept = (tables.opens[pickup], tables.latest[pickup], tables.latest[pickup + 1])
    for i in range(windows.shape[0]):
        tables.opens[pickup] = windows[i, 0]
        tables.latest[pickup] = windows[i, 1]
        tables.latest[pickup + 1] = windows[i, 2]
        cheapest_insertion(tables, routes, request, scratch)
        for column in range(out.shape[1]):
            out[i, column] = scratch.found[column]
    tables.opens[pickup], tables.latest[pickup], tables.latest[pickup + 1] = kept


@dataclass(frozen=True, slots=True)
class Insertion:
    """Where a request fits best, and when.

    Positions are indices in the resulting `route`. `departure` is when the call at which the
    party boards is over; `cost` is the increase in the plan's cost but for `unserved`.
    """

    request: int
    vehicle: int
    pickup_position: int
    dropoff_position: int
    cost: int
    pickup_begin: int
    departure: int
    dropoff_begin: int
    route: Route


def best_insertion(
    arrays: PlanArrays, request: int, weights: Weights | None = None
) -> Insertion | None:
    """The cheapest feasible insertion of an unserved request, or None; `arrays` stay as they are.

    `weights`, where given, must be those that `arrays` were built with.
    """
    if weights not in {None, arrays.weights}:
        raise ValueError("the arrays were built with other weights")
    if not cheapest_insertion(arrays.tables, arrays.routes, request, arrays.scratch):
        return None
    return _read(arrays, request, arrays.scratch.found)


def probe(
    arrays: PlanArrays, request: int, windows: Sequence[tuple[int, int, int]] | Int32
) -> list[Insertion | None]:
    """What `best_insertion` would say to the request at each of many time windows.

    Parameters
    ----------
    windows
        (n, 3): earliest pickup, latest pickup and latest arrival of each.
    """
    grid = np.ascontiguousarray(windows, dtype=np.int32).reshape(-1, 3)
    out = np.zeros((len(grid), len(arrays.scratch.found)), np.int64)
    cheapest_insertions(arrays.tables, arrays.routes, request, grid, arrays.scratch, out)
    return [_read(arrays, request, row) if row[VEHICLE] >= 0 else None for row in out]


def insert(
    problem: Problem, plan: Plan, request: int | Request, weights: Weights | None = None
) -> Insertion | None:
    """For one-off use: the best insertion into `plan`, of a request of the problem or a new one."""
    arrays = PlanArrays(problem, plan, weights)
    index = request if isinstance(request, int) else arrays.add_request(request)
    return best_insertion(arrays, index)


def _read(arrays: PlanArrays, request: int, found: Int64) -> Insertion:
    cost, vehicle, p, d, begin, departure, dropoff_begin = found.tolist()[:7]
    nodes = arrays.routes.node[vehicle, : arrays.routes.count[vehicle]].tolist()
    pickup = arrays.tables.breaks + 2 * request
    return Insertion(
        request=request,
        vehicle=vehicle,
        pickup_position=p,
        dropoff_position=d + 1,
        cost=cost,
        pickup_begin=begin,
        departure=departure,
        dropoff_begin=dropoff_begin,
        route=arrays.route_of([*nodes[:p], pickup, *nodes[p:d], pickup + 1, *nodes[d:]]),
    )
