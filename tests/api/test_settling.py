"""What a serving process does before it is asked: it learns the ways to people's homes."""

from __future__ import annotations

from api.settling import meet_homes
from dispatch.commands.amend import erase
from dispatch.commands.quote import quote
from dispatch.registration.register import Home
from tests.builders import DayBuilder, a_town, at_km


def lives_at(day: DayBuilder, east: float, north: float) -> str:
    return day.registrant(home=Home(at_km(east, north), "Home")).id


def test_ways_to_the_homes_on_the_register_are_known_before_anybody_asks() -> None:
    with a_town().day() as day:
        for east in (1.0, 1.1, 1.2):
            lives_at(day, east, 1.0)
        before = len(day.service.places)

        assert meet_homes(day.service) == 3
        assert len(day.service.places) == before + 3
        assert meet_homes(day.service) == 3
        assert len(day.service.places) == before + 3


def test_where_there_is_room_for_few_those_who_asked_last_come_first() -> None:
    with a_town().day() as day:
        _first, second, _third = (lives_at(day, east, 1.0) for east in (1.0, 1.1, 1.2))
        quote(day.wish("clinic", depart_after="10:00", registrant=second), day.service)

        assert day.service.store.list_homes(1) == [at_km(1.1, 1.0)]


def test_a_home_that_was_erased_is_not_looked_for() -> None:
    with a_town().day() as day:
        gone = lives_at(day, 1.0, 1.0)
        erase(gone, day.service)

        assert meet_homes(day.service) == 0
