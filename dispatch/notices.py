"""What people are told, when, and in which words.

A notice is an event like any other: it is written with the change it tells of, so nobody
can be forgotten, and whoever carries it (a screen, a message, a call) reads it from the
outbox. Each has a code whose sentence is in `wording/`.

See: docs/booking.md, what people are told; docs/words.md, notice
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dispatch import facts
from dispatch.booking import Booking
from dispatch.events import Event, Fact
from dispatch.wording import sentence

WORTH_TELLING = timedelta(minutes=5)
"""A pickup that moves by less than this is not told: a person waits as long for a lift."""


def is_worth_telling(booking: Booking, planned_pickup: datetime) -> bool:
    """Whether the planned pickup has moved so far that the passenger should know.

    Earlier or later than told by the threshold, or later than was promised.
    """
    told = booking.told_pickup
    if told is None:
        return False
    if planned_pickup > booking.promise.pickup_latest >= told:
        return True
    return abs(planned_pickup - told) >= WORTH_TELLING


def confirmed(booking: Booking, now: datetime) -> Event:
    """The booking stands; when to be ready, and when at the latest one arrives."""
    return facts.notice(
        booking,
        now,
        "notice_confirmed",
        {
            "pickup_earliest": facts.moment(booking.promise.pickup_earliest),
            "pickup_latest": facts.moment(booking.promise.pickup_latest),
            "arrive_latest": facts.moment(booking.promise.arrive_latest),
            "fare_yen": booking.fare_yen,
        },
    )


def pickup_moved(booking: Booking, planned_pickup: datetime, now: datetime) -> Event:
    """The vehicle comes at another time than was last told, still within the promise or not."""
    late = planned_pickup > booking.promise.pickup_latest
    code = "notice_delayed" if late else "notice_pickup_moved"
    return facts.notice(booking, now, code, {"pickup": facts.moment(planned_pickup)})


def vehicle_changed(booking: Booking, vehicle_name: str, now: datetime) -> Event:
    """Another vehicle comes; the promise is the same."""
    told = {"vehicle": vehicle_name, "pickup": facts.moment_or_none(booking.told_pickup)}
    return facts.notice(booking, now, "notice_vehicle_changed", told)


def near(booking: Booking, arrives_at: datetime, now: datetime) -> Event:
    """The vehicle has set out for this passenger."""
    return facts.notice(booking, now, "notice_near", {"pickup": facts.moment(arrives_at)})


def taken_over(booking: Booking, planned_pickup: datetime, now: datetime) -> Event:
    """The vehicle broke down before the pickup; another one comes."""
    told = {"pickup": facts.moment(planned_pickup)}
    return facts.notice(booking, now, "notice_taken_over", told)


def stranded(booking: Booking, planned_pickup: datetime, now: datetime) -> Event:
    """The vehicle broke down with the passenger aboard; another one comes there."""
    told = {"pickup": facts.moment(planned_pickup)}
    return facts.notice(booking, now, "notice_stranded", told)


def broken(booking: Booking, now: datetime) -> Event:
    """The service cannot bring this passenger; the office rings them."""
    return facts.notice(booking, now, "notice_broken", {"cause": booking.cause})


def for_the_office(booking: Booking, now: datetime) -> Event:
    """Somebody whom no vehicle can bring has to be looked after by a person."""
    return facts.notice(booking, now, "notice_office_broken", {"booking": booking.id}, "operator")


def cancelled(booking: Booking, now: datetime) -> Event:
    """The booking is cancelled; said even to who cancelled it, so that it is certain."""
    return facts.notice(booking, now, "notice_cancelled", {"cause": booking.cause})


def stop_closed(booking: Booking, stop_name: str, now: datetime) -> Event:
    """The stop of this booking is out of use; the office looks for another one with them."""
    return facts.notice(booking, now, "notice_stop_closed", {"stop": stop_name})


def stop_closed_office(booking: Booking, stop_name: str, now: datetime) -> Event:
    """The office is to speak with somebody whose stop is out of use."""
    told = {"booking": booking.id, "stop": stop_name}
    return facts.notice(booking, now, "notice_office_stop_closed", told, "operator")


def in_words(event: Event, language: str, zone: ZoneInfo) -> str:
    """A notice as a person hears or reads it, times as the town's clocks show them."""
    if event.fact is not Fact.NOTICE:
        raise ValueError(f"{event.fact} is no notice")
    told: Mapping[str, Any] = event.payload["facts"]
    return sentence(event.payload["code"], language, **_with_times(told, zone))


def _with_times(told: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    times = {"pickup", "pickup_earliest", "pickup_latest", "arrive_latest"}
    return {
        name: datetime.fromisoformat(value).astimezone(zone) if name in times and value else value
        for name, value in told.items()
    }
