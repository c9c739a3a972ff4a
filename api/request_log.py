"""One line of JSON and one count for each request: what it was, never who or what about.

A line has the route's template, never a path, a query, a body, a token or an address: those
may hold somebody's name or number. The request's id joins it to whatever else was logged
meanwhile, and goes out with the answer as `X-Request-Id`. A caller's own id is taken if it
is a UUID; anything freer could hold a telephone number.

See: docs/operations.md; docs/decisions/0096-what-a-log-line-may-hold.md
"""

from __future__ import annotations

import re
from time import perf_counter
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from api.metrics import METHODS, Answered, WebMetrics

ASSETS = "/assets"

QUIET = frozenset({"/healthz", "/readyz", "/metrics", ASSETS})
"""Asked every few seconds by machines, or dozens a page; logged only where they fail."""

CALLER_LEFT = 499
"""As nginx calls it: the caller went away before there was an answer."""

_UUID = re.compile(r"[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}")


class RequestLog:
    """The outermost ASGI layer: names, times, logs and counts what passes."""

    def __init__(self, app: ASGIApp, metrics: WebMetrics, slow_milliseconds: int) -> None:
        self._app = app
        self._metrics = metrics
        self._slow_milliseconds = slow_milliseconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, and note it when it is over."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
        request_id = request_id_of(Headers(scope=scope))
        began, status, streamed = perf_counter(), CALLER_LEFT, False

        async def named(message: Message) -> None:
            nonlocal status, streamed
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                status = message["status"]
                if headers.get("content-type", "").startswith("text/event-stream"):
                    streamed = True
                    self._metrics.streams.inc()
            await send(message)

        with bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, named)
            except Exception:
                status = 500
                raise
            finally:
                if streamed:
                    self._metrics.streams.dec()
                seconds = perf_counter() - began
                self._note(answered(scope, status, seconds, streamed=streamed))

    def _note(self, answered: Answered) -> None:
        self._metrics.note_request(answered)
        milliseconds = round(1000 * answered.seconds, 1)
        slow = milliseconds > self._slow_milliseconds > 0 and not answered.streamed
        if answered.route in QUIET and answered.status < 500 and not slow:
            return
        log = structlog.get_logger()
        tell = log.warning if slow else log.info
        tell(
            "slow_request" if slow else "request",
            method=answered.method,
            route=answered.route,
            status=answered.status,
            milliseconds=milliseconds,
            role=answered.role,
        )


def request_id_of(headers: Headers) -> str:
    """The caller's own id for this request if it is a UUID, or a new one."""
    given = headers.get("x-request-id", "").lower()
    return given if _UUID.fullmatch(given) else uuid4().hex


def answered(scope: Scope, status: int, seconds: float, *, streamed: bool) -> Answered:
    """A request that is over, without anything personal."""
    state = scope["state"]
    caller = state.get("caller")
    return Answered(
        method=scope["method"] if scope["method"] in METHODS else "other",
        route=state.get("route") or _route_outside(scope),
        status=status,
        seconds=seconds,
        role=None if caller is None else caller.role.value,
        streamed=streamed,
    )


def _route_outside(scope: Scope) -> str:
    """The route of a request that is not for the interface: a page, a file, a machine's look."""
    if scope["path"].startswith(f"{ASSETS}/"):
        return ASSETS
    return getattr(scope.get("route"), "path", "other")
