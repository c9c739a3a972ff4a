"""The real doors for simulated people: each comes in over HTTP, with a token of their own.

Who books on a smartphone does it with their own token; who rings is heard by the office, which
books for them. Drivers have their vehicle's tablet.

See: docs/simulation.md, the doors; docs/decisions/0091-the-same-people-by-any-door.md
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import count

from api.board import VisitOut
from api.bookings import BookingOut
from api.client import NoriaiClient, Problem
from api.driver import (
    Does,
    EventForm,
    Outcome,
    PassengerOut,
    PointForm,
    PositionForm,
)
from api.forms import PartyForm, PlaceForm
from api.quotes import OfferOut, QuoteForm, QuoteOut
from api.registrations import RegistrationForm
from dispatch.booking import Party, Place
from dispatch.commands.quote import Refusal
from dispatch.commands.sign_in import issue_token
from dispatch.commands.wishes import Wish
from dispatch.driving import PlannedVisit
from dispatch.errors import NoriaiError, UnverifiedPlan
from dispatch.optimizer.plan import Kind
from dispatch.registration.register import NewRegistrant
from dispatch.store.tokens import Role
from routing.travel import Point
from simulations.doors import BREAKDOWN, Ahead, Booked, Heard, Offer, Rider
from simulations.world import World

SENDS = 5
"""How often a driver sends an act that a part of the service was away for."""


class HttpDoors:
    """What people of a simulated day ask and say, over HTTP."""

    def __init__(self, base_url: str, world: World) -> None:
        self._world = world
        self._client = NoriaiClient(base_url, "", timeout=60)
        self._known: dict[tuple[Role, str | None], NoriaiClient] = {}
        self._vehicle_of: dict[str, str] = {}
        self._numbers = count(1)

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    # --- passengers -----------------------------------------------------------------------------

    def register(self, new: NewRegistrant) -> str:
        """Join the register, at the office's counter."""
        form = RegistrationForm.model_validate(
            {
                "name": new.name,
                "kana": new.kana,
                "phone": new.phone,
                "birth_date": new.birth_date,
                "home": _place_form(Place(new.home.point, new.home.name, new.home.stop_id)),
                "needs": list(new.needs),
                "consent": new.consent,
                "channel": new.channel,
            }
        )
        return self._heard(lambda: self._as(Role.OPERATOR).register(form)).id

    def quote(self, wish: Wish) -> Heard:
        """Ask for a ride."""
        who = wish.registrant_id or ""
        caller = self._caller(wish.channel, who)
        form = QuoteForm(
            registration_id=who,
            origin=_place_form(wish.origin),
            destination=_place_form(wish.destination),
            party=_party_form(wish.party),
            depart_after=wish.depart_after,
            arrive_by=wish.arrive_by,
        )
        made = self._heard(lambda: caller.quote(form))
        return Heard(tuple(_offer(each) for each in made.offers), _refusal(made))

    def accept(self, offer_id: str) -> Booked:
        """Take an offer."""
        offer = self._world.service.store.get_booking(offer_id)
        caller = self._caller(offer.channel, offer.registrant_id or "")
        return _booked(self._heard(lambda: caller.book(offer_id)))

    def booking(self, booking_id: str) -> Booked:
        """How a booking stands."""
        return _booked(self._heard(lambda: self._party(booking_id).booking(booking_id)))

    def cancel(self, booking_id: str) -> None:
        """Cancel a booking, as its party."""
        self._heard(lambda: self._party(booking_id).cancel(booking_id))

    # --- drivers --------------------------------------------------------------------------------

    def ahead(self, route_id: str) -> Ahead:
        """What is still to be done on a route."""
        seen = self._heard(lambda: self._driver(route_id).manifest(route_id))
        return Ahead(
            route_id=seen.route_id,
            vehicle_id=seen.vehicle_id,
            status=seen.status,
            place=Point(seen.place.lat, seen.place.lon),
            visits=tuple(_visit(visit) for visit in seen.visits),
            riders={each.booking_id: _rider(each) for each in seen.passengers},
        )

    def start_duty(self, route_id: str) -> None:
        """The driver is at the vehicle."""
        self._does(Does.START_DUTY, route_id)

    def depart(self, route_id: str) -> None:
        """The vehicle sets out."""
        self._does(Does.DEPART, route_id)

    def arrive(self, route_id: str, where: Point) -> None:
        """The vehicle stands at `where`."""
        self._does(Does.ARRIVE, route_id, where=PointForm(lat=where.lat, lon=where.lon))

    def board(self, route_id: str, booking_id: str) -> None:
        """The party is aboard."""
        self._does(Does.BOARD, route_id, booking_id=booking_id)

    def complete(self, route_id: str, booking_id: str) -> None:
        """The party has alighted."""
        self._does(Does.COMPLETE, route_id, booking_id=booking_id)

    def no_show(self, route_id: str, booking_id: str) -> None:
        """Nobody stood at the pickup."""
        self._does(Does.NO_SHOW, route_id, booking_id=booking_id)

    def start_break(self, route_id: str) -> None:
        """The driver rests."""
        self._does(Does.START_BREAK, route_id)

    def end_break(self, route_id: str) -> None:
        """The rest is over."""
        self._does(Does.END_BREAK, route_id)

    def delay(self, route_id: str, expected_arrival: datetime) -> None:
        """The way takes longer than was thought."""
        self._does(Does.DELAY, route_id, expected_arrival=expected_arrival)

    def break_down(self, route_id: str, where: Point | None) -> None:
        """The vehicle can drive no further."""
        point = None if where is None else PointForm(lat=where.lat, lon=where.lon)
        self._does(Does.BREAK_DOWN, route_id, where=point, cause=BREAKDOWN)

    def end_duty(self, route_id: str) -> None:
        """The driver goes home."""
        self._does(Does.END_DUTY, route_id)

    def position(self, route_id: str, at: datetime, where: Point) -> None:
        """Where the vehicle is just now."""
        form = PositionForm(at=at, lat=where.lat, lon=where.lon)
        self._heard(lambda: self._driver(route_id).report_positions([form], route_id))

    # --- what all of them share -----------------------------------------------------------------

    def _does(
        self,
        act: Does,
        route_id: str,
        *,
        booking_id: str | None = None,
        where: PointForm | None = None,
        expected_arrival: datetime | None = None,
        cause: str = "",
    ) -> None:
        event = EventForm(
            id=f"{route_id}-{next(self._numbers)}",
            act=act,
            at=self._world.now,
            route_id=route_id,
            booking_id=booking_id,
            where=where,
            expected_arrival=expected_arrival,
            cause=cause,
        )
        for _ in range(SENDS):
            [done] = self._heard(lambda: self._driver(route_id).report([event])).results
            if done.outcome is not Outcome.NOT_TRIED:
                break
        if done.problem is not None:
            raise NoriaiError(done.problem.code, said=done.problem.detail)

    def _heard[Said](self, ask: Callable[[], Said]) -> Said:
        """An answer, after the world has heard what was committed for it."""
        try:
            return ask()
        except Problem as problem:
            kind = UnverifiedPlan if problem.code == UnverifiedPlan.code else NoriaiError
            raise kind(problem.code, said=problem.detail) from problem
        finally:
            self._world.hear_outside()

    def _as(self, role: Role, subject: str | None = None) -> NoriaiClient:
        """The service as this person is let in to it."""
        if (role, subject) not in self._known:
            service = self._world.service
            token = issue_token(role, subject, service.store, service.ports)
            self._known[role, subject] = self._client.as_bearer_of(token)
        return self._known[role, subject]

    def _caller(self, channel: str, registrant_id: str) -> NoriaiClient:
        """Who books on the web does it themselves; for others the office does."""
        if channel == "web":
            return self._as(Role.RESIDENT, registrant_id)
        return self._as(Role.OPERATOR)

    def _party(self, booking_id: str) -> NoriaiClient:
        booking = self._world.service.store.get_booking(booking_id)
        return self._as(Role.RESIDENT, booking.registrant_id)

    def _driver(self, route_id: str) -> NoriaiClient:
        if route_id not in self._vehicle_of:
            route = self._world.service.store.get_route(route_id)
            self._vehicle_of[route_id] = route.vehicle_id
        return self._as(Role.DRIVER, self._vehicle_of[route_id])


def _place_form(place: Place) -> PlaceForm:
    if place.stop_id is not None:
        return PlaceForm(stop_id=place.stop_id)
    return PlaceForm(lat=place.point.lat, lon=place.point.lon, name=place.name)


def _rider(seen: PassengerOut) -> Rider:
    party = Party(seen.party.passengers, tuple(seen.party.needs))
    return Rider(party, seen.promise.pickup_earliest, seen.origin.name, seen.destination.name)


def _party_form(party: Party) -> PartyForm:
    return PartyForm(passengers=party.passengers, needs=list(party.needs))


def _offer(offer: OfferOut) -> Offer:
    return Offer(offer.id, offer.pickup.earliest, offer.arrival.latest)


def _refusal(made: QuoteOut) -> Refusal | None:
    if made.refusal is None:
        return None
    named = made.refusal.alternatives
    times = [each.arrive_by or each.depart_after for each in named]
    return Refusal(
        made.refusal.code,
        "arrive_by" if any(each.arrive_by for each in named) else "depart_after",
        tuple(time for time in times if time is not None),
        {"said": made.refusal.message},
    )


def _booked(booking: BookingOut) -> Booked:
    return Booked(booking.id, booking.state, booking.promise.pickup_earliest, booking.completed_at)


def _visit(visit: VisitOut) -> PlannedVisit:
    return PlannedVisit(
        kind=Kind[visit.kind.upper()],
        subject=visit.subject,
        point=Point(visit.place.lat, visit.place.lon),
        leaves_at=visit.leaves_at,
        starts_at=visit.starts_at,
        ends_at=visit.ends_at,
    )
