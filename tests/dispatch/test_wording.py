"""Every sentence in both languages, and times as people say them."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from string import Formatter

import pytest

import dispatch.wording
from dispatch import errors
from dispatch.optimizer.limits import Limit
from dispatch.wording import (
    LANGUAGES,
    Phrase,
    day_as_people_say,
    language_of,
    minutes_as_people_say,
    sentence,
    sentences,
    time_as_people_say,
)

HERE = Path(dispatch.wording.__file__).parent


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def all_errors(kind: type[errors.NoriaiError]) -> Iterator[type[errors.NoriaiError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from all_errors(child)


def test_both_languages_have_the_same_sentences_with_the_same_facts() -> None:
    ja, en = sentences("ja"), sentences("en")
    assert ja.keys() == en.keys()
    assert {code: blanks(ja[code]) for code in ja} == {code: blanks(en[code]) for code in en}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sentences_stand_in_the_order_of_their_codes(language: str) -> None:
    codes = list(tomllib.loads((HERE / f"{language}.toml").read_text("utf-8"))["sentences"])
    assert codes == sorted(codes)


def test_every_kind_of_error_and_every_limit_has_a_sentence() -> None:
    own = {kind.code for kind in all_errors(errors.NoriaiError) if kind.code != "error"}
    assert own | {limit.value for limit in Limit} <= sentences("ja").keys()


def test_a_fact_that_is_missing_shows_as_a_gap_and_never_fails() -> None:
    assert sentence("unknown_stop", "en") == "There is no stop “…”."


def test_an_unknown_code_still_says_something() -> None:
    assert sentence("no_such_code", "ja") == "処理できませんでした（no_such_code）。"


def test_a_sentence_within_a_sentence_is_said_in_the_same_language() -> None:
    facts = {"file": "a", "place": "", "found": Phrase("nothing_there"), "more": ""}
    remedy = Phrase("write_later", {"than": time(9, 30)})
    said = sentence("bad_town_file", "ja-JP", remedy=remedy, **facts)
    assert said.startswith("町の設定 aが正しくありません（いまの値：なし）。")
    assert said.endswith("09:30 より後の時刻を書いてください。")


def test_a_name_in_several_languages_is_said_in_the_callers() -> None:
    name = {"ja": "元日", "en": "New Year's Day"}
    day = date(2027, 1, 1)
    assert sentence("closed_holiday", "ja", day=day, name=name) == (
        "1月1日（金）は祝日（元日）のため運休です。"
    )
    assert "New Year's Day" in sentence("closed_holiday", "en", day=day, name=name)


@pytest.mark.parametrize(
    ("clock", "ja", "en"),
    [
        ("00:05", "夜中の0時5分", "12:05 a.m."),
        ("10:05", "午前10時5分", "10:05 a.m."),
        ("11:00", "午前11時", "11:00 a.m."),
        ("12:00", "昼の12時", "12:00 p.m."),
        ("12:30", "昼の12時30分", "12:30 p.m."),
        ("13:00", "午後1時", "1:00 p.m."),
        ("23:59", "午後11時59分", "11:59 p.m."),
    ],
)
def test_a_time_is_said_as_people_say_it(clock: str, ja: str, en: str) -> None:
    moment = datetime.fromisoformat(f"2026-11-25T{clock}:00+09:00")
    assert time_as_people_say(moment, "ja") == ja
    assert time_as_people_say(moment, "en") == en
    assert time_as_people_say(moment, "ja", about=True) == f"{ja}ごろ"


def test_near_days_are_said_as_words() -> None:
    today = date(2026, 11, 25)
    said = [day_as_people_say(today + timedelta(days=n), "ja", today) for n in range(4)]
    assert said == ["今日", "明日", "あさって", "11月28日（土）"]
    assert day_as_people_say(today + timedelta(days=2), "en", today) == "Friday 27 November"


def test_a_length_of_time_is_said_in_hours_and_minutes() -> None:
    spans = [timedelta(minutes=m) for m in (0, 1, 60, 75)]
    assert [minutes_as_people_say(s, "ja") for s in spans] == ["0分", "1分", "1時間", "1時間15分"]
    assert [minutes_as_people_say(s, "en") for s in spans] == [
        "0 minutes", "1 minute", "1 hour", "1 hour 15 minutes",
    ]  # fmt: skip


def test_a_language_we_do_not_speak_is_answered_in_english() -> None:
    assert [language_of(wish) for wish in ("ja-JP", "EN_gb", "fr", "")] == ["ja", "en", "en", "en"]


def codes_raised(source: str) -> Iterator[str]:
    """The literal codes with which `source` makes an error or a phrase."""
    kinds = {kind.__name__ for kind in all_errors(errors.NoriaiError)} | {"Phrase", "Refusal"}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            first = node.args[0]
            if node.func.id in kinds and isinstance(first, ast.Constant):
                yield str(first.value)


def test_every_code_that_the_service_raises_has_a_sentence() -> None:
    files = sorted(HERE.parent.rglob("*.py"))
    raised = {code: file.name for file in files for code in codes_raised(file.read_text("utf-8"))}
    assert len(raised) > 20
    assert {code: file for code, file in raised.items() if code not in sentences("ja")} == {}
