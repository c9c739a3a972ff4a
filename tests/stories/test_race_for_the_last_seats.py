"""Many residents want the last seats at once; each seat is sold once, and nobody gets an error."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from threading import Barrier

import pytest

from dispatch.booking import Booking, State
from dispatch.commands.audit import audit
from dispatch.commands.drive import open_day
from dispatch.optimizer.plan import Kind
from dispatch.store.store import Store, open_store
from tests.builders import DAY
from tests.databases import new_database
from tests.markers import examples, needs_postgres
from tests.stories.race import SEATS, open_service, race

RESIDENTS = examples(60, 200)
PROCESSES = 4


def prepare(database_url: str) -> None:
    service = open_service(database_url)
    open_day(DAY, service)
    service.store.close()


def test_from_threads_on_sqlite_no_seat_is_sold_twice() -> None:
    with new_database("sqlite") as url:
        prepare(url)

        told = race(url, range(RESIDENTS), Barrier(1))

        assert_fair(url, told)


@needs_postgres
@pytest.mark.postgres
def test_from_four_processes_on_postgresql_no_seat_is_sold_twice() -> None:
    with new_database("postgres") as url:
        prepare(url)
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.stories.race", "tests.end_to_end.warm_lives"])
        with context.Manager() as manager, ProcessPoolExecutor(PROCESSES, context) as pool:
            start = manager.Barrier(PROCESSES)
            shares = [range(RESIDENTS)[number::PROCESSES] for number in range(PROCESSES)]
            runs = [pool.submit(race, url, share, start) for share in shares]

            told = sum((run.result() for run in runs), Counter[str]())

        assert_fair(url, told)


def assert_fair(database_url: str, told: Counter[str]) -> None:
    """Everybody was told something honest, and what they were told is what is in the store."""
    assert told.total() == RESIDENTS
    assert told["booked"] > 0
    assert told.total() > told["booked"], "nobody had to race"
    store = open_store(database_url)
    bookings = store.list_bookings(DAY)
    assert sum(b.state is State.CONFIRMED for b in bookings) == told["booked"]
    assert_no_seat_sold_twice(store, {b.id: b for b in bookings})
    report = audit(DAY, store)
    assert report.plans > told["booked"]
    assert not report.findings
    store.close()


def assert_no_seat_sold_twice(store: Store, bookings: dict[str, Booking]) -> None:
    """Counted by hand, without any of the planning code."""
    places: list[str] = []
    for route in store.list_routes(DAY):
        aboard = 0
        for visit in route.visits:
            aboard += 1 if visit.kind is Kind.PICKUP else -1
            assert 0 <= aboard <= SEATS
            assert bookings[visit.subject].route_id == route.id
        places += [v.subject for v in route.visits if v.kind is Kind.PICKUP]
    assert len(places) == len(set(places))
    in_the_plan = {State.CONFIRMED, State.OFFERED}
    assert set(places) == {b.id for b in bookings.values() if b.state in in_the_plan}
