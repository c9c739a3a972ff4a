"""Vehicles that are alike, with the trips they can make: what the bound reasons about.

Two vehicles are alike if any route of one could as well be the other's. At the start of a
day a fleet has a few kinds; once it drives, each vehicle is a kind of its own.

See: docs/words.md, bound; docs/decisions/0130-a-bound-from-trips.md
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from dispatch.optimizer.columns import Int64, Tables, tables_of
from dispatch.optimizer.first_trips import (
    SERVED,
    TIME,
    Starts,
    standing_start,
    starts_under_way,
)
from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import ANYWHERE, NEVER, Kind, Plan, Problem, Vehicle, Visit
from dispatch.optimizer.to_go import Ways
from dispatch.optimizer.trip_costs import WORD, Trips, best_trips, empty_trips, members
from dispatch.optimizer.trips import TOO_MANY, empty_path, find_trips

MOST_TRIPS = 300_000
EFFORT = 60_000_000
"""Extensions of a path that are tried for one kind of vehicle, about ten seconds."""

SLOTS = 200
"""Slots of time in which a day is looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class VehicleKind:
    """Vehicles that are alike, and all that they can do.

    starts : how they may begin; served by them as tables in `started` and `carried`.
    carried : (F, R) who rides in each trip, as zeros and ones.
    may_stay : whether a vehicle of this kind may have an empty route.
    first_break : node of the first vehicle's first break.
    """

    vehicles: tuple[int, ...]
    trips: Trips
    carried: NDArray[np.float64]
    starts: Starts
    started: NDArray[np.float64]
    ways: Ways
    slots: int
    may_stay: bool
    first_break: int


@dataclass(frozen=True, slots=True, eq=False)
class _Day:
    """A problem on its own places alone, and what is known of all vehicles."""

    problem: Problem
    tables: Tables
    nearest: Int64
    locked: dict[int, int]
    incumbent: Plan
    first_breaks: tuple[int, ...]

    def fixed(self, vehicle: int) -> tuple[Visit, ...]:
        """The locked visits of a vehicle."""
        return self.incumbent.routes[vehicle].visits[: self.problem.vehicles[vehicle].locked]

    def carries(self, vehicle: int) -> bool:
        """Whether somebody is on board already."""
        return any(
            request.aboard_since is not None and request.only_vehicle == vehicle
            for request in self.problem.requests
        )


def find_kinds(problem: Problem, weights: Weights, incumbent: Plan) -> list[VehicleKind] | None:
    """The kinds of vehicles, or None if they can make more trips than we look at."""
    if weights.waiting < weights.excess_ride and any(
        vehicle.max_duration < NEVER for vehicle in problem.vehicles
    ):
        weights = replace(weights, excess_ride=weights.waiting)
    day = _day_of(problem, weights, incumbent)
    alike: dict[object, list[int]] = {}
    for index, vehicle in enumerate(problem.vehicles):
        alike.setdefault(_likeness(day, index, vehicle), []).append(index)
    known: dict[object, Trips] = {}
    kinds: list[VehicleKind] = []
    for vehicles in alike.values():
        kind = _kind_of(day, tuple(vehicles), known)
        if kind is None:
            return None
        kinds.append(kind)
    return kinds


def visits_of(day_breaks: int, kind: VehicleKind, nodes: list[int]) -> tuple[Visit, ...]:
    """Nodes as visits; `day_breaks` is the number of nodes that are breaks."""
    return tuple(
        Visit(Kind.BREAK, node - kind.first_break)
        if node < day_breaks
        else Visit(Kind((node - day_breaks) % 2), (node - day_breaks) // 2)
        for node in nodes
    )


def _day_of(problem: Problem, weights: Weights, incumbent: Plan) -> _Day:
    small = _on_own_places(problem)
    nearest = small.travel_seconds.astype(np.int64)
    for via in range(len(nearest)):
        np.minimum(nearest, nearest[:, via, None] + nearest[None, via, :], out=nearest)
    locked = {
        visit.subject: index
        for index, (vehicle, route) in enumerate(
            zip(problem.vehicles, incumbent.routes, strict=True)
        )
        for visit in route.visits[: vehicle.locked]
        if visit.kind is not Kind.BREAK
    }
    first_breaks = accumulate((len(one.breaks) for one in problem.vehicles), initial=0)
    tables = tables_of(small, weights)
    return _Day(small, tables, nearest, locked, incumbent, tuple(first_breaks))


def _on_own_places(problem: Problem) -> Problem:
    """The same problem without the places that nobody in it needs."""
    used = {place for one in problem.requests for place in (one.origin, one.destination)}
    for vehicle in problem.vehicles:
        used |= {vehicle.start_place, vehicle.end_place, *(rest.place for rest in vehicle.breaks)}
    places = sorted(used - {ANYWHERE})
    row = {place: index for index, place in enumerate(places)} | {ANYWHERE: ANYWHERE}
    cells = np.ix_(places, places)
    return replace(
        problem,
        travel_seconds=np.ascontiguousarray(problem.travel_seconds[cells]),
        travel_metres=np.ascontiguousarray(problem.travel_metres[cells]),
        requests=tuple(
            replace(one, origin=row[one.origin], destination=row[one.destination])
            for one in problem.requests
        ),
        vehicles=tuple(
            replace(
                one,
                start_place=row[one.start_place],
                end_place=row[one.end_place],
                breaks=tuple(replace(rest, place=row[rest.place]) for rest in one.breaks),
            )
            for one in problem.vehicles
        ),
    )


def _likeness(day: _Day, index: int, vehicle: Vehicle) -> object:
    """Equal for two vehicles that are alike."""
    under_way = bool(vehicle.locked or vehicle.arrives_first is not None or day.carries(index))
    return (
        replace(vehicle, start_time=max(vehicle.start_time, vehicle.shift_start), shift_start=0),
        tuple(_allowed(day, index).tolist()),
        index if under_way else None,
    )


def _allowed(day: _Day, index: int) -> NDArray[np.bool_]:
    """(R,) whom the vehicle may take that it has not and is not bound to."""
    return np.array(
        [
            one.aboard_since is None
            and one.only_vehicle in {None, index}
            and number not in day.locked
            for number, one in enumerate(day.problem.requests)
        ],
        np.bool_,
    )


def _kind_of(
    day: _Day, vehicles: tuple[int, ...], known: dict[object, Trips]
) -> VehicleKind | None:
    index = vehicles[0]
    vehicle = day.problem.vehicles[index]
    requests = len(day.problem.requests)
    under_way = bool(vehicle.locked or vehicle.arrives_first is not None or day.carries(index))
    allowed = _allowed(day, index)
    starts = _starts_of(day, index, under_way, allowed)
    trips = None if starts is None else _trips_of(day, index, allowed, known)
    if starts is None or trips is None:
        return None
    ways, slots = _ways_of(day, vehicle, starts, trips)
    return VehicleKind(
        vehicles=vehicles,
        trips=trips,
        carried=members(trips.served, requests),
        starts=starts,
        started=members(starts.state[:, SERVED:], requests),
        ways=ways._replace(under_way=under_way),
        slots=slots,
        may_stay=not (vehicle.breaks or vehicle.locked or day.carries(index)),
        first_break=day.first_breaks[index],
    )


def _starts_of(day: _Day, index: int, under_way: bool, allowed: NDArray[np.bool_]) -> Starts | None:
    vehicle, tables = day.problem.vehicles[index], day.tables
    first_break = day.first_breaks[index]
    if not under_way:
        words = max(1, -(-len(day.problem.requests) // WORD))
        ready = int(tables.ready[index])
        return standing_start(vehicle.start_place, ready, tables.cost_vehicle, words)
    fixed = [
        first_break + visit.subject
        if visit.kind is Kind.BREAK
        else tables.breaks + 2 * visit.subject + int(visit.kind)
        for visit in day.fixed(index)
    ]
    return starts_under_way(
        tables,
        index,
        np.array(fixed, np.int32),
        first_break if vehicle.breaks else -1,
        allowed,
        day.nearest,
    )


def _trips_of(
    day: _Day, index: int, allowed: NDArray[np.bool_], known: dict[object, Trips]
) -> Trips | None:
    """The trips of a vehicle; those with the same places and permissions share them."""
    tables, requests = day.tables, len(day.problem.requests)
    key = (day.problem.vehicles[index].capacity, int(tables.ready[index]), allowed.tobytes())
    if key not in known:
        trips = empty_trips(MOST_TRIPS, max(1, -(-requests // WORD)))
        path = empty_path(requests, tables.loads.shape[1])
        count = find_trips(tables, index, allowed, day.nearest, trips, path, EFFORT)
        if count == TOO_MANY:
            return None
        known[key] = best_trips(trips, count)
    return known[key]


def _ways_of(day: _Day, vehicle: Vehicle, starts: Starts, trips: Trips) -> tuple[Ways, int]:
    """The ways between trips, and into how many slots the day is cut (1: not at all)."""
    tables, rests = day.tables, vehicle.breaks
    pickups = slice(tables.breaks, None, 2)
    origin, there = tables.place[pickups], tables.place[tables.breaks + 1 :: 2]
    by = tables.latest[tables.breaks + 1 :: 2] - day.nearest[origin, there]
    latest = np.minimum(np.minimum(tables.latest[pickups], by), vehicle.shift_end)
    since = int(starts.state[:, TIME].min(initial=NEVER))
    until = max(int(latest.max(initial=0)), since) + 1
    step = min(int(trips.span.min(initial=NEVER)), max(1, (until - since) // SLOTS))
    sliced = step > 0 and (until - since) // max(1, step) <= 4 * SLOTS
    stands = {*trips.last.tolist(), *starts.state[:, 0].tolist()}
    ways = Ways(
        travel=day.problem.travel_seconds.astype(np.int64),
        nearest=day.nearest,
        origin=origin.astype(np.int64),
        opens=tables.opens[pickups].astype(np.int64),
        latest=latest.astype(np.int64),
        first_trip=np.searchsorted(trips.first, np.arange(len(origin) + 1)).astype(np.int64),
        rest_earliest=np.array([rest.earliest for rest in rests], np.int64),
        rest_latest=np.array([rest.latest for rest in rests], np.int64),
        rest_seconds=np.array([rest.seconds for rest in rests], np.int64),
        rest_place=np.array([rest.place for rest in rests], np.int64),
        stands=np.array(
            sorted(stands | {rest.place for rest in rests if rest.place != ANYWHERE}), np.int64
        ),
        end_place=vehicle.end_place,
        shift_end=vehicle.shift_end,
        driving=tables.cost_driving,
        under_way=False,
        since=since,
        step=step if sliced else 1,
    )
    return ways, (until - since) // step + 2 if sliced else 1
