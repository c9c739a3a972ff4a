"""`noriai backup`, `noriai restore`: a town's whole memory in one file, and back from it.

See: docs/operations.md; docs/words.md, backup, command line
"""

# The database's parts take a second to load.
# ruff: noqa: PLC0415

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli_serving import DEFAULT_DATABASE, Database
from api.cli_words import say

if TYPE_CHECKING:
    from dispatch.store.contents import Contents


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(
    out: Annotated[
        Path, typer.Option(help="A folder for a file named after the time, or a new file.")
    ],
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Write a verified backup while the service runs; prints the file's name."""
    from dispatch.store.backup import back_up
    from dispatch.wiring import utc_now

    made = back_up(database, out, utc_now())
    typer.echo(made.file)
    say(in_numbers(made.contents))


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `noriai backup` wrote.")],
    database: Database = DEFAULT_DATABASE,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put aside the data that are there now.")
    ] = False,
) -> None:
    """Fill a database from a backup, with the service stopped; prints what came back."""
    from dispatch.store.backup import restore as bring_back
    from dispatch.wiring import utc_now

    restored = bring_back(file, database, utc_now(), replace=replace)
    typer.echo(in_numbers(restored.contents))
    if restored.aside is not None:
        say(f"→ {restored.aside}")


def in_numbers(contents: Contents) -> str:
    """What a backup holds, as one line."""
    rows = ", ".join(f"{name} {number}" for name, number in contents.rows.items() if number)
    return f"event {contents.last_event}; tables {contents.revision}; {rows}"
