"""The HTTP service: every door of `api/` behind one gate.

See: docs/http.md; docs/words.md, service
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi

from api import (
    board,
    bookings,
    driver,
    kpi,
    places,
    problems,
    quotes,
    registrations,
    stops,
    stream,
)
from api.limits import Limiter
from api.security import OPEN, RIGHTS, ROOT, Gate
from api.settings import HttpSettings, nearest
from dispatch.commands.service import Service
from dispatch.errors import BadInput
from dispatch.town import named_places
from routing.places import Gazetteer

DOORS = (registrations, quotes, bookings, stops, places, kpi, driver, board, stream)


def create_app(
    service: Service, settings: HttpSettings | None = None, redis_url: str | None = None
) -> FastAPI:
    """The application of one service.

    redis_url : where processes count requests together; None counts in this one.
    """
    settings = settings or HttpSettings()
    limiter = Limiter(service.now, redis_url)

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
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
    app.state.hub = stream.Hub(service)
    app.state.gazetteer = Gazetteer(named_places(service.town))
    problems.add_to(app)
    for door in DOORS:
        app.include_router(door.router, prefix=ROOT)
    _add_health(app, service)
    app.add_middleware(Gate, service=service, settings=settings, limiter=limiter)
    return app


def refuse_unknown_parameters(request: Request) -> None:
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


def _add_health(app: FastAPI, service: Service) -> None:
    @app.get("/healthz", tags=["health"])
    def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "alive"}

    @app.get("/readyz", tags=["health"])
    def readyz(response: Response) -> dict[str, str]:
        """The database answers: the process may be sent callers."""
        if service.store.is_there():
            return {"status": "ready"}
        response.status_code = 503
        return {"status": "database away"}

    @app.get(f"{ROOT}/openapi.json", include_in_schema=False)
    def openapi() -> dict[str, Any]:
        """This interface, for programs."""
        return described(app)


PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One sentence in the caller's language."},
        "code": {"type": "string", "description": "Stable; programs go by it."},
        "field": {"type": "string", "description": "What of the request is meant."},
    },
    "examples": [
        {
            "type": "urn:noriai:problem:unknown_stop",
            "title": "Unprocessable Content",
            "status": 422,
            "detail": "乗降場所「clinick」はありません。",
            "code": "unknown_stop",
        },
        {
            "type": "urn:noriai:problem:unknown_stop",
            "title": "Unprocessable Content",
            "status": 422,
            "detail": "There is no stop “clinick”.",
            "code": "unknown_stop",
        },
    ],
}


def described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with problem documents, rights and how to sign in."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
        parts = schema.setdefault("components", {})
        parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        shapes = parts.setdefault("schemas", {})
        shapes["Problem"] = PROBLEM
        for unused in ("HTTPValidationError", "ValidationError"):
            shapes.pop(unused, None)
        for path, methods in schema["paths"].items():
            for method, route in methods.items():
                _describe(path, method.upper(), route)
        app.openapi_schema = schema
    return app.openapi_schema


def _describe(path: str, method: str, route: dict[str, Any]) -> None:
    route["responses"].pop("422", None)
    if path in OPEN:
        return
    route["security"] = [{"token": []}]
    roles = RIGHTS[method, path.removeprefix(ROOT)]
    route["x-roles"] = sorted(role.value for role in roles)
    route["responses"]["default"] = {
        "description": "A problem document (RFC 9457).",
        "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
