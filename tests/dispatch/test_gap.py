"""How far from the best possible the plan of a day is, as an operator reads it."""

from __future__ import annotations

from dispatch.commands.gap import find_gap
from dispatch.optimizer.stopping import Iterations
from tests.builders import DAY, a_town


def test_a_day_with_one_ride_is_proven_best() -> None:
    with a_town().with_one_vehicle().with_booking("clinic", pickup="09:40") as day:
        gap = find_gap(DAY, day.service, Iterations(50))

    assert gap.rides == 1
    assert gap.proven_best
    assert str(gap) == "proven best"


def test_without_looking_nothing_is_claimed() -> None:
    with a_town().with_one_vehicle().with_booking("clinic", pickup="09:40") as day:
        gap = find_gap(DAY, day.service, Iterations(0))

    assert not gap.proven_best
    assert str(gap) == "within 100.0 % of the best possible"


def test_looking_changes_nothing() -> None:
    with a_town().with_booking("clinic", pickup="09:40") as day:
        before = day.service.store.read_day(DAY)

        find_gap(DAY, day.service, Iterations(50))

        assert day.service.store.read_day(DAY) == before
