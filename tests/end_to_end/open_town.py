"""The first town on a real port, for browsers: a clock that a test sets, rides that it books.

See: docs/web.md
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from threading import Thread

import uvicorn

from api.serving import listen, web_server
from api.settings import HttpSettings
from dispatch.booking import Booking, Party, Place
from dispatch.commands import book, drive
from dispatch.commands.quote import Quote, quote
from dispatch.commands.register import register
from dispatch.commands.service import Service
from dispatch.commands.sign_in import issue_token
from dispatch.commands.wishes import Wish
from dispatch.driving import Route
from dispatch.ports import Ports
from dispatch.registration.register import Home, NewRegistrant
from dispatch.store.tokens import Role
from dispatch.town_file import find_town, load_town
from dispatch.wiring import build_service
from tests.builders import CountedIds, FakeClock

DAY = date(2026, 6, 9)
"""A plain Tuesday on which the town drives."""

LONGEST_STOP_SECONDS = 20


@dataclass(slots=True)
class OpenTown:
    """A running service; `start` and `stop` its server as often as a test likes."""

    service: Service
    clock: FakeClock
    token: str
    port: int = 0
    _running: tuple[uvicorn.Server, Thread] | None = field(default=None, init=False)

    @property
    def address(self) -> str:
        """Where the pages are."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Answer on the same port as before, the first time on any free one."""
        listener = listen("127.0.0.1", self.port)
        self.port = listener.getsockname()[1]
        settings = HttpSettings(reads_per_minute=0, strangers_per_minute=0)
        server = web_server(self.service, settings)
        thread = Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        self._running = server, thread

    def stop(self) -> None:
        """End the server with its streams."""
        assert self._running is not None
        server, thread = self._running
        server.should_exit = True
        thread.join(LONGEST_STOP_SECONDS)
        assert not thread.is_alive(), "the server did not stop"
        self._running = None

    def close(self) -> None:
        """End everything."""
        if self._running is not None:
            self.stop()
        self.service.store.close()

    def ask(self, origin: str, destination: str, depart_after: str) -> Quote:
        """Somebody wishes to ride between two stops, by their ids."""
        wish = Wish(
            self._somebody(),
            self._stop(origin),
            self._stop(destination),
            Party(1, ()),
            depart_after=_moment(depart_after),
            channel="phone",
        )
        return quote(wish, self.service)

    def book(self, origin: str, destination: str, depart_after: str) -> Booking:
        """The same, and they take the first offer."""
        offers = self.ask(origin, destination, depart_after).offers
        return book.accept_offer(offers[0].id, self.service)

    def set_out(self, booking: Booking) -> Route:
        """The vehicle of this booking starts its duty and drives to its first call."""
        assert booking.route_id is not None
        drive.start_duty(booking.route_id, self.service)
        route = self.service.store.get_route(booking.route_id)
        self.clock.now = max(self.clock.now, route.visits[0].leaves_at)
        return drive.depart(booking.route_id, self.service)

    def _stop(self, stop_id: str) -> Place:
        stop = next(stop for stop in self.service.town.stops if stop.id == stop_id)
        return Place(stop.point, stop.name, stop.id)

    def _somebody(self) -> str:
        stop = self.service.town.stops[0]
        number = self.service.ports.new_id("n").removeprefix("n_")
        new = NewRegistrant(
            name="肝付 花子",
            kana="きもつき はなこ",
            phone=f"09010{number:0>6}",
            home=Home(stop.point, stop.name, stop.id),
            consent=True,
            channel="phone",
        )
        return register(new, self.service).id


def open_town() -> OpenTown:
    """The first town at ten past nine, with nobody in it yet."""
    clock = FakeClock(_moment("09:10"))
    ports = Ports(now=clock, new_id=CountedIds())
    service = build_service(load_town(find_town("kimotsuki")), ports=ports)
    drive.open_day(DAY, service)
    town = OpenTown(service, clock, issue_token(Role.OPERATOR, None, service.store, ports))
    town.start()
    return town


def _moment(clock: str) -> datetime:
    zone = timedelta(hours=9)
    return datetime.combine(DAY, time.fromisoformat(clock), tzinfo=UTC) - zone
