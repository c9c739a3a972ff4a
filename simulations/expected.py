"""What a town's simulated days let one expect of one more: other days of the same demand.

See: docs/decisions/0140-what-a-forecast-is-counted-from.md
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from dispatch.commands.foresight import areas_of_stops, nearest_stop
from dispatch.forecast import Forecast, Trip, forecast_of_days
from dispatch.requests import Midnight
from dispatch.town import Town
from routing.travel import TravelTimes
from simulations.demand import Outing, demand_of

DAYS = 20
FIRST_SEED = 1_000_000
"""Seeds that no simulated day is played with."""


def expected_of(town: Town, travel: TravelTimes, day: date) -> Forecast:
    """Count twenty other days of the town's demand, as if they had been recorded."""
    midnight = Midnight.of(day, town)
    trips = [
        trip
        for number in range(DAYS)
        for outing in demand_of(town, travel, day, FIRST_SEED + number).outings
        for trip in _trips(outing, midnight, town)
    ]
    return forecast_of_days(trips, DAYS, areas_of_stops(town))


def _trips(outing: Outing, midnight: Midnight, town: Town) -> Iterator[Trip]:
    """The way there, if it is asked for on the day; a way home is rung up at its time."""
    home = nearest_stop(outing.there.origin.point, town)
    aim = nearest_stop(outing.there.destination.point, town)
    asked = midnight.at_least(outing.asks_at)
    leaves = outing.there.depart_after or outing.there.arrive_by or outing.asks_at
    if asked >= 0:
        yield Trip(asked, home, aim, max(0, midnight.at_least(leaves) - asked))
    if outing.home is not None and outing.home.depart_after is None:
        back = midnight.at_least(leaves) + round(outing.home.stay.total_seconds())
        yield Trip(max(0, back), aim, home)
