"""Why a request fits nowhere: the one limit that stood in the way, and its numbers.

One limit after the other is lifted, and the first without which the request would fit is
the answer, with what a person can understand: until when the wheelchair place is taken,
how long the ride would be, when the driver's break ends. The time window comes last, since
almost any request fits at some other time of the day.

See: docs/words.md, refusal; docs/decisions/0033-why-not.md
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dispatch.optimizer.arrays import PlanArrays
from dispatch.optimizer.columns import UNREACHABLE, Int64, Routes, Tables
from dispatch.optimizer.insertion import (
    DEPARTURE,
    DROPOFF_BEGIN,
    PICKUP_AT,
    PICKUP_BEGIN,
    VEHICLE,
    cheapest_insertion,
)
from dispatch.optimizer.limits import Limit, load_limit
from dispatch.optimizer.plan import ANYWHERE, NEVER
from dispatch.optimizer.slack import refresh_all


@dataclass(frozen=True, slots=True)
class Hindrance:
    """The limit without which the request would fit into `vehicle`.

    `found` is the value that was needed and `allowed` the bound, in seconds of the service
    day, seconds of ride, or load units. `until` is when the hindrance ends, where that is
    known (a place taken, a break).
    """

    limit: Limit
    vehicle: int | None = None
    found: int = 0
    allowed: int = 0
    until: int | None = None


def what_stands_in_the_way(arrays: PlanArrays, request: int) -> Hindrance | None:
    """The limit that keeps an unserved request out of the plan; None if it fits.

    Where no limit alone is to blame, they are lifted one on top of the other, and the one
    that turns the scale is named.
    """
    if _search(arrays, arrays.tables, arrays.routes, request) is not None:
        return None
    hopeless = _no_way(arrays, request) or _too_large(arrays, request)
    if hopeless is not None:
        return hopeless
    for limit, tables, routes in _relaxations(arrays, request, pile_up=False):
        found = _search(arrays, tables, routes, request)
        if found is not None:
            return _facts(arrays, request, limit, found)
    for limit, tables, routes in _relaxations(arrays, request, pile_up=True):
        found = _search(arrays, tables, routes, request)
        if found is not None:
            return _facts(arrays, request, limit, found)
    return Hindrance(Limit.PICKUP_WINDOW, None, 0, arrays.requests[request].latest_pickup)


def _relaxations(
    arrays: PlanArrays, request: int, *, pile_up: bool
) -> Iterator[tuple[Limit, Tables, Routes]]:
    """The problem without one limit, each in turn; or without it and all that came before."""
    tables, routes = arrays.tables, arrays.routes
    limits = [load_limit(k) for k in range(tables.loads.shape[1] - 1)]
    limits += [Limit.RIDE_TIME, Limit.ARRIVAL, Limit.BREAK, Limit.SHIFT, Limit.LOCKED]
    limits += [Limit.VEHICLE, Limit.PICKUP_WINDOW]
    for limit in dict.fromkeys(limits):
        if not pile_up:
            tables, routes = arrays.tables, arrays.routes
        tables = _lifted(arrays, tables, request, limit)
        if limit is Limit.BREAK:
            routes = _without_breaks(tables, routes)
        if limit in {Limit.BREAK, Limit.SHIFT}:
            routes = Routes(**{name: column.copy() for name, column in routes._asdict().items()})
            refresh_all(tables, routes, arrays.scratch)
        yield limit, tables, routes


def _lifted(arrays: PlanArrays, tables: Tables, request: int, limit: Limit) -> Tables:
    """`tables` without `limit`, for this request or for the vehicles."""
    pickup = tables.breaks + 2 * request
    columns = {name: getattr(tables, name).copy() for name in _COLUMNS.get(limit, ("loads",))}
    if limit is Limit.RIDE_TIME:
        columns["max_ride"][request] = NEVER
    elif limit is Limit.ARRIVAL:
        columns["latest"][pickup + 1] = NEVER
    elif limit is Limit.PICKUP_WINDOW:
        columns["latest"][pickup : pickup + 2] = NEVER
    elif limit is Limit.VEHICLE:
        columns["only_vehicle"][request] = -1
    elif limit is Limit.SHIFT:
        columns["shift_end"][:] = NEVER
        columns["max_duration"][:] = NEVER
        columns["ready"][:] = [vehicle.start_time for vehicle in arrays.problem.vehicles]
    elif limit is Limit.LOCKED:
        under_way = [one.arrives_first is not None for one in arrays.problem.vehicles]
        columns["locked"][:] = np.minimum(columns["locked"], under_way)
    elif limit is not Limit.BREAK:
        same = [load_limit(k) is limit for k in range(tables.loads.shape[1] - 1)]
        columns["loads"][request, :-1][same] = 0
    return tables._replace(**columns)


_COLUMNS: dict[Limit, tuple[str, ...]] = {
    Limit.RIDE_TIME: ("max_ride",),
    Limit.ARRIVAL: ("latest",),
    Limit.PICKUP_WINDOW: ("latest",),
    Limit.VEHICLE: ("only_vehicle",),
    Limit.SHIFT: ("shift_end", "max_duration", "ready"),
    Limit.LOCKED: ("locked",),
    Limit.BREAK: (),
}
"""The columns that a limit stands in, those of loads apart."""


def _without_breaks(tables: Tables, routes: Routes) -> Routes:
    """The routes with every break taken out (not yet refreshed)."""
    node, count = routes.node.copy(), routes.count.copy()
    for vehicle in range(len(count)):
        visits = node[vehicle, : count[vehicle]]
        kept = visits[visits >= tables.breaks]
        node[vehicle, : len(kept)] = kept
        count[vehicle] = len(kept)
    return routes._replace(node=node, count=count)


def _search(arrays: PlanArrays, tables: Tables, routes: Routes, request: int) -> Int64 | None:
    if not cheapest_insertion(tables, routes, request, arrays.scratch):
        return None
    return arrays.scratch.found.copy()


def _no_way(arrays: PlanArrays, request: int) -> Hindrance | None:
    """No road from origin to destination, or from any vehicle to the origin."""
    wish, problem = arrays.requests[request], arrays.problem
    travel = problem.travel_seconds
    direct = int(travel[wish.origin, wish.destination])
    if direct >= UNREACHABLE:
        return Hindrance(Limit.UNREACHABLE, None, direct, UNREACHABLE - 1)
    ways = [
        max(
            int(travel[one.start_place, wish.origin]),
            0 if one.end_place == ANYWHERE else int(travel[wish.destination, one.end_place]),
        )
        for one in problem.vehicles
    ]
    if ways and min(ways) >= UNREACHABLE:
        return Hindrance(Limit.UNREACHABLE, None, min(ways), UNREACHABLE - 1)
    return None


def _too_large(arrays: PlanArrays, request: int) -> Hindrance | None:
    """A party that no vehicle can take even when it is empty."""
    tables = arrays.tables
    for k in range(tables.loads.shape[1] - 1):
        need, widest = int(tables.loads[request, k]), int(tables.capacity[:, k].max(initial=0))
        if need > widest:
            return Hindrance(load_limit(k), None, need, widest)
    return None


def _facts(arrays: PlanArrays, request: int, limit: Limit, found: Int64) -> Hindrance:
    """What a person can be told of `limit`, from the insertion that lifting it allows."""
    wish = arrays.requests[request]
    vehicle, begin, arrival = (int(found[i]) for i in (VEHICLE, PICKUP_BEGIN, DROPOFF_BEGIN))
    if limit is Limit.RIDE_TIME:
        return Hindrance(limit, vehicle, arrival - int(found[DEPARTURE]), wish.max_ride)
    if limit is Limit.ARRIVAL:
        return Hindrance(limit, vehicle, arrival, wish.latest_arrival)
    if limit is Limit.PICKUP_WINDOW:
        return Hindrance(limit, vehicle, begin, wish.latest_pickup)
    one = arrays.problem.vehicles[vehicle]
    if limit is Limit.SHIFT:
        if begin < one.shift_start:
            return Hindrance(limit, vehicle, begin, one.shift_start, one.shift_start)
        return Hindrance(limit, vehicle, arrival, one.shift_end)
    if limit is Limit.BREAK:
        return _break_facts(arrays, vehicle, begin)
    if limit in {Limit.LOCKED, Limit.VEHICLE}:
        return Hindrance(limit, vehicle)
    return _load_facts(arrays, request, limit, vehicle, int(found[PICKUP_AT]))


def _break_facts(arrays: PlanArrays, vehicle: int, begin: int) -> Hindrance:
    """The vehicle's break whose planned time is nearest to the pickup."""
    routes, breaks = arrays.routes, arrays.tables.breaks
    rests = [
        (int(routes.began[vehicle, i + 1]), int(routes.free[vehicle, i + 1]))
        for i in range(routes.count[vehicle])
        if routes.node[vehicle, i] < breaks
    ]
    begins, ends = min(rests, key=lambda rest: abs(rest[0] - begin))
    return Hindrance(Limit.BREAK, vehicle, begins, begins, ends)


def _load_facts(arrays: PlanArrays, request: int, limit: Limit, vehicle: int, p: int) -> Hindrance:
    """How full the vehicle is where the party would board, and when it will have room."""
    tables, routes = arrays.tables, arrays.routes
    dimensions = [k for k in range(tables.loads.shape[1] - 1) if load_limit(k) is limit]
    k = max(dimensions, key=lambda one: int(tables.loads[request, one]))
    need, room = int(tables.loads[request, k]), int(tables.capacity[vehicle, k])
    loads = routes.load[vehicle, : routes.count[vehicle] + 1, k] + need
    full = [q for q in range(p, len(loads)) if loads[q] > room]
    until = None
    if full and need <= room:
        empty = next(q for q in range(full[0], len(loads)) if loads[q] <= room)
        until = int(routes.began[vehicle, empty])
    return Hindrance(limit, vehicle, int(loads[full[0] if full else p]), room, until)
