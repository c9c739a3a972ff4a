"""Bells wake readers; without a bell, or without Redis, nothing is lost."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from threading import Event as Flag
from threading import Thread

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NoRedis

from dispatch.commit import Change, commit
from dispatch.store.store import Store
from dispatch.store.wake import Bell, InProcessBell, RedisBell, follow
from tests.databases import new_store
from tests.dispatch.store.test_outbox import told
from tests.dispatch.store.toys import ports

needs_redis_server = pytest.mark.skipif(
    shutil.which("redis-server") is None, reason="needs redis-server (apt-get install redis)"
)


class OwnRedis:
    """A Redis server of the test's own, which it may kill."""

    def __init__(self, folder: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._folder = folder
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        options = f"--port {self.port} --bind 127.0.0.1 --dir {self._folder} --save  "
        self._process = subprocess.Popen(
            ["redis-server", *options.split(" ")[:-1]], stdout=subprocess.DEVNULL
        )
        with closing(Redis(port=self.port)) as client:
            while True:
                try:
                    client.ping()
                    return
                except NoRedis:
                    assert self._process.poll() is None

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def redis() -> Iterator[OwnRedis]:
    with tempfile.TemporaryDirectory(prefix="noriai-redis-") as folder:
        server = OwnRedis(folder)
        yield server
        server.kill()


@pytest.fixture
def sqlite() -> Iterator[Store]:
    with new_store("sqlite") as store:
        yield store


def test_a_ring_between_the_look_and_the_wait_is_not_missed() -> None:
    bell = InProcessBell()
    mark = bell.mark()
    bell.ring()

    bell.wait(mark, seconds=3600)

    assert bell.mark() != mark


@needs_redis_server
def test_a_ring_through_redis_wakes_a_reader_of_another_process(redis: OwnRedis) -> None:
    ours, theirs = RedisBell(redis.url), RedisBell(redis.url)
    mark = ours.mark()
    theirs.ring()

    ours.wait(mark, seconds=3600)

    assert ours.mark() != mark
    ours.close()
    theirs.close()


def followed(store: Store, bell: Bell, count: int, between: object = None) -> list[int]:
    """Numbers of the first `count` events that a follower meets, one committed after the other."""
    stop, met, numbers = Flag(), Flag(), list[int]()

    def listen() -> None:
        for event in follow(store, bell, 0, stop):
            numbers.append(event.number)
            met.set()
            if len(numbers) == count:
                return

    listener = Thread(target=listen)
    listener.start()
    for number in range(count):
        if callable(between) and number == count // 2:
            between()
        commit(Change(events=(told(str(number)),)), store, ports())
        bell.ring()
        assert met.wait(30)
        met.clear()
    listener.join(30)
    return numbers


def test_a_follower_meets_every_event_once_in_order(sqlite: Store) -> None:
    assert followed(sqlite, InProcessBell(), 10) == list(range(1, 11))


@needs_redis_server
def test_losing_redis_in_the_middle_loses_no_event(sqlite: Store, redis: OwnRedis) -> None:
    bell = RedisBell(redis.url)

    assert followed(sqlite, bell, 4, between=redis.kill) == [1, 2, 3, 4]

    bell.close()


@needs_redis_server
def test_a_redis_that_comes_back_rings_again(redis: OwnRedis) -> None:
    bell = RedisBell(redis.url)
    redis.kill()
    bell.ring()
    assert bell.mark() == ""
    redis.start()

    mark = bell.mark()
    bell.ring()
    bell.wait(mark, seconds=3600)

    assert bell.mark() not in {"", mark}
    bell.close()
