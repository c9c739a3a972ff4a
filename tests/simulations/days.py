"""Simulated days that several tests look at, each played once a process."""

from __future__ import annotations

from datetime import time
from functools import lru_cache

from dispatch.commands.audit import audit
from dispatch.town import Town
from dispatch.town_file import find_town, load_town
from routing.engines.embedded import NetworkTravel
from routing.network import Network, load_network
from simulations.day import DaySettings, TownDay
from simulations.story import Story


@lru_cache(maxsize=1)
def kimotsuki() -> tuple[Town, NetworkTravel, Network]:
    """The town of the demo with its roads."""
    folder = find_town("kimotsuki")
    town = load_town(folder)
    network = load_network(folder / "network.npz")
    return town, NetworkTravel(network, town.speeds), network


@lru_cache(maxsize=8)
def story_of(seed: int, breakdown: time | None = None, rides: int | None = None) -> Story:
    """A whole day, played and audited; the audit must be clean."""
    town, travel, _ = kimotsuki()
    day = TownDay(town, travel, DaySettings(seed=seed, breakdown=breakdown, rides=rides))
    try:
        for _ in day.play():
            pass
        report = audit(day.day, day.service.store)
        assert report.findings == (), report.findings[:3]
        return day.story()
    finally:
        day.close()
