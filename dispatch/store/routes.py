"""Routes: one row a vehicle and shift, its visits to come as JSON, with a version.

A second table holds which booking has its place in which route, one row a booking, so
that no fault in any planner can sell one person two seats in two vehicles.

See: docs/store.md, routes; docs/decisions/0002-a-route-is-one-row.md,
0041-nobody-rides-in-two-vehicles.md
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Connection,
    Date,
    Float,
    ForeignKey,
    Integer,
    Row,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from dispatch.driving import PlannedVisit, Route, Status
from dispatch.optimizer.plan import Kind
from dispatch.store.columns import Utc, in_list, metadata, utc_text
from routing.travel import Point

routes = Table(
    "routes",
    metadata,
    Column("id", String, primary_key=True),
    Column("service_day", Date, nullable=False),
    Column("shift_id", String, nullable=False),
    Column("vehicle_id", String, nullable=False),
    Column("status", String, nullable=False),
    Column("lat", Float, nullable=False),
    Column("lon", Float, nullable=False),
    Column("since", Utc, nullable=False),
    Column("arrives_at", Utc),
    Column("visits", JSON, nullable=False),
    Column("cause", String, nullable=False),
    Column("version", Integer, nullable=False),
    UniqueConstraint("service_day", "shift_id"),
    CheckConstraint(in_list("status", Status), name="status"),
    CheckConstraint("version >= 0", name="version"),
)

planned_rides = Table(
    "planned_rides",
    metadata,
    Column("booking_id", String, ForeignKey("bookings.id"), primary_key=True),
    Column("route_id", String, ForeignKey("routes.id"), nullable=False, index=True),
)


def subjects_of(visits: Iterable[PlannedVisit]) -> frozenset[str]:
    """Ids of the bookings that have a place in these visits."""
    return frozenset(visit.subject for visit in visits if visit.kind is not Kind.BREAK)


# Built once: putting a statement together costs as much as running it.
_GET = select(routes).where(routes.c.id == bindparam("this"))
_LIST = select(routes).where(routes.c.id.in_(bindparam("these", expanding=True)))
_VERSIONS = (
    select(routes.c.id, routes.c.version)
    .where(routes.c.service_day == bindparam("day"))
    .order_by(routes.c.shift_id)
)
_AT = select(routes.c.id, routes.c.version).where(
    routes.c.id.in_(bindparam("these", expanding=True))
)
_INSERT = insert(routes)
_REWRITE = update(routes).where(
    routes.c.id == bindparam("this"), routes.c.version == bindparam("computed_from")
)
_LEAVE = delete(planned_rides).where(
    planned_rides.c.booking_id == bindparam("booking"),
    planned_rides.c.route_id == bindparam("route"),
)
_JOIN = insert(planned_rides)


def get(connection: Connection, route_id: str) -> Route | None:
    """One route, or None."""
    row = connection.execute(_GET, {"this": route_id}).first()
    return None if row is None else _route(row)


def list_by_id(connection: Connection, ids: Sequence[str]) -> list[Route]:
    """Those of these routes that exist."""
    rows = connection.execute(_LIST, {"these": list(ids)})
    return [_route(row) for row in rows]


def list_versions(connection: Connection, day: date) -> list[tuple[str, int]]:
    """(id, version) of each route of a day, in order of shift."""
    return [(row[0], row[1]) for row in connection.execute(_VERSIONS, {"day": day}).all()]


def insert_new(connection: Connection, new: Sequence[Route]) -> None:
    """Write routes that are not there yet."""
    if new:
        connection.execute(_INSERT, [_values(route) for route in new])


def rewrite(
    connection: Connection, changed: Sequence[Route], same_visits: Collection[str] = ()
) -> list[str]:
    """Write each route as the next version after its own; the ids of those that are gone.

    All in one statement: each one more would be one more way to the database.

    same_visits : ids of those whose visits are as they are stored at that version, so that
        they need not be put into words again.
    """
    rows = [_rewritten(route, _values(route)) for route in changed if route.id not in same_visits]
    alike = [_rewritten(route, _state(route)) for route in changed if route.id in same_visits]
    if all(
        connection.execute(_REWRITE, some).rowcount == len(some) for some in (rows, alike) if some
    ):
        return []
    found = connection.execute(_AT, {"these": [route.id for route in changed]})
    written = {(row[0], row[1]) for row in found}
    moved = [each.id for each in changed if (each.id, each.version + 1) not in written]
    return moved or [changed[0].id]  # somebody else's next version looks like ours


def move_rides(
    connection: Connection, lost: Iterable[tuple[str, str]], gained: Iterable[tuple[str, str]]
) -> None:
    """Note which bookings left and joined which routes, as pairs of booking and route."""
    gone = [{"booking": booking, "route": route} for booking, route in sorted(lost)]
    if gone:
        connection.execute(_LEAVE, gone)
    come = [{"booking_id": booking, "route_id": route} for booking, route in sorted(gained)]
    if come:
        connection.execute(_JOIN, come)


def list_rides(connection: Connection, route_ids: Sequence[str]) -> list[tuple[str, str]]:
    """(booking, route) of each booking that has its place in one of these routes."""
    query = select(planned_rides.c.booking_id, planned_rides.c.route_id).where(
        planned_rides.c.route_id.in_(route_ids)
    )
    return [(booking, route) for booking, route in connection.execute(query)]


def _rewritten(route: Route, values: dict[str, Any]) -> dict[str, Any]:
    version = route.version
    return {**values, "version": version + 1, "this": route.id, "computed_from": version}


def _values(route: Route) -> dict[str, Any]:
    return {
        "id": route.id,
        "service_day": route.service_day,
        "shift_id": route.shift_id,
        "vehicle_id": route.vehicle_id,
        "visits": [_visit_row(visit) for visit in route.visits],
        "version": route.version,
        **_state(route),
    }


def _state(route: Route) -> dict[str, Any]:
    return {
        "status": route.status.value,
        "lat": route.place.lat,
        "lon": route.place.lon,
        "since": route.since,
        "arrives_at": route.arrives_at,
        "cause": route.cause,
    }


def _route(row: Row[Any]) -> Route:
    return Route(
        id=row.id,
        service_day=row.service_day,
        shift_id=row.shift_id,
        vehicle_id=row.vehicle_id,
        status=Status(row.status),
        place=Point(row.lat, row.lon),
        since=row.since,
        arrives_at=row.arrives_at,
        visits=tuple(_visit(visit) for visit in row.visits),
        cause=row.cause,
        version=row.version,
    )


# A visit is a list: a town's day reads some thousands of them for each quote.
def _visit_row(visit: PlannedVisit) -> list[Any]:
    return [
        int(visit.kind),
        visit.subject,
        visit.point.lat,
        visit.point.lon,
        utc_text(visit.leaves_at),
        utc_text(visit.starts_at),
        utc_text(visit.ends_at),
    ]


def _visit(row: Sequence[Any]) -> PlannedVisit:
    kind, subject, lat, lon, leaves_at, starts_at, ends_at = row
    return PlannedVisit(
        kind=Kind(kind),
        subject=subject,
        point=Point(lat, lon),
        leaves_at=datetime.fromisoformat(leaves_at),
        starts_at=datetime.fromisoformat(starts_at),
        ends_at=datetime.fromisoformat(ends_at),
    )
