"""Joining the register, and the way to the goal.

See: docs/words.md, registrant; docs/decisions/0053-a-number-people-can-read-out.md
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from dispatch import facts
from dispatch.booking import Place
from dispatch.commands.answers import answer, fingerprint, once
from dispatch.commands.service import Service
from dispatch.commands.wishes import check_place
from dispatch.commit import Change, commit
from dispatch.registration import register as rules
from dispatch.registration.consent import given
from dispatch.registration.goal import GoalProgress, progress
from dispatch.registration.register import Home, NewRegistrant, Registrant
from dispatch.town import Town
from routing.travel import Point


def register(new: NewRegistrant, service: Service, key: str | None = None) -> Registrant:
    """Put somebody on the register and give them their number.

    Raises BadInput with a code that names what is wrong; nothing is written then.
    """
    asked = fingerprint("register", new)

    def attempt() -> Registrant:
        registrant = _registrant(new, service)
        event = facts.registered(
            registrant.id, registrant.channel, service.today(), registrant.registered_at
        )
        kept = answer(key, asked, {"registrant": registrant.id})
        change = Change(new_registrants=(registrant,), events=(event,), answer=kept)
        commit(change, service.store, service.ports)
        return registrant

    return once(
        service, key, asked, attempt, lambda b: service.store.get_registrant(b["registrant"])
    )


def _registrant(new: NewRegistrant, service: Service) -> Registrant:
    town, now = service.town, service.now()
    home = check_place(Place(new.home.point, new.home.name, new.home.stop_id), service)
    last = service.store.last_registrant_number()
    return Registrant(
        id=service.ports.new_id("reg"),
        number=rules.membership_number(int(last[:-1]) + 1 if last else 1),
        name=rules.tidy_name(new.name),
        kana=rules.tidy_kana(new.kana),
        phone=rules.tidy_phone(new.phone, town.country or "JP"),
        home=Home(home.point, home.name, home.stop_id),
        district=district_of(home.point, town),
        channel=new.channel,
        registered_at=now,
        consent=given(new.consent, now),
        birth_date=rules.check_birth_date(new.birth_date, service.today()),
        needs=rules.check_needs(new.needs, town.need_names.keys() | town.load_by_need.keys()),
    )


def district_of(point: Point, town: Town) -> str:
    """The district of the nearest settlement; "" in a town that has none."""
    if not town.settlements:
        return ""
    east = math.cos(math.radians(point.lat))

    def off(other: Point) -> float:
        return math.hypot(other.lat - point.lat, (other.lon - point.lon) * east)

    return min(town.settlements, key=lambda each: off(each.point)).district


def goal_progress(by_district: Mapping[str, int], service: Service) -> GoalProgress:
    """How far the register is on its way to the town's goal today."""
    return progress(by_district, service.town.registration, service.today())
