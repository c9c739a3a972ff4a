"""The day in the terminal: the same story on a screen and in plain lines."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from simulations.day import DaySettings, TownDay
from simulations.terminal import WORDS, watch_day
from tests.simulations.days import kimotsuki

IN_NO_TIME = 1e12


def watched(language: str, *, terminal: bool) -> str:
    """What a short day says from beginning to end."""
    town, travel, _ = kimotsuki()
    heard = StringIO()
    console = Console(file=heard, force_terminal=terminal, width=100, no_color=True)
    day = TownDay(town, travel, DaySettings(seed=1, rides=8))
    try:
        watch_day(day, IN_NO_TIME, language, console)
        assert day.is_over
    finally:
        day.close()
    return heard.getvalue()


def test_both_languages_know_the_same_words() -> None:
    assert WORDS["ja"].keys() == WORDS["en"].keys()


def test_where_there_is_no_terminal_each_event_is_a_line() -> None:
    lines = watched("en", terminal=False).splitlines()

    assert any("booked: " in line for line in lines)
    assert any("arrived: " in line for line in lines)
    assert all(line[2] == ":" for line in lines)


@pytest.mark.parametrize(("language", "said"), [("ja", "守れた約束"), ("en", "kept")])
def test_the_screen_shows_vehicles_and_promises(language: str, said: str) -> None:
    screen = watched(language, terminal=True)

    assert said in screen
    for vehicle in kimotsuki()[0].vehicles:
        assert vehicle.name in screen
