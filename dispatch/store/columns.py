"""What the tables have in common: the list of all tables, times in UTC, points, JSON.

See: docs/store.md
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import DateTime, Dialect, MetaData
from sqlalchemy.types import TypeDecorator

from dispatch.booking import Place
from routing.travel import Point

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Every table of the store; each noun's file adds its own."""


class Utc(TypeDecorator[datetime]):
    """A moment. It goes in with a zone and comes out in UTC, on every database.

    A time without a zone is refused: it would be read as some other moment later.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database: in UTC; SQLite has no zones, so the zone is left off there."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone cannot be stored: {value}")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database: in UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def utc_text(at: datetime) -> str:
    """A moment within JSON: ISO 8601, in UTC."""
    return (at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat()


_PLAIN_VALUES_ONLY = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


def to_json(value: object) -> str:
    """JSON as the store writes it: compact, Japanese left readable."""
    return orjson.dumps(value, option=_PLAIN_VALUES_ONLY).decode()


def from_json(text: str | bytes) -> Any:
    """What `to_json` has written."""
    return orjson.loads(text)


def place_row(place: Place) -> dict[str, Any]:
    """A place as JSON, with its name."""
    return {
        "lat": place.point.lat,
        "lon": place.point.lon,
        "name": place.name,
        "stop_id": place.stop_id,
    }


def place_of(row: Mapping[str, Any]) -> Place:
    """A place from its JSON."""
    return Place(Point(row["lat"], row["lon"]), row["name"], row["stop_id"])


def in_list(column: str, values: type[StrEnum]) -> str:
    """The text of a check that `column` holds one of the values of an enumeration."""
    words = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({words})"
