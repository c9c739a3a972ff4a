"""Finding a place by what people call it.

See: docs/http.md; docs/words.md, gazetteer
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from api.forms import Answer, ServiceNow
from dispatch.town import in_service_area
from routing.places import Gazetteer

router = APIRouter(prefix="/places", tags=["places"])


class FoundOut(Answer):
    """A place that was found. `stop_id` where it is a designated stop."""

    name: str
    kana: str
    kind: str
    stop_id: str | None
    lat: float
    lon: float
    in_area: bool


class PlacesOut(Answer):
    """What the words may mean, the likeliest first."""

    items: list[FoundOut]


@router.get("")
def search(
    request: Request,
    service: ServiceNow,
    q: Annotated[str, Query(max_length=100, description="Name, kana or reading.")],
    limit: Annotated[int, Query(ge=1, le=50)] = 8,
) -> PlacesOut:
    """Search the town's names; small mistakes are forgiven, and nothing leaves the machine."""
    gazetteer: Gazetteer = request.app.state.gazetteer
    stops = {stop.id for stop in service.town.stops}
    return PlacesOut(
        items=[
            FoundOut(
                name=hit.place.name,
                kana=hit.place.kana,
                kind=hit.place.kind,
                stop_id=hit.place.id if hit.place.id in stops else None,
                lat=hit.place.point.lat,
                lon=hit.place.point.lon,
                in_area=in_service_area(hit.place.point, service.town),
            )
            for hit in gazetteer.search(q, limit)
        ]
    )
