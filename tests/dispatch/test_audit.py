"""The audit: a day as it was recorded is sound, and whoever alters it is found out by name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from dispatch.commands.audit import AuditReport, audit
from dispatch.commands.book import release_quote
from dispatch.store.store import Store, open_store
from tests.builders import DAY, DayBuilder, a_town


def live_through(day: DayBuilder) -> None:
    """A whole small day: three rides carried out, one cancelled, one offer given back."""
    day.book("clinic", depart_after="10:00")
    day.book("market", depart_after="10:10")
    day.book("station", depart_after="10:40", origin="clinic")
    day.book("hill", depart_after="13:00")
    day.cancel("hill")
    release_quote(day.ask("hill", depart_after="14:00").id, day.service)
    day.carry_everybody()


@dataclass(frozen=True, slots=True)
class Recorded:
    """A day as it lies in the database: its bookings' ids by their short names."""

    store: Store
    ids: dict[str, str]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A day lived through once, for all tests that alter a copy of it."""
    file = tmp_path_factory.mktemp("audit") / "day.sqlite"
    with a_town().on(f"sqlite:///{file}").day() as built:
        live_through(built)
    return file, built.ids


@pytest.fixture
def day(lived: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[Recorded]:
    """A copy of the day, to be altered."""
    file = shutil.copy(lived[0], tmp_path / "copy.sqlite")
    store = open_store(f"sqlite:///{file}", durable=False)
    yield Recorded(store, lived[1])
    store.close()


def alter(day: Recorded, statement: str, **values: object) -> None:
    """Somebody who can write to the database changes a row."""
    with day.store._engines.writer.begin() as connection:
        done = connection.execute(text(statement), values)
        assert done.rowcount == 1


def report_of(day: Recorded) -> AuditReport:
    return audit(DAY, day.store)


def test_a_day_as_it_was_recorded_is_sound(database_url: str) -> None:
    with a_town().on(database_url).day() as built:
        live_through(built)

        report = audit(DAY, built.service.store)

    assert [str(finding) for finding in report.findings] == []
    assert report.sound
    assert report.ledger.kept == 3
    assert report.ledger.late == report.ledger.broken == report.ledger.open == 0
    assert report.ledger.ended_otherwise == 1
    assert report.plans > 10


def test_a_breakdown_is_recorded_with_whom_it_left_and_is_sound() -> None:
    with a_town().day() as built:
        built.book("hill", depart_after="10:00")
        built.start_duty()
        built.drive_to("hill")
        built.serve_next(built.route_of("hill").id)
        built.break_down("hill")
        built.carry_everybody()

        report = audit(DAY, built.service.store)

    assert [str(finding) for finding in report.findings] == []
    assert report.ledger.kept + report.ledger.late + report.ledger.broken == 1


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("fare_yen", 0),
        ("state", "cancelled"),
        ("passengers", 3),
        ("max_ride_seconds", 9_000),
        ("direct_seconds", 1),
        ("channel", "web"),
        ("told_pickup", "2026-11-25 04:00:00.000000"),
        ("vehicle_changes", 1),
        ("cause", "weather"),
    ],
)
def test_an_altered_booking_is_named(day: Recorded, part: str, value: object) -> None:
    booking = day.ids["clinic"]

    alter(day, f"UPDATE bookings SET {part} = :v WHERE id = :b", v=value, b=booking)  # noqa: S608

    findings = report_of(day).findings
    assert {f.booking_id for f in findings} == {booking}
    assert {f.part for f in findings} <= {part, "row"}
    assert booking in str(findings[0])


@pytest.mark.parametrize("part", ["pickup_latest", "arrive_latest", "completed_at", "picked_up_at"])
def test_an_altered_time_is_named(day: Recorded, part: str) -> None:
    booking, value = day.ids["clinic"], "2026-11-25 07:00:00.000000"

    alter(day, f"UPDATE bookings SET {part} = :v WHERE id = :b", v=value, b=booking)  # noqa: S608

    assert (booking, part) in {(f.booking_id, f.part) for f in report_of(day).findings}


def test_a_booking_that_was_taken_out_is_named(day: Recorded) -> None:
    alter(day, "DELETE FROM bookings WHERE id = :b", b=day.ids["hill"])

    [finding] = report_of(day).findings

    assert (finding.what, finding.booking_id) == ("booking_missing", day.ids["hill"])


def test_an_altered_event_breaks_its_seal(day: Recorded) -> None:
    report_of(day)
    booking = day.ids["clinic"]
    recorded = day.store.list_events_of_booking(booking)
    told = next(e for e in recorded if e.event.fact.value == "completed")
    payload = json.dumps({**told.event.payload, "completed_at": "2026-11-25T00:00:00+00:00"})

    alter(day, "UPDATE events SET payload = :p WHERE number = :n", p=payload, n=told.number)

    findings = report_of(day).findings
    assert ("event_altered", booking) in {(f.what, f.booking_id) for f in findings}


def test_an_event_that_was_taken_out_is_missed(day: Recorded) -> None:
    report_of(day)

    alter(day, "DELETE FROM events WHERE number = 5")

    assert "event_missing" in {f.what for f in report_of(day).findings}


def test_a_plan_that_breaks_a_limit_is_found_by_the_verifier(day: Recorded) -> None:
    changed = next(
        e
        for e in day.store.list_events_of_day(DAY)
        if e.event.fact.value == "route_changed" and len(e.event.payload["plan"]["visits"]) > 2
    )
    plan = json.loads(json.dumps(changed.event.payload["plan"]))
    plan["vehicle"]["capacity"] = [0, 0]
    payload = json.dumps({**changed.event.payload, "plan": plan})
    seal = (
        "UPDATE events SET payload = :p WHERE fact = 'route_changed' AND route_id = :r "
        "AND id = (SELECT min(id) FROM events WHERE fact = 'route_changed' AND route_id = :r)"
    )

    alter(day, seal, p=payload, r=changed.event.route_id)

    found = {(f.what, f.part) for f in report_of(day).findings}
    assert ("plan_unsound", "seats") in found


def test_a_ride_that_has_no_place_in_its_route_is_named() -> None:
    with a_town().day() as built:
        built.book("clinic", depart_after="10:00")
        day = Recorded(built.service.store, built.ids)
        alter(day, "DELETE FROM planned_rides WHERE booking_id = :b", b=built.ids["clinic"])

        findings = report_of(day).findings

    assert [(f.what, f.booking_id) for f in findings] == [("route_disagrees", built.ids["clinic"])]
