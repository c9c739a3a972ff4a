"""The request log: one line of JSON a request, and nothing in it of anybody."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
import structlog

from api import request_log, serving
from dispatch.store.tokens import Role
from tests.api.doors import Doors, a_registration, a_wish, at, opened

__all__ = ["at"]

PERSONAL = (
    "花子",
    "はなこ",
    "hanako",
    "0994",
    "652511",
    "65-2511",
    "1940-02-01",
    "33.0271",
    "131.0271",
    "hall",
    "wheelchair",
)
"""What the callers of these tests write of a person, in any spelling."""


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the service writes to stderr, logging as a running one does."""
    stderr = io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    serving.log_as_json()
    yield stderr
    structlog.reset_defaults()


def lines(heard: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in heard.getvalue().splitlines()]


def a_day_of_requests(at: Doors) -> list[str]:
    """What a town's callers ask, well and badly, with names and numbers everywhere; the
    secrets and ids they used.
    """
    operator = at.operator
    person = operator.post(
        "/registrations",
        a_registration(birth_date="1940-02-01", home={"lat": 33.0271, "lon": 131.0271}),
    ).json()
    resident = at.person(Role.RESIDENT, person["id"])
    booking = at.book(resident, registration_id=person["id"])
    operator.get("/registrations?phone=0994-65-2511")
    operator.get("/registrations?kana=はなこ")
    operator.get("/registrations?fone=0994-65-2511")
    operator.get(f"/registrations/{person['id']}")
    resident.get(f"/bookings/{booking['id']}/live")
    resident.get("/bookings/0994-65-2511")
    resident.get("/hanako/0994652511")
    resident.get("/places?q=花子の家")
    operator.post("/registrations", {"name": "花子", "phone": "0994"})
    operator.post("/quotes", a_wish(party={"passengers": 1, "needs": ["wheelchair hanako"]}))
    operator("POST", "/registrations", content='{"name": "hanako 0994652511"')
    resident("DELETE", f"/registrations/{person['id']}")
    at.stranger.get("/registrations?phone=0994-65-2511")
    stolen = f"hanako-{uuid4().hex}"
    at.client.get("/api/v1/stops", headers={"Authorization": f"Bearer {stolen}"})
    at.client.get("/0994652511/hanako")
    at.client.get("/api/v1/stops", headers={"X-Request-Id": "hanako-0994652511"})
    at.client.request("HANAKO", "/api/v1/stops")
    at.client.get("/metrics", headers={"Authorization": f"Bearer {stolen}"})
    secrets = [person.token for person in (operator, resident) if person.token is not None]
    return [*secrets, stolen, person["id"], person["number"], booking["id"]]


def test_nothing_personal_is_ever_logged(at: Doors, heard: io.StringIO) -> None:
    secrets = a_day_of_requests(at)

    said = heard.getvalue().lower()
    assert len(lines(heard)) > 20
    assert [each for each in (*PERSONAL, *secrets) if each.lower() in said] == []


def test_a_line_says_what_was_asked_and_what_became_of_it(at: Doors, heard: io.StringIO) -> None:
    booking = at.book(at.operator)
    answer = at.operator.get(f"/bookings/{booking['id']}")

    line = lines(heard)[-1]
    assert line.pop("timestamp")
    assert line.pop("milliseconds") > 0
    assert line == {
        "event": "request",
        "level": "info",
        "request_id": answer.headers["X-Request-Id"],
        "method": "GET",
        "route": "/bookings/{booking_id}",
        "status": 200,
        "role": "operator",
    }


def test_a_defect_is_logged_under_the_id_that_the_caller_was_told(
    at: Doors, heard: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("花子 0994-65-2511")

    monkeypatch.setattr(type(at.day.service.store), "list_closed_stops", broken)
    answer = at.operator.get("/stops")

    defect, request = lines(heard)[-2:]
    assert answer.status_code == request["status"] == 500
    assert defect["event"] == "defect"
    assert defect["request_id"] == request["request_id"] == answer.headers["X-Request-Id"]
    assert "0994" not in heard.getvalue()


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("3f2b8c1e-9a4d-4e6f-8b7a-1c2d3e4f5a6b", True),
        ("3F2B8C1E9A4D4E6F8B7A1C2D3E4F5A6B", True),
        ("0994-65-2511", False),
        ("hanako", False),
        ("3f2b8c1e-9a4d-4e6f-8b7a-1c2d3e4f5a6b\x00", False),
        ("3f2b8c1e-9a4d4e6f-8b7a1c2d3e4f5a6b", False),
        ("0" * 500, False),
        ("", False),
    ],
)
def test_a_callers_id_is_taken_only_where_it_is_a_uuid(at: Doors, given: str, taken: bool) -> None:
    answer = at.client.get("/healthz", headers={"X-Request-Id": given})

    said = answer.headers["X-Request-Id"]
    assert (said == given.lower()) is taken
    assert len(said.replace("-", "")) == 32


def test_a_slow_answer_is_a_warning(
    at: Doors, heard: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_log, "perf_counter", count(0, 2).__next__)
    at.client.get("/healthz")

    warnings = [line for line in lines(heard) if line["event"] == "slow_request"]
    assert [(line["level"], line["route"]) for line in warnings] == [("warning", "/healthz")]


def test_what_machines_ask_every_few_seconds_is_not_logged(heard: io.StringIO) -> None:
    with opened() as at:
        at.client.get("/healthz")
        at.client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.1"})

    assert [line for line in lines(heard) if line["event"] == "request"] == []
