"""What a ride costs, said with the town's own table."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from dispatch.fares import (
    Discount,
    FareKind,
    FareTable,
    Rider,
    Trip,
    age_on,
    fare_of,
    full_price,
    riders_of,
)
from dispatch.town_file import find_town, load_town

TODAY = date(2026, 11, 25)
KIMOTSUKI = load_town(find_town("kimotsuki")).fares
HOSHINO = load_town(Path(__file__).parents[1] / "towns" / "hoshino").fares
ACROSS = ("高山", "内之浦")


def trip(*claims: str, areas: tuple[str, str] = ("高山", "高山"), passengers: int = 1) -> Trip:
    return Trip(riders_of(passengers, claims), *areas)


def test_a_ride_within_a_district_costs_less_than_one_over_the_pass() -> None:
    assert fare_of(trip(), KIMOTSUKI, TODAY).total_yen == 300
    assert fare_of(trip(areas=ACROSS), KIMOTSUKI, TODAY).total_yen == 500


def test_each_passenger_pays_their_own_price() -> None:
    fare = fare_of(trip("child", "infant", passengers=3), KIMOTSUKI, TODAY)
    assert fare.total_yen == 150 + 0 + 300


def test_of_several_discounts_the_best_one_counts() -> None:
    both = Trip((Rider(frozenset({"disabled", "infant"})),), "高山", "高山")
    assert fare_of(both, KIMOTSUKI, TODAY).total_yen == 0


def test_the_receipt_names_each_price_once_with_how_many_pay_it() -> None:
    fare = fare_of(trip("child", "child", passengers=3, areas=ACROSS), KIMOTSUKI, TODAY)
    lines = [(line.code, line.passengers, line.each_yen, line.total_yen) for line in fare.lines]
    assert lines == [("child", 2, 250, 500), ("full", 1, 500, 500)]


def test_age_alone_gives_the_child_its_price_where_the_birth_date_is_known() -> None:
    child = Trip((Rider(birth_date=date(2018, 11, 26)),), "高山", "高山")
    assert age_on(date(2018, 11, 26), TODAY) == 7
    assert fare_of(child, KIMOTSUKI, TODAY).lines[0].code == "child"


def test_a_birthday_on_leap_day_is_not_yet_passed_on_the_last_of_february() -> None:
    assert age_on(date(2012, 2, 29), date(2026, 2, 28)) == 13
    assert age_on(date(2012, 2, 29), date(2026, 3, 1)) == 14


def test_a_discount_counts_only_on_its_days() -> None:
    week = Discount("try", {"ja": "お試し", "en": "Try"}, frozenset({"all"}), percent_off=50,
                    first_day=date(2026, 11, 1), last_day=date(2026, 11, 30))  # fmt: skip
    table = FareTable(base_yen=300, discounts=(week,))
    someone = Trip((Rider(frozenset({"all"})),))
    prices = [
        fare_of(someone, table, day).total_yen
        for day in (date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 30), date(2026, 12, 1))
    ]
    assert prices == [300, 150, 150, 300]


def test_a_price_by_distance_grows_by_begun_steps_up_to_a_most() -> None:
    prices = [full_price(Trip((Rider(),), metres=m), HOSHINO) for m in (0, 2000, 2001, 3000, 3001)]
    assert prices == [200, 200, 250, 250, 300]
    assert full_price(Trip((Rider(),), metres=50_000), HOSHINO) == 600


def test_a_pair_of_areas_may_have_its_own_price_either_way() -> None:
    table = FareTable(FareKind.ZONES, 300, 500, pairs={frozenset({"a", "c"}): 800})
    assert full_price(Trip((), "a", "b"), table) == 500
    assert full_price(Trip((), "c", "a"), table) == 800


def test_half_of_an_odd_price_is_rounded_up_to_the_towns_unit() -> None:
    half = Discount("half", {"ja": "半額", "en": "Half"}, frozenset({"half"}), percent_off=50)
    table = FareTable(base_yen=250, discounts=(half,))
    assert fare_of(trip("half"), table, TODAY).total_yen == 130


tables = st.builds(
    FareTable,
    kind=st.sampled_from(FareKind),
    base_yen=st.integers(0, 3000),
    across_yen=st.integers(0, 3000),
    first_metres=st.integers(0, 5000),
    step_metres=st.integers(1, 3000),
    step_yen=st.integers(0, 300),
    most_yen=st.none() | st.integers(0, 2000),
    rounding_yen=st.sampled_from([1, 10, 50, 100]),
    discounts=st.lists(
        st.builds(
            Discount,
            code=st.sampled_from(["a", "b", "c"]),
            name=st.just({"en": "x"}),
            claims=st.frozensets(st.sampled_from(["a", "b", "c"])),
            percent_off=st.integers(0, 100),
            price_yen=st.none() | st.integers(0, 3000),
        ),
        max_size=4,
    ).map(tuple),
)
trips = st.builds(
    Trip,
    riders=st.lists(
        st.builds(Rider, claims=st.frozensets(st.sampled_from(["a", "b", "c"]))), max_size=6
    ).map(tuple),
    from_area=st.sampled_from(["x", "y"]),
    to_area=st.sampled_from(["x", "y"]),
    metres=st.integers(0, 40_000),
)


@given(tables, trips)
def test_the_lines_add_up_and_nobody_pays_more_than_the_full_price(
    table: FareTable, wish: Trip
) -> None:
    fare = fare_of(wish, table, TODAY)
    assert fare.total_yen == sum(line.total_yen for line in fare.lines)
    assert sum(line.passengers for line in fare.lines) == len(wish.riders)
    assert all(0 <= line.each_yen <= full_price(wish, table) for line in fare.lines)


@given(tables, trips, st.sampled_from(["a", "b", "c"]))
def test_one_more_claim_never_makes_a_ride_dearer(table: FareTable, wish: Trip, claim: str) -> None:
    more = Trip(
        tuple(Rider(rider.claims | {claim}) for rider in wish.riders),
        wish.from_area,
        wish.to_area,
        wish.metres,
    )
    assert fare_of(more, table, TODAY).total_yen <= fare_of(wish, table, TODAY).total_yen
