"""Days like a scenario's own: the same trips in another order, at times drawn again.

A day is one throw of the dice; what is decided on one alone is decided by chance.

See: docs/decisions/0038-what-a-live-day-is-tuned-for.md
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulations.scenario_file import Scenario


def resampled(scenario: Scenario, seed: int) -> Scenario:
    """Another day of the scenario; the same seed gives the same day."""
    random = np.random.default_rng(seed)
    trips = random.permutation(len(scenario.requests))
    asked = [request.requested_at for request in scenario.requests]
    times = np.sort(random.choice(asked, len(asked)))
    requests = []
    for number, (trip, time) in enumerate(zip(trips.tolist(), times.tolist(), strict=True)):
        old = scenario.requests[trip]
        later = time - old.requested_at
        requests.append(
            replace(
                old,
                id=number,
                requested_at=time,
                earliest_pickup=old.earliest_pickup + later,
                latest_pickup=old.latest_pickup + later,
            )
        )
    return replace(scenario, requests=tuple(requests))
