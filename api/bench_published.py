"""The tables of `noriai bench solve` and `noriai bench peers`.

See: docs/benchmarks.md; docs/decisions/0137-peers-in-one-run.md
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from api.cli_words import ProgressLine, say
from simulations.bench.best_known import data_folder, read_best_known
from simulations.bench.compare import (
    Contest,
    Duel,
    Standing,
    absent,
    duels,
    reason_against,
    run_contest,
    standings,
)
from simulations.bench.published import list_instances, read_instance
from simulations.bench.published_text import Family
from simulations.bench.solve import Run, set_of, summarize
from simulations.bench.solvers import SOLVERS, Budget, Clock, SolverName

SETS = ("bench/darp", "bench/pdptw")
"""The instances of the data folder."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller asked for; `paths` empty: the instances of the data folder."""

    paths: tuple[Path, ...]
    solvers: tuple[SolverName, ...]
    seconds: tuple[float, ...]
    seeds: int
    threads: int
    clock: Clock


def print_solved(wish: Wish, *, as_json: bool) -> None:
    """Solve, and print a line an instance and a line a set."""
    runs = _run(_contest(wish), as_json=as_json)
    if as_json:
        for key, group in _by_set(runs):
            typer.echo(json.dumps({"set": key[0], "seconds": key[1], **summarize(group).figures()}))
        typer.echo(json.dumps(machine(wish.solvers)))
        return
    _show(_instances_table(runs), _sets_table(runs))
    typer.echo(machine_line(wish.solvers))


def print_peers(wish: Wish, *, as_json: bool) -> None:
    """Run everybody, and print a line an instance and a line a peer."""
    missing = absent(wish.solvers)
    for name in missing:
        say(f"{name}: not installed here (pip install 'noriai[bench]')")
    present = tuple(name for name in wish.solvers if name not in missing)
    contest = _contest(
        Wish(wish.paths, present, wish.seconds, wish.seeds, wish.threads, wish.clock)
    )
    reasons = _reasons(contest)
    for reason in reasons:
        say(reason)
    runs = _run(contest, as_json=as_json)
    found = standings(runs)
    if as_json:
        for duel in duels(found):
            typer.echo(json.dumps(duel.figures()))
        absent_names = [str(name) for name in missing]
        facts = machine(present) | {"absent": absent_names, "left_out": reasons}
        typer.echo(json.dumps(facts))
        return
    tables = [_peers_table(found, present, seconds, contest) for seconds in wish.seconds]
    _show(*tables, _duels_table(duels(found)), _times_table(runs))
    typer.echo(machine_line(present))


def _contest(wish: Wish) -> Contest:
    folder = data_folder()
    paths = wish.paths or tuple(folder / name for name in SETS)
    files = tuple(file for path in paths for file in list_instances(path))
    budgets = tuple(
        Budget(seconds, seed, wish.threads, wish.clock)
        for seconds in wish.seconds
        for seed in range(1, wish.seeds + 1)
    )
    return Contest(files, wish.solvers, budgets, read_best_known(folder))


def _run(contest: Contest, *, as_json: bool) -> list[Run]:
    """Every run, told as it comes."""
    runs, line = [], ProgressLine()
    for run in run_contest(contest):
        runs.append(run)
        if as_json:
            typer.echo(json.dumps(run.figures()))
        else:
            line.show(f"{run.instance} {run.solver} {run.budget.seconds:g} s: {_worth(run)}")
    line.done()
    return runs


def _reasons(contest: Contest) -> list[str]:
    """Why some solver is not asked on some files, each reason once."""
    found: dict[str, int] = {}
    for file in contest.files:
        instance = read_instance(file)
        for name in contest.solvers:
            reason = reason_against(name, instance, contest.budgets[0])
            if reason:
                found[reason] = found.get(reason, 0) + 1
    return [f"{reason}: left out on {count} instances" for reason, count in found.items()]


# --- tables --------------------------------------------------------------------------


def _instances_table(runs: Sequence[Run]) -> Table:
    """One line an instance and time: the means over its seeds."""
    table = _table(
        "instance", "requests", "s", "solved", "vehicles", "distance", "best known", "gap %"
    )
    groups: dict[tuple[str, float], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.instance, run.budget.seconds), []).append(run)
    for (name, seconds), group in groups.items():
        mean, best = summarize(group), group[0].best
        solved = [run for run in group if run.solved]
        table.add_row(
            name,
            str(group[0].requests),
            f"{seconds:g}",
            f"{mean.solved} of {mean.runs}",
            _mean(run.vehicles for run in solved),
            _mean((run.distance for run in solved), 2),
            _known(group[0]) if best else "",
            "" if mean.mean_gap_percent is None else f"{mean.mean_gap_percent:.3f}",
        )
        for failure in sorted({run.failure for run in group if run.failure}):
            table.add_row("", "", "", failure)
    return table


def _sets_table(runs: Sequence[Run]) -> Table:
    table = _table("set", "s", "runs", "solved", "mean gap %", "worst gap %", "best fleet")
    for (name, seconds), group in _by_set(runs):
        mean = summarize(group)
        fleet = f"{mean.best_fleets} of {mean.runs}"
        counted = group[0].family is Family.PICKUP_AND_DELIVERY
        table.add_row(
            name,
            f"{seconds:g}",
            str(mean.runs),
            str(mean.solved),
            "" if mean.mean_gap_percent is None else f"{mean.mean_gap_percent:.3f}",
            "" if mean.worst_gap_percent is None else f"{mean.worst_gap_percent:.3f}",
            fleet if counted else "",
        )
    return table


def _peers_table(
    found: Sequence[Standing], solvers: Sequence[SolverName], seconds: float, contest: Contest
) -> Table:
    """One line an instance, one column a solver, and each peer's distance in ours."""
    peers = [name for name in solvers if name is not SolverName.SEARCH]
    ratios = [f"{name} / search" for name in peers]
    table = _table("instance", "best known", *map(str, solvers), *ratios)
    table.title = f"{seconds:g} s"
    cells = {(s.instance, s.solver): s for s in found if s.seconds == seconds}
    for name in dict.fromkeys(s.instance for s in found):
        ours = cells[name, SolverName.SEARCH]
        row = [cells.get((name, solver)) for solver in solvers]
        ratio = [standing.ratio_to(ours) if standing else None for standing in row[1:]]
        best = contest.best_known.get(name.lower())
        known = "" if best is None else _fleet_and_way(best.vehicles, best.distance)
        table.add_row(
            name,
            known,
            *(_standing(standing) for standing in row),
            *("" if value is None else f"{value:.4f}" for value in ratio),
        )
    return table


def _duels_table(found: Sequence[Duel]) -> Table:
    table = _table(
        "peer", "s", "instances", "we are ahead", "it is ahead", "we fewer", "we more", "ratio"
    )
    for duel in found:
        table.add_row(
            str(duel.peer),
            f"{duel.seconds:g}",
            str(duel.instances),
            str(duel.we_ahead),
            str(duel.peer_ahead),
            str(duel.fewer_vehicles),
            str(duel.more_vehicles),
            "" if duel.mean_ratio is None else f"{duel.mean_ratio:.4f}",
        )
    return table


def _times_table(runs: Sequence[Run]) -> Table:
    """Who solved how many, and who kept to the time."""
    table = _table("solver", "s", "runs", "solved", "mean s", "longest s", "mean cpu s")
    groups: dict[tuple[SolverName, float], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.solver, run.budget.seconds), []).append(run)
    for (solver, seconds), group in groups.items():
        table.add_row(
            str(solver),
            f"{seconds:g}",
            str(len(group)),
            str(sum(run.solved for run in group)),
            _mean((run.wall_seconds for run in group), 2),
            f"{max(run.wall_seconds for run in group):.2f}",
            _mean((run.cpu_seconds for run in group), 2),
        )
    return table


def _standing(standing: Standing | None) -> str:
    if standing is None:
        return ""
    if not standing.solved:
        return "not solved"
    counted = standing.family is Family.PICKUP_AND_DELIVERY
    return _fleet_and_way(standing.vehicles if counted else None, standing.distance)


def _known(run: Run) -> str:
    return "" if run.best is None else _fleet_and_way(run.best.vehicles, run.best.distance)


def _fleet_and_way(vehicles: float | None, distance: float) -> str:
    return f"{distance:.2f}" if vehicles is None else f"{vehicles:g} / {distance:.2f}"


def _worth(run: Run) -> str:
    return run.failure or _fleet_and_way(run.vehicles, run.distance)


def _mean(values: Iterator[float], digits: int = 1) -> str:
    numbers = list(values)
    return f"{sum(numbers) / len(numbers):.{digits}f}" if numbers else ""


def _by_set(runs: Sequence[Run]) -> list[tuple[tuple[str, float], list[Run]]]:
    groups: dict[tuple[str, float], list[Run]] = {}
    for run in runs:
        groups.setdefault((set_of(run.instance), run.budget.seconds), []).append(run)
    return list(groups.items())


def _table(*columns: str) -> Table:
    """A table that pastes into a page as it is."""
    table = Table(box=box.MARKDOWN, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", no_wrap=True)
    return table


def _show(*tables: Table) -> None:
    console = Console(width=200, markup=False, highlight=False)
    for table in tables:
        console.print(table)


# --- the machine ---------------------------------------------------------------------


def machine(solvers: Sequence[SolverName]) -> dict[str, object]:
    """What a figure means nothing without: versions, cores, load."""
    return {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "versions": {str(name): SOLVERS[name].version() for name in solvers},
    }


def machine_line(solvers: Sequence[SolverName]) -> str:
    """The same in one line."""
    facts = machine(solvers)
    versions = ", ".join(f"{name} {SOLVERS[name].version()}" for name in solvers)
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{versions}; Python {facts['python']}, {facts['cores']} cores, load average {load}"
