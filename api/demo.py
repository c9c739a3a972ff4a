"""`noriai demo`: a day of the town behind its real doors, with a page to watch it and a clock.

The simulation runs in the main thread and its people come in over HTTP; the web server has a
thread of its own. Until there is something to see the day is played as fast as it goes.

See: docs/simulation.md, the served demo; docs/decisions/0093-a-demo-is-the-service.md
"""

from __future__ import annotations

import json
import logging
import shlex
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Thread
from types import FrameType

import httpx
import structlog
import typer

from api.cli_day import DEFAULT_OUT, recorded, town_and_roads, write_day
from api.demo_doors import HttpDoors
from api.security import ROOT
from api.serving import listen, web_server
from api.settings import HttpSettings
from dispatch.commands.sign_in import issue_token
from dispatch.errors import Unavailable
from dispatch.events import Fact
from dispatch.registration.register import Home, NewRegistrant
from dispatch.store.tokens import Role
from dispatch.town import Stop, Town
from dispatch.wording import sentence
from routing.network import Network
from simulations.clock import PacedClock
from simulations.day import LOOK_SECONDS, DaySettings, TownDay
from simulations.demand import kilometres

HOST = "127.0.0.1"
DEFAULT_SPEED = 10.0

LIVELY_AT_LATEST = timedelta(hours=1)
"""So long after the first vehicle's start the day is shown, even if nobody is aboard yet."""

POSITION_SECONDS = 10.0
"""Simulated seconds between two reports of a vehicle's position, at a leisurely speed."""

POSITIONS_A_SECOND = 2.0
"""Reports of one vehicle in a second of the wall, at most."""

UNCOUNTED = HttpSettings(reads_per_minute=0, writes_per_minute=0, strangers_per_minute=0)
"""A minute of the demo is any number of real ones, so nobody's questions are counted by it."""

STATUS_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Demo:
    """What is asked of a served demo."""

    town: str
    settings: DaySettings
    speed: float = DEFAULT_SPEED
    port: int = 8000
    out: Path = DEFAULT_OUT
    language: str = "ja"


@dataclass(frozen=True, slots=True)
class Host:
    """Where the day is served: its address, an operator's token, and the server's thread."""

    address: str
    token: str
    web: Thread


class StopSignal:
    """Whether somebody has asked the process to end: looked at, never waited for."""

    def __init__(self) -> None:
        self.given = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.given = True


def serve_demo(demo: Demo) -> None:
    """Serve a day until it is stopped. Raises BadInput("port_in_use", "bad_speed")."""
    clock = PacedClock(demo.speed)
    listener = listen(HOST, demo.port)
    stop = StopSignal()
    _keep_quiet()
    try:
        town, travel, network = town_and_roads(demo.town)
        day = TownDay(town, travel, recorded(demo.settings, demo.out), clock)
        try:
            # Served first: the page is there while the day comes to life.
            with served(day, clock, listener) as host:
                _say_where(day, host, demo.language)
                hurry_to_a_lively_moment(day, stop)
                if not stop.given:
                    _watch(day, clock, host, demo, stop, network)
        finally:
            day.close()
    finally:
        listener.close()


def hurry_to_a_lively_moment(day: TownDay, stop: StopSignal) -> None:
    """Play what lies before anybody is aboard: bookings of days before, the first way."""
    latest = day.duty[0] + LIVELY_AT_LATEST
    for _ in day.play():
        lively = any(seen.event.fact is Fact.BOARDED for seen in day.world.recent[-10:])
        if lively or stop.given or day.next_step_at() >= latest:
            return


def _watch(
    day: TownDay,
    clock: PacedClock,
    host: Host,
    demo: Demo,
    stop: StopSignal,
    network: Network,
) -> None:
    """Let the day pass by the clock, its people come in over HTTP, and others watch and book."""
    with closing(HttpDoors(host.address, day.world)) as doors:
        day.world.doors, day.world.has_visitors = doors, True
        day.world.positions_every = lambda: max(POSITION_SECONDS, clock.speed / POSITIONS_A_SECOND)
        _say_how_to_ride(day, host, demo.language)
        status = StatusLine(day, clock, demo.language)

        def goes_on() -> bool:
            status.show()
            if not host.web.is_alive():
                raise Unavailable(what=host.address)
            return not stop.given

        day.play_by(clock, goes_on)
        status.clear()
        clock.set(paused=True)
        page = write_day(day.story(), network, demo.out, demo.language)
        how = "demo_stopped" if stop.given else "demo_over"
        typer.echo(sentence(how, demo.language, page=page))
        while not stop.given:
            time.sleep(LOOK_SECONDS)


@contextmanager
def served(day: TownDay, clock: PacedClock, listener: socket.socket) -> Iterator[Host]:
    """The day's service behind a web server in a thread of its own, once it answers."""
    address = f"http://{HOST}:{listener.getsockname()[1]}"
    server = web_server(day.service, UNCOUNTED, clock=clock)
    web = Thread(target=server.run, kwargs={"sockets": [listener]}, name="web")
    web.start()
    try:
        _wait_for_an_answer(address)
        service = day.service
        token = issue_token(Role.OPERATOR, None, service.store, service.ports)
        yield Host(address, token, web)
    finally:
        server.should_exit = True
        web.join()


def _wait_for_an_answer(address: str) -> None:
    try:
        httpx.get(f"{address}/healthz", timeout=30)
    except httpx.TransportError as error:
        raise Unavailable(what=address) from error


def _say_where(day: TownDay, host: Host, language: str) -> None:
    """Say where the day can be watched."""
    town = day.town.name.get(language, day.town.id)
    typer.echo(sentence("demo_page", language, town=town))
    typer.echo(f"  {host.address}/live#token={host.token}")
    sys.stdout.flush()


def _say_how_to_ride(day: TownDay, host: Host, language: str) -> None:
    """Say by which line a visitor books a ride of their own in this day."""
    typer.echo(sentence("demo_book", language))
    typer.echo(f"  {booking_line(day, host.address, host.token)}")
    sys.stdout.flush()


def booking_line(day: TownDay, address: str, token: str) -> str:
    """One line for a shell that asks for a ride at once and takes the first offer."""
    origin, destination = _a_short_way(day.town)
    visitor = NewRegistrant(
        name="見学者",
        kana="ケンガクシャ",
        phone="09019999999",
        home=Home(origin.point, origin.name, origin.id),
        consent=True,
        channel="counter",
    )
    wish = {
        "registration_id": day.world.doors.register(visitor),
        "origin": {"stop_id": origin.id},
        "destination": {"stop_id": destination.id},
    }
    curl = 'curl -s -H "Authorization: Bearer $T" -H "Content-Type: application/json" -d'
    return (
        f"T={token}; A={address}{ROOT}; {curl} {shlex.quote(json.dumps(wish))} $A/quotes"
        " | grep -o 'bkg_[0-9]*' | head -1"
        f""" | xargs -I% {curl} '{{"offer_id":"%"}}' $A/bookings"""
    )


def _a_short_way(town: Town) -> tuple[Stop, Stop]:
    """Two stops between which people ride: not next door, and not over the mountains."""
    stops = [stop for stop in town.stops if not stop.closed]
    ways = ((one, two) for one in stops for two in stops)
    return next(
        (way for way in ways if 1 < kilometres(way[0].point, way[1].point) < 5),
        (stops[0], stops[-1]),
    )


class StatusLine:
    """One quiet line under the address, where there is a terminal to show it."""

    def __init__(self, day: TownDay, clock: PacedClock, language: str) -> None:
        self._day = day
        self._clock = clock
        self._language = language
        self._counts: Counter[Fact] = Counter()
        self._counted = 0
        self._shown = float("-inf")
        self._is_there = sys.stderr.isatty()

    def show(self) -> None:
        """Show how the day stands, about once a second."""
        if not self._is_there or time.monotonic() - self._shown < STATUS_SECONDS:
            return
        self._shown = time.monotonic()
        recent = self._day.world.recent
        self._counts.update(seen.event.fact for seen in recent[self._counted :])
        self._counted = len(recent)
        self._write(self._text())

    def clear(self) -> None:
        """Leave the line empty."""
        if self._is_there:
            self._write("")

    def _text(self) -> str:
        local = self._clock.now().astimezone(self._day.town.zone)
        return sentence(
            "demo_status",
            self._language,
            time=f"{local:%H:%M}",
            booked=self._counts[Fact.CONFIRMED],
            completed=self._counts[Fact.COMPLETED],
            refused=self._counts[Fact.QUOTE_REFUSED],
            speed=f"{self._clock.speed:g}",
            paused=sentence("demo_paused", self._language) if self._clock.paused else "",
        )

    def _write(self, text: str) -> None:
        sys.stderr.write(f"\r\x1b[2K{text}")
        sys.stderr.flush()


def _keep_quiet() -> None:
    """Only what went wrong is logged: the terminal is the visitor's."""
    structlog.configure(
        processors=[structlog.processors.JSONRenderer(ensure_ascii=False)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
