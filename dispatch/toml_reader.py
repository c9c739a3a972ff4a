"""Reading a file that a town's staff wrote by hand, with a remedy for each mistake.

Every value is asked for by its key and kind. What is wrong is noted as file, key, what was
found and what to write instead, and reading goes on, so that one look shows all mistakes.

See: docs/words.md, town folder; docs/decisions/0020-a-town-is-a-folder-read-with-remedies.md
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from dispatch.errors import BadTownFile
from dispatch.wording import Phrase

MISSING = object()
WEEKDAY_KEYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(slots=True)
class Problems:
    """All mistakes found so far in one folder, in the order of reading."""

    found: list[BadTownFile] = field(default_factory=list)

    def note(self, file: str, key: str, found: object, remedy: Phrase) -> None:
        """One more mistake; `found` MISSING means that the key is not there."""
        place = Phrase("at_key", {"key": key}) if key else ""
        self.found.append(
            BadTownFile(
                file=file, key=key, place=place, found=_shown(found), remedy=remedy, more=""
            )
        )


class Section:
    """One table of a file. Each reading method names the key, and notes what is wrong there.

    A method without `default` wants the key to be there. After a mistake it returns a
    harmless stand-in, since the town is refused at the end anyway.
    """

    def __init__(
        self, problems: Problems, file: str, data: Mapping[str, Any], path: str = ""
    ) -> None:
        self.problems = problems
        self.file = file
        self.path = path
        self._data = data
        self._asked: list[str] = []

    def keys(self) -> tuple[str, ...]:
        """The keys that the file has here."""
        return tuple(self._data)

    def has(self, key: str) -> bool:
        """True if the file says something about `key`."""
        return key in self._data

    def note(self, key: str, found: object, code: str, /, **facts: object) -> None:
        """Note a mistake at `key`; `code` is the remedy's sentence."""
        self.problems.note(self.file, self._full(key), found, Phrase(code, facts))

    def raw(self, key: str) -> Any:
        """Whatever is there; MISSING if nothing is."""
        return self._get(key, None)

    def text(self, key: str, default: str | None = None) -> str:
        """A text that is not empty."""
        value = self._get(key, default)
        if isinstance(value, str) and value.strip():
            return value
        return str(self._wrong(key, value, default, "", "write_text"))

    def number(
        self, key: str, default: float | None = None, low: float = 0.0, high: float = 1e9
    ) -> float:
        """A number from `low` to `high`."""
        value = self._get(key, default)
        if _is_number(value) and low <= value <= high:
            return float(value)
        return float(
            self._wrong(
                key, value, default, low, "write_number", low=_plain(low), high=_plain(high)
            )
        )

    def whole(
        self, key: str, default: int | None = None, low: int = 0, high: int = 1_000_000_000
    ) -> int:
        """A whole number from `low` to `high`."""
        value = self._get(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        return int(self._wrong(key, value, default, low, "write_whole_number", low=low, high=high))

    def flag(self, key: str, default: bool | None = None) -> bool:
        """true or false."""
        value = self._get(key, default)
        if isinstance(value, bool):
            return value
        return bool(self._wrong(key, value, default, False, "write_true_or_false"))

    def minutes(self, key: str, default: timedelta | None = None, high: int = 1440) -> timedelta:
        """A length of time, written as a number of minutes."""
        given = None if default is None else default.total_seconds() / 60
        return timedelta(minutes=self.number(key, given, 0, high))

    def seconds(self, key: str, default: timedelta | None = None, high: int = 3600) -> timedelta:
        """A length of time, written as a number of seconds."""
        given = None if default is None else default.total_seconds()
        return timedelta(seconds=self.number(key, given, 0, high))

    def clock(self, key: str) -> time:
        """A time of day, written "09:30"."""
        value = self._get(key, None)
        if isinstance(value, time):
            return value
        if isinstance(value, str):
            try:
                return time.fromisoformat(value)
            except ValueError:
                pass
        self._wrong(key, value, None, None, "write_clock")
        return time(0)

    def day(self, key: str, default: date | None = None) -> date | None:
        """A day, written 2027-03-31."""
        value = self._data.get(key, default)
        self._asked.append(key)
        if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
            return value
        self.note(key, value, "write_day")
        return None

    def days(self, key: str) -> frozenset[date]:
        """A list of days; none if the key is not there."""
        return frozenset(
            each
            for each in self._list(key)
            if self._fits(key, each, isinstance(each, date), "write_day")
        )

    def days_of_the_year(self, key: str) -> frozenset[tuple[int, int]]:
        """A list of days that come every year, written "12-29"."""
        found = set()
        for each in self._list(key):
            try:
                day = date.fromisoformat(f"2024-{each}")  # a leap year, so 02-29 is a day
            except ValueError:
                self.note(key, each, "write_day_of_the_year")
            else:
                found.add((day.month, day.day))
        return frozenset(found)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; none if the key is not there."""
        return tuple(
            each
            for each in self._list(key)
            if self._fits(key, each, isinstance(each, str), "write_texts")
        )

    def weekdays(self, key: str) -> frozenset[int]:
        """A list of weekdays by their English names; Monday is 0."""
        found = set()
        for each in self.texts(key):
            if each in WEEKDAY_KEYS:
                found.add(WEEKDAY_KEYS.index(each))
            else:
                self.note(key, each, "write_one_of", options=WEEKDAY_KEYS)
        if not found:
            self.note(key, self._data.get(key, MISSING), "write_one_of", options=WEEKDAY_KEYS)
        return frozenset(found)

    def choice(self, key: str, options: Sequence[str], default: str | None = None) -> str:
        """One of `options`."""
        value = self._get(key, default)
        if value in options:
            return str(value)
        return str(self._wrong(key, value, default, options[0], "write_one_of", options=options))

    def names(self, key: str) -> Mapping[str, str]:
        """A name by language: { ja = "…", en = "…" }."""
        value = self._get(key, None)
        if isinstance(value, dict) and value and all(isinstance(v, str) for v in value.values()):
            return dict(value)
        self._wrong(key, value, None, None, "write_names")
        return {"ja": "", "en": ""}

    def section(self, key: str, *, needed: bool = False) -> Section:
        """The table under `key`; an empty one if it is not there and not needed."""
        self._asked.append(key)
        value = self._data.get(key, MISSING)
        if (value is MISSING and needed) or not (value is MISSING or isinstance(value, dict)):
            self.note(key, value, "write_section", key=self._full(key))
        return self._under(value if isinstance(value, dict) else {}, key)

    def sections(self, key: str) -> tuple[Section, ...]:
        """The tables [[key]], in order; none if there are none."""
        self._asked.append(key)
        value = self._data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            self.note(key, value, "write_sections", key=self._full(key))
            return ()
        return tuple(self._under(each, f"{key}[{n}]") for n, each in enumerate(value, 1))

    def children(self) -> Iterator[tuple[str, Section]]:
        """Each key of this table that holds a table itself."""
        for key in self._data:
            yield key, self.section(key)

    def done(self) -> None:
        """Note every key that nobody asked for, with the known one it resembles."""
        for key in self._data:
            if key not in self._asked:
                near = get_close_matches(key, self._asked, n=1, cutoff=0.5)
                if near:
                    self.note(key, self._data[key], "did_you_mean", near=near[0])
                else:
                    self.note(key, self._data[key], "known_keys", known=sorted(set(self._asked)))

    def _under(self, data: Mapping[str, Any], key: str) -> Section:
        return Section(self.problems, self.file, data, self._full(key))

    def _full(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _get(self, key: str, default: object) -> Any:
        self._asked.append(key)
        return self._data.get(key, MISSING if default is None else default)

    def _list(self, key: str) -> list[Any]:
        self._asked.append(key)
        value = self._data.get(key, [])
        if isinstance(value, list):
            return value
        self.note(key, value, "write_list")
        return []

    def _fits(self, key: str, value: object, fits: bool, code: str) -> bool:
        if not fits:
            self.note(key, value, code)
        return fits

    def _wrong(
        self, key: str, value: object, default: object, stand_in: object, code: str, **facts: object
    ) -> Any:
        self.note(key, value, code, **facts)
        return stand_in if default is None else default


def read_toml(folder: Path, file: str, problems: Problems) -> Section:
    """The whole of a TOML file; an empty section, with the mistake noted, if there is none."""
    text = _read_text(folder, file, problems)
    data: dict[str, Any] = {}
    if text is not None:
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as mistake:
            problems.note(file, "", str(mistake), Phrase("mend_toml"))
            text = None
    return Section(problems, file, data) if text is not None else _Silent(file)


class Table:
    """A CSV file, row by row, each as a Section whose keys are the columns."""

    def __init__(self, folder: Path, file: str, columns: Sequence[str], problems: Problems) -> None:
        self.file = file
        self.problems = problems
        self.rows: list[tuple[int, dict[str, str]]] = []
        text = _read_text(folder, file, problems)
        if text is None:
            return
        reader = csv.DictReader(io.StringIO(text, newline=""))
        known = reader.fieldnames or []
        missing = [column for column in columns if column not in known]
        for column in missing:
            problems.note(file, column, MISSING, Phrase("add_column", {"column": column}))
        if not missing:
            self.rows = list(enumerate(reader, 2))

    def __iter__(self) -> Iterator[Row]:
        return (Row(self, line, values) for line, values in self.rows)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a CSV file."""

    table: Table
    line: int
    values: Mapping[str, str | None]

    def text(self, column: str) -> str:
        """The cell, without spaces around it; "" if it is empty."""
        return (self.values.get(column) or "").strip()

    def needed(self, column: str) -> str:
        """The cell, which must not be empty."""
        value = self.text(column)
        if not value:
            self.note(column, MISSING, "write_text")
        return value

    def number(self, column: str, low: float, high: float) -> float:
        """The cell as a number from `low` to `high`."""
        value = self.text(column)
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if low <= number <= high:
            return number
        self.note(column, value, "write_number", low=_plain(low), high=_plain(high))
        return low

    def note(self, column: str, found: object, code: str, /, **facts: object) -> None:
        """Note a mistake in this cell; the key says the line and the column."""
        self.table.problems.found.append(
            BadTownFile(
                file=self.table.file,
                key=column,
                line=self.line,
                place=Phrase("at_line", {"line": self.line, "column": column}),
                found=_shown(found),
                remedy=Phrase(code, facts),
                more="",
            )
        )


class _Silent(Section):
    """Stands in for a file that could not be read: that was noted once, and is enough."""

    def __init__(self, file: str) -> None:
        super().__init__(Problems(), file, {})

    def _under(self, data: Mapping[str, Any], key: str) -> Section:  # noqa: ARG002
        return _Silent(self.file)


def _read_text(folder: Path, file: str, problems: Problems) -> str | None:
    try:
        return (folder / file).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        problems.note(file, "", Phrase("not_utf8"), Phrase("save_as_utf8"))
    except OSError:
        problems.note(file, "", MISSING, Phrase("add_file", {"file": file}))
    return None


def _shown(found: object) -> object:
    """What was found, short enough for one sentence."""
    if found is MISSING or found == "":
        return Phrase("nothing_there")
    if isinstance(found, Phrase | timedelta | date | time):
        return found
    if isinstance(found, bool):
        return str(found).lower()
    text = found if isinstance(found, str) else repr(found)
    return f"{text[:60]}…" if len(text) > 60 else text


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _plain(number: float) -> int | float:
    return int(number) if number == int(number) else number
