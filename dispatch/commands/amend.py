"""Correcting somebody on the register, and erasing them on their wish.

See: docs/http.md; docs/decisions/0074-erasing-a-person.md
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from dispatch.booking import Place, State
from dispatch.commands.answers import answer, fingerprint, once
from dispatch.commands.register import district_of
from dispatch.commands.service import Service
from dispatch.commands.wishes import check_place
from dispatch.commit import Change, commit
from dispatch.errors import Conflict, NotAllowedNow, NotFound
from dispatch.registration import register as rules
from dispatch.registration.consent import ERASED
from dispatch.registration.register import Home, Registrant


@dataclass(frozen=True, slots=True)
class Correction:
    """What is to change of a registrant; None leaves it as it is.

    version : the version that the caller has seen; None does not mind.
    """

    name: str | None = None
    kana: str | None = None
    phone: str | None = None
    home: Place | None = None
    birth_date: date | None = None
    needs: tuple[str, ...] | None = None
    version: int | None = None


def correct(
    registrant_id: str, change: Correction, service: Service, key: str | None = None
) -> Registrant:
    """Write a registrant's data anew.

    Raises NotFound, BadInput, and Conflict("changed_meanwhile") when the registrant is no
    longer at the version that the caller has seen; nothing is written then.
    """
    asked = fingerprint("correct", registrant_id, change)

    def attempt() -> Registrant:
        before = get_registrant(registrant_id, service)
        if change.version not in {None, before.version}:
            raise Conflict("changed_meanwhile")
        after = _corrected(before, change, service)
        kept = answer(key, asked, {"registrant": before.id})
        commit(Change(registrants=(after,), answer=kept), service.store, service.ports)
        return replace(after, version=before.version + 1)

    return once(service, key, asked, attempt, lambda _: get_registrant(registrant_id, service))


def get_registrant(registrant_id: str, service: Service) -> Registrant:
    """Somebody on the register. Raises NotFound for an unknown or erased one."""
    found = service.store.find_registrant(registrant_id)
    if found is None or found.consent.purpose == ERASED:
        raise NotFound("unknown_registrant", registrant=registrant_id)
    return found


def _corrected(before: Registrant, change: Correction, service: Service) -> Registrant:
    town = service.town
    after = before
    if change.name is not None:
        after = replace(after, name=rules.tidy_name(change.name))
    if change.kana is not None:
        after = replace(after, kana=rules.tidy_kana(change.kana))
    if change.phone is not None:
        after = replace(after, phone=rules.tidy_phone(change.phone, town.country or "JP"))
    if change.home is not None:
        home = check_place(change.home, service)
        after = replace(
            after,
            home=Home(home.point, home.name, home.stop_id),
            district=district_of(home.point, town),
        )
    if change.birth_date is not None:
        born = rules.check_birth_date(change.birth_date, service.today())
        after = replace(after, birth_date=born)
    if change.needs is not None:
        known = town.need_names.keys() | town.load_by_need.keys()
        after = replace(after, needs=rules.check_needs(change.needs, known))
    return after


def erase(registrant_id: str, service: Service, key: str | None = None) -> None:
    """Take all personal data of a registrant out of the register; the number stays used.

    Raises NotFound, and NotAllowedNow("rides_booked") while a ride is still to come.
    """
    asked = fingerprint("erase", registrant_id)

    def attempt() -> None:
        before = get_registrant(registrant_id, service)
        coming = {State.CONFIRMED, State.ON_BOARD}
        rides = service.store.list_bookings_of_registrant(registrant_id)
        if any(ride.state in coming for ride in rides):
            raise NotAllowedNow("rides_booked")
        nobody = replace(
            before,
            name="",
            kana="",
            phone="",
            home=Home(service.town.centre),
            birth_date=None,
            needs=(),
            consent=replace(before.consent, purpose=ERASED),
        )
        kept = answer(key, asked, {"registrant": before.id})
        commit(Change(registrants=(nobody,), answer=kept), service.store, service.ports)

    once(service, key, asked, attempt, lambda _: None)
