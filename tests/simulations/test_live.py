"""A live day played on the optimizer alone, judged by its events alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from routing.travel import Point
from simulations.bench.check_events import check_events
from simulations.bench.live import LiveDay, Tuning, play, write_events
from simulations.scenario_file import (
    Scenario,
    ScenarioRequest,
    ScenarioStop,
    ScenarioVehicle,
    load_scenario,
)
from tests.markers import DATA, needs_data

MUNICH = DATA / "scenarios" / "munich200"


def a_street() -> Scenario:
    """Ten stops, 60 seconds apart; two cabs; a request every minute."""
    at = np.arange(10, dtype=np.int32) * 60
    seconds = np.abs(at[:, None] - at[None, :]).astype(np.int32)
    requests = (
        ScenarioRequest(n, 60 * n, (3 * n) % 10, (7 * n + 5) % 10, 1, 0, 60 * n, 60 * n + 400, 900)
        for n in range(40)
        if (3 * n) % 10 != (7 * n + 5) % 10
    )
    return Scenario(
        "street",
        30,
        tuple(ScenarioStop(n, str(n), Point(0.0, n / 100)) for n in range(10)),
        seconds,
        (seconds * 8).astype(np.int32),
        tuple(ScenarioVehicle(str(n), 4, 0, 9 * n, None, 0, 7200) for n in range(2)),
        tuple(requests),
    )


def test_the_same_seed_gives_the_same_day_event_for_event() -> None:
    first, second = (play(a_street(), Tuning(iterations=40, seed=3)) for _ in range(2))
    assert first.events == second.events


def test_a_request_to_come_changes_nothing_before_it_is_made() -> None:
    whole = a_street()
    half = replace(whole, requests=whole.requests[:20])
    known = half.requests[-1].requested_at
    first, second = (play(day, Tuning(iterations=40)) for day in (whole, half))
    assert until(first, known) == until(second, known)


def until(day: LiveDay, second: int) -> list[dict[str, int | str | None]]:
    return [event for event in day.events if int(event["time"] or 0) <= second]


def test_every_request_is_served_or_refused() -> None:
    scenario = a_street()
    day = play(scenario, Tuning(iterations=20))
    assert day.served + day.refused == len(scenario.requests)
    assert day.served > 20
    assert sum(event["event"] == "dropoff" for event in day.events) == day.served


@needs_data("scenarios/munich200")
@pytest.mark.parametrize("iterations", [0, 100])
def test_the_published_day_is_sound_and_serves_what_plain_insertion_does(
    tmp_path: Path, iterations: int
) -> None:
    day = play(load_scenario(MUNICH), Tuning(iterations=iterations))
    write_events(day, tmp_path / "events.jsonl")
    assert check_events(MUNICH, tmp_path / "events.jsonl", vehicles_wait_in_place=True) == []
    assert day.served >= 192
    assert day.mean_wait_seconds < 174
    assert day.vehicle_metres < 396_000
