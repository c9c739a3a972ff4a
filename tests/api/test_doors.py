"""The doors, one after the other, as phones, tablets and scripts use them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from api.problems import MEDIA_TYPE
from dispatch.driving import Status
from dispatch.store.tokens import Role
from dispatch.town import BookingRules
from tests.api.doors import Doors, Person, a_registration, a_wish, at, opened
from tests.builders import DAY, a_town
from tests.databases import new_database
from tests.markers import needs_postgres

__all__ = ["at"]


def test_a_resident_registers_asks_and_books(at: Doors) -> None:
    person = at.operator.post("/registrations", a_registration()).json()
    resident = at.person(Role.RESIDENT, person["id"])

    quote = resident.post("/quotes", a_wish(party={"passengers": 2, "wheelchairs": 1})).json()
    offer = quote["offers"][0]
    booked = resident.post("/bookings", {"offer_id": offer["id"]})

    booking = booked.json()
    assert quote["refusal"] is None
    assert booked.status_code == 201
    assert booked.headers["location"] == f"/api/v1/bookings/{booking['id']}"
    assert booking["state"] == "confirmed"
    assert booking["promise"]["pickup_earliest"] == offer["pickup"]["earliest"]
    assert booking["promise"]["arrive_latest"] == offer["arrival"]["latest"]
    assert booking["party"] == {"passengers": 2, "wheelchairs": 1, "needs": ["wheelchair"]}


@needs_postgres
@pytest.mark.postgres
def test_the_doors_open_on_postgres_as_well() -> None:
    with new_database("postgres") as url, opened(a_town().on(url)) as doors:
        booking = doors.book(doors.operator)
        path = f"/bookings/{booking['id']}"
        assert doors.operator.get(path).json() == booking
        assert doors.operator("DELETE", path).json()["state"] == "cancelled"


def test_a_refusal_says_why_and_its_alternatives_can_be_booked() -> None:
    rules = BookingRules(search_span=timedelta(minutes=5))
    with opened(a_town().with_one_vehicle().with_rules(rules).at("09:58")) as doors:
        office, full = doors.operator, {"passengers": 4}
        doors.book(office, "hill", party=full)

        refused = office.post("/quotes", a_wish(party=full)).json()

        assert refused["offers"] == []
        assert refused["refusal"]["message"].endswith("。")
        another = refused["refusal"]["alternatives"][-1]
        assert set(another) == {"depart_after"}
        assert office.post("/quotes", a_wish(party=full, **another)).json()["offers"]


def test_the_same_key_is_done_once_and_another_body_under_it_is_a_conflict(at: Doors) -> None:
    office = at.operator
    first, again = (office.post("/registrations", a_registration(), key="k") for _ in range(2))
    other = office.post("/registrations", a_registration(name="別の人"), key="k")
    elsewhere = at.person(Role.ADMIN).post("/registrations", a_registration(), key="k")

    assert first.json() == again.json()
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert elsewhere.json()["id"] != first.json()["id"]
    assert at.day.service.store.count_registrants() == 2


def test_a_booking_that_changed_meanwhile_is_not_changed_by_who_has_not_seen_it(at: Doors) -> None:
    office = at.operator
    booking = at.book(office)
    path = f"/bookings/{booking['id']}"
    seen = office.get(path).headers["etag"]
    office.post("/board/reassignments", {"booking_id": booking["id"], "vehicle_id": "car2"})

    later = {"depart_after": "2026-11-25T11:00:00+09:00"}
    stale = office("PATCH", path, json=later, headers={"If-Match": seen})
    assert (stale.status_code, stale.json()["code"]) == (412, "changed_meanwhile")

    fresh = office.get(path).headers["etag"]
    offers = office("PATCH", path, json=later, headers={"If-Match": fresh}).json()["offers"]
    moved = office.post("/bookings", {"offer_id": offers[0]["id"]}).json()
    assert moved["promise"]["pickup_earliest"] == "2026-11-25T11:00:00+09:00"
    assert office.get(path).json()["state"] == "cancelled"


def test_a_registration_is_corrected_and_erased(at: Doors) -> None:
    office = at.operator
    made = office.post("/registrations", a_registration())
    path = f"/registrations/{made.json()['id']}"

    changed = office(
        "PATCH", path, json={"phone": "0994-65-2512"}, headers={"If-Match": made.headers["etag"]}
    )
    stale = office("PATCH", path, json={"name": "誰か"}, headers={"If-Match": '"0"'})
    found = office.get("/registrations?phone=0994652512").json()["items"]

    assert changed.json()["phone"] == "+81994652512"
    assert stale.status_code == 412
    assert [person["number"] for person in found] == [made.json()["number"]]
    assert office("DELETE", path).status_code == 204
    assert office.get(path).status_code == 404
    assert office.get("/registrations?kana=きもつき").json()["items"] == []
    assert office.get("/kpi/registrations").json()["registered"] == 0


def test_somebody_with_a_ride_to_come_is_not_erased(at: Doors) -> None:
    office = at.operator
    person = office.post("/registrations", a_registration()).json()
    at.book(office, registration_id=person["id"])
    refused = office("DELETE", f"/registrations/{person['id']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "rides_booked")


def test_pages_give_each_booking_once(at: Doors) -> None:
    office = at.operator
    ids = [at.book(office, depart_after=f"2026-11-25T{h}:00:00+09:00")["id"] for h in range(10, 15)]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = office.get(
            "/bookings", params={"limit": 2, **({"cursor": cursor} if cursor else {})}
        )
        seen += [booking["id"] for booking in page.json()["items"]]
        cursor = page.json()["next_cursor"]
    assert seen == ids


def test_places_are_found_by_what_people_call_them(at: Doors) -> None:
    found = at.operator.get("/places?q=clini").json()["items"]
    assert found[0]["stop_id"] == "clinic"
    assert {stop["id"] for stop in at.operator.get("/stops").json()["items"]} >= {"hall", "hill"}


def events(driver: Person, *acts: dict[str, Any]) -> list[str]:
    results = driver.post("/driver/events", {"events": list(acts)}).json()["results"]
    return [result["outcome"] for result in results]


def test_a_batch_of_a_drivers_acts_is_applied_in_order_and_once(at: Doors) -> None:
    booking = at.book(at.operator)
    driver = at.person(Role.DRIVER, "car1")
    manifest = driver.get("/driver/manifest").json()
    assert [p["booking_id"] for p in manifest["passengers"]] == [booking["id"]]
    at.day.clock.set_to("10:00")
    batch: list[dict[str, Any]] = [
        {"id": "1", "act": "start_duty"},
        {"id": "2", "act": "depart"},
        {"id": "3", "act": "arrive"},
        {"id": "4", "act": "board", "booking_id": booking["id"]},
    ]

    assert events(driver, *batch[:3]) == ["applied"] * 3
    assert events(driver, *batch) == ["applied"] * 4
    assert events(driver, *batch) == ["applied"] * 4

    facts = at.day.facts()
    assert [facts.count(fact) for fact in ("duty_started", "departed", "arrived", "boarded")] == [
        1, 1, 1, 1,
    ]  # fmt: skip
    assert at.operator.get(f"/bookings/{booking['id']}").json()["state"] == "on_board"


def test_an_act_that_cannot_be_is_refused_and_those_after_it_are_not_held_up(at: Doors) -> None:
    at.book(at.operator)
    driver = at.person(Role.DRIVER, "car1")
    acts = ({"id": "1", "act": "arrive"}, {"id": "2", "act": "start_duty"})
    assert events(driver, *acts) == ["refused", "applied"]
    assert events(driver, {"id": "3", "act": "repair"}) == ["refused"]


def test_where_a_vehicle_is_shows_to_its_passenger_only_when_it_is_near(at: Doors) -> None:
    booking = at.book(at.operator, depart_after="2026-11-25T10:30:00+09:00")
    driver = at.person(Role.DRIVER, "car1")
    events(driver, {"id": "1", "act": "start_duty"})
    here = {"at": "2026-11-25T09:00:00+09:00", "lat": 33.001, "lon": 131.001}
    assert driver.post("/driver/positions", {"positions": [here]}).status_code == 200

    live = f"/bookings/{booking['id']}/live"
    assert at.operator.get(live).json()["position"] is None
    at.day.clock.set_to("10:20")
    near = at.operator.get(live).json()
    assert near["position"] == {"lat": 33.001, "lon": 131.001}
    assert near["vehicle_name"] == "Car 1"


def test_the_board_shows_the_day_and_raises_a_hand_for_what_goes_wrong(at: Doors) -> None:
    booking = at.book(at.operator)
    events(at.person(Role.DRIVER, "car1"), {"id": "1", "act": "break_down", "cause": "engine"})

    board = at.operator.get("/board").json()

    assert board["event_number"] == at.day.service.store.last_event_number()
    assert [b["id"] for b in board["bookings"]] == [booking["id"]]
    down = {v["vehicle_id"] for v in board["vehicles"] if v["status"] == Status.OUT_OF_SERVICE}
    assert down == {"car1"}
    assert [alert["code"] for alert in board["alerts"]] == ["vehicle_out_of_service"]


def test_a_booking_is_moved_by_hand_with_every_promise_kept(at: Doors) -> None:
    office = at.operator
    booking = at.book(office)
    moved = office.post("/board/reassignments", {"booking_id": booking["id"], "vehicle_id": "car2"})
    assert moved.status_code == 200
    assert moved.json()["route_id"] == f"rte_{DAY:%Y%m%d}_shift2"
    assert moved.json()["promise"] == booking["promise"]
    assert "route_changed" in at.day.facts()


def test_a_move_that_would_break_a_limit_is_refused_with_its_name(at: Doors) -> None:
    office = at.operator
    full = {"passengers": 4}
    rides = [at.book(office, party=full), at.book(office, "market", party=full)]
    assert len({ride["route_id"] for ride in rides}) == 2
    before = at.day.facts()

    other = "car1" if rides[0]["route_id"].endswith("2") else "car2"
    refused = office.post(
        "/board/reassignments", {"booking_id": rides[0]["id"], "vehicle_id": other}
    )

    assert refused.status_code == 409
    assert refused.headers["content-type"] == MEDIA_TYPE
    assert refused.json()["code"] in {"pickup_window", "seats", "max_ride"}
    assert at.day.facts() == before


def test_the_figures_are_counted_from_the_record(at: Doors) -> None:
    at.book(at.operator)
    at.day.carry_everybody()
    figures = at.person(Role.PLANNER).get("/kpi/service").json()
    assert (figures["booked"], figures["rides"], figures["kept"]) == (1, 1, 1)


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/openapi.json"])
def test_health_needs_no_token(at: Doors, path: str) -> None:
    assert at.client.get(path).status_code == 200
