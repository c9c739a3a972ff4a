"""From an offer to a booking, and out of it again: accept, release, change, cancel, expire.

See: docs/booking.md; docs/decisions/0057-a-change-is-a-new-quote.md
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from dispatch import facts, notices
from dispatch.booking import Act, Booking, State, accept, leave_the_plan, move
from dispatch.commands.answers import answer, fingerprint, once
from dispatch.commands.deciding import decide
from dispatch.commands.offers import insert_again
from dispatch.commands.planning import (
    Day,
    around,
    read_day,
    rewrite,
    vehicles_with,
    without,
)
from dispatch.commands.quote import Keeping, Quote, quote_again, quote_for
from dispatch.commands.service import Service
from dispatch.commands.shortened import shortened
from dispatch.commands.telling import tell
from dispatch.commands.wishes import Wish, check_wish
from dispatch.commit import Change, Check, commit
from dispatch.driving import Route
from dispatch.errors import NotFound, Refused
from dispatch.events import Event
from dispatch.optimizer.plan import Kind
from dispatch.snapshot import PLANNABLE
from dispatch.timed_routes import changed_vehicles, routes_from

REPLACES = "replaces "
"""How the `cause` of an offer begins that was made to change a booking; its id follows."""


def accept_offer(offer_id: str, service: Service, key: str | None = None) -> Booking:
    """Turn a held offer into a booking with a promise; its sibling offers are released.

    Raises NotFound, or Refused("offer_expired", "offer_gone"); nothing is written then.
    """
    asked = fingerprint("accept_offer", offer_id)

    def attempt() -> Booking:
        offer = _get_offer(offer_id, service)
        day = read_day(offer.service_day, service)
        return _accept(offer, day, service, Keeping(key, asked))

    return once(service, key, asked, attempt, lambda b: service.store.get_booking(b["booking"]))


def _get_offer(offer_id: str, service: Service) -> Booking:
    offer = service.store.find_booking(offer_id)
    if offer is None:
        raise NotFound("unknown_offer", offer=offer_id)
    if offer.state is State.EXPIRED:
        raise Refused("offer_expired", hold=service.town.booking.hold)
    if offer.state is State.RELEASED:
        raise Refused("offer_gone")
    move(offer.state, Act.ACCEPT)
    _refuse_once_over(offer, service.now(), service)
    return offer


def _refuse_once_over(offer: Booking, now: datetime, service: Service) -> None:
    if offer.expires_at is not None and offer.expires_at <= now:
        raise Refused("offer_expired", hold=service.town.booking.hold)


def _accept(offer: Booking, day: Day, service: Service, keeping: Keeping) -> Booking:
    siblings = [
        leave_the_plan(b, Act.RELEASE, "another_taken")
        for b in day.bookings.values()
        if b.quote_id == offer.quote_id and b.id != offer.id and b.state is State.OFFERED
    ]
    old = _replaced(offer, day, service)
    taken = _where_it_stands(offer, siblings, day, service) if not old else None
    taken = taken or _planned_anew(offer, [*siblings, *old], day, service)
    # The hold may run out between the look at the offer and this moment, at which the plan
    # gives its place away.
    _refuse_once_over(offer, taken.now, service)
    booked = told_as_planned(taken.booked, taken.timed)
    mine = {b.id: b for b in taken.bookings} | {booked.id: booked}
    told, said = tell(taken.timed, {**taken.left, **mine}, taken.now)
    commit(
        Change(
            routes=taken.routes,
            bookings=tuple({**mine, **told}.values()),
            events=(
                facts.confirmed(booked, taken.now),
                notices.confirmed(booked, taken.now),
                *(facts.offer_released(b, taken.now) for b in siblings),
                *(facts.cancelled(b, taken.now) for b in old),
                *said,
                *taken.events,
            ),
            answer=answer(keeping.key, keeping.asked, {"booking": booked.id}),
            checks=taken.checks,
            reason="accept",
        ),
        service.store,
        service.ports,
    )
    return replace(booked, version=booked.version + 1)


@dataclass(frozen=True, slots=True)
class _Taken:
    """An offer as it is taken, and what becomes of the routes.

    timed : the routes of which people may have to be told.
    left : the bookings that are still in the plan.
    routes, bookings, events, checks : what is written, but for what people are told.
    """

    now: datetime
    booked: Booking
    timed: tuple[Route, ...]
    left: Mapping[str, Booking]
    routes: tuple[Route, ...]
    bookings: tuple[Booking, ...]
    events: tuple[Event, ...] = ()
    checks: tuple[Check, ...] = ()


def _where_it_stands(
    offer: Booking, siblings: Sequence[Booking], day: Day, service: Service
) -> _Taken | None:
    """Take an offer in the place it is held in, and cut its siblings out of other routes.

    Its own route stays as it was verified when the offer was made, so nothing of it is worked
    out again. None where more has to change: a sibling shares its route, the route does not
    keep its promises any more, or one cannot be cut out.
    """
    gone = {b.id for b in siblings}
    own = around(day, {offer.id})
    others = around(day, gone).routes
    if len(own.routes) != 1 or own.routes[0] in others or own.routes[0].status not in PLANNABLE:
        return None
    snapshot = own.snapshot(service, service.now())
    if snapshot.gone or snapshot.late or routes_from(snapshot.plan, snapshot, (0,)) != own.routes:
        return None
    cut = [shortened(route, gone, service) for route in others]
    routes = tuple(route for route in cut if route is not None)
    if len(routes) != len(others):
        return None
    booked = accept(replace(offer, cause=""), snapshot.now, offer.promise.pickup_earliest)
    return _Taken(
        now=snapshot.now,
        booked=booked,
        timed=own.routes,
        left=own.bookings,
        routes=(*own.routes, *routes),
        bookings=(booked, *siblings),
    )


def _planned_anew(offer: Booking, ended: Sequence[Booking], day: Day, service: Service) -> _Taken:
    """Take an offer with all routes concerned timed anew, or find it another place.

    Raises Refused("offer_gone") when no vehicle can keep its promise any more.
    """
    ids = {b.id for b in ended}
    left = without(around(day, {offer.id, *ids}), ids, service)
    snapshot = left.snapshot(service, service.now())
    plan = snapshot.plan
    if offer.id in snapshot.gone or not left.routes:
        left = without(day, ids, service)
        snapshot = left.snapshot(service, service.now())
        plan = insert_again(offer, snapshot) if offer.id in snapshot.gone else snapshot.plan
    _refuse_once_over(offer, snapshot.now, service)
    booked = accept(replace(offer, cause=""), snapshot.now, offer.promise.pickup_earliest)
    vehicles = {
        *vehicles_with(snapshot, {offer.id, *ids}, day),
        *changed_vehicles(snapshot.plan, plan),
    }
    written = rewrite(snapshot, plan, day, (booked, *ended), sorted(vehicles))
    return _Taken(
        now=snapshot.now,
        booked=booked,
        timed=written.routes,
        left=left.bookings,
        routes=written.routes,
        bookings=written.bookings,
        events=written.events,
        checks=written.checks,
    )


def told_as_planned(booking: Booking, routes: Iterable[Route]) -> Booking:
    """The booking with the route it rides in and the pickup time it is told now."""
    for route in routes:
        for visit in route.visits:
            if visit.kind is Kind.PICKUP and visit.subject == booking.id:
                return replace(booking, route_id=route.id, told_pickup=visit.starts_at)
    return booking


def _replaced(offer: Booking, day: Day, service: Service) -> list[Booking]:
    """The booking that this offer was made to change, cancelled; it may be of another day."""
    if not offer.cause.startswith(REPLACES):
        return []
    old_id = offer.cause.removeprefix(REPLACES)
    old = day.bookings.get(old_id) or service.store.get_booking(old_id)
    return [leave_the_plan(old, Act.CANCEL, "changed")]


def cancel_booking(
    booking_id: str, service: Service, cause: str = "passenger", key: str | None = None
) -> Booking:
    """Take a booking or a held offer out of the plan.

    Raises NotFound, or NotAllowedNow once the party is aboard or the booking has ended.
    """
    asked = fingerprint("cancel_booking", booking_id, cause)

    def attempt() -> Booking:
        booking = service.store.get_booking(booking_id)
        ended = leave_the_plan(booking, Act.CANCEL, cause)
        told = (
            (facts.cancelled(ended, service.now()), notices.cancelled(ended, service.now()))
            if ended.state is State.CANCELLED
            else (facts.offer_released(ended, service.now()),)
        )
        end(booking.service_day, (ended,), told, service, Keeping(key, asked))
        return replace(ended, version=ended.version + 1)

    return once(service, key, asked, attempt, lambda b: service.store.get_booking(b["booking"]))


def release_quote(quote_id: str, service: Service) -> int:
    """Give back the offers of a quote that nobody will take; says how many were still held."""

    def attempt() -> int:
        held = [
            leave_the_plan(b, Act.RELEASE, "given_back")
            for b in service.store.list_bookings_of_quote(quote_id)
            if b.state is State.OFFERED
        ]
        if held:
            events = tuple(facts.offer_released(b, service.now()) for b in held)
            end(held[0].service_day, held, events, service, Keeping(None, ""))
        return len(held)

    return decide(service, attempt)


def expire_holds(service: Service) -> int:
    """Write down every hold that has run out; says how many.

    They have had no place in the plan since they ran out; this makes it a fact.
    """

    def attempt() -> int:
        over = service.store.list_expired_offers(service.now())
        by_day: dict[date, list[Booking]] = {}
        for hold in over:
            by_day.setdefault(hold.service_day, []).append(
                leave_the_plan(hold, Act.EXPIRE, "hold_over")
            )
        for day, holds in by_day.items():
            events = tuple(facts.offer_expired(b, service.now()) for b in holds)
            end(day, holds, events, service, Keeping(None, ""))
        return len(over)

    return decide(service, attempt)


def end(
    day_of: date,
    ended: Sequence[Booking],
    events: tuple[Event, ...],
    service: Service,
    keeping: Keeping,
) -> None:
    """Commit the end of bookings of one day: out of the plan, their routes timed anew."""
    ids = {booking.id for booking in ended}
    day = around(read_day(day_of, service), ids)
    snapshot = without(day, ids, service).snapshot(service, service.now())
    vehicles = vehicles_with(snapshot, ids, day)
    written = rewrite(snapshot, snapshot.plan, day, ended, vehicles)
    mine = {b.id: b for b in written.bookings}
    told, said = tell(written.routes, {**day.bookings, **mine}, snapshot.now)
    body = {"booking": ended[0].id}
    commit(
        Change(
            routes=written.routes,
            bookings=tuple({**mine, **told}.values()),
            events=(*events, *said, *written.events),
            answer=answer(keeping.key, keeping.asked, body),
            checks=written.checks,
            reason="ended",
        ),
        service.store,
        service.ports,
    )


def change_booking(booking_id: str, wish: Wish, service: Service, key: str | None = None) -> Quote:
    """Offers in place of a booking; accepting one of them cancels the old one with it.

    The old booking stands until then. Raises what `quote` raises, NotFound, and
    NotAllowedNow when the booking cannot be cancelled any more.
    """
    asked = fingerprint("change_booking", booking_id, wish)

    def attempt() -> Quote:
        move(service.store.get_booking(booking_id).state, Act.CANCEL)
        sound = check_wish(wish, service)
        day = read_day(sound.service_day, service)
        return quote_for(sound, day, service, Keeping(key, asked, REPLACES + booking_id))

    return once(service, key, asked, attempt, lambda body: quote_again(body, service))
