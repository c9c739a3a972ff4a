"""Published instances of the field, as problems of our own optimizer.

Three formats are read: dial-a-ride of Cordeau and Laporte (2003) and Cordeau (2006), the same
with real loads of Ropke, Cordeau and Laporte (2007), and pickup and delivery with time windows
of Li and Lim (2001). Travel time equals Euclidean distance in all three. The optimizer counts
in integers, so a unit of the instance becomes 10, 100, 1,000 … of ours; ways are rounded up and
windows inwards, so that a plan that is sound in integers is sound in the file's own numbers.
What is reported is worked out from those numbers again (`exact.py`).

See: docs/words.md, published instance; docs/decisions/0135-published-instances.md
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np

from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import NEVER, IntTable, Problem, Request, Vehicle
from simulations.bench.published_file import NoInstance
from simulations.bench.published_text import Family, Text, distances, read_text

LARGEST_HORIZON = 10**7
"""The last moment of an instance in the optimizer's units, at most."""

MOST_DIGITS = 4
"""Decimal digits kept of a unit of the instance, at most."""

HAIR = 1e-7
"""Of the optimizer's unit: what lies so little above a whole number is that number."""


@dataclass(frozen=True, slots=True, eq=False)
class PublishedInstance:
    """One instance: the file's own numbers and the problem made from them.

    Place i of the problem is node i of the file; no two visits share a place.
    unit : how many of the problem's units are one of the instance's.
    """

    text: Text
    problem: Problem
    weights: Weights
    unit: int

    @property
    def name(self) -> str:
        return self.text.name

    @property
    def has_ride_limit(self) -> bool:
        return math.isfinite(self.text.longest_ride)


def read_instance(file: Path) -> PublishedInstance:
    """Read a published instance; its format is known by its first line.

    Raises BadInstance, naming file and line, when anything is missing or makes no sense.
    """
    return to_instance(read_text(file))


def list_instances(path: Path) -> tuple[Path, ...]:
    """The instance files of a folder (*.txt) by name, or the one file named.

    Raises NoInstance when there is none.
    """
    files = tuple(sorted(path.glob("*.txt"), key=_by_numbers)) if path.is_dir() else (path,)
    if not files:
        raise NoInstance(file=str(path / "*.txt"))
    return files


def to_instance(text: Text) -> PublishedInstance:
    """The problem of what a file says."""
    unit = _unit(text)
    ways = _ways(text, unit)
    problem = Problem(
        travel_seconds=ways,
        travel_metres=ways,
        vehicles=(_vehicle(text, unit),) * text.vehicles,
        requests=tuple(_request(text, ways, unit, ride) for ride in text.rides),
    )
    return PublishedInstance(text, problem, _weights(text, ways), unit)


# --- into the optimizer's integers ---------------------------------------------------


def _unit(text: Text) -> int:
    """The largest power of ten that keeps every moment of the instance within bounds."""
    depot = text.nodes[text.end]
    last = max(depot.latest, 1.0) + max(_extent(text), 1.0)
    for digits in range(MOST_DIGITS, 0, -1):
        if depot.latest * 10**digits <= LARGEST_HORIZON and last * 10**digits < 2**26:
            return int(10**digits)
    return 1


def _extent(text: Text) -> float:
    xs, ys = [node.x for node in text.nodes], [node.y for node in text.nodes]
    return math.hypot(max(xs) - min(xs), max(ys) - min(ys))


def _ways(text: Text, unit: int) -> IntTable:
    return np.ceil(distances(text) * unit - HAIR).astype(np.int32)


def _vehicle(text: Text, unit: int) -> Vehicle:
    opens = _up(text.nodes[text.start].earliest, unit)
    closes = _down(text.nodes[text.end].latest, unit)
    longest = _down(text.longest_route, unit)
    return Vehicle(
        capacity=(text.capacity,),
        start_place=text.start,
        start_time=opens,
        shift_start=opens,
        shift_end=closes,
        end_place=text.end,
        max_duration=longest if longest < closes - opens else NEVER,
    )


def _request(text: Text, ways: IntTable, unit: int, ride: tuple[int, int]) -> Request:
    """A request with its windows tightened by each other and by the depot's (Cordeau 2006, 5.1).

    Where a file gives a window at one end only, the ride limit and the direct way give the other.
    """
    up, down = text.nodes[ride[0]], text.nodes[ride[1]]
    boarding, alighting = _up(up.service, unit), _up(down.service, unit)
    longest, direct = _down(text.longest_ride, unit), int(ways[ride])
    opens, closes = _up(text.nodes[text.start].earliest, unit), text.nodes[text.end].latest
    home = _down(closes, unit) - alighting - int(ways[ride[1], text.end])
    earliest = max(_up(up.earliest, unit), opens + int(ways[text.start, ride[0]]))
    earliest = max(earliest, _up(down.earliest, unit) - longest - boarding)
    latest_pickup = _down(up.latest, unit)
    latest = min(_down(down.latest, unit), home, latest_pickup + boarding + longest)
    return Request(
        origin=ride[0],
        destination=ride[1],
        earliest_pickup=earliest,
        latest_pickup=min(latest_pickup, latest - direct - boarding),
        latest_arrival=latest,
        earliest_arrival=max(_up(down.earliest, unit), earliest + boarding + direct),
        max_ride=longest,
        loads=(up.load,),
        boarding_seconds=boarding,
        alighting_seconds=alighting,
        direct_seconds=direct,
    )


def _weights(text: Text, ways: IntTable) -> Weights:
    """Everybody served first; then the fewest vehicles where they count; then the distance."""
    longest_plan = int(ways.max()) * (len(text.nodes) + 2 * text.vehicles) + 1
    vehicle = longest_plan if text.family is Family.PICKUP_AND_DELIVERY else 0
    return Weights(
        driving=1,
        waiting=0,
        excess_ride=0,
        lateness=0,
        unserved=longest_plan + text.vehicles * vehicle,
        vehicle=vehicle,
    )


def _up(value: float, unit: int) -> int:
    """`value` of the instance in the optimizer's units, rounded up (exact in decimals)."""
    return math.ceil(Decimal(repr(value)) * unit)


def _down(value: float, unit: int) -> int:
    return NEVER if math.isinf(value) else min(NEVER, math.floor(Decimal(repr(value)) * unit))


def _by_numbers(path: Path) -> tuple[int, str]:
    """pr2 before pr10, a2-16 before a10-100, and otherwise by name."""
    return len(path.stem), path.stem
