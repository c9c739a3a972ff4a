"""The table and the plot of `noriai bench growth`.

See: docs/benchmarks.md; docs/decisions/0138-cost-of-growth.md
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import util
from pathlib import Path
from statistics import median

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from api.bench_published import machine, machine_line
from api.cli_words import ProgressLine
from dispatch.errors import Unavailable
from simulations.bench.growth import Curve, Growth, curves, measure_growth, warm_up
from simulations.bench.solvers import Clock, SolverName

OURS = (SolverName.SEARCH,)


def print_growth(
    sizes: Sequence[int],
    seconds: float,
    seeds: int,
    clock: Clock,
    plot: Path | None,
    *,
    as_json: bool,
) -> None:
    """Measure size by size, print a table with exponents, and draw it if asked."""
    if plot is not None and util.find_spec("matplotlib") is None:
        raise Unavailable("needs_extra", package="matplotlib", extra="bench")
    runs = _measure(sizes, seconds, seeds, clock, as_json=as_json)
    found = curves(runs)
    if as_json:
        exponents = {curve.name: _rounded(curve.exponent) for curve in found}
        typer.echo(json.dumps({"exponents": exponents, **machine(OURS)}))
    else:
        Console(width=200, markup=False, highlight=False).print(_table(runs))
        for curve in found:
            typer.echo(f"{curve.name}: exponent {_rounded(curve.exponent)}")
        typer.echo(machine_line(OURS))
    if plot is not None:
        draw(found, plot)


def _measure(
    sizes: Sequence[int], seconds: float, seeds: int, clock: Clock, *, as_json: bool
) -> list[Growth]:
    warm_up(clock)
    runs, line = [], ProgressLine()
    for seed in range(1, seeds + 1):
        for size in sizes:
            runs.append(measure_growth(size, seconds, seed, clock))
            if as_json:
                typer.echo(json.dumps(runs[-1].figures()))
            else:
                line.show(f"{size} requests, seed {seed}: {runs[-1].steps_a_second:.0f} steps/s")
    line.done()
    return runs


def _table(runs: Sequence[Growth]) -> Table:
    table = Table(box=box.MARKDOWN)
    names = ("requests", "vehicles", "seeds", "all served", "steps a second", "s to within 2 %")
    for column in names:
        table.add_column(column, justify="right", no_wrap=True)
    for size in sorted({run.requests for run in runs}):
        here = [run for run in runs if run.requests == size]
        times = [run.seconds_to_good for run in here if run.seconds_to_good is not None]
        table.add_row(
            str(size),
            str(here[0].vehicles),
            str(len(here)),
            str(sum(run.served == run.requests for run in here)),
            f"{median(run.steps_a_second for run in here):,.0f}",
            f"{median(times):.3f}" if times else "",
        )
    return table


def draw(found: Sequence[Curve], path: Path) -> None:
    """One panel a curve, both axes logarithmic, with the fitted power law as a line."""
    from matplotlib.figure import Figure  # noqa: PLC0415  (of the extra `bench`)

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, curve in zip(figure.subplots(1, len(found)), found, strict=True):
        axes.set(xscale="log", yscale="log", xlabel="requests", title=curve.name)
        if curve.points:
            x, y = zip(*curve.points, strict=True)
            axes.plot(x, y, "o", color="#1b6e5a")
        if curve.exponent is not None:
            middle = len(x) // 2
            fitted = [y[middle] * (value / x[middle]) ** curve.exponent for value in x]
            label = f"exponent {curve.exponent:.2f}"
            axes.plot(x, fitted, "-", color="#b5541c", linewidth=1, label=label)
            axes.legend(frameon=False)
        axes.grid(visible=True, which="major", linewidth=0.4)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
