"""The facts that the service records: what happened, to whom, when.

Events are written with the change they tell of, in one transaction (the outbox), and read
by screens, notices and the audit. A fact is never altered.

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
    STOP_CLOSED = "stop_closed"
    NOTICE = "notice"


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
