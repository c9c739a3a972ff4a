"""The commands around a service: warm its kernels, import roads, look after its database.

See: docs/words.md, command line
"""

# Each command imports its own part: the kernels take seconds to load.
# ruff: noqa: PLC0415

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import typer

from api.cli_words import step
from dispatch.errors import Unavailable
from dispatch.town_file import find_town, load_town


def warm_all() -> None:
    """Compile the kernels of road search and optimizer, one line each."""
    with step("roads"):
        from routing.warm import warm as warm_roads

        warm_roads()
    with step("optimizer"):
        from dispatch.optimizer.warm import warm as warm_optimizer

        warm_optimizer()


def import_town_roads(extract: Path, town_name: str) -> None:
    """Build `network.npz` of a town's folder from an OpenStreetMap extract."""
    from routing.importer import import_roads

    town = load_town(find_town(town_name))
    folder = town.folder or find_town(town_name)
    area = json.loads((folder / "area.geojson").read_text("utf-8"))
    with step(f"{extract.name} → {folder / 'network.npz'}"):
        report = import_roads(extract, folder / "network.npz", town.speeds, area)
    typer.echo(str(report))


def import_town_basemap(tiles: Path, town_name: str, credit: str) -> None:
    """Build the base map of a town's folder from vector tiles."""
    from api.basemap import BASEMAP_FILE, bounds_of, known_land
    from routing.basemap import import_basemap, write_basemap

    town = load_town(find_town(town_name))
    path = (town.folder or find_town(town_name)) / BASEMAP_FILE
    with step(f"{tiles.name} → {path}"):
        basemap = import_basemap(tiles, bounds_of(town), credit, known_land(town))
        write_basemap(basemap, path)


def measure_insertion(vehicles: int, stops: int, seed: int) -> None:
    """Print the latency of one offer as one JSON line."""
    from simulations.bench.insert import bench_insert

    typer.echo(json.dumps(bench_insert(vehicles, stops, seed)))


def upgrade_database(database: str) -> None:
    """Bring a database to the tables of this version."""
    from dispatch.store.store import open_store

    store = open_store(database)
    typer.echo(store.place)
    store.close()


def audit_day(day: date, database: str) -> int:
    """Verify a recorded day again; 0 when it holds, 1 when it does not."""
    from dispatch.commands.audit import audit
    from dispatch.store.store import open_store

    _must_exist(database)
    store = open_store(database)
    try:
        report = audit(day, store)
    finally:
        store.close()
    for finding in report.findings:
        typer.echo(str(finding))
    ledger = report.ledger
    typer.echo(
        f"{report.day}: {report.events} events, {report.bookings} bookings, {report.plans} plans;"
        f" promises kept {ledger.kept}, late {ledger.late}, broken {ledger.broken}"
    )
    return 0 if report.sound else 1


def find_day_gap(day: date, database: str, town_name: str, seconds: float) -> None:
    """Print how far from the best possible a day's plan is."""
    from time import monotonic

    from dispatch.commands.gap import find_gap
    from dispatch.optimizer.stopping import Seconds
    from dispatch.wiring import build_service

    _must_exist(database)
    service = build_service(load_town(find_town(town_name)), database_url=database)
    try:
        found = find_gap(day, service, Seconds(seconds, monotonic))
    finally:
        service.store.close()
    typer.echo(
        f"{found.day}: {found.rides} rides, cost {found.cost}, bound {found.bound}"
        f" ({found.how_far.value}): {found}"
    )


def _must_exist(database: str) -> None:
    """An audit reads a database; it does not set an empty one up."""
    path = Path(database.removeprefix("sqlite:///"))
    if database.startswith("sqlite:///") and not path.is_file():
        raise Unavailable(what=f"database {path}: no such file")
