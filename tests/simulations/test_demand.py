"""Where the simulated people come from, and that one seed draws the same ones."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from dispatch.town import Town, in_service_area, service_hours
from dispatch.town_file import find_town, load_town
from routing.engines.embedded import NetworkTravel
from routing.network import load_network
from simulations.demand import demand_of

DAY = date(2026, 6, 9)


@pytest.fixture(scope="module")
def kimotsuki() -> tuple[Town, NetworkTravel]:
    folder: Path = find_town("kimotsuki")
    town = load_town(folder)
    return town, NetworkTravel(load_network(folder / "network.npz"), town.speeds)


def test_the_same_seed_draws_the_same_people(kimotsuki: tuple[Town, NetworkTravel]) -> None:
    town, travel = kimotsuki

    assert demand_of(town, travel, DAY, 5) == demand_of(town, travel, DAY, 5)
    assert demand_of(town, travel, DAY, 5) != demand_of(town, travel, DAY, 6)


def test_one_more_ride_changes_nothing_for_the_people_before(
    kimotsuki: tuple[Town, NetworkTravel],
) -> None:
    town, travel = kimotsuki

    few = {outing.number: outing for outing in demand_of(town, travel, DAY, 5, 20).outings}
    many = {outing.number: outing for outing in demand_of(town, travel, DAY, 5, 40).outings}

    assert few.items() <= many.items()


def test_homes_lie_in_the_service_area_and_wishes_within_the_hours(
    kimotsuki: tuple[Town, NetworkTravel],
) -> None:
    town, travel = kimotsuki
    hours = service_hours(DAY, town)
    assert hours is not None
    opens, closes = hours

    for outing in demand_of(town, travel, DAY, 7).outings:
        assert in_service_area(outing.resident.home.point, town)
        for wished in (outing.there.depart_after, outing.there.arrive_by):
            assert wished is None or opens <= wished <= closes
        if outing.home is not None and outing.home.depart_after is not None:
            assert opens < outing.home.depart_after < closes
        assert outing.asks_at < closes
        assert outing.asks_at > opens - timedelta(days=town.booking.days_ahead)


def test_most_rides_stay_within_their_district(kimotsuki: tuple[Town, NetworkTravel]) -> None:
    town, travel = kimotsuki

    rides = [o.there for seed in range(5) for o in demand_of(town, travel, DAY, seed).outings]
    long = [
        ride
        for ride in rides
        if travel.table((ride.origin.point,), (ride.destination.point,)).seconds[0, 0] > 20 * 60
    ]

    assert 0 < len(long) < len(rides) / 5


def test_both_districts_ride(kimotsuki: tuple[Town, NetworkTravel]) -> None:
    town, travel = kimotsuki
    district = {settlement.id: settlement.district for settlement in town.settlements}

    seen = {district[o.resident.settlement] for o in demand_of(town, travel, DAY, 3, 200).outings}

    assert seen == set(district.values())
