"""The OpenAPI document: what FastAPI knows of the routes, and what holds for all of them.

Each route names its roles, every status it can answer with, the headers that come with it,
and what it is for in English (`summary`, `description`) and Japanese (`x-summary-ja`).

See: docs/http.md; docs/decisions/0102-every-status-is-in-the-document.md
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.examples import add_examples
from api.problems import MEDIA_TYPE
from api.security import EVERYBODY, OPEN, RIGHTS, ROOT

PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One sentence in the caller's language."},
        "code": {"type": "string", "description": "Stable; programs go by it."},
        "field": {"type": "string", "description": "What of the request is meant."},
    },
    "examples": [
        {
            "type": "urn:noriai:problem:unknown_stop",
            "title": "Unprocessable Content",
            "status": 422,
            "detail": "乗降場所「clinick」はありません。",
            "code": "unknown_stop",
        },
        {
            "type": "urn:noriai:problem:unknown_stop",
            "title": "Unprocessable Content",
            "status": 422,
            "detail": "There is no stop “clinick”.",
            "code": "unknown_stop",
        },
    ],
}

WHEN: Mapping[int, tuple[str, str]] = {
    400: ("It cannot be read.", "読み取れません。"),
    401: ("No token that holds.", "有効なトークンがありません。"),
    403: ("Not for this role.", "この役割では使えません。"),
    404: ("There is none, or it is somebody else's.", "ないか、ほかの人のものです。"),
    409: (
        "A rule, the plan or somebody faster stands against it.",
        "きまりか計画に合わないか、先を越されました。",
    ),
    412: ("It has changed meanwhile.", "その間に変わりました。"),
    413: ("Too large.", "大きすぎます。"),
    422: ("It cannot be asked.", "その内容では受け付けられません。"),
    429: ("Too often; see Retry-After.", "回数が多すぎます。Retry-After をご覧ください。"),
    503: (
        "A part is not there; see Retry-After.",
        "いま使えない部分があります。Retry-After をご覧ください。",
    ),
}
"""What a problem's status means, in English and Japanese."""

HEADERS_BY_STATUS: Mapping[int, Mapping[str, str]] = {
    401: {"WWW-Authenticate": "Bearer."},
    429: {"Retry-After": "Seconds to wait."},
    503: {"Retry-After": "Seconds to wait."},
}

TAGGED = frozenset(
    {
        ("POST", "/registrations"),
        ("GET", "/registrations/{registration_id}"),
        ("PATCH", "/registrations/{registration_id}"),
        ("POST", "/bookings"),
        ("GET", "/bookings/{booking_id}"),
        ("DELETE", "/bookings/{booking_id}"),
        ("POST", "/board/reassignments"),
        ("GET", "/map"),
    }
)
"""Routes whose answer has an ETag."""

ABOUT_SOMETHING = frozenset(
    {
        ("POST", "/quotes"),
        ("POST", "/bookings"),
        ("GET", "/bookings"),
        ("GET", "/driver/manifest"),
        ("POST", "/driver/events"),
        ("POST", "/driver/positions"),
        ("POST", "/board/reassignments"),
        ("GET", "/clock"),
        ("PATCH", "/clock"),
    }
)
"""Routes without an id in their path that yet can find nothing there: 404."""

SUMMARY_JA: Mapping[tuple[str, str], str] = {
    ("POST", "/registrations"): "利用登録をして登録番号を付けます。",
    ("GET", "/registrations"): "電話番号か、よみがなの始まりで登録者を探します。",
    ("GET", "/registrations/{registration_id}"): "登録者一人の内容です。",
    ("PATCH", "/registrations/{registration_id}"): "登録の内容を直します。",
    ("DELETE", "/registrations/{registration_id}"): "登録者の個人情報を消します。",
    ("POST", "/quotes"): "希望に合う便の候補を示します。合わないときは理由と近い時刻を示します。",
    ("POST", "/bookings"): "候補を予約にします。ここから約束になります。",
    ("GET", "/bookings"): "一日または一人の予約の一覧です。利用者には本人の分だけを示します。",
    ("GET", "/bookings/{booking_id}"): "予約一件の内容です。",
    ("PATCH", "/bookings/{booking_id}"): "予約に代わる候補を示します。選ぶまで予約はそのままです。",
    ("DELETE", "/bookings/{booking_id}"): "予約を取り消すか、押さえた候補を返します。",
    ("GET", "/bookings/{booking_id}/live"): "車がいつ来るか、いまどこかを示します。",
    ("GET", "/stops"): "町の乗降場所の一覧です。",
    ("GET", "/places"): "名前やよみがなで場所を探します。",
    ("GET", "/kpi/registrations"): "利用登録の数と目標までの道のりです。",
    ("GET", "/kpi/service"): "運行の実績の数字です。",
    ("GET", "/driver/manifest"): "車のこれからの予定と乗る人です。",
    ("POST", "/driver/events"): "運転手のしたことを順に一度ずつ記録します。",
    ("POST", "/driver/positions"): "車の位置を知らせます。遅れが分かればすぐに計画を直します。",
    ("GET", "/board"): "一日の車、便、予約、注意の一覧です。",
    ("POST", "/board/reassignments"): "約束を守ったまま、予約を別の車に移します。",
    ("GET", "/live"): "町のいまの運行を一目で示します。",
    ("GET", "/map"): "ネットワークなしで描ける町の地図です。",
    ("GET", "/clock"): "デモの時計です。実際の運行にはありません。",
    ("PATCH", "/clock"): "デモの時計を止めたり速めたりします。",
    ("GET", "/stream"): "起きたことを順に知らせ続けます。",
}
"""What each route is for, in Japanese."""


def described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with problem documents, rights and how to sign in."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
        parts = schema.setdefault("components", {})
        parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        shapes = parts.setdefault("schemas", {})
        shapes["Problem"] = PROBLEM
        for unused in ("HTTPValidationError", "ValidationError"):
            shapes.pop(unused, None)
        add_examples(shapes)
        for path, methods in schema["paths"].items():
            for method, route in methods.items():
                _describe((method.upper(), path), route)
        app.openapi_schema = schema
    return app.openapi_schema


def _describe(name: tuple[str, str], route: dict[str, Any]) -> None:
    method, path = name
    route["responses"].pop("422", None)
    if path == "/readyz":
        route["responses"]["503"] = {"description": "A part is not ready; the answer names it."}
    if path in OPEN:
        return
    short = (method, path.removeprefix(ROOT))
    roles = RIGHTS[short]
    route["security"] = [{"token": []}]
    route["x-roles"] = sorted(role.value for role in roles)
    route["x-summary-ja"] = SUMMARY_JA.get(short, "")
    for status, good in route["responses"].items():
        _add_headers(good, _headers_of(short, status))
    if short == ("GET", "/map"):
        route["responses"]["304"] = {"description": "As it was when it was last read."}
    statuses = {401, 413, 422, 429, 503, *_further(short, route)}
    for status in sorted(statuses):
        route["responses"][str(status)] = _problem(status)


def _further(short: tuple[str, str], route: Mapping[str, Any]) -> Iterator[int]:
    """The statuses of this route besides those of all."""
    given = {parameter["name"] for parameter in route.get("parameters", [])}
    if RIGHTS[short] != EVERYBODY:
        yield 403
    if "requestBody" in route or given & {"Idempotency-Key", "cursor", "after"}:
        yield 400
    if "{" in short[1] or short in ABOUT_SOMETHING:
        yield 404
    if "Idempotency-Key" in given:
        yield 409
    if "If-Match" in given:
        yield 412


def _headers_of(short: tuple[str, str], status: str) -> dict[str, str]:
    found = {"ETag": "What If-Match takes."} if short in TAGGED else {}
    if status == "201":
        found["Location"] = "Where it is found from now on."
    return found


def _problem(status: int) -> dict[str, Any]:
    english, japanese = WHEN[status]
    answer: dict[str, Any] = {
        "description": f"{english} {japanese}",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    _add_headers(answer, HEADERS_BY_STATUS.get(status, {}))
    return answer


def _add_headers(answer: dict[str, Any], headers: Mapping[str, str]) -> None:
    if headers:
        answer["headers"] = {
            name: {"description": about, "schema": {"type": "string"}}
            for name, about in headers.items()
        }
