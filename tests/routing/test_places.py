"""Places are found by what people call them, and by what they nearly call them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.places import Gazetteer, Match, NamedPlace, fold
from routing.travel import Point

HERE = Point(31.0, 131.0)


def place(name: str, kana: str = "", kind: str = "stop", *aliases: str) -> NamedPlace:
    stop_id = name if kind == "stop" else ""
    return NamedPlace(name, kana, kind, HERE, stop_id, aliases)


TOWN = Gazetteer(
    [
        place("池之園", "いけんそん", "settlement"),
        place("柳ヶ迫", "やなぎがさこ", "settlement"),
        place("一ッ松", "ひとつまつ"),
        place("西一ッ松", "にしひとつまつ"),
        place("新富", "にいとみ", "settlement", "大字新富"),
        place("春陽会中央病院", "しゅんようかいちゅうおうびょういん", "clinic"),
        place("エーコープ高山", "えーこーぷこうやま", "stop", "A-COOP"),
        place("高山", "こうやま"),
        place("高山ドライ", "", "shop"),
        place("塚崎公民館", "つかざきこうみんかん"),
        place("倉", "くら", "settlement"),
        place("コスモス", "", "shop"),
    ]
)


def best(wish: str) -> str | None:
    hits = TOWN.search(wish)
    return hits[0].place.name if hits else None


@pytest.mark.parametrize(
    ("wish", "found"),
    [
        ("いけんそん", "池之園"),
        ("イケンソン", "池之園"),
        ("ｲｹﾝｿﾝ", "池之園"),
        ("池の園", "池之園"),
        ("池ノ園", "池之園"),
        ("柳ケ迫", "柳ヶ迫"),
        ("柳が迫", "柳ヶ迫"),
        ("一つ松", "一ッ松"),
        ("一ツ松", "一ッ松"),
        ("大字新富", "新富"),
        ("字　新富", "新富"),
        ("にいとみ", "新富"),
        ("ＡーＣＯＯＰ", "エーコープ高山"),
        ("a-coop", "エーコープ高山"),
        ("えこぷ", "エーコープ高山"),
        ("しゆんようかい", "春陽会中央病院"),
        ("中央病院", "春陽会中央病院"),
        ("髙山", "高山"),
        ("塚﨑公民館", "塚崎公民館"),
        ("こすもす", "コスモス"),
        ("くら", "倉"),
        ("ikenson", "池之園"),
        ("Kōyama", "高山"),
        ("kouyama", "高山"),
        ("shunyokai", "春陽会中央病院"),
        ("Hitotumatu", "一ッ松"),
    ],
)
def test_width_kana_and_old_spellings_make_no_difference(wish: str, found: str) -> None:
    assert best(wish) == found


@pytest.mark.parametrize(
    ("wish", "found"),
    [
        ("春洋会中央病院", "春陽会中央病院"),
        ("春洋会", "春陽会中央病院"),
        ("いけそん", "池之園"),
        ("しゅんよおかい", "春陽会中央病院"),
        ("やなぎさこ", "柳ヶ迫"),
    ],
)
def test_a_small_mistake_is_forgiven(wish: str, found: str) -> None:
    assert best(wish) == found
    assert TOWN.search(wish)[0].match is Match.FUZZY


def test_exact_comes_before_beginning_and_beginning_before_part() -> None:
    hits = TOWN.search("ひとつまつ")
    assert [(hit.place.name, hit.match) for hit in hits] == [
        ("一ッ松", Match.EXACT),
        ("西一ッ松", Match.PART),
    ]
    assert [hit.match for hit in TOWN.search("高山")] == [Match.EXACT, Match.PREFIX, Match.PART]


def test_one_letter_finds_beginnings_only() -> None:
    assert {hit.match for hit in TOWN.search("こ")} == {Match.PREFIX}


def test_nonsense_and_nothing_find_nothing() -> None:
    assert TOWN.search("xyzzy") == ()
    assert TOWN.search("") == ()
    assert TOWN.search("　・（）") == ()


def test_no_more_hits_than_asked_for_and_each_place_once() -> None:
    hits = TOWN.search("ま", limit=2)
    assert len(hits) <= 2
    names = [hit.place for hit in TOWN.search("一ッ松", limit=20)]
    assert len(names) == len(set(names))


@given(st.text(max_size=20))
def test_whatever_is_typed_is_answered(wish: str) -> None:
    for hit in TOWN.search(wish):
        assert 0 < hit.score <= 100
        assert hit.place in TOWN.places


@given(st.text(max_size=20))
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.sampled_from(TOWN.places))
def test_every_place_is_found_first_by_its_own_name(wanted: NamedPlace) -> None:
    if len(fold(wanted.name)) > 1:
        hit = TOWN.search(wanted.name)[0]
        assert (hit.place, hit.match) == (wanted, Match.EXACT)
