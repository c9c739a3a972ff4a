"""Continuous reassignment: search for a better plan, and commit it if nothing has moved.

The search runs outside any transaction, and in a service in a process of its own, so
planning never blocks a booking. A route that moved meanwhile drops the improvement.

See: docs/decisions/0058-search-in-a-process-of-its-own.md; docs/words.md, search
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from multiprocessing import get_context
from types import TracebackType
from typing import Self

from dispatch import notices
from dispatch.booking import Booking, State
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
from dispatch.optimizer.stopping import Iterations

type Search = Callable[[Problem, Plan, Weights, int, int], Plan]
"""Problem, plan, weights, iterations and seed to a plan that costs no more."""


@dataclass(frozen=True, slots=True)
class Improvement:
    """What a search has brought.

    saved : cost by the town's weights; 0 when nothing better was found, or a route moved.
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
    saved = cost_of(snapshot.problem, snapshot.plan, weights) - cost_of(
        snapshot.problem, better, weights
    )
    if saved <= 0 or better == snapshot.plan:
        return Improvement()
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


class SearchProcess:
    """The search in a process of its own, with the same result as here.

    Spawned, not forked: the service has threads. Use it as a context, or `close` it.
    """

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"))

    def search(
        self, problem: Problem, plan: Plan, weights: Weights, iterations: int, seed: int
    ) -> Plan:
        """`search_here`, over there."""
        return self._pool.submit(search_here, problem, plan, weights, iterations, seed).result()

    def close(self) -> None:
        """End the process; a search that runs is waited for."""
        self._pool.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
