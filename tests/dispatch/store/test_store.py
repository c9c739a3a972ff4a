"""The store: what is written is read again, of one moment, and a database that is not there."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import Barrier

import pytest

from dispatch.booking import State
from dispatch.commit import Change, commit
from dispatch.driving import Route
from dispatch.errors import NotFound, Refused, RouteMoved, Unavailable
from dispatch.store.positions import Position
from dispatch.store.stops import Closure
from dispatch.store.store import Store, open_store
from dispatch.store.transaction import Busy, open_engines, place_of_database
from tests.databases import new_database
from tests.dispatch.store.toys import (
    CLINIC,
    DAY,
    HOME,
    NOON,
    SEATS,
    a_booking,
    a_registrant,
    a_route,
    open_vans,
    ports,
    riders_of,
    seat,
    with_rider,
)


def test_a_day_is_read_with_its_routes_and_the_bookings_in_its_plan(store: Store) -> None:
    open_vans(store, 2)
    seat(store, ports(), "hana")
    over = replace(a_booking("taro", None), state=State.CANCELLED)
    tomorrow = replace(a_booking("jiro", None), service_day=DAY + timedelta(days=1))
    commit(Change(new_bookings=(over, tomorrow)), store, ports())

    day = store.read_day(DAY)

    assert [route.id for route in day.routes] == ["route_1", "route_2"]
    assert [booking.id for booking in day.bookings] == ["hana"]
    assert [b.id for b in store.list_bookings(DAY)] == ["hana", "taro"]
    assert [b.id for b in store.list_bookings(DAY, {State.CANCELLED})] == ["taro"]


def test_a_change_by_another_process_is_seen_at_the_next_read(
    store: Store, database_url: str
) -> None:
    open_vans(store, 1)
    store.read_day(DAY)
    other = open_store(database_url, durable=False)
    seat(other, ports(), "hana")
    other.close()

    assert riders_of(store.read_day(DAY).routes[0]) == ["hana"]


def test_a_row_that_has_not_changed_is_not_read_twice(store: Store) -> None:
    open_vans(store, 2)
    first = store.read_day(DAY)
    commit(with_rider(first.routes[0], "hana"), store, ports())

    second = store.read_day(DAY)

    assert second.routes[0] is not first.routes[0]
    assert second.routes[1] is first.routes[1]


def test_routes_and_bookings_of_a_day_are_always_of_the_same_moment(
    store: Store, database_url: str
) -> None:
    open_vans(store, 3)
    writer = open_store(database_url, durable=False)

    def write(_: int) -> None:
        for number in range(3 * SEATS):
            seat(writer, ports(), f"rider_{number}")

    def read(_: int) -> set[bool]:
        days = [store.read_day(DAY) for _ in range(40)]
        return {
            {r for route in day.routes for r in riders_of(route)} == {b.id for b in day.bookings}
            for day in days
        }

    with ThreadPoolExecutor(3) as pool:
        written = pool.map(write, [0])
        agreed = set().union(*pool.map(read, range(2)))
        list(written)
    writer.close()

    assert agreed == {True}


def test_no_update_is_lost_between_threads(store: Store) -> None:
    open_vans(store, 1)
    start = Barrier(4)

    def count(thread: int) -> int:
        start.wait()
        lost = 0
        for _ in range(10):
            while True:
                try:
                    commit(_one_more(store.get_route("route_1")), store, ports())
                    break
                except RouteMoved:
                    lost += 1
        return lost

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(4)))

    assert store.get_route("route_1").cause == "x" * 40


def _one_more(route: Route) -> Change:
    return Change(routes=(replace(route, cause=route.cause + "x"),))


def test_a_race_for_the_last_seats_sells_each_of_them_once(store: Store) -> None:
    open_vans(store, 2)
    start = Barrier(6)

    def residents(thread: int) -> int:
        start.wait()
        return sum(_gets_a_seat(store, f"{thread}-{n}") for n in range(4))

    with ThreadPoolExecutor(6) as pool:
        sold = sum(pool.map(residents, range(6)))

    day = store.read_day(DAY)
    assert sold == 2 * SEATS == len(day.bookings)
    assert [len(riders_of(route)) for route in day.routes] == [SEATS, SEATS]


def _gets_a_seat(store: Store, who: str) -> bool:
    while True:
        try:
            seat(store, ports(), who)
        except RouteMoved:
            continue
        except Refused:
            return False
        return True


def test_a_registrant_is_found_by_number_telephone_and_reading(store: Store) -> None:
    hana = a_registrant(1)
    son = replace(a_registrant(2), kana="キモツキ タロウ")
    commit(Change(new_registrants=(hana, son)), store, ports())

    assert store.get_registrant(hana.id) == hana
    assert store.find_registrant_by_number(son.number) == son
    assert store.list_registrants_by_phone(hana.phone) == [hana, son]
    assert store.list_registrants_by_kana("キモツキ タ") == [son]
    assert store.count_registrants() == 2
    assert store.last_registrant_number() == son.number


def test_a_booking_comes_back_with_every_column(store: Store) -> None:
    open_vans(store, 1)
    commit(Change(new_registrants=(a_registrant(),)), store, ports())
    full = replace(
        a_booking("hana", a_route(1), State.COMPLETED),
        registrant_id="registrant_1",
        accepted_at=NOON,
        picked_up_at=NOON + timedelta(minutes=1),
        boarded_at=NOON + timedelta(minutes=2, microseconds=5),
        completed_at=NOON + timedelta(minutes=20),
        told_pickup=NOON,
        vehicle_changes=1,
        cause="road",
    )

    commit(Change(new_bookings=(full,)), store, ports())

    assert store.get_booking("hana") == full
    assert store.list_bookings_of_registrant("registrant_1") == [full]
    assert store.list_bookings_of_quote(full.quote_id) == [full]


def test_times_come_back_in_utc_whatever_zone_they_had(store: Store) -> None:
    japan = timezone(timedelta(hours=9))
    commit(Change(new_routes=(replace(a_route(), since=NOON.astimezone(japan)),)), store, ports())

    since = store.get_route("route_1").since

    assert since == NOON
    assert since.utcoffset() == timedelta(0)


def test_a_time_without_a_zone_is_not_stored(store: Store) -> None:
    nowhere = replace(a_route(), since=datetime(2026, 11, 25, 12, 0))  # noqa: DTZ001

    with pytest.raises(Exception, match="without a zone"):
        commit(Change(new_routes=(nowhere,)), store, ports())


def test_expired_offers_are_listed_once_their_time_is_over(store: Store) -> None:
    offer = a_booking("hana", None, State.OFFERED)
    commit(Change(new_bookings=(offer,)), store, ports())
    assert offer.expires_at is not None

    assert store.list_expired_offers(offer.expires_at - timedelta(seconds=1)) == []
    assert store.list_expired_offers(offer.expires_at) == [offer]


def test_positions_are_kept_without_moving_the_route(store: Store) -> None:
    open_vans(store, 1)
    here = Position("route_1", HOME, NOON)
    there = Position("route_1", CLINIC, NOON + timedelta(minutes=5))
    commit(Change(positions=(here, there)), store, ports())
    commit(Change(positions=(here,)), store, ports())

    assert store.list_latest_positions(["route_1"]) == [there]
    assert store.list_positions("route_1") == [here, there]
    assert store.get_route("route_1").version == 0


def test_a_stop_is_closed_and_reopened(store: Store) -> None:
    closed = Closure("clinic", NOON, "festival")
    commit(Change(closed_stops=(closed,)), store, ports())
    assert store.list_closed_stops() == [closed]
    assert store.read_day(DAY).closed_stops == (closed,)

    commit(Change(reopened_stops=("clinic",)), store, ports())

    assert store.list_closed_stops() == []


def test_what_is_not_there_is_said_plainly(store: Store) -> None:
    for ask in (store.get_booking, store.get_route, store.get_registrant):
        with pytest.raises(NotFound):
            ask("nobody")
    assert store.find_answer("nobody") is None


def test_the_database_in_memory_is_one_database_for_all_threads_and_gone_afterwards() -> None:
    store = open_store("sqlite://")
    open_vans(store, 1)
    file = Path(store.place)

    with ThreadPoolExecutor(2) as pool:
        seen = list(pool.map(lambda _: len(store.list_routes(DAY)), range(4)))
    store.close()

    assert seen == [1, 1, 1, 1]
    assert not file.exists()


# --- a database that is not there -----------------------------------------------------------


@pytest.fixture
def closed_port() -> Iterator[int]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def test_a_server_that_is_not_there_is_named_without_its_password(closed_port: int) -> None:
    url = f"postgresql+psycopg://noriai:secret@127.0.0.1:{closed_port}/town"

    with pytest.raises(Unavailable) as away:
        open_store(url)

    assert away.value.facts["place"] == f"127.0.0.1:{closed_port}/town"
    assert "secret" not in str(away.value)
    assert "\n" not in str(away.value.facts["reason"])


@pytest.mark.parametrize(
    "url",
    ["sqlite:////no/such/folder/town.sqlite", "mysql://somewhere/town", "town.sqlite"],
)
def test_an_address_that_leads_nowhere_is_refused(url: str) -> None:
    with pytest.raises(Unavailable):
        open_store(url)


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    file = tmp_path / "town.sqlite"
    file.write_text("this is a letter, not a database; " * 100)

    with pytest.raises(Unavailable):
        open_store(f"sqlite:///{file}")


def test_the_place_of_a_database_holds_no_user_and_no_password() -> None:
    url = open_engines("postgresql://user:secret@db.example:5433/town").url

    assert place_of_database(url) == "db.example:5433/town"


def test_a_database_held_by_somebody_else_asks_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dispatch.store.transaction.BUSY_MILLISECONDS", 10)
    with new_database("sqlite") as url:
        holder, waiter = open_store(url), open_store(url)
        with holder.writing(), pytest.raises(Busy), waiter.writing():
            pass
        holder.close()
        waiter.close()
