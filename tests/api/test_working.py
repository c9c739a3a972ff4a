"""When the worker searches, when it rests, and that nothing ends it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from api import working
from api.working import DOUBLINGS, LONGEST_REST_SECONDS, SEARCH_STEPS, Pace, Worker
from dispatch.commands.improve import Improvement, SearchProcess, improve
from dispatch.commands.quote import quote
from dispatch.errors import Unavailable
from tests.builders import DAY, DayBuilder, a_town


@dataclass(slots=True)
class Searches:
    """Stands in for the search: notes how deep it was asked to look, and finds nothing."""

    steps: list[int] = field(default_factory=list)
    before: Callable[[int], None] = lambda _: None

    def __call__(self, *asked: Any) -> Improvement:
        self.steps.append(asked[2])
        self.before(len(self.steps))
        return Improvement()


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> Searches:
    found = Searches()
    monkeypatch.setattr(working, "improve", found)
    monkeypatch.setattr(working, "ROUND_SECONDS", 0.0)
    return found


def a_worker(day: DayBuilder, folder: Path, clock: Callable[[], float] = lambda: 0.0) -> Worker:
    return Worker(day.service, folder / "heartbeat", clock=clock)


@pytest.mark.parametrize(("days", "known"), [(29, True), (31, False)])
def test_a_key_is_known_for_thirty_days(
    searches: Searches, tmp_path: Path, days: int, known: bool
) -> None:
    with a_town().day() as day:
        quote(day.wish("clinic", depart_after="10:00"), day.service, "key-1")
        day.clock.forward(days=days)

        a_worker(day, tmp_path).run(rounds=1)

        assert (day.service.store.find_answer("key-1") is not None) is known


def test_a_plan_is_searched_deeper_and_deeper_and_then_left_in_peace(
    searches: Searches, tmp_path: Path
) -> None:
    with a_town().day() as day:
        a_worker(day, tmp_path).run(rounds=20)

    depths = [SEARCH_STEPS * 2**number for number in range(DOUBLINGS + 1)]
    assert searches.steps == depths


def test_a_plan_that_stays_is_looked_at_less_and_less_often_for_a_short_time(
    searches: Searches, tmp_path: Path
) -> None:
    seconds = iter(range(10_000))
    with a_town().day() as day:
        a_worker(day, tmp_path, lambda: float(next(seconds))).run(rounds=500)

    later = searches.steps[DOUBLINGS + 1 :]
    assert set(later) == {SEARCH_STEPS}
    assert 3 < len(later) < 30


def test_a_rest_is_never_longer_than_a_minute() -> None:
    pace = Pace()
    for _ in range(1000):
        pace = pace.slower()
    assert pace.rest_seconds == LONGEST_REST_SECONDS
    assert pace.steps == SEARCH_STEPS


def test_a_booking_starts_the_search_anew_at_once(searches: Searches, tmp_path: Path) -> None:
    with a_town().day() as day:
        worker = a_worker(day, tmp_path)
        worker.run(rounds=20)
        day.book("clinic", depart_after="10:00")
        worker.run(rounds=21)

    assert searches.steps[DOUBLINGS + 1 :] == [SEARCH_STEPS]


def test_nothing_that_fails_in_a_round_ends_the_worker(searches: Searches, tmp_path: Path) -> None:
    failures: dict[int, Exception] = {1: Unavailable(what="database"), 2: RuntimeError("ours")}

    def fail(number: int) -> None:
        if number in failures:
            raise failures[number]

    searches.before = fail
    with a_town().day() as day:
        a_worker(day, tmp_path).run(rounds=6)

    assert len(searches.steps) > len(failures)


def test_holds_expire_while_a_long_search_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with a_town().day() as day:
        worker = a_worker(day, tmp_path)
        day.ask("clinic", depart_after="10:00")
        asked: list[bool] = []

        def search_long(*_: object) -> Improvement:
            day.clock.forward(minutes=30)
            asked.append(worker._is_over())
            return Improvement()

        monkeypatch.setattr(working, "improve", search_long)
        worker.run(rounds=1)

        assert asked == [True]  # the plan has changed under the search
        assert day.service.store.list_expired_offers(day.service.now()) == []


def test_a_search_process_that_is_killed_is_replaced() -> None:
    with a_town().with_vehicles(2).day() as day, SearchProcess() as elsewhere:
        day.book("market", origin="hill", depart_after="10:00")
        improve(DAY, day.service, 10, 1, run=elsewhere.search)
        first = elsewhere.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)

        assert improve(DAY, day.service, 10, 1, run=elsewhere.search) == Improvement()
        improve(DAY, day.service, 10, 1, run=elsewhere.search)

        assert elsewhere.pid not in {None, first}


def test_a_search_that_is_no_longer_wanted_is_ended() -> None:
    for_ever = 2**40
    with a_town().with_vehicles(2).day() as day, SearchProcess(lambda: True) as elsewhere:
        day.book("market", origin="hill", depart_after="10:00")

        improve(DAY, day.service, for_ever, 1, run=elsewhere.search)

        assert elsewhere.pid is not None  # asked to stop, not killed
