"""Reading a town's vehicles, shifts and prices from fleet.toml and fares.toml.

See: dispatch/towns/README.md for each key
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from dispatch import duty
from dispatch.fares import FULL_FARE, Discount, FareKind, FareTable
from dispatch.fleet import BreakRule, Garage, Shift, VehicleModel
from dispatch.toml_reader import MISSING, Section
from dispatch.town import Town
from routing.travel import Point


def with_fleet(town: Town, file: Section) -> Town:
    """`town` with the garages, vehicles and shifts that fleet.toml gives it."""
    garages = tuple(_garage(each) for each in file.sections("garages"))
    _check_ids(file, "garages", [garage.id for garage in garages])
    vehicles = tuple(_vehicle(each, town, garages) for each in file.sections("vehicles"))
    _check_ids(file, "vehicles", [vehicle.id for vehicle in vehicles])
    hours = _driver_hours(file.section("driver_hours"))
    shifts = tuple(_shift(each, vehicles, hours) for each in file.sections("shifts"))
    _check_ids(file, "shifts", [shift.id for shift in shifts])
    return replace(town, garages=garages, vehicles=vehicles, shifts=shifts, driver_hours=hours)


def _check_ids(file: Section, key: str, ids: Sequence[str]) -> None:
    if not ids:
        file.note(key, MISSING, "write_sections", key=key)
    for twin in sorted({each for each in ids if each and ids.count(each) > 1}):
        file.note(f"{key}.id", twin, "write_once")


def _garage(section: Section) -> Garage:
    garage = Garage(section.text("id"), section.text("name"), point_of(section, "point"))
    section.done()
    return garage


def _vehicle(section: Section, town: Town, garages: Sequence[Garage]) -> VehicleModel:
    counts = counts_of(section.section("capacity", needed=True), town.loads)
    capacity = tuple(counts.get(load, 0) for load in town.loads)
    if capacity[0] < 1:
        section.note("capacity.seats", capacity[0], "write_whole_number", low=1, high=60)
    vehicle = VehicleModel(
        id=section.text("id"),
        name=section.text("name"),
        capacity=capacity,
        garage=one_of(section, "garage", [garage.id for garage in garages]),
    )
    section.done()
    return vehicle


def _shift(section: Section, vehicles: Sequence[VehicleModel], hours: duty.DriverHours) -> Shift:
    shift = Shift(
        id=section.text("id"),
        vehicle=one_of(section, "vehicle", [vehicle.id for vehicle in vehicles]),
        weekdays=section.weekdays("weekdays"),
        starts=section.clock("starts"),
        ends=section.clock("ends"),
        breaks=tuple(_break(each) for each in section.sections("breaks")),
    )
    section.done()
    length = duty.length_of(shift)
    if length <= timedelta(0):
        section.note("ends", str(shift.ends)[:5], "write_later", than=shift.starts)
    elif length > hours.longest_day:
        section.note("ends", str(shift.ends)[:5], "shorten_shift", most=hours.longest_day)
    elif duty.break_time(shift) < (least := duty.least_break(shift, hours)):
        section.note("breaks", duty.break_time(shift), "lengthen_break", least=least)
    for rule in shift.breaks:
        if not shift.starts <= rule.earliest <= rule.latest <= shift.ends:
            found = f"{rule.earliest:%H:%M}–{rule.latest:%H:%M}"
            section.note("breaks", found, "break_in_shift", starts=shift.starts, ends=shift.ends)
    return shift


def _break(section: Section) -> BreakRule:
    rule = BreakRule(
        section.clock("earliest"),
        section.clock("latest"),
        section.whole("minutes", low=1, high=600),
    )
    section.done()
    return rule


def _driver_hours(section: Section) -> duty.DriverHours:
    base = duty.DriverHours()
    breaks = tuple(
        (each.minutes("work_over_minutes"), each.minutes("break_minutes"))
        for each in section.sections("breaks")
    )
    hours = duty.DriverHours(
        longest_day=section.minutes("longest_day_minutes", base.longest_day),
        longest_day_ever=section.minutes("longest_day_ever_minutes", base.longest_day_ever),
        long_day=section.minutes("long_day_minutes", base.long_day),
        long_days_a_week=section.whole("long_days_a_week", base.long_days_a_week, high=7),
        longest_month=section.minutes("longest_month_minutes", base.longest_month, high=44_640),
        rest=section.minutes("rest_minutes", base.rest),
        least_rest=section.minutes("least_rest_minutes", base.least_rest),
        breaks=tuple(sorted(breaks, reverse=True)) if section.has("breaks") else base.breaks,
    )
    section.done()
    return hours


def fares_of(file: Section, town: Town) -> FareTable:
    """The fare table of fares.toml; area names are those of `town`."""
    kind = FareKind(file.choice("kind", [kind.value for kind in FareKind]))
    base = FareTable()
    areas = [area.name for area in town.areas]
    return FareTable(
        kind=kind,
        base_yen=file.whole("base_yen", high=100_000),
        across_yen=file.whole("across_yen", None if kind is FareKind.ZONES else 0, high=100_000),
        pairs=dict(_pair(each, areas) for each in file.sections("pairs")),
        first_metres=file.whole("first_metres", None if kind is FareKind.DISTANCE else 0),
        step_metres=file.whole("step_metres", base.step_metres, low=1),
        step_yen=file.whole("step_yen", None if kind is FareKind.DISTANCE else 0, high=100_000),
        most_yen=file.whole("most_yen") if file.has("most_yen") else None,
        rounding_yen=file.whole("rounding_yen", base.rounding_yen, low=1, high=1000),
        full_name=file.names("full_name") if file.has("full_name") else FULL_FARE,
        discounts=tuple(_discount(each) for each in file.sections("discounts")),
    )


def _pair(section: Section, areas: Sequence[str]) -> tuple[frozenset[str], int]:
    names = section.texts("areas")
    for name in names:
        if name not in areas:
            section.note("areas", name, "write_one_of", options=areas)
    if len(set(names)) != 2:
        section.note("areas", list(names), "write_two_areas")
    price = section.whole("yen", high=100_000)
    section.done()
    return frozenset(names), price


def _discount(section: Section) -> Discount:
    code = section.text("code")
    ages: tuple[int, int] | None = None
    if section.has("ages"):
        ages = _ages(section)
    if section.has("percent_off") == section.has("price_yen"):
        section.note("percent_off", MISSING, "write_one_price")
    discount = Discount(
        code=code,
        name=section.names("name"),
        claims=frozenset(section.texts("claims")) or frozenset({code}),
        ages=ages,
        percent_off=section.whole("percent_off", 0, high=100),
        price_yen=section.whole("price_yen", 0, high=100_000) if section.has("price_yen") else None,
        first_day=section.day("first_day"),
        last_day=section.day("last_day"),
    )
    section.done()
    return discount


def _ages(section: Section) -> tuple[int, int]:
    value = section.raw("ages")
    whole = isinstance(value, list) and all(type(age) is int for age in value)
    if whole and len(value) == 2 and 0 <= value[0] <= value[1]:
        return value[0], value[1]
    section.note("ages", value, "write_ages")
    return 0, 0


def counts_of(section: Section, loads: tuple[str, ...], high: int = 60) -> dict[str, int]:
    """Whole numbers by load dimension; a dimension that is not named counts 0."""
    named = {load: section.whole(load, 0, high=high) for load in loads}
    section.done()
    return {load: number for load, number in named.items() if number}


def point_of(section: Section, key: str) -> Point:
    """A position: { lat = …, lon = … }."""
    inner = section.section(key, needed=True)
    point = Point(inner.number("lat", low=-90, high=90), inner.number("lon", low=-180, high=180))
    inner.done()
    return point


def one_of(section: Section, key: str, options: Sequence[str]) -> str:
    """A text that must be one of `options`."""
    value = section.text(key)
    if value and options and value not in options:
        section.note(key, value, "write_one_of", options=list(options))
    return value
