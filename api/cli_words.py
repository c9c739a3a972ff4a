"""What the command line says: in the caller's language, progress apart from answers.

Answers go to stdout, progress and complaints to stderr, so that the last line of stdout can
be read by a program.

See: docs/words.md, sentence
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from dispatch import wording
from dispatch.errors import NoriaiError
from routing.errors import RoadsError


def caller_language() -> str:
    """ja or en, as the environment of the caller says (LC_ALL, LC_MESSAGES, LANG)."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return wording.language_of(value)
    return "en"


def sentence_of(error: NoriaiError | RoadsError, language: str) -> str:
    """An error as one line in `language`."""
    if error.code in wording.sentences(language):
        said = wording.sentence(error.code, language, **error.facts)
    else:
        said = str(error)
    return " ".join(said.split())


def say(text: str) -> None:
    """One line of progress, on stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


@contextmanager
def step(text: str) -> Iterator[None]:
    """Say what is being done, and how long it took."""
    began = perf_counter()
    sys.stderr.write(f"{text} … ")
    sys.stderr.flush()
    yield
    say(f"{perf_counter() - began:.1f} s")


class ProgressLine:
    """A line on stderr that grows in place on a terminal, and now and then one elsewhere."""

    def __init__(self, every_seconds: float = 0.2) -> None:
        self._terminal = sys.stderr.isatty()
        self._every = every_seconds if self._terminal else 5.0
        self._last = float("-inf")
        self._wide = 0

    def show(self, text: str) -> None:
        """Show `text` if the last one stood long enough."""
        now = perf_counter()
        if now - self._last < self._every:
            return
        self._last = now
        if self._terminal:
            sys.stderr.write("\r" + text.ljust(self._wide))
            self._wide = len(text)
        else:
            sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def done(self) -> None:
        """Leave the line."""
        if self._terminal and self._wide:
            sys.stderr.write("\r" + " " * self._wide + "\r")
            sys.stderr.flush()
