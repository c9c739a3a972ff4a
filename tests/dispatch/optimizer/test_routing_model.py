"""The second engine: its plans are sound, never dearer, and keep what is locked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import Break, Plan, Problem, Route
from dispatch.optimizer.routing_model import improve_apart, improve_by_routing_model
from dispatch.optimizer.verify import verify, work_out_cost
from tests.dispatch.optimizer.problems import down, plan_of, problem_of, rest, ride, taxi, up

WEIGHTS = Weights()


def improved(problem: Problem, plan: Plan, seconds: float = 0.3) -> Plan:
    assert verify(problem, plan) == ()
    found = improve_by_routing_model(problem, plan, WEIGHTS, seconds)
    assert verify(problem, found, plan) == ()
    assert work_out_cost(problem, found, WEIGHTS) <= work_out_cost(problem, plan, WEIGHTS)
    return found


def one_after_the_other(requests: int) -> Plan:
    return plan_of([visit for r in range(requests) for visit in (up(r), down(r))])


def test_rides_the_same_way_are_shared() -> None:
    problem = problem_of([taxi()], [ride(1, 8), ride(2, 7), ride(3, 9)], required=range(3))
    found = improved(problem, one_after_the_other(3))
    assert found.routes[0].visits[:3] == (up(0), up(1), up(2))


def test_a_ride_moves_to_the_vehicle_that_is_near() -> None:
    problem = problem_of([taxi(0), taxi(9)], [ride(1, 2), ride(8, 7)], required=[0, 1])
    found = improved(problem, plan_of([up(0), down(0), up(1), down(1)], []))
    assert found == plan_of([up(0), down(0)], [up(1), down(1)])


def test_an_unserved_request_is_taken_where_there_is_room() -> None:
    problem = problem_of([taxi()], [ride(1, 3), ride(3, 5)], required=[0])
    assert improved(problem, plan_of([up(0), down(0)])).served() == {0, 1}


def test_a_longest_ride_is_kept() -> None:
    short = replace(ride(1, 8), max_ride=420)
    problem = problem_of([taxi()], [short, ride(2, 7)], required=[0, 1])
    improved(problem, one_after_the_other(2))


def test_locked_visits_stay_where_they_are() -> None:
    vehicle = replace(taxi(), locked=2, arrives_first=400)
    problem = problem_of([vehicle, taxi(8)], [ride(8, 9), ride(1, 2)], required=[0, 1])
    found = improved(problem, plan_of([up(0), up(1), down(0), down(1)], []))
    assert found.routes[0].visits[:2] == (up(0), up(1))


def test_somebody_on_board_stays_in_their_vehicle() -> None:
    aboard = replace(ride(0, 9), aboard_since=0, only_vehicle=0, max_ride=1200)
    problem = problem_of([taxi(seats=2), taxi(5)], [aboard, ride(5, 6)], required=[0, 1])
    found = improved(problem, plan_of([up(1), down(1), down(0)], []))
    assert found == plan_of([down(0)], [up(1), down(1)])


@pytest.mark.parametrize("place", [-1, 4])
def test_a_break_is_taken_once_with_nobody_on_board(place: int) -> None:
    problem = problem_of(
        [taxi(breaks=(Break(0, 3000, 600, place),))],
        [ride(1, 8), ride(2, 7)],
        required=[0, 1],
    )
    improved(problem, plan_of([up(0), down(0), rest(0), up(1), down(1)]))


def test_a_day_without_requests_is_left_alone() -> None:
    plan = Plan((Route(),))
    assert improve_by_routing_model(problem_of([taxi()], []), plan, WEIGHTS, 0.1) is plan


def test_it_runs_in_a_process_of_its_own() -> None:
    problem = problem_of([taxi(0), taxi(9)], [ride(1, 2), ride(8, 7)], required=[0, 1])
    plan = plan_of([up(0), down(0), up(1), down(1)], [])
    assert improve_apart(problem, plan, WEIGHTS, 0.2) == plan_of([up(0), down(0)], [up(1), down(1)])


def test_a_short_duty_and_an_early_arrival_are_kept() -> None:
    late = replace(ride(1, 2), earliest_arrival=900)
    problem = problem_of([replace(taxi(), max_duration=700)] * 2, [late, ride(3, 4, opens=900)])

    plan = improved(problem, plan_of((up(0), down(0)), (up(1), down(1))))

    assert verify(problem, plan) == ()
    assert plan.served() == {0, 1}
