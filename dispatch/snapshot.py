"""Bookings, fleet and map into an optimizer problem, and its plan back into routes.

The only place where the service's words (UTC times, points, needs) become the optimizer's
numbers (seconds since local midnight, indices, loads) and return.

See: docs/words.md, snapshot; docs/decisions/0050-one-border-between-clock-and-seconds.md
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import assert_never

from dispatch.booking import IN_THE_PLAN, Booking, State
from dispatch.driving import PlannedVisit, Route, Status
from dispatch.fleet import Garage, Shift, VehicleModel
from dispatch.optimizer import plan as words
from dispatch.optimizer.arrays import PlanArrays
from dispatch.optimizer.plan import Kind, Plan, Problem, Request, Vehicle, Visit
from dispatch.requests import Midnight, Requests, boarding_seconds, changes_spent
from dispatch.road_limits import ease
from dispatch.town import Town
from routing.travel import PlaceTable, Point

PLANNABLE = frozenset({Status.OFF_DUTY, Status.STANDING, Status.DRIVING, Status.ON_BREAK})
"""What a vehicle may be doing to be given rides."""


_visit = lru_cache(maxsize=100_000)(Visit)
"""The visit of a request; one is never altered, so each snapshot takes those of the last."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """A town's shifts, vehicles and garages by their ids."""

    shifts: Mapping[str, Shift]
    models: Mapping[str, VehicleModel]
    garages: Mapping[str, Garage]

    @classmethod
    def of(cls, town: Town) -> Fleet:
        """Look-up tables over the town's fleet."""
        return cls(
            {shift.id: shift for shift in town.shifts},
            {model.id: model for model in town.vehicles},
            {garage.id: garage for garage in town.garages},
        )

    def garage_of(self, route: Route) -> Point:
        """Where the vehicle of `route` starts its shift."""
        return self.garages[self.models[route.vehicle_id].garage].point

    def end_of(self, route: Route) -> Point | None:
        """Where the vehicle of `route` must be when its shift ends; None: anywhere."""
        model = self.models[route.vehicle_id]
        if model.ends_at == "":
            return None
        return self.garages[model.ends_at or model.garage].point

    def home_of(self, route: Route) -> Point:
        """Where the vehicle of `route` drives when it has nothing else to do."""
        return self.end_of(route) or self.garage_of(route)


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """One moment of a service day in the optimizer's words.

    routes : by vehicle index; only those that can be given rides.
    bookings : by request index.
    gone : ids of held offers that have no place in the plan any more (expired, or the road
        has overtaken them).
    late : indices of the vehicles whose present plan the road has made break a promise.
    ready : columns that were made on the way, for the first who asks `arrays`.
    """

    now: datetime
    midnight: Midnight
    town: Town
    problem: Problem
    plan: Plan
    routes: tuple[Route, ...]
    bookings: tuple[Booking, ...]
    gone: frozenset[str] = frozenset()
    late: frozenset[int] = frozenset()
    ready: list[PlanArrays] = field(default_factory=list)

    def arrays(self) -> PlanArrays:
        """Problem and plan as columns, for the caller alone to change."""
        if self.ready:
            return self.ready.pop()
        return PlanArrays(self.problem, self.plan, self.town.weights)

    def vehicle_of(self, route_id: str) -> int:
        """The vehicle index of a route. Raises KeyError when it can take no rides."""
        for index, route in enumerate(self.routes):
            if route.id == route_id:
                return index
        raise KeyError(route_id)

    def request_of(self, booking_id: str) -> int:
        """The request index of a booking. Raises KeyError when it is not in the plan."""
        for index, booking in enumerate(self.bookings):
            if booking.id == booking_id:
                return index
        raise KeyError(booking_id)


@dataclass(frozen=True, slots=True)
class Standing:
    """A call under way: how many visits belong to it, when it began, when it will end."""

    visits: int
    began: int
    ends: int


@dataclass(slots=True)
class _Draft:
    """What `load` gathers before the limits are loosened."""

    vehicles: list[Vehicle] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    plans: list[words.Route] = field(default_factory=list)


def load(
    routes: Sequence[Route],
    bookings: Iterable[Booking],
    town: Town,
    places: PlaceTable,
    now: datetime,
    known: Requests | None = None,
) -> Snapshot:
    """The optimizer's view of one service day.

    Parameters
    ----------
    routes : all routes of the day; those that can be given no rides are left out.
    bookings : bookings of that day; those in no plan and expired holds are left out.
    now : UTC; nothing is planned before it.
    known : rides worked out before; those of bookings that are the same still are taken.
    """
    day = routes[0].service_day if routes else now.astimezone(town.zone).date()
    midnight = Midnight.of(day, town)
    active = {b.id: b for b in bookings if is_planned(b, now)}
    fleet, seconds = Fleet.of(town), midnight.at_least(now)
    reader = _Reader(town, places, midnight, seconds, fleet, known or Requests())
    return reader.read([r for r in routes if r.status in PLANNABLE], active, now)


def is_planned(booking: Booking, now: datetime) -> bool:
    """Whether a booking has a place in the plan: a hold that has run out has none."""
    if booking.route_id is None:
        return False
    if booking.state is State.OFFERED:
        return booking.expires_at is None or now < booking.expires_at
    return booking.state in IN_THE_PLAN


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns routes and bookings into vehicles and requests."""

    town: Town
    places: PlaceTable
    midnight: Midnight
    now: int
    fleet: Fleet
    known: Requests

    def read(
        self, routes: Sequence[Route], active: Mapping[str, Booking], now: datetime
    ) -> Snapshot:
        stops = [
            [v for v in route.visits if v.kind is Kind.BREAK or v.subject in active]
            for route in routes
        ]
        vehicle_by_booking = {
            visit.subject: number
            for number, visits in enumerate(stops)
            for visit in visits
            if visit.kind is not Kind.BREAK
        }
        bookings = tuple(b for b in active.values() if b.id in vehicle_by_booking)
        index = {booking.id: number for number, booking in enumerate(bookings)}
        draft, departures = _Draft(), dict[int, int]()
        calls: list[tuple[Route, Sequence[PlannedVisit], Standing]] = []
        for number, (route, visits) in enumerate(zip(routes, stops, strict=True)):
            standing = self._standing(route, visits, active)
            departures[number] = max(self.now, standing.ends if standing else self.now)
            if standing is not None:
                calls.append((route, visits, standing))
            draft.vehicles.append(self._vehicle(route, visits, standing, active))
            draft.plans.append(self._route(visits, index))
            draft.routes.append(route)
        requests = [
            self._request(booking, vehicle, routes[vehicle], departures[vehicle])
            for booking in bookings
            for vehicle in (vehicle_by_booking[booking.id],)
        ]
        _keep_calls(requests, index, calls)
        promised = frozenset(
            number for number, b in enumerate(bookings) if b.state is not State.OFFERED
        )
        problem = Problem(
            travel_seconds=self.places.seconds,
            travel_metres=self.places.metres,
            vehicles=tuple(draft.vehicles),
            requests=tuple(requests),
            stop_seconds=round(self.town.boarding.stop.total_seconds()),
            required=promised,
        )
        start = Snapshot(
            now=now,
            midnight=self.midnight,
            town=self.town,
            problem=problem,
            plan=Plan(tuple(draft.plans)),
            routes=tuple(draft.routes),
            bookings=bookings,
        )
        held = frozenset(range(len(bookings))) - promised
        eased = ease(
            start.problem,
            start.plan,
            held,
            self.town.weights,
            lambda: self._planned(draft.routes, index),
        )
        return replace(
            start,
            problem=eased.problem,
            plan=eased.plan,
            gone=frozenset(bookings[number].id for number in eased.gone),
            late=eased.late,
            ready=[eased.arrays],
        )

    def _planned(self, routes: Sequence[Route], index: Mapping[str, int]) -> dict[int, int]:
        """The second at which each pickup is planned to begin, by request index."""
        return {
            index[visit.subject]: self.midnight.at_least(visit.starts_at)
            for route in routes
            for visit in route.visits
            if visit.kind is Kind.PICKUP and visit.subject in index
        }

    def _opens(self, visit: PlannedVisit, route: Route, active: Mapping[str, Booking]) -> int:
        """From when this visit can begin; a driver waits for a pickup that is planned later."""
        if visit.kind is Kind.DROPOFF:
            return self.midnight.at_least(route.since)
        promised = self.midnight.at_least(active[visit.subject].promise.pickup_earliest)
        return max(promised, self.midnight.at_least(visit.starts_at))

    def _standing(
        self, route: Route, visits: Sequence[PlannedVisit], active: Mapping[str, Booking]
    ) -> Standing | None:
        """The call that is under way, if the vehicle stands in one."""
        since = self.midnight.at_least(route.since)
        if route.status is Status.ON_BREAK and visits:
            length = round((visits[0].ends_at - visits[0].starts_at).total_seconds())
            began = max(since, self.now - length)
            return Standing(1, began, began + length)
        if route.status is not Status.STANDING or not visits or visits[0].point != route.place:
            return None
        if visits[0].kind is Kind.BREAK:
            return None
        began = max(since, self._opens(visits[0], route, active))
        if began > self.now:
            return None
        served = 0
        length = round(self.town.boarding.stop.total_seconds())
        for visit in visits:
            joins = visit.kind is not Kind.BREAK and visit.point == route.place
            if not joins or self._opens(visit, route, active) > began:
                break
            served += 1
            length += boarding_seconds(active[visit.subject].party, self.town)
        began = max(began, self.now - length)
        return Standing(served, began, began + length)

    def _vehicle(
        self,
        route: Route,
        visits: Sequence[PlannedVisit],
        standing: Standing | None,
        active: Mapping[str, Booking],
    ) -> Vehicle:
        shift = self.fleet.shifts[route.shift_id]
        home = self.places.index_of(self.fleet.home_of(route))
        starts = self.midnight.on_the_clock(shift.starts, self.town)
        place, free, arrives, locked = self._whereabouts(route, bool(visits), home, starts)
        if standing is not None:
            arrives, locked = standing.began, standing.visits
        return Vehicle(
            capacity=self.fleet.models[route.vehicle_id].capacity,
            start_place=place,
            start_time=free,
            shift_start=starts,
            shift_end=self.midnight.on_the_clock(shift.ends, self.town),
            end_place=self._end_place(route),
            breaks=tuple(
                self._break(shift, int(v.subject)) for v in visits if v.kind is Kind.BREAK
            ),
            locked=max(locked, self._frozen(visits, active)),
            arrives_first=arrives,
        )

    def _end_place(self, route: Route) -> int:
        end = self.fleet.end_of(route)
        return words.ANYWHERE if end is None else self.places.index_of(end)

    def _whereabouts(
        self, route: Route, has_visits: bool, home: int, starts: int
    ) -> tuple[int, int, int | None, int]:
        """Place, time it is free there, arrival at the first visit, visits locked."""
        place = self.places.index_of(route.place)
        match route.status:
            case Status.OFF_DUTY:
                return place, max(self.now, starts), None, 0
            case Status.STANDING | Status.ON_BREAK:
                return place, self.now, None, 0
            case Status.DRIVING:
                expected = self.midnight.at_least(route.arrives_at or self.midnight.time(self.now))
                arrives = max(self.now, expected)
                return (place, self.now, arrives, 1) if has_visits else (home, arrives, None, 0)
            case Status.OUT_OF_SERVICE | Status.FINISHED:
                raise AssertionError(route.status)
        assert_never(route.status)

    def _break(self, shift: Shift, number: int) -> words.Break:
        rule = shift.breaks[number]
        return words.Break(
            earliest=self.midnight.on_the_clock(rule.earliest, self.town),
            latest=self.midnight.on_the_clock(rule.latest, self.town),
            seconds=rule.minutes * 60,
        )

    def _frozen(self, visits: Sequence[PlannedVisit], active: Mapping[str, Booking]) -> int:
        """How many of the next visits the town's calm keeps as they are.

        Only visits of people who have been promised them count; a held offer may move.
        """
        horizon = self.now + round(self.town.calm.frozen.total_seconds())
        if horizon == self.now:
            return 0
        frozen = 0
        for count, visit in enumerate(visits, start=1):
            if self.midnight.at_least(visit.starts_at) > horizon:
                break
            held = visit.kind is not Kind.BREAK and active[visit.subject].state is State.OFFERED
            if not held and visit.kind is not Kind.BREAK:
                frozen = count
        return frozen

    def _route(self, visits: Sequence[PlannedVisit], index: Mapping[str, int]) -> words.Route:
        breaks = 0
        made: list[Visit] = []
        for visit in visits:
            if visit.kind is Kind.BREAK:
                made.append(_visit(Kind.BREAK, breaks))
                breaks += 1
            else:
                made.append(_visit(visit.kind, index[visit.subject]))
        return words.Route(tuple(made))

    def _left_at(self, booking: Booking, route: Route, departure: int) -> int:
        """When the ride of somebody on board began: not before the vehicle has left the call."""
        boarded = booking.boarded_at
        if boarded is None or (route.status is Status.STANDING and boarded > route.since):
            return departure
        return self.midnight.at_most(boarded)

    def _request(self, booking: Booking, vehicle: int, route: Route, departure: int) -> Request:
        request = self.known.of(booking, self.town, self.places, self.midnight)
        if booking.state is State.ON_BOARD:
            return replace(
                request,
                aboard_since=self._left_at(booking, route, departure),
                only_vehicle=vehicle,
            )
        if booking.state is State.CONFIRMED and changes_spent(booking, self.town):
            return replace(request, only_vehicle=vehicle)
        return request


def _keep_calls(
    requests: list[Request],
    index: Mapping[str, int],
    calls: Iterable[tuple[Route, Sequence[PlannedVisit], Standing]],
) -> None:
    """Narrow the pickups of vehicles that stand in a call, so that it stays as it began.

    Who is boarding cannot be put off any more for the sake of a shorter ride; who is planned
    for a later call at this place does not join the one under way.
    """
    for route, visits, standing in calls:
        for position, visit in enumerate(visits):
            if visit.kind is not Kind.PICKUP:
                continue
            number = index[visit.subject]
            old = requests[number]
            if position < standing.visits:
                latest = min(old.latest_pickup, standing.began)
                requests[number] = replace(old, latest_pickup=latest)
            elif visit.point == route.place:
                earliest = max(old.earliest_pickup, standing.began + 1)
                requests[number] = replace(old, earliest_pickup=earliest)


def with_request(snapshot: Snapshot, booking: Booking, request: Request) -> Snapshot:
    """The snapshot with one more booking that has no place in the plan yet."""
    problem = replace(snapshot.problem, requests=(*snapshot.problem.requests, request))
    return replace(snapshot, problem=problem, bookings=(*snapshot.bookings, booking), ready=[])
