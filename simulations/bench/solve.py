"""Published instances solved and judged: what a run found, beside the best that is known.

Every plan of every engine passes the independent verifier and is then worked out again in the
instance's own numbers; a plan that breaks anything counts as none.

See: docs/words.md, published instance; docs/decisions/0137-peers-in-one-run.md
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from dispatch.optimizer.plan import Plan
from dispatch.optimizer.verify import verify
from simulations.bench.apart import Answer
from simulations.bench.best_known import BestKnown
from simulations.bench.exact import score
from simulations.bench.published import PublishedInstance
from simulations.bench.published_text import Family
from simulations.bench.solvers import Budget, SolverName


@dataclass(frozen=True, slots=True)
class Run:
    """One instance, one solver, one budget.

    solved : everybody is served and nothing is broken.
    failure : why there is no sound plan (empty where there is one).
    """

    instance: str
    family: Family
    solver: SolverName
    budget: Budget
    requests: int
    solved: bool
    served: int = 0
    vehicles: int = 0
    distance: float = 0.0
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    failure: str = ""
    best: BestKnown | None = None

    @property
    def gap_percent(self) -> float | None:
        """Distance above the best known; None without one, or where more vehicles drive."""
        if not self.solved or self.best is None:
            return None
        if self.best.vehicles is not None and self.vehicles != self.best.vehicles:
            return None
        return 100 * (self.distance / self.best.distance - 1)

    @property
    def vehicles_above_best(self) -> int | None:
        if not self.solved or self.best is None or self.best.vehicles is None:
            return None
        return self.vehicles - self.best.vehicles

    def figures(self) -> dict[str, object]:
        """One flat object for a program to read."""
        gap = self.gap_percent
        return {
            "instance": self.instance,
            "engine": str(self.solver),
            "seconds": self.budget.seconds,
            "clock": str(self.budget.clock),
            "threads": self.budget.threads,
            "seed": self.budget.seed,
            "solved": self.solved,
            "served": self.served,
            "requests": self.requests,
            "vehicles": self.vehicles,
            "distance": round(self.distance, 4),
            "best_vehicles": self.best.vehicles if self.best else None,
            "best_distance": self.best.distance if self.best else None,
            "gap_percent": None if gap is None else round(gap, 4),
            "wall_seconds": round(self.wall_seconds, 3),
            "cpu_seconds": round(self.cpu_seconds, 3),
            "failure": self.failure,
        }


def judge(
    instance: PublishedInstance,
    solver: SolverName,
    budget: Budget,
    answer: Answer,
    best: BestKnown | None,
) -> Run:
    """What an answer is worth."""
    failure, plan = answer.failure, answer.plan
    if plan is None:
        plan, failure = Plan(()), failure or "no plan"
    found = score(instance, plan)
    if not failure:
        failure = _flaw(instance, plan, found.broken)
    return Run(
        instance.name,
        instance.text.family,
        solver,
        budget,
        len(instance.problem.requests),
        not failure,
        found.served,
        found.vehicles,
        found.distance,
        answer.wall_seconds,
        answer.cpu_seconds,
        failure,
        best,
    )


def _flaw(instance: PublishedInstance, plan: Plan, broken: Sequence[str]) -> str:
    """Why a plan does not count: first our verifier's reason, then the exact check's."""
    found = verify(instance.problem, plan)
    if found:
        return f"verifier: {found[0].limit} of request {found[0].request}"
    served, requests = len(plan.served()), len(instance.problem.requests)
    if served < requests:
        return f"{requests - served} of {requests} not served"
    return broken[0] if broken else ""


@dataclass(frozen=True, slots=True)
class Summary:
    """Runs of one solver with one budget, over instances and seeds.

    mean_gap_percent : over those runs that solved and have a best known of as many vehicles.
    """

    runs: int
    solved: int
    mean_gap_percent: float | None
    worst_gap_percent: float | None
    best_fleets: int
    more_vehicles: int

    def figures(self) -> dict[str, object]:
        return {
            "runs": self.runs,
            "solved": self.solved,
            "mean_gap_percent": _rounded(self.mean_gap_percent),
            "worst_gap_percent": _rounded(self.worst_gap_percent),
            "best_fleets": self.best_fleets,
            "more_vehicles": self.more_vehicles,
        }


def summarize(runs: Sequence[Run]) -> Summary:
    """The figures of one line of a table."""
    gaps = [run.gap_percent for run in runs if run.gap_percent is not None]
    above = [run.vehicles_above_best for run in runs if run.vehicles_above_best is not None]
    return Summary(
        len(runs),
        sum(run.solved for run in runs),
        fmean(gaps) if gaps else None,
        max(gaps) if gaps else None,
        sum(extra <= 0 for extra in above),
        sum(max(0, extra) for extra in above),
    )


def set_of(name: str) -> str:
    """The set that an instance belongs to, by the letters its name begins with: a, pr, lrc."""
    letters = re.match(r"[A-Za-z]*", name)
    return letters.group().lower() if letters else ""


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
