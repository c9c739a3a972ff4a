"""Who has to be told that their pickup has moved.

See: docs/booking.md, what people are told; docs/words.md, notice
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from dispatch import driving, notices
from dispatch.booking import Booking, State
from dispatch.driving import Route
from dispatch.events import Event
from dispatch.optimizer.plan import Kind


def tell(
    routes: Iterable[Route], bookings: Mapping[str, Booking], now: datetime
) -> tuple[dict[str, Booking], tuple[Event, ...]]:
    """Who has to be told of another pickup time, and the notices that do."""
    told: dict[str, Booking] = {}
    events: list[Event] = []
    for route in routes:
        here = driving.at_this_call(route)
        for visit in route.visits:
            booking = bookings.get(visit.subject)
            if visit.kind is not Kind.PICKUP or visit in here or booking is None:
                continue
            if booking.state is State.CONFIRMED and notices.is_worth_telling(
                booking, visit.starts_at
            ):
                told[booking.id] = replace(booking, told_pickup=visit.starts_at)
                events.append(notices.pickup_moved(booking, visit.starts_at, now))
    return told, tuple(events)
