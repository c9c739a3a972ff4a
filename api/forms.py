"""What several doors read and write alike: places, parties, times, keys, pages.

A form refuses a field that it does not know, with the nearest name that it does.

See: docs/http.md; docs/words.md, place, party
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Self

from fastapi import Depends, Header, Query, Request
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    StrictStr,
    model_validator,
)
from pydantic_core import PydanticCustomError

from api.security import CallerNow
from api.settings import nearest
from dispatch.booking import Party, Place
from dispatch.commands.service import Service
from dispatch.errors import BadInput
from routing.travel import Point


class Form(BaseModel):
    """What a caller sends. Fields that it does not have are refused."""

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, given: Any) -> Any:
        if isinstance(given, dict):
            for name in given:
                if name not in cls.model_fields:
                    near = nearest(str(name), cls.model_fields)
                    told = {"field": str(name), "near": near, "path": str(name)}
                    raise PydanticCustomError("unknown_field", "unknown field", told)
        return given


class Answer(BaseModel):
    """What a caller is answered."""

    model_config = ConfigDict(frozen=True)


def _moment(given: Any, first_year: int = 2000) -> datetime:
    if isinstance(given, datetime):
        moment = given
    else:
        try:
            moment = datetime.fromisoformat(given)
        except (TypeError, ValueError):
            raise PydanticCustomError("bad_time", "not a time") from None
    if moment.tzinfo is None:
        raise PydanticCustomError("time_without_zone", "no zone")
    if not first_year <= moment.year < 3000:
        raise PydanticCustomError("bad_time", "not a time of ours")
    return moment


Moment = Annotated[datetime, BeforeValidator(_moment)]
"""A moment in ISO 8601 with its zone; nothing else, no bare numbers."""

Noted = Annotated[datetime, BeforeValidator(lambda given: _moment(given, first_year=1970))]
"""A moment by a tablet's clock, which may have been set back to its beginning."""


def _day(given: Any) -> date:
    try:
        day = given if type(given) is date else date.fromisoformat(given)
    except (TypeError, ValueError):
        raise PydanticCustomError("date_parsing", "not a date") from None
    if not 1800 <= day.year < 3000:
        raise PydanticCustomError("date_parsing", "not a date of ours")
    return day


Day = Annotated[date, BeforeValidator(_day)]
"""A date in ISO 8601."""


class PlaceForm(Form):
    """A designated stop by its id, or a point by its degrees (WGS 84)."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={"examples": [{"stop_id": "clinic"}, {"lat": 31.34, "lon": 130.94}]},
    )

    stop_id: StrictStr | None = Field(default=None, max_length=100)
    lat: float | None = Field(default=None, strict=True, allow_inf_nan=False)
    lon: float | None = Field(default=None, strict=True, allow_inf_nan=False)
    name: StrictStr | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="What people call the point; a stop has its own name.",
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        point = self.lat is not None and self.lon is not None
        half = (self.lat is None) != (self.lon is None)
        named_stop = self.stop_id is not None and self.name is not None
        if half or named_stop or point == (self.stop_id is not None):
            raise PydanticCustomError("bad_place", "a stop or a point")
        return self

    def place(self) -> Place:
        """As the service takes it; a stop's point and name are looked up there."""
        if self.lat is None or self.lon is None:
            return Place(Point(0.0, 0.0), "", self.stop_id)
        name = self.name or f"{self.lat:.5f}, {self.lon:.5f}"
        return Place(Point(self.lat, self.lon), name)


class PartyForm(Form):
    """Who rides together."""

    passengers: StrictInt = 1
    wheelchairs: StrictInt = Field(default=0, ge=0, le=100)
    needs: list[StrictStr] = Field(default_factory=list, max_length=100)

    def party(self) -> Party:
        """As the service takes it: one need a person."""
        return Party(self.passengers, ("wheelchair",) * self.wheelchairs + tuple(self.needs))


class PlaceOut(Answer):
    """A place, with its name and point for the map."""

    stop_id: str | None
    name: str
    lat: float
    lon: float

    @classmethod
    def of(cls, place: Place) -> PlaceOut:
        """A place as it is answered."""
        return cls(stop_id=place.stop_id, name=place.name, lat=place.point.lat, lon=place.point.lon)


class PointOut(Answer):
    """A position in degrees, WGS 84."""

    lat: float
    lon: float

    @classmethod
    def of(cls, point: Point) -> PointOut:
        """A point as it is answered."""
        return cls(lat=point.lat, lon=point.lon)


class PartyOut(Answer):
    """Who rides together."""

    passengers: int
    wheelchairs: int
    needs: list[str]

    @classmethod
    def of(cls, party: Party) -> PartyOut:
        """A party as it is answered."""
        return cls(
            passengers=party.passengers,
            wheelchairs=party.needs.count("wheelchair"),
            needs=list(party.needs),
        )


# --- headers ----------------------------------------------------------------------------------


async def _key(
    caller: CallerNow,
    given: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="The same key and body are done once and answered the same again.",
        ),
    ] = None,
) -> str | None:
    return None if given is None else key_of(caller.scope, given)


def key_of(scope: str, given: str) -> str:
    """A caller's key as the service keeps it: nobody meets another caller's keys.

    Raises BadInput("bad_key") for one that is empty, too long or not plain.
    """
    if not 1 <= len(given) <= 128 or not given.isascii() or not given.isprintable():
        raise BadInput("bad_key")
    return f"{scope}:{given}"


Key = Annotated[str | None, Depends(_key)]
"""The idempotency key of a write, or None."""

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="The ETag last read; 412 when it has changed meanwhile."),
]


def etag(version: int) -> str:
    """The entity tag of a version."""
    return f'"{version}"'


def seen_version(if_match: str | None) -> int | None:
    """The version in an If-Match header; None where any will do, -1 where none of ours fits."""
    if if_match is None or if_match.strip() == "*":
        return None
    # A proxy that packs an answer makes its tag a weak one.
    tag = re.fullmatch(r'(?:W/)?"([0-9]{1,9})"', if_match.strip())
    return int(tag[1]) if tag else -1


async def get_service(request: Request) -> Service:
    """The service that this application serves."""
    service: Service = request.app.state.service
    return service


ServiceNow = Annotated[Service, Depends(get_service)]


# --- pages ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PageWish:
    """Which page of a list is asked for."""

    limit: int
    after: tuple[str, ...] | None

    def of[Item](
        self, items: Sequence[Item], mark: Callable[[Item], tuple[str, ...]]
    ) -> tuple[list[Item], str | None]:
        """One page of `items`, and the cursor of the next one; None on the last page.

        mark : what an item is known by and ordered by. A row that comes or goes between two
            pages moves no other one over the edge.
        """
        left = sorted(items, key=mark)
        if self.after is not None:
            left = [item for item in left if mark(item) > self.after]
        page = left[: self.limit]
        return page, _cursor(mark(page[-1])) if len(left) > self.limit else None


def _cursor(mark: tuple[str, ...]) -> str:
    text = json.dumps(mark, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


async def _page(
    limit: Annotated[int, Query(ge=1, le=500, description="Most items on a page.")] = 100,
    cursor: Annotated[
        str | None, Query(max_length=400, description="`next_cursor` of the page before.")
    ] = None,
) -> PageWish:
    if cursor is None:
        return PageWish(limit, None)
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        mark = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
    except (ValueError, binascii.Error):
        raise BadInput("bad_cursor") from None
    if not isinstance(mark, list) or not all(isinstance(part, str) for part in mark):
        raise BadInput("bad_cursor")
    return PageWish(limit, tuple(mark))


Page = Annotated[PageWish, Depends(_page)]
