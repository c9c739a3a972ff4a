"""kill -9 of any process of the service, at any moment, under load: nothing is lost.

See: docs/faults.md
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from time import sleep

import pytest

from tests.faults.judge import judge
from tests.faults.people import Crowd, record
from tests.faults.servers import own_postgres, own_redis
from tests.faults.town import kill_number, running
from tests.markers import examples, needs_own_postgres, needs_own_redis

KILLS = examples(1, 50)
"""Of each kind of process."""

SEED = 20261125


@needs_own_postgres
@needs_own_redis
@pytest.mark.postgres
@pytest.mark.redis
def test_no_kill_of_any_process_loses_a_booking(tmp_path: Path) -> None:
    chance = Random(SEED)
    with (
        own_postgres() as postgres,
        own_redis() as redis,
        running(tmp_path, postgres.url, webs=2, redis=redis.url) as town,
    ):
        crowd = Crowd(town, SEED)
        crowd.drivers()
        crowd.residents(4, pause=0.2)
        crowd.readers(2)
        for _ in range(KILLS):
            for kind in chance.sample(("web", "worker", "search"), 3):
                sleep(chance.uniform(0.1, 1.0))  # any moment will do: that is the point
                if kind == "web":
                    town.kill(chance.choice(town.webs))
                elif kind == "worker":
                    town.kill(town.workers[0])
                else:
                    kill_number(town.search_process(town.workers[0]))
            town.heals()
            judge(crowd)
        crowd.go_home()
        assert len(crowd.notes.booked) > KILLS
        record("killed processes", crowd, kills_of_each_kind=KILLS)
