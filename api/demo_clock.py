"""The demo's clock: what time it is there, and how fast it goes. A real service has none: 404.

See: docs/http.md, the live town; docs/decisions/0090-a-clock-that-waits-for-the-day.md
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import ConfigDict, Field, StrictBool

from api.forms import Form, ServiceNow
from api.live import ClockControl, ClockOut
from dispatch.errors import NotFound

router = APIRouter(prefix="/clock", tags=["demo"])


class ClockForm(Form):
    """What is to change; what is left out stays."""

    model_config = ConfigDict(
        frozen=True, json_schema_extra={"examples": [{"speed": 30}, {"paused": True}]}
    )

    speed: float | None = Field(
        default=None, strict=True, allow_inf_nan=False, description="Simulated seconds a second."
    )
    paused: StrictBool | None = None


def _clock(request: Request) -> ClockControl:
    clock: ClockControl | None = request.app.state.clock
    if clock is None:
        raise NotFound()
    return clock


Clock = Annotated[ClockControl, Depends(_clock)]


@router.get("")
def see(clock: Clock, service: ServiceNow) -> ClockOut:
    """The demo's clock; 404 where time is real."""
    return ClockOut.of(clock, service)


@router.patch("")
def change(form: ClockForm, clock: Clock, service: ServiceNow) -> ClockOut:
    """Hold the demo's clock, let it go on, or let it go faster or slower."""
    clock.set(form.speed, form.paused)
    return ClockOut.of(clock, service)
