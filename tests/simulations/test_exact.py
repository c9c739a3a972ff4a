"""The exact check agrees with the limits themselves, and takes no plan that was tampered with."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dispatch.optimizer.plan import Kind, Plan, Route, Visit
from dispatch.optimizer.verify import verify
from simulations.bench.exact import score
from simulations.bench.generate import Recipe, Size, generate
from simulations.bench.published import to_instance
from simulations.bench.published_text import Family, Node, Text
from tests.markers import examples

UP, DOWN = Kind.PICKUP, Kind.DROPOFF


def a_line(chance: random.Random, rides: int) -> Text:
    """A dial-a-ride instance along a line, in whole numbers, with tight limits."""

    def node(load: int) -> Node:
        opens = chance.randint(0, 60)
        wide = chance.choice((5, 15, 40, 200))
        return Node(chance.randint(0, 12), 0, chance.randint(0, 3), load, opens, opens + wide)

    nodes = [Node(6, 0, 0, 0, 0, 240), *(node(1) for _ in range(rides))]
    nodes += [node(-1) for _ in range(rides)]
    return Text(
        "line",
        Family.DIAL_A_RIDE,
        1,
        3,
        chance.choice((40, 70, 100, 240)),
        chance.choice((8, 15, 25, 60)),
        tuple(nodes),
        tuple((i, i + rides) for i in range(1, rides + 1)),
    )


def any_order(chance: random.Random, rides: int) -> Route:
    """All rides in one route, each pickup before its drop-off, within the three seats."""
    left = list(range(rides))
    aboard: list[int] = []
    visits: list[Visit] = []
    while left or aboard:
        if left and len(aboard) < 3 and (not aboard or chance.random() < 0.5):
            aboard.append(left.pop())
            visits.append(Visit(UP, aboard[-1]))
        else:
            visits.append(Visit(DOWN, aboard.pop(chance.randrange(len(aboard)))))
    return Route(tuple(visits))


def has_times(text: Text, route: Route) -> bool:
    """Whether any times keep every limit: longest paths, straight from the limits."""
    tour = [0, *(text.rides[v.subject][v.kind is DOWN] for v in route.visits), 0]
    at = [text.nodes[node] for node in tour]
    last = len(tour) - 1
    least = [(a, a + 1, at[a].service + abs(at[a].x - at[a + 1].x)) for a in range(last)]
    for up, down in text.rides:
        a, b = tour.index(up), tour.index(down)
        least.append((b, a, -(text.longest_ride + at[a].service)))
    least.append((last, 0, -text.longest_route))
    begins = [node.earliest for node in at]
    for _ in range(len(tour) ** 2):
        for a, b, apart in least:
            begins[b] = max(begins[b], begins[a] + apart)
    return all(begins[b] - begins[a] >= apart for a, b, apart in least) and all(
        begin <= node.latest for begin, node in zip(begins, at, strict=True)
    )


@settings(max_examples=examples(150, 5_000), deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 5))
def test_a_route_is_sound_exactly_when_some_times_keep_every_limit(seed: int, rides: int) -> None:
    chance = random.Random(seed)
    text, route = a_line(chance, rides), any_order(chance, rides)

    found = score(to_instance(text), Plan((route,)))

    assert (found.broken == ()) == has_times(text, route)


@settings(max_examples=examples(60, 2_000), deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 5))
def test_a_plan_sound_in_our_whole_numbers_is_sound_in_the_files_own(seed: int, rides: int) -> None:
    chance = random.Random(seed)
    line = a_line(chance, rides)
    bent = tuple(replace(n, y=chance.random(), x=n.x + chance.random()) for n in line.nodes)
    instance, plan = to_instance(replace(line, nodes=bent)), Plan((any_order(chance, rides),))
    assume(verify(instance.problem, plan) == ())

    assert score(instance, plan).broken == ()


def test_the_distance_is_the_sum_of_the_straight_ways() -> None:
    text = generate(Recipe.A, Size(2, 4), seed=1)
    plan = Plan((Route((Visit(UP, 0), Visit(DOWN, 0))), Route()))

    found = score(to_instance(text), plan)

    up, down = (text.nodes[node] for node in text.rides[0])
    depot = text.nodes[0]
    ways = [
        ((a.x - b.x) ** 2 + (a.y - b.y) ** 2) ** 0.5 for a, b in pairwise((depot, up, down, depot))
    ]
    assert abs(found.distance - sum(ways)) < 1e-9
    assert (found.served, found.vehicles) == (1, 1)


@settings(max_examples=examples(60, 2_000), deadline=None)
@given(st.integers(0, 2**32))
def test_a_plan_that_was_tampered_with_is_refused(seed: int) -> None:
    chance = random.Random(seed)
    text = a_line(chance, 4)
    wide = tuple(replace(n, earliest=0, latest=1e6) for n in text.nodes)
    text = replace(text, nodes=wide, longest_ride=1e6, longest_route=1e6)
    route = any_order(chance, 4)
    assert score(to_instance(text), Plan((route,))).broken == ()

    visits = list(route.visits)
    what = chance.choice(("lost", "doubled", "backwards", "stranger"))
    if what == "lost":
        visits.pop(chance.randrange(len(visits)))
    elif what == "doubled":
        visits.insert(chance.randrange(len(visits)), chance.choice(visits))
    elif what == "backwards":
        visits.reverse()
    else:
        visits.append(Visit(DOWN, 9))

    assert score(to_instance(text), Plan((Route(tuple(visits)),))).broken != ()


def test_more_people_than_seats_are_refused() -> None:
    text = generate(Recipe.A, Size(1, 4), seed=1)
    wide = tuple(replace(n, earliest=0, latest=1e6) for n in text.nodes)
    text = replace(text, nodes=wide, longest_ride=1e6, longest_route=1e6)
    all_at_once = Route(tuple(Visit(kind, ride) for kind in (UP, DOWN) for ride in range(4)))

    assert any("load 4" in what for what in score(to_instance(text), Plan((all_at_once,))).broken)


def test_more_routes_than_vehicles_are_refused() -> None:
    text = generate(Recipe.A, Size(1, 2), seed=1)
    each = tuple(Route((Visit(UP, ride), Visit(DOWN, ride))) for ride in range(2))

    assert score(to_instance(text), Plan(each)).broken[0] == "2 routes for 1 vehicles"
