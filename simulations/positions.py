"""A vehicle that says where it is while it drives, as a tablet does.

Its place on the line is where the town's speed table puts it, so that a vehicle which keeps to
the plan also shows it: no way looks longer than it is because its first half is the slow one.

See: docs/simulation.md, vehicles
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from routing.travel import Point, TravelTimes
from simulations.underway import Underway
from simulations.world import Steps, World

MOST_MARKS = 60
"""Points of a line whose remaining time is looked up."""


@dataclass(frozen=True, slots=True)
class Track:
    """A line with the share of the way's time that lies behind the vehicle at each of its points.

    shares : from 0 to 1, never falling, one a point.
    """

    points: tuple[Point, ...]
    shares: tuple[float, ...]

    def at(self, share: float) -> Point:
        """Where the vehicle is after this share of its time."""
        after = bisect_left(self.shares, share)
        if after == 0 or after == len(self.points):
            return self.points[min(after, len(self.points) - 1)]
        before, behind = self.shares[after - 1], self.shares[after]
        part = (share - before) / (behind - before)
        one, two = self.points[after - 1], self.points[after]
        return Point(
            round(one.lat + (two.lat - one.lat) * part, 6),
            round(one.lon + (two.lon - one.lon) * part, 6),
        )


def track_of(line: Sequence[Point], travel: TravelTimes) -> Track:
    """The line timed by the road engine: one search from its points to its end."""
    step = max(1, len(line) // MOST_MARKS)
    points = (*line[:-1:step], line[-1])
    left = travel.table(points, points[-1:]).seconds[:, 0]
    whole = max(1, int(left[0]))
    shares: list[float] = []
    for seconds in left:
        share = min(1.0, max(0.0, 1 - int(seconds) / whole))
        shares.append(max(share, shares[-1]) if shares else share)
    return Track(points, tuple(shares))


def report_positions(
    route_id: str, drive: Underway, goes_on: Callable[[], bool], world: World
) -> Steps[None]:
    """Say where the vehicle is, again and again until it is there or this drive is over."""
    if len(drive.way.line) < 2 or world.positions_every is None:
        return
    track = track_of(drive.way.line, world.service.places.travel)
    while True:
        yield world.after(world.positions_every())
        if world.now >= drive.arrives_at or not goes_on():
            return
        _say(route_id, world.now, track.at(drive.share(world.now)), world)


def _say(route_id: str, at: datetime, where: Point, world: World) -> None:
    """A report that does not get through is not missed: the next one follows."""
    world.attempt(lambda: world.doors.position(route_id, at, where))
