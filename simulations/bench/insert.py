"""How long one offer takes: insertion into a whole fleet, measured.

A square region with vehicles that each have about the same number of stops planned, and
new requests a few minutes to an hour ahead. Each measured insertion is the exact search over
all vehicles and all pairs of positions.

See: docs/benchmarks.md
"""

from __future__ import annotations

import random
import time
from collections import deque

import numpy as np
from numpy.typing import NDArray

from dispatch.optimizer.arrays import PlanArrays
from dispatch.optimizer.columns import put_in
from dispatch.optimizer.insertion import (
    DROPOFF_AT,
    PICKUP_AT,
    VEHICLE,
    best_insertion,
    cheapest_in_route,
    clear,
)
from dispatch.optimizer.plan import Plan, Problem, Request, Route, Vehicle
from dispatch.optimizer.slack import refresh_route

PLACES = 2000
SIDE_METRES = 15_000
METRES_A_SECOND = 9
DAY_SECONDS = 3 * 3600
WINDOW_SECONDS = 900
STOP_SECONDS = 40
SEATS = 6
TRIES = 40
"""Requests that are tried for each vehicle until it has its stops."""


def bench_insert(
    vehicles: int, stops: int, seed: int = 1, measured: int = 1000
) -> dict[str, float | int]:
    """Measure single insertions into `vehicles` routes of about `stops` visits each.

    Returns
    -------
    dict
        `median_ms`, `p99_ms` and `max_ms` by the clock, and `median_cpu_ms`, `p99_cpu_ms`
        by this thread's own time (the same unless others held the core), of
        `best_insertion` over `measured` requests that are asked for one after the other
        and not inserted; `fitted`, how many found a place; `stops_a_vehicle`, the mean
        number of visits in fact planned.
    """
    arrays = busy_fleet(vehicles, stops, measured, seed)
    waiting = range(len(arrays.requests) - measured, len(arrays.requests))
    for request in waiting[:20]:
        best_insertion(arrays, request)
    spans, fitted = np.zeros((2, measured)), 0
    for row, request in enumerate(waiting):
        begin, begin_cpu = time.perf_counter(), time.thread_time()
        found = best_insertion(arrays, request)
        spans[:, row] = time.perf_counter() - begin, time.thread_time() - begin_cpu
        fitted += found is not None
    median, p99 = 1000 * np.percentile(spans, (50, 99), axis=1)
    return {
        "vehicles": vehicles,
        "stops_a_vehicle": round(float(arrays.routes.count.mean()), 2),
        "measured": measured,
        "fitted": fitted,
        "median_ms": round(float(median[0]), 4),
        "p99_ms": round(float(p99[0]), 4),
        "max_ms": round(1000 * float(spans[0].max()), 4),
        "median_cpu_ms": round(float(median[1]), 4),
        "p99_cpu_ms": round(float(p99[1]), 4),
    }


def busy_fleet(vehicles: int, stops: int, unserved: int, seed: int) -> PlanArrays:
    """A fleet whose vehicles have rides planned until each has at least `stops` visits.

    The last `unserved` requests are in no route. A vehicle's rides come one by one, each to
    the cheapest place in its own route, from requests spread over the whole region.
    """
    chance = random.Random(seed)
    at = np.array([[chance.random(), chance.random()] for _ in range(PLACES)]) * SIDE_METRES
    seconds, metres = _travel(at)
    fleet = tuple(
        Vehicle((SEATS, 1), chance.randrange(PLACES), 0, 0, DAY_SECONDS + 7200)
        for _ in range(vehicles)
    )
    planned = vehicles * ((stops + 1) // 2) + TRIES
    requests = tuple(_request(chance, seconds) for _ in range(planned + unserved))
    problem = Problem(seconds, metres, fleet, requests, STOP_SECONDS)
    arrays = PlanArrays(problem, Plan((Route(),) * vehicles), slots=stops + 4)
    waiting = deque(range(planned))
    for vehicle in range(vehicles):
        for _try in range(min(TRIES, len(waiting))):
            request = waiting.popleft()
            if arrays.routes.count[vehicle] >= stops or not _give(arrays, vehicle, request):
                waiting.append(request)
    return arrays


def _travel(at: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Times and distances as the crow flies, roads being a third longer."""
    metres = 1.33 * np.hypot(*(at[:, None, :] - at[None, :, :]).transpose(2, 0, 1))
    return np.rint(metres / METRES_A_SECOND).astype(np.int32), metres.astype(np.int32)


def _request(chance: random.Random, seconds: NDArray[np.int32]) -> Request:
    """A ride of one to three people, asked for within the next hours."""
    origin, destination = chance.sample(range(PLACES), 2)
    opens = chance.randrange(DAY_SECONDS)
    direct = int(seconds[origin, destination])
    longest = max(direct + 600, direct * 3 // 2)
    return Request(
        origin=origin,
        destination=destination,
        earliest_pickup=opens,
        latest_pickup=opens + WINDOW_SECONDS,
        latest_arrival=opens + WINDOW_SECONDS + longest,
        max_ride=longest,
        loads=(chance.choice((1, 1, 1, 2, 3)), int(chance.random() < 0.05)),
        boarding_seconds=chance.choice((0, 0, 0, 60)),
        direct_seconds=direct,
    )


def _give(arrays: PlanArrays, vehicle: int, request: int) -> bool:
    """Insert `request` into this vehicle's route if it fits there."""
    tables, routes, scratch = arrays.tables, arrays.routes, arrays.scratch
    clear(scratch)
    cheapest_in_route(tables, routes, vehicle, request, scratch)
    if scratch.found[VEHICLE] < 0:
        return False
    pickup, dropoff = int(scratch.found[PICKUP_AT]), int(scratch.found[DROPOFF_AT])
    put_in(tables, routes, vehicle, request, pickup, dropoff + 1)
    refresh_route(tables, routes, vehicle, scratch)
    return True
