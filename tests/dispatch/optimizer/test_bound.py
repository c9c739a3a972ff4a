"""How good a plan is at best: the bound against every plan there is, and when it ends."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dispatch.optimizer.bound import Bound, lower_bound
from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import Plan, Problem
from dispatch.optimizer.schedule import cost_of
from dispatch.optimizer.stopping import Iterations
from dispatch.optimizer.verify import verify
from tests.dispatch.optimizer.all_plans import least_cost
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
def test_no_plan_at_all_is_cheaper_than_the_bound(seed: int, every: int):
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
