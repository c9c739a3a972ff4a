"""The figures: the way to the registration goal, and how the service does.

See: docs/http.md; docs/words.md, figure, registration goal
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from api.forms import Answer, Day, ServiceNow
from dispatch.commands.look import service_figures
from dispatch.commands.register import goal_progress

router = APIRouter(prefix="/kpi", tags=["figures"])


class RegistrationsOut(Answer):
    """Where the register stands. `share` is registered over goal, at most 1."""

    registered: int
    goal: int
    goal_date: date | None
    missing: int
    share: float
    per_day_needed: float | None
    by_district: dict[str, int]
    by_channel: dict[str, int]


class ServiceFiguresOut(Answer):
    """The service in numbers, as `dispatch/figures.py` defines them; shares are 0 to 1."""

    first: date
    last: date
    asked: int
    booked: int
    refused: int
    service_rate: float | None
    refusals: dict[str, int]
    rides: int
    passengers: int
    kept: int
    late: int
    broken: int
    mean_wait_seconds: float | None
    mean_ride_seconds: float | None
    ride_ratio: float | None
    no_show_share: float | None
    cancelled_share: float | None
    vehicle_hours: float
    passengers_per_vehicle_hour: float | None
    occupancy: float | None
    empty_metres_share: float | None
    shared_share: float | None


@router.get("/registrations")
def registrations(service: ServiceNow) -> RegistrationsOut:
    """How many are on the register, and how many are still wanted."""
    by_district = service.store.count_registrants_by("district")
    by_channel = service.store.count_registrants_by("channel")
    return RegistrationsOut(**asdict(goal_progress(by_district, service)), by_channel=by_channel)


@router.get("/service")
def service_in_numbers(
    service: ServiceNow,
    first: Annotated[Day | None, Query(alias="from", description="Default today.")] = None,
    last: Annotated[Day | None, Query(alias="to", description="Default `from`.")] = None,
) -> ServiceFiguresOut:
    """The figures of these days, both included, counted from the record."""
    begin = first or last or service.today()
    end = last or begin
    figures = service_figures(begin, end, service)
    return ServiceFiguresOut(first=begin, last=end, **asdict(figures))
