"""The web pages, as they were built out of api/web: served with strict rules for browsers.

See: docs/web.md; docs/decisions/0086-what-a-page-may-load.md
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api import problems
from dispatch.town import Town
from dispatch.wording import sentence

BUILT = Path(__file__).parent / "static"
"""Where `make setup` builds the pages."""

PAGES = {"/live": "live.html"}
"""Each page by its path."""

FOREVER = "public, max-age=31536000, immutable"
"""For files whose name changes with their content."""


def add_to(app: FastAPI, town: Town, built: Path = BUILT) -> None:
    """Serve the pages and what they load."""
    rules = rules_for_browsers(town)
    router = APIRouter(include_in_schema=False)

    @router.api_route("/", methods=["GET", "HEAD"])
    def first() -> Response:
        """The first page."""
        return RedirectResponse("/live", headers=rules)

    def page(request: Request) -> Response:
        """A page, or how to build it."""
        file = built / PAGES[request.url.path]
        if file.is_file():
            return FileResponse(file, headers={**rules, "Cache-Control": "no-cache"})
        language = problems.language_of(request)
        words = sentence("pages_not_built", language)
        text = f'<!doctype html><html lang="{language}"><title>Noriai</title><p>{words}</p>'
        return HTMLResponse(text, 503, headers={**rules, "Cache-Control": "no-store"})

    for path in PAGES:
        router.add_api_route(path, page, methods=["GET", "HEAD"])
    app.include_router(router)
    app.mount("/assets", _Assets(directory=built / "assets", check_dir=False), name="assets")


def rules_for_browsers(town: Town) -> dict[str, str]:
    """What a page may load and tell: its own files, and the tiles that the town has chosen."""
    tiles = ""
    if town.tiles is not None:
        parts = urlsplit(town.tiles.url)
        tiles = f" {parts.scheme}://{parts.netloc}"
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self' 'unsafe-inline'",
        "font-src": "'self'",
        "img-src": f"'self' data: blob:{tiles}",
        "connect-src": f"'self'{tiles}",
        "worker-src": "'self' blob:",
        "manifest-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{key} {value}" for key, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "geolocation=(self), camera=(), microphone=()",
    }


class _Assets(StaticFiles):
    """The built files; each may be kept for ever, since its name changes with its content."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file with its cache rule."""
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            response.headers["Cache-Control"] = FOREVER
            response.headers["X-Content-Type-Options"] = "nosniff"
        return response
