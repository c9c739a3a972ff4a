"""Instances by the recipes of the field, for those who have no files, and to tune on.

`a` and `b` follow Cordeau (2006, section 5.1) and Ropke, Cordeau and Laporte (2007): places
uniform in a square of 20 by 20 around the depot, half of the requests outbound (a window of a
quarter of an hour at the delivery), half inbound (at the pickup). `pr` follows Cordeau and
Laporte (2003, section 5.1): places around seed points, the depot in their middle, windows that
open within 60 to 480 minutes and are narrow (15 to 45) or wide (30 to 90). The number of seed
points and how far places scatter around them are our own reading. `pdp` follows Li and Lim
(2001) in that pickups and deliveries are pairs out of one route of a sound plan, over customers
laid out as in Solomon (1987): clustered, random or mixed, with a short or a long day.

See: docs/words.md, published instance; docs/decisions/0136-generated-instances.md
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from enum import StrEnum

from simulations.bench.published_text import Family, Node, Text

SIDE = 10.0
"""Half the side of the dial-a-ride square."""

DAY = 1440.0
"""Minutes; the window of a node that has none of its own."""


class Recipe(StrEnum):
    """What kind of instance to make."""

    A = "a"
    B = "b"
    PR = "pr"
    PR_WIDE = "pr_wide"
    CLUSTERED = "lc1"
    RANDOM = "lr1"
    MIXED = "lrc1"
    CLUSTERED_LONG = "lc2"
    RANDOM_LONG = "lr2"
    MIXED_LONG = "lrc2"


@dataclass(frozen=True, slots=True)
class Size:
    """How large an instance is to be."""

    vehicles: int
    requests: int


def generate(recipe: Recipe, size: Size, seed: int, name: str = "") -> Text:
    """One instance; the same recipe, size and seed give the same one, number for number."""
    chance = random.Random(f"{recipe} {size.vehicles} {size.requests} {seed}")
    name = name or f"{recipe}-{size.vehicles}-{size.requests}-{seed}"
    if recipe in {Recipe.A, Recipe.B}:
        return _cordeau(chance, size, name, real_loads=recipe is Recipe.B)
    if recipe in {Recipe.PR, Recipe.PR_WIDE}:
        return _cordeau_laporte(chance, size, name, wide=recipe is Recipe.PR_WIDE)
    return _li_lim(chance, recipe, size, name)


# --- dial-a-ride ---------------------------------------------------------------------


def _cordeau(chance: random.Random, size: Size, name: str, *, real_loads: bool) -> Text:
    """A day of an hour a request and vehicle; a load is also its own service time in `b`."""
    horizon = 60.0 * size.requests / size.vehicles
    count = size.requests
    at = [_in_square(chance) for _ in range(2 * count)]
    loads = [chance.randint(1, 6) if real_loads else 1 for _ in range(count)]
    services = [float(load) if real_loads else 3.0 for load in loads]
    windows = [(0.0, DAY)] * (2 * count)
    for request in range(count):
        if request < count // 2:
            closes = float(chance.randint(60, max(60, int(horizon))))
            windows[count + request] = (closes - 15, closes)
        else:
            opens = float(chance.randint(0, max(0, int(horizon) - 60)))
            windows[request] = (opens, opens + 15)
    depot = Node(0.0, 0.0, 0.0, 0, 0.0, horizon)
    nodes = _nodes(at, loads, services, windows)
    return Text(
        name,
        Family.DIAL_A_RIDE,
        size.vehicles,
        6 if real_loads else 3,
        horizon,
        45.0 if real_loads else 30.0,
        (depot, *nodes, depot),
        tuple((i, i + count) for i in range(1, count + 1)),
        end=2 * count + 1,
    )


SEEDS = 4
SEED_SIDE = 6.0
SCATTER = 2.5


def _cordeau_laporte(chance: random.Random, size: Size, name: str, *, wide: bool) -> Text:
    """Places around seed points, eight hours a route, ninety minutes a ride, six seats."""
    seeds = [_in_square(chance, SEED_SIDE) for _ in range(SEEDS)]
    count = size.requests
    at = [_around(chance, chance.choice(seeds)) for _ in range(2 * count)]
    windows = [(0.0, DAY)] * (2 * count)
    for request in range(count):
        opens = float(chance.randrange(60, 480))
        length = chance.randint(30, 90) if wide else chance.randint(15, 45)
        windows[request + count if request < count // 2 else request] = (opens, opens + length)
    middle = (sum(x for x, _ in seeds) / SEEDS, sum(y for _, y in seeds) / SEEDS)
    depot = Node(round(middle[0], 3), round(middle[1], 3), 0.0, 0, 0.0, DAY)
    nodes = _nodes(at, [1] * count, [10.0] * count, windows)
    return Text(
        name,
        Family.DIAL_A_RIDE,
        size.vehicles,
        6,
        480.0,
        90.0,
        (depot, *nodes),
        tuple((i, i + count) for i in range(1, count + 1)),
    )


def _nodes(
    at: list[tuple[float, float]],
    loads: list[int],
    services: list[float],
    windows: list[tuple[float, float]],
) -> list[Node]:
    """Pickups first, then their deliveries in the same order."""
    signed = [*loads, *(-load for load in loads)]
    return [
        Node(x, y, service, load, *window)
        for (x, y), service, load, window in zip(at, services * 2, signed, windows, strict=True)
    ]


def _in_square(chance: random.Random, side: float = SIDE) -> tuple[float, float]:
    return round(chance.uniform(-side, side), 3), round(chance.uniform(-side, side), 3)


def _around(chance: random.Random, seed: tuple[float, float]) -> tuple[float, float]:
    while True:
        x, y = chance.gauss(seed[0], SCATTER), chance.gauss(seed[1], SCATTER)
        if max(abs(x), abs(y)) <= SIDE:
            return round(x, 3), round(y, 3)


# --- pickup and delivery -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Day:
    """What Solomon's classes differ in: the day's length, capacity, service, window widths."""

    horizon: float
    capacity: int
    service: float
    widths: tuple[int, ...]


DAYS = {
    Recipe.CLUSTERED: _Day(1236, 200, 90, (60, 120, 180, 240)),
    Recipe.RANDOM: _Day(230, 200, 10, (10, 30, 60, 120)),
    Recipe.MIXED: _Day(240, 200, 10, (30, 60, 120)),
    Recipe.CLUSTERED_LONG: _Day(3390, 700, 90, (160, 320, 640)),
    Recipe.RANDOM_LONG: _Day(1000, 1000, 10, (115, 240, 450)),
    Recipe.MIXED_LONG: _Day(960, 1000, 10, (120, 240, 480)),
}
SHARES = (0.25, 0.5, 0.75, 1.0)
"""Of the customers that have a window of their own."""

DEPOT = (40.0, 50.0)


def _li_lim(chance: random.Random, recipe: Recipe, size: Size, name: str) -> Text:
    """Routes are driven first; windows are laid around their times and pairs drawn from them."""
    day = DAYS[recipe]
    routes = _routes(chance, recipe, day, size.requests)
    width, share = chance.choice(day.widths), chance.choice(SHARES)
    nodes = [Node(*DEPOT, 0, 0, 0, day.horizon)]
    rides = []
    for route in routes:
        for first, second in _pairs(chance, len(route)):
            load = chance.choice((10, 10, 20, 30))
            for (x, y, begins), change in ((route[first], load), (route[second], -load)):
                own = width if chance.random() < share else None
                opens, closes = _window(day, (x, y), begins, own)
                nodes.append(Node(x, y, day.service, change, opens, closes))
            rides.append((len(nodes) - 2, len(nodes) - 1))
    order = list(range(1, len(nodes)))
    chance.shuffle(order)
    place = {old: new for new, old in enumerate(order, start=1)}
    return Text(
        name,
        Family.PICKUP_AND_DELIVERY,
        max(size.vehicles, len(routes)),
        day.capacity,
        math.inf,
        math.inf,
        (nodes[0], *(nodes[old] for old in order)),
        tuple(sorted((place[up], place[down]) for up, down in rides)),
    )


def _routes(
    chance: random.Random, recipe: Recipe, day: _Day, requests: int
) -> list[list[tuple[float, float, float]]]:
    """Sound routes of an even number of customers each: (x, y, begin of service)."""
    waiting = _customers(chance, recipe, 3 * requests)
    routes: list[list[tuple[float, float, float]]] = []
    missing = 2 * requests
    while missing > 0:
        route = _drive(chance, day, waiting, missing)
        routes.append(route)
        missing -= len(route)
    return routes


def _drive(
    chance: random.Random, day: _Day, waiting: list[tuple[float, float]], most: int
) -> list[tuple[float, float, float]]:
    """One vehicle's day, from near customer to near customer, ending in time for the depot."""
    here, free = DEPOT, chance.uniform(0, day.horizon / 10)
    route: list[tuple[float, float, float]] = []
    while len(route) < most:
        near = sorted(waiting, key=lambda at, here=here: math.dist(here, at))[:3]  # type: ignore[misc]
        there = chance.choice(near)
        begins = free + math.dist(here, there)
        if begins + day.service + math.dist(there, DEPOT) > day.horizon:
            break
        waiting.remove(there)
        route.append((*there, begins))
        here, free = there, begins + day.service + chance.uniform(0, 1)
    if len(route) % 2:
        waiting.append(route.pop()[:2])
    return route


def _customers(chance: random.Random, recipe: Recipe, count: int) -> list[tuple[float, float]]:
    clusters = [(chance.uniform(10, 90), chance.uniform(10, 90)) for _ in range(10)]
    near = {Recipe.RANDOM: 0.0, Recipe.RANDOM_LONG: 0.0, Recipe.MIXED: 0.5, Recipe.MIXED_LONG: 0.5}
    at: set[tuple[float, float]] = set()
    while len(at) < count:
        if chance.random() < near.get(recipe, 1.0):
            x, y = (chance.gauss(middle, 4) for middle in chance.choice(clusters))
        else:
            x, y = chance.uniform(0, 100), chance.uniform(0, 100)
        at.add((float(round(x)), float(round(y))))
    ordered = sorted(at)
    chance.shuffle(ordered)
    return ordered


def _pairs(chance: random.Random, visits: int) -> list[tuple[int, int]]:
    """Positions of a route in pairs, the earlier one first, mostly not far apart."""
    left = list(range(visits))
    pairs = []
    while left:
        first = left.pop(0)
        second = left.pop(chance.randrange(min(5, len(left))))
        pairs.append((first, second))
    return pairs


def _window(
    day: _Day, at: tuple[float, float], begins: float, width: int | None
) -> tuple[float, float]:
    """A window around the time at which the first routes come, in whole numbers."""
    last = math.floor(day.horizon - day.service - math.dist(at, DEPOT))
    if width is None:
        return 0.0, float(last)
    opens = max(0, math.floor(begins - width / 2))
    return float(opens), float(min(last, max(math.ceil(begins), opens + width)))
