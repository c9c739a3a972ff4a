"""Continuous reassignment: search for a better plan, and commit it if nothing has moved.

The search runs outside any transaction, and in a service in a process of its own, so
planning never blocks a booking. A route that moved meanwhile drops the improvement.

See: docs/decisions/0058-search-in-a-process-of-its-own.md; docs/words.md, search
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Any, Self

import structlog

from dispatch import notices
from dispatch.booking import Booking, State
from dispatch.commands.foresight import readiest
from dispatch.commands.planning import Day, Rewrite, read_day, rewrite
from dispatch.commands.service import Service
from dispatch.commands.telling import tell
from dispatch.commit import Change, commit
from dispatch.errors import RouteMoved
from dispatch.events import Event
from dispatch.optimizer import search
from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import Kind, Plan, Problem
from dispatch.optimizer.schedule import cost_of
from dispatch.optimizer.stopping import FirstOf, Iterations, StopRule, Told

LOOK_SECONDS = 0.2
"""How often it is asked, while a search runs, whether it is still wanted."""

STOPS_SECONDS = 60.0
"""How long a search process that is told to stop may take to say so (it may still be loading)."""

LEAVES_SECONDS = 5.0
"""How long a search process may take to end before it is killed."""

NICENESS = 10
"""By how much the search gives way to whoever answers people on the same machine."""

type Search = Callable[[Problem, Plan, Weights, int, int], Plan]
"""Problem, plan, weights, iterations and seed to a plan that costs no more."""


@dataclass(frozen=True, slots=True)
class Improvement:
    """What a search has brought.

    saved : cost by the town's weights; 0 when nothing better was found, or a route moved. Where
        the town looks ahead, a plan may cost more now for what it saves later: below 0.
    moved : ids of the bookings that ride in another vehicle now.
    dropped : whether something better was found but a route had moved meanwhile.
    """

    saved: int = 0
    moved: tuple[str, ...] = ()
    dropped: bool = False


def search_here(problem: Problem, plan: Plan, weights: Weights, iterations: int, seed: int) -> Plan:
    """Search in this thread; the compiled steps leave Python's lock alone."""
    return search.improve(problem, plan, weights, Iterations(iterations), seed)


def improve(
    day: date, service: Service, iterations: int, seed: int, run: Search = search_here
) -> Improvement:
    """Look for a better plan of a day and commit it unless a route has moved meanwhile.

    run : where the search runs; `SearchProcess.search` in a running service.
    """
    state = read_day(day, service)
    snapshot = state.snapshot(service, service.now())
    if not snapshot.bookings:
        return Improvement()
    weights = service.town.weights
    better = run(snapshot.problem, snapshot.plan, weights, iterations, seed)
    better = readiest(snapshot, better, service, run, seed)
    if better == snapshot.plan:
        return Improvement()
    before = cost_of(snapshot.problem, snapshot.plan, weights)
    saved = before - cost_of(snapshot.problem, better, weights)
    written = rewrite(snapshot, better, state)
    moved = _moved(written, state)
    try:
        commit(_change(written, moved, state, service), service.store, service.ports)
    except RouteMoved:
        return Improvement(dropped=True)
    return Improvement(saved, tuple(b.id for b in moved))


def _moved(written: Rewrite, state: Day) -> tuple[Booking, ...]:
    return tuple(
        b
        for b in written.bookings
        if b.state is State.CONFIRMED and b.route_id != state.bookings[b.id].route_id
    )


def _change(written: Rewrite, moved: tuple[Booking, ...], state: Day, service: Service) -> Change:
    """The better plan as a change: whoever gets another vehicle or time is told."""
    now = service.now()
    now_riding = {**state.bookings, **{b.id: b for b in written.bookings}}
    told, events = tell(written.routes, now_riding, now)
    names = {route.id: service.fleet.models[route.vehicle_id].name for route in written.routes}
    pickups = {
        v.subject: v.starts_at for r in written.routes for v in r.visits if v.kind is Kind.PICKUP
    }
    changed: dict[str, Booking] = {b.id: b for b in written.bookings} | told
    said: list[Event] = []
    for booking in moved:
        newest = replace(changed[booking.id], told_pickup=pickups.get(booking.id))
        changed[booking.id] = newest
        said.append(notices.vehicle_changed(newest, names[newest.route_id or ""], now))
    told_once = [e for e in events if e.booking_id not in {b.id for b in moved}]
    return Change(
        routes=written.routes,
        bookings=tuple(changed.values()),
        events=(*written.events, *told_once, *said),
        checks=written.checks,
        reason="improve",
    )


@dataclass(frozen=True, slots=True)
class _Task:
    """One search, as it is sent to the process."""

    problem: Problem
    plan: Plan
    weights: Weights
    iterations: int
    seed: int

    def run(self, stop: StopRule) -> Plan:
        return search.improve(self.problem, self.plan, self.weights, stop, self.seed)


class SearchProcess:
    """The search in a process of its own, with the same result as here.

    Spawned, not forked: the service has threads. It may be killed at any time; the next
    search starts another one. It ends by itself when whoever started it is gone, since all
    that holds it is the pipe between them. Use it as a context, or `close` it.

    is_over : asked every `LOOK_SECONDS` while a search runs; true ends it with what it has
        found so far.
    """

    def __init__(self, is_over: Callable[[], bool] = lambda: False) -> None:
        self._is_over = is_over
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None

    @property
    def pid(self) -> int | None:
        """The process's number; None while there is none."""
        return None if self._process is None else self._process.pid

    def search(
        self, problem: Problem, plan: Plan, weights: Weights, iterations: int, seed: int
    ) -> Plan:
        """`search_here`, over there; the same plan where the process was killed."""
        try:
            found = self._ask(_Task(problem, plan, weights, iterations, seed))
        except (EOFError, OSError):
            structlog.get_logger().warning("search_process_gone", process=self.pid)
            self.close()
            return plan
        except BaseException:
            self.close()  # its answer would be taken for that of the next search
            raise
        if isinstance(found, Exception):
            raise found
        return found

    def _ask(self, task: _Task) -> Plan | Exception:
        if self._pipe is None:
            self._pipe = self._start()
            self._next(self._pipe)  # it has loaded, and reads
        self._pipe.send(task)
        found: Plan | Exception = self._next(self._pipe)
        return found

    def _start(self) -> Connection:
        context = get_context("spawn")
        here, there = context.Pipe()
        self._process = context.Process(target=_search_on_demand, args=(there,), daemon=True)
        self._process.start()
        there.close()
        return here

    def _next(self, pipe: Connection) -> Any:
        """What it says next; it is told to stop when what it does is over."""
        while not pipe.poll(LOOK_SECONDS):
            if self._is_over():
                pipe.send(None)
                if not pipe.poll(STOPS_SECONDS):
                    raise EOFError
        return pipe.recv()

    def close(self) -> None:
        """End the process; a search that runs ends within a batch of steps."""
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.join(LEAVES_SECONDS)
            self._process.kill()
            self._process.join()
        self._pipe = self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _search_on_demand(pipe: Connection) -> None:
    """The other side: each task is answered by a plan, until nobody holds the pipe any more.

    Whatever comes while a search runs (the word to stop, or the end of the pipe) ends it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started us
    os.nice(NICENESS)
    try:
        pipe.send(None)
        while True:
            task: _Task | None = pipe.recv()
            if task is not None:
                pipe.send(_found(task, pipe))
    except (EOFError, OSError):
        return


def _found(task: _Task, pipe: Connection) -> Plan | Exception:
    try:
        return task.run(FirstOf(Iterations(task.iterations), Told(pipe.poll)))
    except Exception as error:
        return error
