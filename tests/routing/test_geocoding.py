"""The gazetteer answers first; the internet only after it, and never with an error."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from routing.geocoding import Answer, GazetteerFirst, OnlineGeocoder, Outcome
from routing.places import Gazetteer, Hit, Match, NamedPlace
from routing.travel import Point

CLINIC = NamedPlace("中央病院", "ちゅうおうびょういん", "clinic", Point(31.35, 130.94), "clinic")
IN_TOWN = NamedPlace("新富5590", "", "address", Point(31.33, 130.96))
FAR_AWAY = NamedPlace("新富5590", "", "address", Point(43.0, 141.0))


class Recorded:
    """A geocoder that answers as told and remembers what it was asked."""

    def __init__(self, *places: NamedPlace, outcome: Outcome = Outcome.FOUND) -> None:
        self.asked: list[str] = []
        self._outcome = outcome
        self._hits = tuple(Hit(place, Match.FUZZY, 100.0) for place in places)

    def find(self, wish: str, limit: int = 8) -> Answer:
        self.asked.append(wish)
        return Answer(self._outcome, self._hits[:limit], "© x")


def geocoder(online: Recorded | None) -> GazetteerFirst:
    return GazetteerFirst(Gazetteer([CLINIC]), online, lambda point: point.lat < 32)


def test_what_the_town_knows_never_leaves_the_machine() -> None:
    online = Recorded(IN_TOWN)
    assert geocoder(online).find("びょういん").hits[0].place == CLINIC
    assert online.asked == []


def test_an_address_goes_to_the_online_geocoder_and_brings_its_credit() -> None:
    answer = geocoder(Recorded(IN_TOWN)).find("新富5590")
    assert answer.outcome is Outcome.FOUND
    assert answer.hits[0].place == IN_TOWN
    assert answer.credit == "© x"


def test_an_address_of_the_same_name_elsewhere_is_not_found() -> None:
    assert geocoder(Recorded(FAR_AWAY)).find("新富5590").outcome is Outcome.NOT_FOUND


def test_an_online_geocoder_that_is_away_is_said_to_be_away() -> None:
    away = Recorded(outcome=Outcome.UNAVAILABLE)
    assert geocoder(away).find("新富5590") == Answer(Outcome.UNAVAILABLE)


def test_a_likely_name_is_answered_even_when_the_online_geocoder_is_away() -> None:
    away = Recorded(outcome=Outcome.UNAVAILABLE)
    assert geocoder(away).find("中央医院").hits[0].place == CLINIC


def test_without_an_online_geocoder_the_gazetteer_alone_answers() -> None:
    assert geocoder(None).find("新富5590") == Answer(Outcome.NOT_FOUND)


class FakeNominatim(BaseHTTPRequestHandler):
    """Answers as Nominatim does, by what is asked for."""

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        wish = asked["q"][0]
        found = {"display_name": f"{wish}, JP", "lat": "31.5", "lon": "130.5"}
        body = {"nowhere": "[]", "nonsense": "<html>"}.get(wish, json.dumps([found]))
        self.send_response(503 if wish == "busy" else 200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing in the test's output."""


@pytest.fixture(scope="module")
def nominatim() -> Iterator[OnlineGeocoder]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), FakeNominatim)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    domain = f"127.0.0.1:{server.server_address[1]}"
    yield OnlineGeocoder(settings={"domain": domain, "scheme": "http"}, country="JP")
    server.shutdown()
    server.server_close()


def test_a_geopy_geocoder_answers_behind_the_same_port(nominatim: OnlineGeocoder) -> None:
    answer = nominatim.find("somewhere")
    assert answer.outcome is Outcome.FOUND
    assert answer.hits[0].place.point == Point(31.5, 130.5)
    assert "OpenStreetMap" in answer.credit


@pytest.mark.parametrize(
    ("wish", "outcome"),
    [
        ("nowhere", Outcome.NOT_FOUND),
        ("busy", Outcome.UNAVAILABLE),
        ("nonsense", Outcome.UNAVAILABLE),
    ],
)
def test_no_answer_of_the_internet_is_an_error_here(
    nominatim: OnlineGeocoder, wish: str, outcome: Outcome
) -> None:
    assert nominatim.find(wish).outcome is outcome


def test_a_server_that_is_not_there_is_unavailable() -> None:
    nobody = OnlineGeocoder(timeout_seconds=1, settings={"domain": "127.0.0.1:9", "scheme": "http"})
    assert nobody.find("somewhere") == Answer(Outcome.UNAVAILABLE)
