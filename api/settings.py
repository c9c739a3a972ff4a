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

from dispatch.errors import BadInput
from dispatch.wording import Phrase

PREFIX = "NORIAI_"

ELSEWHERE = frozenset({"town", "database", "redis", "host", "port", "db_password"})
"""Settings of the command line and of the containers, and not of the HTTP service."""

TESTS = frozenset({"data", "soak"})


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How much one caller may ask of the service.

    reads_per_minute, writes_per_minute : requests of one token a minute; 0 is without limit.
    strangers_per_minute : requests without a token that holds, from one address.
    longest_body_bytes : what may be sent at once.
    token_check_seconds : how often an open stream looks whether its token still holds.
    """

    reads_per_minute: int = 1200
    writes_per_minute: int = 600
    strangers_per_minute: int = 120
    longest_body_bytes: int = 262_144
    token_check_seconds: int = 30


def http_settings(environment: Mapping[str, str]) -> HttpSettings:
    """The settings in an environment. Raises BadInput naming the one that is wrong."""
    names = [each.name for each in fields(HttpSettings)]
    given: dict[str, int] = {}
    for variable, value in environment.items():
        if not variable.startswith(PREFIX):
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name in ELSEWHERE | TESTS:
            continue
        if name not in names:
            known = [PREFIX + each.upper() for each in (*names, *ELSEWHERE)]
            raise BadInput("unknown_setting", field=variable, near=nearest(variable, known))
        if not value.isascii() or not value.isdigit():
            raise BadInput("field_wrong", field=variable, remedy=Phrase("write_count"))
        given[name] = int(value)
    return HttpSettings(**given)


def nearest(name: str, known: Iterable[str]) -> Phrase | str:
    """ "Did you mean …?" for a name that is not known, or what would be known."""
    every = sorted(known)
    near = get_close_matches(name, every, n=1, cutoff=0.6)
    if near:
        return Phrase("did_you_mean", {"near": near[0]})
    return Phrase("known_keys", {"known": ", ".join(every)})
