"""What a road engine on another machine can do wrong, and the one error that comes of it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from routing.engines.osrm_http import OsrmHttp
from routing.errors import EngineUnavailable
from routing.travel import UNREACHABLE_SECONDS, Turn
from tests.routing.maps import at

HERE, THERE = at(0, 0), at(0, 1)


@contextmanager
def server(body: str, status: int = 200) -> Iterator[OsrmHttp]:
    """A server that gives one and the same answer to everything."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        engine = OsrmHttp(f"http://127.0.0.1:{http.server_address[1]}/", timeout_seconds=5)
        try:
            yield engine
        finally:
            engine.close()
            http.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("<html>502 Bad Gateway</html>", 502, "status 502 and no JSON"),
        ("", 200, "no JSON"),
        ("[]", 200, "200"),
        ('{"code": "InvalidQuery", "message": "Query string malformed"}', 400, "malformed"),
        ('{"code": "NoSegment", "message": "Could not find a matching segment"}', 400, "NoSegment"),
        ('{"code": "Ok"}', 200, "another form"),
        ('{"code": "Ok", "durations": [[1, 2]], "distances": [[1]]}', 200, "another size"),
    ],
)
def test_a_senseless_answer_is_one_clear_error(body: str, status: int, said: str) -> None:
    with server(body, status) as engine, pytest.raises(EngineUnavailable, match=said) as caught:
        engine.table((HERE,), (THERE,))
    assert caught.value.code == "road_engine_unavailable"
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "body", ['{"code": "Ok"}', '{"code": "Ok", "routes": [], "waypoints": []}']
)
def test_a_leg_or_a_snap_of_another_form_is_the_same_error(body: str) -> None:
    with server(body) as engine:
        with pytest.raises(EngineUnavailable, match="another form"):
            engine.leg(HERE, THERE)
        with pytest.raises(EngineUnavailable, match="another form"):
            engine.snap(HERE)


def test_an_engine_that_is_not_there_is_one_clear_error() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(EngineUnavailable, match=f"OSRM at http://127.0.0.1:{port}"):
        OsrmHttp(f"http://127.0.0.1:{port}").snap(HERE)


def test_an_engine_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        engine = OsrmHttp(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout_seconds=0.2)
        with pytest.raises(EngineUnavailable, match="timed out"):
            engine.leg(HERE, THERE)


def test_a_connection_that_the_server_has_given_up_is_made_anew() -> None:
    body = b'{"code": "Ok", "waypoints": [{"location": [131.0, 31.3], "distance": 1.5}]}'
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)

    def answer_once_a_connection(listener: socket.socket) -> None:
        for _ in range(2):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)
                connection.recv(65536)  # the next request, never answered

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer_once_a_connection, args=(listener,))
        thread.start()
        engine = OsrmHttp(f"http://127.0.0.1:{listener.getsockname()[1]}")
        distances = [engine.snap(HERE).distance_metres for _ in range(2)]
        engine.close()
        thread.join()
    assert distances == [1.5, 1.5]


def test_null_in_a_table_means_unreachable_and_seconds_are_rounded_up() -> None:
    body = '{"code": "Ok", "durations": [[null, 10.1]], "distances": [[null, 99.6]]}'
    with server(body) as engine:
        table = engine.table((HERE,), (HERE, THERE))
    assert table.seconds.tolist() == [[UNREACHABLE_SECONDS, 11]]
    assert table.metres.tolist() == [[UNREACHABLE_SECONDS, 100]]


def test_no_route_means_unreachable() -> None:
    with server('{"code": "NoRoute", "message": "Impossible route"}', 400) as engine:
        assert engine.leg(HERE, THERE).seconds == UNREACHABLE_SECONDS


def test_osrms_words_become_ours_and_the_hour_counts() -> None:
    def step(kind: str, modifier: str, name: str, metres: float) -> dict[str, object]:
        what = {"type": kind, "modifier": modifier, "location": [131.0, 31.0]}
        return {"maneuver": what, "name": name, "distance": metres}

    steps = [
        step("depart", "left", "", 80.4),
        step("end of road", "uturn", "国道２２０号", 20),
        step("arrive", "right", "", 0),
    ]
    route = {"duration": 10, "distance": 100.4, "legs": [{"steps": steps}]}
    route["geometry"] = {"coordinates": [[131.0, 31.0], [131.1, 31.0]]}
    with server(json.dumps({"code": "Ok", "routes": [route]})) as engine:
        engine._factor_at = lambda _: 1.5
        leg = engine.leg(HERE, THERE, datetime(2026, 11, 25, tzinfo=UTC))
    told = [(turn.manoeuvre, turn.road, turn.metres) for turn in leg.turns]
    assert told == [("depart", "", 80), ("u_turn", "国道220号", 20), ("arrive", "", 0)]
    assert (leg.seconds, leg.metres) == (15, 100)
    assert all(isinstance(turn, Turn) for turn in leg.turns)
