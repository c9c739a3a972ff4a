"""Every sentence that a person hears or reads from the server, in Japanese and English.

`ja.toml` and `en.toml` hold one table of sentences by code, in alphabetical order; a
refusal, an error or a notice carries a code and facts, and becomes a sentence here, once.

See: docs/words.md, refusal, sentence; docs/decisions/0021-errors-carry-sentences-not-text.md
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from importlib import resources
from string import Formatter
from typing import Any

LANGUAGES = ("ja", "en")
WEEKDAYS = {
    "ja": ("月", "火", "水", "木", "金", "土", "日"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence that is itself a fact of another one, said in the same language."""

    code: str
    facts: Mapping[str, object] = field(default_factory=dict)


def language_of(wish: str) -> str:
    """The language we speak that is nearest to `wish` (`ja-JP`, `en-GB`, …); English if none."""
    primary = wish.replace("_", "-").split("-")[0].strip().lower()
    return primary if primary in LANGUAGES else "en"


def sentence(code: str, language: str, /, **facts: object) -> str:
    """The sentence with this code, its facts filled in.

    Times and days are said as people say them; a fact that is missing shows as `…`, so that
    a wrong call never hides what happened. An unknown code gives the general sentence.
    """
    spoken = language_of(language)
    table = sentences(spoken)
    if code not in table:
        return table["error"].format(code=code)
    words = {name: in_words(value, spoken) for name, value in facts.items()}
    return Formatter().vformat(table[code], (), _Forgiving(words)).strip()


@lru_cache(maxsize=len(LANGUAGES))
def sentences(language: str) -> Mapping[str, str]:
    """All sentences of one language, by code."""
    text = resources.files(__name__).joinpath(f"{language}.toml").read_text(encoding="utf-8")
    table: dict[str, str] = tomllib.loads(text)["sentences"]
    return table


def in_words(value: object, language: str) -> str:  # noqa: PLR0911 - one line a kind of fact
    """One fact as a person says it in `language`."""
    match value:
        case Phrase(code, facts):
            return sentence(code, language, **facts)
        case datetime():
            return time_as_people_say(value, language)
        case date():
            return day_as_people_say(value, language)
        case time():
            return f"{value:%H:%M}"
        case timedelta():
            return minutes_as_people_say(value, language)
        case Mapping():
            return str(value.get(language, next(iter(value.values()), "")))
        case str():
            return value
        case Iterable():
            joint = "、" if language == "ja" else ", "
            return joint.join(in_words(each, language) for each in value)
        case _:
            return str(value)


def time_as_people_say(moment: datetime | time, language: str, *, about: bool = False) -> str:
    """The time of day in the zone that `moment` carries: 午前10時5分, 10:05 a.m.

    Around noon Japanese says 昼の12時5分, since 午後0時 is heard as midnight by some.
    """
    hour, minute = moment.hour, moment.minute
    if language_of(language) == "en":
        said = f"{(hour + 11) % 12 + 1}:{minute:02d} {'a.m.' if hour < 12 else 'p.m.'}"
        return f"about {said}" if about else said
    if hour == 12:
        said = "昼の12時"
    elif hour == 0:
        said = "夜中の0時"
    else:
        said = f"午前{hour}時" if hour < 12 else f"午後{hour - 12}時"
    said += f"{minute}分" if minute else ""
    return f"{said}ごろ" if about else said


def day_as_people_say(day: date, language: str, today: date | None = None) -> str:
    """The day, as today, tomorrow or the day after where `today` is given: 11月26日（木）."""
    ahead = (day - today).days if today else None
    if language_of(language) == "en":
        near = {0: "today", 1: "tomorrow"}
        plain = f"{WEEKDAYS['en'][day.weekday()]} {day.day} {day:%B}"
    else:
        near = {0: "今日", 1: "明日", 2: "あさって"}
        plain = f"{day.month}月{day.day}日（{WEEKDAYS['ja'][day.weekday()]}）"
    return near.get(ahead, plain) if ahead is not None else plain


def minutes_as_people_say(span: timedelta, language: str) -> str:
    """A length of time, rounded up to whole minutes: 1時間15分, 1 hour 15 minutes."""
    minutes = -(-int(span.total_seconds()) // 60)
    hours, rest = divmod(minutes, 60)
    if language_of(language) == "ja":
        return (f"{hours}時間" if hours else "") + (f"{rest}分" if rest or not hours else "")
    parts = [
        f"{number} {unit}{'' if number == 1 else 's'}"
        for number, unit in ((hours, "hour"), (rest, "minute"))
        if number or (unit == "minute" and not hours)
    ]
    return " ".join(parts)


class _Forgiving(dict[str, Any]):
    """Facts, with a visible gap for each that is missing."""

    def __missing__(self, key: str) -> str:
        return "…"
