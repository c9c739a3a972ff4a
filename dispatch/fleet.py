"""The vehicles, and the shifts in which somebody drives them.

See: docs/words.md, vehicle, shift
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time

from routing.travel import Point


@dataclass(frozen=True, slots=True)
class Garage:
    """Where vehicles stand overnight."""

    id: str
    name: str
    point: Point


@dataclass(frozen=True, slots=True)
class VehicleModel:
    """One vehicle of the fleet.

    `capacity` holds one number a load dimension of the town (`Town.loads`): passenger
    seats, wheelchair places, …
    ends_at : id of the garage in which its shift ends; None: the one it left, "": anywhere.
    """

    id: str
    name: str
    capacity: tuple[int, ...]
    garage: str
    ends_at: str | None = None


@dataclass(frozen=True, slots=True)
class BreakRule:
    """A rest within a shift: begun between `earliest` and `latest`, nobody on board."""

    earliest: time
    latest: time
    minutes: int


@dataclass(frozen=True, slots=True)
class Shift:
    """A vehicle in service on certain weekdays (0 is Monday), from garage back to garage."""

    id: str
    vehicle: str
    weekdays: frozenset[int]
    starts: time
    ends: time
    breaks: tuple[BreakRule, ...] = ()
