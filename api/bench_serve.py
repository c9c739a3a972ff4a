"""What the running service costs a caller: quotes, bookings and streams over HTTP, measured.

A town of so many vehicles with a day that is half booked; a real server process; callers
with connections of their own. Beside each booking a bare transaction of the same rows is
written in the same run, so that slow disks and busy machines weigh on both alike. Each
booking is cancelled again: the day stays as full as it was.

See: docs/benchmarks.md, serve
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import httpx
import typer
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from api.bench_streams import Heard, listening
from api.cli_words import step
from dispatch.booking import Place
from dispatch.commands.sign_in import issue_token
from dispatch.errors import Unavailable
from dispatch.store.tokens import Role
from dispatch.store.transaction import place_of_database
from dispatch.town_file import load_town
from dispatch.wiring import build_service
from simulations.bench.bare import Bare, Sample, bare_writer, sample_of
from simulations.bench.full_day import (
    BOOKED_PER_VEHICLE,
    Wished,
    day_to_fill,
    fill_day,
    write_town,
)

ROOT = "/api/v1"
SQLITE = "sqlite"
READY_WITHIN_SECONDS = 180.0
WARM_UP = 150
"""Most calls before anything is counted: where people live is looked up once in a process."""

CALM_SECONDS = 0.25
"""Between two calls of a calm caller: what the one before has left to do is done by then."""

PAUSE_SECONDS = 0.5
"""Between two calls while streams are open: each is one burst of some four events."""


@dataclass(frozen=True, slots=True)
class BenchSettings:
    """What is measured.

    databases : "sqlite", or the address of a PostgreSQL server; each run has a new database.
    seconds : how long one caller asks alone without a pause, as long calmly, and again so many
        at once.
    streams : how many streams are open while events are sent; 0 leaves that out.
    streamed_seconds : how long events are sent to them.
    """

    town: str = "kimotsuki"
    databases: tuple[str, ...] = (SQLITE,)
    vehicles: int = 5
    seconds: float = 20.0
    callers: int = 4
    streams: int = 0
    seed: int = 1
    streamed_seconds: float = 15.0


@dataclass(slots=True)
class Times:
    """How long each call took, in milliseconds, by what it was."""

    quote: list[float] = field(default_factory=list)
    booking: list[float] = field(default_factory=list)
    cancel: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    refused: int = 0

    def figures(self) -> dict[str, Any]:
        """Median and 99th percentile of each, and how they compare."""
        told: dict[str, Any] = {
            name: summary(values)
            for name in ("quote", "booking", "cancel", "bare")
            if (values := getattr(self, name))
        }
        if self.bare and self.booking:
            told["bookings_cost_bare"] = round(median(self.booking) / median(self.bare), 2)
        return {**told, "refused": self.refused}


def summary(milliseconds: Sequence[float]) -> dict[str, float | int]:
    """Count, median, 99th percentile and the longest."""
    in_order = sorted(milliseconds)
    return {
        "count": len(in_order),
        "median_ms": round(median(in_order), 2),
        "p99_ms": round(in_order[min(len(in_order) - 1, int(0.99 * len(in_order)))], 2),
        "max_ms": round(in_order[-1], 2),
    }


def bench_serve(settings: BenchSettings) -> list[dict[str, Any]]:
    """Measure a service on each database; raises Unavailable where one is not there."""
    return [_measure(settings, database) for database in settings.databases]


def _measure(settings: BenchSettings, database: str) -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory(prefix="noriai-bench-") as name,
        _databases(database, Path(name)) as (served, beside),
    ):
        town = write_town(settings.town, settings.vehicles, Path(name) / "town")
        kind = make_url(served).get_backend_name()
        with step(f"{kind}: {settings.vehicles} vehicles, booking the day"):
            wishes, token, sample = _prepare(town, served, settings)
        with (
            _server(town, served, Path(name)) as port,
            bare_writer(beside, sample) as bare,
            step(f"{kind}: measuring"),
        ):
            found = _drive(port, token, wishes, bare, settings)
    return {
        "database": kind,
        "vehicles": settings.vehicles,
        "booked": settings.vehicles * BOOKED_PER_VEHICLE,
        "load_average": round(os.getloadavg()[0], 2),
        **found,
    }


def _prepare(
    town: Path, database: str, settings: BenchSettings
) -> tuple[list[Wished], str, Sample]:
    """Book the day; what else is wished, an operator's token, what a booking writes."""
    service = build_service(load_town(town), database_url=database)
    try:
        rides = settings.vehicles * BOOKED_PER_VEHICLE
        wishes = fill_day(service, settings.seed, rides)
        token = issue_token(Role.OPERATOR, None, service.store, service.ports)
        service.store.publish()
        return wishes, token, sample_of(service.store, day_to_fill(service))
    finally:
        service.store.close()


# --- asking ----------------------------------------------------------------------------------


def _drive(
    port: int, token: str, wishes: Sequence[Wished], bare: Bare, settings: BenchSettings
) -> dict[str, Any]:
    known = wishes[:WARM_UP]
    with _caller(port, token) as client:
        _ask_for(client, known, Times(), until=_calls(len(known)))
        alone = _ask_for(client, known, Times(), until=_for(settings.seconds), bare=bare)
        calm = _ask_for(client, known, Times(), until=_for(settings.seconds), pause=CALM_SECONDS)
    found = {"alone": alone.figures(), "calm": calm.figures()}
    if settings.callers > 1:
        found["together"] = _ask_together(port, token, known, settings)
    if settings.streams:
        found["streams"] = _streams(port, token, known, settings)
    return found


def _ask_together(
    port: int, token: str, wishes: Sequence[Wished], settings: BenchSettings
) -> dict[str, Any]:
    """Several callers at once, each with its own part of the wishes."""

    def ask(number: int) -> Times:
        with _caller(port, token) as client:
            mine = wishes[number :: settings.callers] or wishes
            return _ask_for(client, mine, Times(), until=_for(settings.seconds))

    with ThreadPoolExecutor(settings.callers) as pool:
        every = list(pool.map(ask, range(settings.callers)))
    both = Times(
        quote=[ms for times in every for ms in times.quote],
        booking=[ms for times in every for ms in times.booking],
        cancel=[ms for times in every for ms in times.cancel],
        refused=sum(times.refused for times in every),
    )
    rate = len(both.booking) / settings.seconds
    return {"callers": settings.callers, "bookings_a_second": round(rate, 1), **both.figures()}


def _ask_for(
    client: httpx.Client,
    wishes: Sequence[Wished],
    times: Times,
    until: Callable[[], bool],
    bare: Bare | None = None,
    pause: float = 0.0,
) -> Times:
    """Quote, book the first offer, cancel it, write a bare transaction; again and again.

    At least until there is one booking, or every wish was refused.
    """
    number = 0
    while not until() or (not times.booking and number < len(wishes)):
        offers = _timed(client, "POST", "/quotes", times.quote, _form(wishes[number % len(wishes)]))
        number += 1
        if not offers["offers"]:
            times.refused += 1
            continue
        offer = {"offer_id": offers["offers"][0]["id"]}
        time.sleep(pause)
        booked = _timed(client, "POST", "/bookings", times.booking, offer)
        time.sleep(pause)
        _timed(client, "DELETE", f"/bookings/{booked['id']}", times.cancel)
        time.sleep(pause)
        if bare is not None:
            began = time.perf_counter()
            bare.write()
            times.bare.append(1000 * (time.perf_counter() - began))
    return times


def _timed(
    client: httpx.Client, method: str, path: str, into: list[float], body: object = None
) -> dict[str, Any]:
    headers = {"Idempotency-Key": uuid4().hex}
    began = time.perf_counter()
    answer = client.request(method, ROOT + path, json=body, headers=headers)
    into.append(1000 * (time.perf_counter() - began))
    answer.raise_for_status()
    told: dict[str, Any] = answer.json()
    return told


def _form(wished: Wished) -> dict[str, Any]:
    ride, needs = wished.ride, wished.party.needs
    times = {"depart_after": ride.depart_after, "arrive_by": ride.arrive_by}
    return {
        "registration_id": wished.registrant_id,
        "origin": _place(ride.origin),
        "destination": _place(ride.destination),
        "party": {"passengers": wished.party.passengers, "needs": list(needs)},
        **{name: moment.isoformat() for name, moment in times.items() if moment},
    }


def _place(place: Place) -> dict[str, Any]:
    if place.stop_id is not None:
        return {"stop_id": place.stop_id}
    return {"lat": place.point.lat, "lon": place.point.lon}


def _for(seconds: float) -> Callable[[], bool]:
    ends = time.monotonic() + seconds
    return lambda: time.monotonic() >= ends


def _calls(most: int) -> Callable[[], bool]:
    left = iter(range(most))
    return lambda: next(left, None) is None


# --- streams ---------------------------------------------------------------------------------


def _streams(
    port: int, token: str, wishes: Sequence[Wished], settings: BenchSettings
) -> dict[str, Any]:
    """Bookings while streams are open: how long each event was on its way to the last of them."""
    times, streams = Times(), settings.streams
    with listening(port, token, streams) as listeners, _caller(port, token) as client:
        over = _for(settings.streamed_seconds)
        _ask_for(client, wishes, times, until=over, pause=PAUSE_SECONDS)
        time.sleep(PAUSE_SECONDS)
        return {"open": streams, **reached(listeners.stop(), streams), **times.figures()}


def reached(heard: Heard, streams: int) -> dict[str, Any]:
    """From the moment that an event names (when its change was decided) to its readers."""
    taken = heard.milliseconds()
    every = [ms for arrivals in taken.values() for ms in arrivals]
    last = [max(arrivals) for arrivals in taken.values()]
    if not every:
        return {"events": 0}
    return {
        "events": len(taken),
        "missing": streams * (max(taken) - min(taken) + 1) - len(every),
        "to_each": summary(every),
        "to_the_last": summary(last),
    }


# --- servers and databases -------------------------------------------------------------------


@contextmanager
def _caller(port: int, token: str) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:
        yield client


@contextmanager
def _server(town: Path, database: str, folder: Path) -> Iterator[int]:
    """A server process of its own; gives its port once it is ready."""
    port = _free_port()
    command = [sys.executable, "-c", "from api.cli import main; main()", "serve"]
    limits = {"NORIAI_WRITES_PER_MINUTE": "0", "NORIAI_READS_PER_MINUTE": "0"}
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  (this program)
            [*command, "--town", str(town), "--database", database, "--port", str(port)],
            env={**os.environ, **limits},
            stderr=log,
        )
        try:
            _wait_until_ready(port, process)
            yield port
        finally:
            process.terminate()
            process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def _wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=10).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise Unavailable(what=f"127.0.0.1:{port}: the server did not become ready")


@contextmanager
def _databases(database: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Two new databases of one kind, gone afterwards: one to serve, one for bare transactions."""
    names = [f"noriai_bench_{uuid4().hex[:12]}" for _ in range(2)]
    if database == SQLITE:
        served, beside = (f"sqlite:///{folder / name}.sqlite" for name in names)
        yield served, beside
        return
    url = make_url(database).set(drivername="postgresql+psycopg")
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            for name in names:
                connection.execute(text(f"CREATE DATABASE {name}"))
    except DBAPIError as error:
        raise Unavailable(what=f"{place_of_database(url)}: {error.orig}") from error
    try:
        served, beside = (
            url.set(database=name).render_as_string(hide_password=False) for name in names
        )
        yield served, beside
    finally:
        with admin.connect() as connection:
            for name in names:
                connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        admin.dispose()


# --- telling ---------------------------------------------------------------------------------


def print_bench(settings: BenchSettings, *, as_json: bool) -> None:
    """Measure, print a table, and end with one JSON line a database."""
    for found in bench_serve(settings):
        if not as_json:
            typer.echo("\n".join(_table(found)))
        typer.echo(json.dumps(found))


def _table(found: dict[str, Any]) -> Iterator[str]:
    yield f"{found['database']}, {found['vehicles']} vehicles, {found['booked']} booked rides"
    yield f"{'':28}{'count':>8}{'median ms':>12}{'p99 ms':>10}{'max ms':>10}"
    for part in ("alone", "calm", "together", "streams"):
        for name, values in found.get(part, {}).items():
            if isinstance(values, dict):
                yield (
                    f"{part + ': ' + name:28}{values['count']:>8}{values['median_ms']:>12}"
                    f"{values['p99_ms']:>10}{values['max_ms']:>10}"
                )
            else:
                yield f"{part + ': ' + name:28}{values:>8}"
