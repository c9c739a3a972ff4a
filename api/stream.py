"""The stream: what happens, as it happens, to each caller only what they may see.

One thread of each process follows the outbox; every open stream holds nothing but the
number it has come to, and reads on from there: from the last events kept in memory, or
from the database where it is further behind. So a slow reader costs nothing, and a cut is
resumed by `Last-Event-ID` without gap or repeat. An event is put into words once for all
who may see the same of it, however many streams are open.

See: docs/http.md; docs/decisions/0072-a-stream-is-a-number.md,
0108-an-event-is-written-once-for-all-its-readers.md; docs/words.md, outbox
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from threading import Event as Flag
from threading import Thread
from typing import Annotated, Any

import orjson
import structlog
from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from api import problems
from api.forms import ServiceNow
from api.security import Caller, CallerNow
from dispatch import notices
from dispatch.commands.service import Service
from dispatch.commands.sign_in import find_bearer
from dispatch.errors import BadInput, Unavailable
from dispatch.events import Event, Fact, RecordedEvent
from dispatch.store.tokens import Role
from dispatch.store.wake import Bell, follow

router = APIRouter(prefix="/stream", tags=["stream"])

KEPT = 4_000
"""Events kept in memory for readers that are nearly up to date."""

READ_AT_ONCE = 500
AWAY_SECONDS = 1.0

GATHER_SECONDS = 0.01
"""How long the events of one change are gathered before their readers are woken, once."""

UNHURRIED_SECONDS = 0.1
"""How long after a commit its events are published."""

SENT_AT_ONCE = 65_536
"""Bytes after which a reader must have taken what it was sent before it is sent more."""

SIGN_OF_LIFE_SECONDS = 15.0
"""How long a stream may be silent: proxies close a connection on which nothing moves."""

_REMEMBERED = 20_000


class News:
    """One event, whose it is, and the bytes it is told in, made once for each kind of reader."""

    __slots__ = ("_bytes", "recorded", "registrant_id", "vehicle_id")

    def __init__(
        self, recorded: RecordedEvent, registrant_id: str | None, vehicle_id: str | None
    ) -> None:
        self.recorded = recorded
        self.registrant_id = registrant_id
        self.vehicle_id = vehicle_id
        self._bytes: dict[object, bytes] = {}

    def told(self, kind: object, form: Callable[[RecordedEvent], dict[str, Any]]) -> bytes:
        """The event as a server-sent event in the form for this kind of reader."""
        made = self._bytes.get(kind)
        if made is None:
            made = self._bytes[kind] = _as_server_sent(form(self.recorded))
        return made


def _as_server_sent(told: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\nid: %d\n\n" % (
        told["fact"].encode(),
        orjson.dumps(told),
        told["number"],
    )


class Hub:
    """The outbox as this process has read it, and who waits for more.

    note : is told each event once, in order.
    """

    def __init__(
        self, service: Service, note: Callable[[RecordedEvent], None] = lambda _: None
    ) -> None:
        self._service = service
        self._note = note
        self._stop = Flag()
        self._kept: list[News] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()
        self._gathering = False
        self._bell = _Unhurried(service.bell, self._stop)
        self._owners = Owners(service)
        self._thread = Thread(target=self._follow, name="outbox", daemon=True)
        self.ended = False

    def start(self) -> None:
        """Follow the outbox from now on; called once, in the loop that serves."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def end_streams(self) -> None:
        """Let every open stream end, so that the process can stop."""
        self.ended = True
        self._in_the_loop(self._wake)

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

    async def read(self, after: int) -> Sequence[News]:
        """The next events after a number, in order; none when there are none yet."""
        kept = self._kept
        if kept and kept[0].recorded.number <= after + 1:
            first = after + 1 - kept[0].recorded.number
            return kept[first : first + READ_AT_ONCE]
        return await run_in_threadpool(self._read_back, after)

    def _read_back(self, after: int) -> Sequence[News]:
        store = self._service.store
        return [self._owners.news_of(each) for each in store.list_events(after, READ_AT_ONCE)]

    def _follow(self) -> None:
        store, after = self._service.store, None
        while not self._stop.is_set():
            try:
                if after is None:
                    after = store.last_event_number()
                for event in follow(store, self._bell, after, self._stop):
                    news = self._owners.news_of(event)
                    after = event.number
                    self._note(event)
                    self._in_the_loop(self._add, news)
            except Unavailable:
                structlog.get_logger().warning("stream_waits_for_database")
                self._stop.wait(AWAY_SECONDS)
            except Exception as error:
                # Without this thread every stream of the process would fall silent for good.
                problems.note_defect(error)
                self._stop.wait(AWAY_SECONDS)

    def _in_the_loop(self, act: Callable[..., None], *given: object) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(act, *given)

    def _add(self, news: News) -> None:
        self._kept.append(news)
        if len(self._kept) >= 2 * KEPT:
            self._kept = self._kept[-KEPT:]
        if not self._gathering and self._loop is not None:
            self._gathering = True
            self._loop.call_later(GATHER_SECONDS, self._wake)

    def _wake(self) -> None:
        self._gathering = False
        before, self._news = self._news, asyncio.Event()
        before.set()


class _Unhurried:
    """The bell, heard a moment later: whoever has committed is answered first, and what is
    committed meanwhile is published with it in one transaction.
    """

    def __init__(self, bell: Bell, stop: Flag) -> None:
        self._bell = bell
        self._stop = stop
        self.ring = bell.ring
        self.mark = bell.mark

    def wait(self, mark: str, seconds: float) -> None:
        """Return a moment after the bell has rung since `mark`, or after so many seconds."""
        self._bell.wait(mark, seconds)
        self._stop.wait(UNHURRIED_SECONDS)


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

    def news_of(self, recorded: RecordedEvent) -> News:
        """An event with the registrant of its booking and the vehicle of its route.

        Without what is for the audit alone, which is most of it: thousands of events are kept.
        """
        shown = {k: v for k, v in recorded.event.payload.items() if k not in INTERNAL}
        event = replace(recorded.event, payload=shown)
        recorded = RecordedEvent(recorded.number, event)
        return News(
            recorded,
            self._owner(event.booking_id, event.service_day, self._registrant),
            self._owner(event.route_id, event.service_day, self._vehicle),
        )

    def _owner(
        self, key: str | None, day: date, look_up: Callable[[date, str], str | None]
    ) -> str | None:
        if key is None:
            return None
        if key not in self._known:
            if len(self._known) > _REMEMBERED:
                self._known = {}
            self._known[key] = look_up(day, key)
        return self._known.get(key)

    def _vehicle(self, day: date, route_id: str) -> str | None:
        route = self._store.recall_route(day, route_id) or self._store.find_route(route_id)
        return None if route is None else route.vehicle_id

    def _registrant(self, day: date, booking_id: str) -> str | None:
        booking = self._store.recall_booking(day, booking_id)
        booking = booking or self._store.find_booking(booking_id)
        return None if booking is None else booking.registrant_id


class Sight:
    """What one caller may see of the events."""

    def __init__(self, caller: Caller, language: str, service: Service) -> None:
        self._caller = caller
        self._language = language
        self._service = service
        self._hidden = INTERNAL
        if caller.role is Role.PLANNER:
            self._hidden = INTERNAL | WHERE_PEOPLE_LIVE

    def of(self, news: News) -> bytes | None:
        """An event as the caller is sent it, or None where it is not for them."""
        if not self._may_see(news):
            return None
        return news.told((self._hidden, self._language), self._form)

    def _form(self, recorded: RecordedEvent) -> dict[str, Any]:
        event = recorded.event
        told: dict[str, Any] = {
            "number": recorded.number,
            "fact": event.fact.value,
            "at": self._service.local(event.at).isoformat(),
            "service_day": event.service_day.isoformat(),
            "booking_id": event.booking_id,
            "route_id": event.route_id,
            "payload": {k: v for k, v in event.payload.items() if k not in self._hidden},
        }
        if event.fact is Fact.NOTICE:
            told["sentence"] = notices.in_words(event, self._language, self._service.town.zone)
        return told

    def _may_see(self, news: News) -> bool:
        event, role = news.recorded.event, self._caller.role
        if self._caller.is_office or event.fact in FOR_ALL:
            return True
        if role is Role.PLANNER:
            return event.fact is not Fact.NOTICE
        if self._caller.subject is None or self._is_for_others(event):
            return False
        owner = news.vehicle_id if role is Role.DRIVER else news.registrant_id
        return owner == self._caller.subject

    def _is_for_others(self, event: Event) -> bool:
        mine = "driver" if self._caller.role is Role.DRIVER else "passenger"
        return event.fact is Fact.NOTICE and event.payload["recipient"] != mine


# --- the door ----------------------------------------------------------------------------------


class EventStream(StreamingResponse):
    """Server-sent events that are bytes already; FastAPI's own writes each for each reader."""

    media_type = "text/event-stream"


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


@router.get("", response_class=EventStream)
async def stream(
    request: Request,
    caller: CallerNow,
    service: ServiceNow,
    after: Annotated[int, Depends(_start)],
) -> EventStream:
    """Everything that happens from here on; ends when the service stops or the token does."""
    hub: Hub = request.app.state.hub
    seconds: int = request.app.state.settings.token_check_seconds
    sight = Sight(caller, problems.language_of(request), service)
    still_holds = partial(_still_holds, caller, service)
    # A proxy that gathers answers before it passes them on is asked not to.
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return EventStream(_told(hub, sight, after, still_holds, seconds), headers=headers)


async def _told(
    hub: Hub, sight: Sight, after: int, still_holds: Callable[[], bool], seconds: int
) -> AsyncIterator[bytes]:
    """What goes over the wire, from the first sign of life to the end of the stream."""
    yield b": here\nretry: 1000\n\n"
    checked = asyncio.get_running_loop().time()
    while not hub.ended:
        news = hub.news()
        events = await _patiently(hub, after)
        if events:
            after = events[-1].recorded.number
            for part in _parts(sight, events):
                yield part
            continue
        try:
            await asyncio.wait_for(news.wait(), min(seconds, SIGN_OF_LIFE_SECONDS))
            continue
        except TimeoutError:
            yield b": still here\n\n"
        if asyncio.get_running_loop().time() >= checked + seconds:
            checked = asyncio.get_running_loop().time()
            if not await run_in_threadpool(still_holds):
                return


def _parts(sight: Sight, events: Sequence[News]) -> Iterator[bytes]:
    """What the caller may see of the events, in pieces that a slow reader can take."""
    part = bytearray()
    for each in events:
        part += sight.of(each) or b""
        if len(part) > SENT_AT_ONCE:
            yield bytes(part)
            part.clear()
    if part:
        yield bytes(part)


async def _patiently(hub: Hub, after: int) -> Sequence[News]:
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
