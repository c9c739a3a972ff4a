"""The live town: one reading of the whole day for a screen, by everybody who plans or operates.

It names no person. Many screens read it after each event, so one reading serves all who ask
within the same second and after the same event.

See: docs/http.md, the live town; docs/words.md, live town;
docs/decisions/0087-one-reading-for-all-screens.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from threading import Lock
from typing import Annotated, Literal, Protocol

from fastapi import APIRouter, Depends, Request, Response

from api import problems
from api.board import AlertOut
from api.forms import Answer
from api.security import Caller, CallerNow
from dispatch.booking import State
from dispatch.commands.drive import open_day
from dispatch.commands.live_places import Spot
from dispatch.commands.live_view import (
    Call,
    Kept,
    LiveRequest,
    LiveTown,
    LiveVehicle,
    live_town,
    without_homes,
)
from dispatch.commands.service import Service
from dispatch.driving import Status
from dispatch.optimizer.plan import Kind
from dispatch.store.tokens import Role
from dispatch.wording import sentence
from routing.travel import Point

router = APIRouter(prefix="/live", tags=["live"])

MOST_REQUESTS = 200
"""Requests shown, the newest ones."""


type CallKind = Literal["pickup", "dropoff", "break"]

KINDS: Mapping[Kind, CallKind] = {
    Kind.PICKUP: "pickup",
    Kind.DROPOFF: "dropoff",
    Kind.BREAK: "break",
}


class ClockControl(Protocol):
    """The clock of a demo: it can be held, and run faster than time."""

    @property
    def speed(self) -> float:
        """Simulated seconds a second."""
        ...

    @property
    def paused(self) -> bool:
        """Whether it stands."""
        ...

    def now(self) -> datetime:
        """The moment that it shows (UTC)."""
        ...

    def set(self, speed: float | None = None, paused: bool | None = None) -> None:
        """Change its speed, hold it or let it go on."""
        ...


class ClockOut(Answer):
    """The demo's clock; `speed` in simulated seconds a second."""

    now: datetime
    speed: float
    paused: bool

    @classmethod
    def of(cls, clock: ClockControl, service: Service) -> ClockOut:
        """A clock as it is answered."""
        return cls(now=service.local(clock.now()), speed=clock.speed, paused=clock.paused)


class TownOut(Answer):
    """Whose day it is."""

    id: str
    name_ja: str
    name_en: str
    zone: str


class SpotOut(Answer):
    """A place by its stop, or by the settlement it lies in.

    For planners a home is where its settlement is; without degrees where that is not known.
    """

    name: str
    is_stop: bool
    lat: float | None
    lon: float | None


class DriveOut(Answer):
    """The way being driven now; `line` holds [lon, lat] pairs along the road."""

    leaves_at: datetime
    arrives_at: datetime
    line: list[tuple[float, float]]


class CallOut(Answer):
    """A visit, made or to come, and how its time stands to the promise."""

    kind: CallKind
    booking_id: str | None
    place: SpotOut | None
    starts_at: datetime
    ends_at: datetime
    promised_earliest: datetime | None
    promised_latest: datetime | None
    verdict: Literal["kept", "tight", "late"]


class LivePositionOut(Answer):
    """Where the vehicle last said it was."""

    lat: float
    lon: float
    at: datetime


class LiveVehicleOut(Answer):
    """One vehicle; `number` is its sign on the screen. `ahead` is the line still to be driven."""

    number: int
    route_id: str
    vehicle_id: str
    name: str
    status: Status
    capacity: dict[str, int]
    passengers: int
    shift_starts: datetime
    shift_ends: datetime
    position: LivePositionOut | None
    standing: SpotOut
    drive: DriveOut | None
    ahead: list[tuple[float, float]]
    done: list[CallOut]
    calls: list[CallOut]


class LiveRefusalOut(Answer):
    """The rule that refused, in words."""

    code: str
    message: str


class LiveRequestOut(Answer):
    """Somebody who asked for a ride, and what became of it."""

    id: str
    asked_at: datetime
    state: State | Literal["refused"]
    channel: str
    passengers: int
    origin: SpotOut
    destination: SpotOut
    vehicle_number: int | None
    pickup_earliest: datetime | None
    pickup_latest: datetime | None
    arrive_latest: datetime | None
    late_seconds: int
    refusal: LiveRefusalOut | None


class LiveFiguresOut(Answer):
    """The day so far, as `dispatch/figures.py` counts it."""

    asked: int
    booked: int
    refused: int
    completed: int
    on_board: int
    promises_kept: int
    promises_late: int
    promises_broken: int
    mean_wait_seconds: float | None
    shared_share: float | None
    vehicle_metres: int


class LiveOut(Answer):
    """The live town. Stream from `event_number` on and nothing is missed."""

    day: date
    now: datetime
    event_number: int
    town: TownOut
    clock: ClockOut | None
    opens: datetime | None
    closes: datetime | None
    vehicles: list[LiveVehicleOut]
    requests: list[LiveRequestOut]
    figures: LiveFiguresOut
    alerts: list[AlertOut]


@dataclass(frozen=True, slots=True)
class Sight:
    """How a reading is told.

    exact : whether it may show where people live.
    """

    language: str
    exact: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """The live town after one event and in one second, and its answers as far as made."""

    at: tuple[int, int]
    town: LiveTown
    answers: dict[object, bytes] = field(default_factory=dict)


class Readings:
    """The live town of one process: read and put into words once for all who ask together."""

    def __init__(self, service: Service, clock: ClockControl | None = None) -> None:
        self._service = service
        self._clock = clock
        self._kept = Kept(service)
        self._turn = Lock()
        self._begun = 0
        self._last: Reading | None = None

    def now(self) -> LiveTown:
        """The live town as it stands."""
        begun = self._begun
        with self._turn:
            return self._reading(begun).town

    def answer(self, sight: Sight) -> bytes:
        """The live town as it stands, as JSON."""
        begun, clock = self._begun, self._clock
        with self._turn:
            reading = self._reading(begun)
            as_told = sight, None if clock is None else (clock.speed, clock.paused)
            if as_told not in reading.answers:
                reading.answers[as_told] = self._told(reading.town, sight)
            return reading.answers[as_told]

    def _told(self, town: LiveTown, sight: Sight) -> bytes:
        shown = town if sight.exact else without_homes(town, self._kept.lines)
        told = _Saying(self._service, sight.language).live(shown, self._clock)
        return told.model_dump_json().encode()

    def _reading(self, begun: int) -> Reading:
        """A reading begun after that many others: who waited meanwhile takes what another found."""
        if self._last is None or self._begun == begun:
            self._begun += 1
            last, self._last = self._last, None
            self._last = self._look(last)
        return self._last

    def _look(self, last: Reading | None) -> Reading:
        service = self._service
        service.store.publish()
        day = service.today()
        now = service.store.last_event_number(), int(service.now().timestamp())
        if last is not None and last.at == now and last.town.day == day:
            return last
        if last is None or last.town.day != day:
            open_day(day, service)
        return Reading(now, live_town(day, self._kept, service))


def _readings(request: Request) -> Readings:
    found: Readings = request.app.state.readings
    return found


@router.get("", response_model=LiveOut)
def look(
    request: Request, caller: CallerNow, readings: Annotated[Readings, Depends(_readings)]
) -> Response:
    """Vehicles, requests, figures and alerts of today, as they stand at this moment."""
    sight = Sight(problems.language_of(request), _sees_homes(caller))
    headers = {"Cache-Control": "no-store"}
    return Response(readings.answer(sight), media_type="application/json", headers=headers)


def _sees_homes(caller: Caller) -> bool:
    """A planner does not see where people live."""
    return caller.role is not Role.PLANNER


@dataclass(frozen=True, slots=True)
class _Saying:
    """How a reading is told in one language."""

    service: Service
    language: str

    def live(self, town: LiveTown, clock: ClockControl | None) -> LiveOut:
        """The whole reading."""
        service = self.service
        shifts = [vehicle.shift for vehicle in town.vehicles]
        return LiveOut(
            day=town.day,
            now=service.local(service.now()),
            event_number=town.event_number,
            town=_town_out(service),
            clock=None if clock is None else ClockOut.of(clock, service),
            opens=service.local(min(s for s, _ in shifts)) if shifts else None,
            closes=service.local(max(e for _, e in shifts)) if shifts else None,
            vehicles=[self.vehicle(each) for each in town.vehicles],
            requests=[self.request(each) for each in town.requests[:MOST_REQUESTS]],
            figures=_figures_out(town),
            alerts=[AlertOut.of(each, self.language) for each in town.alerts],
        )

    def vehicle(self, seen: LiveVehicle) -> LiveVehicleOut:
        """One vehicle."""
        local, route = self.service.local, seen.route
        model = self.service.fleet.models[route.vehicle_id]
        position, drive = seen.position, seen.drive
        return LiveVehicleOut(
            number=seen.number,
            route_id=route.id,
            vehicle_id=model.id,
            name=model.name,
            status=route.status,
            capacity=dict(zip(self.service.town.loads, model.capacity, strict=True)),
            passengers=seen.passengers,
            shift_starts=local(seen.shift[0]),
            shift_ends=local(seen.shift[1]),
            position=None
            if position is None
            else LivePositionOut(
                lat=position.point.lat, lon=position.point.lon, at=local(position.at)
            ),
            standing=_spot_out(seen.standing),
            drive=None
            if drive is None
            else DriveOut(
                leaves_at=local(drive.leaves_at),
                arrives_at=local(drive.arrives_at),
                line=_line_out(drive.line),
            ),
            ahead=_line_out(seen.ahead),
            done=[self.call(each) for each in seen.done],
            calls=[self.call(each) for each in seen.calls],
        )

    def call(self, call: Call) -> CallOut:
        """One visit."""
        local = self.service.local
        earliest, latest = call.promised or (None, None)
        return CallOut(
            kind=KINDS[call.kind],
            booking_id=call.booking_id,
            place=None if call.spot is None else _spot_out(call.spot),
            starts_at=local(call.starts_at),
            ends_at=local(call.ends_at),
            promised_earliest=None if earliest is None else local(earliest),
            promised_latest=None if latest is None else local(latest),
            verdict=call.verdict,
        )

    def request(self, asked: LiveRequest) -> LiveRequestOut:
        """One request."""
        local = self.service.local
        earliest, latest = asked.pickup or (None, None)
        return LiveRequestOut(
            id=asked.id,
            asked_at=local(asked.asked_at),
            state=asked.state or "refused",
            channel=asked.channel,
            passengers=asked.passengers,
            origin=_spot_out(asked.origin),
            destination=_spot_out(asked.destination),
            vehicle_number=asked.vehicle_number,
            pickup_earliest=None if earliest is None else local(earliest),
            pickup_latest=None if latest is None else local(latest),
            arrive_latest=None if asked.arrive_latest is None else local(asked.arrive_latest),
            late_seconds=asked.late_seconds,
            refusal=None if asked.refusal is None else self.refusal(*asked.refusal),
        )

    def refusal(self, code: str, facts: Mapping[str, object]) -> LiveRefusalOut:
        """Why a wish was refused."""
        return LiveRefusalOut(code=code, message=sentence(code, self.language, **facts))


def _spot_out(spot: Spot) -> SpotOut:
    return SpotOut(
        name=spot.name,
        is_stop=spot.is_stop,
        lat=None if spot.point is None else spot.point.lat,
        lon=None if spot.point is None else spot.point.lon,
    )


def _town_out(service: Service) -> TownOut:
    town = service.town
    return TownOut(
        id=town.id, name_ja=town.name["ja"], name_en=town.name["en"], zone=str(town.zone)
    )


def _figures_out(seen: LiveTown) -> LiveFiguresOut:
    figures = seen.figures
    return LiveFiguresOut(
        asked=figures.asked,
        booked=figures.booked,
        refused=figures.refused,
        completed=figures.rides,
        on_board=seen.on_board,
        promises_kept=figures.kept,
        promises_late=figures.late,
        promises_broken=figures.broken,
        mean_wait_seconds=figures.mean_wait_seconds,
        shared_share=figures.shared_share,
        vehicle_metres=seen.metres,
    )


def _line_out(line: Sequence[Point]) -> list[tuple[float, float]]:
    return [(round(point.lon, 5), round(point.lat, 5)) for point in line]
