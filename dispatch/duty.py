"""How long a driver may be on duty, and how long the rest between and within must be.

The law's limits are defaults with a name; a town in another country writes its own. Who
drove when, roll calls and duty records come with the driver's pages.

See: docs/words.md, duty, shift, break
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta

from dispatch.fleet import Shift


@dataclass(frozen=True, slots=True)
class DriverHours:
    """The limits of a driver's duty.

    The defaults are those for taxi drivers on day duty in Japan since 2024-04-01 (改善基準告示),
    and for breaks within the duty those of the Labour Standards Act (労働基準法 34条).

    longest_day : hours on duty in a day as a rule; `longest_day_ever` is never passed.
    long_day, long_days_a_week : a day over `long_day` may come so often in a week.
    longest_month : hours on duty in a month.
    rest, least_rest : hours between two duties as a rule, and never under.
    breaks : (work longer than, break of at least), the longest work first.
    """

    longest_day: timedelta = timedelta(hours=13)
    longest_day_ever: timedelta = timedelta(hours=15)
    long_day: timedelta = timedelta(hours=14)
    long_days_a_week: int = 3
    longest_month: timedelta = timedelta(hours=288)
    rest: timedelta = timedelta(hours=11)
    least_rest: timedelta = timedelta(hours=9)
    breaks: tuple[tuple[timedelta, timedelta], ...] = (
        (timedelta(hours=8), timedelta(minutes=60)),
        (timedelta(hours=6), timedelta(minutes=45)),
    )


def length_of(shift: Shift) -> timedelta:
    """From leaving the garage to being back there."""
    return _since_midnight(shift.ends) - _since_midnight(shift.starts)


def break_time(shift: Shift) -> timedelta:
    """All planned breaks of the shift together."""
    return timedelta(minutes=sum(rule.minutes for rule in shift.breaks))


def least_break(shift: Shift, hours: DriverHours) -> timedelta:
    """The break that the law wants for the work in this shift."""
    work = length_of(shift) - break_time(shift)
    return next((rest for over, rest in hours.breaks if work > over), timedelta(0))


def _since_midnight(clock: time) -> timedelta:
    return timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second)
