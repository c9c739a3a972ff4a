"""A vehicle's shift as a story: it waits where it stands, sets out in time, drives, stands
while people board and alight, rests, and goes back to its garage.

See: docs/simulation.md, vehicles; docs/decisions/0052-vehicles-wait-where-they-stand.md
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

import simpy

from dispatch.driving import PlannedVisit, Route, Status
from dispatch.errors import NoriaiError, UnverifiedPlan
from dispatch.optimizer.plan import Kind
from dispatch.requests import boarding_seconds
from dispatch.town import moment
from routing.travel import Point
from simulations.doors import Ahead
from simulations.journal import Drive, Rest
from simulations.positions import report_positions
from simulations.underway import Underway
from simulations.world import Steps, Way, World

TELLS_A_DELAY_SECONDS = 30
"""A driver who sees that the way takes this much longer than planned says so on the way."""

LOOKS_AGAIN_SECONDS = 5
"""How soon a driver looks again whose act came too late."""


@dataclass(slots=True)
class Driver:
    """Who drives one route: the drive under way, if any, and how many are aboard.

    home : where the vehicle must be when its shift ends; None: anywhere.
    """

    route_id: str
    vehicle_id: str
    shift_id: str
    home: Point | None
    underway: Underway | None = None
    drives: int = 0
    aboard: int = 0

    @classmethod
    def of(cls, route: Route, world: World) -> Driver:
        """The driver of a route."""
        home = world.service.fleet.end_of(route)
        return cls(route.id, route.vehicle_id, route.shift_id, home)


def work_a_shift(driver: Driver, world: World) -> Steps[None]:
    """From the start of duty to the garage; a breakdown ends it where it happens."""
    shift = world.service.fleet.shifts[driver.shift_id]
    ends = moment(world.day, shift.ends, world.service.town)
    try:
        yield world.until(moment(world.day, shift.starts, world.service.town))
        world.doors.start_duty(driver.route_id)
        yield from _serve(driver, ends, world)
        yield world.until(ends)
        world.doors.end_duty(driver.route_id)
    except simpy.Interrupt:
        _stop_here(driver, world)


def _serve(driver: Driver, ends: datetime, world: World) -> Steps[None]:
    """Visit after visit, and back to the garage.

    Where others use the service as well, an act may come too late (somebody has just
    cancelled): the driver looks again.
    """
    on_duty = True
    while on_duty:
        try:
            on_duty = yield from _next_step(driver, ends, world)
        except NoriaiError as error:
            if not world.has_visitors or isinstance(error, UnverifiedPlan):
                raise
            driver.underway = None
            yield world.after(LOOKS_AGAIN_SECONDS)


def _next_step(driver: Driver, ends: datetime, world: World) -> Steps[bool]:
    """Whatever is next; False once the vehicle is in its garage, or can drive no more."""
    ahead = world.doors.ahead(driver.route_id)
    if ahead.status is Status.OUT_OF_SERVICE:
        return False
    if ahead.visits:
        yield from _towards(ahead, driver, world)
    elif not (yield from _wait_for_work(ahead, driver, ends, world)):
        yield from _go_home(ahead, driver, world)
        return False
    return True


def _wait_for_work(ahead: Ahead, driver: Driver, ends: datetime, world: World) -> Steps[bool]:
    """Wait where the vehicle stands; False once it has to leave for the garage."""
    home = driver.home
    back = 0 if home is None else world.seconds_between(ahead.place, home)
    leaves = ends - timedelta(seconds=back)
    if world.now >= leaves:
        return False
    yield world.route_moved(ahead.route_id) | world.until(leaves)
    return True


def _towards(ahead: Ahead, driver: Driver, world: World) -> Steps[None]:
    """One step nearer to the next visit: wait, rest, drive, or stand in its call.

    Whoever waits looks again as soon as the route changes.
    """
    visit = ahead.visits[0]
    if visit.kind is Kind.BREAK:
        starts = visit.starts_at
    elif visit.point == ahead.place:
        starts = ahead.begins(visit) or world.now
    else:
        starts = _leaves_at(visit, ahead.place, world)
    if world.now < starts:
        yield world.until(starts) | world.route_moved(ahead.route_id)
    elif visit.kind is Kind.BREAK:
        yield from _rest(visit, driver, world)
    elif visit.point == ahead.place:
        yield from _stand(ahead, driver, world)
    else:
        yield from _drive_to(visit.point, ahead.name_of(visit), ahead.place, driver, world)


def _leaves_at(visit: PlannedVisit, place: Point, world: World) -> datetime:
    """When to set out: a little early as planned, or to the second where the road is exact."""
    if not world.manners.exact:
        return visit.leaves_at
    way = timedelta(seconds=world.seconds_between(place, visit.point))
    return max(visit.leaves_at, visit.starts_at - way)


def _rest(visit: PlannedVisit, driver: Driver, world: World) -> Steps[None]:
    started = world.now
    world.doors.start_break(driver.route_id)
    yield world.after((visit.ends_at - visit.starts_at).total_seconds())
    world.doors.end_break(driver.route_id)
    world.journal.rests.append(Rest(driver.vehicle_id, started, world.now))


def _drive_to(goal: Point, name: str, place: Point, driver: Driver, world: World) -> Steps[None]:
    """Set out, drive as long as the road takes, and arrive; say so when it takes longer."""
    way = world.way(place, goal)
    seconds = _real_seconds(way, driver, world)
    drive = Underway(way, world.now, world.now + timedelta(seconds=seconds), name)
    driver.underway = drive
    world.doors.depart(driver.route_id)
    if world.positions_every is not None:
        world.env.process(
            report_positions(driver.route_id, drive, lambda: driver.underway is drive, world)
        )
    if seconds - way.seconds >= TELLS_A_DELAY_SECONDS:
        yield world.after(seconds // 2)
        world.doors.delay(driver.route_id, drive.arrives_at)
        world.improve()
    yield world.until(drive.arrives_at)
    _note_drive(driver, drive, way.line, way.metres, world)
    world.doors.arrive(driver.route_id, goal)


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
        world.note_call(ahead.vehicle_id, fresh, began)
        yield world.after(seconds + _own_seconds(ahead, fresh, missing, world))
        call, absent, seconds = [*call, *fresh], absent | missing, 0.0
        ahead = world.doors.ahead(driver.route_id)
    _let_in_and_out(call, absent, driver, world)
    if absent:
        world.improve()


def _let_in_and_out(
    call: Sequence[PlannedVisit], absent: Set[str], driver: Driver, world: World
) -> None:
    """Report who boarded, who alighted and who did not come."""
    for visit in call:
        ahead = world.doors.ahead(driver.route_id)
        if visit.subject not in ahead.riders:
            continue  # cancelled while the vehicle stood at the door
        passengers = ahead.riders[visit.subject].party.passengers
        if visit.kind is Kind.DROPOFF:
            world.doors.complete(driver.route_id, visit.subject)
            driver.aboard -= passengers
        elif visit.subject in absent:
            world.doors.no_show(driver.route_id, visit.subject)
        else:
            world.doors.board(driver.route_id, visit.subject)
            driver.aboard += passengers


def _own_seconds(
    ahead: Ahead, call: Sequence[PlannedVisit], absent: Set[str], world: World
) -> float:
    """By how much these people, as they are, prolong the standing."""
    town = world.service.town
    seconds = 0.0
    for visit in call:
        habits = world.habits_of(visit.subject)
        planned = boarding_seconds(ahead.riders[visit.subject].party, town)
        if visit.kind is Kind.PICKUP:
            own = planned * habits.boarding + habits.slow_seconds
        else:
            own = planned * habits.alighting
        seconds += world.manners.patience_seconds if visit.subject in absent else own
    return seconds


def _go_home(ahead: Ahead, driver: Driver, world: World) -> Steps[None]:
    """Back to the garage, without a visit; no new ride fits any more."""
    if driver.home is None or driver.home == ahead.place:
        return
    garage = world.service.fleet.models[driver.vehicle_id]
    yield from _drive_to(driver.home, garage.name, ahead.place, driver, world)


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
    world.doors.break_down(driver.route_id, where)
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
