"""`/metrics` and `/readyz`: what a town's watch reads of each process, and who may."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

import httpx
import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from api.metrics import WebMetrics, WorkerMetrics
from api.readiness import Readiness
from api.serving import listen
from api.settings import HttpSettings
from dispatch import events
from dispatch.commands.deciding import decide
from dispatch.commands.improve import Improvement
from dispatch.commands.sign_in import issue_token
from dispatch.errors import BadInput, RouteMoved, Unavailable
from dispatch.events import Fact, RecordedEvent
from dispatch.store.tokens import Role
from tests.api.doors import Doors, a_registration
from tests.builders import DAY, DayBuilder, a_town

HERE = ("127.0.0.1", 50_000)
FAR = ("203.0.114.7", 50_000)


@contextmanager
def asked_from(client: tuple[str, int], allowed: str = "local") -> Iterator[Doors]:
    """A town's doors, for somebody who asks from this address."""
    with a_town().day() as day:
        app = create_app(day.service, HttpSettings(metrics=allowed))
        with TestClient(app, raise_server_exceptions=False, client=client) as http:
            yield Doors(day, http)


def figures(text: str) -> dict[str, float]:
    """Each sample of a scrape by its name and labels."""
    return {
        " ".join((sample.name, *dict(sorted(sample.labels.items())).values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scraped(at: Doors) -> dict[str, float]:
    answer = at.client.get("/metrics")
    assert answer.status_code == 200
    return figures(answer.text)


def take_the_database_away(day: DayBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise Unavailable(what="database")

    for read in ("health", "is_current", "find_token"):
        monkeypatch.setattr(type(day.service.store), read, away)


def test_a_booking_is_seen_in_the_figures() -> None:
    with asked_from(HERE) as at:
        at.book(at.operator)
        at.client.get("/api/v1/nowhere/0994652511")
        at.day.service.store.publish()
        found = scraped(at)

    assert found["noriai_http_requests_total POST /bookings 2xx"] == 1
    assert found["noriai_http_requests_total GET other 4xx"] == 1
    assert found["noriai_http_request_seconds_count /quotes"] == 1
    assert found["noriai_commits_total"] == found["noriai_transactions_total"] > 1
    assert found["noriai_bookings confirmed"] == 1
    assert found["noriai_bookings completed"] == 0
    assert found["noriai_unpublished_events"] == 0
    assert found["noriai_last_event_number"] > 0
    assert found["noriai_database_up"] == 1
    assert found["process_start_time_seconds"] > 0


def test_an_event_without_a_number_is_seen_to_wait() -> None:
    with a_town().day() as day:
        metrics = WorkerMetrics(day.service)
        day.book("clinic")
        waiting = {
            sample.name: sample.value
            for family in metrics.registry.collect()
            for sample in family.samples
        }
        day.service.store.publish()
        after = metrics.registry.get_sample_value("noriai_unpublished_events")

    assert waiting["noriai_unpublished_events"] > 0
    assert waiting["noriai_last_event_number"] == 0
    assert after == 0


def test_each_event_of_the_town_is_counted_once() -> None:
    with asked_from(HERE) as at:
        confirmed, hub = Event(), at.client.app.state.hub  # type: ignore[attr-defined]
        count = hub._note

        def note(recorded: RecordedEvent) -> None:
            count(recorded)
            if recorded.event.fact is Fact.CONFIRMED:
                confirmed.set()

        hub._note = note
        at.book(at.operator)
        at.day.service.bell.ring()
        assert confirmed.wait(10)
        found = scraped(at)

    assert found["noriai_events_total confirmed"] == 1
    assert found["noriai_events_total offered"] >= 1
    assert found["noriai_events_total completed"] == 0
    assert found["noriai_stream_event_number"] > 0


@pytest.mark.parametrize(("code", "counted"), [("seats", "seats"), ("花子", "other")])
def test_refusals_are_counted_by_the_code_of_their_rule(code: str, counted: str) -> None:
    with a_town().day() as day:
        metrics = WebMetrics(day.service)
        refused = events.Event(Fact.QUOTE_REFUSED, day.service.now(), DAY, payload={"code": code})
        metrics.note_event(RecordedEvent(7, refused))

    value = metrics.registry.get_sample_value("noriai_refusals_total", {"code": counted})
    assert value == 1


def test_a_lost_race_is_counted_each_time_it_is_decided_again() -> None:
    with asked_from(HERE) as at:
        service = at.client.app.state.service  # type: ignore[attr-defined]
        losses = iter([True, True, False])

        def attempt() -> str:
            if next(losses):
                raise RouteMoved
            return "made"

        assert decide(service, attempt) == "made"
        assert scraped(at)["noriai_lost_races_total"] == 2


def test_no_label_holds_what_a_caller_has_written() -> None:
    with asked_from(HERE) as at:
        at.operator.post("/registrations", a_registration())
        at.client.request("肝付花子".encode().hex(), "/api/v1/stops")
        at.client.get("/api/v1/bookings/bkg_hanako?phone=0994652511")
        text = at.client.get("/metrics").text

    for personal in ("hanako", "0994652511", "994-65", "花子", "肝付花子".encode().hex()):
        assert personal not in text


@pytest.mark.parametrize("allowed", ["local", "open"])
def test_a_scrape_goes_on_while_the_database_is_away(
    allowed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with asked_from(HERE, allowed) as at:
        take_the_database_away(at.day, monkeypatch)
        found = scraped(at)

    assert found["noriai_database_up"] == 0
    assert "noriai_last_event_number" not in found
    assert "process_start_time_seconds" in found


@pytest.mark.parametrize(
    ("allowed", "client", "headers", "role", "status"),
    [
        ("local", HERE, {}, None, 200),
        ("local", ("192.168.1.20", 1), {}, None, 200),
        ("local", ("fd00::7", 1), {}, None, 200),
        ("local", FAR, {}, None, 401),
        ("local", FAR, {}, Role.OPERATOR, 403),
        ("local", FAR, {}, Role.ADMIN, 200),
        ("local", HERE, {"X-Forwarded-For": "192.168.1.20"}, None, 401),
        ("local", ("somewhere", 1), {}, None, 401),
        ("token", HERE, {}, None, 401),
        ("token", HERE, {}, Role.RESIDENT, 403),
        ("token", FAR, {}, Role.ADMIN, 200),
        ("open", FAR, {}, None, 200),
    ],
)
def test_who_may_read_the_metrics(
    allowed: str,
    client: tuple[str, int],
    headers: dict[str, str],
    role: Role | None,
    status: int,
) -> None:
    with asked_from(client, allowed) as at:
        if role is not None:
            store, ports = at.day.service.store, at.day.service.ports
            headers = {"Authorization": f"Bearer {issue_token(role, 'x', store, ports)}"}
        assert at.client.get("/metrics", headers=headers).status_code == status


def test_a_token_that_does_not_hold_is_refused() -> None:
    with asked_from(FAR) as at:
        answer = at.client.get("/metrics", headers={"Authorization": "Bearer stolen"})

    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")


def test_nobody_may_try_tokens_at_the_metrics_without_end() -> None:
    with a_town().day() as day:
        app = create_app(day.service, HttpSettings(strangers_per_minute=3))
        with TestClient(app, client=FAR) as client:
            headers = {"Authorization": "Bearer guess"}
            answers = [client.get("/metrics", headers=headers).status_code for _ in range(4)]

    assert answers == [401, 401, 401, 429]


def test_a_worker_shows_its_searches_at_a_port_of_its_own() -> None:
    with a_town().day() as day:
        metrics = WorkerMetrics(day.service)
        metrics.note_search(Improvement(saved=40, moved=("bkg_1",)))
        metrics.note_search(Improvement(dropped=True))
        metrics.note_search(Improvement())
        server = metrics.serve("127.0.0.1", 0)
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/metrics") as answer:
                found = figures(answer.read().decode())
        finally:
            server.shutdown()
            server.server_close()

    outcomes = [found[f"noriai_searches_total {o}"] for o in ("saved", "dropped", "nothing")]
    assert outcomes == [1, 1, 1]
    assert found["noriai_search_saved_cost_total"] == 40
    assert found["noriai_search_moved_bookings_total"] == 1
    assert found["noriai_database_up"] == 1


def test_a_worker_whose_metrics_port_is_taken_says_so() -> None:
    with (
        a_town().day() as day,
        listen("127.0.0.1", 0) as taken,
        pytest.raises(BadInput) as raised,
    ):
        WorkerMetrics(day.service).serve("127.0.0.1", taken.getsockname()[1])
    assert raised.value.code == "metrics_port_in_use"


# --- readiness -----------------------------------------------------------------------------------


def test_a_process_is_ready_only_when_its_kernels_are_warm() -> None:
    begun, may_end = Event(), Event()

    def warm() -> None:
        begun.set()
        may_end.wait(10)

    with a_town().day() as day:
        readiness = Readiness(day.service, warm)
        thread = readiness.start()
        begun.wait(10)
        during = readiness.now()
        may_end.set()
        thread.join(10)
        after = readiness.now()

    assert (during["status"], during["kernels"]) == ("not ready", "warming")
    assert after == {
        "status": "ready",
        "database": "here",
        "tables": "current",
        "kernels": "warm",
    }


def test_kernels_that_cannot_be_warmed_are_never_called_ready() -> None:
    def warm() -> None:
        raise RuntimeError

    with a_town().day() as day:
        readiness = Readiness(day.service, warm)
        readiness.start().join(10)
        assert readiness.now()["kernels"] == "failed"
        assert readiness.now()["status"] == "not ready"


@pytest.mark.parametrize(("current", "tables"), [(False, "of another version"), (True, "current")])
def test_tables_of_another_version_are_not_ready(
    current: bool, tables: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_town().day() as day:
        monkeypatch.setattr(type(day.service.store), "is_current", lambda _: current)
        readiness = Readiness(day.service, lambda: None)
        readiness.start().join(10)
        assert readiness.now()["tables"] == tables
        assert (readiness.now()["status"] == "ready") is current


def test_liveness_answers_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    with asked_from(HERE) as at:
        take_the_database_away(at.day, monkeypatch)
        alive: httpx.Response = at.client.get("/healthz")
        ready = at.client.get("/readyz")

    assert alive.status_code == 200
    assert (ready.status_code, ready.json()["database"]) == (503, "away")
