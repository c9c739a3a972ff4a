"""Small problems for the optimizer's tests: a street with numbered places, and strategies.

See: docs/words.md, problem
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, composite

from dispatch.optimizer.plan import (
    NEVER,
    Break,
    Kind,
    Plan,
    Problem,
    Request,
    Route,
    Vehicle,
    Visit,
)


def street(places: int = 10, seconds: int = 60) -> np.ndarray[tuple[int, int], np.dtype[np.int32]]:
    """A straight street: `seconds` from each place to the next, both ways."""
    at = np.arange(places, dtype=np.int32) * seconds
    return np.abs(at[:, None] - at[None, :]).astype(np.int32)


def ride(origin: int, destination: int, opens: int = 0, closes: int = 3600) -> Request:
    """One passenger along the street, to be picked up within [opens, closes]."""
    return Request(
        origin, destination, opens, closes, direct_seconds=60 * abs(destination - origin)
    )


def taxi(start: int = 0, seats: int = 4, breaks: tuple[Break, ...] = ()) -> Vehicle:
    """A vehicle that is free from second 0 to 7200."""
    return Vehicle((seats, 1), start, 0, 0, 7200, breaks=breaks)


def problem_of(
    vehicles: Iterable[Vehicle],
    requests: Iterable[Request],
    *,
    required: Iterable[int] = (),
    stop_seconds: int = 30,
    places: int = 10,
) -> Problem:
    """A problem on a street of ten places with 60 seconds between neighbours."""
    seconds = street(places)
    return Problem(
        seconds,
        (seconds * 8).astype(np.int32),
        tuple(vehicles),
        tuple(requests),
        stop_seconds,
        frozenset(required),
    )


def up(request: int) -> Visit:
    return Visit(Kind.PICKUP, request)


def down(request: int) -> Visit:
    return Visit(Kind.DROPOFF, request)


def rest(number: int) -> Visit:
    return Visit(Kind.BREAK, number)


def plan_of(*routes: Iterable[Visit]) -> Plan:
    return Plan(tuple(Route(tuple(visits)) for visits in routes))


@composite
def tiny_problems(draw: DrawFn, *, vehicles: int = 1, most_requests: int = 2) -> Problem:
    """Problems in seconds of one digit, small enough to try every second of the day."""
    places = 4
    cell = st.integers(0, 4)
    table = np.array(
        draw(st.lists(st.lists(cell, min_size=places, max_size=places), min_size=4, max_size=4)),
        np.int32,
    )
    np.fill_diagonal(table, 0)
    requests = draw(st.lists(_tiny_requests(), min_size=1, max_size=most_requests))
    fleet = tuple(draw(_tiny_vehicles()) for _ in range(vehicles))
    return Problem(table, table * 10, fleet, tuple(requests), draw(st.integers(0, 2)))


@composite
def _tiny_requests(draw: DrawFn) -> Request:
    place = st.integers(0, 3)
    opens = draw(st.integers(0, 8))
    return Request(
        draw(place),
        draw(place),
        opens,
        opens + draw(st.integers(0, 8)),
        latest_arrival=draw(st.sampled_from((NEVER, 12, 16))),
        max_ride=draw(st.sampled_from((NEVER, 2, 4, 6))),
        loads=(draw(st.integers(1, 2)), draw(st.integers(0, 1))),
        boarding_seconds=draw(st.integers(0, 1)),
        alighting_seconds=draw(st.integers(0, 1)),
    )


@composite
def _tiny_vehicles(draw: DrawFn) -> Vehicle:
    start = draw(st.integers(0, 3))
    breaks = (Break(draw(st.integers(0, 4)), 10, 2),) if draw(st.booleans()) else ()
    end = draw(st.sampled_from((-1, 0)))
    return Vehicle((3, 1), draw(st.integers(0, 3)), start, 0, 22, end_place=end, breaks=breaks)


@composite
def street_days(draw: DrawFn, *, most_vehicles: int = 3, most_requests: int = 8) -> Problem:
    """Problems of a small town, whose requests can be served by a lone vehicle at least."""
    place = st.integers(0, 9)
    fleet = [
        taxi(draw(place), seats=draw(st.integers(1, 4)), breaks=draw(_street_breaks()))
        for _ in range(draw(st.integers(1, most_vehicles)))
    ]
    requests = [draw(_street_requests()) for _ in range(draw(st.integers(0, most_requests)))]
    return problem_of(fleet, requests)


@composite
def _street_breaks(draw: DrawFn) -> tuple[Break, ...]:
    if draw(st.integers(0, 3)):
        return ()
    earliest = draw(st.integers(0, 3000))
    return (Break(earliest, earliest + 1800, 600),)


@composite
def _street_requests(draw: DrawFn) -> Request:
    origin, destination = draw(st.integers(0, 9)), draw(st.integers(0, 9))
    direct = 60 * abs(destination - origin)
    opens = draw(st.integers(0, 3600))
    return Request(
        origin,
        destination,
        opens,
        opens + draw(st.integers(300, 1800)),
        max_ride=draw(st.sampled_from((NEVER, direct + 120, 2 * direct + 60))),
        loads=(1, draw(st.sampled_from((0, 0, 0, 1)))),
        boarding_seconds=draw(st.sampled_from((0, 20))),
        direct_seconds=direct,
    )
