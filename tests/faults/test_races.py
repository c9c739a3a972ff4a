"""Everybody after the last seats, over HTTP at four web processes, while two workers improve.

See: docs/faults.md
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from tests.faults.judge import judge
from tests.faults.people import Caller, Crowd, record
from tests.faults.servers import own_postgres, own_redis
from tests.faults.town import running, wait_for
from tests.markers import examples, needs_own_postgres, needs_own_redis

PEOPLE = examples(24, 200)
AT_ONCE = examples(8, 40)
WEBS = 4
SEED = 20261128
MOVES = examples(12, 60)
"""Bookings made while both workers search."""

WISH = {
    "origin": {"stop_id": ""},
    "destination": {"stop_id": ""},
    "depart_after": "2026-11-25T11:00:00+09:00",
    "party": {"passengers": 1},
}


@needs_own_postgres
@needs_own_redis
@pytest.mark.postgres
@pytest.mark.redis
def test_no_seat_is_sold_twice_however_many_want_it_and_improve(tmp_path: Path) -> None:
    with (
        own_postgres() as postgres,
        own_redis() as redis,
        running(tmp_path, postgres.url, webs=WEBS, workers=2, redis=redis.url) as town,
    ):
        crowd = Crowd(town, SEED)
        first = Caller(town, crowd.notes, Random(SEED))
        stops = [stop["id"] for stop in first.ask("GET", "/stops")[1]["items"]]
        wish = {**WISH, "origin": {"stop_id": stops[0]}, "destination": {"stop_id": stops[-1]}}

        def want(number: int) -> str:
            caller = Caller(town, crowd.notes, Random(f"{SEED} {number}"))
            me = crowd.register(caller, 1000 + number, stops[0])
            mine = {**wish, "registration_id": me}
            status, quote = caller.ask("POST", "/quotes", mine, f"race quote {number}")
            assert status == 200, quote
            offers = quote["offers"]
            if not offers:
                return str(quote["refusal"]["code"])
            took = crowd.accept(caller, offers[0]["id"], f"race accept {number}")
            caller.close()
            return "booked" if took else "too late"

        with ThreadPoolExecutor(AT_ONCE) as pool:
            came = Counter(pool.map(want, range(PEOPLE)))
        judge(crowd)
        assert came["booked"] == len(crowd.notes.booked) >= 4
        assert sum(came.values()) == PEOPLE

        crowd.drivers()
        crowd.residents(4)
        crowd.readers(1)
        raced = len(crowd.notes.booked)
        wait_for(lambda: len(crowd.notes.booked) > raced + MOVES, "people book", seconds=900)
        judge(crowd)
        crowd.go_home()
        record("races", crowd, people=PEOPLE, came=dict(came), web_processes=WEBS, workers=2)
