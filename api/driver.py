"""The driver's tablet: what comes next, what was done, where the vehicle is.

A tablet that was in a dead zone sends what it has kept, in one batch: each act has its own
id, is applied in the order of the batch and once only, however often it is sent, and counts
at the time the tablet noted for it.

See: docs/http.md, the driver's batch; docs/decisions/0100-an-act-counts-when-it-was-done.md
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import ConfigDict, Field, StrictStr

from api import problems
from api.board import VisitOut
from api.bookings import PromiseOut
from api.forms import (
    Answer,
    Form,
    Moment,
    Noted,
    PartyOut,
    PlaceOut,
    PointOut,
    ServiceNow,
    key_of,
)
from api.security import Caller, CallerNow
from dispatch.booking import Booking, State
from dispatch.commands import drive, operate
from dispatch.commands.look import Manifest, manifest, route_of_vehicle
from dispatch.commands.service import Service
from dispatch.driving import Route, Status
from dispatch.errors import BadInput, NoriaiError, NotFound, Refused, RouteMoved, Unavailable
from dispatch.registration.register import Registrant
from routing.travel import Point

router = APIRouter(prefix="/driver", tags=["driver"])

MOST_EVENTS = 200


class Does(StrEnum):
    """What a driver reports."""

    START_DUTY = "start_duty"
    DEPART = "depart"
    ARRIVE = "arrive"
    BOARD = "board"
    COMPLETE = "complete"
    NO_SHOW = "no_show"
    START_BREAK = "start_break"
    END_BREAK = "end_break"
    DELAY = "delay"
    BREAK_DOWN = "break_down"
    REPAIR = "repair"
    END_DUTY = "end_duty"


class PointForm(Form):
    """A position in degrees, WGS 84."""

    lat: float = Field(strict=True, ge=-90, le=90, allow_inf_nan=False)
    lon: float = Field(strict=True, ge=-180, le=180, allow_inf_nan=False)

    def point(self) -> Point:
        """As the service takes it."""
        return Point(self.lat, self.lon)


class EventForm(Form):
    """One act. `route_id` is the manifest's; without it, today's route of the vehicle."""

    id: StrictStr = Field(min_length=1, max_length=100)
    act: Does
    at: Noted | None = Field(default=None, description="When it was done, by the tablet's clock.")
    route_id: StrictStr | None = Field(default=None, max_length=100)
    booking_id: StrictStr | None = Field(default=None, max_length=100)
    where: PointForm | None = None
    expected_arrival: Moment | None = None
    cause: StrictStr = Field(default="", max_length=200)


class EventsForm(Form):
    """What was done, in order."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "events": [
                        {"id": "4f1c…-1", "act": "arrive", "at": "2026-11-25T10:02:10+09:00"},
                        {"id": "4f1c…-2", "act": "board", "booking_id": "bkg_0193…"},
                    ]
                }
            ]
        },
    )

    events: list[EventForm] = Field(max_length=MOST_EVENTS)


class Outcome(StrEnum):
    """What became of an act. Only what was `not_tried` is to be sent again."""

    APPLIED = "applied"
    REFUSED = "refused"
    NOT_TRIED = "not_tried"


class ProblemOut(Answer):
    """Why an act was not applied."""

    code: str
    detail: str


class EventOut(Answer):
    """What became of one act."""

    id: str
    outcome: Outcome
    problem: ProblemOut | None


class EventsOut(Answer):
    """What became of each act, in the order in which they were sent."""

    results: list[EventOut]


class PositionForm(Form):
    """Where the vehicle was at a moment."""

    at: Noted
    lat: float = Field(strict=True, ge=-90, le=90, allow_inf_nan=False)
    lon: float = Field(strict=True, ge=-180, le=180, allow_inf_nan=False)


class PositionsForm(Form):
    """Positions since the last report, in any order; a delay is judged by the newest."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {"positions": [{"at": "2026-11-25T10:00:00+09:00", "lat": 31.34, "lon": 130.94}]}
            ]
        },
    )

    route_id: StrictStr | None = Field(default=None, max_length=100)
    positions: list[PositionForm] = Field(min_length=1, max_length=1000)


class PositionsOut(Answer):
    """When the vehicle is now expected at its next visit; null while it stands."""

    expected_arrival: datetime | None


class PassengerOut(Answer):
    """Who rides, and what the driver must know of them."""

    booking_id: str
    state: State
    name: str
    kana: str
    phone: str
    party: PartyOut
    origin: PlaceOut
    destination: PlaceOut
    promise: PromiseOut
    fare_yen: int

    @classmethod
    def of(cls, booking: Booking, who: Registrant | None, service: Service) -> PassengerOut:
        """A passenger as the driver sees them."""
        promise = booking.promise
        return cls(
            booking_id=booking.id,
            state=booking.state,
            name=who.name if who else "",
            kana=who.kana if who else "",
            phone=who.phone if who else "",
            party=PartyOut.of(booking.party),
            origin=PlaceOut.of(booking.origin),
            destination=PlaceOut.of(booking.destination),
            promise=PromiseOut(
                pickup_earliest=service.local(promise.pickup_earliest),
                pickup_latest=service.local(promise.pickup_latest),
                arrive_latest=service.local(promise.arrive_latest),
                max_ride_seconds=promise.max_ride_seconds,
            ),
            fare_yen=booking.fare_yen,
        )


class ManifestOut(Answer):
    """What a vehicle still has to do today."""

    route_id: str
    vehicle_id: str
    vehicle_name: str
    day: date
    status: Status
    place: PointOut
    since: datetime
    arrives_at: datetime | None
    version: int
    visits: list[VisitOut]
    passengers: list[PassengerOut]

    @classmethod
    def of(cls, seen: Manifest, service: Service) -> ManifestOut:
        """A manifest as it is answered."""
        route = seen.route
        return cls(
            route_id=route.id,
            vehicle_id=route.vehicle_id,
            vehicle_name=service.fleet.models[route.vehicle_id].name,
            day=route.service_day,
            status=route.status,
            place=PointOut.of(route.place),
            since=service.local(route.since),
            arrives_at=None if route.arrives_at is None else service.local(route.arrives_at),
            version=route.version,
            visits=[VisitOut.of(visit, service) for visit in seen.visits],
            passengers=[
                PassengerOut.of(b, seen.registrants.get(b.registrant_id or ""), service)
                for b in seen.bookings.values()
            ],
        )


@router.get("/manifest")
def see_manifest(
    caller: CallerNow,
    service: ServiceNow,
    route_id: Annotated[str | None, Query(max_length=100)] = None,
    vehicle_id: Annotated[str | None, Query(max_length=100, description="For the office.")] = None,
) -> ManifestOut:
    """What the vehicle still has to do, and for whom."""
    if route_id is None and caller.is_office and vehicle_id is not None:
        route_id = route_of_vehicle(vehicle_id, service).id
    return ManifestOut.of(manifest(_own_route(route_id, caller, service).id, service), service)


@router.post("/events")
def report(form: EventsForm, request: Request, caller: CallerNow, service: ServiceNow) -> EventsOut:
    """Apply acts in order, each once. A refused act does not hold up those after it."""
    language = problems.language_of(request)
    results: list[EventOut] = []
    away = False
    for number, event in enumerate(form.events, start=1):
        outcome, problem = Outcome.NOT_TRIED, None
        if not away:
            try:
                _apply(event, number < len(form.events), caller, service)
                outcome = Outcome.APPLIED
            except (Unavailable, RouteMoved) as error:
                # Not the act's fault: it and all after it are to be sent again, in order.
                away, problem = True, _problem(error, language)
            except NoriaiError as error:
                outcome, problem = Outcome.REFUSED, _problem(error, language)
        results.append(EventOut(id=event.id, outcome=outcome, problem=problem))
    return EventsOut(results=results)


@router.post("/positions")
def report_positions(form: PositionsForm, caller: CallerNow, service: ServiceNow) -> PositionsOut:
    """Say where the vehicle is; a delay that shows by it is acted on at once."""
    route = _own_route(form.route_id, caller, service)
    seen = [drive.Sighting(Point(each.lat, each.lon), each.at) for each in form.positions]
    after = drive.report_positions(route.id, seen, service)
    arrives = after.arrives_at
    return PositionsOut(expected_arrival=None if arrives is None else service.local(arrives))


def _problem(error: NoriaiError, language: str) -> ProblemOut:
    return ProblemOut(code=error.code, detail=problems.sentence_of(error, language))


def _own_route(route_id: str | None, caller: Caller, service: Service) -> Route:
    """The route somebody may speak for: a driver's own vehicle's, for the office any."""
    if route_id is None:
        if caller.is_office or caller.subject is None:
            raise BadInput("field_missing", field="route_id")
        return route_of_vehicle(caller.subject, service)
    route = service.store.find_route(route_id)
    if route is None or not (caller.is_office or route.vehicle_id == caller.subject):
        raise NotFound("unknown_route")
    return route


type _Act = Callable[[str, Service, str, drive.Noted], object]

ON_ROUTE: Mapping[Does, _Act] = {
    Does.START_DUTY: drive.start_duty,
    Does.DEPART: drive.depart,
    Does.START_BREAK: drive.start_break,
    Does.END_BREAK: drive.end_break,
    Does.END_DUTY: drive.end_duty,
}
ON_BOOKING: Mapping[Does, _Act] = {
    Does.BOARD: drive.board,
    Does.COMPLETE: drive.complete,
    Does.NO_SHOW: drive.no_show,
}


def _apply(event: EventForm, more: bool, caller: Caller, service: Service) -> None:
    key = key_of(f"{caller.scope}:event", event.id)
    noted = drive.Noted(event.at, more)
    if event.act is Does.REPAIR and not caller.is_office:
        raise Refused("not_for_you")
    if event.act in ON_BOOKING:
        booking_id = _own_passenger(event, key, caller, service)
        ON_BOOKING[event.act](booking_id, service, key, noted)
        return
    route = _own_route(event.route_id, caller, service)
    where = event.where.point() if event.where else None
    if event.act is Does.ARRIVE:
        drive.arrive(route.id, service, key, where, noted)
    elif event.act is Does.BREAK_DOWN:
        operate.break_down(route.id, service, event.cause or "breakdown", where, key)
    elif event.act is Does.REPAIR:
        operate.repair(route.id, service, key)
    elif event.act is Does.DELAY:
        if event.expected_arrival is None:
            raise BadInput("field_missing", field="expected_arrival")
        drive.report_delay(route.id, event.expected_arrival, service, key)
    else:
        ON_ROUTE[event.act](route.id, service, key, noted)


def _own_passenger(event: EventForm, key: str, caller: Caller, service: Service) -> str:
    """The booking an act is for; it must ride in a vehicle that the caller speaks for."""
    if event.booking_id is None:
        raise BadInput("field_missing", field="booking_id")
    booking = service.store.find_booking(event.booking_id)
    if booking is None:
        raise NotFound()
    if caller.is_office or service.store.find_answer(key) is not None:
        return booking.id  # done before under this key: it may have left the route since
    route = service.store.find_route(booking.route_id) if booking.route_id else None
    if route is None or route.vehicle_id != caller.subject:
        raise NotFound()
    return booking.id
