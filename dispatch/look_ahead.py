"""Looking ahead: which of several good plans leaves most room for what is likely to come.

The search knows only who has asked already; of two plans that cost the same it may take the
one whose vehicles all end in the same corner. Here further plans are made for sampled futures,
in which some of tomorrow's requests have a place; those requests are taken out again, and
every plan is judged in other futures by how many requests it has to refuse there, and at what
cost it serves the others. Each of these plans keeps every promise, so nothing is ever put at
risk. An idle vehicle is judged in the same way: stay, or go to a place nearby.

The multiple scenario approach of Bent and Van Hentenryck (Operations Research 52, 2004).

See: docs/words.md, look-ahead; docs/decisions/0141-looking-ahead-by-sampled-futures.md
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dispatch.forecast import HOUR_SECONDS, Forecast, Futures
from dispatch.optimizer.arrays import PlanArrays
from dispatch.optimizer.columns import Int32
from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import NEVER, Kind, Plan, Problem, Request, Route, Vehicle
from dispatch.optimizer.schedule import Timetable, cost_of, timetable
from dispatch.optimizer.search import improve
from dispatch.optimizer.stopping import Iterations
from dispatch.rollout import REFUSED, SPENT, play_futures
from dispatch.town import LookAheadRules

type Search = Callable[[Problem, Plan, Weights, int, int], Plan]
"""Problem, plan, weights, iterations and seed to a plan that costs no more."""

SMALL_FLEET = 16
"""Vehicles up to which every future and every plan is affordable."""

MOST_REQUESTS = 40
"""Sampled requests in one future, on average; in a busy town the futures are shorter instead."""

FAR_SECONDS = 900
"""A vehicle that needs longer counts as if it needed this long."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a party that has not asked yet would be promised. Times in seconds.

    window : from the earliest to the latest pickup. The longest ride is the larger one of
    `ride_ratio` times the direct ride and the direct ride plus `ride_allowance`.
    """

    window: int
    ride_ratio: float
    ride_allowance: int = 0
    loads: tuple[int, ...] = (1,)
    own_seconds: int = 0

    def longest_rides(self, direct: NDArray[np.int32]) -> Int32:
        """The longest ride for each direct travel time."""
        by_ratio = np.ceil(direct * self.ride_ratio)
        return np.maximum(by_ratio, direct + self.ride_allowance).astype(np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """What to look ahead with at one moment.

    places : (P,) the place of the travel table for each place of the forecast.
    now : seconds since midnight. seed : the same seed samples the same futures.
    """

    forecast: Forecast
    places: Int32
    terms: Terms
    rules: LookAheadRules
    now: int
    seed: int

    def draw(self, horizon: int, count: int, purpose: int) -> Futures:
        """Futures in places of the travel table; each purpose has its own."""
        random = np.random.default_rng((self.seed, self.now, purpose))
        expected = self.forecast.expected(self.now, self.now + horizon)
        if expected > MOST_REQUESTS:
            horizon = max(1, round(horizon * MOST_REQUESTS / expected))
        drawn = self.forecast.draw(self.now, horizon, count, random)
        return drawn._replace(
            origin=self.places[drawn.origin], destination=self.places[drawn.destination]
        )


@dataclass(frozen=True, slots=True)
class Move:
    """An idle vehicle had better wait at `place`, which it reaches in `seconds`."""

    vehicle: int
    place: int
    seconds: int


def search_here(problem: Problem, plan: Plan, weights: Weights, iterations: int, seed: int) -> Plan:
    """Search in this thread."""
    return improve(problem, plan, weights, Iterations(iterations), seed)


def look_ahead(
    problem: Problem,
    plans: Sequence[Plan],
    outlook: Outlook,
    weights: Weights,
    search: Search = search_here,
) -> Plan:
    """The plan that does best in the futures to expect: of `plans`, or one made for a future.

    plans : sound plans of `problem`; the first is kept unless another one does better by
        more than `least_gain`. Whoever a plan must serve is served by every one.
    """
    rules = affordable(outlook.rules, len(problem.vehicles))
    outlook = replace(outlook, rules=rules)
    bound = replace(problem, required=problem.required | plans[0].served())
    town_weights, weights = weights, judging(weights, rules)
    others = (
        _plan_for(future, bound, plans[0], outlook, weights, search, number)
        for number, future in enumerate(_one_by_one(outlook))
    )
    dearest = cost_of(bound, plans[0], town_weights) + rules.most_dearer * town_weights.driving
    candidates = [
        plan
        for plan in dict.fromkeys((*plans, *others))
        if plan == plans[0] or cost_of(bound, plan, town_weights) <= dearest
    ]
    if len(candidates) == 1:
        return plans[0]
    return candidates[_best(_prices(bound, candidates, outlook, weights), rules, weights)]


def moves_ahead(
    problem: Problem, plan: Plan, outlook: Outlook, weights: Weights
) -> tuple[Move, ...]:
    """Where idle vehicles had better wait; those that had better stay are not named.

    A vehicle with any visit ahead is left alone: only nobody's vehicle is sent anywhere.
    """
    outlook = replace(outlook, rules=affordable(outlook.rules, len(problem.vehicles)))
    weights = judging(weights, outlook.rules)
    moves: list[Move] = []
    vehicles = list(problem.vehicles)
    for number in _idle(problem, plan, outlook):
        here = replace(problem, vehicles=tuple(vehicles))
        options = _nearby(here, plan, number, outlook)
        if not options:
            continue
        variants = [replace(here, vehicles=_moved(here, option)) for option in options]
        futures = outlook.draw(outlook.rules.horizon, outlook.rules.futures, purpose=2)
        drives = np.array([0, *(option.seconds for option in options)])[:, None]
        prices = np.array(
            [_price(one, plan, futures, outlook, weights) for one in (here, *variants)]
        )
        best = _best(prices + drives * weights.driving, outlook.rules, weights)
        if best > 0:
            moves.append(options[best - 1])
            vehicles = list(variants[best - 1].vehicles)
    return tuple(moves)


def judging(weights: Weights, rules: LookAheadRules) -> Weights:
    """The weights by which what is to come is judged."""
    return replace(
        weights,
        waiting=weights.waiting * rules.comfort_percent // 100,
        excess_ride=weights.excess_ride * rules.comfort_percent // 100,
    )


def affordable(rules: LookAheadRules, vehicles: int) -> LookAheadRules:
    """The same rules for a large fleet, where each future and each plan takes longer.

    A decision stays well within its second at a hundred vehicles; up to sixteen, nothing is cut.
    """
    if vehicles <= SMALL_FLEET:
        return rules
    share = SMALL_FLEET / vehicles
    return replace(
        rules,
        futures=max(min(rules.futures, 8), round(rules.futures * share)),
        plans=max(min(rules.plans, 2), round(rules.plans * share)),
    )


def _best(prices: NDArray[np.float64], rules: LookAheadRules, weights: Weights) -> int:
    """The row with the least mean price; the first unless it is beaten by enough."""
    means = prices.mean(axis=1)
    best = int(means.argmin())
    return best if means[best] < means[0] - rules.least_gain * weights.driving else 0


# --- plans for one future each ---------------------------------------------------------------


def _one_by_one(outlook: Outlook) -> list[list[tuple[int, int, int, int]]]:
    """Futures to plan for, each a list of (opens, origin, destination, asked)."""
    drawn = outlook.draw(outlook.rules.plan_horizon, outlook.rules.plans, purpose=1)
    return [
        list(
            zip(
                drawn.opens[k, :count].tolist(),
                drawn.origin[k, :count].tolist(),
                drawn.destination[k, :count].tolist(),
                drawn.asked[k, :count].tolist(),
                strict=True,
            )
        )
        for k, count in enumerate(drawn.number.tolist())
    ]


def _plan_for(
    future: Sequence[tuple[int, int, int, int]],
    problem: Problem,
    plan: Plan,
    outlook: Outlook,
    weights: Weights,
    search: Search,
    number: int,
) -> Plan:
    """A plan that has room for the requests of this future, without them."""
    sampled = tuple(
        _request(problem, outlook.terms, opens, origin, destination)
        for opens, origin, destination, _ in future
    )
    whole = replace(problem, requests=(*problem.requests, *sampled))
    worth = replace(weights, unserved=outlook.rules.ride_worth * weights.driving)
    found = search(whole, plan, worth, outlook.rules.steps, outlook.seed + number)
    return _without(found, len(problem.requests), problem, plan)


def _request(problem: Problem, terms: Terms, opens: int, origin: int, destination: int) -> Request:
    direct = int(problem.travel_seconds[origin, destination])
    return Request(
        origin,
        destination,
        opens,
        opens + terms.window,
        max_ride=int(terms.longest_rides(np.array([direct], np.int32))[0]),
        loads=terms.loads,
        boarding_seconds=terms.own_seconds,
        alighting_seconds=terms.own_seconds,
        direct_seconds=direct,
    )


def _without(found: Plan, known: int, problem: Problem, plan: Plan) -> Plan:
    """`found` without its sampled requests; `plan` if that leaves a route that breaks a limit."""
    routes = tuple(
        Route(tuple(v for v in route.visits if v.kind is Kind.BREAK or v.subject < known))
        for route in found.routes
    )
    for number, route in enumerate(routes):
        if route != plan.routes[number] and not isinstance(
            timetable(problem, number, route), Timetable
        ):
            return plan
    return Plan(routes)


# --- what a plan is worth in the futures to expect ---------------------------------------------


def _prices(
    problem: Problem, plans: Sequence[Plan], outlook: Outlook, weights: Weights
) -> NDArray[np.float64]:
    """(plans, futures) cost of each plan with each future, the same futures for all."""
    futures = outlook.draw(outlook.rules.horizon, outlook.rules.futures, purpose=2)
    return np.array([_price(problem, plan, futures, outlook, weights) for plan in plans])


def _price(
    problem: Problem, plan: Plan, futures: Futures, outlook: Outlook, weights: Weights
) -> NDArray[np.float64]:
    """(K,) what the plan costs, what serving each future adds, and what refusing adds."""
    terms, known = outlook.terms, len(problem.requests)
    most = futures.asked.shape[1]
    spare = _request(problem, terms, 0, int(outlook.places[0]), int(outlook.places[0]))
    whole = replace(problem, requests=(*problem.requests, *[spare] * most))
    longest = max((len(route.visits) for route in plan.routes), default=0)
    arrays = PlanArrays(whole, plan, weights, slots=longest + 2 * most + 2)
    direct = problem.travel_seconds[futures.origin, futures.destination]
    latest = (futures.opens + terms.window).astype(np.int32)
    outcome = play_futures(arrays, known, futures, latest, terms.longest_rides(direct))
    refusing = outcome[:, REFUSED] * float(outlook.rules.ride_worth * weights.driving)
    return np.asarray(float(arrays.routes.cost.sum()) + outcome[:, SPENT] + refusing)


# --- where idle vehicles could wait -------------------------------------------------------------


def _idle(problem: Problem, plan: Plan, outlook: Outlook) -> list[int]:
    """Vehicles that stand without any visit ahead, within their shift."""
    return [
        number
        for number, vehicle in enumerate(problem.vehicles)
        if not plan.routes[number].visits
        and vehicle.arrives_first is None
        and vehicle.shift_start <= vehicle.start_time <= outlook.now
    ]


def _nearby(problem: Problem, plan: Plan, number: int, outlook: Outlook) -> list[Move]:
    """The few moves after which somebody is most likely to be near the next passenger."""
    vehicle, reach = problem.vehicles[number], _reach_of_others(problem, plan, number, outlook)
    shares = outlook.forecast.origin_shares(outlook.now // HOUR_SECONDS)
    travel = problem.travel_seconds[np.ix_(outlook.places, outlook.places)]
    way = problem.travel_seconds[vehicle.start_place, outlook.places]
    here = shares @ np.minimum(reach, problem.travel_seconds[vehicle.start_place, outlook.places])
    there = np.minimum(reach, travel) @ shares
    gain = here - there - 0.1 * way
    allowed = (way > 0) & (way <= outlook.rules.move_within) & (gain > 0)
    allowed &= outlook.now + way + _way_home(problem, vehicle, outlook) <= vehicle.shift_end
    best = [int(n) for n in np.argsort(-gain, kind="stable")[:3] if allowed[n]]
    return [Move(number, int(outlook.places[n]), int(way[n])) for n in best]


def _way_home(problem: Problem, vehicle: Vehicle, outlook: Outlook) -> NDArray[np.int32]:
    if vehicle.end_place < 0:
        return np.zeros(len(outlook.places), np.int32)
    return np.asarray(problem.travel_seconds[outlook.places, vehicle.end_place])


def _reach_of_others(
    problem: Problem, plan: Plan, number: int, outlook: Outlook
) -> NDArray[np.int32]:
    """(P,) how soon another vehicle could be at each place, once it is free."""
    reach = np.full(len(outlook.places), FAR_SECONDS, np.int64)
    for other, vehicle in enumerate(problem.vehicles):
        if other == number or vehicle.shift_start > outlook.now + FAR_SECONDS:
            continue
        place, free = vehicle.start_place, vehicle.start_time
        if plan.routes[other].visits:
            times = timetable(problem, other, plan.routes[other])
            if not isinstance(times, Timetable):
                continue
            place, free = _last_place(problem, plan.routes[other], place), times.ends[-1]
        ways = problem.travel_seconds[place, outlook.places]
        reach = np.minimum(reach, max(0, free - outlook.now) + ways)
    return reach.astype(np.int32)


def _last_place(problem: Problem, route: Route, start: int) -> int:
    for visit in reversed(route.visits):
        if visit.kind is not Kind.BREAK:
            request = problem.requests[visit.subject]
            return request.origin if visit.kind is Kind.PICKUP else request.destination
    return start


def _moved(problem: Problem, move: Move) -> tuple[Vehicle, ...]:
    vehicles = list(problem.vehicles)
    old = vehicles[move.vehicle]
    arrives = min(old.start_time + move.seconds, NEVER)
    vehicles[move.vehicle] = replace(old, start_place=move.place, start_time=arrives)
    return tuple(vehicles)
