"""docs/words.md has every term that a module's docstring points to, and each one once."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("api", "dispatch", "ivr_stub", "routing", "simulations")
TABLE = (ROOT / "docs/words.md").read_text("utf-8")
ROWS = re.findall(r"(?m)^\| (?!日本語|---)([^|]+) \| ([^|]+) \|", TABLE)


def terms_pointed_to() -> dict[str, str]:
    """Each term after "docs/words.md," in a docstring, with the file that names it."""
    found = {}
    for folder in FOLDERS:
        for file in (ROOT / folder).rglob("*.py"):
            for terms in re.findall(r"docs/words\.md, ([^;\"]*)", file.read_text("utf-8")):
                for term in terms.split(","):
                    found[" ".join(term.split()).rstrip(".")] = file.name
    return found


def test_every_term_that_a_docstring_points_to_is_in_the_list() -> None:
    known = {term.strip() for _, english in ROWS for term in english.split(",")}
    pointed = terms_pointed_to()
    assert len(pointed) > 20
    assert {term: file for term, file in pointed.items() if term not in known} == {}


def test_each_term_stands_there_once() -> None:
    terms = Counter(term.strip() for _, english in ROWS for term in english.split(","))
    assert [term for term, times in terms.items() if times > 1] == []
