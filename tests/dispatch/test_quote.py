"""Quotes: what cannot be asked, what is offered, and refusals that help.

See: docs/booking.md
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.booking import Party, Place, State
from dispatch.commands.book import accept_offer
from dispatch.commands.quote import Quote, quote
from dispatch.commands.wishes import Wish
from dispatch.errors import BadInput, Conflict, NoriaiError, NotFound
from dispatch.town import BookingRules, RegistrationRules
from dispatch.wording import sentence, sentences
from tests.builders import DAY, DayBuilder, a_town, at_km, on_the_clock
from tests.markers import examples

HALF_HOURS = st.integers(0, 13).map(lambda n: f"{9 + n // 2:02d}:{30 * (n % 2):02d}")


@pytest.fixture
def day() -> Iterator[DayBuilder]:
    with a_town().day() as running:
        yield running


def at(place: Place, stop_id: str | None = None, **point: float) -> Place:
    return Place(replace(place.point, **point), "somewhere", stop_id)


def bad_wishes() -> dict[str, tuple[str, dict[str, Any]]]:
    """Each thing that cannot be asked: its code, and what of a sound wish it changes."""
    sound = Place(at_km(0, 0), "hall", "hall")
    later = on_the_clock("10:00")
    return {
        "an unknown stop": ("unknown_stop", {"destination": at(sound, "nowhere")}),
        "in the sea": ("outside_area", {"destination": at(sound, lat=30.0)}),
        "no place on earth": ("not_a_place", {"destination": at(sound, lat=95.0)}),
        "far from a road": ("too_far_from_road", {"destination": Place(at_km(1, 9.5), "lake")}),
        "there and nowhere else": ("same_place", {"destination": sound}),
        "nobody": ("nobody_rides", {"party": Party(0)}),
        "forty people": ("party_too_large", {"party": Party(40)}),
        "more seats than any vehicle has": ("too_many_seats", {"party": Party(6)}),
        "two wheelchairs": ("too_many_wheelchairs", {"party": Party(2, ("wheelchair",) * 2)}),
        "more needs than people": (
            "more_needs_than_passengers",
            {"party": Party(1, ("wheelchair",) * 2)},
        ),
        "an unknown need": ("unknown_need", {"party": Party(1, ("piano",))}),
        "the past": ("time_past", {"depart_after": on_the_clock("08:00")}),
        "no zone": ("time_without_zone", {"depart_after": later.replace(tzinfo=None)}),
        "two times": ("two_times", {"depart_after": later, "arrive_by": later}),
        "before opening": ("outside_hours", {"depart_after": on_the_clock("08:59:59")}),
        "after closing": (
            "outside_hours",
            {"arrive_by": on_the_clock("16:01"), "depart_after": None},
        ),
        "a Sunday": ("closed_weekday", {"depart_after": later + timedelta(days=4)}),
        "too far ahead": ("too_far_ahead", {"depart_after": later + timedelta(days=15)}),
        "somebody unknown": ("unknown_registrant", {"registrant_id": "reg_nobody"}),
    }


@pytest.mark.parametrize("what", bad_wishes())
def test_what_cannot_be_asked_is_said_in_one_clear_sentence_and_nothing_changes(
    what: str, day: DayBuilder
) -> None:
    code, change = bad_wishes()[what]
    wish = replace(day.wish("clinic", depart_after="10:00"), **change)

    with pytest.raises((BadInput, NotFound)) as raised:
        quote(wish, day.service)

    assert raised.value.code == code
    for language in ("ja", "en"):
        said = sentence(code, language, **raised.value.facts)
        assert code in sentences(language)
        assert said
        assert "…" not in said
    assert day.facts() == []


def test_a_holiday_is_refused_by_its_name() -> None:
    with a_town().at("09:00").day() as day:
        day.clock.now = datetime(2027, 1, 8, 0, 0, tzinfo=UTC)
        wish = replace(day.wish("clinic"), depart_after=datetime(2027, 1, 11, 1, tzinfo=UTC))
        with pytest.raises(BadInput) as raised:
            quote(wish, day.service)
    assert raised.value.code == "closed_holiday"
    assert "成人の日" in sentence("closed_holiday", "ja", **raised.value.facts)


def test_a_town_may_ask_for_registration_first() -> None:
    rules = RegistrationRules(required=True)
    with a_town().with_rules(registration=rules).day() as day:
        with pytest.raises(BadInput) as raised:
            day.ask("clinic", depart_after="10:00")
        assert raised.value.code == "not_registered"
        member = day.registrant()
        answer = day.ask("clinic", depart_after="10:00", registrant=member.id)
    assert answer.offers[0].registrant_id == member.id


def test_a_lead_time_is_kept_and_named() -> None:
    rules = BookingRules(lead_time=timedelta(minutes=30))
    with a_town().at("10:00").with_rules(booking=rules).day() as day:
        with pytest.raises(BadInput) as raised:
            day.ask("clinic", depart_after="10:10")
        soonest = day.ask("clinic").offers[0].promise.pickup_earliest
    assert raised.value.code == "too_soon"
    assert soonest >= on_the_clock("10:30")


def test_the_first_offer_is_the_nearest_to_the_wish_and_all_are_held(day: DayBuilder) -> None:
    answer = day.ask("clinic", depart_after="10:00")

    pickups = [offer.promise.pickup_earliest for offer in answer.offers]
    assert 1 < len(pickups) <= 3
    assert pickups[0] == min(pickups) == on_the_clock("10:00")
    spacing = day.service.town.booking.offer_spacing
    assert all(abs(a - b) >= spacing for a in pickups for b in pickups if a != b)
    planned = {v.subject for route in day.routes() for v in route.visits}
    assert {offer.id for offer in answer.offers} <= planned


def test_arrive_by_is_never_missed_and_not_much_too_early(day: DayBuilder) -> None:
    answer = day.ask("clinic", arrive_by="11:00")

    best = answer.offers[0].promise
    assert all(offer.promise.arrive_latest <= on_the_clock("11:00") for offer in answer.offers)
    assert best.arrive_latest == on_the_clock("11:00")
    assert best.pickup_earliest >= on_the_clock("10:15")


def test_ride_now_is_offered_at_once(day: DayBuilder) -> None:
    day.clock.set_to("11:00")
    day.start_duty()
    answer = day.ask("clinic")
    assert answer.offers[0].promise.pickup_earliest < on_the_clock("11:10")


def test_a_refusal_names_its_rule_and_times_that_are_bookable() -> None:
    with a_town().with_vehicles(1, seats=2).day() as day:
        day.book("hill", depart_after="10:00", passengers=2, name="first")
        answer = day.ask("station", depart_after="10:00", passengers=2, origin="market")
        while answer.offers:
            accept_offer(answer.offers[0].id, day.service)
            answer = day.ask("station", depart_after="10:00", passengers=2, origin="market")

        assert answer.refusal is not None
        assert answer.refusal.code in {"seats", "pickup_window", "max_ride"}
        assert sentence(answer.refusal.code, "ja")
        assert answer.refusal.alternatives
        for time in answer.refusal.alternatives:
            again = replace(day.wish("station", origin="market", passengers=2), depart_after=time)
            retried = quote(again, day.service)
            assert retried.offers
            day.clock.forward(minutes=3)


@settings(max_examples=examples(25, 400))
@given(
    rides=st.lists(
        st.tuples(
            st.sampled_from(["clinic", "market", "station", "hill"]),
            HALF_HOURS,
            st.integers(1, 4),
        ),
        max_size=9,
    ),
    wished=HALF_HOURS,
    by=st.booleans(),
)
def test_alternatives_asked_again_at_once_are_accepted(
    rides: list[tuple[str, str, int]], wished: str, by: bool
) -> None:
    with a_town().with_one_vehicle().at("09:00").day() as day:
        for destination, clock, passengers in rides:
            booked = day.ask(destination, depart_after=clock, passengers=passengers)
            if booked.offers:
                accept_offer(booked.offers[0].id, day.service)
        wish = day.wish("hill", origin="station", passengers=3)
        answer = _asked(_at(wish, on_the_clock(wished), by=by), day)
        for time in answer.refusal.alternatives if answer and answer.refusal else ():
            again = quote(_at(wish, time, by=by), day.service)
            assert again.offers
            assert accept_offer(again.offers[0].id, day.service).state is State.CONFIRMED


def _at(wish: Wish, time: datetime, *, by: bool) -> Wish:
    return replace(wish, arrive_by=time) if by else replace(wish, depart_after=time)


def _asked(wish: Wish, day: DayBuilder) -> Quote | None:
    try:
        return quote(wish, day.service)
    except NoriaiError:
        return None


def test_the_same_key_gives_the_same_quote_and_another_wish_is_a_conflict(day: DayBuilder) -> None:
    wish = day.wish("clinic", depart_after="10:00")
    first = quote(wish, day.service, key="k1")
    again = quote(wish, day.service, key="k1")

    assert [o.id for o in first.offers] == [o.id for o in again.offers]
    assert day.facts().count("offered") == len(first.offers)
    with pytest.raises(Conflict):
        quote(day.wish("market", depart_after="10:00"), day.service, key="k1")


def test_the_fare_is_told_with_the_offer(day: DayBuilder) -> None:
    answer = day.ask("clinic", depart_after="10:00", passengers=2)
    assert answer.offers[0].fare_yen == 600
    assert answer.offers[0].service_day == DAY
