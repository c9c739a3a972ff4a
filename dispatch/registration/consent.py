"""Consent: what somebody agreed to, in which version of the text, and when.

Needs such as a wheelchair are sensitive facts; they are kept only with this consent and
for the purpose it names.

See: docs/words.md, consent
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dispatch.errors import BadInput

CONSENT_VERSION = "2026-11"
"""The version of the text that is read out or shown today."""

PURPOSE = "transport"
"""What the data are for: to book rides and carry them out, and to count the register."""

ERASED = "erased"
"""In place of a purpose: the consent was taken back and the personal data are gone."""


@dataclass(frozen=True, slots=True)
class Consent:
    """One consent as it was given."""

    version: str
    given_at: datetime
    purpose: str = PURPOSE


def given(agreed: bool, now: datetime) -> Consent:
    """The consent of somebody who agrees now. Raises BadInput("consent_missing")."""
    if not agreed:
        raise BadInput("consent_missing")
    return Consent(CONSENT_VERSION, now)
