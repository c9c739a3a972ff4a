"""Compile every kernel before the first caller has to wait for it.

Part of `make setup`; a server does the same before it says that it is ready.

See: docs/decisions/0030-compiled-kernels.md
"""

from __future__ import annotations

import numpy as np

from dispatch.optimizer.arrays import PlanArrays
from dispatch.optimizer.columns import copy_route
from dispatch.optimizer.insertion import best_insertion, cheapest_in_route, clear, probe
from dispatch.optimizer.kernels import forget_old_kernels
from dispatch.optimizer.plan import Break, Kind, Plan, Problem, Request, Route, Vehicle, Visit
from dispatch.optimizer.schedule import timetable
from dispatch.optimizer.search import improve
from dispatch.optimizer.stopping import Iterations


def warm() -> None:
    """Call each kernel once on a tiny problem (half a minute or more the first time)."""
    forget_old_kernels()
    problem, plan = _tiny_day()
    timetable(problem, 0, plan.routes[0])
    arrays = PlanArrays(problem, plan)
    best_insertion(arrays, 1)
    probe(arrays, 1, [(0, 600, 3600)])
    clear(arrays.scratch)
    cheapest_in_route(arrays.tables, arrays.routes, 0, 1, arrays.scratch)
    copy_route(arrays.routes, PlanArrays(problem, plan).routes, 0)
    arrays.insert(1, 0, 0, 1)
    arrays.remove(1)
    improve(problem, plan, arrays.weights, Iterations(5), seed=1)


def _tiny_day() -> tuple[Problem, Plan]:
    seconds = np.array([[0, 60], [60, 0]], np.int32)
    vehicle = Vehicle((4, 1), 0, 0, 0, 7200, breaks=(Break(0, 7200, 60),))
    requests = (Request(0, 1, 0, 600), Request(1, 0, 0, 600))
    visits = (Visit(Kind.PICKUP, 0), Visit(Kind.DROPOFF, 0), Visit(Kind.BREAK, 0))
    problem = Problem(seconds, seconds * 8, (vehicle,), requests, 30)
    return problem, Plan((Route(visits),))
