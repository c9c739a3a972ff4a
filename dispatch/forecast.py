"""What is likely to be asked for: how much in each hour and area, from where to where.

A forecast is counted from wishes as they were recorded, those that were refused included:
whoever counts only the rides that were given never sees where rides are missing. It is drawn
from as sampled futures, each of them one way in which the next minutes may go.

See: docs/words.md, forecast; docs/decisions/0140-what-a-forecast-is-counted-from.md
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

HOURS = 24
HOUR_SECONDS = 3600

PRIOR_TRIPS = 0.3
"""Trips that each place is given before anything was recorded there: none is impossible."""

Int32 = NDArray[np.int32]
Shares = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Trip:
    """One wish as it was recorded, whether a ride came of it or not.

    asked : seconds since midnight. lead : seconds from asking to the earliest pickup.
    origin, destination : places the forecast knows by index.
    """

    asked: int
    origin: int
    destination: int
    lead: int = 0


class Futures(NamedTuple):
    """Sampled futures, a row each, of up to M requests in order of asking. Int32 columns."""

    number: Int32
    """(K,) requests in each future."""
    asked: Int32
    """(K, M) seconds since midnight."""
    opens: Int32
    """(K, M) earliest pickup."""
    origin: Int32
    """(K, M) places."""
    destination: Int32
    """(K, M)"""


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """Requests to expect. A areas, P places.

    rate : (24, A) requests an hour that begin in each area, by hour of the day.
    origins : (A, P) from which places an area's requests start, each row sums to one.
    destinations : (A, P) where requests that start in an area go.
    leads : seconds from asking to the earliest pickup, as recorded; drawn alike.
    """

    rate: Shares
    origins: Shares
    destinations: Shares
    leads: Int32

    def expected(self, start: int, end: int) -> float:
        """Requests to expect between two seconds of the day."""
        return float(sum(self._by_hour(start, end)))

    def origin_shares(self, hour: int) -> Shares:
        """(P,) where the next request of that hour is likely to start; sums to one."""
        rate = self.rate[hour % HOURS]
        total = rate.sum()
        areas = rate / total if total > 0 else np.full(len(rate), 1 / len(rate))
        return np.asarray(areas @ self.origins)

    def draw(self, now: int, horizon: int, count: int, random: Generator) -> Futures:
        """`count` futures of the seconds from `now` on: Poisson arrivals at the rates expected.

        No request of a future is asked for before `now` + 1.
        """
        by_hour = self._by_hour(now, now + horizon)
        numbers = random.poisson(sum(by_hour), count)
        most = max(1, int(numbers.max(initial=0)))
        asked = np.sort(self._times(now, now + horizon, (count, most), random), axis=1)
        beyond = np.arange(most) >= numbers[:, None]
        # Times were drawn for the longest future: in the others, a random part of them counts.
        asked = np.sort(np.where(_shuffled(beyond, random), np.iinfo(np.int32).max, asked), axis=1)
        hours = np.minimum(asked // HOUR_SECONDS, HOURS - 1)
        origin, destination = self._ways(hours, random)
        leads = random.choice(self.leads, asked.shape) if len(self.leads) else 0
        opens = np.where(beyond, 0, asked + leads)
        columns = (np.where(beyond, 0, asked), opens, origin, destination)
        return Futures(
            numbers.astype(np.int32), *(np.ascontiguousarray(c, np.int32) for c in columns)
        )

    def _by_hour(self, start: int, end: int) -> list[float]:
        """Requests to expect in each hour from the one of `start` to that of `end`."""
        hours = range(start // HOUR_SECONDS, (end - 1) // HOUR_SECONDS + 1)
        return [
            float(self.rate[min(hour, HOURS - 1)].sum())
            * (min(end, (hour + 1) * HOUR_SECONDS) - max(start, hour * HOUR_SECONDS))
            / HOUR_SECONDS
            for hour in hours
        ]

    def _times(self, start: int, end: int, shape: tuple[int, int], random: Generator) -> Shares:
        """When requests are asked for: evenly within an hour, hours by what is expected."""
        by_hour = np.array(self._by_hour(start, end))
        edges = np.concatenate(([0.0], np.cumsum(by_hour)))
        if edges[-1] <= 0:
            return np.full(shape, end - 1.0)
        first = start // HOUR_SECONDS
        knots = [start, *((first + n) * HOUR_SECONDS for n in range(1, len(by_hour))), end - 1]
        return np.asarray(np.interp(random.random(shape) * edges[-1], edges, knots)) // 1 + 1

    def _ways(self, hours: NDArray[np.generic], random: Generator) -> tuple[Indices, Indices]:
        """An origin and another place as the destination for each request."""
        rate = self.rate[hours.astype(np.intp)] + 1e-12
        area = _pick(rate / rate.sum(axis=-1, keepdims=True), random)
        origin = _pick(self.origins[area], random)
        shares = self.destinations[area].copy()
        np.put_along_axis(shares, origin[..., None], 0.0, axis=-1)
        return origin, _pick(shares, random)


def forecast_of_days(
    trips: Iterable[Trip], days: int, area_of_place: Sequence[int], prior: float = PRIOR_TRIPS
) -> Forecast:
    """Count what `days` recorded days say of a day like them.

    area_of_place : (P,) the area of each place, from 0.
    """
    known = tuple(trips)
    by_hour = np.zeros(HOURS, np.int64)
    area = np.asarray(area_of_place, np.intp)
    rate = np.zeros((HOURS, int(area.max(initial=0)) + 1))
    for trip in known:
        hour = min(trip.asked // HOUR_SECONDS, HOURS - 1)
        rate[hour, area[trip.origin]] += 1 / max(1, days)
        by_hour[hour] += 1
    return _forecast(known, rate, area, prior)


def forecast_of_today(
    trips: Iterable[Trip], now: int, area_of_place: Sequence[int], prior: float = PRIOR_TRIPS
) -> Forecast:
    """Take what is still to come from what the day has shown so far, and from nothing else.

    The rate is that since the first request; every area is expected to go on as it did.
    """
    known = tuple(trip for trip in trips if trip.asked <= now)
    area = np.asarray(area_of_place, np.intp)
    rate = np.zeros((HOURS, int(area.max(initial=0)) + 1))
    since = now - min((trip.asked for trip in known), default=now)
    if since > 0:
        counts = np.bincount(area[[trip.origin for trip in known]], minlength=rate.shape[1])
        rate[:] = counts * HOUR_SECONDS / since
    return _forecast(known, rate, area, prior)


def _forecast(
    trips: Sequence[Trip], rate: Shares, area: NDArray[np.intp], prior: float
) -> Forecast:
    places = len(area)
    origins = np.zeros((rate.shape[1], places))
    origins[area, np.arange(places)] = prior
    destinations = np.full((rate.shape[1], places), prior)
    for trip in trips:
        origins[area[trip.origin], trip.origin] += 1
        destinations[area[trip.origin], trip.destination] += 1
    leads = np.array([trip.lead for trip in trips], np.int32)
    return Forecast(rate, _rows_to_one(origins), _rows_to_one(destinations), leads)


def _rows_to_one(counts: Shares) -> Shares:
    totals = counts.sum(axis=1, keepdims=True)
    return np.where(totals > 0, counts / np.where(totals > 0, totals, 1), 1 / counts.shape[1])


def _pick(shares: Shares, random: Generator) -> Indices:
    """One index a row of `shares` (…, n), by weight."""
    edges = np.cumsum(shares, axis=-1)
    drawn = random.random((*shares.shape[:-1], 1)) * edges[..., -1:]
    return np.asarray(np.minimum((edges <= drawn).sum(axis=-1), shares.shape[-1] - 1), np.intp)


def _shuffled(flags: NDArray[np.bool_], random: Generator) -> NDArray[np.bool_]:
    """Each row in a random order of its own."""
    return np.asarray(random.permuted(flags, axis=1))
