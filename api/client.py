"""The service for programs: one method a route, typed questions and answers, one exception.

    with NoriaiClient("http://127.0.0.1:8000", token) as noriai:
        quote = noriai.quote(QuoteForm(origin=..., destination=...))

Questions and answers are the doors' own forms, so there is one definition of each.

See: docs/http.md, from a program; docs/decisions/0092-a-client-that-asks-again.md
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from datetime import date, datetime
from types import TracebackType
from typing import Any, Self

from pydantic import BaseModel, Field

from api.board import BoardOut, ReassignmentForm
from api.bookings import AcceptForm, BookingOut, BookingPage, ChangeForm, LiveOut
from api.client_wire import Patience, Problem, Wire
from api.demo_clock import ClockForm
from api.driver import (
    EventForm,
    EventsForm,
    EventsOut,
    ManifestOut,
    PositionForm,
    PositionsForm,
    PositionsOut,
)
from api.forms import Answer, etag
from api.kpi import RegistrationsOut, ServiceFiguresOut
from api.live import ClockOut
from api.live import LiveOut as LiveTownOut
from api.places import PlacesOut
from api.quotes import QuoteForm, QuoteOut
from api.registrations import (
    CorrectionForm,
    RegistrationForm,
    RegistrationOut,
    RegistrationPage,
)
from api.stops import StopsOut
from dispatch.booking import State

__all__ = ["NoriaiClient", "Patience", "Problem", "StreamEvent"]


class StreamEvent(Answer):
    """One event of the stream; `sentence` where it is a notice."""

    number: int
    fact: str
    at: datetime
    service_day: date
    booking_id: str | None
    route_id: str | None
    payload: Mapping[str, Any] = Field(default_factory=dict)
    sentence: str | None = None


class NoriaiClient:
    """A caller of the service, with the rights of its token. Every method may raise Problem.

    A write is sent again after a lost connection or a 503, under the same key: it is done once.
    `version` of a change is the one last read; another one since then is a Problem (412).

    language : ja or en, of the sentences in problems and notices.
    timeout : seconds to wait for an answer.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        language: str = "ja",
        timeout: float = 10.0,
        patience: Patience | None = None,
    ) -> None:
        self._wire = Wire(base_url, language, timeout, patience or Patience())
        self.token = token

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the connections go."""
        self._wire.close()

    def as_bearer_of(self, token: str) -> NoriaiClient:
        """The same service for somebody else, over the same connections."""
        other = copy(self)
        other.token = token
        return other

    # --- the register -------------------------------------------------------------------------

    def register(self, form: RegistrationForm) -> RegistrationOut:
        """Put somebody on the register."""
        return self._ask(RegistrationOut, "POST", "/registrations", form)

    def registration(self, registration_id: str) -> RegistrationOut:
        """One person on the register."""
        return self._ask(RegistrationOut, "GET", f"/registrations/{registration_id}")

    def find_registrations(
        self, phone: str | None = None, kana: str | None = None
    ) -> Iterator[RegistrationOut]:
        """People by their telephone number, or by how their reading begins."""
        cursor: str | None = None
        while True:
            asked = {"phone": phone, "kana": kana, "cursor": cursor}
            page = self._ask(RegistrationPage, "GET", "/registrations", params=asked)
            yield from page.items
            if (cursor := page.next_cursor) is None:
                return

    def correct_registration(
        self, registration_id: str, form: CorrectionForm, version: int | None = None
    ) -> RegistrationOut:
        """Correct somebody's data."""
        path = f"/registrations/{registration_id}"
        return self._ask(RegistrationOut, "PATCH", path, form, version=version)

    def erase_registration(self, registration_id: str) -> None:
        """Erase somebody's personal data."""
        self._wire.ask("DELETE", f"/registrations/{registration_id}", self.token)

    # --- quotes and bookings ------------------------------------------------------------------

    def quote(self, form: QuoteForm) -> QuoteOut:
        """Ask for a ride; its offers are held for a few minutes."""
        return self._ask(QuoteOut, "POST", "/quotes", form)

    def book(self, offer_id: str) -> BookingOut:
        """Take an offer."""
        return self._ask(BookingOut, "POST", "/bookings", AcceptForm(offer_id=offer_id))

    def booking(self, booking_id: str) -> BookingOut:
        """One booking."""
        return self._ask(BookingOut, "GET", f"/bookings/{booking_id}")

    def bookings(
        self,
        day: date | None = None,
        states: Sequence[State] = (),
        registration_id: str | None = None,
        page_size: int = 100,
    ) -> Iterator[BookingOut]:
        """The bookings of a day or of a registrant, oldest first, page after page."""
        cursor: str | None = None
        while True:
            asked = {
                "day": None if day is None else day.isoformat(),
                "state": [state.value for state in states] or None,
                "registration_id": registration_id,
                "limit": page_size,
                "cursor": cursor,
            }
            page = self._ask(BookingPage, "GET", "/bookings", params=asked)
            yield from page.items
            if (cursor := page.next_cursor) is None:
                return

    def ride(self, booking_id: str) -> LiveOut:
        """How a ride stands now: when the vehicle is expected, and where it is."""
        return self._ask(LiveOut, "GET", f"/bookings/{booking_id}/live")

    def change(self, booking_id: str, form: ChangeForm, version: int | None = None) -> QuoteOut:
        """Offers in place of a booking, which stands until one of them is booked."""
        return self._ask(QuoteOut, "PATCH", f"/bookings/{booking_id}", form, version=version)

    def cancel(self, booking_id: str, version: int | None = None) -> BookingOut:
        """Cancel a booking, or give a held offer back."""
        return self._ask(BookingOut, "DELETE", f"/bookings/{booking_id}", version=version)

    # --- the driver ---------------------------------------------------------------------------

    def manifest(self, route_id: str | None = None, vehicle_id: str | None = None) -> ManifestOut:
        """What a vehicle still has to do, and for whom."""
        asked = {"route_id": route_id, "vehicle_id": vehicle_id}
        return self._ask(ManifestOut, "GET", "/driver/manifest", params=asked)

    def report(self, events: Sequence[EventForm]) -> EventsOut:
        """What was done, in order; each event's own id is its key."""
        return self._ask(EventsOut, "POST", "/driver/events", EventsForm(events=list(events)))

    def report_positions(
        self, positions: Sequence[PositionForm], route_id: str | None = None
    ) -> PositionsOut:
        """Where the vehicle was since the last report."""
        form = PositionsForm(route_id=route_id, positions=list(positions))
        return self._ask(PositionsOut, "POST", "/driver/positions", form)

    # --- the office and the planner -----------------------------------------------------------

    def board(self, day: date | None = None) -> BoardOut:
        """Vehicles, bookings and alerts of a day."""
        asked = {"day": None if day is None else day.isoformat()}
        return self._ask(BoardOut, "GET", "/board", params=asked)

    def reassign(
        self, booking_id: str, vehicle_id: str | None = None, route_id: str | None = None
    ) -> BookingOut:
        """Move a booking into another vehicle."""
        given = {"vehicle_id": vehicle_id, "route_id": route_id}
        wanted = {name: value for name, value in given.items() if value is not None}
        form = ReassignmentForm(booking_id=booking_id, **wanted)
        return self._ask(BookingOut, "POST", "/board/reassignments", form)

    def live_town(self) -> LiveTownOut:
        """Today at one look, for a screen."""
        return self._ask(LiveTownOut, "GET", "/live")

    def stops(self) -> StopsOut:
        """The designated stops."""
        return self._ask(StopsOut, "GET", "/stops")

    def places(self, words: str, limit: int | None = None) -> PlacesOut:
        """Places by what people call them."""
        return self._ask(PlacesOut, "GET", "/places", params={"q": words, "limit": limit})

    def registration_figures(self) -> RegistrationsOut:
        """The way to the registration goal."""
        return self._ask(RegistrationsOut, "GET", "/kpi/registrations")

    def service_figures(
        self, first: date | None = None, last: date | None = None
    ) -> ServiceFiguresOut:
        """The service in numbers, these days included."""
        asked = {
            "from": None if first is None else first.isoformat(),
            "to": None if last is None else last.isoformat(),
        }
        return self._ask(ServiceFiguresOut, "GET", "/kpi/service", params=asked)

    # --- what happens ---------------------------------------------------------------------------

    def stream(self, after: int) -> Iterator[StreamEvent]:
        """Every event after a number, as it happens, without gap or repeat across every cut.

        after : `event_number` of the board or of the live town; 0: all there ever were.
        """
        for _, data in self._wire.events(self.token, after):
            yield StreamEvent.model_validate_json(data)

    def clock(self) -> ClockOut:
        """The demo's clock."""
        return self._ask(ClockOut, "GET", "/clock")

    def set_clock(self, form: ClockForm) -> ClockOut:
        """Hold the demo's clock, let it go on, or change its speed."""
        return self._ask(ClockOut, "PATCH", "/clock", form)

    def _ask[Read: BaseModel](
        self,
        answer: type[Read],
        method: str,
        path: str,
        form: BaseModel | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        version: int | None = None,
    ) -> Read:
        body = None if form is None else form.model_dump(mode="json", exclude_unset=True)
        headers = {} if version is None else {"If-Match": etag(version)}
        found = self._wire.ask(method, path, self.token, body=body, params=params, headers=headers)
        return answer.model_validate_json(found.content)
