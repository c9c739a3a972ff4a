"""The same people by any door: a day over HTTP is the day by commands, event for event."""

from __future__ import annotations

from datetime import time
from itertools import pairwise

import pytest

from dispatch.events import Fact
from simulations.day import DaySettings, fingerprint
from simulations.positions import track_of
from tests.api.http_day import a_day_over_http
from tests.markers import examples
from tests.simulations.days import kimotsuki, story_of

pytestmark = pytest.mark.xdist_group("day")

BREAKDOWN = time(10, 40)


@pytest.mark.parametrize("seed", range(1, 1 + examples(1, 5)))
def test_a_day_over_http_is_the_day_by_commands_event_for_event(seed: int) -> None:
    by_command = story_of(seed, BREAKDOWN, rides=8).events
    with a_day_over_http(DaySettings(seed=seed, breakdown=BREAKDOWN, rides=8)) as day:
        for _ in day.play():
            pass
        over_http = day.story().events

    assert [each.event for each in over_http] == [each.event for each in by_command]
    assert fingerprint(over_http) == fingerprint(by_command)
    assert {Fact.COMPLETED, Fact.BROKE_DOWN} <= {each.event.fact for each in over_http}


def test_a_vehicle_on_its_way_is_where_the_speed_table_puts_it() -> None:
    town, travel, _ = kimotsuki()
    start, goal = town.garages[0].point, town.garages[-1].point
    line = travel.leg(start, goal).line
    track = track_of(line, travel)
    whole = int(travel.table((line[0],), (line[-1],)).seconds[0, 0])

    assert (track.at(0.0), track.at(1.0)) == (line[0], line[-1])
    left = [
        int(travel.table((track.at(share),), (line[-1],)).seconds[0, 0])
        for share in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    assert all(before > after for before, after in pairwise(left))
    assert abs(left[2] - whole / 2) < 0.1 * whole
