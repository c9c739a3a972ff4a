"""A recorded day checked again against its promises, by plain code, from what was written.

Three questions: is the record itself whole (every event as it was sealed)? Does each
booking still say what its events say? Was each plan that was ever committed sound, checked
again by the verifier? And then the promise ledger, counted from the record alone.

See: docs/words.md, audit; docs/decisions/0043-what-the-audit-trail-keeps.md
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from dispatch import facts
from dispatch.booking import (
    MOVES,
    Booking,
    Party,
    Place,
    Promise,
    State,
    pickup_lateness,
    ride_lateness,
    verdict,
)
from dispatch.events import Event, Fact, RecordedEvent
from dispatch.optimizer.plan import Kind
from dispatch.optimizer.verify import verify
from dispatch.plan_record import recorded_plan
from dispatch.store.bookings import digest_of
from dispatch.store.outbox import seal_of
from dispatch.store.routes import subjects_of
from dispatch.store.store import Store
from routing.travel import Point

LIFE = frozenset(
    {
        Fact.OFFERED,
        Fact.OFFER_EXPIRED,
        Fact.OFFER_RELEASED,
        Fact.CONFIRMED,
        Fact.CANCELLED,
        Fact.BOARDED,
        Fact.COMPLETED,
        Fact.NO_SHOW,
        Fact.STRANDED,
        Fact.PROMISE_BROKEN,
    }
)
"""The facts that move a booking from state to state."""

STEPS = frozenset((before, after) for (before, _), after in MOVES.items())
"""Every step from state to state that the table of states knows."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not agree.

    what : a stable code: `event_altered`, `event_missing`, `no_record`, `booking_missing`,
        `altered`, `impossible_step`, `breach_not_recorded`, `plan_unsound`,
        `plan_unreadable`, `route_disagrees`.
    part : which column, limit or number it is about.
    """

    what: str
    booking_id: str | None = None
    route_id: str | None = None
    part: str = ""
    recorded: str = ""
    found: str = ""

    def __str__(self) -> str:
        """One line for the terminal."""
        of = [f"booking {self.booking_id}" if self.booking_id else "", self.route_id or ""]
        values = f": recorded {self.recorded}, found {self.found}" if self.part else ""
        return " ".join(part for part in (*of, self.what, self.part) if part) + values


@dataclass(frozen=True, slots=True)
class Ledger:
    """How the day's promises ended, and how many are still open or were given back."""

    kept: int = 0
    late: int = 0
    broken: int = 0
    open: int = 0
    ended_otherwise: int = 0


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What an audit of one day found; sound when nothing disagrees."""

    day: date
    events: int
    bookings: int
    plans: int
    ledger: Ledger
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """Whether everything agrees."""
        return not self.findings


def audit(day: date, store: Store) -> AuditReport:
    """Check a recorded day again. Changes nothing but that it publishes what is in the outbox."""
    store.publish()
    recorded = store.list_events_of_day(day)
    bookings = {booking.id: booking for booking in store.list_bookings(day)}
    lives: dict[str, list[Event]] = {}
    for each in recorded:
        if each.event.booking_id is not None:
            lives.setdefault(each.event.booking_id, []).append(each.event)
    plans = [e.event for e in recorded if e.event.fact is Fact.ROUTE_CHANGED]
    findings = [
        *_broken_seals(recorded, store),
        *_bookings_found(bookings, lives, _digests(recorded)),
        *(found for event in plans for found in _plan_found(event)),
        *_routes_found(day, bookings, store),
    ]
    return AuditReport(
        day=day,
        events=len(recorded),
        bookings=len(bookings),
        plans=len(plans),
        ledger=_ledger(lives),
        findings=tuple(findings),
    )


# --- the record itself -------------------------------------------------------------------


def _broken_seals(recorded: Sequence[RecordedEvent], store: Store) -> Iterator[Finding]:
    """Every event whose number, content or seal is not what the chain says."""
    numbers = [each.number for each in recorded if each.number]
    if not numbers:
        return
    first = min(numbers)
    chain = store.list_sealed_events(first - 1, max(numbers) + 1)
    before = chain.pop(0).seal if first > 1 and chain and chain[0].number == first - 1 else ""
    expected = first
    for link in chain:
        if link.number != expected:
            yield Finding("event_missing", part="number", recorded=str(expected), found="")
        elif link.seal != seal_of(before, link.number, link.event):
            event = link.event
            yield Finding("event_altered", event.booking_id, event.route_id, event.fact.value)
        before, expected = link.seal, link.number + 1


# --- bookings ----------------------------------------------------------------------------


def _digests(recorded: Iterable[RecordedEvent]) -> dict[str, str]:
    """The last digest recorded of each booking's row."""
    digests: dict[str, str] = {}
    for each in recorded:
        digests.update(each.event.payload.get("rows", {}))
    return digests


def _bookings_found(
    bookings: Mapping[str, Booking],
    lives: Mapping[str, Sequence[Event]],
    digests: Mapping[str, str],
) -> Iterator[Finding]:
    for booking_id in lives.keys() - bookings.keys():
        yield Finding("booking_missing", booking_id)
    for booking in bookings.values():
        life = [event for event in lives.get(booking.id, ()) if event.fact in LIFE]
        if not life or life[0].fact is not Fact.OFFERED:
            yield Finding("no_record", booking.id)
            continue
        yield from _steps_found(booking.id, life)
        altered = [*_columns_found(booking, life)]
        if not altered and digest_of(booking) != digests.get(booking.id):
            altered = [_altered(booking, "row", digests.get(booking.id), digest_of(booking))]
        yield from altered
        yield from _breaches_found(booking, lives[booking.id])


def _steps_found(booking_id: str, life: Sequence[Event]) -> Iterator[Finding]:
    states = [State(event.payload["state"]) for event in life]
    for before, after in pairwise(states):
        if (before, after) not in STEPS:
            yield Finding("impossible_step", booking_id, None, "state", before, after)


def _columns_found(booking: Booking, life: Sequence[Event]) -> Iterator[Finding]:
    """Each column of a booking that is not what its events say."""
    offer, last = life[0].payload, life[-1].payload
    for event in life:
        if "promise" in event.payload and event.payload["promise"] != offer["promise"]:
            yield _altered(booking, "promise", offer["promise"], event.payload["promise"])
    stored: dict[str, object] = {
        "state": booking.state.value,
        **facts.promise_form(booking.promise),
        "destination": facts.place_form(booking.destination),
        "passengers": booking.party.passengers,
        "needs": list(booking.party.needs),
        "direct_seconds": booking.direct_seconds,
        "fare_yen": booking.fare_yen,
        "quote_id": booking.quote_id,
        "channel": booking.channel,
    }
    told = {**offer, **offer["promise"], "state": last["state"]}
    moved = [event for event in life if event.fact is Fact.STRANDED]
    if not moved:
        stored["origin"] = facts.place_form(booking.origin)
    elif facts.point_form(booking.origin.point) != moved[-1].payload["place"]:
        yield _altered(booking, "origin", moved[-1].payload["place"], booking.origin)
    if booking.state is State.COMPLETED:
        for part in ("picked_up_at", "boarded_at", "completed_at"):
            stored[part] = facts.moment_or_none(getattr(booking, part))
            told[part] = last.get(part)
    if booking.state is State.ON_BOARD:
        stored["picked_up_at"] = facts.moment_or_none(booking.picked_up_at)
        told["picked_up_at"] = last.get("picked_up_at")
    for part, value in stored.items():
        if told.get(part) != value:
            yield _altered(booking, part, told.get(part), value)


def _altered(booking: Booking, part: str, recorded: object, found: object) -> Finding:
    return Finding("altered", booking.id, booking.route_id, part, str(recorded), str(found))


def _breaches_found(booking: Booking, life: Sequence[Event]) -> Iterator[Finding]:
    """Every breach of the promise that the record shows without naming it, or the reverse."""
    shown = _as_recorded(booking, life)
    late = {each.part.value for each in ride_lateness(shown)} if shown.completed_at else set()
    pickup = pickup_lateness(shown)
    if pickup is not None:
        late.add(pickup.part.value)
    named = {str(e.payload["part"]) for e in life if e.fact is Fact.PROMISE_LATE}
    for part in sorted(late ^ named):
        yield Finding(
            "breach_not_recorded",
            booking.id,
            None,
            part,
            "late" if part in named else "kept",
            "late" if part in late else "kept",
        )


def _as_recorded(booking: Booking, life: Iterable[Event]) -> Booking:
    """The booking with the promise, state and times that its events tell."""
    shown = replace(booking, picked_up_at=None, boarded_at=None, completed_at=None)
    for event in life:
        if event.fact not in LIFE:
            continue
        shown = replace(shown, state=State(event.payload["state"]))
        if event.fact is Fact.OFFERED:
            shown = replace(shown, promise=_promise(event.payload["promise"]))
        shown = replace(
            shown,
            picked_up_at=_moment(event, "picked_up_at") or shown.picked_up_at,
            boarded_at=_moment(event, "boarded_at") or shown.boarded_at,
            completed_at=_moment(event, "completed_at") or shown.completed_at,
        )
    return shown


def _moment(event: Event, part: str) -> datetime | None:
    told = event.payload.get(part)
    return None if told is None else datetime.fromisoformat(told)


def _promise(form: Mapping[str, Any]) -> Promise:
    return Promise(
        datetime.fromisoformat(form["pickup_earliest"]),
        datetime.fromisoformat(form["pickup_latest"]),
        datetime.fromisoformat(form["arrive_latest"]),
        int(form["max_ride_seconds"]),
    )


# --- plans -------------------------------------------------------------------------------


def _plan_found(event: Event) -> Iterator[Finding]:
    """What the verifier finds wrong with one recorded plan."""
    record = event.payload["plan"]
    try:
        problem, plan, before = recorded_plan(record)
        broken = verify(problem, plan, before)
        visits = [
            (v.kind.name.lower(), record["bookings"][v.subject] if v.kind is not Kind.BREAK else "")
            for v in plan.routes[0].visits
        ]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        yield Finding("plan_unreadable", None, event.route_id, type(error).__name__)
        return
    shown = [
        (v["kind"], v["subject"] if v["kind"] != "break" else "") for v in event.payload["visits"]
    ]
    if visits != shown:
        yield Finding("route_disagrees", None, event.route_id, "visits", str(visits), str(shown))
    for limit in broken:
        booking = None if limit.request is None else record["bookings"][limit.request]
        yield Finding(
            "plan_unsound",
            booking,
            event.route_id,
            limit.limit.value,
            str(limit.allowed),
            str(limit.found),
        )


def _routes_found(day: date, bookings: Mapping[str, Booking], store: Store) -> Iterator[Finding]:
    """Wherever visits, places in routes and bookings say different things of who rides where."""
    routes = store.list_routes(day)
    rides = set(store.list_rides([route.id for route in routes]))
    visits = {(subject, route.id) for route in routes for subject in subjects_of(route.visits)}
    for booking_id, route_id in sorted(rides ^ visits):
        shown = "visits" if (booking_id, route_id) in visits else "place"
        yield Finding("route_disagrees", booking_id, route_id, shown, "both", f"{shown} only")
    for booking_id, route_id in sorted(rides | visits):
        if booking_id not in bookings:
            yield Finding("route_disagrees", booking_id, route_id, "booking", "one", "none")
    for booking in bookings.values():
        waits = booking.state in {State.CONFIRMED, State.ON_BOARD} and booking.route_id
        if waits and (booking.id, booking.route_id) not in visits:
            yield Finding("route_disagrees", booking.id, booking.route_id, "visits", "one", "none")


# --- the ledger --------------------------------------------------------------------------


def _ledger(lives: Mapping[str, Sequence[Event]]) -> Ledger:
    """How each promise ended that somebody had accepted, counted from the events alone."""
    counts = dict.fromkeys(("kept", "late", "broken", "open", "ended_otherwise"), 0)
    for booking_id, life in lives.items():
        if not any(event.fact is Fact.CONFIRMED for event in life):
            continue
        shown = _as_recorded(_blank(booking_id, life[0]), life)
        ended = verdict(shown)
        if ended is not None:
            counts[ended.value] += 1
        elif shown.state in {State.CONFIRMED, State.ON_BOARD}:
            counts["open"] += 1
        else:
            counts["ended_otherwise"] += 1
    return Ledger(**counts)


def _blank(booking_id: str, first: Event) -> Booking:
    """A booking of which only the events are known."""
    nowhere = Place(Point(0.0, 0.0), "")
    return Booking(
        id=booking_id,
        quote_id="",
        registrant_id=None,
        service_day=first.service_day,
        origin=nowhere,
        destination=nowhere,
        party=Party(1),
        promise=Promise(first.at, first.at, first.at, 0),
        direct_seconds=0,
        fare_yen=0,
        state=State.OFFERED,
        channel="",
        created_at=first.at,
    )
