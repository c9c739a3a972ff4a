"""Alembic's way in: run the revisions on the connection that `upgrade` hands over.

See: docs/store.md, migrations
"""

from __future__ import annotations

from alembic import context

from dispatch.store.columns import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
