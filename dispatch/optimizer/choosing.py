"""The cheapest plan out of given routes, exactly: what is left to CP-SAT once routes are few.

See: docs/words.md, bound; docs/decisions/0130-a-bound-from-trips.md
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from dispatch.optimizer.alike import VehicleKind
from dispatch.optimizer.master import Column, list_optional
from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import Plan, Problem, Route


@dataclass(frozen=True, slots=True)
class Choice:
    """The cheapest choice found (None if there is none), and what no choice can undercut.

    `least` is None where the routes make up no plan at all.
    """

    columns: tuple[Column, ...] | None
    least: int | None


def choose(
    problem: Problem,
    weights: Weights,
    kinds: Sequence[VehicleKind],
    columns: Sequence[Column],
    hinted: Sequence[Column],
    limit: float,
) -> Choice:
    """Choose one route a vehicle so that each request is served once, or at a cost not at all.

    hinted : the columns of a plan that stands. limit : CP-SAT's deterministic time.
    """
    from ortools.sat.python import cp_model  # noqa: PLC0415  (two seconds to import)

    model = cp_model.CpModel()
    literals = [
        model.new_int_var(0, 1 if column.served else len(kinds[column.kind].vehicles), "")
        for column in columns
    ]
    by_request: list[list[cp_model.IntVar]] = [[] for _ in problem.requests]
    by_kind: list[list[cp_model.IntVar]] = [[] for _ in kinds]
    for column, literal in zip(columns, literals, strict=True):
        model.add_hint(literal, sum(column is other for other in hinted))
        by_kind[column.kind].append(literal)
        for request in column.served:
            by_request[request].append(literal)
    priced, prices = list(literals), [column.cost for column in columns]
    for request in list_optional(problem):
        priced.append(model.new_bool_var(""))
        prices.append(weights.unserved)
        by_request[request].append(priced[-1])
    for some in by_request:
        model.add_exactly_one(some)
    for kind, some in zip(kinds, by_kind, strict=True):
        model.add(cp_model.LinearExpr.sum(some) == len(kind.vehicles))
    model.minimize(cp_model.LinearExpr.weighted_sum(priced, prices))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = limit
    status = solver.solve(model)
    if status == cp_model.INFEASIBLE:
        return Choice(None, None)
    least = max(0, math.ceil(solver.best_objective_bound - 1e-6))
    if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return Choice(None, least)
    chosen = [
        column
        for column, literal in zip(columns, literals, strict=True)
        for _ in range(solver.value(literal))
    ]
    return Choice(tuple(chosen), least)


def plan_of(kinds: Sequence[VehicleKind], columns: Sequence[Column]) -> Plan:
    """The chosen routes, given to the vehicles of their kinds in order."""
    free = [list(kind.vehicles) for kind in kinds]
    routes = {free[column.kind].pop(0): Route(column.visits) for column in columns}
    return Plan(tuple(routes[vehicle] for vehicle in sorted(routes)))
