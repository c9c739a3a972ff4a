"""`noriai bench bound`: a JSON line an instance, and one for all."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from api.cli import main

INSTANCE = """2 2 480 3 30
0 0.0 0.0 0 0 0 480
1 1.0 0.0 3 1 0 1440
2 5.0 0.0 3 1 100 115
3 4.0 0.0 3 -1 30 45
4 9.0 0.0 3 -1 0 1440
"""


def test_a_small_instance_is_proven_best_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tiny.txt").write_text(INSTANCE)
    options = ["--search-seconds", "0.1", "--seconds", "20"]
    monkeypatch.setattr(
        sys, "argv", ["noriai", "bench", "bound", str(tmp_path / "tiny.txt"), *options]
    )

    with pytest.raises(SystemExit):
        main()

    one, summed = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert one["proven"]
    assert one["bound"] == one["cost"] == pytest.approx(18, abs=0.01)
    assert summed["proven"] == summed["measured"] == 1
