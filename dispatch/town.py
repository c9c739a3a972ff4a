"""What a town decides: where, when, by which rules and at what price it drives.

Each rule of the service stands here once, under the name a transport planner would look
for; `town_file.py` reads them from a town's folder. Nothing in the code knows a town.

See: docs/words.md, town; dispatch/towns/README.md for the files of a town's folder
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from dispatch.fares import FareTable
from dispatch.fleet import Garage, Shift, VehicleModel
from dispatch.optimizer.objective import Weights
from routing.travel import Point


@dataclass(frozen=True, slots=True)
class Stop:
    """A designated place to board and alight. `kind` is stop, clinic, shop, hall, station, …"""

    id: str
    name: str
    kana: str
    point: Point
    kind: str = "stop"
    closed: bool = False


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
class RegistrationRules:
    """Who may ride, and the goal: how many registrants by when."""

    required: bool = True
    goal: int = 0
    goal_date: date | None = None


@dataclass(frozen=True, slots=True)
class Area:
    """Where the service drives: polygons as rings of points, the first ring the outer one."""

    name: str
    polygons: tuple[tuple[tuple[Point, ...], ...], ...]


@dataclass(frozen=True, slots=True)
class Town:
    """One town's service, whole.

    hours : by weekday (0 is Monday); a weekday without hours has no service.
    closed_days : single days without service; `closed_on_holidays` adds the national ones.
    loads : names of the load dimensions, seats first, then wheelchairs.
    load_by_need : what one passenger with that need takes, by dimension name, in place of
        one seat.
    speeds : km/h by road class.
    reach : how far from a road or the service area a wished place may lie, in metres.
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
