"""The outbox: numbers in the order of commits, and readers that never see a gap filled."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from dispatch import facts
from dispatch.commit import Change, commit
from dispatch.events import Event
from dispatch.store.store import Store, open_store
from tests.databases import new_store
from tests.dispatch.store.toys import DAY, NOON, ports
from tests.markers import needs_postgres


def told(name: str) -> Event:
    return facts.stop_closed(name, DAY, NOON, "festival")


def names(store: Store, after: int = 0) -> list[tuple[int, str]]:
    return [(e.number, e.event.payload["stop_id"]) for e in store.list_events(after)]


def test_events_are_numbered_from_one_in_the_order_they_were_committed(store: Store) -> None:
    for name in ("a", "b", "c"):
        commit(Change(events=(told(name),)), store, ports())

    assert names(store) == []
    assert store.publish() == 3
    assert names(store) == [(1, "a"), (2, "b"), (3, "c")]
    assert names(store, after=2) == [(3, "c")]
    assert store.last_event_number() == 3


def test_publishing_again_changes_no_number(store: Store) -> None:
    commit(Change(events=(told("a"), told("b"))), store, ports())
    store.publish()

    assert store.publish() == 0
    assert names(store) == [(1, "a"), (2, "b")]


@needs_postgres
def test_a_commit_that_ends_late_gets_a_later_number_than_what_was_read_before() -> None:
    with new_store("postgres") as store:
        with store.writing() as slow:
            slow.add_events((told("begun first"),))
            commit(Change(events=(told("committed first"),)), store, ports())
            store.publish()
            assert names(store) == [(1, "committed first")]
        store.publish()

        assert names(store, after=1) == [(2, "begun first")]


def test_many_writers_and_publishers_leave_no_gap_and_no_repeat(
    store: Store, database_url: str
) -> None:
    others = [open_store(database_url, durable=False) for _ in range(3)]
    seen: list[tuple[int, str]] = []

    def write(number: int) -> None:
        commit(Change(events=(told(f"{number}"),)), others[number % 3], ports())

    def read(_: int) -> None:
        store.publish()
        seen.extend(names(store, after=seen[-1][0] if seen else 0))

    with ThreadPoolExecutor(6) as pool, ThreadPoolExecutor(1) as reader:
        written = pool.map(_twice(write, others), range(60))
        list(reader.map(read, range(20)))
        list(written)
    read(0)
    for other in others:
        other.close()

    assert [number for number, _ in seen] == list(range(1, 61))
    assert sorted(int(name) for _, name in seen) == list(range(60))


def _twice(write: Callable[[int], None], stores: list[Store]) -> Callable[[int], None]:
    def act(number: int) -> None:
        write(number)
        stores[(number + 1) % 3].publish()

    return act


def test_the_events_of_a_day_and_of_a_booking_are_listed_before_they_are_published(
    store: Store,
) -> None:
    commit(Change(events=(told("a"),)), store, ports())

    assert [e.number for e in store.list_events_of_day(DAY)] == [0]
    assert store.list_events_of_booking("nobody") == []
