"""A database of its own for a test: a SQLite file, or one on this machine's PostgreSQL.

Each is set up once and then copied, so that a test pays for no migration.

See: docs/store.md, tests
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from dispatch.store.migrations import upgrade
from dispatch.store.store import Store, open_store
from tests.markers import needs_postgres

SERVER = "127.0.0.1:5432"
KINDS = ("sqlite", pytest.param("postgres", marks=(needs_postgres, pytest.mark.postgres)))
"""For `@pytest.fixture(params=KINDS)`: the same test on both."""


@contextmanager
def new_database(kind: str) -> Iterator[str]:
    """The address of a database without rows, its tables made; it is gone afterwards."""
    if kind == "sqlite":
        with new_empty_database(kind) as url:
            shutil.copyfile(_sqlite_template(), url.removeprefix("sqlite:///"))
            yield url
    else:
        with _postgres_database(
            sql.SQL(" TEMPLATE ") + sql.Identifier(_postgres_template())
        ) as url:
            yield url


@contextmanager
def new_empty_database(kind: str) -> Iterator[str]:
    """The address of a database without even a table; it is gone afterwards."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="noriai-test-") as folder:
            yield f"sqlite:///{Path(folder) / 'noriai.sqlite'}"
    else:
        with _postgres_database(sql.SQL("")) as url:
            yield url


@contextmanager
def _postgres_database(like: sql.Composable) -> Iterator[str]:
    name = f"noriai_test_{uuid4().hex}"
    _administer(sql.SQL("CREATE DATABASE {}{}").format(sql.Identifier(name), like))
    try:
        yield _postgres_url(name)
    finally:
        _drop(name)


@contextmanager
def new_store(kind: str) -> Iterator[Store]:
    """An open store on a database of its own."""
    with new_database(kind) as url:
        store = open_store(url, durable=False)
        try:
            yield store
        finally:
            store.close()


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database of its own, on each kind."""
    with new_database(request.param) as url:
        yield url


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """An open store on `database_url`."""
    opened = open_store(database_url, durable=False)
    yield opened
    opened.close()


@cache
def _kept() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="noriai-test-")


@cache
def _sqlite_template() -> Path:
    file = Path(_kept().name) / "template.sqlite"
    upgrade(f"sqlite:///{file}")
    return file


@cache
def _postgres_template() -> str:
    """One a test process; the next process that makes one drops those left over by the dead."""
    name = f"noriai_template_{uuid4().hex}"
    _drop_left_over()
    _held.append(_hold(name))
    _administer(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    upgrade(_postgres_url(name))
    atexit.register(_drop, name)
    return name


_held: list[psycopg.Connection] = []


def _hold(name: str) -> psycopg.Connection:
    """Show that the template is in use, by a lock that ends with this process."""
    connection = _connect()
    connection.execute("SELECT pg_advisory_lock(hashtext(%s))", (name,))
    return connection


def _drop(name: str) -> None:
    _administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _drop_left_over() -> None:
    with _connect() as connection:
        names = connection.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE 'noriai_template_%'"
        ).fetchall()
        for (name,) in names:
            row = connection.execute(
                "SELECT pg_try_advisory_lock(hashtext(%s))", (name,)
            ).fetchone()
            if row is not None and row[0]:
                connection.execute(
                    sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name))
                )


def _administer(statement: sql.Composed) -> None:
    with _connect() as connection:
        connection.execute(statement)


def _postgres_url(name: str) -> str:
    return f"postgresql+psycopg://{_user()}@{SERVER}/{name}"


@cache
def _user() -> str:
    """The user that this machine lets in and that may make databases."""
    for user in ("postgres", "test"):
        try:
            with psycopg.connect(f"postgresql://{user}@{SERVER}/postgres", connect_timeout=5):
                return user
        except psycopg.OperationalError:
            continue
    pytest.fail(f"PostgreSQL on {SERVER} lets in neither postgres nor test without a password")


def _connect() -> psycopg.Connection:
    return psycopg.connect(
        f"postgresql://{_user()}@{SERVER}/postgres", autocommit=True, connect_timeout=5
    )
