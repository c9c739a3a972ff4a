"""Answers already given, by the caller's key: asking twice does it once.

See: docs/store.md, answers; docs/words.md, idempotency key
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Connection, String, Table, bindparam, delete, insert, select

from dispatch.store.columns import Utc, metadata

answers = Table(
    "answers",
    metadata,
    Column("key", String, primary_key=True),
    Column("fingerprint", String, nullable=False),
    Column("body", JSON, nullable=False),
    Column("answered_at", Utc, nullable=False, index=True),
)


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What was answered under a key, and what stands for the question."""

    key: str
    fingerprint: str
    body: Mapping[str, Any]


_FIND = select(answers).where(answers.c.key == bindparam("this"))
_INSERT = insert(answers)


def find(connection: Connection, key: str) -> StoredAnswer | None:
    """The answer given under this key, or None."""
    row = connection.execute(_FIND, {"this": key}).first()
    return None if row is None else StoredAnswer(row.key, row.fingerprint, row.body)


def insert_new(
    connection: Connection, key: str, fingerprint: str, body: Mapping[str, Any], at: datetime
) -> None:
    """Keep an answer; a key that is already there is refused by the database."""
    row = {"key": key, "fingerprint": fingerprint, "body": dict(body), "answered_at": at}
    connection.execute(_INSERT, row)


def forget(connection: Connection, before: datetime) -> int:
    """Drop answers given before this moment; says how many. A town keeps them for some days."""
    return connection.execute(delete(answers).where(answers.c.answered_at < before)).rowcount
