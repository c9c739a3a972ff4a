"""Shifts and breaks against the hours that a driver may work."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from dispatch.duty import DriverHours, break_time, least_break, length_of
from dispatch.fleet import BreakRule, Shift


def shift(starts: time, ends: time, *breaks: int) -> Shift:
    rules = tuple(BreakRule(time(11), time(13), minutes) for minutes in breaks)
    return Shift("s", "v", frozenset({0}), starts, ends, rules)


@pytest.mark.parametrize(
    ("ends", "breaks", "least"),
    [(time(15), (), 0), (time(15, 1), (), 45), (time(17, 45), (45,), 45), (time(18), (30,), 60)],
)
def test_longer_work_wants_a_longer_break(ends: time, breaks: tuple[int, ...], least: int) -> None:
    assert least_break(shift(time(9), ends, *breaks), DriverHours()) == timedelta(minutes=least)


def test_breaks_add_up_and_do_not_shorten_the_duty() -> None:
    day = shift(time(8, 30), time(17), 30, 15)
    assert break_time(day) == timedelta(minutes=45)
    assert length_of(day) == timedelta(hours=8, minutes=30)
