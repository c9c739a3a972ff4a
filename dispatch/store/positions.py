"""Where the vehicles were: one row a report. They belong to no route's version.

A position comes every few seconds and decides nothing by itself, so it must not make a
booking lose its race for the route.

See: docs/store.md, positions
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Column,
    Connection,
    Float,
    ForeignKey,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
)

from dispatch.store.columns import Utc, metadata
from routing.travel import Point

positions = Table(
    "positions",
    metadata,
    Column("route_id", String, ForeignKey("routes.id"), primary_key=True),
    Column("at", Utc, primary_key=True),
    Column("lat", Float, nullable=False),
    Column("lon", Float, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a vehicle was at a moment (UTC)."""

    route_id: str
    point: Point
    at: datetime


def add(connection: Connection, new: Sequence[Position]) -> None:
    """Write positions; one of the same vehicle and moment takes the place of the former."""
    if not new:
        return
    latest = {(position.route_id, position.at): position.point for position in new}
    keys = [{"route": route_id, "moment": at} for route_id, at in latest]
    same = (positions.c.route_id == bindparam("route"), positions.c.at == bindparam("moment"))
    connection.execute(delete(positions).where(*same), keys)
    rows = [
        {"route_id": route_id, "at": at, "lat": point.lat, "lon": point.lon}
        for (route_id, at), point in latest.items()
    ]
    connection.execute(insert(positions), rows)


def list_latest(connection: Connection, route_ids: Sequence[str]) -> list[Position]:
    """The last position of each of these routes that has one."""
    latest = (
        select(positions.c.route_id, func.max(positions.c.at).label("at"))
        .where(positions.c.route_id.in_(route_ids))
        .group_by(positions.c.route_id)
        .subquery()
    )
    query = (
        select(positions)
        .join(
            latest,
            (positions.c.route_id == latest.c.route_id) & (positions.c.at == latest.c.at),
        )
        .order_by(positions.c.route_id)
    )
    return [
        Position(row.route_id, Point(row.lat, row.lon), row.at) for row in connection.execute(query)
    ]


def list_of_route(connection: Connection, route_id: str) -> list[Position]:
    """Every position of a route, in order of time."""
    query = select(positions).where(positions.c.route_id == route_id).order_by(positions.c.at)
    return [
        Position(row.route_id, Point(row.lat, row.lon), row.at) for row in connection.execute(query)
    ]
