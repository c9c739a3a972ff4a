"""The one place that opens a write transaction.

A command decides; this writes the decision down, whole or not at all: first the plan is
checked by code that shares nothing with the optimizer, then routes, bookings, events and
the answer to the caller go into the database in one short transaction. Each route and
booking is written only if it still is at the version that the decision was computed from.

See: docs/store.md, one commit; docs/decisions/0042-what-a-commit-refuses.md
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from dispatch.booking import IN_THE_PLAN, Booking, State
from dispatch.driving import PlannedVisit, Route
from dispatch.errors import Conflict, RouteMoved, UnverifiedPlan
from dispatch.events import Event
from dispatch.facts import corrected, route_changed
from dispatch.optimizer.plan import Kind, Plan, Problem, Visit
from dispatch.optimizer.verify import verify
from dispatch.plan_record import record_plan
from dispatch.ports import Ports
from dispatch.registration.register import Registrant
from dispatch.store.bookings import digest_of
from dispatch.store.positions import Position
from dispatch.store.routes import subjects_of
from dispatch.store.stops import Closure
from dispatch.store.store import Store
from dispatch.store.tokens import Token
from dispatch.store.transaction import Busy, Misfit, Taken

CHECKPOINTS = (
    "verified",
    "begun",
    "routes_written",
    "bookings_written",
    "rides_written",
    "registrants_written",
    "events_written",
    "answer_written",
    "before_commit",
    "committed",
)
"""The points of a commit at which a crash must do no harm, in order."""

TRIES = 5
"""How often a transaction is tried that the database asks to have again."""


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """A plan that the verifier must find sound before anything is written.

    before : the plan that stood; it says what the locked visits are.
    routes : the route's id of each vehicle of the problem, by index.
    bookings : the booking's id of each request of the problem, by index.
    """

    problem: Problem
    plan: Plan
    before: Plan | None
    routes: tuple[str, ...]
    bookings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller is answered, kept under their key so that asking twice does it once.

    fingerprint : stands for what was asked; the same key with another one is a conflict.
    body : JSON values only.
    """

    key: str
    fingerprint: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """Everything that one command writes.

    Routes, bookings and registrants carry the version that they were computed from; they
    are stored as the next one. `reason` goes into the `route_changed` events, which the
    commit itself writes for each route whose visits a check covers.
    """

    routes: tuple[Route, ...] = ()
    new_routes: tuple[Route, ...] = ()
    bookings: tuple[Booking, ...] = ()
    new_bookings: tuple[Booking, ...] = ()
    registrants: tuple[Registrant, ...] = ()
    new_registrants: tuple[Registrant, ...] = ()
    closed_stops: tuple[Closure, ...] = ()
    reopened_stops: tuple[str, ...] = ()
    positions: tuple[Position, ...] = ()
    new_tokens: tuple[Token, ...] = ()
    revoked_tokens: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    answer: Answer | None = None
    checks: tuple[Check, ...] = ()
    reason: str = ""


def first_answer(key: str | None, fingerprint: str, store: Store) -> Mapping[str, Any] | None:
    """The answer already given under this key, or None; a command asks this first.

    Raises Conflict when the key was used for something else.
    """
    if key is None:
        return None
    stored = store.find_answer(key)
    if stored is None:
        return None
    if stored.fingerprint != fingerprint:
        raise Conflict("idempotency_key_reused", key=key)
    return stored.body


def commit(change: Change, store: Store, ports: Ports) -> None:
    """Write a change, whole or not at all.

    Raises RouteMoved when something is no longer at the version that the change was
    computed from (load and decide again), UnverifiedPlan when a plan breaks a limit or
    routes and bookings would not agree, Conflict when the answer's key was used for
    something else, Unavailable when the database is not there. Nothing is written then.
    """
    stored = store.routes_before(change.routes)
    for route in change.routes:
        if route.id not in stored or stored[route.id].version != route.version:
            raise RouteMoved(route=route.id)
    _verify(change.checks)
    moves = _moves(change, stored)
    _agree(change, moves, store, ports.now())
    recorded = _changed_routes(change, stored, ports.now())
    events = _with_digests((*change.events, *recorded), change, ports.now())
    ports.checkpoint("verified")
    for _ in range(TRIES):
        try:
            _write(change, moves, events, store, ports)
            break
        except Busy:
            continue
        except Taken as taken:
            _explain(change, store, taken)
        except Misfit as misfit:
            raise UnverifiedPlan(limit="constraint", found=str(misfit)) from misfit
    else:
        raise RouteMoved(route="")
    ports.checkpoint("committed")
    store.remember(*_as_written(change))
    ports.wake_readers()


@dataclass(frozen=True, slots=True)
class _Moves:
    """Which bookings left and which joined a route: pairs of booking and route.

    none : ids of the routes whose visits are the very same as before.
    """

    lost: frozenset[tuple[str, str]]
    gained: frozenset[tuple[str, str]]
    none: frozenset[str]


def _write(
    change: Change, moves: _Moves, events: tuple[Event, ...], store: Store, ports: Ports
) -> None:
    """The transaction; rows are written in the order of their ids, so none waits in a ring."""
    with store.writing() as rows:
        ports.checkpoint("begun")
        for moved in rows.rewrite_routes(sorted(change.routes, key=lambda r: r.id), moves.none):
            raise RouteMoved(route=moved)
        rows.insert_routes(change.new_routes)
        ports.checkpoint("routes_written")
        for moved in rows.rewrite_bookings(sorted(change.bookings, key=lambda b: b.id)):
            raise RouteMoved(booking=moved)
        rows.insert_registrants(change.new_registrants)
        rows.insert_bookings(change.new_bookings)
        ports.checkpoint("bookings_written")
        rows.move_rides(moves.lost, moves.gained)
        ports.checkpoint("rides_written")
        for moved in rows.rewrite_registrants(sorted(change.registrants, key=lambda r: r.id)):
            raise RouteMoved(registrant=moved)
        rows.write_stops(change.closed_stops, change.reopened_stops)
        rows.add_positions(change.positions)
        rows.write_tokens(change.new_tokens, change.revoked_tokens, ports.now())
        ports.checkpoint("registrants_written")
        rows.add_events(events)
        ports.checkpoint("events_written")
        if change.answer is not None:
            answer = change.answer
            rows.insert_answer(answer.key, answer.fingerprint, answer.body, ports.now())
        ports.checkpoint("answer_written")
        ports.checkpoint("before_commit")


def _as_written(change: Change) -> tuple[list[Route], list[Booking]]:
    """Routes and bookings as they are stored now: those that were there, as the next version."""
    return (
        [*change.new_routes, *(replace(r, version=r.version + 1) for r in change.routes)],
        [*change.new_bookings, *(replace(b, version=b.version + 1) for b in change.bookings)],
    )


def _explain(change: Change, store: Store, taken: Taken) -> None:
    """A row was already there: somebody else was faster, or the key was used before."""
    if change.answer is not None:
        first_answer(change.answer.key, change.answer.fingerprint, store)
    raise RouteMoved(route="") from taken


def _verify(checks: Iterable[Check]) -> None:
    for check in checks:
        for broken in verify(check.problem, check.plan, check.before):
            vehicle, request = broken.vehicle, broken.request
            raise UnverifiedPlan(
                limit=broken.limit.value,
                route=None if vehicle is None else check.routes[vehicle],
                booking=None if request is None else check.bookings[request],
                found=broken.found,
                allowed=broken.allowed,
            )


def _moves(change: Change, stored: Mapping[str, Route]) -> _Moves:
    lost, gained = set[tuple[str, str]](), set[tuple[str, str]]()
    for route in (*change.routes, *change.new_routes):
        before = subjects_of(stored[route.id].visits) if route.id in stored else frozenset()
        after = subjects_of(route.visits)
        lost |= {(subject, route.id) for subject in before - after}
        gained |= {(subject, route.id) for subject in after - before}
    none = {route.id for route in change.routes if route.visits == stored[route.id].visits}
    return _Moves(frozenset(lost), frozenset(gained), frozenset(none))


def _agree(change: Change, moves: _Moves, store: Store, now: datetime) -> None:
    """Routes and bookings must say the same of who rides where; raises UnverifiedPlan."""
    given = {booking.id: booking for booking in (*change.bookings, *change.new_bookings)}
    for subject, route in moves.gained:
        booking = given.get(subject)
        if booking is None or booking.route_id != route or booking.state not in IN_THE_PLAN:
            raise UnverifiedPlan(limit="booking_and_route", booking=subject, route=route)
    unknown = [subject for subject, _ in moves.lost if subject not in given]
    found = {booking.id: booking for booking in store.list_bookings_by_id(unknown)}
    for subject, route in moves.lost:
        booking = given.get(subject) or found.get(subject)
        if booking is not None and booking.route_id == route and _rides(booking, now):
            raise UnverifiedPlan(limit="booking_and_route", booking=subject, route=route)
    covered = {route.id: subjects_of(route.visits) for route in change.routes}
    covered |= {route.id: subjects_of(route.visits) for route in change.new_routes}
    for booking in given.values():
        route_id = booking.route_id
        if route_id in covered and _rides(booking, now) and booking.id not in covered[route_id]:
            raise UnverifiedPlan(limit="booking_and_route", booking=booking.id, route=route_id)


def _rides(booking: Booking, now: datetime) -> bool:
    """Whether a booking must have its place in a route; a hold that has run out need not."""
    held = booking.state is not State.OFFERED or (
        booking.expires_at is not None and now < booking.expires_at
    )
    return booking.state in IN_THE_PLAN and held


def _changed_routes(
    change: Change, stored: Mapping[str, Route], now: datetime
) -> tuple[Event, ...]:
    """The event of each route whose visits changed, with the plan that was found sound.

    Raises UnverifiedPlan when a route gained, reordered or skipped visits and no check
    says the same: only visits that are done may go, from the front, without one.
    """
    events: list[Event] = []
    for route in (*change.routes, *change.new_routes):
        before = stored[route.id].visits if route.id in stored else ()
        found = _check_of(route, change.checks)
        if found is None:
            if not _only_done(before, route.visits):
                raise UnverifiedPlan(limit="unchecked", route=route.id)
            continue
        check, vehicle = found
        if before != route.visits:
            plan = record_plan(check.problem, check.plan, vehicle, check.bookings, check.before)
            version = route.version + (route.id in stored)
            events.append(route_changed(route, now, change.reason, plan, version=version))
    return tuple(events)


def _with_digests(events: tuple[Event, ...], change: Change, now: datetime) -> tuple[Event, ...]:
    """The events, the last one of each day with a digest of each booking written for that day."""
    rows: dict[date, dict[str, str]] = {}
    for booking in (*change.bookings, *change.new_bookings):
        rows.setdefault(booking.service_day, {})[booking.id] = digest_of(booking)
    told = list(events)
    for day, digests in rows.items():
        if all(event.service_day != day for event in told):
            told.append(corrected(day, now))
        last = max(number for number, event in enumerate(told) if event.service_day == day)
        told[last] = replace(told[last], payload={**told[last].payload, "rows": digests})
    return tuple(told)


def _check_of(route: Route, checks: Iterable[Check]) -> tuple[Check, int] | None:
    """The check, and the vehicle in it, that holds exactly this route's visits."""
    for check in checks:
        if route.id in check.routes:
            vehicle = check.routes.index(route.id)
            visits = check.plan.routes[vehicle].visits
            if [_checked_act(visit, check) for visit in visits] != _acts(route.visits):
                raise UnverifiedPlan(limit="another_plan_checked", route=route.id)
            return check, vehicle
    return None


def _checked_act(visit: Visit, check: Check) -> tuple[Kind, str]:
    return visit.kind, "" if visit.kind is Kind.BREAK else check.bookings[visit.subject]


def _acts(visits: Iterable[PlannedVisit]) -> list[tuple[Kind, str]]:
    return [(v.kind, "" if v.kind is Kind.BREAK else v.subject) for v in visits]


def _only_done(before: tuple[PlannedVisit, ...], after: tuple[PlannedVisit, ...]) -> bool:
    """Whether the visits are what is left of `before`, perhaps at other times.

    The breaks of a route that has no rides yet, or has lost them all, are the shift's own
    and need no check.
    """
    left, was = _acts(after), _acts(before)
    breaks = [act for act in was if act[0] is Kind.BREAK]
    if all(kind is Kind.BREAK for kind, _ in left) and (not before or left == breaks):
        return True
    return not left or was[-len(left) :] == left
