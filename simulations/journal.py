"""What a simulated day leaves behind beside the service's own records: drives, calls, talks.

The service knows promises and states; only the simulation knows which way a vehicle took,
what a caller wished for and what they did after a refusal. Everything here is a plain fact
with its time, and no person has a name.

See: docs/simulation.md, journal
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dispatch.booking import Party, Place
from routing.travel import Point


@dataclass(frozen=True, slots=True)
class Drive:
    """A vehicle's way from one place to the next; `towards` is the place's name."""

    vehicle_id: str
    starts: datetime
    ends: datetime
    line: tuple[Point, ...]
    metres: int
    aboard: int
    towards: str


@dataclass(frozen=True, slots=True)
class Rest:
    """A driver's break as it was taken."""

    vehicle_id: str
    starts: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Talk:
    """One call that ended without a ride at the wished time.

    `code` and `facts` say why; `alternatives` what was offered instead; `then` what came of
    it: another_time, gave_up, or too_late (the offer had run out).
    """

    at: datetime
    origin: Place
    destination: Place
    party: Party
    depart_after: datetime | None
    arrive_by: datetime | None
    code: str
    facts: Mapping[str, Any]
    alternatives: tuple[datetime, ...]
    then: str


@dataclass(slots=True)
class Journal:
    """The facts of one simulated day, in order of time."""

    drives: list[Drive] = field(default_factory=list)
    rests: list[Rest] = field(default_factory=list)
    talks: list[Talk] = field(default_factory=list)
    broken_down: dict[str, datetime] = field(default_factory=dict)
    purposes: dict[str, str] = field(default_factory=dict)
    improvements: int = 0
    saved_cost: int = 0
    defects: list[str] = field(default_factory=list)

    @property
    def metres(self) -> int:
        """What all vehicles drove, the way back to the garage included."""
        return sum(drive.metres for drive in self.drives)
