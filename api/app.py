"""The HTTP service: every door of `api/` behind one gate.

See: docs/http.md; docs/words.md, service
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI, Request
from starlette.middleware.gzip import GZipMiddleware

from api import (
    basemap,
    board,
    bookings,
    demo_clock,
    driver,
    kpi,
    live,
    metrics,
    pages,
    places,
    problems,
    quotes,
    readiness,
    registrations,
    stops,
    stream,
)
from api.description import described
from api.limits import Limiter
from api.request_log import RequestLog
from api.security import ROOT, Gate
from api.settings import HttpSettings, nearest
from dispatch.commands.service import Service
from dispatch.errors import BadInput
from dispatch.town import named_places
from routing.places import Gazetteer

__all__ = ["create_app", "described"]

DOORS = (
    registrations,
    quotes,
    bookings,
    stops,
    places,
    kpi,
    driver,
    board,
    live,
    basemap,
    demo_clock,
    stream,
)


def create_app(
    service: Service,
    settings: HttpSettings | None = None,
    redis_url: str | None = None,
    clock: live.ClockControl | None = None,
    when_warm: Callable[[], None] = lambda: None,
) -> FastAPI:
    """The application of one service.

    redis_url : where processes count requests together; None counts in this one.
    clock : a demo's clock, which its page may hold and hurry; None on a real service.
    when_warm : done in a thread beside the first callers, once the kernels are warm.
    """
    settings = settings or HttpSettings()
    limiter = Limiter(service.now, redis_url)
    counts = metrics.WebMetrics(service)
    service = counts.commits.counted(service)
    ready = readiness.Readiness(service, when_warm=when_warm)

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        ready.start()
        app.state.hub.start()
        yield
        app.state.hub.close()
        await limiter.close()

    app = FastAPI(
        title="Noriai",
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=running,
        dependencies=[Depends(refuse_unknown_parameters)],
    )
    app.state.service = service
    app.state.settings = settings
    app.state.hub = stream.Hub(service, counts.note_event)
    app.state.readings = live.Readings(service, clock)
    app.state.clock = clock
    app.state.drawn_map = basemap.DrawnMap(service.town)
    app.state.gazetteer = Gazetteer(named_places(service.town))
    problems.add_to(app)
    for door in DOORS:
        app.include_router(door.router, prefix=ROOT)
    readiness.add_to(app, ready)
    metrics.add_to(app, counts, limiter, settings)
    _add_description(app)
    pages.add_to(app, service.town)
    app.add_middleware(GZipMiddleware, minimum_size=2_000, compresslevel=5)
    app.add_middleware(Gate, service=service, settings=settings, limiter=limiter)
    app.add_middleware(RequestLog, metrics=counts, slow_milliseconds=settings.slow_milliseconds)
    return app


async def refuse_unknown_parameters(request: Request) -> None:
    """Refuse a query parameter that the route does not have, with the nearest that it does."""
    if not request.query_params:
        return
    known = _parameters_of(request.scope["route"].dependant)
    for name in request.query_params:
        if name not in known:
            raise BadInput("unknown_field", field=name, near=nearest(name, known))


def _parameters_of(dependant: Any) -> set[str]:
    own = {parameter.alias for parameter in dependant.query_params}
    return own.union(*(_parameters_of(each) for each in dependant.dependencies))


def _add_description(app: FastAPI) -> None:
    @app.get(f"{ROOT}/openapi.json", include_in_schema=False)
    def openapi() -> dict[str, Any]:
        """This interface, for programs."""
        return described(app)
