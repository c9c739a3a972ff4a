"""One vehicle's plan written down with every number it was checked against.

The audit trail keeps, with each change of a route, the plan as it was committed: the
vehicle, its rides with their limits, the visits in order and the travel times between
them. From that alone anybody can check the plan again, years later, without the map,
the town's folder or the optimizer.

See: docs/decisions/0043-what-the-audit-trail-keeps.md; docs/words.md, audit
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from itertools import pairwise
from typing import Any

import numpy as np

from dispatch.optimizer.plan import (
    ANYWHERE,
    Break,
    Kind,
    Plan,
    Problem,
    Request,
    Route,
    Vehicle,
    Visit,
)

UNREACHABLE_SECONDS = 2**28
"""Travel time between two places that the recorded route does not drive between."""

_OTHER_VEHICLE = 1
"""Index that stands for any vehicle but the recorded one."""

PlanRecord = dict[str, Any]
"""A recorded plan; JSON values only."""


def record_plan(
    problem: Problem, plan: Plan, vehicle: int, bookings: Sequence[str], before: Plan | None = None
) -> PlanRecord:
    """Write down the plan of one vehicle.

    bookings : the booking's id of each request of the problem, by index.
    before : the plan it replaces, which says what the locked visits were.
    """
    visits = plan.routes[vehicle].visits
    head = before.routes[vehicle].visits[: problem.vehicles[vehicle].locked] if before else ()
    asked = _requests_of(visits, head)
    number = {index: position for position, index in enumerate(asked)}
    places, legs = _way(problem, vehicle, visits)
    for index in asked:
        _note(places, problem.requests[index].origin, problem.requests[index].destination)
    return {
        "stop_seconds": problem.stop_seconds,
        "vehicle": _vehicle_form(problem.vehicles[vehicle], places),
        "bookings": [bookings[index] for index in asked],
        "requests": [_request_form(problem.requests[i], places, vehicle) for i in asked],
        "visits": _visit_forms(visits, number),
        "before": None if before is None else _visit_forms(head, number),
        "legs": legs,
    }


def recorded_plan(record: Mapping[str, Any]) -> tuple[Problem, Plan, Plan | None]:
    """Read a recorded plan back: one vehicle, its requests, only the legs that it drives.

    Raises KeyError, TypeError or ValueError when the record has been damaged.
    """
    requests = tuple(_request(form) for form in record["requests"])
    vehicle = _vehicle(record["vehicle"])
    legs = [tuple(int(number) for number in leg) for leg in record["legs"]]
    count = 1 + max(_places_of(vehicle, requests, legs), default=0)
    seconds = np.full((count, count), UNREACHABLE_SECONDS, dtype=np.int32)
    metres = np.zeros((count, count), dtype=np.int32)
    for start, end, leg_seconds, leg_metres in legs:
        seconds[start, end] = leg_seconds
        metres[start, end] = leg_metres
    problem = Problem(
        travel_seconds=seconds,
        travel_metres=metres,
        vehicles=(vehicle,),
        requests=requests,
        stop_seconds=int(record["stop_seconds"]),
        required=frozenset(range(len(requests))),
    )
    before = record["before"]
    return (
        problem,
        Plan((Route(_visits(record["visits"])),)),
        None if before is None else Plan((Route(_visits(before)),)),
    )


def _requests_of(*routes: Iterable[Visit]) -> list[int]:
    seen = {v.subject: None for route in routes for v in route if v.kind is not Kind.BREAK}
    return list(seen)


def _note(places: dict[int, int], *new: int) -> None:
    for place in new:
        if place != ANYWHERE:
            places.setdefault(place, len(places))


def _way(
    problem: Problem, vehicle: int, visits: Iterable[Visit]
) -> tuple[dict[int, int], list[list[int]]]:
    """The places along the route, numbered anew, and each leg between them once."""
    of = problem.vehicles[vehicle]
    stands = [of.start_place]
    for visit in visits:
        place = _place_of(problem, of, visit)
        stands.append(stands[-1] if place == ANYWHERE else place)
    if of.end_place != ANYWHERE:
        stands.append(of.end_place)
    places: dict[int, int] = {}
    _note(places, *stands, *(rest.place for rest in of.breaks))
    pairs = dict.fromkeys([*pairwise(stands), *((place, place) for place in stands)])
    legs = [
        [
            places[a],
            places[b],
            int(problem.travel_seconds[a, b]),
            int(problem.travel_metres[a, b]),
        ]
        for a, b in pairs
    ]
    return places, legs


def _place_of(problem: Problem, vehicle: Vehicle, visit: Visit) -> int:
    if visit.kind is Kind.BREAK:
        return vehicle.breaks[visit.subject].place
    request = problem.requests[visit.subject]
    return request.origin if visit.kind is Kind.PICKUP else request.destination


def _places_of(
    vehicle: Vehicle, requests: Iterable[Request], legs: Iterable[tuple[int, ...]]
) -> list[int]:
    return [
        vehicle.start_place,
        vehicle.end_place,
        *(rest.place for rest in vehicle.breaks),
        *(place for request in requests for place in (request.origin, request.destination)),
        *(place for leg in legs for place in leg[:2]),
    ]


# Looked up once: a route is recorded with each of its riders, whenever it changes.
_DEFAULTS = {
    kind: tuple((field.name, field.default) for field in fields(kind))
    for kind in (Request, Vehicle, Break)
}


def _fields(of: Request | Vehicle | Break) -> dict[str, Any]:
    """What differs from the default, by name; what has no default always does."""
    values = ((name, getattr(of, name), default) for name, default in _DEFAULTS[type(of)])
    return {name: value for name, value, default in values if value != default}


def _request_form(request: Request, places: Mapping[int, int], vehicle: int) -> dict[str, Any]:
    form = _fields(request)
    form["origin"] = places[request.origin]
    form["destination"] = places[request.destination]
    form["loads"] = list(request.loads)
    if request.only_vehicle is not None:
        form["only_vehicle"] = 0 if request.only_vehicle == vehicle else _OTHER_VEHICLE
    return form


def _request(form: Mapping[str, Any]) -> Request:
    return Request(**{**form, "loads": tuple(form["loads"])})


def _vehicle_form(vehicle: Vehicle, places: Mapping[int, int]) -> dict[str, Any]:
    breaks = [_fields(replace(r, place=places.get(r.place, ANYWHERE))) for r in vehicle.breaks]
    form = _fields(
        replace(
            vehicle,
            start_place=places[vehicle.start_place],
            end_place=places.get(vehicle.end_place, ANYWHERE),
        )
    )
    return {**form, "capacity": list(vehicle.capacity), "breaks": breaks}


def _vehicle(form: Mapping[str, Any]) -> Vehicle:
    breaks = tuple(Break(**rest) for rest in form["breaks"])
    return Vehicle(**{**form, "capacity": tuple(form["capacity"]), "breaks": breaks})


def _visit_forms(visits: Iterable[Visit], number: Mapping[int, int]) -> list[list[int]]:
    return [[int(v.kind), v.subject if v.kind is Kind.BREAK else number[v.subject]] for v in visits]


def _visits(forms: Iterable[Sequence[int]]) -> tuple[Visit, ...]:
    return tuple(Visit(Kind(kind), int(subject)) for kind, subject in forms)
