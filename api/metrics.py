"""The figures of one process for Prometheus: requests, commits, the outbox, the search.

Each process has a registry of its own. What happens in the town is counted from the events
that the process reads anyway, commits at the checkpoints that they pass anyway; so no rule
of the service knows of Prometheus. No label holds a value that a caller can choose.

See: docs/operations.md; docs/decisions/0095-counting-what-is-read-anyway.md
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import ip_address
from wsgiref.simple_server import WSGIServer

import structlog
from fastapi import FastAPI, Request, Response
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    start_http_server,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.concurrency import run_in_threadpool

from api import problems
from api.limits import Limiter
from api.settings import HttpSettings
from dispatch import wording
from dispatch.commands.deciding import LOST_RACE
from dispatch.commands.improve import Improvement
from dispatch.commands.service import Service
from dispatch.commands.sign_in import find_bearer
from dispatch.errors import BadInput, Refused, Unavailable
from dispatch.events import Fact, RecordedEvent
from dispatch.store.tokens import Role

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
LATENCY_SECONDS = (0.005, 0.01, 0.02, 0.03, 0.06, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
"""Headers by which a reverse proxy says that it asks for somebody else."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One request and its answer, as it may be counted and logged.

    method, route : the method and the template; "other" where they are none of ours.
    status : 499 where the caller left before there was an answer.
    """

    method: str
    route: str
    status: int
    seconds: float
    role: str | None
    streamed: bool = False


class Commits:
    """How many commits a process has made, and how many races it has lost."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._passed = {
            "begun": Counter(
                "noriai_transactions",
                "Write transactions begun, those the database asked to repeat too.",
                registry=registry,
            ),
            "committed": Counter("noriai_commits", "Changes committed.", registry=registry),
            LOST_RACE: Counter(
                "noriai_lost_races",
                "Decisions made again because a route had moved meanwhile.",
                registry=registry,
            ),
        }

    def counted(self, service: Service) -> Service:
        """The same service, its commits counted here."""
        before = service.ports.checkpoint

        def checkpoint(name: str) -> None:
            before(name)
            if name in self._passed:
                self._passed[name].inc()

        return replace(service, ports=replace(service.ports, checkpoint=checkpoint))


class WebMetrics:
    """What a web process counts."""

    def __init__(self, service: Service) -> None:
        self.registry = process_registry(service)
        self.commits = Commits(self.registry)
        self._requests = Counter(
            "noriai_http_requests",
            "Requests by route template, method and status class.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "noriai_http_request_seconds",
            "From a request's first byte to its answer's last; streams left out.",
            ("route",),
            buckets=LATENCY_SECONDS,
            registry=self.registry,
        )
        self.streams = Gauge("noriai_open_streams", "Event streams open.", registry=self.registry)
        self._facts = Counter(
            "noriai_events",
            "The town's events by fact, as this process has read them.",
            ("fact",),
            registry=self.registry,
        )
        self._refusals = Counter(
            "noriai_refusals",
            "Wishes refused by the code of the rule, as this process has read them.",
            ("code",),
            registry=self.registry,
        )
        self._read_up_to = Gauge(
            "noriai_stream_event_number",
            "The last event this process has read for its streams.",
            registry=self.registry,
        )
        for fact in Fact:
            self._facts.labels(fact.value)

    def note_request(self, answered: Answered) -> None:
        """Count one answer."""
        status = f"{answered.status // 100}xx"
        self._requests.labels(answered.route, answered.method, status).inc()
        if not answered.streamed:
            self._seconds.labels(answered.route).observe(answered.seconds)

    def note_event(self, recorded: RecordedEvent) -> None:
        """Count one event of the town; the hub calls it for each, in order."""
        fact = recorded.event.fact
        self._facts.labels(fact.value).inc()
        if fact is Fact.QUOTE_REFUSED:
            code = str(recorded.event.payload.get("code"))
            # Only codes we have a sentence for: whatever else is in a database stays out.
            known = code in wording.sentences("en")
            self._refusals.labels(code if known else "other").inc()
        self._read_up_to.set(recorded.number)


class WorkerMetrics:
    """What a worker counts."""

    def __init__(self, service: Service) -> None:
        self.registry = process_registry(service)
        self.commits = Commits(self.registry)
        self._searches = Counter(
            "noriai_searches",
            "Searches in the background: saved, nothing, or dropped (a route had moved).",
            ("outcome",),
            registry=self.registry,
        )
        self._saved = Counter(
            "noriai_search_saved_cost",
            "Cost taken out of the plan, by the town's weights.",
            registry=self.registry,
        )
        self._moved = Counter(
            "noriai_search_moved_bookings",
            "Bookings given another vehicle.",
            registry=self.registry,
        )
        self._last_search = Gauge(
            "noriai_last_search_timestamp_seconds",
            "When the last search ended (Unix time); one at rest looks again within minutes.",
            registry=self.registry,
        )
        for outcome in ("saved", "nothing", "dropped"):
            self._searches.labels(outcome)

    def note_search(self, better: Improvement) -> None:
        """Count one search."""
        outcome = "dropped" if better.dropped else "saved" if better.saved else "nothing"
        self._searches.labels(outcome).inc()
        self._saved.inc(better.saved)
        self._moved.inc(len(better.moved))
        self._last_search.set_to_current_time()

    def serve(self, host: str, port: int) -> WSGIServer:
        """Answer Prometheus at a port of its own. Raises BadInput("port_in_use")."""
        try:
            server, _ = start_http_server(port, host, self.registry)
        except (OSError, OverflowError) as error:
            raise BadInput(
                "metrics_port_in_use", place=f"{host}:{port}", reason=str(error)
            ) from error
        return server


def process_registry(service: Service) -> CollectorRegistry:
    """A registry with what every process of a town shows: itself, and its database."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    registry.register(DatabaseCollector(service))
    return registry


class DatabaseCollector(Collector):
    """The outbox and today's bookings, read at each scrape; a database that is away is a figure
    like any other.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """The figures now."""
        up = GaugeMetricFamily("noriai_database_up", "Whether the database answers.")
        try:
            figures = list(self._figures())
        except Unavailable:
            figures = []
        except Exception as error:
            problems.note_defect(error)
            figures = []
        up.add_metric((), float(bool(figures)))
        yield up
        yield from figures

    def _figures(self) -> Iterator[Metric]:
        now, health = self._service.now(), self._service.store.health(self._service.today())
        yield GaugeMetricFamily(
            "noriai_last_event_number", "The last number given.", value=health.last_number
        )
        yield GaugeMetricFamily(
            "noriai_last_event_age_seconds",
            "Since the last event that has a number; 0 before the first.",
            value=_seconds_since(health.last_event_at, now),
        )
        yield GaugeMetricFamily(
            "noriai_unpublished_events", "Events without a number yet.", value=health.unpublished
        )
        yield GaugeMetricFamily(
            "noriai_unpublished_age_seconds",
            "How long the oldest of them has waited.",
            value=_seconds_since(health.unpublished_since, now),
        )
        states = GaugeMetricFamily(
            "noriai_bookings", "Bookings of today by state.", labels=("state",)
        )
        for state, number in health.bookings.items():
            states.add_metric((state.value,), number)
        yield states


def _seconds_since(then: datetime | None, now: datetime) -> float:
    return 0.0 if then is None else max(0.0, (now - then).total_seconds())


# --- the door ----------------------------------------------------------------------------------


def add_to(app: FastAPI, metrics: WebMetrics, limiter: Limiter, settings: HttpSettings) -> None:
    """Answer `/metrics` of an application, to whom `settings.metrics` says."""

    @app.get("/metrics", include_in_schema=False)
    async def scrape(request: Request) -> Response:
        """This process's figures, as Prometheus reads them."""
        if settings.metrics != "open" and not (settings.metrics == "local" and is_local(request)):
            address = request.client.host if request.client else ""
            await limiter.count(f"at {address}", settings.strangers_per_minute)
            await run_in_threadpool(_must_be_admin, request)
        text = await run_in_threadpool(generate_latest, metrics.registry)
        return Response(text, media_type=CONTENT_TYPE_LATEST)


def is_local(request: Request) -> bool:
    """Whether a request comes from this machine or a private network, and by no proxy.

    A proxy on this machine asks from 127.0.0.1 for the whole world; it says so in a header.
    """
    if request.client is None or any(name in request.headers for name in FORWARDED):
        return False
    try:
        address = ip_address(request.client.host)
    except ValueError:
        return False
    return address.is_loopback or address.is_private


def _must_be_admin(request: Request) -> None:
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not secret.strip():
        raise Refused("not_signed_in")
    service: Service = request.app.state.service
    found = find_bearer(secret.strip(), service.store, service.now())
    if found is None:
        structlog.get_logger().warning("metrics_refused")
        raise Refused("not_signed_in")
    if found.role is not Role.ADMIN:
        raise Refused("not_for_you")
