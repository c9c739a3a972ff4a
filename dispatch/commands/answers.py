"""The same command under the same key is done once and answered the same again.

See: docs/words.md, idempotency key
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from dispatch.commands.deciding import decide
from dispatch.commands.service import Service
from dispatch.commit import Answer, first_answer

KEPT = timedelta(days=30)
"""How long a key is known: no client tries longer (decisions/0101)."""


def fingerprint(command: str, *asked: object) -> str:
    """What stands for a command and what was asked with it."""
    return hashlib.sha256(repr((command, *asked)).encode()).hexdigest()


def answer(key: str | None, print_of: str, body: Mapping[str, Any]) -> Answer | None:
    """What to keep under the caller's key; None where the caller gave none."""
    return None if key is None else Answer(key, print_of, body)


def once[Made](
    service: Service,
    key: str | None,
    print_of: str,
    attempt: Callable[[], Made],
    again: Callable[[Mapping[str, Any]], Made],
) -> Made:
    """Run `attempt` unless this key has been answered; then `again` tells the first answer.

    Raises Conflict when the key was used for something else.
    """

    def try_once() -> Made:
        body = first_answer(key, print_of, service.store)
        return attempt() if body is None else again(body)

    return decide(service, try_once)


def forget_old(service: Service) -> int:
    """Forget the answers under keys that nobody will send again; says how many."""
    return service.store.forget_answers(service.now() - KEPT)
