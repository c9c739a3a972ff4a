"""Every route of the interface for everybody: about their own things and those of others.

A resident deals with what is theirs and a driver with their vehicle; what belongs to others
is not there for them. The office deals with everybody's.

See: docs/http.md, who may do what
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from api.security import ROOT, Caller
from api.stream import FOR_ALL, Owners, Sight
from dispatch.events import Event, Fact, RecordedEvent
from dispatch.store.tokens import Role
from tests.api.doors import Doors, Person, a_registration, a_wish, opened
from tests.builders import DAY

# What each caller is answered; R a resident, D a driver, each about their own and others'
# things. 401 no token, 403 not this role, 404 not there for them, 409 allowed but not so: rides
# are to come, or the booking is in that vehicle already. /clock is there in a demo alone, and
# /stream is asked for a number not yet given.
TABLE = """
                                      R own R other D own D other operator admin planner nobody
GET    /healthz                         200     200   200     200      200   200     200    200
GET    /readyz                          200     200   200     200      200   200     200    200
POST   /registrations                   201     201   403     403      201   201     403    401
GET    /registrations                   403     403   403     403      200   200     403    401
GET    /registrations/{registration_id} 200     404   403     403      200   200     403    401
PATCH  /registrations/{registration_id} 200     404   403     403      200   200     403    401
DELETE /registrations/{registration_id} 409     404   403     403      409   409     403    401
POST   /quotes                          200     404   403     403      200   200     403    401
POST   /bookings                        201     404   403     403      201   201     403    401
GET    /bookings                        200     404   403     403      200   200     403    401
GET    /bookings/{booking_id}           200     404   403     403      200   200     403    401
PATCH  /bookings/{booking_id}           200     404   403     403      200   200     403    401
DELETE /bookings/{booking_id}           200     404   403     403      200   200     403    401
GET    /bookings/{booking_id}/live      200     404   403     403      200   200     403    401
GET    /stops                           200     200   200     200      200   200     200    401
GET    /places                          200     200   200     200      200   200     200    401
GET    /map                             200     200   200     200      200   200     200    401
GET    /stream                          400     400   400     400      400   400     400    401
GET    /live                            403     403   403     403      200   200     200    401
GET    /clock                           403     403   403     403      404   404     404    401
PATCH  /clock                           403     403   403     403      404   404     404    401
GET    /kpi/registrations               403     403   403     403      200   200     200    401
GET    /kpi/service                     403     403   403     403      200   200     200    401
GET    /driver/manifest                 403     403   200     404      200   200     403    401
POST   /driver/positions                403     403   200     404      200   200     403    401
POST   /driver/events                   403     403   200     200      200   200     403    401
POST   /driver/events?depart            403     403   yes      no      yes   yes     403    401
POST   /driver/events?board             403     403   yes      no      yes   yes     403    401
GET    /board                           403     403   403     403      200   200     403    401
POST   /board/reassignments             403     403   403     403      409   409     403    401
"""

COLUMNS: tuple[tuple[Role | None, bool], ...] = (
    (Role.RESIDENT, True),
    (Role.RESIDENT, False),
    (Role.DRIVER, True),
    (Role.DRIVER, False),
    (Role.OPERATOR, True),
    (Role.ADMIN, True),
    (Role.PLANNER, True),
    (None, True),
)
"""Who asks, and whether about their own things."""

ROWS = {
    f"{method} {path}": cells
    for method, path, *cells in (line.split() for line in TABLE.splitlines()[2:])
}


@dataclass(frozen=True, slots=True)
class Things:
    """What belongs to one resident, and to the vehicle that carries them."""

    registrant: str
    booking: str
    offer: str
    route: str
    vehicle: str
    phone: str


@dataclass(frozen=True, slots=True)
class Town:
    """A town with two residents, each in a vehicle of their own."""

    at: Doors
    mine: Things
    others: Things

    def ask(self, row: str, role: Role | None, own: bool) -> str:
        """The status of the answer; of a driver's act, whether it was applied."""
        things = self.mine if own else self.others
        method, template = row.split()
        path, body = question(method, template.partition("?")[0], things)
        if template.endswith(("?depart", "?board")):
            act = template.partition("?")[2]
            body = {"events": [an_act(act, things)]}
        given = {} if body is None else {"json": body}
        if not path.startswith("/api"):
            return str(self.at.client.request(method, path).status_code)
        answer = self.caller(role)(method, path.removeprefix(ROOT), **given)
        if "?" in template and answer.status_code == 200:
            (result,) = answer.json()["results"]
            found = {"not_found", "unknown_route"} & {(result["problem"] or {}).get("code")}
            return "no" if found else "yes"
        return str(answer.status_code)

    def caller(self, role: Role | None) -> Person:
        """Somebody of this role, to whom `mine` belongs."""
        if role is None:
            return self.at.stranger
        subjects = {Role.RESIDENT: self.mine.registrant, Role.DRIVER: self.mine.vehicle}
        return self.at.person(role, subjects.get(role))


LATER = {"depart_after": "2026-11-25T13:00:00+09:00"}
HERE = {"lat": 33.0, "lon": 131.0, "at": "2026-11-25T09:00:00+09:00"}

BODIES: dict[str, Callable[[Things], Any]] = {
    "POST /registrations": lambda _: a_registration(phone="0994-65-2519"),
    "PATCH /registrations/{registration_id}": lambda _: {"kana": "きもつき"},
    "POST /quotes": lambda t: a_wish(registration_id=t.registrant, **LATER),
    "POST /bookings": lambda t: {"offer_id": t.offer},
    "PATCH /bookings/{booking_id}": lambda _: LATER,
    "PATCH /clock": lambda _: {"paused": True},
    "POST /driver/positions": lambda t: {"route_id": t.route, "positions": [HERE]},
    "POST /driver/events": lambda _: {"events": []},
    "POST /board/reassignments": lambda t: {"booking_id": t.booking, "vehicle_id": t.vehicle},
}

QUERIES: dict[str, Callable[[Things], str]] = {
    "GET /registrations": lambda t: f"?phone={t.phone}",
    "GET /bookings": lambda t: f"?registration_id={t.registrant}",
    "GET /places": lambda _: "?q=clinic",
    "GET /stream": lambda _: "?after=999999",
    "GET /driver/manifest": lambda t: f"?route_id={t.route}",
}


def question(method: str, template: str, things: Things) -> tuple[str, Any]:
    """Path and body of a question about somebody's things."""
    row = f"{method} {template}"
    path = template.format(registration_id=things.registrant, booking_id=things.booking)
    path += QUERIES[row](things) if row in QUERIES else ""
    root = "" if template in {"/healthz", "/readyz"} else ROOT
    return root + path, BODIES[row](things) if row in BODIES else None


def an_act(act: str, things: Things) -> dict[str, Any]:
    about = {"booking_id": things.booking} if act == "board" else {"route_id": things.route}
    return {"id": f"{act} {things.route}", "act": act, **about}


def things_of(at: Doors, phone: str, vehicle: str, hour: int) -> Things:
    """A resident with a booking in this vehicle and an offer at hand."""
    office = at.operator
    who = office.post("/registrations", a_registration(phone=phone)).json()["id"]
    wish = {"registration_id": who, "depart_after": f"2026-11-25T{hour}:00:00+09:00"}
    booking = at.book(office, **wish)
    routes = {r.vehicle_id: r.id for r in at.day.routes()}
    if booking["route_id"] != routes[vehicle]:
        move = {"booking_id": booking["id"], "vehicle_id": vehicle}
        assert office.post("/board/reassignments", move).status_code == 200
    offer = office.post("/quotes", a_wish("market", **wish)).json()["offers"][-1]["id"]
    return Things(who, booking["id"], offer, routes[vehicle], vehicle, phone)


@pytest.fixture
def town() -> Iterator[Town]:
    with opened() as at:
        mine = things_of(at, "0994-65-2511", "car1", 10)
        yield Town(at, mine, things_of(at, "0994-65-2512", "car2", 11))


@pytest.fixture(scope="module")
def same_town() -> Iterator[Town]:
    with opened() as at:
        mine = things_of(at, "0994-65-2511", "car1", 10)
        yield Town(at, mine, things_of(at, "0994-65-2512", "car2", 11))


def test_every_route_of_the_interface_has_a_row(same_town: Town) -> None:
    document = same_town.at.client.get(f"{ROOT}/openapi.json").json()
    routes = {
        f"{method.upper()} {path.removeprefix(ROOT)}"
        for path, methods in document["paths"].items()
        for method in methods
    }

    assert routes == {row for row in ROWS if "?" not in row}
    assert {len(cells) for cells in ROWS.values()} == {len(COLUMNS)}


def changes_something(row: str, cell: str) -> bool:
    return cell in {"200", "201", "yes"} and not row.startswith("GET ")


@pytest.mark.parametrize("row", ROWS)
def test_whoever_only_reads_or_is_refused_gets_what_the_table_says(
    same_town: Town, row: str
) -> None:
    facts = len(same_town.at.day.facts())
    expected = {
        column: cell
        for column, cell in zip(COLUMNS, ROWS[row], strict=True)
        if not changes_something(row, cell)
    }

    found = {column: same_town.ask(row, *column) for column in expected}

    assert found == expected
    assert len(same_town.at.day.facts()) == facts


WRITES = [
    (row, column, cell)
    for row, cells in ROWS.items()
    for column, cell in zip(COLUMNS, cells, strict=True)
    if changes_something(row, cell)
]


@pytest.mark.parametrize(("row", "column", "cell"), WRITES, ids=str)
def test_whoever_may_write_does(
    town: Town, row: str, column: tuple[Role | None, bool], cell: str
) -> None:
    assert town.ask(row, *column) == cell


def test_a_planner_learns_no_name_number_or_home(same_town: Town) -> None:
    home = {"lat": 33.0123, "lon": 131.0456}
    who = a_registration(name="志布志 花", kana="しぶし はな", phone="0994-65-2599", home=home)
    office = same_town.at.operator
    registrant = office.post("/registrations", who).json()["id"]
    wish = a_wish(registration_id=registrant, origin=home, **LATER)
    offer = office.post("/quotes", wish).json()["offers"][0]["id"]
    assert office.post("/bookings", {"offer_id": offer}).status_code == 201
    planner = same_town.caller(Role.PLANNER)

    read = [
        planner.get(question("GET", row.split()[1], same_town.mine)[0].removeprefix(ROOT)).text
        for row, cells in ROWS.items()
        if row.startswith("GET /") and cells[6] == "200" and not row.endswith("z")
    ]

    assert len(read) >= 5
    for text in read:
        for secret in ("志布志", "しぶし", "99465", "2599", "33.0123", "131.0456", registrant):
            assert secret not in text


# --- the stream -----------------------------------------------------------------------------


def told_to(town: Town, role: Role, fact: Fact, things: Things | None, **payload: Any) -> Any:
    """What somebody's stream says of a fact about these things; None where it says nothing."""
    service = town.at.day.service
    booking, route = (None, None) if things is None else (things.booking, things.route)
    event = Event(fact, service.now(), DAY, booking, route, payload)
    subjects = {Role.RESIDENT: town.mine.registrant, Role.DRIVER: town.mine.vehicle}
    caller = Caller(role, subjects.get(role), "")
    sent = Sight(caller, "en", service).of(Owners(service).news_of(RecordedEvent(1, event)))
    if sent is None:
        return None
    (data,) = (line for line in sent.decode().splitlines() if line.startswith("data: "))
    return json.loads(data.removeprefix("data: "))


EVERY_OTHER_FACT = sorted(set(Fact) - FOR_ALL - {Fact.NOTICE})


@pytest.mark.parametrize("fact", EVERY_OTHER_FACT)
@pytest.mark.parametrize("role", [Role.RESIDENT, Role.DRIVER])
def test_of_every_fact_the_stream_tells_each_caller_their_own_alone(
    same_town: Town, role: Role, fact: Fact
) -> None:
    assert told_to(same_town, role, fact, same_town.mine) is not None
    assert told_to(same_town, role, fact, same_town.others) is None
    assert told_to(same_town, role, fact, None) is None
    assert told_to(same_town, Role.OPERATOR, fact, same_town.others) is not None


@pytest.mark.parametrize("fact", EVERY_OTHER_FACT)
def test_of_no_fact_a_planner_is_told_where_people_live(same_town: Town, fact: Fact) -> None:
    where = {key: {"lat": 33.0123} for key in ("origin", "destination", "place", "wish", "visits")}

    told = told_to(same_town, Role.PLANNER, fact, same_town.mine, **where, rows={}, plan={})

    assert told["payload"] == {}


@pytest.mark.parametrize("recipient", ["passenger", "driver", "operator"])
@pytest.mark.parametrize("role", [Role.RESIDENT, Role.DRIVER, Role.OPERATOR, Role.PLANNER])
def test_a_notice_goes_to_whom_it_is_for_and_to_the_office(
    same_town: Town, role: Role, recipient: str
) -> None:
    for_whom = {Role.RESIDENT: "passenger", Role.DRIVER: "driver", Role.OPERATOR: recipient}
    notice = {"code": "notice_cancelled", "facts": {}, "recipient": recipient}

    own = told_to(same_town, role, Fact.NOTICE, same_town.mine, **notice)
    others = told_to(same_town, role, Fact.NOTICE, same_town.others, **notice)

    assert (own is not None) == (for_whom.get(role) == recipient)
    assert (others is not None) == (role is Role.OPERATOR)


@pytest.mark.parametrize("fact", sorted(FOR_ALL))
@pytest.mark.parametrize("role", Role)
def test_a_stop_that_is_closed_is_told_to_all(same_town: Town, role: Role, fact: Fact) -> None:
    assert told_to(same_town, role, fact, None, stop_id="clinic") is not None
