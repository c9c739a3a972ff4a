"""PyVRP (Wouda, Lan and Kool 2024) as a peer: shipments, windows, loads; no longest ride.

Each vehicle has a flat cost of ten times the longest way. A larger one, which would put the
fleet strictly before the distance, made its plans worse at these times (3 s: lr104, lrc206),
one of three times the longest way made them no better.

See: docs/words.md, peer; docs/decisions/0137-peers-in-one-run.md
"""

from __future__ import annotations

import time
from typing import Any

from dispatch.optimizer.plan import Kind, Plan, Route, Visit
from simulations.bench.published import PublishedInstance
from simulations.bench.solvers.base import (
    Budget,
    Clock,
    Solver,
    modest_vehicle_cost,
    padded,
    refuse_more_threads,
    refuse_ride_limit,
)


class PyVrp(Solver):
    """PyVRP's iterated local search with its own defaults."""

    package, module = "pyvrp", "pyvrp"

    def check(self, instance: PublishedInstance, budget: Budget) -> None:
        refuse_ride_limit(instance, "PyVRP")
        refuse_more_threads(budget, "PyVRP")

    def solve(self, instance: PublishedInstance, budget: Budget) -> Plan:
        model = _model(instance)
        result = model.solve(_stop(budget), budget.seed, collect_stats=False, display=False)
        routes = [_route(route) for route in result.best.routes()]
        return padded(routes, len(instance.problem.vehicles))


def _model(instance: PublishedInstance) -> Any:
    import pyvrp  # noqa: PLC0415  (an optional peer)

    problem, model = instance.problem, pyvrp.Model()
    vehicle, ways = problem.vehicles[0], problem.travel_seconds.tolist()
    places = [model.add_location(node.x, node.y) for node in instance.text.nodes]
    for request in problem.requests:
        model.add_shipment(
            places[request.origin],
            places[request.destination],
            request.earliest_pickup,
            request.latest_pickup,
            request.boarding_seconds,
            request.earliest_arrival or 0,
            request.latest_arrival,
            request.alighting_seconds,
            list(request.loads),
        )
    model.add_vehicle_type(
        len(problem.vehicles),
        list(vehicle.capacity),
        model.add_depot(places[vehicle.start_place]),
        model.add_depot(places[vehicle.end_place]),
        fixed_cost=modest_vehicle_cost(instance),
        tw_early=vehicle.start_time,
        tw_late=vehicle.shift_end,
        shift_duration=vehicle.max_duration,
    )
    for a, here in enumerate(places):
        for b, there in enumerate(places):
            if a != b:
                model.add_edge(here, there, ways[a][b], ways[a][b])
    return model


def _stop(budget: Budget) -> Any:
    """PyVRP's own stop on the wall clock, or ours on the thread's time."""
    from pyvrp.stop import MaxRuntime  # noqa: PLC0415

    return MaxRuntime(budget.seconds) if budget.clock is Clock.WALL else _ThreadTime(budget.seconds)


class _ThreadTime:
    """PyVRP asks it after each iteration; its time begins with the first question."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._began = seconds, -1.0

    def __call__(self, best_cost: int) -> bool:  # noqa: ARG002
        if self._began < 0:
            self._began = time.thread_time()
        return time.thread_time() - self._began >= self._seconds

    def fraction_remaining(self) -> float:
        if self._began < 0:
            return 1.0
        return max(0.0, 1 - (time.thread_time() - self._began) / self._seconds)


def _route(route: Any) -> Route:
    visits = []
    for activity in route:
        if activity.is_pickup():
            visits.append(Visit(Kind.PICKUP, activity.idx))
        elif activity.is_delivery():
            visits.append(Visit(Kind.DROPOFF, activity.idx))
    return Route(tuple(visits))
