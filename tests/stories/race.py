"""What a process of the race does: its residents ask and accept, all at the same time.

A module of its own, since each process of the race imports it anew.

See: docs/store.md, tests
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Protocol

from dispatch.booking import Party, Place
from dispatch.commands.book import accept_offer
from dispatch.commands.quote import quote
from dispatch.commands.service import Service
from dispatch.commands.wishes import Wish
from dispatch.errors import Refused
from dispatch.ports import Ports
from dispatch.wiring import build_service, new_id
from tests.builders import STOPS, GridTravel, a_town, at_km, on_the_clock

VANS = 2
SEATS = 4
THREADS = 4
"""Residents of one process who are on the line at the same time."""


class Gate(Protocol):
    """Where everybody waits for the start."""

    def wait(self) -> object: ...


def open_service(database_url: str) -> Service:
    """The service of one process: a clock that stands, identifiers of its own."""
    return build_service(
        a_town().with_vehicles(VANS, seats=SEATS).town,
        database_url=database_url,
        ports=Ports(now=lambda: on_the_clock("09:30"), new_id=new_id),
        travel=GridTravel(),
    )


def race(database_url: str, residents: range, start: Gate) -> Counter[str]:
    """Every resident asks for the same ride; counts what each was told in the end."""
    service = open_service(database_url)

    def all_processes_start() -> None:
        start.wait()

    ready = Barrier(THREADS, action=all_processes_start)

    def runner(number: int) -> list[str]:
        ready.wait()
        return [seek_a_ride(who, service) for who in residents[number::THREADS]]

    with ThreadPoolExecutor(THREADS) as pool:
        told = Counter(word for words in pool.map(runner, range(THREADS)) for word in words)
    service.store.close()
    return told


def seek_a_ride(who: int, service: Service) -> str:
    """Ask and take the first offer, as one resident does; says how it ended."""
    wish = Wish(
        registrant_id=None,
        origin=place("hall"),
        destination=place("clinic"),
        party=Party(1),
        depart_after=on_the_clock("10:00"),
        channel="phone",
    )
    asked = quote(wish, service, key=f"quote {who}")
    if asked.refusal is not None:
        return f"refused: {asked.refusal.code}"
    try:
        accept_offer(asked.offers[0].id, service, key=f"accept {who}")
    except Refused as refused:
        return f"refused: {refused.code}"
    return "booked"


def place(stop: str) -> Place:
    """A stop by its id."""
    return Place(at_km(*STOPS[stop]), stop, stop)
