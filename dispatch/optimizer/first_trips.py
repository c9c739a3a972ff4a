"""How a vehicle that is under way may come to stand empty for the first time.

With riders aboard, locked visits ahead or a first visit it is driving to, a vehicle's times
are known, so each order of visits is worked out by the schedule itself.

See: docs/words.md, trip; docs/decisions/0130-a-bound-from-trips.md
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatch.optimizer.columns import BROKEN, Int32, Int64, Scratch, Tables, empty_scratch
from dispatch.optimizer.kernels import kernel
from dispatch.optimizer.plan import ANYWHERE, NEVER
from dispatch.optimizer.schedule import evaluate
from dispatch.optimizer.trip_costs import WORD

TOO_MANY = -1

MOST = 20_000
EFFORT = 2_000_000

WAITS, RIDES, DONE = 0, 1, 2

PLACE, TIME, COST, RESTS, SERVED = 0, 1, 2, 3, 4
"""Columns of `Starts.state`."""


class Starts(NamedTuple):
    """S ways in which a vehicle begins: standing empty at a place, from a time on."""

    state: Int64
    """(S, 4 + words) place, time, cost so far, breaks taken, set of the requests set down."""
    nodes: Int64
    """(S, L) number of visits so far, then their nodes."""


class Crowd(NamedTuple):
    """Who is where on the path that is being tried, and working space."""

    state: Int64
    """(R,) WAITS, RIDES or DONE."""
    load: Int64
    """(D + 1,) on board; the last column counts parties."""
    cursor: Int64
    """By position: what is to be tried next."""


def standing_start(place: int, time: int, cost: int, words: int) -> Starts:
    """The only start of a vehicle that is not under way."""
    state = np.zeros((1, SERVED + words), np.int64)
    state[0, :RESTS] = place, time, cost
    return Starts(state, np.zeros((1, 1), np.int64))


def starts_under_way(
    tables: Tables,
    vehicle: int,
    fixed: Int32,
    first_break: int,
    allowed: NDArray[np.bool_],
    nearest: Int64,
) -> Starts | None:
    """All starts of a vehicle under way; None if there are too many.

    fixed : nodes of the locked visits. first_break : node of the vehicle's first break, or -1.
    allowed (R,): whom the vehicle may take besides.
    """
    requests = len(tables.max_ride)
    length = 2 * requests + len(fixed) + 4
    free = tables._replace(
        end_place=np.full_like(tables.end_place, ANYWHERE),
        shift_end=np.full_like(tables.shift_end, NEVER),
        max_duration=np.full_like(tables.max_duration, NEVER),
    )
    aboard = (tables.aboard_since > -NEVER) & (tables.only_vehicle == vehicle)
    crowd = Crowd(
        aboard.astype(np.int64) * RIDES,
        tables.loads[aboard].sum(axis=0).astype(np.int64),
        np.zeros(length + 1, np.int64),
    )
    words = max(1, -(-requests // WORD))
    starts = Starts(
        np.zeros((MOST, SERVED + words), np.int64), np.zeros((MOST, length + 4), np.int64)
    )
    scratch = empty_scratch(length, requests)
    count = _find_starts(
        free, vehicle, fixed, first_break, allowed, nearest, crowd, scratch, starts
    )
    return None if count == TOO_MANY else Starts(starts.state[:count], starts.nodes[:count])


@kernel
def _find_starts(  # noqa: C901, PLR0913, PLR0917  (one loop over one path)
    tables: Tables,
    vehicle: int,
    fixed: Int32,
    first_break: int,
    allowed: NDArray[np.bool_],
    nearest: Int64,
    crowd: Crowd,
    scratch: Scratch,
    starts: Starts,
) -> int:
    """Fill `starts`; how many there are, or TOO_MANY."""
    nodes, cursor = scratch.nodes, crowd.cursor
    last = 2 * len(crowd.state)
    depth, count, steps, locked = 0, 0, 0, fixed.shape[0]
    while depth >= 0:
        empty = crowd.load[-1] == 0
        if cursor[depth] == 0 and depth > 0 and depth >= locked and empty:
            if count == starts.state.shape[0]:
                return TOO_MANY
            _note(tables, vehicle, nodes, depth, scratch, starts, count)
            count += 1
        c = cursor[depth]
        cursor[depth] = c + 1
        if c > last or (depth < locked and c > 0):
            depth -= 1
            if depth >= 0:
                _move(tables, crowd, nodes[depth], -1)
            continue
        node = tables.breaks + c
        if depth < locked:
            node = fixed[depth]
        elif c == last:
            node = first_break if depth == 0 and empty else -1
        if node < 0 or not _may_come(tables, vehicle, crowd, node, depth < locked, allowed):
            continue
        leaves = depth >= locked and depth > 0 and empty
        if leaves and not _joins_last(tables, vehicle, nodes, depth, node, scratch):
            continue
        steps += 1
        if steps > EFFORT:
            return TOO_MANY
        nodes[depth] = node
        if evaluate(tables, vehicle, nodes, depth + 1, scratch) == BROKEN:
            continue
        _move(tables, crowd, node, 1)
        if depth + 1 >= locked and not _in_time(tables, crowd, nearest, depth, scratch):
            _move(tables, crowd, node, -1)
            continue
        depth += 1
        cursor[depth] = 0
    return count


@kernel
def _may_come(
    tables: Tables,
    vehicle: int,
    crowd: Crowd,
    node: int,
    locked: bool,
    allowed: NDArray[np.bool_],
) -> bool:
    """Whether the visit fits those before it: order, permission, places in the vehicle."""
    if node < tables.breaks:
        return True
    request, down = divmod(node - tables.breaks, 2)
    if down:
        return bool(crowd.state[request] == RIDES)
    if crowd.state[request] != WAITS or not (locked or allowed[request]):
        return False
    for dimension in range(crowd.load.shape[0]):
        load = crowd.load[dimension] + tables.loads[request, dimension]
        if load > tables.capacity[vehicle, dimension]:
            return False
    return True


@kernel
def _joins_last(
    tables: Tables, vehicle: int, nodes: Int32, depth: int, node: int, scratch: Scratch
) -> bool:
    """Whether `node` joins the call at which an empty vehicle still stands."""
    if nodes[depth - 1] < tables.breaks or node < tables.breaks:
        return False
    evaluate(tables, vehicle, nodes, depth, scratch)
    here = tables.place[node] == scratch.place[depth - 1]
    return bool(here and tables.opens[node] <= scratch.open_[depth - 1])


@kernel
def _move(tables: Tables, crowd: Crowd, node: int, sign: int) -> None:
    """Let the visit happen (sign 1) or not have happened (sign -1)."""
    if node < tables.breaks:
        return
    request, down = divmod(node - tables.breaks, 2)
    change = -sign if down else sign
    for dimension in range(crowd.load.shape[0]):
        crowd.load[dimension] += change * tables.loads[request, dimension]
    crowd.state[request] += sign


@kernel
def _in_time(tables: Tables, crowd: Crowd, nearest: Int64, k: int, scratch: Scratch) -> bool:
    """Whether each rider could still be set down in time if the vehicle drove straight there."""
    here = scratch.place[k]
    for request in range(crowd.state.shape[0]):
        if crowd.state[request] != RIDES:
            continue
        node = tables.breaks + 2 * request + 1
        there = tables.place[node]
        by = scratch.begin[k] if there == here else scratch.end[k] + nearest[here, there]
        if by > tables.latest[node]:
            return False
        if tables.aboard_since[request] > -NEVER:
            continue
        call = scratch.head[scratch.pickup_at[request]]
        idle = scratch.waited[k] - scratch.waited[call]
        late = by - scratch.depart[call] - idle > tables.max_ride[request]
        if call != scratch.head[k] and late:
            return False
    return True


@kernel
def _note(
    tables: Tables,
    vehicle: int,
    nodes: Int32,
    depth: int,
    scratch: Scratch,
    starts: Starts,
    count: int,
) -> None:
    """Write the first `depth` visits as start number `count`."""
    row = starts.state[count]
    row[:] = 0
    row[COST] = evaluate(tables, vehicle, nodes, depth, scratch)
    row[PLACE] = scratch.place[depth - 1]
    row[TIME] = scratch.end[depth - 1]
    starts.nodes[count, 0] = depth
    for i in range(depth):
        starts.nodes[count, i + 1] = nodes[i]
        if nodes[i] < tables.breaks:
            row[RESTS] += 1
            continue
        request, down = divmod(nodes[i] - tables.breaks, 2)
        if down:
            row[SERVED + request // WORD] |= np.int64(1) << (request % WORD)
