"""The verifier against plans made unsound on purpose, and against trying every second."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings

from dispatch.optimizer.limits import Limit
from dispatch.optimizer.plan import ANYWHERE, Break, Kind, Plan, Problem, Request, Route, Visit
from dispatch.optimizer.verify import verify, work_out_times
from tests.dispatch.optimizer.problems import (
    down,
    plan_of,
    problem_of,
    rest,
    ride,
    taxi,
    tiny_problems,
    up,
)
from tests.markers import examples


def limits_of(problem: Problem, plan: Plan, before: Plan | None = None) -> set[Limit]:
    return {violation.limit for violation in verify(problem, plan, before)}


# --- each limit: sound, then unsound by one number ------------------------------------


def test_a_ride_within_all_limits_is_sound() -> None:
    problem = problem_of([taxi()], [ride(2, 5)], required=[0])
    assert verify(problem, plan_of([up(0), down(0)])) == ()


def test_a_pickup_one_second_after_its_window_is_caught() -> None:
    plan = plan_of([up(0), down(0)])
    assert not limits_of(problem_of([taxi()], [ride(2, 5, closes=120)]), plan)
    assert limits_of(problem_of([taxi()], [ride(2, 5, closes=119)]), plan) == {Limit.PICKUP_WINDOW}


def test_a_pickup_by_a_vehicle_under_way_never_begins_before_its_window() -> None:
    vehicle = replace(taxi(), arrives_first=40)
    times = work_out_times(problem_of([vehicle], [ride(2, 5, opens=90)]), 0, Route((up(0),)))
    assert times.begins == (90,)


def test_an_arrival_one_second_late_is_caught() -> None:
    plan = plan_of([up(0), down(0)])
    for latest, found in ((330, set()), (329, {Limit.ARRIVAL})):
        request = replace(ride(2, 5), latest_arrival=latest)
        assert limits_of(problem_of([taxi()], [request]), plan) == found


def test_a_ride_one_second_too_long_is_caught() -> None:
    plan = plan_of([up(0), up(1), down(1), down(0)])
    for longest, found in ((270, set()), (269, {Limit.RIDE_TIME})):
        request = replace(ride(2, 6), max_ride=longest)
        assert limits_of(problem_of([taxi()], [request, ride(3, 3)]), plan) == found


def test_a_ride_of_somebody_on_board_counts_from_when_they_left() -> None:
    for longest, found in ((400, set()), (399, {Limit.RIDE_TIME})):
        request = replace(ride(2, 5), aboard_since=-100, only_vehicle=0, max_ride=longest)
        assert limits_of(problem_of([taxi()], [request]), plan_of([down(0)])) == found


def test_a_vehicle_that_would_wait_with_somebody_on_board_picks_them_up_later_instead() -> None:
    first, second = replace(ride(1, 3), max_ride=200), ride(2, 4, opens=1000)
    problem = problem_of([taxi()], [first, second])
    times = work_out_times(problem, 0, Route((up(0), up(1), down(0), down(1))))
    assert times.begins == (860, 1000, 1090, 1180)
    assert not limits_of(problem, plan_of([up(0), up(1), down(0), down(1)]))


def test_one_passenger_more_than_seats_is_caught() -> None:
    plan = plan_of([up(0), up(1), down(0), down(1)])
    assert not limits_of(problem_of([taxi(seats=2)], [ride(1, 3), ride(2, 4)]), plan)
    assert limits_of(problem_of([taxi(seats=1)], [ride(1, 3), ride(2, 4)]), plan) == {Limit.SEATS}


def test_one_wheelchair_more_than_places_is_caught() -> None:
    plan = plan_of([up(0), up(1), down(0), down(1)])
    for loads, found in (((1, 0), set()), ((1, 1), {Limit.WHEELCHAIRS})):
        requests = [replace(ride(1, 3), loads=(1, 1)), replace(ride(2, 4), loads=loads)]
        assert limits_of(problem_of([taxi()], requests), plan) == found


def test_a_load_that_the_vehicle_does_not_know_is_caught() -> None:
    request = replace(ride(1, 3), loads=(1, 0, 1))
    plan = plan_of([up(0), down(0)])
    assert limits_of(problem_of([taxi()], [request]), plan) == {Limit.OTHER_LOAD}
    roomy = replace(taxi(), capacity=(4, 1, 1))
    assert not limits_of(problem_of([roomy], [request]), plan)


def test_who_is_on_board_at_the_start_takes_a_seat() -> None:
    aboard = replace(ride(0, 5), aboard_since=0, only_vehicle=0)
    problem = problem_of([taxi(seats=1)], [aboard, ride(1, 3)])
    assert limits_of(problem, plan_of([up(1), down(1), down(0)])) == {Limit.SEATS}
    assert not limits_of(problem, plan_of([down(0), up(1), down(1)]))


def test_a_shift_that_ends_a_second_too_late_is_caught_with_the_way_home() -> None:
    plan = plan_of([up(0), down(0)])
    for end, found in ((660, set()), (659, {Limit.SHIFT})):
        vehicle = replace(taxi(), end_place=0, shift_end=end)
        assert limits_of(problem_of([vehicle], [ride(2, 5)]), plan) == found


def test_a_vehicle_without_rides_need_not_go_home() -> None:
    vehicle = replace(taxi(start=9), end_place=0, shift_end=10)
    assert not limits_of(problem_of([vehicle], []), plan_of([]))


def test_a_break_begun_too_late_is_caught() -> None:
    plan = plan_of([up(0), down(0), rest(0)])
    for latest, found in ((360, set()), (359, {Limit.BREAK})):
        vehicle = taxi(breaks=(Break(0, latest, 600),))
        assert limits_of(problem_of([vehicle], [ride(2, 5)]), plan) == found


def test_a_break_with_somebody_on_board_is_caught() -> None:
    problem = problem_of([taxi(breaks=(Break(0, 5000, 600),))], [ride(2, 5)])
    assert limits_of(problem, plan_of([up(0), rest(0), down(0)])) == {Limit.BREAK}
    assert not limits_of(problem, plan_of([rest(0), up(0), down(0)]))


@pytest.mark.parametrize("taken", [(), (0,), (1, 0), (0, 0, 1)])
def test_a_break_left_out_doubled_or_out_of_order_is_caught(taken: tuple[int, ...]) -> None:
    problem = problem_of([taxi(breaks=(Break(0, 5000, 60), Break(0, 5000, 60)))], [])
    assert not limits_of(problem, plan_of([rest(0), rest(1)]))
    assert Limit.BREAK in limits_of(problem, plan_of([rest(number) for number in taken]))


def test_a_locked_visit_that_moves_is_caught() -> None:
    problem = problem_of([replace(taxi(), locked=2)], [ride(1, 3), ride(2, 4)])
    before = plan_of([up(0), up(1), down(0), down(1)])
    assert not limits_of(problem, plan_of([up(0), up(1), down(1), down(0)]), before)
    moved = plan_of([up(1), up(0), down(0), down(1)])
    assert limits_of(problem, moved, before) == {Limit.LOCKED}
    assert limits_of(problem, plan_of([]), before) == {Limit.LOCKED}


def test_a_request_in_a_vehicle_it_may_not_change_to_is_caught() -> None:
    request = replace(ride(1, 3), only_vehicle=1)
    problem = problem_of([taxi(), taxi()], [request])
    assert limits_of(problem, plan_of([up(0), down(0)], [])) == {Limit.VEHICLE}
    assert not limits_of(problem, plan_of([], [up(0), down(0)]))


def test_a_leg_that_no_road_leads_along_is_caught() -> None:
    problem = problem_of([taxi()], [ride(2, 5)])
    problem.travel_seconds[2, 5] = 2**28
    assert Limit.UNREACHABLE in limits_of(problem, plan_of([up(0), down(0)]))


def test_a_place_outside_the_travel_table_is_caught() -> None:
    for place in (ANYWHERE, 10):
        problem = problem_of([taxi()], [ride(place, 5)])
        assert limits_of(problem, plan_of([up(0), down(0)])) == {Limit.UNREACHABLE}


UNSOUND = {
    "picked up and kept": [[up(0)], []],
    "set down before the pickup": [[down(0), up(0)], []],
    "set down in another vehicle": [[up(0)], [down(0)]],
    "served twice in one vehicle": [[up(0), down(0), up(0), down(0)], []],
    "served in two vehicles": [[up(0), down(0)], [up(0), down(0)]],
    "not served though promised": [[], []],
    "unknown request": [[up(0), down(0), up(7), down(7)], []],
    "negative request": [[up(0), down(0), up(-1), down(-1)], []],
    "a vehicle too few": [[up(0), down(0)]],
}


@pytest.mark.parametrize("routes", UNSOUND.values(), ids=UNSOUND.keys())
def test_an_incomplete_plan_is_caught(routes: list[list[Visit]]) -> None:
    problem = problem_of([taxi(), taxi()], [ride(2, 5)], required=[0])
    assert not limits_of(problem, plan_of([up(0), down(0)], []))
    assert Limit.INCOMPLETE in limits_of(problem, plan_of(*routes))


@pytest.mark.parametrize("routes", [[[], []], [[up(0), down(0)], []], [[], [down(0)]]])
def test_somebody_on_board_is_set_down_by_that_vehicle(routes: list[list[Visit]]) -> None:
    aboard = replace(ride(2, 5), aboard_since=0, only_vehicle=0)
    problem = problem_of([taxi(), taxi()], [aboard])
    assert not limits_of(problem, plan_of([down(0)], []))
    assert Limit.INCOMPLETE in limits_of(problem, plan_of(*routes))


def test_an_optional_request_may_stay_unserved() -> None:
    assert not limits_of(problem_of([taxi()], [ride(2, 5)]), plan_of([]))


# --- calls ----------------------------------------------------------------------------


def test_everybody_at_one_place_boards_and_alights_in_one_standing() -> None:
    requests = [replace(ride(2, 5), boarding_seconds=20), replace(ride(2, 6), boarding_seconds=10)]
    times = work_out_times(problem_of([taxi()], requests), 0, Route((up(0), up(1))))
    assert (times.begins, times.ends) == ((120, 120), (170, 180))
    assert times.departs == (180, 180)


def test_a_pickup_that_opens_later_waits_for_a_standing_of_its_own() -> None:
    times = work_out_times(
        problem_of([taxi()], [ride(2, 5), ride(2, 6, opens=100)]), 0, Route((up(0), up(1)))
    )
    assert times.begins == (120, 150)


def test_a_break_taken_anywhere_stays_where_the_vehicle_is() -> None:
    problem = problem_of([taxi(breaks=(Break(500, 900, 600),))], [ride(2, 5)])
    times = work_out_times(problem, 0, Route((up(0), down(0), rest(0))))
    assert times.begins == (120, 330, 500)
    assert times.driving_seconds == 300


# --- against trying every second -------------------------------------------------------


def every_order(problem: Problem) -> Iterator[tuple[Visit, ...]]:
    """All orders of all visits of a one-vehicle problem with each pickup before its drop-off."""
    visits = [Visit(kind, r) for r in range(len(problem.requests)) for kind in list(Kind)[:2]]
    visits += [rest(number) for number in range(len(problem.vehicles[0].breaks))]
    for order in permutations(visits):
        if all(order.index(up(r)) < order.index(down(r)) for r in range(len(problem.requests))):
            yield order


def every_schedule(problem: Problem, order: tuple[Visit, ...]) -> Iterator[tuple[int, ...]]:
    """Every assignment of seconds 0 to 24 to the visits that breaks no limit, one by one."""
    if _overloaded(problem, order):
        return
    stack: list[tuple[int, ...]] = [()]
    while stack:
        begins = stack.pop()
        if len(begins) == len(order):
            if _ends_well(problem, order, begins):
                yield begins
            continue
        stack += [
            (*begins, second)
            for second in range(25)
            if _may_begin(problem, order, (*begins, second))
        ]


def _request(problem: Problem, visit: Visit) -> Request:
    return problem.requests[visit.subject]


def _where(problem: Problem, order: tuple[Visit, ...], position: int) -> int:
    if position < 0:
        return problem.vehicles[0].start_place
    visit = order[position]
    if visit.kind is Kind.BREAK:
        return _where(problem, order, position - 1)
    request = _request(problem, visit)
    return request.origin if visit.kind is Kind.PICKUP else request.destination


def _head(problem: Problem, order: tuple[Visit, ...], position: int) -> int:
    """Position of the visit that began the standing in which `position` is served."""
    visit = order[position]
    if position == 0 or Kind.BREAK in (visit.kind, order[position - 1].kind):
        return position
    head = _head(problem, order, position - 1)
    same_place = _where(problem, order, position) == _where(problem, order, position - 1)
    opens = _request(problem, visit).earliest_pickup if visit.kind is Kind.PICKUP else -1
    first = order[head]
    since = _request(problem, first).earliest_pickup if first.kind is Kind.PICKUP else 0
    joins = same_place and opens <= max(since, problem.vehicles[0].start_time)
    return head if joins else position


def _end(problem: Problem, order: tuple[Visit, ...], begins: tuple[int, ...], last: int) -> int:
    """When the standing is over in which `last` is served (as far as `last`)."""
    if order[last].kind is Kind.BREAK:
        return begins[last] + problem.vehicles[0].breaks[0].seconds
    head = _head(problem, order, last)
    own = [
        _request(problem, visit).boarding_seconds
        if visit.kind is Kind.PICKUP
        else _request(problem, visit).alighting_seconds
        for visit in order[head : last + 1]
    ]
    return begins[head] + problem.stop_seconds + sum(own)


def _departure(
    problem: Problem, order: tuple[Visit, ...], begins: tuple[int, ...], position: int
) -> int:
    last = max(
        i
        for i in range(position, len(begins))
        if _head(problem, order, i) == _head(problem, order, position)
    )
    return _end(problem, order, begins, last)


def _may_begin(problem: Problem, order: tuple[Visit, ...], begins: tuple[int, ...]) -> bool:
    position, begin = len(begins) - 1, begins[-1]
    visit = order[position]
    if _head(problem, order, position) != position:
        if begin != begins[position - 1]:
            return False
    else:
        free = problem.vehicles[0].start_time
        if position:
            free = _end(problem, order, begins, position - 1)
        here, there = _where(problem, order, position - 1), _where(problem, order, position)
        if begin < free + problem.travel_seconds[here, there]:
            return False
    if visit.kind is Kind.BREAK:
        window = problem.vehicles[0].breaks[0]
        return window.earliest <= begin <= window.latest
    request = _request(problem, visit)
    if visit.kind is Kind.PICKUP:
        return request.earliest_pickup <= begin <= request.latest_pickup
    return begin <= request.latest_arrival


def _ends_well(problem: Problem, order: tuple[Visit, ...], begins: tuple[int, ...]) -> bool:
    for number, request in enumerate(problem.requests):
        left = _departure(problem, order, begins, order.index(up(number)))
        if begins[order.index(down(number))] - left > request.max_ride:
            return False
    vehicle = problem.vehicles[0]
    last = len(order) - 1
    home = _where(problem, order, last) if vehicle.end_place == ANYWHERE else vehicle.end_place
    way = problem.travel_seconds[_where(problem, order, last), home]
    return bool(_end(problem, order, begins, last) + way <= vehicle.shift_end)


def _overloaded(problem: Problem, order: tuple[Visit, ...]) -> bool:
    for position in range(len(order)):
        done = order[: position + 1]
        aboard = [
            request
            for number, request in enumerate(problem.requests)
            if up(number) in done and down(number) not in done
        ]
        if aboard and order[position].kind is Kind.BREAK:
            return True
        for room, load in zip(
            problem.vehicles[0].capacity,
            [sum(request.loads[d] for request in aboard) for d in range(2)],
            strict=True,
        ):
            if load > room:
                return True
    return False


@settings(max_examples=examples(40, 1500), deadline=None)
@given(tiny_problems())
def test_a_plan_is_sound_exactly_when_some_schedule_breaks_no_limit(problem: Problem) -> None:
    for order in every_order(problem):
        possible = next(every_schedule(problem, order), None)
        found = verify(problem, Plan((Route(order),)))
        assert (possible is not None) == (not found), (order, possible, found)


@settings(max_examples=examples(25, 500), deadline=None)
@given(tiny_problems(most_requests=1))
def test_the_times_worked_out_are_the_least_of_all_schedules(problem: Problem) -> None:
    for order in every_order(problem):
        schedules = list(every_schedule(problem, order))
        if schedules:
            least = tuple(min(column) for column in zip(*schedules, strict=True))
            assert work_out_times(problem, 0, Route(order)).begins == least
