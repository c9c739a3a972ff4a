"""The register: one row a registrant. Personal data are here and nowhere else in the store.

Bookings name a registrant by id only and events not even that, so correcting or erasing a
person is a matter of this one table.

See: docs/store.md, registrants; docs/words.md, registrant
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Connection,
    Date,
    Float,
    Integer,
    Row,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    func,
    insert,
    select,
    update,
)

from dispatch.registration.consent import ERASED, Consent
from dispatch.registration.register import Home, Registrant
from dispatch.store.bookings import bookings
from dispatch.store.columns import Utc, metadata
from routing.travel import Point

registrants = Table(
    "registrants",
    metadata,
    Column("id", String, primary_key=True),
    Column("number", String, nullable=False),
    Column("name", String, nullable=False),
    Column("kana", String, nullable=False, index=True),
    Column("phone", String, nullable=False, index=True),
    Column("birth_date", Date),
    Column("home_lat", Float, nullable=False),
    Column("home_lon", Float, nullable=False),
    Column("home_name", String, nullable=False),
    Column("home_stop_id", String),
    Column("district", String, nullable=False),
    Column("needs", JSON, nullable=False),
    Column("consent_version", String, nullable=False),
    Column("consent_at", Utc, nullable=False),
    Column("consent_purpose", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("registered_at", Utc, nullable=False),
    Column("version", Integer, nullable=False),
    UniqueConstraint("number"),
    CheckConstraint("version >= 0", name="version"),
)


_GET = select(registrants).where(registrants.c.id == bindparam("this"))


def get(connection: Connection, registrant_id: str) -> Registrant | None:
    """One registrant, or None."""
    row = connection.execute(_GET, {"this": registrant_id}).first()
    return None if row is None else _registrant(row)


def find_by_number(connection: Connection, number: str) -> Registrant | None:
    """The registrant with this membership number, or None."""
    row = connection.execute(select(registrants).where(registrants.c.number == number)).first()
    return None if row is None else _registrant(row)


def list_by_phone(connection: Connection, phone: str) -> list[Registrant]:
    """Everybody with this telephone number (a household may share one)."""
    query = select(registrants).where(registrants.c.phone == phone).order_by(registrants.c.number)
    return [_registrant(row) for row in connection.execute(query)]


def list_by_kana(connection: Connection, beginning: str, limit: int) -> list[Registrant]:
    """Those whose reading begins so, in the order of their readings."""
    query = (
        select(registrants)
        .where(registrants.c.kana.startswith(beginning, autoescape=True))
        .order_by(registrants.c.kana, registrants.c.number)
        .limit(limit)
    )
    return [_registrant(row) for row in connection.execute(query)]


def list_homes(connection: Connection, most: int) -> list[Point]:
    """Where people live, those first who have asked for a ride last; each place once."""
    asked = func.max(bookings.c.created_at)
    query = (
        select(registrants.c.home_lat, registrants.c.home_lon)
        .outerjoin(bookings, bookings.c.registrant_id == registrants.c.id)
        .where(registrants.c.consent_purpose != ERASED)
        .group_by(registrants.c.home_lat, registrants.c.home_lon)
        .order_by(asked.is_(None), asked.desc(), registrants.c.home_lat, registrants.c.home_lon)
        .limit(most)
    )
    return [Point(row[0], row[1]) for row in connection.execute(query)]


def count(connection: Connection) -> int:
    """How many people are on the register."""
    return connection.execute(select(func.count()).select_from(registrants)).scalar_one()


def count_by(connection: Connection, column: str) -> dict[str, int]:
    """How many people are on the register by the values of one column; erased ones left out."""
    by = registrants.c[column]
    here = registrants.c.consent_purpose != ERASED
    query = select(by, func.count()).where(here).group_by(by).order_by(by)
    return {row[0]: row[1] for row in connection.execute(query)}


def last_number(connection: Connection) -> str | None:
    """The highest membership number given so far, or None."""
    highest: str | None = connection.execute(select(func.max(registrants.c.number))).scalar_one()
    return highest


def insert_new(connection: Connection, new: Sequence[Registrant]) -> None:
    """Write registrants that are not there yet."""
    if new:
        connection.execute(insert(registrants), [_values(registrant) for registrant in new])


def rewrite(connection: Connection, registrant: Registrant) -> bool:
    """Write a registrant as the next version; False when `registrant.version` is gone."""
    done = connection.execute(
        update(registrants)
        .where(registrants.c.id == registrant.id, registrants.c.version == registrant.version)
        .values({**_values(registrant), "version": registrant.version + 1})
    )
    return done.rowcount == 1


def _values(registrant: Registrant) -> dict[str, Any]:
    return {
        "id": registrant.id,
        "number": registrant.number,
        "name": registrant.name,
        "kana": registrant.kana,
        "phone": registrant.phone,
        "birth_date": registrant.birth_date,
        "home_lat": registrant.home.point.lat,
        "home_lon": registrant.home.point.lon,
        "home_name": registrant.home.name,
        "home_stop_id": registrant.home.stop_id,
        "district": registrant.district,
        "needs": list(registrant.needs),
        "consent_version": registrant.consent.version,
        "consent_at": registrant.consent.given_at,
        "consent_purpose": registrant.consent.purpose,
        "channel": registrant.channel,
        "registered_at": registrant.registered_at,
        "version": registrant.version,
    }


def _registrant(row: Row[Any]) -> Registrant:
    return Registrant(
        id=row.id,
        number=row.number,
        name=row.name,
        kana=row.kana,
        phone=row.phone,
        home=Home(Point(row.home_lat, row.home_lon), row.home_name, row.home_stop_id),
        district=row.district,
        channel=row.channel,
        registered_at=row.registered_at,
        consent=Consent(row.consent_version, row.consent_at, row.consent_purpose),
        birth_date=row.birth_date,
        needs=tuple(row.needs),
        version=row.version,
    )
