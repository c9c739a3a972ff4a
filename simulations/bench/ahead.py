"""`noriai bench ahead`: the same days with and without looking ahead, and the difference.

Both ways are played on the very same days with the same seeds, so that what is left of the
difference is due to looking ahead alone; its mean is told with a 95 % confidence interval.

See: docs/benchmarks.md, looking ahead; docs/decisions/0142-what-looking-ahead-is-judged-on.md
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from statistics import fmean, stdev

from simulations.bench.live import LiveDay, Tuning, play
from simulations.bench.resampled import resampled
from simulations.scenario_file import Scenario

T_95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
"""Student's t for two-sided 95 %, by degrees of freedom from 1 to 30; beyond, 30's is kept."""

FIGURES = ("served", "mean_wait_seconds", "vehicle_km", "vehicle_hours", "slowest_decision_ms")


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95 % confidence interval; `half` is infinite for a single day."""

    mean: float
    half: float

    def __str__(self) -> str:
        return f"{self.mean:+.2f} ± {self.half:.2f}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure on all days: means without and with, and the paired difference."""

    figure: str
    without: float
    with_it: float
    difference: Interval


def confidence_interval(values: Sequence[float]) -> Interval:
    """Mean and half width at 95 % by Student's t, for independent days.

    Raises ValueError without any value.
    """
    if not values:
        raise ValueError("a mean needs a value")
    if len(values) == 1:
        return Interval(values[0], float("inf"))
    t = T_95[min(len(values) - 2, len(T_95) - 1)]
    return Interval(fmean(values), t * stdev(values) / sqrt(len(values)))


def compare(
    days: Sequence[Scenario],
    without: Tuning,
    with_it: Tuning,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[Comparison, ...]:
    """Play each day in both ways; `progress` is told how many days are done."""
    pairs = []
    for number, day in enumerate(days, start=1):
        pairs.append((figures_of(play(day, without)), figures_of(play(day, with_it))))
        progress(number)
    return tuple(paired(figure, pairs) for figure in FIGURES)


def paired(
    figure: str, pairs: Sequence[tuple[Mapping[str, float], Mapping[str, float]]]
) -> Comparison:
    """One figure of days played twice."""
    return Comparison(
        figure,
        fmean(one[figure] for one, _ in pairs),
        fmean(two[figure] for _, two in pairs),
        confidence_interval([two[figure] - one[figure] for one, two in pairs]),
    )


def figures_of(day: LiveDay) -> dict[str, float]:
    """What is compared. Vehicle hours: driving and standing at stops, not waiting."""
    return {
        "served": day.served,
        "mean_wait_seconds": day.mean_wait_seconds,
        "vehicle_km": day.vehicle_metres / 1000,
        "vehicle_hours": day.busy_seconds / 3600,
        "slowest_decision_ms": 1000 * max(day.decision_seconds, default=0.0),
    }


def days_of(scenario: Scenario, days: int, first_seed: int) -> list[Scenario]:
    """Resampled days with the seeds from `first_seed` on."""
    return [resampled(scenario, seed) for seed in range(first_seed, first_seed + days)]


def as_json(comparisons: Sequence[Comparison]) -> dict[str, object]:
    """The comparison as one flat object a figure."""
    return {one.figure: asdict(one) for one in comparisons}
