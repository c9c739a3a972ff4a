"""Databases and a Redis of the test's own, which it may kill, restart and fill up.

The machine's own servers are never touched: each has its folder, its port and its user.

See: docs/faults.md
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import sleep

import psycopg
from redis import Redis
from redis.exceptions import RedisError

from tests.markers import POSTGRES_PROGRAMS

PATIENCE_SECONDS = 180
OWNER = "postgres"


def free_port() -> int:
    """A port that nobody uses now, and that no outgoing connection is given either.

    While a server is down its callers go on knocking, and the system draws a port of their
    own for each knock: one drawn out of the same range could be the server's, which then
    could not come back.
    """
    while True:
        port = Random().randrange(12_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@dataclass(slots=True)
class OwnPostgres:
    """A PostgreSQL cluster in a folder of its own."""

    folder: Path
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        """The address of its one database."""
        return f"postgresql+psycopg://{OWNER}@127.0.0.1:{self.port}/postgres"

    @property
    def data(self) -> Path:
        """Where it keeps its data."""
        return self.folder / "data"

    def create(self) -> None:
        """Make the cluster."""
        self._as_owner("initdb", "-D", self.data, "-U", OWNER, "-A", "trust", "-E", "UTF8", "-N")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 "
        options += "-c shared_buffers=16MB -c max_wal_size=64MB -c min_wal_size=32MB"
        log = self.folder / "log"
        self._as_owner("pg_ctl", "-D", self.data, "-l", log, "-o", options, "-w", "start")

    def restart(self) -> None:
        """Stop it as if the power had failed, and start it again."""
        self.stop("immediate")
        self.start()

    def stop(self, mode: str) -> None:
        """Stop it: "fast" in order, "immediate" as if the power had failed."""
        self._as_owner("pg_ctl", "-D", self.data, "-m", mode, "-w", "stop")

    def answers(self) -> bool:
        """Whether it can be written to now."""
        address = self.url.replace("+psycopg", "")
        try:
            with psycopg.connect(address, connect_timeout=2) as connection:
                connection.execute("CREATE TABLE probe (one int)")
                connection.rollback()
        except psycopg.Error:
            return False
        return True

    def _as_owner(self, program: str, *words: object) -> None:
        assert POSTGRES_PROGRAMS is not None
        owner = OWNER if os.geteuid() == 0 else None
        done = subprocess.run(
            [str(POSTGRES_PROGRAMS / program), *map(str, words)],
            user=owner,
            group=owner,
            extra_groups=None if owner is None else [],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode == 0, (program, words, done.stderr)


@contextmanager
def own_postgres(megabytes: int | None = None) -> Iterator[OwnPostgres]:
    """A running cluster; on a disk of so many megabytes, if said (root alone can)."""
    with _own_folder() as folder, _small_disk(folder, megabytes):
        server = OwnPostgres(folder)
        server.create()
        server.start()
        try:
            yield server
        finally:
            with suppress(AssertionError):
                server.stop("immediate")


@contextmanager
def _own_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="noriai-faults-") as name:
        yield Path(name)


@contextmanager
def _small_disk(folder: Path, megabytes: int | None) -> Iterator[None]:
    """Put a small memory disk at `folder`, and give it to PostgreSQL's user."""
    if megabytes is not None:
        size = f"size={megabytes}m"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)], check=True)
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, OWNER, OWNER)
        yield
    finally:
        if megabytes is not None:
            subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A folder on a disk of so many megabytes (root alone can)."""
    with _own_folder() as folder, _small_disk(folder, megabytes):
        yield folder


def fill(folder: Path) -> Path:
    """Fill the disk under `folder` to the last byte; the file that does it."""
    ballast = folder / "ballast"
    with ballast.open("wb") as file, suppress(OSError):
        while True:
            file.write(b"\0" * 65_536)
            file.flush()
    return ballast


class OwnRedis:
    """A Redis server of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        words = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder)]
        self._process = subprocess.Popen(
            ["redis-server", *words, "--save", ""], stdout=subprocess.DEVNULL
        )
        with closing(Redis(port=self.port)) as client:
            for _ in range(PATIENCE_SECONDS * 20):
                with suppress(RedisError):
                    client.ping()
                    return
                sleep(0.05)
        raise AssertionError("Redis does not answer")

    def flush(self) -> None:
        """Let it forget everything."""
        with closing(Redis(port=self.port)) as client:
            client.flushall()

    def hang(self) -> None:
        """Let it answer nothing, and hold every connection."""
        self._tell(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it answer again."""
        self._tell(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once."""
        self._tell(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
            self._process = None

    def _tell(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)


@contextmanager
def own_redis() -> Iterator[OwnRedis]:
    """A running Redis."""
    with _own_folder() as folder:
        server = OwnRedis(folder)
        server.start()
        try:
            yield server
        finally:
            server.kill()
