"""A running service: the town, the map, the store and the outside world, in one hand.

`dispatch/wiring.py` builds it; every command takes it.

See: docs/words.md, service
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from threading import Lock

from dispatch.commands.foresight import Foresight
from dispatch.ports import Ports
from dispatch.requests import Requests
from dispatch.snapshot import Fleet
from dispatch.store.store import Store
from dispatch.store.wake import Bell, InProcessBell
from dispatch.town import Town
from routing.travel import PlaceTable


@dataclass(frozen=True, slots=True, eq=False)
class Service:
    """What a command needs.

    places : all places the service has met, with the ways between them.
    fleet : the town's shifts, vehicles and garages by their ids.
    bell : wakes whoever reads the outbox.
    turn : taken by a decision that has lost a race, so that it does not lose again to
        another thread of this process.
    requests : rides that have been worked out for the optimizer already.
    foresight : what is expected to be asked for.
    """

    town: Town
    ports: Ports
    store: Store
    places: PlaceTable
    fleet: Fleet
    bell: Bell = field(default_factory=InProcessBell)
    turn: Lock = field(default_factory=Lock)
    requests: Requests = field(default_factory=Requests)
    foresight: Foresight = field(default_factory=Foresight)

    def now(self) -> datetime:
        """The moment (UTC)."""
        return self.ports.now()

    def today(self) -> date:
        """The calendar day in the town."""
        return self.now().astimezone(self.town.zone).date()

    def local(self, moment: datetime) -> datetime:
        """A moment as the town's clocks show it, for sentences."""
        return moment.astimezone(self.town.zone)
