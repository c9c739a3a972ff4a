"""From an offer to a booking, and out of it again: accept, release, change, cancel, expire.

See: docs/booking.md; docs/decisions/0057-a-change-is-a-new-quote.md
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from dispatch import facts, notices
from dispatch.booking import Act, Booking, State, accept, leave_the_plan, move
from dispatch.commands.answers import answer, fingerprint, once
from dispatch.commands.deciding import decide
from dispatch.commands.offers import insert_again
from dispatch.commands.planning import (
    Day,
    Rewrite,
    around,
    read_day,
    rewrite,
    vehicles_with,
    without,
)
from dispatch.commands.quote import Keeping, Quote, quote_again, quote_for
from dispatch.commands.service import Service
from dispatch.commands.telling import tell
from dispatch.commands.wishes import Wish, check_wish
from dispatch.commit import Change, commit
from dispatch.errors import NotFound, Refused
from dispatch.events import Event
from dispatch.optimizer.plan import Kind
from dispatch.timed_routes import changed_vehicles

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
    ended = [*siblings, *old]
    ids = {b.id for b in ended}
    left = without(around(day, {offer.id, *ids}), ids, service)
    snapshot = left.snapshot(service, service.now())
    plan = snapshot.plan
    if offer.id in snapshot.gone or not left.routes:
        left = without(day, ids, service)
        snapshot = left.snapshot(service, service.now())
        plan = insert_again(offer, snapshot) if offer.id in snapshot.gone else snapshot.plan
    # The hold may run out between the look at the offer and this moment, at which the plan
    # gives its place away.
    _refuse_once_over(offer, snapshot.now, service)
    booked = accept(replace(offer, cause=""), snapshot.now, offer.promise.pickup_earliest)
    vehicles = {
        *vehicles_with(snapshot, {offer.id, *(b.id for b in ended)}, day),
        *changed_vehicles(snapshot.plan, plan),
    }
    written = rewrite(snapshot, plan, day, (booked, *ended), sorted(vehicles))
    booked = told_as_planned(booked, written)
    mine = {b.id: b for b in written.bookings} | {booked.id: booked}
    told, said = tell(written.routes, {**left.bookings, **mine}, snapshot.now)
    commit(
        Change(
            routes=written.routes,
            bookings=tuple({**mine, **told}.values()),
            events=(
                facts.confirmed(booked, snapshot.now),
                notices.confirmed(booked, snapshot.now),
                *(facts.offer_released(b, snapshot.now) for b in siblings),
                *(facts.cancelled(b, snapshot.now) for b in old),
                *said,
                *written.events,
            ),
            answer=answer(keeping.key, keeping.asked, {"booking": booked.id}),
            checks=written.checks,
            reason="accept",
        ),
        service.store,
        service.ports,
    )
    return replace(booked, version=booked.version + 1)


def told_as_planned(booking: Booking, written: Rewrite) -> Booking:
    """The booking with the route it rides in and the pickup time it is told now."""
    for route in written.routes:
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
