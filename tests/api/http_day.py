"""A simulated day whose people come in over HTTP: a web server in a thread of its own.

See: docs/simulation.md, the doors
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

from api.demo_doors import HttpDoors
from api.serving import listen, web_server
from api.settings import HttpSettings
from simulations.day import DaySettings, TownDay
from simulations.doors import Doors
from simulations.world import World
from tests.simulations.days import kimotsuki

UNHURRIED = HttpSettings(reads_per_minute=0, writes_per_minute=0, strangers_per_minute=0)
"""A simulated minute passes in no time, and all its questions come at once."""


class WebDoors:
    """Opens the real doors of a day's service when the day asks for doors, and shuts them."""

    def __init__(self) -> None:
        self._listener = listen("127.0.0.1", 0)
        self._shut: Callable[[], None] = lambda: None

    def __call__(self, world: World) -> Doors:
        server = web_server(world.service, UNHURRIED)
        thread = Thread(target=server.run, kwargs={"sockets": [self._listener]})
        thread.start()
        address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        doors = HttpDoors(address, world)

        def shut() -> None:
            doors.close()
            server.should_exit = True
            thread.join(timeout=20)

        self._shut = shut
        return doors

    def close(self) -> None:
        """Stop the server."""
        self._shut()
        self._listener.close()


@contextmanager
def a_day_over_http(settings: DaySettings) -> Iterator[TownDay]:
    """A town's day behind a real web server."""
    town, travel, _ = kimotsuki()
    doors = WebDoors()
    try:
        day = TownDay(town, travel, settings, come_in=doors)
        yield day
        doors.close()
        day.close()
    finally:
        doors.close()
