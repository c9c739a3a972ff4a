"""The day in the terminal: a calm table of vehicles, promises and what has just happened.

The simulation runs at the chosen speed (simulated seconds a second of the wall clock); where
the output is no terminal, the same is said in plain lines.

See: docs/simulation.md, in the terminal
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from dispatch.booking import State
from dispatch.driving import Route, Status
from dispatch.events import Fact, RecordedEvent
from dispatch.optimizer.plan import Kind
from simulations.day import TownDay

FRAMES_A_SECOND = 4
EVENTS_SHOWN = 9
HURRY = 40.0
"""The time before the first vehicle starts is played this much faster."""

COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "red")

WORDS: Mapping[str, Mapping[str, str]] = {
    "ja": {
        "vehicle": "車",
        "now": "いま",
        "next": "つぎ",
        "at": "時刻",
        "aboard": "乗車",
        "to_come": "残り",
        "off_duty": "出庫前",
        "standing": "停車",
        "driving": "走行",
        "on_break": "休憩",
        "out_of_service": "故障",
        "finished": "終了",
        "pickup": "{place} で乗車",
        "dropoff": "{place} で降車",
        "break": "休憩",
        "promises": "予約 {booked}　完了 {done}　守れた約束 {kept}/{ended}　お断り {refused}",
        "stop": "Ctrl-C で終わります（ページは書き出します）",
        Fact.CONFIRMED: "予約: {way}",
        Fact.QUOTE_REFUSED: "お断り（空きがありません）",
        Fact.CANCELLED: "取り消し: {way}",
        Fact.BOARDED: "乗車: {way}",
        Fact.COMPLETED: "到着: {way}",
        Fact.NO_SHOW: "乗り場に見えず: {way}",
        Fact.BROKE_DOWN: "故障: {vehicle}",
        Fact.STRANDED: "迎えの車を待つ: {way}",
        Fact.PROMISE_LATE: "約束に遅れ: {way}",
        Fact.PROMISE_BROKEN: "お送りできず: {way}",
        Fact.DELAYED: "遅れの連絡: {vehicle}",
    },
    "en": {
        "vehicle": "vehicle",
        "now": "now",
        "next": "next",
        "at": "at",
        "aboard": "aboard",
        "to_come": "to come",
        "off_duty": "in the garage",
        "standing": "standing",
        "driving": "driving",
        "on_break": "break",
        "out_of_service": "broken down",
        "finished": "finished",
        "pickup": "pick up at {place}",
        "dropoff": "set down at {place}",
        "break": "break",
        "promises": "booked {booked}  driven {done}  kept {kept}/{ended}  refused {refused}",
        "stop": "Ctrl-C ends the day (its page is written all the same)",
        Fact.CONFIRMED: "booked: {way}",
        Fact.QUOTE_REFUSED: "refused: no room",
        Fact.CANCELLED: "cancelled: {way}",
        Fact.BOARDED: "on board: {way}",
        Fact.COMPLETED: "arrived: {way}",
        Fact.NO_SHOW: "nobody at the door: {way}",
        Fact.BROKE_DOWN: "broke down: {vehicle}",
        Fact.STRANDED: "waits for another vehicle: {way}",
        Fact.PROMISE_LATE: "later than promised: {way}",
        Fact.PROMISE_BROKEN: "could not be brought: {way}",
        Fact.DELAYED: "says it is late: {vehicle}",
    },
}
ALERTS = frozenset({Fact.BROKE_DOWN, Fact.STRANDED, Fact.PROMISE_LATE, Fact.PROMISE_BROKEN})


def watch_day(day: TownDay, speed: float, language: str, console: Console | None = None) -> None:
    """Play `day` at `speed` and show it; Ctrl-C ends it early and quietly."""
    console = console or Console()
    screen = _Screen(day, language if language in WORDS else "en")
    try:
        if console.is_terminal:
            with Live(console=console, auto_refresh=False, screen=False) as live:
                _pace(day, speed, lambda: live.update(screen.picture(), refresh=True))
                live.update(screen.picture(), refresh=True)
        else:
            _pace(day, speed, lambda: screen.plain(console))
            screen.plain(console)
    except KeyboardInterrupt:
        console.print()


def _pace(day: TownDay, speed: float, show: Callable[[], None]) -> None:
    """Let simulated time pass at `speed`, redrawing a few times a second."""
    duty_starts, _ = day.duty
    drawn = float("-inf")
    behind = time.monotonic()
    last = day.now
    for _ in day.play():
        ahead = day.next_step_at()
        pace = speed * HURRY if ahead < duty_starts - timedelta(minutes=40) else speed
        if ahead < duty_starts - timedelta(hours=10):
            pace = speed * HURRY * 30
        behind += (ahead - last).total_seconds() / pace
        last = max(last, ahead)
        while True:
            wall = time.monotonic()
            if wall - drawn >= 1 / FRAMES_A_SECOND:
                show()
                drawn = wall
            if behind <= wall:
                break
            time.sleep(min(behind - wall, 1 / FRAMES_A_SECOND))


@dataclass(slots=True)
class _Screen:
    """What is drawn of a day, in one language."""

    day: TownDay
    language: str
    said: int = 0

    def words(self, key: str, **facts: object) -> str:
        return WORDS[self.language][key].format(**facts)

    def picture(self) -> Group:
        """The whole picture: time, vehicles, promises, the last events."""
        town = self.day.town
        local = self.day.now.astimezone(town.zone)
        name = town.name.get(self.language, town.id)
        head = Text(f"{name}  {local:%Y-%m-%d  %H:%M}", style="bold")
        return Group(
            head,
            self._vehicles(),
            Text(self._promises(), style="bold"),
            *self._last_events(),
            Text(self.words("stop"), style="dim"),
        )

    def plain(self, console: Console) -> None:
        """The events since last time, as plain lines."""
        events = self.day.world.recent
        for recorded in events[self.said :]:
            text = self._sentence(recorded)
            if text:
                console.out(f"{self._clock(recorded.event.at)}  {text}", highlight=False)
        self.said = len(events)

    def _vehicles(self) -> Table:
        table = Table(expand=False, pad_edge=False, box=None, header_style="dim")
        for key in ("vehicle", "now", "next", "at"):
            table.add_column(self.words(key), no_wrap=True, min_width=8)
        for key in ("aboard", "to_come"):
            table.add_column(self.words(key), justify="right", no_wrap=True)
        order = {model.id: number for number, model in enumerate(self.day.town.vehicles)}
        routes = self.day.service.store.list_routes(self.day.day)
        for number, route in enumerate(sorted(routes, key=lambda r: order[r.vehicle_id])):
            name = self.day.service.fleet.models[route.vehicle_id].name
            colour = COLOURS[number % len(COLOURS)]
            coming = [visit for visit in route.visits if visit.kind is Kind.PICKUP]
            aboard = str(self.day.world.aboard(route.id))
            table.add_row(
                Text(name, style=f"bold {colour}"),
                self.words(route.status.value),
                *self._next(route),
                aboard,
                str(len(coming)),
                style="red" if route.status is Status.OUT_OF_SERVICE else "",
            )
        return table

    def _next(self, route: Route) -> tuple[str, str]:
        if not route.visits:
            return "–", ""
        visit = route.visits[0]
        if visit.kind is Kind.BREAK:
            return self.words("break"), self._clock(visit.starts_at)
        booking = self.day.service.store.get_booking(visit.subject)
        place = booking.origin if visit.kind is Kind.PICKUP else booking.destination
        return (
            self.words(visit.kind.name.lower(), place=place.name),
            self._clock(visit.starts_at),
        )

    def _promises(self) -> str:
        bookings = self.day.service.store.list_bookings(self.day.day)
        states = [booking.state for booking in bookings]
        done = states.count(State.COMPLETED)
        ended = done + states.count(State.BROKEN)
        late = {
            recorded.event.booking_id
            for recorded in self.day.world.recent
            if recorded.event.fact in {Fact.PROMISE_LATE, Fact.PROMISE_BROKEN}
        }
        return self.words(
            "promises",
            booked=sum(booking.accepted_at is not None for booking in bookings),
            done=done,
            kept=max(0, ended - len(late)),
            ended=ended,
            refused=sum(t.then != "another_time" for t in self.day.world.journal.talks),
        )

    def _last_events(self) -> list[Text]:
        lines: list[Text] = []
        for recorded in reversed(self.day.world.recent):
            text = self._sentence(recorded)
            if text:
                alert = recorded.event.fact in ALERTS
                line = Text(f"{self._clock(recorded.event.at)}  ", style="dim")
                line.append(text, style="bold red" if alert else "default")
                lines.append(line)
            if len(lines) == EVENTS_SHOWN:
                break
        return lines

    def _sentence(self, recorded: RecordedEvent) -> str:
        event = recorded.event
        if event.fact not in WORDS[self.language]:
            return ""
        way = vehicle = ""
        if event.booking_id is not None:
            booking = self.day.service.store.find_booking(event.booking_id)
            way = f"{booking.origin.name} → {booking.destination.name}" if booking else ""
        if event.route_id is not None:
            route = self.day.service.store.find_route(event.route_id)
            models = self.day.service.fleet.models
            vehicle = models[route.vehicle_id].name if route else ""
        return self.words(event.fact, way=way, vehicle=vehicle)

    def _clock(self, moment: datetime) -> str:
        return f"{moment.astimezone(self.day.town.zone):%H:%M}"
