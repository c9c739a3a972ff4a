"""A booking's life: one pure table of states, and the promise it carries.

See: docs/words.md, booking, promise
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from dispatch.errors import NotAllowedNow
from routing.travel import Point


class State(StrEnum):
    """Where a booking stands."""

    OFFERED = "offered"
    CONFIRMED = "confirmed"
    ON_BOARD = "on_board"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    EXPIRED = "expired"
    RELEASED = "released"
    """Another offer of the same quote was taken."""
    BROKEN = "broken"
    """The service could not bring this passenger at all; the ledger says why."""


class Act(StrEnum):
    """What can happen to a booking."""

    ACCEPT = "accept"
    EXPIRE = "expire"
    RELEASE = "release"
    CANCEL = "cancel"
    BOARD = "board"
    COMPLETE = "complete"
    NO_SHOW = "no_show"
    STRAND = "strand"
    """Its vehicle broke down with the passenger aboard: it waits for another one there."""
    BREAK_PROMISE = "break_promise"


# Every move a booking can make, and nothing else. A reader can hold it against docs/booking.md.
MOVES: Mapping[tuple[State, Act], State] = {
    (State.OFFERED, Act.ACCEPT): State.CONFIRMED,
    (State.OFFERED, Act.EXPIRE): State.EXPIRED,
    (State.OFFERED, Act.RELEASE): State.RELEASED,
    (State.OFFERED, Act.CANCEL): State.RELEASED,
    (State.CONFIRMED, Act.CANCEL): State.CANCELLED,
    (State.CONFIRMED, Act.BOARD): State.ON_BOARD,
    (State.CONFIRMED, Act.NO_SHOW): State.NO_SHOW,
    (State.CONFIRMED, Act.BREAK_PROMISE): State.BROKEN,
    (State.ON_BOARD, Act.COMPLETE): State.COMPLETED,
    (State.ON_BOARD, Act.STRAND): State.CONFIRMED,
    (State.ON_BOARD, Act.BREAK_PROMISE): State.BROKEN,
}

IN_THE_PLAN = frozenset({State.OFFERED, State.CONFIRMED, State.ON_BOARD})
"""States in which a booking has a place in some route."""


def move(state: State, act: Act) -> State:
    """The state after `act`.

    Raises NotAllowedNow when the table does not know the move; nothing has changed then.
    """
    try:
        return MOVES[state, act]
    except KeyError:
        raise NotAllowedNow(state=state.value, act=act.value) from None


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody boards or alights: a designated stop, or a point such as a home."""

    point: Point
    name: str
    stop_id: str | None = None


@dataclass(frozen=True, slots=True)
class Party:
    """Who rides together: passengers in all, and the needs among them (one entry a person)."""

    passengers: int
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Promise:
    """What the passenger was told; it never changes. All times UTC.

    `max_ride_seconds` is measured from the departure after the pickup to the arrival.
    """

    pickup_earliest: datetime
    pickup_latest: datetime
    arrive_latest: datetime
    max_ride_seconds: int


@dataclass(frozen=True, slots=True)
class Booking:
    """One party's ride, from offer to end.

    quote_id : offers of one quote share it; when one is accepted the others are released.
    route_id : the route it is planned in, None once it is in no plan.
    vehicle_changes : how often it has moved to another vehicle since it was accepted.
    told_pickup : the pickup time last told to the passenger.
    version : raised by each change; a change names the version it was computed from.
    boarded_at, completed_at : when the vehicle left the pickup, and when it reached the
        destination; the promise is judged on these and on `picked_up_at`.
    cause : why it ended as it did or why its promise was broken ("" while all is well).
    """

    id: str
    quote_id: str
    registrant_id: str | None
    service_day: date
    origin: Place
    destination: Place
    party: Party
    promise: Promise
    direct_seconds: int
    fare_yen: int
    state: State
    channel: str
    created_at: datetime
    route_id: str | None = None
    expires_at: datetime | None = None
    accepted_at: datetime | None = None
    picked_up_at: datetime | None = None
    boarded_at: datetime | None = None
    completed_at: datetime | None = None
    vehicle_changes: int = 0
    told_pickup: datetime | None = None
    cause: str = ""
    version: int = 0
