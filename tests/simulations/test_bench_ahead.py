"""Looking ahead is judged on many days played twice, and told with its uncertainty."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dispatch.town import LookAheadRules
from simulations.bench.ahead import compare, confidence_interval, days_of
from simulations.bench.check_events import check_events
from simulations.bench.live import Tuning, play, write_events
from simulations.bench.resampled import resampled
from simulations.scenario import play_scenario
from simulations.scenario import write_events as write_scenario_events
from simulations.scenario_file import load_scenario
from tests.markers import SOAK
from tests.simulations.scenarios import write_random_scenario
from tests.simulations.test_live import a_street, until

RULES = LookAheadRules(futures=6, plans=2, steps=20, least_gain=0)
AHEAD = Tuning(iterations=20, look_ahead=replace(RULES, move_within=120), second_look=50)


def test_an_interval_holds_the_true_mean_in_nineteen_of_twenty_samples() -> None:
    chance = np.random.default_rng(1)
    held = 0
    for _ in range(2000):
        found = confidence_interval(chance.normal(3.0, 2.0, 8).tolist())
        held += abs(found.mean - 3.0) <= found.half
    assert held / 2000 == pytest.approx(0.95, abs=0.015)


def test_an_interval_as_a_table_of_student_has_it() -> None:
    found = confidence_interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert found.mean == 3.0
    assert found.half == pytest.approx(1.963, abs=0.001)
    assert confidence_interval([4.0]).half == float("inf")
    with pytest.raises(ValueError, match="value"):
        confidence_interval([])


def test_a_resampled_day_has_the_same_trips_at_times_of_that_day() -> None:
    day = a_street()
    other = resampled(day, 3)

    def trips(requests: tuple[object, ...]) -> list[tuple[int, int]]:
        return sorted((r.origin, r.destination) for r in requests)  # type: ignore[attr-defined]

    assert trips(other.requests) == trips(day.requests)
    assert {r.requested_at for r in other.requests} <= {r.requested_at for r in day.requests}
    assert all(r.latest_pickup - r.requested_at == 400 for r in other.requests)
    assert resampled(day, 3).requests == other.requests


def test_the_same_seed_gives_the_same_day_when_looking_ahead() -> None:
    first, second = (play(a_street(), AHEAD) for _ in range(2))
    assert first.events == second.events


def test_looking_ahead_reads_no_request_before_it_is_made() -> None:
    whole = a_street()
    half = replace(whole, requests=whole.requests[:20])
    known = half.requests[-1].requested_at
    first, second = (play(day, AHEAD) for day in (whole, half))
    assert until(first, known) == until(second, known)


@pytest.mark.parametrize("seed", [2, 6])
def test_every_promise_is_kept_when_looking_ahead(tmp_path: Path, seed: int) -> None:
    folder = write_random_scenario(tmp_path / "day", seed)
    day = play(load_scenario(folder), AHEAD)
    write_events(day, tmp_path / "events.jsonl")
    assert check_events(folder, tmp_path / "events.jsonl", vehicles_wait_in_place=False) == []


@pytest.mark.parametrize("seed", [3, *([1, 4, 7] if SOAK else [])])
def test_the_whole_service_keeps_every_promise_when_looking_ahead(
    tmp_path: Path, seed: int
) -> None:
    folder = write_random_scenario(tmp_path / "day", seed)
    figures, events = play_scenario(load_scenario(folder), look_ahead=RULES)
    write_scenario_events(events, tmp_path / "events.jsonl")
    assert figures.promise_breaches == 0
    assert check_events(folder, tmp_path / "events.jsonl", vehicles_wait_in_place=True) == []


def test_a_town_without_the_switch_has_plain_insertion_and_search_as_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = load_scenario(write_random_scenario(tmp_path / "day", 4))
    off = play_scenario(scenario)

    def looks_ahead(*_: object) -> None:
        raise AssertionError("nobody switched it on")

    monkeypatch.setattr("dispatch.commands.foresight.look_ahead", looks_ahead)
    monkeypatch.setattr("dispatch.commands.second_look.improve", looks_ahead)
    assert play_scenario(scenario)[1] == off[1]


def test_days_are_compared_pair_by_pair() -> None:
    days = days_of(a_street(), 3, first_seed=5)
    same = compare(days, Tuning(iterations=10), Tuning(iterations=10))
    by_figure = {one.figure: one for one in same}
    assert by_figure["served"].difference.mean == 0
    assert by_figure["vehicle_km"].difference.half == 0
    assert by_figure["vehicle_hours"].without > 0
