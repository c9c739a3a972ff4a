"""The day's page: whole in itself, readable on a telephone, in both languages, without names."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from simulations.report import LANGUAGES, encode_line, page_of, page_words, write_page
from tests.markers import needs_chromium
from tests.simulations.days import kimotsuki, story_of

pytestmark = pytest.mark.xdist_group("day")

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def test_a_line_is_encoded_as_published() -> None:
    # The example of Google's format description.
    line = [(38.5, -120.2), (40.7, -120.95), (43.252, -126.453)]

    assert encode_line(line) == "_p~iF~ps|U_ulLnnqC_mqNvxq`@"


def test_both_languages_have_the_same_words() -> None:
    words = page_words()

    assert words["ja"].keys() == words["en"].keys()
    for key, said in words["ja"].items():
        assert _facts(said) == _facts(words["en"][key]), key


def test_the_page_needs_nothing_from_elsewhere() -> None:
    page = page_of(story_of(1), kimotsuki()[2])

    assert len(page.encode()) < 3_000_000
    assert re.findall(r"(?:src|href)=|@import|url\(|fetch\(", page) == []


def test_the_page_names_nobody() -> None:
    page = page_of(story_of(1), kimotsuki()[2])

    assert "住民" not in page
    assert "ジュウミン" not in page
    assert "+81" not in page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS
        )
        yield launched
        launched.close()


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize("width", [360, 1366])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_opens_without_error_or_sideways_scroll(
    browser: Browser, tmp_path: Path, width: int, language: str
) -> None:
    write_page(story_of(1), kimotsuki()[2], tmp_path / "day.html", language)
    page = browser.new_page(viewport={"width": width, "height": 800})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)

    page.goto((tmp_path / "day.html").as_uri())

    assert errors == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.get_attribute("html", "lang") == language
    assert page.locator("#rides tr").count() == len(story_of(1).bookings)


@pytest.mark.browser
@needs_chromium
def test_the_clock_is_moved_by_the_keyboard(browser: Browser, tmp_path: Path) -> None:
    write_page(story_of(1), kimotsuki()[2], tmp_path / "day.html")
    page = browser.new_page(viewport={"width": 1366, "height": 800})
    page.goto((tmp_path / "day.html").as_uri())
    before = page.inner_text("#now")

    page.focus("#slider")
    page.keyboard.press("ArrowRight")

    assert page.inner_text("#now") != before


def _facts(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))
