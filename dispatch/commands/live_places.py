"""What a screen is told of places: their names, and the lines along the roads between them.

Both are worked out once in a process, since a screen is read anew after each event.

See: docs/http.md, the live town; docs/words.md, live town
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from dispatch.booking import Place
from dispatch.town import Settlement, Town
from routing.travel import Point, TravelTimes

MOST_KEPT = 5_000
"""Lines along the road, and places that are no stops, that one process keeps."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A place as everybody may be told it: a stop's name, or the settlement of a point.

    point : None where it may not be told.
    settlement : where the nearest settlement is, None for a stop.
    """

    name: str
    point: Point | None
    is_stop: bool
    settlement: Point | None = None

    def without_home(self) -> Spot:
        """The same for whoever may not see where people live: no nearer than the settlement."""
        return self if self.is_stop else replace(self, point=self.settlement)


class Spots:
    """The places of a town by what everybody may be told of them."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._stops = {stop.id: Spot(stop.name, stop.point, is_stop=True) for stop in town.stops}
        garages = {each.point: Spot(each.name, each.point, is_stop=True) for each in town.garages}
        stops = {stop.point: self._stops[stop.id] for stop in town.stops}
        self._known = garages | stops
        self._homes: dict[Point, Spot] = {}

    def of(self, place: Place) -> Spot:
        """A booking's place, by the name that the stop had then."""
        if place.stop_id is not None:
            return Spot(place.name, place.point, is_stop=True)
        return self._home(place.point)

    def at(self, point: Point) -> Spot:
        """What is at a point: a stop, a garage, or nothing but its settlement."""
        return self._known.get(point) or self._home(point)

    def wished(self, form: Mapping[str, Any]) -> Spot:
        """A place of an event's wish: a stop by its id, any other by its point."""
        stop_id = form.get("stop_id")
        if stop_id is None:
            return self._home(Point(form["lat"], form["lon"]))
        return self._stops.get(stop_id) or Spot(stop_id, None, is_stop=True)

    def _home(self, point: Point) -> Spot:
        if point not in self._homes:
            if len(self._homes) >= MOST_KEPT:
                self._homes = {}
            near = nearest_settlement(point, self._town)
            name, settlement = ("", None) if near is None else (near.name, near.point)
            self._homes[point] = Spot(name, point, is_stop=False, settlement=settlement)
        return self._homes[point]


def nearest_settlement(point: Point, town: Town) -> Settlement | None:
    """The settlement nearest to a point (in degrees, which is enough to name it)."""

    def apart(each: Settlement) -> float:
        return (each.point.lat - point.lat) ** 2 + (each.point.lon - point.lon) ** 2

    return min(town.settlements, key=apart, default=None)


class Lines:
    """The lines along the road between places."""

    def __init__(self, travel: TravelTimes) -> None:
        self._travel = travel
        self._known: dict[tuple[Point, Point], tuple[Point, ...]] = {}

    def between(self, origin: Point, destination: Point) -> tuple[Point, ...]:
        """The line of the quickest way."""
        if origin == destination:
            return (origin,)
        ends = origin, destination
        if ends not in self._known:
            if len(self._known) >= MOST_KEPT:
                self._known = {}
            self._known[ends] = self._travel.leg(origin, destination).line
        return self._known[ends]

    def through(self, spots: Sequence[Spot | None]) -> tuple[Point, ...]:
        """One line through several places, in order, of which some may not be told."""
        points = [spot.point for spot in spots if spot is not None and spot.point is not None]
        line: list[Point] = points[:1]
        for one, two in pairwise(points):
            line.extend(self.between(one, two)[1:])
        return tuple(line)
