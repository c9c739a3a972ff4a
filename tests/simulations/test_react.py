"""What the bench of first answers says of a small fleet."""

from __future__ import annotations

from simulations.bench.react import bench_react


def test_new_bookings_reach_the_plan_and_a_search_never_drives_more() -> None:
    told = bench_react(vehicles=2, rides=8, seconds=0.2, measured=3)

    assert told["rides"] == 8
    reached, better, saved = told["measured"], told["better_of"], told["vehicle_time_less_percent"]
    assert isinstance(reached, int)
    assert isinstance(better, int)
    assert isinstance(saved, float)
    assert 0 <= better <= reached <= 3
    assert (told["reach_ms"] is None) == (reached == 0)
    assert saved < 100
