"""The simulated world: one clock, one running service, and what both tell each other.

Passengers (`passengers.py`) and vehicles (`vehicles.py`) are SimPy processes that come in by
the service's doors (`doors.py`). The world gives them the time, lets them wait for one another
through the service's own events, and notes what the service cannot know in the journal.

See: docs/simulation.md, world; docs/decisions/0061-the-same-seed-the-same-day.md
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import count
from random import Random
from threading import get_ident
from typing import Any

import simpy

from dispatch.commands.improve import improve
from dispatch.commands.service import Service
from dispatch.driving import PlannedVisit
from dispatch.errors import NoriaiError, UnverifiedPlan
from dispatch.events import Fact, RecordedEvent
from dispatch.optimizer.plan import Kind
from dispatch.ports import Ports
from routing.travel import Point
from simulations.clock import PacedClock
from simulations.demand import Habits
from simulations.doors import CommandDoors, Doors
from simulations.journal import Journal

type Steps[Made] = Generator[simpy.Event, Any, Made]
"""A part of a process that takes simulated time and then gives something back."""

CHANGES_A_MANIFEST = frozenset({Fact.ROUTE_CHANGED, Fact.CONFIRMED})
"""What a driver looks up for: other visits, or a held offer that has become a booking."""

ENDS_A_RIDE = frozenset({Fact.COMPLETED, Fact.NO_SHOW, Fact.CANCELLED, Fact.PROMISE_BROKEN})


@dataclass(frozen=True, slots=True)
class Way:
    """How a vehicle gets from one place to another: planned seconds, metres, and the line."""

    seconds: int
    metres: int
    line: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Manners:
    """How the simulated road differs from the plan.

    driving : real over planned driving time: least, most, most often.
    patience_seconds : how long a driver waits for somebody who is not there.
    iterations : steps of the search after each change; 0 leaves the plan as insertion made it.
    exact : nothing on the road differs from the plan, as published scenarios have it.
    """

    driving: tuple[float, float, float] = (0.88, 1.05, 0.96)
    patience_seconds: int = 60
    iterations: int = 150
    exact: bool = False


class SimulatedClock:
    """The simulation's time as the service's clock: whole seconds after `starts`."""

    def __init__(self, env: simpy.Environment, starts: datetime) -> None:
        self.env = env
        self.starts = starts

    def __call__(self) -> datetime:
        return self.starts + timedelta(seconds=int(self.env.now))


class CountedIds:
    """Identifiers in the order in which they are asked for, so that a day repeats itself."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def __call__(self, prefix: str) -> str:
        return f"{prefix}_{next(self._numbers):07d}"


class Bell:
    """Rung by each commit, from any thread; the world answers it once it is there.

    SimPy knows one thread, the one that made the bell. A ring from another one is noted, and
    answered when the simulation's thread asks for it.

    readers : wakes whoever else reads the outbox.
    outside : is told of a ring from another thread.
    """

    def __init__(self) -> None:
        self.answer: Callable[[], None] | None = None
        self.readers: Callable[[], None] = lambda: None
        self.outside: Callable[[], None] = lambda: None
        self._home = get_ident()
        self._rung_outside = False

    def __call__(self) -> None:
        self.readers()
        if self.answer is None:
            return
        if get_ident() == self._home:
            self.answer()
        else:
            self._rung_outside = True
            self.outside()

    def take_outside(self) -> bool:
        """Whether another thread has rung since this was last asked."""
        rung, self._rung_outside = self._rung_outside, False
        return rung


def simulated_ports(
    env: simpy.Environment, starts: datetime, clock: PacedClock | None = None
) -> tuple[Ports, Bell]:
    """Ports whose clock is the simulation's, and the bell that each commit rings.

    clock : the time in its place, for a day that others watch.
    """
    bell = Bell()
    now = SimulatedClock(env, starts) if clock is None else clock.now
    return Ports(now, CountedIds(), wake_readers=bell), bell


class World:
    """What every process of one simulated day shares.

    doors : by which passengers and drivers come in.
    has_visitors : others use the service as well, so that an act may come too late.
    positions_every : seconds between two reports of a vehicle's position; None: it reports none.
    """

    def __init__(
        self,
        env: simpy.Environment,
        service: Service,
        bell: Bell,
        day: date,
        seed: int,
        manners: Manners,
    ) -> None:
        self.env = env
        self.service = service
        self.doors: Doors = CommandDoors(service)
        self.has_visitors = False
        self.positions_every: Callable[[], float] | None = None
        self.day = day
        self.seed = seed
        self.manners = manners
        self.journal = Journal()
        self.recent: list[RecordedEvent] = []
        self.drivers: dict[str, simpy.Process] = {}
        self.habits: dict[str, Habits] = {}
        self.on_call: Callable[[str, Sequence[PlannedVisit], datetime], None] | None = None
        self._bell = bell
        self._read = 0
        self._unread = False
        self._moved: dict[str, simpy.Event] = {}
        self._ended: dict[str, simpy.Event] = {}
        bell.answer = self.hear_bell

    # --- time -----------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """The simulated moment (UTC)."""
        return self.service.now()

    def after(self, seconds: float) -> simpy.Event:
        """An event that many whole seconds from now, at once if it is not positive."""
        return self.env.timeout(max(0, round(seconds)))

    def until(self, moment: datetime) -> simpy.Event:
        """An event at `moment`, at once if that has passed."""
        return self.after((moment - self.now).total_seconds())

    def local(self, moment: datetime) -> datetime:
        """A moment as the town's clocks show it."""
        return moment.astimezone(self.service.town.zone)

    def chance(self, *about: object) -> Random:
        """Chance that depends on the seed and on what it is about, not on what came before."""
        return Random("/".join(str(part) for part in (self.seed, *about)))

    # --- what the service tells ------------------------------------------------------------

    def hear_bell(self, after: float = 0) -> None:
        """Something was committed: read the outbox once the present moment's acts are done."""
        if not self._unread:
            self._unread = True
            self.env.timeout(after).callbacks.append(lambda _: self.read_outbox())

    def hear_outside(self, after: float = 0) -> None:
        """The same for what other threads have committed."""
        if self._bell.take_outside():
            self.hear_bell(after)

    def read_outbox(self) -> None:
        """Wake who waits for a route or a booking that an event of the service is about."""
        self._unread = False
        self.service.store.publish()
        for recorded in self.service.store.list_events(self._read):
            self._read = recorded.number
            self.recent.append(recorded)
            event = recorded.event
            if event.route_id is not None and event.fact in CHANGES_A_MANIFEST:
                self._ring(self._moved, event.route_id)
            if event.booking_id is not None and event.fact in ENDS_A_RIDE:
                self._ring(self._ended, event.booking_id)

    def route_moved(self, route_id: str) -> simpy.Event:
        """Happens when the visits of this route next change."""
        return self._waiting(self._moved, route_id)

    def ride_ended(self, booking_id: str) -> simpy.Event:
        """Happens when this booking is completed, cancelled, given up or broken."""
        return self._waiting(self._ended, booking_id)

    def _waiting(self, bells: dict[str, simpy.Event], key: str) -> simpy.Event:
        if key not in bells:
            bells[key] = self.env.event()
        return bells[key]

    def _ring(self, bells: dict[str, simpy.Event], key: str) -> None:
        if key in bells:
            bells.pop(key).succeed()

    # --- what the world asks of the service -------------------------------------------------

    def habits_of(self, booking_id: str) -> Habits:
        """What this party does when it comes to it."""
        return self.habits.get(booking_id, Habits())

    def note_call(self, vehicle_id: str, call: Sequence[PlannedVisit], began: datetime) -> None:
        """These visits are served in the call that the vehicle began then."""
        if self.on_call is not None:
            self.on_call(vehicle_id, call, began)

    def aboard(self, route_id: str) -> int:
        """Passengers in a vehicle just now."""
        waiting = set[str]()
        riding = set[str]()
        for visit in self.service.store.get_route(route_id).visits:
            if visit.kind is Kind.PICKUP:
                waiting.add(visit.subject)
            elif visit.kind is Kind.DROPOFF:
                riding.add(visit.subject)
        on_board = sorted(riding - waiting)
        return sum(b.party.passengers for b in self.service.store.list_bookings_by_id(on_board))

    def improve(self) -> None:
        """Let the search look for a better plan, as the running service does in the background.

        It is given a number of steps, not a time, so that a day repeats itself.
        """
        if self.manners.iterations == 0:
            return
        number = self.journal.improvements
        self.journal.improvements += 1
        found = improve(
            self.day, self.service, iterations=self.manners.iterations, seed=self.seed + number
        )
        self.journal.saved_cost += max(0, found.saved)

    def attempt[Made](self, act: Callable[[], Made]) -> Made | NoriaiError:
        """Do something the service may refuse; a defect in a plan is noted and goes on up."""
        try:
            return act()
        except UnverifiedPlan as defect:
            self.journal.defects.append(str(defect))
            raise
        except NoriaiError as error:
            return error

    def seconds_between(self, origin: Point, destination: Point) -> int:
        """Planned driving time between two places."""
        places = self.service.places
        return int(places.seconds[places.index_of(origin), places.index_of(destination)])

    def way(self, origin: Point, destination: Point) -> Way:
        """The way between two places: seconds as planned, and the line to draw."""
        places = self.service.places
        start, end = places.index_of(origin), places.index_of(destination)
        seconds = int(places.seconds[start, end])
        leg = places.travel.leg(origin, destination)
        return Way(seconds, int(places.metres[start, end]), leg.line)
