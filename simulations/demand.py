"""Who wants to ride on one day, where, when, and with which habits: drawn from one seed.

People live where the town's settlements have their population; they go to the clinic in the
morning, to shops and halls through the day, and home again one to two hours later. Most
book days or hours before, some stand at the door and want to go now. A few cancel, a few
are not there, a few are slow.

See: docs/simulation.md, demand; docs/decisions/0060-demand-from-the-towns-own-facts.md
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from random import Random

from dispatch.booking import Party, Place
from dispatch.town import Settlement, Stop, Town
from routing.travel import Point, TravelTimes

RIDES_PER_VEHICLE = 22
"""Rides wished for a vehicle and day: a rural town's three an hour, some of them refused."""

KILOMETRES_OF_HABIT = 3.0
"""How fast a destination loses its pull with distance: few go over the pass to the doctor."""

HOME_SPREAD_METRES = 220.0
HOME_TO_ROAD_METRES = 120.0


class Purpose(StrEnum):
    """What somebody leaves the house for; the value is the kind of stop they go to."""

    CLINIC = "clinic"
    SHOP = "shop"
    HALL = "hall"
    STATION = "station"
    OTHER = "stop"


@dataclass(frozen=True, slots=True)
class Custom:
    """How people go about one purpose.

    share : of all outings. first, last : hours after opening between which they want to be
    there, with most at `peak`. stay : minutes at the place, from and to. appointment : share
    that must be there by a time, while the others want to leave from a time on.
    """

    share: float
    first: float
    peak: float
    last: float
    stay: tuple[int, int]
    appointment: float


# A rural town's day: to the doctor from nine to eleven, home from eleven to one (DOMAIN: the
# field's common knowledge, an assumption that a town's own records replace).
CUSTOMS = {
    Purpose.CLINIC: Custom(0.42, 0.3, 1.0, 3.5, (60, 120), 0.55),
    Purpose.SHOP: Custom(0.30, 0.4, 1.8, 4.6, (45, 80), 0.05),
    Purpose.HALL: Custom(0.13, 0.4, 2.0, 4.4, (75, 120), 0.45),
    Purpose.STATION: Custom(0.07, 0.3, 2.5, 5.4, (60, 110), 0.30),
    Purpose.OTHER: Custom(0.08, 0.3, 2.5, 4.6, (60, 110), 0.10),
}


@dataclass(frozen=True, slots=True)
class Resident:
    """Somebody on the register: where they live, how old, what they need; no name is drawn."""

    number: int
    home: Place
    settlement: str
    age: int
    needs: tuple[str, ...]
    channel: str


@dataclass(frozen=True, slots=True)
class Habits:
    """What this party will do when it comes to it.

    flexible : takes another time when the wished one is refused.
    cancels_before : cancels this long before the pickup, None if it does not.
    absent : is not at the door. boarding, alighting : real time for getting in and out over the
    planned; slow_seconds : what it takes on top of that (the purse, the stick, the neighbour).
    """

    flexible: bool = True
    cancels_before: timedelta | None = None
    absent: bool = False
    boarding: float = 1.0
    alighting: float = 1.0
    slow_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Ride:
    """One wish: from where to where, and from or by when (neither: now)."""

    origin: Place
    destination: Place
    depart_after: datetime | None = None
    arrive_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class WayHome:
    """The ride back. `depart_after` when it is booked together with the way there; None when
    they ring as soon as they are done, `stay` after they arrived.
    """

    stay: timedelta
    depart_after: datetime | None
    habits: Habits


@dataclass(frozen=True, slots=True)
class Outing:
    """One party's day out: when they ask, the way there, and perhaps the way home."""

    number: int
    resident: Resident
    purpose: Purpose
    party: Party
    asks_at: datetime
    there: Ride
    habits: Habits
    home: WayHome | None


@dataclass(frozen=True, slots=True)
class Demand:
    """All outings of one service day, in the order in which people first ask."""

    day: date
    outings: tuple[Outing, ...]

    @property
    def wished_rides(self) -> int:
        """Rides that are asked for if nothing is refused."""
        return sum(1 + (outing.home is not None) for outing in self.outings)


def demand_of(
    town: Town, travel: TravelTimes, day: date, seed: int, rides: int | None = None
) -> Demand:
    """Draw the outings of `day`.

    `rides` is how many rides to wish for; left out, the fleet on duty that weekday decides.
    The same seed draws the same people and wishes.
    """
    fleet = sum(day.weekday() in shift.weekdays for shift in town.shifts)
    wished = rides if rides is not None else RIDES_PER_VEHICLE * max(fleet, 1)
    outings: list[Outing] = []
    asked = 0
    while asked < wished:
        number = len(outings)
        outing = _an_outing(town, travel, day, number, Random(f"{seed}/{number}"))
        outings.append(outing)
        asked += 1 + (outing.home is not None)
    return Demand(day, tuple(sorted(outings, key=lambda outing: (outing.asks_at, outing.number))))


def _an_outing(town: Town, travel: TravelTimes, day: date, number: int, chance: Random) -> Outing:
    settlement = chance.choices(
        town.settlements, weights=[max(place.population, 1) for place in town.settlements]
    )[0]
    resident = _a_resident(town, travel, settlement, number, chance)
    purpose, stop = _an_aim(town, resident.home.point, chance)
    custom = CUSTOMS[purpose]
    opens, closes = _hours_of(town, day)
    wanted = _in_steps(
        opens + timedelta(hours=chance.triangular(custom.first, custom.last, custom.peak))
    )
    ride_time = timedelta(seconds=_direct_seconds(travel, resident.home.point, stop.point))
    appointment = chance.random() < custom.appointment and wanted - ride_time > opens + timedelta(
        minutes=30
    )
    leaves = wanted if not appointment else wanted - ride_time - timedelta(minutes=15)
    there = Ride(
        resident.home,
        Place(stop.point, stop.name, stop.id),
        depart_after=None if appointment else wanted,
        arrive_by=wanted if appointment else None,
    )
    asks_at = _asks_at(leaves, day, town, chance)
    if asks_at >= leaves - timedelta(minutes=20) and not appointment:
        there = Ride(there.origin, there.destination)  # somebody who wants to go now
        asks_at = max(leaves, opens)
    passengers = chance.choices((1, 2, 3), weights=(86, 12, 2))[0]
    return Outing(
        number,
        resident,
        purpose,
        Party(passengers, resident.needs),
        asks_at.astimezone(UTC),
        there,
        _habits(chance),
        _way_home(leaves + ride_time, closes, ride_time, custom, chance),
    )


def _a_resident(
    town: Town, travel: TravelTimes, settlement: Settlement, number: int, chance: Random
) -> Resident:
    age = int(chance.triangular(66, 94, 80)) if chance.random() < 0.86 else chance.randint(19, 65)
    known = town.load_by_need.keys() | town.boarding.by_need.keys()
    drawn = chance.random()
    need = ""
    if age >= 75:
        need = "wheelchair" if drawn < 0.05 else "walker" if drawn < 0.2 else ""
    return Resident(
        number=number,
        home=_a_home(town, travel, settlement, chance),
        settlement=settlement.id,
        age=age,
        needs=(need,) if need in known else (),
        channel="phone" if chance.random() < (0.75 if age >= 65 else 0.3) else "web",
    )


def _a_home(town: Town, travel: TravelTimes, settlement: Settlement, chance: Random) -> Place:
    """A house near the settlement's middle, at a road; the middle itself if none is found."""
    for _ in range(8):
        point = _moved(
            settlement.point,
            chance.gauss(0, HOME_SPREAD_METRES),
            chance.gauss(0, HOME_SPREAD_METRES),
        )
        snap = travel.snap(point)
        if snap.distance_metres <= HOME_TO_ROAD_METRES and _inside(town, snap.point):
            return Place(_rounded(snap.point), settlement.name)
    return Place(settlement.point, settlement.name)


def _an_aim(town: Town, home: Point, chance: Random) -> tuple[Purpose, Stop]:
    """What for, and to which stop: the nearer ones far more often."""
    for _ in range(50):
        purpose = chance.choices(
            tuple(CUSTOMS), weights=[custom.share for custom in CUSTOMS.values()]
        )[0]
        stops = [stop for stop in town.stops if stop.kind == purpose.value and not stop.closed]
        far = [(stop, kilometres(home, stop.point)) for stop in stops]
        reachable = [(stop, way) for stop, way in far if way >= 0.5]
        if reachable:
            weights = [math.exp(-way / KILOMETRES_OF_HABIT) for _, way in reachable]
            return purpose, chance.choices(reachable, weights=weights)[0][0]
    farthest = max(town.stops, key=lambda stop: kilometres(home, stop.point))
    return Purpose.OTHER, farthest


def _asks_at(leaves: datetime, day: date, town: Town, chance: Random) -> datetime:
    """When they ring: a third a day or more before, a third that morning, the others late."""
    kind = chance.random()
    if kind < 0.36:
        before = chance.choices((1, 2, 3, 4, 6), weights=(50, 22, 12, 8, 8))[0]
        before = min(before, town.booking.days_ahead)
        rings = datetime.combine(day - timedelta(days=before), time(9), town.zone)
        return rings + timedelta(seconds=chance.randrange(8 * 3600))
    if kind < 0.68:
        earliest = datetime.combine(day, time(8), town.zone)
        latest = leaves - timedelta(minutes=45)
        if latest > earliest:
            span = int((latest - earliest).total_seconds())
            return earliest + timedelta(seconds=chance.randrange(span))
    return leaves - timedelta(minutes=chance.randint(0, 15))


def _way_home(
    arrives: datetime, closes: datetime, ride: timedelta, custom: Custom, chance: Random
) -> WayHome | None:
    """Most go home by the same service, half of them having booked it with the way there."""
    stay = timedelta(minutes=chance.randint(*custom.stay))
    leaves = _in_steps(arrives + timedelta(minutes=15) + stay)
    together = chance.random() < 0.5
    drives = chance.random() < 0.86
    habits = _habits(chance)
    if not drives or leaves + ride > closes - timedelta(minutes=35):
        return None
    return WayHome(stay, leaves.astimezone(UTC) if together else None, habits)


def _habits(chance: Random) -> Habits:
    cancels = chance.random() < 0.05
    before = timedelta(minutes=chance.choices((20, 60, 180), weights=(3, 4, 3))[0])
    slow = chance.random() < 0.08
    return Habits(
        flexible=chance.random() < 0.75,
        cancels_before=before if cancels else None,
        absent=chance.random() < 0.02,
        boarding=chance.uniform(0.7, 1.1),
        alighting=chance.uniform(0.7, 1.1),
        slow_seconds=chance.randint(20, 60) if slow else 0,
    )


def _hours_of(town: Town, day: date) -> tuple[datetime, datetime]:
    hours = town.hours[day.weekday()]
    return (
        datetime.combine(day, hours.opens, town.zone),
        datetime.combine(day, hours.closes, town.zone),
    )


def _in_steps(moment: datetime) -> datetime:
    """People say times in steps of five minutes."""
    return moment.replace(minute=moment.minute // 5 * 5, second=0, microsecond=0)


def _direct_seconds(travel: TravelTimes, origin: Point, destination: Point) -> int:
    return int(travel.table((origin,), (destination,)).seconds[0, 0])


def _moved(point: Point, north_metres: float, east_metres: float) -> Point:
    lat = point.lat + north_metres / 111_320
    return Point(lat, point.lon + east_metres / (111_320 * math.cos(math.radians(point.lat))))


def _rounded(point: Point) -> Point:
    return Point(round(point.lat, 6), round(point.lon, 6))


def _inside(town: Town, point: Point) -> bool:
    """Whether `point` lies in the service area (even-odd rule over all rings)."""
    return not town.areas or any(
        sum(_crosses(ring, point) for ring in polygon) % 2 == 1
        for area in town.areas
        for polygon in area.polygons
    )


def _crosses(ring: Sequence[Point], point: Point) -> int:
    """How often a ray to the east of `point` crosses the ring."""
    crossings = 0
    for one, two in zip(ring, (*ring[1:], ring[0]), strict=True):
        if (one.lat > point.lat) != (two.lat > point.lat):
            share = (point.lat - one.lat) / (two.lat - one.lat)
            crossings += one.lon + share * (two.lon - one.lon) > point.lon
    return crossings


def kilometres(one: Point, two: Point) -> float:
    """Distance as the crow flies, on a flat map (good to 0.1 % within a town)."""
    north = (two.lat - one.lat) * 111.32
    east = (two.lon - one.lon) * 111.32 * math.cos(math.radians((one.lat + two.lat) / 2))
    return math.hypot(north, east)
