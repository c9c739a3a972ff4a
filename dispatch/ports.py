"""Now, new identifiers, randomness, publishing and named checkpoints, as ports.

Nothing in the service reads a clock, draws a number or makes an id in any other way, so a
day replays exactly. `wiring.py` puts the real ones in; tests and simulations put in theirs.

See: docs/words.md, port
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """What time it is, with zone (UTC)."""

    def __call__(self) -> datetime: ...


class NewId(Protocol):
    """A new identifier with a prefix that says of what: `bkg_…`, `off_…`."""

    def __call__(self, prefix: str) -> str: ...


class WakeReaders(Protocol):
    """Tell whoever reads the outbox that it has grown. Losing a call only makes them slower."""

    def __call__(self) -> None: ...


def pass_by(_name: str) -> None:
    """The checkpoint of a running service: do nothing."""


def wake_nobody() -> None:
    """The publisher of a service that nobody listens to."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The outside world of one service.

    `checkpoint` is called with the name of each point at which a crash must do no harm;
    tests kill the process there, and a running service counts how often it passes.
    """

    now: Clock
    new_id: NewId
    wake_readers: WakeReaders = wake_nobody
    checkpoint: Callable[[str], None] = pass_by
