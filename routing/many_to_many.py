"""The compiled search for the quickest ways: from many places to many places at once.

The search goes from road to road, not from junction to junction, so that a turn can cost
time and nobody turns round in mid-road. An *arc* is one direction of a link: arc 2i drives
link i from its origin, 2i + 1 towards it. A *weight* packs time and distance into one
integer, `milliseconds * 2**26 + decimetres`: weights add up, the smaller one is quicker,
and of two equally quick ways the shorter one wins, whichever end the search began at.

See: docs/roads.md; docs/decisions/0011-search-from-road-to-road.md
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

# Explicit signatures: compiled when this module is first imported, not in the first booking.
_ROADS = "Tuple((int32[::1], int32[::1], int64[::1], int64[::1]))"
_PLACE = "int32[::1], int64[::1]"
_PLACES = "Tuple((int32[:, ::1], int64[:, ::1]))"
_SCRATCH = "Tuple((int64[::1], int32[::1], int64[::1], int32[::1]))"

DISTANCE_BITS = 26
NEVER = 2**62
"""The weight of a place that no road leads to."""

Arcs = NDArray[np.int32]
Weights = NDArray[np.int64]

Roads = tuple[Arcs, Arcs, Weights, Weights]
"""first, onto, turn: CSR of turns, from arc a onto `onto[first[a]:first[a + 1]]`, each with its
weight; weight: (arcs,) of driving an arc whole."""

Places = tuple[Arcs, Weights]
"""arcs, left: (places, 2) the arcs a place lies on (-1: none), and the weight of what is left
of each from there on."""

Scratch = tuple[Weights, Arcs, Weights, Arcs]
"""reached, came_from: (arcs,) weight at the end of each arc and the arc before it (-1 - s for
entry s of the place one started from); keys, heap: the queue."""


def weight_of[T: (int, Weights)](milliseconds: T, decimetres: T) -> T:
    """Time and distance as one weight."""
    return (milliseconds << DISTANCE_BITS) + decimetres


def milliseconds_in[T: (int, Weights)](weight: T) -> T:
    """The time in a weight."""
    return weight >> DISTANCE_BITS


def decimetres_in[T: (int, Weights)](weight: T) -> T:
    """The distance in a weight."""
    return weight & ((1 << DISTANCE_BITS) - 1)


@njit("void(int64[::1], int32[::1], int64, int64, int32)", cache=True, nogil=True)
def _push(keys: Weights, arcs: Arcs, size: int, key: int, arc: int) -> None:
    """Add to a binary heap of `size` entries; ties go to the lower arc."""
    i = size
    while i > 0:
        parent = (i - 1) >> 1
        if keys[parent] < key or (keys[parent] == key and arcs[parent] <= arc):
            break
        keys[i] = keys[parent]
        arcs[i] = arcs[parent]
        i = parent
    keys[i] = key
    arcs[i] = arc


@njit("void(int64[::1], int32[::1], int64)", cache=True, nogil=True)
def _pop(keys: Weights, arcs: Arcs, size: int) -> None:
    """Take the first of `size` entries away; the heap then has size - 1."""
    last = size - 1
    key, arc = keys[last], arcs[last]
    i = 0
    while True:
        child = 2 * i + 1
        if child >= last:
            break
        right = child + 1
        if right < last and (
            keys[right] < keys[child] or (keys[right] == keys[child] and arcs[right] < arcs[child])
        ):
            child = right
        if key < keys[child] or (key == keys[child] and arc <= arcs[child]):
            break
        keys[i] = keys[child]
        arcs[i] = arcs[child]
        i = child
    keys[i] = key
    arcs[i] = arc


@njit(f"{_SCRATCH}({_ROADS})", cache=True, nogil=True)
def _scratch(roads: Roads) -> Scratch:
    """Room for one search: an arc is queued at most once for each turn that leads onto it."""
    arcs, queued = len(roads[3]), 2 * len(roads[1]) + 8
    return (
        np.empty(arcs, np.int64),
        np.empty(arcs, np.int32),
        np.empty(queued, np.int64),
        np.empty(queued, np.int32),
    )


@njit(f"void({_ROADS}, {_PLACE}, int32[::1], {_SCRATCH})", cache=True, nogil=True)
def _search(roads: Roads, from_arcs: Arcs, left: Weights, wanted: Arcs, scratch: Scratch) -> None:
    """Dijkstra over arcs from one place, until every arc marked in `wanted` (arcs,) is settled."""
    first, onto, turn, weight = roads
    reached, came_from, keys, heap = scratch
    reached[:] = NEVER
    came_from[:] = -9
    size = 0
    for s in range(len(from_arcs)):
        arc = from_arcs[s]
        if arc < 0:
            continue
        for t in range(first[arc], first[arc + 1]):
            other = onto[t]
            through = left[s] + turn[t] + weight[other]
            if through < reached[other]:
                reached[other] = through
                came_from[other] = -1 - s
                _push(keys, heap, size, through, other)
                size += 1
    unsettled = wanted.sum()
    while size > 0 and unsettled > 0:
        key, arc = keys[0], heap[0]
        _pop(keys, heap, size)
        size -= 1
        if key != reached[arc]:
            continue
        unsettled -= wanted[arc]
        for t in range(first[arc], first[arc + 1]):
            other = onto[t]
            through = key + turn[t] + weight[other]
            if through < reached[other]:
                reached[other] = through
                came_from[other] = arc
                _push(keys, heap, size, through, other)
                size += 1


@njit(
    f"Tuple((int64, int32, boolean))(int64[::1], {_PLACE}, {_PLACE})",
    cache=True,
    nogil=True,
)
def _arrival(
    reached: Weights, from_arcs: Arcs, from_left: Weights, to_arcs: Arcs, to_left: Weights
) -> tuple[np.int64, np.int32, bool]:
    """Weight of the quickest arrival, the arc it comes on, and whether it never left that arc."""
    best, last, direct = np.int64(NEVER), np.int32(-1), False
    for e in range(2):
        arc = to_arcs[e]
        if arc < 0:
            continue
        for s in range(2):
            along = from_left[s] - to_left[e]
            if from_arcs[s] == arc and 0 <= along < best:
                best, last, direct = along, arc, True
        if reached[arc] < NEVER and reached[arc] - to_left[e] < best:
            best, last, direct = reached[arc] - to_left[e], arc, False
    return best, last, direct


@njit(f"void({_ROADS}, {_PLACES}, {_PLACES}, int64[:, ::1])", cache=True, nogil=True)
def many_to_many(roads: Roads, sources: Places, targets: Places, out: Weights) -> None:
    """Fill `out` (sources, targets) with the weight of the quickest way, NEVER if none.

    With the turns reversed, and what lies behind each place in place of what is left, rows
    become destinations and columns origins.
    """
    from_arcs, from_left = sources
    to_arcs, to_left = targets
    wanted = np.zeros(len(roads[3]), np.int32)
    for j in range(len(to_arcs)):
        for e in range(2):
            if to_arcs[j, e] >= 0:
                wanted[to_arcs[j, e]] = 1
    scratch = _scratch(roads)
    for i in range(len(from_arcs)):
        _search(roads, from_arcs[i], from_left[i], wanted, scratch)
        for j in range(len(to_arcs)):
            out[i, j] = _arrival(scratch[0], from_arcs[i], from_left[i], to_arcs[j], to_left[j])[0]


@njit(f"int32[::1]({_ROADS}, {_PLACES})", cache=True, nogil=True)
def quickest_way(roads: Roads, ends: Places) -> Arcs:
    """The arcs of the quickest way from the first place to the second, in order; empty if none.

    The first arc is driven from the place on, the last one as far as the place.
    """
    arcs, left = ends
    wanted = np.zeros(len(roads[3]), np.int32)
    for e in range(2):
        if arcs[1, e] >= 0:
            wanted[arcs[1, e]] = 1
    scratch = _scratch(roads)
    _search(roads, arcs[0], left[0], wanted, scratch)
    came_from = scratch[1]
    _, last, direct = _arrival(scratch[0], arcs[0], left[0], arcs[1], left[1])
    if last < 0:
        return np.empty(0, np.int32)
    if direct:
        return np.full(1, last, np.int32)
    count, arc = 2, last
    while came_from[arc] >= 0:
        arc = came_from[arc]
        count += 1
    way = np.empty(count, np.int32)
    way[0] = arcs[0, -1 - came_from[arc]]
    arc = last
    for i in range(count - 1, 0, -1):
        way[i] = arc
        arc = came_from[arc]
    return way
