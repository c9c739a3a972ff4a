"""The service's figures, each defined once for screen, report and open data.

All are counted from a day's bookings and events, so they can be counted again from the
record at any time.

See: docs/words.md, figure; docs/booking.md, the way of a promise
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean

from dispatch.booking import Booking, State, Verdict, verdict
from dispatch.events import Event, Fact


@dataclass(frozen=True, slots=True)
class Driven:
    """One drive of one vehicle, as the record shows it.

    metres : by the road engine, from one place to the next.
    aboard : passengers on board during it.
    """

    seconds: int
    metres: int
    aboard: int


@dataclass(frozen=True, slots=True)
class Figures:
    """A day's (or any period's) service in numbers. Shares are between 0 and 1.

    asked : wishes that could be asked: booked, refused, or offered and not taken.
    service_rate : of those who wanted a ride and could have one or were refused, the share
        who booked; None when nobody asked.
    refusals : how many wishes each rule refused.
    rides, passengers : brought to their destination.
    kept, late, broken : the promise ledger.
    mean_wait_seconds : from the wished (promised earliest) pickup to the pickup.
    mean_ride_seconds, ride_ratio : on board; and that over the way without detour.
    no_show_share, cancelled_share : of the bookings that have ended.
    vehicle_hours : from the start to the end of each duty.
    passengers_per_vehicle_hour : NTD's unlinked trips per vehicle revenue hour.
    occupancy : mean passengers on board while driving (by time).
    empty_metres_share : driven with nobody aboard.
    shared_share : rides that had another party aboard at some time.
    """

    asked: int
    booked: int
    refused: int
    service_rate: float | None
    refusals: Mapping[str, int]
    rides: int
    passengers: int
    kept: int
    late: int
    broken: int
    mean_wait_seconds: float | None
    mean_ride_seconds: float | None
    ride_ratio: float | None
    no_show_share: float | None
    cancelled_share: float | None
    vehicle_hours: float
    passengers_per_vehicle_hour: float | None
    occupancy: float | None
    empty_metres_share: float | None
    shared_share: float | None


def figures_of(
    bookings: Sequence[Booking], events: Sequence[Event], drives: Sequence[Driven] = ()
) -> Figures:
    """Count a day.

    Parameters
    ----------
    bookings : all of the day, in any state.
    events : all of the day, in order of time.
    drives : what the vehicles drove; without them occupancy and empty metres are None.
    """
    accepted = [b for b in bookings if b.accepted_at is not None and b.cause != "changed"]
    done = [b for b in accepted if b.state is State.COMPLETED]
    verdicts = Counter(verdict(b) for b in accepted)
    refusals = Counter(
        str(event.payload["code"]) for event in events if event.fact is Fact.QUOTE_REFUSED
    )
    quotes = {b.quote_id for b in bookings}
    refused = sum(refusals.values())
    ended = [b for b in accepted if b.state not in {State.CONFIRMED, State.ON_BOARD}]
    hours = vehicle_hours(events)
    passengers = sum(b.party.passengers for b in done)
    metres = sum(drive.metres for drive in drives)
    return Figures(
        asked=len(quotes) + refused,
        booked=len(accepted),
        refused=refused,
        service_rate=_share(len(accepted), len(accepted) + refused),
        refusals=dict(sorted(refusals.items())),
        rides=len(done),
        passengers=passengers,
        kept=verdicts[Verdict.KEPT],
        late=verdicts[Verdict.LATE],
        broken=verdicts[Verdict.BROKEN],
        mean_wait_seconds=_mean(wait_seconds(b) for b in done),
        mean_ride_seconds=_mean(ride_seconds(b) for b in done),
        ride_ratio=_share(sum(ride_seconds(b) for b in done), sum(b.direct_seconds for b in done)),
        no_show_share=_share(sum(b.state is State.NO_SHOW for b in ended), len(ended)),
        cancelled_share=_share(sum(b.state is State.CANCELLED for b in ended), len(ended)),
        vehicle_hours=hours,
        passengers_per_vehicle_hour=passengers / hours if hours else None,
        occupancy=_share(
            sum(drive.aboard * drive.seconds for drive in drives),
            sum(drive.seconds for drive in drives),
        ),
        empty_metres_share=_share(sum(d.metres for d in drives if not d.aboard), metres),
        shared_share=_share(len(shared_rides(events)), len(done)),
    )


def wait_seconds(booking: Booking) -> float:
    """From the promised earliest pickup to the pickup, never less than 0."""
    if booking.picked_up_at is None:
        return 0.0
    waited = booking.picked_up_at - booking.promise.pickup_earliest
    return max(0.0, waited.total_seconds())


def ride_seconds(booking: Booking) -> float:
    """From leaving the pickup to the destination."""
    if booking.boarded_at is None or booking.completed_at is None:
        return 0.0
    return (booking.completed_at - booking.boarded_at).total_seconds()


def vehicle_hours(events: Iterable[Event]) -> float:
    """All vehicles together, from the start to the end of each duty, in hours."""
    began: dict[str, datetime] = {}
    total = timedelta()
    for event in events:
        if event.route_id is None:
            continue
        if event.fact is Fact.DUTY_STARTED:
            began[event.route_id] = event.at
        elif event.fact is Fact.DUTY_ENDED and event.route_id in began:
            total += event.at - began.pop(event.route_id)
    return total / timedelta(hours=1)


def shared_rides(events: Iterable[Event]) -> frozenset[str]:
    """Completed bookings that had another party aboard at some time."""
    aboard: dict[str, set[str]] = {}
    shared: set[str] = set()
    done: set[str] = set()
    vehicle: dict[str, str] = {}
    for event in events:
        who = event.booking_id
        if who is None:
            continue
        if event.fact is Fact.BOARDED and event.route_id is not None:
            together = aboard.setdefault(event.route_id, set())
            together.add(who)
            vehicle[who] = event.route_id
            if len(together) > 1:
                shared |= together
        elif event.fact in {Fact.COMPLETED, Fact.STRANDED} and who in vehicle:
            aboard[vehicle.pop(who)].discard(who)
            if event.fact is Fact.COMPLETED:
                done.add(who)
    return frozenset(shared & done)


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return fmean(known) if known else None
