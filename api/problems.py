"""What went wrong, as the caller reads it: one problem document (RFC 9457) an answer.

Each has a stable `code` and one clear sentence in the caller's language; every error of the
service becomes one here, and nowhere else.

See: docs/http.md; docs/decisions/0021-errors-carry-sentences-not-text.md
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from dispatch import wording
from dispatch.errors import (
    BadInput,
    Conflict,
    NoriaiError,
    NotAllowedNow,
    NotFound,
    Refused,
    Unavailable,
    UnverifiedPlan,
)
from dispatch.wording import Phrase
from routing.errors import RoadsError

MEDIA_TYPE = "application/problem+json"

STATUS: tuple[tuple[type[NoriaiError], int], ...] = (
    (BadInput, 422),
    (NotFound, 404),
    (Refused, 409),
    (NotAllowedNow, 409),
    (Conflict, 409),
    (Unavailable, 503),
)
"""Each kind of error and its HTTP status; any other is a defect of ours, 500."""

STATUS_BY_CODE: Mapping[str, int] = {
    "malformed_json": 400,
    "bad_key": 400,
    "bad_cursor": 400,
    "bad_event_number": 400,
    "not_signed_in": 401,
    "not_for_you": 403,
    "not_yours": 403,
    "method_not_allowed": 405,
    "changed_meanwhile": 412,
    "body_too_large": 413,
    "too_many_requests": 429,
}
"""Codes that mean something more exact to HTTP than their kind."""

TITLES: Mapping[int, str] = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    412: "Precondition Failed",
    413: "Content Too Large",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}

TRY_AGAIN_SECONDS = 2


def caller_language(accept_language: str | None) -> str:
    """ja or en: whichever the header `Accept-Language` likes better; Japanese if it says nothing.

    Weights (`;q=`) count; of languages that we do not speak nothing is taken.
    """
    wishes: list[tuple[float, int, str]] = []
    for place, part in enumerate((accept_language or "").split(",")):
        name, _, weight = part.partition(";")
        primary = name.strip().split("-")[0].lower()
        if primary in wording.LANGUAGES:
            wishes.append((-_weight(weight), place, primary))
    liked = [(weight, place, name) for weight, place, name in sorted(wishes) if weight < 0]
    if liked:
        return liked[0][2]
    return "en" if (accept_language or "").strip(" *") else "ja"


def _weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def document(error: NoriaiError, language: str, field: str | None = None) -> dict[str, Any]:
    """An error as a problem document. `field` names what of the request is meant."""
    status = status_of(error)
    problem: dict[str, Any] = {
        "type": f"urn:noriai:problem:{error.code}",
        "title": TITLES[status],
        "status": status,
        "detail": sentence_of(error, language),
        "code": error.code,
    }
    if field:
        problem["field"] = field
    return problem


def sentence_of(error: NoriaiError, language: str) -> str:
    """The sentence of an error in `language`."""
    return wording.sentence(error.code, language, **error.facts)


def status_of(error: NoriaiError) -> int:
    """The HTTP status of an error."""
    if error.code in STATUS_BY_CODE:
        return STATUS_BY_CODE[error.code]
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def answer(error: NoriaiError, language: str, field: str | None = None) -> JSONResponse:
    """The HTTP answer to an error."""
    problem = document(error, language, field)
    headers = {"Content-Language": language, "Vary": "Accept-Language"}
    if problem["status"] == 503:
        headers["Retry-After"] = str(TRY_AGAIN_SECONDS)
    if problem["status"] == 429:
        headers["Retry-After"] = str(error.facts.get("seconds", TRY_AGAIN_SECONDS))
    if problem["status"] == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(problem, problem["status"], headers, MEDIA_TYPE)


def add_to(app: FastAPI) -> None:
    """Let `app` answer every error by a problem document."""

    @app.exception_handler(NoriaiError)
    def ours(request: Request, error: NoriaiError) -> JSONResponse:
        if isinstance(error, UnverifiedPlan):
            # Its facts are ids and numbers of the plan; whoever looks for the defect needs them.
            structlog.get_logger().error("unverified_plan", **error.facts)
        elif status_of(error) >= 500:
            structlog.get_logger().error("failed", code=error.code)
        return answer(error, language_of(request))

    @app.exception_handler(RoadsError)
    def roads(request: Request, error: RoadsError) -> JSONResponse:
        structlog.get_logger().error("roads_failed", code=error.code)
        return answer(Unavailable(what=error.code), language_of(request))

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        found, field = first_fault(error.errors())
        return answer(found, language_of(request), field)

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> JSONResponse:
        found: NoriaiError
        if isinstance(error.__cause__, NoriaiError):
            found = error.__cause__
        elif error.status_code == 405:
            found = BadInput("method_not_allowed", method=request.method)
        elif error.status_code == 404:
            found = NotFound()
        else:
            found = BadInput("malformed_json")
        return answer(found, language_of(request))


def note_defect(error: Exception) -> NoriaiError:
    """Log where something failed and as what, never with which values: those may be personal."""
    where = traceback.extract_tb(error.__traceback__)[-3:]
    structlog.get_logger().error(
        "defect",
        kind=type(error).__name__,
        where=[f"{frame.filename}:{frame.lineno}" for frame in where],
    )
    return NoriaiError("internal")


def language_of(request: Request) -> str:
    """The language of whoever asks."""
    return caller_language(request.headers.get("accept-language"))


# --- what does not fit a form --------------------------------------------------------------

REMEDIES: Mapping[str, str] = {
    "int_type": "write_count",
    "int_parsing": "write_count",
    "int_from_float": "write_count",
    "float_type": "write_json_number",
    "float_parsing": "write_json_number",
    "finite_number": "write_json_number",
    "string_type": "write_json_text",
    "string_too_short": "write_text",
    "bool_type": "write_true_or_false",
    "bool_parsing": "write_true_or_false",
    "list_type": "write_json_list",
    "tuple_type": "write_json_list",
    "model_type": "write_json_object",
    "model_attributes_type": "write_json_object",
    "dict_type": "write_json_object",
    "date_type": "write_iso_date",
    "date_parsing": "write_iso_date",
    "date_from_datetime_parsing": "write_iso_date",
    "date_from_datetime_inexact": "write_iso_date",
}
"""What to write instead, by pydantic's type of error."""

OURS = frozenset({"unknown_field", "time_without_zone", "bad_time", "bad_place"})
"""Types of error that our own forms raise; each is the code of its sentence."""


def first_fault(errors: Sequence[Mapping[str, Any]]) -> tuple[NoriaiError, str]:
    """The first thing that does not fit, and the path of its field (`origin.stop_id`)."""
    fault = errors[0]
    kind: str = fault["type"]
    path = [str(part) for part in fault["loc"][1:]]
    field, told = ".".join(path), fault.get("ctx") or {}
    if kind == "json_invalid":
        return BadInput("malformed_json"), ""
    if kind in OURS:
        return BadInput(kind, **{"field": field, **told}), str(told.get("path", field))
    if kind == "missing":
        return BadInput("field_missing", field=field or "body"), field
    return BadInput("field_wrong", field=field or "body", remedy=_remedy(kind, told)), field


def _remedy(kind: str, told: Mapping[str, Any]) -> Phrase:
    if kind in {"literal_error", "enum"}:
        # pydantic's text is English: 'a', 'b' or 'c'.
        options = str(told.get("expected", "")).replace("'", "").replace(" or ", ", ")
        return Phrase("write_one_of", {"options": options})
    return Phrase(REMEDIES.get(kind, "write_other_value"))
