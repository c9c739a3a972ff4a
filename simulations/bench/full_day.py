"""A town of any number of vehicles with a day that is booked already, for measuring a service.

The map, the rules and the people are the town's own; only its fleet is repeated.

See: docs/benchmarks.md, serve
"""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

from dispatch.booking import Party
from dispatch.commands.book import accept_offer
from dispatch.commands.drive import open_day
from dispatch.commands.quote import quote
from dispatch.commands.register import register
from dispatch.commands.service import Service
from dispatch.commands.wishes import Wish
from dispatch.registration.register import Home, NewRegistrant
from dispatch.town import next_service_day
from dispatch.town_file import find_town
from simulations.demand import Outing, Ride, demand_of

BOOKED_PER_VEHICLE = 12
"""Rides a vehicle is given before anything is measured: a day that is going well."""


@dataclass(frozen=True, slots=True)
class Wished:
    """A ride that somebody on the register asks for."""

    registrant_id: str
    party: Party
    ride: Ride


def write_town(town_name: str, vehicles: int, folder: Path) -> Path:
    """A copy of a town's folder with so many vehicles; its models and shifts in turn."""
    copy = Path(shutil.copytree(find_town(town_name), folder))
    file = copy / "fleet.toml"
    fleet = tomllib.loads(file.read_text("utf-8"))
    shifts = {shift["vehicle"]: shift for shift in fleet["shifts"]}
    models = [model for model in fleet["vehicles"] if model["id"] in shifts]
    repeated: dict[str, Any] = {**fleet, "vehicles": [], "shifts": []}
    for number in range(vehicles):
        model = models[number % len(models)]
        mine = f"{model['id']}-{number + 1}"
        repeated["vehicles"].append({**model, "id": mine})
        repeated["shifts"].append({**shifts[model["id"]], "id": f"{mine}-day", "vehicle": mine})
    file.write_text("\n".join(_sections(repeated)), "utf-8")
    return copy


def fill_day(service: Service, seed: int, rides: int) -> list[Wished]:
    """Register people and book `rides` rides for the day after the next service day.

    Returns what else the same people may wish on that day, in a random order.
    """
    day = day_to_fill(service)
    open_day(day, service)
    travel = service.places.travel
    outings = demand_of(service.town, travel, day, seed, 3 * rides).outings
    wishes = [
        Wished(who, outing.party, ride)
        for outing in outings
        for who in (_registered(outing, day, service),)
        for ride in _rides(outing)
    ]
    Random(seed).shuffle(wishes)
    booked = 0
    for number, wished in enumerate(wishes):
        if booked == rides:
            return wishes[number:]
        made = quote(_wish(wished), service)
        if made.offers:
            accept_offer(made.offers[0].id, service)
            booked += 1
    return wishes


def day_to_fill(service: Service) -> date:
    """A day on which the town drives and nothing has begun."""
    day = next_service_day(service.today() + timedelta(days=2), service.town)
    assert day is not None  # noqa: S101  (a town without a day to drive cannot be loaded)
    return day


def _registered(outing: Outing, day: date, service: Service) -> str:
    resident = outing.resident
    home = resident.home
    return register(
        NewRegistrant(
            name=f"住民 {resident.number + 1}",
            kana="ジュウミン",
            phone=f"0901{resident.number:07d}",
            home=Home(home.point, home.name, home.stop_id),
            consent=True,
            channel=resident.channel,
            birth_date=date(day.year - resident.age, 1, 1),
            needs=resident.needs,
        ),
        service,
    ).id


def _rides(outing: Outing) -> Sequence[Ride]:
    """The ways there and home that are asked for by a time."""
    there, rides = outing.there, []
    if there.depart_after is not None or there.arrive_by is not None:
        rides.append(there)
    if outing.home is not None and outing.home.depart_after is not None:
        rides.append(Ride(there.destination, there.origin, outing.home.depart_after))
    return rides


def _wish(wished: Wished) -> Wish:
    ride = wished.ride
    return Wish(
        wished.registrant_id,
        ride.origin,
        ride.destination,
        wished.party,
        depart_after=ride.depart_after,
        arrive_by=ride.arrive_by,
    )


def _sections(tables: Mapping[str, Any]) -> list[str]:
    """A fleet as TOML: lists of tables of plain values."""
    lines: list[str] = []
    for name, entries in tables.items():
        for entry in entries if isinstance(entries, list) else [entries]:
            lines.append(f"[[{name}]]" if isinstance(entries, list) else f"[{name}]")
            lines += [f"{key} = {_value(value)}" for key, value in entry.items()]
    return lines


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key} = {_value(each)}" for key, each in value.items())
        return f"{{ {inner} }}"
    if isinstance(value, list):
        return f"[{', '.join(_value(each) for each in value)}]"
    return json.dumps(value, ensure_ascii=False)
