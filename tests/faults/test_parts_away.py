"""PostgreSQL and Redis are taken away under load, and come back: the service heals by itself.

See: docs/faults.md
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from random import Random
from time import sleep

import pytest

from tests.faults.judge import judge
from tests.faults.people import Crowd, record
from tests.faults.servers import OwnRedis, fill, own_postgres, own_redis, small_disk
from tests.faults.town import MORNING, RunningTown, running, wait_for
from tests.markers import examples, needs_own_postgres, needs_own_redis, needs_root, soak_only

TIMES = examples(1, 5)
SEED = 20261126


@needs_own_postgres
@needs_own_redis
@pytest.mark.postgres
@pytest.mark.redis
def test_a_postgres_and_a_redis_that_fail_lose_nothing_and_are_waited_for(tmp_path: Path) -> None:
    chance = Random(SEED)
    with (
        own_postgres() as postgres,
        own_redis() as redis,
        running(tmp_path, postgres.url, webs=2, redis=redis.url) as town,
    ):
        crowd = a_crowd(town)
        for _ in range(TIMES):
            with town.part_away():
                postgres.restart()
            judge(crowd)
            for fault in (redis.flush, lambda: gone(redis, redis.kill, redis.start)):
                sleep(chance.uniform(0.1, 1.0))  # at any moment
                fault()
            gone(redis, redis.hang, redis.go_on)
            judge(crowd)
        crowd.go_home()
        assert [slot.starts for slot in (*town.webs, *town.workers)] == [1, 1, 1]
        record("parts away", crowd, postgres_restarts=TIMES, redis_faults=3 * TIMES)


def gone(redis: OwnRedis, go: Callable[[], None], come: Callable[[], None]) -> None:
    """Without Redis for a while."""
    go()
    sleep(2)
    come()


@soak_only
@needs_own_postgres
@pytest.mark.postgres
def test_a_whole_day_without_the_redis_that_was_promised(tmp_path: Path) -> None:
    nobody = "redis://127.0.0.1:1/0"
    with (
        own_postgres() as postgres,
        running(tmp_path, postgres.url, webs=2, redis=nobody, speed=120) as town,
    ):
        crowd = a_crowd(town)
        evening = MORNING + timedelta(hours=7)
        wait_for(lambda: town.clock() > evening, "the day is over", seconds=600)
        judge(crowd)
        crowd.go_home()
        assert crowd.notes.honest == []
        record("a day without Redis", crowd)


@needs_root
def test_a_full_disk_under_sqlite_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    with (
        small_disk(24) as disk,
        running(tmp_path, f"sqlite:///{disk / 'noriai.sqlite'}", webs=2) as town,
    ):
        crowd = a_crowd(town)
        run_full(crowd, disk)
        crowd.go_home()
        record("disk full, SQLite", crowd)


@soak_only
@needs_root
@needs_own_postgres
@pytest.mark.postgres
def test_a_full_disk_under_postgres_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    with (
        own_postgres(megabytes=200) as postgres,
        running(tmp_path, postgres.url, webs=2) as town,
    ):
        crowd = a_crowd(town)

        def start_again() -> None:
            if not postgres.answers():  # its log had no room either: then it gives up
                postgres.start()

        run_full(crowd, postgres.folder, start_again)
        crowd.go_home()
        record("disk full, PostgreSQL", crowd)


def run_full(crowd: Crowd, disk: Path, mend: Callable[[], object] = lambda: None) -> None:
    """Let people book, fill the disk until they are told so, and make room again."""
    wait_for(lambda: len(crowd.notes.booked) > 5, "some have booked")
    with crowd.town.part_away():
        ballast = fill(disk)
        wait_for(lambda: len(crowd.notes.honest) > 5, "some are told that it cannot be done")
        ballast.unlink()
        mend()
    before = len(crowd.notes.booked)
    wait_for(lambda: len(crowd.notes.booked) > before, "people book again")
    judge(crowd)


def a_crowd(town: RunningTown) -> Crowd:
    """Some who book, all who drive, two who listen."""
    crowd = Crowd(town, SEED)
    crowd.drivers()
    crowd.residents(4, pause=0.2)
    crowd.readers(2)
    return crowd
