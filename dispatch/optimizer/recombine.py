"""The best set of routes out of all that the search has seen.

The search meets far more good routes than one plan can hold. This module keeps them in a
pool, cheapest for each set of passengers a vehicle could take, and lets OR-Tools' CP-SAT
choose one route a vehicle so that nobody rides twice and the whole costs least (a set
partitioning problem).

See: docs/words.md, recombination; docs/decisions/0036-ruin-and-recreate.md
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import Kind, Plan, Problem, Route, Vehicle

if TYPE_CHECKING:
    from ortools.sat.python import cp_model


@dataclass(frozen=True, slots=True)
class Column:
    """One route a vehicle could drive: whom it serves and what it costs.

    `vehicle` is the first of those that are like it in everything (`groups`).
    """

    vehicle: int
    served: frozenset[int]
    route: Route
    cost: int


def groups(problem: Problem) -> tuple[int, ...]:
    """For each vehicle the first one like it: any of a group may drive what another can."""
    bound = {request.only_vehicle for request in problem.requests}
    first: dict[Vehicle, int] = {}
    return tuple(
        vehicle
        if vehicle in bound or one.locked or one.breaks or one.arrives_first is not None
        else first.setdefault(one, vehicle)
        for vehicle, one in enumerate(problem.vehicles)
    )


class RoutePool:
    """Routes seen so far: the cheapest for each kind of vehicle and set of passengers.

    Beyond `most` routes the oldest ones that have not been met again are forgotten.
    """

    def __init__(self, problem: Problem, weights: Weights, most: int = 4000) -> None:
        self.problem = problem
        self.weights = weights
        self._most = most
        self._columns: dict[tuple[int, frozenset[int]], Column] = {}
        self.group_of = groups(problem)
        for index, vehicle in enumerate(problem.vehicles):
            if not vehicle.breaks and not vehicle.locked and self.group_of[index] == index:
                self.add(index, Route(), 0)

    def __len__(self) -> int:
        return len(self._columns)

    def add(self, vehicle: int, route: Route, cost: int) -> None:
        """Remember a sound route of `vehicle` and its cost (without unserved requests)."""
        served, vehicle = _served(route), self.group_of[vehicle]
        old = self._columns.pop((vehicle, served), None)
        column = Column(vehicle, served, route, cost)
        self._columns[vehicle, served] = old if old and old.cost <= cost else column
        if len(self._columns) > self._most:
            del self._columns[next(iter(self._columns))]

    def list_columns(self) -> list[Column]:
        """All routes of the pool, longest known first."""
        return list(self._columns.values())

    def find_column(self, vehicle: int, served: frozenset[int]) -> Column | None:
        """The cheapest route of `vehicle` for exactly these requests, if one was seen."""
        return self._columns.get((self.group_of[vehicle], served))


def recombine(pool: RoutePool, incumbent: Plan, limit: float) -> Plan:
    """The cheapest plan that the pool's routes make up, or `incumbent` if none is cheaper.

    Parameters
    ----------
    incumbent
        A sound plan whose routes are in the pool; the search starts from it.
    limit
        CP-SAT's deterministic time, about seconds of one core. The answer depends on
        nothing else: one worker, one seed, no clock.
    """
    from ortools.sat.python import cp_model  # noqa: PLC0415  (two seconds to import)

    chosen_now = _columns_of(pool, incumbent)
    columns = pool.list_columns()
    if chosen_now is None:
        return incumbent
    model, chosen = _model(pool, columns, set(map(id, chosen_now)), cp_model)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = limit
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return incumbent
    picked = [
        column for column, literal in zip(columns, chosen, strict=True) if solver.value(literal)
    ]
    if _cost(pool, picked) >= _cost(pool, chosen_now):
        return incumbent
    return _plan(pool, incumbent, picked)


def _plan(pool: RoutePool, incumbent: Plan, picked: Iterable[Column]) -> Plan:
    """The routes picked, given to vehicles of their groups; who had one of them keeps it."""
    left: dict[int, list[Route]] = {}
    for column in picked:
        left.setdefault(column.vehicle, []).append(column.route)
    routes: list[Route | None] = [None] * len(incumbent.routes)
    for vehicle, route in enumerate(incumbent.routes):
        in_group = left.get(pool.group_of[vehicle], [])
        if route in in_group:
            in_group.remove(route)
            routes[vehicle] = route
    return Plan(
        tuple(
            (left.get(pool.group_of[vehicle]) or [Route()]).pop() if route is None else route
            for vehicle, route in enumerate(routes)
        )
    )


def _served(route: Route) -> frozenset[int]:
    return frozenset(visit.subject for visit in route.visits if visit.kind is Kind.DROPOFF)


def _columns_of(pool: RoutePool, plan: Plan) -> list[Column] | None:
    """The pool's routes for the sets of requests that `plan` serves, None if one is missing."""
    columns = [
        pool.find_column(vehicle, _served(route)) for vehicle, route in enumerate(plan.routes)
    ]
    found = [column for column in columns if column is not None]
    return found if len(found) == len(columns) else None


def _cost(pool: RoutePool, columns: Iterable[Column]) -> int:
    columns = list(columns)
    served = sum(len(column.served) for column in columns)
    unserved = len(pool.problem.requests) - served
    return sum(column.cost for column in columns) + pool.weights.unserved * unserved


def _one_route_each(
    model: cp_model.CpModel,
    pool: RoutePool,
    columns: list[Column],
    chosen: list[cp_model.IntVar],
    vehicle: int,
    literals: list[cp_model.IntVar],
) -> None:
    """No more routes than the group of `vehicle` has vehicles; exactly one for a group of one."""
    size = pool.group_of.count(vehicle)
    if size == 1:
        model.add_exactly_one(literals)
        return
    driven = [
        literal
        for column, literal in zip(columns, chosen, strict=True)
        if column.vehicle == vehicle and column.served
    ]
    if driven:
        model.add(sum(driven) <= size)


def _model(
    pool: RoutePool, columns: list[Column], hinted: set[int], cp: Any
) -> tuple[cp_model.CpModel, list[cp_model.IntVar]]:
    """One literal a route: one route a vehicle, each request at most once or at a cost.

    `cp` is the module cp_model, imported by the caller only when it is needed.
    """
    model = cp.CpModel()
    chosen = [model.new_bool_var("") for _ in columns]
    by_vehicle: dict[int, list[cp_model.IntVar]] = {}
    by_request: dict[int, list[cp_model.IntVar]] = {}
    for column, literal in zip(columns, chosen, strict=True):
        model.add_hint(literal, id(column) in hinted)
        by_vehicle.setdefault(column.vehicle, []).append(literal)
        for request in column.served:
            by_request.setdefault(request, []).append(literal)
    for vehicle, literals in by_vehicle.items():
        _one_route_each(model, pool, columns, chosen, vehicle, literals)
    priced = list(chosen)
    prices = [column.cost for column in columns]
    for request in range(len(pool.problem.requests)):
        literals = by_request.get(request, [])
        if request in pool.problem.required:
            model.add_exactly_one(literals)
        elif literals:
            unserved = model.new_bool_var("")
            model.add_exactly_one([*literals, unserved])
            priced.append(unserved)
            prices.append(pool.weights.unserved)
    model.minimize(cp.LinearExpr.weighted_sum(priced, prices))
    return model, chosen
