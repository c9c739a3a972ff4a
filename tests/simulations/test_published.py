"""Published instances are read as their authors mean them, and faulty files are told so."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from api.cli_words import sentence_of
from dispatch.optimizer.plan import NEVER
from simulations.bench.best_known import read_best_known
from simulations.bench.published import list_instances, read_instance
from simulations.bench.published_file import BadInstance, NoInstance
from simulations.bench.published_text import Family
from tests.markers import DATA, needs_data

CORDEAU = """2 2 240 3 30
0 0.000 0.000 0 0 0 240
1 3.000 4.000 3 1 0 1440
2 -1.000 2.000 3 1 60 75
3 6.000 8.000 3 -1 100 115
4 1.000 1.000 3 -1 0 1440
5 0.000 0.000 0 0 0 240
"""
LAPORTE = """2 4 200 6 90
0 -1.044 2.000 0 0 0 1440
1 3 4 10 1 0 1440
2 -1 2 10 1 60 75
3 6 8 10 -1 100 115
4 1 1 10 -1 0 1440
"""
ROPKE = """2 1 240 6 45
0 0 0 0 0 0 240
1 3 4 4.5 5 0 1440
2 6 8 5 -5 100 115
3 0 0 0 0 0 240
"""
LI_LIM = """3\t200\t1
0\t40\t50\t0\t0\t1236\t0\t0\t0
1\t45\t68\t-10\t912\t967\t90\t2\t0
2\t45\t70\t10\t825\t870\t90\t0\t1
"""


def written(folder: Path, text: str, name: str = "x1.txt") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_dial_a_ride_file_says_fleet_places_windows_and_limits(tmp_path: Path) -> None:
    instance = read_instance(written(tmp_path, CORDEAU, "a2-2.txt"))
    problem, unit = instance.problem, instance.unit

    assert (instance.name, instance.text.family) == ("a2-2", Family.DIAL_A_RIDE)
    assert len(problem.vehicles) == 2
    assert problem.vehicles[0].capacity == (3,)
    assert problem.vehicles[0].shift_end == 240 * unit
    assert problem.vehicles[0].max_duration == NEVER, "the day is no longer than a route may be"
    assert [(r.origin, r.destination) for r in problem.requests] == [(1, 3), (2, 4)]
    assert problem.requests[0].max_ride == 30 * unit
    assert problem.requests[0].boarding_seconds == 3 * unit
    assert problem.travel_seconds[0, 1] == 5 * unit


def test_the_window_that_is_missing_follows_from_the_other_and_the_longest_ride(
    tmp_path: Path,
) -> None:
    instance = read_instance(written(tmp_path, CORDEAU))
    (outbound, inbound), unit = instance.problem.requests, instance.unit

    assert outbound.earliest_pickup == (100 - 30 - 3) * unit
    assert outbound.latest_pickup == (115 - 5 - 3) * unit
    assert (outbound.earliest_arrival, outbound.latest_arrival) == (100 * unit, 115 * unit)
    direct = int(instance.problem.travel_seconds[2, 4])
    assert (inbound.earliest_pickup, inbound.latest_pickup) == (60 * unit, 75 * unit)
    assert inbound.earliest_arrival == (60 + 3) * unit + direct
    assert inbound.latest_arrival == (75 + 3 + 30) * unit


def test_nodes_may_be_counted_in_the_head_and_the_depot_stand_there_once(tmp_path: Path) -> None:
    instance = read_instance(written(tmp_path, LAPORTE))

    assert len(instance.problem.requests) == 2
    assert instance.problem.vehicles[0].end_place == 0
    assert instance.problem.vehicles[0].max_duration == 200 * instance.unit


def test_real_loads_and_service_times_with_decimals_are_read(tmp_path: Path) -> None:
    instance = read_instance(written(tmp_path, ROPKE))

    assert instance.problem.requests[0].loads == (5,)
    assert instance.problem.requests[0].boarding_seconds == 9 * instance.unit // 2


def test_pairs_of_li_and_lim_are_found_wherever_they_stand(tmp_path: Path) -> None:
    instance = read_instance(written(tmp_path, LI_LIM))
    request = instance.problem.requests[0]

    assert instance.text.family is Family.PICKUP_AND_DELIVERY
    assert (request.origin, request.destination, request.loads) == (2, 1, (10,))
    assert request.max_ride == NEVER
    longest = 4 * int(instance.problem.travel_seconds.max())
    assert instance.weights.unserved > 3 * instance.weights.vehicle > 3 * longest


def test_ways_are_rounded_up_and_stay_triangles(tmp_path: Path) -> None:
    instance = read_instance(written(tmp_path, CORDEAU))
    ways, text = instance.problem.travel_seconds, instance.text

    for a, here in enumerate(text.nodes):
        for b, there in enumerate(text.nodes):
            exact = math.hypot(here.x - there.x, here.y - there.y) * instance.unit
            assert exact - 1e-6 <= ways[a, b] < exact + 1
            assert all(ways[a, b] <= ways[a, c] + ways[c, b] for c in range(len(text.nodes)))


BROKEN = {
    "empty": ("", 1, "a line of numbers"),
    "words": ("two vehicles\n", 1, "a number"),
    "wrong head": ("1 2\n", 1, "5 (dial-a-ride"),
    "not a number": (CORDEAU.replace("3.000 4.000", "3.000 nan"), 3, "a number up to"),
    "a column missing": (CORDEAU.replace(" -1 100 115", " -1 100"), 5, "node, x, y"),
    "rows missing": ("\n".join(LAPORTE.splitlines()[:4]), 1, "2n + 1"),
    "no rows": ("2 2 240 3 30\n", 1, "a row for each node"),
    "out of order": (CORDEAU.replace("\n2 -1.000", "\n7 -1.000"), 4, "node 2"),
    "window backwards": (CORDEAU.replace("60 75", "75 60"), 4, "not before earliest"),
    "service below zero": (CORDEAU.replace("4.000 3 1", "4.000 -3 1"), 3, "service time"),
    "loads differ": (CORDEAU.replace("8.000 3 -1", "8.000 3 -2"), 5, "load of the delivery: -1"),
    "half a vehicle": (CORDEAU.replace("2 2 240", "1.5 2 240"), 1, "vehicles"),
    "partner unknown": (LI_LIM.replace("\t0\t1\n", "\t0\t9\n"), 4, "a task of this file"),
    "partner is another": (LI_LIM.replace("90\t2\t0", "90\t1\t0"), 4, "name each other"),
    "speed": (LI_LIM.replace("3\t200\t1", "3\t200\t2"), 1, "speed"),
}


@pytest.mark.parametrize(("text", "line", "remedy"), BROKEN.values(), ids=BROKEN.keys())
def test_a_faulty_file_is_named_with_its_line(
    tmp_path: Path, text: str, line: int, remedy: str
) -> None:
    path = written(tmp_path, text)

    with pytest.raises(BadInstance) as caught:
        read_instance(path)

    assert caught.value.facts["line"] == line
    for language in ("ja", "en"):
        said = sentence_of(caught.value, language)
        assert str(path) in said
        assert remedy in said


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    picture = tmp_path / "x.txt"
    picture.write_bytes(b"\x89PNG\xff\xfe")

    with pytest.raises(BadInstance) as caught:
        read_instance(picture)

    assert str(picture) in sentence_of(caught.value, "en")


@pytest.mark.parametrize("name", ["nowhere.txt", "."])
def test_where_no_instance_is_one_is_told_how_to_make_some(tmp_path: Path, name: str) -> None:
    with pytest.raises(NoInstance) as caught:
        read_instance(list_instances(tmp_path / name)[0])

    for language in ("ja", "en"):
        said = sentence_of(caught.value, language)
        assert str(tmp_path) in said
        assert "noriai bench generate" in said


def test_best_values_are_read_from_the_tables_of_the_data_folder(tmp_path: Path) -> None:
    (tmp_path / "bench").mkdir()
    table = tmp_path / "bench/x_best_known.csv"
    table.write_text("instance,vehicles,distance,source\nlx1,3,12.5,a table\n", encoding="utf-8")

    best = read_best_known(tmp_path)["lx1"]
    assert (best.vehicles, best.distance, best.source) == (3, 12.5, "a table")

    table.write_text("instance,vehicles\nlx1,3\n", encoding="utf-8")
    with pytest.raises(BadInstance):
        read_best_known(tmp_path)


@needs_data("bench/darp")
def test_every_published_file_is_read_and_has_room_for_each_request() -> None:
    files = [*list_instances(DATA / "bench/darp"), *list_instances(DATA / "bench/pdptw")]
    best = read_best_known(DATA)

    assert len(files) > 30
    for file in files:
        instance = read_instance(file)
        assert instance.name in best
        assert instance.problem.vehicles[0].shift_end < 2**26
        for request in instance.problem.requests:
            assert request.earliest_pickup <= request.latest_pickup
            assert (request.earliest_arrival or 0) <= request.latest_arrival
