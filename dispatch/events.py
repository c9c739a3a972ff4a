"""The facts that the service records: what happened, to whom, when.

Events are written with the change they tell of, in one transaction (the outbox), and read
by screens, notices and the audit. A fact is never altered. `dispatch.facts` has one
function a fact which builds its event, so that writer and reader share one form; do not
build an `Event` by hand.

What each payload holds (times ISO 8601 in UTC; a *place* is `{"stop_id"}` or
`{"lat", "lon"}`, never a name; every fact of a booking also has `state`, the state after):

- registered: registrant_id, channel
- quote_refused: code, facts, wish {origin, destination, passengers, needs, depart_after,
  arrive_by, channel}
- offered: quote_id, promise {pickup_earliest, pickup_latest, arrive_latest,
  max_ride_seconds}, origin, destination, passengers, needs, direct_seconds, fare_yen,
  channel, told_pickup, expires_at
- offer_expired, offer_released: quote_id
- confirmed: quote_id, promise, fare_yen, told_pickup
- cancelled, no_show: cause
- boarded: picked_up_at, boarded_at
- completed: picked_up_at, boarded_at, completed_at
- stranded: cause, place
- promise_late: part (pickup, arrival or ride), late_seconds, cause
- promise_broken: cause
- route_changed: version (after the change), reason, visits [{kind, subject, place, leaves_at,
  starts_at, ends_at}], plan (see `dispatch.plan_record`); written by `commit` itself
- duty_started, duty_ended, departed, arrived, break_started, break_ended: vehicle_id,
  status, place, subjects (whom the visit is for)
- delayed: expected_arrival, late_seconds
- every fact of a driver's act that was heard of later than it was done, also: heard_at
- broke_down, repaired: vehicle_id, status, place, cause
- stop_closed, stop_reopened: stop_id, cause
- notice: code, facts, recipient (passenger, driver or operator)
- corrected: nothing of its own; bookings were written that no other fact tells of

The last fact of a change also has `rows`: a digest of each booking that the change wrote, by
its id. The commit adds it, and the audit holds the rows against it.

See: docs/words.md, event, outbox
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any


class Fact(StrEnum):
    """Each kind of event once."""

    REGISTERED = "registered"
    QUOTE_REFUSED = "quote_refused"
    OFFERED = "offered"
    OFFER_EXPIRED = "offer_expired"
    OFFER_RELEASED = "offer_released"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    BOARDED = "boarded"
    COMPLETED = "completed"
    NO_SHOW = "no_show"
    STRANDED = "stranded"
    PROMISE_LATE = "promise_late"
    PROMISE_BROKEN = "promise_broken"
    ROUTE_CHANGED = "route_changed"
    DUTY_STARTED = "duty_started"
    DUTY_ENDED = "duty_ended"
    DEPARTED = "departed"
    ARRIVED = "arrived"
    BREAK_STARTED = "break_started"
    BREAK_ENDED = "break_ended"
    DELAYED = "delayed"
    BROKE_DOWN = "broke_down"
    REPAIRED = "repaired"
    STOP_CLOSED = "stop_closed"
    STOP_REOPENED = "stop_reopened"
    NOTICE = "notice"
    CORRECTED = "corrected"


@dataclass(frozen=True, slots=True)
class Event:
    """One fact. `payload` holds JSON values only, times as ISO 8601 in UTC, no names or numbers
    of persons.
    """

    fact: Fact
    at: datetime
    service_day: date
    booking_id: str | None = None
    route_id: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event with the public number it was given in commit order."""

    number: int
    event: Event
