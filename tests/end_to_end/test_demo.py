"""`noriai demo` as a stranger meets it: whole days from the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def noriai(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", "from api.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "ja_JP.UTF-8"},
    )


@pytest.mark.xdist_group("demo")
def test_a_headless_day_ends_with_one_line_of_figures(tmp_path: Path) -> None:
    done = noriai("demo", "--headless", "--seed", "1", "--out", str(tmp_path))

    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["completed"] >= 40
    assert figures["promise_breaches"] == 0
    assert figures["unverified_plans"] == 0
    assert {"booked", "refused"} <= figures.keys()
    assert "first booking" in done.stderr
    assert (tmp_path / "day.html").is_file()
    times = [json.loads(line)["time"] for line in (tmp_path / "events.jsonl").open("r")]
    assert times == sorted(times)


@pytest.mark.xdist_group("demo")
def test_a_day_with_a_breakdown_loses_nobody() -> None:
    done = noriai("demo", "--headless", "--seed", "1", "--breakdown", "11:20")

    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["unverified_plans"] == 0
    assert figures["lost"] == 0
    assert figures["breaches_without_cause"] == 0
