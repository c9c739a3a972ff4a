"""The words of the problem: who wants to ride, who drives, and in which order.

Every time is in integer seconds since the service day began; every place is an
index into the travel table. Nothing here computes; `schedule.py` gives a route its
times and `verify.py` checks it independently.

See: docs/words.md, plan; docs/decisions/0003-one-schedule-rule.md
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

NEVER = 2**30
"""A time that is later than any day: no limit."""

ANYWHERE = -1
"""A place that is wherever the vehicle happens to be (a break, an open end)."""

IntTable = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Request:
    """One party that wants one ride, with the limits it was promised.

    Hard limits (`earliest_pickup`, `latest_pickup`, `earliest_arrival`, `latest_arrival`,
    `max_ride`) are never broken by a plan; a vehicle that is early waits. `due_pickup` and
    `due_arrival` are the promised times: where the road has already broken a promise the
    hard limit is looser than the due time, and every second beyond it costs. `loads` has
    one number a load dimension of the vehicles (seats first, then wheelchair places, then
    whatever else the town counts).

    `boarding_seconds` and `alighting_seconds` add to the standing time of a call.
    `only_vehicle` is the index of the one vehicle that may serve it (it is on board, or
    its changes of vehicle are used up), or None.
    `aboard_since` is the second at which the vehicle left its pickup, None while waiting;
    a request aboard has only a drop-off in its route.
    `direct_seconds` is the travel time without detour, for the excess ride.
    """

    origin: int
    destination: int
    earliest_pickup: int
    latest_pickup: int
    latest_arrival: int = NEVER
    max_ride: int = NEVER
    loads: tuple[int, ...] = (1,)
    boarding_seconds: int = 0
    alighting_seconds: int = 0
    due_pickup: int = NEVER
    due_arrival: int = NEVER
    only_vehicle: int | None = None
    aboard_since: int | None = None
    direct_seconds: int = 0
    earliest_arrival: int | None = None


@dataclass(frozen=True, slots=True)
class Break:
    """A driver's rest, begun within [earliest, latest], with nobody on board.

    It is taken at `place`, or wherever the vehicle is then (ANYWHERE).
    """

    earliest: int
    latest: int
    seconds: int
    place: int = ANYWHERE


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle during one shift, from where it is free to be planned.

    It is at `start_place` and can leave at `start_time` (the later of now, its shift's
    start and the end of its present standing). It must have stood at `end_place`
    (ANYWHERE: no matter) by `shift_end`; `shift_start` is the earliest begin of a visit.
    The first `locked` visits of its route keep their place and order: it is driving to the
    first, and the town's calm freezes the next ones.
    `arrives_first` is when it will reach the first visit if it is already on the way there
    (then `start_place` no longer says how long that takes), else None.
    `max_duration` is the longest time from leaving `start_place` to standing at `end_place`;
    the vehicle leaves as late as its first visit allows.
    """

    capacity: tuple[int, ...]
    start_place: int
    start_time: int
    shift_start: int
    shift_end: int
    end_place: int = ANYWHERE
    breaks: tuple[Break, ...] = ()
    locked: int = 0
    arrives_first: int | None = None
    max_duration: int = NEVER


class Kind(IntEnum):
    """What a vehicle's call at a place is for."""

    PICKUP = 0
    DROPOFF = 1
    BREAK = 2


@dataclass(frozen=True, slots=True)
class Visit:
    """One act of a route. `subject` is a request's index, or a break's of that vehicle."""

    kind: Kind
    subject: int


@dataclass(frozen=True, slots=True)
class Route:
    """The visits of one vehicle, in order."""

    visits: tuple[Visit, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """One route a vehicle (by index). Requests in no route are unserved."""

    routes: tuple[Route, ...]

    def served(self) -> frozenset[int]:
        """Indices of the requests that some route sets down."""
        return frozenset(
            visit.subject
            for route in self.routes
            for visit in route.visits
            if visit.kind is Kind.DROPOFF
        )


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Everything the optimizer knows at one moment.

    travel_seconds : (places, places) int32, row from, column to; asymmetric.
    travel_metres : (places, places) int32.
    stop_seconds : what any call at a place takes, once for all who board or alight there.
    required : indices of requests that must be served (already promised); the others are
        served when it is possible.
    """

    travel_seconds: IntTable
    travel_metres: IntTable
    vehicles: tuple[Vehicle, ...]
    requests: tuple[Request, ...]
    stop_seconds: int = 0
    required: frozenset[int] = field(default_factory=frozenset)
