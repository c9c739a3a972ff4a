"""Our own two engines: the search, and OR-Tools' routing model as it stands in the optimizer.

See: docs/words.md, search, routing model; docs/decisions/0137-peers-in-one-run.md
"""

from __future__ import annotations

import time
from dataclasses import replace

from dispatch.optimizer.plan import Plan
from dispatch.optimizer.routing_model import improve_by_routing_model
from dispatch.optimizer.search import THOROUGH, Effort, improve
from dispatch.optimizer.stopping import Seconds
from simulations.bench.published import PublishedInstance
from simulations.bench.solvers.base import (
    Budget,
    Clock,
    Solver,
    modest_vehicle_cost,
    padded,
    refuse_more_threads,
    refuse_process_clock,
)

CLOCKS = {Clock.WALL: time.monotonic, Clock.PROCESS: time.thread_time}


class Search(Solver):
    """Noriai's own search, from an empty plan; laying out its columns counts as its time."""

    package, module = "noriai", "dispatch.optimizer.search"

    def check(self, instance: PublishedInstance, budget: Budget) -> None:
        """It solves each of them, on as many threads as there are."""

    def solve(self, instance: PublishedInstance, budget: Budget) -> Plan:
        problem = instance.problem
        stop = Seconds(budget.seconds, CLOCKS[budget.clock])
        stop.progress(0)  # its time begins here, before the columns are laid out
        nobody = padded([], len(problem.vehicles))
        return improve(problem, nobody, instance.weights, stop, budget.seed, None, _effort(budget))


class RoutingModel(Solver):
    """OR-Tools' routing model; it knows no seed.

    As PyVRP, it gets a flat cost of ten longest ways a vehicle: with one above any distance its
    penalties for requests left out no longer brought them in (lr101, 1 s: nobody served).
    """

    package, module = "ortools", "ortools"

    def check(self, instance: PublishedInstance, budget: Budget) -> None:  # noqa: ARG002
        refuse_more_threads(budget, "OR-Tools' routing model")
        refuse_process_clock(budget, "OR-Tools' routing model")

    def solve(self, instance: PublishedInstance, budget: Budget) -> Plan:
        problem = instance.problem
        nobody = padded([], len(problem.vehicles))
        weights = replace(instance.weights, vehicle=modest_vehicle_cost(instance))
        return improve_by_routing_model(problem, nobody, weights, budget.seconds)


def _effort(budget: Budget) -> Effort:
    return replace(THOROUGH, threads=budget.threads)
