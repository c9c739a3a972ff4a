"""`noriai bench solve`, `peers` and `generate` on an instance of four requests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import app
from dispatch.errors import BadInput
from simulations.bench import apart, compare
from simulations.bench.generate import Recipe, Size, generate
from simulations.bench.growth import warm_up
from simulations.bench.published import list_instances, read_instance, to_instance
from simulations.bench.published_file import NoInstance
from simulations.bench.published_text import Text, write_file
from simulations.bench.solvers import SOLVERS, Budget, Clock, SolverName


class Here(apart.Apart):
    """A solver at work in the test's own process: faster, and alike in all but a crash."""

    def solve(self, text: Text, budget: Budget) -> apart.Answer:
        return apart._answer(SOLVERS[self.name](), to_instance(text), budget)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Solvers work in this process, with everything loaded."""
    warm_up(Clock.PROCESS)
    monkeypatch.setattr(compare, "Apart", Here)


def answers(*words: str) -> list[dict[str, object]]:
    """The JSON lines of a command."""
    result = CliRunner().invoke(app, ["bench", *words, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.usefixtures("here")
def test_solve_prints_each_run_then_each_set_then_the_machine(tmp_path: Path) -> None:
    write_file(generate(Recipe.A, Size(2, 4), seed=1, name="a2-4"), tmp_path)

    first, second, total, machine = answers(
        "solve", str(tmp_path), "--seconds=0.2", "--seeds=2", "--clock=process"
    )

    assert (first["instance"], first["engine"], first["solved"]) == ("a2-4", "search", True)
    assert (first["seed"], second["seed"]) == (1, 2)
    assert (total["set"], total["runs"], total["solved"]) == ("a", 2, 2)
    assert "search" in machine["versions"]  # type: ignore[operator]


@pytest.mark.usefixtures("here")
def test_peers_run_beside_our_search_and_who_is_absent_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_file(generate(Recipe.A, Size(2, 4), seed=1, name="a2-4"), tmp_path)
    monkeypatch.setattr(SOLVERS[SolverName.VROOM], "module", "no_such_module")

    *runs, machine = answers(
        "peers", str(tmp_path), "--seconds=0.2", "--peer=vroom", "--clock=process"
    )

    assert [run["engine"] for run in runs] == ["search"]
    assert machine["absent"] == ["vroom"]


def test_generate_writes_files_that_can_be_read(tmp_path: Path) -> None:
    words = ["--recipe=pr", "--vehicles=3", "--requests=8", "--count=2", "--seed=5"]

    result = CliRunner().invoke(app, ["bench", "generate", str(tmp_path / "new"), *words])

    assert result.exit_code == 0
    names = [read_instance(file).name for file in list_instances(tmp_path / "new")]
    assert names == ["pr-3-8-5", "pr-3-8-6"]


def test_an_engine_or_a_file_that_nobody_knows_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        CliRunner().invoke(app, ["bench", "solve", "--engine=magic"], catch_exceptions=False)
    assert "routing_model" in str(caught.value)

    with pytest.raises(NoInstance):
        CliRunner().invoke(app, ["bench", "solve", str(tmp_path / "x")], catch_exceptions=False)


def test_growth_ends_with_its_exponents(tmp_path: Path) -> None:
    first, second, total = answers("growth", "--size=4", "--size=8", "--seconds=0.1", "--seeds=1")

    assert (first["requests"], second["requests"]) == (4, 8)
    assert "steps a second" in total["exponents"]  # type: ignore[operator]


def test_growth_draws_its_curves(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="pip install 'noriai[bench]'")
    from api.bench_growth import draw
    from simulations.bench.growth import Curve

    draw(
        [Curve("steps a second", ((16, 900.0), (64, 210.0))), Curve("none", ())], tmp_path / "g.svg"
    )

    assert "<svg" in (tmp_path / "g.svg").read_text("utf-8")
