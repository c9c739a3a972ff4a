"""The interface keeps to its own description, whoever asks and whatever they send.

schemathesis makes questions out of the OpenAPI document, with ids of a prepared town among
them; every answer must be one that the document knows, and no fault of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Thread
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.security import ROOT
from api.serving import listen, web_server
from api.settings import HttpSettings
from dispatch.commands.sign_in import issue_token
from dispatch.store.tokens import Role
from tests.api.doors import a_registration, a_wish
from tests.builders import DayBuilder, a_town
from tests.markers import examples

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

ENDLESS = f"{ROOT}/stream"
"""Its answer does not end; test_stream.py listens to it."""

MOSTLY = 0.6
"""The share of routes of which an operator's made-up questions must bring a good answer."""

WITHOUT_LIMIT = HttpSettings(reads_per_minute=0, writes_per_minute=0, strangers_per_minute=0)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A town with somebody in it, behind a real web server."""

    schema: Any
    tokens: dict[str, dict[str, str]]
    known: dict[str, Any]


def people(day: DayBuilder, registrant_id: str) -> dict[str, dict[str, str]]:
    """The header of each kind of caller, and of one without a token."""

    def header(role: Role, subject: str | None) -> dict[str, str]:
        store, ports = day.service.store, day.service.ports
        return {"Authorization": f"Bearer {issue_token(role, subject, store, ports)}"}

    subjects = {Role.RESIDENT: registrant_id, Role.DRIVER: "car1"}
    return {"nobody": {}, **{role.value: header(role, subjects.get(role)) for role in Role}}


@pytest.fixture(scope="module")
def prepared() -> Iterator[Prepared]:
    with a_town().day() as day:
        registrant = day.registrant()
        booking = day.book("clinic", depart_after="10:00", registrant=registrant.id)
        offer = day.ask("market", depart_after="11:00").offers[0]
        listener = listen("127.0.0.1", 0)
        server = web_server(day.service, WITHOUT_LIMIT)
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        known = {
            "registration_id": registrant.id,
            "booking_id": booking.id,
            "route_id": str(booking.route_id),
            "offer_id": offer.id,
            "vehicle_id": "car1",
            "events": [{"id": "1", "act": "start_duty", "route_id": str(booking.route_id)}],
            "positions": [{"at": "2026-11-25T09:00:00+09:00", "lat": 33.0, "lon": 131.0}],
            **a_registration(),
            **a_wish(),
        }
        try:
            schema = schemathesis.openapi.from_url(f"{address}{ROOT}/openapi.json")
            yield Prepared(schema, people(day, registrant.id), known)
        finally:
            server.should_exit = True
            thread.join(timeout=20)
            listener.close()


def about_what_is_there(case: Any, known: dict[str, Any], turn: int) -> None:
    """Every other question is about somebody and something that exists."""
    if turn % 2:
        for part in (case.path_parameters, case.query, case.body):
            if isinstance(part, dict):
                part.update({name: known[name] for name in known.keys() & part.keys()})


@pytest.mark.parametrize("who", ["nobody", *Role])
def test_every_answer_is_one_that_the_document_knows(prepared: Prepared, who: str) -> None:
    asked, met = 0, dict[str, set[int]]()
    for found in prepared.schema.get_all_operations():
        operation = found.ok()
        if operation.path == ENDLESS:
            continue
        # Where somebody may not come in, one question shows it.
        roles = operation.definition.raw.get("x-roles", list(Role))

        @seed(1)
        @settings(
            max_examples=examples(12, 200) if who in roles else 1,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            nonlocal asked
            asked += 1
            about_what_is_there(case, prepared.known, asked)
            answer = case.call(headers=prepared.tokens[who])
            case.validate_response(answer, headers=prepared.tokens[who], checks=CHECKS)
            met.setdefault(case.operation.label, set()).add(answer.status_code)

        ask()
    assert asked >= len(met) > 20
    if who == Role.OPERATOR:
        deep = {label for label, statuses in met.items() if statuses & {200, 201, 204}}
        assert len(deep) >= MOSTLY * len(met), {k: v for k, v in met.items() if k not in deep}


def test_a_registration_made_by_the_example_is_answered_as_described(prepared: Prepared) -> None:
    operation = prepared.schema[f"{ROOT}/registrations"]["POST"]

    case = operation.Case(body=a_registration(), media_type="application/json")
    answer = case.call(headers=prepared.tokens["operator"])

    assert answer.status_code == 201
    case.validate_response(answer, headers=prepared.tokens["operator"], checks=CHECKS)
