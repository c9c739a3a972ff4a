"""`noriai bench serve`: that it measures what it says; how fast a machine is, is no test."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from api.bench_serve import reached, summary
from api.bench_streams import Heard
from api.cli import app
from tests.databases import new_empty_database
from tests.markers import needs_postgres


def measured(*options: str) -> dict[str, object]:
    """What a small run says in its JSON line."""
    small = ("--vehicles", "3", "--seconds", "0.3", "--callers", "2", "--json")
    said = CliRunner().invoke(app, ["bench", "serve", *small, *options], catch_exceptions=False)
    found: dict[str, object] = json.loads(said.stdout.splitlines()[-1])
    return found


def test_a_run_measures_quotes_bookings_bare_transactions_and_streams() -> None:
    found = measured("--streams", "3", "--streamed-seconds", "0.5")

    assert found["database"] == "sqlite"
    alone, streams = found["alone"], found["streams"]
    assert isinstance(alone, dict)
    assert isinstance(streams, dict)
    assert {"quote", "booking", "cancel", "bare", "bookings_cost_bare"} <= alone.keys()
    assert streams["missing"] == 0
    assert streams["to_each"]["count"] == 3 * streams["events"] > 0


@needs_postgres
@pytest.mark.postgres
def test_a_run_on_postgres_leaves_no_database_behind() -> None:
    with new_empty_database("postgres") as server:
        found = measured("--database", server)
        again = measured("--database", server)

    assert found["database"] == again["database"] == "postgresql"


def test_the_ninety_ninth_percentile_is_the_one_that_one_in_a_hundred_exceeds() -> None:
    assert summary(range(1, 101)) == {"count": 100, "median_ms": 50.5, "p99_ms": 100, "max_ms": 100}
    assert summary([7.0])["p99_ms"] == 7.0


def test_an_event_that_one_reader_lacks_is_counted_as_missing() -> None:
    heard = Heard(arrivals={4: [10.1, 10.2], 5: [10.3]}, moments={4: 10.0, 5: 10.0})

    told = reached(heard, streams=2)
    assert (told["events"], told["missing"]) == (2, 1)
    assert told["to_the_last"]["max_ms"] == pytest.approx(300)
