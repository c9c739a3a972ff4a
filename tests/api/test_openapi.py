"""The description of the interface: every question and answer has an example that holds."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from api.app import create_app, described
from api.problems import MEDIA_TYPE
from tests.api.doors import Doors, a_registration, a_wish, at
from tests.builders import a_town

__all__ = ["at"]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    with a_town().day() as day:
        return described(create_app(day.service))


def bodies(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The schema of each question's and each answer's body."""
    found = []
    for methods in document["paths"].values():
        for route in methods.values():
            for part in (route.get("requestBody"), *route["responses"].values()):
                content = (part or {}).get("content", {})
                found += [each["schema"] for each in content.values() if each.get("schema")]
    return found


def shape_of(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    shape: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return shape


def test_every_question_and_answer_has_an_example(document: dict[str, Any]) -> None:
    named = [schema for schema in bodies(document) if "$ref" in schema]

    without = [s["$ref"] for s in named if not shape_of(s, document).get("examples")]

    assert len(named) > 30
    assert without == []


def test_every_example_is_one_that_its_schema_allows(document: dict[str, Any]) -> None:
    shapes = document["components"]["schemas"]
    checked = 0
    for shape in shapes.values():
        for example in shape.get("examples", []):
            whole = {**shape, "components": {"schemas": shapes}}
            jsonschema_rs.Draft202012Validator(whole).validate(example)
            checked += 1
    assert checked >= len(shapes) - 20


def routes(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Each route that needs a token, with its name."""
    return [
        (f"{method.upper()} {path}", route)
        for path, methods in document["paths"].items()
        for method, route in methods.items()
        if "security" in route
    ]


def test_every_route_says_what_it_is_for_in_both_languages(document: dict[str, Any]) -> None:
    for name, route in routes(document):
        assert route["description"].rstrip().endswith("."), name
        assert route["x-summary-ja"].endswith("。"), name


def test_every_route_names_each_status_it_can_answer_with(document: dict[str, Any]) -> None:
    for name, route in routes(document):
        statuses = set(route["responses"])
        assert {"401", "413", "422", "429", "503"} <= statuses, name
        assert "default" not in statuses, name
        assert ("400" in statuses) >= ("requestBody" in route), name
        for status in statuses - {"200", "201", "204", "304"}:
            problem = route["responses"][status]["content"][MEDIA_TYPE]["schema"]
            assert problem == {"$ref": "#/components/schemas/Problem"}, (name, status)


def test_the_headers_that_programs_need_are_in_the_document(document: dict[str, Any]) -> None:
    for name, route in routes(document):
        answers = route["responses"]
        assert "Retry-After" in answers["429"]["headers"], name
        assert "WWW-Authenticate" in answers["401"]["headers"], name
        asked = {parameter["name"] for parameter in route.get("parameters", [])}
        assert ("Location" in answers.get("201", {}).get("headers", {})) == ("201" in answers)
        assert ("412" in answers) == ("If-Match" in asked), name
        assert ("409" in answers) == ("Idempotency-Key" in asked), name


@pytest.mark.parametrize(
    ("path", "status", "headers"),
    [
        ("/registrations", 201, {"etag", "location"}),
        ("/quotes", 200, set[str]()),
        ("/bookings", 201, {"etag", "location"}),
        ("/driver/events", 200, set[str]()),
        ("/driver/positions", 200, set[str]()),
        ("/board/reassignments", 409, set[str]()),
    ],
)
def test_the_example_of_a_question_is_answered_as_described(
    at: Doors, document: dict[str, Any], path: str, status: int, headers: set[str]
) -> None:
    route = document["paths"][f"/api/v1{path}"]["post"]
    shape = shape_of(route["requestBody"]["content"]["application/json"]["schema"], document)

    answer = at.operator.post(path, made_real(shape["examples"][0], at))

    assert (answer.status_code, str(status) in route["responses"]) == (status, True)
    assert headers <= answer.headers.keys()
    (content,) = route["responses"][str(status)]["content"].values()
    whole = {**content["schema"], "components": document["components"]}
    jsonschema_rs.Draft202012Validator(whole).validate(answer.json())


def made_real(example: dict[str, Any], at: Doors) -> dict[str, Any]:
    """An example with the ids and the ground of the town it is sent to."""
    person = at.operator.post("/registrations", a_registration(phone="0994-65-2599")).json()["id"]
    booking = at.book(at.operator)
    offer = at.operator.post("/quotes", a_wish("market")).json()["offers"][0]["id"]
    moved = booking["route_id"].replace("shift", "car").rpartition("_")[2]
    here = {"lat": 33.01, "lon": 131.01}
    ids = {
        "registration_id": person,
        "booking_id": booking["id"],
        "offer_id": offer,
        "vehicle_id": moved,
        "home": here,
        "needs": ["wheelchair"],
        "origin": here,
    }
    real = {name: ids.get(name, value) for name, value in example.items()}
    return real | ({"route_id": booking["route_id"]} if "positions" in example else {})


def test_a_problem_is_shown_in_both_languages(document: dict[str, Any]) -> None:
    said = [
        example["detail"] for example in document["components"]["schemas"]["Problem"]["examples"]
    ]

    assert any("。" in each for each in said)
    assert any(each.endswith(".") for each in said)
