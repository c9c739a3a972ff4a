"""Random small days with every kind of limit, and a sound plan to begin from.

Travel tables are arbitrary: asymmetric, without the triangle inequality, some ways missing.
"""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import (
    ANYWHERE,
    NEVER,
    Break,
    Kind,
    Plan,
    Problem,
    Request,
    Route,
    Vehicle,
    Visit,
)
from tests.dispatch.optimizer.brute_force import NO_WAY, best_by_enumeration, outcome

PLACES = 5


def random_days() -> st.SearchStrategy[tuple[Problem, Plan, Weights]]:
    """A problem whose last request is unserved, a sound plan for the others, and weights."""
    return st.integers(0, 2**32 - 1).map(random_day)


def random_day(seed: int) -> tuple[Problem, Plan, Weights]:
    """The same day for the same seed."""
    chance = random.Random(seed)
    weights = Weights(10, chance.choice((0, 1, 3)), chance.choice((0, 2, 5)), 7)
    weights = replace(weights, vehicle=chance.choice((0, 0, 50, 2000)))
    vehicles = [_vehicle(chance) for _ in range(chance.randint(1, 3))]
    requests: list[Request] = []
    routes = [_first_visits(chance, v, one, requests) for v, one in enumerate(vehicles)]
    requests += [_request(chance, len(vehicles)) for _ in range(chance.randint(1, 6))]
    table = _travel(chance)
    stop_seconds = chance.choice((0, 0, 5, 20))
    problem = Problem(table, table * 8, tuple(vehicles), tuple(requests), stop_seconds)
    problem, routes = _soundly_started(problem, routes, weights)
    plan = Plan(tuple(routes))
    for index, request in enumerate(problem.requests[:-1]):
        if request.aboard_since is None:
            plan = _inserted(problem, plan, index, weights)
    return _locked(chance, problem, plan), plan, weights


def _travel(chance: random.Random) -> np.ndarray[tuple[int, int], np.dtype[np.int32]]:
    longest = chance.choice((3, 30, 120))
    table = [[chance.randint(0, longest) for _ in range(PLACES)] for _ in range(PLACES)]
    if chance.random() < 0.5:  # on a line, rounded: nearly keeps the triangle inequality
        at = [chance.uniform(0, longest) for _ in range(PLACES)]
        table = [[round(abs(a - b)) for b in at] for a in at]
    if chance.random() < 0.2:
        table[chance.randrange(PLACES)][chance.randrange(PLACES)] = NO_WAY
    for place in range(PLACES):
        table[place][place] = 0
    return np.array(table, np.int32)


def _request(chance: random.Random, vehicles: int) -> Request:
    opens = chance.randint(0, 300)
    due = chance.random() < 0.3
    return Request(
        origin=chance.randrange(PLACES),
        destination=chance.randrange(PLACES),
        earliest_pickup=opens,
        latest_pickup=chance.choice((NEVER, opens + chance.randint(0, 200))),
        latest_arrival=chance.choice((NEVER, opens + chance.randint(20, 400))),
        max_ride=chance.choice((NEVER, chance.randint(0, 60), chance.randint(20, 200))),
        loads=(chance.randint(0, 2), chance.randint(0, 1)),
        boarding_seconds=chance.choice((0, 10)),
        alighting_seconds=chance.choice((0, 0, 7)),
        due_pickup=opens + chance.randint(0, 100) if due else NEVER,
        due_arrival=opens + chance.randint(0, 200) if due else NEVER,
        only_vehicle=chance.choice((None, None, None, chance.randrange(vehicles))),
        direct_seconds=chance.choice((0, 30)),
        earliest_arrival=chance.choice((None, None, None, opens + chance.randint(0, 200))),
    )


def _vehicle(chance: random.Random) -> Vehicle:
    start = chance.randint(0, 100)
    breaks: tuple[Break, ...] = ()
    if chance.random() < 0.4:
        earliest = chance.randint(0, 300)
        place = chance.choice((ANYWHERE, ANYWHERE, chance.randrange(PLACES)))
        breaks = (Break(earliest, earliest + chance.choice((100, 300, NEVER // 2)), 30, place),)
    return Vehicle(
        capacity=(chance.randint(1, 4), chance.randint(0, 2)),
        start_place=chance.randrange(PLACES),
        start_time=start,
        shift_start=chance.choice((0, start + 40)),
        shift_end=chance.choice((NEVER, 500, 900)),
        end_place=chance.choice((ANYWHERE, chance.randrange(PLACES))),
        breaks=breaks,
        arrives_first=chance.choice((None, None, start + chance.randint(-60, 60))),
        max_duration=chance.choice((NEVER, NEVER, chance.randint(50, 600))),
    )


def _first_visits(
    chance: random.Random, vehicle: int, one: Vehicle, requests: list[Request]
) -> Route:
    """Passengers on board and the breaks; the passengers are added to `requests`."""
    visits = [Visit(Kind.BREAK, index) for index in range(len(one.breaks))]
    if chance.random() < 0.4:
        since = one.start_time - chance.randint(0, 60)
        aboard = replace(
            _request(chance, 1), aboard_since=since, only_vehicle=vehicle, loads=(1, 0)
        )
        visits.insert(0, Visit(Kind.DROPOFF, len(requests)))
        requests.append(aboard)
    return Route(tuple(visits))


def _soundly_started(
    problem: Problem, routes: list[Route], weights: Weights
) -> tuple[Problem, list[Route]]:
    """Vehicles whose first visits break a limit start empty, without breaks."""
    vehicles, requests = list(problem.vehicles), list(problem.requests)
    for vehicle, route in enumerate(routes):
        if outcome(problem, vehicle, route, weights) is None:
            vehicles[vehicle] = replace(vehicles[vehicle], breaks=())
            routes[vehicle] = Route()
            for visit in route.visits:
                if visit.kind is Kind.DROPOFF:
                    waits = replace(requests[visit.subject], aboard_since=None, only_vehicle=None)
                    requests[visit.subject] = waits
    return replace(problem, vehicles=tuple(vehicles), requests=tuple(requests)), routes


def _inserted(problem: Problem, plan: Plan, request: int, weights: Weights) -> Plan:
    best = best_by_enumeration(problem, plan, request, weights)
    if best is None:
        return plan
    _cost, vehicle, p, d = best
    visits = list(plan.routes[vehicle].visits)
    visits.insert(p, Visit(Kind.PICKUP, request))
    visits.insert(d, Visit(Kind.DROPOFF, request))
    routes = list(plan.routes)
    routes[vehicle] = Route(tuple(visits))
    return Plan(tuple(routes))


def _locked(chance: random.Random, problem: Problem, plan: Plan) -> Problem:
    """Some vehicles keep their first visits (those under way at least the first)."""
    vehicles = []
    for one, route in zip(problem.vehicles, plan.routes, strict=True):
        least = min(len(route.visits), 1 if one.arrives_first is not None else 0)
        locked = chance.choice((least, least, min(len(route.visits), 2)))
        vehicles.append(replace(one, locked=locked))
    return replace(problem, vehicles=tuple(vehicles))
