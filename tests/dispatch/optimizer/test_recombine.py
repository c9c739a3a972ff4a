"""Recombining routes: the best set out of the pool, as trying every set finds it."""

from __future__ import annotations

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import Plan, Problem, Route
from dispatch.optimizer.recombine import RoutePool, recombine
from tests.dispatch.optimizer.problems import down, plan_of, problem_of, ride, taxi, up
from tests.markers import examples

REQUESTS = 4
WEIGHTS = Weights(unserved=500)

Seen = list[tuple[int, frozenset[int], int]]


def route_for(served: frozenset[int]) -> Route:
    return Route(
        tuple(visit for request in sorted(served) for visit in (up(request), down(request)))
    )


def a_pool(seen: Seen, required: frozenset[int] = frozenset()) -> RoutePool:
    problem = problem_of([taxi(), taxi(), taxi()], [ride(1, 2)] * REQUESTS, required=required)
    pool = RoutePool(problem, WEIGHTS)
    for vehicle, served, cost in seen:
        pool.add(vehicle, route_for(served), cost)
    return pool


def cost_of(pool: RoutePool, plan: Plan) -> int:
    cost = WEIGHTS.unserved * (REQUESTS - len(plan.served()))
    for vehicle, route in enumerate(plan.routes):
        served = frozenset(visit.subject for visit in route.visits)
        column = pool.find_column(vehicle, served)
        assert column is not None
        cost += column.cost
    return cost


def cheapest_by_trying_all(pool: RoutePool) -> int:
    columns = pool.list_columns()
    fleets = [[column for column in columns if column.vehicle == group] for group in pool.group_of]
    costs = []
    for choice in product(*fleets):
        served = [request for column in choice for request in column.served]
        if len(served) == len(set(served)) and pool.problem.required <= set(served):
            unserved = WEIGHTS.unserved * (REQUESTS - len(served))
            costs.append(sum(column.cost for column in choice) + unserved)
    return min(costs)


ANY_ROUTE = st.tuples(
    st.integers(0, 2), st.frozensets(st.integers(0, REQUESTS - 1)), st.integers(0, 1500)
)


@settings(max_examples=examples(25, 500), deadline=None)
@given(st.lists(ANY_ROUTE, max_size=20))
def test_the_recombined_plan_is_the_cheapest_of_all(seen: Seen) -> None:
    pool = a_pool(seen)
    plan = recombine(pool, plan_of([], [], []), limit=5.0)
    assert cost_of(pool, plan) == cheapest_by_trying_all(pool)


@settings(max_examples=examples(15, 300), deadline=None)
@given(st.lists(ANY_ROUTE, max_size=20), st.integers(2000, 9000))
def test_a_required_request_is_in_the_recombined_plan_whatever_it_costs(
    seen: Seen, cost: int
) -> None:
    pool = a_pool([*seen, (1, frozenset({0, 3}), cost)], required=frozenset({0, 3}))
    incumbent = plan_of([], route_for(frozenset({0, 3})).visits, [])
    plan = recombine(pool, incumbent, limit=5.0)
    assert cost_of(pool, plan) == cheapest_by_trying_all(pool)
    assert plan.served() >= {0, 3}


def test_the_incumbent_stands_when_nothing_is_cheaper() -> None:
    pool = a_pool([(0, frozenset({0, 1, 2, 3}), 100), (1, frozenset({0}), 90)])
    incumbent = plan_of(route_for(frozenset(range(4))).visits, [], [])
    assert recombine(pool, incumbent, limit=1.0) is incumbent


def test_a_plan_whose_routes_are_not_in_the_pool_is_left_alone() -> None:
    pool = a_pool([(0, frozenset({0}), 1), (1, frozenset({1}), 1)])
    incumbent = plan_of(route_for(frozenset({2, 3})).visits, [], [])
    assert recombine(pool, incumbent, limit=1.0) is incumbent


def test_a_full_pool_forgets_what_it_met_longest_ago() -> None:
    problem: Problem = problem_of([taxi()], [ride(1, 2)] * REQUESTS)
    pool = RoutePool(problem, WEIGHTS, most=2)
    for request in range(3):
        pool.add(0, route_for(frozenset({request})), 10)
    assert [column.served for column in pool.list_columns()] == [{1}, {2}]


def test_a_dearer_order_of_the_same_passengers_is_not_kept() -> None:
    pool = a_pool([(0, frozenset({1}), 10), (0, frozenset({1}), 20)])
    column = pool.find_column(0, frozenset({1}))
    assert column is not None
    assert column.cost == 10
