"""The store: everything the service remembers, and the only door to its database.

Reading shows one consistent moment. Writing happens in `dispatch/commit.py` alone, through
`Store.writing`; only the numbering of events, which changes no fact, is done here.

See: docs/store.md
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from dispatch.booking import IN_THE_PLAN, Booking, State
from dispatch.driving import Route
from dispatch.errors import NotFound, Unavailable
from dispatch.events import Event, RecordedEvent
from dispatch.registration.register import Registrant
from dispatch.store import (
    answers,
    bookings,
    health,
    migrations,
    outbox,
    positions,
    registrants,
    routes,
    stops,
    tokens,
)
from dispatch.store.answers import StoredAnswer
from dispatch.store.health import Health
from dispatch.store.outbox import SealedEvent
from dispatch.store.positions import Position
from dispatch.store.remembered import Remembered, batches
from dispatch.store.stops import Closure
from dispatch.store.tokens import Token
from dispatch.store.transaction import Busy, Engines, looking, open_engines, reading, writing
from routing.travel import Point

WRITTEN_KEPT = 1_000
"""Bookings written by this process that are kept until they are forgotten, all at once."""

PUBLISH_AT_ONCE = 1_000
"""Most events that one publishing transaction numbers."""


@dataclass(frozen=True, slots=True)
class DayState:
    """One service day at one moment: all its routes, the bookings in the plan, closed stops."""

    day: date
    routes: tuple[Route, ...]
    bookings: tuple[Booking, ...]
    closed_stops: tuple[Closure, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """The writing side of one transaction. Only `commit` has one."""

    connection: Connection

    def rewrite_routes(
        self, changed: Iterable[Route], same_visits: Collection[str] = ()
    ) -> Iterator[str]:
        """Write each route as its next version; yields the id of one whose version is gone.

        same_visits : ids of those whose visits are as they are stored at their version.
        """
        return iter(routes.rewrite(self.connection, list(changed), same_visits))

    def rewrite_bookings(self, changed: Iterable[Booking]) -> Iterator[str]:
        """Write each booking as its next version; yields the id of one whose version is gone."""
        return iter(bookings.rewrite(self.connection, list(changed)))

    def rewrite_registrants(self, changed: Iterable[Registrant]) -> Iterator[str]:
        """Write each registrant as the next version; yields the id of one that has moved."""
        return (r.id for r in changed if not registrants.rewrite(self.connection, r))

    def insert_routes(self, new: Sequence[Route]) -> None:
        """Write new routes."""
        routes.insert_new(self.connection, new)

    def insert_bookings(self, new: Sequence[Booking]) -> None:
        """Write new bookings."""
        bookings.insert_new(self.connection, new)

    def insert_registrants(self, new: Sequence[Registrant]) -> None:
        """Write new registrants."""
        registrants.insert_new(self.connection, new)

    def move_rides(
        self, lost: Iterable[tuple[str, str]], gained: Iterable[tuple[str, str]]
    ) -> None:
        """Note which bookings left and joined which routes."""
        routes.move_rides(self.connection, lost, gained)

    def write_stops(self, closed: Sequence[Closure], reopened: Sequence[str]) -> None:
        """Close and reopen stops."""
        stops.write(self.connection, closed, reopened)

    def add_positions(self, new: Sequence[Position]) -> None:
        """Write where vehicles were."""
        positions.add(self.connection, new)

    def write_tokens(self, new: Sequence[Token], revoked: Sequence[str], at: datetime) -> None:
        """Write tokens and take others back, by their digests."""
        tokens.insert_new(self.connection, new)
        tokens.revoke(self.connection, revoked, at)

    def add_events(self, new: Sequence[Event]) -> None:
        """Write events to the outbox."""
        outbox.add(self.connection, new)

    def insert_answer(
        self, key: str, fingerprint: str, body: Mapping[str, Any], at: datetime
    ) -> None:
        """Keep an answer under its key."""
        answers.insert_new(self.connection, key, fingerprint, body, at)


class Store:
    """One town's database. Safe to use from any number of threads and processes.

    Every method that reads raises Unavailable when the database is not there.
    """

    def __init__(self, engines: Engines, folder: tempfile.TemporaryDirectory[str] | None = None):
        self._engines = engines
        self._folder = folder
        self._routes = Remembered[Route]()
        self._bookings = Remembered[Booking]()
        self._written: dict[str, Booking] = {}  # also those that are in no plan any more

    @property
    def place(self) -> str:
        """Where the database is, for people: never with a password."""
        return self._engines.place

    def close(self) -> None:
        """Close every connection; a database in memory is gone then."""
        self._engines.reader.dispose()
        self._engines.writer.dispose()
        if self._folder is not None:
            self._folder.cleanup()

    def is_there(self) -> bool:
        """Whether the database answers now."""
        try:
            self.last_event_number()
        except Unavailable:
            return False
        return True

    def is_current(self) -> bool:
        """Whether the tables are those of this version."""
        with self._reading() as connection:
            return migrations.revision_of(connection) == migrations.HEAD

    def health(self, day: date) -> Health:
        """How the outbox and this day's bookings are doing, for whoever watches the service."""
        with self._reading() as connection:
            return health.read(connection, day)

    @contextmanager
    def writing(self) -> Iterator[Rows]:
        """One write transaction, for `commit` alone. Raises Busy, Taken, Misfit, Unavailable."""
        with writing(self._engines) as connection:
            yield Rows(connection)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """One moment, for several statements."""
        with self._told(), reading(self._engines) as connection:
            yield connection

    @contextmanager
    def _looking(self) -> Iterator[Connection]:
        """For one statement."""
        with self._told(), looking(self._engines) as connection:
            yield connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except Busy as busy:
            what = f"database {self.place}: {busy}"
            raise Unavailable(
                what=what, part="database", place=self.place, reason=str(busy)
            ) from busy

    # --- a day -----------------------------------------------------------------------

    def read_day(self, day: date) -> DayState:
        """All routes of a day and the bookings in its plan, of one and the same moment."""
        with self._reading() as connection:
            found_routes = self._routes.read(
                day,
                routes.list_versions(connection, day),
                lambda ids: routes.list_by_id(connection, ids),
            )
            found_bookings = self._bookings.read(
                day,
                bookings.list_versions(connection, day, IN_THE_PLAN),
                lambda ids: bookings.list_by_id(connection, ids),
            )
            closed = tuple(stops.list_closed(connection))
        return DayState(day, found_routes, found_bookings, closed)

    # --- routes ----------------------------------------------------------------------

    def get_route(self, route_id: str) -> Route:
        """One route. Raises NotFound."""
        found = self.find_route(route_id)
        if found is None:
            raise NotFound(what="route", id=route_id)
        return found

    def find_route(self, route_id: str) -> Route | None:
        """One route, or None."""
        with self._looking() as connection:
            return routes.get(connection, route_id)

    def list_routes(self, day: date) -> list[Route]:
        """The routes of a day, in order of shift."""
        with self._reading() as connection:
            ids = [route_id for route_id, _ in routes.list_versions(connection, day)]
            found = {route.id: route for route in routes.list_by_id(connection, ids)}
        return [found[route_id] for route_id in ids]

    def routes_before(self, changed: Iterable[Route]) -> dict[str, Route]:
        """What is stored of each of these routes, by id; those that do not exist are left out.

        One that this process knows at the version which `changed` names is not read again: it
        may have moved since, which is for the writing to find out.
        """
        before: dict[str, Route] = {}
        unknown: list[str] = []
        for route in changed:
            known = self._routes.find(route.service_day, route.id, route.version)
            if known is None:
                unknown.append(route.id)
            else:
                before[route.id] = known
        return before | {route.id: route for route in self.list_routes_by_id(unknown)}

    def recall_route(self, day: date, route_id: str) -> Route | None:
        """A route as this process has known it, at whatever version; None: not at all."""
        return self._routes.recall(day, route_id)

    def recall_booking(self, day: date, booking_id: str) -> Booking | None:
        """A booking as this process has known it, at whatever version; None: not at all."""
        return self._bookings.recall(day, booking_id) or self._written.get(booking_id)

    def remember(
        self, routes_written: Iterable[Route], bookings_written: Iterable[Booking]
    ) -> None:
        """Keep rows as a commit has just written them, so that they need not be read again."""
        self._routes.keep(routes_written)
        written = {booking.id: booking for booking in bookings_written}
        self._bookings.keep(written.values())
        kept = {} if len(self._written) > WRITTEN_KEPT else self._written
        self._written = {**kept, **written}

    def list_routes_by_id(self, ids: Sequence[str]) -> list[Route]:
        """Those of these routes that exist, in no order."""
        if not ids:
            return []
        with self._reading() as connection:
            return [r for part in batches(ids) for r in routes.list_by_id(connection, part)]

    def list_rides(self, route_ids: Sequence[str]) -> list[tuple[str, str]]:
        """(booking, route) of each booking that has its place in one of these routes."""
        with self._looking() as connection:
            return routes.list_rides(connection, route_ids)

    def list_latest_positions(self, route_ids: Sequence[str]) -> list[Position]:
        """Where each of these routes' vehicles was last."""
        with self._looking() as connection:
            return positions.list_latest(connection, route_ids)

    def list_positions(self, route_id: str) -> list[Position]:
        """Where a route's vehicle was, in order of time."""
        with self._looking() as connection:
            return positions.list_of_route(connection, route_id)

    def list_closed_stops(self) -> list[Closure]:
        """The stops that are closed now, on top of the town's file."""
        with self._looking() as connection:
            return stops.list_closed(connection)

    # --- bookings --------------------------------------------------------------------

    def get_booking(self, booking_id: str) -> Booking:
        """One booking or offer. Raises NotFound."""
        found = self.find_booking(booking_id)
        if found is None:
            raise NotFound(what="booking", id=booking_id)
        return found

    def find_booking(self, booking_id: str) -> Booking | None:
        """One booking or offer, or None."""
        with self._looking() as connection:
            return bookings.get(connection, booking_id)

    def list_bookings(self, day: date, states: Collection[State] | None = None) -> list[Booking]:
        """The bookings of a day in these states (None: in any), oldest first."""
        with self._looking() as connection:
            return bookings.list_of_day(connection, day, states)

    def list_bookings_by_id(self, ids: Sequence[str]) -> list[Booking]:
        """Those of these bookings that exist, in no order."""
        if not ids:
            return []
        with self._reading() as connection:
            return [b for part in batches(ids) for b in bookings.list_by_id(connection, part)]

    def list_bookings_of_quote(self, quote_id: str) -> list[Booking]:
        """The offers of one quote, earliest pickup first."""
        with self._looking() as connection:
            return bookings.list_of_quote(connection, quote_id)

    def list_bookings_of_registrant(self, registrant_id: str) -> list[Booking]:
        """The bookings of one registrant, latest ride first."""
        with self._looking() as connection:
            return bookings.list_of_registrant(connection, registrant_id)

    def list_expired_offers(self, now: datetime) -> list[Booking]:
        """The offers that nobody took in time and that are still held."""
        with self._looking() as connection:
            return bookings.list_expired(connection, now)

    # --- the register ----------------------------------------------------------------

    def get_registrant(self, registrant_id: str) -> Registrant:
        """One registrant. Raises NotFound."""
        found = self.find_registrant(registrant_id)
        if found is None:
            raise NotFound(what="registrant", id=registrant_id)
        return found

    def find_registrant(self, registrant_id: str) -> Registrant | None:
        """One registrant, or None."""
        with self._looking() as connection:
            return registrants.get(connection, registrant_id)

    def find_registrant_by_number(self, number: str) -> Registrant | None:
        """The registrant with this membership number, or None."""
        with self._looking() as connection:
            return registrants.find_by_number(connection, number)

    def list_registrants_by_phone(self, phone: str) -> list[Registrant]:
        """Everybody with this telephone number, in international form."""
        with self._looking() as connection:
            return registrants.list_by_phone(connection, phone)

    def list_registrants_by_kana(self, beginning: str, limit: int = 50) -> list[Registrant]:
        """Those whose reading begins so, in order of reading."""
        with self._looking() as connection:
            return registrants.list_by_kana(connection, beginning, limit)

    def list_homes(self, most: int) -> list[Point]:
        """Where people on the register live, those first who have asked for a ride last."""
        with self._looking() as connection:
            return registrants.list_homes(connection, most)

    def count_registrants(self) -> int:
        """How many people are on the register."""
        with self._looking() as connection:
            return registrants.count(connection)

    def count_registrants_by(self, column: str) -> dict[str, int]:
        """How many people are on the register, by `district` or by `channel`."""
        with self._looking() as connection:
            return registrants.count_by(connection, column)

    def last_registrant_number(self) -> str | None:
        """The highest membership number given so far, or None."""
        with self._looking() as connection:
            return registrants.last_number(connection)

    # --- tokens ----------------------------------------------------------------------

    def find_token(self, digest: str) -> Token | None:
        """The token with this digest, whether it still holds or not, or None."""
        with self._looking() as connection:
            return tokens.find(connection, digest)

    # --- answers and events ----------------------------------------------------------

    def find_answer(self, key: str) -> StoredAnswer | None:
        """The answer given under an idempotency key, or None."""
        with self._looking() as connection:
            return answers.find(connection, key)

    def forget_answers(self, before: datetime) -> int:
        """Drop answers given before this moment; says how many. Raises Busy."""
        with writing(self._engines) as connection:
            return answers.forget(connection, before)

    def publish(self) -> int:
        """Give the committed events that have none their public number; says how many.

        Anybody may call it at any time, before reading or after being woken.
        """
        return len(self.publish_events())

    def publish_events(self) -> list[RecordedEvent]:
        """The same, with the events that were published now, in order."""
        published: list[RecordedEvent] = []
        with self._looking() as connection:
            waiting = outbox.any_unpublished(connection)
        while waiting:
            try:
                with writing(self._engines) as connection:
                    some = outbox.publish(connection, PUBLISH_AT_ONCE)
            except Busy:
                break  # they stay in the outbox for the next call
            published += some
            waiting = len(some) == PUBLISH_AT_ONCE
        return published

    def last_event_number(self) -> int:
        """The last public number given; 0 before the first."""
        with self._looking() as connection:
            return outbox.last_number(connection)

    def list_events(self, after: int, limit: int = 500) -> list[RecordedEvent]:
        """Published events after this number, in order. Call `publish` first."""
        with self._looking() as connection:
            return outbox.list_after(connection, after, limit)

    def list_sealed_events(self, first: int, last: int) -> list[SealedEvent]:
        """Published events with numbers from `first` to `last`, with their seals."""
        with self._looking() as connection:
            return outbox.list_sealed(connection, first, last)

    def list_events_of_day(self, day: date) -> list[RecordedEvent]:
        """Every event of a day, published (with its number) or not (0), as they were written."""
        with self._looking() as connection:
            return outbox.list_of_day(connection, day)

    def list_events_of_booking(self, booking_id: str) -> list[RecordedEvent]:
        """Every event of one booking, as they were written."""
        with self._looking() as connection:
            return outbox.list_of_booking(connection, booking_id)


def open_store(database_url: str, *, durable: bool = True) -> Store:
    """Open a town's database; an empty or older one is set up first.

    database_url : `sqlite:///file`, `postgresql+psycopg://…`, or `sqlite://` for a database
        that lives only as long as this store (for tests and simulations).
    durable : on SQLite, whether each answered commit has reached the disk.

    Raises Unavailable when the database is not there.
    """
    folder = None
    if database_url in {"sqlite://", "sqlite:///:memory:"}:
        # A file, not SQLite's own memory: there, readers and writers would share one
        # connection, and no reader could see a moment of its own.
        folder = tempfile.TemporaryDirectory(prefix="noriai-", ignore_cleanup_errors=True)
        database_url = f"sqlite:///{Path(folder.name) / 'noriai.sqlite'}"
        durable = False
    engines = open_engines(database_url, durable=durable)
    try:
        migrations.upgrade_with(engines)
    except BaseException:
        engines.reader.dispose()
        engines.writer.dispose()
        raise
    return Store(engines, folder)
