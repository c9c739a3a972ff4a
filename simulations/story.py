"""A simulated day gathered into one plain account: rides, refusals, happenings, figures.

The account is what the page draws and what the figures are counted from. Times are UTC;
bookings come from the service's own records, drives and talks from the simulation's journal.

See: docs/simulation.md, story
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from statistics import fmean

from dispatch.booking import Booking, State
from dispatch.driving import Route
from dispatch.events import Fact, RecordedEvent
from dispatch.town import Town
from simulations.journal import Journal

BOOKED = frozenset(
    {
        State.CONFIRMED,
        State.ON_BOARD,
        State.COMPLETED,
        State.CANCELLED,
        State.NO_SHOW,
        State.BROKEN,
    }
)
BREACHES = frozenset({Fact.PROMISE_LATE, Fact.PROMISE_BROKEN})


ENDS_ABOARD = frozenset({Fact.STRANDED, Fact.COMPLETED, Fact.PROMISE_BROKEN})


@dataclass(frozen=True, slots=True)
class Aboard:
    """A party in one vehicle; `ends` is None while it is still there."""

    vehicle_id: str
    starts: datetime
    ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """The day in numbers; seconds and metres unless the name says otherwise."""

    booked: int
    completed: int
    refused: int
    cancelled: int
    no_shows: int
    promise_breaches: int
    breaches_without_cause: int
    stranded: int
    told: int
    lost: int
    mean_wait_seconds: int
    p90_wait_seconds: int
    mean_ride_seconds: int
    ride_ratio: float
    shared_share: float
    vehicle_metres: int
    passengers_per_vehicle_hour: float


@dataclass(frozen=True, slots=True, eq=False)
class Story:
    """One town's simulated day, whole."""

    town: Town
    day: date
    seed: int
    bookings: tuple[Booking, ...]
    vehicle_of: Mapping[str, str]
    routes: tuple[Route, ...]
    events: tuple[RecordedEvent, ...]
    journal: Journal

    def breaches(self) -> dict[str, list[str]]:
        """The causes of each broken promise, by booking."""
        found: dict[str, list[str]] = {}
        for recorded in self.events:
            event = recorded.event
            if event.fact in BREACHES and event.booking_id:
                found.setdefault(event.booking_id, []).append(str(event.payload.get("cause", "")))
        return found

    def times_aboard(self) -> dict[str, list[Aboard]]:
        """In which vehicle each party was, from when to when; twice after a breakdown."""
        vehicle_of = {route.id: route.vehicle_id for route in self.routes}
        picked_up = {booking.id: booking.picked_up_at for booking in self.bookings}
        found: dict[str, list[Aboard]] = {}
        for recorded in self.events:
            event = recorded.event
            if event.booking_id not in picked_up:
                continue
            spans = found.setdefault(event.booking_id, [])
            if event.fact is Fact.BOARDED:
                starts = event.at if spans else picked_up[event.booking_id] or event.at
                spans.append(Aboard(vehicle_of[event.route_id or ""], starts))
            elif event.fact in ENDS_ABOARD and spans and spans[-1].ends is None:
                spans[-1] = replace(spans[-1], ends=event.at)
        return found

    def figures(self) -> Figures:
        """Count the day."""
        done = [b for b in self.bookings if b.state is State.COMPLETED]
        causes = self.breaches()
        waits = sorted(wait_seconds(booking) for booking in done)
        rides = [ride_seconds(booking) for booking in done]
        direct = sum(booking.direct_seconds for booking in done)
        hours = self._hours_on_duty()
        states = [booking.state for booking in self.bookings]
        return Figures(
            booked=len(self.bookings),
            completed=len(done),
            refused=sum(talk.then != "another_time" for talk in self.journal.talks),
            cancelled=states.count(State.CANCELLED),
            no_shows=states.count(State.NO_SHOW),
            promise_breaches=len(causes),
            breaches_without_cause=sum(not all(each) for each in causes.values()),
            stranded=self._count(Fact.STRANDED),
            told=self._count(Fact.NOTICE),
            lost=sum(state in {State.CONFIRMED, State.ON_BOARD} for state in states),
            mean_wait_seconds=round(fmean(waits)) if waits else 0,
            p90_wait_seconds=percentile(waits, 90),
            mean_ride_seconds=round(fmean(rides)) if rides else 0,
            ride_ratio=round(sum(rides) / direct, 2) if direct else 0.0,
            shared_share=round(shared(done, self.vehicle_of), 2),
            vehicle_metres=self.journal.metres,
            passengers_per_vehicle_hour=(
                round(sum(b.party.passengers for b in done) / hours, 2) if hours else 0.0
            ),
        )

    def _count(self, fact: Fact) -> int:
        return sum(recorded.event.fact is fact for recorded in self.events)

    def _hours_on_duty(self) -> float:
        spans = [
            datetime.combine(self.day, shift.ends) - datetime.combine(self.day, shift.starts)
            for shift in self.town.shifts
            if self.day.weekday() in shift.weekdays
        ]
        return sum(spans, timedelta()).total_seconds() / 3600


def wait_seconds(booking: Booking) -> int:
    """From the promised earliest pickup to the pickup; 0 for one not picked up."""
    if booking.picked_up_at is None:
        return 0
    return max(0, round((booking.picked_up_at - booking.promise.pickup_earliest).total_seconds()))


def ride_seconds(booking: Booking) -> int:
    """From the departure after the pickup to the arrival; 0 for one that did not arrive."""
    if booking.boarded_at is None or booking.completed_at is None:
        return 0
    return round((booking.completed_at - booking.boarded_at).total_seconds())


def shared(done: Sequence[Booking], vehicle_of: Mapping[str, str]) -> float:
    """Share of the rides that had other passengers on board for a part of the way."""
    together = sum(
        any(_overlap(one, other, vehicle_of) for other in done if other.id != one.id)
        for one in done
    )
    return together / len(done) if done else 0.0


def percentile(values: Sequence[int], share: int) -> int:
    """The nearest-rank percentile of sorted `values`; 0 when there are none."""
    if not values:
        return 0
    return values[min(len(values) - 1, max(0, -(-len(values) * share // 100) - 1))]


def _overlap(one: Booking, other: Booking, vehicle_of: Mapping[str, str]) -> bool:
    if vehicle_of.get(one.id) != vehicle_of.get(other.id):
        return False
    times = (one.boarded_at, one.completed_at, other.boarded_at, other.completed_at)
    if None in times:
        return False
    starts, ends, other_starts, other_ends = times
    return starts < other_ends and other_starts < ends  # type: ignore[operator]
