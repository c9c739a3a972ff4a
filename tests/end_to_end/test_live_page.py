"""The live town in a real browser, on a real service, with no other network than that.

See: docs/web.md
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, Route, sync_playwright

from tests.end_to_end.open_town import OpenTown, open_town
from tests.markers import ON_CI, needs_chromium, needs_pages

pytestmark = [needs_chromium, needs_pages, pytest.mark.xdist_group("browser")]

AXE = Path(__file__).parents[2] / "api" / "web" / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = [
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PATIENCE_MILLISECONDS = 60_000
AS_MOST_SEE_IT = {
    "viewport": {"width": 1366, "height": 768},
    "locale": "ja-JP",
    "timezone_id": "Asia/Tokyo",
    "reduced_motion": "reduce",
}

DRAWN = "[data-drawn=idle]"
REQUEST = "section[aria-labelledby=requests] li"

COUNT_FEATURES = """() => {
  const map = document.querySelector('[data-drawn]').map;
  const count = {};
  for (const { layer } of map.queryRenderedFeatures()) count[layer.id] = (count[layer.id] ?? 0) + 1;
  return count;
}"""

COUNT_COLOURS = """() => new Promise((answer) => {
  const map = document.querySelector('[data-drawn]').map;
  map.once('render', () => {
    const copy = document.createElement('canvas');
    const { width, height } = Object.assign(copy, { width: 400, height: 200 });
    const brush = copy.getContext('2d');
    brush.drawImage(map.getCanvas(), 0, 0, width, height);
    const { data } = brush.getImageData(0, 0, width, height);
    const colours = new Set();
    for (let i = 0; i < data.length; i += 4) colours.add(`${data[i]},${data[i+1]},${data[i+2]}`);
    answer(colours.size);
  });
  map.triggerRepaint();
})"""

CONTROLS = """() => [...document.querySelectorAll('button, input, summary, canvas, [tabindex="0"]')]
  .filter((each) => each.tabIndex >= 0 && each.checkVisibility()).length"""

NOTE_FOCUS = "() => { const at = document.activeElement; at.dataset.met = 'yes'; }"
COUNT_MET = "() => document.querySelectorAll('[data-met]').length"


@dataclass
class Seen:
    """What went on behind a page. Without slots: Playwright hangs marks of its own on it."""

    host: str
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)

    def note(self, request: Request) -> None:
        """Keep what was asked for, and of whom."""
        self.asked.append(request)

    def keep_inside(self, route: Route) -> None:
        """Let nothing out but to the service."""
        if route.request.url.startswith((self.host, "blob:", "data:")):
            route.fallback()
            return
        self.strangers.append(route.request.url)
        route.abort()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def town() -> Iterator[OpenTown]:
    """A morning: two rides are booked, one of their vehicles is on its way, one was refused."""
    opened = open_town()
    try:
        there = opened.book("clinic-01", "clinic-shunyoukaichuuoubyouin", "10:00")
        opened.book("bus-uchinoura", "hall-kimotsukichouyakuba", "10:30")
        assert opened.ask("bus-kaizou", "clinic-01", "15:59").refusal is not None
        opened.set_out(there)
        yield opened
    finally:
        opened.close()


@contextmanager
def visited(
    browser: Browser, town: OpenTown, token: str | None = None, **context: Any
) -> Iterator[tuple[Page, Seen]]:
    """The page as somebody opens it, with no way to any other host."""
    about = {**AS_MOST_SEE_IT, **context}
    opened = browser.new_context(**about)
    opened.set_default_timeout(PATIENCE_MILLISECONDS)
    page, seen = opened.new_page(), Seen(town.address)
    page.on("console", lambda said: seen.errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on("request", seen.note)
    page.route("**/*", seen.keep_inside)
    try:
        page.goto(f"{town.address}/live#token={town.token if token is None else token}")
        yield page, seen
    finally:
        opened.close()


@pytest.fixture(scope="module")
def open_page(browser: Browser, town: OpenTown) -> Iterator[tuple[Page, Seen]]:
    """A page that several tests look at; none of them leaves it changed."""
    with visited(browser, town, reduced_motion="no-preference") as (page, seen):
        page.wait_for_selector(DRAWN)
        yield page, seen


def test_the_map_is_drawn_from_the_towns_own_ground(open_page: tuple[Page, Seen]) -> None:
    page, _ = open_page

    page.wait_for_function(f"({COUNT_FEATURES})()['ways-now'] > 0")
    features = page.evaluate(COUNT_FEATURES)
    assert {"water", "roads", "border", "place-names", "district-names"} <= features.keys()
    assert {"ways-now", "calls"} <= features.keys()
    assert page.evaluate(COUNT_COLOURS) > 100


def test_vehicles_and_requests_are_shown_with_their_words(open_page: tuple[Page, Seen]) -> None:
    page, _ = open_page

    assert page.locator(".vehicle-mark").count() == 3
    assert page.locator(".vehicle-mark.moving").count() == 1
    assert page.locator(".vehicle-mark.moving[aria-label*=走行中]").count() == 1
    requests = page.locator(REQUEST)
    assert requests.count() == 3
    assert "山内クリニック → 春陽会中央病院" in requests.nth(2).inner_text()
    assert "お断り" in requests.first.inner_text()


def test_nothing_is_asked_of_another_host_and_nothing_goes_wrong(
    open_page: tuple[Page, Seen],
) -> None:
    page, seen = open_page
    assert seen.strangers == []
    assert seen.errors == []
    assert page.evaluate("document.fonts.check('16px \"BIZ UDPGothic\"', '肝付町')")


def test_the_token_leaves_the_address_at_once(open_page: tuple[Page, Seen], town: OpenTown) -> None:
    page, _ = open_page
    assert page.url == f"{town.address}/live"


def test_a_booking_appears_on_the_open_page(browser: Browser, town: OpenTown) -> None:
    with visited(browser, town) as (page, seen):
        page.wait_for_selector(REQUEST)
        before = page.locator(REQUEST).count()

        town.book("shop-gintengai", "clinic-03", "13:00")

        page.locator(REQUEST).nth(before).wait_for()
        assert "銀天街 → 遠矢歯科" in page.locator(REQUEST).first.inner_text()
        assert sum(request.is_navigation_request() for request in seen.asked) == 1


def test_no_screen_has_to_be_moved_sideways(open_page: tuple[Page, Seen]) -> None:
    page, _ = open_page

    too_wide = {}
    for width in (320, 360, 768, 1024, 1920, 1366):
        page.set_viewport_size({"width": width, "height": 768})
        too_wide[width] = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert set(too_wide.values()) == {0}, too_wide


def test_every_control_can_be_reached_by_the_keyboard(open_page: tuple[Page, Seen]) -> None:
    page, _ = open_page

    controls = page.evaluate(CONTROLS)
    for _ in range(controls + 2):
        page.keyboard.press("Tab")
        page.evaluate(NOTE_FOCUS)
    assert page.evaluate(COUNT_MET) >= controls > 10

    page.locator(".block[tabindex='0']").first.focus()
    said = page.locator("section[aria-labelledby=timeline] header p")
    first = said.inner_text()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("one => document.activeElement.ariaLabel !== one", arg=first)
    assert said.inner_text() != first


def test_axe_finds_nothing_in_light_and_dark(browser: Browser, town: OpenTown) -> None:
    if not AXE.is_file() and not ON_CI:
        pytest.skip("needs api/web/node_modules (make setup)")
    with visited(browser, town, bypass_csp=True) as (page, _):
        page.wait_for_selector(DRAWN)
        page.add_script_tag(path=AXE)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found = page.evaluate("axe.run(document)")["violations"]
            told = [(each["id"], [node["html"] for node in each["nodes"]]) for each in found]
            assert told == [], scheme


def test_the_page_speaks_english_and_so_does_the_service(browser: Browser, town: OpenTown) -> None:
    with visited(browser, town) as (page, _):
        page.get_by_role("button", name="English").click()
        page.get_by_role("heading", name="Requests").wait_for()
        assert page.evaluate("document.documentElement.lang") == "en"
        assert page.get_by_role("heading", name="Kimotsuki").count() == 1
        refused = page.locator(REQUEST, has_text="Refused").locator(".says")
        page.wait_for_function(
            "says => /^[A-Z]/.test(says.innerText)", arg=refused.element_handle()
        )


def test_the_page_goes_on_by_itself_after_the_service_was_away(
    browser: Browser, town: OpenTown
) -> None:
    with visited(browser, town) as (page, seen):
        page.get_by_text("つながっています").wait_for()
        before = page.locator(REQUEST).count()
        town.book("clinic-02", "shop-matsuoka", "14:00")
        page.locator(REQUEST).nth(before).wait_for()

        town.stop()
        page.get_by_text("つながりません").wait_for()
        town.book("shop-minesaki", "bath-hanamureonsen", "14:30")
        town.start()

        page.get_by_text("つながっています").wait_for()
        page.locator(REQUEST).nth(before + 1).wait_for()
        assert "ミネサキ → 花牟礼温泉" in page.locator(REQUEST).first.inner_text()
        streams = [request for request in seen.asked if "/stream" in request.url]
        assert "last-event-id" in streams[-1].headers


def test_without_a_token_the_page_asks_for_one(browser: Browser, town: OpenTown) -> None:
    with visited(browser, town, token="noriai_wrong") as (page, _):  # noqa: S106  (it is none)
        page.get_by_role("alert").wait_for()
        assert "見られません" in page.get_by_role("alert").inner_text()

        page.get_by_label("トークン").fill(town.token)
        page.keyboard.press("Enter")

        page.locator(REQUEST).first.wait_for()
