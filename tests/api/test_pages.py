"""The web pages: served with strict rules, and clear about what is missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api import pages
from dispatch.town import GSI_TILES
from tests.builders import a_town


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "live.html").write_text("<!doctype html><title>live</title>", "utf-8")
    (tmp_path / "assets" / "live-1a2b.js").write_text("export {}", "utf-8")
    (tmp_path / "secret.txt").write_text("no", "utf-8")
    return tmp_path


def browser(built: Path) -> TestClient:
    app = FastAPI()
    with a_town().day() as day:
        pages.add_to(app, day.service.town, built)
    return TestClient(app)


def test_a_page_may_load_its_own_files_and_nothing_else(built: Path) -> None:
    answer = browser(built).get("/live")

    rules = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in rules
    assert "http" not in rules
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_tiles_from_elsewhere_are_allowed_only_where_the_town_says_so() -> None:
    with a_town().day() as day:
        town = replace(day.service.town, tiles=GSI_TILES)

    rules = pages.rules_for_browsers(town)["Content-Security-Policy"]

    assert "img-src 'self' data: blob: https://cyberjapandata.gsi.go.jp" in rules


def test_a_watcher_may_ask_for_the_head_alone(built: Path) -> None:
    answer = browser(built).head("/live")

    assert answer.status_code == 200
    assert not answer.content


def test_files_with_their_content_in_the_name_may_be_kept(built: Path) -> None:
    answer = browser(built).get("/assets/live-1a2b.js")

    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    "path", ["/assets/../secret.txt", "/assets/%2e%2e/secret.txt", "/secret.txt"]
)
def test_nothing_beside_the_pages_can_be_read(built: Path, path: str) -> None:
    assert browser(built).get(path).status_code == 404


@pytest.mark.parametrize(("language", "word"), [("ja", "make setup"), ("en", "Run `make setup`")])
def test_pages_that_are_not_built_say_how_to_build_them(
    tmp_path: Path, language: str, word: str
) -> None:
    answer = browser(tmp_path).get("/live", headers={"Accept-Language": language})

    assert answer.status_code == 503
    assert word in answer.text


def test_the_address_alone_leads_to_the_live_town(built: Path) -> None:
    assert browser(built).get("/", follow_redirects=False).headers["Location"] == "/live"
