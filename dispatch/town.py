"""What a town decides: where, when, by which rules and at what price it drives.

Each rule of the service stands here once, under the name a transport planner would look
for; `town_file.py` reads them from a town's folder. Nothing in the code knows a town.

See: docs/words.md, town; dispatch/towns/README.md for the files of a town's folder
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import shapely
from shapely.geometry.base import BaseGeometry

from dispatch.duty import DriverHours
from dispatch.errors import NotFound
from dispatch.fares import FareTable
from dispatch.fleet import Garage, Shift, VehicleModel
from dispatch.optimizer.objective import Weights
from routing.places import NamedPlace
from routing.travel import Point


@dataclass(frozen=True, slots=True)
class Stop:
    """A designated place to board and alight. `kind` is stop, clinic, shop, hall, station, …

    `aliases` are further names by which people look for it.
    """

    id: str
    name: str
    kana: str
    point: Point
    kind: str = "stop"
    closed: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settlement:
    """A part of the town where people live (町字, or what the town calls it)."""

    id: str
    name: str
    kana: str
    point: Point
    population: int
    district: str


@dataclass(frozen=True, slots=True)
class Hours:
    """First pickup and last arrival of a service day."""

    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class BookingRules:
    """How people book.

    days_ahead : how many days before the ride a booking opens.
    lead_time : the least time between booking and earliest pickup.
    largest_party : most passengers in one booking, wheelchair users included.
    hold : how long an offer is kept for the caller.
    offers : most offers shown at once; they differ by at least `offer_spacing`.
    search_span : how far from the wished time an offer may lie.
    alternatives_span : how far a refusal looks for times that are bookable.
    """

    days_ahead: int = 14
    lead_time: timedelta = timedelta(0)
    largest_party: int = 6
    hold: timedelta = timedelta(minutes=2)
    offers: int = 3
    offer_spacing: timedelta = timedelta(minutes=15)
    search_span: timedelta = timedelta(minutes=40)
    alternatives_span: timedelta = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class PromiseRules:
    """What an accepted booking is promised.

    pickup_window : latest minus earliest pickup.
    ride_ratio, ride_allowance : the ride takes at most the larger of direct x ratio and
        direct + allowance.
    arrive_early : with "arrive by", at most this much too early.
    reserve : seconds of each promise that planning keeps back for the road.
    """

    pickup_window: timedelta = timedelta(minutes=15)
    ride_ratio: float = 1.5
    ride_allowance: timedelta = timedelta(minutes=12)
    arrive_early: timedelta = timedelta(minutes=30)
    reserve: timedelta = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class BoardingRules:
    """How long a call takes: `stop` once, then for each party by its size and needs."""

    stop: timedelta = timedelta(seconds=30)
    passenger: timedelta = timedelta(seconds=20)
    by_need: Mapping[str, timedelta] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CalmRules:
    """The stability budget: how much of what people were told may change.

    vehicle_changes : how often a booking may move to another vehicle.
    frozen : visits that begin within this time keep their vehicle and order.
    """

    vehicle_changes: int = 1
    frozen: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class LookAheadRules:
    """How far a town looks ahead, and what it pays for it. Times in seconds.

    ride_worth : driving that one ride more may cost.
    least_gain : driving that another plan, or a move, must save on average to be worth it.
    most_dearer : driving by which a plan may cost more just now; beyond, it is not looked at.
    futures : sampled to judge by, each `horizon` long.
    plans : made for a future of their own, `plan_horizon` long, by `steps` of the search.
    comfort_percent : how much of the town's weights of waiting and of excess ride counts when
        plans are made and judged for what is to come; the less, the fewer kilometres.
    move_within : how far the bench may send an idle vehicle at a time; 0 lets all stay. The
        service has no empty drives but home, so a town does not set it.
    second_look : steps of the search for a wish with exact limits before it is refused.

    How each was chosen: docs/decisions/0141-looking-ahead-by-sampled-futures.md
    """

    ride_worth: int = 1000
    least_gain: int = 200
    most_dearer: int = 3600
    futures: int = 40
    horizon: int = 600
    plans: int = 5
    plan_horizon: int = 400
    steps: int = 60
    comfort_percent: int = 0
    move_within: int = 0
    second_look: int = 300


@dataclass(frozen=True, slots=True)
class RegistrationRules:
    """Who may ride, and the goal: how many registrants by when."""

    required: bool = True
    goal: int = 0
    goal_date: date | None = None


type TileKind = Literal["raster", "vector"]


@dataclass(frozen=True, slots=True)
class MapTiles:
    """Tiles that a browser may fetch for the map, in place of the town's own base map.

    kind : raster (an image a tile) or vector; `url` has {z}, {x} and {y} in it.
    """

    kind: TileKind
    url: str
    credit: str


GSI_TILES = MapTiles(
    "raster", "https://cyberjapandata.gsi.go.jp/xyz/pale/{z}/{x}/{y}.png", "地理院タイル"
)
"""The pale map of the Geospatial Information Authority of Japan (国土地理院)."""


@dataclass(frozen=True, slots=True)
class Area:
    """Where the service drives: polygons as rings of points, the first ring the outer one."""

    name: str
    polygons: tuple[tuple[tuple[Point, ...], ...], ...]
    shape: BaseGeometry = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        shape = shapely.MultiPolygon(
            [
                (
                    [(p.lon, p.lat) for p in rings[0]],
                    [[(p.lon, p.lat) for p in r] for r in rings[1:]],
                )
                for rings in self.polygons
            ]
        )
        shapely.prepare(shape)
        object.__setattr__(self, "shape", shape)


@dataclass(frozen=True, slots=True)
class Town:
    """One town's service, whole.

    hours : by weekday (0 is Monday); a weekday without hours has no service.
    closed_days : single days without service; `closed_every_year` are (month, day);
        `closed_on_holidays` adds the national ones of `country` (ISO 3166, two letters).
    loads : names of the load dimensions, seats first, then wheelchairs.
    load_by_need : what one passenger with that need takes, by dimension name, in place of
        one seat.
    need_names : each need in the words of the caller's language.
    speeds : km/h by road class.
    reach_metres : how far from a road a wished place may lie.
    area_margin_metres : how far outside the drawn edge of an area still counts as inside.
    places : further names on the map that people look for (not stops, not settlements).
    over_65 : share of the people who are 65 or older.
    look_ahead : None: the town does not look ahead.
    tiles : what browsers may fetch for the map; None: nothing, the map is the town's own.
    folder : where the town was read from, with its road network; None for a made-up one.
    """

    id: str
    name: Mapping[str, str]
    zone: ZoneInfo
    centre: Point
    areas: tuple[Area, ...]
    hours: Mapping[int, Hours]
    closed_days: frozenset[date]
    closed_on_holidays: bool
    country: str
    booking: BookingRules
    promise: PromiseRules
    boarding: BoardingRules
    calm: CalmRules
    registration: RegistrationRules
    weights: Weights
    fares: FareTable
    loads: tuple[str, ...]
    load_by_need: Mapping[str, Mapping[str, int]]
    garages: tuple[Garage, ...]
    vehicles: tuple[VehicleModel, ...]
    shifts: tuple[Shift, ...]
    stops: tuple[Stop, ...]
    settlements: tuple[Settlement, ...]
    speeds: Mapping[str, float]
    reach_metres: float = 300.0
    assumptions: tuple[str, ...] = ()
    closed_every_year: frozenset[tuple[int, int]] = frozenset()
    need_names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    area_margin_metres: float = 50.0
    places: tuple[NamedPlace, ...] = ()
    over_65: float = 0.3
    driver_hours: DriverHours = field(default_factory=DriverHours)
    credits: tuple[str, ...] = ()
    tiles: MapTiles | None = None
    look_ahead: LookAheadRules | None = None
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Closure:
    """Why there is no service on a day: the sentence's code, and the holiday's name."""

    code: str
    name: Mapping[str, str] = field(default_factory=dict)


def closed_because(day: date, town: Town) -> Closure | None:
    """Why `day` is no service day of `town`; None if it is one."""
    if day.weekday() not in town.hours:
        return Closure("closed_weekday")
    if day in town.closed_days or (day.month, day.day) in town.closed_every_year:
        return Closure("closed_day")
    if town.closed_on_holidays and (name := _holidays(town.country, day.year).get(day)):
        return Closure("closed_holiday", name)
    return None


def is_service_day(day: date, town: Town) -> bool:
    """True if vehicles drive on `day`."""
    return closed_because(day, town) is None


def next_service_day(day: date, town: Town) -> date | None:
    """The first service day on or after `day`; None if there is none within a year."""
    days = (day + timedelta(days=ahead) for ahead in range(366))
    return next((each for each in days if is_service_day(each, town)), None)


def service_hours(day: date, town: Town) -> tuple[datetime, datetime] | None:
    """First pickup and last arrival of `day`, in UTC; None if it is no service day."""
    if not is_service_day(day, town):
        return None
    hours = town.hours[day.weekday()]
    return moment(day, hours.opens, town), moment(day, hours.closes, town)


def day_start(day: date, town: Town) -> datetime:
    """Local midnight of `day`, in UTC: second 0 of the optimizer."""
    return moment(day, time(0), town)


def moment(day: date, clock: time, town: Town) -> datetime:
    """What the clock on the town's wall shows on `day`, as a moment in UTC."""
    return datetime.combine(day, clock, town.zone).astimezone(UTC)


def service_day_of(instant: datetime, town: Town) -> date:
    """The day that the town's calendar shows at `instant` (with zone)."""
    return instant.astimezone(town.zone).date()


def find_area(point: Point, town: Town) -> Area | None:
    """The service area that `point` lies in, or the nearest one within the town's margin."""
    spot = shapely.Point(point.lon, point.lat)
    for area in town.areas:
        if area.shape.contains(spot):
            return area
    offs = [(_metres_off(point, area), index) for index, area in enumerate(town.areas)]
    nearest, index = min(offs, default=(math.inf, -1))
    return town.areas[index] if nearest <= town.area_margin_metres else None


def in_service_area(point: Point, town: Town) -> bool:
    """True if the service drives there; the sea and the next town are outside."""
    return find_area(point, town) is not None


def find_stop(stop_id: str, town: Town) -> Stop | None:
    """The designated stop with that id."""
    return next((stop for stop in town.stops if stop.id == stop_id), None)


def get_stop(stop_id: str, town: Town) -> Stop:
    """The designated stop with that id.

    Raises NotFound with the code `unknown_stop`.
    """
    stop = find_stop(stop_id, town)
    if stop is None:
        raise NotFound("unknown_stop", stop=stop_id)
    return stop


def named_places(town: Town) -> tuple[NamedPlace, ...]:
    """Everything in the town that has a name: stops first, then settlements and places."""
    stops = (NamedPlace(s.name, s.kana, s.kind, s.point, s.id, s.aliases) for s in town.stops)
    settlements = (
        NamedPlace(s.name, s.kana, "settlement", s.point, s.id) for s in town.settlements
    )
    return (*stops, *settlements, *town.places)


def _metres_off(point: Point, area: Area) -> float:
    """How far `point` is from the edge of `area`, on a plane that is true near the point."""
    spot = shapely.Point(point.lon, point.lat)
    edge = shapely.shortest_line(area.shape, spot)
    (lon_a, lat_a), (lon_b, lat_b) = shapely.get_coordinates(edge)
    east = (lon_b - lon_a) * math.cos(math.radians(point.lat))
    return 111_195.0 * math.hypot(east, lat_b - lat_a)


@lru_cache(maxsize=64)
def _holidays(country: str, year: int) -> Mapping[date, Mapping[str, str]]:
    """The national holidays with their names, in the country's own words and in English."""
    import holidays  # noqa: PLC0415 - slow to import, and many towns never ask

    own = holidays.country_holidays(country, years=year)
    english = holidays.country_holidays(country, years=year, language="en_US")
    return {day: {"ja": name, "en": english.get(day, name)} for day, name in own.items()}
