"""The demo's clock over HTTP; a real service has none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from dispatch.store.tokens import Role
from simulations.clock import PacedClock
from tests.api.doors import Doors, at
from tests.builders import a_town

__all__ = ["at"]


@contextmanager
def in_a_demo() -> Iterator[Doors]:
    """A town's doors with a clock that can be held."""
    with a_town().day() as day:
        clock = PacedClock(speed=10)
        clock.jump_to(day.service.now())
        with TestClient(create_app(day.service, clock=clock)) as client:
            yield Doors(day, client)


def test_a_real_service_has_no_clock_to_hold(at: Doors) -> None:
    for answer in (at.operator.get("/clock"), at.operator("PATCH", "/clock", json={})):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_the_clock_is_held_hurried_and_let_go_on() -> None:
    with in_a_demo() as at:
        began = at.operator.get("/clock").json()
        held = at.operator("PATCH", "/clock", json={"paused": True}).json()
        hurried = at.operator("PATCH", "/clock", json={"speed": 60, "paused": False}).json()
        seen = at.operator.get("/live").json()["clock"]

    assert (began["speed"], began["paused"]) == (10, False)
    assert (held["speed"], held["paused"]) == (10, True)
    assert (hurried["speed"], hurried["paused"]) == (60, False)
    assert (seen["speed"], seen["paused"]) == (60, False)
    assert began["now"].endswith("+09:00")


@pytest.mark.parametrize(
    ("language", "said"), [("ja", "速さは1から600まで"), ("en", "a speed from 1 to 600")]
)
@pytest.mark.parametrize("speed", [0, -3, 601, 1e300])
def test_a_bad_speed_is_refused_in_words(speed: float, language: str, said: str) -> None:
    with in_a_demo() as at:
        answer = at.operator(
            "PATCH", "/clock", json={"speed": speed}, headers={"Accept-Language": language}
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_speed")
        assert said in answer.json()["detail"]
        assert at.operator.get("/clock").json()["speed"] == 10


@pytest.mark.parametrize("body", [{"speed": "fast"}, {"paused": "yes"}, {"pause": True}, []])
def test_what_is_no_change_of_a_clock_is_refused(body: object) -> None:
    with in_a_demo() as at:
        assert at.operator("PATCH", "/clock", json=body).status_code == 422


def test_the_clock_is_for_those_who_watch_the_town() -> None:
    with in_a_demo() as at:
        assert at.person(Role.PLANNER).get("/clock").status_code == 200
        assert at.person(Role.RESIDENT, "nobody").get("/clock").status_code == 403
