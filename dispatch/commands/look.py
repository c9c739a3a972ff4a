"""Looking without changing anything: one ride, one vehicle's list, the whole day, the figures.

See: docs/http.md; docs/words.md, manifest, figure
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dispatch.booking import Booking, State
from dispatch.commands.drive import open_day
from dispatch.commands.service import Service
from dispatch.driving import PlannedVisit, Route, Status
from dispatch.errors import BadInput, NotFound
from dispatch.figures import Figures, figures_of
from dispatch.fleet import VehicleModel
from dispatch.optimizer.plan import Kind
from dispatch.registration.register import Registrant
from dispatch.snapshot import is_planned
from dispatch.store.positions import Position

IN_SIGHT = timedelta(minutes=15)
"""So long before its pickup a passenger sees where the vehicle is; earlier it would show them
where others live."""

LONGEST_PERIOD = 31
"""Most days counted at once."""


@dataclass(frozen=True, slots=True)
class Live:
    """How one ride stands.

    pickup, arrival : as the plan expects them now; None once they are past.
    late_seconds : by how much either is expected beyond the promise.
    calls_before : calls of the vehicle before this party's next one; None in no plan.
    """

    booking: Booking
    pickup: datetime | None = None
    arrival: datetime | None = None
    late_seconds: int = 0
    calls_before: int | None = None
    vehicle: VehicleModel | None = None
    position: Position | None = None


def live(booking: Booking, service: Service) -> Live:
    """How a ride stands now."""
    if booking.route_id is None or booking.state not in {State.CONFIRMED, State.ON_BOARD}:
        return Live(booking)
    route = service.store.get_route(booking.route_id)
    times = {v.kind: v.starts_at for v in route.visits if v.subject == booking.id}
    pickup, arrival = times.get(Kind.PICKUP), times.get(Kind.DROPOFF)
    seen = booking.state is State.ON_BOARD or (
        pickup is not None and pickup - service.now() <= IN_SIGHT
    )
    positions = service.store.list_latest_positions([route.id]) if seen else []
    return Live(
        booking=booking,
        pickup=pickup,
        arrival=arrival,
        late_seconds=late_seconds(booking, pickup, arrival),
        calls_before=_calls_before(route, booking.id),
        vehicle=service.fleet.models[route.vehicle_id],
        position=positions[0] if positions else None,
    )


def late_seconds(booking: Booking, pickup: datetime | None, arrival: datetime | None) -> int:
    """By how much these times miss the promise; 0 while they keep it."""
    late = [timedelta(0)]
    if pickup is not None:
        late.append(pickup - booking.promise.pickup_latest)
    if arrival is not None:
        late.append(arrival - booking.promise.arrive_latest)
    return round(max(late).total_seconds())


def _calls_before(route: Route, booking_id: str) -> int | None:
    calls, last = 0, None
    for visit in route.visits:
        if visit.subject == booking_id and visit.kind is not Kind.BREAK:
            return calls - (visit.point == last and calls > 0)
        if visit.point != last:
            calls, last = calls + 1, visit.point
    return None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one vehicle still has to do, and for whom."""

    route: Route
    visits: tuple[PlannedVisit, ...]
    bookings: Mapping[str, Booking]
    registrants: Mapping[str, Registrant]


def manifest(route_id: str, service: Service) -> Manifest:
    """What a vehicle still has to do; offers that nobody has taken yet are left out."""
    route = service.store.get_route(route_id)
    subjects = {v.subject for v in route.visits if v.kind is not Kind.BREAK}
    found = {b.id: b for b in service.store.list_bookings_by_id(sorted(subjects))}
    sure = {key: b for key, b in found.items() if b.state is not State.OFFERED}
    people = {b.registrant_id for b in sure.values() if b.registrant_id}
    registrants = {who: service.store.get_registrant(who) for who in people}
    visits = tuple(v for v in route.visits if v.kind is Kind.BREAK or v.subject in sure)
    return Manifest(route, visits, sure, registrants)


def route_of_vehicle(vehicle_id: str, service: Service, day: date | None = None) -> Route:
    """A vehicle's route of a day (default today): the one that is not over, else the last.

    Raises NotFound("unknown_vehicle" or "no_drive_today").
    """
    if vehicle_id not in service.fleet.models:
        raise NotFound("unknown_vehicle", vehicle=vehicle_id)
    routes = [r for r in open_day(day or service.today(), service) if r.vehicle_id == vehicle_id]
    if not routes:
        raise NotFound("no_drive_today")
    going = [r for r in routes if r.status is not Status.FINISHED]
    return (going or routes[-1:])[0]


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that wants a person's eye; the code names its sentence."""

    code: str
    booking_id: str | None = None
    route_id: str | None = None
    late_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Board:
    """A whole service day at one look.

    event_number : the last event that it holds; a stream from there on misses nothing.
    """

    day: date
    event_number: int
    routes: tuple[Route, ...]
    bookings: tuple[Booking, ...]
    positions: Mapping[str, Position]
    alerts: tuple[Alert, ...]


def board(day: date, service: Service) -> Board:
    """A service day as the office sees it; offers that are over are left out."""
    store, now = service.store, service.now()
    store.publish()
    number = store.last_event_number()  # read first: what follows is at least as new
    open_day(day, service)
    routes = tuple(store.list_routes(day))
    every = store.list_bookings(day)
    shown = tuple(b for b in every if b.accepted_at is not None or is_planned(b, now))
    seen = store.list_latest_positions([route.id for route in routes])
    positions = {position.route_id: position for position in seen}
    return Board(day, number, routes, shown, positions, alerts(routes, shown))


def alerts(routes: Sequence[Route], bookings: Sequence[Booking]) -> tuple[Alert, ...]:
    """What wants a person's eye: breakdowns, broken promises, rides that will be late."""
    found = [
        Alert("vehicle_out_of_service", route_id=route.id)
        for route in routes
        if route.status is Status.OUT_OF_SERVICE
    ]
    found += [Alert("promise_broken", booking_id=b.id) for b in bookings if b.state is State.BROKEN]
    times = {
        (visit.subject, visit.kind): visit.starts_at for route in routes for visit in route.visits
    }
    for b in bookings:
        if b.state not in {State.CONFIRMED, State.ON_BOARD}:
            continue
        late = late_seconds(b, times.get((b.id, Kind.PICKUP)), times.get((b.id, Kind.DROPOFF)))
        if late:
            found.append(Alert("ride_late", b.id, b.route_id, late))
    return tuple(found)


def service_figures(first: date, last: date, service: Service) -> Figures:
    """The service's figures over these days, both included. Raises BadInput("too_many_days")."""
    count = (last - first).days + 1
    if not 1 <= count <= LONGEST_PERIOD:
        raise BadInput("too_many_days", most=LONGEST_PERIOD)
    days = [first + timedelta(days=ahead) for ahead in range(count)]
    bookings = [b for day in days for b in service.store.list_bookings(day)]
    events = [e.event for day in days for e in service.store.list_events_of_day(day)]
    return figures_of(bookings, events)
