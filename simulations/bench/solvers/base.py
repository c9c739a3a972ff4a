"""What every solver of the benchmark is asked for.

See: docs/words.md, peer; docs/decisions/0137-peers-in-one-run.md
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata, util

from dispatch.optimizer.plan import Plan, Route
from simulations.bench.published import PublishedInstance

VEHICLE_WAYS = 10
"""What a vehicle costs those solvers, in longest ways (docs/decisions/0137)."""


class SolverName(StrEnum):
    """The solvers that the command line knows."""

    SEARCH = "search"
    ROUTING_MODEL = "routing_model"
    PYVRP = "pyvrp"
    VROOM = "vroom"


class Clock(StrEnum):
    """What a budget's seconds are."""

    WALL = "wall"
    PROCESS = "process"
    """The solving thread's own processor time: for a machine that others use, too."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How long a solver may take, and with what."""

    seconds: float
    seed: int = 1
    threads: int = 1
    clock: Clock = Clock.WALL


class NotForThis(Exception):
    """This solver cannot state this problem, or cannot work as asked; the message says why."""


class Solver(ABC):
    """One solver. Made once in its process, then asked for one plan after the other."""

    package: str
    """The distribution that it comes from, for the version in the report."""
    module: str

    @classmethod
    def is_installed(cls) -> bool:
        return util.find_spec(cls.module) is not None

    @classmethod
    def version(cls) -> str:
        try:
            return metadata.version(cls.package)
        except metadata.PackageNotFoundError:
            return "unknown"

    def check(self, instance: PublishedInstance, budget: Budget) -> None:  # noqa: B027
        """Raise NotForThis if this solver cannot do what is asked."""

    @abstractmethod
    def solve(self, instance: PublishedInstance, budget: Budget) -> Plan:
        """The best plan found within the budget; building the solver's model is not counted."""


def modest_vehicle_cost(instance: PublishedInstance) -> int:
    """A flat cost a vehicle for solvers that one above any distance leads astray; 0 if none."""
    longest = int(instance.problem.travel_seconds.max())
    return VEHICLE_WAYS * longest if instance.weights.vehicle else 0


def padded(routes: list[Route], vehicles: int) -> Plan:
    """A plan with one route a vehicle; those not used stay empty.

    Solvers whose vehicles are all alike name no vehicle. More routes than vehicles stay as
    they are: the check of the plan will say so.
    """
    return Plan((*routes, *([Route()] * (vehicles - len(routes)))))


def refuse_ride_limit(instance: PublishedInstance, name: str) -> None:
    """Raise NotForThis where the problem has a longest ride."""
    if instance.has_ride_limit:
        raise NotForThis(f"{name} knows no longest ride")


def refuse_more_threads(budget: Budget, name: str) -> None:
    """Raise NotForThis where more than one thread is asked for."""
    if budget.threads > 1:
        raise NotForThis(f"{name} works on one thread")


def refuse_process_clock(budget: Budget, name: str) -> None:
    """Raise NotForThis where a solver can only be stopped by the wall clock."""
    if budget.clock is not Clock.WALL:
        raise NotForThis(f"{name} stops by the wall clock only")
