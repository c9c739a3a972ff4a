"""Each limit of a plan once: its code and its name.

The verifier reports a broken limit as a `Violation`; a refusal names the limit that
stood in the way. The sentence people read is in `wording/`, under the same code.

See: docs/words.md, limit
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Limit(StrEnum):
    """What a plan may never break."""

    PICKUP_WINDOW = "pickup_window"
    ARRIVAL = "latest_arrival"
    RIDE_TIME = "max_ride"
    SEATS = "seats"
    WHEELCHAIRS = "wheelchairs"
    OTHER_LOAD = "other_load"
    SHIFT = "shift"
    BREAK = "break"
    LOCKED = "locked_visit"
    VEHICLE = "vehicle_change"
    UNREACHABLE = "unreachable"
    INCOMPLETE = "incomplete"
    """A visit is missing, doubled, out of order or unknown; a required request is unserved."""


LOAD_LIMITS = (Limit.SEATS, Limit.WHEELCHAIRS)


def load_limit(dimension: int) -> Limit:
    """The limit that load dimension `dimension` stands for (seats first)."""
    return LOAD_LIMITS[dimension] if dimension < len(LOAD_LIMITS) else Limit.OTHER_LOAD


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken limit: where, by whom, and the numbers that show it.

    `vehicle` and `request` are indices in the problem (None where they mean nothing);
    `found` is the value in the plan and `allowed` the bound, in seconds or load units.
    """

    limit: Limit
    vehicle: int | None
    request: int | None
    found: int = 0
    allowed: int = 0
