"""A broken town folder: the file, the key and what to write instead, in one sentence."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.errors import BadTownFile
from dispatch.town_file import find_town, load_town, read_town
from dispatch.wording import sentence
from tests.markers import examples

HOSHINO = Path(__file__).parents[1] / "towns" / "hoshino"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(HOSHINO, tmp_path / "hoshino"))


def break_it(folder: Path, file: str, old: str, new: str) -> BadTownFile:
    """Write a mistake into one file and return the refusal."""
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadTownFile) as refusal:
        load_town(folder)
    return refusal.value


def test_both_towns_are_read_without_a_mistake() -> None:
    assert read_town(HOSHINO)[1] == ()
    assert read_town(find_town("kimotsuki"))[1] == ()


def test_a_town_looks_ahead_only_if_it_says_so(folder: Path) -> None:
    assert load_town(folder).look_ahead is None
    file = folder / "town.toml"
    text = file.read_text(encoding="utf-8") + "\n[look_ahead]\non = true\nride_worth_minutes = 5\n"
    file.write_text(text, encoding="utf-8")
    rules = load_town(folder).look_ahead
    assert rules is not None
    assert rules.ride_worth == 300


@pytest.mark.parametrize(
    ("file", "old", "new", "key", "remedy"),
    [
        ("town.toml", "lead_minutes", "leed_minutes", "booking.leed_minutes", "did_you_mean"),
        ("town.toml", "lead_minutes = 30", "lead_minutes = -1", "booking.lead_minutes", "number"),
        ("town.toml", "days_ahead = 7", "days_ahead = 7.5", "booking.days_ahead", "whole"),
        ("town.toml", 'opens = "07:00"', 'opens = "7 Uhr"', "hours[1].opens", "write_clock"),
        ("town.toml", 'closes = "14:00"', 'closes = "07:00"', "hours[2].closes", "write_later"),
        ("town.toml", '["saturday"]', '["Samstag"]', "hours[2].days", "write_one_of"),
        ("town.toml", '["saturday"]', '["monday"]', "hours[2].days", "write_once"),
        ("town.toml", "Europe/Berlin", "Europe/Hoshino", "zone", "write_zone"),
        ("town.toml", '"DE"', '"XX"', "country", "write_country"),
        ("town.toml", "lat = 53.9", "lat = 153.9", "centre.lat", "write_number"),
        ("town.toml", '"12-24"', '"24.12."', "closed.every_year", "write_day_of_the_year"),
        ("town.toml", '["seats", "wheel', '["wheel', "loads", "write_loads"),
        ("town.toml", "reserve_minutes = 2", "reserve_minutes = 10", "promise.reserve_minutes", ""),
        ("town.toml", "bicycles = 1", "bycicles = 1", "needs.bicycle.loads.bycicles", "did_you"),
        ("town.toml", "required = false", "required = 0", "registration.required", "true_or_false"),
        ("town.toml", "[booking]", "[look_ahead]\nom = 1\n[booking]", "look_ahead.om", "did_you"),
        (
            "town.toml",
            "[booking]",
            "[look_ahead]\nfutures = 0.5\n[booking]",
            "look_ahead.futures",
            "whole",
        ),
        ("fleet.toml", 'garage = "yard"', 'garage = "yart"', "vehicles[1].garage", "write_one_of"),
        ("fleet.toml", 'vehicle = "bus"', 'vehicle = "tram"', "shifts[1].vehicle", "write_one_of"),
        ("fleet.toml", "seats = 3", "seats = 0", "vehicles[2].capacity.seats", "whole"),
        ("fleet.toml", 'ends = "14:30"', 'ends = "19:00"', "shifts[3].ends", "shorten_shift"),
        ("fleet.toml", "minutes = 30 }", "minutes = 10 }", "shifts[1].breaks", "lengthen_break"),
        ("fleet.toml", '"11:00"', '"15:00"', "shifts[1].breaks", "break_in_shift"),
        ("fleet.toml", 'id = "car"', 'id = "bus"', "vehicles.id", "write_once"),
        ("fares.toml", '"distance"', '"by distance"', "kind", "write_one_of"),
        ("fares.toml", "price_yen = 100", "", "discounts[1].percent_off", "write_one_price"),
        ("fares.toml", "[0, 14]", "[14, 0]", "discounts[1].ages", "write_ages"),
        ("speeds.toml", "primary = 60", "primary = 0", "kmh.primary", "write_number"),
        ("speeds.toml", "primary = 60", "primary = ", "", "mend_toml"),
        ("area.geojson", '{"type": "FeatureCollection",', "[", "", "mend_geojson"),
        ("area.geojson", "Polygon", "LineString", "", "mend_geojson"),
        ("area.geojson", "[12.15, 53.87], [12.25, 53.87]", "[12.25, 53.87], [12.15, 53.87]",
         "Hoshino", "mend_polygon"),
        ("stops.csv", "kana", "yomi", "kana", "add_column"),
        ("stops.csv", "53.9000,12.2000", "12.2000,53.9000", "lat", "move_into_area"),
        ("stops.csv", "53.9000,12.2000", "north,east", "lat", "write_number"),
        ("stops.csv", "doctor,", "station,", "stop_id", "write_once"),
        ("stops.csv", "Markt", "", "name", "write_text"),
        ("settlements.csv", "1200,Hoshino", "1200,Hoshina", "district", "write_one_of"),
        ("settlements.csv", "1200", "many", "population", "write_number"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_file_key_and_remedy(
    folder: Path, file: str, old: str, new: str, key: str, remedy: str
) -> None:
    refusal = break_it(folder, file, old, new)
    assert refusal.facts["file"] == file
    assert refusal.facts["key"] == key
    assert remedy in refusal.facts["remedy"].code  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "file",
    ["town.toml", "fleet.toml", "fares.toml", "speeds.toml", "area.geojson", "stops.csv",
     "settlements.csv"],
)  # fmt: skip
def test_a_missing_file_is_the_one_mistake_that_is_told_of_it(folder: Path, file: str) -> None:
    (folder / file).unlink()
    problems = read_town(folder)[1]
    assert [(each.facts["file"], each.facts["remedy"].code) for each in problems] == [  # type: ignore[attr-defined]
        (file, "add_file")
    ]


def test_the_sentence_names_the_likely_key_in_both_languages(folder: Path) -> None:
    refusal = break_it(folder, "town.toml", "lead_minutes", "leed_minutes")
    assert sentence(refusal.code, "en", **refusal.facts) == (
        "The town's file town.toml, key “booking.leed_minutes”, is not right (found: 30). "
        "Did you mean “lead_minutes”?"
    )
    assert sentence(refusal.code, "ja", **refusal.facts) == (
        "町の設定 town.tomlの「booking.leed_minutes」が正しくありません（いまの値：30）。"
        "「lead_minutes」の書きまちがいではありませんか。"
    )


def test_a_mistake_in_a_table_is_told_with_its_line(folder: Path) -> None:
    refusal = break_it(folder, "stops.csv", "53.9000,12.2000", "north,12.2")
    assert "line 2, column “lat”" in sentence(refusal.code, "en", **refusal.facts)


def test_all_mistakes_of_a_folder_are_found_in_one_look(folder: Path) -> None:
    (folder / "speeds.toml").write_text("[kmh]\nprimary = 900\n", encoding="utf-8")
    refusal = break_it(folder, "fleet.toml", 'garage = "yard"', 'garage = "yart"')
    assert len(read_town(folder)[1]) == 2
    assert "(And 1 more.)" in sentence(refusal.code, "en", **refusal.facts)


def test_no_sentence_about_a_broken_folder_has_a_gap(folder: Path) -> None:
    for file in ("town.toml", "fleet.toml", "fares.toml", "speeds.toml"):
        text = (folder / file).read_text(encoding="utf-8")
        (folder / file).write_text(
            re.sub(r"(?m)^(\w+ =) [\d\"]", r"\1 [] #", text), encoding="utf-8"
        )
    problems = read_town(folder)[1]
    assert len(problems) > 20
    for problem in problems:
        for language in ("ja", "en"):
            said = sentence(problem.code, language, **problem.facts)
            assert "Phrase" not in said
            assert not re.search(r"“…”|「…」|\(…\)", said), said


def test_a_file_in_another_encoding_is_told(folder: Path) -> None:
    (folder / "stops.csv").write_bytes("stop_id,name\n駅,駅\n".encode("shift_jis"))
    problem = read_town(folder)[1][0]
    assert problem.facts["remedy"].code == "save_as_utf8"  # type: ignore[attr-defined]


JUNK = ["", "false", "-1", '"x"', "[]", "{}", "[[1]]", "1e400", "nan", "2027-01-01", "09:30:00"]


@settings(max_examples=examples(60, 3000))
@given(data=st.data())
def test_no_mistake_in_a_folder_is_answered_with_anything_but_sentences(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = Path(shutil.copytree(HOSHINO, tmp_path_factory.mktemp("town") / "hoshino"))
    file = data.draw(st.sampled_from(sorted(each.name for each in HOSHINO.iterdir())))
    lines = (folder / file).read_text(encoding="utf-8").splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        cut = re.search(r"[=,:] ?", lines[at])
        kept = lines[at][: cut.end()] if cut else ""
        lines[at] = data.draw(st.sampled_from([kept + junk for junk in JUNK] + ["", "[x]", "{"]))
    (folder / file).write_text("\n".join(lines), encoding="utf-8")
    for problem in read_town(folder)[1]:
        for language in ("ja", "en"):
            said = sentence(problem.code, language, **problem.facts)
            assert str(problem.facts["file"]) in said
            assert "Phrase" not in said
    shutil.rmtree(folder)
