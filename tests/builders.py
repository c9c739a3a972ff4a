"""Small made-up towns and days, so that a test says only what it is about.

`a_town()` gives a plain square grid of streets with five stops; a builder's methods each
change one thing. Clock and identifiers are the test's own.

See: docs/testing.md
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

import numpy as np

from dispatch.booking import Booking, Party, Place, Promise
from dispatch.commands import book, drive, improve, operate
from dispatch.commands.quote import Quote, quote
from dispatch.commands.register import register
from dispatch.commands.service import Service
from dispatch.commands.wishes import Wish
from dispatch.driving import Route, Status
from dispatch.fares import FareTable
from dispatch.fleet import BreakRule, Garage, Shift, VehicleModel
from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import Kind
from dispatch.ports import Ports
from dispatch.registration.register import Home, NewRegistrant, Registrant
from dispatch.town import (
    Area,
    BoardingRules,
    BookingRules,
    CalmRules,
    Hours,
    PromiseRules,
    RegistrationRules,
    Settlement,
    Stop,
    Town,
)
from dispatch.wiring import build_service
from routing.travel import Leg, Point, Snap, Table

ZONE = ZoneInfo("Asia/Tokyo")
DAY = date(2026, 11, 25)
"""A plain Wednesday."""

STOPS = {
    "hall": (0.0, 0.0),
    "clinic": (3.0, 0.0),
    "market": (0.0, 3.0),
    "station": (4.0, 4.0),
    "hill": (8.0, 2.0),
}
"""Stops by kilometres east and north of the town hall."""

KM = 1 / 111.0
CENTRE = Point(33.0, 131.0)


def at_km(east: float, north: float) -> Point:
    """A point so many kilometres east and north of the town hall."""
    return Point(CENTRE.lat + north * KM, CENTRE.lon + east * KM)


class GridTravel:
    """A road engine for tests: streets run east and north, 30 km/h everywhere."""

    name = "grid"
    exact = True

    def snap(self, point: Point) -> Snap:
        """Every point is on a street, but for those in the lake in the far north-east."""
        return Snap(point, 900.0 if point.lat > CENTRE.lat + 9 * KM else 0.0)

    def table(
        self, origins: Sequence[Point], destinations: Sequence[Point], at: datetime | None = None
    ) -> Table:
        """Seconds and metres along the streets."""
        del at
        one, two = (
            np.array([[p.lat, p.lon] for p in points]).reshape(-1, 2)
            for points in (origins, destinations)
        )
        metres = np.rint(np.abs(one[:, None, :] - two[None, :, :]).sum(axis=2) * 111_000)
        seconds = np.rint(metres / (30 / 3.6))
        return Table(seconds.astype(np.int32), metres.astype(np.int32))

    def leg(self, origin: Point, destination: Point, at: datetime | None = None) -> Leg:
        """The way, drawn as a straight line."""
        table = self.table((origin,), (destination,), at)
        return Leg(int(table.seconds[0, 0]), int(table.metres[0, 0]), (origin, destination))


@dataclass(slots=True)
class FakeClock:
    """A clock that a test sets."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def set_to(self, clock: str, day: date = DAY) -> None:
        """Show this time of the day in the town ("09:40" or "09:40:30")."""
        self.now = on_the_clock(clock, day)

    def forward(self, **span: float) -> None:
        """Let time pass (minutes=3, seconds=30)."""
        self.now += timedelta(**span)


def on_the_clock(clock: str, day: date = DAY) -> datetime:
    """A time of day in the town, as a moment in UTC."""
    return datetime.combine(day, time.fromisoformat(clock), tzinfo=ZONE).astimezone(UTC)


@dataclass(slots=True)
class CountedIds:
    """Identifiers in the order in which they are asked for."""

    count: int = 0

    def __call__(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}_{self.count:05d}"


@dataclass(frozen=True, slots=True)
class TownBuilder:
    """A town in the making; each method gives a changed one."""

    town: Town
    clock: str = "09:00"
    database_url: str = "sqlite://"

    def with_vehicles(self, count: int, seats: int = 4, wheelchairs: int = 1) -> TownBuilder:
        """So many like vehicles, in service all day from the town hall."""
        numbers = [str(number + 1) for number in range(count)]
        town = replace(
            self.town,
            vehicles=tuple(
                VehicleModel(f"car{n}", f"Car {n}", (seats, wheelchairs), "garage") for n in numbers
            ),
            shifts=tuple(
                Shift(f"shift{n}", f"car{n}", frozenset(range(7)), time(8, 30), time(16, 30))
                for n in numbers
            ),
        )
        return replace(self, town=town)

    def with_one_vehicle(self) -> TownBuilder:
        """One vehicle with four seats and one wheelchair place."""
        return self.with_vehicles(1)

    def with_break(self, earliest: str, latest: str, minutes: int) -> TownBuilder:
        """A rest in every shift."""
        rest = BreakRule(time.fromisoformat(earliest), time.fromisoformat(latest), minutes)
        shifts = tuple(replace(shift, breaks=(rest,)) for shift in self.town.shifts)
        return replace(self, town=replace(self.town, shifts=shifts))

    def with_rules(
        self,
        booking: BookingRules | None = None,
        promise: PromiseRules | None = None,
        calm: CalmRules | None = None,
        registration: RegistrationRules | None = None,
    ) -> TownBuilder:
        """Other rules in place of the plain ones."""
        town = replace(
            self.town,
            booking=booking or self.town.booking,
            promise=promise or self.town.promise,
            calm=calm or self.town.calm,
            registration=registration or self.town.registration,
        )
        return replace(self, town=town)

    def at(self, clock: str) -> TownBuilder:
        """The time at which the day begins for the test."""
        return replace(self, clock=clock)

    def on(self, database_url: str) -> TownBuilder:
        """On this database."""
        return replace(self, database_url=database_url)

    def day(self) -> DayBuilder:
        """A service running on this town."""
        clock = FakeClock(on_the_clock(self.clock))
        service = build_service(
            self.town,
            database_url=self.database_url,
            ports=Ports(now=clock, new_id=CountedIds()),
            travel=GridTravel(),
        )
        return DayBuilder(service, clock)

    def with_booking(self, destination: str, pickup: str, origin: str = "hall") -> DayBuilder:
        """A running day with one booking, named by its destination."""
        day = self.day()
        day.book(destination, depart_after=pickup, origin=origin)
        return day


def a_town() -> TownBuilder:
    """A plain town: streets in a grid, five stops, two vehicles, nothing closed."""
    town = Town(
        id="gridley",
        name={"ja": "碁盤町", "en": "Gridley"},
        zone=ZONE,
        centre=CENTRE,
        areas=(Area("centre", ((_square(-2, -2, 12, 10),),)),),
        hours={weekday: Hours(time(9, 0), time(16, 0)) for weekday in range(6)},
        closed_days=frozenset({date(2026, 12, 31)}),
        closed_on_holidays=True,
        country="JP",
        booking=BookingRules(),
        promise=PromiseRules(),
        boarding=BoardingRules(by_need={"wheelchair": timedelta(minutes=3)}),
        calm=CalmRules(),
        registration=RegistrationRules(required=False, goal=100, goal_date=date(2027, 3, 31)),
        weights=Weights(),
        fares=FareTable(base_yen=300),
        loads=("seats", "wheelchairs"),
        load_by_need={"wheelchair": {"wheelchairs": 1}},
        garages=(Garage("garage", "Garage", at_km(0.5, 0.5)),),
        vehicles=(),
        shifts=(),
        stops=tuple(Stop(key, key.title(), "", at_km(*where)) for key, where in STOPS.items()),
        settlements=(
            Settlement("west", "West", "ウエスト", at_km(0, 1), 300, "west"),
            Settlement("east", "East", "イースト", at_km(8, 1), 200, "east"),
        ),
        speeds={},
    )
    return TownBuilder(town).with_vehicles(2)


def _square(west: float, south: float, east: float, north: float) -> tuple[Point, ...]:
    corners = ((west, south), (east, south), (east, north), (west, north), (west, south))
    return tuple(at_km(*corner) for corner in corners)


@dataclass(slots=True)
class PromiseNow:
    """A booking's promise against what the plan or the road has made of it."""

    booking: Booking
    pickup: datetime | None
    arrival: datetime | None

    def is_kept(self) -> bool:
        """Whether planned (or actual) pickup and arrival lie within the promise."""
        promise: Promise = self.booking.promise
        pickup = self.booking.picked_up_at or self.pickup
        arrival = self.booking.completed_at or self.arrival
        return (
            pickup is not None
            and arrival is not None
            and promise.pickup_earliest <= pickup <= promise.pickup_latest
            and arrival <= promise.arrive_latest
        )


@dataclass(slots=True)
class DayBuilder:
    """A running day, spoken to in the words of the users; bookings go by short names."""

    service: Service
    clock: FakeClock
    ids: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.service.store.close()

    # --- asking and booking --------------------------------------------------------------

    def wish(
        self,
        destination: str,
        *,
        origin: str = "hall",
        depart_after: str | None = None,
        arrive_by: str | None = None,
        passengers: int = 1,
        needs: tuple[str, ...] = (),
        registrant: str | None = None,
    ) -> Wish:
        """A wish between two stops."""
        return Wish(
            registrant,
            self.place(origin),
            self.place(destination),
            Party(passengers, needs),
            depart_after=on_the_clock(depart_after) if depart_after else None,
            arrive_by=on_the_clock(arrive_by) if arrive_by else None,
            channel="phone",
        )

    def place(self, stop: str) -> Place:
        """A stop by its id."""
        point = at_km(*STOPS[stop]) if stop in STOPS else CENTRE
        return Place(point, stop, stop)

    def ask(self, destination: str, **wish: object) -> Quote:
        """A quote for a wish between two stops."""
        return quote(self.wish(destination, **wish), self.service)  # type: ignore[arg-type]

    def book(self, destination: str, *, name: str | None = None, **wish: object) -> Booking:
        """Ask and take the first offer; the booking goes by its destination's name."""
        answer = self.ask(destination, **wish)
        assert answer.offers, f"refused: {answer.refusal}"
        booked = book.accept_offer(answer.offers[0].id, self.service)
        self.ids[name or destination] = booked.id
        return booked

    def booking(self, name: str) -> Booking:
        """A booking by its short name, as the store holds it."""
        return self.service.store.get_booking(self.ids[name])

    def cancel(self, name: str) -> Booking:
        """The passenger cancels."""
        return book.cancel_booking(self.ids[name], self.service)

    def registrant(self, **about: object) -> Registrant:
        """Somebody joins the register."""
        given: dict[str, object] = {
            "name": "肝付 花子",
            "kana": "きもつき はなこ",
            "phone": "0994-65-2511",
            "home": Home(at_km(1, 1), "Home"),
            "consent": True,
            "channel": "phone",
        }
        return register(NewRegistrant(**{**given, **about}), self.service)  # type: ignore[arg-type]

    # --- the road --------------------------------------------------------------------------

    def routes(self) -> list[Route]:
        """All routes of the day."""
        return list(drive.open_day(DAY, self.service)) and self.service.store.list_routes(DAY)

    def route_of(self, name: str) -> Route:
        """The route that a booking rides in."""
        route_id = self.booking(name).route_id
        assert route_id is not None
        return self.service.store.get_route(route_id)

    def start_duty(self) -> None:
        """Every driver is at the vehicle."""
        for route in self.routes():
            if route.status is Status.OFF_DUTY:
                drive.start_duty(route.id, self.service)

    def drive_to(self, name: str) -> Route:
        """The vehicle of this booking drives to its next visit, in due time, and stands there."""
        route = self.route_of(name)
        visit = route.visits[0]
        if visit.point == route.place:
            self.clock.now = max(self.clock.now, visit.starts_at)
            return route
        self.clock.now = max(self.clock.now, visit.leaves_at)
        route = drive.depart(route.id, self.service)
        assert route.arrives_at is not None
        self.clock.now = max(self.clock.now, route.arrives_at)
        return drive.arrive(route.id, self.service)

    def serve_next(self, route_id: str) -> Booking | None:
        """Whatever comes next in a route, done in due time; the booking it was for."""
        store = self.service.store
        route = store.get_route(route_id)
        visit = route.visits[0]
        if visit.kind is Kind.BREAK:
            self.clock.now = max(self.clock.now, visit.starts_at)
            drive.start_break(route_id, self.service)
            self.clock.now += visit.ends_at - visit.starts_at
            drive.end_break(route_id, self.service)
            return None
        if visit.point != route.place:
            self.clock.now = max(self.clock.now, visit.leaves_at)
            driven = drive.depart(route_id, self.service)
            assert driven.arrives_at is not None
            self.clock.now = max(self.clock.now, driven.arrives_at)
            drive.arrive(route_id, self.service)
        ends = next(v for v in store.get_route(route_id).visits if v.subject == visit.subject)
        self.clock.now = max(self.clock.now, ends.ends_at)
        act = drive.board if visit.kind is Kind.PICKUP else drive.complete
        return act(visit.subject, self.service)

    def carry_everybody(self) -> None:
        """All routes are driven to their ends, always the vehicle whose turn comes first."""
        self.start_duty()
        while True:
            waiting = [route for route in self.routes() if route.visits]
            if not waiting:
                return
            self.serve_next(min(waiting, key=lambda r: (r.visits[0].ends_at, r.id)).id)

    def break_down(self, name: str, cause: str = "engine") -> Route:
        """The vehicle of this booking breaks down."""
        route_id = self.booking(name).route_id
        assert route_id is not None
        return operate.break_down(route_id, self.service, cause)

    def improve(self, iterations: int = 200, seed: int = 1) -> improve.Improvement:
        """A background search and its commit."""
        return improve.improve(DAY, self.service, iterations, seed)

    # --- what came of it -------------------------------------------------------------------

    def promise(self, name: str) -> PromiseNow:
        """A booking's promise, with the plan's times for it."""
        booking = self.booking(name)
        times: dict[Kind, datetime] = {}
        if booking.route_id is not None:
            for visit in self.service.store.get_route(booking.route_id).visits:
                if visit.subject == booking.id:
                    times[visit.kind] = visit.starts_at
        return PromiseNow(booking, times.get(Kind.PICKUP), times.get(Kind.DROPOFF))

    def facts(self) -> list[str]:
        """The kinds of all events of the day, in order."""
        events = self.service.store.list_events_of_day(DAY)
        return [recorded.event.fact.value for recorded in events]

    def notices(self, name: str) -> list[str]:
        """The codes of what this passenger was told, in order."""
        events = self.service.store.list_events_of_booking(self.ids[name])
        return [
            recorded.event.payload["code"]
            for recorded in events
            if recorded.event.fact.value == "notice"
            and recorded.event.payload["recipient"] == "passenger"
        ]
