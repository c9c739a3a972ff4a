"""The numbers of a published instance's text file, read line by line.

Everything that can be wrong with such a file is said in one sentence that names the file, the
line, what was found there and what belongs there.

See: docs/words.md, published instance
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from dispatch.errors import BadInput

LARGEST_FILE = 4_000_000
"""Bytes. The largest published instance (1,000 tasks) has less than 50,000."""


class BadInstance(BadInput):
    """An instance's file does not say what it must: facts `file`, `line`, `found`, `remedy`."""

    code = "bad_instance"

    def __init__(self, file: Path, line: int, found: str, remedy: str) -> None:
        super().__init__(file=str(file), line=line, found=found, remedy=remedy)


class NoInstance(BadInput):
    """There is no instance where one was looked for: fact `file`."""

    code = "no_instance"


@dataclass(frozen=True, slots=True)
class Line:
    """The numbers of one line, which knows its file and place for a clear complaint."""

    file: Path
    number: int
    values: tuple[float, ...]

    def bad(self, found: object, remedy: str) -> BadInstance:
        """An error about this line; to be raised by the caller."""
        return BadInstance(self.file, self.number, _short(found), remedy)

    def whole(self, column: int, name: str, least: int = 0) -> int:
        """The value of `column` as a whole number of at least `least`."""
        value = self.values[column]
        if value != int(value) or value < least:
            raise self.bad(f"{value:g}", f"{name}: a whole number of at least {least}")
        return int(value)

    def amount(self, column: int, name: str) -> float:
        """The value of `column`, which may not be below zero."""
        if self.values[column] < 0:
            raise self.bad(f"{self.values[column]:g}", f"{name}: a number of at least 0")
        return self.values[column]


def read_lines(file: Path) -> list[Line]:
    """Every line of `file` that is not blank, as numbers.

    Raises NoInstance for a file that is not there, BadInstance for one that is no text, too
    long, or has other words in it.
    """
    lines = [
        Line(file, number, _numbers(file, number, text.split()))
        for number, text in enumerate(_text(file).splitlines(), start=1)
        if text.strip()
    ]
    if not lines:
        raise BadInstance(file, 1, "nothing", "a line of numbers")
    return lines


def check_width(line: Line, names: Sequence[str]) -> None:
    """Refuse a line that has not one number for each of `names`."""
    if len(line.values) != len(names):
        raise line.bad(f"{len(line.values)} numbers", f"{len(names)}: {', '.join(names)}")


def _text(file: Path) -> str:
    if not file.is_file():
        raise NoInstance(file=str(file))
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise BadInstance(file, 1, "a very long file", f"at most {LARGEST_FILE} bytes")
        return file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInstance(file, 1, _short(error), "a text file") from error


def _numbers(file: Path, number: int, words: Sequence[str]) -> tuple[float, ...]:
    values = []
    for word in words:
        try:
            value = float(word)
        except ValueError:
            raise BadInstance(file, number, _short(word), "a number") from None
        if not isfinite(value) or abs(value) > 1e9:
            raise BadInstance(file, number, _short(word), "a number up to 1,000,000,000")
        values.append(value)
    return tuple(values)


def _short(found: object) -> str:
    text = str(found)
    return text if len(text) <= 60 else text[:57] + "..."
