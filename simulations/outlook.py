"""What a scenario's day lets one expect: from what it has shown so far, or from other days.

Nothing here reads a request before it is made.

See: docs/decisions/0140-what-a-forecast-is-counted-from.md
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dispatch.forecast import Forecast, Trip, forecast_of_today
from dispatch.look_ahead import Outlook, Terms
from dispatch.town import LookAheadRules
from simulations.scenario_file import Scenario, ScenarioRequest

FEWEST_TRIPS = 5
"""So many requests must have been made before the day says anything about itself."""


class DaySoFar:
    """The requests that a scenario's day has shown up to now, and what they let one expect.

    forecast : of other days, by stop; None: the day itself says what is to come.
    places : the place of the travel table for each stop; None: they are numbered alike.
    """

    def __init__(
        self,
        scenario: Scenario,
        forecast: Forecast | None = None,
        places: Sequence[int] | None = None,
    ) -> None:
        self._scenario = scenario
        self._forecast = forecast
        self._trips: list[Trip] = []
        self._terms = Terms(0, 1.0)
        self._places = np.array(
            range(len(scenario.stops)) if places is None else places, dtype=np.int32
        )

    @property
    def is_telling(self) -> bool:
        """Whether there is anything to look ahead with."""
        return len(self._trips) >= FEWEST_TRIPS

    def hear(self, request: ScenarioRequest) -> None:
        """Somebody asks; whether they get a ride makes no difference to what is expected."""
        lead = max(0, request.earliest_pickup - request.requested_at)
        self._trips.append(Trip(request.requested_at, request.origin, request.destination, lead))
        direct = int(self._scenario.seconds[request.origin, request.destination])
        self._terms = Terms(
            window=request.latest_pickup - request.earliest_pickup,
            ride_ratio=max(1.0, request.max_ride / max(1, direct)),
            loads=(1, 0),
        )

    def outlook(self, rules: LookAheadRules, now: int, seed: int) -> Outlook:
        """What to look ahead with; the latest request tells what the next ones are promised."""
        one_area = [0] * len(self._places)
        forecast = self._forecast or forecast_of_today(self._trips, now, one_area)
        return Outlook(forecast, self._places, self._terms, rules, now, seed)
