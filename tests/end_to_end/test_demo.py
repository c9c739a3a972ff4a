"""`noriai demo` as a stranger meets it: whole days, and one that is served."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Timer

import pytest

from api.client import NoriaiClient
from api.demo_clock import ClockForm
from api.serving import listen

IN_TIME = 120.0
"""Seconds after which a demo that says nothing is killed, so that its test fails."""


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


@dataclass(frozen=True, slots=True)
class Demo:
    """A served demo in a process of its own, as its terminal shows it."""

    process: subprocess.Popen[str]
    said: list[str]

    @property
    def address(self) -> str:
        """Where it is served."""
        return self._part(r"http://127\.0\.0\.1:\d+")

    @property
    def client(self) -> NoriaiClient:
        """Somebody with the token of the page."""
        return NoriaiClient(self.address, self._part(r"noriai_[\w-]+"))

    @property
    def booking_line(self) -> str:
        """The line that books a ride."""
        return next(line for line in self.said if "curl" in line)

    def _part(self, pattern: str) -> str:
        found = re.search(pattern, "".join(self.said))
        assert found is not None, self.said
        return found.group()

    def stop(self) -> tuple[int, str, str]:
        """Ask it to end; its exit code, and what it still said."""
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=IN_TIME)
        return self.process.returncode, out, err


@contextmanager
def a_served_demo(out: Path, *arguments: str) -> Iterator[Demo]:
    """A demo on a free port, once it has said where it is."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-u", "-c", "from api.cli import main; main()", "demo"),
            *("--port", "0", "--out", str(out), "--lang", "en", *arguments),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watchdog = Timer(IN_TIME, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        yield Demo(process, [process.stdout.readline() for _ in range(4)])
    finally:
        watchdog.cancel()
        process.kill()
        process.wait(IN_TIME)


@pytest.mark.xdist_group("demo")
def test_a_served_demo_is_watched_held_hurried_and_ridden_in(tmp_path: Path) -> None:
    with a_served_demo(tmp_path, "--seed", "1") as demo, demo.client as client:
        town = client.live_town()
        assert town.town.id == "kimotsuki"
        assert any(vehicle.done for vehicle in town.vehicles)

        held = client.set_clock(ClockForm(paused=True))
        assert client.clock().now == client.clock().now == held.now
        went_on = client.set_clock(ClockForm(paused=False, speed=600))
        assert (went_on.paused, went_on.speed) == (False, 600)

        answer = subprocess.run(
            ["bash", "-c", demo.booking_line], capture_output=True, text=True, check=True
        )
        ride = json.loads(answer.stdout)
        facts: list[str] = []
        for event in client.stream(after=town.event_number):
            if event.booking_id == ride["id"]:
                facts.append(event.fact)
            if "completed" in facts:
                break
        assert facts.index("confirmed") < facts.index("boarded") < facts.index("completed")
        seen = client.live_town()
        assert any(vehicle.position for vehicle in seen.vehicles)
        assert seen.now - held.now > timedelta(minutes=5)

        code, out, err = demo.stop()
    assert (code, err) == (0, "")
    assert str(tmp_path / "day.html") in out
    assert ride["id"] in (tmp_path / "events.jsonl").read_text(encoding="utf-8")


def test_a_port_that_is_in_use_is_named_in_one_line() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        done = noriai("demo", "--port", str(port))

    assert done.returncode == 2
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert f"ポート {port} はほかのプログラムが使っています" in line
    assert "--port" in line
