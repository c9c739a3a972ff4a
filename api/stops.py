"""The designated stops of the town.

See: docs/http.md; docs/words.md, stop
"""

from __future__ import annotations

from fastapi import APIRouter

from api.forms import Answer, ServiceNow

router = APIRouter(prefix="/stops", tags=["places"])


class StopOut(Answer):
    """One designated stop."""

    id: str
    name: str
    kana: str
    kind: str
    lat: float
    lon: float
    closed: bool


class StopsOut(Answer):
    """All designated stops."""

    items: list[StopOut]


@router.get("")
def list_stops(service: ServiceNow) -> StopsOut:
    """All stops, with whether they are in use now."""
    closed = {each.stop_id for each in service.store.list_closed_stops()}
    return StopsOut(
        items=[
            StopOut(
                id=stop.id,
                name=stop.name,
                kana=stop.kana,
                kind=stop.kind,
                lat=stop.point.lat,
                lon=stop.point.lon,
                closed=stop.closed or stop.id in closed,
            )
            for stop in service.town.stops
        ]
    )
