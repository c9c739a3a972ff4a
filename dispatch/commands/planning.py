"""A decision about the plan, from reading the day to the change that is committed.

See: docs/words.md, plan; docs/decisions/0054-decide-again.md
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from dispatch import facts
from dispatch.booking import Act, Booking, State, leave_the_plan
from dispatch.commands.deciding import decide
from dispatch.commands.service import Service
from dispatch.commit import Change, Check, commit
from dispatch.driving import PlannedVisit, Route, Status
from dispatch.events import Event
from dispatch.fleet import Shift
from dispatch.optimizer.plan import Kind, Plan
from dispatch.snapshot import Snapshot, load
from dispatch.store.routes import subjects_of
from dispatch.sub_problem import sub_problem
from dispatch.timed_routes import changed_vehicles, routes_from
from dispatch.town import is_service_day, moment
from routing.travel import Point


@dataclass(frozen=True, slots=True)
class Day:
    """One service day as the store holds it."""

    routes: tuple[Route, ...]
    bookings: Mapping[str, Booking]

    def snapshot(self, service: Service, now: datetime) -> Snapshot:
        """The optimizer's view of it."""
        return load(
            self.routes,
            self.bookings.values(),
            service.town,
            service.places,
            now,
            service.requests,
        )


def read_day(day: date, service: Service) -> Day:
    """What the store holds of a service day: its routes, and the bookings in the plan.

    A day that nobody has asked about before is opened first.
    """
    state = service.store.read_day(day)
    if not state.routes and open_routes(day, service):
        # Somebody else may have opened it meanwhile and planned rides: read both as of now.
        state = service.store.read_day(day)
    return Day(tuple(state.routes), {booking.id: booking for booking in state.bookings})


def open_routes(day: date, service: Service) -> tuple[Route, ...]:
    """The routes of a day, made from its shifts where they are not there yet."""

    def attempt() -> tuple[Route, ...]:
        there = service.store.list_routes(day)
        if there or not is_service_day(day, service.town):
            return tuple(there)
        shifts = [s for s in service.town.shifts if day.weekday() in s.weekdays]
        new = tuple(_new_route(shift, day, service) for shift in shifts)
        commit(Change(new_routes=new), service.store, service.ports)
        return new

    return decide(service, attempt)


def _new_route(shift: Shift, day: date, service: Service) -> Route:
    town = service.town
    starts = moment(day, shift.starts, town)
    garage = service.fleet.garages[service.fleet.models[shift.vehicle].garage].point
    breaks = tuple(
        PlannedVisit(
            kind=Kind.BREAK,
            subject=str(number),
            point=garage,
            leaves_at=moment(day, rule.earliest, town),
            starts_at=moment(day, rule.earliest, town),
            ends_at=moment(day, rule.earliest, town) + timedelta(minutes=rule.minutes),
        )
        for number, rule in enumerate(shift.breaks)
    )
    return Route(
        id=f"rte_{day:%Y%m%d}_{shift.id}",
        service_day=day,
        shift_id=shift.id,
        vehicle_id=shift.vehicle,
        status=Status.OFF_DUTY,
        place=garage,
        since=starts,
        visits=breaks,
    )


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What a new plan changes: routes, bookings and events, with the check that they are sound."""

    routes: tuple[Route, ...] = ()
    bookings: tuple[Booking, ...] = ()
    events: tuple[Event, ...] = ()
    checks: tuple[Check, ...] = ()


def rewrite(
    snapshot: Snapshot,
    after: Plan,
    day: Day,
    altered: Iterable[Booking] = (),
    vehicles: Sequence[int] | None = None,
) -> Rewrite:
    """The change that brings the stored routes to `after`.

    snapshot : the moment from which `after` was computed, new requests included.
    altered : bookings that the command has changed itself (those new in the store as well);
        where they ride is filled in here.
    vehicles : whose routes are written; default those whose visits differ.
    """
    if vehicles is None:
        vehicles = changed_vehicles(snapshot.plan, after)
    routes = routes_from(after, snapshot, vehicles)
    bookings = {booking.id: booking for booking in altered}
    rides_in = {
        visit.subject: route.id
        for route in routes
        for visit in route.visits
        if visit.kind is not Kind.BREAK
    }
    for booking_id, route_id in rides_in.items():
        booking = bookings.get(booking_id) or day.bookings[booking_id]
        if booking.route_id != route_id:
            bookings[booking_id] = moved(booking, route_id)
    gone = tuple(gone_holds(snapshot, routes, rides_in, day, bookings))
    events = tuple(
        facts.offer_expired(hold, snapshot.now)
        if hold.state is State.EXPIRED
        else facts.offer_released(hold, snapshot.now)
        for hold in gone
    )
    return Rewrite(
        routes=routes,
        bookings=(*bookings.values(), *gone),
        events=events,
        checks=(check_of(snapshot, after, vehicles),) if vehicles else (),
    )


def without(day: Day, ids: Set[str], service: Service) -> Day:
    """The day with these bookings out of every route.

    A vehicle that was on its way to one of them drives on to what comes next; it is
    expected there as if it had first been where it was going, which is never too early.
    """
    routes = tuple(_take_out(route, ids, service) for route in day.routes)
    kept = {key: booking for key, booking in day.bookings.items() if key not in ids}
    return Day(routes, kept)


def _take_out(route: Route, ids: Set[str], service: Service) -> Route:
    if not _visits_one_of(ids, route):
        return route
    visits = tuple(v for v in route.visits if v.kind is Kind.BREAK or v.subject not in ids)
    left = replace(route, visits=visits)
    if route.status is not Status.DRIVING or route.arrives_at is None:
        return left
    aim, next_aim = route.visits[0].point, visits[0].point if visits else None
    if next_aim is None or visits[0].kind is Kind.BREAK:
        next_aim = service.fleet.home_of(route)
    return replace(left, arrives_at=route.arrives_at + drive_time(aim, next_aim, service))


def around(day: Day, ids: Set[str]) -> Day:
    """The routes that visit one of these bookings, with everybody in them.

    All that it takes to change something within these routes, whatever else the day holds.
    """
    routes = tuple(route for route in day.routes if _visits_one_of(ids, route))
    subjects = set(ids).union(*(subjects_of(route.visits) for route in routes))
    return Day(routes, {key: b for key, b in day.bookings.items() if key in subjects})


def _visits_one_of(ids: Set[str], route: Route) -> bool:
    return any(v.subject in ids and v.kind is not Kind.BREAK for v in route.visits)


def drive_time(origin: Point, destination: Point, service: Service) -> timedelta:
    """How long the drive takes by the road engine."""
    places = service.places
    start, end = places.index_of(origin), places.index_of(destination)
    return timedelta(seconds=int(places.seconds[start, end]))


def vehicles_with(snapshot: Snapshot, ids: Set[str], day: Day) -> tuple[int, ...]:
    """Indices of the vehicles whose stored routes visit one of these bookings."""
    involved = {route.id for route in day.routes if _visits_one_of(ids, route)}
    return tuple(n for n, route in enumerate(snapshot.routes) if route.id in involved)


def moved(booking: Booking, route_id: str) -> Booking:
    """The booking in another route; what people have been told counts against the budget."""
    counts = booking.state is State.CONFIRMED and booking.route_id is not None
    return replace(
        booking, route_id=route_id, vehicle_changes=booking.vehicle_changes + int(counts)
    )


def gone_holds(
    snapshot: Snapshot,
    routes: Iterable[Route],
    rides_in: Mapping[str, str],
    day: Day,
    altered: Mapping[str, Booking],
) -> Iterable[Booking]:
    """Held offers that lose their place where a route is written anew."""
    by_id = {route.id: route for route in day.routes}
    for route in routes:
        for visit in by_id[route.id].visits:
            hold = day.bookings.get(visit.subject)
            if (
                visit.kind is not Kind.PICKUP
                or hold is None
                or hold.state is not State.OFFERED
                or hold.id in rides_in
                or hold.id in altered
            ):
                continue
            over = hold.expires_at is not None and hold.expires_at <= snapshot.now
            yield leave_the_plan(hold, Act.EXPIRE if over else Act.RELEASE, "overtaken")


def check_of(snapshot: Snapshot, after: Plan, vehicles: Sequence[int]) -> Check:
    """What the independent verifier is asked before the change is written."""
    part = sub_problem(snapshot, after, vehicles)
    return Check(
        problem=part.problem,
        plan=part.after,
        before=part.before,
        routes=tuple(snapshot.routes[number].id for number in vehicles),
        bookings=tuple(snapshot.bookings[number].id for number in part.requests),
    )
