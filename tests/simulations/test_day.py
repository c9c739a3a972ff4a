"""A town's simulated day: repeatable, kept promises, nobody lost, every breach with its cause."""

from __future__ import annotations

from datetime import time
from itertools import pairwise

import pytest

from dispatch.booking import State, verdict
from dispatch.events import Fact
from dispatch.optimizer.plan import Kind
from simulations.day import fingerprint
from simulations.demand import kilometres
from simulations.story import Story
from tests.markers import SOAK, examples
from tests.simulations.days import story_of

pytestmark = pytest.mark.xdist_group("day")

BREAKDOWN = time(11, 20)


def test_the_same_seed_is_the_same_day_event_for_event() -> None:
    first = fingerprint(story_of(1, rides=20).events)
    story_of.cache_clear()
    second = fingerprint(story_of(1, rides=20).events)

    assert first == second


def test_another_seed_is_another_day() -> None:
    assert fingerprint(story_of(1, rides=20).events) != fingerprint(story_of(2, rides=20).events)


@pytest.mark.parametrize("seed", range(1, 1 + examples(1, 20)))
def test_a_day_without_faults_keeps_its_promises(seed: int) -> None:
    story = story_of(seed)
    figures = story.figures()

    assert figures.completed >= 40
    assert figures.lost == 0
    assert figures.breaches_without_cause == 0
    assert story.journal.defects == []
    if not SOAK:
        assert figures.promise_breaches == 0


def test_the_figures_agree_with_the_bookings() -> None:
    story = story_of(1)
    figures = story.figures()

    late = [b for b in story.bookings if (verdict(b) or "kept") != "kept"]
    assert len(late) == figures.promise_breaches
    ended = figures.completed + figures.cancelled + figures.no_shows
    broken = sum(booking.state is State.BROKEN for booking in story.bookings)
    assert ended + broken == figures.booked


def test_nobody_rides_with_more_people_than_seats() -> None:
    story = story_of(1)
    capacity = {model.id: model.capacity[0] for model in story.town.vehicles}

    assert all(drive.aboard <= capacity[drive.vehicle_id] for drive in story.journal.drives)


def test_each_vehicle_drives_one_way_at_a_time_from_garage_to_garage() -> None:
    story = story_of(1)
    garages = {garage.id: garage.point for garage in story.town.garages}

    for model in story.town.vehicles:
        drives = [d for d in story.journal.drives if d.vehicle_id == model.id]
        for before, after in pairwise(drives):
            assert before.ends <= after.starts
        assert kilometres(drives[-1].line[-1], garages[model.garage]) < 0.3


def test_drivers_take_their_breaks_with_nobody_aboard() -> None:
    story = story_of(1)
    planned = sum(len(shift.breaks) for shift in story.town.shifts)

    assert len(story.journal.rests) == planned
    for rest in story.journal.rests:
        vehicle = {d.id: d for d in story.town.vehicles}[rest.vehicle_id]
        aboard = [
            b
            for b in story.bookings
            if story.vehicle_of.get(b.id) == vehicle.id
            and b.boarded_at is not None
            and b.completed_at is not None
            and b.boarded_at < rest.ends
            and b.completed_at > rest.starts
        ]
        assert aboard == []


def test_after_a_breakdown_nobody_is_lost_and_everybody_is_told() -> None:
    story = story_of(1, BREAKDOWN)
    figures = story.figures()

    assert figures.lost == 0
    assert figures.breaches_without_cause == 0
    assert story.journal.defects == []
    assert len(story.journal.broken_down) == 1
    assert _replanned(story) <= _told(story)


def test_the_broken_down_vehicle_drives_no_further() -> None:
    story = story_of(1, BREAKDOWN)
    [(vehicle, moment)] = story.journal.broken_down.items()

    assert all(d.ends <= moment for d in story.journal.drives if d.vehicle_id == vehicle)
    assert all(
        visit.kind is Kind.BREAK
        for route in story.routes
        if route.vehicle_id == vehicle
        for visit in route.visits
    )


def _replanned(story: Story) -> set[str]:
    """Bookings that the broken-down vehicle carried or was to fetch."""
    [broken] = [e.event for e in story.events if e.event.fact is Fact.BROKE_DOWN]
    [before] = [
        e.event
        for e in story.events
        if e.event.fact is Fact.ROUTE_CHANGED
        and e.event.route_id == broken.route_id
        and e.event.at <= broken.at
    ][-1:]
    subjects = {v["subject"] for v in before.payload["visits"] if v["kind"] != "break"}
    ended = {
        e.event.booking_id
        for e in story.events
        if e.event.fact in {Fact.COMPLETED, Fact.NO_SHOW, Fact.CANCELLED}
        and e.event.at <= broken.at
    }
    booked = {booking.id for booking in story.bookings}
    return (subjects & booked) - ended


def _told(story: Story) -> set[str]:
    [broken] = [e.event for e in story.events if e.event.fact is Fact.BROKE_DOWN]
    return {
        e.event.booking_id or ""
        for e in story.events
        if e.event.fact is Fact.NOTICE and e.event.at >= broken.at
    }
