"""Travel over the map: seconds and metres between places, the line to draw, the turns.

Every road engine gives the same answers through `TravelTimes`; `PlaceTable` keeps the
growing table of all places the service has met, so that planning never waits for a road
engine twice.

See: docs/words.md, travel time
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

IntTable = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Point:
    """A position in degrees, WGS 84."""

    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Snap:
    """A point brought onto the road network: where, and how far off it was."""

    point: Point
    distance_metres: float


@dataclass(frozen=True, slots=True)
class Turn:
    """One line of the driver's directions.

    `manoeuvre` is one of depart, straight, slight_left, left, sharp_left, slight_right,
    right, sharp_right, u_turn, arrive; `road` is the name of the road it leads onto
    ("" where it has none); `metres` is the way from here to the next turn.
    """

    manoeuvre: str
    road: str
    point: Point
    metres: int


@dataclass(frozen=True, slots=True)
class Leg:
    """The way from one place to the next."""

    seconds: int
    metres: int
    line: tuple[Point, ...]
    turns: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """seconds, metres: (origins, destinations) int32; UNREACHABLE_SECONDS where no road leads."""

    seconds: IntTable
    metres: IntTable


UNREACHABLE_SECONDS = 2**28


class TravelTimes(Protocol):
    """A road engine. `name` says which; `exact` is False where it only estimates (crow-fly)."""

    @property
    def name(self) -> str: ...

    @property
    def exact(self) -> bool: ...

    def snap(self, point: Point) -> Snap:
        """The nearest place on a road that a vehicle can reach and leave."""
        ...

    def table(
        self,
        origins: Sequence[Point],
        destinations: Sequence[Point],
        at: datetime | None = None,
    ) -> Table:
        """Seconds and metres from each origin to each destination, leaving about `at`."""
        ...

    def leg(self, origin: Point, destination: Point, at: datetime | None = None) -> Leg:
        """The quickest way, with its line and its turns."""
        ...


class PlaceTable:
    """All places the service has met, as indices into one growing square table.

    `index_of` adds a new point with one one-to-many search in each direction; the arrays
    `seconds` and `metres` are (places, places) int32 views of what is known so far.
    """

    def __init__(self, travel: TravelTimes, points: Sequence[Point] = ()) -> None:
        self.travel = travel
        self._points: list[Point] = []
        self._index: dict[Point, int] = {}
        self._seconds: IntTable = np.zeros((0, 0), np.int32)
        self._metres: IntTable = np.zeros((0, 0), np.int32)
        self._growing = Lock()
        self.add(points)

    def __len__(self) -> int:
        return len(self._points)

    @property
    def seconds(self) -> IntTable:
        """(places, places) int32, row from, column to."""
        return self._seconds[: len(self), : len(self)]

    @property
    def metres(self) -> IntTable:
        """(places, places) int32, row from, column to."""
        return self._metres[: len(self), : len(self)]

    def point(self, index: int) -> Point:
        """The place at `index`."""
        return self._points[index]

    def index_of(self, point: Point) -> int:
        """The index of `point`, added if it is new."""
        index = self._index.get(point)
        if index is None:
            self.add((point,))
            index = self._index[point]
        return index

    def add(self, points: Sequence[Point]) -> None:
        """Make room for `points` and fill in the ways to and from them.

        Safe from several threads; the numbers of known places never change.
        """
        with self._growing:
            self._add(points)

    def _add(self, points: Sequence[Point]) -> None:
        fresh = [point for point in dict.fromkeys(points) if point not in self._index]
        if not fresh:
            return
        known = len(self._points)
        everyone = [*self._points, *fresh]
        outward = self.travel.table(fresh, everyone)
        inward = self.travel.table(self._points, fresh) if known else None
        self._grow(len(everyone))
        for table, out in ((self._seconds, outward.seconds), (self._metres, outward.metres)):
            table[known : len(everyone), : len(everyone)] = out
        if inward is not None:
            self._seconds[:known, known : len(everyone)] = inward.seconds
            self._metres[:known, known : len(everyone)] = inward.metres
        for point in fresh:
            self._points.append(point)
            self._index[point] = len(self._points) - 1

    def _grow(self, size: int) -> None:
        if size <= len(self._seconds):
            return
        room = max(size, 2 * len(self._seconds), 64)
        for name in ("_seconds", "_metres"):
            old = getattr(self, name)
            new = np.zeros((room, room), np.int32)
            new[: len(old), : len(old)] = old
            setattr(self, name, new)
