"""Whatever is sent wrongly is said in one clear sentence, and nothing changes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from api.problems import MEDIA_TYPE, caller_language
from dispatch.store.tokens import Role
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


def raw(at: Doors, method: str, path: str, **asked: Any) -> tuple[int, str]:
    """Status and code of an answer, which is a problem in both languages with one sentence."""
    said = set[str]()
    for language, end in (("ja", "。"), ("en", ".")):
        headers = {**asked.get("headers", {}), "Accept-Language": language}
        answer = at.operator(method, path, **{**asked, "headers": headers})
        problem = answer.json()
        assert answer.headers["content-type"] == MEDIA_TYPE
        assert problem["status"] == answer.status_code
        assert problem["detail"].endswith((end, "?"))
        said.add(problem["detail"])
    assert len(said) == 2
    return answer.status_code, problem["code"]


VERY_LONG = "x" * 5_000
BAD_IDS = {
    "with NUL": "a%00b",
    "with a line break": "a%0d%0ab",
    "very long": VERY_LONG,
    "with a slash": "a%2Fb",
    "another alphabet": "%E4%BA%88%E7%B4%84",
    "a lone surrogate": "%ED%A0%80",
    "right to left": "%E2%80%AEdi",
    "of a database": "'%20OR%201=1--",
    "upwards": "..%2F..%2Fetc",
}


@pytest.mark.parametrize("what", BAD_IDS)
@pytest.mark.parametrize("path", ["/bookings/{}", "/bookings/{}/live", "/registrations/{}"])
def test_an_id_that_cannot_be_is_not_there(at: Doors, path: str, what: str) -> None:
    status, code = raw(at, "GET", path.format(BAD_IDS[what]))
    assert (status, code) in {(404, "not_found"), (404, "unknown_registrant")}
    assert at.day.facts() == []


BAD_VALUES: dict[str, tuple[str, str, Any, int]] = {
    "an offer with NUL": ("/bookings", "offer_id", "a\0b", 404),
    "a very long offer": ("/bookings", "offer_id", VERY_LONG, 422),
    "a number for an offer": ("/bookings", "offer_id", 7, 422),
    "a registrant with NUL": ("/quotes", "registration_id", "a\0b", 404),
    "a registrant as a list": ("/quotes", "registration_id", ["a"], 422),
    "a latitude beyond all numbers": ("/quotes", "origin", {"lat": 1e308, "lon": 1e308}, 422),
    "a number of 400 digits": ("/quotes", "party", {"passengers": 10**400}, 422),
    "fewer than nobody": ("/quotes", "party", {"passengers": -1}, 422),
    "a truth for a number": ("/quotes", "party", {"passengers": True}, 422),
    "needs without end": ("/quotes", "party", {"passengers": 1, "needs": ["walker"] * 101}, 422),
    "a stop with NUL": ("/quotes", "destination", {"stop_id": "clinic\0"}, 422),
    "a stop in wide letters": ("/quotes", "destination", {"stop_id": "ｃｌｉｎｉｃ"}, 422),
    "a stop of nothing": ("/quotes", "destination", {}, 422),
    "a place as text": ("/quotes", "destination", "clinic", 422),
    "a time of 1 BC": ("/quotes", "depart_after", "0000-01-01T00:00:00Z", 422),
    "the year 2999": ("/quotes", "depart_after", "2999-12-31T10:00:00+09:00", 422),
    "a day that is not": ("/quotes", "depart_after", "2026-02-30T10:00:00+09:00", 422),
    "a name of control signs": ("/registrations", "name", "\x00\x07", 422),
    "a name of nothing that shows": ("/registrations", "name", "\u200b\u200b", 422),
    "a very long name": ("/registrations", "name", VERY_LONG, 422),
    "a reading in another direction": ("/registrations", "kana", "\u202eきもつき", 422),
    "consent as a word": ("/registrations", "consent", "yes", 422),
    "acts that are no list": ("/driver/events", "events", {"id": "1"}, 422),
    "an act that is none": ("/driver/events", "events", [{"id": "1", "act": "fly"}], 422),
    "too many acts": ("/driver/events", "events", [{"id": "1", "act": "depart"}] * 201, 422),
    "no positions": ("/driver/positions", "positions", [], 422),
    "a position off the globe": (
        "/driver/positions",
        "positions",
        [{"at": "2026-11-25T10:00:00+09:00", "lat": 91.0, "lon": 0.0}],
        422,
    ),
}
WHOLE: dict[str, Any] = {
    "/quotes": a_wish(),
    "/registrations": a_registration(),
    "/bookings": {},
    "/driver/events": {},
    "/driver/positions": {"route_id": "rte_1"},
}


@pytest.mark.parametrize("what", BAD_VALUES)
def test_a_value_that_cannot_be_is_refused_and_nothing_is_written(at: Doors, what: str) -> None:
    path, field, value, expected = BAD_VALUES[what]
    status, _ = raw(at, "POST", path, json={**WHOLE[path], field: value})
    assert status == expected
    assert at.day.facts() == []
    assert at.day.service.store.count_registrants() == 0


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data", ""])
def test_a_body_that_does_not_say_it_is_json_is_refused(at: Doors, kind: str) -> None:
    content = b'{"offer_id": "off_1"}'
    status, code = raw(at, "POST", "/bookings", content=content, headers={"Content-Type": kind})
    assert (status, code) in {(422, "field_wrong"), (400, "malformed_json")}


@pytest.mark.parametrize("method", ["PUT", "OPTIONS", "TRACE", "BREW", "POST"])
def test_a_method_that_a_route_does_not_have_is_said_so(at: Doors, method: str) -> None:
    assert raw(at, method, "/stops") == (405, "method_not_allowed")


def test_only_the_head_of_an_answer_is_not_given(at: Doors) -> None:
    assert at.operator("HEAD", "/stops").status_code == 405


BAD_TAGS = ['"1', "1", "one", '"1", "2"', '"' + "9" * 6_000 + '"', '"-1"', "\xb2"]


@pytest.mark.parametrize("tag", BAD_TAGS)
def test_a_version_that_none_of_ours_has_is_no_match(at: Doors, tag: str) -> None:
    booking = at.book(at.operator)
    facts = at.day.facts()
    # A client may not send what is no ASCII; a header is bytes on the wire.
    headers = {"If-Match": tag.encode("latin-1")}
    answer = at.operator("DELETE", f"/bookings/{booking['id']}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (412, "changed_meanwhile")
    assert at.day.facts() == facts


def test_the_same_key_for_another_question_is_a_conflict(at: Doors) -> None:
    first = at.operator.post("/quotes", a_wish(), key="k")
    facts = at.day.facts()

    other = at.operator.post("/quotes", a_wish("market"), key="k")

    assert first.status_code == 200
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert at.day.facts() == facts
    resident = at.operator.post("/registrations", a_registration()).json()["id"]
    theirs = at.person(Role.RESIDENT, resident)
    assert theirs.post("/quotes", a_wish("market"), key="k").status_code == 200


def test_the_same_key_at_once_for_two_questions_is_answered_once(at: Doors) -> None:
    def ask(destination: str) -> int:
        answer = at.operator.post("/quotes", a_wish(destination), key="k")
        return answer.status_code

    with ThreadPoolExecutor(4) as threads:
        asked = ["clinic", "market", "station", "hill"]
        statuses = sorted(threads.map(ask, asked))

    assert statuses == [200, 409, 409, 409]


def test_a_header_given_twice_does_no_harm(at: Doors) -> None:
    twice = httpx.Headers([("Idempotency-Key", "a"), ("Idempotency-Key", "b")])
    answer = at.client.post(
        "/api/v1/quotes",
        json=a_wish(),
        headers=[("Authorization", f"Bearer {at.operator.token}"), *twice.multi_items()],
    )
    assert answer.status_code == 200


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
