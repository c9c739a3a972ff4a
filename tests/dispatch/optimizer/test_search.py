"""The search: never dearer, always sound, the same again for the same seed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.optimizer.insertion import insert
from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import Break, Kind, Plan, Problem, Request, Route, Visit
from dispatch.optimizer.schedule import cost_of
from dispatch.optimizer.search import Effort, improve
from dispatch.optimizer.stopping import FirstOf, Iterations, Seconds, Told
from dispatch.optimizer.verify import verify, work_out_cost
from tests.dispatch.optimizer.problems import (
    down,
    plan_of,
    problem_of,
    rest,
    ride,
    street_days,
    taxi,
    up,
)
from tests.markers import examples

WEIGHTS = Weights()


def planned(problem: Problem) -> Plan:
    """Breaks first of all, then each request where it fits, in their order."""
    plan = Plan(
        tuple(
            Route(tuple(rest(number) for number in range(len(vehicle.breaks))))
            for vehicle in problem.vehicles
        )
    )
    for request in range(len(problem.requests)):
        found = insert(problem, plan, request, WEIGHTS)
        if found is not None:
            routes = list(plan.routes)
            routes[found.vehicle] = found.route
            plan = Plan(tuple(routes))
    return plan


def cost(problem: Problem, plan: Plan) -> int:
    return work_out_cost(problem, plan, WEIGHTS)


def under_way(problem: Problem, plan: Plan, locked: int) -> Problem:
    """The same problem with everybody promised and the first visits of each route locked."""
    vehicles = (replace(vehicle, locked=locked) for vehicle in problem.vehicles)
    return replace(problem, vehicles=tuple(vehicles), required=plan.served())


@settings(max_examples=examples(60, 2000), deadline=None)
@given(street_days(), st.integers(0, 2), st.integers(0, 2**31))
def test_the_plan_found_is_sound_and_never_dearer(problem: Problem, locked: int, seed: int) -> None:
    plan = planned(problem)
    problem = under_way(problem, plan, locked)
    found = improve(problem, plan, WEIGHTS, Iterations(60), seed)
    assert verify(problem, found, plan) == ()
    assert cost(problem, found) <= cost(problem, plan)


@settings(max_examples=examples(30, 1000), deadline=None)
@given(street_days(), st.integers(0, 2**31))
def test_the_same_seed_finds_the_same_plan(problem: Problem, seed: int) -> None:
    plan = planned(problem)
    first, second = (improve(problem, plan, WEIGHTS, Iterations(80), seed) for _ in range(2))
    assert first == second


@settings(max_examples=examples(30, 1000), deadline=None)
@given(street_days(), st.integers(0, 2**31))
def test_each_better_plan_is_told_sound_and_cheaper_than_the_last(
    problem: Problem, seed: int
) -> None:
    plans = [planned(problem)]
    found = improve(problem, plans[0], WEIGHTS, Iterations(200), seed, plans.append)
    costs = [cost_of(problem, plan, WEIGHTS) for plan in plans]
    assert costs == sorted(set(costs), reverse=True)
    assert all(not verify(problem, plan) for plan in plans)
    assert found == plans[-1]


def test_rides_the_same_way_come_to_share_a_vehicle() -> None:
    problem = problem_of([taxi()], [ride(1, 8), ride(2, 7), ride(3, 9)], required=range(3))
    alone = plan_of([up(0), down(0), up(1), down(1), up(2), down(2)])
    found = improve(problem, alone, WEIGHTS, Iterations(200), seed=1)
    assert found.routes[0].visits[:3] == (up(0), up(1), up(2))


def test_an_unserved_request_is_taken_in_where_room_can_be_made() -> None:
    requests = [ride(8, 9), ride(7, 9, closes=500), ride(1, 2, closes=200)]
    problem = problem_of([taxi(0), taxi(5)], requests, required=[0, 1])
    plan = plan_of([up(0), down(0)], [up(1), down(1)])
    assert improve(problem, plan, WEIGHTS, Iterations(300), seed=1).served() == {0, 1, 2}


def test_a_promised_ride_is_never_given_up_for_others() -> None:
    requests = [ride(9, 8, closes=540), *(ride(1, 2, closes=90) for _ in range(4))]
    problem = problem_of([taxi(0, seats=1)], requests, required=[0])
    plan = plan_of([up(0), down(0)])
    found = improve(problem, plan, replace(WEIGHTS, unserved=10**6), Iterations(300), seed=1)
    assert 0 in found.served()


def test_a_ride_bound_to_its_vehicle_stays_there() -> None:
    requests = [replace(ride(8, 9), only_vehicle=0), ride(1, 2)]
    problem = problem_of([taxi(0), taxi(9)], requests, required=[0, 1])
    plan = plan_of([up(1), down(1), up(0), down(0)], [])
    found = improve(problem, plan, WEIGHTS, Iterations(300), seed=1)
    assert up(0) in found.routes[0].visits


def test_somebody_on_board_is_set_down_earlier_where_that_is_better() -> None:
    aboard = replace(ride(0, 3), aboard_since=0, only_vehicle=0)
    problem = problem_of([taxi()], [aboard, ride(5, 9)], required=[1])
    plan = plan_of([up(1), down(1), down(0)])
    found = improve(problem, plan, WEIGHTS, Iterations(100), seed=1)
    assert found == plan_of([down(0), up(1), down(1)])


def test_a_break_moves_out_of_the_way_of_a_ride() -> None:
    problem = problem_of([taxi(breaks=(Break(0, 3000, 600),))], [ride(5, 9)], required=[0])
    plan = plan_of([rest(0), up(0), down(0)])
    found = improve(problem, plan, WEIGHTS, Iterations(100), seed=1)
    assert found == plan_of([up(0), down(0), rest(0)])


def test_breaks_keep_their_order() -> None:
    breaks = (Break(0, 5000, 300), Break(0, 5000, 60))
    problem = problem_of([taxi(breaks=breaks)], [ride(5, 9), ride(6, 2)], required=[0, 1])
    plan = plan_of([rest(0), rest(1), up(0), down(0), up(1), down(1)])
    found = improve(problem, plan, WEIGHTS, Iterations(200), seed=3)
    assert [v.subject for v in found.routes[0].visits if v.kind is Kind.BREAK] == [0, 1]


def test_with_recombination_the_plan_is_sound_never_dearer_and_the_same_again() -> None:
    requests = [ride(at % 10, (7 * at + 3) % 10, opens=120 * at) for at in range(14)]
    problem = problem_of([taxi(0), taxi(5), taxi(9)], requests)
    plan = planned(problem)
    problem = replace(problem, required=plan.served())
    effort = Effort(recombinations=3)
    first, second = (
        improve(problem, plan, WEIGHTS, Iterations(600), 7, None, effort) for _ in range(2)
    )
    assert first == second
    assert verify(problem, first, plan) == ()
    assert cost(problem, first) < cost(problem, plan)


@pytest.mark.parametrize("requests", [[], [replace(ride(0, 3), aboard_since=0, only_vehicle=0)]])
def test_where_nothing_can_move_the_plan_stays(requests: list[Request]) -> None:
    visits: list[Visit] = [down(0)] if requests else []
    plan = plan_of(visits)
    assert improve(problem_of([taxi()], requests), plan, WEIGHTS, Iterations(50), 1) is plan


def test_an_unsound_plan_is_not_searched() -> None:
    problem = problem_of([taxi()], [ride(5, 9, closes=10)])
    with pytest.raises(ValueError, match="breaks a limit"):
        improve(problem, plan_of([up(0), down(0)]), WEIGHTS, Iterations(5), seed=1)


# --- stopping -------------------------------------------------------------------------


class Clock:
    """Seconds that go on by one each time somebody asks."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def two_rides() -> tuple[Problem, Plan]:
    problem = problem_of([taxi(0), taxi(9)], [ride(1, 2), ride(8, 7)], required=[0, 1])
    return problem, plan_of([up(0), down(0), up(1), down(1)], [])


def test_a_search_ends_when_its_time_is_up() -> None:
    problem, plan = two_rides()
    found = improve(problem, plan, WEIGHTS, Seconds(10, Clock()), seed=1)
    assert found == plan_of([up(0), down(0)], [up(1), down(1)])


def test_a_search_ends_when_it_is_told() -> None:
    problem, plan = two_rides()
    assert improve(problem, plan, WEIGHTS, Told(lambda: True), seed=1) is plan


def test_the_first_of_several_rules_ends_the_search() -> None:
    clock = Clock()
    rule = FirstOf(Iterations(70), Seconds(1000, clock), Told(lambda: False))
    assert (rule.progress(35), rule.steps_left(35)) == (0.5, 35)
    assert rule.progress(70) == 1.0
    assert FirstOf(Iterations(70), Told(lambda: True)).progress(0) == 1.0


def test_no_iterations_leave_the_plan_as_it_is() -> None:
    problem, plan = two_rides()
    assert improve(problem, plan, WEIGHTS, Iterations(0), seed=1) is plan
