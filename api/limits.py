"""How often somebody may ask: so many requests a minute, here or across processes by Redis.

Without Redis, or while it is away, each process counts for itself; a town is never shut out
because a counter is.

See: docs/http.md; docs/decisions/0073-counting-by-the-minute.md
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from dispatch.errors import Refused

WINDOW_SECONDS = 60
_REDIS_SECONDS = 0.2
_LEFT_ALONE_SECONDS = 5
"""How long a Redis that did not answer is not asked again, so that nobody waits for it."""


class Limiter:
    """Counts requests by name within each minute of the clock.

    redis_url : where processes count together; None counts in this one.
    """

    def __init__(self, now: Callable[[], datetime], redis_url: str | None = None) -> None:
        self._now = now
        self._minute = 0
        self._counts: dict[str, int] = {}
        self._alone_until = 0
        self._redis: Redis | None = None
        if redis_url is not None:
            self._redis = Redis.from_url(
                redis_url,
                socket_timeout=_REDIS_SECONDS,
                socket_connect_timeout=_REDIS_SECONDS,
                retry=Retry(NoBackoff(), 0),
            )

    async def count(self, name: str, most: int) -> None:
        """Note one request. Raises Refused("too_many_requests") beyond `most` a minute."""
        if most <= 0:
            return
        second = int(self._now().timestamp())
        number = self._here(name, second // WINDOW_SECONDS)
        if self._redis is not None and second >= self._alone_until:
            number = max(number, await self._there(self._redis, name, second))
        if number > most:
            raise Refused("too_many_requests", seconds=WINDOW_SECONDS - second % WINDOW_SECONDS)

    def _here(self, name: str, minute: int) -> int:
        if minute != self._minute:
            self._minute, self._counts = minute, {}
        self._counts[name] = self._counts.get(name, 0) + 1
        return self._counts[name]

    async def _there(self, redis: Redis, name: str, second: int) -> int:
        key = f"noriai:rate:{second // WINDOW_SECONDS}:{name}"
        try:
            async with redis.pipeline(transaction=False) as pipe:
                pipe.incr(key)
                pipe.expire(key, 2 * WINDOW_SECONDS)
                number, _ = await pipe.execute()
        except (RedisError, OSError):
            self._alone_until = second + _LEFT_ALONE_SECONDS
            return 0
        return int(number)

    async def close(self) -> None:
        """Let go of Redis."""
        if self._redis is not None:
            await self._redis.aclose()
