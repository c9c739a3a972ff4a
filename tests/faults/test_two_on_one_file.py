"""Two web processes and a worker on one SQLite file: stopped under load, and a clock that jumps.

See: docs/faults.md
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from api.serving import GRACE_SECONDS
from tests.faults.judge import judge
from tests.faults.people import Crowd, record
from tests.faults.town import running, wait_for
from tests.markers import examples

STOPS = examples(1, 10)
SEED = 20261127


def test_a_stop_under_load_and_a_clock_that_jumps_lose_nothing(tmp_path: Path) -> None:
    with running(tmp_path, f"sqlite:///{tmp_path / 'noriai.sqlite'}", webs=2) as town:
        crowd = Crowd(town, SEED)
        crowd.drivers()
        crowd.residents(4, pause=0.2)
        crowd.readers(3)
        wait_for(lambda: len(crowd.notes.booked) > 3, "some have booked")

        for number in range(STOPS):
            for slot in (town.webs[number % 2], town.workers[0]):
                assert town.end(slot, GRACE_SECONDS + 10) == 0
                town.start(slot)
            town.heals()
            judge(crowd)
        for hours in (1, -1):
            town.clock.move(timedelta(hours=hours))
            crowd.goes_on(60)
            judge(crowd)

        crowd.go_home()
        record("stopped, and the clock moved", crowd, stops=2 * STOPS)
