"""A refusal names the limit that stood in the way, with a number that a person understands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings

from dispatch.optimizer.arrays import PlanArrays
from dispatch.optimizer.insertion import best_insertion
from dispatch.optimizer.limits import Limit
from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import Break, Plan, Problem, Request, Vehicle, Visit
from dispatch.optimizer.why_not import Hindrance, what_stands_in_the_way
from tests.dispatch.optimizer.problems import down, plan_of, problem_of, rest, ride, taxi, up
from tests.dispatch.optimizer.random_days import random_days
from tests.markers import examples


def refusal(vehicle: Vehicle, requests: list[Request], *visits: Visit) -> Hindrance:
    """Why the last of `requests` does not fit into the only vehicle."""
    arrays = PlanArrays(problem_of([vehicle], requests), plan_of(visits))
    hindrance = what_stands_in_the_way(arrays, len(requests) - 1)
    assert hindrance is not None
    return hindrance


@settings(max_examples=examples(100, 2000), deadline=None)
@given(day=random_days())
def test_something_stands_in_the_way_exactly_when_nothing_fits(
    day: tuple[Problem, Plan, Weights],
) -> None:
    problem, plan, weights = day
    arrays = PlanArrays(problem, plan, weights)
    request = len(problem.requests) - 1
    before = best_insertion(arrays, request)

    hindrance = what_stands_in_the_way(arrays, request)

    assert (hindrance is None) == (before is not None)
    assert best_insertion(arrays, request) == before


def test_a_wheelchair_place_is_said_to_be_taken_until_its_passenger_leaves() -> None:
    seated = replace(ride(1, 8, closes=100), loads=(1, 1))
    asking = replace(ride(2, 5, closes=300), loads=(1, 1))

    hindrance = refusal(taxi(), [seated, asking], up(0), down(0))

    assert hindrance == Hindrance(Limit.WHEELCHAIRS, 0, 2, 1, until=510)


def test_a_party_larger_than_any_vehicle_is_told_what_the_largest_takes() -> None:
    hindrance = refusal(taxi(seats=4), [replace(ride(5, 3, closes=10), loads=(9, 0))])

    assert hindrance == Hindrance(Limit.SEATS, None, 9, 4)


def test_a_break_says_when_it_ends() -> None:
    resting = taxi(breaks=(Break(0, 60, 1800),))

    hindrance = refusal(resting, [ride(1, 3, opens=200, closes=900)], rest(0))

    assert hindrance == Hindrance(Limit.BREAK, 0, 0, 0, until=1800)


def test_a_wish_before_the_shift_is_told_when_the_shift_begins() -> None:
    late_starter = replace(taxi(), shift_start=3600)

    hindrance = refusal(late_starter, [ride(1, 3, closes=900)])

    assert (hindrance.limit, hindrance.until) == (Limit.SHIFT, 3600)


def test_a_wish_too_late_for_the_shift_is_told_when_the_shift_ends() -> None:
    hindrance = refusal(replace(taxi(), shift_end=300), [ride(1, 5, opens=200, closes=900)])

    assert (hindrance.limit, hindrance.allowed) == (Limit.SHIFT, 300)


def test_a_ride_limit_that_no_detour_keeps_is_named() -> None:
    on_board = replace(ride(0, 9), aboard_since=0, only_vehicle=0, max_ride=700)
    hurried = replace(ride(1, 2, closes=400), max_ride=10)

    hindrance = refusal(taxi(), [on_board, hurried], down(0))

    assert (hindrance.limit, hindrance.allowed) == (Limit.RIDE_TIME, 10)
    assert hindrance.found > 10


def test_an_arrival_that_cannot_be_met_is_given_the_earliest_that_can() -> None:
    hindrance = refusal(taxi(), [replace(ride(1, 5), latest_arrival=200)])

    assert hindrance == Hindrance(Limit.ARRIVAL, 0, 330, 200)


def test_a_pickup_that_cannot_be_met_is_given_the_earliest_that_can() -> None:
    hindrance = refusal(taxi(), [ride(5, 6, closes=100)])

    assert hindrance == Hindrance(Limit.PICKUP_WINDOW, 0, 300, 100)


def test_a_place_that_no_road_reaches_is_called_unreachable() -> None:
    problem = problem_of([taxi()], [ride(1, 3)])
    seconds = problem.travel_seconds.copy()
    seconds[:, 1] = np.where(np.arange(len(seconds)) == 1, 0, 2**28)
    island = replace(problem, travel_seconds=seconds)

    hindrance = what_stands_in_the_way(PlanArrays(island, plan_of([])), 0)

    assert hindrance is not None
    assert hindrance.limit is Limit.UNREACHABLE


def test_a_request_bound_to_a_full_vehicle_learns_that_another_would_take_it() -> None:
    bound = replace(ride(2, 3, closes=130), only_vehicle=0)
    problem = problem_of([taxi(9), taxi(2)], [bound])

    hindrance = what_stands_in_the_way(PlanArrays(problem, plan_of([], [])), 0)

    assert hindrance == Hindrance(Limit.VEHICLE, 1)
