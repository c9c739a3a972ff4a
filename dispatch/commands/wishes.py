"""What somebody wishes for, and whether it can be asked at all.

Each rule is checked in an order a person understands: who, where, how many, when. What
cannot be asked is a `BadInput` with its own code; nothing has been read of the plan then.

See: docs/words.md, wish, refusal; docs/decisions/0055-what-cannot-be-asked.md
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from dispatch.booking import Party, Place
from dispatch.commands.service import Service
from dispatch.errors import BadInput, NotFound
from dispatch.registration.register import Registrant
from dispatch.requests import loads_of
from dispatch.town import (
    Town,
    closed_because,
    find_stop,
    in_service_area,
    moment,
    service_day_of,
)
from routing.travel import UNREACHABLE_SECONDS, Point

CLOCKS_DIFFER = timedelta(minutes=2)
"""A wished time so little in the past means now: the caller's clock and ours differ."""


@dataclass(frozen=True, slots=True)
class ExactLimits:
    """Limits to promise as they stand, in place of the town's promise rules.

    For replays of published scenarios, which bring their own windows.
    """

    pickup_earliest: datetime
    pickup_latest: datetime
    arrive_latest: datetime
    max_ride_seconds: int


@dataclass(frozen=True, slots=True)
class Wish:
    """A ride somebody asks for.

    depart_after, arrive_by : at most one of them; neither means as soon as possible.
    """

    registrant_id: str | None
    origin: Place
    destination: Place
    party: Party
    depart_after: datetime | None = None
    arrive_by: datetime | None = None
    channel: str = "web"
    exact: ExactLimits | None = None


@dataclass(frozen=True, slots=True)
class Sound:
    """A wish that can be asked, with what the checks found out.

    earliest : no pickup before it: the wished time, opening, now and lead time considered.
    latest : no arrival after it: closing, or the wished arrival.
    """

    wish: Wish
    service_day: date
    registrant: Registrant | None
    opens: datetime
    closes: datetime
    earliest: datetime
    latest: datetime
    direct_seconds: int
    direct_metres: int


def check_wish(wish: Wish, service: Service) -> Sound:
    """The wish with its stops looked up.

    Raises BadInput or NotFound, each with a code that names the rule.
    """
    registrant = _who(wish, service)
    wish = replace(
        wish,
        origin=check_place(wish.origin, service),
        destination=check_place(wish.destination, service),
    )
    if wish.origin.point == wish.destination.point:
        raise BadInput("same_place")
    _check_party(wish.party, service.town)
    day, earliest, latest = _when(wish, service)
    seconds, metres = _way(wish.origin.point, wish.destination.point, service)
    town = service.town
    hours = town.hours[day.weekday()]
    return Sound(
        wish=wish,
        service_day=day,
        registrant=registrant,
        opens=moment(day, hours.opens, town),
        closes=moment(day, hours.closes, town),
        earliest=earliest,
        latest=latest,
        direct_seconds=seconds,
        direct_metres=metres,
    )


def _who(wish: Wish, service: Service) -> Registrant | None:
    if wish.registrant_id is None:
        if service.town.registration.required:
            raise BadInput("not_registered")
        return None
    registrant = service.store.find_registrant(wish.registrant_id)
    if registrant is None:
        raise NotFound("unknown_registrant", registrant=wish.registrant_id)
    return registrant


def check_place(place: Place, service: Service) -> Place:
    """The place, with name and point of its stop. Raises BadInput naming the rule it breaks."""
    if place.stop_id is not None:
        stop = find_stop(place.stop_id, service.town)
        if stop is None:
            raise BadInput("unknown_stop", stop=place.stop_id)
        if stop.closed or any(c.stop_id == stop.id for c in service.store.list_closed_stops()):
            raise BadInput("stop_closed", stop=stop.name)
        return Place(stop.point, stop.name, stop.id)
    point = place.point
    if not (-90 <= point.lat <= 90 and -180 <= point.lon <= 180):
        raise BadInput("not_a_place")
    if service.town.areas and not in_service_area(point, service.town):
        raise BadInput("outside_area", place=place.name or f"{point.lat}, {point.lon}")
    off = service.places.travel.snap(point).distance_metres
    if off > service.town.reach_metres:
        raise BadInput("too_far_from_road", place=place.name, metres=round(off))
    return place


def _check_party(party: Party, town: Town) -> None:
    if party.passengers < 1:
        raise BadInput("nobody_rides")
    if party.passengers > town.booking.largest_party:
        raise BadInput("party_too_large", largest=town.booking.largest_party)
    if len(party.needs) > party.passengers:
        raise BadInput("more_needs_than_passengers", passengers=party.passengers)
    known = {*town.load_by_need, *town.boarding.by_need, *town.need_names}
    for need in party.needs:
        if need not in known:
            raise BadInput("unknown_need", need=need, known=", ".join(sorted(known)))
    check_fits_a_vehicle(party, town)


def check_fits_a_vehicle(party: Party, town: Town) -> None:
    """Whether any vehicle of the fleet could take this party at once.

    Raises BadInput("no_vehicle_fits") with the load that is too much.
    """
    loads = loads_of(party, town)
    for dimension, name in enumerate(town.loads):
        most = max((model.capacity[dimension] for model in town.vehicles), default=0)
        if loads[dimension] > most:
            code = {0: "too_many_seats", 1: "too_many_wheelchairs"}.get(dimension, "too_much_load")
            raise BadInput(code, wanted=loads[dimension], most=most, load=name)
    fits = any(
        all(load <= room for load, room in zip(loads, model.capacity, strict=True))
        for model in town.vehicles
    )
    if not fits:
        raise BadInput("no_vehicle_fits")


def _when(wish: Wish, service: Service) -> tuple[date, datetime, datetime]:
    """Service day, earliest pickup and latest arrival."""
    if wish.depart_after and wish.arrive_by:
        raise BadInput("two_times")
    for wished in (wish.depart_after, wish.arrive_by):
        if wished is not None and wished.tzinfo is None:
            raise BadInput("time_without_zone")
    now, town = service.now(), service.town
    wished = wish.depart_after or wish.arrive_by or now
    if wished < now - CLOCKS_DIFFER:
        raise BadInput("time_past", wished=service.local(wished), now=service.local(now))
    day = service_day_of(wished, town)
    _check_day(day, service)
    soonest = now + town.booking.lead_time
    opens, closes = (moment(day, clock, town) for clock in _clocks(day, town))
    if not opens <= wished <= closes and wish.exact is None:
        if wish.depart_after or wish.arrive_by:
            raise BadInput("outside_hours", **_hours_facts(day, service))
        if wished > closes:
            raise BadInput("closed_for_today", **_hours_facts(day, service))
    if town.booking.lead_time and wish.depart_after and now < wish.depart_after < soonest:
        raise BadInput("too_soon", earliest=service.local(soonest), lead=town.booking.lead_time)
    earliest = max(wish.depart_after or opens, soonest, opens)
    return day, earliest, min(wish.arrive_by or closes, closes)


def _clocks(day: date, town: Town) -> tuple[time, time]:
    hours = town.hours[day.weekday()]
    return hours.opens, hours.closes


def _hours_facts(day: date, service: Service) -> dict[str, object]:
    hours = service.town.hours[day.weekday()]
    return {"opens": hours.opens, "closes": hours.closes}


def _check_day(day: date, service: Service) -> None:
    town, today = service.town, service.today()
    last = today + timedelta(days=town.booking.days_ahead)
    if day > last:
        raise BadInput("too_far_ahead", days=town.booking.days_ahead, last=last)
    closure = closed_because(day, town)
    if closure is not None:
        raise BadInput(closure.code, day=day, name=closure.name)


def _way(origin: Point, destination: Point, service: Service) -> tuple[int, int]:
    """Seconds and metres of the ride without detour."""
    start, end = service.places.index_of(origin), service.places.index_of(destination)
    seconds = int(service.places.seconds[start, end])
    if seconds >= UNREACHABLE_SECONDS:
        raise BadInput("no_road_there")
    return seconds, int(service.places.metres[start, end])
