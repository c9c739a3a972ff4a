"""`noriai demo --headless` and `--terminal`, `noriai simulate`: a day played and written down.

See: docs/simulation.md
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from time import perf_counter

import typer

from api.cli_words import ProgressLine, caller_language, say
from dispatch.events import RecordedEvent
from dispatch.town import LookAheadRules, Town
from dispatch.town_file import find_town, load_town
from dispatch.wiring import NETWORK_FILE
from dispatch.wording import sentence
from routing.engines.embedded import NetworkTravel
from routing.network import Network, load_network
from simulations import scenario as scenarios
from simulations.day import DaySettings, TownDay, play_day
from simulations.report import write_page
from simulations.scenario_file import load_scenario
from simulations.story import Story
from simulations.terminal import watch_day

TERMINAL_SPEED = 150.0
"""Simulated seconds a second: the eight hours of a day in a little more than three minutes."""

DEFAULT_OUT = Path("out")

DATABASE = "day.sqlite3"
"""The recorded day beside its page: `noriai audit --database sqlite:///out/day.sqlite3`."""


def play_headless(town_name: str, settings: DaySettings, out: Path | None, language: str) -> None:
    """Play a town's day as fast as it goes, with one JSON line last."""
    town, travel, network = town_and_roads(town_name)
    story = _play_fast(town, travel, recorded(settings, out))
    write_day(story, network, out, language)
    typer.echo(json.dumps(_demo_figures(story), ensure_ascii=False))


def play_in_the_terminal(
    town_name: str, settings: DaySettings, speed: float | None, out: Path | None, language: str
) -> None:
    """Play a town's day as a table in the terminal, served to nobody."""
    if speed is not None and speed <= 0:
        raise typer.BadParameter("--speed must be above 0")
    out = out or DEFAULT_OUT
    town, travel, network = town_and_roads(town_name)
    day = TownDay(town, travel, recorded(settings, out))
    try:
        watch_day(day, speed or TERMINAL_SPEED, language)
        page = write_day(day.story(), network, out, language)
    finally:
        day.close()
    typer.echo(sentence("demo_stopped", language, page=page))


def play_town_day(town_name: str, settings: DaySettings, out: Path | None, as_json: bool) -> None:
    """Play a town's day as fast as it goes and write its page, events and figures."""
    town, travel, network = town_and_roads(town_name)
    story = _play_fast(town, travel, recorded(settings, out))
    page = write_day(story, network, out, caller_language())
    figures = _demo_figures(story)
    if as_json:
        typer.echo(json.dumps(figures, ensure_ascii=False))
        return
    for name, value in figures.items():
        typer.echo(f"{name:28} {value}")
    if page is not None:
        typer.echo(str(page))


def play_scenario(
    folder: Path, *, out: Path | None, as_json: bool, seed: int, look_ahead: bool
) -> None:
    """Play a scenario folder and write its events and figures."""
    scenario = load_scenario(folder)
    line = ProgressLine()
    figures, events = scenarios.play_scenario(
        scenario,
        seed,
        progress=lambda asked, of: line.show(f"{scenario.name}: {asked} of {of} requests"),
        look_ahead=LookAheadRules() if look_ahead else None,
    )
    line.done()
    if out is not None:
        scenarios.write_events(events, out / "events.jsonl")
    if as_json:
        typer.echo(json.dumps(asdict(figures)))
        return
    for name, value in asdict(figures).items():
        typer.echo(f"{name:20} {value}")


def town_and_roads(name: str) -> tuple[Town, NetworkTravel, Network]:
    """A town by name or folder, with the travel times of its road network."""
    town = load_town(find_town(name))
    folder = town.folder or find_town(name)
    network = load_network(folder / NETWORK_FILE)
    return town, NetworkTravel(network, town.speeds), network


def recorded(settings: DaySettings, out: Path | None) -> DaySettings:
    """The same day, with its database kept in `out` so that it can be audited afterwards."""
    if out is None:
        return settings
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob(f"{DATABASE}*"):
        old.unlink()
    return replace(settings, database=f"sqlite:///{out / DATABASE}")


def _play_fast(town: Town, travel: NetworkTravel, settings: DaySettings) -> Story:
    began = perf_counter()
    line = ProgressLine()
    said_first = False

    def tell(day: TownDay) -> None:
        nonlocal said_first
        journal = day.world
        if not said_first and journal.habits:
            said_first = True
            say(f"first booking after {perf_counter() - began:.1f} s")
        line.show(f"{day.day} {_clock(day)}  {len(journal.habits)} bookings")

    story = play_day(town, travel, settings, tell)
    line.done()
    say(f"the day took {perf_counter() - began:.1f} s")
    return story


def _clock(day: TownDay) -> str:
    local = day.now.astimezone(day.town.zone)
    return f"{local:%m-%d %H:%M}"


def _demo_figures(story: Story) -> dict[str, object]:
    figures = asdict(story.figures())
    figures["unverified_plans"] = len(story.journal.defects)
    figures["seed"] = story.seed
    figures["day"] = story.day.isoformat()
    return figures


def write_day(story: Story, network: Network, out: Path | None, language: str) -> Path | None:
    """The day's page and its events, if a folder is asked for."""
    if out is None:
        return None
    page = out / "day.html"
    write_page(story, network, page, language)
    with (out / "events.jsonl").open("w", encoding="utf-8") as file:
        for recorded in story.events:
            file.write(json.dumps(_event_form(recorded), ensure_ascii=False) + "\n")
    return page


def _event_form(recorded: RecordedEvent) -> dict[str, object]:
    event = recorded.event
    at: datetime = event.at
    return {
        "time": at.isoformat(),
        "event": event.fact.value,
        "booking": event.booking_id,
        "route": event.route_id,
        **({} if "plan" in event.payload else {"payload": dict(event.payload)}),
    }
