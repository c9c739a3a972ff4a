"""A service behind its doors, and people who knock: `at.operator.get("/stops")`.

See: docs/http.md
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.settings import HttpSettings
from dispatch.commands.sign_in import issue_token
from dispatch.store.tokens import Role
from tests.builders import DayBuilder, TownBuilder, a_town

ROOT = "/api/v1"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a token (or without), who asks in Japanese unless told otherwise."""

    client: TestClient
    token: str | None

    def __call__(self, method: str, path: str, **asked: Any) -> httpx.Response:
        """Ask; `path` is under the root of the interface."""
        headers = dict(asked.pop("headers", {}))
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        answer: httpx.Response = self.client.request(method, ROOT + path, headers=headers, **asked)
        return answer

    def get(self, path: str, **asked: Any) -> httpx.Response:
        """Read."""
        return self("GET", path, **asked)

    def post(self, path: str, body: object, key: str | None = None, **asked: Any) -> httpx.Response:
        """Write, perhaps under an idempotency key."""
        headers = {} if key is None else {"Idempotency-Key": key}
        return self("POST", path, json=body, headers=headers, **asked)


@dataclass(frozen=True, slots=True)
class Doors:
    """A running day behind HTTP."""

    day: DayBuilder
    client: TestClient

    def person(self, role: Role, subject: str | None = None) -> Person:
        """Somebody with a token of this role."""
        service = self.day.service
        return Person(self.client, issue_token(role, subject, service.store, service.ports))

    @property
    def operator(self) -> Person:
        """Somebody of the office."""
        return self.person(Role.OPERATOR)

    @property
    def stranger(self) -> Person:
        """Somebody without a token."""
        return Person(self.client, None)

    def book(self, person: Person, destination: str = "clinic", **wish: Any) -> dict[str, Any]:
        """Ask for a ride and take the first offer, over HTTP."""
        offers = person.post("/quotes", a_wish(destination, **wish)).json()["offers"]
        answer = person.post("/bookings", {"offer_id": offers[0]["id"]})
        assert answer.status_code == 201, answer.text
        booking: dict[str, Any] = answer.json()
        return booking


def a_wish(destination: object = "clinic", **wish: Any) -> dict[str, Any]:
    """The body of a quote from the town hall at 10:00."""
    return {
        "origin": {"stop_id": "hall"},
        "destination": {"stop_id": destination} if isinstance(destination, str) else destination,
        "depart_after": "2026-11-25T10:00:00+09:00",
        **wish,
    }


def a_registration(**about: Any) -> dict[str, Any]:
    """The body of a registration."""
    return {
        "name": "肝付 花子",
        "kana": "きもつき はなこ",
        "phone": "0994-65-2511",
        "home": {"stop_id": "hall"},
        "consent": True,
        "channel": "phone",
        **about,
    }


@contextmanager
def opened(
    town: TownBuilder | None = None, settings: HttpSettings | None = None
) -> Iterator[Doors]:
    """A town's service behind its doors, closed afterwards."""
    with (town or a_town()).day() as day:
        app = create_app(day.service, settings)
        with TestClient(app, raise_server_exceptions=False) as client:
            yield Doors(day, client)


@pytest.fixture
def at() -> Iterator[Doors]:
    """The plain town's doors."""
    with opened() as doors:
        yield doors
