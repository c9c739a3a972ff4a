"""Solvers side by side: every plan is judged, and one that fails costs a row, not the run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dispatch.optimizer.plan import Kind, Plan, Route, Visit
from simulations.bench import apart
from simulations.bench.apart import Answer, Apart
from simulations.bench.best_known import BestKnown
from simulations.bench.compare import Contest, Standing, duels, run_contest, standings
from simulations.bench.generate import Recipe, Size, generate
from simulations.bench.published import list_instances, to_instance
from simulations.bench.published_text import Family, write_file
from simulations.bench.solve import Run, judge, set_of, summarize
from simulations.bench.solvers import SOLVERS, Budget, Clock, NotForThis, SolverName

UP, DOWN = Kind.PICKUP, Kind.DROPOFF
SHORT = Budget(0.1)


def one_after_the_other() -> tuple[Plan, Recipe, Size]:
    """A plan of an instance with two rides, each with a vehicle of its own."""
    routes = tuple(Route((Visit(UP, ride), Visit(DOWN, ride))) for ride in range(2))
    return Plan(routes), Recipe.A, Size(2, 2)


def a_run(solver: SolverName, vehicles: int, distance: float, **other: object) -> Run:
    run = Run("lr1", Family.PICKUP_AND_DELIVERY, solver, SHORT, 9, True, 9, vehicles, distance)
    return replace(run, **other)  # type: ignore[arg-type]


def test_a_sound_plan_counts_with_its_gap() -> None:
    plan, recipe, size = one_after_the_other()
    instance = to_instance(generate(recipe, size, seed=1))

    first = judge(instance, SolverName.SEARCH, SHORT, Answer(plan), None)
    run = judge(
        instance, SolverName.SEARCH, SHORT, Answer(plan), BestKnown(first.distance / 2, None, "")
    )

    assert run.solved
    assert run.gap_percent == pytest.approx(100)


@pytest.mark.parametrize("solver", SolverName)
def test_whoever_made_a_plan_that_breaks_a_limit_has_solved_nothing(solver: SolverName) -> None:
    plan, recipe, size = one_after_the_other()
    instance = to_instance(generate(recipe, size, seed=1))
    backwards = Plan((Route(plan.routes[0].visits[::-1]), plan.routes[1]))
    unserved = Plan((plan.routes[0], Route()))

    for bad in (backwards, unserved, None):
        run = judge(instance, solver, SHORT, Answer(bad), BestKnown(1, None, ""))
        assert not run.solved
        assert run.failure
        assert run.gap_percent is None


def test_a_gap_in_distance_is_only_given_for_the_best_known_fleet() -> None:
    best = BestKnown(100, 9, "")

    assert a_run(SolverName.SEARCH, 9, 101, best=best).gap_percent == pytest.approx(1)
    assert a_run(SolverName.SEARCH, 10, 90, best=best).gap_percent is None
    assert summarize([a_run(SolverName.SEARCH, 10, 90, best=best)]).more_vehicles == 1


def test_fewer_vehicles_are_ahead_of_a_shorter_way() -> None:
    found = standings(
        [
            a_run(SolverName.SEARCH, 9, 120),
            a_run(SolverName.PYVRP, 10, 100),
            a_run(SolverName.VROOM, 9, 119),
        ]
    )

    pyvrp, vroom = duels(found)
    assert (pyvrp.we_ahead, pyvrp.peer_ahead, pyvrp.fewer_vehicles) == (1, 0, 1)
    assert (vroom.we_ahead, vroom.peer_ahead) == (0, 1)
    assert vroom.mean_ratio == pytest.approx(119 / 120)


def test_who_solved_is_ahead_of_who_did_not_and_equals_are_nobodys_win() -> None:
    solved = Standing("x", Family.DIAL_A_RIDE, SolverName.SEARCH, 1, True, 2, 50.0)
    failed = replace(solved, solver=SolverName.VROOM, solved=False)
    same = replace(solved, solver=SolverName.PYVRP, vehicles=3, distance=50.0000001)

    assert solved.is_ahead_of(failed)
    assert not failed.is_ahead_of(solved)
    assert not solved.is_ahead_of(same)
    assert not same.is_ahead_of(solved)


def test_the_set_of_an_instance_is_in_its_name() -> None:
    assert [set_of(name) for name in ("a2-16", "pr01", "lrc101", "12")] == ["a", "pr", "lrc", ""]


@pytest.mark.parametrize("peer", [SolverName.PYVRP, SolverName.VROOM])
def test_a_peer_without_ride_limits_is_not_asked_for_dial_a_ride(peer: SolverName) -> None:
    dial_a_ride = to_instance(generate(Recipe.A, Size(2, 4), seed=1))

    with pytest.raises(NotForThis, match="longest ride"):
        SOLVERS[peer]().check(dial_a_ride, SHORT)


def test_a_solver_with_a_clock_of_its_own_says_so() -> None:
    instance = to_instance(generate(Recipe.RANDOM, Size(2, 4), seed=1))

    with pytest.raises(NotForThis, match="wall clock"):
        SOLVERS[SolverName.VROOM]().check(instance, Budget(1, clock=Clock.PROCESS))


@pytest.mark.parametrize("peer", [SolverName.PYVRP, SolverName.VROOM])
def test_the_plans_of_an_installed_peer_are_sound(peer: SolverName) -> None:
    if not SOLVERS[peer].is_installed():
        pytest.skip(f"needs {peer}: pip install 'noriai[bench]'")
    instance = to_instance(generate(Recipe.RANDOM, Size(5, 10), seed=2))

    plan = SOLVERS[peer]().solve(instance, Budget(0.3))

    run = judge(instance, peer, SHORT, Answer(plan), None)
    assert run.failure == ""
    assert run.solved


def test_a_solver_that_fails_or_hangs_costs_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    text = generate(Recipe.A, Size(2, 4), seed=1)
    with Apart(SolverName.SEARCH) as solver:
        broken = solver.solve(text, Budget(0.1, seed="x"))  # type: ignore[arg-type]
        process = solver._process
        monkeypatch.setattr(apart, "GRACE_SECONDS", -4.9)
        hung = solver.solve(text, Budget(5))
        monkeypatch.undo()
        again = solver.solve(text, SHORT)

    assert process is not None
    assert "Error" in broken.failure
    assert hung.failure == "did not stop"
    assert not process.is_alive()
    assert again.plan is not None


def test_solvers_take_turns_and_who_cannot_state_a_problem_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Apart, "solve", lambda *_: Answer(None, failure="asked"))
    write_file(generate(Recipe.A, Size(2, 4), seed=1, name="a"), tmp_path)
    write_file(generate(Recipe.RANDOM, Size(2, 4), seed=1, name="lr"), tmp_path)
    solvers = (SolverName.SEARCH, SolverName.PYVRP)
    budgets = (Budget(1, seed=1), Budget(1, seed=2))

    runs = list(run_contest(Contest(list_instances(tmp_path), solvers, budgets, {})))

    assert [run.solver for run in runs if run.instance == "a"] == ["search", "search"]
    order = [run.solver for run in runs if run.instance == "lr"]
    assert order == ["search", "pyvrp", "pyvrp", "search"]
    assert {run.failure for run in runs} == {"asked"}
