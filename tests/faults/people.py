"""Many callers at once, each with a notebook: what was asked, and every answer that was given.

Whoever gets no answer asks again under the same key, at whichever web process is there, as
a good program would. They can be told to pause, so that somebody may look at the books.

See: docs/faults.md
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from threading import Condition, Event, Thread
from time import monotonic
from typing import Any

import httpx

from tests.faults.town import RunningTown, wait_for

ROOT = "/api/v1"
ANSWERED_WITHIN_SECONDS = 120
"""Longest that anybody has to go on asking; the faults are over long before."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Booked:
    """A booking as somebody was told it, with the key they asked under."""

    key: str
    id: str
    promise: Mapping[str, Any]


@dataclass(slots=True)
class Notebook:
    """What everybody was told. Lists only grow, so threads may write and others read."""

    booked: list[Booked] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    driven: list[tuple[str, str]] = field(default_factory=list)
    registered: list[tuple[str, str]] = field(default_factory=list)
    streamed: list[list[int]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    cuts: list[str] = field(default_factory=list)
    honest: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, int]:
        """How much was done, for the record."""
        return {
            "answers": len(self.statuses),
            "booked": len(self.booked),
            "cancelled": len(self.cancelled),
            "driven": len(self.driven),
            "streamed": sum(map(len, self.streamed)),
            "cuts": len(self.cuts),
            "honest_503": len(self.honest),
        }


class Gate:
    """Where everybody waits while somebody looks at the books."""

    def __init__(self) -> None:
        self._condition = Condition()
        self._open = True
        self._busy = 0

    @contextmanager
    def step(self) -> Iterator[None]:
        """Do one thing, not while the gate is closed."""
        with self._condition:
            self._condition.wait_for(lambda: self._open)
            self._busy += 1
        try:
            yield
        finally:
            with self._condition:
                self._busy -= 1
                self._condition.notify_all()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Everybody has finished what they were doing, and nobody begins."""
        with self._condition:
            self._open = False
            assert self._condition.wait_for(
                lambda: self._busy == 0, timeout=2 * ANSWERED_WITHIN_SECONDS
            )
        try:
            yield
        finally:
            with self._condition:
                self._open = True
                self._condition.notify_all()


class Caller:
    """Somebody who asks until there is an answer."""

    def __init__(self, town: RunningTown, notes: Notebook, chance: Random) -> None:
        self._town = town
        self._notes = notes
        self.chance = chance
        self._client = httpx.Client(
            timeout=30, headers={"Authorization": f"Bearer {town.token}", "Accept-Language": "en"}
        )

    def ask(self, method: str, path: str, body: object = None, key: str | None = None) -> Any:
        """Ask until it is answered by anything but "not now"; the answer's status and body."""
        until = monotonic() + ANSWERED_WITHIN_SECONDS
        headers = {} if key is None else {"Idempotency-Key": key}
        while monotonic() < until:
            answer = self._once(method, path, body, headers)
            if answer is not None:
                return answer
            Event().wait(self.chance.uniform(0.02, 0.3))
        self._notes.complaints.append(f"no answer: {method} {path}")
        return 0, {}

    def _once(self, method: str, path: str, body: object, headers: dict[str, str]) -> Any:
        away = self._town.away.is_set()
        url = self.chance.choice(self._town.addresses()) + ROOT + path
        try:
            answer = self._client.request(method, url, json=body, headers=headers)
        except httpx.TransportError as error:
            self._notes.cuts.append(type(error).__name__)
            return None
        self._notes.statuses.append(answer.status_code)
        if answer.status_code < 500:
            return answer.status_code, answer.json()
        away = away or self._town.away.is_set()
        self._note_failure(f"{method} {path}", answer, away=away)
        return None

    def _note_failure(self, what: str, answer: httpx.Response, *, away: bool) -> None:
        """A 503 is good while a part is away, if it says so as a problem document."""
        document: Json = {}
        with suppress(ValueError):
            document = answer.json()
        honest = answer.status_code == 503 and document.get("code") == "unavailable"
        line = f"{what}: {answer.status_code} {document.get('code')}"
        (self._notes.honest if honest and away else self._notes.complaints).append(line)

    def close(self) -> None:
        """Hang up."""
        self._client.close()


@dataclass(slots=True)
class Crowd:
    """Everybody who knocks at one town, until it is told to go home.

    seed : the same people want the same things again; who is faster is up to the machine.
    """

    town: RunningTown
    seed: int
    notes: Notebook = field(default_factory=Notebook)
    gate: Gate = field(default_factory=Gate)
    _over: Event = field(default_factory=Event)
    _threads: list[Thread] = field(default_factory=list)
    _keys: Iterator[int] = field(default_factory=count)

    def residents(self, number: int, pause: float = 0.0) -> None:
        """So many people who register, ask, book, and cancel now and then."""
        for _ in range(number):
            self._begin(self._resident, pause)

    def drivers(self) -> None:
        """Everybody who drives, each their own vehicle."""
        caller = self._caller()
        status, board = caller.ask("GET", "/board")
        assert status == 200, board
        for route in board["vehicles"]:
            self._begin(self._driver, route["route_id"])

    def readers(self, number: int) -> None:
        """So many open streams; each begins with the events that are there already."""
        for _ in range(number):
            self._begin(self._reader)

    def goes_on(self, answers: int) -> None:
        """Wait until people have had so many more answers."""
        enough = len(self.notes.statuses) + answers
        wait_for(lambda: len(self.notes.statuses) >= enough, "people go on")

    def go_home(self) -> None:
        """Everybody finishes what they are doing; what went wrong with anybody is raised."""
        self._over.set()
        for thread in self._threads:
            thread.join(2 * ANSWERED_WITHIN_SECONDS)
            assert not thread.is_alive(), thread.name

    def statuses(self) -> Counter[int]:
        """How often each status was answered."""
        return Counter(self.notes.statuses)

    def _caller(self) -> Caller:
        return Caller(self.town, self.notes, Random(f"{self.seed} {next(self._keys)}"))

    def _begin(self, live: Callable[..., None], *about: object) -> None:
        caller = self._caller()
        name = f"{live.__name__}{len(self._threads)}"

        def run() -> None:
            try:
                live(caller, *about)
            except Exception as error:
                self.notes.complaints.append(f"{name} failed: {error!r}")
            finally:
                caller.close()

        thread = Thread(target=run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    # --- residents -----------------------------------------------------------------------

    def _resident(self, caller: Caller, pause: float) -> None:
        who = next(self._keys)
        with self.gate.step():
            stops = [stop["id"] for stop in caller.ask("GET", "/stops")[1]["items"]]
            me = self.register(caller, who, stops[0])
        for number in count():
            if self._over.wait(pause):
                return
            with self.gate.step():
                self._seek_a_ride(caller, me, f"{self.seed}-{who}-{number}", stops)

    def register(self, caller: Caller, who: int, home: str) -> str | None:
        """Put somebody on the register; their id."""
        form = {
            "name": f"肝付 {who}",
            "kana": "きもつき",
            "phone": f"0994-{who // 10000 + 20:02d}-{who % 10000:04d}",
            "home": {"stop_id": home},
            "consent": True,
            "channel": "phone",
        }
        key = f"register {self.seed} {who}"
        status, answer = caller.ask("POST", "/registrations", form, key)
        if status != 201:
            self.notes.complaints.append(f"not registered: {status} {answer}")
            return None
        self.notes.registered.append((key, answer["id"]))
        return str(answer["id"])

    def _seek_a_ride(self, caller: Caller, me: str | None, name: str, stops: list[str]) -> None:
        chance = caller.chance
        origin, destination = chance.sample(stops, 2)
        after = self.town.clock() + timedelta(minutes=chance.uniform(3, 90))
        wish = {
            "registration_id": me,
            "origin": {"stop_id": origin},
            "destination": {"stop_id": destination},
            "party": {"passengers": chance.choice((1, 1, 1, 2))},
            "depart_after": after.isoformat(),
        }
        status, quote = caller.ask("POST", "/quotes", wish, f"quote {name}")
        if status != 200 or not quote["offers"]:
            return
        self.accept(caller, quote["offers"][0]["id"], f"accept {name}")
        if chance.random() < 0.2 and self.notes.booked:
            mine = self.notes.booked[-1].id
            status, answer = caller.ask("DELETE", f"/bookings/{mine}", None, f"cancel {name}")
            if status == 200 and answer["state"] == "cancelled":
                self.notes.cancelled.append(mine)

    def accept(self, caller: Caller, offer: str, key: str) -> bool:
        """Take an offer, and now and then say so twice."""
        status, answer = caller.ask("POST", "/bookings", {"offer_id": offer}, key)
        if status != 201:
            if status != 409:
                self.notes.complaints.append(f"accept: {status} {answer}")
            return False
        self.notes.booked.append(Booked(key, answer["id"], answer["promise"]))
        if caller.chance.random() < 0.2:
            status, again = caller.ask("POST", "/bookings", {"offer_id": offer}, key)
            if (status, again.get("id")) != (201, answer["id"]):
                self.notes.complaints.append(f"the same key, another answer: {status} {again}")
        return True

    # --- drivers -------------------------------------------------------------------------

    def _driver(self, caller: Caller, route_id: str) -> None:
        for number in count():
            if self._over.wait(0.2):
                return
            with self.gate.step():
                status, route = caller.ask("GET", f"/driver/manifest?route_id={route_id}")
                act = self._next_act(route, caller.chance) if status == 200 else None
                if act is not None:
                    self._report(caller, {**act, "route_id": route_id}, f"{route_id}-{number}")

    def _next_act(self, route: Json, chance: Random) -> Json | None:
        now, status = self.town.clock(), route["status"]
        if status == "off_duty":
            return {"act": "start_duty"}
        if status == "driving":
            expected = datetime.fromisoformat(route["arrives_at"])
            if chance.random() < 0.02:
                late = expected + timedelta(minutes=4)
                return {"act": "delay", "expected_arrival": late.isoformat()}
            return {"act": "arrive"} if expected <= now else None
        if status == "on_break":
            return {"act": "end_break"} if chance.random() < 0.05 else None
        if status == "out_of_service":
            return {"act": "repair"} if chance.random() < 0.1 else None
        return _standing_act(route, now) if status == "standing" else None

    def _report(self, caller: Caller, act: Json, name: str) -> None:
        """Send an act until the service has taken or refused it."""
        body = {"events": [{"id": f"{self.seed}-{name}", **act}]}
        until = monotonic() + ANSWERED_WITHIN_SECONDS
        while monotonic() < until:
            away = self.town.away.is_set()
            status, answer = caller.ask("POST", "/driver/events", body)
            if status != 200:
                self.notes.complaints.append(f"{act}: {status} {answer}")
                return
            result = answer["results"][0]
            if result["outcome"] == "applied":
                self.notes.driven.append((act["act"], act.get("booking_id", "")))
            if result["outcome"] != "not_tried":
                return
            if not (away or self.town.away.is_set()):
                self.notes.complaints.append(f"{act} not tried: {result['problem']}")
            Event().wait(0.2)

    # --- streams -------------------------------------------------------------------------

    def _reader(self, caller: Caller) -> None:
        seen: list[int] = []
        self.notes.streamed.append(seen)
        while not self._over.is_set():
            url = caller.chance.choice(self.town.addresses()) + ROOT + "/stream"
            last = {"Last-Event-ID": str(seen[-1] if seen else 0)}
            with suppress(httpx.TransportError):
                self._read(url, last, seen)
            Event().wait(0.1)

    def _read(self, url: str, headers: dict[str, str], seen: list[int]) -> None:
        headers = {**headers, "Authorization": f"Bearer {self.town.token}"}
        with httpx.stream("GET", url, headers=headers, timeout=httpx.Timeout(10, read=5)) as answer:
            if answer.status_code not in {200, 503}:
                self.notes.complaints.append(f"stream: {answer.status_code}")
            for line in answer.iter_lines():
                if line.startswith("id:"):
                    seen.append(int(line.removeprefix("id:")))
                if self._over.is_set():
                    return


def _standing_act(route: Json, now: datetime) -> Json | None:
    """What comes next for a vehicle that stands; each call when its time has come."""
    if not route["visits"]:
        return None
    visit = route["visits"][0]
    known = {rider["booking_id"]: rider["state"] for rider in route["passengers"]}
    if visit["kind"] == "break":
        due = datetime.fromisoformat(visit["leaves_at"]) <= now
        if not due:
            return None
        return {"act": "start_break"} if visit["place"] == route["place"] else {"act": "depart"}
    if visit["place"] != route["place"]:
        due = datetime.fromisoformat(visit["leaves_at"]) <= now
        return {"act": "depart"} if due else None
    if datetime.fromisoformat(visit["ends_at"]) > now:
        return None
    if visit["kind"] == "pickup" and known.get(visit["subject"]) != "confirmed":
        return None
    act = "board" if visit["kind"] == "pickup" else "complete"
    return {"act": act, "booking_id": visit["subject"]}


def record(what: str, crowd: Crowd, **figures: object) -> None:
    """Note what a whole run has done, where FAULTS_RECORD names a file for it."""
    file = os.environ.get("FAULTS_RECORD")
    if file:
        line = {"what": what, "seed": crowd.seed, **figures, **crowd.notes.figures()}
        with Path(file).open("a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")
