"""The one composition root: a running service out of a town, a database and a road engine.

See: docs/words.md, service
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from dispatch.commands.service import Service
from dispatch.errors import BadInput
from dispatch.ports import Ports
from dispatch.snapshot import Fleet
from dispatch.store.store import open_store
from dispatch.store.wake import Bell, InProcessBell, RedisBell
from dispatch.town import Town
from routing.engines.crow_fly import CrowFly
from routing.engines.embedded import NetworkTravel
from routing.network import load_network
from routing.travel import PlaceTable, TravelTimes

NETWORK_FILE = "network.npz"


def build_service(
    town: Town,
    *,
    database_url: str = "sqlite://",
    redis_url: str | None = None,
    ports: Ports | None = None,
    travel: TravelTimes | None = None,
) -> Service:
    """A service that is ready to be asked.

    Parameters
    ----------
    database_url : `sqlite:///file`, `postgresql+psycopg://…`, or `sqlite://` for one that
        lives as long as the service.
    redis_url : what wakes the readers of other processes; None wakes those of this one.
    ports : clock, ids and checkpoints; None takes the real ones.
    travel : the road engine; None takes the network in the town's folder, or the air line
        where there is none.

    Raises Unavailable when the database is not there.
    """
    store = open_store(database_url)
    travel = travel or roads_of(town)
    points = [stop.point for stop in town.stops] + [garage.point for garage in town.garages]
    bell = bell_of(redis_url)
    return Service(
        town=town,
        ports=ports or real_ports(bell),
        store=store,
        places=PlaceTable(travel, points),
        fleet=Fleet.of(town),
        bell=bell,
    )


def bell_of(redis_url: str | None) -> Bell:
    """What wakes readers: of this process, or across processes by Redis.

    Raises BadInput("bad_redis_address"); a Redis that is not there is no error.
    """
    if redis_url is None:
        return InProcessBell()
    try:
        return RedisBell(redis_url)
    except ValueError as error:
        raise BadInput("bad_redis_address") from error


def real_ports(bell: Bell) -> Ports:
    """The machine's clock, identifiers that sort by age, and a bell for readers."""
    return Ports(now=utc_now, new_id=new_id, wake_readers=bell.ring)


def utc_now() -> datetime:
    """What time it is, to the millisecond."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def new_id(prefix: str) -> str:
    """An identifier nobody can guess; younger ones sort after older ones."""
    milliseconds = int(datetime.now(UTC).timestamp() * 1000)
    return f"{prefix}_{milliseconds:011x}{secrets.token_hex(6)}"


def roads_of(town: Town) -> TravelTimes:
    """The road engine of a town: its own network, or the air line, which says so."""
    if town.folder is not None and (town.folder / NETWORK_FILE).exists():
        return NetworkTravel(load_network(town.folder / NETWORK_FILE), town.speeds)
    return CrowFly()
