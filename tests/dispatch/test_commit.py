"""One commit: whole or not at all, by version, verified, and told in the outbox."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dispatch.booking import Booking, State
from dispatch.commit import CHECKPOINTS, Answer, Change, commit, first_answer
from dispatch.driving import Route
from dispatch.errors import Conflict, RouteMoved, UnverifiedPlan
from dispatch.events import Fact
from dispatch.store.bookings import digest_of
from dispatch.store.store import DayState, Store
from tests.dispatch.store.toys import (
    DAY,
    NOON,
    SEATS,
    a_booking,
    a_registrant,
    a_route,
    check_of,
    open_vans,
    ports,
    riders_of,
    seat,
    visits_of,
    with_rider,
)


class Crash(Exception):
    """The process ends here."""


def a_van(store: Store, riders: int = 0) -> DayState:
    open_vans(store, 1)
    for number in range(riders):
        seat(store, ports(), f"rider_{number}")
    return store.read_day(DAY)


def everything(store: Store) -> object:
    return (
        store.read_day(DAY),
        store.list_bookings(DAY),
        store.list_events_of_day(DAY),
        store.list_rides(["route_1"]),
        store.find_answer("key"),
    )


def test_a_change_is_found_again_as_it_was_written(store: Store) -> None:
    day = a_van(store)

    commit(with_rider(day.routes[0], "hana", key="key"), store, ports())

    after = store.read_day(DAY)
    assert riders_of(after.routes[0]) == ["hana"]
    assert after.routes[0].visits == visits_of(["hana"])
    assert after.routes[0].version == 1
    assert after.bookings == (a_booking("hana", day.routes[0]),)
    assert store.list_rides(["route_1"]) == [("hana", "route_1")]
    assert first_answer("key", "seat", store) == {"booking": "hana"}


def test_each_changed_route_is_told_with_the_plan_that_was_found_sound(store: Store) -> None:
    a_van(store, riders=1)

    given, changed = (recorded.event for recorded in store.list_events_of_day(DAY))

    assert given.fact is Fact.CONFIRMED
    assert changed.fact is Fact.ROUTE_CHANGED
    assert changed.payload["plan"]["bookings"] == ["rider_0"]
    assert changed.payload["version"] == 1


def test_the_last_event_of_a_change_holds_a_digest_of_each_booking(store: Store) -> None:
    a_van(store, riders=1)
    events = [recorded.event for recorded in store.list_events_of_day(DAY)]

    assert "rows" not in events[0].payload
    assert events[1].payload["rows"] == {"rider_0": digest_of(store.get_booking("rider_0"))}


def test_a_booking_written_without_any_other_fact_is_told_as_corrected(store: Store) -> None:
    commit(Change(new_bookings=(a_booking("hana", None, State.CANCELLED),)), store, ports())

    [told] = [recorded.event for recorded in store.list_events_of_day(DAY)]

    assert told.fact is Fact.CORRECTED
    assert set(told.payload["rows"]) == {"hana"}


def test_of_two_changes_from_the_same_version_the_second_loses_and_writes_nothing(
    store: Store,
) -> None:
    day = a_van(store)
    first, second = (with_rider(day.routes[0], name) for name in ("hana", "taro"))
    commit(first, store, ports())
    before = everything(store)

    with pytest.raises(RouteMoved):
        commit(second, store, ports())

    assert everything(store) == before


def test_a_version_that_goes_between_the_check_and_the_write_is_noticed(store: Store) -> None:
    day = a_van(store)

    def overtaken(name: str) -> None:
        if name == "verified":
            seat(store, ports(), "hana")

    with pytest.raises(RouteMoved):
        commit(with_rider(day.routes[0], "taro"), store, ports(overtaken))

    assert riders_of(store.read_day(DAY).routes[0]) == ["hana"]
    assert store.find_booking("taro") is None


def test_a_booking_that_has_moved_on_is_not_overwritten(store: Store) -> None:
    a_van(store, riders=1)
    booking = store.get_booking("rider_0")
    commit(Change(bookings=(replace(booking, vehicle_changes=1),)), store, ports())

    with pytest.raises(RouteMoved):
        commit(Change(bookings=(replace(booking, vehicle_changes=2),)), store, ports())

    assert store.get_booking("rider_0").vehicle_changes == 1


def test_a_seat_too_many_is_found_by_the_verifier_and_nothing_is_written(store: Store) -> None:
    day = a_van(store, riders=SEATS)
    before = everything(store)

    with pytest.raises(UnverifiedPlan) as refused:
        commit(with_rider(day.routes[0], "one too many"), store, ports())

    assert refused.value.facts["limit"] == "seats"
    assert refused.value.facts["route"] == "route_1"
    assert everything(store) == before


def test_visits_without_a_check_are_refused(store: Store) -> None:
    day = a_van(store)
    unchecked = replace(with_rider(day.routes[0], "hana"), checks=())

    with pytest.raises(UnverifiedPlan, match="unchecked"):
        commit(unchecked, store, ports())


def test_another_plan_than_the_one_checked_is_refused(store: Store) -> None:
    day = a_van(store)
    change = with_rider(day.routes[0], "hana")
    other = replace(change, checks=(check_of(day.routes[0], ["taro"]),))

    with pytest.raises(UnverifiedPlan, match="another_plan_checked"):
        commit(other, store, ports())


@pytest.mark.parametrize("kept", [slice(1, None), slice(3, None)])
def test_visits_that_are_done_leave_from_the_front_without_a_check(
    store: Store, kept: slice
) -> None:
    route = a_van(store, riders=2).routes[0]
    done = replace(
        store.get_booking("rider_0"),
        route_id=None,
        state=State.COMPLETED,
        picked_up_at=NOON,
        completed_at=NOON,
    )

    commit(
        Change(routes=(replace(route, visits=route.visits[kept]),), bookings=(done,)),
        store,
        ports(),
    )

    assert store.read_day(DAY).routes[0].visits == route.visits[kept]


def test_reordering_needs_a_check(store: Store) -> None:
    route = a_van(store, riders=2).routes[0]
    reordered = replace(route, visits=visits_of(["rider_1", "rider_0"]))

    with pytest.raises(UnverifiedPlan, match="unchecked"):
        commit(Change(routes=(reordered,)), store, ports())


def test_other_times_for_the_same_visits_need_no_check(store: Store) -> None:
    route = a_van(store, riders=1).routes[0]
    later = tuple(replace(v, starts_at=v.starts_at + timedelta(minutes=3)) for v in route.visits)

    commit(Change(routes=(replace(route, visits=later),)), store, ports())

    assert store.read_day(DAY).routes[0].visits == later


@pytest.mark.parametrize(
    "spoil",
    [
        lambda booking: replace(booking, route_id=None),
        lambda booking: replace(booking, state=State.CANCELLED),
    ],
    ids=["in no route", "not in the plan"],
)
def test_routes_and_bookings_must_say_the_same_of_who_rides(store: Store, spoil: object) -> None:
    day = a_van(store)
    change = with_rider(day.routes[0], "hana")
    assert callable(spoil)

    with pytest.raises(UnverifiedPlan, match="booking_and_route"):
        commit(replace(change, new_bookings=(spoil(change.new_bookings[0]),)), store, ports())


def test_nobody_falls_out_of_a_route_unnoticed(store: Store) -> None:
    route = a_van(store, riders=1).routes[0]

    with pytest.raises(UnverifiedPlan, match="booking_and_route"):
        commit(Change(routes=(replace(route, visits=()),)), store, ports())


def test_a_hold_that_has_run_out_may_leave_its_route_before_it_is_swept(store: Store) -> None:
    route = _with_held_offer(store)
    late = replace(ports(), now=lambda: NOON + timedelta(minutes=2))

    commit(Change(routes=(replace(route, visits=()),)), store, late)

    assert store.list_rides([route.id]) == []


def _with_held_offer(store: Store) -> Route:
    route = a_van(store).routes[0]
    change = with_rider(route, "hana")
    offer: Booking = a_booking("hana", route, State.OFFERED)
    commit(replace(change, new_bookings=(offer,), events=()), store, ports())
    return store.get_route(route.id)


def test_nobody_can_be_in_two_vans(store: Store) -> None:
    open_vans(store, 2)
    first, second = store.read_day(DAY).routes
    commit(with_rider(first, "hana"), store, ports())
    moved = replace(store.get_booking("hana"), route_id=second.id)
    change = replace(with_rider(second, "hana"), new_bookings=(), bookings=(moved,))

    with pytest.raises(RouteMoved):
        commit(change, store, ports())

    assert store.list_rides([first.id, second.id]) == [("hana", first.id)]


def test_a_second_route_of_the_same_shift_is_refused(store: Store) -> None:
    open_vans(store, 1)

    with pytest.raises(RouteMoved):
        commit(Change(new_routes=(replace(a_route(1), id="again"),)), store, ports())


def test_a_row_that_makes_no_sense_is_refused_by_the_database_itself(store: Store) -> None:
    nobody = a_booking("hana", None, State.CANCELLED)
    nobody = replace(nobody, party=replace(nobody.party, passengers=0))

    with pytest.raises(UnverifiedPlan, match="constraint"):
        commit(Change(new_bookings=(nobody,)), store, ports())


def test_a_key_used_for_something_else_is_a_conflict(store: Store) -> None:
    day = a_van(store)
    commit(with_rider(day.routes[0], "hana", key="key"), store, ports())

    with pytest.raises(Conflict) as clash:
        commit(Change(answer=Answer("key", "another question", {})), store, ports())

    assert clash.value.code == "idempotency_key_reused"
    with pytest.raises(Conflict):
        first_answer("key", "another question", store)


def test_the_same_question_twice_at_once_is_written_once(store: Store) -> None:
    day = a_van(store)
    commit(Change(answer=Answer("key", "seat", {"booking": "hana"})), store, ports())

    with pytest.raises(RouteMoved):
        commit(with_rider(day.routes[0], "hana", key="key"), store, ports())

    assert store.find_booking("hana") is None


@pytest.mark.parametrize("name", [name for name in CHECKPOINTS if name != "committed"])
def test_a_crash_before_the_commit_leaves_nothing(store: Store, name: str) -> None:
    day = a_van(store, riders=1)
    before = everything(store)

    def crash(reached: str) -> None:
        if reached == name:
            raise Crash

    with pytest.raises(Crash):
        commit(with_rider(day.routes[0], "hana", key="key"), store, ports(crash))

    assert everything(store) == before


def test_every_checkpoint_is_passed_in_its_order(store: Store) -> None:
    day = a_van(store)
    passed: list[str] = []

    commit(with_rider(day.routes[0], "hana", key="key"), store, ports(passed.append))

    assert tuple(passed) == CHECKPOINTS


def test_readers_are_woken_once_the_change_can_be_read(store: Store) -> None:
    day = a_van(store)
    seen: list[int] = []
    waking = replace(ports(), wake_readers=lambda: seen.append(len(store.list_bookings(DAY))))

    commit(with_rider(day.routes[0], "hana"), store, waking)

    assert seen == [1]


def test_a_registrant_is_written_and_corrected_by_version(store: Store) -> None:
    new = a_registrant()
    commit(Change(new_registrants=(new,)), store, ports())
    corrected = replace(new, phone="+81994651111")

    commit(Change(registrants=(corrected,)), store, ports())

    assert store.get_registrant(new.id) == replace(corrected, version=1)
    with pytest.raises(RouteMoved):
        commit(Change(registrants=(new,)), store, ports())
