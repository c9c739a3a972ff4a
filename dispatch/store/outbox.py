"""The outbox: every event, written with its change, numbered when it is published.

A row's own id says nothing about the order of commits (another transaction may hold a
lower one and commit later). So the public number is given afterwards, under a lock, to
rows that are already committed: whoever has read up to a number never sees a lower one
appear. With its number each event gets a seal, a digest of itself and of the seal before:
whoever alters a recorded event later breaks the chain, and the audit sees where.

See: docs/decisions/0044-numbers-are-given-after-the-commit.md; docs/words.md, outbox
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Date,
    Index,
    Integer,
    Row,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    insert,
    select,
    update,
)

from dispatch.events import Event, Fact, RecordedEvent
from dispatch.store.columns import Utc, metadata

events = Table(
    "events",
    metadata,
    Column(
        "id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    ),
    Column("number", BigInteger),
    Column("fact", String, nullable=False),
    Column("at", Utc, nullable=False),
    Column("service_day", Date, nullable=False),
    Column("booking_id", String),
    Column("route_id", String),
    Column("payload", JSON, nullable=False),
    Column("seal", String),
    UniqueConstraint("number"),
    Index("ix_events_day", "service_day", "id"),
    Index("ix_events_booking", "booking_id"),
    sqlite_autoincrement=True,
)
Index(
    "ix_events_unpublished",
    events.c.id,
    sqlite_where=events.c.number.is_(None),
    postgresql_where=events.c.number.is_(None),
)

numbering = Table(
    "numbering",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("seal", String, nullable=False),
    CheckConstraint("id = 1", name="single"),
)
"""One row: the last number given and its seal. Whoever gives numbers holds it."""


@dataclass(frozen=True, slots=True)
class SealedEvent:
    """A published event with its seal, as the audit reads it."""

    number: int
    event: Event
    seal: str


def seal_of(before: str, number: int, event: Event) -> str:
    """The seal of an event: a digest (SHA-256) of its number, its content and the seal before."""
    content = [
        before,
        number,
        event.fact.value,
        event.at.astimezone(UTC).isoformat(),
        event.service_day.isoformat(),
        event.booking_id,
        event.route_id,
        event.payload,
    ]
    return sha256(_SEALED_TEXT(content).encode()).hexdigest()


# Not the store's own JSON: a seal must stay the same whoever writes that.
_SEALED_TEXT = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), sort_keys=True, check_circular=False
).encode


# Built once: putting a statement together costs as much as running it.
_LAST_NUMBER = select(numbering.c.last).where(numbering.c.id == 1)
_HOLD = select(numbering.c.last, numbering.c.seal).where(numbering.c.id == 1).with_for_update()
_INSERT = insert(events)
_ANY_WAITING = select(events.c.id).where(events.c.number.is_(None)).limit(1)
_WAITING = (
    select(events).where(events.c.number.is_(None)).order_by(events.c.id).limit(bindparam("most"))
)
_NUMBER = (
    update(events)
    .where(events.c.id == bindparam("row"))
    .values(number=bindparam("given"), seal=bindparam("sealed"))
)
_LAST_IS = update(numbering).values(last=bindparam("given"), seal=bindparam("sealed"))
_AFTER = (
    select(events)
    .where(events.c.number > bindparam("after"))
    .order_by(events.c.number)
    .limit(bindparam("most"))
)


def add(connection: Connection, new: Sequence[Event]) -> None:
    """Write events, in order, without a number yet."""
    rows = [
        {
            "fact": event.fact.value,
            "at": event.at,
            "service_day": event.service_day,
            "booking_id": event.booking_id,
            "route_id": event.route_id,
            "payload": dict(event.payload),
        }
        for event in new
    ]
    if rows:
        connection.execute(_INSERT, rows)


def any_unpublished(connection: Connection) -> bool:
    """Whether some committed event has no number yet."""
    return connection.execute(_ANY_WAITING).first() is not None


def publish(connection: Connection, most: int) -> list[RecordedEvent]:
    """Number and seal committed events that have no number yet, at most so many."""
    last, seal = connection.execute(_HOLD).one()
    given: list[dict[str, object]] = []
    published: list[RecordedEvent] = []
    for row in connection.execute(_WAITING, {"most": most}):
        last, event = last + 1, _event(row)
        seal = seal_of(seal, last, event)
        given.append({"row": row.id, "given": last, "sealed": seal})
        published.append(RecordedEvent(last, event))
    if given:
        connection.execute(_NUMBER, given)
        connection.execute(_LAST_IS, {"given": last, "sealed": seal})
    return published


def list_sealed(connection: Connection, first: int, last: int) -> list[SealedEvent]:
    """Published events with numbers from `first` to `last`, with their seals."""
    query = select(events).where(events.c.number.between(first, last)).order_by(events.c.number)
    return [
        SealedEvent(row.number, _event(row), row.seal or "") for row in connection.execute(query)
    ]


def last_number(connection: Connection) -> int:
    """The last number given; 0 before the first."""
    last: int = connection.execute(_LAST_NUMBER).scalar_one()
    return last


def list_after(connection: Connection, number: int, limit: int) -> list[RecordedEvent]:
    """Published events after this number, in order."""
    return _recorded(connection.execute(_AFTER, {"after": number, "most": limit}))


def list_of_day(connection: Connection, day: date) -> list[RecordedEvent]:
    """Every event of a service day, published or not, in the order they were written.

    An event that is not published yet has number 0.
    """
    query = select(events).where(events.c.service_day == day).order_by(events.c.id)
    return _recorded(connection.execute(query))


def list_of_booking(connection: Connection, booking_id: str) -> list[RecordedEvent]:
    """Every event of one booking, in the order they were written."""
    query = select(events).where(events.c.booking_id == booking_id).order_by(events.c.id)
    return _recorded(connection.execute(query))


def _recorded(rows: Iterable[Row[Any]]) -> list[RecordedEvent]:
    return [RecordedEvent(row.number or 0, _event(row)) for row in rows]


def _event(row: Row[Any]) -> Event:
    return Event(
        fact=Fact(row.fact),
        at=row.at,
        service_day=row.service_day,
        booking_id=row.booking_id,
        route_id=row.route_id,
        payload=row.payload,
    )
