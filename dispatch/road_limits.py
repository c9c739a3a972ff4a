"""What the road has already made impossible, so that planning can go on from there.

Planning itself never moves a promise. When a vehicle is late all the same, the hard limits
of its riders become what its present route still achieves; their due times stay, so every
later plan can only make them less late.

See: docs/words.md, promise; docs/decisions/0051-only-the-road-loosens-a-limit.md
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace

import numpy as np

from dispatch.optimizer.arrays import PlanArrays
from dispatch.optimizer.columns import BROKEN
from dispatch.optimizer.limits import Violation
from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import Break, Kind, Plan, Problem, Request, Route
from dispatch.optimizer.schedule import timetable
from dispatch.optimizer.verify import work_out_times


@dataclass(frozen=True, slots=True, eq=False)
class Eased:
    """A problem whose present plan is sound.

    arrays : the same, as columns, for whoever plans next.
    gone : indices of held offers that had to leave the plan.
    late : indices of the vehicles whose riders' limits were loosened.
    """

    problem: Problem
    plan: Plan
    arrays: PlanArrays
    gone: frozenset[int] = frozenset()
    late: frozenset[int] = frozenset()


def ease(
    problem: Problem,
    plan: Plan,
    held: Set[int],
    weights: Weights,
    planned: Callable[[], Mapping[int, int]] = dict,
) -> Eased:
    """Loosen the limits that the present plan can no longer keep.

    held : indices of the requests that are offers nobody has taken yet; where one stands in
        a late route it leaves the plan first, since nobody was promised it.
    planned : says when the pickup of a request was planned to begin; asked only where
        something is late. Where keeping to it makes a route sound, these pickups are not
        made earlier, and nothing is loosened: who has come to the stop meanwhile need not
        board with those who alight there.
    """
    arrays = PlanArrays(problem, plan, weights)
    broken = np.flatnonzero(arrays.routes.cost == BROKEN).tolist()
    if not broken:
        return Eased(problem, plan, arrays)
    pickups = planned()
    gone: set[int] = set()
    late: set[int] = set()
    for vehicle in broken:
        as_planned = _not_before(problem, plan.routes[vehicle], pickups)
        if is_sound(as_planned, vehicle, plan.routes[vehicle]):
            problem = as_planned
            continue
        mine = {v.subject for v in plan.routes[vehicle].visits if v.kind is not Kind.BREAK} & held
        if mine:
            problem, plan = _without(problem, plan, vehicle, mine)
            gone |= mine
        if not is_sound(problem, vehicle, plan.routes[vehicle]):
            problem = _achieved(problem, vehicle, plan.routes[vehicle])
            late.add(vehicle)
    arrays = PlanArrays(problem, plan, weights)
    return Eased(problem, plan, arrays, frozenset(gone), frozenset(late))


def is_sound(problem: Problem, vehicle: int, route: Route) -> bool:
    """Whether a route keeps every limit."""
    return not isinstance(timetable(problem, vehicle, route), Violation)


def _not_before(problem: Problem, route: Route, pickups: Mapping[int, int]) -> Problem:
    """The problem with this route's pickups not before the given seconds."""
    requests = list(problem.requests)
    for visit in route.visits:
        if visit.kind is Kind.PICKUP and visit.subject in pickups:
            old = requests[visit.subject]
            earliest = max(old.earliest_pickup, pickups[visit.subject])
            requests[visit.subject] = replace(old, earliest_pickup=earliest)
    return replace(problem, requests=tuple(requests))


def _without(
    problem: Problem, plan: Plan, vehicle: int, subjects: Set[int]
) -> tuple[Problem, Plan]:
    old = plan.routes[vehicle].visits
    locked = problem.vehicles[vehicle].locked
    leaves = [v.kind is not Kind.BREAK and v.subject in subjects for v in old]
    kept = Route(tuple(v for v, goes in zip(old, leaves, strict=True) if not goes))
    vehicles = list(problem.vehicles)
    vehicles[vehicle] = replace(vehicles[vehicle], locked=locked - sum(leaves[:locked]))
    routes = list(plan.routes)
    routes[vehicle] = kept
    return replace(problem, vehicles=tuple(vehicles)), Plan(tuple(routes))


def _achieved(problem: Problem, vehicle: int, route: Route) -> Problem:
    """Each limit of this vehicle's riders: the looser of its own and what the route achieves."""
    times = work_out_times(problem, vehicle, route)
    requests = list(problem.requests)
    breaks = list(problem.vehicles[vehicle].breaks)
    departed: dict[int, int] = {}
    for number, visit in enumerate(route.visits):
        begin = times.begins[number]
        if visit.kind is Kind.BREAK:
            breaks[visit.subject] = _later_break(breaks[visit.subject], begin)
        elif visit.kind is Kind.PICKUP:
            departed[visit.subject] = times.departs[number]
            old = requests[visit.subject]
            requests[visit.subject] = replace(old, latest_pickup=max(old.latest_pickup, begin))
        else:
            old = requests[visit.subject]
            left = departed[visit.subject] if old.aboard_since is None else old.aboard_since
            requests[visit.subject] = _later_arrival(old, begin, begin - left)
    vehicles = list(problem.vehicles)
    mine = vehicles[vehicle]
    vehicles[vehicle] = replace(
        mine, breaks=tuple(breaks), shift_end=max(mine.shift_end, times.finish)
    )
    return replace(problem, vehicles=tuple(vehicles), requests=tuple(requests))


def _later_break(rest: Break, begin: int) -> Break:
    return replace(rest, latest=max(rest.latest, begin))


def _later_arrival(request: Request, begin: int, ride: int) -> Request:
    return replace(
        request,
        latest_arrival=max(request.latest_arrival, begin),
        max_ride=max(request.max_ride, ride),
    )
