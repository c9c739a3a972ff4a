"""What a database holds, in a few numbers: enough to tell whether a copy of it is whole.

See: docs/operations.md; docs/words.md, backup
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, inspect, select, table

from dispatch.errors import Unavailable
from dispatch.store.migrations import revision_of
from dispatch.store.outbox import last_number

OURS = frozenset({"alembic_version", "bookings", "events", "numbering"})
"""Tables that every database of the service has had from its first version on."""

KEPT_BY_SETUP = frozenset({"alembic_version", "numbering"})
"""Tables that have a row before anybody has written anything."""


@dataclass(frozen=True, slots=True)
class Contents:
    """How many rows each table has, the revision of the tables, the last event's number."""

    rows: Mapping[str, int]
    revision: str
    last_event: int

    @property
    def written(self) -> int:
        """How many rows anybody has written."""
        return sum(number for name, number in self.rows.items() if name not in KEPT_BY_SETUP)


def contents_of(connection: Connection, place: str) -> Contents:
    """The contents of a database now. Raises Unavailable("database_not_ours")."""
    names = inspect(connection).get_table_names()
    revision = revision_of(connection) if set(names) >= OURS else None
    if revision is None:
        raise Unavailable("database_not_ours", place=place)
    rows = {
        name: connection.execute(select(func.count()).select_from(table(name))).scalar_one()
        for name in sorted(names)
    }
    if rows["numbering"] != 1:
        raise Unavailable("database_not_ours", place=place)
    return Contents(rows, revision, last_number(connection))
