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
from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import Plan, Problem
from dispatch.optimizer.recombine import RoutePool, recombine
from dispatch.optimizer.recreate import OUT_OF_REACH, recreate
from dispatch.optimizer.ruin import MOST_NEAR, Draft, Flags, Habits, draw, ruin
from dispatch.optimizer.slack import work_out_route
from dispatch.optimizer.stopping import StopRule

BATCH = 50
"""Steps between two questions to the stop rule."""

SAMPLED_WAYS = 20_000
"""Ways tried to learn how far the travel table keeps the triangle inequality."""

MORE_SLOTS = 128
"""How many visits a route may grow by in one search."""

TRIES_OF_UNSERVED = 8
"""How many requests without a ride each step tries to take in."""

CURRENT, BEST = range(2)
"""Columns of `Desk.costs`."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How the search goes about it; the defaults suit a town.

    warm, cool : how much worse a step may leave the plan (on average of those drawn), as a
        share of driving the mean direct ride, at the start of the search and at its end.
    most_rides : rides taken out in one step.
    longest_string : neighbouring rides taken out of one route.
    any_of_100, related_of_100, worst_of_100 : how often, in a hundred steps, rides are taken
        out at random, because they are alike, or because they cost most; else strings are.
    blinks_of_1000 : how often, in a thousand, a vehicle is overlooked for a ride.
    regret_of_100 : how often, in a hundred, rides are put back by regret.
    fleet_share : how much of the search may go into doing with fewer vehicles, where each
        vehicle that is used has a price.
    recombinations : how often CP-SAT recombines the routes seen so far, in the second half of
        the search; 0 for never.
    recombine_limit : CP-SAT's deterministic time for each.
    """

    warm: float = 0.3
    cool: float = 0.03
    most_rides: int = 15
    longest_string: int = 5
    any_of_100: int = 10
    related_of_100: int = 0
    worst_of_100: int = 0
    blinks_of_1000: int = 5
    regret_of_100: int = 0
    fleet_share: float = 0.4
    recombinations: int = 0
    recombine_limit: float = 0.5


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
        self.pool = RoutePool(problem, weights) if effort.recombinations else None
        self.seed = seed
        self.plan = plan
        self.recombined = 0
        self.last_seen: list[bytes] = [b""] * len(plan.routes)
        self._set_out(plan)

    def run(self, stop: StopRule) -> Iterator[Plan]:
        """Search until `stop` says so; yields each plan cheaper than all before."""
        steps = 0
        while self._may_improve() and (progress := stop.progress(steps)) < 1:
            batch = min(BATCH, stop.steps_left(steps))
            if batch <= 0:
                return
            cost = self.desk.costs[BEST]
            self.fleet.look(progress)
            take_steps(self.desk, batch, self._heat(progress), self.habits, self.fleet.price_rise)
            steps += batch
            self.fleet.settle()
            if self.desk.costs[BEST] < cost:
                self.plan = self.arrays.to_plan()
                yield self.plan
            if self.pool is not None and not self.fleet.trying:
                self._remember(self.pool)
                due = self._recombinations_due(progress)
                if due > self.recombined and (better := self._recombined(self.pool)) is not None:
                    yield better
                self.recombined = max(due, self.recombined)

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
        self.desk = _desk(self.arrays, plan, self.seed, cost)
        self.fleet = FewerVehicles(self.desk, self.weights, self.effort.fleet_share)
        movable = int(self.desk.draft.movable.sum())
        effort = self.effort
        self.habits = Habits(
            max(1, min(effort.most_rides, max(2, movable // 2))),
            effort.longest_string,
            effort.any_of_100,
            effort.related_of_100,
            effort.worst_of_100,
            effort.blinks_of_1000,
            effort.regret_of_100,
        )
        direct = self.arrays.tables.direct
        self.mean_ride = float(direct.mean()) if len(direct) else 0.0

    def _may_improve(self) -> bool:
        draft = self.desk.draft
        return bool(draft.movable.any() or (draft.vehicle_of < 0).any())

    def _heat(self, progress: float) -> float:
        warm, cool = self.effort.warm, self.effort.cool
        share = warm * (cool / warm) ** min(1.0, progress) if warm > 0 else 0.0
        return share * self.mean_ride * max(1, self.weights.driving)

    def _recombinations_due(self, progress: float) -> int:
        """How many recombinations should have been: evenly, from half-way to the end."""
        return int(2 * (progress - 0.5) * (self.effort.recombinations + 1))

    def _remember(self, pool: RoutePool) -> None:
        """Note the routes of the plan as kept that are not those noted last."""
        kept = self.desk.kept
        for vehicle, count in enumerate(kept.count.tolist()):
            nodes = kept.node[vehicle, :count]
            if (now := nodes.tobytes()) != self.last_seen[vehicle]:
                self.last_seen[vehicle] = now
                route = self.arrays.route_of(nodes.tolist())
                pool.add(vehicle, route, int(kept.cost[vehicle]))

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


def _desk(arrays: PlanArrays, plan: Plan, seed: int, cost: int) -> Desk:
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


class FewerVehicles:
    """Does without one vehicle after the other, for a share of the search.

    A route is dissolved, its vehicle closed, and whoever has no place is priced out of the
    plan: each time that a request is left out its price rises, so that the search finds
    room for those that are hard to place (after the absence counts of Christiaens and
    Vanden Berghe 2020, doi:10.1287/trsc.2019.0914). The plan so far stands until a cheaper
    one serves the same requests.
    """

    def __init__(self, desk: Desk, weights: Weights, share: float) -> None:
        self.desk, self.weights = desk, weights
        self.share = share if weights.vehicle > 0 else 0.0
        self.trying = False

    @property
    def price_rise(self) -> int:
        """By how much the price of a request rises when it is left out."""
        return self.weights.unserved if self.trying else 0

    def look(self, progress: float) -> None:
        """Begin with another vehicle, or give up when the time for it is over."""
        if self.trying and progress >= self.share:
            self._restore()
            self.share = 0.0
        elif not self.trying and progress < self.share and self.desk.draft.vehicle_of.min() >= 0:
            chosen = self._vehicle_to_close()
            if chosen is None:
                self.share = 0.0
            else:
                self._close(chosen)

    def settle(self) -> None:
        """Take the plan over as soon as everybody has a place in it."""
        desk = self.desk
        if not self.trying or desk.kept_vehicle_of.min() < 0:
            return
        cost = int(desk.kept.cost.sum())
        if cost < desk.costs[BEST]:
            self._open(cost)
            _copy_into(desk.kept, desk.best)
            desk.costs[BEST] = cost

    def _vehicle_to_close(self) -> int | None:
        """The vehicle with the fewest visits, all of which may go elsewhere."""
        desk = self.desk
        tables, movable = desk.tables, desk.draft.movable
        sizes = []
        for vehicle, count in enumerate(desk.best.count.tolist()):
            nodes = desk.best.node[vehicle, :count]
            requests = (nodes[nodes >= tables.breaks] - tables.breaks) // 2
            if count and 2 * len(set(requests.tolist())) == count and movable[requests].all():
                sizes.append((count, vehicle))
        return min(sizes)[1] if len(sizes) > 1 else None

    def _close(self, vehicle: int) -> None:
        desk, draft = self.desk, self.desk.draft
        _copy_into(desk.best, desk.kept)
        desk.kept.count[vehicle] = 0
        work_out_route(desk.tables, desk.kept, vehicle, desk.scratch)
        self._start_again()
        draft.price[:] = self.weights.unserved
        draft.closed[vehicle] = True
        desk.costs[CURRENT] = 2**60
        self.trying = True

    def _restore(self) -> None:
        """Back to the best plan."""
        _copy_into(self.desk.best, self.desk.kept)
        self._open(int(self.desk.costs[BEST]))
        self._start_again()

    def _open(self, cost: int) -> None:
        draft = self.desk.draft
        draft.price[:] = self.weights.unserved
        draft.closed[:] = False
        self.desk.costs[CURRENT] = cost
        self.desk.dirty[:] = True
        self.trying = False

    def _start_again(self) -> None:
        """Make everything that belongs to a step fit the plan as kept."""
        desk = self.desk
        _copy_into(desk.kept, desk.trial)
        whose = np.full(len(desk.kept_vehicle_of), -1, np.int64)
        for vehicle, count in enumerate(desk.kept.count.tolist()):
            nodes = desk.kept.node[vehicle, :count]
            whose[(nodes[nodes >= desk.tables.breaks] - desk.tables.breaks) // 2] = vehicle
        desk.kept_vehicle_of[:] = whose
        desk.draft.vehicle_of[:] = whose


def _copy_into(source: Routes, target: Routes) -> None:
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
