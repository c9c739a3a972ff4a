"""The bench measures what it says: full routes, and insertions that are mostly possible."""

from __future__ import annotations

from dispatch.optimizer.verify import verify
from simulations.bench.insert import bench_insert, busy_fleet


def test_the_bench_reports_its_median_and_its_slowest_hundredth() -> None:
    figures = bench_insert(vehicles=3, stops=6, measured=20)

    assert 0 < figures["median_ms"] <= figures["p99_ms"] <= figures["max_ms"]
    assert figures["stops_a_vehicle"] >= 5


def test_the_fleet_of_the_bench_keeps_every_limit() -> None:
    arrays = busy_fleet(vehicles=4, stops=8, unserved=0, seed=3)

    assert verify(arrays.problem, arrays.to_plan()) == ()
    assert len(arrays.to_plan().served()) >= 12
