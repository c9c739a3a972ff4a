"""Quotes: when a ride could be had, or why not and when else.

See: docs/http.md; docs/words.md, quote, offer, refusal
"""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Request
from pydantic import ConfigDict, Field, StrictStr
from pydantic.config import JsonDict

from api import problems
from api.forms import Answer, Form, Key, Moment, PartyForm, PlaceForm, PlaceOut, ServiceNow
from api.security import Caller, CallerNow, own_registrant
from dispatch.booking import Booking
from dispatch.commands.amend import get_registrant
from dispatch.commands.quote import Quote, Refusal, quote
from dispatch.commands.service import Service
from dispatch.commands.wishes import Wish
from dispatch.wording import sentence

router = APIRouter(prefix="/quotes", tags=["quotes"])

EXAMPLE: JsonDict = {
    "registration_id": "reg_0193…",
    "origin": {"lat": 31.3446, "lon": 130.9454},
    "destination": {"stop_id": "clinic"},
    "party": {"passengers": 1},
    "arrive_by": "2026-11-25T10:30:00+09:00",
}


class QuoteForm(Form):
    """A ride somebody asks for; at most one of the two times, neither means at once."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [EXAMPLE]})

    registration_id: StrictStr | None = Field(default=None, max_length=100)
    origin: PlaceForm
    destination: PlaceForm
    party: PartyForm = Field(default_factory=PartyForm)
    depart_after: Moment | None = None
    arrive_by: Moment | None = None


class PickupOut(Answer):
    """Where and between when the vehicle comes."""

    place: PlaceOut
    earliest: datetime
    latest: datetime


class ArrivalOut(Answer):
    """Where and by when the party is there."""

    place: PlaceOut
    latest: datetime


class OfferOut(Answer):
    """One ride that is held for the caller until it expires."""

    id: str
    pickup: PickupOut
    arrival: ArrivalOut
    max_ride_seconds: int
    fare_yen: int
    expires_at: datetime | None

    @classmethod
    def of(cls, offer: Booking, service: Service) -> OfferOut:
        """An offer as it is answered, times as the town's clocks show them."""
        promise = offer.promise
        return cls(
            id=offer.id,
            pickup=PickupOut(
                place=PlaceOut.of(offer.origin),
                earliest=service.local(promise.pickup_earliest),
                latest=service.local(promise.pickup_latest),
            ),
            arrival=ArrivalOut(
                place=PlaceOut.of(offer.destination), latest=service.local(promise.arrive_latest)
            ),
            max_ride_seconds=promise.max_ride_seconds,
            fare_yen=offer.fare_yen,
            expires_at=None if offer.expires_at is None else service.local(offer.expires_at),
        )


class AlternativeOut(Answer):
    """A time that was bookable when this was said, in the caller's kind of time."""

    depart_after: datetime | None = None
    arrive_by: datetime | None = None


class RefusalOut(Answer):
    """The rule that refused, in words, and the nearest times that are bookable."""

    code: str
    message: str
    alternatives: list[AlternativeOut]

    @classmethod
    def of(cls, refusal: Refusal, service: Service, language: str) -> RefusalOut:
        """A refusal as it is answered."""
        return cls(
            code=refusal.code,
            message=sentence(refusal.code, language, **refusal.facts),
            alternatives=[
                AlternativeOut(**{refusal.kind: service.local(time)})
                for time in refusal.alternatives
            ],
        )


class QuoteOut(Answer):
    """Up to three offers, or a refusal that helps."""

    id: str
    offers: list[OfferOut]
    refusal: RefusalOut | None

    @classmethod
    def of(cls, made: Quote, service: Service, language: str) -> QuoteOut:
        """A quote as it is answered."""
        refusal = made.refusal
        return cls(
            id=made.id,
            offers=[OfferOut.of(offer, service) for offer in made.offers],
            refusal=None if refusal is None else RefusalOut.of(refusal, service, language),
        )


@router.post("", response_model_exclude_unset=True)
def ask(
    form: QuoteForm, request: Request, caller: CallerNow, service: ServiceNow, key: Key = None
) -> QuoteOut:
    """Ask for a ride; what is offered is held for a few minutes."""
    wish = wish_of(form, caller, service)
    return QuoteOut.of(quote(wish, service, key), service, problems.language_of(request))


def wish_of(form: QuoteForm, caller: Caller, service: Service) -> Wish:
    """What is asked for, by somebody who may ask it for this registrant."""
    who = form.registration_id or (None if caller.is_office else caller.subject)
    own_registrant(caller, who)
    if who is not None:
        get_registrant(who, service)
    return Wish(
        registrant_id=who,
        origin=form.origin.place(),
        destination=form.destination.place(),
        party=form.party.party(),
        depart_after=form.depart_after,
        arrive_by=form.arrive_by,
        channel="phone" if caller.is_office else "web",
    )
