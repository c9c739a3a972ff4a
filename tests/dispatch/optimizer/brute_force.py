"""Every insertion tried one by one in plain Python: the slow answer that the fast one must equal.

Written from the rule in docs/decisions/0003-one-schedule-rule.md alone. It shares nothing
with the optimizer but the words of the problem.
"""

from __future__ import annotations

from dataclasses import dataclass

from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import ANYWHERE, Kind, Plan, Problem, Request, Route, Visit

NO_WAY = 2**28


@dataclass(frozen=True)
class Stop:
    """What the rule needs to know of one visit, before any time is known."""

    visit: Visit
    request: Request | None
    place: int
    opens: int
    closes: int
    own: int
    joins: bool
    arrival_known: int | None
    leg: int


@dataclass(frozen=True)
class Outcome:
    """Least times of a feasible route: begin of each visit, departure of its call, cost."""

    begins: list[int]
    departs: list[int]
    cost: int


def best_by_enumeration(
    problem: Problem, plan: Plan, request: int, weights: Weights
) -> tuple[int, int, int, int] | None:
    """(cost increase, vehicle, pickup index, drop-off index) in the new route; first of equals."""
    best = None
    for vehicle, route in enumerate(plan.routes):
        old = outcome(problem, vehicle, route, weights)
        assert old is not None
        size = len(route.visits)
        for p in range(problem.vehicles[vehicle].locked, size + 1):
            for d in range(p + 1, size + 2):
                visits = list(route.visits)
                visits.insert(p, Visit(Kind.PICKUP, request))
                visits.insert(d, Visit(Kind.DROPOFF, request))
                new = outcome(problem, vehicle, Route(tuple(visits)), weights)
                if new is not None and (best is None or new.cost - old.cost < best[0]):
                    best = (new.cost - old.cost, vehicle, p, d)
    return best


def outcome(problem: Problem, vehicle: int, route: Route, weights: Weights) -> Outcome | None:
    """The route's least times and cost, or None if it breaks any limit."""
    if not route.visits:
        return Outcome([], [], 0)
    if not _seats_suffice(problem, vehicle, route):
        return None
    stops = _stops(problem, vehicle, route)
    floor = [-(2**40)] * len(stops)
    for _round in range(2 * len(stops) + 2):  # the longest chain of constraints, and more
        begins, ends = _forward(problem, vehicle, stops, floor)
        departs = _departures(stops, ends)
        if _too_late(problem, vehicle, stops, begins, ends):
            return None
        rides = _rides(stops, begins, departs)
        delays = [ride for ride in rides if ride[2] > ride[3].max_ride]
        too_long = _duty(problem, vehicle, stops, begins, ends)
        too_long -= problem.vehicles[vehicle].max_duration
        if not delays and too_long <= 0:
            return Outcome(begins, departs, _cost(problem, vehicle, stops, begins, rides, weights))
        if not delays:
            if not _can_wait(problem, vehicle, stops, 0):
                return None
            floor[0] = max(floor[0], begins[0] + too_long)
        for pickup, _dropoff, ride, request in delays:
            if pickup is None:
                return None
            head = _head(stops, pickup)
            if not _can_wait(problem, vehicle, stops, head):
                return None
            floor[head] = max(floor[head], begins[head] + ride - request.max_ride)
    return None


def _can_wait(problem: Problem, vehicle: int, stops: list[Stop], head: int) -> bool:
    one = problem.vehicles[vehicle]
    begun = one.arrives_first
    if head == 0 and begun is not None and begun <= max(one.start_time, one.shift_start):
        return False
    call = [head]
    while call[-1] + 1 < len(stops) and stops[call[-1] + 1].joins:
        call.append(call[-1] + 1)
    return all(stops[index].visit.kind is not Kind.DROPOFF for index in call)


def _first_leg(problem: Problem, vehicle: int, stops: list[Stop]) -> int:
    one = problem.vehicles[vehicle]
    if one.arrives_first is not None:
        return max(0, one.arrives_first - one.start_time)
    return stops[0].leg


def _home(problem: Problem, vehicle: int, stops: list[Stop]) -> int:
    end = problem.vehicles[vehicle].end_place
    return 0 if end == ANYWHERE else int(problem.travel_seconds[stops[-1].place, end])


def _duty(
    problem: Problem, vehicle: int, stops: list[Stop], begins: list[int], ends: list[int]
) -> int:
    """Seconds from leaving the start just in time to standing at the end."""
    finish = ends[-1] + _home(problem, vehicle, stops)
    return finish - (begins[0] - _first_leg(problem, vehicle, stops))


def _stops(problem: Problem, vehicle: int, route: Route) -> list[Stop]:
    one = problem.vehicles[vehicle]
    ready = max(one.start_time, one.shift_start)
    here, head_open, stops = one.start_place, 0, []
    for index, visit in enumerate(route.visits):
        request = None if visit.kind is Kind.BREAK else problem.requests[visit.subject]
        if request is None:
            rest = one.breaks[visit.subject]
            place = here if rest.place == ANYWHERE else rest.place
            opens, closes, own = rest.earliest, rest.latest, rest.seconds
        elif visit.kind is Kind.PICKUP:
            place, opens = request.origin, request.earliest_pickup
            closes, own = request.latest_pickup, request.boarding_seconds
        else:
            begun = one.arrives_first if index == 0 else None
            place, opens = request.destination, ready if begun is None else min(ready, begun)
            opens = opens if request.earliest_arrival is None else request.earliest_arrival
            closes, own = request.latest_arrival, request.alighting_seconds
        after_break = index == 0 or route.visits[index - 1].kind is Kind.BREAK
        any_time = visit.kind is Kind.DROPOFF and request.earliest_arrival is None  # type: ignore[union-attr]
        open_now = any_time or opens <= head_open
        joins = not after_break and request is not None and place == here and open_now
        known = one.arrives_first if index == 0 else None
        if not joins:
            head_open = max(opens, ready if known is None else min(ready, known))
        leg = 0 if joins else int(problem.travel_seconds[here, place])
        stops.append(Stop(visit, request, place, opens, closes, own, joins, known, leg))
        here = place
    return stops


def _forward(
    problem: Problem, vehicle: int, stops: list[Stop], floor: list[int]
) -> tuple[list[int], list[int]]:
    one = problem.vehicles[vehicle]
    free = max(one.start_time, one.shift_start)
    begins: list[int] = []
    ends: list[int] = []
    for index, stop in enumerate(stops):
        if stop.joins:
            begin, free = begins[-1], free + stop.own
        else:
            arrival = free + stop.leg if stop.arrival_known is None else stop.arrival_known
            begin = max(stop.opens, arrival, floor[index])
            standing = 0 if stop.request is None else problem.stop_seconds
            free = begin + standing + stop.own
        begins.append(begin)
        ends.append(free)
    return begins, ends


def _head(stops: list[Stop], index: int) -> int:
    while stops[index].joins:
        index -= 1
    return index


def _departures(stops: list[Stop], ends: list[int]) -> list[int]:
    departs = list(ends)
    for index in range(len(stops) - 2, -1, -1):
        if stops[index + 1].joins:
            departs[index] = departs[index + 1]
    return departs


def _too_late(
    problem: Problem, vehicle: int, stops: list[Stop], begins: list[int], ends: list[int]
) -> bool:
    one = problem.vehicles[vehicle]
    home = _home(problem, vehicle, stops)
    if home >= NO_WAY or ends[-1] + home > one.shift_end:
        return True
    for stop, begin in zip(stops, begins, strict=True):
        if stop.leg >= NO_WAY and stop.arrival_known is None:
            return True
        if begin > stop.closes:
            return True
        if stop.visit.kind is Kind.PICKUP and begin < stop.opens:
            return True
    return False


def _rides(
    stops: list[Stop], begins: list[int], departs: list[int]
) -> list[tuple[int | None, int, int, Request]]:
    """(pickup index or None, drop-off index, seconds on board, request) of each ride."""
    rides: list[tuple[int | None, int, int, Request]] = []
    pickups = {s.visit.subject: i for i, s in enumerate(stops) if s.visit.kind is Kind.PICKUP}
    for index, stop in enumerate(stops):
        if stop.visit.kind is not Kind.DROPOFF or stop.request is None:
            continue
        if stop.request.aboard_since is not None:
            rides.append((None, index, begins[index] - stop.request.aboard_since, stop.request))
        else:
            pickup = pickups[stop.visit.subject]
            rides.append((pickup, index, begins[index] - departs[pickup], stop.request))
    return rides


def _seats_suffice(problem: Problem, vehicle: int, route: Route) -> bool:
    capacity = problem.vehicles[vehicle].capacity
    aboard = [
        visit.subject
        for visit in route.visits
        if visit.kind is Kind.DROPOFF and problem.requests[visit.subject].aboard_since is not None
    ]
    for visit in route.visits:
        if visit.kind is Kind.BREAK and aboard:
            return False
        if visit.kind is Kind.PICKUP:
            aboard.append(visit.subject)
        if visit.kind is Kind.DROPOFF:
            aboard.remove(visit.subject)
        for dimension, room in enumerate(capacity):
            if sum(problem.requests[subject].loads[dimension] for subject in aboard) > room:
                return False
    allowed = {None, vehicle}
    return all(
        problem.requests[visit.subject].only_vehicle in allowed
        for visit in route.visits
        if visit.kind is not Kind.BREAK
    )


def _cost(
    problem: Problem,
    vehicle: int,
    stops: list[Stop],
    begins: list[int],
    rides: list[tuple[int | None, int, int, Request]],
    weights: Weights,
) -> int:
    driving = _first_leg(problem, vehicle, stops) + sum(stop.leg for stop in stops[1:])
    driving += _home(problem, vehicle, stops)
    cost = weights.driving * driving + weights.vehicle
    for stop, begin in zip(stops, begins, strict=True):
        if stop.request is not None and stop.visit.kind is Kind.PICKUP:
            cost += weights.waiting * (begin - stop.opens)
            cost += weights.lateness * max(0, begin - stop.request.due_pickup)
        elif stop.request is not None:
            cost += weights.lateness * max(0, begin - stop.request.due_arrival)
    for _pickup, _dropoff, ride, request in rides:
        cost += weights.excess_ride * max(0, ride - request.direct_seconds)
    return cost
