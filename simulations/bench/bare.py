"""The least that writing a booking can cost: its rows in one transaction, and nothing else.

The rows of one recorded booking (its routes, itself, its events, its answer) are written
again and again through the same engine and driver as the service's, into a database of
their own: each route as its next version, the others as new rows. What a booking over HTTP
costs beyond it is the service's own doing.

See: docs/benchmarks.md, serve
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta

from dispatch.booking import Booking
from dispatch.commit import Change, commit
from dispatch.driving import Route
from dispatch.events import Event, Fact
from dispatch.ports import Ports
from dispatch.store import answers, bookings, outbox, routes
from dispatch.store.store import Store, open_store
from dispatch.store.transaction import Engines, open_engines, writing
from dispatch.wiring import new_id, utc_now


@dataclass(frozen=True, slots=True)
class Sample:
    """What one booking wrote: the routes it changed, its row, its events."""

    routes: tuple[Route, ...]
    booking: Booking
    events: tuple[Event, ...]


def sample_of(store: Store, day: date) -> Sample:
    """The booking of a recorded day that wrote a median number of events."""
    recorded = [each.event for each in store.list_events_of_day(day)]
    written = sorted(_bookings_in(recorded), key=len)
    events = written[len(written) // 2]
    booking = store.get_booking(str(events[0].booking_id))
    changed = sorted({e.route_id for e in events if e.fact is Fact.ROUTE_CHANGED and e.route_id})
    return Sample(tuple(store.list_routes_by_id(changed)), booking, tuple(events))


def _bookings_in(events: Sequence[Event]) -> list[list[Event]]:
    """The events of each booking's commit: from `confirmed` to the next quote's offers."""
    found: list[list[Event]] = []
    open_one = False
    for event in events:
        if event.fact is Fact.CONFIRMED:
            found.append([])
            open_one = True
        elif event.fact in {Fact.OFFERED, Fact.QUOTE_REFUSED, Fact.CANCELLED}:
            open_one = False
        if open_one:
            found[-1].append(event)
    return found


class Bare:
    """Writes the rows of one booking as often as it is asked to."""

    def __init__(self, engines: Engines, sample: Sample) -> None:
        self._engines = engines
        self._sample = sample
        self._written = 0

    def write(self) -> None:
        """One transaction: versioned routes, a booking, its events, its answer."""
        sample, number = self._sample, self._written
        self._written += 1
        body = {"booking": sample.booking.id}
        booking = replace(sample.booking, id=new_id("bkg"))
        with writing(self._engines) as connection:
            routes.rewrite(connection, [replace(r, version=number) for r in sample.routes])
            bookings.insert_new(connection, (booking,))
            outbox.add(connection, sample.events)
            answers.insert_new(connection, new_id("key"), "asked", body, utc_now())


@contextmanager
def bare_writer(database_url: str, sample: Sample) -> Iterator[Bare]:
    """A writer of bare transactions on an empty database of its own."""
    store = open_store(database_url)
    # No person is needed for the booking's row, and no plan for its route's.
    sample = replace(sample, booking=replace(sample.booking, registrant_id=None, route_id=None))
    day = sample.booking.service_day + timedelta(days=1)
    bare = tuple(replace(route, service_day=day, version=0) for route in sample.routes)
    empty = tuple(replace(route, visits=()) for route in bare)
    commit(Change(new_routes=empty), store, Ports(now=utc_now, new_id=new_id))
    engines = open_engines(database_url)
    try:
        yield Bare(engines, replace(sample, routes=bare))
    finally:
        engines.reader.dispose()
        engines.writer.dispose()
        store.close()
