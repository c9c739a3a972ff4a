"""The table of a booking's states against its documentation, and the promise ledger.

See: docs/booking.md
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest

from dispatch.booking import (
    IN_THE_PLAN,
    MOVES,
    Act,
    Booking,
    Lateness,
    Part,
    Party,
    Place,
    Promise,
    State,
    Verdict,
    accept,
    board,
    complete,
    leave_the_plan,
    move,
    pickup_lateness,
    ride_lateness,
    strand,
    verdict,
)
from dispatch.driving import ROAD_MOVES, RoadAct, Status, move_vehicle
from dispatch.errors import NotAllowedNow
from tests.builders import DAY, at_km, on_the_clock

DOCS = Path(__file__).parents[2] / "docs" / "booking.md"
ROW = re.compile(r"^\| `(\w+)` \| `(\w+)` \| `(\w+)` \|", re.MULTILINE)


def an_offer() -> Booking:
    promise = Promise(on_the_clock("10:00"), on_the_clock("10:15"), on_the_clock("10:40"), 900)
    return Booking(
        id="bkg_1",
        quote_id="quo_1",
        registrant_id=None,
        service_day=DAY,
        origin=Place(at_km(0, 0), "hall", "hall"),
        destination=Place(at_km(3, 0), "clinic", "clinic"),
        party=Party(1),
        promise=promise,
        direct_seconds=360,
        fare_yen=300,
        state=State.OFFERED,
        channel="phone",
        created_at=on_the_clock("09:00"),
        route_id="rte_1",
        expires_at=on_the_clock("09:02"),
    )


def ridden(pickup: str, left: str, arrived: str) -> Booking:
    booked = accept(an_offer(), on_the_clock("09:01"), on_the_clock("10:00"))
    aboard = board(booked, on_the_clock(pickup), on_the_clock(left))
    return complete(aboard, on_the_clock(arrived))


def test_the_documentation_shows_the_very_moves_of_both_tables() -> None:
    told = {(state, act): after for state, act, after in ROW.findall(DOCS.read_text("utf-8"))}
    known = {(s.value, a.value): t.value for (s, a), t in MOVES.items()}
    known |= {(s.value, a.value): t.value for (s, a), t in ROAD_MOVES.items()}
    assert told == known


@pytest.mark.parametrize(("state", "act"), list(product(State, Act)))
def test_a_booking_makes_the_moves_of_its_table_and_no_other(state: State, act: Act) -> None:
    if (state, act) in MOVES:
        assert move(state, act) is MOVES[state, act]
        return
    with pytest.raises(NotAllowedNow) as raised:
        move(state, act)
    assert raised.value.facts == {"state": state.value, "act": act.value}


@pytest.mark.parametrize(("status", "act"), list(product(Status, RoadAct)))
def test_a_vehicle_makes_the_moves_of_its_table_and_no_other(status: Status, act: RoadAct) -> None:
    if (status, act) in ROAD_MOVES:
        assert move_vehicle(status, act) is ROAD_MOVES[status, act]
        return
    with pytest.raises(NotAllowedNow):
        move_vehicle(status, act)


def test_what_has_ended_never_moves_again() -> None:
    ended = set(State) - IN_THE_PLAN
    assert not [move for move in MOVES if move[0] in ended]


def test_a_ride_within_its_promise_is_kept() -> None:
    assert verdict(ridden("10:15", "10:16", "10:31")) is Verdict.KEPT


def test_a_late_pickup_is_late_by_the_second() -> None:
    late = ridden("10:15:07", "10:16", "10:30")
    assert pickup_lateness(late) == Lateness(Part.PICKUP, 7)
    assert verdict(late) is Verdict.LATE


def test_a_long_ride_and_a_late_arrival_are_told_apart() -> None:
    assert ride_lateness(ridden("10:00", "10:01", "10:16:30")) == (Lateness(Part.RIDE, 30),)
    both = ridden("10:15", "10:16", "10:41")
    assert {late.part for late in ride_lateness(both)} == {Part.RIDE, Part.ARRIVAL}


def test_a_promise_that_is_open_or_not_wanted_any_more_has_no_verdict() -> None:
    booked = accept(an_offer(), on_the_clock("09:01"), on_the_clock("10:00"))
    assert verdict(booked) is None
    assert verdict(leave_the_plan(booked, Act.CANCEL, "passenger")) is None


def test_a_passenger_nobody_brings_is_a_broken_promise() -> None:
    booked = accept(an_offer(), on_the_clock("09:01"), on_the_clock("10:00"))
    lost = leave_the_plan(booked, Act.BREAK_PROMISE, "engine")
    assert verdict(lost) is Verdict.BROKEN
    assert lost.cause == "engine"


def test_somebody_stranded_keeps_the_promise_and_the_time_of_the_first_pickup() -> None:
    booked = accept(an_offer(), on_the_clock("09:01"), on_the_clock("10:00"))
    aboard = board(booked, on_the_clock("10:02"), on_the_clock("10:03"))
    waiting = strand(aboard, at_km(1, 0), "engine")
    again = board(waiting, on_the_clock("10:20"), on_the_clock("10:21"))

    assert waiting.origin.point == at_km(1, 0)
    assert again.promise == booked.promise
    assert again.picked_up_at == on_the_clock("10:02")
    assert again.boarded_at == on_the_clock("10:03")


def test_no_act_changes_the_promise() -> None:
    done = ridden("10:05", "10:06", "10:20")
    assert done.promise == an_offer().promise
    shifted = replace(done.promise, pickup_latest=done.promise.pickup_latest + timedelta(1))
    assert done.promise != shifted
