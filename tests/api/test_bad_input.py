"""Whatever is sent wrongly is said in one clear sentence, and nothing changes."""

from __future__ import annotations

from typing import Any

import pytest

from api.problems import MEDIA_TYPE, caller_language
from tests.api.doors import Doors, a_registration, a_wish, at

__all__ = ["at"]

SEA = {"lat": 31.0, "lon": 135.0}

BAD_WISHES: dict[str, tuple[str, int, dict[str, Any]]] = {
    "a place in the sea": ("outside_area", 422, {"destination": SEA}),
    "an unknown stop": ("unknown_stop", 422, {"destination": {"stop_id": "clinick"}}),
    "a place in two ways": ("bad_place", 422, {"destination": {"stop_id": "clinic", **SEA}}),
    "half a point": ("bad_place", 422, {"destination": {"lat": 31.0}}),
    "a time in the past": ("time_past", 422, {"depart_after": "2026-11-25T08:00:00+09:00"}),
    "a time without a zone": ("time_without_zone", 422, {"depart_after": "2026-11-25T10:00:00"}),
    "an impossible zone": ("bad_time", 422, {"depart_after": "2026-11-25T10:00:00+99:00"}),
    "another continent's zone": (
        "outside_hours",
        422,
        {"depart_after": "2026-11-25T10:00:00-05:00"},
    ),
    "a number for a time": ("bad_time", 422, {"depart_after": 1764032400}),
    "the end of time": ("bad_time", 422, {"depart_after": "9999-12-31T23:59:59-12:00"}),
    "nobody": ("nobody_rides", 422, {"party": {"passengers": 0}}),
    "forty people": ("party_too_large", 422, {"party": {"passengers": 40}}),
    "half a person": ("field_wrong", 422, {"party": {"passengers": 1.5}}),
    "an unknown field": ("unknown_field", 422, {"depart_afer": "2026-11-25T10:00:00+09:00"}),
    "an unknown field within": ("unknown_field", 422, {"party": {"passenger": 1}}),
    "a missing field": ("field_missing", 422, {"origin": ...}),
    "two times": ("two_times", 422, {"arrive_by": "2026-11-25T11:00:00+09:00"}),
    "somebody unknown": ("unknown_registrant", 404, {"registration_id": "reg_nobody"}),
}


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("what", BAD_WISHES)
def test_a_wish_that_cannot_be_asked_is_answered_in_one_sentence(
    at: Doors, what: str, language: str
) -> None:
    code, status, change = BAD_WISHES[what]
    body = {key: value for key, value in a_wish(**change).items() if value is not ...}

    answer = at.operator("POST", "/quotes", json=body, headers={"Accept-Language": language})

    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["status"]) == (status, code, status)
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.headers["content-language"] == language
    assert problem["detail"].endswith("。" if language == "ja" else (".", "?"))
    assert "…" not in problem["detail"].replace("{ … }", "").replace("[ … ]", "")
    assert at.day.facts() == []


def test_an_unknown_field_is_answered_with_the_nearest_name(at: Doors) -> None:
    problem = at.operator.post("/quotes", a_wish(depart_afer="x")).json()
    assert "depart_after" in problem["detail"]
    assert problem["field"] == "depart_afer"
    query = at.operator.get("/places?query=clinic").json()
    assert query["code"] == "unknown_field"


BODIES: dict[str, tuple[bytes, int, str]] = {
    "cut short": (b'{"origin": {', 400, "malformed_json"),
    "no text at all": (b"\xff\xfe\x00", 400, "malformed_json"),
    "no object": (b"[1, 2]", 422, "field_wrong"),
    "null": (b"null", 422, "field_wrong"),
    "not a number": (b'{"origin": {"lat": NaN, "lon": 1}}', 422, "field_wrong"),
    "10 MB": (b"[" + b" " * 10_000_000 + b"]", 413, "body_too_large"),
}


def test_a_body_nested_too_deeply_is_refused(at: Doors) -> None:
    body = b"[" * 5_000 + b"]" * 5_000
    headers = {"Content-Type": "application/json"}
    answer = at.operator("POST", "/quotes", content=body, headers=headers)
    # How deep JSON may go differs between versions of Python; no object it is in any case.
    assert (answer.status_code, answer.json()["code"]) in {
        (400, "malformed_json"),
        (422, "field_wrong"),
    }


@pytest.mark.parametrize("what", BODIES)
def test_a_body_that_cannot_be_read_is_refused(at: Doors, what: str) -> None:
    body, status, code = BODIES[what]
    headers = {"Content-Type": "application/json"}
    answer = at.operator("POST", "/quotes", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_body_that_does_not_say_how_long_it_is_is_cut_off(at: Doors) -> None:
    def endless() -> Any:
        for _ in range(100):
            yield b" " * 10_000

    headers = {"Content-Type": "application/json"}
    answer = at.operator("POST", "/quotes", content=endless(), headers=headers)
    assert answer.json()["code"] == "body_too_large"


BAD_PEOPLE: dict[str, tuple[str, dict[str, Any]]] = {
    "no consent": ("consent_missing", {"consent": False}),
    "a name of nothing": ("bad_name", {"name": "   "}),
    "a reading in letters": ("bad_kana", {"kana": "hanako"}),
    "a telephone number that cannot be": ("bad_phone", {"phone": "12"}),
    "a home in the sea": ("outside_area", {"home": SEA}),
    "born tomorrow": ("bad_birth_date", {"birth_date": "2026-11-26"}),
    "born on no day": ("field_wrong", {"birth_date": "1940-02-30"}),
    "an unknown need": ("unknown_need", {"needs": ["piano"]}),
    "an unknown channel": ("field_wrong", {"channel": "pigeon"}),
}


@pytest.mark.parametrize("what", BAD_PEOPLE)
def test_a_registration_that_cannot_be_is_refused(at: Doors, what: str) -> None:
    code, change = BAD_PEOPLE[what]
    answer = at.operator.post("/registrations", a_registration(**change))
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert at.day.service.store.count_registrants() == 0


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/bookings/nobody", 404, "not_found"),
        ("GET", "/bookings/%00", 404, "not_found"),
        ("GET", "/nothing/here", 404, "not_found"),
        ("PUT", "/bookings", 405, "method_not_allowed"),
        ("GET", "/bookings?cursor=abc", 400, "bad_cursor"),
        ("GET", "/bookings?limit=0", 422, "field_wrong"),
        ("GET", "/bookings?day=2026-13-01", 422, "field_wrong"),
        ("GET", "/kpi/service?from=2020-01-01&to=2026-01-01", 422, "too_many_days"),
        ("GET", "/stream?after=99999", 400, "bad_event_number"),
    ],
)
def test_an_address_that_leads_nowhere_is_said_so(
    at: Doors, method: str, path: str, status: int, code: str
) -> None:
    answer = at.operator(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_key_that_is_no_key_is_refused(at: Doors) -> None:
    for key in ("", "x" * 200):
        assert at.operator.post("/quotes", a_wish(), key=key).json()["code"] == "bad_key"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "ja"),
        ("", "ja"),
        ("*", "ja"),
        ("en-GB,en;q=0.9", "en"),
        ("fr, ja;q=0.4, en;q=0.5", "en"),
        ("en;q=0, ja", "ja"),
        ("de", "en"),
        ("en;q=x, ja;q=0.1", "ja"),
    ],
)
def test_the_caller_is_answered_in_the_language_they_like_best(
    header: str | None, language: str
) -> None:
    assert caller_language(header) == language
