"""Whether a process may be sent callers: database there, tables of this version, kernels warm.

A compiled kernel takes seconds to load and, the first time on a machine, a minute to
compile; that is done in a thread from the start, so that the process answers at once that
it lives, and says when nobody will have to wait any more.

See: docs/operations.md; docs/decisions/0030-compiled-kernels.md
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread

from fastapi import FastAPI, Response

from api import problems
from dispatch.commands.service import Service
from dispatch.errors import Unavailable


def warm_kernels() -> None:
    """Call every kernel of road search and optimizer once."""
    # Loaded here: it takes seconds, and this runs in a thread.
    from dispatch.optimizer.warm import warm as warm_optimizer  # noqa: PLC0415
    from routing.warm import warm as warm_roads  # noqa: PLC0415

    warm_roads()
    warm_optimizer()


class Readiness:
    """What a process still lacks before it is ready.

    when_warm : what is done next in the same thread; nobody waits for it.
    """

    def __init__(
        self,
        service: Service,
        warm: Callable[[], None] = warm_kernels,
        when_warm: Callable[[], None] = lambda: None,
    ) -> None:
        self._service = service
        self._warm = warm
        self._when_warm = when_warm
        self._kernels = "warming"

    def start(self) -> Thread:
        """Warm the kernels from now on, beside whatever the process does."""
        thread = Thread(target=self._warm_up, name="warm", daemon=True)
        thread.start()
        return thread

    def now(self) -> dict[str, str]:
        """Each part, and `status`: ready when all of them are."""
        database, tables = self._database()
        parts = {"database": database, "tables": tables, "kernels": self._kernels}
        ready = parts == {"database": "here", "tables": "current", "kernels": "warm"}
        return {"status": "ready" if ready else "not ready", **parts}

    def _database(self) -> tuple[str, str]:
        try:
            current = self._service.store.is_current()
        except Unavailable:
            return "away", "unknown"
        return "here", "current" if current else "of another version"

    def _warm_up(self) -> None:
        try:
            self._warm()
        except Exception as error:
            problems.note_defect(error)
            self._kernels = "failed"
        else:
            self._kernels = "warm"
            self._when_warm()


def add_to(app: FastAPI, readiness: Readiness) -> None:
    """Answer `/healthz` and `/readyz` of an application."""

    @app.get("/healthz", tags=["health"])
    def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "alive"}

    @app.get("/readyz", tags=["health"])
    def readyz(response: Response) -> dict[str, str]:
        """Database, tables and kernels are ready: the process may be sent callers."""
        found = readiness.now()
        if found["status"] != "ready":
            response.status_code = 503
        return found
