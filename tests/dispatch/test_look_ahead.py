"""Looking ahead chooses among sound plans, and never at the cost of a promise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.forecast import Trip, forecast_of_days
from dispatch.look_ahead import Outlook, Terms, look_ahead, moves_ahead
from dispatch.optimizer.arrays import PlanArrays
from dispatch.optimizer.insertion import best_insertion
from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import Plan, Problem, Request, Route, Vehicle
from dispatch.optimizer.schedule import cost_of
from dispatch.optimizer.verify import verify
from dispatch.rollout import REFUSED, play_futures
from dispatch.town import LookAheadRules
from tests.markers import examples

RULES = LookAheadRules(futures=6, plans=3, steps=20, move_within=600)
PLACES = 12


def a_day(seed: int) -> tuple[Problem, Plan]:
    """Three vehicles on a plane, one of them on its way home by a set time, and a plan."""
    chance = np.random.default_rng(seed)
    points = chance.uniform(0, 5000, (PLACES, 2))
    metres = np.linalg.norm(points[:, None] - points[None], axis=2).astype(np.int32)
    seconds = (metres / 9).astype(np.int32)
    vehicles = tuple(
        Vehicle((3,), int(place), 1000, 0, 20_000, end_place=int(place) if number == 0 else -1)
        for number, place in enumerate(chance.integers(PLACES, size=3))
    )
    requests = []
    for _ in range(8):
        start, end = (int(n) for n in chance.choice(PLACES, 2, replace=False))
        opens = int(chance.integers(1000, 2500))
        direct = int(seconds[start, end])
        requests.append(
            Request(
                start, end, opens, opens + 600, max_ride=2 * direct + 300, direct_seconds=direct
            )
        )
    problem = Problem(seconds, metres, vehicles, tuple(requests), 30)
    arrays = PlanArrays(problem, Plan((Route(), Route(), Route())))
    for number in range(len(requests)):
        place = best_insertion(arrays, number)
        if place is not None:
            arrays.insert(number, place.vehicle, place.pickup_position, place.dropoff_position)
    plan = arrays.to_plan()
    return replace(problem, required=plan.served()), plan


def an_outlook(seed: int, rules: LookAheadRules = RULES) -> Outlook:
    chance = np.random.default_rng(seed + 1)
    trips = [
        Trip(int(second), *(int(n) for n in chance.choice(PLACES, 2, replace=False)))
        for second in chance.integers(1000, 3600, 60)
    ]
    forecast = forecast_of_days(trips, 2, [0] * PLACES)
    places = np.arange(PLACES, dtype=np.int32)
    return Outlook(forecast, places, Terms(600, 1.5, 300), rules, 1000, seed)


@given(seed=st.integers(0, 100_000))
@settings(max_examples=examples(25, 5000), deadline=None)
def test_whatever_is_expected_every_promise_is_kept_and_nobody_is_left_out(seed: int) -> None:
    problem, plan = a_day(seed)
    chosen = look_ahead(problem, (plan,), an_outlook(seed), Weights())
    assert verify(problem, chosen, plan) == ()
    assert chosen.served() >= plan.served()


@given(seed=st.integers(0, 100_000))
@settings(max_examples=examples(25, 5000), deadline=None)
def test_only_idle_vehicles_are_sent_on_and_all_get_home_in_time(seed: int) -> None:
    problem, plan = a_day(seed)
    idle = Plan((Route(), *plan.routes[1:]))
    problem = replace(problem, required=idle.served())
    for move in moves_ahead(problem, idle, an_outlook(seed), Weights()):
        vehicle = problem.vehicles[move.vehicle]
        assert idle.routes[move.vehicle].visits == ()
        assert move.seconds == problem.travel_seconds[vehicle.start_place, move.place]
        home = 0
        if vehicle.end_place >= 0:
            home = int(problem.travel_seconds[move.place, vehicle.end_place])
        assert 1000 + move.seconds + home <= vehicle.shift_end


def test_the_same_seed_looks_at_the_same_futures() -> None:
    problem, plan = a_day(5)
    first, second = (look_ahead(problem, (plan,), an_outlook(5), Weights()) for _ in range(2))
    assert first == second


def test_a_plan_is_left_alone_unless_another_one_is_worth_it() -> None:
    problem, plan = a_day(5)
    never = replace(RULES, least_gain=10**9)
    assert look_ahead(problem, (plan,), an_outlook(5, never), Weights()) == plan


def test_a_future_is_refused_where_nobody_can_come_in_time_and_the_plan_stays_as_it_is() -> None:
    problem, plan = a_day(5)
    futures = an_outlook(5).draw(600, 4, purpose=2)
    most = futures.asked.shape[1]
    whole = replace(problem, requests=(*problem.requests, *[problem.requests[0]] * most))
    arrays = PlanArrays(whole, plan, slots=64)
    long = np.full_like(futures.opens, 10_000)
    before = arrays.to_plan()
    never = play_futures(arrays, 8, futures, futures.opens - 1, long)
    always = play_futures(arrays, 8, futures, futures.opens + 15_000, long)
    assert never[:, REFUSED].tolist() == futures.number.tolist()
    assert always[:, REFUSED].sum() == 0
    assert arrays.to_plan() == before


@pytest.mark.parametrize("vehicles", [17, 100, 3000])
def test_a_large_fleet_looks_at_fewer_futures(vehicles: int) -> None:
    from dispatch.look_ahead import affordable

    cut = affordable(LookAheadRules(), vehicles)
    assert cut.futures < LookAheadRules().futures
    assert cut.plans >= 1


def test_a_plan_that_is_too_dear_now_is_not_looked_at() -> None:
    for seed in range(6):
        problem, plan = a_day(seed)
        near = replace(RULES, most_dearer=0, least_gain=0)
        chosen = look_ahead(problem, (plan,), an_outlook(seed, near), Weights())
        assert cost_of(problem, chosen, Weights()) <= cost_of(problem, plan, Weights())
