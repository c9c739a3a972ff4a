"""The last resort: as the crow flies, times a detour, at one speed. It says that it guesses.

For an hour without any road data; a promise made on it is only as good as the guess, so
`exact` is False and the service shows that.

See: docs/roads.md, crow-fly
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
from geopy.distance import EARTH_RADIUS
from numpy.typing import NDArray

from routing.travel import IntTable, Leg, Point, Snap, Table, Turn

GEOPY_METRES = 1000 * float(EARTH_RADIUS)


class CrowFly:
    """`TravelTimes` from great-circle distances (geopy's sphere).

    Parameters
    ----------
    speed_kmh, detour : how fast one drives, and how much longer roads are than the air line;
        the defaults were measured on Kimotsuki's network (docs/roads.md).
    factor_at : times of the day at which every way takes longer or less long.
    """

    def __init__(
        self,
        speed_kmh: float = 36.0,
        detour: float = 1.4,
        factor_at: Callable[[datetime], float] | None = None,
    ) -> None:
        self._metres_a_second = speed_kmh / 3.6
        self._detour = detour
        self._factor_at = factor_at

    @property
    def name(self) -> str:
        return "crow_fly"

    @property
    def exact(self) -> bool:
        return False

    def snap(self, point: Point) -> Snap:
        """The point itself: without roads there is nothing to bring it onto."""
        return Snap(point, 0.0)

    def table(
        self,
        origins: Sequence[Point],
        destinations: Sequence[Point],
        at: datetime | None = None,
    ) -> Table:
        """Estimated seconds (rounded up) and metres; the same in both directions."""
        metres = _air_metres(origins, destinations) * self._detour
        seconds = np.ceil(np.round(metres / self._metres_a_second * self._factor(at), 6))
        whole: IntTable = np.rint(metres).astype(np.int32)
        return Table(seconds.astype(np.int32), whole)

    def leg(self, origin: Point, destination: Point, at: datetime | None = None) -> Leg:
        """A straight line, and no turns but the first and the last."""
        table = self.table((origin,), (destination,), at)
        metres = int(table.metres[0, 0])
        turns = (Turn("depart", "", origin, metres), Turn("arrive", "", destination, 0))
        return Leg(int(table.seconds[0, 0]), metres, (origin, destination), turns)

    def _factor(self, at: datetime | None) -> float:
        return self._factor_at(at) if self._factor_at and at else 1.0


def _air_metres(origins: Sequence[Point], destinations: Sequence[Point]) -> NDArray[np.float64]:
    """(origins, destinations) float64 great-circle metres, all at once."""
    a = np.radians(np.array([(p.lat, p.lon) for p in origins], np.float64).reshape(-1, 1, 2))
    b = np.radians(np.array([(p.lat, p.lon) for p in destinations], np.float64).reshape(1, -1, 2))
    half = (b - a) / 2
    chord = np.sin(half[..., 0]) ** 2
    chord = chord + np.cos(a[..., 0]) * np.cos(b[..., 0]) * np.sin(half[..., 1]) ** 2
    metres: NDArray[np.float64] = 2 * GEOPY_METRES * np.arcsin(np.sqrt(np.minimum(chord, 1.0)))
    return metres
