"""Bookings: one row a party's ride, from offer to end, with its promise in typed columns.

See: docs/store.md, bookings; docs/booking.md
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Connection,
    Date,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    bindparam,
    insert,
    select,
    update,
)

from dispatch.booking import Booking, Party, Promise, State
from dispatch.store.columns import Utc, in_list, metadata, place_of, place_row

bookings = Table(
    "bookings",
    metadata,
    Column("id", String, primary_key=True),
    Column("quote_id", String, nullable=False, index=True),
    Column("registrant_id", String, ForeignKey("registrants.id"), index=True),
    Column("service_day", Date, nullable=False),
    Column("origin", JSON, nullable=False),
    Column("destination", JSON, nullable=False),
    Column("passengers", Integer, nullable=False),
    Column("needs", JSON, nullable=False),
    Column("pickup_earliest", Utc, nullable=False),
    Column("pickup_latest", Utc, nullable=False),
    Column("arrive_latest", Utc, nullable=False),
    Column("max_ride_seconds", Integer, nullable=False),
    Column("direct_seconds", Integer, nullable=False),
    Column("fare_yen", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("route_id", String, ForeignKey("routes.id")),
    Column("expires_at", Utc),
    Column("accepted_at", Utc),
    Column("picked_up_at", Utc),
    Column("boarded_at", Utc),
    Column("completed_at", Utc),
    Column("vehicle_changes", Integer, nullable=False),
    Column("told_pickup", Utc),
    Column("cause", String, nullable=False),
    Column("version", Integer, nullable=False),
    CheckConstraint(in_list("state", State), name="state"),
    CheckConstraint("passengers > 0", name="passengers"),
    CheckConstraint("pickup_latest >= pickup_earliest", name="pickup_window"),
    CheckConstraint("arrive_latest >= pickup_earliest", name="arrival"),
    CheckConstraint("max_ride_seconds >= 0", name="max_ride"),
    CheckConstraint("direct_seconds >= 0", name="direct"),
    CheckConstraint("fare_yen >= 0", name="fare"),
    CheckConstraint("vehicle_changes >= 0", name="vehicle_changes"),
    CheckConstraint("state <> 'offered' OR expires_at IS NOT NULL", name="hold_ends"),
    CheckConstraint("state <> 'on_board' OR picked_up_at IS NOT NULL", name="picked_up"),
    CheckConstraint("state <> 'completed' OR completed_at IS NOT NULL", name="completed"),
    CheckConstraint("version >= 0", name="version"),
    Index("ix_bookings_day_state", "service_day", "state"),
    Index("ix_bookings_hold_ends", "state", "expires_at"),
)
"""Every booking and every offer; an offer is a booking in the state `offered`."""


# Built once: putting a statement together costs as much as running it.
_GET = select(bookings).where(bookings.c.id == bindparam("this"))
_LIST = select(bookings).where(bookings.c.id.in_(bindparam("these", expanding=True)))
_VERSIONS = (
    select(bookings.c.id, bookings.c.version)
    .where(
        bookings.c.service_day == bindparam("day"),
        bookings.c.state.in_(bindparam("states", expanding=True)),
    )
    .order_by(bookings.c.created_at, bookings.c.id)
)
_AT = select(bookings.c.id, bookings.c.version).where(
    bookings.c.id.in_(bindparam("these", expanding=True))
)
_INSERT = insert(bookings)
_REWRITE = update(bookings).where(
    bookings.c.id == bindparam("this"), bookings.c.version == bindparam("computed_from")
)


def get(connection: Connection, booking_id: str) -> Booking | None:
    """One booking or offer, or None."""
    row = connection.execute(_GET, {"this": booking_id}).first()
    return None if row is None else _booking(row)


def list_by_id(connection: Connection, ids: Sequence[str]) -> list[Booking]:
    """Those of these bookings that exist."""
    rows = connection.execute(_LIST, {"these": list(ids)})
    return [_booking(row) for row in rows]


def list_versions(
    connection: Connection, day: date, states: Iterable[State]
) -> list[tuple[str, int]]:
    """(id, version) of each booking of a day in one of these states, oldest first."""
    found = connection.execute(_VERSIONS, {"day": day, "states": sorted(states)})
    return [(row[0], row[1]) for row in found.all()]


def list_of_day(
    connection: Connection, day: date, states: Iterable[State] | None = None
) -> list[Booking]:
    """The bookings of a day, oldest first."""
    query = select(bookings).where(bookings.c.service_day == day)
    if states is not None:
        query = query.where(bookings.c.state.in_(sorted(states)))
    query = query.order_by(bookings.c.created_at, bookings.c.id)
    return [_booking(row) for row in connection.execute(query)]


def list_of_quote(connection: Connection, quote_id: str) -> list[Booking]:
    """The offers of one quote, earliest pickup first."""
    query = (
        select(bookings)
        .where(bookings.c.quote_id == quote_id)
        .order_by(bookings.c.pickup_earliest, bookings.c.id)
    )
    return [_booking(row) for row in connection.execute(query)]


def list_of_registrant(connection: Connection, registrant_id: str) -> list[Booking]:
    """The bookings of one registrant, latest ride first."""
    query = (
        select(bookings)
        .where(bookings.c.registrant_id == registrant_id)
        .order_by(bookings.c.pickup_earliest.desc(), bookings.c.id)
    )
    return [_booking(row) for row in connection.execute(query)]


def list_expired(connection: Connection, now: datetime) -> list[Booking]:
    """The offers that nobody took in time and that are still held."""
    query = (
        select(bookings)
        .where(bookings.c.state == State.OFFERED.value, bookings.c.expires_at <= now)
        .order_by(bookings.c.expires_at, bookings.c.id)
    )
    return [_booking(row) for row in connection.execute(query)]


def insert_new(connection: Connection, new: Sequence[Booking]) -> None:
    """Write bookings that are not there yet."""
    if new:
        connection.execute(_INSERT, [_values(booking) for booking in new])


def rewrite(connection: Connection, changed: Sequence[Booking]) -> list[str]:
    """Write each booking as the next version after its own; the ids of those that are gone.

    All in one statement: each one more would be one more way to the database.
    """
    rows = [
        {
            **_values(booking),
            "version": booking.version + 1,
            "this": booking.id,
            "computed_from": booking.version,
        }
        for booking in changed
    ]
    if not rows or connection.execute(_REWRITE, rows).rowcount == len(rows):
        return []
    found = connection.execute(_AT, {"these": [booking.id for booking in changed]})
    written = {(row[0], row[1]) for row in found}
    moved = [each.id for each in changed if (each.id, each.version + 1) not in written]
    return moved or [changed[0].id]  # somebody else's next version looks like ours


def digest_of(booking: Booking) -> str:
    """A digest (SHA-256) of everything a row says but its version, for the audit.

    Columns that are None are left out, so a column added later changes no older digest.
    """
    values = {
        name: _plain(value)
        for name, value in _values(booking).items()
        if value is not None and name != "version"
    }
    # Not `to_json`: a digest must stay the same whoever writes the store's JSON.
    text = json.dumps(sorted(values.items()), ensure_ascii=False, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _values(booking: Booking) -> dict[str, Any]:
    return {
        "id": booking.id,
        "quote_id": booking.quote_id,
        "registrant_id": booking.registrant_id,
        "service_day": booking.service_day,
        "origin": place_row(booking.origin),
        "destination": place_row(booking.destination),
        "passengers": booking.party.passengers,
        "needs": list(booking.party.needs),
        "pickup_earliest": booking.promise.pickup_earliest,
        "pickup_latest": booking.promise.pickup_latest,
        "arrive_latest": booking.promise.arrive_latest,
        "max_ride_seconds": booking.promise.max_ride_seconds,
        "direct_seconds": booking.direct_seconds,
        "fare_yen": booking.fare_yen,
        "state": booking.state.value,
        "channel": booking.channel,
        "created_at": booking.created_at,
        "route_id": booking.route_id,
        "expires_at": booking.expires_at,
        "accepted_at": booking.accepted_at,
        "picked_up_at": booking.picked_up_at,
        "boarded_at": booking.boarded_at,
        "completed_at": booking.completed_at,
        "vehicle_changes": booking.vehicle_changes,
        "told_pickup": booking.told_pickup,
        "cause": booking.cause,
        "version": booking.version,
    }


def _booking(row: Row[Any]) -> Booking:
    return Booking(
        id=row.id,
        quote_id=row.quote_id,
        registrant_id=row.registrant_id,
        service_day=row.service_day,
        origin=place_of(row.origin),
        destination=place_of(row.destination),
        party=Party(row.passengers, tuple(row.needs)),
        promise=Promise(
            row.pickup_earliest, row.pickup_latest, row.arrive_latest, row.max_ride_seconds
        ),
        direct_seconds=row.direct_seconds,
        fare_yen=row.fare_yen,
        state=State(row.state),
        channel=row.channel,
        created_at=row.created_at,
        route_id=row.route_id,
        expires_at=row.expires_at,
        accepted_at=row.accepted_at,
        picked_up_at=row.picked_up_at,
        boarded_at=row.boarded_at,
        completed_at=row.completed_at,
        vehicle_changes=row.vehicle_changes,
        told_pickup=row.told_pickup,
        cause=row.cause,
        version=row.version,
    )
