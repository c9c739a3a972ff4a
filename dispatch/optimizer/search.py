"""Continuous reassignment: the plan is improved for as long as there is time.

Each step takes a few rides out (`ruin.py`), puts them back where they cost least
(`recreate.py`) and keeps the outcome if it is better, or a little worse while the search is
still warm (simulated annealing). Where vehicles have a price, routes are dissolved first
(`fleet.py`); in the second half OR-Tools may recombine the routes seen so far
(`recombine.py`). Nobody who was promised a ride is left out, nothing locked moves, no limit
is broken, and the plan returned never costs more than the plan given.

The steps run as compiled code without Python's lock, in batches, on as many threads as
wished; between two batches the stop rule is asked and whoever listens is told of a better
plan.

See: docs/words.md, search; docs/decisions/0036-ruin-and-recreate.md
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from dispatch.optimizer.arrays import PlanArrays
from dispatch.optimizer.desk import BEST, copy_into, lay_out, start_from, take_steps
from dispatch.optimizer.fleet import FewerVehicles
from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import Plan, Problem
from dispatch.optimizer.recombine import RoutePool, recombine
from dispatch.optimizer.ruin import Habits
from dispatch.optimizer.stopping import StopRule

BATCH = 50
"""Steps between two questions to the stop rule."""

BATCH_TOGETHER = 500
"""The same for each of several threads."""

MORE_SLOTS = 128
"""How many visits a route may grow by in one search."""

MEETINGS = (0.5, 0.7, 0.85, 0.95)
"""When, of the whole search, all threads go on from the best plan of any."""

SEED_OF_NEXT = 7919
"""Added to the seed for each further thread."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How the search goes about it; the defaults suit a good plan and a moment's time.

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
    threads : searches side by side, each from a seed of its own; they meet now and then.
    recombinations : how often CP-SAT recombines the routes seen so far, in the second half of
        the search; 0 for never.
    recombine_limit : CP-SAT's deterministic time for each.
    """

    warm: float = 0.1
    cool: float = 0.002
    most_rides: int = 20
    longest_string: int = 5
    any_of_100: int = 20
    related_of_100: int = 30
    worst_of_100: int = 20
    blinks_of_1000: int = 10
    regret_of_100: int = 20
    fleet_share: float = 0.4
    threads: int = 1
    recombinations: int = 0
    recombine_limit: float = 0.5


THOROUGH = Effort(
    warm=1.0,
    cool=0.1,
    most_rides=15,
    any_of_100=10,
    related_of_100=0,
    worst_of_100=0,
    blinks_of_1000=5,
    regret_of_100=0,
)
"""For a search from nothing, with hundreds of steps a ride: hotter, and nearly all strings.

See: docs/decisions/0123-heat-by-the-mean-ride.md, how it was chosen
"""


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
    effort = effort or Effort()
    crew = [
        _Search(problem, plan, weights, seed + number * SEED_OF_NEXT, effort)
        for number in range(effort.threads)
    ]
    best = None
    for lead in _run(crew, stop):
        best = lead
        if on_better is not None:
            on_better(lead.plan())
    return plan if best is None else best.plan()


def _run(crew: list[_Search], stop: StopRule) -> Iterator[_Search]:
    """Search until `stop` says so; yields whoever has a plan cheaper than all before."""
    steps, cost, meetings = 0, crew[0].cost, list(MEETINGS)
    batch = BATCH if len(crew) == 1 else BATCH_TOGETHER
    with ThreadPoolExecutor(len(crew)) as threads:
        while crew[0].may_improve() and (progress := stop.progress(steps)) < 1:
            batch = min(batch, stop.steps_left(steps) // len(crew))
            if batch <= 0:
                return
            others = [threads.submit(one.advance, progress, batch) for one in crew[1:]]
            crew[0].advance(progress, batch)
            for other in others:
                other.result()
            steps += batch * len(crew)
            lead = min(crew, key=_cost)
            if lead.cost < cost:
                cost = lead.cost
                yield lead
            if meetings and progress >= meetings[0]:
                meetings.pop(0)
                for search in crew:
                    search.go_on_from(lead)


def _cost(search: _Search) -> int:
    return search.cost


class _Search:
    """One search: its columns, its pool of routes, and how far it has come."""

    def __init__(
        self, problem: Problem, plan: Plan, weights: Weights, seed: int, effort: Effort
    ) -> None:
        self.weights, self.effort = weights, effort
        self.pool = RoutePool(problem, weights) if effort.recombinations else None
        self.recombined = 0
        self.last_seen: list[bytes] = [b""] * len(plan.routes)
        self.arrays = PlanArrays(problem, plan, weights, _slots(problem, plan))
        self.desk = lay_out(self.arrays, plan, seed, self.arrays.cost())
        self.fleet = FewerVehicles(self.desk, weights, effort.fleet_share)
        self.habits = _habits(effort, int(self.desk.draft.movable.sum()))
        direct = self.arrays.tables.direct
        self.mean_ride = float(direct.mean()) if len(direct) else 0.0

    @property
    def cost(self) -> int:
        """What the best plan so far costs."""
        return int(self.desk.costs[BEST])

    def plan(self) -> Plan:
        """The best plan so far."""
        return self.arrays.to_plan()

    def may_improve(self) -> bool:
        """Whether anything can be moved at all."""
        draft = self.desk.draft
        return bool(draft.movable.any() or (draft.vehicle_of < 0).any())

    def advance(self, progress: float, steps: int) -> None:
        """Take `steps` steps, `progress` being how far the whole search has come."""
        self.fleet.look(progress)
        take_steps(self.desk, steps, self._heat(progress), self.habits, self.fleet.price_rise)
        self.fleet.settle()
        if self.pool is None or self.fleet.trying:
            return
        self._remember(self.pool)
        due = self._recombinations_due(progress)
        if due > self.recombined:
            self.recombined = due
            self._recombine(self.pool)

    def go_on_from(self, lead: _Search) -> None:
        """Leave the present plan for the best one of `lead`."""
        desk = self.desk
        if self.fleet.trying:
            self.fleet.stop()
        if lead is not self:
            copy_into(lead.desk.best, desk.best)
        start_from(desk, desk.best)
        desk.costs[:] = lead.desk.costs[BEST]
        desk.dirty[:] = False

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

    def _recombine(self, pool: RoutePool) -> None:
        """Go on from the best plan out of the pool's routes, if it is cheaper than any so far."""
        desk, plan = self.desk, self.plan()
        for vehicle, route in enumerate(plan.routes):
            pool.add(vehicle, route, int(desk.best.cost[vehicle]))
        better = recombine(pool, plan, self.effort.recombine_limit)
        if better is plan:
            return
        self.arrays.write(better)
        start_from(desk, desk.best)
        desk.costs[:] = self.arrays.cost()
        desk.dirty[:] = False


def _slots(problem: Problem, plan: Plan) -> int:
    """Room for visits in a route: for everybody, or for a good many more than now."""
    longest = max((len(route.visits) for route in plan.routes), default=0)
    breaks = max((len(vehicle.breaks) for vehicle in problem.vehicles), default=0)
    return max(longest, min(2 * len(problem.requests) + breaks, longest + MORE_SLOTS))


def _habits(effort: Effort, movable: int) -> Habits:
    return Habits(
        max(1, min(effort.most_rides, max(2, movable // 2))),
        effort.longest_string,
        effort.any_of_100,
        effort.related_of_100,
        effort.worst_of_100,
        effort.blinks_of_1000,
        effort.regret_of_100,
    )
