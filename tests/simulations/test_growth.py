"""The cost of growth is counted in the search's own steps, and its exponent is a power law's."""

from __future__ import annotations

import pytest

from simulations.bench.growth import Growth, curves, exponent, measure_growth, warm_up
from simulations.bench.solvers import Clock


def a_run(requests: int, steps: float, good: float | None) -> Growth:
    return Growth(requests, 2, 1, steps, good, 100.0, requests)


def test_steps_are_counted_and_a_plan_within_two_percent_is_found_in_the_time() -> None:
    warm_up(Clock.PROCESS)

    run = measure_growth(8, seconds=0.3, seed=1, clock=Clock.PROCESS)

    assert run.served > 0
    assert run.steps_a_second > 0
    assert run.seconds_to_good is not None
    assert 0 < run.seconds_to_good <= 0.3 * 2


@pytest.mark.parametrize("power", [-1.5, -1, 0, 2])
def test_the_exponent_is_that_of_the_power_law(power: float) -> None:
    assert exponent([(x, 7 * x**power) for x in (16, 64, 250)]) == pytest.approx(power, abs=1e-9)


def test_one_size_has_no_exponent_and_a_size_not_solved_has_no_time() -> None:
    steps, good = curves([a_run(16, 800, 0.1), a_run(32, 400, None)])

    assert list(steps.points) == [(16, 800), (32, 400)]
    assert list(good.points) == [(16, 0.1)]
    assert [curve.exponent for curve in (steps, good)] == [pytest.approx(-1), None]
