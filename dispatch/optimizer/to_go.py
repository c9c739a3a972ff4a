"""What a vehicle must still pay at least, from any place and time on.

A table by place and slot of time, filled from the end of the day backwards. It forgets whom
the vehicle has served, so it is never too high; it tells the labels early which of them lead
nowhere, and is a first bound by itself.

See: docs/words.md, bound; docs/decisions/0130-a-bound-from-trips.md
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dispatch.optimizer.columns import UNREACHABLE, Int64
from dispatch.optimizer.kernels import kernel
from dispatch.optimizer.trip_costs import Trips, cost_at, end_at

FAR = 2**60
"""A cost that means: there is no way."""


class Ways(NamedTuple):
    """How the vehicles of one kind may drive between trips. Times in seconds."""

    travel: Int64
    """(places, places)"""
    nearest: Int64
    """(places, places) the least seconds on the road, by whatever way."""
    origin: Int64
    """(R,) where each request boards."""
    opens: Int64
    """(R,)"""
    latest: Int64
    """(R,) latest begin of its pickup."""
    first_trip: Int64
    """(R + 1,) the trips that take request r first are first_trip[r] … first_trip[r + 1] - 1."""
    rest_earliest: Int64
    """(B,) by break."""
    rest_latest: Int64
    rest_seconds: Int64
    rest_place: Int64
    stands: Int64
    """Places where a vehicle may stand empty."""
    end_place: int
    shift_end: int
    driving: int
    """Cost of a second on the road."""
    under_way: bool
    """Whether a start is already a route with visits."""
    since: int
    """Begin of the first slot."""
    step: int
    """Seconds of a slot; no trip is shorter."""


class ToGo(NamedTuple):
    """Least cost still to come. B + 1 counts of breaks taken, T slots of time."""

    stands: Int64
    """(B + 1, places, T) for a vehicle that stands empty."""
    begins: Int64
    """(B + 1, R, T) for one that begins a trip with that pickup."""


def empty_to_go(ways: Ways, slots: int) -> ToGo:
    """A table to be filled; with a single slot, one that says nothing."""
    rests, requests = len(ways.rest_place) + 1, len(ways.origin)
    fill = FAR if slots > 1 else -FAR
    return ToGo(
        np.full((rests, len(ways.travel), slots), fill, np.int64),
        np.full((rests, requests, slots), fill, np.int64),
    )


@kernel
def slot_at(ways: Ways, togo: ToGo, time: int) -> int:
    """The slot that `time` lies in."""
    return int(min(togo.stands.shape[2] - 1, (time - ways.since) // ways.step))


@kernel
def home_from(ways: Ways, place: int, time: int) -> int:
    """Cost of driving home from `place`, or FAR if that cannot be in time."""
    if ways.end_place < 0:
        return 0 if time <= ways.shift_end else FAR
    way = ways.travel[place, ways.end_place]
    if way >= UNREACHABLE or time + way > ways.shift_end:
        return FAR
    return int(ways.driving * way)


@kernel
def fill_to_go(ways: Ways, trips: Trips, value: Int64, togo: ToGo) -> None:
    """Fill the table backwards; value (F,): the prices that each trip earns.

    A slot stands for its first second. No trip is shorter than a slot, so it always leads to
    a later one.
    """
    rests, requests, slots = togo.begins.shape
    for k in range(slots - 1, -1, -1):
        for request in range(requests):
            _fill_begin(ways, trips, value, togo, request, k)
        for b in range(rests - 1, -1, -1):
            for place in ways.stands:
                togo.stands[b, place, k] = _least_from(ways, togo, place, b, k)


@kernel
def _fill_begin(ways: Ways, trips: Trips, value: Int64, togo: ToGo, request: int, k: int) -> None:
    """Least cost from the pickup of `request` on, from slot k on."""
    now = ways.since + k * ways.step
    togo.begins[:, request, k] = FAR
    if now > ways.latest[request]:
        return
    opens = slot_at(ways, togo, max(ways.since, ways.opens[request]))
    if k < opens:
        togo.begins[:, request, k] = togo.begins[:, request, opens]
        return
    start = max(now, ways.opens[request])
    for n in range(ways.first_trip[request], ways.first_trip[request + 1]):
        if start > trips.latest[n]:
            continue
        cost = cost_at(trips, n, start) - value[n]
        end = slot_at(ways, togo, end_at(trips, n, start))
        for b in range(togo.begins.shape[0]):
            least = cost + togo.stands[b, trips.last[n], end]
            togo.begins[b, request, k] = min(togo.begins[b, request, k], least)


@kernel
def _least_from(ways: Ways, togo: ToGo, place: int, b: int, k: int) -> int:
    """Least cost for a vehicle that stands empty at `place` in slot k after b breaks."""
    rests, requests = togo.begins.shape[0], togo.begins.shape[1]
    now = ways.since + k * ways.step
    least = FAR
    if b == rests - 1:
        least = home_from(ways, place, now)
    else:
        there = place if ways.rest_place[b] < 0 else ways.rest_place[b]
        way = 0 if there == place else ways.travel[place, there]
        begin = max(now + way, ways.rest_earliest[b])
        if way < UNREACHABLE and begin <= ways.rest_latest[b]:
            then = slot_at(ways, togo, begin + ways.rest_seconds[b])
            least = min(least, ways.driving * way + togo.stands[b + 1, there, then])
    for request in range(requests):
        way = ways.travel[place, ways.origin[request]]
        if way >= UNREACHABLE or now + way > ways.latest[request]:
            continue
        if ways.first_trip[request] == ways.first_trip[request + 1]:
            continue
        then = slot_at(ways, togo, max(now + way, ways.opens[request]))
        least = min(least, ways.driving * way + togo.begins[b, request, then])
    return int(least)
