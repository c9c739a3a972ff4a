"""`noriai backup` and `noriai restore`: what was promised is there again, on both databases."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import psycopg
import pytest
import typer
from sqlalchemy import URL
from typer.testing import CliRunner

from api.cli_backup import add_to
from dispatch.booking import Booking
from dispatch.commands.audit import audit
from dispatch.errors import NoriaiError
from dispatch.store import backup_sqlite
from dispatch.store.backup import Backup, back_up, restore
from dispatch.store.contents import Contents
from dispatch.store.migrations import HEAD
from dispatch.store.store import Store, open_store
from tests.builders import DAY, DayBuilder, a_town
from tests.databases import new_database, new_empty_database
from tests.markers import needs_postgres, needs_postgres_programs

NOW = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)
LATER = datetime(2026, 11, 25, 12, 31, tzinfo=UTC)
POSTGRES = (needs_postgres, needs_postgres_programs, pytest.mark.postgres)
KINDS = ("sqlite", pytest.param("postgres", marks=POSTGRES))


@dataclass(frozen=True)
class Site:
    """A town's database, an empty one beside it, and a folder for backups."""

    kind: str
    database: str
    empty: str
    folder: Path

    def backup(self) -> Backup:
        return back_up(self.database, self.folder, NOW)


@pytest.fixture(params=KINDS)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    with (
        new_database(request.param) as database,
        new_empty_database(request.param) as empty,
    ):
        yield Site(request.param, database, empty, tmp_path)


@contextmanager
def a_day_on(database: str, first_id: int = 0) -> Iterator[DayBuilder]:
    """A service on a database; its ids begin after `first_id`."""
    with a_town().with_vehicles(3).on(database).day() as day:
        day.service.ports.new_id.count = first_id  # type: ignore[attr-defined]
        yield day


def book(day: DayBuilder, *destinations: str) -> list[Booking]:
    return [day.book(destination, depart_after="10:00") for destination in destinations]


@contextmanager
def reopened(database: str) -> Iterator[Store]:
    store = open_store(database)
    try:
        yield store
    finally:
        store.close()


def refused(file: Path, database: str, *, replace: bool = False) -> NoriaiError:
    with pytest.raises(NoriaiError) as raised:
        restore(file, database, LATER, replace=replace)
    return raised.value


def test_a_restored_town_keeps_every_promise(site: Site) -> None:
    with a_day_on(site.database) as day:
        booked = {b.id: b for b in book(day, "clinic", "market", "hill")}
        day.service.store.publish()
        made = site.backup()

    restored = restore(made.file, site.empty, LATER, replace=False)

    assert restored.contents == made.contents
    assert restored.aside is None
    with reopened(site.empty) as store:
        found = {b.id: b for b in store.list_bookings(DAY)}
        assert {i: found[i].promise for i in booked} == {i: b.promise for i, b in booked.items()}
        assert audit(DAY, store).findings == ()


def test_event_numbers_go_on_after_a_restore_without_gap_or_repeat(site: Site) -> None:
    with a_day_on(site.database) as day:
        book(day, "clinic")
        day.service.store.publish()
        made = site.backup()
    restore(made.file, site.empty, LATER, replace=False)

    with a_day_on(site.empty, first_id=1_000) as day:
        book(day, "market")
        day.service.store.publish()
        numbers = [event.number for event in day.service.store.list_events(0)]
        sound = audit(DAY, day.service.store).sound

    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > made.contents.last_event > 0
    assert sound


def test_a_backup_shows_one_moment_while_others_write(site: Site) -> None:
    stop, answered = Event(), list[str]()
    with a_day_on(site.database) as day:
        (began,) = book(day, "clinic")

        def write() -> None:
            while not stop.is_set():
                day.registrant()
                answered.append(day.registrant().id)
                day.service.store.publish()

        writer = Thread(target=write)
        writer.start()
        try:
            before = list(answered)
            made = site.backup()
        finally:
            stop.set()
            writer.join()
    restore(made.file, site.empty, LATER, replace=False)

    with reopened(site.empty) as store:
        people = [store.find_registrant(person) for person in before]
        assert None not in people
        assert store.get_booking(began.id).promise == began.promise
        assert audit(DAY, store).sound


def test_the_commands_say_where_and_how_much(site: Site) -> None:
    app = typer.Typer()
    add_to(app)
    with a_day_on(site.database) as day:
        day.registrant()
    made = CliRunner().invoke(
        app, ["backup", "--database", site.database, "--out", str(site.folder)]
    )
    file = made.stdout.strip()

    restored = CliRunner().invoke(app, ["restore", file, "--database", site.empty])

    assert (made.exit_code, restored.exit_code) == (0, 0)
    assert Path(file).is_file()
    assert "registrants 1" in restored.stdout


def test_a_backup_is_for_its_owner_alone_and_named_after_the_time(site: Site) -> None:
    file = site.backup().file

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.stem == "noriai-20261125T123000Z"
    assert [each.name for each in site.folder.iterdir() if each.name.startswith(".")] == []


def test_data_that_are_there_are_replaced_only_where_that_is_asked_and_are_kept(
    site: Site,
) -> None:
    made = site.backup()
    with a_day_on(site.database) as day:
        (mine,) = book(day, "clinic")

    error = refused(made.file, site.database)
    assert error.code == "database_not_empty"
    assert int(str(error.facts["rows"])) > 0
    with reopened(site.database) as store:
        assert store.find_booking(mine.id) is not None

    restored = restore(made.file, site.database, LATER, replace=True)
    assert restored.aside is not None
    with reopened(site.database) as store:
        assert store.find_booking(mine.id) is None
    assert mine.id in bookings_aside(site, restored.aside)


def bookings_aside(site: Site, aside: str) -> list[str]:
    """The bookings in what a restore has put aside."""
    if site.kind == "sqlite":
        with closing(sqlite3.connect(aside)) as connection:
            return [row[0] for row in connection.execute("SELECT id FROM bookings")]
    address = site.database.replace("+psycopg", "")
    with psycopg.connect(address) as server:
        schema = psycopg.sql.Identifier(aside.rsplit(" ", 1)[1])
        query = psycopg.sql.SQL("SELECT id FROM {}.bookings").format(schema)
        return [row[0] for row in server.execute(query)]


def test_a_database_in_use_is_not_replaced(site: Site) -> None:
    made = site.backup()
    with a_day_on(site.database) as day:
        (mine,) = book(day, "clinic")
        error = refused(made.file, site.database, replace=True)

        assert error.code == "database_in_use"
        assert day.service.store.get_booking(mine.id).promise == mine.promise


def test_an_older_backup_is_brought_to_todays_tables(site: Site) -> None:
    execute(site, "DROP TABLE tokens", "UPDATE alembic_version SET version_num = '0001'")
    made = site.backup()
    assert made.contents.revision == "0001"

    restore(made.file, site.empty, LATER, replace=False)

    with reopened(site.empty) as store:
        assert store.is_current()
        assert store.find_token("none") is None


def test_a_backup_of_a_newer_version_is_refused(site: Site) -> None:
    execute(site, "UPDATE alembic_version SET version_num = '9999'")
    made = site.backup()

    error = refused(made.file, site.empty)

    assert (error.code, error.facts["found"]) == ("database_newer", "9999")
    with reopened(site.empty) as store:
        assert store.last_event_number() == 0


def test_a_service_does_not_start_on_a_newer_database(site: Site) -> None:
    execute(site, "UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(NoriaiError) as raised:
        open_store(site.database)

    assert (raised.value.code, raised.value.facts["known"]) == ("database_newer", HEAD)


def execute(site: Site, *statements: str) -> None:
    """Do something to the town's database behind the service's back."""
    if site.kind == "sqlite":
        with closing(sqlite3.connect(site.database.removeprefix("sqlite:///"))) as connection:
            connection.executescript(";".join(statements))
        return
    with psycopg.connect(site.database.replace("+psycopg", "")) as server:
        for statement in statements:
            server.execute(statement.encode())


def test_a_damaged_backup_is_refused_and_changes_nothing(site: Site) -> None:
    with a_day_on(site.database) as day:
        book(day, "clinic")
        made = site.backup()
    whole = made.file.read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:2000] + bytes(4000) + whole[6000:]):
        made.file.write_bytes(damaged)
        assert refused(made.file, site.empty).code == "backup_damaged"
    with reopened(site.empty) as store:
        assert store.count_registrants() == 0


def test_something_else_is_no_backup(site: Site) -> None:
    letter = site.folder / "letter.txt"
    letter.write_text("拝啓", "utf-8")

    assert refused(letter, site.empty).code == "not_a_backup"
    assert refused(site.folder, site.empty).code == "file_missing"
    assert refused(site.folder / "nowhere", site.empty).code == "file_missing"


def test_a_file_that_is_there_is_not_written_over(site: Site) -> None:
    there = site.folder / "there"
    there.write_text("mine", "utf-8")

    for out, code in ((there, "file_exists"), (site.folder / "no" / "b", "file_not_writable")):
        with pytest.raises(NoriaiError) as raised:
            back_up(site.database, out, NOW)
        assert raised.value.code == code
    assert there.read_text("utf-8") == "mine"


def test_a_database_that_is_not_ours_is_neither_backed_up_nor_replaced(site: Site) -> None:
    made = site.backup()
    theirs = Site(site.kind, site.empty, site.database, site.folder)
    execute(theirs, "CREATE TABLE recipes (id integer)")

    with pytest.raises(NoriaiError) as raised:
        back_up(theirs.database, site.folder / "theirs", NOW)
    assert raised.value.code == "database_not_ours"
    assert refused(made.file, theirs.database, replace=True).code == "database_not_ours"
    assert not (site.folder / "theirs").exists()


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    file = tmp_path / "nowhere.sqlite"

    with pytest.raises(NoriaiError) as raised:
        back_up(f"sqlite:///{file}", tmp_path, NOW)

    assert raised.value.code == "database_missing"
    assert list(tmp_path.iterdir()) == []


def test_a_copy_that_lacks_a_row_is_not_called_a_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lossy(url: URL, part: Path) -> Contents:
        told = whole(url, part)
        with closing(sqlite3.connect(part)) as connection:
            connection.executescript("DELETE FROM registrants")
        return told

    with new_database("sqlite") as database:
        with a_day_on(database) as day:
            day.registrant()
        whole = backup_sqlite.take
        monkeypatch.setattr(backup_sqlite, "take", lossy)
        with pytest.raises(NoriaiError) as raised:
            back_up(database, tmp_path, NOW)

    assert raised.value.code == "backup_damaged"
    assert list(tmp_path.iterdir()) == []


def test_a_backup_of_one_kind_is_not_put_into_the_other(tmp_path: Path) -> None:
    with new_database("sqlite") as database:
        made = back_up(database, tmp_path, NOW)

    error = refused(made.file, "postgresql+psycopg://test@127.0.0.1:1/test")

    assert (error.code, error.facts["kind"]) == ("backup_other_kind", "SQLite")


def test_without_postgresqls_programs_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    dump = tmp_path / "town.pgdump"
    dump.write_bytes(b"PGDMP")

    error = refused(dump, "postgresql+psycopg://test@127.0.0.1:1/test")

    assert (error.code, error.facts["package"]) == ("program_missing", "postgresql-client")
