"""The stream over a real web server: in order, without gap or repeat, and to whom it belongs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Any

import httpx
import pytest
import uvicorn

from api.serving import listen, web_server
from dispatch.commands.sign_in import issue_token
from dispatch.errors import BadInput
from dispatch.store.tokens import Role
from tests.builders import DayBuilder, a_town


@dataclass(frozen=True, slots=True)
class Running:
    """A service behind a real web server."""

    day: DayBuilder
    server: uvicorn.Server
    thread: Thread
    address: str

    def token(self, role: Role = Role.OPERATOR, subject: str | None = None) -> dict[str, str]:
        """The header of somebody with this role."""
        service = self.day.service
        secret = issue_token(role, subject, service.store, service.ports)
        return {"Authorization": f"Bearer {secret}"}

    @contextmanager
    def listening(self, headers: dict[str, str], query: str = "") -> Iterator[Iterator[Any]]:
        """The events of a stream, one after the other."""
        url = f"{self.address}/api/v1/stream{query}"
        with httpx.stream("GET", url, headers=headers, timeout=20) as answer:
            assert answer.status_code == 200, answer.read()
            yield events_of(answer.iter_lines())


def events_of(lines: Iterator[str]) -> Iterator[Any]:
    """Each event's data, once its id stood beside it."""
    data: dict[str, Any] = {}
    for line in lines:
        if line.startswith("data: "):
            data = json.loads(line.removeprefix("data: "))
        elif line.startswith("id: "):
            assert int(line.removeprefix("id: ")) == data["number"]
            yield data


@pytest.fixture
def running() -> Iterator[Running]:
    with a_town().day() as day:
        listener = listen("127.0.0.1", 0)
        server = web_server(day.service)
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield Running(day, server, thread, f"http://127.0.0.1:{listener.getsockname()[1]}")
        server.should_exit = True
        thread.join(timeout=20)
        listener.close()
        assert not thread.is_alive()


def take(events: Iterator[Any], count: int) -> list[Any]:
    return [next(events) for _ in range(count)]


def all_numbers(running: Running) -> list[int]:
    running.day.service.store.publish()
    return [event.number for event in running.day.service.store.list_events(0)]


def test_a_cut_stream_goes_on_without_gap_or_repeat(running: Running) -> None:
    headers = running.token()
    running.day.book("clinic", depart_after="10:00")
    with running.listening(headers, "?after=0") as events:
        first = take(events, 3)
    running.day.book("market", depart_after="11:00")
    total = all_numbers(running)
    resume = {**headers, "Last-Event-ID": str(first[-1]["number"])}
    with running.listening(resume, "?after=0") as events:
        rest = take(events, len(total) - 3)

    assert [event["number"] for event in first + rest] == total
    assert all("plan" not in e["payload"] and "rows" not in e["payload"] for e in rest)


def test_what_happens_reaches_an_open_stream(running: Running) -> None:
    with running.listening(running.token()) as events:
        running.day.book("clinic", depart_after="10:00")
        told = take(events, 6)
    assert "confirmed" in {event["fact"] for event in told}
    notice = next(event for event in told if event["fact"] == "notice")
    assert notice["sentence"].startswith("ご予約を承りました。")


def test_each_caller_sees_only_what_is_theirs(running: Running) -> None:
    person = running.day.registrant()
    mine = running.day.book("clinic", depart_after="10:00", registrant=person.id)
    running.day.book("market", depart_after="10:00", name="other")
    last = running.day.book("hill", depart_after="12:00", registrant=person.id, name="last")
    running.day.cancel("last")
    resident = running.token(Role.RESIDENT, person.id)

    seen: list[Any] = []
    with running.listening(resident, "?after=0") as events:
        for event in events:
            seen.append(event)
            if event["fact"] == "notice" and event["payload"]["code"] == "notice_cancelled":
                break
    store = running.day.service.store
    owners = {store.get_booking(event["booking_id"]).registrant_id for event in seen}
    assert owners == {person.id}
    assert {mine.id, last.id} <= {event["booking_id"] for event in seen}


def test_a_planner_learns_nothing_of_where_people_live(running: Running) -> None:
    running.day.book("clinic", depart_after="10:00")
    with running.listening(running.token(Role.PLANNER), "?after=0") as events:
        told = take(events, 3)
    hidden = {"origin", "destination", "visits", "plan", "rows"}
    assert all(not hidden & event["payload"].keys() for event in told)


def test_a_server_that_is_told_to_stop_ends_its_streams(running: Running) -> None:
    with running.listening(running.token(), "?after=0") as events:
        running.day.book("clinic", depart_after="10:00")
        next(events)
        running.server.should_exit = True
        rest = list(events)
    running.thread.join(timeout=8)
    assert not running.thread.is_alive()
    assert [event["number"] for event in rest] == all_numbers(running)[1 : 1 + len(rest)]


def test_a_port_that_is_taken_is_said_so() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(BadInput) as raised:
        listen("127.0.0.1", taken.getsockname()[1])
    assert raised.value.code == "port_in_use"
