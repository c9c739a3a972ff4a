"""Was a replayed day sound? The answer from its event log alone.

Reads a scenario folder and the `events.jsonl` of a replay, and works every limit out again:
decisions in their second, pickup windows, ride times, seats, driving and standing times,
shifts. It shares nothing with the dispatcher, so it can be held against any dispatcher.

See: docs/words.md, scenario folder; docs/decisions/0039-a-replay-is-judged-by-its-events.md
"""

from __future__ import annotations

import csv
import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the event log."""

    time: int
    event: str
    request: int
    vehicle: int | None
    stop: int | None


@dataclass(frozen=True, slots=True)
class Stand:
    """One standing of a vehicle: where, from when, and what happened in it."""

    stop: int
    time: int
    happenings: tuple[Happening, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Day:
    """A scenario and what a dispatcher made of it.

    seconds : travel time from stop to stop, rows and columns as in `stops`.
    stops : the row of each stop by its id.
    """

    seconds: np.ndarray[tuple[int, int], np.dtype[np.int64]]
    stops: dict[int, int]
    standing: int
    vehicles: dict[int, Row]
    requests: dict[int, Row]
    happenings: tuple[Happening, ...]

    def travel(self, origin: int, destination: int) -> int:
        return int(self.seconds[self.stops[origin], self.stops[destination]])

    def wish(self, request: int, column: str) -> int:
        return int(self.requests[request][column])


def check_events(
    scenario_folder: Path, events_path: Path, *, vehicles_wait_in_place: bool = False
) -> list[str]:
    """Every broken limit of a replayed day, one sentence each; an empty list is a sound day.

    Parameters
    ----------
    vehicles_wait_in_place
        True for a dispatcher that sends vehicles only to passengers who have asked: then
        nobody may be picked up sooner than a vehicle can come that leaves at their request.
    """
    day = _read_day(scenario_folder, events_path)
    found = list(_unknown(day))
    if found:
        return found
    found += _disorder(day)
    found += _decisions(day)
    found += _rides(day)
    for vehicle in sorted(day.vehicles):
        found += _drive(day, vehicle, vehicles_wait_in_place)
        found += _seats(day, vehicle)
    return found


def _read_day(folder: Path, events_path: Path) -> Day:
    with (folder / "scenario.toml").open("rb") as file:
        standing = int(tomllib.load(file)["service_seconds"])
    lines = events_path.read_text(encoding="utf-8").splitlines()
    return Day(
        np.load(folder / "travel_seconds.npy").astype(np.int64),
        {stop: row for row, stop in enumerate(sorted(_rows(folder / "stops.csv", "stop_id")))},
        standing,
        _rows(folder / "vehicles.csv", "vehicle_id"),
        _rows(folder / "requests.csv", "request_id"),
        tuple(Happening(**json.loads(line)) for line in lines if line.strip()),
    )


def _rows(path: Path, key: str) -> dict[int, Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return {int(row[key]): row for row in csv.DictReader(file)}


def _unknown(day: Day) -> Iterator[str]:
    for it in day.happenings:
        if it.request not in day.requests:
            yield f"second {it.time}: request {it.request} is not in the scenario"
        elif it.event not in {"accepted", "refused", "pickup", "dropoff"}:
            yield f"second {it.time}: no such event: {it.event}"
        elif it.event in {"pickup", "dropoff"} and (
            it.vehicle not in day.vehicles or it.stop not in day.stops
        ):
            yield f"second {it.time}: no such vehicle or stop: {it.vehicle}, {it.stop}"


def _disorder(day: Day) -> Iterator[str]:
    for earlier, later in pairwise(day.happenings):
        if later.time < earlier.time:
            yield f"second {later.time} stands after second {earlier.time}"


def _decisions(day: Day) -> Iterator[str]:
    """Each request is decided once, in its second, and served exactly when it was accepted."""
    made: dict[int, list[Happening]] = {request: [] for request in day.requests}
    for it in day.happenings:
        made[it.request].append(it)
    for request, events in made.items():
        names = [it.event for it in events]
        if names not in (["refused"], ["accepted", "pickup", "dropoff"]):
            yield f"request {request}: its events are {names}"
            continue
        if events[0].time != day.wish(request, "requested_at"):
            yield f"request {request}: decided in second {events[0].time}, not when it was made"
        if names != ["refused"] and events[1].vehicle != events[2].vehicle:
            yield f"request {request}: picked up and set down by different vehicles"


def _rides(day: Day) -> Iterator[str]:
    """Right stops, pickup windows, longest rides."""
    boarded: dict[int, int] = {}
    for it in day.happenings:
        if it.event == "pickup":
            boarded[it.request] = it.time + day.standing
            opens = day.wish(it.request, "earliest_pickup")
            closes = day.wish(it.request, "latest_pickup")
            if it.stop != day.wish(it.request, "origin"):
                yield f"request {it.request}: picked up at stop {it.stop}"
            if not max(opens, day.wish(it.request, "requested_at")) <= it.time <= closes:
                yield f"request {it.request}: picked up in second {it.time}, not {opens}-{closes}"
        elif it.event == "dropoff":
            if it.stop != day.wish(it.request, "destination"):
                yield f"request {it.request}: set down at stop {it.stop}"
            ride = it.time - boarded.get(it.request, it.time)
            longest = day.wish(it.request, "max_ride")
            if ride > longest:
                yield f"request {it.request}: rode for {ride} seconds, at most {longest} allowed"


def _stands(day: Day, vehicle: int) -> list[Stand]:
    stands: list[Stand] = []
    for it in day.happenings:
        if it.vehicle != vehicle or it.stop is None or it.event not in {"pickup", "dropoff"}:
            continue
        if stands and (stands[-1].stop, stands[-1].time) == (it.stop, it.time):
            it_too = (*stands.pop().happenings, it)
            stands.append(Stand(it.stop, it.time, it_too))
        else:
            stands.append(Stand(it.stop, it.time, (it,)))
    return stands


def _drive(day: Day, vehicle: int, waits_in_place: bool) -> Iterator[str]:
    """The vehicle can have been where its events say, when they say, within its shift."""
    row = day.vehicles[vehicle]
    here, free = int(row["start_stop"]), int(row["shift_start"])
    for stand in _stands(day, vehicle):
        known = free
        if waits_in_place and all(it.event == "pickup" for it in stand.happenings):
            first = min(day.wish(it.request, "requested_at") for it in stand.happenings)
            known = max(free, first)
        reached = known + day.travel(here, stand.stop)
        if stand.time < reached:
            yield (
                f"vehicle {vehicle}: at stop {stand.stop} in second {stand.time}, "
                f"cannot be there before {reached}"
            )
        here, free = stand.stop, stand.time + day.standing
    if row["end_stop"] and _stands(day, vehicle):
        free += day.travel(here, int(row["end_stop"]))
    if free > int(row["shift_end"]) and _stands(day, vehicle):
        yield f"vehicle {vehicle}: its shift ends in second {row['shift_end']}, it in {free}"


def _seats(day: Day, vehicle: int) -> Iterator[str]:
    """After each standing everybody on board has a seat."""
    seats, aboard = int(day.vehicles[vehicle]["seats"]), 0
    for stand in _stands(day, vehicle):
        for it in stand.happenings:
            party = day.wish(it.request, "passengers")
            aboard += party if it.event == "pickup" else -party
        if aboard > seats:
            yield f"vehicle {vehicle}: {aboard} on board in second {stand.time}, {seats} seats"
