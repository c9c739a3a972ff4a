"""A town's service as it runs: web processes, workers, one database, perhaps a Redis.

What is killed is started again, as systemd would; nothing else is done for it.

See: docs/faults.md
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from threading import Event
from time import monotonic, sleep

import httpx

from dispatch.commands.sign_in import issue_token
from dispatch.ports import Ports
from dispatch.store.store import Store, open_store
from dispatch.store.tokens import Role
from dispatch.wiring import new_id
from tests.faults.process import ShownClock, run
from tests.faults.servers import PATIENCE_SECONDS, free_port

DAY = date(2026, 11, 25)
"""A plain Wednesday; the towns' clocks are set to it."""

MORNING = datetime(2026, 11, 25, 0, 31, tzinfo=UTC)
"""09:31 in Kimotsuki."""

SPEED = 20.0
"""How much faster than ours the shown clock goes: a ride of ten minutes takes thirty seconds."""


@dataclass(slots=True)
class Slot:
    """A process that has to run, with what it is started by."""

    words: tuple[str, ...]
    log: Path
    port: int | None = None
    process: ForkServerProcess | None = None
    starts: int = 0


@dataclass(slots=True)
class RunningTown:
    """What the harness knows of the service it runs.

    away : set while a part is away, when an honest 503 is a good answer.
    """

    folder: Path
    database: str
    clock: ShownClock
    token: str = ""
    webs: list[Slot] = field(default_factory=list)
    workers: list[Slot] = field(default_factory=list)
    away: Event = field(default_factory=Event)

    def start(self, slot: Slot) -> None:
        """Start a process, as the command line would."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.faults.warm"])
        process = context.Process(target=run, args=(slot.words, self.clock.file, slot.log))
        process.start()
        slot.process = process
        slot.starts += 1

    def kill(self, slot: Slot) -> None:
        """kill -9, and start it again; a search process that it had ends by itself."""
        assert slot.process is not None
        left_behind = _children(slot, "spawn_main")
        slot.process.kill()
        slot.process.join()
        for number in left_behind:
            wait_for(partial(_is_gone, number), f"search process {number} has ended")
        self.start(slot)

    def end(self, slot: Slot, seconds: float) -> int | None:
        """SIGTERM, and the exit code; None where it has not ended within so long."""
        assert slot.process is not None
        slot.process.terminate()
        slot.process.join(seconds)
        return slot.process.exitcode

    def addresses(self) -> list[str]:
        """Where to knock."""
        return [f"http://127.0.0.1:{slot.port}" for slot in self.webs]

    def heals(self) -> None:
        """Wait until every web process says that it is ready, by itself."""
        for address in self.addresses():
            wait_for(partial(_is_ready, address), f"{address} is ready")

    @contextmanager
    def part_away(self) -> Iterator[None]:
        """Something is away in here, and until the service has healed."""
        self.away.set()
        yield
        self.heals()
        self.away.clear()

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The database, seen from beside the service."""
        store = open_store(self.database)
        try:
            yield store
        finally:
            store.close()

    def search_process(self, slot: Slot) -> int:
        """The number of a worker's search process, once it has one."""
        found: list[int] = []

        def there() -> bool:
            found[:] = _children(slot, "spawn_main")
            return bool(found)

        wait_for(there, "the worker has a search process")
        return found[0]


@contextmanager
def running(
    folder: Path,
    database: str,
    *,
    webs: int,
    workers: int = 1,
    redis: str | None = None,
    speed: float = SPEED,
) -> Iterator[RunningTown]:
    """Kimotsuki, open for callers; ended in the end."""
    clock = ShownClock(folder / "clock.json")
    clock.set(MORNING, speed)
    town = RunningTown(folder, database, clock)
    with town.store() as store:
        ports = Ports(now=clock, new_id=new_id)
        town.token = issue_token(Role.ADMIN, None, store, ports, timedelta(days=30))
    common: tuple[str, ...] = ("--town", "kimotsuki", "--database", database)
    common += () if redis is None else ("--redis", redis)
    for number in range(webs):
        port = free_port()
        words = ("serve", *common, "--port", str(port))
        town.webs.append(Slot(words, folder / f"web{number}.log", port))
    for number in range(workers):
        words = ("worker", *common, "--heartbeat", str(folder / f"heartbeat{number}"))
        town.workers.append(Slot(words, folder / f"worker{number}.log"))
    try:
        for slot in (*town.webs, *town.workers):
            town.start(slot)
        town.heals()
        yield town
    finally:
        for slot in (*town.webs, *town.workers):
            if slot.process is not None:
                slot.process.kill()
                slot.process.join()


def wait_for(met: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Return as soon as `met`; fail when it takes far too long."""
    until = monotonic() + seconds
    while not met():
        assert monotonic() < until, f"waited {seconds} s in vain: {what}"
        sleep(0.05)


def _is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz", timeout=10).status_code == 200
    except httpx.HTTPError:
        return False


def _children(slot: Slot, with_word: str) -> list[int]:
    """Numbers of a process's children whose command line holds a word."""
    assert slot.process is not None
    found: list[int] = []
    for tasks in Path(f"/proc/{slot.process.pid}/task").glob("*/children"):
        for number in tasks.read_text().split():
            try:
                words = Path(f"/proc/{number}/cmdline").read_bytes()
            except OSError:
                continue
            if with_word.encode() in words:
                found.append(int(number))
    return found


def _is_gone(number: int) -> bool:
    """Whether a process has ended, waited for or not."""
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


def kill_number(number: int) -> None:
    """kill -9 of a process by its number."""
    os.kill(number, signal.SIGKILL)
