"""What simulated passengers and drivers ask of the service, whichever door they come in by.

By commands a day is played as fast as it goes; over HTTP (`api/demo_doors.py`) the same people
do the same things through the real doors, and the day is the same, event for event.

See: docs/simulation.md, the doors; docs/decisions/0091-the-same-people-by-any-door.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from dispatch.booking import Booking, Party, State
from dispatch.commands import drive as road
from dispatch.commands.book import accept_offer, cancel_booking
from dispatch.commands.operate import break_down
from dispatch.commands.quote import Refusal, quote
from dispatch.commands.register import register
from dispatch.commands.service import Service
from dispatch.commands.wishes import Wish
from dispatch.driving import PlannedVisit, Status
from dispatch.optimizer.plan import Kind
from dispatch.registration.register import NewRegistrant
from routing.travel import Point


@dataclass(frozen=True, slots=True)
class Offer:
    """One ride that is held for a caller."""

    id: str
    pickup_earliest: datetime
    arrive_latest: datetime


@dataclass(frozen=True, slots=True)
class Heard:
    """What somebody who asks for a ride is answered: offers, or a refusal.

    A refusal that came as a sentence has it among its facts, as `said`.
    """

    offers: tuple[Offer, ...] = ()
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Booked:
    """A booking as its party knows it."""

    id: str
    state: State
    pickup_earliest: datetime
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Rider:
    """Somebody on a driver's list."""

    party: Party
    pickup_earliest: datetime
    origin: str
    destination: str


@dataclass(frozen=True, slots=True)
class Ahead:
    """What a driver sees: where the vehicle is, the visits to come, and whom they are for.

    Offers that nobody has taken yet are left out: no vehicle waits or drives for those.
    """

    route_id: str
    vehicle_id: str
    status: Status
    place: Point
    visits: tuple[PlannedVisit, ...]
    riders: Mapping[str, Rider]

    def name_of(self, visit: PlannedVisit) -> str:
        """The name of the place of a visit."""
        rider = self.riders[visit.subject]
        return rider.origin if visit.kind is Kind.PICKUP else rider.destination

    def begins(self, visit: PlannedVisit) -> datetime | None:
        """From when a visit can be served: a pickup not before its promised and planned time."""
        if visit.kind is Kind.DROPOFF:
            return None
        return max(self.riders[visit.subject].pickup_earliest, visit.starts_at)

    def joining(self, call: Sequence[PlannedVisit], began: datetime) -> tuple[PlannedVisit, ...]:
        """Visits at the head of the list, not in `call` yet, that a call begun then serves."""
        known = {(visit.kind, visit.subject) for visit in call}
        here: list[PlannedVisit] = []
        for visit in self.visits:
            if visit.kind is Kind.BREAK or visit.point != self.place:
                break
            if (self.begins(visit) or began) > began:
                break
            if (visit.kind, visit.subject) not in known:
                here.append(visit)
        return tuple(here)


class Doors(Protocol):
    """Everything that the people of a simulated day ask and say. Refusals are NoriaiErrors."""

    def register(self, new: NewRegistrant) -> str:
        """Join the register; the registrant's id."""
        ...

    def quote(self, wish: Wish) -> Heard:
        """Ask for a ride."""
        ...

    def accept(self, offer_id: str) -> Booked:
        """Take an offer."""
        ...

    def booking(self, booking_id: str) -> Booked:
        """How a booking stands."""
        ...

    def cancel(self, booking_id: str) -> None:
        """Cancel a booking, as its party."""
        ...

    def ahead(self, route_id: str) -> Ahead:
        """What is still to be done on a route."""
        ...

    def start_duty(self, route_id: str) -> None:
        """The driver is at the vehicle."""
        ...

    def depart(self, route_id: str) -> None:
        """The vehicle sets out."""
        ...

    def arrive(self, route_id: str, where: Point) -> None:
        """The vehicle stands at `where`."""
        ...

    def board(self, route_id: str, booking_id: str) -> None:
        """The party is aboard."""
        ...

    def complete(self, route_id: str, booking_id: str) -> None:
        """The party has alighted."""
        ...

    def no_show(self, route_id: str, booking_id: str) -> None:
        """Nobody stood at the pickup."""
        ...

    def start_break(self, route_id: str) -> None:
        """The driver rests."""
        ...

    def end_break(self, route_id: str) -> None:
        """The rest is over."""
        ...

    def delay(self, route_id: str, expected_arrival: datetime) -> None:
        """The way takes longer than was thought."""
        ...

    def break_down(self, route_id: str, where: Point | None) -> None:
        """The vehicle can drive no further."""
        ...

    def end_duty(self, route_id: str) -> None:
        """The driver goes home."""
        ...

    def position(self, route_id: str, at: datetime, where: Point) -> None:
        """Where the vehicle is just now."""
        ...


BREAKDOWN = "vehicle_breakdown"
"""The cause that a simulated driver gives."""


class CommandDoors:
    """The doors without a house around them: each act is its command."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def register(self, new: NewRegistrant) -> str:
        """Join the register."""
        return register(new, self._service).id

    def quote(self, wish: Wish) -> Heard:
        """Ask for a ride."""
        made = quote(wish, self._service)
        offers = (
            Offer(o.id, o.promise.pickup_earliest, o.promise.arrive_latest) for o in made.offers
        )
        return Heard(tuple(offers), made.refusal)

    def accept(self, offer_id: str) -> Booked:
        """Take an offer."""
        return _booked(accept_offer(offer_id, self._service))

    def booking(self, booking_id: str) -> Booked:
        """How a booking stands."""
        return _booked(self._service.store.get_booking(booking_id))

    def cancel(self, booking_id: str) -> None:
        """Cancel a booking."""
        cancel_booking(booking_id, self._service, "passenger")

    def ahead(self, route_id: str) -> Ahead:
        """What is still to be done on a route."""
        route = self._service.store.get_route(route_id)
        subjects = sorted({v.subject for v in route.visits if v.kind is not Kind.BREAK})
        found = self._service.store.list_bookings_by_id(subjects)
        riders = {b.id: _rider(b) for b in found if b.state is not State.OFFERED}
        return Ahead(
            route_id=route.id,
            vehicle_id=route.vehicle_id,
            status=route.status,
            place=route.place,
            visits=tuple(v for v in route.visits if v.kind is Kind.BREAK or v.subject in riders),
            riders=riders,
        )

    def start_duty(self, route_id: str) -> None:
        """The driver is at the vehicle."""
        road.start_duty(route_id, self._service)

    def depart(self, route_id: str) -> None:
        """The vehicle sets out."""
        road.depart(route_id, self._service)

    def arrive(self, route_id: str, where: Point) -> None:
        """The vehicle stands at `where`."""
        road.arrive(route_id, self._service, where=where)

    def board(self, route_id: str, booking_id: str) -> None:
        """The party is aboard."""
        del route_id
        road.board(booking_id, self._service)

    def complete(self, route_id: str, booking_id: str) -> None:
        """The party has alighted."""
        del route_id
        road.complete(booking_id, self._service)

    def no_show(self, route_id: str, booking_id: str) -> None:
        """Nobody stood at the pickup."""
        del route_id
        road.no_show(booking_id, self._service)

    def start_break(self, route_id: str) -> None:
        """The driver rests."""
        road.start_break(route_id, self._service)

    def end_break(self, route_id: str) -> None:
        """The rest is over."""
        road.end_break(route_id, self._service)

    def delay(self, route_id: str, expected_arrival: datetime) -> None:
        """The way takes longer than was thought."""
        road.report_delay(route_id, expected_arrival, self._service)

    def break_down(self, route_id: str, where: Point | None) -> None:
        """The vehicle can drive no further."""
        break_down(route_id, self._service, BREAKDOWN, where)

    def end_duty(self, route_id: str) -> None:
        """The driver goes home."""
        road.end_duty(route_id, self._service)

    def position(self, route_id: str, at: datetime, where: Point) -> None:
        """Where the vehicle is just now."""
        del at
        road.report_position(route_id, where, self._service)


def _booked(booking: Booking) -> Booked:
    return Booked(booking.id, booking.state, booking.promise.pickup_earliest, booking.completed_at)


def _rider(booking: Booking) -> Rider:
    return Rider(
        booking.party,
        booking.promise.pickup_earliest,
        booking.origin.name,
        booking.destination.name,
    )
