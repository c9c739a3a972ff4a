"""How the store reaches its database: one engine that reads, one that writes.

A reader sees one moment of the whole database and never waits; a writer holds the
database (SQLite) or its rows (PostgreSQL) for the few milliseconds of one commit. Which
driver error means what is decided here, once.

See: docs/store.md; docs/decisions/0040-two-engines-and-short-transactions.md
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, IntegrityError, InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from dispatch.errors import Unavailable
from dispatch.store.columns import from_json, to_json

BUSY_MILLISECONDS = 5_000
"""How long a writer on SQLite waits for another process before it gives up."""

CONNECT_SECONDS = 5
"""How long a connection to PostgreSQL may take to open."""

APPLICATION = "noriai"
"""By this name PostgreSQL knows the connections of the service."""

RESTED_SECONDS = 0.5
"""After how long unused a connection to PostgreSQL is asked whether it still holds."""

WRITERS = 4
"""Connections that write at the same time, a process, on PostgreSQL."""

_TRY_AGAIN = frozenset({"40001", "40P01", "55P03", "57014"})
"""PostgreSQL: serialization failure, deadlock, lock not available, statement timeout."""

_BEGIN_READING = {
    "sqlite": "BEGIN",
    "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
}

_JSON: dict[str, Any] = {"json_serializer": to_json, "json_deserializer": from_json}

_UNIQUE_SQLITE = frozenset({"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"})
_UNIQUE_POSTGRES = "23505"


class Busy(Exception):
    """The database asked for this transaction to be tried again; nothing was written."""


class Taken(Exception):
    """A row with this key is already there (a unique constraint); nothing was written."""


class Misfit(Exception):
    """A check or foreign key refused a row; nothing was written. A defect, not a state."""


@dataclass(frozen=True, slots=True)
class Engines:
    """The two ways into one database."""

    url: URL
    reader: Engine
    writer: Engine

    @property
    def place(self) -> str:
        """Where the database is, for people: never with a password."""
        return place_of_database(self.url)


def place_of_database(url: URL) -> str:
    """Name a database without its user or password."""
    if url.get_backend_name() == "sqlite":
        return url.database or "memory"
    return f"{url.host or 'localhost'}:{url.port or 5432}/{url.database}"


def address_of(database_url: str) -> URL:
    """A database's address, taken apart. Raises Unavailable where it is none that we know."""
    try:
        url = make_url(database_url)
    except Exception as error:
        raise _away("?", "not a database address") from error
    if url.get_backend_name() not in {"sqlite", "postgresql"}:
        raise _away(url.drivername, "neither sqlite nor postgresql")
    return url


def open_engines(database_url: str, *, durable: bool = True) -> Engines:
    """Prepare both engines; nothing is connected yet.

    durable : on SQLite, whether each commit reaches the disk before it is answered.
        A simulation's database may do without.

    Raises Unavailable when the address is of no database that the service knows.
    """
    url = address_of(database_url)
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, durable=durable)
    return _postgres(url.set(drivername="postgresql+psycopg"))


def _sqlite(url: URL, *, durable: bool) -> Engines:
    if not url.database or url.database == ":memory:":
        raise _away("memory", "a file is needed")
    file = Path(url.database).absolute()
    if not file.parent.is_dir():
        raise _away(url.database, "no such folder")
    if file.exists() and not os.access(file, os.W_OK):
        raise _away(url.database, "it may not be written to")
    # isolation_level None: SQLAlchemy begins each transaction itself. Left to the driver it
    # would begin at the first write, and two readers that then write would lose an update.
    arguments = {"isolation_level": None, "timeout": BUSY_MILLISECONDS / 1000}
    reader = create_engine(url, connect_args=arguments, pool_size=8, **_JSON)
    # One writing connection a process: its threads queue here, in turn, rather than at the
    # database's lock, where a waiter sleeps for a while and may lose its turn.
    writer = create_engine(url, connect_args=arguments, pool_size=1, max_overflow=0, **_JSON)
    synchronous = "FULL" if durable else "OFF"

    def prepare(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        for pragma in (
            f"busy_timeout={BUSY_MILLISECONDS}",
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    def begin_writing(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    for engine in (reader, writer):
        event.listen(engine, "connect", prepare)
    event.listen(writer, "begin", begin_writing)
    return Engines(url, reader, writer)


def _postgres(url: URL) -> Engines:
    arguments = {"connect_timeout": CONNECT_SECONDS, "application_name": APPLICATION}
    reader = create_engine(
        url,
        connect_args={**arguments, "options": "-c default_transaction_read_only=on"},
        **_JSON,
        isolation_level="AUTOCOMMIT",  # `reading` begins by itself where a moment is needed
        pool_size=8,
    )
    writer = create_engine(
        url,
        connect_args=arguments,
        **_JSON,
        pool_size=WRITERS,
        max_overflow=0,
    )
    for engine in (reader, writer):
        _ask_after_a_rest(engine)
    return Engines(url, reader, writer)


def _ask_after_a_rest(engine: Engine) -> None:
    """Ask the server whether it is still there, but only on a connection that has rested.

    Asking each time, as SQLAlchemy's own pre-ping does, is one more way to the server for
    each statement; a connection used a moment ago is hardly ever dead.
    """

    def used(_connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        record.info["used"] = monotonic()

    def ask(
        connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: PoolProxiedConnection
    ) -> None:
        if monotonic() - record.info.get("used", monotonic()) < RESTED_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error  # the pool connects anew

    event.listen(engine, "checkin", used)
    event.listen(engine, "checkout", ask)


@contextmanager
def reading(engines: Engines) -> Iterator[Connection]:
    """One moment of the whole database, to read from.

    Raises Unavailable when the database is not there.
    """
    with looking(engines) as connection:
        connection.exec_driver_sql(_BEGIN_READING[connection.dialect.name])
        yield connection


@contextmanager
def looking(engines: Engines) -> Iterator[Connection]:
    """The database for one statement, which sees one moment by itself.

    Beginning and ending a transaction around it would cost two more ways to the server.
    Raises Unavailable when the database is not there.
    """
    with _told(engines), engines.reader.connect() as connection:
        yield connection


@contextmanager
def writing(engines: Engines) -> Iterator[Connection]:
    """One write transaction: all of it is committed at the end of the block, or nothing.

    Raises Busy, Taken, Misfit (see there) and Unavailable; nothing is written then.
    """
    with _told(engines), engines.writer.connect() as connection, connection.begin():
        yield connection


@contextmanager
def _told(engines: Engines) -> Iterator[None]:
    """Say each driver error in the store's own words."""
    try:
        yield
    except IntegrityError as error:
        raise (Taken if _is_unique(error) else Misfit)(_first_line(error)) from error
    except DBAPIError as error:
        if _is_busy(error):
            raise Busy(_first_line(error)) from error
        if isinstance(error, OperationalError) or error.connection_invalidated or _is_spoilt(error):
            raise _away(engines.place, _first_line(error)) from error
        raise
    except PoolTimeout as error:
        raise Busy("no connection was free") from error


def _away(place: str, reason: str) -> Unavailable:
    what = f"database {place}: {reason}"
    return Unavailable(what=what, part="database", place=place, reason=reason)


def _is_unique(error: IntegrityError) -> bool:
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return cause.sqlite_errorname in _UNIQUE_SQLITE
    return getattr(cause, "sqlstate", None) == _UNIQUE_POSTGRES


def _is_busy(error: DBAPIError) -> bool:
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        name = getattr(cause, "sqlite_errorname", "")
        return name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
    return getattr(cause, "sqlstate", None) in _TRY_AGAIN


def _is_spoilt(error: DBAPIError) -> bool:
    """Whether the file is damaged, or no database at all."""
    name = getattr(error.orig, "sqlite_errorname", "")
    return name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT"))


def _first_line(error: DBAPIError) -> str:
    lines = str(error.orig).strip().splitlines()
    return lines[0].strip() if lines else type(error.orig).__name__
