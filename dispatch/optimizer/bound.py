"""How good a plan is at best: what no plan for the same day can cost less than.

Column generation over routes: a linear program mixes the routes found so far and so prices
each request; the labels look for routes that would pay at these prices. When none does, no
mixture is cheaper, and so no plan. On the way each round gives a bound that holds already, so
it can stop at any time. If little is left between bound and plan, all routes that could matter
are listed and CP-SAT chooses: then the plan is proven best, or a better one is found.

See: docs/words.md, bound; docs/decisions/0130-a-bound-from-trips.md
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from dispatch.optimizer.alike import VehicleKind, find_kinds
from dispatch.optimizer.choosing import choose, plan_of
from dispatch.optimizer.master import Column, Master, Prices, Unbalanced, columns_of, list_optional
from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import Plan, Problem, Route
from dispatch.optimizer.pricer import Pricer, Question
from dispatch.optimizer.pricing import ALL, EXACT, MOST_CUTS, QUICK
from dispatch.optimizer.recombine import RoutePool
from dispatch.optimizer.schedule import Timetable, cost_of, timetable
from dispatch.optimizer.stopping import StopRule
from dispatch.optimizer.verify import verify

SMOOTHING = 0.7
"""Share of the prices that gave the best bound in those that are tried next (Wentges 1997)."""

COLUMNS_A_ROUND = 30
"""Routes of one kind of vehicle that are added in a round."""

NEAR = 0.04
"""Rounds end when the linear program is so near its bound, as a share of the gap to the plan."""

LISTED_GAP = 0.02
"""Gap between bound and plan up to which it is tried to list all routes that could matter."""

CHOOSING = 4.0
"""CP-SAT's deterministic time for one choice."""


class HowFar(StrEnum):
    """How far a bound has come."""

    TOO_MANY_TRIPS = "too_many_trips"
    """Vehicles can do too much between standing empty twice; nothing is known."""
    STOPPED = "stopped"
    """It was stopped; the bound so far stands."""
    BALANCED = "balanced"
    """No route and no cut improves the linear program any more."""
    PROVEN = "proven"
    """The plan is the best there is."""


@dataclass(frozen=True, slots=True)
class Bound:
    """No plan costs less than `value`; `plan` costs `cost` and is the best that is known.

    `plan` is the one that was asked about unless a cheaper one was found on the way.
    """

    value: int
    cost: int
    how_far: HowFar
    plan: Plan
    rounds: int = 0

    @property
    def proven(self) -> bool:
        """Whether the plan is proven best."""
        return self.value >= self.cost

    @property
    def gap(self) -> float:
        """How much of its cost the plan could save at most: 0.02 is 2 %."""
        return max(0.0, (self.cost - self.value) / self.cost) if self.cost else 0.0


def lower_bound(
    problem: Problem,
    weights: Weights,
    incumbent: Plan,
    stop: StopRule,
    pool: RoutePool | None = None,
    on_better: Callable[[Bound], None] | None = None,
) -> Bound:
    """The best bound that is found until `stop`; a step is one round of pricing.

    Parameters
    ----------
    incumbent
        A sound plan for `problem`; its first locked visits stay.
    pool
        Routes that a search has met: the better they are, the fewer rounds.
    on_better
        Told each better bound at once.

    Raises ValueError if the incumbent breaks a limit.
    """
    broken = verify(problem, incumbent)
    if broken:
        raise ValueError(f"the plan breaks {broken[0]}")
    cost = cost_of(problem, incumbent, weights)
    kinds = find_kinds(problem, weights, incumbent)
    if kinds is None:
        return Bound(0, cost, HowFar.TOO_MANY_TRIPS, incumbent)
    work = _Work(
        problem, weights, kinds, stop, on_better, Bound(0, cost, HowFar.STOPPED, incumbent)
    )
    work.begin(pool)
    return work.run()


@dataclass(slots=True, eq=False)
class _Work:
    """One bound as it grows."""

    problem: Problem
    weights: Weights
    kinds: Sequence[VehicleKind]
    stop: StopRule
    on_better: Callable[[Bound], None] | None
    bound: Bound
    master: Master = field(init=False)
    pricer: Pricer = field(init=False)
    best: Prices | None = field(init=False, default=None)
    """The prices of the best bound, with what a route of each kind costs at least at them."""
    best_value: int = field(init=False, default=-(2**60))
    tried: int = field(init=False, default=2**60)
    """Difference of plan and bound at which listing all routes was last tried."""

    def begin(self, pool: RoutePool | None) -> None:
        self.master = Master(self.problem, self.weights, self.kinds)
        breaks = sum(len(vehicle.breaks) for vehicle in self.problem.vehicles)
        self.pricer = Pricer(self.kinds, len(self.problem.requests), breaks)
        for column in self._incumbent_columns():
            self.master.add(column)
        kind_of = {v: index for index, kind in enumerate(self.kinds) for v in kind.vehicles}
        for seen in [] if pool is None else pool.list_columns():
            index = kind_of[seen.vehicle]
            if seen.route.visits:
                self.master.add(Column(index, seen.served, seen.cost, seen.route.visits))
        self.best = self._first_prices()

    def _first_prices(self) -> Prices:
        """To begin with, whoever shares a route shares its cost."""
        requests = np.zeros(len(self.problem.requests))
        for column in self._incumbent_columns():
            for request in column.served:
                requests[request] = column.cost / len(column.served)
        return Prices(requests, np.zeros(len(self.kinds)), np.zeros(0))

    def run(self) -> Bound:
        """Rounds, then cuts and rounds again, until nothing helps or it is to stop."""
        while True:
            ended = self._balance()
            if self.bound.proven or not ended:
                break
            self._recombine()
            if self.bound.proven or self._is_over() or self._list_all_routes():
                break
            if len(self.master.cuts) + 12 > MOST_CUTS or not self.master.cut():
                self._note(self.bound.value, HowFar.BALANCED)
                break
        if self.bound.proven:
            self._note(self.bound.cost, HowFar.PROVEN)
        return self.bound

    def _is_over(self) -> bool:
        return self.stop.progress(self.bound.rounds) >= 1

    # --- rounds ---

    def _balance(self) -> bool:
        """Rounds of pricing until the linear program balances; False if it was stopped."""
        share = SMOOTHING
        while not self._is_over():
            self.bound = replace(self.bound, rounds=self.bound.rounds + 1)
            try:
                least, prices = self.master.solve()
            except Unbalanced:
                return False
            added = self._round(prices, share)
            while not added and share > 0 and self.best is not None:
                share = share / 2 if share > 0.2 else 0.0
                added = self._round(prices, share)
            share = SMOOTHING
            left = self.bound.cost - self.best_value
            if not added or left <= 0 or least - self.best_value < NEAR * left:
                return True
        return False

    def _round(self, prices: Prices, share: float) -> int:
        """Ask for routes at prices mixed with the best ones; how many new ones pay."""
        tried = prices if self.best is None else self.best.mixed(prices, share)
        tried = self._payable(tried.rounded())
        questions = [
            self.pricer.ask(index, tried, self.master.cuts) for index in range(len(self.kinds))
        ]
        for mode in (QUICK, EXACT):
            added, leasts = 0, []
            for question in questions:
                new, least = self._answer(question, mode, prices)
                added += new
                leasts.append(least)
            self._take(tried, leasts)
            if added:
                return added
        return 0

    def _answer(self, question: Question, mode: int, prices: Prices) -> tuple[int, int]:
        """New columns of one kind, and what any route of it costs at least at these prices."""
        below = int(question.prices.kinds[question.index])
        least = min(question.least, below)
        count = self.pricer.answer(question, below, mode)
        if count is None:
            return 0, min(least, 0) if question.kind.may_stay else least
        if mode == EXACT:
            least = self.pricer.least(count, below)
        if question.kind.may_stay:
            least = min(least, 0)
        added = 0
        for column in self.pricer.columns(question, count, COLUMNS_A_ROUND):
            if self.master.saving(column, prices) > 0.5:
                added += self.master.add(column)
        return added, least

    def _payable(self, prices: Prices) -> Prices:
        """No request is worth more than leaving it unserved costs."""
        optional = list_optional(self.problem)
        requests = prices.requests.copy()
        requests[optional] = np.minimum(requests[optional], self.weights.unserved)
        return Prices(requests, prices.kinds, np.maximum(0, prices.cuts))

    def _take(self, prices: Prices, leasts: Sequence[int]) -> None:
        """Work out the bound of these prices (Lagrange) and keep it if it is the best."""
        value = int(prices.requests.sum()) - int(prices.cuts.sum())
        value += sum(
            least * len(kind.vehicles) for least, kind in zip(leasts, self.kinds, strict=True)
        )
        if value > self.best_value:
            self.best_value = value
            self.best = Prices(prices.requests, np.array(leasts, np.float64), prices.cuts)
            if value > self.bound.value:
                self._note(value, HowFar.STOPPED)

    def _note(self, value: int, how_far: HowFar) -> None:
        better = value > self.bound.value or how_far is not self.bound.how_far
        self.bound = replace(self.bound, value=min(value, self.bound.cost), how_far=how_far)
        if better and self.on_better is not None:
            self.on_better(self.bound)

    # --- whole plans ---

    def _incumbent_columns(self) -> list[Column]:
        plan = self.bound.plan
        costs = [self._route_cost(v, route) for v, route in enumerate(plan.routes)]
        return columns_of(plan, self.kinds, costs)

    def _route_cost(self, vehicle: int, route: Route) -> int:
        times = timetable(self.problem, vehicle, route, self.weights)
        if not isinstance(times, Timetable):
            raise ValueError(f"route {vehicle} breaks {times}")
        return times.cost

    def _recombine(self) -> None:
        """See whether the columns make up a better plan."""
        left = self.bound.cost - self.best_value
        prices = self.best
        if prices is None:
            return
        near = [c for c in self.master.columns if -self.master.saving(c, prices) < left]
        self._choose(near)

    def _choose(self, columns: Sequence[Column]) -> int | None:
        """Take the cheapest plan of these columns if it is better; what they cannot undercut."""
        now = self._incumbent_columns()
        choice = choose(self.problem, self.weights, self.kinds, [*columns, *now], now, CHOOSING)
        if choice.columns is not None:
            self._adopt(plan_of(self.kinds, choice.columns))
        return choice.least

    def _adopt(self, plan: Plan) -> None:
        """Take a plan over if it is sound and cheaper."""
        if verify(self.problem, plan, self.bound.plan):
            return
        cost = cost_of(self.problem, plan, self.weights)
        if cost < self.bound.cost:
            self.bound = replace(self.bound, plan=plan, cost=cost)
            for column in self._incumbent_columns():
                self.master.add(column)

    def _list_all_routes(self) -> bool:
        """Choose among all routes that a cheaper plan could hold; False if they are too many.

        A plan costs the bound and what each of its routes is dearer than the least at the
        best prices; a cheaper plan has no route that is dearer by the whole difference.
        """
        left = self.bound.cost - self.best_value
        if self.best is None or left > LISTED_GAP * self.bound.cost or left > 0.7 * self.tried:
            return False
        self.tried = left
        listed: list[Column] = []
        for index, kind in enumerate(self.kinds):
            question = self.pricer.ask(index, self.best, self.master.cuts[: len(self.best.cuts)])
            count = self.pricer.answer(question, int(self.best.kinds[index]) + left, ALL)
            if count is None:
                return False
            listed += self.pricer.all_columns(question, count)
            if kind.may_stay:
                listed.append(Column(index, frozenset(), 0, ()))
        before = self.bound.cost
        least = self._choose(listed)
        if least is not None:
            self._note(max(self.bound.value, min(least, before)), HowFar.BALANCED)
        return True
