"""What the HTTP service can be told from outside, and what it takes where nothing is said.

Each setting is read from the environment as `NORIAI_` and its name in capitals; a name that
is no setting is refused with the nearest one, so that a slip of the pen does not pass for a
setting that works.

See: docs/http.md; docs/words.md, service
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any

from dispatch.errors import BadInput
from dispatch.wording import Phrase

PREFIX = "NORIAI_"

ELSEWHERE = frozenset(
    {
        "town",
        "database",
        "redis",
        "host",
        "port",
        "metrics_host",
        "metrics_port",
        "db_password",
        "site",
        "web",
    }
)
"""Settings of the command line and of the containers, and not of the HTTP service."""

TESTS = frozenset({"data", "soak"})

METRICS = ("local", "token", "open")
"""Who may read /metrics."""


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How much one caller may ask of the service, and who may see its metrics.

    reads_per_minute, writes_per_minute : requests of one token a minute; 0 is without limit.
    strangers_per_minute : requests without a token that holds, from one address.
    longest_body_bytes : what may be sent at once.
    token_check_seconds : how often an open stream looks whether its token still holds.
    slow_milliseconds : an answer that took longer is logged as a warning; 0 warns of none.
    metrics : who may read /metrics: "local" (private addresses, or an admin's token), "token"
        (an admin's token) or "open" (anybody).
    """

    reads_per_minute: int = 1200
    writes_per_minute: int = 600
    strangers_per_minute: int = 120
    longest_body_bytes: int = 262_144
    token_check_seconds: int = 30
    slow_milliseconds: int = 1000
    metrics: str = "local"


def http_settings(environment: Mapping[str, str]) -> HttpSettings:
    """The settings in an environment. Raises BadInput naming the one that is wrong."""
    refuse_unknown_settings(environment)
    given: dict[str, Any] = {}
    for setting in fields(HttpSettings):
        variable = PREFIX + setting.name.upper()
        if variable in environment:
            read = _read_metrics if setting.name == "metrics" else _read_count
            given[setting.name] = read(variable, environment[variable])
    return HttpSettings(**given)


def refuse_unknown_settings(environment: Mapping[str, str]) -> None:
    """Raises BadInput for a NORIAI_… that no command knows, with the nearest that one does."""
    known = {each.name for each in fields(HttpSettings)} | ELSEWHERE
    settings = {PREFIX + name.upper() for name in known}
    tests = {PREFIX + name.upper() for name in TESTS}
    for variable in sorted(environment):
        if variable.startswith(PREFIX) and variable not in settings | tests:
            raise BadInput("unknown_setting", field=variable, near=nearest(variable, settings))


def _read_count(variable: str, value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise BadInput("field_wrong", field=variable, remedy=Phrase("write_count"))
    return int(value)


def _read_metrics(variable: str, value: str) -> str:
    if value not in METRICS:
        remedy = Phrase("write_one_of", {"options": ", ".join(METRICS)})
        raise BadInput("field_wrong", field=variable, remedy=remedy)
    return value


def nearest(name: str, known: Iterable[str]) -> Phrase | str:
    """ "Did you mean …?" for a name that is not known, or what would be known."""
    every = sorted(known)
    near = get_close_matches(name, every, n=1, cutoff=0.6)
    if near:
        return Phrase("did_you_mean", {"near": near[0]})
    return Phrase("known_keys", {"known": ", ".join(every)})
