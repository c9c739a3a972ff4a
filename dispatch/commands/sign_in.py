"""Giving somebody a token, knowing them by it again, and taking it back.

See: docs/http.md; docs/decisions/0070-tokens-are-rows.md
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from dispatch.commit import Change, commit
from dispatch.ports import Ports
from dispatch.store.store import Store
from dispatch.store.tokens import Role, Token

MARK = "noriai_"
"""How every token begins, so that one that leaks into a file can be found by searching."""

VALID = timedelta(days=365)
"""How long a token holds where nothing else is said."""


def issue_token(
    role: Role, subject: str | None, store: Store, ports: Ports, valid: timedelta = VALID
) -> str:
    """Make a token and give it out, this once; only its digest is kept."""
    secret = MARK + secrets.token_urlsafe(32)
    now = ports.now()
    token = Token(digest_of(secret), role, subject, now, now + valid)
    commit(Change(new_tokens=(token,)), store, ports)
    return secret


def revoke_token(secret: str, store: Store, ports: Ports) -> bool:
    """Take a token back at once and for good; False where it was none."""
    token = store.find_token(digest_of(secret))
    if token is None:
        return False
    commit(Change(revoked_tokens=(token.digest,)), store, ports)
    return True


def find_bearer(secret: str, store: Store, now: datetime) -> Token | None:
    """Whose token this is; None for one that is unknown, over or taken back."""
    token = store.find_token(digest_of(secret))
    return token if token is not None and token.holds(now) else None


def digest_of(secret: str) -> str:
    """What stands for a token in the database. It is random and long: no salt is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()
