"""Bookings: taking an offer, looking it up, changing and cancelling it, watching it come.

See: docs/http.md; docs/booking.md
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import ConfigDict, Field, StrictStr

from api import problems
from api.forms import (
    Answer,
    Day,
    Form,
    IfMatch,
    Key,
    Moment,
    Page,
    PartyForm,
    PartyOut,
    PlaceForm,
    PlaceOut,
    PointOut,
    ServiceNow,
    etag,
    seen_version,
)
from api.quotes import QuoteOut
from api.security import Caller, CallerNow, own_registrant
from dispatch.booking import IN_THE_PLAN, Booking, State
from dispatch.commands.amend import get_registrant
from dispatch.commands.book import accept_offer, cancel_booking, change_booking
from dispatch.commands.look import Live, live
from dispatch.commands.service import Service
from dispatch.commands.wishes import Wish
from dispatch.errors import Conflict, NotFound

router = APIRouter(prefix="/bookings", tags=["bookings"])


class AcceptForm(Form):
    """Which offer is taken."""

    model_config = ConfigDict(
        frozen=True, json_schema_extra={"examples": [{"offer_id": "bkg_0193…"}]}
    )

    offer_id: StrictStr = Field(max_length=100)


class ChangeForm(Form):
    """What is to be otherwise; what is left out stays as it is booked."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={"examples": [{"depart_after": "2026-11-25T11:00:00+09:00"}]},
    )

    origin: PlaceForm | None = None
    destination: PlaceForm | None = None
    party: PartyForm | None = None
    depart_after: Moment | None = None
    arrive_by: Moment | None = None


class PromiseOut(Answer):
    """What the passenger was told, and what never changes."""

    pickup_earliest: datetime
    pickup_latest: datetime
    arrive_latest: datetime
    max_ride_seconds: int


class BookingOut(Answer):
    """One party's ride."""

    id: str
    state: State
    registration_id: str | None
    service_day: date
    origin: PlaceOut
    destination: PlaceOut
    party: PartyOut
    promise: PromiseOut
    told_pickup: datetime | None
    fare_yen: int
    channel: str
    route_id: str | None
    vehicle_changes: int
    accepted_at: datetime | None
    picked_up_at: datetime | None
    completed_at: datetime | None
    cause: str
    version: int

    @classmethod
    def of(cls, booking: Booking, service: Service) -> BookingOut:
        """A booking as it is answered, times as the town's clocks show them."""
        promise = booking.promise

        def local(moment: datetime | None) -> datetime | None:
            return None if moment is None else service.local(moment)

        return cls(
            id=booking.id,
            state=booking.state,
            registration_id=booking.registrant_id,
            service_day=booking.service_day,
            origin=PlaceOut.of(booking.origin),
            destination=PlaceOut.of(booking.destination),
            party=PartyOut.of(booking.party),
            promise=PromiseOut(
                pickup_earliest=service.local(promise.pickup_earliest),
                pickup_latest=service.local(promise.pickup_latest),
                arrive_latest=service.local(promise.arrive_latest),
                max_ride_seconds=promise.max_ride_seconds,
            ),
            told_pickup=local(booking.told_pickup),
            fare_yen=booking.fare_yen,
            channel=booking.channel,
            route_id=booking.route_id,
            vehicle_changes=booking.vehicle_changes,
            accepted_at=local(booking.accepted_at),
            picked_up_at=local(booking.picked_up_at),
            completed_at=local(booking.completed_at),
            cause=booking.cause,
            version=booking.version,
        )


class BookingPage(Answer):
    """Some of the bookings, oldest first."""

    items: list[BookingOut]
    next_cursor: str | None


class LiveOut(Answer):
    """How a ride stands now. The vehicle's position only when it is near or has one aboard."""

    state: State
    told_pickup: datetime | None
    pickup_expected: datetime | None
    arrival_expected: datetime | None
    late_seconds: int
    calls_before: int | None
    vehicle_id: str | None
    vehicle_name: str | None
    position: PointOut | None
    position_at: datetime | None

    @classmethod
    def of(cls, now: Live, service: Service) -> LiveOut:
        """A ride's present as it is answered."""

        def local(moment: datetime | None) -> datetime | None:
            return None if moment is None else service.local(moment)

        seen = now.position
        return cls(
            state=now.booking.state,
            told_pickup=local(now.booking.told_pickup),
            pickup_expected=local(now.pickup),
            arrival_expected=local(now.arrival),
            late_seconds=now.late_seconds,
            calls_before=now.calls_before,
            vehicle_id=None if now.vehicle is None else now.vehicle.id,
            vehicle_name=None if now.vehicle is None else now.vehicle.name,
            position=None if seen is None else PointOut.of(seen.point),
            position_at=None if seen is None else service.local(seen.at),
        )


@router.post("", status_code=201)
def accept(
    form: AcceptForm, caller: CallerNow, service: ServiceNow, response: Response, key: Key = None
) -> BookingOut:
    """Take an offer: from now on its promise stands."""
    offer = service.store.find_booking(form.offer_id)
    if offer is None:
        raise NotFound("unknown_offer", offer=form.offer_id)
    own_registrant(caller, offer.registrant_id)
    booking = accept_offer(form.offer_id, service, key)
    response.headers["Location"] = f"/api/v1/bookings/{booking.id}"
    return _out(booking, service, response)


@router.get("")
def list_bookings(
    caller: CallerNow,
    service: ServiceNow,
    page: Page,
    day: Annotated[Day | None, Query(description="The service day; default today.")] = None,
    state: Annotated[list[State] | None, Query(description="Only in these states.")] = None,
    registration_id: Annotated[
        str | None, Query(max_length=100, description="Of this registrant, on any day.")
    ] = None,
) -> BookingPage:
    """The bookings of a day or of a registrant; a resident sees their own."""
    who = registration_id or (None if caller.is_office else caller.subject)
    own_registrant(caller, who)
    if who is not None:
        found = service.store.list_bookings_of_registrant(who)
        found = [b for b in found if day is None or b.service_day == day]
    else:
        found = service.store.list_bookings(day or service.today())
    wanted = frozenset(state) if state else frozenset(State)
    taken = [b for b in found if b.state in wanted and (state or b.accepted_at is not None)]
    items, cursor = page.of(taken, lambda b: (b.created_at.isoformat(), b.id))
    return BookingPage(items=[BookingOut.of(b, service) for b in items], next_cursor=cursor)


@router.get("/{booking_id}")
def look_up(
    booking_id: str, caller: CallerNow, service: ServiceNow, response: Response
) -> BookingOut:
    """One booking."""
    return _out(_own(booking_id, caller, service), service, response)


@router.get("/{booking_id}/live")
def watch(booking_id: str, caller: CallerNow, service: ServiceNow) -> LiveOut:
    """How the ride stands now: when the vehicle is expected, and where it is."""
    return LiveOut.of(live(_own(booking_id, caller, service), service), service)


@router.patch("/{booking_id}", response_model_exclude_unset=True)
def change(
    booking_id: str,
    form: ChangeForm,
    request: Request,
    caller: CallerNow,
    service: ServiceNow,
    if_match: IfMatch = None,
    key: Key = None,
) -> QuoteOut:
    """Offers in place of a booking; it stands until one of them is accepted, and ends with it."""
    booking = _own(booking_id, caller, service)
    _still_as_seen(booking, if_match)
    if booking.registrant_id is not None:
        get_registrant(booking.registrant_id, service)
    made = change_booking(booking_id, _changed_wish(booking, form, caller), service, key)
    return QuoteOut.of(made, service, problems.language_of(request))


@router.delete("/{booking_id}")
def cancel(
    booking_id: str,
    caller: CallerNow,
    service: ServiceNow,
    response: Response,
    if_match: IfMatch = None,
    key: Key = None,
) -> BookingOut:
    """Cancel a booking, or give back a held offer; answers how it ended."""
    booking = _own(booking_id, caller, service)
    if booking.state in IN_THE_PLAN:
        _still_as_seen(booking, if_match)
    cause = "office" if caller.is_office else "passenger"
    return _out(cancel_booking(booking_id, service, cause, key), service, response)


def _own(booking_id: str, caller: Caller, service: Service) -> Booking:
    booking = service.store.find_booking(booking_id)
    if booking is None:
        raise NotFound()
    own_registrant(caller, booking.registrant_id)
    return booking


def _still_as_seen(booking: Booking, if_match: str | None) -> None:
    if seen_version(if_match) not in {None, booking.version}:
        raise Conflict("changed_meanwhile")


def _changed_wish(booking: Booking, form: ChangeForm, caller: Caller) -> Wish:
    """The booking's wish with what is to be otherwise; its time stays where none is given."""
    after = form.depart_after
    if after is None and form.arrive_by is None:
        after = booking.promise.pickup_earliest
    return Wish(
        registrant_id=booking.registrant_id,
        origin=form.origin.place() if form.origin else booking.origin,
        destination=form.destination.place() if form.destination else booking.destination,
        party=form.party.party() if form.party else booking.party,
        depart_after=after,
        arrive_by=form.arrive_by,
        channel="phone" if caller.is_office else "web",
    )


def _out(booking: Booking, service: Service, response: Response) -> BookingOut:
    response.headers["ETag"] = etag(booking.version)
    return BookingOut.of(booking, service)
