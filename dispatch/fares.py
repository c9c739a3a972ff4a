"""What a ride costs: the town's fare table and its discounts.

A town chooses one of three tables: one price for every ride, a price by area, or a price by
distance. Each passenger pays the price less the one discount that is best for them.

See: docs/words.md, fare, discount; docs/decisions/0022-discounts-do-not-add-up.md
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

FULL_FARE = {"ja": "大人", "en": "Adult"}


class FareKind(StrEnum):
    """How the full price of one passenger comes about."""

    FLAT = "flat"
    """`base_yen` for every ride."""
    ZONES = "zones"
    """`base_yen` within an area, `across_yen` between two, unless `pairs` names the two."""
    DISTANCE = "distance"
    """`base_yen` for the first `first_metres`, then `step_yen` for each begun `step_metres`."""


@dataclass(frozen=True, slots=True)
class Discount:
    """A lower price for some passengers.

    claims : what a passenger shows or is known by (a certificate, a need, "child"); any one
        of them will do.
    ages : first and last full year of age to which it belongs without any claim.
    percent_off, price_yen : the cut in per cent, or the price in place of the full one.
    first_day, last_day : the days on which it counts, both included.
    """

    code: str
    name: Mapping[str, str]
    claims: frozenset[str] = frozenset()
    ages: tuple[int, int] | None = None
    percent_off: int = 0
    price_yen: int | None = None
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class FareTable:
    """A town's prices, in whole yen, tax included.

    pairs : prices between two areas by their names, where they differ from `across_yen`.
    most_yen : no passenger pays more.
    rounding_yen : a reduced price is rounded up to a multiple of this.
    """

    kind: FareKind = FareKind.FLAT
    base_yen: int = 0
    across_yen: int = 0
    pairs: Mapping[frozenset[str], int] = field(default_factory=dict)
    first_metres: int = 0
    step_metres: int = 1000
    step_yen: int = 0
    most_yen: int | None = None
    rounding_yen: int = 10
    full_name: Mapping[str, str] = field(default_factory=lambda: dict(FULL_FARE))
    discounts: tuple[Discount, ...] = ()


@dataclass(frozen=True, slots=True)
class Rider:
    """One passenger, as far as the price needs to know: claims, and age where it is known."""

    claims: frozenset[str] = frozenset()
    birth_date: date | None = None


@dataclass(frozen=True, slots=True)
class Trip:
    """One party's ride. `metres` is the direct way by road, so a detour costs nobody."""

    riders: tuple[Rider, ...]
    from_area: str = ""
    to_area: str = ""
    metres: int = 0


@dataclass(frozen=True, slots=True)
class FareLine:
    """One line of the receipt: so many passengers at this price, under this name."""

    code: str
    name: Mapping[str, str]
    passengers: int
    each_yen: int

    @property
    def total_yen(self) -> int:
        """What this line comes to."""
        return self.passengers * self.each_yen


@dataclass(frozen=True, slots=True)
class Fare:
    """Price of one trip, in whole yen, with each line as the receipt says it."""

    total_yen: int
    lines: tuple[FareLine, ...]


def fare_of(trip: Trip, table: FareTable, today: date) -> Fare:
    """Price `trip` by the town's table; of several discounts the best one counts."""
    full_yen = full_price(trip, table)
    tally: dict[_Line, int] = {}
    for rider in trip.riders:
        line = _line_of(rider, full_yen, table, today)
        tally[line] = tally.get(line, 0) + 1
    lines = tuple(
        FareLine(line.code, dict(line.name), count, line.each_yen) for line, count in tally.items()
    )
    return Fare(sum(line.total_yen for line in lines), lines)


def riders_of(passengers: int, claims: tuple[str, ...] = ()) -> tuple[Rider, ...]:
    """A party of `passengers`, of whom the first ones each bring one of `claims`."""
    named = tuple(Rider(frozenset({claim})) for claim in claims[:passengers])
    return named + (Rider(),) * (passengers - len(named))


def full_price(trip: Trip, table: FareTable) -> int:
    """What one passenger without a discount pays for `trip`, in yen."""
    match table.kind:
        case FareKind.FLAT:
            price = table.base_yen
        case FareKind.ZONES:
            price = _price_by_area(trip, table)
        case FareKind.DISTANCE:
            steps = -(-max(0, trip.metres - table.first_metres) // table.step_metres)
            price = table.base_yen + steps * table.step_yen
    return price if table.most_yen is None else min(price, table.most_yen)


def entitled(rider: Rider, discount: Discount, today: date) -> bool:
    """True if `rider` may have `discount` on the day `today`."""
    if discount.first_day and today < discount.first_day:
        return False
    if discount.last_day and today > discount.last_day:
        return False
    if discount.claims & rider.claims:
        return True
    if discount.ages is None or rider.birth_date is None:
        return False
    return discount.ages[0] <= age_on(rider.birth_date, today) <= discount.ages[1]


def age_on(birth_date: date, today: date) -> int:
    """Full years of age on `today`."""
    before_birthday = (today.month, today.day) < (birth_date.month, birth_date.day)
    return today.year - birth_date.year - before_birthday


def _price_by_area(trip: Trip, table: FareTable) -> int:
    if trip.from_area == trip.to_area:
        return table.base_yen
    return table.pairs.get(frozenset({trip.from_area, trip.to_area}), table.across_yen)


@dataclass(frozen=True, slots=True)
class _Line:
    code: str
    name: tuple[tuple[str, str], ...]
    each_yen: int


def _line_of(rider: Rider, full_yen: int, table: FareTable, today: date) -> _Line:
    lines = [_Line("full", tuple(table.full_name.items()), full_yen)]
    lines += [
        _Line(discount.code, tuple(discount.name.items()), _reduced(full_yen, discount, table))
        for discount in table.discounts
        if entitled(rider, discount, today)
    ]
    return min(lines, key=lambda line: line.each_yen)


def _reduced(full_yen: int, discount: Discount, table: FareTable) -> int:
    if discount.price_yen is not None:
        return min(full_yen, discount.price_yen)
    exact = full_yen * (100 - discount.percent_off)
    unit = 100 * table.rounding_yen
    return min(full_yen, -(-exact // unit) * table.rounding_yen)
