"""The demo's clock: smooth, never ahead of the simulation, never backwards, woken at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from threading import Event, Thread

import pytest

from dispatch.errors import BadInput
from simulations.clock import PacedClock

NINE = datetime(2026, 6, 9, 0, 0, tzinfo=UTC)
IN_TIME = 30.0


@dataclass
class Wall:
    """Time that passes when somebody says so."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


def at_nine(wall: Wall, speed: float = 10.0) -> PacedClock:
    """A clock that shows nine."""
    clock = PacedClock(speed, wall)
    clock.jump_to(NINE)
    return clock


def after(seconds: float) -> datetime:
    return NINE + timedelta(seconds=seconds)


def test_time_moves_smoothly_up_to_the_step_that_is_due_and_no_further() -> None:
    wall = Wall()
    clock = at_nine(wall)
    assert not clock.reaches(after(60), seconds=0)

    wall.seconds = 1.25
    assert clock.now() == after(12.5)
    wall.seconds = 100
    assert clock.now() == after(60)
    assert clock.reaches(after(60), seconds=0)


def test_time_that_a_step_takes_is_not_made_up_for() -> None:
    wall = Wall()
    clock = at_nine(wall)
    clock.jump_to(after(60))

    wall.seconds = 3  # the step at nine and a minute is worked out
    assert clock.now() == after(60)
    assert not clock.reaches(after(600), seconds=0)
    assert clock.now() == after(60)
    wall.seconds = 4
    assert clock.now() == after(70)


def test_a_clock_that_is_held_stands_and_goes_on_from_there() -> None:
    wall = Wall()
    clock = at_nine(wall)
    clock.reaches(after(600), seconds=0)
    wall.seconds = 1

    clock.set(paused=True)
    wall.seconds = 50
    assert clock.now() == after(10)
    clock.set(paused=False)
    wall.seconds = 51
    assert clock.now() == after(20)


def test_a_new_speed_counts_from_the_moment_it_is_set() -> None:
    wall = Wall()
    clock = at_nine(wall)
    clock.reaches(after(600), seconds=0)
    wall.seconds = 1
    clock.set(speed=60)
    wall.seconds = 2

    assert clock.now() == after(70)


def test_at_the_next_second_time_stops_for_what_others_have_done() -> None:
    wall = Wall()
    clock = at_nine(wall)
    clock.reaches(after(600), seconds=0)
    wall.seconds = 0.25

    assert clock.now() == after(2.5)
    assert clock.stop_at_next_second() == after(3)
    wall.seconds = 9
    assert clock.now() == after(3)


def test_whatever_is_done_to_it_time_never_goes_back_nor_past_what_is_due() -> None:
    wall, chance = Wall(), Random(1)
    clock = at_nine(wall)
    due, last = after(0), clock.now()
    for _ in range(2_000):
        wall.seconds += chance.choice([0, 0.001, 0.3, 20])
        act = chance.randrange(5)
        if act == 0:
            clock.set(speed=chance.uniform(1, 600))
        elif act == 1:
            clock.set(paused=chance.random() < 0.5)
        elif act == 2 and clock.reaches(due, seconds=0):
            due += timedelta(seconds=chance.randrange(300))
            clock.jump_to(clock.now())
        elif act == 3:
            due = min(due, max(clock.stop_at_next_second(), clock.now()))
        now = clock.now()
        assert last <= now
        assert now <= max(due, last)
        last = now


@pytest.mark.parametrize("speed", [0, -1, 0.5, 601, float("nan"), float("inf")])
def test_a_speed_that_it_cannot_go_is_refused_and_nothing_changes(speed: float) -> None:
    clock = at_nine(Wall())
    with pytest.raises(BadInput) as refused:
        clock.set(speed=speed, paused=True)
    assert refused.value.code == "bad_speed"
    assert (clock.speed, clock.paused) == (10.0, False)


class Waiting(Thread):
    """Somebody who waits for an hour of a clock that is held."""

    def __init__(self, clock: PacedClock, seconds: float) -> None:
        super().__init__(daemon=True)
        self._clock, self._seconds = clock, seconds
        self.begun = Event()
        self.reached: bool | None = None
        self.start()
        self.begun.wait(IN_TIME)

    def run(self) -> None:
        self.begun.set()
        self.reached = self._clock.reaches(after(0.5), self._seconds)


@pytest.mark.parametrize("waits_first", [True, False])
def test_whoever_waits_is_woken_at_once(waits_first: bool) -> None:
    clock = PacedClock()
    clock.jump_to(NINE)
    clock.set(paused=True)
    if not waits_first:
        clock.wake()
    waiting = Waiting(clock, seconds=3600)
    if waits_first:
        clock.wake()

    waiting.join(IN_TIME)
    assert waiting.reached is False


def test_whoever_waits_for_a_held_clock_is_there_once_it_goes_on() -> None:
    clock = PacedClock()
    clock.jump_to(NINE)
    clock.set(paused=True)
    waiting = Waiting(clock, seconds=3600)

    clock.set(paused=False, speed=600)
    waiting.join(IN_TIME)
    assert waiting.reached is True
    assert clock.now() == after(0.5)
