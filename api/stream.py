"""The stream: what happens, as it happens, to each caller only what they may see.

One thread of each process follows the outbox; every open stream holds nothing but the
number it has come to, and reads on from there: from the last events kept in memory, or
from the database where it is further behind. So a slow reader costs nothing, and a cut is
resumed by `Last-Event-ID` without gap or repeat.

See: docs/http.md; docs/decisions/0072-a-stream-is-a-number.md; docs/words.md, outbox
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from threading import Event as Flag
from threading import Thread
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from api import problems
from api.forms import ServiceNow
from api.security import Caller, CallerNow
from dispatch import notices
from dispatch.commands.service import Service
from dispatch.commands.sign_in import find_bearer
from dispatch.errors import BadInput, Unavailable
from dispatch.events import Event, Fact, RecordedEvent
from dispatch.store.tokens import Role
from dispatch.store.wake import follow

router = APIRouter(prefix="/stream", tags=["stream"])

KEPT = 4_000
"""Events kept in memory for readers that are nearly up to date."""

READ_AT_ONCE = 500
AWAY_SECONDS = 1.0
_REMEMBERED = 20_000


class Hub:
    """The outbox as this process has read it, and who waits for more."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._stop = Flag()
        self._kept: tuple[RecordedEvent, ...] = ()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()
        self._thread = Thread(target=self._follow, name="outbox", daemon=True)
        self.ended = False
        self.owners = Owners(service)

    def start(self) -> None:
        """Follow the outbox from now on; called once, in the loop that serves."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def end_streams(self) -> None:
        """Let every open stream end, so that the process can stop."""
        self.ended = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    def close(self) -> None:
        """Stop following."""
        self.end_streams()
        self._stop.set()
        self._service.bell.ring()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def news(self) -> asyncio.Event:
        """Set when something is added after this call."""
        return self._news

    async def read(self, after: int) -> Sequence[RecordedEvent]:
        """The next events after a number, in order; none when there are none yet."""
        kept = self._kept
        if kept and kept[0].number <= after + 1:
            return kept[max(0, after + 1 - kept[0].number) :][:READ_AT_ONCE]
        store = self._service.store
        return await run_in_threadpool(store.list_events, after, READ_AT_ONCE)

    def _follow(self) -> None:
        store, after = self._service.store, None
        while not self._stop.is_set():
            try:
                if after is None:
                    after = store.last_event_number()
                for event in follow(store, self._service.bell, after, self._stop):
                    after = event.number
                    self._kept = (*self._kept[-KEPT + 1 :], event)
                    self._tell()
            except Unavailable:
                structlog.get_logger().warning("stream_waits_for_database")
                self._stop.wait(AWAY_SECONDS)

    def _tell(self) -> None:
        assert self._loop is not None  # noqa: S101  (`start` sets it before the thread runs)
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        before, self._news = self._news, asyncio.Event()
        before.set()


# --- who may see what ---------------------------------------------------------------------------

INTERNAL = frozenset({"plan", "rows"})
"""What the audit reads in an event and nobody else."""

WHERE_PEOPLE_LIVE = frozenset({"origin", "destination", "place", "wish", "visits", "told_pickup"})
"""What a planner does not need of an event: points may be homes."""

FOR_ALL = frozenset({Fact.STOP_CLOSED, Fact.STOP_REOPENED})


class Owners:
    """To whom a booking and a route belong. Neither ever changes, so each is looked up once
    in a process, whichever of its streams asks first.
    """

    def __init__(self, service: Service) -> None:
        self._store = service.store
        self._known: dict[str, str | None] = {}

    def registrant_of(self, booking_id: str) -> str | None:
        """The registrant of a booking."""
        return self._owner(booking_id, self._registrant)

    def vehicle_of(self, route_id: str) -> str | None:
        """The vehicle of a route."""
        return self._owner(route_id, self._vehicle)

    def _owner(self, key: str, look_up: Callable[[str], str | None]) -> str | None:
        if key not in self._known:
            if len(self._known) > _REMEMBERED:
                self._known = {}
            self._known[key] = look_up(key)
        return self._known.get(key)

    def _vehicle(self, route_id: str) -> str | None:
        route = self._store.find_route(route_id)
        return None if route is None else route.vehicle_id

    def _registrant(self, booking_id: str) -> str | None:
        booking = self._store.find_booking(booking_id)
        return None if booking is None else booking.registrant_id


class Sight:
    """What one caller may see of the events."""

    def __init__(self, caller: Caller, language: str, service: Service, owners: Owners) -> None:
        self._caller = caller
        self._language = language
        self._service = service
        self._owners = owners

    def of(self, recorded: RecordedEvent) -> dict[str, Any] | None:
        """An event as the caller is told it, or None where it is not for them."""
        event = recorded.event
        if not self._may_see(event):
            return None
        hidden = INTERNAL
        if self._caller.role is Role.PLANNER:
            hidden = INTERNAL | WHERE_PEOPLE_LIVE
        told: dict[str, Any] = {
            "number": recorded.number,
            "fact": event.fact.value,
            "at": self._service.local(event.at).isoformat(),
            "service_day": event.service_day.isoformat(),
            "booking_id": event.booking_id,
            "route_id": event.route_id,
            "payload": {k: v for k, v in event.payload.items() if k not in hidden},
        }
        if event.fact is Fact.NOTICE:
            told["sentence"] = notices.in_words(event, self._language, self._service.town.zone)
        return told

    def of_all(self, recorded: Sequence[RecordedEvent]) -> list[dict[str, Any] | None]:
        """The same for each of several."""
        return [self.of(each) for each in recorded]

    def _may_see(self, event: Event) -> bool:
        if self._caller.is_office or event.fact in FOR_ALL:
            return True
        if self._caller.role is Role.PLANNER:
            return event.fact is not Fact.NOTICE
        if self._caller.subject is None:
            return False
        if event.fact is Fact.NOTICE and event.payload["recipient"] != self._audience():
            return False
        owner = None
        if self._caller.role is Role.DRIVER and event.route_id is not None:
            owner = self._owners.vehicle_of(event.route_id)
        elif self._caller.role is Role.RESIDENT and event.booking_id is not None:
            owner = self._owners.registrant_of(event.booking_id)
        return owner == self._caller.subject

    def _audience(self) -> str:
        return "driver" if self._caller.role is Role.DRIVER else "passenger"


# --- the door ----------------------------------------------------------------------------------


def _start(
    service: ServiceNow,
    last_event_id: Annotated[
        str | None,
        Header(alias="Last-Event-ID", description="The number of the last event received."),
    ] = None,
    after: Annotated[
        int | None,
        Query(ge=0, description="The same for a first connection: `event_number` of the board."),
    ] = None,
) -> int:
    """After which event to begin; with neither given, after the last one there is."""
    if last_event_id is not None:
        if not last_event_id.isascii() or not last_event_id.isdigit() or len(last_event_id) > 18:
            raise BadInput("bad_event_number")
        after = int(last_event_id)
    service.store.publish()
    last = service.store.last_event_number()
    if after is None:
        return last
    if after > last:
        raise BadInput("bad_event_number")
    return after


@router.get("", response_class=EventSourceResponse)
async def stream(
    request: Request,
    caller: CallerNow,
    service: ServiceNow,
    after: Annotated[int, Depends(_start)],
) -> AsyncIterator[ServerSentEvent]:
    """Everything that happens from here on; ends when the service stops or the token does."""
    hub: Hub = request.app.state.hub
    seconds: int = request.app.state.settings.token_check_seconds
    sight = Sight(caller, problems.language_of(request), service, hub.owners)
    yield ServerSentEvent(comment="here", retry=1000)
    while not hub.ended:
        news = hub.news()
        events = await _patiently(hub, after)
        if events:
            seen = await run_in_threadpool(sight.of_all, events)
            for recorded, told in zip(events, seen, strict=True):
                after = recorded.number
                if told is not None:
                    yield ServerSentEvent(data=told, event=told["fact"], id=str(after))
            continue
        try:
            await asyncio.wait_for(news.wait(), seconds)
        except TimeoutError:
            if not await run_in_threadpool(_still_holds, caller, service):
                return


async def _patiently(hub: Hub, after: int) -> Sequence[RecordedEvent]:
    """The next events; while the database is away, none yet."""
    try:
        return await hub.read(after)
    except Unavailable:
        await asyncio.sleep(AWAY_SECONDS)
        return ()


def _still_holds(caller: Caller, service: Service) -> bool:
    try:
        return find_bearer(caller.secret, service.store, service.now()) is not None
    except Unavailable:
        return True
