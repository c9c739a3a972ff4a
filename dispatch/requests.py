"""A booking's ride as the optimizer's request: its places, loads and the limits planning keeps.

With the clock it is counted on: seconds since local midnight.

See: docs/words.md, promise, reserve; docs/decisions/0050-one-border-between-clock-and-seconds.md
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from math import ceil, floor
from zoneinfo import ZoneInfo

from dispatch.booking import Booking, Party, is_stranded
from dispatch.optimizer.plan import NEVER, Request
from dispatch.town import Town
from routing.travel import PlaceTable

REMEMBERED = 20_000
"""Rides kept in memory before they are forgotten, all at once."""


@dataclass(frozen=True, slots=True)
class Midnight:
    """Local midnight of a service day: the zero of the optimizer's seconds."""

    moment: datetime
    zone_day: date

    @classmethod
    def of(cls, day: date, town: Town) -> Midnight:
        """The midnight at which `day` begins in the town's zone."""
        return cls(datetime.combine(day, time(0), tzinfo=town.zone).astimezone(UTC), day)

    def at_least(self, moment: datetime) -> int:
        """Seconds since midnight, rounded up: for what may not be earlier."""
        return ceil((moment - self.moment).total_seconds())

    def at_most(self, moment: datetime) -> int:
        """Seconds since midnight, rounded down: for what may not be later."""
        return floor((moment - self.moment).total_seconds())

    def on_the_clock(self, wall: time, town: Town) -> int:
        """Seconds since midnight at which clocks of the town show `wall` on this day."""
        return _on_the_clock(self, wall, town.zone)

    def time(self, seconds: int) -> datetime:
        """The moment (UTC) that lies `seconds` after midnight."""
        return self.moment + timedelta(seconds=seconds)


def loads_of(party: Party, town: Town) -> tuple[int, ...]:
    """What a party takes of a vehicle: one number a load dimension of the town.

    A passenger takes one seat, or what the town says for the need they have.
    """
    if not party.needs:
        return (party.passengers, *(0 for _ in town.loads[1:]))
    taken = dict.fromkeys(town.loads, 0)
    special = [town.load_by_need[need] for need in party.needs if need in town.load_by_need]
    taken[town.loads[0]] = party.passengers - len(special)
    for loads in special:
        for name, amount in loads.items():
            taken[name] += amount
    return tuple(taken.values())


def boarding_seconds(party: Party, town: Town) -> int:
    """What boarding (or alighting) of this party adds to the standing time of a call."""
    rules = town.boarding
    if not party.needs:
        return round(party.passengers * rules.passenger.total_seconds())
    slow = [rules.by_need[need] for need in party.needs if need in rules.by_need]
    quick = (party.passengers - len(slow)) * rules.passenger
    return round((quick + sum(slow, timedelta())).total_seconds())


@lru_cache(maxsize=10_000)
def _on_the_clock(midnight: Midnight, wall: time, zone: ZoneInfo) -> int:
    """Kept, since every shift and break of a day is asked for again in each snapshot."""
    return midnight.at_least(datetime.combine(midnight.zone_day, wall, tzinfo=zone))


class Requests:
    """Rides already worked out: that of a booking which is the very same is not made again.

    The store gives the same object for a row that has not changed, so a day of hundreds of
    bookings costs only what is new in it.
    """

    def __init__(self) -> None:
        self._made: dict[str, tuple[Booking, Town, PlaceTable, Request]] = {}

    def of(self, booking: Booking, town: Town, places: PlaceTable, midnight: Midnight) -> Request:
        """The ride of a booking, as `request_of` makes it."""
        made = self._made.get(booking.id)
        if made and made[0] is booking and made[1] is town and made[2] is places:
            return made[3]
        if len(self._made) > REMEMBERED:
            self._made = {}
        request = request_of(booking, town, places, midnight)
        self._made[booking.id] = (booking, town, places, request)
        return request


def changes_spent(booking: Booking, town: Town) -> bool:
    """Whether the stability budget lets this booking move to no other vehicle."""
    return booking.vehicle_changes >= town.calm.vehicle_changes


def request_of(booking: Booking, town: Town, places: PlaceTable, midnight: Midnight) -> Request:
    """A booking's ride with the limits planning keeps: its promise less the town's reserve.

    The reserve narrows no limit below what a vehicle without any detour would need.
    """
    promise = booking.promise
    reserve = round(town.promise.reserve.total_seconds())
    boarding = boarding_seconds(booking.party, town)
    earliest = midnight.at_least(promise.pickup_earliest)
    due_pickup = max(midnight.at_most(promise.pickup_latest) - reserve, earliest + 59)
    due_pickup = min(due_pickup, midnight.at_most(promise.pickup_latest))
    due_arrival = midnight.at_most(promise.arrive_latest)
    standing = round(town.boarding.stop.total_seconds()) + boarding
    least = earliest + standing + booking.direct_seconds
    due_arrival = min(due_arrival, max(due_arrival - reserve, least + 59))
    ride = promise.max_ride_seconds
    request = Request(
        origin=places.index_of(booking.origin.point),
        destination=places.index_of(booking.destination.point),
        earliest_pickup=earliest,
        latest_pickup=due_pickup,
        latest_arrival=due_arrival,
        max_ride=min(ride, max(ride - reserve, booking.direct_seconds)),
        loads=loads_of(booking.party, town),
        boarding_seconds=boarding,
        alighting_seconds=boarding,
        due_pickup=due_pickup,
        due_arrival=due_arrival,
        direct_seconds=booking.direct_seconds,
    )
    if is_stranded(booking):
        return replace(request, latest_pickup=NEVER, latest_arrival=NEVER, max_ride=NEVER)
    return request
