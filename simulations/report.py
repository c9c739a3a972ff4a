"""The day's page: one self-contained HTML file with the map and the story of a simulated day.

It needs no network and no server: style, script, map lines and data stand in the file. No
person's name is in it.

See: docs/simulation.md, the page; docs/decisions/0063-a-page-that-needs-nothing.md
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from importlib import resources
from math import cos, radians
from pathlib import Path
from typing import Any

from shapely import LineString

from dispatch import wording
from dispatch.booking import Booking, State
from dispatch.events import Event, Fact
from dispatch.town import Town
from routing.network import Network
from routing.travel import Point
from simulations.journal import Drive, Talk
from simulations.story import Figures, Story

LANGUAGES = ("ja", "en")
ROADS = {
    "major": ("motorway", "trunk", "primary"),
    "middle": ("secondary", "tertiary"),
    "minor": ("unclassified", "residential", "living_street"),
}
"""Which classes of road the page draws, and how strongly; tracks and drives are left out."""

SIMPLIFY_DEGREES = {"major": 6e-5, "middle": 8e-5, "minor": 1.2e-4}
"""How far a drawn road may lie from the true one: 7 to 13 metres."""

PROMISES = frozenset({Fact.PROMISE_LATE, Fact.PROMISE_BROKEN})
HAPPENINGS = PROMISES | {Fact.CANCELLED, Fact.NO_SHOW, Fact.STRANDED, Fact.BROKE_DOWN}
"""What the page tells as having happened."""

Words = Mapping[str, str]
Both = dict[str, str]


def write_page(story: Story, network: Network | None, path: Path, language: str = "ja") -> None:
    """Write the page of `story` to `path`; its folder is made if it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page_of(story, network, language), encoding="utf-8")


def page_of(story: Story, network: Network | None, language: str = "ja") -> str:
    """The page as text; `language` (ja or en) is the one it opens with."""
    data = _Account(story).data(network)
    files = resources.files("simulations") / "page"
    parts = {
        "__LANG__": language if language in LANGUAGES else "en",
        "__TITLE__": escape(data["title"]["ja"]),
        "__STYLE__": (files / "day.css").read_text("utf-8"),
        "__SCRIPT__": (files / "day.js").read_text("utf-8"),
        # "<" never stands in the data as such, so no text can end the script element.
        "__DATA__": json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace(
            "<", "\\u003c"
        ),
    }
    page = (files / "day.html").read_text("utf-8")
    for mark, text in parts.items():
        page = page.replace(mark, text)
    return page


def page_words() -> Mapping[str, Words]:
    """The page's own words, by language."""
    text = (resources.files("simulations") / "page" / "words.toml").read_text("utf-8")
    return tomllib.loads(text)


def encode_line(points: Iterable[tuple[float, float]]) -> str:
    """Latitudes and longitudes as an encoded polyline with five decimals.

    Source: Google, Encoded Polyline Algorithm Format.
    """
    text: list[str] = []
    last = (0, 0)
    for lat, lon in points:
        here = (round(lat * 1e5), round(lon * 1e5))
        text += (_encoded(here[0] - last[0]), _encoded(here[1] - last[1]))
        last = here
    return "".join(text)


def _encoded(value: int) -> str:
    value = ~(value << 1) if value < 0 else value << 1
    text = ""
    while value >= 0x20:
        text += chr((0x20 | (value & 0x1F)) + 63)
        value >>= 5
    return text + chr(value + 63)


def _line(points: Iterable[Point]) -> str:
    return encode_line((point.lat, point.lon) for point in points)


class _Account:
    """Turns one story into the page's data."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.town: Town = story.town
        self.words = page_words()
        self.midnight = datetime.combine(story.day, datetime.min.time(), self.town.zone)
        self.figures: Figures = story.figures()
        self.breaches = story.breaches()
        self.aboard = story.times_aboard()
        driven = {route.vehicle_id for route in story.routes}
        vehicles = [model.id for model in self.town.vehicles if model.id in driven]
        self.vehicle_number = {vehicle: number for number, vehicle in enumerate(vehicles)}
        self.models = {model.id: model for model in self.town.vehicles}
        self.rides = sorted(
            story.bookings, key=lambda b: (b.picked_up_at or b.promise.pickup_earliest, b.id)
        )
        self.ride_number = {booking.id: number for number, booking in enumerate(self.rides, 1)}

    def data(self, network: Network | None) -> dict[str, Any]:
        """Everything the page draws, as JSON values."""
        hours = self.town.hours[self.story.day.weekday()]
        opens = hours.opens.hour * 3600 + hours.opens.minute * 60
        closes = hours.closes.hour * 3600 + hours.closes.minute * 60
        vehicles = [self._vehicle(vehicle) for vehicle in self.vehicle_number]
        times = [t for v in vehicles for leg in v["legs"] for t in (leg["from"], leg["to"])]
        return {
            "words": self.words,
            "title": self._title(),
            "lead": self._lead(),
            "opens": opens,
            "shows": (opens + closes) // 2 // 900 * 900 - 5400,
            "begins": (min([opens, *times]) - 300) // 900 * 900,
            "ends": -(-(max([closes, *times]) + 300) // 900) * 900,
            "map": self._map(network),
            "vehicles": vehicles,
            "rides": [self._ride(booking) for booking in self.rides],
            "refusals": [self._refusal(talk) for talk in self.story.journal.talks],
            "happenings": self._happenings(),
            "figures": self._figures(),
            "credit": self._credit(network),
            "assumptions": {"ja": "", "en": ""},
        }

    def _at(self, moment: datetime | None) -> int | None:
        return None if moment is None else round((moment - self.midnight).total_seconds())

    def _clock(self, moment: datetime) -> str:
        local = moment.astimezone(self.town.zone)
        return f"{local.hour}:{local.minute:02d}"

    def _both(self, key: str, **facts: object) -> Both:
        return {lang: self.words[lang][key].format(**facts) for lang in LANGUAGES}

    def _title(self) -> Both:
        names = {lang: self.town.name.get(lang, self.town.id) for lang in LANGUAGES}
        day = {lang: wording.day_as_people_say(self.story.day, lang) for lang in LANGUAGES}
        return {
            "ja": f"{names['ja']} {day['ja']}の一日",
            "en": f"{names['en']}, {day['en']} {self.story.day.year}",
        }

    def _lead(self) -> Both:
        """The day in two or three sentences."""
        f = self.figures
        parts = [self._both("leadBooked", booked=f.booked, completed=f.completed)]
        if f.cancelled:
            parts.append(self._both("leadCancelled", n=f.cancelled))
        if f.no_shows:
            parts.append(self._both("leadNoShow", n=f.no_shows))
        if f.promise_breaches:
            parts.append(self._both("leadBroken", n=f.promise_breaches))
        else:
            parts.append(self._both("leadKept"))
        return {
            lang: ("" if lang == "ja" else " ").join(part[lang] for part in parts)
            for lang in LANGUAGES
        }

    def _figures(self) -> list[dict[str, Any]]:
        f = self.figures
        kept = f.completed - sum(
            booking.id in self.breaches
            for booking in self.rides
            if booking.state is State.COMPLETED
        )
        minutes = {"ja": "分", "en": "min"}
        rows: list[tuple[str, str, object, Both, str]] = [
            ("お送りした便", "Rides driven", f.completed, {"ja": "件", "en": ""}, ""),
            (
                "守られた約束",
                "Promises kept",
                f"{kept} / {f.completed}",
                {"ja": "件", "en": ""},
                "broken" if f.promise_breaches else "kept",
            ),
            ("平均の待ち", "Mean wait", _minutes(f.mean_wait_seconds), minutes, ""),
            ("平均の乗車", "Mean ride", _minutes(f.mean_ride_seconds), minutes, ""),
            ("お断り", "Refused", f.refused, {"ja": "件", "en": ""}, ""),
            ("乗り合った便", "Shared rides", round(100 * f.shared_share), _same("%"), ""),
            (
                "車1台1時間あたり",
                "Per vehicle hour",
                f.passengers_per_vehicle_hour,
                {"ja": "人", "en": "passengers"},
                "",
            ),
            ("走った距離", "Driven", round(f.vehicle_metres / 1000), _same("km"), ""),
        ]
        return [
            {"name": {"ja": ja, "en": en}, "value": value, "unit": unit, "mood": mood}
            for ja, en, value, unit, mood in rows
        ]

    def _vehicle(self, vehicle: str) -> dict[str, Any]:
        model = self.models[vehicle]
        garage = next(garage for garage in self.town.garages if garage.id == model.garage)
        journal = self.story.journal
        return {
            "name": model.name,
            "home": [garage.point.lat, garage.point.lon],
            "down": self._at(journal.broken_down.get(vehicle)),
            "legs": [self._leg(d) for d in journal.drives if d.vehicle_id == vehicle],
            "breaks": [
                [self._at(rest.starts), self._at(rest.ends)]
                for rest in journal.rests
                if rest.vehicle_id == vehicle
            ],
        }

    def _leg(self, drive: Drive) -> dict[str, Any]:
        return {
            "from": self._at(drive.starts),
            "to": self._at(drive.ends),
            "line": _line(drive.line),
            "name": drive.towards,
        }

    def _ride(self, booking: Booking) -> dict[str, Any]:
        vehicle = self.story.vehicle_of.get(booking.id)
        ridden = booking.picked_up_at is not None
        late = booking.id in self.breaches
        outcome = "late" if late and booking.state is State.COMPLETED else booking.state.value
        causes = self.breaches.get(booking.id) or [booking.cause]
        return {
            "n": self.ride_number[booking.id],
            "from": booking.origin.name,
            "to": booking.destination.name,
            "passengers": booking.party.passengers,
            "asked": self._asked(booking.created_at),
            "channel": self._word(booking.channel),
            "earliest": self._at(booking.promise.pickup_earliest),
            "latest": self._at(booking.promise.pickup_latest),
            "due": self._at(booking.promise.arrive_latest),
            "picked": self._at(booking.picked_up_at),
            "left": self._at(booking.boarded_at),
            "arrived": self._at(booking.completed_at),
            "vehicle": self.vehicle_number.get(vehicle or "") if ridden else None,
            "parts": [
                [self.vehicle_number[a.vehicle_id], self._at(a.starts), self._at(a.ends)]
                for a in self.aboard.get(booking.id, ())
            ],
            "state": booking.state.value,
            "late": late,
            "outcome": self._word(outcome),
            "why": self._cause(causes[0]),
        }

    def _word(self, key: str) -> Both:
        return {lang: self.words[lang].get(key, key) for lang in LANGUAGES}

    def _cause(self, cause: str) -> Both:
        """Why something ended as it did; "" while all is well."""
        if not cause:
            return _same("")
        return {
            lang: self.words[lang].get(f"cause_{cause}") or self._sentence(cause, lang)
            for lang in LANGUAGES
        }

    def _sentence(self, code: str, language: str) -> str:
        known = code in wording.sentences(language)
        return wording.sentence(code, language) if known else code

    def _asked(self, moment: datetime) -> Both:
        days = (self.story.day - moment.astimezone(self.town.zone).date()).days
        if days > 0:
            return self._both("daysBefore", n=days)
        return self._both("sameDay", time=self._clock(moment))

    def _refusal(self, talk: Talk) -> dict[str, Any]:
        wished = self._both("now")
        if talk.arrive_by is not None:
            wished = self._both("byArrival", time=self._clock(talk.arrive_by))
        elif talk.depart_after is not None:
            wished = self._both("fromTime", time=self._clock(talk.depart_after))
        then = {
            "another_time": "thenAnother",
            "gave_up": "thenGaveUp",
            "too_late": "thenTooLate",
        }[talk.then]
        return {
            "asked": self._asked(talk.at),
            "from": talk.origin.name,
            "to": talk.destination.name,
            "passengers": talk.party.passengers,
            "wished": wished,
            "why": {
                lang: talk.facts.get("said")
                or wording.sentence(talk.code, lang, **self._local(talk.facts))
                for lang in LANGUAGES
            },
            "then": self._both(then),
            "instead": [self._clock(time) for time in talk.alternatives],
        }

    def _local(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Facts with their times as the town's clocks show them."""
        return {
            key: value.astimezone(self.town.zone) if isinstance(value, datetime) else value
            for key, value in facts.items()
        }

    def _happenings(self) -> list[dict[str, Any]]:
        vehicle_of_route = {
            route.id: self.vehicle_number[route.vehicle_id] for route in self.story.routes
        }
        rows = []
        for event in self._worst_of_each():
            number = self.ride_number.get(event.booking_id or "")
            vehicle = vehicle_of_route.get(event.route_id or "")
            text = self._both(
                f"happened_{event.fact.value}",
                ride=number or "–",
                vehicle="–" if vehicle is None else vehicle + 1,
                minutes=-(-int(event.payload.get("late_seconds", 0)) // 60),
            )
            cause = self._cause(str(event.payload.get("cause", "")))
            if event.fact in PROMISES:
                text = {lang: self._with_cause(text[lang], cause[lang], lang) for lang in text}
            alert = event.fact not in {Fact.CANCELLED, Fact.NO_SHOW}
            if event.at >= self.midnight:
                rows.append({"at": self._at(event.at), "text": text, "alert": alert})
        return rows

    def _worst_of_each(self) -> list[Event]:
        """The events worth telling; of one ride's lateness only the worst part."""
        worst: dict[str, Event] = {}
        events = [r.event for r in self.story.events if r.event.fact in HAPPENINGS]
        for event in events:
            if event.fact is Fact.PROMISE_LATE and event.booking_id is not None:
                other = worst.get(event.booking_id, event)
                worst[event.booking_id] = max(
                    other, event, key=lambda each: int(each.payload["late_seconds"])
                )
        return [
            event
            for event in events
            if event.fact is not Fact.PROMISE_LATE or worst[event.booking_id or ""] is event
        ]

    def _with_cause(self, text: str, cause: str, language: str) -> str:
        return f"{text}（{cause}）" if language == "ja" else f"{text} ({cause})"

    def _map(self, network: Network | None) -> dict[str, Any]:
        drives = [point for drive in self.story.journal.drives for point in drive.line]
        driven = drives or [stop.point for stop in self.town.stops]
        everything = [
            *(p for area in self.town.areas for poly in area.polygons for p in poly[0]),
            *driven,
            *(stop.point for stop in self.town.stops),
        ]
        views = [
            {"name": self._both("whole"), "corners": _corners(driven)},
            *(
                {"name": _same(district), "corners": _corners(points)}
                for district, points in self._districts().items()
            ),
        ]
        return {
            "bounds": _bounds(everything),
            "area": [
                encode_line(_simple([(p.lat, p.lon) for p in ring], 1e-4))
                for area in self.town.areas
                for polygon in area.polygons
                for ring in polygon
            ],
            "roads": _roads(network),
            "stops": [[s.point.lat, s.point.lon, s.name, s.kind] for s in self.town.stops],
            "settlements": [
                [s.point.lat, s.point.lon, s.name, s.population] for s in self.town.settlements
            ],
            "views": views,
        }

    def _districts(self) -> dict[str, list[Point]]:
        """Stops by the district of the nearest settlement, for the map's near views."""
        found: dict[str, list[Point]] = {}
        if len({settlement.district for settlement in self.town.settlements}) < 2:
            return found
        for stop in self.town.stops:
            near = min(self.town.settlements, key=lambda s: _flat(s.point, stop.point))
            found.setdefault(near.district, []).append(stop.point)
        return {name: points for name, points in found.items() if len(points) > 2}

    def _credit(self, network: Network | None) -> Both:
        credit = network.about.get("credit", "") if network is not None else ""
        seed = self.story.seed
        return {
            "ja": f"{credit}　シミュレーション（種 {seed}）",
            "en": f"{credit}  Simulation, seed {seed}",
        }


def _same(text: str) -> Both:
    return dict.fromkeys(LANGUAGES, text)


def _minutes(seconds: int) -> str:
    return f"{seconds / 60:.1f}"


def _roads(network: Network | None) -> dict[str, list[str]]:
    if network is None:
        return {}
    kind_of = {road: kind for kind, classes in ROADS.items() for road in classes}
    kinds = [kind_of.get(name.removesuffix("_link")) for name in network.classes]
    lines: dict[str, list[str]] = {kind: [] for kind in ROADS}
    for link in range(len(network)):
        kind = kinds[int(network.road_class[link])]
        if kind is not None:
            points = [(float(lat), float(lon)) for lat, lon in network.line(link)]
            lines[kind].append(encode_line(_simple(points, SIMPLIFY_DEGREES[kind])))
    return lines


def _simple(points: Sequence[tuple[float, float]], degrees: float) -> list[tuple[float, float]]:
    if len(points) < 3:
        return list(points)
    return [(x, y) for x, y in LineString(points).simplify(degrees).coords]


def _bounds(points: Sequence[Point]) -> list[float]:
    lats, lons = [p.lat for p in points], [p.lon for p in points]
    return [min(lons), min(lats), max(lons), max(lats)]


def _corners(points: Sequence[Point]) -> str:
    west, south, east, north = _bounds(points)
    return encode_line(((south, west), (north, east)))


def _flat(one: Point, two: Point) -> float:
    return (one.lat - two.lat) ** 2 + ((one.lon - two.lon) * cos(radians(one.lat))) ** 2
