"""`noriai serve`, `noriai worker`, `noriai token`: the running service on the command line.

See: docs/http.md; docs/words.md, command line
"""

# The web server and the kernels take seconds to load.
# ruff: noqa: PLC0415

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dispatch.errors import BadInput

if TYPE_CHECKING:
    from dispatch.store.tokens import Role

Town = Annotated[
    str, typer.Option("--town", envvar="NORIAI_TOWN", help="A town's name or its folder.")
]
Database = Annotated[
    str,
    typer.Option(
        "--database",
        envvar="NORIAI_DATABASE",
        help="sqlite:///FILE or postgresql+psycopg://…; an empty one is set up.",
    ),
]
RedisUrl = Annotated[
    str | None,
    typer.Option("--redis", envvar="NORIAI_REDIS", help="Wakes readers of other processes."),
]
DEFAULT_DATABASE = "sqlite:///noriai.sqlite"
HEARTBEAT = Path("/tmp/noriai-worker")  # noqa: S108  (docker-compose.yml looks there)


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("serve")(serve)
    app.command("worker")(worker)
    app.command("token")(token)
    app.command("openapi")(openapi)


def serve(
    town: Town = "kimotsuki",
    database: Database = DEFAULT_DATABASE,
    redis: RedisUrl = None,
    host: Annotated[str, typer.Option(envvar="NORIAI_HOST", help="Address.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="NORIAI_PORT", min=0, max=65535, help="Port.")] = 8000,
) -> None:
    """Answer HTTP for a town; several processes may serve the same one."""
    from api import serving

    serving.serve(serving.ServiceSettings(town, database, redis), host, port)


def worker(
    town: Town = "kimotsuki",
    database: Database = DEFAULT_DATABASE,
    redis: RedisUrl = None,
    heartbeat: Annotated[
        Path, typer.Option(help="A file that is touched at each round.")
    ] = HEARTBEAT,
    metrics_port: Annotated[
        int | None,
        typer.Option(envvar="NORIAI_METRICS_PORT", min=1, max=65535, help="For Prometheus."),
    ] = None,
    metrics_host: Annotated[
        str, typer.Option(envvar="NORIAI_METRICS_HOST", help="Address of that port.")
    ] = "127.0.0.1",
) -> None:
    """Search for better plans in the background, and write down what has expired."""
    from api import serving

    serving.log_as_json()
    try:
        heartbeat.touch()
    except OSError as error:
        reason = error.strerror
        raise BadInput("file_not_writable", file=str(heartbeat), reason=reason) from error
    metrics_at = None if metrics_port is None else (metrics_host, metrics_port)
    settings = serving.ServiceSettings(town, database, redis)
    serving.work(settings, heartbeat, metrics_at=metrics_at)


def token(
    role: Annotated[
        str | None, typer.Option(help="resident, operator, driver, planner or admin.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option(help="A resident's registration or a driver's vehicle, by id.")
    ] = None,
    database: Database = DEFAULT_DATABASE,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it holds.")] = 365,
    revoke: Annotated[
        str | None, typer.Option(help="Take this token back, in place of making one.")
    ] = None,
) -> None:
    """Print a bearer token that is good at any service on a database."""
    from dispatch.commands import sign_in
    from dispatch.ports import Ports
    from dispatch.store.store import open_store
    from dispatch.wiring import new_id, utc_now

    checked = None if revoke else checked_role(role, subject)
    store, ports = open_store(database), Ports(now=utc_now, new_id=new_id)
    try:
        if checked is None:
            if not sign_in.revoke_token(revoke or "", store, ports):
                raise BadInput("not_signed_in")
            return
        valid = timedelta(days=days)
        typer.echo(sign_in.issue_token(checked, subject, store, ports, valid))
    finally:
        store.close()


def openapi(town: Town = "kimotsuki") -> None:
    """Print the description of the HTTP interface (OpenAPI), for programs and their tools."""
    import json

    from api.app import create_app, described
    from dispatch.town_file import find_town, load_town
    from dispatch.wiring import build_service

    service = build_service(load_town(find_town(town)))
    try:
        typer.echo(json.dumps(described(create_app(service)), ensure_ascii=False, indent=1))
    finally:
        service.store.close()


def checked_role(role: str | None, subject: str | None) -> Role:
    """The role of that name. Raises BadInput for an unknown one, or one that needs a subject."""
    from dispatch.store.tokens import Role
    from dispatch.wording import Phrase

    names = [each.value for each in Role]
    if role not in names:
        remedy = Phrase("write_one_of", {"options": ", ".join(names)})
        raise BadInput("field_wrong", field="--role", remedy=remedy)
    found = Role(role)
    if found in {Role.RESIDENT, Role.DRIVER} and not subject:
        raise BadInput("subject_missing", role=found.value)
    return found
