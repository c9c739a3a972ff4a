"""One town's whole day: the demand rings up, the vehicles drive, the story is written down.

Bookings from days before are played at their times, so the simulated clock begins with the
first call and ends when the last vehicle is back in its garage.

See: docs/simulation.md; docs/decisions/0061-the-same-seed-the-same-day.md
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

import simpy

from dispatch.commands.book import expire_holds
from dispatch.commands.drive import open_day
from dispatch.driving import Route, Status
from dispatch.errors import BadInput
from dispatch.events import Fact, RecordedEvent
from dispatch.optimizer.plan import Kind
from dispatch.registration.register import Home, NewRegistrant
from dispatch.town import Town, moment, next_service_day
from dispatch.wiring import build_service
from routing.travel import TravelTimes
from simulations.clock import PacedClock
from simulations.demand import Demand, Outing, demand_of
from simulations.doors import CommandDoors, Doors
from simulations.expected import expected_of
from simulations.passengers import go_out
from simulations.story import BOOKED, Story
from simulations.vehicles import Driver, work_a_shift
from simulations.world import Manners, Steps, World, simulated_ports

FIRST_DAY = date(2026, 6, 9)
"""The day that is simulated when none is named, or the next one on which the town drives."""


LOOK_SECONDS = 0.25
"""How often a day that is played by the clock looks up, in seconds of the wall."""


@dataclass(frozen=True, slots=True)
class DaySettings:
    """What is asked of a simulated day.

    breakdown : local time at which the busiest vehicle breaks down.
    rides : how many rides to wish for; None: as the fleet suggests.
    database : where the day is recorded; it goes with the day unless it has a place.
    """

    seed: int = 1
    day: date | None = None
    breakdown: time | None = None
    rides: int | None = None
    manners: Manners = field(default_factory=Manners)
    database: str = "sqlite://"


def by_command(world: World) -> Doors:
    """The doors of a day that is played as fast as it goes."""
    return CommandDoors(world.service)


class TownDay:
    """A simulated day that can be played step by step.

    clock : the service's time while others watch; None: it is the simulation's own.
    come_in : makes the doors that the day's people use from the first one on.
    """

    def __init__(
        self,
        town: Town,
        travel: TravelTimes,
        settings: DaySettings,
        clock: PacedClock | None = None,
        come_in: Callable[[World], Doors] = by_command,
    ) -> None:
        self.town = town
        self.settings = settings
        self.day = _service_day(settings.day, town)
        self.demand: Demand = demand_of(town, travel, self.day, settings.seed, settings.rides)
        starts = self.demand.outings[0].asks_at.replace(minute=0, second=0) - timedelta(hours=1)
        self._env = simpy.Environment()
        self._clock = clock
        if clock is not None:
            clock.jump_to(starts)
        ports, bell = simulated_ports(self._env, starts, clock)
        self._starts = starts
        self.service = build_service(
            town, database_url=settings.database, ports=ports, travel=travel
        )
        bell.readers = self.service.bell.ring
        if clock is not None:
            bell.outside = clock.wake
        self.world = World(self._env, self.service, bell, self.day, settings.seed, settings.manners)
        self.world.doors = come_in(self.world)
        if town.look_ahead is not None:
            self.service.foresight.by_day[self.day] = expected_of(town, travel, self.day)
        open_day(self.day, self.service)
        for outing in self.demand.outings:
            self._env.process(go_out(outing, _registered(outing, self), self.world))
        for route in self.service.store.list_routes(self.day):
            driver = Driver.of(route, self.world)
            self.world.drivers[driver.route_id] = self._env.process(
                work_a_shift(driver, self.world)
            )
        self._env.process(_sweep_holds(self.world))
        if settings.breakdown is not None:
            self._env.process(_break_one_down(settings.breakdown, self.world))

    @property
    def now(self) -> datetime:
        """The simulated moment (UTC)."""
        return self.world.now

    @property
    def is_over(self) -> bool:
        """Whether every vehicle has ended its duty."""
        return all(not driver.is_alive for driver in self.world.drivers.values())

    @property
    def duty(self) -> tuple[datetime, datetime]:
        """When the first vehicle starts and the last one ends."""
        shifts = [self.service.fleet.shifts[route.shift_id] for route in self._routes()]
        return (
            min(moment(self.day, shift.starts, self.town) for shift in shifts),
            max(moment(self.day, shift.ends, self.town) for shift in shifts),
        )

    def play(self) -> Iterator[datetime]:
        """Play to the end; yields the moment before each step of the simulation."""
        while not self.is_over:
            yield self.now
            if self._clock is not None:
                self._clock.jump_to(self.next_step_at())
            self._env.step()

    def play_by(self, clock: PacedClock, look: Callable[[], bool]) -> None:
        """Play at the clock's pace while `look`, asked a few times a second, says to go on."""
        for _ in self.play():
            is_due = False
            while not is_due:
                is_due = clock.reaches(self.next_step_at(), LOOK_SECONDS)
                seconds = (clock.stop_at_next_second() - self._starts).total_seconds()
                self.world.hear_outside(seconds - self._env.now)
                if not look():
                    return

    def next_step_at(self) -> datetime:
        """When something happens next."""
        return self._starts + timedelta(seconds=self._env.peek())

    def story(self) -> Story:
        """What has happened so far."""
        store = self.service.store
        bookings = [b for b in store.list_bookings(self.day) if b.state in BOOKED]
        events = tuple(store.list_events_of_day(self.day))
        routes = self._routes()
        return Story(
            town=self.town,
            day=self.day,
            seed=self.settings.seed,
            bookings=tuple(b for b in bookings if b.accepted_at is not None),
            vehicle_of=vehicles_of(events, {route.id: route.vehicle_id for route in routes}),
            routes=tuple(routes),
            events=events,
            journal=self.world.journal,
        )

    def close(self) -> None:
        """Let the day's database go."""
        self.service.store.close()

    def _routes(self) -> list[Route]:
        return self.service.store.list_routes(self.day)


def play_day(
    town: Town,
    travel: TravelTimes,
    settings: DaySettings,
    progress: Callable[[TownDay], None] | None = None,
) -> Story:
    """Play a whole day as fast as it goes; `progress` is told about each step."""
    day = TownDay(town, travel, settings)
    try:
        for _ in day.play():
            if progress is not None:
                progress(day)
        return day.story()
    finally:
        day.close()


def vehicles_of(
    events: Sequence[RecordedEvent], vehicle_of_route: dict[str, str]
) -> dict[str, str]:
    """The vehicle that carried each booking in the end."""
    return {
        recorded.event.booking_id: vehicle_of_route[recorded.event.route_id]
        for recorded in events
        if recorded.event.fact is Fact.BOARDED
        and recorded.event.booking_id is not None
        and recorded.event.route_id in vehicle_of_route
    }


def fingerprint(events: Sequence[RecordedEvent]) -> str:
    """A hash of all events, times and payloads: equal for equal days only."""
    digest = hashlib.sha256()
    for recorded in events:
        event = recorded.event
        line = [event.fact, event.at.isoformat(), event.booking_id, event.route_id]
        digest.update(json.dumps([*line, event.payload], sort_keys=True).encode())
    return digest.hexdigest()


def _service_day(wished: date | None, town: Town) -> date:
    day = next_service_day(wished or FIRST_DAY, town)
    if day is None or (wished is not None and day != wished):
        raise BadInput("no_service_day", day=wished or FIRST_DAY)
    return day


def _registered(outing: Outing, day: TownDay) -> str:
    """Put one made-up resident on the register; the name is a number."""
    resident = outing.resident
    home = resident.home
    new = NewRegistrant(
        name=f"住民 {resident.number + 1}",
        kana="ジュウミン",
        phone=f"0901{resident.number:07d}",
        home=Home(home.point, home.name, home.stop_id),
        consent=True,
        channel=resident.channel,
        birth_date=date(day.day.year - resident.age, 1, 1),
        needs=resident.needs,
    )
    return day.world.doors.register(new)


def _sweep_holds(world: World) -> Steps[None]:
    """Offers that nobody took are written off, as the worker of a running service does."""
    while True:
        yield world.after(600)
        world.attempt(lambda: expire_holds(world.service))


def _break_one_down(clock: time, world: World) -> Steps[None]:
    """At `clock` the vehicle with most passengers aboard breaks down (of equals the busiest)."""
    yield world.until(moment(world.day, clock, world.service.town))
    on_duty = [
        route
        for route in world.service.store.list_routes(world.day)
        if route.status not in {Status.OFF_DUTY, Status.FINISHED, Status.OUT_OF_SERVICE}
    ]
    if not on_duty:
        return
    worst = max(
        on_duty,
        key=lambda route: (
            world.aboard(route.id),
            sum(visit.kind is not Kind.BREAK for visit in route.visits),
            route.id,
        ),
    )
    world.drivers[worst.id].interrupt("breakdown")
