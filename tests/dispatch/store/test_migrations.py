"""Setting a database up: from nothing, once, by whoever comes first."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from dispatch.store import migrations
from dispatch.store.columns import metadata
from dispatch.store.store import open_store
from dispatch.store.transaction import open_engines, reading
from tests.databases import KINDS, new_empty_database


@pytest.fixture(params=KINDS)
def empty_url(request: pytest.FixtureRequest) -> Iterator[str]:
    with new_empty_database(request.param) as url:
        yield url


def test_the_revisions_lead_to_the_tables_that_the_code_declares(empty_url: str) -> None:
    migrations.upgrade(empty_url)

    with reading(open_engines(empty_url)) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_an_empty_database_is_set_up_when_it_is_opened(empty_url: str) -> None:
    store = open_store(empty_url)

    assert store.last_event_number() == 0
    store.close()


def test_many_may_set_it_up_at_once(empty_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrations.upgrade, [empty_url] * 4))

    with reading(open_engines(empty_url)) as connection:
        revisions = connection.execute(text("SELECT version_num FROM alembic_version")).all()
    assert revisions == [(migrations.HEAD,)]


def test_the_newest_revision_is_the_one_the_code_needs() -> None:
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))

    assert scripts.get_heads() == [migrations.HEAD]
