"""`noriai gap` and `noriai bench bound`: how far from the best a plan can be.

See: docs/benchmarks.md; docs/words.md, bound
"""

# Each command imports its own part: the kernels take seconds to load.
# ruff: noqa: PLC0415

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer, bench: typer.Typer) -> None:
    """Add the commands to `noriai` and to `noriai bench`."""
    app.command("gap")(gap)
    bench.command("bound")(bench_bound)


def gap(
    day: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The service day.")],
    database: Annotated[str, typer.Option(help="The database's address.")],
    town: Annotated[
        str, typer.Option(help="A town's name or the path of its folder.")
    ] = "kimotsuki",
    seconds: Annotated[float, typer.Option(min=0.1, help="How long to look.")] = 30.0,
) -> None:
    """Say how far from the best possible a day's plan is: proven best, or within so much."""
    from api.cli_service import find_day_gap

    find_day_gap(day.date(), database, town, seconds)


def bench_bound(  # noqa: PLR0913, PLR0917  (each is an option of the command line)
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Published instances; none: days of the town.", exists=True),
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="Processor time for each bound.")] = 30.0,
    search_seconds: Annotated[
        float, typer.Option(min=0.1, help="Processor time for each plan before.")
    ] = 5.0,
    town: Annotated[
        str, typer.Option(help="A town's name or the path of its folder.")
    ] = "kimotsuki",
    vehicles: Annotated[int, typer.Option(min=1, help="Vehicles of the town.")] = 4,
    rides: Annotated[int, typer.Option(min=1, help="Rides booked on each day.")] = 60,
    days: Annotated[int, typer.Option(min=1, help="Days of the town, seeds 1, 2, …")] = 20,
    seed: Annotated[int, typer.Option(help="Seed of the searches.")] = 1,
) -> None:
    """What no plan can cost less than, and how near the plan found is: a JSON line each."""
    from simulations.bench.bound import Effort, measure_file, measure_town, summary

    effort = Effort(search_seconds, seconds, seed)
    found = (
        (measure_file(file, effort) for file in files)
        if files
        else measure_town(town, vehicles, rides, range(1, days + 1), effort)
    )
    measured = []
    for each in found:
        measured.append(each)
        typer.echo(json.dumps(each.figures()))
    typer.echo(json.dumps(summary(measured)))
