"""Backup and restore of a PostgreSQL database, by PostgreSQL's own programs.

pg_dump reads the very moment in which the rows were counted (an exported snapshot); what
it wrote is read again and counted row by row. A restore is one transaction: the tables
that were there move to a schema of their own, and those of the backup take their place.

See: docs/decisions/0097-a-backup-is-read-before-it-is-named.md; docs/words.md, backup
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, Connection, NullPool, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from dispatch.errors import BadInput, Unavailable
from dispatch.store import migrations
from dispatch.store.contents import OURS, Contents, contents_of
from dispatch.store.transaction import APPLICATION, CONNECT_SECONDS, place_of_database

PACKAGE = "postgresql-client"
_COPY = re.compile(r"COPY (?:\S+\.)?(\S+) \(([^)]*)\) FROM stdin;\n")


def take(url: URL, part: Path) -> Contents:
    """Dump the database into `part` as it is at one moment, whoever writes meanwhile."""
    with _reading(url) as connection:
        contents = contents_of(connection, place_of_database(url))
        moment = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        schema = connection.execute(text("SELECT current_schema()")).scalar_one()
        tables = [f'--table="{schema}"."{name}"' for name in contents.rows]
        # With the password in the environment: the list of processes is for all to read.
        _run(
            "pg_dump",
            "--format=custom",
            "--no-owner",
            "--no-privileges",
            f"--snapshot={moment}",
            f"--file={part}",
            *tables,
            f"--dbname={_address(url)}",
            environment=_secrets(url),
        )
    return contents


def contents_of_file(file: Path) -> Contents:
    """The contents of a backup, every row of it read."""
    with tempfile.TemporaryDirectory(prefix="noriai-") as folder:
        script = Path(folder) / "rows.sql"
        try:
            _run("pg_restore", "--data-only", f"--file={script}", str(file))
        except Unavailable as error:
            if error.code != "program_failed":
                raise
            reason = error.facts["reason"]
            raise BadInput("backup_damaged", file=str(file), reason=reason) from error
        with script.open(encoding="utf-8") as lines:
            rows, first = _rows_of(lines)
    if not set(rows) >= OURS:
        raise BadInput("not_a_backup", file=str(file))
    return Contents(
        dict(sorted(rows.items())),
        first["alembic_version"]["version_num"],
        int(first["numbering"]["last"]),
    )


def put_back(file: Path, contents: Contents, url: URL, mark: str, *, replace: bool) -> str | None:
    """Put the tables of `file` in the place of the database's; says where those are kept."""
    place = place_of_database(url)
    with _reading(url) as connection:
        names = inspect(connection).get_table_names()
        schema = connection.execute(text("SELECT current_schema()")).scalar_one()
        written = contents_of(connection, place).written if names else 0
        if written and not replace:
            raise BadInput("database_not_empty", place=place, rows=written)
        if _is_in_use(connection):
            raise BadInput("database_in_use", place=place)
    aside = f"before_{mark.lower()}" if written else None
    with tempfile.TemporaryDirectory(prefix="noriai-") as folder:
        old, new = Path(folder) / "old.sql", Path(folder) / "new.sql"
        old.write_text("".join(_put_aside(schema, names, aside)), "utf-8")
        _run("pg_restore", "--no-owner", "--no-privileges", f"--file={new}", str(file))
        _run(
            "psql",
            "--no-psqlrc",
            "--quiet",
            "--single-transaction",
            "--set=ON_ERROR_STOP=1",
            f"--file={old}",
            f"--file={new}",
            f"--dbname={_address(url)}",
            environment=_secrets(url),
        )
    migrations.upgrade(url.render_as_string(hide_password=False))
    with _reading(url) as connection:
        found = contents_of(connection, place)
    if (found.written, found.last_event) != (contents.written, contents.last_event):
        raise Unavailable("backup_damaged", file=str(file), reason=f"{contents} ≠ {found}")
    return aside and f"{place}, schema {aside}"


def _put_aside(schema: str, names: Iterable[str], aside: str | None) -> Iterator[str]:
    """The statements that make room: old tables move to `aside`, or go where they are empty."""
    if aside is not None:
        yield f'CREATE SCHEMA "{aside}";\n'
    for name in names:
        if aside is None:
            yield f'DROP TABLE "{schema}"."{name}" CASCADE;\n'
        else:
            yield f'ALTER TABLE "{schema}"."{name}" SET SCHEMA "{aside}";\n'


def _rows_of(lines: Iterable[str]) -> tuple[dict[str, int], dict[str, dict[str, str]]]:
    """Of a dump as a script: how many rows each table has, and each table's first row."""
    rows: dict[str, int] = {}
    first: dict[str, dict[str, str]] = {}
    table, columns = "", ""
    for line in lines:
        if not table:
            if begins := _COPY.fullmatch(line):
                table, columns = begins[1].strip('"'), begins[2]
                rows[table] = 0
        elif line == "\\.\n":
            table = ""
        else:
            if not rows[table]:
                values = line.rstrip("\n").split("\t")
                first[table] = dict(zip(columns.split(", "), values, strict=True))
            rows[table] += 1
    return rows, first


def _is_in_use(connection: Connection) -> bool:
    """Whether a process of the service is connected."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = :application"
    )
    found: int = connection.execute(query, {"application": APPLICATION}).scalar_one()
    return found > 0


@contextmanager
def _reading(url: URL) -> Iterator[Connection]:
    """One moment of the database. Raises Unavailable."""
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        isolation_level="REPEATABLE READ",
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "application_name": f"{APPLICATION} backup",
        },
    )
    try:
        with engine.connect() as connection:
            yield connection
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise Unavailable(what=f"database {place_of_database(url)}: {reason}") from error


def _address(url: URL) -> str:
    """The database as PostgreSQL's programs are told it, without the password."""
    options: dict[str, str | int | None] = {"connect_timeout": CONNECT_SECONDS}
    options |= {n: v for n, v in url.query.items() if isinstance(v, str) and n != "password"}
    options |= {"host": url.host, "port": url.port, "user": url.username, "dbname": url.database}
    return make_conninfo("", **options)


def _secrets(url: URL) -> dict[str, str]:
    password = url.password or url.query.get("password")
    return {} if password is None else {"PGPASSWORD": str(password)}


def _run(program: str, *arguments: str, environment: dict[str, str] | None = None) -> None:
    """Run one of PostgreSQL's programs. Raises Unavailable with what it said."""
    path = shutil.which(program)
    if path is None:
        raise Unavailable("program_missing", program=program, package=PACKAGE)
    done = subprocess.run(  # noqa: S603  (no shell; the arguments are ours and the operator's)
        [path, *arguments],
        env={**os.environ, **(environment or {}), "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        reason = next((line for line in said if "error:" in line), said[0])
        raise Unavailable("program_failed", program=program, reason=reason)
