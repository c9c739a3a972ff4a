"""The independent check: does a plan keep every promise and every limit?

Written twice on purpose. The optimizer plans with compiled kernels; this module works each
vehicle's day out again in plain Python, from the words of the problem alone, and names each
limit that a plan would break. Nothing is committed that it does not find sound.

See: docs/words.md, verifier; docs/decisions/0035-an-independent-verifier.md
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dispatch.optimizer.limits import Limit, Violation, load_limit
from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import ANYWHERE, NEVER, Kind, Plan, Problem, Route, Vehicle, Visit

UNREACHABLE_SECONDS = 2**28
"""A travel time of this or more means that no road leads there."""


@dataclass(frozen=True, slots=True)
class Call:
    """One standing of a vehicle at one place, for one visit or several.

    first, last : indices of its visits in the route.
    opens : the earliest second at which it may begin, wherever the vehicle comes from.
    ends_after : for each of its visits, the seconds from the call's begin to that visit's end.
    """

    place: int
    first: int
    last: int
    opens: int
    ends_after: tuple[int, ...]

    @property
    def standing(self) -> int:
        """Seconds from the call's begin to its departure."""
        return self.ends_after[-1]


@dataclass(frozen=True, slots=True)
class Times:
    """When each visit of a route begins and ends; `departs` is when its call is over."""

    begins: tuple[int, ...]
    ends: tuple[int, ...]
    departs: tuple[int, ...]
    driving_seconds: int
    finish: int


def verify(problem: Problem, plan: Plan, before: Plan | None = None) -> tuple[Violation, ...]:
    """Every broken limit of `plan`; an empty tuple means that the plan is sound.

    Parameters
    ----------
    before
        The plan that stands now. Where it is given, the first `locked` visits of each
        vehicle must be the same in `plan`; without it locks are not judged.
    """
    if len(plan.routes) != len(problem.vehicles):
        return (Violation(Limit.INCOMPLETE, None, None, len(plan.routes), len(problem.vehicles)),)
    aboard = _aboard_by_vehicle(problem)
    found: list[Violation] = []
    for vehicle, route in enumerate(plan.routes):
        day = _Day(problem, vehicle, route.visits, aboard.get(vehicle, frozenset()))
        found += _day_violations(day)
        if before is not None:
            found += _lock_violations(day, before.routes[vehicle])
    found += _service_violations(problem, plan)
    return tuple(found)


def work_out_times(problem: Problem, vehicle: int, route: Route) -> Times:
    """The least times of one route under the schedule rule; limits are not judged.

    A pickup is put off where that alone keeps a ride within its limit. If no putting off
    helps, the times are those of a vehicle that never waits without need.
    """
    calls = _calls(problem, vehicle, route.visits)
    begins = _least_begins(problem, vehicle, route.visits, calls)
    visit_begins: list[int] = []
    visit_ends: list[int] = []
    departs: list[int] = []
    for call, begin in zip(calls, begins, strict=True):
        for after in call.ends_after:
            visit_begins.append(begin)
            visit_ends.append(begin + after)
            departs.append(begin + call.standing)
    driving, home = _driving(problem, vehicle, calls)
    finish = (departs[-1] if departs else _ready(problem.vehicles[vehicle])) + home
    return Times(tuple(visit_begins), tuple(visit_ends), tuple(departs), driving, finish)


def work_out_cost(problem: Problem, plan: Plan, weights: Weights) -> int:
    """What a sound plan costs by the objective, in the weights' whole units."""
    cost = weights.unserved * (len(problem.requests) - len(plan.served()))
    for vehicle, route in enumerate(plan.routes):
        times = work_out_times(problem, vehicle, route)
        cost += weights.driving * times.driving_seconds
        cost += weights.vehicle if route.visits else 0
        boarded = {
            index: request.aboard_since
            for index, request in enumerate(problem.requests)
            if request.aboard_since is not None
        }
        for visit, begin, departs in zip(route.visits, times.begins, times.departs, strict=True):
            if visit.kind is Kind.BREAK:
                continue
            request = problem.requests[visit.subject]
            if visit.kind is Kind.PICKUP:
                boarded[visit.subject] = departs
                cost += weights.waiting * (begin - request.earliest_pickup)
                cost += weights.lateness * max(0, begin - request.due_pickup)
            else:
                ride = begin - boarded[visit.subject]
                cost += weights.excess_ride * max(0, ride - request.direct_seconds)
                cost += weights.lateness * max(0, begin - request.due_arrival)
    return cost


# --- the schedule rule ---------------------------------------------------------------


def _ready(vehicle: Vehicle) -> int:
    return max(vehicle.start_time, vehicle.shift_start)


def _travel(problem: Problem, origin: int, destination: int) -> int:
    return int(problem.travel_seconds[origin, destination])


def _since(vehicle: Vehicle, index: int) -> int:
    """From when visit `index` could begin for all that the vehicle has to do with it."""
    if index == 0 and vehicle.arrives_first is not None:
        return min(_ready(vehicle), vehicle.arrives_first)
    return _ready(vehicle)


def _opens(problem: Problem, vehicle: Vehicle, visit: Visit, index: int) -> int:
    if visit.kind is Kind.PICKUP:
        return problem.requests[visit.subject].earliest_pickup
    if visit.kind is Kind.DROPOFF:
        earliest = problem.requests[visit.subject].earliest_arrival
        return _since(vehicle, index) if earliest is None else earliest
    return vehicle.breaks[visit.subject].earliest


def _place(problem: Problem, vehicle: Vehicle, visit: Visit, here: int) -> int:
    if visit.kind is Kind.PICKUP:
        return problem.requests[visit.subject].origin
    if visit.kind is Kind.DROPOFF:
        return problem.requests[visit.subject].destination
    place = vehicle.breaks[visit.subject].place
    return here if place == ANYWHERE else place


def _own_seconds(problem: Problem, visit: Visit) -> int:
    request = problem.requests[visit.subject]
    return request.boarding_seconds if visit.kind is Kind.PICKUP else request.alighting_seconds


def _calls(problem: Problem, vehicle_index: int, visits: Sequence[Visit]) -> list[Call]:
    """The visits gathered into calls: who boards or alights where the vehicle stands joins it."""
    vehicle = problem.vehicles[vehicle_index]
    here = vehicle.start_place
    calls: list[Call] = []
    for index, visit in enumerate(visits):
        place = _place(problem, vehicle, visit, here)
        opens = _opens(problem, vehicle, visit, index)
        head = calls[-1] if calls and visits[index - 1].kind is not Kind.BREAK else None
        if visit.kind is Kind.BREAK:
            calls.append(Call(place, index, index, opens, (vehicle.breaks[visit.subject].seconds,)))
        elif head and head.place == place and _is_open(problem, visit, opens, head, vehicle):
            end = head.standing + _own_seconds(problem, visit)
            calls[-1] = Call(place, head.first, index, head.opens, (*head.ends_after, end))
        else:
            end = problem.stop_seconds + _own_seconds(problem, visit)
            calls.append(Call(place, index, index, opens, (end,)))
        here = place
    return calls


def _is_open(problem: Problem, visit: Visit, opens: int, head: Call, vehicle: Vehicle) -> bool:
    """Whether somebody can board or alight at once, however early this call begins."""
    request = problem.requests[visit.subject]
    at_any_time = visit.kind is Kind.DROPOFF and request.earliest_arrival is None
    return at_any_time or opens <= max(head.opens, _since(vehicle, head.first))


def _begins(
    problem: Problem, vehicle_index: int, calls: Sequence[Call], not_before: Sequence[int]
) -> list[int]:
    """When each call begins if none begins before `not_before`: one pass, nothing put off."""
    vehicle = problem.vehicles[vehicle_index]
    here, free = vehicle.start_place, _ready(vehicle)
    begins: list[int] = []
    for call, bound in zip(calls, not_before, strict=True):
        arrival = free + _travel(problem, here, call.place)
        if not begins and vehicle.arrives_first is not None:
            arrival = vehicle.arrives_first
        begin = max(call.opens, arrival, bound)
        begins.append(begin)
        here, free = call.place, begin + call.standing
    return begins


def _least_begins(
    problem: Problem, vehicle: int, visits: Sequence[Visit], calls: Sequence[Call]
) -> list[int]:
    """The least begins that keep every ride within its limit, or the earliest ones.

    Each round puts off the pickups whose ride is too long, or the first call where the
    vehicle is away too long, and works the times out again. A sound schedule is stable after
    few rounds a call (the longest chain of constraints, as in Bellman and Ford's shortest
    paths).
    """
    call_of = {
        visits[i]: c for c, call in enumerate(calls) for i in range(call.first, call.last + 1)
    }
    rides = [
        (call_of[visit], call_of[Visit(Kind.DROPOFF, visit.subject)], visit.subject)
        for visit in call_of
        if visit.kind is Kind.PICKUP and Visit(Kind.DROPOFF, visit.subject) in call_of
    ]
    not_before = [-NEVER] * len(calls)
    earliest = begins = _begins(problem, vehicle, calls, not_before)
    for _round in range(2 * len(calls) + 2):
        stable = True
        for up, down, subject in rides:
            departs_by = begins[down] - problem.requests[subject].max_ride
            if begins[up] + calls[up].standing < departs_by:
                if not _can_wait(problem.vehicles[vehicle], visits, calls[up]):
                    return earliest
                not_before[up] = max(not_before[up], departs_by - calls[up].standing)
                stable = False
        too_long = _excess_duty(problem, vehicle, calls, begins) if stable else 0
        if stable and too_long <= 0:
            return begins
        if stable:
            if not _can_wait(problem.vehicles[vehicle], visits, calls[0]):
                return earliest
            not_before[0] = max(not_before[0], begins[0] + too_long)
        begins = _begins(problem, vehicle, calls, not_before)
    return earliest


def _excess_duty(
    problem: Problem, vehicle: int, calls: Sequence[Call], begins: Sequence[int]
) -> int:
    """Seconds by which the vehicle is away longer than it may, leaving just in time."""
    if not calls:
        return 0
    one, (_driving_seconds, home) = problem.vehicles[vehicle], _driving(problem, vehicle, calls)
    finish = begins[-1] + calls[-1].standing + home
    leaves = begins[0] - _first_leg(problem, one, calls[0])
    return finish - leaves - one.max_duration


def _can_wait(vehicle: Vehicle, visits: Sequence[Visit], call: Call) -> bool:
    """Whether a call may be put off: nobody alights at it, and it is not under way already."""
    arrives = vehicle.arrives_first
    under_way = call.first == 0 and arrives is not None and arrives <= _ready(vehicle)
    here = visits[call.first : call.last + 1]
    return not under_way and all(visit.kind is not Kind.DROPOFF for visit in here)


def _driving(problem: Problem, vehicle_index: int, calls: Sequence[Call]) -> tuple[int, int]:
    """Seconds on the road in all, and those of the way home at the end."""
    vehicle = problem.vehicles[vehicle_index]
    if not calls:
        return 0, 0
    legs = [_travel(problem, a.place, b.place) for a, b in pairwise(calls)]
    way = _first_leg(problem, vehicle, calls[0])
    end = vehicle.end_place
    home = 0 if end == ANYWHERE else _travel(problem, calls[-1].place, end)
    return way + sum(legs) + home, home


def _first_leg(problem: Problem, vehicle: Vehicle, call: Call) -> int:
    if vehicle.arrives_first is not None:
        return max(0, vehicle.arrives_first - vehicle.start_time)
    return _travel(problem, vehicle.start_place, call.place)


# --- one vehicle ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Day:
    """One vehicle's route as it is judged; `aboard` are the requests on board at its start."""

    problem: Problem
    index: int
    visits: tuple[Visit, ...]
    aboard: frozenset[int]

    @property
    def vehicle(self) -> Vehicle:
        return self.problem.vehicles[self.index]

    def broken(
        self, limit: Limit, request: int | None = None, found: int = 0, allowed: int = 0
    ) -> Violation:
        return Violation(limit, self.index, request, found, allowed)

    def on_board_after_each(self) -> Iterator[tuple[Visit, set[int]]]:
        """Each visit with the requests on board when it is over."""
        aboard = set(self.aboard)
        for visit in self.visits:
            if visit.kind is Kind.PICKUP:
                aboard.add(visit.subject)
            elif visit.kind is Kind.DROPOFF:
                aboard.discard(visit.subject)
            yield visit, aboard


def _aboard_by_vehicle(problem: Problem) -> dict[int | None, frozenset[int]]:
    aboard: dict[int | None, frozenset[int]] = {}
    for index, request in enumerate(problem.requests):
        if request.aboard_since is not None:
            aboard[request.only_vehicle] = aboard.get(request.only_vehicle, frozenset()) | {index}
    return aboard


def _day_violations(day: _Day) -> list[Violation]:
    found = list(_unknown_visits(day)) or list(_order_violations(day))
    if any(violation.limit in (Limit.INCOMPLETE, Limit.UNREACHABLE) for violation in found):
        return found  # a doubled, misordered or unknown visit has no times worth judging
    times = work_out_times(day.problem, day.index, Route(day.visits))
    found += _reach_violations(day)
    found += _window_violations(day, times)
    found += _ride_violations(day, times)
    found += _load_violations(day)
    found += _break_violations(day, times)
    found += _duty_violations(day, times)
    return found


def _duty_violations(day: _Day, times: Times) -> Iterator[Violation]:
    """The vehicle is home by the end of its shift, and not away longer than it may be."""
    if not day.visits:
        return
    if times.finish > day.vehicle.shift_end:
        yield day.broken(Limit.SHIFT, None, times.finish, day.vehicle.shift_end)
    calls = _calls(day.problem, day.index, day.visits)
    begins = [times.begins[call.first] for call in calls]
    too_long = _excess_duty(day.problem, day.index, calls, begins)
    if too_long > 0:
        allowed = day.vehicle.max_duration
        yield day.broken(Limit.SHIFT, None, allowed + too_long, allowed)


def _unknown_visits(day: _Day) -> Iterator[Violation]:
    """Visits that name nobody, or a place outside the travel table."""
    places = len(day.problem.travel_seconds)
    for visit in day.visits:
        known = day.vehicle.breaks if visit.kind is Kind.BREAK else day.problem.requests
        if not 0 <= visit.subject < len(known):
            yield day.broken(Limit.INCOMPLETE, None, visit.subject, len(known))
            continue
        place = _place(day.problem, day.vehicle, visit, here=0)
        if not 0 <= place < places:
            yield day.broken(Limit.UNREACHABLE, _request_of(visit), place, places)


def _order_violations(day: _Day) -> Iterator[Violation]:
    """Each request is picked up, then set down, once, here; each break is taken once, in order."""
    aboard = set(day.aboard)
    seen: set[Visit] = set()
    for visit in day.visits:
        if visit in seen:
            yield day.broken(Limit.INCOMPLETE, _request_of(visit), 2, 1)
        seen.add(visit)
        if visit.kind is Kind.BREAK:
            continue
        subject, request = visit.subject, day.problem.requests[visit.subject]
        if request.only_vehicle not in {None, day.index}:
            yield day.broken(Limit.VEHICLE, subject, day.index, request.only_vehicle or 0)
        if visit.kind is Kind.PICKUP:
            if request.aboard_since is not None:
                yield day.broken(Limit.INCOMPLETE, subject)
            aboard.add(subject)
        elif subject in aboard:
            aboard.discard(subject)
        else:
            yield day.broken(Limit.INCOMPLETE, subject)
    yield from (day.broken(Limit.INCOMPLETE, subject, 0, 1) for subject in sorted(aboard))
    taken = [visit.subject for visit in day.visits if visit.kind is Kind.BREAK]
    if taken != list(range(len(day.vehicle.breaks))):
        yield day.broken(Limit.BREAK, None, len(taken), len(day.vehicle.breaks))


def _request_of(visit: Visit) -> int | None:
    return None if visit.kind is Kind.BREAK else visit.subject


def _reach_violations(day: _Day) -> Iterator[Violation]:
    """A road leads along each leg (a first leg that is under way is not judged)."""
    calls = _calls(day.problem, day.index, day.visits)
    stations = [(call.place, _request_of(day.visits[call.first])) for call in calls]
    if calls and day.vehicle.end_place != ANYWHERE:
        stations.append((day.vehicle.end_place, None))
    here = day.vehicle.start_place
    for number, (place, request) in enumerate(stations):
        seconds = _travel(day.problem, here, place)
        under_way = number == 0 and day.vehicle.arrives_first is not None
        if seconds >= UNREACHABLE_SECONDS and not under_way:
            yield day.broken(Limit.UNREACHABLE, request, seconds, UNREACHABLE_SECONDS - 1)
        here = place


def _window_violations(day: _Day, times: Times) -> Iterator[Violation]:
    """Pickups begin within their window, drop-offs by their latest arrival."""
    for visit, begin in zip(day.visits, times.begins, strict=True):
        if visit.kind is Kind.BREAK:
            continue
        request = day.problem.requests[visit.subject]
        if visit.kind is Kind.DROPOFF:
            if begin > request.latest_arrival:
                yield day.broken(Limit.ARRIVAL, visit.subject, begin, request.latest_arrival)
            if request.earliest_arrival is not None and begin < request.earliest_arrival:
                yield day.broken(Limit.ARRIVAL, visit.subject, begin, request.earliest_arrival)
        elif begin > request.latest_pickup:
            yield day.broken(Limit.PICKUP_WINDOW, visit.subject, begin, request.latest_pickup)
        elif begin < request.earliest_pickup:
            yield day.broken(Limit.PICKUP_WINDOW, visit.subject, begin, request.earliest_pickup)


def _ride_violations(day: _Day, times: Times) -> Iterator[Violation]:
    """Nobody is on board longer than promised."""
    boarded = {index: day.problem.requests[index].aboard_since or 0 for index in day.aboard}
    for visit, departs in zip(day.visits, times.departs, strict=True):
        if visit.kind is Kind.PICKUP:
            boarded[visit.subject] = departs
    for visit, begin in zip(day.visits, times.begins, strict=True):
        if visit.kind is Kind.DROPOFF:
            ride = begin - boarded[visit.subject]
            allowed = day.problem.requests[visit.subject].max_ride
            if ride > allowed:
                yield day.broken(Limit.RIDE_TIME, visit.subject, ride, allowed)


def _load_violations(day: _Day) -> Iterator[Violation]:
    """After each visit everybody on board has a place."""
    for visit, aboard in day.on_board_after_each():
        loads = [day.problem.requests[index].loads for index in aboard]
        dimensions = max((len(load) for load in loads), default=0)
        for dimension in range(dimensions):
            load = sum(load[dimension] for load in loads if dimension < len(load))
            capacity = day.vehicle.capacity
            room = capacity[dimension] if dimension < len(capacity) else 0
            if load > room:
                yield day.broken(load_limit(dimension), _request_of(visit), load, room)


def _break_violations(day: _Day, times: Times) -> Iterator[Violation]:
    """Each break begins within its window, with nobody on board."""
    for (visit, aboard), begin in zip(day.on_board_after_each(), times.begins, strict=True):
        if visit.kind is Kind.BREAK:
            rest = day.vehicle.breaks[visit.subject]
            if begin > rest.latest:
                yield day.broken(Limit.BREAK, None, begin, rest.latest)
            if aboard:
                yield day.broken(Limit.BREAK, min(aboard), len(aboard), 0)


# --- the plan as a whole -------------------------------------------------------------


def _lock_violations(day: _Day, before: Route) -> Iterator[Violation]:
    """The first visits that are locked stand as they stood, in the same order."""
    locked = before.visits[: day.vehicle.locked]
    for position, visit in enumerate(locked):
        if position >= len(day.visits) or day.visits[position] != visit:
            yield day.broken(Limit.LOCKED, _request_of(visit), position, len(locked))
            return


def _service_violations(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Nobody is served by two vehicles, and whoever was promised a ride has one."""
    routes_of: Mapping[int, set[int]] = {index: set() for index in range(len(problem.requests))}
    for vehicle, route in enumerate(plan.routes):
        for visit in route.visits:
            if visit.kind is not Kind.BREAK and visit.subject in routes_of:
                routes_of[visit.subject].add(vehicle)
    for index, vehicles in routes_of.items():
        promised = index in problem.required or problem.requests[index].aboard_since is not None
        if len(vehicles) > 1 or (promised and not vehicles):
            yield Violation(Limit.INCOMPLETE, None, index, len(vehicles), 1)
