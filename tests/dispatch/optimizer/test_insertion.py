"""The fast insertion gives the answer of trying everything."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.optimizer.arrays import PlanArrays
from dispatch.optimizer.insertion import best_insertion, insert, probe
from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import NEVER, Break, Plan, Problem
from dispatch.optimizer.schedule import Timetable, cost_of, timetable
from tests.dispatch.optimizer.brute_force import best_by_enumeration
from tests.dispatch.optimizer.problems import down, plan_of, problem_of, rest, ride, taxi, up
from tests.dispatch.optimizer.random_days import random_days
from tests.markers import examples

Day = tuple[Problem, Plan, Weights]


def windows() -> st.SearchStrategy[tuple[int, int, int]]:
    """Earliest pickup, latest pickup and latest arrival."""
    return st.tuples(
        st.integers(0, 300), st.integers(100, 500), st.sampled_from((NEVER, 250, 400, 600))
    )


@settings(max_examples=examples(200, 5000), deadline=None)
@given(day=random_days())
def test_insertion_finds_what_trying_every_place_finds(day: Day) -> None:
    problem, plan, weights = day
    request = len(problem.requests) - 1

    found = best_insertion(PlanArrays(problem, plan, weights), request)

    expected = best_by_enumeration(problem, plan, request, weights)
    answer = found and (found.cost, found.vehicle, found.pickup_position, found.dropoff_position)
    assert answer == expected


@settings(max_examples=examples(100, 2000), deadline=None)
@given(day=random_days(), grid=st.lists(windows(), min_size=1, max_size=4))
def test_a_probed_window_gets_the_answer_of_a_request_with_that_window(
    day: Day, grid: list[tuple[int, int, int]]
) -> None:
    problem, plan, weights = day
    request = len(problem.requests) - 1

    answers = probe(PlanArrays(problem, plan, weights), request, grid)

    for (opens, closes, arrival), answer in zip(grid, answers, strict=True):
        wish = replace(
            problem.requests[request],
            earliest_pickup=opens,
            latest_pickup=closes,
            latest_arrival=arrival,
        )
        asked = replace(problem, requests=(*problem.requests[:-1], wish))
        assert answer == best_insertion(PlanArrays(asked, plan, weights), request)


@settings(max_examples=examples(100, 2000), deadline=None)
@given(day=random_days())
def test_the_times_of_an_insertion_are_those_of_its_route(day: Day) -> None:
    problem, plan, weights = day
    request = len(problem.requests) - 1

    found = insert(problem, plan, request, weights)

    if found is not None:
        times = timetable(problem, found.vehicle, found.route, weights)
        assert isinstance(times, Timetable)
        assert times.begins[found.pickup_position] == found.pickup_begin
        assert times.begins[found.dropoff_position] == found.dropoff_begin
        assert times.departs[found.pickup_position] == found.departure
        old = timetable(problem, found.vehicle, plan.routes[found.vehicle], weights)
        assert isinstance(old, Timetable)
        assert times.cost - old.cost == found.cost


@settings(max_examples=examples(100, 2000), deadline=None)
@given(day=random_days())
def test_arrays_edited_step_by_step_equal_arrays_built_anew(day: Day) -> None:
    problem, plan, weights = day
    edited = PlanArrays(problem, plan, weights, slots=1)
    request = len(problem.requests) - 1
    found = best_insertion(edited, request)
    if found is not None:
        edited.insert(request, found.vehicle, found.pickup_position, found.dropoff_position)
        assert edited.to_plan().routes[found.vehicle] == found.route
        edited.remove(request)

    anew = PlanArrays(problem, plan, weights)

    assert edited.to_plan() == anew.to_plan() == plan
    assert edited.cost() == anew.cost() == cost_of(problem, plan, weights)
    assert best_insertion(edited, request) == best_insertion(anew, request)


def test_a_request_added_later_is_answered_like_one_known_before() -> None:
    known = problem_of([taxi(), taxi(5)], [ride(1, 4), ride(2, 6)])
    plan = plan_of([up(0), down(0)], [])
    before = replace(known, requests=known.requests[:1])
    arrays = PlanArrays(before, plan)

    request = arrays.add_request(known.requests[1])

    assert best_insertion(arrays, request) == best_insertion(PlanArrays(known, plan), 1)


def test_of_equal_places_the_lowest_vehicle_and_the_earliest_positions_win() -> None:
    problem = problem_of([taxi(3), taxi(3)], [ride(3, 5), ride(3, 5)])

    found = insert(problem, plan_of([up(0), down(0)], [up(1), down(1)]), ride(3, 5))

    assert found is not None
    assert (found.vehicle, found.pickup_position, found.dropoff_position) == (0, 0, 2)


def test_a_party_that_boards_where_another_does_pays_no_second_stop() -> None:
    problem = problem_of([taxi()], [ride(2, 6), ride(2, 6)])

    found = insert(problem, plan_of([up(0), down(0)]), 1)

    assert found is not None
    assert found.pickup_begin == 120
    assert found.departure == 150
    assert found.dropoff_begin == 390


def test_nobody_boards_before_a_break_that_is_taken_with_nobody_on_board() -> None:
    pause = Break(earliest=300, latest=300, seconds=600)
    problem = problem_of([taxi(breaks=(pause,))], [ride(1, 9)])

    found = insert(problem, plan_of([rest(0)]), 0)

    assert found is not None
    assert found.route.visits == (rest(0), up(0), down(0))
    assert found.pickup_begin == 960


def test_nothing_is_inserted_before_a_locked_visit() -> None:
    free = problem_of([taxi()], [ride(5, 7), ride(1, 2)])
    locked = replace(free, vehicles=(replace(taxi(), locked=2),))
    plan = plan_of([up(0), down(0)])

    before, after = insert(free, plan, 1), insert(locked, plan, 1)

    assert before is not None
    assert after is not None
    assert before.pickup_position == 0
    assert after.pickup_position == 2


def test_a_read_only_travel_table_is_neither_copied_nor_changed() -> None:
    problem = problem_of([taxi()], [ride(1, 3)])
    problem.travel_seconds.flags.writeable = False

    arrays = PlanArrays(problem, plan_of([]))

    assert np.shares_memory(arrays.tables.travel, problem.travel_seconds)
    assert not problem.travel_seconds.flags.writeable


def test_other_weights_than_those_of_the_arrays_are_refused() -> None:
    arrays = PlanArrays(problem_of([taxi()], [ride(1, 3)]), plan_of([]))

    with pytest.raises(ValueError, match="other weights"):
        best_insertion(arrays, 0, Weights(driving=1))
