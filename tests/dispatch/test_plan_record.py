"""A recorded plan can be checked again from the record alone, and says the same."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

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
from dispatch.optimizer.verify import verify
from dispatch.plan_record import record_plan, recorded_plan
from tests.markers import examples

PLACES = 6


@st.composite
def problems(draw: st.DrawFn) -> tuple[Problem, Plan]:
    """Two vehicles with a few rides and perhaps a break, sound or not."""
    place = st.integers(0, PLACES - 1)
    table = np.array(draw(st.lists(st.integers(1, 900), min_size=36, max_size=36)), np.int32)
    seconds = table.reshape(PLACES, PLACES)
    np.fill_diagonal(seconds, 0)
    requests = []
    routes: list[list[Visit]] = [[], []]
    for number in range(draw(st.integers(0, 4))):
        vehicle = draw(st.integers(0, 1))
        aboard = draw(st.booleans())
        earliest = draw(st.integers(0, 2000))
        requests.append(
            Request(
                origin=draw(place),
                destination=draw(place),
                earliest_pickup=earliest,
                latest_pickup=earliest + draw(st.integers(0, 3000)),
                latest_arrival=draw(st.integers(1000, 9000)),
                max_ride=draw(st.integers(300, 4000)),
                loads=(draw(st.integers(1, 3)), draw(st.integers(0, 1))),
                boarding_seconds=draw(st.integers(0, 60)),
                only_vehicle=vehicle if aboard else draw(st.sampled_from([None, 0, 1])),
                aboard_since=0 if aboard else None,
            )
        )
        if not aboard:
            routes[vehicle].append(Visit(Kind.PICKUP, number))
        at = draw(st.integers(len(routes[vehicle]), len(routes[vehicle])))
        routes[vehicle].insert(at, Visit(Kind.DROPOFF, number))
    breaks = (Break(1000, 4000, 600, draw(st.sampled_from([ANYWHERE, 0]))),)
    rests = draw(st.booleans())
    if rests:
        routes[0].insert(draw(st.integers(0, len(routes[0]))), Visit(Kind.BREAK, 0))
    van = Vehicle((4, 1), draw(place), 0, 0, 20_000, draw(st.sampled_from([ANYWHERE, 1])))
    problem = Problem(
        travel_seconds=seconds,
        travel_metres=seconds * 10,
        vehicles=(
            replace(van, breaks=breaks if rests else ()),
            replace(van, locked=draw(st.integers(0, 2))),
        ),
        requests=tuple(requests),
        stop_seconds=30,
    )
    return problem, Plan((Route(tuple(routes[0])), Route(tuple(routes[1]))))


def through_json(record: dict[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(json.dumps(record))
    return read


@settings(max_examples=examples(60, 1000))
@given(problems())
def test_the_verifier_says_the_same_of_a_recorded_route_as_of_the_whole_plan(
    case: tuple[Problem, Plan],
) -> None:
    problem, plan = case
    bookings = [f"booking_{number}" for number in range(len(problem.requests))]
    whole = verify(problem, plan, plan)

    for vehicle in range(2):
        record = through_json(record_plan(problem, plan, vehicle, bookings, plan))
        alone = verify(*recorded_plan(record))

        told = {(v.limit, record["bookings"][v.request]) for v in alone if v.request is not None}
        expected = {
            (v.limit, bookings[v.request])
            for v in whole
            if v.request is not None and v.vehicle == vehicle
        }
        assert told == expected


def test_a_record_names_no_place_and_no_person() -> None:
    request = Request(3, 4, 100, 900, loads=(1, 0))
    table = np.full((6, 6), 60, np.int32)
    problem = Problem(table, table, (Vehicle((4, 1), 2, 0, 0, 9000),), (request,))
    plan = Plan((Route((Visit(Kind.PICKUP, 0), Visit(Kind.DROPOFF, 0))),))

    record = record_plan(problem, plan, 0, ["bkg_1"])

    assert record["bookings"] == ["bkg_1"]
    assert record["requests"][0]["origin"] in {0, 1, 2}
    assert len(record["legs"]) == 5
