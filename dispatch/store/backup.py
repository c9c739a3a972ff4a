"""A town's whole memory in one file, and back from it.

A backup shows one moment of the database while the service goes on, is read again before
it gets its name, and is for its owner's eyes alone: it holds what people have told us. A
restore changes nothing unless all of it succeeds, and never loses what was there before.

See: docs/operations.md; docs/decisions/0097-a-backup-is-read-before-it-is-named.md;
docs/words.md, backup
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dispatch.errors import BadInput, Unavailable
from dispatch.store import backup_postgres, backup_sqlite
from dispatch.store.contents import Contents
from dispatch.store.migrations import HEAD
from dispatch.store.new_file import part_of
from dispatch.store.transaction import address_of

_WAYS = {"sqlite": backup_sqlite, "postgresql": backup_postgres}
_SUFFIX = {"sqlite": ".sqlite", "postgresql": ".pgdump"}
_CALLED = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
_BEGINS = {"sqlite": b"SQLite format 3\0", "postgresql": b"PGDMP"}


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that has been read and found whole."""

    file: Path
    contents: Contents


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore has brought back.

    aside : where the data that were there before are kept; None where there were none.
    """

    contents: Contents
    aside: str | None


def back_up(database_url: str, out: Path, now: datetime) -> Backup:
    """Write a backup while the service runs.

    out : a folder, in which the file is named after `now`, or a file that is not there yet.

    Raises BadInput for a file that cannot be written and Unavailable for a database that is
    not there, not ours, or whose backup did not read as it should; nothing is left then.
    """
    url = address_of(database_url)
    kind = url.get_backend_name()
    file = out / f"noriai-{now:%Y%m%dT%H%M%SZ}{_SUFFIX[kind]}" if out.is_dir() else out
    if file.exists():
        raise BadInput("file_exists", file=str(file))
    with part_of(file) as part:
        told = _WAYS[kind].take(url, part)
        found = _WAYS[kind].contents_of_file(part)
        if found != told:
            raise Unavailable("backup_damaged", file=str(file), reason=f"{told} ≠ {found}")
    return Backup(file, found)


def restore(file: Path, database_url: str, now: datetime, *, replace: bool) -> Restored:
    """Fill a database from a backup; an older one is brought to the tables of this version.

    replace : whether a database that holds data may be put aside.

    Raises BadInput for a file that is no sound backup of this kind of database, or a database
    that holds data or is in use, Unavailable for one that is not there; nothing has changed
    then.
    """
    url = address_of(database_url)
    kind = url.get_backend_name()
    _must_be_of(kind, file)
    contents = _WAYS[kind].contents_of_file(file)
    if contents.revision > HEAD:
        raise BadInput("database_newer", place=str(file), found=contents.revision, known=HEAD)
    mark = f"{now:%Y%m%dT%H%M%SZ}"
    aside = _WAYS[kind].put_back(file, contents, url, mark, replace=replace)
    return Restored(contents, aside)


def _must_be_of(kind: str, file: Path) -> None:
    """Raises BadInput unless the file begins as a backup of this kind of database does."""
    if not file.is_file():
        raise BadInput("file_missing", file=str(file))
    try:
        with file.open("rb") as opened:
            begins = opened.read(16)
    except OSError as error:
        raise BadInput("backup_damaged", file=str(file), reason=error.strerror) from error
    found = [each for each, mark in _BEGINS.items() if begins.startswith(mark)]
    if not found:
        raise BadInput("not_a_backup", file=str(file))
    if found != [kind]:
        raise BadInput("backup_other_kind", file=str(file), kind=_CALLED[found[0]])
