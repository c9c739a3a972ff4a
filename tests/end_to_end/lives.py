"""A process that books and drives until it is killed, and what it says before that.

Each life carries on where the last one was cut off: it looks at the store, asks again under
the same key for what it had no answer to, and goes on. After each answer it sends a few
words down its pipe; what is in the pipe has been answered.

See: docs/store.md, tests
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing.connection import Connection

from dispatch.booking import Party, Place
from dispatch.commands import book, drive
from dispatch.commands.quote import quote
from dispatch.commands.service import Service
from dispatch.commands.wishes import Wish
from dispatch.driving import Route, Status
from dispatch.errors import NoriaiError
from dispatch.optimizer.plan import Kind
from dispatch.ports import Ports
from dispatch.wiring import build_service, new_id
from tests.builders import DAY, STOPS, GridTravel, a_town, at_km, on_the_clock

LIFE_MINUTES = 4
"""How much of the day one life lives through at most."""

STEP = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Death:
    """Where a life ends: at this passing of this checkpoint; None: when somebody kills it."""

    checkpoint: str
    passing: int


@dataclass(slots=True)
class Life:
    """One process's time on earth."""

    service: Service
    now: datetime
    tell: Connection

    def answered(self, *words: str) -> None:
        """Say what has been answered; words this few are written whole or not at all."""
        self.tell.send(words)


def live(database_url: str, number: int, tell: Connection, death: Death | None) -> None:
    """Live the `number`-th life: residents book, vans drive, until the end."""
    passings = 0

    def checkpoint(name: str) -> None:
        nonlocal passings
        if death is not None and name == death.checkpoint:
            passings += 1
            if passings == death.passing:
                os.kill(os.getpid(), signal.SIGKILL)

    begins = on_the_clock("09:30") + number * timedelta(minutes=LIFE_MINUTES)
    life = Life(open_service(database_url, lambda: life.now, checkpoint), begins, tell)
    for route in drive.open_day(DAY, life.service):
        if route.status is Status.OFF_DUTY:
            drive.start_duty(route.id, life.service)
            life.answered("started", route.id)
    resident = 0
    while life.now < begins + timedelta(minutes=LIFE_MINUTES) - STEP:
        someone_books(life, f"{number}-{resident}")
        resident += 1
        for route in life.service.store.list_routes(DAY):
            act(life, route)
        life.now += STEP


def open_service(
    database_url: str, now: Callable[[], datetime], checkpoint: Callable[[str], None]
) -> Service:
    """The service of one life."""
    return build_service(
        a_town().with_vehicles(2).town,
        database_url=database_url,
        ports=Ports(now=now, new_id=new_id, checkpoint=checkpoint),
        travel=GridTravel(),
    )


def someone_books(life: Life, resident: str) -> None:
    """Ask for a ride soon and take the first offer, under the resident's own keys."""
    names = sorted(STOPS)
    turn = sum(ord(letter) for letter in resident)
    origin, destination = names[turn % 5], names[(turn // 5 + turn + 1) % 5]
    if origin == destination:
        destination = names[(turn + 2) % 5]
    soon = life.now + timedelta(minutes=1 + turn % 20)
    wish = Wish(None, place(origin), place(destination), Party(1), depart_after=soon)
    life.answered("asks", resident, origin, destination, soon.isoformat())
    take_first_offer(life.service, resident, wish, life.answered)


def take_first_offer(
    service: Service, resident: str, wish: Wish, answered: Callable[..., None]
) -> None:
    """Quote and accept under this resident's keys."""
    try:
        asked = quote(wish, service, key=f"quote {resident}")
        if asked.offers:
            offer = asked.offers[0].id
            booking = book.accept_offer(offer, service, key=f"accept {offer}")
            answered("booked", booking.id, resident)
    except NoriaiError as refused:
        answered("refused", refused.code, resident)


def act(life: Life, route: Route) -> None:
    """The driver does the next thing that can be done, if there is one."""
    service = life.service
    if route.status is Status.DRIVING:
        if route.arrives_at is None or route.arrives_at <= life.now:
            drive.arrive(route.id, service)
            life.answered("arrived", route.id)
        return
    if route.status is not Status.STANDING or not route.visits:
        return
    visit = route.visits[0]
    if visit.point != route.place:
        if visit.leaves_at <= life.now:
            drive.depart(route.id, service)
            life.answered("departed", route.id)
        return
    if visit.ends_at > life.now:
        return
    booking = service.store.get_booking(visit.subject)
    if booking.accepted_at is None:
        return
    if visit.kind is Kind.PICKUP:
        drive.board(visit.subject, service, key=f"board {visit.subject}")
        life.answered("boarded", visit.subject)
    else:
        drive.complete(visit.subject, service, key=f"complete {visit.subject}")
        life.answered("completed", visit.subject)


def place(stop: str) -> Place:
    """A stop by its id."""
    return Place(at_km(*STOPS[stop]), stop, stop)
