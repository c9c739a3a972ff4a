"""VROOM as a peer: shipments, windows, loads, a flat cost a vehicle; no longest ride.

It is asked for its highest exploration level. It has no seed and often ends before its time.

See: docs/words.md, peer; docs/decisions/0137-peers-in-one-run.md
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np

from dispatch.optimizer.plan import Kind, Plan, Route, Visit
from simulations.bench.published import PublishedInstance
from simulations.bench.solvers.base import (
    Budget,
    Solver,
    padded,
    refuse_process_clock,
    refuse_ride_limit,
)

EXPLORATION = 5
LARGEST_COST = 2**31
"""VROOM keeps costs in 32 bits."""

KINDS = {"pickup": Kind.PICKUP, "delivery": Kind.DROPOFF}


class Vroom(Solver):
    """VROOM by its Python wheel (pyvroom)."""

    package, module = "pyvroom", "vroom"

    def check(self, instance: PublishedInstance, budget: Budget) -> None:
        refuse_ride_limit(instance, "VROOM")
        refuse_process_clock(budget, "VROOM")

    def solve(self, instance: PublishedInstance, budget: Budget) -> Plan:
        limit = timedelta(seconds=budget.seconds)
        found = _input(instance).solve(EXPLORATION, budget.threads, limit)
        return padded(_routes(found.routes), len(instance.problem.vehicles))


def _input(instance: PublishedInstance) -> Any:
    import vroom  # noqa: PLC0415  (an optional peer)

    problem, model = instance.problem, vroom.Input()
    model.set_durations_matrix("car", problem.travel_seconds.astype(np.uint32))
    price = min(instance.weights.vehicle, LARGEST_COST)
    for number, vehicle in enumerate(problem.vehicles):
        model.add_vehicle(
            vroom.Vehicle(
                number,
                start=vehicle.start_place,
                end=vehicle.end_place,
                capacity=list(vehicle.capacity),
                time_window=vroom.TimeWindow(vehicle.start_time, vehicle.shift_end),
                costs=vroom.VehicleCosts(fixed=price),
            )
        )
    for number, request in enumerate(problem.requests):
        up = vroom.TimeWindow(request.earliest_pickup, request.latest_pickup)
        down = vroom.TimeWindow(request.earliest_arrival or 0, request.latest_arrival)
        pickup = vroom.ShipmentStep(number, request.origin, 0, request.boarding_seconds, [up])
        delivery = vroom.ShipmentStep(
            number, request.destination, 0, request.alighting_seconds, [down]
        )
        model.add_shipment(pickup, delivery, vroom.Amount(list(request.loads)))
    return model


def _routes(table: Any) -> list[Route]:
    """The routes out of VROOM's table of steps (a data frame, in the order driven)."""
    visits: dict[int, list[Visit]] = {}
    steps = zip(table["vehicle_id"], table["type"], table["id"], strict=True)
    for vehicle, kind, number in steps:
        if kind in KINDS:
            visits.setdefault(int(vehicle), []).append(Visit(KINDS[kind], int(number)))
    return [Route(tuple(route)) for route in visits.values()]
