"""A drive that has begun: where the vehicle is on it at each moment.

See: docs/simulation.md, vehicles
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from routing.travel import Point
from simulations.world import Way


@dataclass(frozen=True, slots=True)
class Underway:
    """A drive that has begun: which way, since when, and when it will really end."""

    way: Way
    left_at: datetime
    arrives_at: datetime
    towards: str

    def share(self, now: datetime) -> float:
        """The part of the way that lies behind the vehicle, by time."""
        whole = (self.arrives_at - self.left_at).total_seconds()
        return min(1.0, (now - self.left_at).total_seconds() / whole) if whole else 1.0

    def line_until(self, now: datetime) -> tuple[Point, ...]:
        """The part of the line that lies behind the vehicle; its last point is where it is."""
        line = self.way.line
        if len(line) < 2:
            return line
        along = self.share(now) * (len(line) - 1)
        whole = min(int(along), len(line) - 2)
        part = along - whole
        one, two = line[whole], line[whole + 1]
        here = Point(
            round(one.lat + (two.lat - one.lat) * part, 6),
            round(one.lon + (two.lon - one.lon) * part, 6),
        )
        return (*line[: whole + 1], here)
