"""How soon the search answers to a new booking, and what it gains on a large fleet.

A fleet with rides planned by insertion alone (as in `insert.py`), then improved for a while.
Each new booking is put into the plan, and the search begins from there, columns and all.

See: docs/benchmarks.md, a live town
"""

from __future__ import annotations

import resource
import time
from dataclasses import replace

import numpy as np

from dispatch.optimizer.arrays import PlanArrays
from dispatch.optimizer.insertion import best_insertion
from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import Kind, Plan, Problem, Request, Route, Visit
from dispatch.optimizer.search import improve
from dispatch.optimizer.stopping import FirstOf, Iterations, Seconds, Told
from dispatch.optimizer.verify import verify, work_out_times
from simulations.bench.insert import busy_fleet

WEIGHTS = Weights()
SETTLED_STEPS = 5000
"""Steps of search before the first new booking, so that there is little left to gain."""

ASKED = 8
"""Bookings asked for, for each that is to be measured: many find no place."""

PATIENCE_SECONDS = 2.0
"""How long a better plan is waited for after each booking."""


def bench_react(
    vehicles: int, rides: int, seconds: float, seed: int = 1, measured: int = 50
) -> dict[str, float | int | None]:
    """Measure the first answers of the search with about `rides` rides known.

    Returns
    -------
    dict
        `reach_ms`: median time from a new booking to the plan that has it; `better_ms`: median
        time from there to the first better plan, `better_of` of the `measured` having one
        within two seconds; `vehicle_time_less_percent`: how much less the vehicles drive than
        by insertion alone, `after_seconds` of search; `memory_mb`, the largest this process has
        been. ValueError where a plan is not sound.
    """
    arrays = busy_fleet(vehicles, max(2, 2 * rides // vehicles), ASKED * measured, seed)
    problem, plan, waiting = _known(arrays)
    by_insertion = _vehicle_seconds(problem, plan)
    longer = improve(problem, plan, WEIGHTS, Seconds(seconds, time.monotonic), seed)
    _check(problem, longer)
    settled = improve(problem, plan, WEIGHTS, Iterations(SETTLED_STEPS), seed)
    reached, better = _answers(problem, settled, waiting, measured, seed)
    return {
        "vehicles": vehicles,
        "rides": len(problem.requests),
        "measured": len(reached),
        "reach_ms": _median_ms(reached),
        "better_ms": _median_ms(better),
        "better_of": len(better),
        "vehicle_time_less_percent": round(
            100 * (1 - _vehicle_seconds(problem, longer) / by_insertion), 2
        ),
        "after_seconds": seconds,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _answers(
    problem: Problem, plan: Plan, waiting: list[Request], measured: int, seed: int
) -> tuple[list[float], list[float]]:
    """Seconds to the plan with each booking that fits, and on to the first better plan if any."""
    reached: list[float] = []
    better: list[float] = []
    index = len(problem.requests)
    arrays = PlanArrays(problem, plan, WEIGHTS)
    best_insertion(arrays, arrays.add_request(waiting[0]))  # loads what is compiled
    for request in waiting[1:]:
        if len(reached) == measured:
            break
        with_it = replace(problem, requests=(*problem.requests, request))
        began = time.perf_counter()
        number = arrays.add_request(request)
        found = best_insertion(arrays, number)
        if found is None:
            continue
        routes = list(plan.routes)
        routes[found.vehicle] = Route(
            tuple(v if v.subject != number else Visit(v.kind, index) for v in found.route.visits)
        )
        reached.append(time.perf_counter() - began)
        if (first := _first_better(with_it, Plan(tuple(routes)), seed)) is not None:
            better.append(first)
    return reached, better


def _first_better(problem: Problem, plan: Plan, seed: int) -> float | None:
    """Seconds until the search tells of a plan cheaper than `plan`."""
    began, found = time.perf_counter(), list[float]()

    def note(better: Plan) -> None:
        found.append(time.perf_counter() - began)
        _check(problem, better)

    stop = FirstOf(Seconds(PATIENCE_SECONDS, time.monotonic), Told(lambda: bool(found)))
    improve(problem, plan, WEIGHTS, stop, seed, note)
    return found[0] if found else None


def _known(arrays: PlanArrays) -> tuple[Problem, Plan, list[Request]]:
    """The problem of those served alone, their plan, and the others.

    Only places that somebody wishes are in its travel table, as in the service.
    """
    plan = arrays.to_plan()
    served = sorted(plan.served())
    number = {old: new for new, old in enumerate(served)}
    routes = tuple(
        Route(tuple(Visit(Kind(v.kind), number[v.subject]) for v in route.visits))
        for route in plan.routes
    )
    fleet, everybody, used = arrays.problem.vehicles, arrays.requests, dict[int, int]()
    for place in (
        *(one.start_place for one in fleet),
        *(place for one in everybody for place in (one.origin, one.destination)),
    ):
        used.setdefault(place, len(used))
    moved = [
        replace(one, origin=used[one.origin], destination=used[one.destination])
        for one in everybody
    ]
    rows = np.ix_(list(used), list(used))
    problem = replace(
        arrays.problem,
        travel_seconds=np.ascontiguousarray(arrays.problem.travel_seconds[rows]),
        travel_metres=np.ascontiguousarray(arrays.problem.travel_metres[rows]),
        vehicles=tuple(replace(one, start_place=used[one.start_place]) for one in fleet),
        requests=tuple(moved[old] for old in served),
    )
    others = [one for old, one in enumerate(moved) if old not in number]
    return problem, Plan(routes), others


def _vehicle_seconds(problem: Problem, plan: Plan) -> int:
    """Seconds on the road of all vehicles."""
    return sum(
        work_out_times(problem, vehicle, route).driving_seconds
        for vehicle, route in enumerate(plan.routes)
    )


def _check(problem: Problem, plan: Plan) -> None:
    if broken := verify(problem, plan):
        raise ValueError(f"the search made a plan that breaks {broken[0]}")


def _median_ms(seconds: list[float]) -> float | None:
    return round(1000 * float(np.median(seconds)), 2) if seconds else None
