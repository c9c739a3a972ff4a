"""Reading a scenario folder: stops, travel times, vehicles and requests, without a map.

Everything that can be wrong with a folder is said in one sentence that names the file, the
column or line, what was found there and what to write instead.

See: docs/simulation.md, scenario folder
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dispatch.errors import BadInput
from routing.travel import Point

DAY_SECONDS = 86_400
LARGEST_TRAVEL = 2**28


class BadScenario(BadInput):
    """A scenario folder does not say what it must: facts `file`, `key`, `found`, `remedy`."""

    code = "bad_scenario"

    def __init__(self, file: str, key: str, found: str, remedy: str) -> None:
        place = f" ({key})" if key else ""
        super().__init__(file=file, key=key, place=place, found=found, remedy=remedy)


@dataclass(frozen=True, slots=True)
class ScenarioStop:
    """A stop of the scenario; its place in the travel tables is its place in the file's order."""

    id: int
    name: str
    point: Point


@dataclass(frozen=True, slots=True)
class ScenarioVehicle:
    """A vehicle and its shift, in seconds; `end_stop` is None where it may end anywhere."""

    id: str
    seats: int
    wheelchairs: int
    start_stop: int
    end_stop: int | None
    shift_start: int
    shift_end: int


@dataclass(frozen=True, slots=True)
class ScenarioRequest:
    """A request with its exact limits, in seconds; stops are indices."""

    id: int
    requested_at: int
    origin: int
    destination: int
    passengers: int
    wheelchairs: int
    earliest_pickup: int
    latest_pickup: int
    max_ride: int


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """One scenario folder, whole and checked.

    seconds, metres : (stops, stops) int32, row from, column to.
    """

    name: str
    service_seconds: int
    stops: tuple[ScenarioStop, ...]
    seconds: NDArray[np.int32]
    metres: NDArray[np.int32]
    vehicles: tuple[ScenarioVehicle, ...]
    requests: tuple[ScenarioRequest, ...]


def load_scenario(folder: Path) -> Scenario:
    """Read a scenario folder.

    Raises BadScenario, naming file and column, when anything is missing or makes no sense.
    """
    if not folder.is_dir():
        raise BadScenario(file=str(folder), key="", found="nothing", remedy="a scenario folder")
    name, service_seconds = _settings(folder)
    stops = _stops(folder)
    known = {stop.id: number for number, stop in enumerate(stops)}
    seconds = _matrix(folder, "travel_seconds.npy", len(stops))
    metres = _matrix(folder, "travel_metres.npy", len(stops))
    vehicles = tuple(_vehicle(row, known) for row in _rows(folder, "vehicles.csv", _VEHICLE))
    requests = tuple(_request(row, known) for row in _rows(folder, "requests.csv", _REQUEST))
    if not vehicles:
        raise BadScenario(file="vehicles.csv", key="", found="no line", remedy="a vehicle")
    _unique(folder / "vehicles.csv", "vehicle_id", [vehicle.id for vehicle in vehicles])
    _unique(folder / "requests.csv", "request_id", [str(request.id) for request in requests])
    return Scenario(name, service_seconds, stops, seconds, metres, vehicles, requests)


_STOP = ("stop_id", "name", "lat", "lon")
_VEHICLE = (
    "vehicle_id",
    "seats",
    "wheelchairs",
    "start_stop",
    "end_stop",
    "shift_start",
    "shift_end",
)
_REQUEST = (
    "request_id",
    "requested_at",
    "origin",
    "destination",
    "passengers",
    "earliest_pickup",
    "latest_pickup",
    "max_ride",
)


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of a table, which knows its file and number for a clear complaint."""

    file: str
    line: int
    cells: Mapping[str, str]

    def bad(self, key: str, remedy: str) -> BadScenario:
        found = f"{self.cells.get(key) or 'nothing'} (line {self.line})"
        return BadScenario(file=self.file, key=key, found=found, remedy=remedy)

    def whole(self, key: str, least: int = 0, most: int = 2**30) -> int:
        try:
            number = float(self.cells[key])
        except ValueError:
            raise self.bad(key, "a whole number") from None
        if number != number // 1 or not least <= number <= most:
            raise self.bad(key, f"a whole number of at least {least}")
        return int(number)

    def degrees(self, key: str, most: float) -> float:
        try:
            number = float(self.cells[key])
        except ValueError:
            raise self.bad(key, "degrees") from None
        if not -most <= number <= most:
            raise self.bad(key, f"degrees between -{most:.0f} and {most:.0f}")
        return number

    def stop(self, key: str, known: Mapping[int, int]) -> int:
        number = self.whole(key)
        if number not in known:
            raise self.bad(key, "a stop_id of stops.csv")
        return known[number]


def _settings(folder: Path) -> tuple[str, int]:
    path = _there(folder, "scenario.toml")
    try:
        settings = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadScenario(
            file="scenario.toml", key="", found=str(error), remedy="a TOML file"
        ) from error
    seconds = settings.get("service_seconds")
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds < 0:
        found = "nothing" if seconds is None else repr(seconds)
        raise BadScenario(
            file="scenario.toml", key="service_seconds", found=found, remedy="whole seconds"
        )
    return str(settings.get("name", folder.name)), seconds


def _stops(folder: Path) -> tuple[ScenarioStop, ...]:
    """The stops; two at the very same point are moved apart by a hair, since a point is a key."""
    stops: list[ScenarioStop] = []
    taken: set[Point] = set()
    for row in _rows(folder, "stops.csv", _STOP):
        point = Point(row.degrees("lat", 90), row.degrees("lon", 180))
        while point in taken:
            point = replace(point, lon=round(point.lon + 1e-7, 9))
        taken.add(point)
        stops.append(ScenarioStop(row.whole("stop_id"), row.cells["name"], point))
    if not stops:
        raise BadScenario(file="stops.csv", key="", found="no line", remedy="a stop")
    _unique(folder / "stops.csv", "stop_id", [str(stop.id) for stop in stops])
    return tuple(sorted(stops, key=lambda stop: stop.id))


def _matrix(folder: Path, name: str, stops: int) -> NDArray[np.int32]:
    path = _there(folder, name)
    try:
        matrix: NDArray[Any] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise BadScenario(file=name, key="", found=str(error), remedy="a NumPy array") from error
    if matrix.shape != (stops, stops):
        found, remedy = f"shape {matrix.shape}", f"{stops} rows and {stops} columns, as stops.csv"
        raise BadScenario(file=name, key="shape", found=found, remedy=remedy)
    if not np.issubdtype(matrix.dtype, np.integer):
        raise BadScenario(file=name, key="dtype", found=str(matrix.dtype), remedy="int32")
    if matrix.size and int(matrix.min()) < 0:
        found = str(int(matrix.min()))
        raise BadScenario(file=name, key="values", found=found, remedy="numbers of at least 0")
    table: NDArray[np.int32] = np.minimum(matrix, LARGEST_TRAVEL).astype(np.int32)
    return table


def _vehicle(row: _Row, known: Mapping[int, int]) -> ScenarioVehicle:
    starts = row.whole("shift_start", most=DAY_SECONDS)
    ends = row.whole("shift_end", most=DAY_SECONDS)
    if ends <= starts:
        raise row.bad("shift_end", "a time after shift_start")
    return ScenarioVehicle(
        id=row.cells["vehicle_id"],
        seats=row.whole("seats"),
        wheelchairs=row.whole("wheelchairs") if row.cells["wheelchairs"] else 0,
        start_stop=row.stop("start_stop", known),
        end_stop=row.stop("end_stop", known) if row.cells["end_stop"] else None,
        shift_start=starts,
        shift_end=ends,
    )


def _request(row: _Row, known: Mapping[int, int]) -> ScenarioRequest:
    earliest = row.whole("earliest_pickup")
    latest = row.whole("latest_pickup")
    if latest < earliest:
        raise row.bad("latest_pickup", "a time not before earliest_pickup")
    passengers = row.whole("passengers", least=1)
    wheelchairs = row.whole("wheelchairs") if row.cells.get("wheelchairs") else 0
    if wheelchairs > passengers:
        raise row.bad("wheelchairs", "at most as many as passengers")
    return ScenarioRequest(
        id=row.whole("request_id"),
        requested_at=row.whole("requested_at"),
        origin=row.stop("origin", known),
        destination=row.stop("destination", known),
        passengers=passengers,
        wheelchairs=wheelchairs,
        earliest_pickup=earliest,
        latest_pickup=latest,
        max_ride=row.whole("max_ride"),
    )


def _rows(folder: Path, name: str, columns: tuple[str, ...]) -> Iterator[_Row]:
    path = _there(folder, name)
    with path.open(encoding="utf-8-sig", newline="") as lines:
        try:
            table = csv.DictReader(lines)
            header = table.fieldnames or []
            for column in columns:
                if column not in header:
                    found = "no such column"
                    raise BadScenario(file=name, key=column, found=found, remedy=", ".join(columns))
            for cells in table:
                row = _Row(name, table.line_num, {k: (v or "").strip() for k, v in _named(cells)})
                yield row
        except (csv.Error, UnicodeDecodeError) as error:
            raise BadScenario(
                file=name, key="", found=str(error), remedy="a CSV table in UTF-8"
            ) from error


def _named(cells: Mapping[str | None, Any]) -> Iterator[tuple[str, str | None]]:
    return ((key, value) for key, value in cells.items() if key is not None)


def _there(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise BadScenario(file=name, key="", found="nothing", remedy=f"a file in {folder}")
    return path


def _unique(path: Path, key: str, ids: list[str]) -> None:
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            raise BadScenario(file=path.name, key=key, found=f"{name} twice", remedy="each id once")
        seen.add(name)
