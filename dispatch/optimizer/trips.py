"""Everything a vehicle can do between standing empty and standing empty again, once for all.

A town's vehicles stand empty often. What lies between two such moments, a *trip*, has few
possible forms: windows are narrow and rides short. Each is found here once, with its cost and
its end as functions of its start, and the bound then strings trips together.

See: docs/words.md, trip; docs/decisions/0130-a-bound-from-trips.md (fragments: Rist and
Forbes 2021, Transportation Science 55(3))
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dispatch.optimizer.columns import UNREACHABLE, Int64, Tables
from dispatch.optimizer.kernels import kernel
from dispatch.optimizer.trip_costs import Path, Trips, write_cost

Bools = NDArray[np.bool_]

TOO_MANY = -1

WAITS, RIDES, DONE = 0, 1, 2
"""What a request is in a path: not in it, on board, set down."""


def empty_path(requests: int, dimensions: int) -> Path:
    """Working space for paths of all requests; `dimensions` counts the parties' column too."""
    most = 2 * requests + 2
    shapes = {
        "begin": (most, most),
        "pickup_at": (requests,),
        "state": (requests,),
        "load": (dimensions,),
        "bend_at": (4 * most,),
        "bend_slope": (4 * most,),
    }
    columns: dict[str, Any] = {
        name: np.zeros(shapes.get(name, (most,)), np.int64) for name in Path._fields
    }
    return Path(**columns)


@kernel
def find_trips(
    tables: Tables,
    vehicle: int,
    allowed: Bools,
    nearest: Int64,
    trips: Trips,
    path: Path,
    effort: int,
) -> int:
    """Fill `trips`; how many there are, or TOO_MANY (also after `effort` steps).

    allowed (R,): whom the vehicle may serve. nearest (places, places): the least seconds on
    the road from place to place, by whatever way.
    """
    requests = tables.max_ride.shape[0]
    count, visits, steps = 0, 0, 0
    for first in range(requests):
        if not allowed[first] or not _begin(tables, vehicle, first, path):
            continue
        depth = 0 if _all_can_alight(tables, vehicle, nearest, path, 0) else -1
        riders = 1
        path.cursor[0] = 0
        while depth >= 0:
            c = path.cursor[depth]
            if c == 2 * requests:
                riders += _leave(tables, path, depth)
                depth -= 1
                continue
            path.cursor[depth] = c + 1
            wanted = RIDES if c % 2 else WAITS
            if path.state[c // 2] != wanted or not (allowed[c // 2] or c % 2):
                continue
            steps += 1
            if steps > effort:
                return TOO_MANY
            if not _extend(tables, vehicle, path, depth, c, riders):
                continue
            depth += 1
            riders += _enter(tables, path, depth)
            if not (
                _rides_fit(tables, path, depth)
                and _all_can_alight(tables, vehicle, nearest, path, depth)
            ):
                riders += _leave(tables, path, depth)
                depth -= 1
                continue
            path.cursor[depth] = 0
            if riders == 0:
                if count == trips.first.shape[0] or visits + depth + 1 > trips.visits.shape[0]:
                    return TOO_MANY
                _record(tables, path, depth, first, trips, count, visits)
                count += 1
                visits += depth + 1
    return count


@kernel
def _begin(tables: Tables, vehicle: int, first: int, path: Path) -> bool:
    """Start a path with the pickup of `first`, if that can be."""
    node = tables.breaks + 2 * first
    if max(tables.ready[vehicle], tables.opens[node]) > tables.latest[node]:
        return False
    for dimension in range(path.load.shape[0]):
        if tables.loads[first, dimension] > tables.capacity[vehicle, dimension]:
            return False
    path.state[:] = WAITS
    path.load[:] = 0
    path.node[0] = node
    path.place[0] = tables.place[node]
    path.head[0] = 0
    path.offset[0] = 0
    path.until[0] = tables.stop_seconds + tables.own[node]
    path.open_[0] = max(tables.opens[node], tables.ready[vehicle])
    path.latest[0] = tables.latest[node]
    path.driven[0] = 0
    path.begin[0, 0] = tables.opens[node]
    _enter(tables, path, 0)
    return True


@kernel
def _enter(tables: Tables, path: Path, k: int) -> int:
    """Note visit k in what the whole path shares; what it adds to the riders."""
    request, down = divmod(path.node[k] - tables.breaks, 2)
    change = 1 - 2 * down
    for dimension in range(path.load.shape[0]):
        path.load[dimension] += change * tables.loads[request, dimension]
    path.departs[path.head[k]] = path.until[k]
    path.state[request] = DONE if down else RIDES
    if not down:
        path.pickup_at[request] = k
    return int(change)


@kernel
def _leave(tables: Tables, path: Path, k: int) -> int:
    """Undo `_enter`; what that adds to the riders."""
    request, down = divmod(path.node[k] - tables.breaks, 2)
    change = 2 * down - 1
    for dimension in range(path.load.shape[0]):
        path.load[dimension] += change * tables.loads[request, dimension]
    if path.head[k] < k:
        path.departs[path.head[k]] = path.until[k - 1]
    path.state[request] = RIDES if down else WAITS
    return int(change)


@kernel
def _extend(tables: Tables, vehicle: int, path: Path, i: int, c: int, riders: int) -> bool:
    """Write visit `c` after position i, or say that it cannot be.

    An empty vehicle goes on only with who joins the call it is still standing at.
    """
    node, k = tables.breaks + c, i + 1
    request, down = divmod(c, 2)
    joined = tables.place[node] == path.place[i] and tables.opens[node] <= path.open_[i]
    if (riders == 0 and not joined) or (joined and _is_a_mirror(tables, path, i, node)):
        return False
    if not down:
        for dimension in range(path.load.shape[0]):
            load = path.load[dimension] + tables.loads[request, dimension]
            if load > tables.capacity[vehicle, dimension]:
                return False
    if not _stand(tables, vehicle, path, k, node, joined):
        return False
    if path.begin[k, k] > tables.latest[node] or path.latest[k] < tables.ready[vehicle]:
        return False
    call = path.head[path.pickup_at[request]]
    ride = path.offset[k] - path.departs[call]
    return not (down and call != path.head[k] and ride > tables.max_ride[request])


@kernel
def _stand(tables: Tables, vehicle: int, path: Path, k: int, node: int, joined: bool) -> bool:
    """Where and when visit k is; False where no road leads there."""
    i = k - 1
    own = tables.own[node]
    path.node[k] = node
    path.place[k] = tables.place[node]
    path.begin[k, :k] = path.begin[i, :k]
    if joined:
        path.head[k] = path.head[i]
        path.offset[k] = path.offset[i]
        path.until[k] = path.until[i] + own
        path.open_[k] = path.open_[i]
        path.driven[k] = path.driven[i]
        path.begin[k, k] = path.begin[i, i]
    else:
        leg = tables.travel[path.place[i], path.place[k]]
        if leg >= UNREACHABLE:
            return False
        path.head[k] = k
        path.offset[k] = path.until[i] + leg
        path.until[k] = path.offset[k] + tables.stop_seconds + own
        path.open_[k] = max(tables.opens[node], tables.ready[vehicle])
        path.driven[k] = path.driven[i] + leg
        arrival = path.begin[i, i] + path.offset[k] - path.offset[i]
        path.begin[k, k] = max(tables.opens[node], arrival)
    path.latest[k] = min(path.latest[i], tables.latest[node] - path.offset[k])
    return True


@kernel
def _is_a_mirror(tables: Tables, path: Path, i: int, node: int) -> bool:
    """Whether visit i and a `node` that joins it could as well change places, and have."""
    before = path.node[i]
    if node > before or (node - before) % 2:
        return False
    return bool(path.head[i] < i or tables.opens[before] == tables.opens[node])


@kernel
def _rides_fit(tables: Tables, path: Path, k: int) -> bool:
    """Put off the pickups of rides that only waiting makes too long; False if that cannot be.

    A pickup's call is put off for the earliest start; a later one moves it less. Where
    somebody alights at the call too, it stays and the ride's limit is let go (a relaxation:
    by the rule, only starting later could help).
    """
    row = path.begin[k]
    again = True
    while again:
        again = False
        for j in range(1, k + 1):
            request, down = divmod(path.node[j] - tables.breaks, 2)
            call, here = path.head[path.pickup_at[request]], path.head[j]
            if not down or call == here:
                continue
            stands = path.departs[call] - path.offset[call]
            late = row[here] - row[call] - stands - tables.max_ride[request]
            if late <= 0 or _alights(tables, path, call, k):
                continue
            begin = row[call] + late
            for x in range(call, k + 1):
                row[x] = max(row[x], begin + path.offset[x] - path.offset[call])
                if row[x] > tables.latest[path.node[x]]:
                    return False
            again = True
    return True


@kernel
def _alights(tables: Tables, path: Path, call: int, k: int) -> bool:
    """Whether somebody is set down at the call that begins with visit `call`."""
    i = call
    while i <= k and path.head[i] == call:
        if (path.node[i] - tables.breaks) % 2:
            return True
        i += 1
    return False


@kernel
def _all_can_alight(tables: Tables, vehicle: int, nearest: Int64, path: Path, k: int) -> bool:
    """Whether each rider could still be set down in time if the vehicle drove straight there."""
    here, head = path.place[k], path.head[k]
    for j in range(k + 1):
        request, down = divmod(path.node[j] - tables.breaks, 2)
        if down or path.state[request] != RIDES:
            continue
        node = path.node[j] + 1
        there = tables.place[node]
        way = 0 if there == here else path.until[k] - path.offset[k] + nearest[here, there]
        spare = tables.latest[node] - way
        if path.begin[k, k] > spare or spare - path.offset[k] < tables.ready[vehicle]:
            return False
        ride = path.offset[k] + way - path.departs[path.head[j]]
        if path.head[j] == head:
            ride = 0 if there == here else nearest[here, there]
        if ride > tables.max_ride[request]:
            return False
    return True


@kernel
def _record(
    tables: Tables, path: Path, k: int, first: int, trips: Trips, n: int, visits: int
) -> None:
    """Write the path up to visit k as trip n, its visits from `visits` on."""
    trips.first[n] = first
    trips.last[n] = path.place[k]
    trips.span[n] = path.until[k]
    trips.earliest_end[n] = path.begin[k, k] + path.until[k] - path.offset[k]
    trips.latest[n] = path.latest[k]
    trips.start[n] = visits
    trips.length[n] = k + 1
    for i in range(k + 1):
        trips.visits[visits + i] = path.node[i]
    write_cost(tables, path, k, trips, n)
