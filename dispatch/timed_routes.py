"""A plan back into the service's routes: each visit with the times people and drivers see.

See: docs/words.md, route, visit; docs/decisions/0052-vehicles-wait-where-they-stand.md
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dispatch.driving import PlannedVisit, Route
from dispatch.errors import UnverifiedPlan
from dispatch.optimizer import plan as words
from dispatch.optimizer.limits import Violation
from dispatch.optimizer.plan import Kind, Plan, Problem, Visit
from dispatch.optimizer.schedule import Timetable, timetable
from dispatch.snapshot import Snapshot

EARLY_ARRIVAL_SECONDS = 60
"""A waiting vehicle sets out this much before it must, so that a red light is no delay."""


def place_of(problem: Problem, visit: Visit) -> int:
    """The place index of a pickup or drop-off; ANYWHERE for a break."""
    if visit.kind is Kind.BREAK:
        return words.ANYWHERE
    request = problem.requests[visit.subject]
    return request.origin if visit.kind is Kind.PICKUP else request.destination


def changed_vehicles(before: Plan, after: Plan) -> tuple[int, ...]:
    """Indices of the vehicles whose visits differ between two plans."""
    return tuple(
        number
        for number, (old, new) in enumerate(zip(before.routes, after.routes, strict=True))
        if old != new
    )


def routes_from(
    plan: Plan, snapshot: Snapshot, vehicles: Iterable[int] | None = None
) -> tuple[Route, ...]:
    """The service's routes for `vehicles` (default: those whose visits changed) under `plan`.

    Raises UnverifiedPlan when a route breaks a limit: such a plan is a defect.
    """
    if vehicles is None:
        vehicles = changed_vehicles(snapshot.plan, plan)
    return tuple(_timed_route(plan.routes[number], number, snapshot) for number in vehicles)


def _timed_route(route: words.Route, vehicle: int, snapshot: Snapshot) -> Route:
    problem, midnight = snapshot.problem, snapshot.midnight
    found = timetable(problem, vehicle, route)
    if isinstance(found, Violation):
        raise UnverifiedPlan(limit=found.limit.value, route=snapshot.routes[vehicle].id)
    old = snapshot.routes[vehicle]
    labels = [v.subject for v in old.visits if v.kind is Kind.BREAK]
    leaves = _departures(problem, vehicle, route, found)
    here = old.place
    visits: list[PlannedVisit] = []
    for number, visit in enumerate(route.visits):
        booking = None if visit.kind is Kind.BREAK else snapshot.bookings[visit.subject]
        if booking is not None:
            stop = booking.origin if visit.kind is Kind.PICKUP else booking.destination
            here = stop.point
        visits.append(
            PlannedVisit(
                kind=visit.kind,
                subject=labels[visit.subject] if booking is None else booking.id,
                point=here,
                leaves_at=midnight.time(leaves[number]),
                starts_at=midnight.time(found.begins[number]),
                ends_at=midnight.time(found.ends[number]),
            )
        )
    return replace(old, visits=tuple(visits))


def _departures(problem: Problem, vehicle: int, route: words.Route, table: Timetable) -> list[int]:
    """When to set out for each visit: at once with people aboard, else as late as is sensible.

    Waiting where one stands keeps the plan open for the next caller.
    """
    state = problem.vehicles[vehicle]
    here, free = state.start_place, max(state.start_time, state.shift_start)
    riders = {v.subject for v in route.visits if v.kind is Kind.DROPOFF} - {
        v.subject for v in route.visits if v.kind is Kind.PICKUP
    }
    aboard = len(riders)
    leaves: list[int] = []
    for number, visit in enumerate(route.visits):
        place = place_of(problem, visit)
        place = here if place == words.ANYWHERE else place
        latest = table.begins[number] - int(problem.travel_seconds[here, place])
        if visit.kind is not Kind.BREAK:
            latest -= EARLY_ARRIVAL_SECONDS
        leaves.append(free if aboard else max(free, latest))
        aboard += {Kind.PICKUP: 1, Kind.DROPOFF: -1, Kind.BREAK: 0}[visit.kind]
        here, free = place, table.ends[number]
    return leaves
