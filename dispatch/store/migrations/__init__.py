"""Setting a database up, and bringing an older one to today's tables.

The revisions lie in `versions/`, each written out in full, so that what a database went
through can be read years later. No configuration file is needed.

See: docs/store.md, migrations
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from dispatch.errors import Unavailable
from dispatch.store.transaction import Engines, open_engines, reading, writing

HEAD = "0002"
"""The revision that this code needs."""

_LOCK = 0x6E6F7269
"""PostgreSQL's advisory lock that processes starting together take in turn."""


def upgrade(database_url: str) -> None:
    """Bring a database to the revision of this code; an empty one is set up.

    Raises Unavailable when it is not there.
    """
    engines = open_engines(database_url)
    try:
        upgrade_with(engines)
    finally:
        engines.reader.dispose()
        engines.writer.dispose()


def upgrade_with(engines: Engines) -> None:
    """The same, on engines that are open. Raises Unavailable("database_newer") too."""
    with reading(engines) as connection:
        found = revision_of(connection)
    if found == HEAD:
        return
    if found is not None and found > HEAD:
        raise Unavailable("database_newer", place=engines.place, found=found, known=HEAD)
    with writing(engines) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        _run(connection)


def revision_of(connection: Connection) -> str | None:
    """The revision a database is at; None where it was never set up."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _run(connection: Connection) -> None:
    # Imported here: a database that is up to date does not pay for it at each start.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
