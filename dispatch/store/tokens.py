"""Bearer tokens: who may come in by which door, until when.

Only a digest of each token is kept, so nobody who reads the database can come in.

See: docs/http.md; docs/decisions/0070-tokens-are-rows.md
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    String,
    Table,
    bindparam,
    insert,
    select,
    update,
)

from dispatch.store.columns import Utc, in_list, metadata


class Role(StrEnum):
    """As what somebody uses the service."""

    RESIDENT = "resident"
    OPERATOR = "operator"
    DRIVER = "driver"
    PLANNER = "planner"
    ADMIN = "admin"


tokens = Table(
    "tokens",
    metadata,
    Column("digest", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("subject", String),
    Column("issued_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Column("revoked_at", Utc),
    CheckConstraint(in_list("role", Role), name="role"),
)


@dataclass(frozen=True, slots=True)
class Token:
    """A right to come in, without the secret itself.

    digest : SHA-256 of the secret, in hexadecimal.
    subject : for a resident the registrant's id, for a driver the vehicle's; else None.
    """

    digest: str
    role: Role
    subject: str | None
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it opens a door at this moment."""
        return self.revoked_at is None and now < self.expires_at


_FIND = select(tokens).where(tokens.c.digest == bindparam("this"))


def find(connection: Connection, digest: str) -> Token | None:
    """The token with this digest, or None."""
    row = connection.execute(_FIND, {"this": digest}).first()
    if row is None:
        return None
    return Token(
        row.digest, Role(row.role), row.subject, row.issued_at, row.expires_at, row.revoked_at
    )


def insert_new(connection: Connection, new: Sequence[Token]) -> None:
    """Write tokens that are not there yet."""
    rows = [
        {
            "digest": token.digest,
            "role": token.role.value,
            "subject": token.subject,
            "issued_at": token.issued_at,
            "expires_at": token.expires_at,
            "revoked_at": token.revoked_at,
        }
        for token in new
    ]
    if rows:
        connection.execute(insert(tokens), rows)


def revoke(connection: Connection, digests: Sequence[str], at: datetime) -> None:
    """Close the door to these tokens, for good."""
    if digests:
        connection.execute(
            update(tokens)
            .where(tokens.c.digest.in_(digests), tokens.c.revoked_at.is_(None))
            .values(revoked_at=at)
        )
