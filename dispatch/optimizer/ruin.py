"""Taking rides out of a plan, so that they can be put back better.

Four ways, drawn by chance: any rides; rides alike in place and time; adjacent strings of
rides from neighbouring routes; rides that cost most where they are. Whoever is on board or
locked stays.

See: docs/words.md, search; docs/decisions/0036-ruin-and-recreate.md for the sources
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatch.optimizer.columns import NONE, Int32, Int64, Routes, Scratch, Tables, take_out
from dispatch.optimizer.kernels import kernel, lean_kernel
from dispatch.optimizer.slack import work_out_route

Flags = NDArray[np.bool_]

MOST_NEAR = 100
"""How many requests are known as like another."""

DRAWS = 20
"""Tries to draw a ride that may go before all are counted."""


class Habits(NamedTuple):
    """How the search takes rides out and puts them back; see search.Effort."""

    most_rides: int
    longest_string: int
    any_of_100: int
    related_of_100: int
    worst_of_100: int
    blinks_of_1000: int
    regret_of_100: int


class Draft(NamedTuple):
    """What one search keeps beside the routes. R requests, V vehicles."""

    vehicle_of: Int64
    """(R,) the vehicle that serves it, -1 for none."""
    movable: Flags
    """(R,) neither on board nor locked."""
    required: Flags
    """(R,) must be served in every plan."""
    bag: Int64
    """(R,) requests taken out and not put back yet, and at the end those that stay out."""
    size: Int64
    """(1,) how many are in the bag."""
    touched: Flags
    """(V,) routes that this step has changed."""
    closed: Flags
    """(V,) vehicles that may take nobody for the time being."""
    price: Int64
    """(R,) what leaving it out costs."""
    like_the_last: Flags
    """(V,) whether it is the same in everything as the vehicle before it."""
    rank: Int64
    """(R,) working space: what requests are sorted by."""
    near: Int32
    """(R, K) for each request those most like it, itself first; filled when first asked for."""
    near_known: Flags
    """(R,) whether its row of `near` is filled."""
    random: NDArray[np.uint64]
    """(1,) state of the random numbers."""


@lean_kernel
def draw(random: NDArray[np.uint64], below: int) -> int:
    """The next random number in [0, below): xorshift64*, Vigna 2016, arXiv:1402.6246."""
    state = random[0]
    state ^= state >> np.uint64(12)
    state ^= state << np.uint64(25)
    state ^= state >> np.uint64(27)
    random[0] = state
    mixed = (state * np.uint64(2685821657736338717)) >> np.uint64(33)
    return int(np.int64(mixed) % below)


@kernel
def ruin(tables: Tables, routes: Routes, scratch: Scratch, draft: Draft, habits: Habits) -> None:
    """Take some rides out, in a way drawn by chance; they are in the bag afterwards."""
    seed = _draw_served(draft)
    if seed < 0:
        return
    count = 1 + draw(draft.random, habits.most_rides)
    way = draw(draft.random, 100)
    if way < habits.any_of_100:
        _take_any(tables, routes, draft, seed, count)
    elif way < habits.any_of_100 + habits.related_of_100:
        _take_related(tables, routes, draft, seed, count)
    elif way < habits.any_of_100 + habits.related_of_100 + habits.worst_of_100:
        _take_worst(tables, routes, draft, count)
    else:
        _take_strings(tables, routes, draft, seed, count, habits.longest_string)
    for vehicle in range(len(draft.touched)):
        if draft.touched[vehicle]:
            work_out_route(tables, routes, vehicle, scratch)


@lean_kernel
def _take(tables: Tables, routes: Routes, draft: Draft, request: int) -> None:
    vehicle = draft.vehicle_of[request]
    take_out(tables, routes, vehicle, request)
    draft.vehicle_of[request] = -1
    draft.touched[vehicle] = True
    draft.bag[draft.size[0]] = request
    draft.size[0] += 1


@lean_kernel
def _may_go(draft: Draft, request: int) -> bool:
    return bool(draft.movable[request] and draft.vehicle_of[request] >= 0)


@lean_kernel
def _draw_served(draft: Draft) -> int:
    """A movable ride of the plan, each as likely as the others; -1 when there is none."""
    requests = len(draft.vehicle_of)
    for _ in range(DRAWS if requests > 0 else 0):
        request = draw(draft.random, requests)
        if _may_go(draft, request):
            return request
    total = 0
    for request in range(requests):
        if _may_go(draft, request):
            total += 1
    if total == 0:
        return -1
    left = draw(draft.random, total)
    for request in range(requests):
        if _may_go(draft, request):
            if left == 0:
                return request
            left -= 1
    return -1


@lean_kernel
def _take_any(tables: Tables, routes: Routes, draft: Draft, seed: int, count: int) -> None:
    request = seed
    for _ in range(count):
        _take(tables, routes, draft, request)
        request = _draw_served(draft)
        if request < 0:
            return


@kernel
def _learn_near(tables: Tables, draft: Draft, seed: int) -> None:
    """Find out which requests are most like `seed` in origin, destination and time."""
    if draft.near_known[seed]:
        return
    pickup = tables.breaks + 2 * seed
    for other in range(len(draft.rank)):
        node = tables.breaks + 2 * other
        draft.rank[other] = (
            np.int64(tables.travel[tables.place[pickup], tables.place[node]])
            + tables.travel[tables.place[pickup + 1], tables.place[node + 1]]
            + abs(np.int64(tables.opens[pickup]) - tables.opens[node])
        )
    draft.rank[seed] = -1
    order = np.argsort(draft.rank)
    for i in range(draft.near.shape[1]):
        draft.near[seed, i] = order[i]
    draft.near_known[seed] = True


@kernel
def _take_related(tables: Tables, routes: Routes, draft: Draft, seed: int, count: int) -> None:
    """Shaw's removal: mostly the likest rides, now and then one farther off."""
    _learn_near(tables, draft, seed)
    for request in draft.near[seed]:
        if count == 0:
            return
        if _may_go(draft, request) and (request == seed or draw(draft.random, 4) > 0):
            _take(tables, routes, draft, request)
            count -= 1


@kernel
def _take_strings(
    tables: Tables, routes: Routes, draft: Draft, seed: int, count: int, longest: int
) -> None:
    """Adjacent string removal: some rides in a row out of each route near the seed."""
    _learn_near(tables, draft, seed)
    string = 1 + draw(draft.random, longest)
    for request in draft.near[seed]:
        if count <= 0:
            return
        vehicle = draft.vehicle_of[request]
        if _may_go(draft, request) and not draft.touched[vehicle]:
            count -= _take_string(tables, routes, draft, request, min(string, count))


@kernel
def _take_string(tables: Tables, routes: Routes, draft: Draft, request: int, length: int) -> int:
    """Take `length` rides in a row, by their drop-offs, with `request` among them."""
    vehicle = draft.vehicle_of[request]
    in_a_row = np.empty(routes.count[vehicle], np.int64)
    found, at = 0, 0
    for p in range(routes.count[vehicle]):
        node = routes.node[vehicle, p] - tables.breaks
        if node < 0 or node % 2 == 0 or not draft.movable[node // 2]:
            continue
        if node // 2 == request:
            at = found
        in_a_row[found] = node // 2
        found += 1
    length = min(length, found)
    first = max(0, min(at - draw(draft.random, length), found - length))
    for i in range(first, first + length):
        _take(tables, routes, draft, in_a_row[i])
    return length


@kernel
def _take_worst(tables: Tables, routes: Routes, draft: Draft, count: int) -> None:
    """The rides whose detour and wait cost most where they are, with some chance."""
    draft.rank[:] = 0
    for vehicle in range(len(routes.count)):
        for p in range(routes.count[vehicle]):
            node = routes.node[vehicle, p] - tables.breaks
            if node >= 0:
                draft.rank[node // 2] -= _burden(tables, routes, vehicle, p)
    for request in np.argsort(draft.rank):
        if count == 0:
            return
        if _may_go(draft, request) and draw(draft.random, 4) > 0:
            _take(tables, routes, draft, request)
            count -= 1


@lean_kernel
def _burden(tables: Tables, routes: Routes, vehicle: int, p: int) -> int:
    """About what visit `p` costs: the way round by its place, and the wait at a pickup."""
    here = routes.place[vehicle, p - 1] if p > 0 else tables.start_place[vehicle]
    there = routes.place[vehicle, p + 1]
    round_by = np.int64(routes.leg[vehicle, p]) + routes.leg[vehicle, p + 1]
    if there >= 0:
        round_by -= tables.travel[here, there]
    node = routes.node[vehicle, p]
    opens = tables.opens[node]
    waited = max(0, routes.began[vehicle, p + 1] - opens) if opens > NONE else 0
    return int(tables.cost_driving * round_by + tables.cost_waiting * waited)
