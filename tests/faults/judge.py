"""Whether anything was lost, halved or doubled: every answer held against the service's books.

The judge asks from outside what any caller may ask, then reads the database; seats are
counted by hand, out of what is written, by nothing of the optimizer.

See: docs/faults.md
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from random import Random

from dispatch.booking import Booking, State
from dispatch.commands.audit import audit
from dispatch.driving import Route
from dispatch.events import Fact, RecordedEvent
from dispatch.optimizer.plan import Kind
from dispatch.store.store import Store
from dispatch.town_file import find_town, load_town
from tests.faults.people import Caller, Crowd
from tests.faults.town import DAY, wait_for

ENDED = {"cancelled"}
STATE_AFTER = {"board": {"on_board", "completed"}, "complete": {"completed"}}
AT_ONCE = 500


def judge(crowd: Crowd, asked: int = 25) -> None:
    """Raise unless everything that was answered holds. The crowd rests meanwhile.

    asked : how many bookings are asked for over HTTP, beside all of them in the database.
    """
    with crowd.gate.closed():
        _judge(crowd, asked)


def _judge(crowd: Crowd, asked: int) -> None:
    assert not crowd.notes.complaints, crowd.notes.complaints
    caller = Caller(crowd.town, crowd.notes, Random(1))
    for told in Random(len(crowd.notes.booked)).sample(
        crowd.notes.booked, min(asked, len(crowd.notes.booked))
    ):
        status, found = caller.ask("GET", f"/bookings/{told.id}")
        assert (status, found["promise"]) == (200, told.promise), told
    caller.close()
    with crowd.town.store() as store:
        store.publish()
        events = list(_events(store))
        bookings = {b.id: b for b in store.list_bookings(DAY)}
        findings = [
            *_answers_found(crowd, bookings),
            *_bookings_found(bookings, events),
            *_chains_found(events, store.list_routes(DAY)),
            *_seats_found(store.list_routes(DAY), bookings),
            *map(str, audit(DAY, store).findings),
        ]
        assert not findings, "\n".join(findings)
        _streams_hold(crowd, [event.number for event in events])
    assert not crowd.notes.complaints, crowd.notes.complaints


def _events(store: Store) -> Iterator[RecordedEvent]:
    after = 0
    while found := store.list_events(after, AT_ONCE):
        yield from found
        after = found[-1].number


def _answers_found(crowd: Crowd, bookings: dict[str, Booking]) -> Iterator[str]:
    """Everything that somebody was told, and that is not so."""
    keys = defaultdict(set)
    for told in crowd.notes.booked:
        keys[told.key].add(told.id)
        booking = bookings.get(told.id)
        if booking is None or booking.accepted_at is None:
            yield f"lost: {told}"
    yield from (f"one key, two bookings: {key}" for key, ids in keys.items() if len(ids) > 1)
    accepted = {b.id for b in bookings.values() if b.accepted_at is not None}
    yield from (f"booked for nobody: {b}" for b in accepted - {t.id for t in crowd.notes.booked})
    for booking_id in crowd.notes.cancelled:
        if bookings[booking_id].state is not State.CANCELLED:
            yield f"cancelled and is not: {booking_id}"
    for act, booking_id in crowd.notes.driven:
        if act in STATE_AFTER and bookings[booking_id].state.value not in STATE_AFTER[act]:
            yield f"{act} was answered: {booking_id} is {bookings[booking_id].state}"
    registered = Counter(crowd.notes.registered)
    yield from (f"registered twice: {each}" for each, n in registered.items() if n > 1)


def _bookings_found(bookings: dict[str, Booking], events: list[RecordedEvent]) -> Iterator[str]:
    """Whatever is there by halves, or twice."""
    confirmed = Counter(e.event.booking_id for e in events if e.event.fact is Fact.CONFIRMED)
    for booking in bookings.values():
        if confirmed[booking.id] != (booking.accepted_at is not None):
            yield f"{confirmed[booking.id]} confirmations: {booking.id} {booking.state}"
    taken = Counter(b.quote_id for b in bookings.values() if b.accepted_at is not None)
    yield from (f"several offers of {quote} taken" for quote, number in taken.items() if number > 1)
    unknown = {e.event.booking_id for e in events if e.event.booking_id} - bookings.keys()
    yield from (f"events of no booking: {booking}" for booking in unknown)


def _chains_found(events: list[RecordedEvent], routes: list[Route]) -> Iterator[str]:
    """Numbers from 1 without a gap; versions of a route in one chain up to where it stands."""
    numbers = [event.number for event in events]
    if numbers != list(range(1, len(numbers) + 1)):
        yield "event numbers have a gap or a repeat"
    chains: dict[str | None, list[int]] = defaultdict(list)
    for each in events:
        if each.event.fact is Fact.ROUTE_CHANGED:
            chains[each.event.route_id].append(int(each.event.payload["version"]))
    for route in routes:
        chain = chains[route.id]
        if any(before >= after for before, after in pairwise([*chain, route.version + 1])):
            yield f"versions of {route.id}: {chain}, stands at {route.version}"


def _seats_found(routes: list[Route], bookings: dict[str, Booking]) -> Iterator[str]:
    """Whoever would have no seat, counted from who is aboard and the calls still to come."""
    town = load_town(find_town("kimotsuki"))
    seats = {model.id: model.capacity[town.loads.index("seats")] for model in town.vehicles}
    for route in routes:
        riders = [b for b in bookings.values() if b.route_id == route.id]
        load = sum(b.party.passengers for b in riders if b.state is State.ON_BOARD)
        for visit in route.visits:
            if visit.kind is Kind.BREAK:
                continue
            party = bookings[visit.subject].party.passengers
            load += party if visit.kind is Kind.PICKUP else -party
            if not 0 <= load <= seats[route.vehicle_id]:
                yield f"{load} in {seats[route.vehicle_id]} seats: {route.id}"
        if load:
            yield f"{load} never get out: {route.id}"


def _streams_hold(crowd: Crowd, numbers: list[int]) -> None:
    """Every stream comes to tell every event, each once, in order."""
    for seen in crowd.notes.streamed:
        wait_for(partial(_has_seen, seen, len(numbers)), "a stream has caught up")
        assert seen[: len(numbers)] == numbers


def _has_seen(seen: list[int], number: int) -> bool:
    return len(seen) >= number
