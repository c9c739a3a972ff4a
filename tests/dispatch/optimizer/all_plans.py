"""The cheapest of all plans of a small problem, by trying every order of every vehicle.

Plain Python on the rule of docs/decisions/0003-one-schedule-rule.md (`brute_force.outcome`).
"""

from __future__ import annotations

from collections.abc import Iterator

from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import Kind, Plan, Problem, Route, Visit
from tests.dispatch.optimizer.brute_force import outcome

Costs = dict[frozenset[int], int]


def least_cost(problem: Problem, before: Plan, weights: Weights) -> int | None:
    """What the cheapest plan costs that keeps the locks of `before`; None if there is none."""
    best: Costs = {frozenset(): 0}
    for vehicle in range(len(problem.vehicles)):
        routes = route_costs(problem, vehicle, before, weights)
        after: Costs = {}
        for done, cost in best.items():
            for served, more in routes.items():
                if not done & served:
                    both = done | served
                    after[both] = min(after.get(both, cost + more), cost + more)
        best = after
    must = problem.required | {
        index for index, one in enumerate(problem.requests) if one.aboard_since is not None
    }
    missing = len(problem.requests)
    totals = [
        cost + weights.unserved * (missing - len(done))
        for done, cost in best.items()
        if must <= done
    ]
    return min(totals, default=None)


def route_costs(problem: Problem, vehicle: int, before: Plan, weights: Weights) -> Costs:
    """The cheapest sound route of a vehicle for each set of passengers."""
    fixed = before.routes[vehicle].visits[: problem.vehicles[vehicle].locked]
    costs: Costs = {}
    for visits in _orders(problem, vehicle, fixed, (), _aboard(problem, vehicle)):
        found = outcome(problem, vehicle, Route(visits), weights)
        if found is not None:
            served = Plan((Route(visits),)).served()
            costs[served] = min(costs.get(served, found.cost), found.cost)
    return costs


def _aboard(problem: Problem, vehicle: int) -> frozenset[int]:
    return frozenset(
        index
        for index, one in enumerate(problem.requests)
        if one.aboard_since is not None and one.only_vehicle == vehicle
    )


def _orders(
    problem: Problem,
    vehicle: int,
    fixed: tuple[Visit, ...],
    visits: tuple[Visit, ...],
    aboard: frozenset[int],
) -> Iterator[tuple[Visit, ...]]:
    """Every order of visits that sets everybody down again and takes all breaks."""
    rests = sum(visit.kind is Kind.BREAK for visit in visits)
    if not aboard and rests == len(problem.vehicles[vehicle].breaks) and len(visits) >= len(fixed):
        yield visits
    options = [Visit(Kind.DROPOFF, index) for index in sorted(aboard)]
    options += [
        Visit(Kind.PICKUP, index)
        for index, one in enumerate(problem.requests)
        if one.aboard_since is None
        and one.only_vehicle in {None, vehicle}
        and Visit(Kind.PICKUP, index) not in visits
    ]
    if not aboard and rests < len(problem.vehicles[vehicle].breaks):
        options.append(Visit(Kind.BREAK, rests))
    if len(visits) < len(fixed):
        options = [option for option in options if option == fixed[len(visits)]]
    for option in options:
        change = {option.subject} if option.kind is not Kind.BREAK else frozenset()
        still = aboard | change if option.kind is Kind.PICKUP else aboard - change
        yield from _orders(problem, vehicle, fixed, (*visits, option), frozenset(still))
