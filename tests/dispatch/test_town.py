"""What a town decides, read back: areas, days, hours and names of two towns."""

from __future__ import annotations

import csv
import json
from collections import Counter
from datetime import UTC, date, datetime, time
from functools import lru_cache
from pathlib import Path

import pytest
from shapely.geometry import Point as Spot
from shapely.geometry import shape

from dispatch.errors import NotFound
from dispatch.town import (
    Town,
    closed_because,
    day_start,
    find_area,
    get_stop,
    in_service_area,
    is_service_day,
    named_places,
    next_service_day,
    service_day_of,
    service_hours,
)
from dispatch.town_file import find_town, load_town
from routing.travel import Point
from tests.markers import DATA, needs_data

HOSHINO = Path(__file__).parents[1] / "towns" / "hoshino"
SOURCES = DATA / "geo" / "kimotsuki"


@lru_cache
def kimotsuki() -> Town:
    return load_town(find_town("kimotsuki"))


@lru_cache
def hoshino() -> Town:
    return load_town(HOSHINO)


def test_the_hours_of_the_first_town_are_those_of_its_service_today() -> None:
    opens, closes = service_hours(date(2026, 11, 25), kimotsuki()) or (None, None)
    assert opens == datetime(2026, 11, 25, 0, 30, tzinfo=UTC)
    assert closes == datetime(2026, 11, 25, 7, 0, tzinfo=UTC)


def test_a_day_without_service_says_why() -> None:
    codes = {
        date(2026, 11, 22): "closed_weekday",
        date(2026, 11, 23): "closed_holiday",
        date(2026, 12, 29): "closed_day",
        date(2027, 1, 2): "closed_day",
    }
    for day, code in codes.items():
        closure = closed_because(day, kimotsuki())
        assert closure is not None
        assert closure.code == code
        assert service_hours(day, kimotsuki()) is None


def test_a_holiday_is_named_in_both_languages() -> None:
    closure = closed_because(date(2026, 11, 23), kimotsuki())
    assert closure is not None
    assert closure.name == {"ja": "勤労感謝の日", "en": "Labor Thanksgiving Day"}


def test_each_town_keeps_the_holidays_of_its_own_country() -> None:
    unity_day = date(2026, 10, 3)  # a Saturday, holiday in Germany only
    assert is_service_day(unity_day, kimotsuki())
    assert not is_service_day(unity_day, hoshino())


def test_the_next_service_day_steps_over_the_new_year() -> None:
    assert next_service_day(date(2026, 12, 29), kimotsuki()) == date(2027, 1, 4)


def test_a_town_closed_on_a_single_day_drives_on_the_next() -> None:
    assert next_service_day(date(2026, 8, 14), hoshino()) == date(2026, 8, 15)


def test_saturdays_may_have_other_hours() -> None:
    opens, closes = service_hours(date(2026, 11, 28), hoshino()) or (None, None)
    assert opens == datetime(2026, 11, 28, 7, 0, tzinfo=UTC)
    assert closes == datetime(2026, 11, 28, 13, 0, tzinfo=UTC)


def test_opening_time_is_what_the_clock_on_the_wall_shows_in_summer_and_winter() -> None:
    for day in (date(2026, 3, 28), date(2026, 3, 30), date(2026, 10, 26)):
        hours = service_hours(day, hoshino())
        assert hours is not None
        assert hours[0].astimezone(hoshino().zone).time() in (time(7), time(8))


def test_the_service_day_begins_at_local_midnight() -> None:
    assert day_start(date(2026, 11, 25), kimotsuki()) == datetime(2026, 11, 24, 15, tzinfo=UTC)
    assert service_day_of(datetime(2026, 11, 24, 15, tzinfo=UTC), kimotsuki()) == date(2026, 11, 25)


@pytest.mark.parametrize(
    ("lat", "lon", "area"),
    [
        (31.34443, 130.94522, "高山"),
        (31.27825, 131.07494, "内之浦"),
        (31.22676, 131.00220, "内之浦"),
        (31.30, 131.15, None),  # the sea
        (31.3786, 130.8519, None),  # the next town
    ],
)
def test_a_place_lies_in_its_district_or_outside(lat: float, lon: float, area: str | None) -> None:
    found = find_area(Point(lat, lon), kimotsuki())
    assert (found.name if found else None) == area


def test_a_house_just_beyond_the_drawn_edge_is_inside_and_one_farther_off_is_not() -> None:
    edge = 53.93
    near, far = edge + 15 / 111_195, edge + 25 / 111_195  # the margin is 20 m
    assert in_service_area(Point(near, 12.2), hoshino())
    assert not in_service_area(Point(far, 12.2), hoshino())


def test_a_hole_in_the_area_is_outside() -> None:
    assert not in_service_area(Point(53.915, 12.225), hoshino())


def test_a_stop_is_known_by_its_id_and_an_unknown_one_is_refused() -> None:
    assert get_stop("market", hoshino()).name == "Markt"
    with pytest.raises(NotFound) as refusal:
        get_stop("moon", hoshino())
    assert refusal.value.code == "unknown_stop"


def test_everything_with_a_name_can_be_searched() -> None:
    kinds = Counter(place.kind for place in named_places(kimotsuki()))
    assert kinds["clinic"] >= 6
    assert kinds["settlement"] == 143


def test_settlements_hold_the_census_to_a_person() -> None:
    assert sum(each.population for each in kimotsuki().settlements) == 15_664


def test_every_settlement_lies_in_the_district_it_names() -> None:
    for settlement in kimotsuki().settlements:
        area = find_area(settlement.point, kimotsuki())
        assert area is not None
        assert area.name == settlement.district, settlement.name


def test_the_second_town_counts_what_the_first_does_not_know() -> None:
    assert hoshino().loads == ("seats", "wheelchairs", "bicycles")
    assert hoshino().load_by_need["bicycle"] == {"seats": 1, "bicycles": 1}
    assert [vehicle.capacity for vehicle in hoshino().vehicles] == [(7, 1, 2), (3, 0, 0)]


def test_a_town_that_nobody_knows_is_named_with_those_that_are() -> None:
    with pytest.raises(NotFound) as refusal:
        find_town("atlantis")
    assert refusal.value.facts["known"] == ("kimotsuki",)


@needs_data("geo/kimotsuki/census2015_by_oaza.geojson")
def test_the_population_of_each_oaza_is_that_of_the_census() -> None:
    features = json.loads((SOURCES / "census2015_by_oaza.geojson").read_text())["features"]
    census = {f["properties"]["MOJI"]: f["properties"]["JINKO"] for f in features}
    ours: Counter[str] = Counter()
    with (find_town("kimotsuki") / "settlements.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            ours[row["oaza"]] += int(row["population"])
    assert ours == census


@needs_data("geo/kimotsuki/boundary.geojson")
def test_the_drawn_districts_are_the_boundary_of_the_town() -> None:
    feature = json.loads((SOURCES / "boundary.geojson").read_text())["features"][0]
    boundary = shape(feature["geometry"])
    ours = [area.shape for area in kimotsuki().areas]
    covered = sum(boundary.intersection(area).area for area in ours)
    assert covered / boundary.area > 0.999
    assert sum(area.area for area in ours) / boundary.area < 1.001
    assert ours[0].intersection(ours[1]).area < 1e-7


@needs_data("geo/kimotsuki/bus_stops.geojson")
def test_bus_stops_stand_where_the_published_data_has_them() -> None:
    features = json.loads((SOURCES / "bus_stops.geojson").read_text())["features"]
    published = [shape(f["geometry"]) for f in features]
    for stop in kimotsuki().stops:
        if stop.id.startswith("bus-"):
            spot = Spot(stop.point.lon, stop.point.lat)
            assert min(spot.distance(each) for each in published) < 2e-6, stop.name
