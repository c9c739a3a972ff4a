"""Addresses and names to points: the town's own gazetteer first, the internet only after it.

A caller always gets an answer: places, or that nothing was found, or that the online search
cannot be reached just now. What somebody typed leaves the machine only if the town has
switched an online geocoder on and the gazetteer has no good answer.

See: docs/words.md, geocoder; docs/decisions/0024-gazetteer-first-geocoders-behind-a-port.md
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from routing.places import Gazetteer, Hit, Match, NamedPlace
from routing.travel import Point

USER_AGENT = "noriai (open dispatcher for shared taxis)"


class Outcome(StrEnum):
    """How a search ended."""

    FOUND = "found"
    NOT_FOUND = "place_not_found"
    UNAVAILABLE = "geocoder_unavailable"
    """Nothing in the gazetteer, and the online geocoder does not answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found, the likeliest first; `credit` names an online source that must be shown."""

    outcome: Outcome
    hits: tuple[Hit, ...] = ()
    credit: str = ""


class Geocoder(Protocol):
    """Anything that turns words into places. It never raises for what a person typed."""

    def find(self, wish: str, limit: int = 8) -> Answer: ...


class OfflineGeocoder:
    """The town's gazetteer as a geocoder: always there, never asks anybody."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer

    def find(self, wish: str, limit: int = 8) -> Answer:
        """Places of the town by name, kana or reading."""
        hits = self._gazetteer.search(wish, limit)
        return Answer(Outcome.FOUND if hits else Outcome.NOT_FOUND, hits)


class GazetteerFirst:
    """The gazetteer, and only where it has no sure answer an online geocoder as well.

    `online` may be None. Hits inside the town come from `inside`, so an address of the same
    name in another prefecture is no answer.
    """

    def __init__(
        self,
        gazetteer: Gazetteer,
        online: Geocoder | None = None,
        inside: Callable[[Point], bool] = lambda _: True,
    ) -> None:
        self._offline = OfflineGeocoder(gazetteer)
        self._online = online
        self._inside = inside

    def find(self, wish: str, limit: int = 8) -> Answer:
        """Sure hits of the gazetteer; else what the internet knows, then likely ones."""
        near = self._offline.find(wish, limit)
        sure = any(hit.match is not Match.FUZZY for hit in near.hits)
        if sure or self._online is None or not wish.strip():
            return near
        far = self._online.find(wish, limit)
        hits = tuple(hit for hit in far.hits if self._inside(hit.place.point))
        if hits:
            return Answer(Outcome.FOUND, (*hits, *near.hits)[:limit], far.credit)
        if near.hits:
            return near
        return Answer(Outcome.UNAVAILABLE if far.outcome is Outcome.UNAVAILABLE else near.outcome)


class OnlineGeocoder:
    """One of geopy's geocoders behind our port, Nominatim unless the settings say another.

    Nominatim's public server allows one request a second and no autocompletion: call it for
    a finished wish, never for each key stroke (its usage policy); a town with many calls
    names its own server in `settings` (`domain`, `scheme`).
    """

    def __init__(
        self,
        service: str = "nominatim",
        timeout_seconds: float = 3.0,
        settings: Mapping[str, Any] | None = None,
        country: str = "",
        credit: str = "© OpenStreetMap contributors",
    ) -> None:
        from geopy.geocoders import get_geocoder_for_service  # noqa: PLC0415 - slow to import

        given: dict[str, Any] = dict(settings or {})
        if service == "nominatim":
            given.setdefault("user_agent", USER_AGENT)
        self._geocoder = get_geocoder_for_service(service)(timeout=timeout_seconds, **given)
        self._ask: dict[str, Any] = {}
        if service == "nominatim" and country:
            self._ask["country_codes"] = country.lower()
        self._credit = credit

    def find(self, wish: str, limit: int = 8) -> Answer:
        """What the online geocoder knows; UNAVAILABLE if it cannot be asked just now."""
        from geopy.exc import GeopyError  # noqa: PLC0415

        try:
            found = self._geocoder.geocode(wish, exactly_one=False, **self._ask)
        except (GeopyError, OSError, ValueError, KeyError):
            return Answer(Outcome.UNAVAILABLE)
        hits = tuple(
            Hit(
                NamedPlace(
                    name=str(place.address),
                    kana="",
                    kind="address",
                    point=Point(float(place.latitude), float(place.longitude)),
                ),
                Match.FUZZY,
                100.0,
            )
            for place in (found or ())[:limit]
        )
        return Answer(Outcome.FOUND if hits else Outcome.NOT_FOUND, hits, self._credit)
