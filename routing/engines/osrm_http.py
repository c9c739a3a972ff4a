"""A road engine outside this process: OSRM's own server, asked over HTTP.

For extracts larger than a town. Tables too large for one request are asked for in blocks.
Whatever goes wrong there becomes one error with one line, never a hang: every request has a
time limit.

See: docs/roads.md; docs/decisions/0012-osrm-in-a-process-of-its-own.md;
https://project-osrm.org/docs/ (HTTP API v1)
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from math import ceil
from typing import Any

import httpx
import numpy as np

from routing.errors import EngineUnavailable
from routing.travel import UNREACHABLE_SECONDS, IntTable, Leg, Point, Snap, Table, Turn

WORDS: Mapping[str, str] = {
    "uturn": "u_turn",
    "sharp right": "sharp_right",
    "right": "right",
    "slight right": "slight_right",
    "straight": "straight",
    "slight left": "slight_left",
    "left": "left",
    "sharp left": "sharp_left",
}
"""OSRM's modifiers in our words."""


class OsrmHttp:
    """`TravelTimes` from an osrm-routed server.

    Parameters
    ----------
    address : such as http://127.0.0.1:5000
    places_a_request : at most so many origins and destinations together; the server's own
        limit is `--max-table-size`, 100 where nothing is said.
    factor_at : times of the day at which every way takes longer or less long.
    client : for tests and shared connection pools; made with `timeout_seconds` if None.
    """

    def __init__(
        self,
        address: str,
        *,
        places_a_request: int = 100,
        timeout_seconds: float = 10.0,
        factor_at: Callable[[datetime], float] | None = None,
        client: httpx.Client | None = None,
    ) -> None:
        self._address = address.rstrip("/")
        self._block = max(1, places_a_request // 2)
        self._factor_at = factor_at
        self._client = client or httpx.Client(timeout=timeout_seconds, trust_env=False)

    @property
    def name(self) -> str:
        return "osrm"

    @property
    def exact(self) -> bool:
        return True

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def snap(self, point: Point) -> Snap:
        """The nearest place on a road. Raises EngineUnavailable, as all methods here do."""
        answer = self._ask("nearest", (point,), {"number": "1"})
        try:
            nearest = answer["waypoints"][0]
            lon, lat = nearest["location"]
            return Snap(Point(float(lat), float(lon)), float(nearest["distance"]))
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise self._unavailable("its answer has another form") from error

    def table(
        self,
        origins: Sequence[Point],
        destinations: Sequence[Point],
        at: datetime | None = None,
    ) -> Table:
        """Seconds (rounded up) and metres, in as many requests as the server's limit asks for."""
        shape = (len(origins), len(destinations))
        seconds: IntTable = np.zeros(shape, np.int32)
        metres: IntTable = np.zeros(shape, np.int32)
        factor = self._factor(at)
        for top in range(0, shape[0], self._block):
            for left in range(0, shape[1], self._block):
                rows, columns = slice(top, top + self._block), slice(left, left + self._block)
                answer = self._block_of(origins[rows], destinations[columns])
                for out, key, scale in ((seconds, "durations", factor), (metres, "distances", 1.0)):
                    out[rows, columns] = self._whole(answer, key, scale, out[rows, columns].shape)
        return Table(seconds, metres)

    def leg(self, origin: Point, destination: Point, at: datetime | None = None) -> Leg:
        """The quickest way; no line and UNREACHABLE_SECONDS where there is none."""
        wishes = {"steps": "true", "overview": "full", "geometries": "geojson"}
        answer = self._ask("route", (origin, destination), wishes, fine=("Ok", "NoRoute"))
        if answer.get("code") == "NoRoute":
            return Leg(UNREACHABLE_SECONDS, UNREACHABLE_SECONDS, ())
        try:
            route = answer["routes"][0]
            line = tuple(Point(float(y), float(x)) for x, y in route["geometry"]["coordinates"])
            turns = tuple(_turn(step) for part in route["legs"] for step in part["steps"])
            seconds = _rounded_up(float(route["duration"]) * self._factor(at))
            return Leg(seconds, round(float(route["distance"])), line, turns)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise self._unavailable("its answer has another form") from error

    def _block_of(self, origins: Sequence[Point], destinations: Sequence[Point]) -> Any:
        first = len(origins)
        wishes = {
            "sources": ";".join(str(i) for i in range(first)),
            "destinations": ";".join(str(first + i) for i in range(len(destinations))),
            "annotations": "duration,distance",
        }
        return self._ask("table", (*origins, *destinations), wishes)

    def _whole(self, answer: Any, key: str, scale: float, shape: tuple[int, ...]) -> IntTable:
        try:
            values = np.array(answer[key], np.float64)  # null becomes nan
        except (KeyError, TypeError, ValueError) as error:
            raise self._unavailable("its answer has another form") from error
        if values.shape != shape:
            raise self._unavailable("its table has another size")
        whole = np.ceil(np.round(values * scale, 6)) if key == "durations" else np.rint(values)
        return np.where(np.isnan(whole), UNREACHABLE_SECONDS, whole).astype(np.int32)

    def _ask(
        self,
        service: str,
        points: Sequence[Point],
        wishes: Mapping[str, str],
        fine: tuple[str, ...] = ("Ok",),
    ) -> Any:
        places = ";".join(f"{p.lon:.6f},{p.lat:.6f}" for p in points)
        query = "&".join(f"{key}={value}" for key, value in wishes.items())
        address = f"{self._address}/{service}/v1/driving/{places}?{query}"
        try:
            response = self._get(address)
            answer = response.json()
        except httpx.HTTPError as error:
            problem = str(error) or type(error).__name__
            raise self._unavailable(problem) from error
        except ValueError as error:
            problem = f"status {response.status_code} and no JSON"
            raise self._unavailable(problem) from error
        code = answer.get("code") if isinstance(answer, dict) else None
        if code not in fine:
            said = answer.get("message", "") if isinstance(answer, dict) else ""
            raise self._unavailable(f"{code or response.status_code} {said}".strip())
        return answer

    def _get(self, address: str) -> httpx.Response:
        """Ask, and once more if the server gave up an idle connection just then.

        osrm-routed ends a connection after some seconds or some hundred requests; asking
        twice does no harm, since nothing is changed by it.
        """
        try:
            return self._client.get(address)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            return self._client.get(address)

    def _unavailable(self, problem: str) -> EngineUnavailable:
        return EngineUnavailable(engine=f"OSRM at {self._address}", problem=problem)

    def _factor(self, at: datetime | None) -> float:
        return self._factor_at(at) if self._factor_at and at else 1.0


def _rounded_up(seconds: float) -> int:
    return ceil(round(seconds, 6))


def _turn(step: Mapping[str, Any]) -> Turn:
    what = step["maneuver"]
    lon, lat = what["location"]
    kind = what["type"]
    word = kind if kind in ("depart", "arrive") else WORDS.get(what.get("modifier", ""), "straight")
    road = unicodedata.normalize("NFKC", step.get("name") or step.get("ref") or "")
    return Turn(word, road, Point(float(lat), float(lon)), round(float(step["distance"])))
