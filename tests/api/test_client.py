"""The service for programs: every door, every problem, and nothing twice or lost on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from queue import Queue
from threading import Thread

import pytest

from api.bookings import ChangeForm
from api.client import NoriaiClient, Patience, Problem, StreamEvent
from api.driver import Does, EventForm, Outcome, PositionForm
from api.forms import PartyForm, PlaceForm
from api.quotes import QuoteForm
from api.registrations import CorrectionForm, RegistrationForm
from dispatch.booking import State
from dispatch.commands.sign_in import issue_token, revoke_token
from dispatch.store.store import Store
from dispatch.store.tokens import Role
from tests.api.doors import a_registration
from tests.api.webserver import IN_TIME, Scripted, WebServer, Wire
from tests.builders import DayBuilder, a_town

TEN = datetime.fromisoformat("2026-11-25T10:00:00+09:00")
LATER = datetime.fromisoformat("2026-11-25T13:00:00+09:00")
HURRIED = Patience(first_seconds=0.001, longest_seconds=0.02)


@dataclass(frozen=True, slots=True)
class Office:
    """A running service, and somebody of its office."""

    day: DayBuilder
    web: WebServer
    client: NoriaiClient
    token: str

    def other(self, address: str, language: str = "ja", **patience: int) -> NoriaiClient:
        """The office by another way."""
        return NoriaiClient(
            address,
            self.token,
            language,
            patience=Patience(first_seconds=0.001, longest_seconds=0.02, **patience),  # type: ignore[arg-type]
        )

    def confirmed(self) -> list[str]:
        """The ids of all bookings that were made."""
        bookings = self.day.service.store.list_bookings(self.day.service.today())
        return [each.id for each in bookings if each.accepted_at is not None]


@pytest.fixture
def office() -> Iterator[Office]:
    with a_town().day() as day:
        web = WebServer(day.service)
        token = issue_token(Role.OPERATOR, None, day.service.store, day.service.ports)
        with NoriaiClient(web.address, token, patience=HURRIED) as client:
            yield Office(day, web, client, token)
        web.stop()


def a_wish(after: datetime = TEN) -> QuoteForm:
    return QuoteForm(
        origin=PlaceForm(stop_id="hall"),
        destination=PlaceForm(stop_id="clinic"),
        party=PartyForm(passengers=1),
        depart_after=after,
    )


def booked(client: NoriaiClient, after: datetime = TEN) -> str:
    return client.book(client.quote(a_wish(after)).offers[0].id).id


def test_the_register_is_joined_searched_corrected_and_left(office: Office) -> None:
    client = office.client
    hanako = client.register(RegistrationForm.model_validate(a_registration()))
    assert client.registration(hanako.id) == hanako
    assert list(client.find_registrations(kana="きもつき")) == [hanako]

    moved = client.correct_registration(
        hanako.id, CorrectionForm(home=PlaceForm(stop_id="clinic")), hanako.version
    )
    assert moved.home.stop_id == "clinic"
    client.erase_registration(hanako.id)
    assert list(client.find_registrations(phone=hanako.phone)) == []


def test_a_booking_is_made_looked_at_changed_and_cancelled(office: Office) -> None:
    client = office.client
    booking = client.booking(booked(client))
    assert client.ride(booking.id).state is State.CONFIRMED

    changed = client.change(booking.id, ChangeForm(depart_after=LATER), booking.version)
    later = client.book(changed.offers[0].id)
    assert client.booking(booking.id).state is State.CANCELLED
    assert client.cancel(later.id, later.version).state is State.CANCELLED


def test_a_change_of_what_has_changed_meanwhile_is_a_problem(office: Office) -> None:
    booking = office.client.booking(booked(office.client))
    with pytest.raises(Problem) as stale:
        office.client.cancel(booking.id, booking.version - 1)
    assert (stale.value.status, stale.value.code) == (412, "changed_meanwhile")
    assert office.client.booking(booking.id).state is State.CONFIRMED


def test_the_pages_of_a_list_are_one_list(office: Office) -> None:
    made = [booked(office.client, TEN), booked(office.client, LATER)]

    assert sorted(b.id for b in office.client.bookings(page_size=1)) == sorted(made)
    states = [State.CANCELLED]
    assert list(office.client.bookings(TEN.date(), states, page_size=1)) == []


def test_a_driver_reads_the_list_drives_and_says_where(office: Office) -> None:
    service = office.day.service
    [route] = {booking.route_id for booking in [office.client.booking(booked(office.client))]}
    vehicle = service.store.get_route(route or "").vehicle_id
    token = issue_token(Role.DRIVER, vehicle, service.store, service.ports)
    driver = office.client.as_bearer_of(token)

    done = driver.report([EventForm(id="1", act=Does.START_DUTY)])
    assert [each.outcome for each in done.results] == [Outcome.APPLIED]
    assert len(driver.manifest().visits) == 2
    driver.report_positions([PositionForm(at=service.now(), lat=31.3, lon=130.9)])
    seen = {each.vehicle_id: each for each in office.client.board().vehicles}
    assert seen[vehicle].position is not None


def test_the_office_and_the_planner_see_the_town(office: Office) -> None:
    client = office.client
    booking = client.booking(booked(client))
    board = client.board(TEN.date())
    other = next(v for v in board.vehicles if v.route_id != booking.route_id)

    assert client.reassign(booking.id, route_id=other.route_id).route_id == other.route_id
    assert [each.id for each in client.live_town().requests] == [booking.id]
    assert "clinic" in {stop.id for stop in client.stops().items}
    assert client.places("hall", limit=1).items is not None
    assert client.registration_figures().goal > 0
    assert client.service_figures(TEN.date(), TEN.date()).booked == 1


@pytest.mark.parametrize(
    ("language", "said"),
    [("ja", "乗降場所「nowhere」はありません。"), ("en", "There is no stop “nowhere”.")],
)
def test_a_problem_has_its_code_and_its_sentence(office: Office, language: str, said: str) -> None:
    with office.other(office.web.address, language) as client, pytest.raises(Problem) as problem:
        client.quote(
            QuoteForm(origin=PlaceForm(stop_id="nowhere"), destination=PlaceForm(stop_id="hall"))
        )
    assert (problem.value.code, problem.value.status) == ("unknown_stop", 422)
    assert problem.value.detail == said


def test_a_server_that_is_gone_between_question_and_answer_has_booked_once(
    office: Office,
) -> None:
    wire = Wire(office.web.port, lost=[1, 2])
    with office.other(wire.address) as client:
        offer = client.quote(a_wish()).offers[0].id
        booking = client.book(offer)
    wire.close()

    assert len(wire.asked) == 4
    assert office.confirmed() == [booking.id] == [offer]
    numbers = [event.number for event in office.day.service.store.list_events(0)]
    assert numbers == sorted(set(numbers))


def test_a_quote_whose_answer_was_lost_holds_its_places_once(office: Office) -> None:
    wire = Wire(office.web.port, lost=[0])
    with office.other(wire.address) as client:
        made = client.quote(a_wish())
    wire.close()

    bookings = office.day.service.store.list_bookings(office.day.service.today())
    assert {each.id for each in bookings} == {offer.id for offer in made.offers}


def test_where_nobody_answers_there_is_a_problem_after_so_many_attempts(office: Office) -> None:
    office.web.stop()
    gone = office.other(office.web.address, "en", attempts=3)
    with gone as client, pytest.raises(Problem) as problem:
        client.stops()
    office.web.start()

    assert (problem.value.code, problem.value.status) == ("unavailable", 503)
    assert problem.value.detail.startswith("Not available at the moment")


def problem_of(client: NoriaiClient) -> Problem:
    """The problem with which a booking ends."""
    with pytest.raises(Problem) as problem:
        client.book("bkg_1")
    return problem.value


def test_what_is_refused_for_now_is_asked_again_with_the_same_key_when_it_was_told_to() -> None:
    slept: list[float] = []
    script = Scripted([(503, "2"), (429, "7"), (503, None), (409, None)])
    patience = Patience(first_seconds=0.5, sleep=slept.append)
    with script as address, NoriaiClient(address, "t", patience=patience) as client:
        problem = problem_of(client)

    assert (problem.code, problem.status, problem.field) == ("said_so", 409, "offer_id")
    assert len(script.keys) == 4
    assert len(set(script.keys)) == 1
    assert slept[:2] == [2.0, 7.0]
    assert 1.0 <= slept[2] <= 2.0


def test_there_is_an_end_to_asking_again() -> None:
    script = Scripted([(503, None)] * 3)
    patience = Patience(attempts=3, sleep=lambda _: None)
    with script as address, NoriaiClient(address, "t", patience=patience) as client:
        problem = problem_of(client)

    assert problem.status == 503
    assert script.answers == []


class Listener(Thread):
    """Somebody who hears a stream, until its token holds no more."""

    def __init__(self, client: NoriaiClient, after: int) -> None:
        super().__init__(daemon=True)
        self._events = client.stream(after)
        self.heard: Queue[StreamEvent] = Queue()
        self.ended_by: Problem | None = None
        self.start()

    def run(self) -> None:
        try:
            for event in self._events:
                self.heard.put(event)
        except Problem as problem:
            self.ended_by = problem

    def numbers(self, up_to: int) -> list[int]:
        """The numbers heard, up to this one."""
        heard: list[int] = []
        while not heard or heard[-1] < up_to:
            heard.append(self.heard.get(timeout=IN_TIME).number)
        return heard


def last_number(store: Store) -> int:
    """The number of the last event, once all there are have one."""
    store.publish()
    return store.last_event_number()


def test_a_stream_across_a_restart_has_no_gap_and_no_repeat(office: Office) -> None:
    store = office.day.service.store
    began = office.client.board().event_number
    listener = Listener(office.client, began)
    booked(office.client)
    before = listener.numbers(up_to=last_number(store))

    office.web.stop()
    office.day.book("clinic", depart_after="13:00")
    office.web.start()
    booked(office.client, LATER)
    after = listener.numbers(up_to=last_number(store))

    expected = [event.number for event in store.list_events(began)]
    assert before + after == expected
    assert len(after) > 4


def test_a_stream_ends_with_a_problem_once_its_token_holds_no_more(office: Office) -> None:
    service = office.day.service
    listener = Listener(office.client, 0)
    revoke_token(office.token, service.store, service.ports)
    office.web.stop()
    office.web.start()

    listener.join(IN_TIME)
    assert listener.ended_by is not None
    assert listener.ended_by.code == "not_signed_in"
