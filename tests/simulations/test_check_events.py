"""The check of a replayed day: each limit broken on purpose is found in the events alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from simulations.bench.check_events import check_events

Events = list[dict[str, object]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Stops 10, 20, 30 on a street, 100 seconds apart; two cabs of two seats at stop 10."""
    (tmp_path / "scenario.toml").write_text('name = "street"\nservice_seconds = 30\n')
    (tmp_path / "stops.csv").write_text("stop_id,name,lat,lon\n30,c,0,2\n10,a,0,0\n20,b,0,1\n")
    at = np.arange(3) * 100
    np.save(tmp_path / "travel_seconds.npy", np.abs(at[:, None] - at).astype(np.int32))
    (tmp_path / "vehicles.csv").write_text(
        "vehicle_id,seats,wheelchairs,start_stop,end_stop,shift_start,shift_end\n"
        "0,2,0,10,,0,1000\n1,2,0,10,10,0,700\n"
    )
    (tmp_path / "requests.csv").write_text(
        "request_id,requested_at,origin,destination,passengers,earliest_pickup,latest_pickup,max_ride\n"
        "0,50,20,30,1,50,250,140\n1,60,20,30,1,60,250,140\n2,400,10,20,2,400,500,100\n"
    )
    return tmp_path


def line(
    time: int, event: str, request: int, vehicle: int | None, stop: int | None
) -> dict[str, object]:
    return {"time": time, "event": event, "request": request, "vehicle": vehicle, "stop": stop}


def sound_day() -> Events:
    return [
        line(50, "accepted", 0, 0, None),
        line(60, "accepted", 1, 0, None),
        line(150, "pickup", 0, 0, 20),
        line(150, "pickup", 1, 0, 20),
        line(280, "dropoff", 0, 0, 30),
        line(280, "dropoff", 1, 0, 30),
        line(400, "accepted", 2, 1, None),
        line(400, "pickup", 2, 1, 10),
        line(530, "dropoff", 2, 1, 20),
    ]


def found(folder: Path, events: Events, **rules: bool) -> str:
    path = folder / "events.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return "\n".join(check_events(folder, path, **rules))


def test_a_sound_day_has_no_violation(folder: Path) -> None:
    assert found(folder, sound_day(), vehicles_wait_in_place=True) == ""


CHANGES: dict[str, tuple[dict[int, dict[str, object]], str]] = {
    "late decision": ({0: {"time": 55}}, "decided in second 55"),
    "unknown request": ({0: {"request": 9}}, "not in the scenario"),
    "unknown event": ({0: {"event": "lost"}}, "no such event"),
    "unknown vehicle": ({2: {"vehicle": 7}}, "no such vehicle or stop"),
    "unknown stop": ({2: {"stop": 0}}, "no such vehicle or stop"),
    "refused but served": ({0: {"event": "refused"}}, "its events are"),
    "wrong stop at pickup": ({2: {"stop": 30}}, "picked up at stop 30"),
    "wrong stop at drop-off": ({8: {"stop": 30}}, "set down at stop 30"),
    "another vehicle sets down": ({5: {"vehicle": 1}}, "by different vehicles"),
    "ride too long": ({4: {"time": 321}, 5: {"time": 321}}, "rode for 141 seconds"),
    "too soon for the road": ({4: {"time": 279}, 5: {"time": 279}}, "cannot be there before 280"),
    "out of order": ({8: {"time": 399}}, "stands after second"),
}


@pytest.mark.parametrize(("changes", "sentence"), CHANGES.values(), ids=CHANGES.keys())
def test_a_day_unsound_in_one_way_is_caught(
    folder: Path, changes: dict[int, dict[str, object]], sentence: str
) -> None:
    events = sound_day()
    for number, change in changes.items():
        events[number] |= change
    assert sentence in found(folder, events)


@pytest.mark.parametrize("missing", [0, 2, 8])
def test_an_event_left_out_is_caught(folder: Path, missing: int) -> None:
    events = sound_day()
    del events[missing]
    assert "its events are" in found(folder, events)


@pytest.mark.parametrize(("begins", "ok"), [(250, True), (251, False)])
def test_the_pickup_window_is_kept(folder: Path, begins: int, ok: bool) -> None:
    events = sound_day()
    for number in (2, 3):
        events[number] |= {"time": begins}
    for number in (4, 5):
        events[number] |= {"time": begins + 130}
    assert (found(folder, events) == "") is ok


def test_one_passenger_more_than_seats_is_caught(folder: Path) -> None:
    requests = folder / "requests.csv"
    requests.write_text(requests.read_text().replace("1,60,20,30,1", "1,60,20,30,2"))
    assert "3 on board in second 150, 2 seats" in found(folder, sound_day())


def test_a_shift_is_over_only_at_its_end_stop(folder: Path) -> None:
    vehicles = folder / "vehicles.csv"
    vehicles.write_text(vehicles.read_text().replace("700", "659"))
    assert "its shift ends in second 659, it in 660" in found(folder, sound_day())


def test_a_vehicle_that_left_before_it_was_asked_is_caught(folder: Path) -> None:
    events = sound_day()
    events[2] |= {"time": 149}
    events[3] |= {"time": 149}
    assert "cannot be there before 150" in found(folder, events, vehicles_wait_in_place=True)
    assert found(folder, events) == ""
