"""When a vehicle is where: the one rule by which a route gets its times.

A vehicle calls at the places of its visits in order, as early as it may. Visits at the same
place share one standing where the later one need not wait. A pickup is put off only where
a passenger would otherwise sit too long in a vehicle that waits on the way.

`evaluate` is the rule for compiled code; `timetable` and `cost_of` ask it from Python.

See: docs/words.md, timetable; docs/decisions/0003-one-schedule-rule.md
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from dispatch.optimizer.columns import (
    BROKEN,
    NONE,
    UNREACHABLE,
    Int32,
    Scratch,
    Tables,
    empty_scratch,
    tables_of,
)
from dispatch.optimizer.kernels import lean_kernel, wide
from dispatch.optimizer.limits import Limit, Violation, load_limit
from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import ANYWHERE, NEVER, Kind, Plan, Problem, Route, Visit

GO_ON = -2
"""No pickup needs to be put off."""

NOTHING_JOINS = -(2**31) + 1
"""`head_open` after a break, where no visit may join."""

NOT_STARTED = -(2**31)
"""`head_open` before the first visit, where none may join either."""

OPEN_PICKUP, LATE_PICKUP, LATE_ARRIVAL, LONG_RIDE, LATE_BREAK, NO_WAY, LATE_HOME, LONG_DUTY = range(
    8
)
"""Numbers of the limits of time in `Scratch.broken`."""

LIMITS = (
    Limit.PICKUP_WINDOW,
    Limit.PICKUP_WINDOW,
    Limit.ARRIVAL,
    Limit.RIDE_TIME,
    Limit.BREAK,
    Limit.UNREACHABLE,
    Limit.SHIFT,
    Limit.SHIFT,
)


class Standing(NamedTuple):
    """Where and when a vehicle stands after its last visit (in compiled code)."""

    place: int
    began: int
    """Begin of the present call."""
    free: int
    """When the vehicle could leave."""
    head_open: int
    """A visit at this place that opens no later joins the call."""


@lean_kernel
def first_arrival(tables: Tables, vehicle: int, travel: int) -> int:
    """When the vehicle reaches its first visit, `travel` seconds from where it starts."""
    if tables.arrives_first[vehicle] == NONE:
        return wide(tables.ready[vehicle]) + travel
    return wide(tables.arrives_first[vehicle])


@lean_kernel
def at_start(tables: Tables, vehicle: int) -> Standing:
    """The vehicle before its first visit; `began` is the earliest begin of that."""
    return Standing(
        wide(tables.start_place[vehicle]),
        first_arrival(tables, vehicle, 0),
        wide(tables.ready[vehicle]),
        wide(NOT_STARTED),
    )


@lean_kernel
def travel_between(tables: Tables, origin: int, destination: int) -> int:
    """Travel seconds; none to or from a place that does not matter (ANYWHERE)."""
    if origin < 0 or destination < 0:
        return 0
    return wide(tables.travel[origin, destination])


@lean_kernel
def joins(tables: Tables, here: Standing, node: int) -> bool:
    """Whether the visit `node` shares the standing of the call before it."""
    return bool(
        tables.place[node] == here.place
        and tables.opens[node] <= here.head_open
        and node >= tables.breaks
    )


@lean_kernel
def next_call(
    tables: Tables, vehicle: int, here: Standing, node: int, arrival: int, not_before: int
) -> Standing:
    """After visit `node`, reached at `arrival` and begun no earlier than `not_before`.

    An arrival has no meaning for a visit that joins the call `here`.
    """
    own = wide(tables.own[node])
    if joins(tables, here, node):
        return Standing(here.place, here.began, here.free + own, here.head_open)
    since = wide(tables.ready[vehicle])
    if here.head_open == NOT_STARTED and tables.arrives_first[vehicle] != NONE:
        since = min(since, wide(tables.arrives_first[vehicle]))
    opens = wide(tables.opens[node])
    if opens == NONE:
        opens = since
    begin = max(opens, arrival, not_before)
    if node < tables.breaks:
        place = wide(tables.place[node])
        place = here.place if place < 0 else place
        return Standing(place, begin, begin + own, wide(NOTHING_JOINS))
    end = begin + tables.stop_seconds + own
    return Standing(wide(tables.place[node]), begin, end, max(opens, since))


@lean_kernel
def evaluate(tables: Tables, vehicle: int, nodes: Int32, count: int, scratch: Scratch) -> int:
    """Cost of the first `count` of `nodes` as the route of `vehicle`, or BROKEN.

    Finds the least times that keep all limits of time (windows, rides, breaks' windows,
    shift, reachability); loads are `loads_fit`'s business. Times stay in `scratch` (begin,
    end, head, depart); a broken limit in `scratch.broken`. An empty route costs nothing.
    """
    scratch.not_before[:count] = NONE
    i = 0
    while True:
        while i < count:
            _take_visit(tables, vehicle, nodes, i, scratch)
            if not _keeps_window(tables, nodes[i], i, scratch):
                return BROKEN
            back = _pickup_to_put_off(tables, vehicle, nodes, i, scratch)
            if back == BROKEN:
                return BROKEN
            i = back if back >= 0 else i + 1
        if not _gets_home(tables, vehicle, count, scratch):
            return BROKEN
        too_long = _excess_duty(tables, vehicle, count, scratch)
        if too_long <= 0:
            return _cost(tables, nodes, count, scratch)
        if not _can_start_later(tables, vehicle, nodes, count, too_long, scratch):
            return BROKEN
        scratch.not_before[0] = scratch.begin[0] + too_long
        i = 0


@lean_kernel
def _take_visit(tables: Tables, vehicle: int, nodes: Int32, i: int, scratch: Scratch) -> None:
    """Times of visit `i`, all before it being known."""
    node = nodes[i]
    here = at_start(tables, vehicle)
    head, waited = i, 0
    if i > 0:
        head, waited = scratch.head[i - 1], scratch.waited[i - 1]
        here = Standing(
            scratch.place[i - 1], scratch.begin[i - 1], scratch.end[i - 1], scratch.open_[i - 1]
        )
    joined = joins(tables, here, node)
    leg = 0 if joined else travel_between(tables, here.place, tables.place[node])
    arrival = here.free + leg
    if i == 0:
        arrival = first_arrival(tables, vehicle, leg)
        if tables.arrives_first[vehicle] != NONE:
            leg = wide(tables.first_leg[vehicle])
    after = next_call(tables, vehicle, here, node, arrival, scratch.not_before[i])
    scratch.head[i] = head if joined else i
    scratch.waited[i] = waited if joined else waited + after.began - arrival
    scratch.place[i] = after.place
    scratch.begin[i] = after.began
    scratch.end[i] = after.free
    scratch.open_[i] = after.head_open
    scratch.leg[i] = leg
    scratch.depart[scratch.head[i]] = after.free


@lean_kernel
def _keeps_window(tables: Tables, node: int, i: int, scratch: Scratch) -> bool:
    """Visit `i` can be reached and begins within its own limits."""
    if scratch.leg[i] >= UNREACHABLE:
        return _breaks(scratch, NO_WAY, i, scratch.leg[i], UNREACHABLE - 1)
    begin = scratch.begin[i]
    if begin > tables.latest[node]:
        limit = LATE_BREAK
        if node >= tables.breaks:
            limit = LATE_ARRIVAL if (node - tables.breaks) % 2 else LATE_PICKUP
        return _breaks(scratch, limit, i, begin, tables.latest[node])
    if begin < tables.opens[node]:
        return _breaks(scratch, OPEN_PICKUP, i, begin, tables.opens[node])
    return True


@lean_kernel
def _pickup_to_put_off(tables: Tables, vehicle: int, nodes: Int32, i: int, scratch: Scratch) -> int:
    """Position from which to go on if visit `i` ends a ride that is too long, else GO_ON.

    Waiting on the way is the only part of a ride that a later pickup saves. If there is
    enough of it, the pickup's call is put off by just the excess, which leaves visit `i`
    where it is; if not, no schedule of this route keeps the limit and BROKEN is returned.
    """
    node = nodes[i]
    if node < tables.breaks:
        return GO_ON
    request, is_dropoff = divmod(node - tables.breaks, 2)
    if not is_dropoff:
        scratch.pickup_at[request] = i
        return GO_ON
    if tables.aboard_since[request] > NONE:
        return GO_ON
    call = scratch.head[scratch.pickup_at[request]]
    if call == scratch.head[i]:
        return GO_ON
    excess = scratch.begin[i] - scratch.depart[call] - tables.max_ride[request]
    if excess <= 0:
        return GO_ON
    waited = scratch.waited[i] - scratch.waited[call]
    if excess > waited or not _can_wait(tables, vehicle, nodes, i, call, scratch):
        allowed = tables.max_ride[request]
        _breaks(scratch, LONG_RIDE, i, excess + allowed, allowed)
        return BROKEN
    scratch.not_before[call] = scratch.begin[call] + excess
    return wide(call)


@lean_kernel
def _can_wait(
    tables: Tables, vehicle: int, nodes: Int32, count: int, call: int, scratch: Scratch
) -> bool:
    """Whether a call may be put off: nobody alights, and it is not under way.

    The times of the first `count` visits are known.
    """
    arrives = tables.arrives_first[vehicle]
    if call == 0 and arrives != NONE and arrives <= tables.ready[vehicle]:
        return False
    i = call
    while i < count and scratch.head[i] == call:
        if nodes[i] >= tables.breaks and (nodes[i] - tables.breaks) % 2:
            return False
        i += 1
    return True


@lean_kernel
def _gets_home(tables: Tables, vehicle: int, count: int, scratch: Scratch) -> bool:
    """The vehicle stands at its end place before its shift is over."""
    scratch.leg[count] = 0
    if count == 0:
        return True
    home = travel_between(tables, scratch.place[count - 1], tables.end_place[vehicle])
    scratch.leg[count] = home
    if home >= UNREACHABLE:
        return _breaks(scratch, NO_WAY, count, home, UNREACHABLE - 1)
    finish = scratch.end[count - 1] + home
    if finish > tables.shift_end[vehicle]:
        return _breaks(scratch, LATE_HOME, count, finish, tables.shift_end[vehicle])
    return True


@lean_kernel
def _excess_duty(tables: Tables, vehicle: int, count: int, scratch: Scratch) -> int:
    """Seconds by which the vehicle is away longer than it may, if it leaves just in time."""
    allowed = wide(tables.max_duration[vehicle])
    if count == 0 or allowed >= NEVER:
        return wide(0)
    leaves = scratch.begin[0] - scratch.leg[0]
    return wide(scratch.end[count - 1] + scratch.leg[count] - leaves - allowed)


@lean_kernel
def _can_start_later(
    tables: Tables, vehicle: int, nodes: Int32, count: int, seconds: int, scratch: Scratch
) -> bool:
    """Whether the route has so much waiting on the way that a later start takes up."""
    waited = scratch.waited[count - 1] - scratch.waited[0]
    if seconds <= waited and _can_wait(tables, vehicle, nodes, count, 0, scratch):
        return True
    allowed = tables.max_duration[vehicle]
    return _breaks(scratch, LONG_DUTY, count, seconds + allowed, allowed)


@lean_kernel
def _cost(tables: Tables, nodes: Int32, count: int, scratch: Scratch) -> int:
    """What the times in `scratch` cost (objective.py)."""
    driving, waiting, excess, lateness = wide(scratch.leg[count]), 0, 0, 0
    for i in range(count):
        driving += wide(scratch.leg[i])
        node = nodes[i]
        if node < tables.breaks:
            continue
        request, is_dropoff = divmod(node - tables.breaks, 2)
        begin = wide(scratch.begin[i])
        lateness += max(0, begin - wide(tables.due[node]))
        if not is_dropoff:
            waiting += begin - wide(tables.opens[node])
            continue
        since = wide(tables.aboard_since[request])
        if since == NONE:
            since = wide(scratch.depart[scratch.head[scratch.pickup_at[request]]])
        excess += max(0, begin - since - wide(tables.direct[request]))
    scratch.excess[0] = excess
    return (
        tables.cost_driving * driving
        + tables.cost_waiting * waiting
        + tables.cost_excess * excess
        + tables.cost_lateness * lateness
        + tables.cost_vehicle * (count > 0)
    )


@lean_kernel
def _breaks(scratch: Scratch, limit: int, position: int, found: int, allowed: int) -> bool:
    """Note a broken limit; always False."""
    scratch.broken[0] = limit
    scratch.broken[1] = position
    scratch.broken[2] = found
    scratch.broken[3] = allowed
    return False


@lean_kernel
def load_change(tables: Tables, node: int, dimension: int) -> int:
    """What a visit adds to the load of one dimension."""
    if node < tables.breaks:
        return 0
    request, is_dropoff = divmod(node - tables.breaks, 2)
    load = wide(tables.loads[request, dimension])
    return -load if is_dropoff else load


@lean_kernel
def load_from_start(tables: Tables, node: int, dimension: int) -> int:
    """What a visit says to be on board before the first visit: whoever is set down, aboard."""
    if node < tables.breaks:
        return 0
    request, is_dropoff = divmod(node - tables.breaks, 2)
    if not is_dropoff or tables.aboard_since[request] == NONE:
        return 0
    return wide(tables.loads[request, dimension])


@lean_kernel
def loads_fit(tables: Tables, vehicle: int, nodes: Int32, count: int, scratch: Scratch) -> bool:
    """Whether everybody has a place after each visit, and breaks find nobody on board.

    The position, the load dimension and the load of a trouble are left in
    `scratch.broken[1:4]`; the dimension after the last one counts parties (a break).
    """
    parties = tables.loads.shape[1] - 1
    for dimension in range(parties + 1):
        load = 0
        for i in range(count):
            load += load_from_start(tables, nodes[i], dimension)
        for i in range(count):
            load += load_change(tables, nodes[i], dimension)
            if load > tables.capacity[vehicle, dimension]:
                return _breaks(scratch, -1, i, dimension, load)
            if dimension == parties and load > 0 and nodes[i] < tables.breaks:
                return _breaks(scratch, -1, i, dimension, load)
    return True


@dataclass(frozen=True, slots=True)
class Timetable:
    """A route with its times. `finish` is when the vehicle stands at its end place.

    `departs` is, for each visit, when its whole call is over.
    """

    begins: tuple[int, ...]
    ends: tuple[int, ...]
    departs: tuple[int, ...]
    driving_seconds: int
    driving_metres: int
    cost: int
    finish: int


def timetable(
    problem: Problem, vehicle: int, route: Route, weights: Weights | None = None
) -> Timetable | Violation:
    """The least times of `route` for `vehicle`, or the first limit that it breaks.

    Locks and required requests are matters of a whole plan and not judged here.
    """
    wrong = _misplaced(problem, vehicle, route)
    if wrong is not None:
        return wrong
    subjects = sorted({v.subject for v in route.visits if v.kind is not Kind.BREAK})
    small = replace(
        problem,
        vehicles=(problem.vehicles[vehicle],),
        requests=tuple(problem.requests[subject] for subject in subjects),
        required=frozenset(),
    )
    tables = tables_of(small, weights or Weights())
    scratch = empty_scratch(len(route.visits), len(subjects))
    row = {subject: index for index, subject in enumerate(subjects)}
    nodes = [_node(tables, visit, row) for visit in route.visits]
    columns = np.array(nodes, np.int32)
    if not loads_fit(tables, 0, columns, len(nodes), scratch):
        return _overload(problem, vehicle, route, scratch)
    cost = int(evaluate(tables, 0, columns, len(nodes), scratch))
    if cost == BROKEN:
        return _violation(problem, vehicle, route, scratch)
    return _read_times(problem, vehicle, scratch, len(nodes), cost)


def cost_of(problem: Problem, plan: Plan, weights: Weights) -> int:
    """What `plan` costs, unserved requests included; ValueError if it breaks a limit."""
    cost = weights.unserved * (len(problem.requests) - len(plan.served()))
    for vehicle, route in enumerate(plan.routes):
        times = timetable(problem, vehicle, route, weights)
        if isinstance(times, Violation):
            raise ValueError(f"route {vehicle} breaks {times}")
        cost += times.cost
    return cost


def _node(tables: Tables, visit: Visit, row: dict[int, int]) -> int:
    if visit.kind is Kind.BREAK:
        return visit.subject
    return tables.breaks + 2 * row[visit.subject] + int(visit.kind)


def _misplaced(problem: Problem, vehicle: int, route: Route) -> Violation | None:
    """A visit that is missing, doubled, out of order, unknown, or in the wrong vehicle."""
    breaks = [visit.subject for visit in route.visits if visit.kind is Kind.BREAK]
    if breaks != list(range(len(problem.vehicles[vehicle].breaks))):
        return Violation(Limit.BREAK, vehicle, None, len(breaks))
    aboard = {
        subject
        for subject, request in enumerate(problem.requests)
        if request.aboard_since is not None and request.only_vehicle == vehicle
    }
    begun: set[int] = set(aboard)
    for visit in route.visits:
        if visit.kind is Kind.BREAK:
            continue
        subject = visit.subject
        if not 0 <= subject < len(problem.requests):
            return Violation(Limit.INCOMPLETE, vehicle, None, subject, len(problem.requests))
        if problem.requests[subject].only_vehicle not in {None, vehicle}:
            return Violation(Limit.VEHICLE, vehicle, subject)
        if visit.kind is Kind.PICKUP and subject not in begun:
            begun.add(subject)
            aboard.add(subject)
        elif visit.kind is Kind.DROPOFF and subject in aboard:
            aboard.remove(subject)
        else:
            return Violation(Limit.INCOMPLETE, vehicle, subject)
    return Violation(Limit.INCOMPLETE, vehicle, min(aboard)) if aboard else None


def _overload(problem: Problem, vehicle: int, route: Route, scratch: Scratch) -> Violation:
    position, dimension, load = (int(number) for number in scratch.broken[1:])
    visit = route.visits[position]
    if visit.kind is Kind.BREAK:
        return Violation(Limit.BREAK, vehicle, None, load, 0)
    capacity = problem.vehicles[vehicle].capacity
    room = capacity[dimension] if dimension < len(capacity) else 0
    return Violation(load_limit(dimension), vehicle, visit.subject, load, room)


def _violation(problem: Problem, vehicle: int, route: Route, scratch: Scratch) -> Violation:
    limit, position, found, allowed = (int(number) for number in scratch.broken)
    if position == len(route.visits) or route.visits[position].kind is Kind.BREAK:
        return Violation(LIMITS[limit], vehicle, None, found, allowed)
    request = route.visits[position].subject
    rider = problem.requests[request]
    if limit == LATE_ARRIVAL and rider.aboard_since is not None and found <= rider.latest_arrival:
        ride = found - rider.aboard_since  # the columns keep this limit as a latest arrival
        return Violation(Limit.RIDE_TIME, vehicle, request, ride, rider.max_ride)
    return Violation(LIMITS[limit], vehicle, request, found, allowed)


def _read_times(
    problem: Problem, vehicle: int, scratch: Scratch, count: int, cost: int
) -> Timetable:
    one = problem.vehicles[vehicle]
    places = [one.start_place, *scratch.place[:count].tolist()]
    if count and one.end_place != ANYWHERE:
        places.append(one.end_place)
    begins, ends = scratch.begin[:count].tolist(), scratch.end[:count].tolist()
    finish = max(one.start_time, one.shift_start)
    return Timetable(
        begins=tuple(begins),
        ends=tuple(ends),
        departs=tuple(scratch.depart[scratch.head[:count]].tolist()),
        driving_seconds=int(scratch.leg[: count + 1].sum()),
        driving_metres=int(problem.travel_metres[places[:-1], places[1:]].sum()),
        cost=cost,
        finish=ends[-1] + int(scratch.leg[count]) if count else finish,
    )
