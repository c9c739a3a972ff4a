"""One process of the service as the command line starts it, on a clock that the test moves.

`noriai serve` and `noriai worker` run here unchanged; only the machine's clock is replaced,
before they start, by one that a file sets. It is done from outside: the service itself has
no door for it.

See: docs/faults.md
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dispatch import wiring

SETTINGS = ("NORIAI_READS_PER_MINUTE", "NORIAI_WRITES_PER_MINUTE", "NORIAI_STRANGERS_PER_MINUTE")


@dataclass(frozen=True, slots=True)
class ShownClock:
    """What time it is, as a file says: a moment, and how much faster than ours it goes on."""

    file: Path

    def set(self, shown: datetime, speed: float = 1.0) -> None:
        """Show this moment from now on."""
        text = json.dumps({"real": time.time(), "shown": shown.timestamp(), "speed": speed})
        new = self.file.with_suffix(".new")
        new.write_text(text, "utf-8")
        new.replace(self.file)

    def move(self, span: timedelta) -> None:
        """Jump forth or back."""
        self.set(self() + span, self._read()["speed"])

    def __call__(self) -> datetime:
        """The moment shown now, to the millisecond."""
        kept = self._read()
        shown = kept["shown"] + (time.time() - kept["real"]) * kept["speed"]
        return datetime.fromtimestamp(int(shown * 1000) / 1000, UTC)

    def _read(self) -> dict[str, float]:
        kept: dict[str, float] = json.loads(self.file.read_text("utf-8"))
        return kept


def run(words: tuple[str, ...], clock: Path, log: Path) -> None:
    """Be one `noriai` command, until it ends."""
    for name in SETTINGS:
        os.environ[name] = "0"
    with log.open("ab", buffering=0) as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    wiring.utc_now = ShownClock(clock)
    from api.cli import main

    sys.argv = ["noriai", *words]
    main()
