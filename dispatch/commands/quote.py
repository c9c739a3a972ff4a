"""A quote: up to three offers for one wish, each held in the plan, or a refusal that helps.

See: docs/booking.md, the way of a promise; docs/words.md, quote, offer, refusal
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from dispatch import facts
from dispatch.booking import Booking
from dispatch.commands.answers import answer, fingerprint, once
from dispatch.commands.offers import Held, OfferDesk
from dispatch.commands.planning import Day, read_day, rewrite
from dispatch.commands.second_look import second_look
from dispatch.commands.service import Service
from dispatch.commands.wishes import Sound, Wish, check_wish
from dispatch.commit import Change, commit
from dispatch.snapshot import PLANNABLE


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a sound wish does not fit, and when it would.

    code : names the rule and its sentence.
    kind : `depart_after` or `arrive_by`: what the alternatives are.
    alternatives : times that were bookable when this was said, nearest before and after.
    """

    code: str
    kind: str
    alternatives: tuple[datetime, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Quote:
    """What somebody who asks for a ride is answered: offers, or a refusal."""

    id: str
    offers: tuple[Booking, ...] = ()
    refusal: Refusal | None = None


def quote(wish: Wish, service: Service, key: str | None = None) -> Quote:
    """Find offers for a wish and hold them for the town's hold time.

    Raises BadInput or NotFound when the wish cannot be asked; nothing is written then.
    """
    asked = fingerprint("quote", wish)

    def attempt() -> Quote:
        sound = check_wish(wish, service)
        day = read_day(sound.service_day, service)
        return quote_for(sound, day, service, Keeping(key, asked))

    return once(service, key, asked, attempt, lambda body: quote_again(body, service))


@dataclass(frozen=True, slots=True)
class Keeping:
    """Under which key the answer is kept, what was asked, and what offers are made for."""

    key: str | None
    asked: str
    cause: str = ""


def quote_for(sound: Sound, day: Day, service: Service, keeping: Keeping) -> Quote:
    """Decide and commit a quote on the day as read. Raises RouteMoved when it has moved."""
    if not any(route.status in PLANNABLE for route in day.routes):
        return _refuse(sound, no_vehicle(sound, service), service, keeping)
    desk = OfferDesk(sound, day.snapshot(service, service.now()), service, keeping.cause)
    held = desk.offers() or second_look(desk)
    if held is None:
        return _refuse(sound, refusal_of(desk), service, keeping)
    return _hold(desk, held, day, service, keeping)


def _hold(desk: OfferDesk, held: Held, day: Day, service: Service, keeping: Keeping) -> Quote:
    written = rewrite(held.snapshot, held.plan, day, held.offers)
    new_ids = {offer.id for offer in held.offers}
    offers = tuple(b for b in written.bookings if b.id in new_ids)
    made = Quote(desk.quote_id, offers)
    commit(
        Change(
            routes=written.routes,
            bookings=tuple(b for b in written.bookings if b.id not in new_ids),
            new_bookings=offers,
            events=(*(facts.offered(b, desk.snapshot.now) for b in offers), *written.events),
            answer=answer(keeping.key, keeping.asked, body_of(made)),
            checks=written.checks,
            reason="quote",
        ),
        service.store,
        service.ports,
    )
    return made


def _refuse(sound: Sound, refusal: Refusal, service: Service, keeping: Keeping) -> Quote:
    made = Quote(service.ports.new_id("quo"), refusal=refusal)
    now, wish = service.now(), sound.wish
    form = facts.wish_form(
        wish.origin,
        wish.destination,
        wish.party.needs,
        wish.party.passengers,
        depart_after=facts.moment_or_none(wish.depart_after),
        arrive_by=facts.moment_or_none(wish.arrive_by),
        channel=wish.channel,
    )
    told = {"alternatives": [facts.moment(time) for time in refusal.alternatives]}
    event = facts.quote_refused(sound.service_day, now, refusal.code, told, form)
    commit(
        Change(
            events=(event,),
            answer=answer(keeping.key, keeping.asked, body_of(made)),
        ),
        service.store,
        service.ports,
    )
    return made


def refusal_of(desk: OfferDesk) -> Refusal:
    """Why nothing fits at the wished time, and the nearest times that do."""
    code, told = desk.reason()
    refusal = _refusal(code, desk.sound.wish, desk.alternatives(), desk.service)
    return replace(refusal, facts={**refusal.facts, **told})


def no_vehicle(sound: Sound, service: Service) -> Refusal:
    """The refusal of a day on which no vehicle can drive any more."""
    return _refusal("no_vehicle", sound.wish, (), service)


def _refusal(
    code: str, wish: Wish, alternatives: tuple[datetime, ...], service: Service
) -> Refusal:
    wished = wish.arrive_by or wish.depart_after or service.now()
    return Refusal(
        code=code,
        kind="arrive_by" if wish.arrive_by else "depart_after",
        alternatives=alternatives,
        facts={
            "wished": service.local(wished),
            "alternatives": [service.local(time) for time in alternatives],
        },
    )


def body_of(made: Quote) -> dict[str, Any]:
    """A quote as the store keeps it for a caller who asks again under the same key."""
    refusal = made.refusal
    return {
        "quote": made.id,
        "offers": [offer.id for offer in made.offers],
        "refusal": None
        if refusal is None
        else {
            "code": refusal.code,
            "kind": refusal.kind,
            "alternatives": [facts.moment(time) for time in refusal.alternatives],
            "times": {
                name: facts.moment(time)
                for name, time in refusal.facts.items()
                if isinstance(time, datetime)
            },
        },
    }


def quote_again(body: Mapping[str, Any], service: Service) -> Quote:
    """The quote that was given before, with its offers as they stand now."""
    offers = {b.id: b for b in service.store.list_bookings_by_id(body["offers"])}
    refusal = None
    if body["refusal"] is not None:
        told = body["refusal"]
        times = tuple(datetime.fromisoformat(time) for time in told["alternatives"])
        refusal = Refusal(
            told["code"],
            told["kind"],
            times,
            {
                "alternatives": [service.local(time) for time in times],
                **{
                    name: service.local(datetime.fromisoformat(time))
                    for name, time in told["times"].items()
                },
            },
        )
    return Quote(body["quote"], tuple(offers[offer] for offer in body["offers"]), refusal)
