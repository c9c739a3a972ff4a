"""The border between the service's words and the optimizer's numbers.

See: docs/decisions/0050-one-border-between-clock-and-seconds.md
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dispatch.booking import Party, State
from dispatch.commands import drive
from dispatch.commands.planning import read_day
from dispatch.optimizer.limits import Limit
from dispatch.optimizer.plan import Plan, Route
from dispatch.optimizer.verify import verify
from dispatch.requests import Midnight, boarding_seconds, loads_of
from dispatch.snapshot import Snapshot
from dispatch.sub_problem import sub_problem
from dispatch.timed_routes import routes_from
from tests.builders import DAY, DayBuilder, a_town, on_the_clock

TOWN = a_town().town


def snapshot_of(day: DayBuilder) -> Snapshot:
    return read_day(DAY, day.service).snapshot(day.service, day.clock.now)


def test_a_wheelchair_user_takes_a_wheelchair_place_and_no_seat() -> None:
    assert loads_of(Party(3, ("wheelchair",)), TOWN) == (2, 1)
    assert loads_of(Party(3), TOWN) == (3, 0)


def test_boarding_takes_longer_with_a_need() -> None:
    assert boarding_seconds(Party(2), TOWN) == 40
    assert boarding_seconds(Party(2, ("wheelchair",)), TOWN) == 200


def test_seconds_count_what_passes_even_when_the_clocks_change() -> None:
    summer = replace(TOWN, zone=ZoneInfo("Europe/Berlin"))
    midnight = Midnight.of(date(2027, 3, 28), summer)
    assert midnight.on_the_clock(time(9, 0), summer) == 8 * 3600
    moment = datetime(2027, 3, 28, 9, 0, tzinfo=summer.zone)
    assert midnight.time(8 * 3600) == moment
    assert midnight.at_least(moment + timedelta(microseconds=1)) == 8 * 3600 + 1
    assert midnight.at_most(moment - timedelta(microseconds=1)) == 8 * 3600 - 1


def test_a_route_read_and_written_again_is_the_same() -> None:
    day = a_town().with_one_vehicle().with_booking("clinic", pickup="09:40")
    day.book("hill", depart_after="11:00")
    snapshot = snapshot_of(day)
    assert routes_from(snapshot.plan, snapshot, (0,)) == snapshot.routes


def test_planning_keeps_the_reserve_of_a_promise_back() -> None:
    day = a_town().with_one_vehicle().with_booking("clinic", pickup="10:00")
    promise = day.booking("clinic").promise
    [request] = snapshot_of(day).problem.requests
    midnight = snapshot_of(day).midnight
    assert midnight.time(request.latest_pickup) == promise.pickup_latest - timedelta(minutes=3)
    assert midnight.time(request.latest_arrival) == promise.arrive_latest - timedelta(minutes=3)
    assert request.max_ride == promise.max_ride_seconds - 180


def test_a_hold_that_has_run_out_has_no_place_in_the_plan() -> None:
    with a_town().with_one_vehicle().day() as day:
        offers = day.ask("clinic", depart_after="10:00").offers
        assert len(snapshot_of(day).bookings) == len(offers)
        day.clock.forward(minutes=2)
        assert snapshot_of(day).bookings == ()


def test_only_the_road_loosens_a_limit_and_only_as_far_as_it_must() -> None:
    day = a_town().with_one_vehicle().with_booking("clinic", pickup="10:00", origin="station")
    day.start_duty()
    route = day.routes()[0]
    day.clock.now = route.visits[0].leaves_at
    drive.depart(route.id, day.service)
    drive.report_delay(route.id, on_the_clock("10:20"), day.service)

    snapshot = snapshot_of(day)
    [request] = snapshot.problem.requests
    assert snapshot.late == {0}
    assert snapshot.midnight.time(request.latest_pickup) == on_the_clock("10:20")
    assert snapshot.midnight.time(request.due_pickup) == on_the_clock("10:12")
    assert verify(snapshot.problem, snapshot.plan) == ()


def test_a_held_offer_leaves_a_late_route_before_any_promise_is_loosened() -> None:
    with a_town().with_one_vehicle().at("09:00").day() as day:
        day.book("hall", origin="station", depart_after="09:30")
        day.start_duty()
        route = day.routes()[0]
        day.clock.now = route.visits[0].leaves_at
        drive.depart(route.id, day.service)
        held = day.ask("hill", origin="station", depart_after="09:31").offers
        drive.report_delay(route.id, on_the_clock("09:50"), day.service)
        states = {b.id: b.state for b in day.service.store.list_bookings(DAY)}
        planned = {v.subject for each in day.routes() for v in each.visits}
    assert states[held[0].id] is State.RELEASED
    assert held[0].id not in planned


def test_whoever_was_promised_a_ride_cannot_vanish_from_a_part_of_the_plan() -> None:
    day = a_town().with_one_vehicle().with_booking("clinic", pickup="10:00")
    snapshot = snapshot_of(day)
    part = sub_problem(snapshot, Plan((Route(),)), (0,))
    found = verify(part.problem, part.after, part.before)
    assert {broken.limit for broken in found} == {Limit.INCOMPLETE}


def test_visits_that_begin_soon_keep_their_place() -> None:
    day = a_town().with_one_vehicle().with_booking("clinic", pickup="10:00")
    assert snapshot_of(day).problem.vehicles[0].locked == 0
    day.clock.set_to("09:56")
    assert snapshot_of(day).problem.vehicles[0].locked == 1
