"""Bearer tokens.

See: docs/store.md, migrations
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The table of tokens: digests, never the tokens themselves."""
    op.create_table(
        "tokens",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "role IN ('resident', 'operator', 'driver', 'planner', 'admin')",
            name=op.f("ck_tokens_role"),
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_tokens")),
    )
