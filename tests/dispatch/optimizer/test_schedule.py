"""The one schedule rule, told by examples and held against its slow twin."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from dispatch.optimizer.limits import Limit, Violation
from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import Break, Plan, Problem, Route, Visit
from dispatch.optimizer.schedule import Timetable, cost_of, timetable
from tests.dispatch.optimizer.brute_force import outcome
from tests.dispatch.optimizer.problems import down, plan_of, problem_of, rest, ride, taxi, up
from tests.dispatch.optimizer.random_days import random_days
from tests.markers import examples

Day = tuple[Problem, Plan, Weights]


def times_of(problem: Problem, *visits: Visit) -> Timetable:
    """The timetable of the only vehicle, which must exist."""
    times = timetable(problem, 0, Route(visits))
    assert isinstance(times, Timetable), times
    return times


def broken_by(problem: Problem, *visits: Visit) -> Limit:
    """The limit that the route of the only vehicle breaks."""
    violation = timetable(problem, 0, Route(visits))
    assert isinstance(violation, Violation), violation
    return violation.limit


@settings(max_examples=examples(200, 5000), deadline=None)
@given(day=random_days())
def test_times_and_cost_equal_those_worked_out_by_hand(day: Day) -> None:
    problem, plan, weights = day
    for vehicle, route in enumerate(plan.routes):
        backwards = Route(tuple(reversed(route.visits)))
        for candidate in (route, Route(route.visits[1:] + route.visits[:1]), backwards):
            times = timetable(problem, vehicle, candidate, weights)
            if isinstance(times, Violation) and times.limit in {Limit.INCOMPLETE, Limit.BREAK}:
                continue  # not a route at all: the slow twin knows only times and loads
            expected = outcome(problem, vehicle, candidate, weights)
            if expected is None:
                assert isinstance(times, Violation)
            else:
                assert isinstance(times, Timetable)
                assert list(times.begins) == expected.begins
                assert list(times.departs) == expected.departs
                assert times.cost == expected.cost


def test_two_parties_at_one_place_share_the_standing() -> None:
    first, second = ride(2, 5), replace(ride(2, 6), boarding_seconds=20)

    times = times_of(problem_of([taxi()], [first, second]), up(0), up(1), down(0), down(1))

    assert times.begins[:2] == (120, 120)
    assert times.ends[:2] == (150, 170)
    assert times.departs[:2] == (170, 170)


def test_who_comes_later_to_the_same_place_is_called_at_anew() -> None:
    problem = problem_of([taxi()], [ride(2, 5), ride(2, 6, opens=600)])

    times = times_of(problem, up(0), up(1), down(0), down(1))

    assert times.begins[:2] == (120, 600)
    assert times.departs[:2] == (150, 630)


def test_a_pickup_is_put_off_where_the_ride_would_be_spent_waiting() -> None:
    patient = replace(ride(1, 5), max_ride=400)

    times = times_of(
        problem_of([taxi()], [patient, ride(3, 5, opens=900)]), up(0), up(1), down(0), down(1)
    )

    assert times.begins == (620, 900, 1050, 1050)
    assert times.begins[2] - times.departs[0] == 400


def test_a_ride_that_is_too_long_without_any_waiting_is_refused() -> None:
    hurried = replace(ride(1, 3), max_ride=200)

    assert broken_by(
        problem_of([taxi()], [hurried, ride(2, 6)]), up(0), up(1), down(1), down(0)
    ) is (Limit.RIDE_TIME)


def test_a_break_taken_anywhere_leaves_the_vehicle_where_it_is() -> None:
    problem = problem_of([taxi(breaks=(Break(0, 7200, 600),))], [ride(1, 3), ride(3, 4)])

    times = times_of(problem, up(0), down(0), rest(0), up(1), down(1))

    assert times.begins == (60, 210, 240, 840, 930)
    assert times.driving_seconds == 240
    assert times.driving_metres == 1920


def test_the_first_visit_is_reached_when_the_vehicle_says_so() -> None:
    under_way = replace(taxi(start=9), arrives_first=40, locked=1)

    times = times_of(problem_of([under_way], [ride(1, 2)]), up(0), down(0))

    assert times.begins == (40, 130)
    assert times.driving_seconds == 100


def test_a_passenger_on_board_has_been_riding_since_the_departure() -> None:
    aboard = replace(ride(0, 4), aboard_since=-300, only_vehicle=0, max_ride=540)
    enough = problem_of([taxi()], [aboard])
    too_short = problem_of([taxi()], [replace(aboard, max_ride=539)])

    assert times_of(enough, down(0)).begins == (240,)
    assert timetable(too_short, 0, Route((down(0),))) == Violation(Limit.RIDE_TIME, 0, 0, 540, 539)


def test_a_vehicle_waits_where_somebody_may_not_be_set_down_early() -> None:
    expected = replace(ride(1, 3), earliest_arrival=600)

    times = times_of(problem_of([taxi()], [expected, ride(4, 5)]), up(0), down(0), up(1), down(1))

    assert times.begins == (60, 600, 690, 780)


def test_a_vehicle_leaves_its_garage_late_enough_to_keep_its_duty_short() -> None:
    rides = [ride(1, 2), ride(3, 4, opens=900)]
    visits = (up(0), down(0), up(1), down(1))

    short = replace(taxi(), max_duration=600)
    assert times_of(problem_of([short], rides), *visits).begins == (480, 570, 900, 990)
    assert broken_by(problem_of([replace(short, max_duration=300)], rides), *visits) is Limit.SHIFT


def test_each_vehicle_that_drives_at_all_costs_its_price() -> None:
    problem = problem_of([taxi(), taxi()], [ride(1, 2), ride(3, 4)])
    weights = Weights(driving=0, waiting=0, excess_ride=0, vehicle=700)

    together = plan_of((up(0), down(0), up(1), down(1)), ())
    apart = plan_of((up(0), down(0)), (up(1), down(1)))

    assert (cost_of(problem, together, weights), cost_of(problem, apart, weights)) == (700, 1400)


@pytest.mark.parametrize(
    ("limit", "request_", "vehicle"),
    [
        (Limit.PICKUP_WINDOW, replace(ride(5, 6), latest_pickup=299), taxi()),
        (Limit.ARRIVAL, replace(ride(1, 5), latest_arrival=329), taxi()),
        (Limit.SEATS, replace(ride(1, 5), loads=(5, 0)), taxi()),
        (Limit.WHEELCHAIRS, replace(ride(1, 5), loads=(1, 2)), taxi()),
        (Limit.OTHER_LOAD, replace(ride(1, 5), loads=(1, 0, 1)), taxi()),
        (Limit.SHIFT, ride(1, 5), replace(taxi(), shift_end=359)),
        (Limit.VEHICLE, replace(ride(1, 5), only_vehicle=1), taxi()),
        (Limit.BREAK, ride(1, 5), taxi(breaks=(Break(0, 10, 60),))),
    ],
)
def test_each_limit_is_named_when_it_is_broken(
    limit: Limit, request_: object, vehicle: object
) -> None:
    problem = problem_of([vehicle], [request_])  # type: ignore[list-item]

    assert broken_by(problem, up(0), down(0)) is limit


@pytest.mark.parametrize(
    "visits",
    [
        (up(0),),
        (down(0),),
        (down(0), up(0)),
        (up(0), down(0), up(0), down(0)),
        (up(0), up(0), down(0)),
        (up(7), down(7)),
    ],
)
def test_a_route_with_visits_missing_doubled_or_unknown_is_incomplete(
    visits: tuple[Visit, ...],
) -> None:
    assert broken_by(problem_of([taxi()], [ride(1, 2)]), *visits) is Limit.INCOMPLETE


def test_the_cost_of_a_plan_counts_who_is_not_served() -> None:
    problem = problem_of([taxi()], [ride(1, 3), ride(2, 4)])
    plan = plan_of([up(0), down(0)])

    assert cost_of(problem, plan, Weights(unserved=7)) == 10 * 180 + 3 * 60 + 7


def test_a_plan_that_breaks_a_limit_has_no_cost() -> None:
    problem = problem_of([taxi()], [ride(5, 6, closes=10)])

    with pytest.raises(ValueError, match="pickup_window"):
        cost_of(problem, plan_of([up(0), down(0)]), Weights())


def test_a_time_that_never_ends_does_not_overflow() -> None:
    endless = replace(ride(1, 2, closes=2**30), boarding_seconds=3600)

    times = times_of(problem_of([replace(taxi(), shift_end=2**30)], [endless]), up(0), down(0))

    assert times.begins == (60, 3750)
