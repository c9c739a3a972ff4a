"""The board: the whole day at one look, and a booking moved by hand.

See: docs/http.md; docs/words.md, operator, route
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import ConfigDict, Field, StrictStr

from api import problems
from api.bookings import BookingOut
from api.forms import Answer, Day, Form, Key, PointOut, ServiceNow, etag
from dispatch.commands.look import Alert, Board, board, route_of_vehicle
from dispatch.commands.reassign import reassign
from dispatch.commands.service import Service
from dispatch.driving import PlannedVisit, Route, Status
from dispatch.errors import BadInput
from dispatch.store.positions import Position
from dispatch.wording import sentence

router = APIRouter(prefix="/board", tags=["board"])


class VisitOut(Answer):
    """A call that is still to come; `subject` is a booking's id, or a break's number."""

    kind: str
    subject: str
    place: PointOut
    leaves_at: datetime
    starts_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, visit: PlannedVisit, service: Service) -> VisitOut:
        """A visit as it is answered."""
        return cls(
            kind=visit.kind.name.lower(),
            subject=visit.subject,
            place=PointOut.of(visit.point),
            leaves_at=service.local(visit.leaves_at),
            starts_at=service.local(visit.starts_at),
            ends_at=service.local(visit.ends_at),
        )


class RouteOut(Answer):
    """One vehicle's day. `position` is the last one reported, `place` where it stands or left."""

    route_id: str
    vehicle_id: str
    vehicle_name: str
    capacity: dict[str, int]
    status: Status
    place: PointOut
    since: datetime
    arrives_at: datetime | None
    position: PointOut | None
    position_at: datetime | None
    cause: str
    version: int
    visits: list[VisitOut]

    @classmethod
    def of(cls, route: Route, seen: Position | None, service: Service) -> RouteOut:
        """A route as it is answered."""
        model = service.fleet.models[route.vehicle_id]
        return cls(
            route_id=route.id,
            vehicle_id=model.id,
            vehicle_name=model.name,
            capacity=dict(zip(service.town.loads, model.capacity, strict=True)),
            status=route.status,
            place=PointOut.of(route.place),
            since=service.local(route.since),
            arrives_at=None if route.arrives_at is None else service.local(route.arrives_at),
            position=None if seen is None else PointOut.of(seen.point),
            position_at=None if seen is None else service.local(seen.at),
            cause=route.cause,
            version=route.version,
            visits=[VisitOut.of(visit, service) for visit in route.visits],
        )


class AlertOut(Answer):
    """Something that wants a person's eye."""

    code: str
    message: str
    booking_id: str | None
    route_id: str | None
    late_seconds: int

    @classmethod
    def of(cls, alert: Alert, language: str) -> AlertOut:
        """An alert as it is answered."""
        return cls(
            code=alert.code,
            message=sentence(alert.code, language, minutes=-(-alert.late_seconds // 60)),
            booking_id=alert.booking_id,
            route_id=alert.route_id,
            late_seconds=alert.late_seconds,
        )


class BoardOut(Answer):
    """A service day. Stream from `event_number` on and nothing is missed."""

    day: date
    now: datetime
    event_number: int
    vehicles: list[RouteOut]
    bookings: list[BookingOut]
    alerts: list[AlertOut]

    @classmethod
    def of(cls, seen: Board, service: Service, language: str) -> BoardOut:
        """A board as it is answered."""
        return cls(
            day=seen.day,
            now=service.local(service.now()),
            event_number=seen.event_number,
            vehicles=[
                RouteOut.of(route, seen.positions.get(route.id), service) for route in seen.routes
            ],
            bookings=[BookingOut.of(booking, service) for booking in seen.bookings],
            alerts=[AlertOut.of(alert, language) for alert in seen.alerts],
        )


class ReassignmentForm(Form):
    """Which booking goes into which vehicle; by its route where it drives two shifts a day."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={"examples": [{"booking_id": "bkg_0193…", "vehicle_id": "car2"}]},
    )

    booking_id: StrictStr = Field(max_length=100)
    vehicle_id: StrictStr | None = Field(default=None, max_length=100)
    route_id: StrictStr | None = Field(default=None, max_length=100)


@router.get("")
def look(
    request: Request,
    service: ServiceNow,
    day: Annotated[Day | None, Query(description="The service day; default today.")] = None,
) -> BoardOut:
    """Vehicles, routes, bookings and alerts of a service day."""
    seen = board(day or service.today(), service)
    return BoardOut.of(seen, service, problems.language_of(request))


@router.post("/reassignments")
def move(
    form: ReassignmentForm, service: ServiceNow, response: Response, key: Key = None
) -> BookingOut:
    """Move a booking into another vehicle, every promise kept; else the limit is named."""
    if (form.vehicle_id is None) == (form.route_id is None):
        raise BadInput("field_missing", field="vehicle_id | route_id")
    route_id = form.route_id
    if route_id is None:
        day = service.store.get_booking(form.booking_id).service_day
        route_id = route_of_vehicle(form.vehicle_id or "", service, day).id
    booking = reassign(form.booking_id, route_id, service, key)
    response.headers["ETag"] = etag(booking.version)
    return BookingOut.of(booking, service)
