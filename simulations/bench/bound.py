"""How far from the best a plan can be: the bound measured on town days and published instances.

A plan is searched for some seconds, then the bound works on it for some more. Both count the
thread's own processor time, so that a busy machine does not change what is measured.

See: docs/benchmarks.md; docs/decisions/0130-a-bound-from-trips.md
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from statistics import median
from time import process_time

from dispatch.commands.planning import read_day
from dispatch.optimizer.bound import Bound, lower_bound
from dispatch.optimizer.objective import Weights
from dispatch.optimizer.plan import Plan, Problem, Route
from dispatch.optimizer.schedule import cost_of
from dispatch.optimizer.search import THOROUGH, improve
from dispatch.optimizer.stopping import Seconds
from dispatch.ports import Ports
from dispatch.town_file import load_town
from dispatch.wiring import build_service
from simulations.bench.full_day import day_to_fill, fill_day, write_town
from simulations.bench.published import read_instance

MOMENT = datetime(2026, 4, 1, 1, tzinfo=UTC)
"""When the town's days are booked: always the same, so that a seed means the same day."""


@dataclass(frozen=True, slots=True)
class Effort:
    """Seconds of processor time for the search and for the bound after it."""

    search_seconds: float = 5.0
    bound_seconds: float = 30.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found on one day or instance.

    searched : cost of the plan that the search left; the bound may have found a cheaper one.
    unit : how many units of cost are one of the instance's.
    """

    name: str
    requests: int
    vehicles: int
    searched: int
    bound: Bound
    seconds: float
    unit: int = 1

    def figures(self) -> dict[str, object]:
        """One flat line; costs in the instance's own units."""
        return {
            "name": self.name,
            "requests": self.requests,
            "vehicles": self.vehicles,
            "searched": self.searched / self.unit,
            "cost": self.bound.cost / self.unit,
            "bound": self.bound.value / self.unit,
            "gap_percent": round(100 * self.bound.gap, 3),
            "proven": self.bound.proven,
            "how_far": self.bound.how_far.value,
            "rounds": self.bound.rounds,
            "cpu_seconds": round(self.seconds, 2),
        }


def measure_file(file: Path, effort: Effort) -> Measured:
    """The bound of one published instance. Raises BadInstance."""
    instance = read_instance(file)
    return _measure(instance.name, instance.problem, instance.weights, effort, instance.unit)


def measure_town(
    town: str, vehicles: int, rides: int, seeds: range, effort: Effort
) -> Iterator[Measured]:
    """The bound of a town's days with so many rides known before the first is driven."""
    for seed in seeds:
        problem, plan, weights = town_day(town, vehicles, rides, seed)
        yield _measure(f"{town}-{vehicles}-{seed}", problem, weights, effort, plan=plan)


def town_day(town_name: str, vehicles: int, rides: int, seed: int) -> tuple[Problem, Plan, Weights]:
    """A booked day of a town with `vehicles` vehicles, the same for the same seed."""
    numbers = count(1)
    ports = Ports(now=lambda: MOMENT, new_id=lambda prefix: f"{prefix}_{next(numbers):06d}")
    with tempfile.TemporaryDirectory() as folder:
        town = load_town(write_town(town_name, vehicles, Path(folder) / "town"))
        service = build_service(town, ports=ports)
        fill_day(service, seed, rides)
        snapshot = read_day(day_to_fill(service), service).snapshot(service, service.now())
        service.store.close()
    return snapshot.problem, snapshot.plan, town.weights


def summary(measured: list[Measured]) -> dict[str, object]:
    """The whole run in one line."""
    gaps = [100 * each.bound.gap for each in measured]
    return {
        "measured": len(measured),
        "median_gap_percent": round(median(gaps), 3) if gaps else None,
        "largest_gap_percent": round(max(gaps), 3) if gaps else None,
        "proven": sum(each.bound.proven for each in measured),
        "median_cpu_seconds": round(median(each.seconds for each in measured), 2) if gaps else None,
    }


def _measure(
    name: str,
    problem: Problem,
    weights: Weights,
    effort: Effort,
    unit: int = 1,
    *,
    plan: Plan | None = None,
    clock: Callable[[], float] = process_time,
) -> Measured:
    plan = plan or Plan(tuple(Route() for _ in problem.vehicles))
    stop = Seconds(effort.search_seconds, clock)
    plan = improve(problem, plan, weights, stop, effort.seed, effort=THOROUGH)
    searched = cost_of(problem, plan, weights)
    began = clock()
    bound = lower_bound(problem, weights, plan, Seconds(effort.bound_seconds, clock))
    seconds = clock() - began
    requests, vehicles = len(problem.requests), len(problem.vehicles)
    return Measured(name, requests, vehicles, searched, bound, seconds, unit)
