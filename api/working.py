"""What a worker does over and over: publish, let holds expire, and look for a better plan.

A change of today's plan (a booking, a delay, a breakdown) starts the search at once on what
stands now; a search that runs on an older plan is ended. While nothing changes each round
looks deeper, until nothing has been found for long; then it rests, longer each time. A part
that is away is waited for, and nothing that goes wrong in one round ends the worker.

See: docs/words.md, search; docs/decisions/0110-when-the-search-runs.md
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from threading import Event
from time import monotonic

import structlog

from api import problems
from dispatch.commands.answers import forget_old
from dispatch.commands.book import expire_holds
from dispatch.commands.improve import Improvement, SearchProcess, improve
from dispatch.commands.service import Service
from dispatch.errors import Unavailable

ROUND_SECONDS = 1.0
"""How long the worker waits at most before it looks again, when nothing rings."""

SEARCH_STEPS = 2_000
"""How many steps the first search of a plan takes."""

DOUBLINGS = 5
"""How often a search that found nothing is followed by one of twice the steps."""

LONGEST_REST_SECONDS = 60.0

type Standing = tuple[date, tuple[tuple[str, int], ...]]
"""Today, and the version of each of its routes: what a search is about."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How deep to look next, and how long to rest before.

    fruitless : searches of one and the same plan that have found nothing.
    """

    fruitless: int = 0

    @property
    def steps(self) -> int:
        """Twice as many each time; once all depths are tried, a short look."""
        return SEARCH_STEPS << self.fruitless if self.fruitless <= DOUBLINGS else SEARCH_STEPS

    @property
    def rest_seconds(self) -> float:
        """None while there are depths to try, then twice as long each time."""
        over = self.fruitless - DOUBLINGS
        return 0.0 if over <= 0 else min(LONGEST_REST_SECONDS, 2.0**over)

    def slower(self) -> Pace:
        """The pace after one more search that has found nothing."""
        return Pace(self.fruitless + 1)


class Worker:
    """One worker's rounds.

    heartbeat : a file that is touched while it lives, for whoever watches.
    note : is told what each search has brought.
    clock : seconds that never go back.
    """

    def __init__(
        self,
        service: Service,
        heartbeat: Path,
        note: Callable[[Improvement], None] = lambda _: None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._service = service
        self._heartbeat = heartbeat
        self._note = note
        self._clock = clock
        self._stop = Event()
        self._searched: Standing | None = None
        self._pace = Pace()
        self._rests_until = 0.0
        self._rounds = 0
        self._away = False
        self._tidied: date | None = None

    def stop(self) -> None:
        """Let the round under way be the last one; a search that runs is ended."""
        self._stop.set()

    def run(self, rounds: int | None = None) -> None:
        """Work until told to stop, or for so many rounds."""
        with SearchProcess(self._is_over) as process:
            while not self._stop.is_set() and self._rounds != rounds:
                mark = self._service.bell.mark()
                self._patiently(process)
                self._rounds += 1
                if not self._stop.is_set() and self._rounds != rounds and not self._is_due():
                    self._service.bell.wait(mark, ROUND_SECONDS)

    def _patiently(self, process: SearchProcess) -> None:
        """One round, whatever happens in it; the next one comes in any case."""
        try:
            self._round(process)
        except Unavailable as error:
            self._note_away(away=True, what=str(error.facts.get("what", "")))
        except Exception as error:
            problems.note_defect(error)
        else:
            self._note_away(away=False)
            return
        self._stop.wait(ROUND_SECONDS)

    def _round(self, process: SearchProcess) -> None:
        self._chores()
        standing = self._standing()
        if standing != self._searched:
            self._searched = standing
            self._go_on_at(Pace())
        elif not self._is_due():
            return
        steps = self._pace.steps
        self._go_on_at(self._pace.slower())  # also where the search fails
        found = improve(standing[0], self._service, steps, self._rounds, process.search)
        if found.saved or found.dropped:
            self._go_on_at(Pace())
        self._note(found)
        if found.saved:
            structlog.get_logger().info(
                "improved", saved=found.saved, moved=len(found.moved), process=os.getpid()
            )

    def _go_on_at(self, pace: Pace) -> None:
        self._pace = pace
        self._rests_until = self._clock() + pace.rest_seconds

    def _is_due(self) -> bool:
        return not self._away and self._clock() >= self._rests_until

    def _chores(self) -> None:
        """What may not wait for a search."""
        self._heartbeat.touch()
        published, expired = self._service.store.publish(), expire_holds(self._service)
        if expired:
            structlog.get_logger().info("chores", published=published, expired=expired)
        today = self._service.today()
        if self._tidied != today:
            forget_old(self._service)
            self._tidied = today

    def _standing(self) -> Standing:
        today = self._service.today()
        routes = self._service.store.read_day(today).routes
        return today, tuple((route.id, route.version) for route in routes)

    def _is_over(self) -> bool:
        """Whether the search under way is no longer wanted; the chores are done meanwhile."""
        if self._stop.is_set():
            return True
        try:
            self._chores()
            return self._standing() != self._searched
        except Unavailable:
            return True

    def _note_away(self, *, away: bool, what: str = "") -> None:
        if away != self._away:
            self._away = away
            log = structlog.get_logger()
            log.warning("worker_waits" if away else "worker_goes_on", what=what)
