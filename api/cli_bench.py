"""`noriai bench solve`, `peers`, `generate`, `growth`: the engine on published instances.

Answers go to stdout: a table, or with --json one object a line. What is going on goes to stderr.

See: docs/benchmarks.md; docs/words.md, command line
"""

# The solvers take seconds to load.
# ruff: noqa: PLC0415

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dispatch.errors import BadInput

Paths = Annotated[
    list[Path] | None,
    typer.Argument(help="Instances or folders of them; left out: those of NORIAI_DATA."),
]
Times = Annotated[
    list[float] | None,
    typer.Option("--seconds", min=0.01, help="Time for each plan; may be given again."),
]
Threads = Annotated[int, typer.Option(min=1, help="Threads of our search.")]
Seeds = Annotated[int, typer.Option(min=1, help="Each instance is solved with seeds 1 to so many.")]
ClockName = Annotated[
    str,
    typer.Option(help="wall, or process: the thread's own processor time (a busy machine)."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line, sums at the end.")]


def add_to(bench: typer.Typer) -> None:
    """Add these commands to `noriai bench`."""
    bench.command("solve")(bench_solve)
    bench.command("peers")(bench_peers)
    bench.command("generate")(bench_generate)
    bench.command("growth")(bench_growth)
    bench.command("react")(bench_react)


def bench_solve(
    paths: Paths = None,
    seconds: Times = None,
    threads: Threads = 1,
    seeds: Seeds = 3,
    engine: Annotated[str, typer.Option(help="search or routing_model.")] = "search",
    clock: ClockName = "wall",
    as_json: AsJson = False,
) -> None:
    """Solve published instances: gap to the best known, fleet, and every plan checked."""
    from api.bench_published import Wish, print_solved
    from simulations.bench.solvers import Clock, SolverName

    own = (SolverName.SEARCH, SolverName.ROUTING_MODEL)
    wish = Wish(
        tuple(paths or ()),
        (_one_of(engine, own, "engine"),),
        tuple(seconds or (5.0,)),
        seeds,
        threads,
        _one_of(clock, tuple(Clock), "clock"),
    )
    print_solved(wish, as_json=as_json)


def bench_peers(
    paths: Paths = None,
    seconds: Times = None,
    seeds: Seeds = 1,
    peer: Annotated[
        list[str] | None,
        typer.Option(help="pyvrp, vroom or routing_model; may be given again; left out: all."),
    ] = None,
    clock: ClockName = "wall",
    as_json: AsJson = False,
) -> None:
    """Our search beside every peer that is installed, in turns, one thread each."""
    from api.bench_published import Wish, print_peers
    from simulations.bench.solvers import Clock, SolverName

    peers = tuple(name for name in SolverName if name is not SolverName.SEARCH)
    asked = tuple(_one_of(name, peers, "peer") for name in peer or peers)
    wish = Wish(
        tuple(paths or ()),
        (SolverName.SEARCH, *asked),
        tuple(seconds or (1.0, 3.0, 10.0)),
        seeds,
        1,
        _one_of(clock, tuple(Clock), "clock"),
    )
    print_peers(wish, as_json=as_json)


def bench_generate(
    out: Annotated[Path, typer.Argument(help="The folder to write the instances to.")],
    recipe: Annotated[str, typer.Option(help="a, b, pr, pr_wide, lc1, lr1, lrc1, lc2 …")] = "a",
    vehicles: Annotated[int, typer.Option(min=1, max=1000, help="Vehicles.")] = 4,
    requests: Annotated[int, typer.Option(min=2, max=1000, help="Requests.")] = 32,
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many instances.")] = 1,
    seed: Annotated[int, typer.Option(help="The first one's seed; the others follow.")] = 1,
) -> None:
    """Write instances by the recipes of the field, for those who have no files."""
    from simulations.bench.generate import Recipe, Size, generate
    from simulations.bench.published_text import write_file

    kind, size = _one_of(recipe, tuple(Recipe), "recipe"), Size(vehicles, requests)
    for number in range(seed, seed + count):
        typer.echo(write_file(generate(kind, size, number), out))


def bench_growth(
    size: Annotated[
        list[int] | None,
        typer.Option(min=2, max=4000, help="Requests; may be given again; left out: 16 to 1000."),
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.01, help="Time for each plan.")] = 10.0,
    seeds: Seeds = 3,
    clock: ClockName = "wall",
    plot: Annotated[Path | None, typer.Option(help="Draw it as FILE.svg or FILE.png.")] = None,
    as_json: AsJson = False,
) -> None:
    """Steps a second and time to a good plan against size, with exponents."""
    from api.bench_growth import print_growth
    from simulations.bench.growth import SIZES
    from simulations.bench.solvers import Clock

    kind = _one_of(clock, tuple(Clock), "clock")
    print_growth(size or SIZES, seconds, seeds, kind, plot, as_json=as_json)


def _one_of[Name: str](value: str, names: tuple[Name, ...], option: str) -> Name:
    """The name that `value` is, or a sentence that lists them."""
    for name in names:
        if value == name:
            return name
    raise BadInput("bad_choice", option=option, found=value, choices=", ".join(names))


def bench_react(
    vehicles: Annotated[int, typer.Option(min=1, help="Vehicles in the fleet.")] = 5,
    rides: Annotated[int, typer.Option(min=1, help="Rides known, about so many.")] = 60,
    seconds: Annotated[float, typer.Option(min=0.1, help="Search whose gain is told.")] = 5.0,
    seed: Annotated[int, typer.Option(help="Seed of the fleet and of the search.")] = 1,
    measured: Annotated[int, typer.Option(min=1, help="New bookings.")] = 50,
) -> None:
    """How soon a new booking is in the plan and a better plan follows, as one JSON line."""
    import json

    from simulations.bench.react import bench_react as react

    typer.echo(json.dumps(react(vehicles, rides, seconds, seed, measured)))
