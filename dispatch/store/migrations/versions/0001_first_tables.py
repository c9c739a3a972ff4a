"""The first tables.

See: docs/store.md, migrations
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Every table of the first version, in an order that their references allow."""
    _register()
    _routes()
    _bookings()
    _planned_rides()
    _road()
    _answers()
    _outbox()


def _register() -> None:
    op.create_table(
        "registrants",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kana", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("home_lat", sa.Float(), nullable=False),
        sa.Column("home_lon", sa.Float(), nullable=False),
        sa.Column("home_name", sa.String(), nullable=False),
        sa.Column("home_stop_id", sa.String(), nullable=True),
        sa.Column("district", sa.String(), nullable=False),
        sa.Column("needs", sa.JSON(), nullable=False),
        sa.Column("consent_version", sa.String(), nullable=False),
        sa.Column("consent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("consent_purpose", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("version >= 0", name=op.f("ck_registrants_version")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registrants")),
        sa.UniqueConstraint("number", name=op.f("uq_registrants_number")),
    )
    op.create_index(op.f("ix_registrants_kana"), "registrants", ["kana"], unique=False)
    op.create_index(op.f("ix_registrants_phone"), "registrants", ["phone"], unique=False)


def _routes() -> None:
    op.create_table(
        "routes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("service_day", sa.Date(), nullable=False),
        sa.Column("shift_id", sa.String(), nullable=False),
        sa.Column("vehicle_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("lat", sa.Float(), nullable=False),
        sa.Column("lon", sa.Float(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("arrives_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("visits", sa.JSON(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status IN ('off_duty', 'standing', 'driving', 'on_break', 'out_of_service', "
            "'finished')",
            name=op.f("ck_routes_status"),
        ),
        sa.CheckConstraint("version >= 0", name=op.f("ck_routes_version")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routes")),
        sa.UniqueConstraint("service_day", "shift_id", name=op.f("uq_routes_service_day_shift_id")),
    )


def _bookings() -> None:
    op.create_table(
        "bookings",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("quote_id", sa.String(), nullable=False),
        sa.Column("registrant_id", sa.String(), nullable=True),
        sa.Column("service_day", sa.Date(), nullable=False),
        sa.Column("origin", sa.JSON(), nullable=False),
        sa.Column("destination", sa.JSON(), nullable=False),
        sa.Column("passengers", sa.Integer(), nullable=False),
        sa.Column("needs", sa.JSON(), nullable=False),
        sa.Column("pickup_earliest", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pickup_latest", sa.DateTime(timezone=True), nullable=False),
        sa.Column("arrive_latest", sa.DateTime(timezone=True), nullable=False),
        sa.Column("max_ride_seconds", sa.Integer(), nullable=False),
        sa.Column("direct_seconds", sa.Integer(), nullable=False),
        sa.Column("fare_yen", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("route_id", sa.String(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("picked_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("boarded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("vehicle_changes", sa.Integer(), nullable=False),
        sa.Column("told_pickup", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state <> 'completed' OR completed_at IS NOT NULL", name=op.f("ck_bookings_completed")
        ),
        sa.CheckConstraint(
            "state <> 'offered' OR expires_at IS NOT NULL", name=op.f("ck_bookings_hold_ends")
        ),
        sa.CheckConstraint(
            "state <> 'on_board' OR picked_up_at IS NOT NULL", name=op.f("ck_bookings_picked_up")
        ),
        sa.CheckConstraint(
            "state IN ('offered', 'confirmed', 'on_board', 'completed', 'cancelled', 'no_show', "
            "'expired', 'released', 'broken')",
            name=op.f("ck_bookings_state"),
        ),
        sa.CheckConstraint("arrive_latest >= pickup_earliest", name=op.f("ck_bookings_arrival")),
        sa.CheckConstraint("direct_seconds >= 0", name=op.f("ck_bookings_direct")),
        sa.CheckConstraint("fare_yen >= 0", name=op.f("ck_bookings_fare")),
        sa.CheckConstraint("max_ride_seconds >= 0", name=op.f("ck_bookings_max_ride")),
        sa.CheckConstraint("passengers > 0", name=op.f("ck_bookings_passengers")),
        sa.CheckConstraint(
            "pickup_latest >= pickup_earliest", name=op.f("ck_bookings_pickup_window")
        ),
        sa.CheckConstraint("vehicle_changes >= 0", name=op.f("ck_bookings_vehicle_changes")),
        sa.CheckConstraint("version >= 0", name=op.f("ck_bookings_version")),
        sa.ForeignKeyConstraint(
            ["registrant_id"], ["registrants.id"], name=op.f("fk_bookings_registrant_id")
        ),
        sa.ForeignKeyConstraint(["route_id"], ["routes.id"], name=op.f("fk_bookings_route_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bookings")),
    )
    op.create_index("ix_bookings_day_state", "bookings", ["service_day", "state"], unique=False)
    op.create_index("ix_bookings_hold_ends", "bookings", ["state", "expires_at"], unique=False)
    op.create_index(op.f("ix_bookings_quote_id"), "bookings", ["quote_id"], unique=False)
    op.create_index(op.f("ix_bookings_registrant_id"), "bookings", ["registrant_id"], unique=False)


def _planned_rides() -> None:
    op.create_table(
        "planned_rides",
        sa.Column("booking_id", sa.String(), nullable=False),
        sa.Column("route_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["bookings.id"], name=op.f("fk_planned_rides_booking_id")
        ),
        sa.ForeignKeyConstraint(
            ["route_id"], ["routes.id"], name=op.f("fk_planned_rides_route_id")
        ),
        sa.PrimaryKeyConstraint("booking_id", name=op.f("pk_planned_rides")),
    )
    op.create_index(op.f("ix_planned_rides_route_id"), "planned_rides", ["route_id"], unique=False)


def _road() -> None:
    op.create_table(
        "positions",
        sa.Column("route_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lat", sa.Float(), nullable=False),
        sa.Column("lon", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["route_id"], ["routes.id"], name=op.f("fk_positions_route_id")),
        sa.PrimaryKeyConstraint("route_id", "at", name=op.f("pk_positions")),
    )
    op.create_table(
        "closed_stops",
        sa.Column("stop_id", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("stop_id", name=op.f("pk_closed_stops")),
    )


def _answers() -> None:
    op.create_table(
        "answers",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_answers")),
    )
    op.create_index(op.f("ix_answers_answered_at"), "answers", ["answered_at"], unique=False)


def _outbox() -> None:
    op.create_table(
        "events",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("fact", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("service_day", sa.Date(), nullable=False),
        sa.Column("booking_id", sa.String(), nullable=True),
        sa.Column("route_id", sa.String(), nullable=True),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("seal", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("number", name=op.f("uq_events_number")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_booking", "events", ["booking_id"], unique=False)
    op.create_index("ix_events_day", "events", ["service_day", "id"], unique=False)
    op.create_index(
        "ix_events_unpublished",
        "events",
        ["id"],
        unique=False,
        sqlite_where=sa.text("number IS NULL"),
        postgresql_where=sa.text("number IS NULL"),
    )
    op.create_table(
        "numbering",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("seal", sa.String(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_numbering_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_numbering")),
    )
    op.execute("INSERT INTO numbering (id, last, seal) VALUES (1, 0, '')")
