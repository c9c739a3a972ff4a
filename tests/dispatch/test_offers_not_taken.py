"""Taking an offer: its route stands, the others' routes only lose the offers not taken."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.booking import State
from dispatch.commands.book import accept_offer
from dispatch.commands.planning import drive_time, read_day
from dispatch.commands.quote import Quote
from dispatch.commands.shortened import shortened
from dispatch.driving import PlannedVisit, Route
from dispatch.optimizer.plan import Kind
from dispatch.optimizer.verify import verify
from tests.builders import DAY, DayBuilder, a_town
from tests.markers import examples

STOPS = ("station", "clinic", "market", "hall", "hill")


def routes_by_id(day: DayBuilder) -> dict[str, Route]:
    return {route.id: route for route in day.routes()}


def times_of(route: Route) -> dict[tuple[Kind, str], datetime]:
    return {(v.kind, v.subject): v.starts_at for v in route.visits}


def apart(answer: Quote) -> bool:
    """Whether the first offer has its route for itself, and another stands elsewhere."""
    first, *others = answer.offers
    return bool(others) and all(other.route_id != first.route_id for other in others)


def a_quote_over_several_vehicles(day: DayBuilder) -> Quote:
    for clock in ("09:10", "09:20", "09:30", "10:00", "10:10"):
        day.book("clinic", name=f"clinic {clock}", depart_after=clock)
        day.book("market", name=f"market {clock}", origin="station", depart_after=clock)
    for minute in range(0, 60, 5):
        answer = day.ask("hill", origin="station", depart_after=f"10:{minute:02}")
        if answer.offers and apart(answer):
            return answer
    raise AssertionError("no quote with offers in several vehicles")


def test_a_taken_offer_rides_exactly_as_it_was_offered() -> None:
    with a_town().with_vehicles(3).day() as day:
        answer = a_quote_over_several_vehicles(day)
        offer, before = answer.offers[0], routes_by_id(day)
        accept_offer(offer.id, day.service)

        assert offer.route_id is not None
        after = routes_by_id(day)[offer.route_id]
        assert after.visits == before[offer.route_id].visits
        assert after.version == before[offer.route_id].version + 1


def test_offers_not_taken_leave_their_routes_and_nobody_is_put_off() -> None:
    with a_town().with_vehicles(3).day() as day:
        answer = a_quote_over_several_vehicles(day)
        before = routes_by_id(day)
        accept_offer(answer.offers[0].id, day.service)

        gone = {offer.id for offer in answer.offers[1:]}
        for route in day.routes():
            stood = times_of(before[route.id])
            left = {key: time for key, time in stood.items() if key[1] not in gone}
            now = times_of(route)
            assert now.keys() == left.keys()
            assert all(now[key] <= left[key] for key in left)
        states = {day.service.store.get_booking(each).state for each in gone}
        assert states == {State.RELEASED}


def test_a_route_that_loses_its_first_visit_is_timed_anew_as_a_whole() -> None:
    with a_town().with_one_vehicle().day() as day:
        day.book("clinic", depart_after="10:00")
        route = day.route_of("clinic")
        assert shortened(route, {route.visits[0].subject}, day.service) is None


WISHES = st.lists(
    st.tuples(st.sampled_from(STOPS), st.sampled_from(STOPS), st.integers(0, 40)),
    min_size=3,
    max_size=14,
)


@given(wishes=WISHES, taken=st.integers(0, 2))
@settings(max_examples=examples(10, 200), deadline=None)
def test_whatever_is_taken_every_route_stays_sound_and_can_be_driven(
    wishes: list[tuple[str, str, int]], taken: int
) -> None:
    with a_town().with_vehicles(3).day() as day:
        for origin, destination, step in wishes:
            if origin == destination:
                continue
            clock = f"{9 + (step * 5 + 30) // 60}:{(step * 5 + 30) % 60:02}".zfill(5)
            offers = day.ask(destination, origin=origin, depart_after=clock).offers
            if offers:
                accept_offer(offers[min(taken, len(offers) - 1)].id, day.service)
        snapshot = read_day(DAY, day.service).snapshot(day.service, day.clock.now)
        assert not snapshot.late
        assert not snapshot.gone
        assert verify(snapshot.problem, snapshot.plan) == ()
        for route in day.routes():
            for before, after in pairwise(route.visits):
                assert can_follow(before, after, day)


def can_follow(before: PlannedVisit, after: PlannedVisit, day: DayBuilder) -> bool:
    """Whether there is time from one visit to the next, and the driver is told to leave by then."""
    if after.point == before.point:
        return True
    way = drive_time(before.point, after.point, day.service)
    return before.ends_at <= after.leaves_at <= after.starts_at - way
