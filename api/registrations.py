"""The register: joining it, finding somebody on it, correcting and erasing.

See: docs/http.md; docs/words.md, registrant
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, Field, StrictBool, StrictStr
from pydantic.config import JsonDict

from api.forms import (
    Answer,
    Day,
    Form,
    IfMatch,
    Key,
    Page,
    PlaceForm,
    PlaceOut,
    ServiceNow,
    etag,
    seen_version,
)
from api.security import CallerNow, own_registrant
from dispatch.booking import Place
from dispatch.commands.amend import Correction, correct, erase, get_registrant
from dispatch.commands.register import register
from dispatch.errors import BadInput
from dispatch.registration import register as rules
from dispatch.registration.consent import ERASED
from dispatch.registration.register import Home, NewRegistrant, Registrant

router = APIRouter(prefix="/registrations", tags=["registrations"])

Channel = Literal["web", "phone", "paper", "counter", "line"]

EXAMPLE: JsonDict = {
    "name": "肝付 花子",
    "kana": "きもつき はなこ",
    "phone": "0994-65-2511",
    "home": {"lat": 31.3446, "lon": 130.9454},
    "needs": ["walker"],
    "consent": True,
    "channel": "phone",
}


class RegistrationForm(Form):
    """What somebody says of themselves to join."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [EXAMPLE]})

    name: StrictStr = Field(max_length=200)
    kana: StrictStr = Field(max_length=200)
    phone: StrictStr = Field(max_length=40)
    birth_date: Day | None = None
    home: PlaceForm
    needs: list[StrictStr] = Field(default_factory=list, max_length=20)
    consent: StrictBool
    channel: Channel = "web"


class CorrectionForm(Form):
    """What is to change; what is left out stays."""

    model_config = ConfigDict(
        frozen=True, json_schema_extra={"examples": [{"phone": "0994-65-2512"}]}
    )

    name: StrictStr | None = Field(default=None, max_length=200)
    kana: StrictStr | None = Field(default=None, max_length=200)
    phone: StrictStr | None = Field(default=None, max_length=40)
    birth_date: Day | None = None
    home: PlaceForm | None = None
    needs: list[StrictStr] | None = Field(default=None, max_length=20)


class RegistrationOut(Answer):
    """Somebody on the register."""

    id: str
    number: str
    name: str
    kana: str
    phone: str
    birth_date: date | None
    home: PlaceOut
    district: str
    needs: list[str]
    channel: str
    registered_at: datetime
    version: int

    @classmethod
    def of(cls, who: Registrant) -> RegistrationOut:
        """A registrant as they are answered."""
        return cls(
            id=who.id,
            number=who.number,
            name=who.name,
            kana=who.kana,
            phone=who.phone,
            birth_date=who.birth_date,
            home=PlaceOut.of(Place(who.home.point, who.home.name, who.home.stop_id)),
            district=who.district,
            needs=list(who.needs),
            channel=who.channel,
            registered_at=who.registered_at,
            version=who.version,
        )


class RegistrationPage(Answer):
    """Some of the register."""

    items: list[RegistrationOut]
    next_cursor: str | None


@router.post("", status_code=201)
def join(
    form: RegistrationForm, service: ServiceNow, response: Response, key: Key = None
) -> RegistrationOut:
    """Put somebody on the register and give them their number."""
    home = form.home.place()
    new = NewRegistrant(
        name=form.name,
        kana=form.kana,
        phone=form.phone,
        home=Home(home.point, home.name, home.stop_id),
        consent=form.consent,
        channel=form.channel,
        birth_date=form.birth_date,
        needs=tuple(form.needs),
    )
    who = register(new, service, key)
    response.headers["Location"] = f"/api/v1/registrations/{who.id}"
    return _out(who, response)


@router.get("")
def search(
    service: ServiceNow,
    page: Page,
    phone: Annotated[str | None, Query(max_length=40, description="Telephone number.")] = None,
    kana: Annotated[str | None, Query(max_length=60, description="How the reading begins.")] = None,
) -> RegistrationPage:
    """Find people by their telephone number or by how their reading begins."""
    if (phone is None) == (kana is None):
        raise BadInput("field_missing", field="phone | kana")
    if phone is not None:
        number = rules.tidy_phone(phone, service.town.country or "JP")
        found = service.store.list_registrants_by_phone(number)
    else:
        found = service.store.list_registrants_by_kana(rules.tidy_kana(kana or ""), 500)
    found = [who for who in found if who.consent.purpose != ERASED]
    items, cursor = page.of(found, lambda who: (who.kana, who.number))
    return RegistrationPage(items=[RegistrationOut.of(who) for who in items], next_cursor=cursor)


@router.get("/{registration_id}")
def look_up(
    registration_id: str, caller: CallerNow, service: ServiceNow, response: Response
) -> RegistrationOut:
    """One person on the register."""
    own_registrant(caller, registration_id)
    return _out(get_registrant(registration_id, service), response)


@router.patch("/{registration_id}")
def change(
    registration_id: str,
    form: CorrectionForm,
    caller: CallerNow,
    service: ServiceNow,
    response: Response,
    if_match: IfMatch = None,
    key: Key = None,
) -> RegistrationOut:
    """Correct somebody's data."""
    own_registrant(caller, registration_id)
    correction = Correction(
        name=form.name,
        kana=form.kana,
        phone=form.phone,
        home=form.home.place() if form.home else None,
        birth_date=form.birth_date,
        needs=None if form.needs is None else tuple(form.needs),
        version=seen_version(if_match),
    )
    return _out(correct(registration_id, correction, service, key), response)


@router.delete("/{registration_id}", status_code=204)
def leave(registration_id: str, caller: CallerNow, service: ServiceNow, key: Key = None) -> None:
    """Erase somebody's personal data from the register."""
    own_registrant(caller, registration_id)
    erase(registration_id, service, key)


def _out(who: Registrant, response: Response) -> RegistrationOut:
    response.headers["ETag"] = etag(who.version)
    return RegistrationOut.of(who)
