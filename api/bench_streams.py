"""Many readers of the event stream in one process of their own, and when each event reached them.

Plain sockets rather than an HTTP client: what is measured is the service, and five hundred
clients in Python would keep the machine busier than it does.

See: docs/benchmarks.md, serve; docs/decisions/0108-an-event-is-written-once-for-all-its-readers.md
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from multiprocessing.connection import Connection
from typing import cast

OPENED_AT_ONCE = 50
"""How many connections are opened together, so that none waits long to be let in."""

OPENS_WITHIN_SECONDS = 60.0

EVENT_DATA = re.compile(rb"\ndata: (.+)\n")
EVENT_ENDS = re.compile(rb"\nid: (\d+)\n\n")
LONGEST_END = 32
"""Bytes that the end of an event may take; so many are kept where it is cut in two."""


@dataclass(slots=True)
class Heard:
    """What has reached the readers.

    arrivals : by event number, when it had reached each reader (seconds since 1970).
    moments : by event number, the moment that the event names: when its change was decided.
    """

    arrivals: dict[int, list[float]] = field(default_factory=dict)
    moments: dict[int, float] = field(default_factory=dict)

    def milliseconds(self) -> dict[int, list[float]]:
        """By event number, how long it was on its way to each reader."""
        return {
            number: [1000 * (arrival - self.moments[number]) for arrival in arrivals]
            for number, arrivals in self.arrivals.items()
        }


class Listeners:
    """A process with open streams; its parent says when to stop and is told what was heard."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def stop(self) -> Heard:
        """Close the streams; what has reached them."""
        self._pipe.send("stop")
        heard: Heard = self._pipe.recv()
        return heard


@contextmanager
def listening(port: int, token: str, streams: int) -> Iterator[Listeners]:
    """Open so many streams on a server of this machine; all are open when this begins."""
    ours, theirs = multiprocessing.Pipe()
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=_listen, args=(theirs, port, token, streams), daemon=True)
    process.start()
    try:
        if not ours.poll(OPENS_WITHIN_SECONDS) or ours.recv() != "open":
            raise TimeoutError(f"{streams} streams did not open")
        yield Listeners(ours)
    finally:
        process.terminate()
        process.join()


def _listen(pipe: Connection, port: int, token: str, streams: int) -> None:
    asyncio.run(_hear(pipe, port, token, streams))


async def _hear(pipe: Connection, port: int, token: str, streams: int) -> None:
    heard, loop = Heard(), asyncio.get_running_loop()
    readers = [_Reader(heard, token, witness=number == 0) for number in range(streams)]
    for begin in range(0, streams, OPENED_AT_ONCE):
        together = readers[begin : begin + OPENED_AT_ONCE]
        for reader in together:
            await loop.create_connection(partial(_itself, reader), "127.0.0.1", port)
        await asyncio.gather(*(reader.opened.wait() for reader in together))
    pipe.send("open")
    await asyncio.to_thread(pipe.recv)
    heard.moments = dict(_moments(readers[0].kept))
    pipe.send(heard)


def _itself(reader: _Reader) -> _Reader:
    return reader


class _Reader(asyncio.Protocol):
    """One stream. It looks for nothing but the end of each event, to be no burden itself.

    witness : it keeps everything that it is sent, for the moments that the events name.
    """

    def __init__(self, heard: Heard, token: str, *, witness: bool) -> None:
        self.opened = asyncio.Event()
        self.kept = bytearray()
        self._heard = heard
        self._token = token
        self._witness = witness
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        lines = (
            "GET /api/v1/stream HTTP/1.1",
            "Host: localhost",
            f"Authorization: Bearer {self._token}",
        )
        cast("asyncio.Transport", transport).write("\r\n".join((*lines, "", "")).encode())

    def data_received(self, data: bytes) -> None:
        """Note which events have come whole."""
        now = time.time()
        if self._witness:
            self.kept += data
        if not self.opened.is_set() and b": here" in data:
            self.opened.set()
        text = self._rest + data
        for number in EVENT_ENDS.findall(text):
            self._heard.arrivals.setdefault(int(number), []).append(now)
        self._rest = text[max(text.rfind(b"\n\n") + 2, len(text) - LONGEST_END) :]


def _moments(kept: bytes | bytearray) -> Iterator[tuple[int, float]]:
    for text in EVENT_DATA.findall(kept):
        told = json.loads(text)
        yield told["number"], datetime.fromisoformat(told["at"]).timestamp()
