"""A live day played straight on the optimizer: no database, no map, nothing but decisions.

Requests become known one by one, in their second, and are accepted or refused at once by
insertion. The vehicles drive as planned; after each decision the background search improves
what can still be changed. It is the quick bench on which weights and search are tuned; the
whole service plays the same folders in `noriai simulate`.

See: docs/words.md, scenario folder; docs/decisions/0038-what-a-live-day-is-tuned-for.md
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean, quantiles
from time import perf_counter

from dispatch.forecast import Forecast
from dispatch.look_ahead import look_ahead, moves_ahead
from dispatch.optimizer.arrays import PlanArrays
from dispatch.optimizer.insertion import best_insertion
from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import ANYWHERE, Kind, Plan, Problem, Request, Route, Vehicle, Visit
from dispatch.optimizer.schedule import Timetable, timetable
from dispatch.optimizer.search import improve
from dispatch.optimizer.stopping import Iterations
from dispatch.optimizer.verify import verify
from dispatch.town import LookAheadRules
from simulations.outlook import DaySoFar
from simulations.scenario_file import Scenario, ScenarioVehicle

Entry = dict[str, int | str | None]


@dataclass(frozen=True, slots=True)
class Tuning:
    """What a live day is played with.

    iterations : steps of background search after each decision.
    second_look : steps of search for a request that fits nowhere before it is refused.
    look_ahead : None: the plan knows of nobody who has not asked yet.
    forecast : of other days, by stop; None: what the day has shown so far.
    verified : check every plan independently (slower; breaches raise an error).
    """

    weights: Weights = field(default_factory=Weights)
    iterations: int = 100
    seed: int = 1
    second_look: int = 0
    look_ahead: LookAheadRules | None = None
    forecast: Forecast | None = None
    verified: bool = True


@dataclass(frozen=True, slots=True)
class LiveDay:
    """How the day went.

    busy_seconds : driving and standing at stops, of all vehicles.
    decision_seconds : of each request, until all that it brings about is decided.
    """

    events: tuple[Entry, ...]
    served: int
    refused: int
    mean_wait_seconds: float
    p90_wait_seconds: float
    mean_ride_seconds: float
    vehicle_metres: int
    busy_seconds: int
    decision_seconds: tuple[float, ...]

    def figures(self) -> dict[str, float]:
        """The figures in one flat table, times of deciding in milliseconds."""
        spent = sorted(self.decision_seconds) or [0.0]
        return {
            "served": self.served,
            "refused": self.refused,
            "mean_wait_seconds": round(self.mean_wait_seconds, 1),
            "p90_wait_seconds": round(self.p90_wait_seconds, 1),
            "mean_ride_seconds": round(self.mean_ride_seconds, 1),
            "vehicle_metres": self.vehicle_metres,
            "decision_ms_mean": round(1000 * fmean(spent), 2),
            "decision_ms_p99": round(1000 * spent[int(0.99 * (len(spent) - 1))], 2),
        }


@dataclass(slots=True)
class _Cab:
    """A vehicle on the road. `visits` name requests of the scenario, with planned times.

    `free` is when it may leave `place`; `arrives` is set once it is on its way.
    """

    number: int
    facts: ScenarioVehicle
    place: int
    free: int
    visits: list[Visit] = field(default_factory=list)
    begins: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    arrives: int | None = None
    metres: int = 0
    busy_seconds: int = 0


class _World:
    """The day as far as it has come."""

    def __init__(self, scenario: Scenario, tuning: Tuning) -> None:
        self.scenario, self.tuning = scenario, tuning
        self.cabs = [
            _Cab(number, facts, facts.start_stop, facts.shift_start)
            for number, facts in enumerate(scenario.vehicles)
        ]
        self.boarded: dict[int, int] = {}
        self.waits: list[int] = []
        self.rides: list[int] = []
        self.events: list[Entry] = []
        self.so_far = DaySoFar(scenario, tuning.forecast)

    # --- the road ---

    def advance(self, now: int) -> None:
        """Drive every vehicle on to second `now`; what happens in it is still open."""
        for cab in self.cabs:
            while cab.visits:
                if cab.arrives is None:
                    if cab.free >= now:
                        break
                    self._leave(cab)
                if cab.begins[0] >= now:
                    break
                self._serve(cab)
            if cab.arrives is None:
                cab.free = max(cab.free, now)

    def _leave(self, cab: _Cab) -> None:
        there = self._stop_of(cab.visits[0])
        way = int(self.scenario.seconds[cab.place, there])
        cab.arrives = cab.free + way
        cab.busy_seconds += way
        cab.metres += int(self.scenario.metres[cab.place, there])

    def _serve(self, cab: _Cab) -> None:
        """One standing: everybody who boards or alights in it."""
        begin, place = cab.begins[0], self._stop_of(cab.visits[0])
        count = 1
        while (
            count < len(cab.visits)
            and cab.begins[count] == begin
            and self._stop_of(cab.visits[count]) == place
        ):
            count += 1
        departs = cab.ends[count - 1]
        for visit in cab.visits[:count]:
            self._happen(cab, visit, begin, departs)
        cab.busy_seconds += departs - begin
        cab.place, cab.free, cab.arrives = place, departs, None
        del cab.visits[:count], cab.begins[:count], cab.ends[:count]

    def _happen(self, cab: _Cab, visit: Visit, begin: int, departs: int) -> None:
        request = self.scenario.requests[visit.subject]
        if visit.kind is Kind.PICKUP:
            self.boarded[visit.subject] = departs
            self.waits.append(begin - request.requested_at)
        else:
            self.rides.append(begin - self.boarded.pop(visit.subject))
        name = "pickup" if visit.kind is Kind.PICKUP else "dropoff"
        self._record(begin, name, visit.subject, cab)

    def _stop_of(self, visit: Visit) -> int:
        request = self.scenario.requests[visit.subject]
        return request.origin if visit.kind is Kind.PICKUP else request.destination

    def _record(self, time: int, event: str, request: int, cab: _Cab | None) -> None:
        stop = None
        if cab is not None and event in {"pickup", "dropoff"}:
            kind = Kind.PICKUP if event == "pickup" else Kind.DROPOFF
            stop = self.scenario.stops[self._stop_of(Visit(kind, request))].id
        self.events.append(
            {
                "time": time,
                "event": event,
                "request": self.scenario.requests[request].id,
                "vehicle": None if cab is None else int(cab.facts.id),
                "stop": stop,
            }
        )

    # --- the office ---

    def decide(self, number: int) -> None:
        """Accept or refuse one request at once, then improve what can still be changed."""
        now = self.scenario.requests[number].requested_at
        self.advance(now)
        self.so_far.hear(self.scenario.requests[number])
        problem, before, names = self._problem(now, number)
        new = len(names) - 1
        plan = self._place(problem, before, new)
        if plan is None:
            self._record(now, "refused", number, None)
            known = problem.requests[:new]
            problem = replace(problem, requests=known, required=problem.required - {new})
            plan = before
        else:
            self._record(now, "accepted", number, self._carrier(plan, new))
            plan = self._improved(problem, plan)
        self._look_ahead(problem, plan, before, names, now)

    def _place(self, problem: Problem, plan: Plan, new: int) -> Plan | None:
        """The plan with the new request; None where no place was found for it."""
        arrays = PlanArrays(problem, plan, self.tuning.weights)
        place = best_insertion(arrays, new)
        if place is not None:
            arrays.insert(new, place.vehicle, place.pickup_position, place.dropoff_position)
            return arrays.to_plan()
        if self.tuning.second_look == 0:
            return None
        asked = replace(problem, required=problem.required - {new})
        stop = Iterations(self.tuning.second_look)
        found = improve(asked, plan, self.tuning.weights, stop, self.tuning.seed)
        return found if new in found.served() else None

    def _carrier(self, plan: Plan, request: int) -> _Cab:
        rides = Visit(Kind.DROPOFF, request)
        return next(
            cab for cab, route in zip(self.cabs, plan.routes, strict=True) if rides in route.visits
        )

    def _improved(self, problem: Problem, plan: Plan) -> Plan:
        stop = Iterations(self.tuning.iterations)
        return improve(problem, plan, self.tuning.weights, stop, self.tuning.seed)

    def _look_ahead(
        self, problem: Problem, plan: Plan, before: Plan, names: list[int], now: int
    ) -> None:
        """Choose among good plans, follow the one chosen, and send idle vehicles on."""
        rules, weights = self.tuning.look_ahead, self.tuning.weights
        outlook = None
        if rules is not None and self.so_far.is_telling:
            outlook = self.so_far.outlook(rules, now, self.tuning.seed)
            plan = look_ahead(problem, (plan,), outlook, weights)
        if self.tuning.verified:
            broken = verify(problem, plan, before)
            if broken:
                raise AssertionError(f"unsound plan: {broken}")
        for cab, old, new in zip(self.cabs, before.routes, plan.routes, strict=True):
            if new != old:
                self._follow(cab, problem, new, names)
        if outlook is not None and outlook.rules.move_within > 0:
            for move in moves_ahead(problem, plan, outlook, weights):
                self._move(self.cabs[move.vehicle], move.place, now)

    def _move(self, cab: _Cab, place: int, now: int) -> None:
        """Send an idle vehicle to wait elsewhere; until it is there it is free for nothing else."""
        cab.metres += int(self.scenario.metres[cab.place, place])
        way = int(self.scenario.seconds[cab.place, place])
        cab.busy_seconds += way
        cab.free = now + way
        cab.place = place

    def _follow(self, cab: _Cab, problem: Problem, route: Route, names: list[int]) -> None:
        """Give a vehicle its new route; one whose route stays keeps its times."""
        times = timetable(problem, cab.number, route)
        if not isinstance(times, Timetable):
            raise AssertionError(f"unsound route: {times}")
        cab.visits = [Visit(visit.kind, names[visit.subject]) for visit in route.visits]
        cab.begins, cab.ends = list(times.begins), list(times.ends)

    def _problem(self, now: int, new: int) -> tuple[Problem, Plan, list[int]]:
        """Everything that is still to come, and the scenario's request for each index."""
        names = [*sorted({visit.subject for cab in self.cabs for visit in cab.visits}), new]
        index = {name: position for position, name in enumerate(names)}
        carrier = {visit.subject: cab.number for cab in self.cabs for visit in cab.visits}
        problem = Problem(
            self.scenario.seconds,
            self.scenario.metres,
            tuple(self._vehicle(cab, now) for cab in self.cabs),
            tuple(self._request(name, carrier.get(name)) for name in names),
            self.scenario.service_seconds,
            frozenset(range(len(names))),
        )
        routes = (
            Route(tuple(Visit(visit.kind, index[visit.subject]) for visit in cab.visits))
            for cab in self.cabs
        )
        return problem, Plan(tuple(routes)), names

    def _vehicle(self, cab: _Cab, now: int) -> Vehicle:
        facts = cab.facts
        return Vehicle(
            (facts.seats, facts.wheelchairs),
            cab.place,
            max(now, cab.free),
            facts.shift_start,
            facts.shift_end,
            ANYWHERE if facts.end_stop is None else facts.end_stop,
            locked=0 if cab.arrives is None else 1,
            arrives_first=cab.arrives,
        )

    def _request(self, number: int, carrier: int | None) -> Request:
        it = self.scenario.requests[number]
        aboard = self.boarded.get(number)
        return Request(
            it.origin,
            it.destination,
            it.earliest_pickup,
            it.latest_pickup,
            max_ride=it.max_ride,
            loads=(it.passengers, it.wheelchairs),
            only_vehicle=None if aboard is None else carrier,
            aboard_since=aboard,
            direct_seconds=int(self.scenario.seconds[it.origin, it.destination]),
        )


def play(scenario: Scenario, tuning: Tuning) -> LiveDay:
    """Play one day; the same scenario and tuning give the same day, event for event."""
    world = _World(scenario, tuning)
    spent = []
    order = sorted(range(len(scenario.requests)), key=lambda n: scenario.requests[n].requested_at)
    for number in order:
        began = perf_counter()
        world.decide(number)
        spent.append(perf_counter() - began)
    world.advance(2**30)
    for cab in world.cabs:
        if cab.facts.end_stop is not None and cab.place != cab.facts.end_stop:
            cab.metres += int(scenario.metres[cab.place, cab.facts.end_stop])
    events = sorted(world.events, key=lambda entry: int(entry["time"] or 0))
    served = sum(entry["event"] == "accepted" for entry in events)
    return LiveDay(
        tuple(events),
        served,
        len(order) - served,
        fmean(world.waits or [0]),
        quantiles(world.waits or [0, 0], n=10, method="inclusive")[-1] if served > 1 else 0.0,
        fmean(world.rides or [0]),
        sum(cab.metres for cab in world.cabs),
        sum(cab.busy_seconds for cab in world.cabs),
        tuple(spent),
    )


def write_events(day: LiveDay, path: Path) -> None:
    """One JSON object a line, in order of time."""
    lines = (json.dumps(entry) + "\n" for entry in day.events)
    path.write_text("".join(lines), encoding="utf-8")
