"""A plan that can be asked and changed thousands of times: its columns, held in one place.

Built once from a problem and a plan, then edited request by request without a rebuild.

See: docs/decisions/0031-columns-and-nodes.md
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np

from dispatch.optimizer.columns import (
    Tables,
    empty_routes,
    empty_scratch,
    put_in,
    request_columns,
    tables_of,
    take_out,
)
from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import Kind, Plan, Problem, Request, Route, Visit
from dispatch.optimizer.slack import refresh_all, refresh_route

SPARE_SLOTS = 16
"""Free slots for visits that each route gets beyond the longest one."""


class PlanArrays:
    """A problem and a plan for it in columns; one thread uses it at a time.

    Parameters
    ----------
    problem, plan
        The plan must be sound but for unserved requests. The travel table is never copied.
    weights
        What the costs of routes and insertions are counted in.
    slots
        Visits that fit into one route; default a few more than the longest has.
        `insert` makes more room by itself, compiled code cannot.
    """

    __slots__ = ("_break_of", "_requests", "problem", "routes", "scratch", "tables", "weights")

    def __init__(
        self, problem: Problem, plan: Plan, weights: Weights | None = None, slots: int | None = None
    ) -> None:
        self.problem = problem
        self.weights = weights or Weights()
        self._requests = list(problem.requests)
        self._break_of = [
            (vehicle, index)
            for vehicle, one in enumerate(problem.vehicles)
            for index in range(len(one.breaks))
        ]
        self.tables = tables_of(problem, self.weights)
        longest = max((len(route.visits) for route in plan.routes), default=0)
        slots = max(longest, slots or longest + SPARE_SLOTS)
        self.routes = empty_routes(len(problem.vehicles), slots, self.tables.loads.shape[1])
        self.scratch = empty_scratch(slots, len(problem.requests))
        self._write(plan)
        self.refresh()

    @classmethod
    def from_problem(
        cls, problem: Problem, plan: Plan, weights: Weights | None = None, slots: int | None = None
    ) -> Self:
        """The columns of `problem` and `plan`; the same as calling the class."""
        return cls(problem, plan, weights, slots)

    @property
    def requests(self) -> Sequence[Request]:
        """The problem's requests and those added since."""
        return self._requests

    def refresh(self) -> None:
        """Work out every route's times and slack anew (after a change of the tables)."""
        refresh_all(self.tables, self.routes, self.scratch)

    def cost(self) -> int:
        """Cost of all routes and of the unserved; raises ValueError when a route is broken."""
        if len(self.routes.cost) and int(self.routes.cost.min()) < 0:
            raise ValueError(f"route {int(self.routes.cost.argmin())} breaks a limit")
        unserved = len(self._requests) - len(self.to_plan().served())
        return int(self.routes.cost.sum()) + self.weights.unserved * unserved

    def add_request(self, request: Request) -> int:
        """Append an unserved request; returns its index."""
        columns = request_columns([request], self.tables.capacity.shape[1] - 1)
        tables = self.tables._asdict()
        for name, column in columns.items():
            tables[name] = np.concatenate((tables[name], column))
        self.tables = Tables(**tables)
        self._requests.append(request)
        more = np.full(1, -1, np.int64)
        self.scratch = self.scratch._replace(
            pickup_at=np.concatenate((self.scratch.pickup_at, more))
        )
        return len(self._requests) - 1

    def insert(
        self, request: int, vehicle: int, pickup_position: int, dropoff_position: int
    ) -> None:
        """Put `request` into a route, at positions of the resulting route."""
        if self.routes.count[vehicle] + 2 > self.routes.node.shape[1]:
            self._make_room()
        put_in(self.tables, self.routes, vehicle, request, pickup_position, dropoff_position)
        refresh_route(self.tables, self.routes, vehicle, self.scratch)

    def remove(self, request: int) -> None:
        """Take `request` out of whichever route serves it; nothing happens if none does."""
        for vehicle in range(len(self.routes.count)):
            if take_out(self.tables, self.routes, vehicle, request):
                refresh_route(self.tables, self.routes, vehicle, self.scratch)

    def to_plan(self) -> Plan:
        """The plan as it stands, in the words of plan.py."""
        return Plan(tuple(self.to_route(row) for row in range(len(self.routes.count))))

    def to_route(self, vehicle: int) -> Route:
        """One vehicle's route, in the words of plan.py."""
        nodes = self.routes.node[vehicle, : self.routes.count[vehicle]].tolist()
        return self.route_of(nodes)

    def route_of(self, nodes: Sequence[int]) -> Route:
        """A sequence of nodes in the words of plan.py."""
        return Route(tuple(self._visit(node) for node in nodes))

    def node_of(self, vehicle: int, visit: Visit) -> int:
        """The node that `visit` of `vehicle` is."""
        if visit.kind is Kind.BREAK:
            return self._break_of.index((vehicle, visit.subject))
        return self.tables.breaks + 2 * visit.subject + int(visit.kind)

    def _visit(self, node: int) -> Visit:
        if node < self.tables.breaks:
            return Visit(Kind.BREAK, self._break_of[node][1])
        subject, kind = divmod(node - self.tables.breaks, 2)
        return Visit(Kind.DROPOFF if kind else Kind.PICKUP, subject)

    def write(self, plan: Plan) -> None:
        """Replace all routes by those of `plan`, which must fit into the slots there are."""
        self._write(plan)
        self.refresh()

    def _write(self, plan: Plan) -> None:
        breaks = self.tables.breaks
        first_break = 0
        for row, route in enumerate(plan.routes):
            nodes = [
                first_break + visit.subject
                if visit.kind is Kind.BREAK
                else breaks + 2 * visit.subject + visit.kind
                for visit in route.visits
            ]
            self.routes.node[row, : len(nodes)] = nodes
            self.routes.count[row] = len(nodes)
            first_break += len(self.problem.vehicles[row].breaks)

    def _make_room(self) -> None:
        slots = 2 * self.routes.node.shape[1] + 2
        roomy = empty_routes(len(self.routes.count), slots, self.tables.loads.shape[1])
        for name, old in self.routes._asdict().items():
            getattr(roomy, name)[tuple(slice(size) for size in old.shape)] = old
        self.routes = roomy
        self.scratch = empty_scratch(slots, len(self._requests))
