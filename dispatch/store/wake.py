"""Telling readers that the outbox has grown: in this process, or across many by Redis.

A bell only wakes. What happened is in the outbox, under its number, and a reader that
missed the bell finds it at its next look; so losing Redis loses nothing but time.

See: docs/store.md, readers; docs/decisions/0044-numbers-are-given-after-the-commit.md
"""

from __future__ import annotations

from collections.abc import Iterator
from threading import Condition, Event
from time import monotonic
from typing import Protocol

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as TooSlow
from redis.retry import Retry

from dispatch.events import RecordedEvent
from dispatch.store.store import Store

LOOK_AGAIN_SECONDS = 2.0
"""How often a reader looks by itself when no bell rings."""

_RING_TIMEOUT_SECONDS = 0.5
_LISTEN_SECONDS = LOOK_AGAIN_SECONDS
_LEFT_ALONE_SECONDS = 5.0
"""How long a Redis that hangs is not rung, so that commits do not wait for it one by one."""
_KEPT_RINGS = 100


class Bell(Protocol):
    """Rings when the outbox has grown; losing a ring only makes readers slower."""

    def ring(self) -> None:
        """Wake every reader. Never fails and never waits for long."""
        ...

    def mark(self) -> str:
        """Where the bell stands now: a reader takes it before it looks, then waits from it."""
        ...

    def wait(self, mark: str, seconds: float) -> None:
        """Return when the bell has rung since `mark`, at the latest after so many seconds.

        It may return sooner; the reader looks, and waits again.
        """
        ...


class InProcessBell:
    """The bell of an embedded service: one process, any number of threads."""

    def __init__(self) -> None:
        self._rung = 0
        self._condition = Condition()

    def ring(self) -> None:
        """Wake every waiting thread."""
        with self._condition:
            self._rung += 1
            self._condition.notify_all()

    def mark(self) -> str:
        """How often it has rung."""
        with self._condition:
            return str(self._rung)

    def wait(self, mark: str, seconds: float) -> None:
        """Wait for the next ring after `mark`."""
        with self._condition:
            self._condition.wait_for(lambda: str(self._rung) != mark, timeout=seconds)


class RedisBell:
    """The bell of a service of several processes: a short Redis stream.

    A stream rather than a channel: a reader waits from the entry it saw last, so a ring
    between two looks is not lost. While Redis is away, readers look every
    `LOOK_AGAIN_SECONDS`.

    url : `redis://host:port/number`.
    name : one a town, where several share one Redis.
    """

    def __init__(self, url: str, name: str = "noriai") -> None:
        self._key = f"{name}:bell"
        # No retries: a commit must not wait for a Redis that is away, and a reader has its
        # own way of waiting.
        self._ringer = Redis.from_url(
            url,
            socket_timeout=_RING_TIMEOUT_SECONDS,
            socket_connect_timeout=_RING_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._listener = Redis.from_url(
            url,
            socket_timeout=2 * _LISTEN_SECONDS,
            socket_connect_timeout=_RING_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._pause = Event()
        self._away = False
        self._alone_until = 0.0

    def ring(self) -> None:
        """Add an entry to the stream; a Redis that hangs is left alone for a while."""
        if monotonic() < self._alone_until:
            return
        try:
            self._ringer.xadd(self._key, {"r": ""}, maxlen=_KEPT_RINGS, approximate=True)
            self._note(away=False)
        except (RedisError, OSError) as error:
            self._note_failure(error)

    def mark(self) -> str:
        """The id of the stream's last entry; "" while Redis is away."""
        if monotonic() < self._alone_until:
            return ""
        try:
            entries = self._ringer.xrevrange(self._key, count=1)
        except (RedisError, OSError) as error:
            self._note_failure(error)
            return ""
        if not entries:
            return "0-0"
        entry = entries[0][0]
        return entry.decode() if isinstance(entry, bytes) else str(entry)

    def wait(self, mark: str, seconds: float) -> None:
        """Wait for an entry after `mark`; without Redis, for `LOOK_AGAIN_SECONDS` at most."""
        if mark:
            block = max(1, int(min(seconds, _LISTEN_SECONDS) * 1000))
            try:
                self._listener.xread({self._key: mark}, count=1, block=block)
            except (RedisError, OSError) as error:
                self._note_failure(error)
            else:
                return
        self._pause.wait(min(seconds, LOOK_AGAIN_SECONDS))

    def close(self) -> None:
        """Let go of both connections, and of whoever is waiting without Redis."""
        self._pause.set()
        self._ringer.close()
        self._listener.close()

    def _note_failure(self, error: Exception) -> None:
        """A Redis that refuses costs nothing to ask again; one that hangs costs each caller."""
        if isinstance(error, (TooSlow, TimeoutError)):
            self._alone_until = monotonic() + _LEFT_ALONE_SECONDS
        self._note(away=True)

    def _note(self, *, away: bool) -> None:
        if away != self._away:
            self._away = away
            log = structlog.get_logger()
            log.warning("redis_away" if away else "redis_back", key=self._key)


def follow(store: Store, bell: Bell, after: int, stop: Event) -> Iterator[RecordedEvent]:
    """Every event after number `after`, in order, as they come, until `stop` is set.

    Resumes without gap or repeat from the number of the last event that was handled.
    """
    while not stop.is_set():
        mark = bell.mark()
        fresh = store.publish_events()
        if not fresh or fresh[0].number != after + 1:
            fresh = store.list_events(after)  # another process may have published some
        if not fresh:
            bell.wait(mark, LOOK_AGAIN_SECONDS)
            continue
        for event in fresh:
            yield event
            after = event.number
