"""The one hierarchy of errors: a stable code, the facts, and a sentence in `wording/`.

An error is raised where its rule stands and turned into a sentence, a problem document or
a spoken answer at the door, once, by `dispatch.wording.sentence(code, language, **facts)`.

See: docs/words.md, refusal
"""

from __future__ import annotations


class NoriaiError(Exception):
    """Something a caller can understand and act on.

    `code` names the sentence in `wording/ja.toml` and `wording/en.toml`; `facts` fill it.
    """

    code = "error"

    def __init__(self, code: str | None = None, **facts: object) -> None:
        self.code = code or type(self).code
        self.facts = facts
        super().__init__(f"{self.code} {facts}" if facts else self.code)


class BadInput(NoriaiError):
    """What was asked cannot be asked: an unknown stop, a time in the past, 40 passengers."""


class Refused(NoriaiError):
    """A sound wish that a rule or the plan refuses; `code` names the rule."""


class NotFound(NoriaiError):
    """No such booking, offer, registrant, vehicle or town."""

    code = "not_found"


class NotAllowedNow(NoriaiError):
    """An act that the table of states does not know in this state; nothing has changed."""

    code = "not_allowed_now"


class Conflict(NoriaiError):
    """Somebody else was faster, or an idempotency key came back with another body."""

    code = "conflict"


class RouteMoved(Conflict):
    """A route is no longer at the version a change was computed from: compute it again."""

    code = "route_moved"


class UnverifiedPlan(NoriaiError):
    """The independent check found a broken limit; nothing was written. A defect, not a state."""

    code = "unverified_plan"


class BadTownFile(BadInput):
    """A town's folder does not say what it must: facts `file`, `key`, `found`, `remedy`."""

    code = "bad_town_file"


class Unavailable(NoriaiError):
    """A part that the service stands on is not there: the database, the road engine."""

    code = "unavailable"
