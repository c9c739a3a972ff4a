"""The `noriai` command: help at once, one clear line on bad input, JSON last."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from api.cli import main
from simulations.bench.check_events import check_events
from tests.markers import needs_data
from tests.simulations.scenarios import REQUESTS, write_scenario


def noriai(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, language: str = "en_GB.UTF-8"
) -> int:
    """Run the command in this process; its exit code."""
    monkeypatch.setattr(sys, "argv", ["noriai", *arguments])
    monkeypatch.setenv("LC_ALL", language)
    with pytest.raises(SystemExit) as ended:
        main()
    code = ended.value.code
    return code if isinstance(code, int) else 0


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["demo"],
        ["simulate"],
        ["warm"],
        ["audit"],
        ["roads", "import"],
        ["bench", "insert"],
        ["bench", "solve"],
        ["bench", "peers"],
        ["bench", "generate"],
        ["bench", "growth"],
        ["db", "upgrade"],
    ],
)
def test_every_command_explains_itself(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = noriai([*command, "--help"], monkeypatch)

    assert code == 0
    assert "Usage: noriai" in capsys.readouterr().out


def test_help_loads_neither_kernels_nor_solvers() -> None:
    heavy = "numba numpy ortools sqlalchemy simpy shapely"
    program = f"import sys, api.cli; print([m for m in {heavy.split()} if m in sys.modules])"

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("language", "said"), [("en_GB.UTF-8", "no town"), ("ja_JP.UTF-8", "atlantis")]
)
def test_an_unknown_town_is_one_line_in_the_callers_language(
    language: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = noriai(["demo", "--headless", "--town", "atlantis"], monkeypatch, language)

    complaint = capsys.readouterr().err.strip()
    assert code == 2
    assert len(complaint.splitlines()) == 1
    assert said in complaint


@pytest.mark.parametrize("language", ["en_GB.UTF-8", "ja_JP.UTF-8"])
def test_a_scenario_with_a_missing_column_names_file_and_column(
    tmp_path: Path,
    language: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_scenario(tmp_path, requests=REQUESTS.replace("latest_pickup", "latest"))

    code = noriai(["simulate", str(tmp_path), "--json"], monkeypatch, language)

    heard = capsys.readouterr()
    assert code == 2
    assert heard.out == ""
    assert len(heard.err.strip().splitlines()) == 1
    assert "requests.csv" in heard.err
    assert "latest_pickup" in heard.err


def test_a_day_on_which_nobody_drives_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = noriai(["demo", "--headless", "--day", "2026-01-01"], monkeypatch)

    assert code == 2
    assert "1 January" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["demo", "--breakdown", "25:00"],
        ["demo", "--day", "tomorrow"],
        ["demo", "--speed", "0"],
        ["bench", "insert", "--vehicles", "0"],
        ["simulate"],
    ],
)
def test_an_option_that_makes_no_sense_ends_with_2(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert noriai(arguments, monkeypatch) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_missing_extract_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "nowhere.osm.pbf")

    code = noriai(["roads", "import", missing, "--town", "kimotsuki"], monkeypatch)

    assert code == 2
    assert "nowhere.osm.pbf" in capsys.readouterr().err.splitlines()[-1]


def test_a_scenario_ends_with_its_figures_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_scenario(tmp_path)

    noriai(["simulate", str(folder), "--json", "--out", str(tmp_path / "out")], monkeypatch)

    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(figures) == {
        "served",
        "refused",
        "mean_wait_seconds",
        "p90_wait_seconds",
        "mean_ride_seconds",
        "vehicle_metres",
        "promise_breaches",
        "wall_seconds",
    }
    assert figures["served"] + figures["refused"] == 4
    assert check_events(folder, tmp_path / "out" / "events.jsonl") == []


@needs_data("scenarios/munich200")
def test_the_published_day_is_served_as_well_as_plain_insertion_serves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.markers import DATA

    folder = DATA / "scenarios" / "munich200"
    noriai(["simulate", str(folder), "--json", "--out", str(tmp_path)], monkeypatch)

    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures["served"] >= 192
    assert figures["mean_wait_seconds"] < 174
    assert figures["vehicle_metres"] < 396_000
    assert figures["promise_breaches"] == 0
    assert check_events(folder, tmp_path / "events.jsonl") == []
