"""A scenario folder played through the real service: a town without a map, exact limits.

Each request is asked for at its second with the limits it brings, accepted or refused at
that second for good, and driven as planned. What happened is written as one JSON line an
event; figures are counted from those lines alone.

See: docs/simulation.md, scenario folder; docs/decisions/0062-a-scenario-is-a-town-of-stops.md
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from statistics import fmean
from time import perf_counter
from zoneinfo import ZoneInfo

import numpy as np
import simpy

from dispatch.booking import Party, Place
from dispatch.commands.book import accept_offer
from dispatch.commands.drive import open_day
from dispatch.commands.quote import quote
from dispatch.commands.service import Service
from dispatch.commands.wishes import ExactLimits, Wish
from dispatch.driving import PlannedVisit
from dispatch.errors import NoriaiError
from dispatch.fares import FareTable
from dispatch.fleet import Garage, Shift, VehicleModel
from dispatch.look_ahead import Outlook
from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import Kind
from dispatch.snapshot import Snapshot
from dispatch.town import (
    BoardingRules,
    BookingRules,
    CalmRules,
    Hours,
    LookAheadRules,
    PromiseRules,
    RegistrationRules,
    Stop,
    Town,
)
from dispatch.wiring import build_service
from routing.travel import Leg, Point, Snap, Table
from simulations.demand import Habits
from simulations.outlook import DaySoFar
from simulations.scenario_file import Scenario, ScenarioRequest, ScenarioVehicle
from simulations.story import percentile
from simulations.vehicles import Driver, work_a_shift
from simulations.world import Manners, Steps, World, simulated_ports

DAY = date(2026, 1, 5)
MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)
LAST_SECOND = 86_399
MOST_STEPS, FEWEST_STEPS = 300, 30
"""Search steps after each decision, for a small and for a large fleet (decisions/0038)."""


def steps_for(vehicles: int) -> int:
    """How many search steps a decision is worth: beyond these, more brought hardly more."""
    return max(FEWEST_STEPS, min(MOST_STEPS, 2400 // max(1, vehicles)))


@dataclass(frozen=True, slots=True)
class ScenarioEvent:
    """One line of events.jsonl."""

    time: int
    event: str
    request: int
    vehicle: int | str | None = None
    stop: int | None = None


@dataclass(frozen=True, slots=True)
class ScenarioFigures:
    """The last line of `noriai simulate FOLDER --json`."""

    served: int
    refused: int
    mean_wait_seconds: float
    p90_wait_seconds: int
    mean_ride_seconds: float
    vehicle_metres: int
    promise_breaches: int
    wall_seconds: float


@dataclass(slots=True)
class ScenarioLog:
    """What happens, as it happens."""

    events: list[ScenarioEvent] = field(default_factory=list)
    by_booking: dict[str, ScenarioRequest] = field(default_factory=dict)
    so_far: DaySoFar | None = None


class MatrixTravel:
    """Travel times of a scenario as a road engine: between its stops and nowhere else."""

    name = "scenario"
    exact = True

    def __init__(self, scenario: Scenario) -> None:
        self._index = {stop.point: number for number, stop in enumerate(scenario.stops)}
        self._seconds = scenario.seconds
        self._metres = scenario.metres

    def snap(self, point: Point) -> Snap:
        """A stop is where it is."""
        return Snap(point, 0.0)

    def table(
        self, origins: Sequence[Point], destinations: Sequence[Point], at: datetime | None = None
    ) -> Table:
        """Seconds and metres as the scenario's tables say; `at` makes no difference."""
        del at
        rows = np.array([self._index[point] for point in origins], np.intp)
        columns = np.array([self._index[point] for point in destinations], np.intp)
        cells = np.ix_(rows, columns)
        return Table(self._seconds[cells], self._metres[cells])

    def leg(self, origin: Point, destination: Point, at: datetime | None = None) -> Leg:
        """The way as a straight line: a scenario has no map."""
        table = self.table((origin,), (destination,), at)
        return Leg(int(table.seconds[0, 0]), int(table.metres[0, 0]), (origin, destination))


def town_of(scenario: Scenario, look_ahead: LookAheadRules | None = None) -> Town:
    """The scenario as a town: its stops, its vehicles, and no rules but the requests' own."""
    stops = tuple(
        Stop(str(stop.id), stop.name or str(stop.id), "", stop.point) for stop in scenario.stops
    )
    largest = max((request.passengers for request in scenario.requests), default=1)
    return Town(
        id="scenario",
        name={"en": scenario.name, "ja": scenario.name},
        zone=ZoneInfo("UTC"),
        centre=stops[0].point,
        areas=(),
        hours={weekday: Hours(time(0), _clock(LAST_SECOND)) for weekday in range(7)},
        closed_days=frozenset(),
        closed_on_holidays=False,
        country="",
        booking=BookingRules(largest_party=largest, offers=1),
        promise=PromiseRules(reserve=timedelta(0)),
        boarding=BoardingRules(
            stop=timedelta(seconds=scenario.service_seconds), passenger=timedelta(0)
        ),
        calm=CalmRules(vehicle_changes=1_000_000, frozen=timedelta(0)),
        registration=RegistrationRules(required=False),
        weights=Weights(),
        fares=FareTable(),
        loads=("seats", "wheelchairs"),
        load_by_need={"wheelchair": {"seats": 1, "wheelchairs": 1}},
        garages=tuple(Garage(str(stop.id), stop.name, stop.point) for stop in scenario.stops),
        vehicles=tuple(_model(vehicle, scenario) for vehicle in scenario.vehicles),
        shifts=tuple(_shift(vehicle) for vehicle in scenario.vehicles),
        stops=stops,
        settlements=(),
        speeds={},
        look_ahead=look_ahead,
    )


def play_scenario(
    scenario: Scenario,
    seed: int = 1,
    iterations: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    look_ahead: LookAheadRules | None = None,
) -> tuple[ScenarioFigures, tuple[ScenarioEvent, ...]]:
    """Play every request of the scenario; `progress(asked, all)` is told as it goes on."""
    began = perf_counter()
    env = simpy.Environment()
    ports, bell = simulated_ports(env, MIDNIGHT)
    service = build_service(
        town_of(scenario, look_ahead),
        database_url="sqlite://",
        ports=ports,
        travel=MatrixTravel(scenario),
    )
    steps = steps_for(len(scenario.vehicles)) if iterations is None else iterations
    world = World(env, service, bell, DAY, seed, Manners(iterations=steps, exact=True))
    log = ScenarioLog(so_far=_watched_day(scenario, service))
    world.on_call = lambda vehicle, call, began: _note_call(vehicle, call, began, log, scenario)
    open_day(DAY, service)
    _let_begin(scenario, log, world, progress)
    env.run()
    events = tuple(sorted(log.events, key=lambda event: event.time))
    metres = world.journal.metres
    service.store.close()
    return figures_of(events, scenario, metres, perf_counter() - began), events


def figures_of(
    events: Sequence[ScenarioEvent], scenario: Scenario, metres: int, wall_seconds: float
) -> ScenarioFigures:
    """Count a played scenario from its events alone; waits are from request to pickup."""
    requests = {request.id: request for request in scenario.requests}
    picked = {event.request: event.time for event in events if event.event == "pickup"}
    dropped = {event.request: event.time for event in events if event.event == "dropoff"}
    accepted = {event.request for event in events if event.event == "accepted"}
    waits = sorted(
        picked[number] - max(requests[number].requested_at, requests[number].earliest_pickup)
        for number in picked
    )
    rides = {
        number: dropped[number] - picked[number] - scenario.service_seconds for number in dropped
    }
    kept = [
        number
        for number in dropped
        if picked[number] <= requests[number].latest_pickup
        and picked[number] >= requests[number].earliest_pickup
        and rides[number] <= requests[number].max_ride
    ]
    return ScenarioFigures(
        served=len(dropped),
        refused=sum(event.event == "refused" for event in events),
        mean_wait_seconds=round(fmean(waits), 1) if waits else 0.0,
        p90_wait_seconds=percentile(waits, 90),
        mean_ride_seconds=round(fmean(rides.values()), 1) if rides else 0.0,
        vehicle_metres=metres,
        promise_breaches=len(accepted) - len(kept),
        wall_seconds=round(wall_seconds, 1),
    )


def write_events(events: Sequence[ScenarioEvent], path: Path) -> None:
    """One JSON object a line, in order of time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for event in events:
            file.write(json.dumps(asdict(event)) + "\n")


def _watched_day(scenario: Scenario, service: Service) -> DaySoFar:
    """Let the service expect of the day what it has shown so far, and nothing else."""
    places = [service.places.index_of(stop.point) for stop in scenario.stops]
    so_far = DaySoFar(scenario, places=places)

    def told(snapshot: Snapshot, seed: int) -> Outlook | None:
        rules = service.town.look_ahead
        if rules is None or not so_far.is_telling:
            return None
        return so_far.outlook(rules, snapshot.midnight.at_least(snapshot.now), seed)

    service.foresight.told = told
    return so_far


def _let_begin(
    scenario: Scenario,
    log: ScenarioLog,
    world: World,
    progress: Callable[[int, int], None] | None,
) -> None:
    asked = 0

    def heard() -> None:
        nonlocal asked
        asked += 1
        if progress is not None:
            progress(asked, len(scenario.requests))

    order = sorted(scenario.requests, key=lambda request: (request.requested_at, request.id))
    for request in order:
        world.env.process(_ask(request, scenario, log, world, heard))
    for route in world.service.store.list_routes(DAY):
        driver = Driver.of(route, world)
        world.drivers[driver.vehicle_id] = world.env.process(work_a_shift(driver, world))


def _ask(
    request: ScenarioRequest,
    scenario: Scenario,
    log: ScenarioLog,
    world: World,
    heard: Callable[[], None],
) -> Steps[None]:
    """Ask at the second of the request; what is offered is taken at once, for good."""
    yield world.until(MIDNIGHT + timedelta(seconds=request.requested_at))
    wish = _wish(request, scenario)
    if log.so_far is not None:
        log.so_far.hear(request)
    answer = world.attempt(lambda: quote(wish, world.service))
    heard()
    if isinstance(answer, NoriaiError) or not answer.offers:
        log.events.append(ScenarioEvent(request.requested_at, "refused", request.id))
        return
    booking = accept_offer(answer.offers[0].id, world.service)
    log.by_booking[booking.id] = request
    world.habits[booking.id] = Habits()
    route = world.service.store.get_route(booking.route_id or "")
    log.events.append(
        ScenarioEvent(request.requested_at, "accepted", request.id, _number(route.vehicle_id), None)
    )
    world.improve()


def _wish(request: ScenarioRequest, scenario: Scenario) -> Wish:
    origin, destination = scenario.stops[request.origin], scenario.stops[request.destination]
    latest = request.latest_pickup + scenario.service_seconds + request.max_ride
    return Wish(
        None,
        Place(origin.point, origin.name, str(origin.id)),
        Place(destination.point, destination.name, str(destination.id)),
        Party(request.passengers, ("wheelchair",) * request.wheelchairs),
        depart_after=_moment(request.earliest_pickup),
        channel="scenario",
        exact=ExactLimits(
            pickup_earliest=_moment(request.earliest_pickup),
            pickup_latest=_moment(request.latest_pickup),
            arrive_latest=_moment(min(latest, LAST_SECOND)),
            max_ride_seconds=request.max_ride,
        ),
    )


def _note_call(
    vehicle_id: str,
    call: Sequence[PlannedVisit],
    began: datetime,
    log: ScenarioLog,
    scenario: Scenario,
) -> None:
    """People alight before others board, so that the seats are counted as they are."""
    second = round((began - MIDNIGHT).total_seconds())
    for kind, name in ((Kind.DROPOFF, "dropoff"), (Kind.PICKUP, "pickup")):
        for visit in call:
            if visit.kind is not kind:
                continue
            request = log.by_booking[visit.subject]
            stop = request.origin if kind is Kind.PICKUP else request.destination
            log.events.append(
                ScenarioEvent(
                    second, name, request.id, _number(vehicle_id), scenario.stops[stop].id
                )
            )


def _model(vehicle: ScenarioVehicle, scenario: Scenario) -> VehicleModel:
    def garage(stop: int) -> str:
        return str(scenario.stops[stop].id)

    return VehicleModel(
        vehicle.id,
        vehicle.id,
        (vehicle.seats, vehicle.wheelchairs),
        garage(vehicle.start_stop),
        ends_at="" if vehicle.end_stop is None else garage(vehicle.end_stop),
    )


def _shift(vehicle: ScenarioVehicle) -> Shift:
    return Shift(
        f"shift-{vehicle.id}",
        vehicle.id,
        frozenset(range(7)),
        _clock(vehicle.shift_start),
        _clock(vehicle.shift_end),
    )


def _clock(seconds: int) -> time:
    seconds = min(seconds, LAST_SECOND)
    return time(seconds // 3600, seconds // 60 % 60, seconds % 60)


def _moment(seconds: int) -> datetime:
    return MIDNIGHT + timedelta(seconds=seconds)


def _number(vehicle_id: str) -> int | str:
    return int(vehicle_id) if vehicle_id.isdigit() else vehicle_id
