"""The register: who may ride, with the least that a booking needs to know of them.

See: docs/words.md, registrant; docs/decisions/0053-a-number-people-can-read-out.md
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime

import phonenumbers

from dispatch.errors import BadInput
from dispatch.registration.consent import Consent
from routing.travel import Point

LONGEST_NAME = 60
OLDEST = 130

_KANA = re.compile(r"^[ァ-ヺー・ ]+$")
_HIRAGANA = {ord("ぁ") + i: ord("ァ") + i for i in range(ord("ゖ") - ord("ぁ") + 1)}


@dataclass(frozen=True, slots=True)
class Home:
    """Where a registrant is fetched and brought home."""

    point: Point
    name: str = ""
    stop_id: str | None = None


@dataclass(frozen=True, slots=True)
class NewRegistrant:
    """What somebody says of themselves to join the register."""

    name: str
    kana: str
    phone: str
    home: Home
    consent: bool
    channel: str
    birth_date: date | None = None
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Registrant:
    """Somebody on the register.

    number : the membership number with its check digit, as on the card.
    kana : the reading in full-width katakana.
    phone : in international form (E.164).
    district : the part of the town that the goal is counted by ("" where none is near).
    needs : what planning must know (wheelchair, walker, …); consent covers them.
    """

    id: str
    number: str
    name: str
    kana: str
    phone: str
    home: Home
    district: str
    channel: str
    registered_at: datetime
    consent: Consent
    birth_date: date | None = None
    needs: tuple[str, ...] = field(default=())
    version: int = 0


def tidy_name(name: str) -> str:
    """A name without stray spaces. Raises BadInput("bad_name")."""
    tidy = " ".join(unicodedata.normalize("NFKC", name).split())
    if not tidy or len(tidy) > LONGEST_NAME or not any(c.isalpha() for c in tidy):
        raise BadInput("bad_name", longest=LONGEST_NAME)
    return tidy


def tidy_kana(kana: str) -> str:
    """A reading in full-width katakana, from hiragana or half-width kana as well.

    Raises BadInput("bad_kana") where it holds anything else.
    """
    tidy = " ".join(unicodedata.normalize("NFKC", kana).translate(_HIRAGANA).split())
    if len(tidy) > LONGEST_NAME or not _KANA.match(tidy):
        raise BadInput("bad_kana")
    return tidy


def tidy_phone(phone: str, country: str) -> str:
    """A telephone number in international form (E.164).

    Raises BadInput("bad_phone") where no such number can exist in `country`'s plan.
    """
    try:
        parsed = phonenumbers.parse(unicodedata.normalize("NFKC", phone), country)
    except phonenumbers.NumberParseException:
        raise BadInput("bad_phone") from None
    if not phonenumbers.is_valid_number(parsed):
        raise BadInput("bad_phone")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def check_needs(needs: Collection[str], known: Collection[str]) -> tuple[str, ...]:
    """The needs, each once, in order. Raises BadInput("unknown_need") for one the town has not."""
    for need in needs:
        if need not in known:
            raise BadInput("unknown_need", need=need, known=", ".join(sorted(known)))
    return tuple(dict.fromkeys(needs))


def check_birth_date(birth_date: date | None, today: date) -> date | None:
    """The date of birth, if told. Raises BadInput("bad_birth_date") for an impossible one."""
    if birth_date is not None and not today.year - OLDEST <= birth_date.year <= today.year:
        raise BadInput("bad_birth_date")
    if birth_date is not None and birth_date > today:
        raise BadInput("bad_birth_date")
    return birth_date


def membership_number(serial: int) -> str:
    """The number of the `serial`-th registrant: seven digits, the last one a check digit.

    The check digit (Damm, 2004) finds every single wrong digit and every swap of
    neighbours, the slips people make when they read a card out over the telephone.
    """
    if not 0 < serial < 1_000_000:
        raise BadInput("register_full")
    digits = f"{serial:06d}"
    return digits + str(_damm(digits))


def is_membership_number(number: str) -> bool:
    """Whether a number has seven digits and its check digit is right."""
    return bool(re.fullmatch(r"[0-9]{7}", number)) and _damm(number) == 0


# The quasigroup of H. Michael Damm, "Total anti-symmetrische Quasigruppen" (2004).
_DAMM = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)


def _damm(digits: str) -> int:
    row = 0
    for digit in digits:
        row = _DAMM[row][int(digit)]
    return row
