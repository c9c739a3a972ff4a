"""A vehicle's shift as a story: it waits where it stands, sets out in time, drives, stands
while people board and alight, rests, and goes back to its garage.

See: docs/simulation.md, vehicles; docs/decisions/0052-vehicles-wait-where-they-stand.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

import simpy

from dispatch.booking import Booking, State
from dispatch.commands import drive as road
from dispatch.commands.operate import break_down
from dispatch.driving import PlannedVisit, Route
from dispatch.optimizer.plan import Kind
from dispatch.snapshot import boarding_seconds
from dispatch.town import moment
from routing.travel import Point
from simulations.journal import Drive, Rest
from simulations.world import Steps, Way, World

TELLS_A_DELAY_SECONDS = 30
"""A driver who sees that the way takes this much longer than planned says so on the way."""


@dataclass(frozen=True, slots=True)
class Underway:
    """A drive that has begun: which way, since when, and when it will really end."""

    way: Way
    left_at: datetime
    arrives_at: datetime
    towards: str

    def share(self, now: datetime) -> float:
        """The part of the way that lies behind the vehicle, by time."""
        whole = (self.arrives_at - self.left_at).total_seconds()
        return min(1.0, (now - self.left_at).total_seconds() / whole) if whole else 1.0

    def line_until(self, now: datetime) -> tuple[Point, ...]:
        """The part of the line that lies behind the vehicle; its last point is where it is."""
        line = self.way.line
        if len(line) < 2:
            return line
        along = self.share(now) * (len(line) - 1)
        whole = min(int(along), len(line) - 2)
        part = along - whole
        one, two = line[whole], line[whole + 1]
        here = Point(
            round(one.lat + (two.lat - one.lat) * part, 6),
            round(one.lon + (two.lon - one.lon) * part, 6),
        )
        return (*line[: whole + 1], here)


@dataclass(slots=True)
class Driver:
    """Who drives one route: the drive under way, if any, and how many are aboard."""

    route_id: str
    vehicle_id: str
    underway: Underway | None = None
    drives: int = 0
    aboard: int = 0


@dataclass(frozen=True, slots=True)
class Ahead:
    """What a driver sees: the route without held offers, and the bookings it is about.

    Offers that nobody has taken yet are left out: no vehicle waits or drives for those.
    """

    route: Route
    bookings: Mapping[str, Booking]

    @property
    def visits(self) -> tuple[PlannedVisit, ...]:
        """The visits that people have been promised, and the breaks."""
        return tuple(
            visit
            for visit in self.route.visits
            if visit.kind is Kind.BREAK or self.bookings[visit.subject].state is not State.OFFERED
        )

    def name_of(self, visit: PlannedVisit) -> str:
        """The name of the place of a visit."""
        booking = self.bookings[visit.subject]
        return (booking.origin if visit.kind is Kind.PICKUP else booking.destination).name

    def begins(self, visit: PlannedVisit) -> datetime | None:
        """From when a visit can be served: a pickup not before its promised and planned time."""
        if visit.kind is Kind.DROPOFF:
            return None
        return max(self.bookings[visit.subject].promise.pickup_earliest, visit.starts_at)

    def joining(self, call: Sequence[PlannedVisit], began: datetime) -> tuple[PlannedVisit, ...]:
        """Visits at the head of the route, not in `call` yet, that a call begun then serves."""
        known = {(visit.kind, visit.subject) for visit in call}
        here: list[PlannedVisit] = []
        for visit in self.visits:
            if visit.kind is Kind.BREAK or visit.point != self.route.place:
                break
            if (self.begins(visit) or began) > began:
                break
            if (visit.kind, visit.subject) not in known:
                here.append(visit)
        return tuple(here)


def look_ahead(route_id: str, world: World) -> Ahead:
    """The route as it stands, with its bookings."""
    route = world.route(route_id)
    subjects = sorted({visit.subject for visit in route.visits if visit.kind is not Kind.BREAK})
    found = world.service.store.list_bookings_by_id(subjects)
    return Ahead(route, {booking.id: booking for booking in found})


def work_a_shift(driver: Driver, world: World) -> Steps[None]:
    """From the start of duty to the garage; a breakdown ends it where it happens."""
    shift = world.service.fleet.shifts[world.route(driver.route_id).shift_id]
    ends = moment(world.day, shift.ends, world.service.town)
    try:
        yield world.until(moment(world.day, shift.starts, world.service.town))
        road.start_duty(driver.route_id, world.service)
        while True:
            ahead = look_ahead(driver.route_id, world)
            if ahead.visits:
                yield from _towards(ahead, driver, world)
            elif not (yield from _wait_for_work(ahead.route, ends, world)):
                break
        yield from _go_home(driver, world)
        yield world.until(ends)
        road.end_duty(driver.route_id, world.service)
    except simpy.Interrupt:
        _stop_here(driver, world)


def _wait_for_work(route: Route, ends: datetime, world: World) -> Steps[bool]:
    """Wait where the vehicle stands; False once it has to leave for the garage."""
    home = world.service.fleet.end_of(route)
    back = 0 if home is None else world.seconds_between(route.place, home)
    leaves = ends - timedelta(seconds=back)
    if world.now >= leaves:
        return False
    yield world.route_moved(route.id) | world.until(leaves)
    return True


def _towards(ahead: Ahead, driver: Driver, world: World) -> Steps[None]:
    """One step nearer to the next visit: wait, rest, drive, or stand in its call.

    Whoever waits looks again as soon as the route changes.
    """
    visit, route = ahead.visits[0], ahead.route
    if visit.kind is Kind.BREAK:
        starts = visit.starts_at
    elif visit.point == route.place:
        starts = ahead.begins(visit) or world.now
    else:
        starts = _leaves_at(visit, route, world)
    if world.now < starts:
        yield world.until(starts) | world.route_moved(route.id)
    elif visit.kind is Kind.BREAK:
        yield from _rest(visit, driver, world)
    elif visit.point == route.place:
        yield from _stand(ahead, driver, world)
    else:
        yield from _drive_to(visit.point, ahead.name_of(visit), driver, world)


def _leaves_at(visit: PlannedVisit, route: Route, world: World) -> datetime:
    """When to set out: a little early as planned, or to the second where the road is exact."""
    if not world.manners.exact:
        return visit.leaves_at
    way = timedelta(seconds=world.seconds_between(route.place, visit.point))
    return max(visit.leaves_at, visit.starts_at - way)


def _rest(visit: PlannedVisit, driver: Driver, world: World) -> Steps[None]:
    started = world.now
    road.start_break(driver.route_id, world.service)
    yield world.after((visit.ends_at - visit.starts_at).total_seconds())
    road.end_break(driver.route_id, world.service)
    world.journal.rests.append(Rest(driver.vehicle_id, started, world.now))


def _drive_to(goal: Point, name: str, driver: Driver, world: World) -> Steps[None]:
    """Set out, drive as long as the road takes, and arrive; say so when it takes longer."""
    route = world.route(driver.route_id)
    way = world.way(route.place, goal)
    seconds = _real_seconds(way, driver, world)
    drive = Underway(way, world.now, world.now + timedelta(seconds=seconds), name)
    driver.underway = drive
    road.depart(route.id, world.service)
    if seconds - way.seconds >= TELLS_A_DELAY_SECONDS:
        yield world.after(seconds // 2)
        road.report_delay(route.id, drive.arrives_at, world.service)
        world.improve()
    yield world.until(drive.arrives_at)
    _note_drive(driver, drive, way.line, way.metres, world)
    road.arrive(route.id, world.service, where=goal)


def _real_seconds(way: Way, driver: Driver, world: World) -> int:
    """How long the road takes this time."""
    driver.drives += 1
    if world.manners.exact:
        return way.seconds
    drawn = world.chance("drive", driver.vehicle_id, driver.drives)
    return round(way.seconds * drawn.triangular(*world.manners.driving))


def _stand(ahead: Ahead, driver: Driver, world: World) -> Steps[None]:
    """One call: everybody who is due here boards and alights while the vehicle stands.

    Who is given to the vehicle meanwhile, at this very place, boards as well.
    """
    began = world.now
    call: list[PlannedVisit] = []
    absent: set[str] = set()
    seconds = world.service.town.boarding.stop.total_seconds()
    while fresh := ahead.joining(call, began):
        missing = {
            visit.subject
            for visit in fresh
            if visit.kind is Kind.PICKUP and world.habits_of(visit.subject).absent
        }
        world.note_call(ahead.route, fresh, began)
        yield world.after(seconds + _own_seconds(ahead, fresh, missing, world))
        call, absent, seconds = [*call, *fresh], absent | missing, 0.0
        ahead = look_ahead(driver.route_id, world)
    _let_in_and_out(call, absent, driver, world)
    if absent:
        world.improve()


def _let_in_and_out(
    call: Sequence[PlannedVisit], absent: Set[str], driver: Driver, world: World
) -> None:
    """Report who boarded, who alighted and who did not come."""
    for visit in call:
        ahead = look_ahead(driver.route_id, world)
        if visit.subject not in ahead.bookings:
            continue  # cancelled while the vehicle stood at the door
        passengers = ahead.bookings[visit.subject].party.passengers
        if visit.kind is Kind.DROPOFF:
            road.complete(visit.subject, world.service)
            driver.aboard -= passengers
        elif visit.subject in absent:
            road.no_show(visit.subject, world.service)
        else:
            road.board(visit.subject, world.service)
            driver.aboard += passengers


def _own_seconds(
    ahead: Ahead, call: Sequence[PlannedVisit], absent: Set[str], world: World
) -> float:
    """By how much these people, as they are, prolong the standing."""
    town = world.service.town
    seconds = 0.0
    for visit in call:
        habits = world.habits_of(visit.subject)
        planned = boarding_seconds(ahead.bookings[visit.subject].party, town)
        if visit.kind is Kind.PICKUP:
            own = planned * habits.boarding + habits.slow_seconds
        else:
            own = planned * habits.alighting
        seconds += world.manners.patience_seconds if visit.subject in absent else own
    return seconds


def _go_home(driver: Driver, world: World) -> Steps[None]:
    """Back to the garage, without a visit; no new ride fits any more."""
    route = world.route(driver.route_id)
    home = world.service.fleet.end_of(route)
    if home is None or home == route.place:
        return
    garage = world.service.fleet.models[route.vehicle_id]
    yield from _drive_to(home, garage.name, driver, world)


def _stop_here(driver: Driver, world: World) -> None:
    """The vehicle can drive no further: say where it stands; the service takes over."""
    drive = driver.underway
    where = None
    if drive is not None:
        line = drive.line_until(world.now)
        where = line[-1]
        metres = round(drive.way.metres * drive.share(world.now))
        _note_drive(driver, drive, line, metres, world)
    world.journal.broken_down[driver.vehicle_id] = world.now
    break_down(driver.route_id, world.service, "vehicle_breakdown", where)
    world.improve()


def _note_drive(
    driver: Driver, drive: Underway, line: tuple[Point, ...], metres: int, world: World
) -> None:
    world.journal.drives.append(
        Drive(
            vehicle_id=driver.vehicle_id,
            starts=drive.left_at,
            ends=world.now,
            line=line,
            metres=metres,
            aboard=driver.aboard,
            towards=drive.towards,
        )
    )
    driver.underway = None
