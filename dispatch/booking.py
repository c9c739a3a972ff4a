"""A booking's life: one pure table of states, and the promise it carries.

See: docs/booking.md; docs/words.md, booking, promise
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from math import ceil

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


# --- each act as a new booking ----------------------------------------------------------


def accept(offer: Booking, now: datetime, planned_pickup: datetime) -> Booking:
    """The offer as a booking; `planned_pickup` is what the passenger is told now."""
    return replace(
        offer,
        state=move(offer.state, Act.ACCEPT),
        accepted_at=now,
        told_pickup=planned_pickup,
    )


def leave_the_plan(booking: Booking, act: Act, cause: str) -> Booking:
    """The booking after an act that ends it without a ride, and takes it out of the plan."""
    return replace(booking, state=move(booking.state, act), route_id=None, cause=cause)


def board(booking: Booking, picked_up_at: datetime, now: datetime) -> Booking:
    """The party is aboard; `picked_up_at` is when the vehicle stood ready for it.

    Somebody fetched a second time, after a breakdown, keeps the time of the first pickup.
    """
    return replace(
        booking,
        state=move(booking.state, Act.BOARD),
        picked_up_at=booking.picked_up_at or picked_up_at,
        boarded_at=booking.boarded_at or now,
    )


def complete(booking: Booking, arrived_at: datetime) -> Booking:
    """The party is where it wanted to be."""
    return replace(
        booking,
        state=move(booking.state, Act.COMPLETE),
        completed_at=arrived_at,
        route_id=None,
    )


def strand(booking: Booking, where: Point, cause: str) -> Booking:
    """The vehicle broke down with the party aboard: it waits there for another one."""
    return replace(
        booking,
        state=move(booking.state, Act.STRAND),
        origin=Place(where, booking.origin.name),
        cause=cause,
    )


def is_stranded(booking: Booking) -> bool:
    """Whether it was aboard a vehicle that broke down and waits for another one."""
    return booking.state is State.CONFIRMED and booking.picked_up_at is not None


# --- the promise ledger -------------------------------------------------------------------


class Verdict(StrEnum):
    """How a promise ended."""

    KEPT = "kept"
    LATE = "late"
    """The service brought the party, but not within what it had promised."""
    BROKEN = "broken"
    """The service did not bring the party."""


class Part(StrEnum):
    """What of a promise can be late."""

    PICKUP = "pickup"
    ARRIVAL = "arrival"
    RIDE = "ride"


@dataclass(frozen=True, slots=True)
class Lateness:
    """By how much one part of a promise was missed."""

    part: Part
    seconds: int


def pickup_lateness(booking: Booking) -> Lateness | None:
    """How late the vehicle stood ready for the party, if it was too late."""
    if booking.picked_up_at is None:
        return None
    return _late(Part.PICKUP, booking.picked_up_at, booking.promise.pickup_latest)


def ride_lateness(booking: Booking) -> tuple[Lateness, ...]:
    """By how much the arrival and the ride itself missed the promise."""
    if booking.completed_at is None or booking.boarded_at is None:
        return ()
    ride_ends = booking.boarded_at + timedelta(seconds=booking.promise.max_ride_seconds)
    found = (
        _late(Part.ARRIVAL, booking.completed_at, booking.promise.arrive_latest),
        _late(Part.RIDE, booking.completed_at, ride_ends),
    )
    return tuple(late for late in found if late)


def verdict(booking: Booking) -> Verdict | None:
    """How the promise ended; None while it is open or where none was given or wanted."""
    if booking.state is State.BROKEN:
        return Verdict.BROKEN
    if booking.state is not State.COMPLETED:
        return None
    late = pickup_lateness(booking) or ride_lateness(booking)
    return Verdict.LATE if late else Verdict.KEPT


def _late(part: Part, actual: datetime, latest: datetime) -> Lateness | None:
    seconds = ceil((actual - latest).total_seconds())
    return Lateness(part, seconds) if seconds > 0 else None
