"""What the running service expects to be asked for, and the plan that is readiest for it.

The forecast is counted from the town's own recorded days: every wish that somebody made on
the day it was for, whether it was granted or refused. Today is not looked at twice: what has
been booked is in the plan.

See: docs/words.md, look-ahead; docs/decisions/0140-what-a-forecast-is-counted-from.md
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from dispatch.booking import Party
from dispatch.events import Event, Fact
from dispatch.forecast import Forecast, Trip, forecast_of_days
from dispatch.look_ahead import Outlook, Search, Terms, look_ahead
from dispatch.optimizer.plan import Plan
from dispatch.requests import Midnight, boarding_seconds, loads_of
from dispatch.snapshot import Snapshot
from dispatch.town import Town, find_area, is_service_day
from routing.travel import Point

if TYPE_CHECKING:
    from dispatch.commands.service import Service

RECORDED_DAYS = 20
"""So many service days before a day are counted for it."""

FEWEST_TRIPS = 30
"""With fewer recorded wishes nothing is expected at all."""


@dataclass(slots=True, eq=False)
class Foresight:
    """What a service expects, remembered by day.

    told : says what to look ahead with in place of the recorded days; a simulation, which has
        none, tells it so.
    """

    told: Callable[[Snapshot, int], Outlook | None] | None = None
    by_day: dict[date, Forecast | None] = field(default_factory=dict)


def outlook_of(snapshot: Snapshot, service: Service, seed: int) -> Outlook | None:
    """What to look ahead with at the snapshot's moment; None where the town does not look
    ahead, or where nothing is known to look ahead with.
    """
    rules = service.town.look_ahead
    if rules is None:
        return None
    if service.foresight.told is not None:
        return service.foresight.told(snapshot, seed)
    known = service.foresight.by_day
    day = snapshot.midnight.zone_day
    if day not in known:
        known.clear()
        known[day] = recorded_forecast(day, service)
    forecast = known[day]
    if forecast is None:
        return None
    places = [service.places.index_of(stop.point) for stop in service.town.stops]
    now = snapshot.midnight.at_least(snapshot.now)
    return Outlook(
        forecast, np.array(places, np.int32), terms_of(service.town), rules, max(0, now), seed
    )


def readiest(snapshot: Snapshot, better: Plan, service: Service, search: Search, seed: int) -> Plan:
    """Of sound plans of this moment the one that is readiest for what is likely to come.

    `better` itself where the town does not look ahead.
    """
    outlook = outlook_of(snapshot, service, seed)
    if outlook is None:
        return better
    weights = service.town.weights
    return look_ahead(snapshot.problem, (better, snapshot.plan), outlook, weights, search)


def terms_of(town: Town) -> Terms:
    """What the town would promise to somebody who has not asked yet."""
    one = Party(1)
    rules = town.promise
    return Terms(
        window=round((rules.pickup_window - rules.reserve).total_seconds()),
        ride_ratio=rules.ride_ratio,
        ride_allowance=round(rules.ride_allowance.total_seconds()),
        loads=loads_of(one, town),
        own_seconds=boarding_seconds(one, town),
    )


def recorded_forecast(day: date, service: Service) -> Forecast | None:
    """Count the town's recorded days before `day`; None where they tell too little."""
    trips: list[Trip] = []
    recorded = 0
    for past in _service_days_before(day, service.town):
        events = [recorded.event for recorded in service.store.list_events_of_day(past)]
        wishes = list(wishes_of(events, past, service.town))
        recorded += bool(wishes)
        trips += wishes
    if len(trips) < FEWEST_TRIPS:
        return None
    return forecast_of_days(trips, recorded, areas_of_stops(service.town))


def wishes_of(events: list[Event], day: date, town: Town) -> Iterator[Trip]:
    """Each wish of a recorded day that was made on that day: offers once a quote, and refusals."""
    midnight = Midnight.of(day, town)
    seen = set[str]()
    for event in events:
        if event.fact is Fact.OFFERED:
            quote = str(event.payload["quote_id"])
            wish = {**event.payload, "leaves": event.payload["promise"]["pickup_earliest"]}
        elif event.fact is Fact.QUOTE_REFUSED:
            quote, wish = "", dict(event.payload["wish"])
            wish["leaves"] = wish.get("depart_after") or wish.get("arrive_by")
        else:
            continue
        asked = midnight.at_least(event.at)
        if asked < 0 or (quote and quote in seen):
            continue
        seen.add(quote)
        leaves = wish["leaves"]
        opens = asked if leaves is None else midnight.at_most(datetime.fromisoformat(leaves))
        yield Trip(
            asked,
            _stop_of(wish["origin"], town),
            _stop_of(wish["destination"], town),
            max(0, opens - asked),
        )


def areas_of_stops(town: Town) -> list[int]:
    """The number of the service area of each stop; those in none are with the first."""
    names = [area.name for area in town.areas]
    found = [find_area(stop.point, town) for stop in town.stops]
    return [0 if area is None else names.index(area.name) for area in found]


def _stop_of(form: dict[str, Any], town: Town) -> int:
    """The stop that a recorded place is, or stands for."""
    if "stop_id" in form:
        ids = [stop.id for stop in town.stops]
        return ids.index(form["stop_id"]) if form["stop_id"] in ids else 0
    return nearest_stop(Point(float(form["lat"]), float(form["lon"])), town)


def nearest_stop(point: Point, town: Town) -> int:
    """The stop that stands for a place: whose home it was is nobody's business years later."""
    shrink = np.cos(np.radians(point.lat))
    off = [
        (stop.point.lat - point.lat) ** 2 + ((stop.point.lon - point.lon) * shrink) ** 2
        for stop in town.stops
    ]
    return int(np.argmin(off))


def _service_days_before(day: date, town: Town) -> Iterator[date]:
    found, back = 0, 1
    while found < RECORDED_DAYS and back < 4 * RECORDED_DAYS:
        past = day - timedelta(days=back)
        if is_service_day(past, town):
            found += 1
            yield past
        back += 1
