"""Each fact's one form: the functions that build the events of bookings and vehicles.

Whoever records a fact calls its function here, whoever reads one finds its keys listed in
`dispatch/events.py`. No name, telephone number or address in words ever enters an event.

See: docs/words.md, event; docs/decisions/0043-what-the-audit-trail-keeps.md
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from dispatch.booking import Booking, Place, Promise, State
from dispatch.driving import PlannedVisit, Route
from dispatch.events import Event, Fact
from dispatch.optimizer.plan import Kind
from dispatch.plan_record import PlanRecord
from routing.travel import Point


def moment(at: datetime) -> str:
    """A time as every payload writes it: ISO 8601, UTC."""
    return (at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat()


def moment_or_none(at: datetime | None) -> str | None:
    """A time as every payload writes it, or null."""
    return None if at is None else moment(at)


def point_form(point: Point) -> dict[str, float]:
    """A point as every payload writes it."""
    return {"lat": point.lat, "lon": point.lon}


def place_form(place: Place) -> dict[str, Any]:
    """A place as every payload writes it: a stop by its id, any other by its point, no name."""
    return {"stop_id": place.stop_id} if place.stop_id else point_form(place.point)


def promise_form(promise: Promise) -> dict[str, Any]:
    """A promise as every payload writes it."""
    return {
        "pickup_earliest": moment(promise.pickup_earliest),
        "pickup_latest": moment(promise.pickup_latest),
        "arrive_latest": moment(promise.arrive_latest),
        "max_ride_seconds": promise.max_ride_seconds,
    }


def _of_booking(fact: Fact, booking: Booking, at: datetime, **payload: object) -> Event:
    return Event(
        fact=fact,
        at=at,
        service_day=booking.service_day,
        booking_id=booking.id,
        route_id=booking.route_id,
        payload={"state": booking.state.value, **payload},
    )


def registered(registrant_id: str, channel: str, day: date, at: datetime) -> Event:
    """Somebody joined the register on the local day `day`."""
    return Event(
        Fact.REGISTERED, at, day, payload={"registrant_id": registrant_id, "channel": channel}
    )


def wish_form(
    origin: Place, destination: Place, needs: Iterable[str], passengers: int, **wish: object
) -> dict[str, Any]:
    """What somebody asked for, for `quote_refused`; `wish` holds JSON values."""
    return {
        "origin": place_form(origin),
        "destination": place_form(destination),
        "passengers": passengers,
        "needs": list(needs),
        **wish,
    }


def quote_refused(
    day: date, at: datetime, code: str, facts: Mapping[str, Any], wish: Mapping[str, Any]
) -> Event:
    """A sound wish was refused by the rule named `code`."""
    payload = {"code": code, "facts": dict(facts), "wish": dict(wish)}
    return Event(Fact.QUOTE_REFUSED, at, day, payload=payload)


def offered(booking: Booking, at: datetime) -> Event:
    """A ride is offered and held in the plan."""
    return _of_booking(
        Fact.OFFERED,
        booking,
        at,
        quote_id=booking.quote_id,
        promise=promise_form(booking.promise),
        origin=place_form(booking.origin),
        destination=place_form(booking.destination),
        passengers=booking.party.passengers,
        needs=list(booking.party.needs),
        direct_seconds=booking.direct_seconds,
        fare_yen=booking.fare_yen,
        channel=booking.channel,
        told_pickup=moment_or_none(booking.told_pickup),
        expires_at=moment_or_none(booking.expires_at),
    )


def offer_expired(booking: Booking, at: datetime) -> Event:
    """Nobody took the offer in time."""
    return _of_booking(Fact.OFFER_EXPIRED, booking, at, quote_id=booking.quote_id)


def offer_released(booking: Booking, at: datetime) -> Event:
    """The offer was given back, or another one of its quote was taken."""
    return _of_booking(Fact.OFFER_RELEASED, booking, at, quote_id=booking.quote_id)


def confirmed(booking: Booking, at: datetime) -> Event:
    """The offer became a booking with this promise."""
    return _of_booking(
        Fact.CONFIRMED,
        booking,
        at,
        quote_id=booking.quote_id,
        promise=promise_form(booking.promise),
        fare_yen=booking.fare_yen,
        told_pickup=moment_or_none(booking.told_pickup),
    )


def cancelled(booking: Booking, at: datetime) -> Event:
    """The booking was cancelled; its cause is the booking's."""
    return _of_booking(Fact.CANCELLED, booking, at, cause=booking.cause)


def no_show(booking: Booking, at: datetime) -> Event:
    """Nobody stood at the pickup."""
    return _of_booking(Fact.NO_SHOW, booking, at, cause=booking.cause)


def boarded(booking: Booking, at: datetime) -> Event:
    """The party is aboard and the vehicle leaves its pickup."""
    return _of_booking(
        Fact.BOARDED,
        booking,
        at,
        picked_up_at=moment_or_none(booking.picked_up_at),
        boarded_at=moment_or_none(booking.boarded_at),
    )


def completed(booking: Booking, at: datetime) -> Event:
    """The party reached its destination."""
    return _of_booking(
        Fact.COMPLETED,
        booking,
        at,
        picked_up_at=moment_or_none(booking.picked_up_at),
        boarded_at=moment_or_none(booking.boarded_at),
        completed_at=moment_or_none(booking.completed_at),
    )


def stranded(booking: Booking, at: datetime, where: Point) -> Event:
    """The vehicle broke down with the party aboard; it waits at `where`."""
    return _of_booking(Fact.STRANDED, booking, at, cause=booking.cause, place=point_form(where))


def promise_late(booking: Booking, at: datetime, part: str, late_seconds: int, cause: str) -> Event:
    """A promise was kept late; `part` is pickup, arrival or ride."""
    return _of_booking(
        Fact.PROMISE_LATE, booking, at, part=part, late_seconds=late_seconds, cause=cause
    )


def promise_broken(booking: Booking, at: datetime, cause: str) -> Event:
    """The service could not bring this party at all."""
    return _of_booking(Fact.PROMISE_BROKEN, booking, at, cause=cause)


def notice(
    booking: Booking,
    at: datetime,
    code: str,
    facts: Mapping[str, Any],
    recipient: str = "passenger",
) -> Event:
    """Somebody is to be told the sentence `code` with `facts` (JSON values)."""
    return _of_booking(Fact.NOTICE, booking, at, code=code, facts=dict(facts), recipient=recipient)


def visit_form(visit: PlannedVisit) -> dict[str, Any]:
    """A planned visit as every payload writes it."""
    return {
        "kind": visit.kind.name.lower(),
        "subject": visit.subject,
        "place": point_form(visit.point),
        "leaves_at": moment(visit.leaves_at),
        "starts_at": moment(visit.starts_at),
        "ends_at": moment(visit.ends_at),
    }


def route_changed(
    route: Route, at: datetime, reason: str, plan: PlanRecord, *, version: int
) -> Event:
    """A route's visits changed; `plan` is what the verifier found sound. Written by `commit`."""
    payload = {
        "version": version,
        "reason": reason,
        "visits": [visit_form(visit) for visit in route.visits],
        "plan": plan,
    }
    return Event(Fact.ROUTE_CHANGED, at, route.service_day, None, route.id, payload)


def on_the_road(fact: Fact, route: Route, at: datetime, subjects: Iterable[str] = ()) -> Event:
    """A vehicle's duty, drive, arrival or break, with its status after it.

    fact : DUTY_STARTED, DUTY_ENDED, DEPARTED, ARRIVED, BREAK_STARTED or BREAK_ENDED.
    subjects : whom the visit is for (booking ids; a break's number).
    """
    payload = {**_vehicle_form(route), "subjects": list(subjects)}
    return Event(fact, at, route.service_day, None, route.id, payload)


def broke_down(route: Route, at: datetime) -> Event:
    """The vehicle is out of service; its cause is the route's."""
    payload = {**_vehicle_form(route), "cause": route.cause}
    return Event(Fact.BROKE_DOWN, at, route.service_day, None, route.id, payload)


def repaired(route: Route, at: datetime) -> Event:
    """The vehicle can drive again."""
    payload = {**_vehicle_form(route), "cause": route.cause}
    return Event(Fact.REPAIRED, at, route.service_day, None, route.id, payload)


def delayed(route: Route, at: datetime, expected_arrival: datetime, late_seconds: int) -> Event:
    """The vehicle will reach its next visit later than planned."""
    payload = {"expected_arrival": moment(expected_arrival), "late_seconds": late_seconds}
    return Event(Fact.DELAYED, at, route.service_day, None, route.id, payload)


def stop_closed(stop_id: str, day: date, at: datetime, cause: str) -> Event:
    """Nobody can board or alight at this stop for now."""
    return Event(Fact.STOP_CLOSED, at, day, payload={"stop_id": stop_id, "cause": cause})


def stop_reopened(stop_id: str, day: date, at: datetime) -> Event:
    """The stop is in use again."""
    return Event(Fact.STOP_REOPENED, at, day, payload={"stop_id": stop_id, "cause": ""})


def corrected(day: date, at: datetime) -> Event:
    """Bookings of this day were written that no other fact tells of. Written by `commit`."""
    return Event(Fact.CORRECTED, at, day)


def _vehicle_form(route: Route) -> dict[str, Any]:
    return {
        "vehicle_id": route.vehicle_id,
        "status": route.status.value,
        "place": point_form(route.place),
    }


ENDS: Mapping[Fact, State] = {
    Fact.OFFER_EXPIRED: State.EXPIRED,
    Fact.OFFER_RELEASED: State.RELEASED,
    Fact.CANCELLED: State.CANCELLED,
    Fact.COMPLETED: State.COMPLETED,
    Fact.NO_SHOW: State.NO_SHOW,
    Fact.PROMISE_BROKEN: State.BROKEN,
}
"""The facts that end a booking, and the state each leaves it in."""

KINDS: Mapping[str, Kind] = {kind.name.lower(): kind for kind in Kind}
"""A visit's kind by the word that payloads use."""
