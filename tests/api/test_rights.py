"""Who may come in by which door; nothing is open that is not in the table."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from starlette.routing import BaseRoute

from api.security import OPEN, RIGHTS, ROOT
from api.settings import HttpSettings, http_settings
from dispatch.commands.sign_in import issue_token, revoke_token
from dispatch.errors import BadInput
from dispatch.store.tokens import Role
from tests.api.doors import Doors, Person, a_registration, at, opened
from tests.builders import a_town

__all__ = ["at"]


PAGES = frozenset({"/", "/live", "/assets"})
"""What a browser loads before anybody signs in; it holds nothing of the town's day."""


def described(at: Doors) -> dict[str, Any]:
    document: dict[str, Any] = at.client.get(f"{ROOT}/openapi.json").json()
    return document


def routes_of(at: Doors) -> set[tuple[str, str]]:
    found = set[tuple[str, str]]()
    for path, methods in described(at)["paths"].items():
        found |= {(method.upper(), path) for method in methods}
    return found


def test_the_table_has_a_row_for_each_route_and_no_other(at: Doors) -> None:
    inside = {(m, path.removeprefix(ROOT)) for m, path in routes_of(at) if path not in OPEN}
    assert inside == set(RIGHTS)


def test_every_path_that_needs_no_token_is_on_the_list(at: Doors) -> None:
    def paths(routes: list[BaseRoute]) -> set[str]:
        return {route.path for route in routes if hasattr(route, "path")}

    outside = {p for p in paths(at.client.app.routes) if not p.startswith(ROOT)}  # type: ignore[attr-defined]
    assert outside <= OPEN | PAGES


def filled(template: str) -> str:
    return re.sub(r"\{[a-z_]+\}", "nobody", template)


@pytest.mark.parametrize("route", sorted(RIGHTS), ids=" ".join)
def test_each_role_comes_in_where_the_table_says_and_nowhere_else(
    at: Doors, route: tuple[str, str]
) -> None:
    method, template = route
    if template == "/stream":
        template = "/stream?after=999"  # refused inside, so that it does not stay open
    for role in Role:
        answer = at.person(role, "nobody")(method, filled(template))
        refused = answer.status_code == 403
        assert refused is (role not in RIGHTS[route]), (role, answer.status_code)
        assert answer.status_code < 500, answer.text


@pytest.mark.parametrize("route", sorted(RIGHTS), ids=" ".join)
def test_nobody_comes_in_without_a_token(at: Doors, route: tuple[str, str]) -> None:
    method, template = route
    answer = at.stranger(method, filled(template), json={})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_token_that_is_stolen_over_or_made_up_opens_nothing(at: Doors) -> None:
    service = at.day.service
    stolen = issue_token(Role.OPERATOR, None, service.store, service.ports)
    assert revoke_token(stolen, service.store, service.ports)
    over = issue_token(Role.OPERATOR, None, service.store, service.ports, timedelta(0))

    for token in (stolen, over, "noriai_made_up", "a b"):
        assert Person(at.client, token).get("/stops").json()["code"] == "not_signed_in"


def test_the_database_holds_no_token(at: Doors) -> None:
    secret = at.operator.token or ""
    with at.day.service.store._reading() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM tokens").all()
    assert len(rows) == 1
    assert secret not in str(rows)


def test_a_resident_sees_their_own_and_nothing_of_others(at: Doors) -> None:
    office = at.operator
    mine, other = (office.post("/registrations", a_registration()).json()["id"] for _ in range(2))
    resident = at.person(Role.RESIDENT, mine)
    own = at.book(resident)
    foreign = at.book(office, "market", registration_id=other)

    assert own["registration_id"] == mine
    assert resident.get(f"/registrations/{mine}").status_code == 200
    assert [b["id"] for b in resident.get("/bookings").json()["items"]] == [own["id"]]
    for method, path in (
        ("GET", f"/registrations/{other}"),
        ("DELETE", f"/registrations/{other}"),
        ("GET", f"/bookings?registration_id={other}"),
        ("GET", f"/bookings/{foreign['id']}"),
        ("GET", f"/bookings/{foreign['id']}/live"),
        ("DELETE", f"/bookings/{foreign['id']}"),
    ):
        assert resident(method, path).status_code == 404, path
    taken = resident.post("/bookings", {"offer_id": foreign["id"]})
    assert taken.status_code == 404


def test_a_driver_speaks_for_their_own_vehicle_only(at: Doors) -> None:
    booking = at.book(at.operator)
    route_id = booking["route_id"]
    mine = at.person(Role.DRIVER, "car1")
    other = at.person(Role.DRIVER, "car2")

    assert mine.get("/driver/manifest").json()["route_id"] == route_id
    assert other.get(f"/driver/manifest?route_id={route_id}").status_code == 404
    acts = [{"id": "1", "act": "start_duty", "route_id": route_id}]
    acts.append({"id": "2", "act": "board", "booking_id": booking["id"]})
    results = other.post("/driver/events", {"events": acts}).json()["results"]
    assert [result["outcome"] for result in results] == ["refused", "refused"]


def test_requests_beyond_the_limit_are_told_when_to_come_again() -> None:
    with opened(a_town(), HttpSettings(reads_per_minute=2)) as doors:
        person = doors.operator
        codes = [person.get("/stops").status_code for _ in range(3)]
        assert codes == [200, 200, 429]
        assert int(person.get("/stops").headers["retry-after"]) == 60
        doors.day.clock.forward(minutes=1)
        assert person.get("/stops").status_code == 200


def test_a_setting_that_does_not_exist_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(BadInput) as raised:
        http_settings({"NORIAI_READS_PER_MINUT": "5", "PATH": ""})
    assert raised.value.code == "unknown_setting"
    assert "NORIAI_READS_PER_MINUTE" in str(raised.value.facts["near"])
    assert http_settings({"NORIAI_WRITES_PER_MINUTE": "7"}).writes_per_minute == 7
