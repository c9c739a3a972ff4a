"""The live town: the whole day at one look, without a name and to each their own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Event, Lock, Semaphore

import pytest

from api import live
from dispatch.booking import Booking
from dispatch.commands import drive
from dispatch.store.tokens import Role
from dispatch.town import BookingRules
from tests.api.doors import Doors, a_registration, a_wish, at, opened
from tests.builders import a_town, at_km

__all__ = ["at"]


def test_a_ride_is_seen_from_its_booking_to_its_end(at: Doors) -> None:
    at.day.start_duty()
    at.day.book("clinic", name="doctor", depart_after="10:00")

    before = at.operator.get("/live").json()
    at.day.carry_everybody()
    after = at.operator.get("/live").json()

    assert [request["state"] for request in before["requests"]] == ["confirmed"]
    (driver,) = [vehicle for vehicle in before["vehicles"] if vehicle["calls"]]
    assert [call["kind"] for call in driver["calls"]] == ["pickup", "dropoff"]
    assert driver["ahead"][0] != driver["ahead"][-1]
    assert before["requests"][0]["vehicle_number"] == driver["number"]
    assert [request["state"] for request in after["requests"]] == ["completed"]
    (carried,) = [vehicle for vehicle in after["vehicles"] if vehicle["done"]]
    assert [call["verdict"] for call in carried["done"]] == ["kept", "kept"]
    assert after["figures"]["completed"] == after["figures"]["promises_kept"] == 1
    assert after["figures"]["vehicle_metres"] > 0
    assert after["event_number"] > before["event_number"]


def test_a_vehicle_on_its_way_shows_the_line_it_drives(at: Doors) -> None:
    at.day.start_duty()
    at.day.book("market", name="shop", origin="clinic", depart_after="10:30")
    route = at.day.route_of("shop")
    at.day.clock.now = route.visits[0].leaves_at
    drive.depart(route.id, at.day.service)

    (vehicle,) = [v for v in at.operator.get("/live").json()["vehicles"] if v["drive"]]

    assert vehicle["route_id"] == route.id
    assert vehicle["status"] == "driving"
    assert len(vehicle["drive"]["line"]) > 1
    assert vehicle["drive"]["leaves_at"] < vehicle["drive"]["arrives_at"]


def test_a_refused_wish_is_there_with_its_reason() -> None:
    rules, full = BookingRules(search_span=timedelta(minutes=5)), {"passengers": 4}
    with opened(a_town().with_one_vehicle().with_rules(rules).at("09:58")) as at:
        at.book(at.operator, "hill", party=full)
        told = at.operator.post("/quotes", a_wish(party=full)).json()["refusal"]
        request = at.operator.get("/live").json()["requests"][0]

    assert request["state"] == "refused"
    assert request["refusal"] == {"code": told["code"], "message": told["message"]}


def book_from_home(at: Doors) -> tuple[float, float]:
    """A ride from a home to the market; where the home is, as [lon, lat]."""
    point = at_km(1.0, 1.0)
    home = {"lat": point.lat, "lon": point.lon}
    wish = {**a_wish("market", depart_after="2026-11-25T10:30:00+09:00"), "origin": home}
    offer, *_ = at.operator.post("/quotes", wish).json()["offers"]
    booked = at.operator.post("/bookings", {"offer_id": offer["id"]}).json()
    at.day.ids["shopping"] = booked["id"]
    return round(point.lon, 5), round(point.lat, 5)


def points_in(seen: object) -> set[tuple[float, float]]:
    """Every point that an answer holds anywhere, as (lon, lat)."""
    if isinstance(seen, dict):
        found = {(round(seen["lon"], 5), round(seen["lat"], 5))} if seen.get("lat") else set()
        return found.union(*map(points_in, seen.values()))
    if isinstance(seen, list):
        if len(seen) == 2 and all(isinstance(each, float) for each in seen):
            return {(seen[0], seen[1])}
        return set[tuple[float, float]]().union(*map(points_in, seen))
    return set()


def test_nobody_is_named(at: Doors) -> None:
    registrant = at.operator.post("/registrations", a_registration()).json()
    at.book(at.operator, registration_id=registrant["id"])

    told = at.operator.get("/live").text

    assert len(at.operator.get("/live").json()["requests"]) == 1
    for secret in (registrant["id"], registrant["name"], registrant["kana"], registrant["phone"]):
        assert secret not in told


@pytest.mark.parametrize("moment", ["planned", "on the way", "before the home", "done"])
def test_where_people_live_is_nowhere_in_what_a_planner_sees(at: Doors, moment: str) -> None:
    at.day.start_duty()
    home = book_from_home(at)
    route = at.day.route_of("shopping")
    if moment == "on the way":
        at.day.clock.now = route.visits[0].leaves_at
        drive.depart(route.id, at.day.service)
    if moment == "before the home":
        at.day.drive_to("shopping")
        now = at.day.clock.now.isoformat()
        report = {"route_id": route.id, "positions": [{"at": now, "lat": home[1], "lon": home[0]}]}
        assert at.operator.post("/driver/positions", report).status_code == 200
    if moment == "done":
        at.day.carry_everybody()

    operator = at.operator.get("/live").json()
    planner = at.person(Role.PLANNER).get("/live").json()

    assert home in points_in(operator)
    assert home not in points_in(planner)
    assert [r["origin"]["name"] for r in planner["requests"]] == [
        r["origin"]["name"] for r in operator["requests"]
    ]


class Queue:
    """A lock at which one can see who has come."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._came = Semaphore(0)

    def __enter__(self) -> None:
        self._came.release()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def wait_for(self, people: int) -> None:
        """Return when so many more have come."""
        assert all(self._came.acquire(timeout=30) for _ in range(people))


def test_screens_that_ask_together_share_one_reading_and_none_that_is_older(
    at: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, queue, read = at.day.service.store, Queue(), list[int]()
    at_work, go_on = Event(), Event()
    list_bookings = store.list_bookings

    def slowly(day: date) -> list[Booking]:
        found = list_bookings(day)
        read.append(len(found))
        at_work.set()
        assert go_on.wait(30)
        return found

    monkeypatch.setattr(live, "Lock", lambda: queue)
    readings = live.Readings(at.day.service)
    monkeypatch.setattr(store, "list_bookings", slowly)
    with ThreadPoolExecutor(21) as screens:
        first = screens.submit(readings.now)
        queue.wait_for(1)
        assert at_work.wait(30)
        others = [screens.submit(readings.now) for _ in range(20)]
        queue.wait_for(20)
        at.day.book("clinic", depart_after="10:00")
        go_on.set()

    assert not first.result().requests
    assert [len(other.result().requests) for other in others] == [1] * 20
    assert len(read) == 2


@pytest.mark.parametrize("role", [Role.RESIDENT, Role.DRIVER])
def test_residents_and_drivers_do_not_see_the_whole_town(at: Doors, role: Role) -> None:
    assert at.person(role, "somebody").get("/live").status_code == 403


@pytest.mark.parametrize("known", ["{}", "W/{}", '"older", W/{}'])
def test_the_base_map_is_given_once_and_then_known_by_its_tag(at: Doors, known: str) -> None:
    first = at.person(Role.PLANNER).get("/map")
    headers = {"If-None-Match": known.format(first.headers["ETag"])}
    again = at.person(Role.PLANNER).get("/map", headers=headers)

    assert first.json()["stops"]["features"][0]["properties"]["id"] == "hall"
    assert again.status_code == 304
    assert not again.content
