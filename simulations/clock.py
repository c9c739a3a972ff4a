"""The demo's clock: simulated time that passes by the wall's, can be held, and can be hurried.

The simulation says when its next step is due; the clock moves smoothly up to that moment and
waits there for the step, so nobody who asks the time is ever ahead of what has been simulated.
Time that passes while a step is worked out is not made up for.

See: docs/simulation.md, the clock; docs/decisions/0090-a-clock-that-waits-for-the-day.md
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import isfinite
from threading import Condition

from dispatch.errors import BadInput

SLOWEST, FASTEST = 1.0, 600.0
"""Simulated seconds a second. The page offers up to 60; beyond it is for tests."""

MILLISECOND = timedelta(milliseconds=1)


class PacedClock:
    """A clock for many threads, of which one, the simulation's, moves its limit on.

    wall : seconds that pass by themselves, for tests to pass by hand.
    """

    def __init__(self, speed: float = 10.0, wall: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._changed = Condition()
        self._paused = False
        self._woken = False
        self._speed = checked_speed(speed)
        self._moment = self._limit = datetime.min.replace(tzinfo=UTC)
        self._since = wall()

    @property
    def speed(self) -> float:
        """Simulated seconds a second while it goes."""
        return self._speed

    @property
    def paused(self) -> bool:
        """Whether it is held."""
        return self._paused

    def now(self) -> datetime:
        """The simulated moment (UTC), to the millisecond."""
        with self._changed:
            return self._now()

    def set(self, speed: float | None = None, paused: bool | None = None) -> None:
        """Change its speed, hold it or let it go on. Raises BadInput("bad_speed")."""
        wished = None if speed is None else checked_speed(speed)
        with self._changed:
            self._settle()
            self._speed = self._speed if wished is None else wished
            self._paused = self._paused if paused is None else paused
            self._changed.notify_all()

    # --- for the simulation's thread ---------------------------------------------------------

    def jump_to(self, moment: datetime) -> None:
        """It is `moment`, or later already, and stays so until the limit moves on."""
        with self._changed:
            self._moment = max(self._now(), moment)
            self._limit = self._moment
            self._since = self._wall()

    def reaches(self, moment: datetime, seconds: float) -> bool:
        """Let time pass up to `moment`: True once it is there.

        False after so many seconds of the wall, and at once when `wake` is called.
        """
        with self._changed:
            self._settle()
            self._limit = max(moment, self._moment)
            ends = self._wall() + seconds
            while (left := self._seconds_until(moment)) > 0:
                rest = ends - self._wall()
                if rest <= 0 or self._woken:
                    self._woken = False
                    return False
                self._changed.wait(min(left, rest))
            return True

    def stop_at_next_second(self) -> datetime:
        """The next whole second, at which time now stops until the limit moves on."""
        with self._changed:
            self._settle()
            whole = self._moment.replace(microsecond=0)
            self._limit = whole if whole == self._moment else whole + timedelta(seconds=1)
            return self._limit

    def wake(self) -> None:
        """Let `reaches` look again at what is to be done; from any thread."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def _now(self) -> datetime:
        if self._paused:
            return self._moment
        passed = timedelta(seconds=(self._wall() - self._since) * self._speed)
        if passed >= self._limit - self._moment:
            return self._limit
        return self._moment + passed // MILLISECOND * MILLISECOND

    def _settle(self) -> None:
        """Count from here on, whatever changes next."""
        self._moment = self._now()
        self._since = self._wall()

    def _seconds_until(self, moment: datetime) -> float:
        """Of the wall, as things stand; for ever while the clock is held."""
        left = (moment - self._now()).total_seconds()
        if left <= 0:
            return 0.0
        return float("inf") if self._paused else left / self._speed


def checked_speed(speed: float) -> float:
    """The speed, if the clock can go so fast. Raises BadInput("bad_speed")."""
    if not isfinite(speed) or not SLOWEST <= speed <= FASTEST:
        raise BadInput("bad_speed", slowest=int(SLOWEST), fastest=int(FASTEST))
    return float(speed)
