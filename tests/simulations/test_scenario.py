"""Scenario folders played through the real service, judged from their events alone."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from simulations.bench.check_events import check_events
from simulations.scenario import ScenarioEvent, play_scenario, write_events
from simulations.scenario_file import load_scenario
from tests.markers import examples
from tests.simulations.scenarios import REQUESTS, VEHICLES, write_random_scenario, write_scenario


def played(folder: Path, seed: int = 1) -> list[ScenarioEvent]:
    """The events of a folder; fails when any limit is broken."""
    _, events = play_scenario(load_scenario(folder), seed)
    write_events(events, folder / "events.jsonl")
    assert check_events(folder, folder / "events.jsonl") == []
    return list(events)


def test_everybody_is_served_when_there_is_room(tmp_path: Path) -> None:
    events = played(write_scenario(tmp_path))

    assert [event.event for event in events].count("dropoff") == 4
    assert [event.time for event in events] == sorted(event.time for event in events)


def test_a_request_is_decided_in_its_second(tmp_path: Path) -> None:
    events = played(write_scenario(tmp_path))

    decided = {event.request: event.time for event in events if event.event == "accepted"}
    assert decided == {0: 60, 1: 90, 2: 700, 3: 710}


def test_a_booking_ahead_is_not_picked_up_before_its_time(tmp_path: Path) -> None:
    events = played(write_scenario(tmp_path))

    [pickup] = [e for e in events if e.event == "pickup" and e.request == 3]
    assert 1800 <= pickup.time <= 2100


def test_a_vehicle_is_back_at_its_end_stop_in_time(tmp_path: Path) -> None:
    short = VEHICLES.replace("3,3,600,7200", "3,3,600,1500")
    figures, _ = play_scenario(load_scenario(write_scenario(tmp_path, vehicles=short)))

    assert figures.promise_breaches == 0


def test_who_cannot_be_served_is_refused_at_once(tmp_path: Path) -> None:
    only_early = "\n".join(VEHICLES.splitlines()[:2]).replace("0,7200", "0,600") + "\n"

    events = played(write_scenario(tmp_path, vehicles=only_early))

    refused = {event.request: event.time for event in events if event.event == "refused"}
    assert refused[3] == 710


def test_the_same_seed_plays_the_same_events(tmp_path: Path) -> None:
    folder = write_random_scenario(tmp_path, 3)

    assert played(folder) == played(folder)


@pytest.mark.parametrize("seed", range(examples(2, 30)))
def test_a_mixed_scenario_breaks_no_limit(tmp_path: Path, seed: int) -> None:
    folder = write_random_scenario(tmp_path, 100 + seed)

    events = played(folder)

    accepted = sum(event.event == "accepted" for event in events)
    assert accepted >= 10


def test_the_driven_metres_hold_the_way_to_the_end_stop(tmp_path: Path) -> None:
    fleet = VEHICLES.splitlines()[0] + "\n0,4,1,0,0,0,7200\n"
    one = REQUESTS.splitlines()[0] + "\n0,60,1,3,1,60,600,900\n"

    figures, _ = play_scenario(
        load_scenario(write_scenario(tmp_path, vehicles=fleet, requests=one))
    )

    assert figures.vehicle_metres == 1000 + 2000 + 3000


def test_events_are_one_json_object_a_line(tmp_path: Path) -> None:
    event = ScenarioEvent(194, "pickup", 0, 3, 17)

    write_events([event], tmp_path / "out" / "events.jsonl")

    [line] = (tmp_path / "out" / "events.jsonl").read_text("utf-8").splitlines()
    assert json.loads(line) == asdict(event)
    assert list(json.loads(line)) == ["time", "event", "request", "vehicle", "stop"]
