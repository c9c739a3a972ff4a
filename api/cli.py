"""The `noriai` command: one word for each thing a town, an operator or a test asks for.

Every command says in one clear sentence what was wrong with its input and then exits with
2; heavy parts are imported inside the commands, so that `noriai --help` answers at once.

See: docs/words.md, command line; docs/simulation.md
"""

# Commands import their parts themselves, so that `noriai --help` does not wait for all of them.
# ruff: noqa: PLC0415

from __future__ import annotations

import sys
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli_backup import add_to as add_backup
from api.cli_bench import add_to as add_bench
from api.cli_bound import add_to as add_bound
from api.cli_serving import add_to as add_serving
from dispatch.errors import NoriaiError
from routing.errors import RoadsError

if TYPE_CHECKING:
    from simulations.day import DaySettings

app = typer.Typer(
    name="noriai",
    help="Noriai (乗合): dispatch for AI demand-responsive shared taxis.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
roads_app = typer.Typer(help="The town's road network.", no_args_is_help=True)
bench_app = typer.Typer(help="Measure this machine.", no_args_is_help=True)
db_app = typer.Typer(help="The service's database.", no_args_is_help=True)
app.add_typer(roads_app, name="roads")
app.add_typer(bench_app, name="bench")
app.add_typer(db_app, name="db")
add_bound(app, bench_app)
add_serving(app)
add_backup(app)
add_bench(bench_app)

BAD_INPUT = 2

Day = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The service day (YYYY-MM-DD).")
]
Breakdown = Annotated[
    datetime | None,
    typer.Option(formats=["%H:%M"], help="A vehicle breaks down at this time (HH:MM)."),
]
TownName = Annotated[str, typer.Option("--town", help="A town's name or the path of its folder.")]
Language = Annotated[
    str | None, typer.Option("--lang", help="ja or en; left out, the machine's own language.")
]
Seed = Annotated[int, typer.Option(help="The same seed gives the same day, event for event.")]


def main() -> None:
    """Run the command line; the sentence of a NoriaiError goes to stderr, with exit code 2."""
    try:
        app(prog_name="noriai")
    except (NoriaiError, RoadsError) as error:
        from api.cli_words import caller_language, sentence_of

        typer.echo(sentence_of(error, caller_language()), err=True)
        sys.exit(BAD_INPUT)


@app.callback()
def check_settings() -> None:
    """Refuse a NORIAI_… in the environment that no command knows."""
    import os

    from api.settings import refuse_unknown_settings

    refuse_unknown_settings(os.environ)


@app.command()
def demo(  # noqa: PLR0913, PLR0917  (each is an option of the command line)
    town: TownName = "kimotsuki",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Where the page is; 0: any free one.")
    ] = 8000,
    speed: Annotated[
        float | None,
        typer.Option(help="Simulated seconds a second at first: 10, in the terminal 150."),
    ] = None,
    seed: Seed = 1,
    headless: Annotated[
        bool, typer.Option("--headless", help="As fast as possible; ends with one JSON line.")
    ] = False,
    terminal: Annotated[
        bool, typer.Option("--terminal", help="A table in the terminal in place of the page.")
    ] = False,
    breakdown: Breakdown = None,
    day: Day = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the day's page and its event log.")
    ] = None,
    lang: Language = None,
) -> None:
    """A whole day of the town's shared taxi: the real service, with its page."""
    from api import cli_day
    from api.cli_words import caller_language

    language, settings = lang or caller_language(), _settings(seed, breakdown, day)
    if headless:
        cli_day.play_headless(town, settings, out, language)
    elif terminal:
        cli_day.play_in_the_terminal(town, settings, speed, out, language)
    else:
        from api.demo import DEFAULT_SPEED, Demo, serve_demo

        out = out or cli_day.DEFAULT_OUT
        pace = DEFAULT_SPEED if speed is None else speed
        serve_demo(Demo(town, settings, pace, port, out, language))


@app.command()
def simulate(
    scenario: Annotated[str, typer.Argument(help="A scenario folder, or a town's name or folder.")],
    out: Annotated[Path | None, typer.Option(help="Folder for events.jsonl and the page.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the figures as one JSON object, last.")
    ] = False,
    seed: Seed = 1,
    day: Day = None,
    breakdown: Breakdown = None,
    look_ahead: Annotated[
        bool, typer.Option(help="Scenario folders: plan for what the day so far lets one expect.")
    ] = False,
) -> None:
    """One simulated day: a scenario folder's requests, or a town's own day."""
    from api.cli_day import play_scenario, play_town_day

    if (Path(scenario) / "scenario.toml").is_file() or Path(scenario, "requests.csv").is_file():
        play_scenario(Path(scenario), out=out, as_json=as_json, seed=seed, look_ahead=look_ahead)
    else:
        play_town_day(scenario, _settings(seed, breakdown, day), out=out, as_json=as_json)


@app.command()
def warm() -> None:
    """Compile every kernel of optimizer and road search, so that nobody waits for it later."""
    from api.cli_service import warm_all

    warm_all()


@app.command()
def audit(
    day: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The recorded day.")],
    database: Annotated[str, typer.Option(help="The database's address.")],
) -> None:
    """Verify a recorded day against its promises again; exit 1 naming what does not hold."""
    from api.cli_service import audit_day

    raise typer.Exit(audit_day(day.date(), database))


@roads_app.command("import")
def roads_import(
    extract: Annotated[Path, typer.Argument(help="An OpenStreetMap extract, FILE.osm.pbf.")],
    town: TownName,
) -> None:
    """Build a town's road network from an OpenStreetMap extract."""
    from api.cli_service import import_town_roads

    import_town_roads(extract, town)


@roads_app.command("basemap")
def roads_basemap(
    tiles: Annotated[Path, typer.Argument(help="Vector tiles, FILE.pmtiles (OpenMapTiles).")],
    town: TownName,
    credit: Annotated[str, typer.Option(help="The credit line that maps must show.")],
) -> None:
    """Build a town's own base map (sea, woods, rivers, peaks) from vector tiles."""
    from api.cli_service import import_town_basemap

    import_town_basemap(tiles, town, credit)


@bench_app.command("insert")
def bench_insert(
    vehicles: Annotated[int, typer.Option(min=1, help="Vehicles in the fleet.")] = 3000,
    stops: Annotated[int, typer.Option(min=0, help="Planned visits of each vehicle.")] = 10,
    seed: Seed = 1,
) -> None:
    """Latency of one offer, as one JSON line with median_ms and p99_ms."""
    from api.cli_service import measure_insertion

    measure_insertion(vehicles, stops, seed)


@bench_app.command("ahead")
def bench_ahead(
    scenario: Annotated[Path, typer.Option(help="A scenario folder; its days are drawn anew.")],
    days: Annotated[int, typer.Option(min=1, help="Days, each played with and without.")] = 20,
    first_seed: Annotated[
        int, typer.Option(help="Seed of the first day; the next ones follow.")
    ] = 1,
    ride_worth: Annotated[
        float | None, typer.Option(min=0, help="Minutes of driving that one ride more may cost.")
    ] = None,
    wait_within: Annotated[
        float | None, typer.Option(min=0, help="Minutes an idle vehicle may be sent; 0: stays.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Only one JSON object.")] = False,
) -> None:
    """The same days with and without looking ahead: paired differences, 95 % confidence."""
    from api.cli_ahead import print_comparison

    print_comparison(scenario, days, first_seed, (ride_worth, wait_within), as_json=as_json)


@bench_app.command("serve")
def bench_serve(  # noqa: PLR0913, PLR0917  (each is an option of the command line)
    database: Annotated[
        list[str] | None,
        typer.Option(help="sqlite, or a PostgreSQL server's address; may be given again."),
    ] = None,
    town: TownName = "kimotsuki",
    vehicles: Annotated[int, typer.Option(min=1, help="Vehicles in the fleet.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long each part asks.")] = 20.0,
    callers: Annotated[int, typer.Option(min=1, help="Callers at once in the second part.")] = 4,
    streams: Annotated[int, typer.Option(min=0, help="Event streams open; 0: none.")] = 0,
    streamed_seconds: Annotated[
        float, typer.Option(min=0.1, help="How long events are sent to open streams.")
    ] = 15.0,
    as_json: Annotated[bool, typer.Option("--json", help="Only the JSON lines.")] = False,
    seed: Seed = 1,
) -> None:
    """Quotes, bookings and streams over HTTP beside a bare transaction of the same size."""
    from api.bench_serve import SQLITE, BenchSettings, print_bench

    databases = tuple(database or (SQLITE,))
    settings = BenchSettings(
        town, databases, vehicles, seconds, callers, streams, seed, streamed_seconds
    )
    print_bench(settings, as_json=as_json)


@db_app.command("upgrade")
def db_upgrade(
    database: Annotated[str, typer.Option(help="The database's address.")],
) -> None:
    """Bring a database to the tables of this version; an empty one is set up."""
    from api.cli_service import upgrade_database

    upgrade_database(database)


def _settings(seed: int, breakdown: datetime | None, day: datetime | None) -> DaySettings:
    from simulations.day import DaySettings

    return DaySettings(
        seed=seed,
        breakdown=None if breakdown is None else time(breakdown.hour, breakdown.minute),
        day=None if day is None else date(day.year, day.month, day.day),
    )
