"""What size costs: steps a second and time to a good plan, from 16 to 1,000 requests.

Instances follow the recipe `a` (Cordeau 2006) with eight requests a vehicle, so the day is
always 480 minutes and only the town grows. "Good" is to serve as many as the best plan of the
same run, within 2 % of its distance, since nobody knows the best plans of made instances.

See: docs/benchmarks.md; docs/decisions/0138-cost-of-growth.md
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from dispatch.optimizer.plan import Plan
from dispatch.optimizer.search import THOROUGH, improve
from dispatch.optimizer.stopping import UNBOUNDED
from simulations.bench.exact import Score, score
from simulations.bench.generate import Recipe, Size, generate
from simulations.bench.published import PublishedInstance, to_instance
from simulations.bench.solvers import Clock
from simulations.bench.solvers.base import padded
from simulations.bench.solvers.our_own import CLOCKS

SIZES = (16, 32, 64, 125, 250, 500, 1000)
REQUESTS_A_VEHICLE = 8
GOOD = 1.02


@dataclass(frozen=True, slots=True)
class Growth:
    """One run. seconds_to_good : None where no plan was found at all."""

    requests: int
    vehicles: int
    seed: int
    steps_a_second: float
    seconds_to_good: float | None
    distance: float
    served: int

    def figures(self) -> dict[str, object]:
        good = self.seconds_to_good
        return {
            "requests": self.requests,
            "vehicles": self.vehicles,
            "seed": self.seed,
            "served": self.served,
            "steps_a_second": round(self.steps_a_second, 1),
            "seconds_to_good": None if good is None else round(good, 4),
            "distance": round(self.distance, 3),
        }


@dataclass(slots=True)
class _CountedSeconds:
    """A stop rule that remembers how many steps were made in its time."""

    seconds: float
    clock: Callable[[], float]
    began: float = field(default=0.0, init=False)
    steps: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.began = self.clock()

    def progress(self, steps: int) -> float:
        self.steps = max(self.steps, steps)
        return self.spent() / self.seconds

    def steps_left(self, steps: int) -> int:  # noqa: ARG002  (the protocol's shape)
        return UNBOUNDED

    def spent(self) -> float:
        return self.clock() - self.began


def measure_growth(requests: int, seconds: float, seed: int, clock: Clock) -> Growth:
    """Search one made instance for so long, and see how fast it went."""
    vehicles = max(1, round(requests / REQUESTS_A_VEHICLE))
    instance = to_instance(generate(Recipe.A, Size(vehicles, requests), seed))
    stop = _CountedSeconds(seconds, CLOCKS[clock])
    found: list[tuple[float, Plan]] = []
    nobody = padded([], vehicles)
    best = improve(
        instance.problem,
        nobody,
        instance.weights,
        stop,
        seed,
        lambda plan: found.append((stop.spent(), plan)),
        THOROUGH,
    )
    spent = stop.spent()
    worth = score(instance, best)
    return Growth(
        requests,
        vehicles,
        seed,
        stop.steps / spent,
        _seconds_to_good(instance, found, worth),
        worth.distance,
        worth.served,
    )


def _seconds_to_good(
    instance: PublishedInstance, found: Sequence[tuple[float, Plan]], best: Score
) -> float | None:
    """When the first plan came that serves as many as the best one, within 2 % of its distance."""

    def is_good(at: int) -> bool:
        worth = score(instance, found[at][1])
        return worth.served == best.served and worth.distance <= GOOD * best.distance

    # Each plan is better than the one before, so the first good one is found by halving.
    first = bisect_left(range(len(found)), True, key=is_good)
    return found[first][0] if first < len(found) else None


def warm_up(clock: Clock) -> None:
    """Load and compile everything before anything is timed."""
    measure_growth(8, 0.1, 1, clock)


def exponent(points: Sequence[tuple[float, float]]) -> float | None:
    """The k of y = c · x^k that lies nearest in logarithms; None with fewer than two sizes."""
    if len({x for x, _ in points}) < 2:
        return None
    x, y = np.log(np.array(points)).T
    return float(np.polyfit(x, y, 1)[0])


@dataclass(frozen=True, slots=True)
class Curve:
    """One measured quantity against size: medians over the seeds, and its exponent."""

    name: str
    points: tuple[tuple[float, float], ...]

    @property
    def exponent(self) -> float | None:
        return exponent(self.points)


def curves(runs: Sequence[Growth]) -> tuple[Curve, Curve]:
    """Steps a second and seconds to a good plan, against the number of requests."""
    sizes = sorted({run.requests for run in runs})
    steps, good = [], []
    for size in sizes:
        here = [run for run in runs if run.requests == size]
        steps.append((float(size), median(run.steps_a_second for run in here)))
        times = [run.seconds_to_good for run in here if run.seconds_to_good is not None]
        if len(times) == len(here):
            good.append((float(size), max(median(times), 1e-3)))
    return Curve("steps a second", tuple(steps)), Curve("seconds to within 2 %", tuple(good))
