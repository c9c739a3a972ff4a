"""Finding a place by what people call it: name, kana, reading, with small mistakes forgiven.

Readings come from the town's data and from the aliases that its operators add; names here
read irregularly and no dictionary knows them. Nothing leaves the machine.

See: docs/words.md, gazetteer; docs/decisions/0023-search-by-folded-keys.md
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

import jaconv
from rapidfuzz import fuzz, process

from routing.travel import Point


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """Something people go to or live at, with all the names they call it by.

    `kana` is the reading in hiragana, "" where it is not known; `kind` is stop, clinic, shop,
    hall, settlement, …; `id` is that of the stop or settlement, "" for other places.
    """

    name: str
    kana: str
    kind: str
    point: Point
    id: str = ""
    aliases: tuple[str, ...] = ()


class Match(IntEnum):
    """How a name was found, the best first."""

    EXACT = 0
    PREFIX = 1
    PART = 2
    FUZZY = 3


@dataclass(frozen=True, slots=True)
class Hit:
    """A place that was found, and how; `score` is 100 for a perfect likeness."""

    place: NamedPlace
    match: Match
    score: float


LEAST_LIKENESS = 66.0
"""Fuzzy hits below this are noise (rapidfuzz ratio, 0 to 100): one wrong letter in three."""

LIKENESS_BESIDE = 80.0
"""Where some name holds the wish letter by letter, only closer likenesses stand beside it."""

PART_LIKENESS = 0.9
"""What likeness to a part of a name counts for, against likeness to the whole."""

LEAST_KEY = 2
"""A name or a wish of one character after folding finds half the town: it is dropped."""

LEAST_PART = 3
"""A shorter wish resembles a part of too many names."""

_SMALL = str.maketrans("ぁぃぅぇぉっゃゅょゎ", "あいうえおつやゆよわ")
_NOISE = re.compile(r"[\s・･,、。.\-‐-―−()（）［］\[\]「」『』'’`]+")
_DISTRICT_WORDS = re.compile(r"^(大字|字|おおあざ|あざ)")
_VARIANTS = str.maketrans("﨑髙邊邉濵濱嶋澤冨廣國櫻壽眞", "崎高辺辺浜浜島沢富広国桜寿真")
_KANA = re.compile(r"[ぁ-ゖァ-ヺー・ｦ-ﾟ\s]+")
_SPELLINGS = (
    ("sh(?=[auo])", "sy"),
    ("ch(?=[auo])", "ty"),
    ("j(?=[auo])", "zy"),
    ("shi", "si"),
    ("chi", "ti"),
    ("tsu", "tu"),
    ("ji", "zi"),
    ("fu", "hu"),
    ("m(?=[bp])", "n"),
    ("o[ou]+", "o"),
    ("uu+", "u"),
)
_LATIN_MACRONS = str.maketrans("āīūēōâîûêô", "aiueoaiueo")


def fold(text: str) -> str:
    """The key under which `text` is compared.

    Width (NFKC), case, kana (katakana to hiragana, small to large, long vowel marks
    dropped), ヶ/ケ/が and ノ/之/の between characters, old forms of characters (髙, 﨑), spaces
    and brackets, and a leading 大字 make no difference.
    """
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_LATIN_MACRONS)
    plain = _NOISE.sub("", plain.translate(_VARIANTS))
    plain = _DISTRICT_WORDS.sub("", plain)
    plain = re.sub(r"(?<=[一-龠々])[ヶケヵゖゕがケ](?=[一-龠々])", "ケ", plain)
    plain = re.sub(r"(?<=[一-龠々])[ノの之](?=[一-龠々])", "ノ", plain)
    plain = re.sub(r"(?<=[一-龠々])[ツッっつ](?=[一-龠々])", "ツ", plain)
    kana: str = jaconv.kata2hira(plain)
    return kana.replace("ー", "").replace("〜", "").replace("~", "").translate(_SMALL)


def romaji(text: str) -> str:
    """Kana or Latin letters as one Latin spelling: long vowels short, shi as si, cho as tyo.

    So Kōyama, Kouyama and Koyama are one, whichever way of writing people learnt.
    """
    kana = jaconv.kata2hira(unicodedata.normalize("NFKC", text)).replace("ー", "")
    latin: str = _NOISE.sub("", jaconv.kana2alphabet(kana).casefold().translate(_LATIN_MACRONS))
    for spelling, ours in _SPELLINGS:
        latin = re.sub(spelling, ours, latin)
    return latin


class Gazetteer:
    """All named places of a town, ready to be searched.

    Built once, it is read only; a search over 5,000 entries takes a few milliseconds.
    """

    def __init__(self, places: Iterable[NamedPlace]) -> None:
        self.places = tuple(places)
        self._keys: list[str] = []
        self._owner: list[int] = []
        for index, place in enumerate(self.places):
            names = [name for name in (place.name, place.kana, *place.aliases) if name]
            latin = [romaji(name) for name in names if _KANA.fullmatch(name)]
            for key in dict.fromkeys([*map(fold, names), *latin]):
                if len(key) >= LEAST_KEY:
                    self._keys.append(key)
                    self._owner.append(index)

    def __len__(self) -> int:
        return len(self.places)

    def search(self, wish: str, limit: int = 8) -> tuple[Hit, ...]:
        """The places that `wish` may mean, the likeliest first; none for an empty wish.

        Latin letters are read as rōmaji as well. Among equals, places where the service
        calls come before other names.
        """
        key = fold(wish)
        if not key:
            return ()
        found = self._by_letters(key)
        if _is_latin(key):
            key = romaji(key)
            for index, hit in self._by_letters(key).items():
                found.setdefault(index, hit)
        if len(key) >= LEAST_KEY and len(found) < limit:
            least = LIKENESS_BESIDE if found else LEAST_LIKENESS
            for index, score in self._by_likeness(key, least):
                found.setdefault(index, (Match.FUZZY, score))
        ranked = sorted(found, key=lambda index: self._rank(index, *found[index]))
        return tuple(Hit(self.places[index], *found[index]) for index in ranked[:limit])

    def _by_letters(self, key: str) -> dict[int, tuple[Match, float]]:
        found: dict[int, tuple[Match, float]] = {}
        for candidate, index in zip(self._keys, self._owner, strict=True):
            if key not in candidate:
                continue
            if candidate == key:
                match = Match.EXACT
            elif candidate.startswith(key):
                match = Match.PREFIX
            else:
                match = Match.PART
            if len(key) < LEAST_KEY and match is Match.PART:
                continue
            score = 100.0 * len(key) / len(candidate)
            if index not in found or (match, -score) < (found[index][0], -found[index][1]):
                found[index] = (match, score)
        return found

    def _by_likeness(self, key: str, least: float) -> list[tuple[int, float]]:
        best: dict[int, float] = {}
        hits = process.extract(key, self._keys, scorer=fuzz.ratio, limit=40, score_cutoff=least)
        for _, score, position in hits:
            index = self._owner[position]
            best[index] = max(score, best.get(index, 0.0))
        if len(key) < LEAST_PART:
            return list(best.items())
        longer = [(k, i) for k, i in zip(self._keys, self._owner, strict=True) if len(k) > len(key)]
        names = [name for name, _ in longer]
        hits = process.extract(key, names, scorer=fuzz.partial_ratio, limit=40, score_cutoff=least)
        for _, score, position in hits:
            index = longer[position][1]
            best[index] = max(score * PART_LIKENESS, best.get(index, 0.0))
        return list(best.items())

    def _rank(self, index: int, match: Match, score: float) -> tuple[int, float, int, float, str]:
        place = self.places[index]
        likeness = -score if match is Match.FUZZY else 0.0
        return (match, likeness, 0 if place.id else 1, -score, place.name)


def _is_latin(key: str) -> bool:
    return key.isascii() and key.isalpha()
