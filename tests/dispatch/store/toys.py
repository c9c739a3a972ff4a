"""A toy service for tests of the store: one road of two stops, a few vans, no map.

Everybody rides from the one stop to the other within the same window, so a van's seats are
all that counts; `seat` decides and commits as a command would.

See: docs/store.md, tests
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count

import numpy as np

from dispatch import facts
from dispatch.booking import Booking, Party, Place, Promise, State
from dispatch.commit import Answer, Change, Check, commit
from dispatch.driving import PlannedVisit, Route, Status
from dispatch.errors import Refused
from dispatch.optimizer import plan as words
from dispatch.optimizer.plan import Kind, Plan, Problem, Request, Vehicle, Visit
from dispatch.ports import Ports
from dispatch.registration.consent import Consent
from dispatch.registration.register import Home, Registrant
from dispatch.store.store import Store
from routing.travel import Point

DAY = date(2026, 11, 25)
MIDNIGHT = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
NOON = MIDNIGHT + timedelta(hours=12)
HOME, CLINIC = Point(31.33, 130.94), Point(31.35, 130.95)
SEATS = 4

TRAVEL = np.array([[0, 600], [600, 0]], dtype=np.int32)


def ports(checkpoint: object = None) -> Ports:
    """Ports of a service that stands still at noon."""
    numbers = count(1)
    made = Ports(now=lambda: NOON, new_id=lambda prefix: f"{prefix}_{next(numbers)}")
    if checkpoint is None:
        return made
    assert callable(checkpoint)
    return Ports(now=made.now, new_id=made.new_id, checkpoint=checkpoint)


def a_route(number: int = 1) -> Route:
    """A van that stands at the garage, which is the first stop."""
    return Route(
        id=f"route_{number}",
        service_day=DAY,
        shift_id=f"shift_{number}",
        vehicle_id=f"van_{number}",
        status=Status.STANDING,
        place=HOME,
        since=NOON,
    )


def a_booking(booking_id: str, route: Route | None, state: State = State.CONFIRMED) -> Booking:
    """A ride of one person to the clinic, this afternoon."""
    return Booking(
        id=booking_id,
        quote_id=f"quote_{booking_id}",
        registrant_id=None,
        service_day=DAY,
        origin=Place(HOME, "自宅"),
        destination=Place(CLINIC, "診療所", "clinic"),
        party=Party(1),
        promise=Promise(
            NOON, NOON + timedelta(hours=2), NOON + timedelta(hours=3), max_ride_seconds=7200
        ),
        direct_seconds=600,
        fare_yen=300,
        state=state,
        channel="telephone",
        created_at=NOON,
        route_id=None if route is None else route.id,
        expires_at=NOON + timedelta(minutes=2) if state is State.OFFERED else None,
    )


def a_registrant(number: int = 1) -> Registrant:
    """Somebody on the register, with everything that may be known of them."""
    return Registrant(
        id=f"registrant_{number}",
        number=f"{number:07d}",
        name="肝付 花子",
        kana="キモツキ ハナコ",
        phone="+81994650000",
        home=Home(HOME, "自宅"),
        district="高山",
        channel="paper",
        registered_at=NOON,
        consent=Consent("2026-11", NOON),
        birth_date=date(1946, 5, 1),
        needs=("walker",),
    )


def visits_of(riders: Sequence[str]) -> tuple[PlannedVisit, ...]:
    """Everybody boards at home, then everybody alights at the clinic."""
    return tuple(
        PlannedVisit(kind, rider, point, NOON, NOON + later, NOON + later)
        for kind, point, later in (
            (Kind.PICKUP, HOME, timedelta(0)),
            (Kind.DROPOFF, CLINIC, timedelta(minutes=10)),
        )
        for rider in riders
    )


def check_of(route: Route, riders: Sequence[str], seats: int = SEATS) -> Check:
    """What the verifier must find sound for this van and these riders."""
    noon = 12 * 3600
    request = Request(
        origin=0,
        destination=1,
        earliest_pickup=noon,
        latest_pickup=noon + 7200,
        latest_arrival=noon + 10800,
        max_ride=7200,
        loads=(1,),
    )
    order = [
        *(Visit(Kind.PICKUP, number) for number in range(len(riders))),
        *(Visit(Kind.DROPOFF, number) for number in range(len(riders))),
    ]
    problem = Problem(
        travel_seconds=TRAVEL,
        travel_metres=TRAVEL * 10,
        vehicles=(Vehicle((seats,), 0, noon, 9 * 3600, 18 * 3600),),
        requests=(request,) * len(riders),
        required=frozenset(range(len(riders))),
    )
    return Check(
        problem=problem,
        plan=Plan((words.Route(tuple(order)),)),
        before=None,
        routes=(route.id,),
        bookings=tuple(riders),
    )


def riders_of(route: Route) -> list[str]:
    """Who has a seat in this van, in the order they got it."""
    return [visit.subject for visit in route.visits if visit.kind is Kind.PICKUP]


def with_rider(route: Route, booking_id: str, key: str | None = None) -> Change:
    """The change that gives somebody a seat in this van, whether there is one or not."""
    riders = [*riders_of(route), booking_id]
    booking = a_booking(booking_id, route)
    return Change(
        routes=(_planned(route, riders),),
        new_bookings=(booking,),
        events=(facts.confirmed(booking, NOON),),
        answer=None if key is None else Answer(key, "seat", {"booking": booking_id}),
        checks=(check_of(route, riders),),
        reason="test",
    )


def _planned(route: Route, riders: Sequence[str]) -> Route:
    return Route(
        id=route.id,
        service_day=route.service_day,
        shift_id=route.shift_id,
        vehicle_id=route.vehicle_id,
        status=route.status,
        place=route.place,
        since=route.since,
        visits=visits_of(riders),
        version=route.version,
    )


def open_vans(store: Store, vans: int) -> None:
    """Vans without riders."""
    commit(Change(new_routes=tuple(a_route(n + 1) for n in range(vans))), store, ports())


def seat(store: Store, outside: Ports, booking_id: str, key: str | None = None) -> None:
    """Give somebody the first free seat, as a command would; once, without trying again.

    Raises Refused when there is none, RouteMoved when somebody was faster.
    """
    for route in store.read_day(DAY).routes:
        if len(riders_of(route)) < SEATS:
            commit(with_rider(route, booking_id, key), store, outside)
            return
    raise Refused("no_seat")
