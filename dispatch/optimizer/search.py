"""Continuous reassignment: the plan is improved for as long as there is time.

Each step takes a few rides out (`ruin.py`), puts them back where they cost least
(`recreate.py`) and keeps the outcome if it is better, or a little worse while the search is
still warm (simulated annealing). From time to time OR-Tools recombines the routes seen so
far (`recombine.py`). Nobody who was promised a ride is left out, nothing locked moves, no
limit is broken, and the plan returned never costs more than the plan given.

The steps run as compiled code without Python's lock, in batches; between two batches the
stop rule is asked and whoever listens is told of a better plan.

See: docs/words.md, search; docs/decisions/0036-ruin-and-recreate.md
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dispatch.optimizer.arrays import PlanArrays
from dispatch.optimizer.columns import (
    BROKEN,
    Int32,
    Int64,
    Routes,
    Scratch,
    Tables,
    copy_route,
)
from dispatch.optimizer.kernels import kernel, lean_kernel
from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import Plan, Problem
from dispatch.optimizer.recombine import RoutePool, recombine
from dispatch.optimizer.recreate import OUT_OF_REACH, recreate
from dispatch.optimizer.ruin import Draft, Flags, draw, ruin
from dispatch.optimizer.stopping import StopRule

BATCH = 50
"""Steps between two questions to the stop rule."""

MORE_SLOTS = 64
"""How many visits a route may grow by in one search."""

TRIES_OF_UNSERVED = 3
"""How many requests without a ride each step tries to take in."""

CURRENT, BEST = range(2)
"""Columns of `Desk.costs`."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How the search goes about it; the defaults suit a town.

    warm_seconds, cool_seconds : how much worse a step may leave the plan (on average of those
        drawn), in seconds of driving, at the start of the search and at its end.
    most_rides : rides taken out in one step.
    recombine_every : steps between two recombinations by CP-SAT; 0 for none.
    recombine_limit : CP-SAT's deterministic time for each.
    """

    warm_seconds: float = 60.0
    cool_seconds: float = 1.0
    most_rides: int = 20
    recombine_every: int = 0
    recombine_limit: float = 0.5


class Seen(NamedTuple):
    """Routes met in one batch, for the pool. M routes of at most L visits."""

    vehicle: Int32
    """(M,)"""
    visits: Int32
    """(M,) how many visits each has."""
    node: Int32
    """(M, L)"""
    cost: Int64
    """(M,)"""
    size: Int64
    """(1,) how many there are; those beyond M are not noted."""


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
    seen: Seen


def improve(
    problem: Problem,
    plan: Plan,
    weights: Weights,
    stop: StopRule,
    seed: int,
    on_better: Callable[[Plan], None] | None = None,
    effort: Effort | None = None,
) -> Plan:
    """A plan that costs no more than `plan` and breaks no limit.

    Parameters
    ----------
    plan
        A sound plan of `problem`; its locked visits and required requests stay.
    stop
        When to end. With `Iterations` the same seed gives the same plan on every machine.
    on_better
        Called with each cheaper plan, between two batches of steps.

    Raises ValueError when a route of `plan` breaks a limit.
    """
    search = _Search(problem, plan, weights, seed, effort or Effort())
    best = plan
    for found in search.run(stop):
        best = found
        if on_better is not None:
            on_better(found)
    return best


class _Search:
    """One search: its columns, its pool of routes, and how far it has come."""

    def __init__(
        self, problem: Problem, plan: Plan, weights: Weights, seed: int, effort: Effort
    ) -> None:
        self.problem, self.weights, self.effort = problem, weights, effort
        self.pool = RoutePool(problem, weights) if effort.recombine_every else None
        self.seed = seed
        self.plan = plan
        self._set_out(plan)

    def run(self, stop: StopRule) -> Iterator[Plan]:
        """Search until `stop` says so; yields each plan cheaper than all before."""
        steps = 0
        while self._may_improve() and (progress := stop.progress(steps)) < 1:
            batch = min(BATCH, stop.steps_left(steps))
            if batch <= 0:
                return
            cost = self.desk.costs[BEST]
            take_steps(
                self.desk,
                batch,
                self._heat(progress),
                self.most_rides,
                self.weights.unserved,
            )
            due = self._recombination_is_due(steps, steps + batch)
            steps += batch
            if self.desk.costs[BEST] < cost:
                self.plan = self.arrays.to_plan()
                yield self.plan
            if self.pool is not None:
                self._remember(self.pool)
                if due and (better := self._recombined(self.pool)) is not None:
                    yield better

    def _set_out(self, plan: Plan) -> None:
        """Lay the columns out for a search from `plan`."""
        problem = self.problem
        longest = max((len(route.visits) for route in plan.routes), default=0)
        everybody = 2 * len(problem.requests) + max(
            (len(vehicle.breaks) for vehicle in problem.vehicles), default=0
        )
        slots = max(longest, min(everybody, longest + MORE_SLOTS))
        self.arrays = PlanArrays(problem, plan, self.weights, slots)
        cost = self.arrays.cost()
        self.desk = _desk(self.arrays, plan, self.seed, cost, keep_seen=self.pool is not None)
        movable = int(self.desk.draft.movable.sum())
        self.most_rides = max(1, min(self.effort.most_rides, max(2, movable // 2)))

    def _may_improve(self) -> bool:
        draft = self.desk.draft
        return bool(draft.movable.any() or (draft.vehicle_of < 0).any())

    def _heat(self, progress: float) -> float:
        warm, cool = self.effort.warm_seconds, self.effort.cool_seconds
        seconds = warm * (cool / warm) ** min(1.0, progress) if warm > 0 else 0.0
        return seconds * max(1, self.weights.driving)

    def _recombination_is_due(self, before: int, after: int) -> bool:
        every = self.effort.recombine_every
        return every > 0 and before // every < after // every

    def _remember(self, pool: RoutePool) -> None:
        seen = self.desk.seen
        for i in range(int(seen.size[0])):
            route = self.arrays.route_of(seen.node[i, : seen.visits[i]].tolist())
            pool.add(int(seen.vehicle[i]), route, int(seen.cost[i]))
        seen.size[0] = 0

    def _recombined(self, pool: RoutePool) -> Plan | None:
        """The best plan out of the pool's routes, if it is cheaper than any seen so far."""
        for vehicle, route in enumerate(self.plan.routes):
            pool.add(vehicle, route, int(self.desk.best.cost[vehicle]))
        better = recombine(pool, self.plan, self.effort.recombine_limit)
        if better is self.plan:
            return None
        random = int(self.desk.draft.random[0])
        self.plan = better
        self._set_out(better)
        self.desk.draft.random[0] = random
        return better


def _desk(arrays: PlanArrays, plan: Plan, seed: int, cost: int, *, keep_seen: bool) -> Desk:
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
        rank=np.zeros(requests, np.int64),
        random=np.array([(2 * seed + 1) * 0x9E3779B97F4A7C15 % 2**64], np.uint64),
    )
    noted = 8 * BATCH if keep_seen else 0
    slots = arrays.routes.node.shape[1]
    seen = Seen(
        np.zeros(noted, np.int32),
        np.zeros(noted, np.int32),
        np.zeros((noted, slots), np.int32),
        np.zeros(noted, np.int64),
        np.zeros(1, np.int64),
    )
    return Desk(
        arrays.tables,
        _copy_of(arrays.routes),
        _copy_of(arrays.routes),
        arrays.routes,
        arrays.scratch,
        draft,
        vehicle_of.copy(),
        np.zeros(vehicles, np.bool_),
        np.array([cost, cost], np.int64),
        seen,
    )


def _copy_of(routes: Routes) -> Routes:
    return Routes._make(column.copy() for column in routes)


@kernel
def take_steps(desk: Desk, steps: int, heat: float, most_rides: int, unserved: int) -> None:
    """The main loop: `steps` times ruin, recreate, and keep it or not."""
    draft = desk.draft
    for _ in range(steps):
        draft.size[0] = 0
        draft.touched[:] = False
        _try_unserved(draft)
        waiting = draft.size[0]
        ruin(desk.tables, desk.trial, desk.scratch, draft, most_rides)
        if _a_route_is_broken(desk.trial.cost, draft.touched):
            _undo(desk.kept, desk.trial, draft, desk.kept_vehicle_of)
            continue
        saved = _saved(desk.kept.cost, desk.trial.cost, draft.touched) + waiting * unserved
        chance = (1.0 + draw(draft.random, 2**30)) / 2**30
        allowed = saved + np.int64(-heat * np.log(chance))
        dearer = recreate(desk.tables, desk.trial, desk.scratch, draft, (allowed, unserved))
        if len(desk.seen.vehicle) > 0:
            _note(desk.trial, draft.touched, desk.seen)
        if dearer == OUT_OF_REACH or dearer > allowed:
            _undo(desk.kept, desk.trial, draft, desk.kept_vehicle_of)
        else:
            _keep(desk, dearer - saved)


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


@lean_kernel
def _note(routes: Routes, touched: Flags, seen: Seen) -> None:
    """Remember the routes of this step: each is sound, even where the step is given up."""
    for vehicle in range(len(touched)):
        at = seen.size[0]
        if touched[vehicle] and at < len(seen.vehicle):
            count = routes.count[vehicle]
            seen.vehicle[at] = vehicle
            seen.visits[at] = count
            for i in range(count):
                seen.node[at, i] = routes.node[vehicle, i]
            seen.cost[at] = routes.cost[vehicle]
            seen.size[0] = at + 1
