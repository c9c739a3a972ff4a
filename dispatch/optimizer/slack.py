"""What each route has to spare: worked out once a change, asked at every insertion.

For every gap between two visits: when the vehicle is free there, who is on board, and how
late the rest of the route could begin. With these most gaps are ruled out at a glance.

See: docs/decisions/0032-exact-insertion-with-slack.md
"""

from __future__ import annotations

from dispatch.optimizer.columns import BROKEN, NONE, Routes, Scratch, Tables
from dispatch.optimizer.kernels import called_kernel, lean_kernel, wide
from dispatch.optimizer.plan import NEVER
from dispatch.optimizer.schedule import (
    at_start,
    evaluate,
    first_arrival,
    load_change,
    load_from_start,
    next_call,
    travel_between,
)


@lean_kernel
def refresh_all(tables: Tables, routes: Routes, scratch: Scratch) -> None:
    """`refresh_route` for every vehicle."""
    for vehicle in range(routes.count.shape[0]):
        refresh_route(tables, routes, vehicle, scratch)


@lean_kernel
def refresh_route(tables: Tables, routes: Routes, vehicle: int, scratch: Scratch) -> int:
    """Fill all columns of one route from its nodes; returns its cost, or BROKEN.

    Whether loads fit is not judged here: a route gets its visits by insertions that do.
    """
    count = routes.count[vehicle]
    cost = evaluate(tables, vehicle, routes.node[vehicle], count, scratch)
    routes.cost[vehicle] = cost
    put_off = _is_put_off(count, scratch)
    routes.margin[vehicle] = _margin(tables, count, cost, put_off, scratch)
    if cost == BROKEN or put_off:
        _fill_forward(tables, routes, vehicle)
    else:
        _copy_forward(tables, routes, vehicle, scratch)
    _fill_loads(tables, routes, vehicle)
    _fill_latest(tables, routes, vehicle, scratch)
    _fill_latest_calls(tables, routes, vehicle)
    return cost


@called_kernel
def work_out_route(tables: Tables, routes: Routes, vehicle: int, scratch: Scratch) -> int:
    """`refresh_route`, called rather than written out."""
    return int(refresh_route(tables, routes, vehicle, scratch))


@lean_kernel
def _is_put_off(count: int, scratch: Scratch) -> bool:
    """Whether some call begins later than it could."""
    for i in range(count):  # noqa: SIM110  (numba compiles no generator)
        if scratch.not_before[i] > NONE:
            return True
    return False


@lean_kernel
def _margin(tables: Tables, count: int, cost: int, put_off: bool, scratch: Scratch) -> int:
    """How much less the riders could cost if every visit began no earlier than it does now.

    Nothing, as a rule: putting a pickup off by a second saves at most one second of ride and
    costs one of waiting. Where a second of ride is dearer, the difference for all excess
    there is; and where pickups have been put off already, all that riders cost now.
    """
    driving = wide(0)
    for i in range(count + 1):
        driving += scratch.leg[i]
    riders = cost - tables.cost_driving * driving - tables.cost_vehicle * (count > 0)
    dearer = max(0, tables.cost_excess - tables.cost_waiting)
    return -riders if put_off else -min(riders, dearer * scratch.excess[0])


@lean_kernel
def _copy_forward(tables: Tables, routes: Routes, vehicle: int, scratch: Scratch) -> None:
    """As `_fill_forward`, from the times of the route just evaluated, nothing put off."""
    count = routes.count[vehicle]
    here = at_start(tables, vehicle)
    routes.began[vehicle, 0] = here.began
    routes.free[vehicle, 0] = here.free
    routes.head_open[vehicle, 0] = here.head_open
    for i in range(count):
        routes.began[vehicle, i + 1] = scratch.begin[i]
        routes.free[vehicle, i + 1] = scratch.end[i]
        routes.head_open[vehicle, i + 1] = scratch.open_[i]
        routes.place[vehicle, i] = scratch.place[i]
        routes.leg[vehicle, i] = scratch.leg[i]
    routes.place[vehicle, count] = tables.end_place[vehicle]
    routes.leg[vehicle, count] = scratch.leg[count]
    if count > 0 and tables.arrives_first[vehicle] != NONE:
        routes.leg[vehicle, 0] = travel_between(tables, here.place, routes.place[vehicle, 0])


@lean_kernel
def _fill_forward(tables: Tables, routes: Routes, vehicle: int) -> None:
    """Places, legs and the vehicle's state at each position, by the plain forward pass."""
    count = routes.count[vehicle]
    here = at_start(tables, vehicle)
    for p in range(count + 1):
        routes.began[vehicle, p] = here.began
        routes.free[vehicle, p] = here.free
        routes.head_open[vehicle, p] = here.head_open
        if p == count:
            end_place = tables.end_place[vehicle]
            routes.place[vehicle, p] = end_place
            home = travel_between(tables, here.place, end_place)
            routes.leg[vehicle, p] = home if count > 0 else 0
            return
        node = routes.node[vehicle, p]
        leg = travel_between(tables, here.place, tables.place[node])
        arrival = first_arrival(tables, vehicle, leg) if p == 0 else here.free + leg
        here = next_call(tables, vehicle, here, node, arrival, NONE)
        routes.place[vehicle, p] = here.place
        routes.leg[vehicle, p] = leg


@lean_kernel
def _fill_loads(tables: Tables, routes: Routes, vehicle: int) -> None:
    """Who is on board at each position; parties aboard from the start have a drop-off only."""
    count, dimensions = routes.count[vehicle], routes.load.shape[2]
    for dimension in range(dimensions):
        routes.load[vehicle, 0, dimension] = 0
        for i in range(count):
            routes.load[vehicle, 0, dimension] += load_from_start(
                tables, routes.node[vehicle, i], dimension
            )
        for i in range(count):
            change = load_change(tables, routes.node[vehicle, i], dimension)
            routes.load[vehicle, i + 1, dimension] = routes.load[vehicle, i, dimension] + change


@lean_kernel
def _fill_latest(tables: Tables, routes: Routes, vehicle: int, scratch: Scratch) -> None:
    """Latest begin of each visit by its own limits, the ride limit among them.

    A ride may end by the latest pickup + the longest standing there + the longest ride. The
    longest standing is that of all neighbouring visits at the place in one call.
    """
    count = routes.count[vehicle]
    latest = routes.latest[vehicle]
    for i in range(count):
        node = routes.node[vehicle, i]
        latest[i] = tables.latest[node]
        if node < tables.breaks:
            continue
        request, is_dropoff = divmod(node - tables.breaks, 2)
        if not is_dropoff:
            scratch.pickup_at[request] = i
        elif tables.aboard_since[request] == NONE:
            pickup = scratch.pickup_at[request]
            leaves = latest[pickup] + _longest_standing(tables, routes, vehicle, pickup)
            latest[i] = min(latest[i], leaves + tables.max_ride[request])
    latest[count] = tables.shift_end[vehicle]
    tightest = NEVER
    for i in range(count, -1, -1):
        tightest = min(tightest, latest[i])
        routes.tightest[vehicle, i] = tightest


@lean_kernel
def _longest_standing(tables: Tables, routes: Routes, vehicle: int, i: int) -> int:
    """Seconds of one call for visit `i` and all neighbours at its place."""
    place, node = routes.place[vehicle], routes.node[vehicle]
    first, last = i, i
    while first > 0 and place[first - 1] == place[i] and node[first - 1] >= tables.breaks:
        first -= 1
    while (
        last + 1 < routes.count[vehicle]
        and place[last + 1] == place[i]
        and node[last + 1] >= tables.breaks
    ):
        last += 1
    standing = tables.stop_seconds
    for j in range(first, last + 1):
        standing += tables.own[node[j]]
    return standing


@lean_kernel
def _fill_latest_calls(tables: Tables, routes: Routes, vehicle: int) -> None:
    """Latest begin of a call headed by visit i which all that follows can still bear.

    Backwards: the visits that would join it, then the call that would come after.
    """
    count = routes.count[vehicle]
    node, place = routes.node[vehicle], routes.place[vehicle]
    latest_call = routes.latest_call[vehicle]
    latest_call[count] = routes.latest[vehicle, count]
    for i in range(count - 1, -1, -1):
        bound = routes.latest[vehicle, i]
        standing = tables.own[node[i]]
        after = i + 1
        if node[i] >= tables.breaks:
            standing += tables.stop_seconds
            head_open = max(tables.opens[node[i]], tables.ready[vehicle])
            while (
                after < count
                and place[after] == place[i]
                and node[after] >= tables.breaks
                and tables.opens[node[after]] <= head_open
            ):
                bound = min(bound, routes.latest[vehicle, after])
                standing += tables.own[node[after]]
                after += 1
        bound = min(bound, latest_call[after] - routes.leg[vehicle, after] - standing)
        latest_call[i] = max(bound, NONE)
