"""Who may come in by which door: one table, and nothing is open that is not in it.

Every request passes the gate before anything is read of it: the path must be in the table,
the token must hold, its role must be allowed, and neither size nor number of the requests
may be beyond reason. Whether somebody may see *this* booking is asked in the door itself,
by `own_registrant`.

See: docs/http.md; docs/decisions/0071-one-table-of-rights.md; docs/words.md, operator, driver
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from anyio import BrokenResourceError, ClosedResourceError
from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from api.limits import Limiter
from api.settings import HttpSettings
from dispatch.commands.service import Service
from dispatch.commands.sign_in import find_bearer
from dispatch.errors import BadInput, NoriaiError, NotFound, Refused
from dispatch.store.tokens import Role

ROOT = "/api/v1"

_R, _O, _D, _P, _A = Role.RESIDENT, Role.OPERATOR, Role.DRIVER, Role.PLANNER, Role.ADMIN
OFFICE = frozenset({_O, _A})
CARED_FOR = frozenset({_R, _O, _A})
"""A resident for themselves, the office for anybody."""
ON_THE_ROAD = frozenset({_D, _O, _A})
"""A driver for their own vehicle, the office for any."""
PLANNING = frozenset({_O, _P, _A})
EVERYBODY = frozenset(Role)

# Which role may call which route. A route that is not here is closed to all.
RIGHTS: Mapping[tuple[str, str], frozenset[Role]] = {
    ("POST", "/registrations"): CARED_FOR,
    ("GET", "/registrations"): OFFICE,
    ("GET", "/registrations/{registration_id}"): CARED_FOR,
    ("PATCH", "/registrations/{registration_id}"): CARED_FOR,
    ("DELETE", "/registrations/{registration_id}"): CARED_FOR,
    ("POST", "/quotes"): CARED_FOR,
    ("POST", "/bookings"): CARED_FOR,
    ("GET", "/bookings"): CARED_FOR,
    ("GET", "/bookings/{booking_id}"): CARED_FOR,
    ("PATCH", "/bookings/{booking_id}"): CARED_FOR,
    ("DELETE", "/bookings/{booking_id}"): CARED_FOR,
    ("GET", "/bookings/{booking_id}/live"): CARED_FOR,
    ("GET", "/kpi/registrations"): PLANNING,
    ("GET", "/kpi/service"): PLANNING,
    ("GET", "/live"): PLANNING,
    ("GET", "/clock"): PLANNING,
    ("PATCH", "/clock"): PLANNING,
    ("GET", "/stops"): EVERYBODY,
    ("GET", "/places"): EVERYBODY,
    ("GET", "/map"): EVERYBODY,
    ("GET", "/driver/manifest"): ON_THE_ROAD,
    ("POST", "/driver/events"): ON_THE_ROAD,
    ("POST", "/driver/positions"): ON_THE_ROAD,
    ("GET", "/board"): OFFICE,
    ("POST", "/board/reassignments"): OFFICE,
    ("GET", "/stream"): EVERYBODY,
}

OPEN = frozenset({"/healthz", "/readyz", "/metrics", f"{ROOT}/openapi.json"})
"""Paths that say nothing about anybody; /metrics sees to its own callers."""

_PATTERNS = {
    template: re.compile(re.sub(r"\{[a-z_]+\}", "[^/]+", template)) for _, template in RIGHTS
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the token's role and subject, and the secret it came with (never logged)."""

    role: Role
    subject: str | None
    secret: str

    @property
    def scope(self) -> str:
        """What idempotency keys of this caller are kept apart by."""
        return f"{self.role.value}:{self.subject or ''}"

    @property
    def is_office(self) -> bool:
        """Whether they act for anybody."""
        return self.role in OFFICE


async def get_caller(request: Request) -> Caller:
    """Who asks, as the gate has found out."""
    caller: Caller = request.state.caller
    return caller


CallerNow = Annotated[Caller, Depends(get_caller)]


def own_registrant(caller: Caller, registrant_id: str | None) -> None:
    """Raises NotFound unless the caller may deal with what belongs to this registrant.

    Somebody else's things are not there for a resident, rather than forbidden: so nobody
    learns by asking which numbers exist.
    """
    if caller.is_office:
        return
    if caller.subject is None or registrant_id != caller.subject:
        raise NotFound()


def right_for(method: str, path: str) -> tuple[str, frozenset[Role]]:
    """Template and roles of a route under the root. Raises NotFound or BadInput (405)."""
    known = False
    for (its_method, template), roles in RIGHTS.items():
        if _PATTERNS[template].fullmatch(path):
            if its_method == method:
                return template, roles
            known = True
    if known:
        raise BadInput("method_not_allowed", method=method)
    raise NotFound()


class Gate:
    """The ASGI layer that every request passes before the application sees it."""

    def __init__(
        self, app: ASGIApp, service: Service, settings: HttpSettings, limiter: Limiter
    ) -> None:
        self._app = app
        self._service = service
        self._settings = settings
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer why not."""
        path: str = scope.get("path", "")
        if scope["type"] != "http" or path in OPEN or not path.startswith("/api/"):
            await self._app(scope, receive, send)
            return
        state, began = scope.setdefault("state", {}), False

        async def noted(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            state["caller"] = await self._admit(scope)
            await self._app(scope, _bounded(receive, self._settings.longest_body_bytes), noted)
        except Exception as error:
            if began:
                # The answer is on its way. A reader that left its stream is no fault.
                if not _reader_left(error):
                    raise
                return
            found = error if isinstance(error, NoriaiError) else problems.note_defect(error)
            headers = Headers(scope=scope)
            language = problems.caller_language(headers.get("accept-language"))
            await problems.answer(found, language)(scope, receive, noted)

    async def _admit(self, scope: Scope) -> Caller:
        headers = Headers(scope=scope)
        address = (scope.get("client") or ("", 0))[0]
        if not scope["path"].startswith(ROOT + "/"):
            raise NotFound()
        secret = _bearer(headers.get("authorization", ""))
        found = None
        if secret is not None:
            now = self._service.now()
            found = await run_in_threadpool(find_bearer, secret, self._service.store, now)
        if found is None or secret is None:
            await self._limiter.count(f"at {address}", self._settings.strangers_per_minute)
            raise Refused("not_signed_in")
        template, roles = right_for(scope["method"], scope["path"].removeprefix(ROOT))
        scope["state"]["route"] = template
        if found.role not in roles:
            raise Refused("not_for_you")
        writes = scope["method"] != "GET"
        most = self._settings.writes_per_minute if writes else self._settings.reads_per_minute
        await self._limiter.count(f"{'w' if writes else 'r'} {found.digest[:24]}", most)
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > self._settings.longest_body_bytes:
            raise BadInput("body_too_large", most=self._settings.longest_body_bytes)
        return Caller(found.role, found.subject, secret)


def _reader_left(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_reader_left(each) for each in error.exceptions)
    return isinstance(error, (BrokenResourceError, ClosedResourceError))


def _bearer(header: str) -> str | None:
    kind, _, secret = header.partition(" ")
    return secret.strip() if kind.lower() == "bearer" and secret.strip() else None


def _bounded(receive: Receive, most: int) -> Receive:
    """Reading that stops at `most` bytes, for a body that did not say how long it is."""
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise BadInput("body_too_large", most=most)
        return message

    return bounded
