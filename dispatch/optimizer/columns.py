"""People, vehicles and routes as columns of numbers: the layout that the kernels read.

So the compiled loops can run over thousands of routes in a millisecond. Only this module
knows how the columns are made; everything else reads them by name.

A *node* is one possible visit: first every break of every vehicle (0 … breaks - 1), then
for request r its pickup (breaks + 2 r) and its drop-off (breaks + 2 r + 1). Requests may
be added at the end without renumbering. The diagonal of the travel table must be zero.

Three named tuples are what kernels take: `Tables` (the problem, read only), `Routes` (the
plan and what is known about each route) and `Scratch` (working space of one thread).

See: docs/decisions/0031-columns-and-nodes.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatch.optimizer.kernels import lean_kernel
from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import NEVER, Break, Problem, Request, Vehicle

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]

UNREACHABLE = 2**28
"""Travel seconds from which on there is no way at all."""

NONE = -(2**30)
"""Stands for None in a column of times; earlier than any day."""

BROKEN = -1
"""Cost of a route that breaks a limit."""


class Tables(NamedTuple):
    """The problem. Times in seconds since the service day began, indices as in plan.py.

    N nodes, R requests, V vehicles, D load dimensions and one more that counts parties.
    """

    travel: Int32
    """(places, places) seconds, row from, column to."""
    stop_seconds: int
    breaks: int
    """Number of nodes that are breaks."""
    cost_driving: int
    cost_waiting: int
    cost_excess: int
    cost_lateness: int
    cost_vehicle: int
    """Flat cost of a route with a visit."""
    shortcut: int
    """Most seconds that a way through a third place saves; UNREACHABLE where not known."""
    travel_to: Int32
    """(places, places) `travel` with row to, column from: near in memory for one destination."""
    alone: Int32
    """(R,) 1 where it is known that nobody else calls at either of its places."""
    place: Int32
    """(N,) ANYWHERE for a break without a place."""
    opens: Int32
    """(N,) earliest begin; NONE for drop-offs that open when their vehicle is ready."""
    latest: Int32
    """(N,) latest begin; for a drop-off of a party aboard its ride limit is in it."""
    own: Int32
    """(N,) seconds that this visit adds to the standing: boarding, alighting, the break."""
    due: Int32
    """(N,) promised time, each second later costs; NEVER for breaks."""
    max_ride: Int32
    """(R,)"""
    direct: Int32
    """(R,) travel seconds without detour."""
    aboard_since: Int32
    """(R,) NONE while waiting."""
    only_vehicle: Int32
    """(R,) -1 for any."""
    loads: Int32
    """(R, D + 1) the last column is one party."""
    capacity: Int32
    """(V, D + 1) the last column is NEVER."""
    start_place: Int32
    """(V,)"""
    ready: Int32
    """(V,) the later of start time and shift start."""
    arrives_first: Int32
    """(V,) NONE unless already on the way to the first visit."""
    first_leg: Int32
    """(V,) driving seconds of the leg under way; means nothing where arrives_first is NONE."""
    end_place: Int32
    """(V,) ANYWHERE where it does not matter."""
    shift_end: Int32
    """(V,)"""
    max_duration: Int32
    """(V,) seconds from leaving the start place to standing at the end place."""
    locked: Int32
    """(V,) visits at the front that keep their place and order."""


class Routes(NamedTuple):
    """The plan: V routes with room for L visits, and what insertion wants to know of them.

    Columns with L + 1 entries speak of *position* p, the gap before visit p; p = count is
    the gap before the end. All but `node` and `count` are filled by `slack.refresh_route`
    and speak of the plain forward pass, in which no pickup waits for the sake of a ride limit.
    """

    node: Int32
    """(V, L) nodes in order."""
    count: Int32  # type: ignore[assignment]  # visits are counted; no tuple is searched
    """(V,) visits in the route."""
    place: Int32
    """(V, L + 1) where visit p is; at p = count the end place."""
    leg: Int32
    """(V, L + 1) travel seconds to visit p; at p = count to the end place."""
    began: Int32
    """(V, L + 1) begin of the call before position p."""
    free: Int32
    """(V, L + 1) when the vehicle could leave at position p."""
    head_open: Int32
    """(V, L + 1) a visit that opens no later may join the call before position p."""
    latest: Int32
    """(V, L + 1) latest begin of visit p by its own limits; at p = count the shift's end."""
    latest_call: Int32
    """(V, L + 1) latest begin of visit p, heading a call, that the rest can follow."""
    tightest: Int32
    """(V, L + 1) smallest `latest` of visit p and all after it."""
    load: Int32
    """(V, L + 1, D + 1) on board at position p."""
    cost: Int64
    """(V,) cost of the route, or BROKEN."""
    margin: Int64
    """(V,) not above zero: how much of the riders' cost a later schedule could still save."""


class Scratch(NamedTuple):
    """Working space of one thread. After `schedule.evaluate`, the times of that route."""

    nodes: Int32
    """(L + 3,) a candidate route."""
    begin: Int64
    """(L + 3,) begin of each visit."""
    end: Int64
    """(L + 3,) end of each visit."""
    head: Int64
    """(L + 3,) position of the first visit of its call."""
    depart: Int64
    """(L + 3,) at the position of a call's first visit: when the call ends."""
    waited: Int64
    """(L + 3,) seconds stood idle before visits, summed from the route's start."""
    open_: Int64
    """(L + 3,) a visit that opens no later may join the call after each visit."""
    not_before: Int64
    """(L + 3,) begin of a call raised for a ride limit, at its first visit."""
    place: Int64
    """(L + 3,) where each visit is."""
    leg: Int64
    """(L + 3,) travel seconds to each visit; at `count` to the end place."""
    pickup_at: Int64
    """(R,) position of each pickup in the route that was looked at last."""
    broken: Int64
    """(4,) limit number, position, found, allowed of the last BROKEN evaluation."""
    excess: Int64
    """(1,) seconds of excess ride in the last evaluation."""
    found: Int64
    """(8,) the best insertion so far; see insertion.py."""
    pair: Int64
    """(P, 4) pairs of positions that may be cheaper, room for two routes' pairs; insertion.py."""
    pairs: Int64
    """(1,) how many there are."""


def empty_routes(vehicles: int, slots: int, dimensions: int) -> Routes:
    """Routes of no visits; `dimensions` counts the parties' column too. Not yet refreshed."""
    shapes = {
        "node": (vehicles, slots),
        "load": (vehicles, slots + 1, dimensions),
        **dict.fromkeys(("count", "cost", "margin"), (vehicles,)),
    }
    return Routes(**_zeros(Routes, shapes, (vehicles, slots + 1)))


def empty_scratch(slots: int, requests: int) -> Scratch:
    """Working space for routes of up to `slots` visits."""
    shapes = {
        "pickup_at": (requests,),
        "broken": (4,),
        "excess": (1,),
        "found": (8,),
        "pair": (2 * most_pairs(slots), 4),
        "pairs": (1,),
    }
    return Scratch(**_zeros(Scratch, shapes, (slots + 3,)))


@lean_kernel
def most_pairs(slots: int) -> int:
    """Pairs of gaps in a route of `slots` visits."""
    return (slots + 1) * (slots + 2) // 2


def _zeros(
    kind: type[Routes | Scratch], shapes: Mapping[str, tuple[int, ...]], usual: tuple[int, ...]
) -> dict[str, Any]:
    """A column of zeros for each field of `kind`, with the number type it declares."""
    wide = {name for name, hint in kind.__annotations__.items() if "Int64" in str(hint)}
    return {
        name: np.zeros(shapes.get(name, usual), np.int64 if name in wide else np.int32)
        for name in kind._fields
    }


@lean_kernel
def copy_route(source: Routes, target: Routes, vehicle: int) -> None:
    """Make the route of `vehicle` in `target` equal to that in `source` (same shapes)."""
    count = source.count[vehicle]
    target.count[vehicle] = count
    target.cost[vehicle] = source.cost[vehicle]
    target.margin[vehicle] = source.margin[vehicle]
    for i in range(count):
        target.node[vehicle, i] = source.node[vehicle, i]
    for p in range(count + 1):
        target.place[vehicle, p] = source.place[vehicle, p]
        target.leg[vehicle, p] = source.leg[vehicle, p]
        target.began[vehicle, p] = source.began[vehicle, p]
        target.free[vehicle, p] = source.free[vehicle, p]
        target.head_open[vehicle, p] = source.head_open[vehicle, p]
        target.latest[vehicle, p] = source.latest[vehicle, p]
        target.latest_call[vehicle, p] = source.latest_call[vehicle, p]
        target.tightest[vehicle, p] = source.tightest[vehicle, p]
        for dimension in range(source.load.shape[2]):
            target.load[vehicle, p, dimension] = source.load[vehicle, p, dimension]


@lean_kernel
def put_in(
    tables: Tables, routes: Routes, vehicle: int, request: int, pickup: int, dropoff: int
) -> None:
    """Write the two visits of `request` at positions `pickup` < `dropoff` of the new route.

    The route needs two free slots and a `refresh_route` afterwards.
    """
    count = routes.count[vehicle]
    row = routes.node[vehicle]
    for i in range(count + 1, dropoff, -1):
        row[i] = row[i - 2]
    for i in range(dropoff - 1, pickup, -1):
        row[i] = row[i - 1]
    row[pickup] = tables.breaks + 2 * request
    row[dropoff] = tables.breaks + 2 * request + 1
    routes.count[vehicle] = count + 2


@lean_kernel
def take_out(tables: Tables, routes: Routes, vehicle: int, request: int) -> bool:
    """Remove all visits of `request` from the route; True when there were any.

    The route needs a `refresh_route` afterwards.
    """
    kept = 0
    row = routes.node[vehicle]
    count = routes.count[vehicle]
    for i in range(count):
        node = row[i]
        if node < tables.breaks or (node - tables.breaks) // 2 != request:
            row[kept] = node
            kept += 1
    routes.count[vehicle] = kept
    return bool(kept < count)


def tables_of(problem: Problem, weights: Weights) -> Tables:
    vehicles = problem.vehicles
    breaks = [rest for vehicle in vehicles for rest in vehicle.breaks]
    counted = [vehicle.capacity for vehicle in vehicles]
    counted += [request.loads for request in problem.requests]
    dimensions = max(map(len, counted), default=1)
    columns = request_columns(problem.requests, dimensions)
    for name, column in _break_columns(breaks).items():
        columns[name] = np.concatenate((column, columns[name]))
    return Tables(
        travel=_readable(problem.travel_seconds),
        stop_seconds=problem.stop_seconds,
        breaks=len(breaks),
        cost_driving=weights.driving,
        cost_waiting=weights.waiting,
        cost_excess=weights.excess_ride,
        cost_lateness=weights.lateness,
        cost_vehicle=weights.vehicle,
        shortcut=UNREACHABLE,
        travel_to=np.zeros((0, 0), np.int32),
        alone=np.zeros(len(problem.requests), np.int32),
        **columns,
        **_vehicle_columns(vehicles, dimensions),
    )


def _readable(table: Int32) -> Int32:
    """`table` itself as kernels take it: int32, C order, writable; no copy if it is so.

    A read-only table is another type to numba and would have every kernel compiled a second
    time, so it is seen through a view that could be written to. No kernel writes to it.
    """
    table = np.ascontiguousarray(table, dtype=np.int32)
    if table.flags.writeable:
        return table

    same = _Memory()
    address, _read_only = table.__array_interface__["data"]
    same.__array_interface__ = {**table.__array_interface__, "data": (address, False)}
    same.keeps = table
    return np.asarray(same)


class _Memory:
    """What NumPy asks for to see memory as an array; `keeps` holds on to its owner."""

    __array_interface__: dict[str, Any]
    keeps: Int32


def request_columns(requests: Sequence[Request], dimensions: int) -> dict[str, Any]:
    """The columns of `Tables` that have an entry a request, or one for each of its visits."""
    pairs = [_visit_rows(request) for request in requests]
    visits = np.array(pairs, np.int32).reshape(-1, 5)
    place, opens, latest, own, due = np.ascontiguousarray(visits.T)
    singles = np.array(
        [
            (
                request.max_ride,
                request.direct_seconds,
                NONE if request.aboard_since is None else request.aboard_since,
                -1 if request.only_vehicle is None else request.only_vehicle,
            )
            for request in requests
        ],
        np.int32,
    ).reshape(-1, 4)
    max_ride, direct, aboard_since, only_vehicle = np.ascontiguousarray(singles.T)
    loads = np.ones((len(requests), dimensions + 1), np.int32)
    if requests:
        loads[:, :-1] = [_padded(request.loads, dimensions) for request in requests]
    return {
        "place": place,
        "opens": opens,
        "latest": latest,
        "own": own,
        "due": due,
        "max_ride": max_ride,
        "direct": direct,
        "aboard_since": aboard_since,
        "only_vehicle": only_vehicle,
        "loads": loads,
    }


def _padded(amounts: tuple[int, ...], dimensions: int) -> tuple[int, ...]:
    """`amounts` with zeros for the load dimensions it does not name."""
    return amounts + (0,) * (dimensions - len(amounts))


def _visit_rows(request: Request) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Place, opens, latest, own, due of the pickup and of the drop-off."""
    latest_arrival = request.latest_arrival
    if request.aboard_since is not None:
        latest_arrival = min(latest_arrival, request.aboard_since + request.max_ride)
    return (
        (
            request.origin,
            request.earliest_pickup,
            request.latest_pickup,
            request.boarding_seconds,
            request.due_pickup,
        ),
        (
            request.destination,
            NONE if request.earliest_arrival is None else request.earliest_arrival,
            latest_arrival,
            request.alighting_seconds,
            request.due_arrival,
        ),
    )


def _break_columns(breaks: Sequence[Break]) -> dict[str, Int32]:
    rows = [(rest.place, rest.earliest, rest.latest, rest.seconds, NEVER) for rest in breaks]
    columns = np.ascontiguousarray(np.array(rows, np.int32).reshape(-1, 5).T)
    return dict(zip(("place", "opens", "latest", "own", "due"), columns, strict=True))


def _vehicle_columns(vehicles: Sequence[Vehicle], dimensions: int) -> dict[str, Int32]:
    capacity = np.full((len(vehicles), dimensions + 1), NEVER, np.int32)
    if vehicles:
        capacity[:, :-1] = [_padded(vehicle.capacity, dimensions) for vehicle in vehicles]
    rows = [
        (
            vehicle.start_place,
            max(vehicle.start_time, vehicle.shift_start),
            NONE if vehicle.arrives_first is None else vehicle.arrives_first,
            max(0, (vehicle.arrives_first or 0) - vehicle.start_time),
            vehicle.end_place,
            vehicle.shift_end,
            vehicle.max_duration,
            vehicle.locked,
        )
        for vehicle in vehicles
    ]
    columns = np.ascontiguousarray(np.array(rows, np.int32).reshape(-1, 8).T)
    names = (
        "start_place",
        "ready",
        "arrives_first",
        "first_leg",
        "end_place",
        "shift_end",
        "max_duration",
        "locked",
    )
    return {"capacity": capacity, **dict(zip(names, columns, strict=True))}
