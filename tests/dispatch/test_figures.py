"""The service's figures, each counted by hand once.

See: docs/words.md, figure
"""

from __future__ import annotations

import pytest

from dispatch.events import Event
from dispatch.figures import Driven, Figures, figures_of
from tests.builders import DAY, DayBuilder, a_town


def counted(day: DayBuilder, drives: tuple[Driven, ...] = ()) -> Figures:
    store = day.service.store
    events: list[Event] = [recorded.event for recorded in store.list_events_of_day(DAY)]
    return figures_of(store.list_bookings(DAY), events, drives)


def test_a_day_nobody_asked_has_no_shares() -> None:
    with a_town().day() as day:
        none = counted(day)
    assert (none.asked, none.rides, none.service_rate, none.ride_ratio) == (0, 0, None, None)


def test_rides_promises_and_refusals_are_counted() -> None:
    with a_town().with_vehicles(1, seats=2).day() as day:
        day.book("clinic", depart_after="10:00", passengers=2)
        day.book("market", depart_after="11:00", name="gone")
        day.cancel("gone")
        refused = day.ask("hill", origin="station", depart_after="15:55").refusal
        assert refused is not None
        day.carry_everybody()
        figures = counted(day)
    assert (figures.booked, figures.rides, figures.passengers) == (2, 1, 2)
    assert (figures.kept, figures.late, figures.broken) == (1, 0, 0)
    assert figures.refusals == {refused.code: 1}
    assert figures.service_rate == pytest.approx(2 / 3)
    assert figures.cancelled_share == pytest.approx(1 / 2)
    assert figures.ride_ratio == pytest.approx(1.0)


def test_occupancy_and_empty_metres_come_from_what_was_driven() -> None:
    with a_town().day() as day:
        figures = counted(day, (Driven(300, 1000, 0), Driven(100, 3000, 4)))
    assert figures.occupancy == pytest.approx(1.0)
    assert figures.empty_metres_share == pytest.approx(0.25)


def test_two_parties_in_one_vehicle_share_the_ride() -> None:
    with a_town().with_one_vehicle().day() as day:
        day.book("station", depart_after="10:00", name="one")
        day.book("station", depart_after="10:00", name="two")
        day.carry_everybody()
        figures = counted(day)
    assert figures.shared_share == pytest.approx(1.0)
