"""The same problem as an OR-Tools routing model: a second engine, and a fallback.

It stands beside the search of our own so that the two can be held against each other, and
so that a defect in one does not leave a town without an optimizer. OR-Tools holds Python's
interpreter lock while it solves, therefore `improve_apart` runs it in a process of its own.
Its plan is timed again by the one schedule rule and checked like any other.

The model is a little stricter than the rule (a ride is measured as if each party had the
standing to itself) and leaves lateness to the final comparison; so it can miss a plan, but
what it returns is sound.

See: docs/words.md, routing model; docs/decisions/0037-a-second-engine.md
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import ANYWHERE, NEVER, Kind, Plan, Problem, Route, Vehicle, Visit
from dispatch.optimizer.verify import verify, work_out_cost

HORIZON = 2**29
FAR = 2**28


@dataclass(frozen=True, slots=True)
class _Node:
    """One visit of the model, at a place, with the standing it needs."""

    visit: Visit
    place: int
    own_seconds: int
    vehicle: int | None = None


def improve_apart(problem: Problem, plan: Plan, weights: Weights, seconds: float) -> Plan:
    """`improve_by_routing_model` in a process of its own; the caller's threads keep running."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(improve_by_routing_model, problem, plan, weights, seconds).result()


def improve_by_routing_model(
    problem: Problem, plan: Plan, weights: Weights, seconds: float
) -> Plan:
    """A cheaper sound plan than `plan`, or `plan` itself.

    Parameters
    ----------
    plan
        A sound plan; the model starts from it, its locked visits stay. A break that may be
        taken anywhere stays near the place where this plan takes it.
    seconds
        How long the model may search. The answer depends on the machine's speed.
    """
    if not problem.requests:
        return plan
    found = _Model(problem, plan, weights).solve(seconds)
    if found is None or verify(problem, found, plan):
        return plan
    better = work_out_cost(problem, found, weights) < work_out_cost(problem, plan, weights)
    return found if better else plan


class _Model:
    """An OR-Tools model of one problem; lives for one solve."""

    def __init__(self, problem: Problem, plan: Plan, weights: Weights) -> None:
        from ortools.constraint_solver import pywrapcp, routing_enums_pb2  # noqa: PLC0415

        self.problem, self.plan, self.weights = problem, plan, weights
        self.enums: Any = routing_enums_pb2
        self.ortools: Any = pywrapcp
        self.nodes = list(_nodes(problem, plan))
        self.number = {
            (node.visit, node.vehicle if node.visit.kind is Kind.BREAK else None): number
            for number, node in enumerate(self.nodes)
        }
        fleet = len(problem.vehicles)
        starts = [len(self.nodes) + vehicle for vehicle in range(fleet)]
        ends = [start + fleet for start in starts]
        self.manager: Any = pywrapcp.RoutingIndexManager(
            len(self.nodes) + 2 * fleet, fleet, starts, ends
        )
        self.model: Any = pywrapcp.RoutingModel(self.manager)
        self.time = self._add_time()
        self.loads = self._add_loads()
        self._add_limits_of_vehicles()
        self._add_limits_of_visits()
        self._add_rides()
        self._add_locks()

    def solve(self, seconds: float) -> Plan | None:
        """The best plan found in `seconds`, None if there is none."""
        parameters = self.ortools.DefaultRoutingSearchParameters()
        parameters.first_solution_strategy = (
            self.enums.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
        )
        parameters.local_search_metaheuristic = (
            self.enums.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
        )
        parameters.time_limit.FromMilliseconds(max(1, round(seconds * 1000)))
        self.model.CloseModelWithParameters(parameters)
        start = self.model.ReadAssignmentFromRoutes(self._present_routes(), True)
        if start is None or not any(route.visits for route in self.plan.routes):
            solution = self.model.SolveWithParameters(parameters)
        else:
            solution = self.model.SolveFromAssignmentWithParameters(start, parameters)
        return None if solution is None else self._plan_of(solution)

    # --- dimensions ---

    def _add_time(self) -> Any:
        steps = self._matrix(with_standing=True)
        costs = self._matrix(with_standing=False)
        self.model.SetArcCostEvaluatorOfAllVehicles(
            self.model.RegisterTransitMatrix(
                [
                    [self.weights.driving * min(seconds, FAR // 1000) for seconds in row]
                    for row in costs
                ]
            )
        )
        callback = self.model.RegisterTransitMatrix(steps)
        self.model.SetFixedCostOfAllVehicles(self.weights.vehicle)
        self.model.AddDimension(callback, HORIZON, HORIZON, False, "time")
        return self.model.GetDimensionOrDie("time")

    def _matrix(self, *, with_standing: bool) -> list[list[int]]:
        """Seconds from node to node: travel, and the standing at the first if wished."""
        fleet = self.problem.vehicles
        visits = [(node.place, node.own_seconds) for node in self.nodes]
        starts = [(vehicle.start_place, None) for vehicle in fleet]
        ends = [(vehicle.end_place, None) for vehicle in fleet]
        rows: list[list[int]] = []
        for number, (here, own) in enumerate([*visits, *starts, *ends]):
            row = []
            for there, _ in [*visits, *starts, *ends]:
                at_home = number >= len(visits) + len(fleet) or ANYWHERE in (here, there)
                travel = 0 if at_home else int(self.problem.travel_seconds[here, there])
                row.append(
                    travel + (self._standing(number, own, here == there) if with_standing else 0)
                )
            rows.append(row)
        self._set_first_legs(rows)
        return rows

    def _standing(self, number: int, own: int | None, same_place: bool) -> int:
        if own is None:
            return 0
        joins = same_place and self.nodes[number].visit.kind is not Kind.BREAK
        is_break = self.nodes[number].visit.kind is Kind.BREAK
        return own if joins or is_break else own + self.problem.stop_seconds

    def _set_first_legs(self, rows: list[list[int]]) -> None:
        """A vehicle under way reaches its first visit when it says; empty routes cost nothing."""
        for index, vehicle in enumerate(self.problem.vehicles):
            start = len(self.nodes) + index
            rows[start][start + len(self.problem.vehicles)] = 0
            visits = self.plan.routes[index].visits
            if vehicle.arrives_first is not None and visits:
                first = self._number_of(index, visits[0])
                rows[start][first] = max(0, vehicle.arrives_first - _ready(vehicle))

    def _add_loads(self) -> list[Any]:
        dimensions = max(
            [len(vehicle.capacity) for vehicle in self.problem.vehicles]
            + [len(request.loads) for request in self.problem.requests]
        )
        return [self._add_load(dimension) for dimension in range(dimensions)]

    def _add_load(self, dimension: int) -> Any:
        change = [_load_change(self.problem, node.visit, dimension) for node in self.nodes]
        change += [0] * (2 * len(self.problem.vehicles))
        callback = self.model.RegisterUnaryTransitVector(change)
        room = [_at(vehicle.capacity, dimension) for vehicle in self.problem.vehicles]
        name = f"load {dimension}"
        self.model.AddDimensionWithVehicleCapacity(callback, 0, room, False, name)
        return self.model.GetDimensionOrDie(name)

    # --- limits ---

    def _add_limits_of_vehicles(self) -> None:
        for index, vehicle in enumerate(self.problem.vehicles):
            start, end = self.model.Start(index), self.model.End(index)
            if vehicle.max_duration < NEVER:
                self.time.CumulVar(start).SetRange(_ready(vehicle), HORIZON)
                self.time.SetSpanUpperBoundForVehicle(vehicle.max_duration, index)
            else:
                self.time.CumulVar(start).SetValue(_ready(vehicle))
            self.time.CumulVar(end).SetMax(max(vehicle.shift_end, _ready(vehicle)))
            self.model.AddVariableMinimizedByFinalizer(self.time.CumulVar(end))
            for dimension, load in enumerate(self.loads):
                aboard = sum(
                    _at(request.loads, dimension)
                    for request in self.problem.requests
                    if request.aboard_since is not None and request.only_vehicle == index
                )
                load.CumulVar(start).SetValue(aboard)

    def _add_limits_of_visits(self) -> None:
        for number, node in enumerate(self.nodes):
            index = self.manager.NodeToIndex(number)
            if node.vehicle is not None:
                self.model.VehicleVar(index).SetValues([-1, node.vehicle])
            if node.visit.kind is Kind.BREAK:
                rest = self.problem.vehicles[node.vehicle or 0].breaks[node.visit.subject]
                self.time.CumulVar(index).SetRange(max(0, rest.earliest), rest.latest)
                for load in self.loads:
                    load.CumulVar(index).SetValue(0)
                self.model.AddVariableMinimizedByFinalizer(self.time.CumulVar(index))

    def _add_rides(self) -> None:
        """Windows, longest rides, who may stay unserved, and what waiting and riding cost."""
        served = self.plan.served()
        for subject, request in enumerate(self.problem.requests):
            down = self._index(Kind.DROPOFF, subject)
            latest = min(request.latest_arrival, HORIZON)
            if request.aboard_since is not None:
                latest = min(latest, request.aboard_since + request.max_ride)
                self.time.CumulVar(down).SetRange(max(0, request.earliest_arrival or 0), latest)
                self._soft(
                    down, request.aboard_since + request.direct_seconds, self.weights.excess_ride
                )
                continue
            up = self._index(Kind.PICKUP, subject)
            window = (max(0, request.earliest_pickup), min(request.latest_pickup, HORIZON))
            self.time.CumulVar(up).SetRange(*window)
            self.time.CumulVar(down).SetRange(max(0, request.earliest_arrival or 0), latest)
            self._pair(
                up, down, request.boarding_seconds + self.problem.stop_seconds, request.max_ride
            )
            # excess = (drop-off beyond the soonest) - (pickup beyond the soonest), so both
            # are soft bounds; it is exact while a second of waiting costs no less.
            soonest = request.earliest_pickup + self.problem.stop_seconds + request.boarding_seconds
            self._soft(up, request.earliest_pickup, self.weights.waiting - self.weights.excess_ride)
            self._soft(down, soonest + request.direct_seconds, self.weights.excess_ride)
            if subject not in served and subject not in self.problem.required:
                for index in (up, down):
                    self.model.AddDisjunction([index], self._unserved_penalty())

    def _pair(self, up: int, down: int, standing: int, max_ride: int) -> None:
        solver = self.model.solver()
        self.model.AddPickupAndDelivery(up, down)
        solver.Add(self.model.VehicleVar(up) == self.model.VehicleVar(down))
        solver.Add(self.time.CumulVar(up) <= self.time.CumulVar(down))
        if max_ride < NEVER:
            # Either alone returned broken rides or found nothing (ENGINE notes, OR-Tools 9.15).
            solver.Add(self.time.CumulVar(down) - self.time.CumulVar(up) <= max_ride + standing)

    def _soft(self, index: int, bound: int, cost: int) -> None:
        if cost > 0:
            self.time.SetCumulVarSoftUpperBound(index, max(0, bound), cost)

    def _unserved_penalty(self) -> int:
        """A few arcs' cost: with the true, huge one OR-Tools' search stays where it is."""
        longest = int(self.problem.travel_seconds[self.problem.travel_seconds < FAR].max(initial=1))
        modest = 20 * self.weights.driving * longest + self.weights.vehicle
        return min(self.weights.unserved, modest)

    def _add_locks(self) -> None:
        for index, vehicle in enumerate(self.problem.vehicles):
            here = self.model.Start(index)
            for visit in self.plan.routes[index].visits[: vehicle.locked]:
                there = self.manager.NodeToIndex(self._number_of(index, visit))
                self.model.NextVar(here).SetValue(there)
                here = there

    # --- there and back ---

    def _number_of(self, vehicle: int, visit: Visit) -> int:
        return self.number[visit, vehicle if visit.kind is Kind.BREAK else None]

    def _index(self, kind: Kind, subject: int) -> int:
        return int(self.manager.NodeToIndex(self.number[Visit(kind, subject), None]))

    def _present_routes(self) -> list[list[int]]:
        return [
            [self.manager.NodeToIndex(self._number_of(index, visit)) for visit in route.visits]
            for index, route in enumerate(self.plan.routes)
        ]

    def _plan_of(self, solution: Any) -> Plan:
        routes = []
        for vehicle in range(len(self.problem.vehicles)):
            visits = []
            index = solution.Value(self.model.NextVar(self.model.Start(vehicle)))
            while not self.model.IsEnd(index):
                visits.append(self.nodes[self.manager.IndexToNode(index)].visit)
                index = solution.Value(self.model.NextVar(index))
            routes.append(Route(tuple(visits)))
        return Plan(tuple(routes))


def _nodes(problem: Problem, plan: Plan) -> Iterator[_Node]:
    for subject, request in enumerate(problem.requests):
        only = request.only_vehicle
        if request.aboard_since is None:
            yield _Node(Visit(Kind.PICKUP, subject), request.origin, request.boarding_seconds, only)
        yield _Node(
            Visit(Kind.DROPOFF, subject), request.destination, request.alighting_seconds, only
        )
    for index, vehicle in enumerate(problem.vehicles):
        here = vehicle.start_place
        for visit in plan.routes[index].visits:
            if visit.kind is Kind.BREAK:
                rest = vehicle.breaks[visit.subject]
                here = here if rest.place == ANYWHERE else rest.place
                yield _Node(visit, here, rest.seconds, index)
            else:
                request = problem.requests[visit.subject]
                here = request.origin if visit.kind is Kind.PICKUP else request.destination


def _ready(vehicle: Vehicle) -> int:
    return max(vehicle.start_time, vehicle.shift_start)


def _at(loads: tuple[int, ...], dimension: int) -> int:
    return loads[dimension] if dimension < len(loads) else 0


def _load_change(problem: Problem, visit: Visit, dimension: int) -> int:
    if visit.kind is Kind.BREAK:
        return 0
    load = _at(problem.requests[visit.subject].loads, dimension)
    return load if visit.kind is Kind.PICKUP else -load
