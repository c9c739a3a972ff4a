"""Why a test is skipped, in one place: what this machine lacks, and how to get it."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest

DATA = Path(os.environ.get("NORIAI_DATA", "../shared")).resolve()
"""Published instances and the town's source data, read where they are present."""

SOAK = os.environ.get("NORIAI_SOAK") == "1"
"""True in `make soak`: the long tests run whole."""

ON_CI = os.environ.get("CI") == "true"


def examples(floor: int, soak: int) -> int:
    """How many cases a long test runs: a floor in every run, all of them in `make soak`."""
    return soak if SOAK else floor


soak_only = pytest.mark.skipif(not SOAK, reason="runs in `make soak` alone, for its length")


def needs_data(relative: str) -> pytest.MarkDecorator:
    """Skip unless `relative` is in the data folder."""
    return pytest.mark.skipif(
        not (DATA / relative).exists(),
        reason=f"needs {relative} in the data folder; say where it is with NORIAI_DATA",
    )


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


needs_postgres = pytest.mark.skipif(
    not ON_CI and not _listens(5432),
    reason="needs PostgreSQL on 127.0.0.1:5432 (trust, user test or postgres)",
)
needs_postgres_programs = pytest.mark.skipif(
    shutil.which("pg_dump") is None,
    reason="needs PostgreSQL's programs (apt-get install postgresql-client)",
)
POSTGRES_PROGRAMS = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
"""Where Debian keeps the programs that make and run a PostgreSQL cluster; None without them."""

needs_own_postgres = pytest.mark.skipif(
    POSTGRES_PROGRAMS is None or not (POSTGRES_PROGRAMS / "initdb").exists(),
    reason="needs PostgreSQL's server programs (apt-get install postgresql)",
)
needs_own_redis = pytest.mark.skipif(
    shutil.which("redis-server") is None, reason="needs redis-server (apt-get install redis)"
)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a small disk")
needs_redis = pytest.mark.skipif(
    not ON_CI and not _listens(6379), reason="needs Redis on 127.0.0.1:6379"
)
needs_chromium = pytest.mark.skipif(
    not ON_CI and shutil.which("chromium") is None,
    reason="needs Debian's chromium (apt-get install chromium)",
)
needs_pages = pytest.mark.skipif(
    not ON_CI and not (Path(__file__).parents[1] / "api" / "static" / "live.html").is_file(),
    reason="needs the built web pages (make setup)",
)
