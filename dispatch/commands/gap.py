"""How far from the best possible the plan of a day is: "proven best", or "within 2 %".

Reads the day as it stands and changes nothing. A plan that breaks a limit (the road has
overtaken it) has no gap; the verifier says what is wrong with it.

See: docs/words.md, bound; docs/decisions/0130-a-bound-from-trips.md
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from dispatch.commands.planning import Day
from dispatch.commands.service import Service
from dispatch.optimizer.bound import HowFar, lower_bound
from dispatch.optimizer.schedule import cost_of
from dispatch.optimizer.stopping import StopRule


@dataclass(frozen=True, slots=True)
class Gap:
    """The plan of a day beside what no plan can cost less than, in the town's weights.

    best_known : cost of the cheapest plan that was met on the way; `cost` where that is ours.
    share : how much of its cost the plan could save at most, 0.02 is 2 %; None where nothing
        is known.
    """

    day: date
    rides: int
    cost: int
    best_known: int
    bound: int
    how_far: HowFar
    share: float | None

    @property
    def proven_best(self) -> bool:
        """Whether no plan is better."""
        return self.share == 0

    def __str__(self) -> str:
        """One sentence for the terminal."""
        if self.share is None:
            return "nothing is known: vehicles can do too much between standing empty twice"
        if self.proven_best:
            return "proven best"
        return f"within {100 * self.share:.1f} % of the best possible"


def find_gap(day: date, service: Service, stop: StopRule) -> Gap:
    """The gap of the plan that stands now. Raises ValueError if it breaks a limit."""
    state = service.store.read_day(day)
    read = Day(tuple(state.routes), {booking.id: booking for booking in state.bookings})
    snapshot = read.snapshot(service, service.now())
    problem, plan, weights = snapshot.problem, snapshot.plan, service.town.weights
    cost = cost_of(problem, plan, weights)
    bound = lower_bound(problem, weights, plan, stop)
    known = bound.how_far is not HowFar.TOO_MANY_TRIPS
    share = (cost - bound.value) / cost if cost else 0.0
    return Gap(
        day=day,
        rides=len(problem.requests),
        cost=cost,
        best_known=bound.cost,
        bound=bound.value,
        how_far=bound.how_far,
        share=share if known else None,
    )
