"""The live town: where every vehicle is, what it will do, who asked and what became of it.

One reading of a service day for a screen on the wall. No person is in it: a place is named by
its stop, or by the settlement that it lies in.

See: docs/http.md, the live town; docs/words.md, live town
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal

from dispatch.booking import Booking, State
from dispatch.commands.live_places import Lines, Spot, Spots
from dispatch.commands.look import Alert, alerts, late_seconds
from dispatch.commands.service import Service
from dispatch.driving import PlannedVisit, Route, Status
from dispatch.events import Event, Fact
from dispatch.figures import Driven, Figures, figures_of
from dispatch.optimizer.plan import Kind
from dispatch.store.positions import Position
from dispatch.town import Town, moment
from routing.travel import Point

TIGHT = timedelta(minutes=2)
"""A promise with less than this to spare is shown as tight."""

type Verdict = Literal["kept", "tight", "late"]


class DayEvents:
    """The events of one day, each read once: a reading goes on where the last one ended."""

    def __init__(self, service: Service) -> None:
        self._store = service.store
        self._day: date | None = None
        self._number = 0
        self._events: list[Event] = []

    def read_on(self, day: date) -> tuple[int, Sequence[Event]]:
        """The number of the last event there is, and the events of `day` up to there."""
        if day != self._day:
            self._number = self._store.last_event_number()
            self._events = [
                recorded.event
                for recorded in self._store.list_events_of_day(day)
                if 0 < recorded.number <= self._number  # 0: not published, so it comes later
            ]
            self._day = day
        while more := self._store.list_events(self._number):
            self._number = more[-1].number
            self._events += [each.event for each in more if each.event.service_day == day]
        return self._number, self._events


class Kept:
    """What a process knows of the day and the town from one reading to the next."""

    def __init__(self, service: Service) -> None:
        self.record = DayEvents(service)
        self.lines = Lines(service.places.travel)
        self.spots = Spots(service.town)
        self.zone = service.town.zone


@dataclass(frozen=True, slots=True)
class Drive:
    """The way a vehicle is driving now."""

    leaves_at: datetime
    arrives_at: datetime
    goal: Spot
    line: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A visit, made or to come; `spot` is None for a break wherever the vehicle is then.

    promised : earliest and latest time that the party was promised for it, None for a break.
    """

    kind: Kind
    booking_id: str | None
    spot: Spot | None
    starts_at: datetime
    ends_at: datetime
    promised: tuple[datetime | None, datetime] | None = None

    @property
    def verdict(self) -> Verdict:
        """How the time stands to the promise."""
        if self.promised is None or self.starts_at <= self.promised[1] - TIGHT:
            return "kept"
        return "tight" if self.starts_at <= self.promised[1] else "late"


@dataclass(frozen=True, slots=True)
class LiveVehicle:
    """One vehicle's day. `number` is its colour and sign on the screen, from 1."""

    number: int
    route: Route
    shift: tuple[datetime, datetime]
    passengers: int
    position: Position | None
    standing: Spot
    drive: Drive | None
    ahead: tuple[Point, ...]
    done: tuple[Call, ...]
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class LiveRequest:
    """Somebody who asked for a ride, and what became of it.

    state : how the booking stands; None where the wish was refused.
    refusal : code and facts of the sentence that refused it.
    """

    id: str
    asked_at: datetime
    state: State | None
    channel: str
    passengers: int
    origin: Spot
    destination: Spot
    vehicle_number: int | None = None
    pickup: tuple[datetime, datetime] | None = None
    arrive_latest: datetime | None = None
    late_seconds: int = 0
    refusal: tuple[str, Mapping[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class LiveTown:
    """A service day at this moment; a stream from `event_number` on misses nothing."""

    day: date
    event_number: int
    vehicles: tuple[LiveVehicle, ...]
    requests: tuple[LiveRequest, ...]
    figures: Figures
    metres: int
    on_board: int
    alerts: tuple[Alert, ...]


def live_town(day: date, kept: Kept, service: Service) -> LiveTown:
    """The live town of `day`; reads, and changes nothing."""
    store = service.store
    number, events = kept.record.read_on(day)  # read first: what follows is at least as new
    routes = in_the_towns_order(store.list_routes(day), service.town)
    bookings = store.list_bookings(day)
    positions = {p.route_id: p for p in store.list_latest_positions([r.id for r in routes])}
    by_id = {booking.id: booking for booking in bookings}
    rode = vehicles_that_carried(events)
    drives = list_drives(events, by_id, service)
    vehicles = tuple(
        _vehicle(index + 1, route, by_id, rode, positions.get(route.id), service, kept)
        for index, route in enumerate(routes)
    )
    numbers = {vehicle.route.id: vehicle.number for vehicle in vehicles}
    return LiveTown(
        day=day,
        event_number=number,
        vehicles=vehicles,
        requests=list_requests(bookings, events, routes, numbers, rode, kept),
        figures=figures_of(bookings, events, drives),
        metres=sum(drive.metres for drive in drives),
        on_board=sum(vehicle.passengers for vehicle in vehicles),
        alerts=alerts(routes, bookings),
    )


def in_the_towns_order(routes: Sequence[Route], town: Town) -> list[Route]:
    """Routes as the town lists its shifts, so that a vehicle keeps its number all day."""
    order = [shift.id for shift in town.shifts]
    return sorted(routes, key=lambda route: (order.index(route.shift_id), route.id))


def without_homes(seen: LiveTown, lines: Lines) -> LiveTown:
    """The same for somebody who may not see where people live.

    A home stands where its settlement does, in the lines along the road as well.
    """
    return replace(
        seen,
        vehicles=tuple(_vehicle_without_homes(each, lines) for each in seen.vehicles),
        requests=tuple(
            replace(
                each,
                origin=each.origin.without_home(),
                destination=each.destination.without_home(),
            )
            for each in seen.requests
        ),
    )


def _vehicle_without_homes(seen: LiveVehicle, lines: Lines) -> LiveVehicle:
    standing, drive = seen.standing.without_home(), seen.drive
    if drive is not None:
        goal = drive.goal.without_home()
        drive = replace(drive, goal=goal, line=lines.through([standing, goal]))
    calls = tuple(_call_without_home(each) for each in seen.calls)
    return replace(
        seen,
        position=None,  # a tablet also reports while it stands before a home
        standing=standing,
        drive=drive,
        ahead=lines.through([standing, *(call.spot for call in calls)]),
        done=tuple(_call_without_home(each) for each in seen.done),
        calls=calls,
    )


def _call_without_home(call: Call) -> Call:
    return call if call.spot is None else replace(call, spot=call.spot.without_home())


def vehicles_that_carried(events: Sequence[Event]) -> dict[str, str]:
    """The route in which each party boarded, by booking; the last one where it changed."""
    return {
        event.booking_id: event.route_id
        for event in events
        if event.fact is Fact.BOARDED and event.booking_id and event.route_id
    }


def list_drives(
    events: Sequence[Event], bookings: Mapping[str, Booking], service: Service
) -> list[Driven]:
    """What the vehicles have driven, from each departure to the arrival after it."""
    left: dict[str, Event] = {}
    aboard: dict[str, set[str]] = {}
    drives: list[Driven] = []
    for event in events:
        riders = aboard.setdefault(event.route_id or "", set())
        if event.fact is Fact.BOARDED and event.booking_id:
            riders.add(event.booking_id)
        elif event.fact is Fact.COMPLETED and event.booking_id:
            for others in aboard.values():
                others.discard(event.booking_id)
        elif event.fact is Fact.DEPARTED and event.route_id:
            left[event.route_id] = event
        elif event.fact is Fact.ARRIVED and event.route_id in left:
            departed = left.pop(event.route_id)
            passengers = sum(bookings[who].party.passengers for who in riders if who in bookings)
            drives.append(_driven(departed, event, passengers, service))
    return drives


def _driven(departed: Event, arrived: Event, passengers: int, service: Service) -> Driven:
    places = service.places
    start, end = (
        places.index_of(Point(event.payload["place"]["lat"], event.payload["place"]["lon"]))
        for event in (departed, arrived)
    )
    seconds = round((arrived.at - departed.at).total_seconds())
    return Driven(seconds, int(places.metres[start, end]), passengers)


def _vehicle(
    number: int,
    route: Route,
    bookings: Mapping[str, Booking],
    rode: Mapping[str, str],
    position: Position | None,
    service: Service,
    kept: Kept,
) -> LiveVehicle:
    town, shift = service.town, service.fleet.shifts[route.shift_id]
    standing = kept.spots.at(route.place)
    sure = [visit for visit in route.visits if _is_sure(visit, bookings)]
    calls = tuple(_call(visit, bookings, kept.spots) for visit in sure)
    mine = [b for b in bookings.values() if rode.get(b.id) == route.id]
    return LiveVehicle(
        number=number,
        route=route,
        shift=(
            moment(route.service_day, shift.starts, town),
            moment(route.service_day, shift.ends, town),
        ),
        passengers=sum(b.party.passengers for b in mine if b.state is State.ON_BOARD),
        position=position,
        standing=standing,
        drive=_drive(route, standing, service, kept),
        ahead=kept.lines.through([standing, *(call.spot for call in calls)]),
        done=tuple(sorted(_done(mine, kept.spots), key=lambda call: call.starts_at)),
        calls=calls,
    )


def _is_sure(visit: PlannedVisit, bookings: Mapping[str, Booking]) -> bool:
    """A break, or a visit for a party that has accepted its offer."""
    if visit.kind is Kind.BREAK:
        return True
    booking = bookings.get(visit.subject)
    return booking is not None and booking.state is not State.OFFERED


def _drive(route: Route, standing: Spot, service: Service, kept: Kept) -> Drive | None:
    if route.status is not Status.DRIVING or route.arrives_at is None:
        return None
    end = route.visits[0].point if route.visits else service.fleet.end_of(route)
    if end is None:
        return None
    goal = kept.spots.at(end)
    return Drive(route.since, route.arrives_at, goal, kept.lines.through([standing, goal]))


def _done(bookings: Sequence[Booking], spots: Spots) -> list[Call]:
    """The calls that these parties have had."""
    calls = []
    for b in bookings:
        if b.picked_up_at is not None:
            left = b.boarded_at or b.picked_up_at
            window = b.promise.pickup_earliest, b.promise.pickup_latest
            spot = spots.of(b.origin)
            calls.append(Call(Kind.PICKUP, b.id, spot, b.picked_up_at, left, window))
        if b.completed_at is not None:
            spot = spots.of(b.destination)
            by = None, b.promise.arrive_latest
            calls.append(Call(Kind.DROPOFF, b.id, spot, b.completed_at, b.completed_at, by))
    return calls


def _call(visit: PlannedVisit, bookings: Mapping[str, Booking], spots: Spots) -> Call:
    if visit.kind is Kind.BREAK:
        return Call(visit.kind, None, None, visit.starts_at, visit.ends_at)
    booking = bookings[visit.subject]
    promise = booking.promise
    promised: tuple[datetime | None, datetime] = (None, promise.arrive_latest)
    place = booking.destination
    if visit.kind is Kind.PICKUP:
        promised, place = (promise.pickup_earliest, promise.pickup_latest), booking.origin
    spot = spots.of(place)
    return Call(visit.kind, booking.id, spot, visit.starts_at, visit.ends_at, promised)


def list_requests(
    bookings: Sequence[Booking],
    events: Sequence[Event],
    routes: Sequence[Route],
    numbers: Mapping[str, int],
    rode: Mapping[str, str],
    kept: Kept,
) -> tuple[LiveRequest, ...]:
    """Everybody who asked for this day, newest first: one entry a quote."""
    times = {(v.subject, v.kind): v.starts_at for route in routes for v in route.visits}
    chosen: dict[str, Booking] = {}
    for booking in bookings:
        known = chosen.get(booking.quote_id)
        if known is None or (known.accepted_at is None and booking.accepted_at is not None):
            chosen[booking.quote_id] = booking
    asked = [
        _asked(
            booking, times, numbers.get(rode.get(booking.id) or booking.route_id or ""), kept.spots
        )
        for booking in chosen.values()
        if booking.cause != "changed"
    ]
    refused = [event for event in events if event.fact is Fact.QUOTE_REFUSED]
    asked += [_refused(number, event, kept) for number, event in enumerate(refused, 1)]
    return tuple(sorted(asked, key=lambda each: (each.asked_at, each.id), reverse=True))


def _asked(
    booking: Booking,
    times: Mapping[tuple[str, Kind], datetime],
    number: int | None,
    spots: Spots,
) -> LiveRequest:
    promise, late = booking.promise, 0
    if booking.state in {State.CONFIRMED, State.ON_BOARD}:
        pickup, arrival = (times.get((booking.id, kind)) for kind in (Kind.PICKUP, Kind.DROPOFF))
        late = late_seconds(booking, pickup, arrival)
    return LiveRequest(
        id=booking.id,
        asked_at=booking.created_at,
        state=booking.state,
        channel=booking.channel,
        passengers=booking.party.passengers,
        origin=spots.of(booking.origin),
        destination=spots.of(booking.destination),
        vehicle_number=number,
        pickup=(promise.pickup_earliest, promise.pickup_latest),
        arrive_latest=promise.arrive_latest,
        late_seconds=late,
    )


def _refused(number: int, event: Event, kept: Kept) -> LiveRequest:
    wish = event.payload["wish"]
    told = wish["arrive_by"] or wish["depart_after"]
    wished = event.at if told is None else datetime.fromisoformat(told)
    times = [datetime.fromisoformat(each) for each in event.payload["facts"]["alternatives"]]
    facts = {
        "wished": wished.astimezone(kept.zone),
        "alternatives": [each.astimezone(kept.zone) for each in times],
    }
    return LiveRequest(
        id=f"refusal {number}",
        asked_at=event.at,
        state=None,
        channel=str(wish["channel"]),
        passengers=int(wish["passengers"]),
        origin=kept.spots.wished(wish["origin"]),
        destination=kept.spots.wished(wish["destination"]),
        refusal=(str(event.payload["code"]), facts),
    )
