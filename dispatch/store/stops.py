"""Stops that are closed at the moment (a fallen tree, a festival), on top of the town's file.

See: docs/store.md, stops
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, String, Table, delete, insert, select

from dispatch.store.columns import Utc, metadata

closed_stops = Table(
    "closed_stops",
    metadata,
    Column("stop_id", String, primary_key=True),
    Column("since", Utc, nullable=False),
    Column("cause", String, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Closure:
    """A stop that is out of use since then, and why."""

    stop_id: str
    since: datetime
    cause: str


_CLOSED = select(closed_stops).order_by(closed_stops.c.stop_id)


def list_closed(connection: Connection) -> list[Closure]:
    """The stops that are closed now."""
    return [Closure(row.stop_id, row.since, row.cause) for row in connection.execute(_CLOSED)]


def write(connection: Connection, closed: Sequence[Closure], reopened: Sequence[str]) -> None:
    """Close and reopen stops. Closing one that is closed already is refused by the database."""
    if reopened:
        connection.execute(delete(closed_stops).where(closed_stops.c.stop_id.in_(reopened)))
    rows = [{"stop_id": c.stop_id, "since": c.since, "cause": c.cause} for c in closed]
    if rows:
        connection.execute(insert(closed_stops), rows)
