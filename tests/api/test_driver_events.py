"""Acts of a dead zone: sent later, in one batch, and counted at the time they were done."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from dispatch.booking import Verdict, verdict
from dispatch.commands.audit import audit
from dispatch.events import Event, Fact
from dispatch.store.tokens import Role
from tests.api.doors import Doors, Person, at, opened
from tests.builders import DAY, a_town, on_the_clock

__all__ = ["at"]


def noted(clock: str, day: str = "2026-11-25") -> str:
    """A time as a tablet writes it."""
    return f"{day}T{clock}:00+09:00"


def send(driver: Person, *acts: dict[str, Any]) -> list[str]:
    results = driver.post("/driver/events", {"events": list(acts)}).json()["results"]
    return [result["outcome"] for result in results]


def events_of(at: Doors) -> dict[str, Event]:
    """The last event of each fact."""
    store = at.day.service.store
    store.publish()
    return {each.event.fact.value: each.event for each in store.list_events(0)}


def a_dead_zone(booking_id: str) -> list[dict[str, Any]]:
    """A whole ride of which the service hears nothing until it is over."""
    return [
        {"id": "1", "act": "depart", "at": noted("09:58")},
        {"id": "2", "act": "arrive", "at": noted("10:00")},
        {"id": "3", "act": "board", "booking_id": booking_id, "at": noted("10:02")},
        {"id": "4", "act": "depart", "at": noted("10:03")},
        {"id": "5", "act": "arrive", "at": noted("10:09")},
        {"id": "6", "act": "complete", "booking_id": booking_id, "at": noted("10:10")},
    ]


@pytest.fixture
def driver(at: Doors) -> Person:
    """The driver of the first vehicle, on duty since nine."""
    person = at.person(Role.DRIVER, "car1")
    send(person, {"id": "0", "act": "start_duty"})
    return person


def test_a_ride_in_a_dead_zone_counts_at_the_times_it_was_done(at: Doors, driver: Person) -> None:
    booking = at.book(at.operator)
    at.day.clock.set_to("11:30")

    assert send(driver, *a_dead_zone(booking["id"])) == ["applied"] * 6

    ride = at.day.service.store.get_booking(booking["id"])
    assert ride.boarded_at == on_the_clock("10:02")
    assert ride.completed_at == on_the_clock("10:09")
    assert verdict(ride) is Verdict.KEPT
    assert "promise_late" not in at.day.facts()


def test_without_the_tablets_times_the_same_ride_is_late(at: Doors, driver: Person) -> None:
    booking = at.book(at.operator)
    at.day.clock.set_to("11:30")
    acts = [{k: v for k, v in act.items() if k != "at"} for act in a_dead_zone(booking["id"])]

    send(driver, *acts)

    ride = at.day.service.store.get_booking(booking["id"])
    assert verdict(ride) is Verdict.LATE


def test_an_act_that_was_heard_of_later_is_recorded_with_both_times(
    at: Doors, driver: Person
) -> None:
    at.book(at.operator)
    at.day.clock.set_to("10:30")

    send(driver, {"id": "1", "act": "depart", "at": noted("09:58")})

    departed = events_of(at)["departed"]
    assert departed.at == on_the_clock("09:58")
    assert datetime.fromisoformat(departed.payload["heard_at"]) == on_the_clock("10:30")
    assert "heard_at" not in events_of(at)["duty_started"].payload


@pytest.mark.parametrize(
    ("why", "when"),
    [
        ("in the future", noted("10:31")),
        ("before the vehicle's former act", noted("08:59")),
        ("on the day before", noted("09:58", "2026-11-24")),
        ("on the day after", noted("09:58", "2026-11-26")),
        ("by a clock that has lost its date", noted("09:58", "1970-01-01")),
    ],
)
def test_a_time_that_cannot_be_counts_as_the_moment_it_came(
    at: Doors, driver: Person, why: str, when: str
) -> None:
    at.book(at.operator)
    at.day.clock.set_to("10:30")

    assert send(driver, {"id": "1", "act": "depart", "at": when}) == ["applied"], why

    assert events_of(at)["departed"].at == on_the_clock("10:30")


def test_a_batch_that_is_sent_twice_is_done_once(at: Doors, driver: Person) -> None:
    booking = at.book(at.operator)
    at.day.clock.set_to("11:30")
    acts = a_dead_zone(booking["id"])

    first = send(driver, *acts[:3])
    again = send(driver, *acts)
    facts = at.day.facts()

    assert (first, again) == (["applied"] * 3, ["applied"] * 6)
    assert send(driver, *acts) == ["applied"] * 6
    assert at.day.facts() == facts


def test_the_same_act_with_another_time_is_refused(at: Doors, driver: Person) -> None:
    at.book(at.operator)
    at.day.clock.set_to("10:30")
    send(driver, {"id": "1", "act": "depart", "at": noted("09:58")})

    answer = driver.post(
        "/driver/events", {"events": [{"id": "1", "act": "depart", "at": noted("09:59")}]}
    )

    (result,) = answer.json()["results"]
    assert (result["outcome"], result["problem"]["code"]) == ("refused", "idempotency_key_reused")


def notices(at: Doors) -> list[str]:
    store = at.day.service.store
    store.publish()
    told = [each.event for each in store.list_events(0) if each.event.fact is Fact.NOTICE]
    return [event.payload["code"] for event in told]


def test_nobody_is_told_of_a_pickup_that_is_over(at: Doors, driver: Person) -> None:
    booking = at.book(at.operator)
    at.day.clock.set_to("11:30")

    send(driver, *a_dead_zone(booking["id"]))

    assert notices(at) == ["notice_confirmed"]


def test_whoever_still_waits_is_told_once_the_batch_is_through() -> None:
    with opened(a_town().with_one_vehicle()) as at:
        driver = at.person(Role.DRIVER, "car1")
        send(driver, {"id": "0", "act": "start_duty"})
        first = at.book(at.operator)
        at.book(at.operator, "market", depart_after=noted("10:30"))
        at.day.clock.set_to("11:30")

        send(driver, *a_dead_zone(first["id"]))

        assert notices(at).count("notice_delayed") == 1


def test_nobody_is_called_absent_before_their_time_by_the_tablets_clock(
    at: Doors, driver: Person
) -> None:
    booking = at.book(at.operator)
    at.day.clock.set_to("10:30")
    acts = a_dead_zone(booking["id"])[:2]
    acts[1]["at"] = noted("09:59")

    outcomes = send(
        driver,
        *acts,
        {"id": "7", "act": "no_show", "booking_id": booking["id"], "at": noted("09:59")},
        {"id": "8", "act": "no_show", "booking_id": booking["id"], "at": noted("10:05")},
    )

    assert outcomes == ["applied", "applied", "refused", "applied"]


def test_a_day_with_a_dead_zone_passes_the_audit(at: Doors, driver: Person) -> None:
    booking = at.book(at.operator)
    at.day.clock.set_to("11:30")
    send(driver, *a_dead_zone(booking["id"]))

    assert audit(DAY, at.day.service.store).findings == ()


# --- positions ------------------------------------------------------------------------------


def position(clock: str, north: float) -> dict[str, Any]:
    return {"at": noted(clock), "lat": 33.0 + north, "lon": 131.0}


def track_of(at: Doors, route_id: str) -> list[tuple[datetime, float]]:
    seen = at.day.service.store.list_positions(route_id)
    return [(each.at, round(each.point.lat - 33.0, 4)) for each in seen]


def test_positions_may_come_late_twice_and_in_any_order(at: Doors, driver: Person) -> None:
    route_id = at.book(at.operator)["route_id"]
    at.day.clock.set_to("09:30")
    newer, older = position("09:20", 0.002), position("09:10", 0.001)

    for batch in ([newer], [newer, older], [older]):
        assert driver.post("/driver/positions", {"positions": batch}).status_code == 200

    assert track_of(at, route_id) == [
        (on_the_clock("09:10"), 0.001),
        (on_the_clock("09:20"), 0.002),
    ]


def test_an_old_position_says_nothing_of_a_delay(at: Doors, driver: Person) -> None:
    at.book(at.operator)
    at.day.clock.set_to("10:00")
    send(driver, {"id": "1", "act": "depart"})
    expected = driver.get("/driver/manifest").json()["arrives_at"]
    far = [position("09:30", 0.08)]

    answer = driver.post("/driver/positions", {"positions": far})

    assert answer.json()["expected_arrival"] == expected


def test_a_position_of_tomorrow_counts_as_the_moment_it_came(at: Doors, driver: Person) -> None:
    route_id = at.book(at.operator)["route_id"]
    at.day.clock.set_to("09:30")
    ahead = {**position("09:20", 0.002), "at": noted("09:20", "2026-11-26")}

    driver.post("/driver/positions", {"positions": [ahead]})

    assert track_of(at, route_id) == [(on_the_clock("09:30"), 0.002)]
