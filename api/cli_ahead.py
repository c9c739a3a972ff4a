"""`noriai bench ahead`: what looking ahead brings, on many days and with its uncertainty.

See: docs/benchmarks.md, looking ahead
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import typer

from api.cli_words import ProgressLine
from dispatch.town import LookAheadRules
from simulations.bench.ahead import as_json as in_json
from simulations.bench.ahead import compare, days_of
from simulations.bench.live import Tuning
from simulations.scenario import steps_for
from simulations.scenario_file import load_scenario


def print_comparison(
    folder: Path,
    days: int,
    first_seed: int,
    minutes: tuple[float | None, float | None],
    *,
    as_json: bool,
) -> None:
    """Play `days` days drawn from a scenario in both ways; `minutes`: ride worth, way to wait."""
    scenario = load_scenario(folder)
    rules = LookAheadRules()
    worth, within = minutes
    if worth is not None:
        rules = replace(rules, ride_worth=round(60 * worth))
    if within is not None:
        rules = replace(rules, move_within=round(60 * within))
    without = Tuning(iterations=steps_for(len(scenario.vehicles)))
    with_it = replace(without, look_ahead=rules, second_look=rules.second_look)
    line = ProgressLine()
    found = compare(
        days_of(scenario, days, first_seed),
        without,
        with_it,
        lambda done: line.show(f"{scenario.name}: {done} of {days} days"),
    )
    line.done()
    if as_json:
        typer.echo(json.dumps({"days": days, "first_seed": first_seed, **in_json(found)}))
        return
    typer.echo(f"{'':22}{'without':>10}{'with':>10}   difference, 95 %")
    for one in found:
        typer.echo(f"{one.figure:22}{one.without:10.1f}{one.with_it:10.1f}   {one.difference}")
