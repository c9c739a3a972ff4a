"""How the service is doing, out of its own database: what a scrape of the metrics asks.

See: docs/operations.md; docs/words.md, outbox
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, func, select

from dispatch.booking import State
from dispatch.store.bookings import bookings
from dispatch.store.outbox import events, last_number


@dataclass(frozen=True, slots=True)
class Health:
    """The outbox and one day's bookings, of one and the same moment.

    last_number, last_event_at : of the event that was published last; 0 and None before it.
    unpublished, unpublished_since : events that have no number yet, and the oldest one's time.
    bookings : how many of the day are in each state; every state is there.
    """

    last_number: int
    last_event_at: datetime | None
    unpublished: int
    unpublished_since: datetime | None
    bookings: Mapping[State, int]


def read(connection: Connection, day: date) -> Health:
    """The health at this moment."""
    last = last_number(connection)
    waiting = events.c.number.is_(None)
    unpublished, since = connection.execute(
        select(func.count(), func.min(events.c.at)).where(waiting)
    ).one()
    last_at = connection.execute(select(events.c.at).where(events.c.number == last)).scalar()
    found = connection.execute(
        select(bookings.c.state, func.count())
        .where(bookings.c.service_day == day)
        .group_by(bookings.c.state)
    )
    counted = dict.fromkeys(State, 0) | {State(state): number for state, number in found}
    return Health(last, last_at, unpublished, since, counted)
