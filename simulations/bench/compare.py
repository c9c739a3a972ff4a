"""Solvers beside each other in one run, and what the table says about them.

They take turns on each instance, so that a busy minute of the machine weighs on all alike, and
who begins changes from turn to turn.

See: docs/words.md, peer; docs/decisions/0137-peers-in-one-run.md
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from simulations.bench.apart import Answer, Apart
from simulations.bench.best_known import BestKnown
from simulations.bench.published import PublishedInstance, read_instance
from simulations.bench.published_text import Family
from simulations.bench.solve import Run, judge
from simulations.bench.solvers import SOLVERS, Budget, NotForThis, SolverName

SAME = 1e-5
"""Distances whose ratio is nearer to one than this count as the same."""


@dataclass(frozen=True, slots=True)
class Contest:
    """What is to be run. A solver without a seed is asked as often as the others."""

    files: tuple[Path, ...]
    solvers: tuple[SolverName, ...]
    budgets: tuple[Budget, ...]
    best_known: Mapping[str, BestKnown]


def run_contest(contest: Contest) -> Iterator[Run]:
    """Every instance, budget and solver in turn; a run that cannot be stated is left out."""
    with ExitStack() as stack:
        apart = {name: stack.enter_context(Apart(name)) for name in contest.solvers}
        turn = 0
        for file in contest.files:
            instance = read_instance(file)
            for budget in contest.budgets:
                first = turn % len(contest.solvers)
                turn += 1
                for name in contest.solvers[first:] + contest.solvers[:first]:
                    if reason_against(name, instance, budget):
                        continue
                    answer = apart[name].solve(instance.text, budget)
                    yield _judged(contest, instance, name, budget, answer)


def _judged(
    contest: Contest, instance: PublishedInstance, name: SolverName, budget: Budget, answer: Answer
) -> Run:
    return judge(instance, name, budget, answer, contest.best_known.get(instance.name.lower()))


def reason_against(name: SolverName, instance: PublishedInstance, budget: Budget) -> str:
    """Why this solver is not asked, or an empty text."""
    try:
        SOLVERS[name]().check(instance, budget)
    except NotForThis as reason:
        return str(reason)
    return ""


def absent(names: Iterable[SolverName]) -> tuple[SolverName, ...]:
    """Those that are not installed here."""
    return tuple(name for name in names if not SOLVERS[name].is_installed())


@dataclass(frozen=True, slots=True)
class Standing:
    """One solver on one instance with one time, over its seeds: the means.

    `vehicles` and `distance` mean nothing unless every seed solved it.
    """

    instance: str
    family: Family
    solver: SolverName
    seconds: float
    solved: bool
    vehicles: float
    distance: float

    def is_ahead_of(self, other: Standing) -> bool:
        """Whether this is better: solved, fewer vehicles where they count, a shorter way."""
        if self.solved != other.solved:
            return self.solved
        if not self.solved:
            return False
        if self.family is Family.PICKUP_AND_DELIVERY and self.vehicles != other.vehicles:
            return self.vehicles < other.vehicles
        return self.distance < other.distance * (1 - SAME)

    def ratio_to(self, other: Standing) -> float | None:
        """This distance in the other's; None where the two drive different fleets or failed."""
        same_fleet = self.family is Family.DIAL_A_RIDE or self.vehicles == other.vehicles
        if not (self.solved and other.solved and same_fleet):
            return None
        return self.distance / other.distance


def standings(runs: Sequence[Run]) -> list[Standing]:
    """The means over seeds, in the order of the runs."""
    groups: dict[tuple[str, SolverName, float], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.instance, run.solver, run.budget.seconds), []).append(run)
    return [
        Standing(
            name,
            group[0].family,
            solver,
            seconds,
            all(run.solved for run in group),
            fmean(run.vehicles for run in group),
            fmean(run.distance for run in group),
        )
        for (name, solver, seconds), group in groups.items()
    ]


@dataclass(frozen=True, slots=True)
class Duel:
    """Our search beside one peer, over instances: who is ahead on how many.

    mean_ratio : the peer's distance in ours, over instances where both drive as many vehicles.
    """

    peer: SolverName
    seconds: float
    instances: int
    we_ahead: int
    peer_ahead: int
    fewer_vehicles: int
    more_vehicles: int
    mean_ratio: float | None

    def figures(self) -> dict[str, object]:
        return {
            "peer": str(self.peer),
            "seconds": self.seconds,
            "instances": self.instances,
            "we_ahead": self.we_ahead,
            "peer_ahead": self.peer_ahead,
            "we_fewer_vehicles": self.fewer_vehicles,
            "we_more_vehicles": self.more_vehicles,
            "mean_ratio": None if self.mean_ratio is None else round(self.mean_ratio, 5),
        }


def duels(found: Sequence[Standing]) -> list[Duel]:
    """Our search against each peer, time by time, on the instances that both were given."""
    ours = {(s.instance, s.seconds): s for s in found if s.solver is SolverName.SEARCH}
    groups: dict[tuple[SolverName, float], list[tuple[Standing, Standing]]] = {}
    for other in found:
        mine = ours.get((other.instance, other.seconds))
        if mine is not None and other.solver is not SolverName.SEARCH:
            groups.setdefault((other.solver, other.seconds), []).append((mine, other))
    return [_duel(peer, seconds, pairs) for (peer, seconds), pairs in groups.items()]


def _duel(peer: SolverName, seconds: float, pairs: Sequence[tuple[Standing, Standing]]) -> Duel:
    ratios = [theirs.ratio_to(ours) for ours, theirs in pairs]
    known = [ratio for ratio in ratios if ratio is not None]
    counted = [
        ours.vehicles - theirs.vehicles
        for ours, theirs in pairs
        if ours.family is Family.PICKUP_AND_DELIVERY and ours.solved and theirs.solved
    ]
    return Duel(
        peer,
        seconds,
        len(pairs),
        sum(ours.is_ahead_of(theirs) for ours, theirs in pairs),
        sum(theirs.is_ahead_of(ours) for ours, theirs in pairs),
        sum(extra < 0 for extra in counted),
        sum(extra > 0 for extra in counted),
        fmean(known) if known else None,
    )
