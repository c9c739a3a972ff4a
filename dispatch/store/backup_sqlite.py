"""Backup and restore of a SQLite database, by SQLite's online backup.

See: docs/decisions/0097-a-backup-is-read-before-it-is-named.md; docs/words.md, backup
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, NullPool, create_engine
from sqlalchemy.exc import DBAPIError

from dispatch.errors import BadInput, Unavailable
from dispatch.store import migrations
from dispatch.store.contents import Contents, contents_of
from dispatch.store.new_file import part_of
from dispatch.store.transaction import BUSY_MILLISECONDS


def take(url: URL, part: Path) -> Contents:
    """Copy the database into `part` as it is at one moment, whoever writes meanwhile."""
    source = _file_of(url)
    if not source.is_file():
        raise Unavailable("database_missing", place=str(source))
    try:
        _copy(source, part)
        return _contents(part, str(source))
    except (sqlite3.Error, DBAPIError) as error:
        raise Unavailable(what=f"database {source}: {_reason(error)}") from error


def contents_of_file(file: Path) -> Contents:
    """The contents of a backup, every page of it read and checked."""
    try:
        with closing(_open(file)) as connection:
            (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            loose = connection.execute("PRAGMA foreign_key_check").fetchone()
        if verdict != "ok" or loose is not None:
            reason = verdict if loose is None else f"foreign key {loose}"
            raise BadInput("backup_damaged", file=str(file), reason=reason)
        return _contents(file, str(file))
    except (sqlite3.Error, DBAPIError) as error:
        raise BadInput("backup_damaged", file=str(file), reason=_reason(error)) from error


def put_back(file: Path, contents: Contents, url: URL, mark: str, *, replace: bool) -> str | None:
    """Put a copy of `file` in the place of the database; says where the old one is kept."""
    target = _file_of(url)
    if target.is_dir():
        raise BadInput("file_not_writable", file=str(target), reason="a folder")
    keep = target.exists() and target.stat().st_size > 0 and _must_be_free(target, replace=replace)
    aside = target.with_name(f"{target.name}.before-{mark}") if keep else None
    with part_of(target) as part:
        _copy(file, part)
        migrations.upgrade(f"sqlite:///{part}")
        with closing(_open(part)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
        found = _contents(part, str(target))
        if (found.written, found.last_event) != (contents.written, contents.last_event):
            raise BadInput("backup_damaged", file=str(file), reason=f"{contents} ≠ {found}")
        if aside is not None:
            os.link(target, aside)
    return None if aside is None else str(aside)


def _must_be_free(target: Path, *, replace: bool) -> bool:
    """Whether the database holds data. Raises BadInput unless it may be put aside."""
    try:
        found = _contents(target, str(target))
        if found.written and not replace:
            raise BadInput("database_not_empty", place=str(target), rows=found.written)
        with closing(_open(target, busy_milliseconds=200)) as connection:
            # Only the one user of a database may end its write-ahead log; this also brings
            # all of it into the one file.
            connection.execute("PRAGMA journal_mode=DELETE")
    except (sqlite3.Error, DBAPIError) as error:
        if "locked" in str(error):
            raise BadInput("database_in_use", place=str(target)) from error
        raise Unavailable(what=f"database {target}: {_reason(error)}") from error
    return found.written > 0


def _copy(source: Path, target: Path) -> None:
    with closing(_open(source)) as reading, closing(_open(target)) as writing:
        reading.backup(writing)
        # One file that stands by itself, without a write-ahead log beside it.
        writing.execute("PRAGMA journal_mode=DELETE")


def _open(file: Path, busy_milliseconds: int = BUSY_MILLISECONDS) -> sqlite3.Connection:
    """A connection that never makes a new database where there is none."""
    address = f"file:{quote(str(file.absolute()))}?mode=rw"
    return sqlite3.connect(
        address, uri=True, isolation_level=None, timeout=busy_milliseconds / 1000
    )


def _contents(file: Path, place: str) -> Contents:
    engine = create_engine("sqlite://", creator=lambda: _open(file), poolclass=NullPool)
    with engine.connect() as connection:
        return contents_of(connection, place)


def _file_of(url: URL) -> Path:
    if not url.database or url.database == ":memory:":
        raise Unavailable("database_missing", place="memory")
    return Path(url.database)


def _reason(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error)
