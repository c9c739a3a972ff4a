"""Which routes to take, as a linear program: the prices of the requests come from here.

Every route found so far is a column: each request is served once, each kind of vehicle makes
as many routes as it has vehicles. The prices (duals) say which further routes would pay.
Cuts tighten it: of three requests, at most one route serves two or more.

See: docs/words.md, bound; docs/decisions/0130-a-bound-from-trips.md
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dispatch.optimizer.alike import VehicleKind
from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import Plan, Problem, Route, Visit

if TYPE_CHECKING:
    from ortools.math_opt.python import mathopt

Numbers = NDArray[np.float64]

CUTS_AT_ONCE = 12
CUTS_A_REQUEST = 4
"""How many of the cuts made at once may name the same request."""

LEAST_VIOLATION = 0.03


@dataclass(frozen=True, slots=True)
class Column:
    """A route that any vehicle of a kind could drive."""

    kind: int
    served: frozenset[int]
    cost: int
    visits: tuple[Visit, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Prices:
    """What serving each request (R,), a vehicle of each kind (K,) and each cut (C,) is worth."""

    requests: Numbers
    kinds: Numbers
    cuts: Numbers

    def mixed(self, other: Prices, share: float) -> Prices:
        """`share` of these prices and the rest of `other`'s; cuts that are new here are its."""
        cuts = other.cuts.copy()
        known = min(len(cuts), len(self.cuts))
        cuts[:known] += share * (self.cuts[:known] - cuts[:known])
        return Prices(
            other.requests + share * (self.requests - other.requests),
            other.kinds + share * (self.kinds - other.kinds),
            cuts,
        )

    def rounded(self) -> Prices:
        """Whole prices: all sums are exact."""
        return Prices(np.rint(self.requests), np.rint(self.kinds), np.rint(self.cuts))


class Unbalanced(Exception):
    """The linear program could not be solved."""


@dataclass(slots=True, eq=False)
class Master:
    """The linear program with the columns and cuts found so far."""

    problem: Problem
    weights: Weights
    kinds: Sequence[VehicleKind]
    columns: list[Column] = field(default_factory=list)
    cuts: list[tuple[int, int, int]] = field(default_factory=list)
    _model: mathopt.Model = field(init=False)
    _solver: mathopt.IncrementalSolver = field(init=False)
    _once: list[Any] = field(init=False)
    _as_many: list[Any] = field(init=False)
    _cut_rows: list[Any] = field(init=False, default_factory=list)
    _chosen: list[Any] = field(init=False, default_factory=list)
    _share: Numbers = field(init=False)
    _seen: set[tuple[int, frozenset[int], int]] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        from ortools.math_opt.python import mathopt  # noqa: PLC0415  (a second to import)

        self._model = mathopt.Model()
        self._once = [self._model.add_linear_constraint(lb=1, ub=1) for _ in self.problem.requests]
        self._as_many = [
            self._model.add_linear_constraint(lb=len(kind.vehicles), ub=len(kind.vehicles))
            for kind in self.kinds
        ]
        for index in list_optional(self.problem):
            unserved = self._model.add_variable(lb=0)
            self._once[index].set_coefficient(unserved, 1)
            self._model.objective.set_linear_coefficient(unserved, self.weights.unserved)
        for index, kind in enumerate(self.kinds):
            if kind.may_stay:
                self.add(Column(index, frozenset(), 0, ()))
        self._solver = mathopt.IncrementalSolver(self._model, mathopt.SolverType.GLOP)

    def add(self, column: Column) -> bool:
        """Add a column; False if it is known."""
        key = (column.kind, column.served, column.cost)
        if key in self._seen:
            return False
        self._seen.add(key)
        chosen = self._model.add_variable(lb=0)
        self._model.objective.set_linear_coefficient(chosen, column.cost)
        self._as_many[column.kind].set_coefficient(chosen, 1)
        for request in column.served:
            self._once[request].set_coefficient(chosen, 1)
        for cut, row in zip(self.cuts, self._cut_rows, strict=True):
            if len(column.served.intersection(cut)) > 1:
                row.set_coefficient(chosen, 1)
        self.columns.append(column)
        self._chosen.append(chosen)
        return True

    def solve(self) -> tuple[float, Prices]:
        """The least cost of a mixture of the columns, and the prices at which it balances.

        Raises Unbalanced when the solver gives up.
        """
        result = self._solved()
        worth = result.dual_values()
        values = result.variable_values()
        self._share = np.array([values[chosen] for chosen in self._chosen])
        requests = np.array([worth[row] for row in self._once])
        kinds = np.array([worth[row] for row in self._as_many])
        cuts = np.array([-worth[row] for row in self._cut_rows]).reshape(-1)
        return result.objective_value(), Prices(requests, kinds, np.maximum(0.0, cuts))

    def _solved(self) -> Any:
        """The solver's answer, from its last one on; from nothing where that goes wrong."""
        from ortools.math_opt.python import mathopt  # noqa: PLC0415

        try:
            return self._solver.solve()
        except Exception:  # GLOP ended "abnormally" on a4-48; what is raised may be of any sort
            self._solver = mathopt.IncrementalSolver(self._model, mathopt.SolverType.GLOP)
        try:
            return self._solver.solve()
        except Exception as error:
            raise Unbalanced(str(error)) from error

    def saving(self, column: Column, prices: Prices) -> float:
        """By how much a column is cheaper than its passengers' prices.

        Older prices may know fewer cuts; those they do not know cost nothing.
        """
        paid = prices.requests[list(column.served)].sum() + prices.kinds[column.kind]
        for cut, price in zip(self.cuts, prices.cuts, strict=False):
            if len(column.served.intersection(cut)) > 1:
                paid -= price
        return float(paid - column.cost)

    def cut(self) -> int:
        """Add the cuts that the last solution breaks most; how many."""
        found = _broken_cuts(self.columns, self._share, len(self.problem.requests))
        new = [cut for cut in found if cut not in set(self.cuts)]
        for cut in new:
            row = self._model.add_linear_constraint(ub=1)
            for column, chosen in zip(self.columns, self._chosen, strict=True):
                if len(column.served.intersection(cut)) > 1:
                    row.set_coefficient(chosen, 1)
            self.cuts.append(cut)
            self._cut_rows.append(row)
        return len(new)


def list_optional(problem: Problem) -> list[int]:
    """Requests that a plan may leave unserved, at a cost."""
    return [
        index
        for index, request in enumerate(problem.requests)
        if request.aboard_since is None and index not in problem.required
    ]


def columns_of(plan: Plan, kinds: Sequence[VehicleKind], costs: Sequence[int]) -> list[Column]:
    """The routes of a plan; `costs` by vehicle."""
    kind_of = {vehicle: index for index, kind in enumerate(kinds) for vehicle in kind.vehicles}
    return [
        Column(kind_of[vehicle], served_by(route.visits), costs[vehicle], route.visits)
        for vehicle, route in enumerate(plan.routes)
    ]


def served_by(visits: Sequence[Visit]) -> frozenset[int]:
    """Whom a route sets down."""
    return Plan((Route(tuple(visits)),)).served()


def _broken_cuts(
    columns: Sequence[Column], share: Numbers, requests: int
) -> list[tuple[int, int, int]]:
    """Threes of requests of which routes that serve two or more are taken more than once."""
    used = [index for index in np.flatnonzero(share > 1e-6).tolist() if columns[index].served]
    serves = np.zeros((len(used), requests))
    for row, index in enumerate(used):
        serves[row, list(columns[index].served)] = 1
    weighted = serves * share[used][:, None]
    pairs = weighted.T @ serves
    found: list[tuple[float, tuple[int, int, int]]] = []
    for i in range(requests):
        threes = (weighted * serves[:, i : i + 1]).T @ serves
        excess = pairs[i][:, None] + pairs[i][None, :] + pairs - 2 * threes - 1
        for j, k in np.argwhere(np.triu(excess, 1) > LEAST_VIOLATION).tolist():
            if i < j:
                found.append((-round(float(excess[j, k]), 6), (i, j, k)))
    named = np.zeros(requests, np.int64)
    chosen: list[tuple[int, int, int]] = []
    for _excess, three in sorted(found):
        if len(chosen) < CUTS_AT_ONCE and (named[list(three)] < CUTS_A_REQUEST).all():
            chosen.append(three)
            named[list(three)] += 1
    return chosen
