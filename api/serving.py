"""The long-running processes: web, and the worker that searches and publishes.

See: docs/words.md, service; docs/decisions/0058-search-in-a-process-of-its-own.md
"""

from __future__ import annotations

import errno
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
import uvicorn

from api.metrics import WorkerMetrics
from api.settings import HttpSettings, http_settings
from api.settling import settle, take_short_turns
from api.working import Worker
from dispatch.commands.service import Service
from dispatch.errors import BadInput, Unavailable
from dispatch.town_file import find_town, load_town
from dispatch.wiring import build_service

if TYPE_CHECKING:
    from api.live import ClockControl

GRACE_SECONDS = 10
"""How long answers that are under way may take once the server is told to stop."""


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """What a process must be told; the command line reads it from options or NORIAI_…."""

    town: str
    database: str
    redis: str | None = None


def open_service(settings: ServiceSettings) -> Service:
    """The service these settings describe. Raises BadTownFile, NotFound, Unavailable."""
    town = load_town(find_town(settings.town))
    return build_service(town, database_url=settings.database, redis_url=settings.redis)


def serve(settings: ServiceSettings, host: str, port: int) -> None:
    """Answer HTTP until told to stop. Raises BadInput("port_in_use")."""
    log_as_json()
    http = http_settings(os.environ)
    # The web server takes these signals while it runs, and raises them again once it has
    # ended in order: here they end the process as asked for, rather than as killed.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    listener = listen(host, port)
    take_short_turns()
    service = open_service(settings)
    try:
        server = web_server(service, http, settings.redis, when_warm=partial(settle, service))
        structlog.get_logger().info("serving", host=host, port=port, store=service.store.place)
        server.run(sockets=[listener])
    finally:
        listener.close()
        service.store.close()


def web_server(
    service: Service,
    http: HttpSettings | None = None,
    redis_url: str | None = None,
    clock: ClockControl | None = None,
    when_warm: Callable[[], None] = lambda: None,
) -> uvicorn.Server:
    """A web server for a service that runs already; `run(sockets=[…])` serves until it is told
    to stop by a signal or by `should_exit`.

    clock : a demo's clock; None where time is real.
    when_warm : see `create_app`.
    """
    from api.app import create_app  # noqa: PLC0415  (loads every door)

    app = create_app(service, http, redis_url, clock, when_warm)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=30,
    )
    return GracefulServer(config, app.state.hub.end_streams)


class GracefulServer(uvicorn.Server):
    """A server that ends its open streams before it waits for its connections.

    uvicorn waits first and tells the application afterwards, so a stream would hold it up.
    """

    def __init__(self, config: uvicorn.Config, end_streams: Callable[[], None]) -> None:
        super().__init__(config)
        self._end_streams = end_streams

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, let other answers finish, stop."""
        self._end_streams()
        await super().shutdown(sockets)


def listen(host: str, port: int) -> socket.socket:
    """A socket that is bound to this address. Raises BadInput("port_in_use")."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named: asyncio sends small answers at once (TCP_NODELAY) only on a
    # socket that says it is TCP, and each answer waits some 40 ms for a receipt otherwise.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(1024)
    except (OSError, OverflowError) as error:
        listener.close()
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise BadInput("port_in_use", port=port) from error
        raise Unavailable(what=f"{host}:{port}: {error}") from error
    return listener


def log_as_json() -> None:
    """One JSON object a line on stderr, from the level `info` on."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def work(
    settings: ServiceSettings,
    heartbeat: Path,
    rounds: int | None = None,
    metrics_at: tuple[str, int] | None = None,
) -> None:
    """Publish, release what has expired and search, until told to stop (or for so many rounds).

    `heartbeat` is touched at each round, for whoever watches whether the worker lives;
    `metrics_at` is the host and port at which Prometheus may ask.
    """
    service = open_service(settings)
    metrics = WorkerMetrics(service)
    worker = Worker(metrics.commits.counted(service), heartbeat, metrics.note_search)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    try:
        if metrics_at is not None:
            metrics.serve(*metrics_at)
        worker.run(rounds)
    finally:
        service.store.close()
