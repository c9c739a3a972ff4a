"""What is better than what, in one place.

First every promise is kept (hard limits) and every request served that can be; then the
least weighted sum of vehicle time, waiting, excess ride, lateness and changes that
somebody has already seen. A town sets the weights.

See: docs/words.md, objective
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weights:
    """Cost of one second of each, in whole units; all sums stay in integers.

    driving : a vehicle on the road.
    waiting : a party between its earliest and its planned pickup.
    excess_ride : a party on board beyond the direct travel time.
    lateness : a party beyond a promised time that the road has already broken.
    unserved : one request that could be served and is not (a flat cost, not by the second).
    vehicle : one vehicle with a visit at all (a flat cost): where fewer vehicles count.
    """

    driving: int = 10
    waiting: int = 3
    excess_ride: int = 2
    lateness: int = 200
    unserved: int = 10_000_000
    vehicle: int = 0
