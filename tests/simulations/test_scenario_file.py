"""What a scenario folder must say, and the one sentence when it does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simulations.scenario_file import BadScenario, load_scenario
from tests.simulations.scenarios import REQUESTS, STOPS, VEHICLES, write_scenario


def test_a_scenario_is_read_whole(tmp_path: Path) -> None:
    scenario = load_scenario(write_scenario(tmp_path))

    assert (scenario.name, scenario.service_seconds) == ("Row", 30)
    assert [stop.name for stop in scenario.stops] == ["A", "B", "C", "D"]
    assert scenario.vehicles[0].end_stop is None
    assert scenario.vehicles[1].end_stop == 3
    assert scenario.requests[3].earliest_pickup == 1800
    assert scenario.seconds[0, 3] == 360


def test_stops_are_found_by_their_ids_in_whatever_order_they_are_written(tmp_path: Path) -> None:
    lines = STOPS.strip().splitlines()
    mixed = "\n".join([lines[0], lines[3], lines[1], lines[4], lines[2]]) + "\n"

    scenario = load_scenario(write_scenario(tmp_path, stops=mixed))

    assert [stop.name for stop in scenario.stops] == ["A", "B", "C", "D"]
    assert scenario.requests[0].destination == 2


def test_two_stops_at_the_same_point_stay_two_stops(tmp_path: Path) -> None:
    twins = STOPS.replace("48.11,11.60", "48.10,11.60")

    scenario = load_scenario(write_scenario(tmp_path, stops=twins))

    assert len({stop.point for stop in scenario.stops}) == 4


@pytest.mark.parametrize(
    ("change", "file", "key"),
    [
        ({"leave_out": ["requests.csv"]}, "requests.csv", ""),
        ({"leave_out": ["travel_seconds.npy"]}, "travel_seconds.npy", ""),
        ({"leave_out": ["scenario.toml"]}, "scenario.toml", ""),
        ({"settings": "service_seconds = "}, "scenario.toml", ""),
        ({"settings": 'name = "no standing time"'}, "scenario.toml", "service_seconds"),
        ({"requests": REQUESTS.replace("max_ride", "longest")}, "requests.csv", "max_ride"),
        ({"requests": REQUESTS.replace("0,60,0,2", "0,60,0,9")}, "requests.csv", "destination"),
        ({"requests": REQUESTS.replace("0,60,0,2,1", "0,60,0,2,0")}, "requests.csv", "passengers"),
        ({"requests": REQUESTS.replace("60,360", "60,59")}, "requests.csv", "latest_pickup"),
        ({"requests": REQUESTS.replace("0,60,", "0,soon,")}, "requests.csv", "requested_at"),
        ({"requests": REQUESTS.replace("3,710", "2,710")}, "requests.csv", "request_id"),
        ({"vehicles": VEHICLES.replace("seats", "places")}, "vehicles.csv", "seats"),
        ({"vehicles": VEHICLES.replace("0,,0,7200", "0,,0,0")}, "vehicles.csv", "shift_end"),
        ({"vehicles": VEHICLES.splitlines()[0] + "\n"}, "vehicles.csv", ""),
        ({"stops": STOPS.replace("48.10", "north")}, "stops.csv", "lat"),
    ],
)
def test_a_broken_folder_is_refused_with_its_file_and_column(
    tmp_path: Path, change: dict[str, str], file: str, key: str
) -> None:
    folder = write_scenario(tmp_path, **change)

    with pytest.raises(BadScenario) as caught:
        load_scenario(folder)

    assert (caught.value.facts["file"], caught.value.facts["key"]) == (file, key)


@pytest.mark.parametrize(
    ("table", "key"),
    [
        (np.zeros((3, 4), np.int32), "shape"),
        (np.zeros((4, 4), np.float64), "dtype"),
        (np.full((4, 4), -1, np.int32), "values"),
    ],
)
def test_a_wrong_table_is_refused_with_what_is_wrong(
    tmp_path: Path, table: np.ndarray[tuple[int, int], np.dtype[np.int32]], key: str
) -> None:
    folder = write_scenario(tmp_path)
    np.save(folder / "travel_metres.npy", table)

    with pytest.raises(BadScenario) as caught:
        load_scenario(folder)

    assert (caught.value.facts["file"], caught.value.facts["key"]) == ("travel_metres.npy", key)


def test_a_cut_table_is_refused(tmp_path: Path) -> None:
    folder = write_scenario(tmp_path)
    whole = (folder / "travel_seconds.npy").read_bytes()
    (folder / "travel_seconds.npy").write_bytes(whole[:100])

    with pytest.raises(BadScenario):
        load_scenario(folder)
