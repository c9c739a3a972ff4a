"""What happens on the road: a vehicle's route during one shift, and its table of states.

See: docs/booking.md; docs/words.md, route, visit, manifest
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from dispatch.errors import NotAllowedNow
from dispatch.optimizer.plan import Kind
from routing.travel import Point


class Status(StrEnum):
    """What a vehicle is doing."""

    OFF_DUTY = "off_duty"
    STANDING = "standing"
    DRIVING = "driving"
    ON_BREAK = "on_break"
    OUT_OF_SERVICE = "out_of_service"
    FINISHED = "finished"


class RoadAct(StrEnum):
    """What a driver or the office reports."""

    START_DUTY = "start_duty"
    DEPART = "depart"
    ARRIVE = "arrive"
    START_BREAK = "start_break"
    END_BREAK = "end_break"
    BREAK_DOWN = "break_down"
    REPAIR = "repair"
    END_DUTY = "end_duty"


# Every move a vehicle can make, and nothing else. See docs/booking.md.
ROAD_MOVES: Mapping[tuple[Status, RoadAct], Status] = {
    (Status.OFF_DUTY, RoadAct.START_DUTY): Status.STANDING,
    (Status.STANDING, RoadAct.DEPART): Status.DRIVING,
    (Status.DRIVING, RoadAct.ARRIVE): Status.STANDING,
    (Status.STANDING, RoadAct.START_BREAK): Status.ON_BREAK,
    (Status.ON_BREAK, RoadAct.END_BREAK): Status.STANDING,
    (Status.OFF_DUTY, RoadAct.BREAK_DOWN): Status.OUT_OF_SERVICE,
    (Status.STANDING, RoadAct.BREAK_DOWN): Status.OUT_OF_SERVICE,
    (Status.DRIVING, RoadAct.BREAK_DOWN): Status.OUT_OF_SERVICE,
    (Status.ON_BREAK, RoadAct.BREAK_DOWN): Status.OUT_OF_SERVICE,
    (Status.OUT_OF_SERVICE, RoadAct.REPAIR): Status.STANDING,
    (Status.STANDING, RoadAct.END_DUTY): Status.FINISHED,
    (Status.OUT_OF_SERVICE, RoadAct.END_DUTY): Status.FINISHED,
}


def move_vehicle(status: Status, act: RoadAct) -> Status:
    """The status after `act`.

    Raises NotAllowedNow when the table does not know the move; nothing has changed then.
    """
    try:
        return ROAD_MOVES[status, act]
    except KeyError:
        raise NotAllowedNow(state=status.value, act=act.value) from None


@dataclass(frozen=True, slots=True)
class PlannedVisit:
    """A call that is still to come, with the times the plan gives it (UTC).

    `subject` is a booking's id, or the number of the shift's break as text.
    `leaves_at` is when the vehicle should set out for it from the place before.
    """

    kind: Kind
    subject: str
    point: Point
    leaves_at: datetime
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Route:
    """One vehicle's day: what it is doing now, and the visits still to come, in order.

    The route is the unit of concurrency: a change names the `version` it was computed from.

    place : where the vehicle stands, or the place it last left.
    since : when the present status began (or, while driving, when it set out).
    arrives_at : while driving, when it is expected at the first visit.
    visits : to come; the first one is under way while driving, or being served while
        standing at its place.
    """

    id: str
    service_day: date
    shift_id: str
    vehicle_id: str
    status: Status
    place: Point
    since: datetime
    arrives_at: datetime | None = None
    visits: tuple[PlannedVisit, ...] = ()
    cause: str = ""
    version: int = 0


# --- each act as a new route ------------------------------------------------------------


def start_duty(route: Route, now: datetime) -> Route:
    """The driver is at the vehicle and ready."""
    return replace(route, status=move_vehicle(route.status, RoadAct.START_DUTY), since=now)


def depart(route: Route, now: datetime, arrives_at: datetime) -> Route:
    """The vehicle sets out for its first visit, or for the garage where it has none."""
    status = move_vehicle(route.status, RoadAct.DEPART)
    return replace(route, status=status, since=now, arrives_at=arrives_at)


def arrive(route: Route, now: datetime, place: Point) -> Route:
    """The vehicle stands at `place`."""
    status = move_vehicle(route.status, RoadAct.ARRIVE)
    return replace(route, status=status, since=now, place=place, arrives_at=None)


def start_break(route: Route, now: datetime) -> Route:
    """The driver rests; the break must be the next thing in the plan."""
    if not route.visits or route.visits[0].kind is not Kind.BREAK:
        raise NotAllowedNow("no_break_next")
    return replace(route, status=move_vehicle(route.status, RoadAct.START_BREAK), since=now)


def end_break(route: Route, now: datetime) -> Route:
    """The rest is over."""
    status = move_vehicle(route.status, RoadAct.END_BREAK)
    return replace(route, status=status, since=now, visits=route.visits[1:])


def break_down(route: Route, now: datetime, where: Point, cause: str) -> Route:
    """The vehicle can drive no further; whoever was planned in it has to be taken over."""
    status = move_vehicle(route.status, RoadAct.BREAK_DOWN)
    breaks = tuple(v for v in route.visits if v.kind is Kind.BREAK)
    return replace(
        route,
        status=status,
        since=now,
        place=where,
        arrives_at=None,
        visits=breaks,
        cause=cause,
    )


def repair(route: Route, now: datetime) -> Route:
    """The vehicle drives again, from where it stands."""
    status = move_vehicle(route.status, RoadAct.REPAIR)
    return replace(route, status=status, since=now, cause="")


def end_duty(route: Route, now: datetime) -> Route:
    """The driver goes home. Raises NotAllowedNow while rides are still to come."""
    if any(visit.kind is not Kind.BREAK for visit in route.visits):
        raise NotAllowedNow("rides_to_come")
    return replace(route, status=move_vehicle(route.status, RoadAct.END_DUTY), since=now, visits=())


def at_this_call(route: Route) -> tuple[PlannedVisit, ...]:
    """The next visits that are due where the vehicle stands; () while it is not standing."""
    if route.status is not Status.STANDING:
        return ()
    here: list[PlannedVisit] = []
    for visit in route.visits:
        if visit.kind is Kind.BREAK or visit.point != route.place:
            break
        here.append(visit)
    return tuple(here)


def serve(route: Route, kind: Kind, subject: str) -> Route:
    """The route without one visit that is done here and now.

    Raises NotAllowedNow unless the vehicle stands in that visit's call.
    """
    done = next((v for v in at_this_call(route) if (v.kind, v.subject) == (kind, subject)), None)
    if done is None:
        raise NotAllowedNow("not_at_this_call", state=route.status.value)
    return replace(route, visits=tuple(v for v in route.visits if v is not done))


def without(route: Route, subject: str) -> Route:
    """The route without any visit for this booking."""
    kept = tuple(v for v in route.visits if v.kind is Kind.BREAK or v.subject != subject)
    return replace(route, visits=kept)
