"""What a plan is worth in an instance's own numbers, worked out again in double precision.

Nothing here knows the optimizer's integers: the distance is the sum of Euclidean distances,
and each route gets its times by the eight steps of Cordeau and Laporte (2003): it leaves as
early as it can, then as late as it can without arriving later, then each pickup is put off as
far as that shortens a ride without breaking a limit.

See: docs/words.md, published instance; docs/decisions/0135-published-instances.md
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from dispatch.optimizer.plan import Kind, Plan, Route
from simulations.bench.published import PublishedInstance
from simulations.bench.published_text import Text, distances

TOLERANCE = 1e-6
"""In the instance's unit: what sums of some hundred doubles may be off."""


@dataclass(frozen=True, slots=True)
class Score:
    """A plan in the instance's own numbers; sound and whole if `broken` is empty."""

    served: int
    vehicles: int
    distance: float
    broken: tuple[str, ...]


def score(instance: PublishedInstance, plan: Plan) -> Score:
    """Distance, vehicles used, and every limit that `plan` breaks."""
    text = instance.text
    strangers = {visit.subject for route in plan.routes for visit in route.visits}
    strangers -= set(range(len(text.rides)))
    if strangers:
        return Score(0, 0, 0.0, tuple(f"no request {subject}" for subject in sorted(strangers)))
    between: Sequence[Sequence[float]] = distances(text).tolist()
    tours = [_tour(text, route) for route in plan.routes if route.visits]
    broken = _miscounts(text, plan)
    if not broken:
        for number, tour in enumerate(tours):
            found = _Evaluation(text, between, tour).broken()
            broken += (f"route {number}: {what}" for what in found)
    distance = sum(between[a][b] for tour in tours for a, b in pairwise(tour))
    return Score(len(plan.served()), len(tours), distance, tuple(broken))


def _tour(text: Text, route: Route) -> tuple[int, ...]:
    """The nodes of a route from depot to depot."""
    ends = [text.rides[visit.subject][visit.kind is Kind.DROPOFF] for visit in route.visits]
    return (text.start, *ends, text.end)


def _miscounts(text: Text, plan: Plan) -> list[str]:
    """Too many routes, and requests that are not taken up and set down once, in that order."""
    found = []
    if len(plan.routes) > text.vehicles:
        found.append(f"{len(plan.routes)} routes for {text.vehicles} vehicles")
    acts: dict[int, list[tuple[Kind, int]]] = {subject: [] for subject in range(len(text.rides))}
    for number, route in enumerate(plan.routes):
        for visit in route.visits:
            acts[visit.subject].append((visit.kind, number))
    for subject, seen in acts.items():
        kinds, vehicles = [kind for kind, _ in seen], {number for _, number in seen}
        if kinds != [Kind.PICKUP, Kind.DROPOFF] or len(vehicles) != 1:
            found.append(f"request {subject} is not served once, by one vehicle, in order")
    return found


class _Evaluation:
    """The times of one tour: begin of service at each of its nodes, and the waits before."""

    def __init__(
        self, text: Text, between: Sequence[Sequence[float]], tour: tuple[int, ...]
    ) -> None:
        self.text, self.tour = text, tour
        self.nodes = [text.nodes[node] for node in tour]
        self.way = [between[a][b] for a, b in pairwise(tour)]
        position = {node: at for at, node in enumerate(tour)}
        self.pickup_of = {
            position[down]: position[up] for up, down in text.rides if down in position
        }
        self.begins = [text.nodes[text.start].earliest] * len(tour)
        self.waits = [0.0] * len(tour)
        self._eight_steps()

    def broken(self) -> list[str]:
        """Each limit that the tour breaks at its times."""
        found = []
        load = 0
        for at, node in enumerate(self.nodes):
            if not node.earliest - TOLERANCE <= self.begins[at] <= node.latest + TOLERANCE:
                found.append(f"node {self.tour[at]} begins at {self.begins[at]:.6f}")
            load += node.load
            if load > self.text.capacity:
                found.append(f"load {load} after node {self.tour[at]}")
        found += (
            f"ride to node {self.tour[down]} takes {self._ride(down):.6f}"
            for down in self.pickup_of
            if self._ride(down) > self.text.longest_ride + TOLERANCE
        )
        duration = self.begins[-1] - self.begins[0]
        if duration > self.text.longest_route + TOLERANCE:
            found.append(f"takes {duration:.6f}")
        return found

    def _eight_steps(self) -> None:
        self._forward(0)
        self._put_off(0)
        for at in range(1, len(self.tour) - 1):
            if at in self.pickup_of.values():
                self._put_off(at)

    def _forward(self, begun: int) -> None:
        """Steps 2, 5 and 7b: the times after position `begun`, never waiting without need."""
        for at in range(begun + 1, len(self.tour)):
            arrival = self.begins[at - 1] + self.nodes[at - 1].service + self.way[at - 1]
            self.begins[at] = max(arrival, self.nodes[at].earliest)
            self.waits[at] = self.begins[at] - arrival

    def _put_off(self, at: int) -> None:
        """Steps 3, 4 and 7: begin at `at` as late as it costs nobody a limit nor the end time."""
        waiting, slack = 0.0, float("inf")
        for later in range(at, len(self.tour)):
            waiting += self.waits[later] if later > at else 0.0
            room = self.nodes[later].latest - self.begins[later]
            if self.pickup_of.get(later, at) < at:
                room = min(room, self.text.longest_ride - self._ride(later))
            slack = min(slack, waiting + max(0.0, room))
        # The waits up to the last node alone: what is put off is caught up before the end.
        self.begins[at] += max(0.0, min(slack, waiting))
        self._forward(at)

    def _ride(self, down: int) -> float:
        """From the end of the pickup to the begin of the delivery."""
        up = self.pickup_of[down]
        return self.begins[down] - self.begins[up] - self.nodes[up].service
