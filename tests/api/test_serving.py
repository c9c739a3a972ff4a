"""The commands `token` and `serve`, and counting across processes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
import typer
from typer.testing import CliRunner

from api.cli_serving import add_to, checked_role
from api.limits import Limiter
from dispatch.commands.sign_in import find_bearer
from dispatch.errors import BadInput, Refused
from dispatch.store.store import open_store
from dispatch.store.tokens import Role
from dispatch.wiring import utc_now
from tests.markers import needs_redis

NOW = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)


def run(*words: str) -> str:
    app = typer.Typer()
    add_to(app)
    return CliRunner().invoke(app, list(words), catch_exceptions=False).output.strip()


def test_a_token_is_good_at_any_service_on_the_database_until_it_is_taken_back(
    tmp_path: Path,
) -> None:
    database = f"sqlite:///{tmp_path / 'town.sqlite'}"
    secret = run("token", "--role", "driver", "--subject", "car1", "--database", database)

    store = open_store(database)
    token = find_bearer(secret, store, utc_now())
    assert token is not None
    assert (token.role, token.subject) == (Role.DRIVER, "car1")
    run("token", "--revoke", secret, "--database", database)
    assert find_bearer(secret, store, utc_now()) is None
    store.close()


@pytest.mark.parametrize(
    ("role", "subject", "code"),
    [
        ("king", None, "field_wrong"),
        (None, None, "field_wrong"),
        ("driver", None, "subject_missing"),
        ("resident", "", "subject_missing"),
    ],
)
def test_a_token_for_nobody_is_refused(role: str | None, subject: str | None, code: str) -> None:
    with pytest.raises(BadInput) as raised:
        checked_role(role, subject)
    assert raised.value.code == code


async def count(limiters: list[Limiter], name: str, times: int) -> int:
    """How many of so many requests, spread over the limiters, were let in at 3 a minute."""
    let_in = 0
    for number in range(times):
        try:
            await limiters[number % len(limiters)].count(name, 3)
            let_in += 1
        except Refused:
            continue
    for limiter in limiters:
        await limiter.close()
    return let_in


@needs_redis
@pytest.mark.redis
def test_processes_count_together_by_redis() -> None:
    url = "redis://127.0.0.1:6379/15"
    limiters = [Limiter(lambda: NOW, url) for _ in range(2)]
    assert asyncio.run(count(limiters, f"test {uuid4().hex}", 8)) == 3


def test_without_its_redis_each_process_counts_for_itself() -> None:
    limiters = [Limiter(lambda: NOW, "redis://127.0.0.1:1") for _ in range(2)]
    assert asyncio.run(count(limiters, "somebody", 8)) == 6
