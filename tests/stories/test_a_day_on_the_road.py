"""Stories of a day in the users' words, through the commands, on a fake clock.

See: docs/booking.md
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatch.booking import State, Verdict, verdict
from dispatch.commands import drive
from dispatch.commands.book import (
    accept_offer,
    cancel_booking,
    change_booking,
    expire_holds,
    release_quote,
)
from dispatch.commands.improve import SearchProcess, improve
from dispatch.commands.operate import break_down, close_stop, reopen_stop, repair
from dispatch.driving import Status
from dispatch.errors import BadInput, NotAllowedNow, NotFound, Refused
from dispatch.optimizer.plan import Kind
from dispatch.town import BookingRules, CalmRules, PromiseRules
from tests.builders import DAY, a_town, at_km, on_the_clock


def test_a_promise_is_kept_when_a_later_ride_is_inserted() -> None:
    day = a_town().with_one_vehicle().with_booking("clinic", pickup="09:40")
    promised = day.booking("clinic").promise

    day.book("market", depart_after="09:35")

    assert day.promise("clinic").is_kept()
    assert day.promise("market").is_kept()
    assert day.booking("clinic").promise == promised


def test_everybody_who_booked_is_brought_as_promised() -> None:
    with a_town().day() as day:
        for name, time in (("clinic", "09:30"), ("market", "09:40"), ("hill", "10:30")):
            day.book(name, depart_after=time)
        day.book("hall", origin="clinic", arrive_by="12:00")
        day.carry_everybody()

        for name in ("clinic", "market", "hill", "hall"):
            assert day.booking(name).state is State.COMPLETED
            assert verdict(day.booking(name)) is Verdict.KEPT


def test_a_taken_offer_releases_its_siblings_and_tells_the_passenger() -> None:
    with a_town().day() as day:
        answer = day.ask("clinic", depart_after="10:00")
        booked = accept_offer(answer.offers[1].id, day.service)
        day.ids["clinic"] = booked.id
        stored = [day.service.store.get_booking(offer.id).state for offer in answer.offers]
        planned = {v.subject for route in day.routes() for v in route.visits}
        assert booked.state is State.CONFIRMED
        assert stored.count(State.RELEASED) == len(answer.offers) - 1
        assert planned == {booked.id}
        assert day.notices("clinic") == ["notice_confirmed"]


def test_accepting_twice_under_one_key_books_once() -> None:
    with a_town().day() as day:
        offer = day.ask("clinic", depart_after="10:00").offers[0]
        first = accept_offer(offer.id, day.service, key="tap")
        again = accept_offer(offer.id, day.service, key="tap")
        assert first == again
        assert day.facts().count("confirmed") == 1
        with pytest.raises(NotAllowedNow):
            accept_offer(offer.id, day.service)


def test_an_offer_nobody_took_in_time_is_over_and_its_place_is_free() -> None:
    rules = BookingRules(offers=1, search_span=timedelta(0))
    with a_town().with_rules(booking=rules).with_vehicles(1, seats=1).day() as day:
        first = day.ask("clinic", depart_after="10:00")
        assert day.ask("clinic", depart_after="10:00", origin="hill").refusal is not None
        day.clock.forward(minutes=2)

        with pytest.raises(Refused) as raised:
            accept_offer(first.offers[0].id, day.service)
        assert raised.value.code == "offer_expired"
        assert day.ask("clinic", depart_after="10:00", origin="hill").offers
        expire_holds(day.service)
        state = day.service.store.get_booking(first.offers[0].id).state
        assert state is State.EXPIRED


def test_a_quote_given_back_frees_its_places() -> None:
    with a_town().day() as day:
        answer = day.ask("clinic", depart_after="10:00")
        assert release_quote(answer.id, day.service) == len(answer.offers)
        assert release_quote(answer.id, day.service) == 0
        assert not [v for route in day.routes() for v in route.visits]
        with pytest.raises(Refused):
            accept_offer(answer.offers[0].id, day.service)


def test_a_cancelled_ride_leaves_the_plan_and_cannot_be_cancelled_again() -> None:
    day = a_town().with_one_vehicle().with_booking("clinic", pickup="10:00")
    assert day.cancel("clinic").state is State.CANCELLED
    assert not [v for route in day.routes() for v in route.visits]
    with pytest.raises(NotAllowedNow):
        day.cancel("clinic")
    with pytest.raises(NotFound):
        cancel_booking("bkg_nobody", day.service)


def test_the_old_booking_stands_until_its_change_is_accepted() -> None:
    day = a_town().with_booking("clinic", pickup="10:00")
    old = day.ids["clinic"]
    answer = change_booking(old, day.wish("clinic", depart_after="11:00"), day.service)
    assert day.booking("clinic").state is State.CONFIRMED

    new = accept_offer(answer.offers[0].id, day.service)

    assert day.booking("clinic").state is State.CANCELLED
    assert day.booking("clinic").cause == "changed"
    assert new.state is State.CONFIRMED
    assert new.promise.pickup_earliest >= on_the_clock("11:00")


def test_a_vehicle_on_its_way_to_somebody_who_cancels_goes_on_to_the_next() -> None:
    with a_town().with_one_vehicle().day() as day:
        day.book("hill", origin="station", depart_after="09:30", name="first")
        day.book("hall", origin="hill", depart_after="10:30", name="second")
        day.start_duty()
        route = day.routes()[0]
        day.clock.now = route.visits[0].leaves_at
        left = drive.depart(route.id, day.service)

        day.cancel("first")

        now = day.routes()[0]
        assert now.status is Status.DRIVING
        assert [v.subject for v in now.visits] == [day.ids["second"]] * 2
        assert now.arrives_at is not None
        assert left.arrives_at is not None
        assert now.arrives_at > left.arrives_at


def test_a_driver_cannot_board_somebody_who_is_elsewhere() -> None:
    day = a_town().with_one_vehicle().with_booking("clinic", pickup="10:00", origin="market")
    day.start_duty()
    before = day.booking("clinic")
    with pytest.raises(NotAllowedNow):
        drive.board(before.id, day.service)
    assert day.booking("clinic") == before


def test_nobody_is_a_no_show_before_the_promised_time() -> None:
    day = a_town().with_one_vehicle().with_booking("clinic", pickup="10:00", origin="market")
    day.start_duty()
    route = day.drive_to("clinic")
    day.clock.set_to("09:59")
    with pytest.raises(NotAllowedNow) as raised:
        drive.no_show(day.ids["clinic"], day.service)
    assert raised.value.code == "no_show_too_early"
    day.clock.set_to("10:03")
    assert drive.no_show(day.ids["clinic"], day.service).state is State.NO_SHOW
    assert day.service.store.get_route(route.id).visits == ()


def test_a_delay_is_told_before_it_is_asked_and_recorded_with_its_cause() -> None:
    day = a_town().with_one_vehicle().with_booking("clinic", pickup="10:00", origin="station")
    day.start_duty()
    route = day.routes()[0]
    day.clock.now = route.visits[0].leaves_at
    drive.depart(route.id, day.service)

    drive.report_delay(route.id, on_the_clock("10:21"), day.service)

    assert "notice_delayed" in day.notices("clinic")
    assert day.booking("clinic").told_pickup == on_the_clock("10:21")
    day.clock.set_to("10:21")
    drive.arrive(route.id, day.service)
    day.clock.set_to("10:22")
    drive.board(day.ids["clinic"], day.service)
    day.serve_next(route.id)
    assert verdict(day.booking("clinic")) is Verdict.LATE
    assert day.facts().count("promise_late") >= 1


def test_a_position_that_shows_a_delay_gives_the_route_new_times() -> None:
    day = a_town().with_one_vehicle().with_booking("clinic", pickup="10:00", origin="station")
    day.start_duty()
    route = day.routes()[0]
    day.clock.now = route.visits[0].leaves_at
    left = drive.depart(route.id, day.service)
    day.clock.forward(minutes=9)

    late = drive.report_position(route.id, at_km(0.5, 0.6), day.service)

    assert left.arrives_at is not None
    assert late.arrives_at is not None
    assert late.arrives_at > left.arrives_at + timedelta(minutes=5)
    assert late.visits[0].starts_at >= late.arrives_at


def test_a_break_is_taken_within_its_window_with_nobody_aboard() -> None:
    town = a_town().with_one_vehicle().with_break("11:30", "12:30", 45)
    with town.day() as day:
        day.book("clinic", depart_after="11:20")
        day.book("market", depart_after="12:20")
        day.carry_everybody()
        facts = day.facts()
        rests = facts.index("break_started"), facts.index("break_ended")
        assert facts[rests[0] : rests[1]].count("boarded") == 0
        assert verdict(day.booking("clinic")) is Verdict.KEPT
        assert verdict(day.booking("market")) is Verdict.KEPT


def test_when_a_vehicle_breaks_down_its_rides_are_taken_over_and_everybody_is_told() -> None:
    with a_town().with_vehicles(2).day() as day:
        day.book("clinic", depart_after="10:00", origin="market")
        day.book("station", depart_after="13:00", name="later")
        day.start_duty()
        broken = day.drive_to("clinic")
        day.serve_next(broken.id)
        in_the_same = day.booking("later").route_id == broken.id

        day.break_down("clinic")

        waiting = day.booking("clinic")
        assert waiting.state is State.CONFIRMED
        assert waiting.route_id not in {None, broken.id}
        assert day.notices("clinic")[-1] == "notice_stranded"
        assert in_the_same == ("notice_taken_over" in day.notices("later"))
        day.carry_everybody()
        assert day.booking("clinic").state is State.COMPLETED
        assert day.booking("later").state is State.COMPLETED
        assert repair(broken.id, day.service).status is Status.STANDING


def test_passengers_stranded_between_two_stops_are_fetched_from_there() -> None:
    with a_town().with_vehicles(2).day() as day:
        day.book("hill", depart_after="10:00", origin="market")
        day.start_duty()
        route = day.drive_to("hill")
        day.serve_next(route.id)
        drive.depart(route.id, day.service)
        day.clock.forward(minutes=4)

        break_down(route.id, day.service, "engine", where=at_km(2.25, 2.9))

        waiting = day.booking("hill")
        rescue = day.route_of("hill")
        assert waiting.origin.point == at_km(2.25, 2.9) == rescue.visits[0].point
        way = rescue.visits[0].starts_at - day.clock.now
        assert timedelta(minutes=5) < way < timedelta(minutes=15)
        day.carry_everybody()
        assert day.booking("hill").state is State.COMPLETED
        assert day.booking("hill").promise == waiting.promise


def test_a_driver_who_hears_of_a_cancellation_on_arrival_says_where_that_was() -> None:
    with a_town().with_one_vehicle().day() as day:
        day.book("hill", origin="station", depart_after="09:30", name="first")
        day.book("hall", origin="hill", depart_after="10:30", name="second")
        day.start_duty()
        route = day.routes()[0]
        day.clock.now = route.visits[0].leaves_at
        drive.depart(route.id, day.service)
        day.cancel("first")
        day.clock.forward(minutes=15)

        stood = drive.arrive(route.id, day.service, where=day.place("station").point)

        assert stood.place == day.place("station").point
        assert stood.visits[0].starts_at >= on_the_clock("10:30")


def test_nobody_is_lost_when_the_only_vehicle_breaks_down() -> None:
    day = a_town().with_one_vehicle().with_booking("clinic", pickup="10:00")
    day.start_duty()
    day.break_down("clinic", cause="engine")

    lost = day.booking("clinic")
    assert lost.state is State.BROKEN
    assert lost.cause == "engine"
    assert day.notices("clinic")[-1] == "notice_broken"
    assert day.facts().count("promise_broken") == 1


def test_whoever_is_booked_at_a_closed_stop_is_told() -> None:
    day = a_town().with_booking("clinic", pickup="10:00")
    concerned = close_stop("clinic", day.service, "flood")
    assert [b.id for b in concerned] == [day.ids["clinic"]]
    assert day.notices("clinic")[-1] == "notice_stop_closed"
    with pytest.raises(BadInput) as raised:
        day.ask("clinic", depart_after="11:00")
    assert raised.value.code == "stop_closed"
    reopen_stop("clinic", day.service)
    assert day.ask("clinic", depart_after="11:00").offers


def test_no_booking_changes_its_vehicle_more_often_than_the_town_allows() -> None:
    calm = CalmRules(vehicle_changes=0, frozen=timedelta(0))
    with a_town().with_rules(calm=calm).with_vehicles(3).day() as day:
        for number, origin in enumerate(("hill", "hall", "station", "market")):
            day.book("clinic", origin=origin, depart_after=f"10:{number}0", name=origin)
        before = {name: day.booking(name).route_id for name in day.ids}
        day.improve()
        assert {name: day.booking(name).route_id for name in day.ids} == before


def test_a_better_plan_keeps_every_promise_and_says_who_moved() -> None:
    calm = CalmRules(vehicle_changes=9, frozen=timedelta(0))
    with a_town().with_rules(calm=calm).with_vehicles(3).day() as day:
        for number in range(6):
            stops = ("hill", "hall", "station")
            origin = stops[number % 3]
            day.book("market", origin=origin, depart_after=f"10:{number}0", name=f"{number}")
        promised = {name: day.booking(name).promise for name in day.ids}
        better = day.improve(iterations=300)
        for name in day.ids:
            assert day.booking(name).promise == promised[name]
            assert day.promise(name).is_kept()
        moved = {name for name in day.ids if day.ids[name] in better.moved}
        assert all("notice_vehicle_changed" in day.notices(name) for name in moved)


def test_the_search_in_a_process_of_its_own_finds_the_same() -> None:
    with a_town().with_vehicles(2).day() as day, SearchProcess() as elsewhere:
        for number in range(4):
            origin = ("hill", "station")[number % 2]
            day.book("market", origin=origin, depart_after=f"10:{number}0", name=f"{number}")
        found = improve(DAY, day.service, 100, 7, run=elsewhere.search)
        assert not found.dropped
        assert improve(DAY, day.service, 0, 7).saved == 0


def test_rides_share_a_vehicle_where_they_can() -> None:
    rules = PromiseRules(pickup_window=timedelta(minutes=20))
    with a_town().with_rules(promise=rules).with_vehicles(1).day() as day:
        day.book("station", depart_after="10:00", name="one")
        day.book("station", depart_after="10:05", name="two", origin="market")
        kinds = [v.kind for v in day.routes()[0].visits]
        assert kinds[:2] == [Kind.PICKUP, Kind.PICKUP]
