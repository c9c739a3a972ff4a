"""Residents after the last seats, over HTTP, at two web processes' worth of doors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import date

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from dispatch.booking import State
from dispatch.commands.audit import audit
from dispatch.commands.service import Service
from dispatch.commands.sign_in import issue_token
from dispatch.events import Fact
from dispatch.ports import Ports
from dispatch.store.store import DayState
from dispatch.store.tokens import Role
from dispatch.wiring import build_service, new_id
from tests.api.doors import Person, a_wish
from tests.builders import DAY, GridTravel, TownBuilder, a_town
from tests.databases import KINDS, new_database
from tests.markers import examples

PEOPLE = examples(12, 60)


@pytest.fixture(params=KINDS)
def town(request: pytest.FixtureRequest) -> Iterator[TownBuilder]:
    with new_database(request.param) as url:
        yield a_town().with_vehicles(1).at("09:58").on(url)


def test_no_seat_is_sold_twice_and_everybody_is_answered(town: TownBuilder) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(town.day())
        # The clock of the one; identifiers that several threads may draw at once.
        ports = replace(first.service.ports, new_id=new_id)
        services = [replace(first.service, ports=ports), _another(town, ports)]
        stack.callback(services[1].store.close)
        clients = [stack.enter_context(TestClient(create_app(each))) for each in services]
        secret = issue_token(Role.OPERATOR, None, first.service.store, ports)

        def want(number: int) -> str:
            person = Person(clients[number % 2], secret)
            quote = person.post("/quotes", a_wish("hill"))
            assert quote.status_code == 200, quote.text
            if not quote.json()["offers"]:
                return "refused"
            offer = quote.json()["offers"][0]["id"]
            taken = person.post("/bookings", {"offer_id": offer}, key=f"{number}")
            assert taken.status_code in {201, 409}, taken.text
            return "booked" if taken.status_code == 201 else "too late"

        with ThreadPoolExecutor(6) as pool:
            came = Counter(pool.map(want, range(PEOPLE)))

        store = first.service.store
        booked = store.list_bookings(DAY, {State.CONFIRMED})
        assert came["booked"] == len(booked) >= 1
        assert sum(came.values()) == PEOPLE
        store.publish()
        facts = [recorded.event for recorded in store.list_events(0, 5000)]
        versions = [e.payload["version"] for e in facts if e.fact is Fact.ROUTE_CHANGED]
        assert len(versions) == len(set(versions))
        first.carry_everybody()
        assert audit(DAY, store).findings == ()


def test_a_day_that_somebody_else_opens_meanwhile_is_read_with_their_rides(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with new_database("sqlite") as url, ExitStack() as stack:
        here, there = (stack.enter_context(a_town().on(url).day()) for _ in range(2))
        there.service.ports.new_id.count = 10_000  # type: ignore[attr-defined]
        store, read = here.service.store, here.service.store.read_day
        overtaken: list[str] = []

        def read_and_be_overtaken(day: date) -> DayState:
            state = read(day)
            if not overtaken:
                overtaken.append(there.ask("clinic", depart_after="10:00").id)
            return state

        monkeypatch.setattr(store, "read_day", read_and_be_overtaken)
        assert here.ask("clinic", depart_after="10:00").offers
        assert overtaken


def _another(town: TownBuilder, ports: Ports) -> Service:
    """A second process's service on the same database."""
    return build_service(
        town.town, database_url=town.database_url, ports=ports, travel=GridTravel()
    )
