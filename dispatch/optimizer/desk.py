"""The search's desk: the plan being tried, the plan as kept, the best one, and a step.

A step takes a few rides out of the trial, puts them back, and keeps the outcome if it is
cheap enough; else the trial becomes the plan as kept again. Everything stands in columns,
and only routes that a step has touched are copied.

See: docs/decisions/0036-ruin-and-recreate.md
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatch.optimizer.arrays import PlanArrays
from dispatch.optimizer.columns import (
    BROKEN,
    UNREACHABLE,
    Int32,
    Int64,
    Routes,
    Scratch,
    Tables,
    copy_route,
)
from dispatch.optimizer.kernels import kernel, lean_kernel
from dispatch.optimizer.plan import Plan
from dispatch.optimizer.recreate import OUT_OF_REACH, recreate
from dispatch.optimizer.ruin import MOST_NEAR, Draft, Flags, Habits, draw, ruin

SAMPLED_WAYS = 20_000
"""Ways tried to learn how far the travel table keeps the triangle inequality."""

TRIES_OF_UNSERVED = 8
"""How many requests without a ride each step tries to take in."""

CURRENT, BEST = range(2)
"""Columns of `Desk.costs`."""


class Desk(NamedTuple):
    """Everything that one search works with, in columns."""

    tables: Tables
    trial: Routes
    """What the present step makes of the plan."""
    kept: Routes
    """The plan as accepted last."""
    best: Routes
    """The cheapest plan so far."""
    scratch: Scratch
    draft: Draft
    kept_vehicle_of: Int64
    """(R,) as `draft.vehicle_of`, for `kept`."""
    dirty: Flags
    """(V,) routes in which `kept` differs from `best`."""
    costs: Int64
    """(2,) of `kept` and of `best`, unserved requests included."""


def lay_out(arrays: PlanArrays, plan: Plan, seed: int, cost: int) -> Desk:
    vehicles, requests = len(arrays.routes.count), len(arrays.requests)
    vehicle_of = np.full(requests, -1, np.int64)
    movable = np.array([request.aboard_since is None for request in arrays.requests], np.bool_)
    for index, route in enumerate(plan.routes):
        locked = arrays.problem.vehicles[index].locked
        for position, visit in enumerate(route.visits):
            if arrays.node_of(index, visit) >= arrays.tables.breaks:
                vehicle_of[visit.subject] = index
                movable[visit.subject] &= position >= locked
    required = np.zeros(requests, np.bool_)
    required[list(arrays.problem.required)] = True
    draft = Draft(
        vehicle_of,
        movable,
        required & (vehicle_of >= 0),
        bag=np.zeros(requests, np.int64),
        size=np.zeros(1, np.int64),
        touched=np.zeros(vehicles, np.bool_),
        closed=np.zeros(vehicles, np.bool_),
        price=np.full(requests, arrays.weights.unserved, np.int64),
        like_the_last=_like_the_last(arrays),
        rank=np.zeros(requests, np.int64),
        near=np.zeros((requests, min(requests, MOST_NEAR)), np.int32),
        near_known=np.zeros(requests, np.bool_),
        random=np.array([(2 * seed + 1) * 0x9E3779B97F4A7C15 % 2**64], np.uint64),
    )
    tables = arrays.tables._replace(
        shortcut=largest_shortcut(arrays.tables, draft.random.copy()),
        travel_to=np.ascontiguousarray(arrays.tables.travel.T),
        alone=_alone(arrays),
    )
    return Desk(
        tables,
        _copy_of(arrays.routes),
        _copy_of(arrays.routes),
        arrays.routes,
        arrays.scratch,
        draft,
        vehicle_of.copy(),
        np.zeros(vehicles, np.bool_),
        np.array([cost, cost], np.int64),
    )


def _alone(arrays: PlanArrays) -> Int32:
    """For each request 1 where nobody else calls at either of its places, else 0."""
    tables = arrays.tables
    place = tables.place[tables.place >= 0]
    calls = np.bincount(place, minlength=len(tables.travel))
    pairs = calls[tables.place[tables.breaks :]].reshape(-1, 2)
    alone: Int32 = (pairs == 1).all(axis=1).astype(np.int32)
    return alone


def _like_the_last(arrays: PlanArrays) -> Flags:
    """Which vehicles are the same as the one before, and bound to nobody."""
    fleet = arrays.problem.vehicles
    bound = {request.only_vehicle for request in arrays.requests}
    same = [one == before for before, one in pairwise(fleet)]
    free = [vehicle not in bound for vehicle in range(len(fleet))]
    return np.array([a and b for a, b in zip([False, *same], free, strict=True)], np.bool_)


def _copy_of(routes: Routes) -> Routes:
    return Routes._make(column.copy() for column in routes)


def start_from(desk: Desk, routes: Routes) -> None:
    """Make `routes` (perhaps the desk's own best) the plan as kept and the trial."""
    if routes is not desk.kept:
        copy_into(routes, desk.kept)
    copy_into(desk.kept, desk.trial)
    breaks = desk.tables.breaks
    whose = np.full(len(desk.kept_vehicle_of), -1, np.int64)
    for vehicle, count in enumerate(desk.kept.count.tolist()):
        nodes = desk.kept.node[vehicle, :count]
        whose[(nodes[nodes >= breaks] - breaks) // 2] = vehicle
    desk.kept_vehicle_of[:] = whose
    desk.draft.vehicle_of[:] = whose


def copy_into(source: Routes, target: Routes) -> None:
    """Make all routes of `target` equal to those of `source` (same shapes)."""
    for name in Routes._fields:
        getattr(target, name)[...] = getattr(source, name)


@kernel
def take_steps(desk: Desk, steps: int, heat: float, habits: Habits, price_rise: int) -> None:
    """The main loop: `steps` times ruin, recreate, and keep it or not.

    `price_rise`: by how much the price of a request rises when it is left out.
    """
    draft = desk.draft
    for _ in range(steps):
        draft.size[0] = 0
        draft.touched[:] = False
        _try_unserved(draft)
        waiting = 0
        for i in range(draft.size[0]):
            waiting += int(draft.price[draft.bag[i]])
        ruin(desk.tables, desk.trial, desk.scratch, draft, habits)
        if _a_route_is_broken(desk.trial.cost, draft.touched):
            _undo(desk.kept, desk.trial, draft, desk.kept_vehicle_of)
            continue
        saved = _saved(desk.kept.cost, desk.trial.cost, draft.touched) + waiting
        chance = (1.0 + draw(draft.random, 2**30)) / 2**30
        allowed = saved + int(-heat * np.log(chance))
        dearer = recreate(
            desk.tables, desk.trial, desk.scratch, draft, habits, (allowed, price_rise)
        )
        if dearer == OUT_OF_REACH or dearer > allowed:
            _undo(desk.kept, desk.trial, draft, desk.kept_vehicle_of)
        else:
            _keep(desk, dearer - saved)


@kernel
def largest_shortcut(tables: Tables, random: NDArray[np.uint64]) -> int:
    """About the most seconds that a way through a third place saves, by a sample of ways."""
    most = np.int64(0)
    nodes = len(tables.place)
    for _ in range(SAMPLED_WAYS if nodes > 0 else 0):
        a = tables.place[draw(random, nodes)]
        b = tables.place[draw(random, nodes)]
        c = tables.place[draw(random, nodes)]
        if a >= 0 and b >= 0 and c >= 0 and tables.travel[a, c] < UNREACHABLE:
            way = np.int64(tables.travel[a, b]) + tables.travel[b, c]
            most = max(most, tables.travel[a, c] - way)
    return int(most)


@lean_kernel
def _a_route_is_broken(cost: Int64, touched: Flags) -> bool:
    """Some route cannot do without the rides taken out: its detour was quicker than the way."""
    for vehicle in range(len(touched)):  # noqa: SIM110  (numba compiles no generator)
        if touched[vehicle] and cost[vehicle] == BROKEN:
            return True
    return False


@lean_kernel
def _saved(kept_cost: Int64, trial_cost: Int64, touched: Flags) -> int:
    """How much cheaper the routes are without the rides taken out."""
    saved = 0
    for vehicle in range(len(touched)):
        if touched[vehicle]:
            saved += int(kept_cost[vehicle] - trial_cost[vehicle])
    return saved


@lean_kernel
def _try_unserved(draft: Draft) -> None:
    """Put a few requests that have no ride into the bag, each as likely as the others."""
    total = 0
    for request in range(len(draft.vehicle_of)):
        if draft.vehicle_of[request] < 0:
            total += 1
            if draft.size[0] < TRIES_OF_UNSERVED:
                draft.bag[draft.size[0]] = request
                draft.size[0] += 1
            else:
                at = draw(draft.random, total)
                if at < TRIES_OF_UNSERVED:
                    draft.bag[at] = request


@lean_kernel
def _undo(kept: Routes, trial: Routes, draft: Draft, kept_vehicle_of: Int64) -> None:
    """Back to the plan as kept."""
    for vehicle in range(len(draft.touched)):
        if draft.touched[vehicle]:
            copy_route(kept, trial, vehicle)
    for i in range(draft.size[0]):
        draft.vehicle_of[draft.bag[i]] = kept_vehicle_of[draft.bag[i]]


@lean_kernel
def _keep(desk: Desk, change: int) -> None:
    """Make the trial the plan as kept, and the best if it is."""
    draft = desk.draft
    for vehicle in range(len(draft.touched)):
        if draft.touched[vehicle]:
            copy_route(desk.trial, desk.kept, vehicle)
            desk.dirty[vehicle] = True
    for i in range(draft.size[0]):
        desk.kept_vehicle_of[draft.bag[i]] = draft.vehicle_of[draft.bag[i]]
    desk.costs[CURRENT] += change
    if desk.costs[CURRENT] < desk.costs[BEST]:
        desk.costs[BEST] = desk.costs[CURRENT]
        for vehicle in range(len(desk.dirty)):
            if desk.dirty[vehicle]:
                copy_route(desk.kept, desk.best, vehicle)
                desk.dirty[vehicle] = False
