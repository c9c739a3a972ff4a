"""How good a plan is at best: the bound against every plan there is, and when it ends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dispatch.optimizer.bound import Bound, HowFar, lower_bound
from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import Break, Plan, Problem
from dispatch.optimizer.recombine import RoutePool
from dispatch.optimizer.schedule import cost_of, timetable
from dispatch.optimizer.stopping import Iterations
from dispatch.optimizer.verify import verify
from tests.dispatch.optimizer.all_plans import least_cost
from tests.dispatch.optimizer.problems import down, plan_of, problem_of, rest, ride, taxi, up
from tests.dispatch.optimizer.random_days import random_day
from tests.markers import examples

MOST_REQUESTS = 4


def _bound(
    problem: Problem, plan: Plan, weights: Weights | None = None, rounds: int = 500
) -> Bound:
    return lower_bound(problem, weights or Weights(), plan, Iterations(rounds))


def _with_promises(problem: Problem, plan: Plan, every: int) -> Problem:
    """Some of the served requests are promised, the others may be left out again."""
    return replace(problem, required=frozenset(i for i in plan.served() if i % 3 < every))


@settings(max_examples=examples(floor=60, soak=20_000), deadline=None)
@given(seed=st.integers(0, 2**32 - 1), every=st.integers(0, 3))
def test_no_plan_at_all_is_cheaper_than_the_bound(seed: int, every: int) -> None:
    problem, plan, weights = random_day(seed)
    assume(len(problem.requests) <= MOST_REQUESTS)
    problem = _with_promises(problem, plan, every)

    bound = _bound(problem, plan, weights)

    optimum = least_cost(problem, plan, weights)
    assert optimum is not None
    assert bound.value <= optimum <= bound.cost
    assert not bound.proven or bound.cost == optimum
    assert verify(problem, bound.plan, plan) == ()
    assert cost_of(problem, bound.plan, weights) == bound.cost


@settings(max_examples=examples(floor=15, soak=2_000), deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_bound_that_is_stopped_early_is_never_too_high_either(seed: int) -> None:
    problem, plan, weights = random_day(seed)
    assume(len(problem.requests) <= MOST_REQUESTS)

    early, late = (_bound(problem, plan, weights, rounds) for rounds in (1, 2))

    optimum = least_cost(problem, plan, weights)
    assert optimum is not None
    assert early.value <= late.value <= optimum


def _two_taxis_at_the_wrong_ends() -> tuple[Problem, Plan]:
    """Each taxi stands where the other's passenger waits."""
    requests = [ride(0, 3), ride(9, 6)]
    problem = problem_of([taxi(0), taxi(9)], requests, required=(0, 1))
    return problem, plan_of([up(1), down(1)], [up(0), down(0)])


def test_the_best_plan_is_proven_best() -> None:
    problem, swapped = _two_taxis_at_the_wrong_ends()
    best = plan_of([up(0), down(0)], [up(1), down(1)])

    bound = _bound(problem, best)

    assert bound.proven
    assert bound.how_far is HowFar.PROVEN
    assert bound.gap == 0
    assert bound.value == cost_of(problem, best, Weights()) < cost_of(problem, swapped, Weights())


def test_a_plan_that_is_not_the_best_is_told_so_with_a_better_one() -> None:
    problem, swapped = _two_taxis_at_the_wrong_ends()

    bound = _bound(problem, swapped)

    assert bound.proven
    assert bound.plan == plan_of([up(0), down(0)], [up(1), down(1)])


def test_locked_visits_count_as_they_are() -> None:
    problem, swapped = _two_taxis_at_the_wrong_ends()
    locked = replace(problem, vehicles=tuple(replace(one, locked=1) for one in problem.vehicles))

    bound = _bound(locked, swapped)

    assert bound.proven
    assert bound.plan == swapped


def test_breaks_and_the_way_home_are_part_of_the_bound() -> None:
    vehicle = replace(taxi(0, breaks=(Break(600, 900, 1200, 4),)), end_place=0)
    passenger = replace(ride(1, 8, 0, 1200), loads=(1, 0))
    problem = problem_of([vehicle], [passenger], required=(0,))
    plan = plan_of([up(0), down(0), rest(0)])

    bound = _bound(problem, plan)

    assert bound.value == least_cost(problem, plan, Weights())


def test_each_bound_that_is_told_is_higher_than_the_one_before() -> None:
    problem, swapped = _two_taxis_at_the_wrong_ends()
    told: list[Bound] = []

    last = lower_bound(problem, Weights(), swapped, Iterations(50), on_better=told.append)

    assert [each.value for each in told] == sorted(each.value for each in told)
    assert told[-1] == last


def test_nothing_is_claimed_before_the_first_round() -> None:
    problem, swapped = _two_taxis_at_the_wrong_ends()

    bound = _bound(problem, swapped, rounds=0)

    assert (bound.value, bound.how_far) == (0, HowFar.STOPPED)
    assert bound.gap == 1


def test_the_same_question_has_the_same_answer() -> None:
    problem, plan, weights = random_day(20)

    assert _bound(problem, plan, weights, 5) == _bound(problem, plan, weights, 5)


def test_routes_that_a_search_has_seen_may_help() -> None:
    problem, swapped = _two_taxis_at_the_wrong_ends()
    pool = RoutePool(problem, Weights())
    for vehicle, visits in enumerate(([up(0), down(0)], [up(1), down(1)])):
        route = plan_of(visits).routes[0]
        times = timetable(problem, vehicle, route)
        pool.add(vehicle, route, getattr(times, "cost", 0))

    bound = lower_bound(problem, Weights(), swapped, Iterations(500), pool)

    assert bound.proven
    assert bound.plan != swapped


def test_a_day_without_requests_costs_nothing() -> None:
    problem = problem_of([taxi()], [])

    bound = _bound(problem, plan_of([]))

    assert bound.proven
    assert (bound.value, bound.cost, bound.gap) == (0, 0, 0)


def test_more_than_one_word_of_requests_is_no_matter() -> None:
    requests = [ride(n % 5, 5 + n % 4, 100 * n, 100 * n + 60) for n in range(70)]
    fleet = [taxi(n % 10) for n in range(70)]
    problem = problem_of(fleet, requests, required=range(70))
    plan = plan_of(*([up(n), down(n)] for n in range(70)))
    weights = Weights(waiting=0, excess_ride=0)

    bound = _bound(problem, plan, weights, rounds=3)

    assert 0 <= bound.value <= bound.cost <= cost_of(problem, plan, weights)


def test_an_unsound_plan_is_refused() -> None:
    problem, _swapped = _two_taxis_at_the_wrong_ends()
    far = replace(problem, travel_seconds=np.full_like(problem.travel_seconds, 9000))
    np.fill_diagonal(far.travel_seconds, 0)

    with pytest.raises(ValueError, match="breaks"):
        _bound(far, plan_of([up(0), down(0)], [up(1), down(1)]))
