"""Reading a town's folder: everything a town decides, checked before the service starts.

Each mistake becomes one sentence with the file, the key, what was found and what to write
instead; all mistakes of a folder are found in one look.

See: dispatch/towns/README.md for each file and key;
docs/decisions/0020-a-town-is-a-folder-read-with-remedies.md
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from dispatch.errors import BadTownFile, NotFound
from dispatch.fares import FareTable
from dispatch.optimizer.objective import Weights
from dispatch.toml_reader import MISSING, WEEKDAY_KEYS, Problems, Section, read_toml
from dispatch.town import (
    Area,
    BoardingRules,
    BookingRules,
    CalmRules,
    Hours,
    LookAheadRules,
    PromiseRules,
    RegistrationRules,
    Town,
)
from dispatch.town_fleet import counts_of, fares_of, point_of, with_fleet
from dispatch.town_map import areas_of, map_tiles_of, places_of, settlements_of, stops_of
from dispatch.wording import Phrase

TOWNS = Path(__file__).parent / "towns"
"""The towns that come with the service."""


def find_town(name: str) -> Path:
    """The folder of the town that `name` says: a town that comes with us, or a path.

    Raises NotFound with the code `unknown_town`.
    """
    if name in list_towns():
        return TOWNS / name
    if name and Path(name).is_dir():
        return Path(name)
    raise NotFound("unknown_town", town=name, known=list_towns())


def list_towns() -> tuple[str, ...]:
    """The names of the towns that come with the service."""
    return tuple(sorted(file.parent.name for file in TOWNS.glob("*/town.toml")))


def load_town(folder: Path) -> Town:
    """The town whose folder this is.

    Raises BadTownFile for the first mistake; its fact `more` counts the others.
    """
    town, problems = read_town(folder)
    if problems:
        if len(problems) > 1:
            problems[0].facts["more"] = Phrase("and_more", {"count": len(problems) - 1})
        raise problems[0]
    return town


def read_town(folder: Path) -> tuple[Town, tuple[BadTownFile, ...]]:
    """The town as far as it could be read, and every mistake in its folder, in reading order.

    Files that cannot be read at all are told alone: what else they break would be noise.
    """
    problems = Problems()
    rules = read_toml(folder, "town.toml", problems)
    fleet = read_toml(folder, "fleet.toml", problems)
    fares = read_toml(folder, "fares.toml", problems)
    speeds = read_toml(folder, "speeds.toml", problems)
    areas = areas_of(folder, problems)
    unreadable = tuple(problems.found)
    town = _town(folder, rules, areas)
    town = with_fleet(town, fleet)
    town = replace(town, fares=fares_of(fares, town), speeds=_speeds(speeds))
    town = replace(
        town,
        stops=stops_of(folder, town, problems),
        settlements=settlements_of(folder, town, problems),
        places=places_of(folder, problems),
    )
    for section in (rules, fleet, fares, speeds):
        section.done()
    return town, unreadable or tuple(problems.found)


def _town(folder: Path, rules: Section, areas: tuple[Area, ...]) -> Town:
    closed = rules.section("closed")
    service_area = rules.section("service_area")
    loads = _loads(rules)
    needs = dict(rules.section("needs").children())
    boarding = _boarding(rules.section("boarding"), needs)
    town = Town(
        id=folder.resolve().name,
        name=rules.names("name"),
        zone=_zone(rules),
        centre=point_of(rules, "centre"),
        areas=areas,
        hours=_hours(rules),
        closed_days=closed.days("days"),
        closed_every_year=closed.days_of_the_year("every_year"),
        closed_on_holidays=closed.flag("holidays", default=False),
        country=_country(rules),
        booking=_booking(rules.section("booking")),
        promise=_promise(rules.section("promise")),
        boarding=boarding,
        calm=_calm(rules.section("calm")),
        registration=_registration(rules.section("registration")),
        weights=_weights(rules.section("objective")),
        look_ahead=_look_ahead(rules.section("look_ahead")),
        fares=FareTable(),
        loads=loads,
        load_by_need=_load_by_need(needs, loads),
        need_names={key: need.names("name") for key, need in needs.items()},
        garages=(),
        vehicles=(),
        shifts=(),
        stops=(),
        settlements=(),
        speeds={},
        reach_metres=service_area.number("reach_metres", 300, high=20_000),
        area_margin_metres=service_area.number("margin_metres", 50, high=2_000),
        over_65=service_area.number("over_65", 0.3, high=1),
        assumptions=rules.texts("assumptions"),
        credits=rules.texts("credits"),
        tiles=map_tiles_of(rules.section("map")),
        folder=folder.resolve(),
    )
    for section in (closed, service_area, *needs.values()):
        section.done()
    return town


def _zone(rules: Section) -> ZoneInfo:
    name = rules.text("zone")
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):
        rules.note("zone", name, "write_zone")
        return ZoneInfo("UTC")


def _country(rules: Section) -> str:
    from holidays.registry import COUNTRIES  # noqa: PLC0415 - slow to import

    country = rules.text("country")
    if country and not any(country in codes for codes in COUNTRIES.values()):
        rules.note("country", country, "write_country")
    return country


def _loads(rules: Section) -> tuple[str, ...]:
    loads = rules.texts("loads")
    if loads[:1] != ("seats",) or len(set(loads)) < len(loads):
        rules.note("loads", list(loads) or MISSING, "write_loads")
        return ("seats",)
    return loads


def _hours(rules: Section) -> Mapping[int, Hours]:
    hours: dict[int, Hours] = {}
    for block in rules.sections("hours"):
        days = block.weekdays("days")
        open_hours = Hours(block.clock("opens"), block.clock("closes"))
        if open_hours.closes <= open_hours.opens:
            block.note("closes", str(open_hours.closes)[:5], "write_later", than=open_hours.opens)
        for day in days:
            if day in hours:
                block.note("days", WEEKDAY_KEYS[day], "write_once")
            hours[day] = open_hours
        block.done()
    if not hours:
        rules.note("hours", MISSING, "write_sections", key="hours")
    return hours


def _booking(section: Section) -> BookingRules:
    base = BookingRules()
    rules = BookingRules(
        days_ahead=section.whole("days_ahead", base.days_ahead, high=366),
        lead_time=section.minutes("lead_minutes", base.lead_time, high=10_080),
        largest_party=section.whole("largest_party", base.largest_party, low=1, high=60),
        hold=section.minutes("hold_minutes", base.hold, high=60),
        offers=section.whole("offers", base.offers, low=1, high=9),
        offer_spacing=section.minutes("offer_spacing_minutes", base.offer_spacing, high=240),
        search_span=section.minutes("search_span_minutes", base.search_span, high=720),
        alternatives_span=section.minutes("alternatives_span_minutes", base.alternatives_span),
    )
    section.done()
    return rules


def _promise(section: Section) -> PromiseRules:
    base = PromiseRules()
    rules = PromiseRules(
        pickup_window=section.minutes("pickup_window_minutes", base.pickup_window, high=240),
        ride_ratio=section.number("ride_ratio", base.ride_ratio, low=1, high=10),
        ride_allowance=section.minutes("ride_allowance_minutes", base.ride_allowance, high=240),
        arrive_early=section.minutes("arrive_early_minutes", base.arrive_early, high=240),
        reserve=section.minutes("reserve_minutes", base.reserve, high=60),
    )
    if rules.reserve >= rules.pickup_window:
        section.note(
            "reserve_minutes", _in_minutes(rules.reserve), "write_less",
            than=_in_minutes(rules.pickup_window),
        )  # fmt: skip
    section.done()
    return rules


def _boarding(section: Section, needs: Mapping[str, Section]) -> BoardingRules:
    base = BoardingRules()
    rules = BoardingRules(
        stop=section.seconds("stop_seconds", base.stop),
        passenger=section.seconds("passenger_seconds", base.passenger),
        by_need={
            key: need.seconds("boarding_seconds", base.passenger) for key, need in needs.items()
        },
    )
    section.done()
    return rules


def _load_by_need(
    needs: Mapping[str, Section], loads: tuple[str, ...]
) -> Mapping[str, Mapping[str, int]]:
    by_need = {}
    for key, need in needs.items():
        if need.has("loads"):
            by_need[key] = counts_of(need.section("loads", needed=True), loads)
    return by_need


def _calm(section: Section) -> CalmRules:
    base = CalmRules()
    rules = CalmRules(
        vehicle_changes=section.whole("vehicle_changes", base.vehicle_changes, high=99),
        frozen=section.minutes("frozen_minutes", base.frozen, high=240),
    )
    section.done()
    return rules


def _registration(section: Section) -> RegistrationRules:
    rules = RegistrationRules(
        required=section.flag("required", default=True),
        goal=section.whole("goal", 0),
        goal_date=section.day("goal_date"),
    )
    section.done()
    return rules


def _weights(section: Section) -> Weights:
    base = Weights()
    rules = Weights(
        driving=section.whole("driving", base.driving, high=1000),
        waiting=section.whole("waiting", base.waiting, high=1000),
        excess_ride=section.whole("excess_ride", base.excess_ride, high=1000),
        lateness=section.whole("lateness", base.lateness, high=100_000),
        unserved=section.whole("unserved", base.unserved),
    )
    section.done()
    return rules


def _look_ahead(section: Section) -> LookAheadRules | None:
    """How far the town looks ahead; None unless it says that it does."""
    base = LookAheadRules()
    is_on = section.flag("on", default=False)
    rules = LookAheadRules(
        ride_worth=round(60 * section.number("ride_worth_minutes", base.ride_worth / 60, 1, 240)),
        least_gain=section.whole("least_gain_seconds", base.least_gain, high=3600),
        horizon=round(60 * section.number("horizon_minutes", base.horizon / 60, 1, 240)),
        plan_horizon=round(
            60 * section.number("plan_horizon_minutes", base.plan_horizon / 60, 1, 240)
        ),
        futures=section.whole("futures", base.futures, 4, 500),
        plans=section.whole("plans", base.plans, 0, 50),
        steps=section.whole("steps", base.steps, 1, 10_000),
        comfort_percent=section.whole("comfort_percent", base.comfort_percent, high=100),
    )
    section.done()
    return rules if is_on else None


def _speeds(file: Section) -> Mapping[str, float]:
    table = file.section("kmh", needed=True)
    return {road: table.number(road, low=1, high=130) for road in table.keys()}  # noqa: SIM118


def _in_minutes(span: timedelta) -> int:
    return round(span.total_seconds() / 60)
