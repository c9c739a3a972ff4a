"""Moving a booking into another vehicle by hand, with every promise kept.

See: docs/http.md; docs/words.md, insertion
"""

from __future__ import annotations

from dataclasses import replace

from dispatch import notices
from dispatch.booking import Booking, State, is_stranded
from dispatch.commands.answers import answer, fingerprint, once
from dispatch.commands.book import told_as_planned
from dispatch.commands.planning import Day, moved, read_day, rewrite, vehicles_with, without
from dispatch.commands.service import Service
from dispatch.commands.telling import tell
from dispatch.commit import Change, commit
from dispatch.driving import Route
from dispatch.errors import NotAllowedNow, NotFound, Refused
from dispatch.optimizer.insertion import best_insertion
from dispatch.optimizer.limits import Limit
from dispatch.optimizer.plan import Plan, Request
from dispatch.optimizer.why_not import what_stands_in_the_way
from dispatch.requests import request_of
from dispatch.snapshot import PLANNABLE, Snapshot, with_request


def reassign(booking_id: str, route_id: str, service: Service, key: str | None = None) -> Booking:
    """Give a confirmed booking a place in another route, at the least cost to the others.

    The promise stays as it is, and so does everybody else's; the passenger is told of the
    vehicle. Raises NotFound; NotAllowedNow when the booking or the vehicle cannot be moved
    now; Refused with the code of the limit that stands in the way. Nothing is written then.
    """
    asked = fingerprint("reassign", booking_id, route_id)

    def attempt() -> Booking:
        booking = service.store.get_booking(booking_id)
        day = read_day(booking.service_day, service)
        route = next((each for each in day.routes if each.id == route_id), None)
        if route is None:
            raise NotFound("unknown_route", route=route_id)
        _may_move(booking, route)
        return _reassign(booking, route, day, service, (key, asked))

    return once(service, key, asked, attempt, lambda _: service.store.get_booking(booking_id))


def _may_move(booking: Booking, route: Route) -> None:
    if booking.state is not State.CONFIRMED:
        raise NotAllowedNow(state=booking.state.value, act="reassign")
    if booking.route_id == route.id:
        raise NotAllowedNow("already_in_vehicle")
    if route.status not in PLANNABLE:
        raise NotAllowedNow(state=route.status.value, act="reassign")


def _reassign(
    booking: Booking, route: Route, day: Day, service: Service, keyed: tuple[str | None, str]
) -> Booking:
    now = service.now()
    left = without(day, {booking.id}, service)
    placed = _put_into(route.id, booking, left.snapshot(service, now), service)
    if placed is None:
        raise Refused(_why_not(route, booking, left, service))
    snapshot, plan = placed
    wanted = moved(booking, route.id)
    vehicles = sorted({*vehicles_with(snapshot, {booking.id}, day), snapshot.vehicle_of(route.id)})
    written = rewrite(snapshot, plan, day, (wanted,), vehicles)
    rides = told_as_planned(wanted, written)
    mine = {each.id: each for each in written.bookings} | {rides.id: rides}
    told, said = tell(written.routes, {**left.bookings, **mine}, now)
    name = service.fleet.models[route.vehicle_id].name
    commit(
        Change(
            routes=written.routes,
            bookings=tuple({**mine, **told}.values()),
            events=(*written.events, notices.vehicle_changed(rides, name, now), *said),
            answer=answer(keyed[0], keyed[1], {"booking": booking.id}),
            checks=written.checks,
            reason="reassign",
        ),
        service.store,
        service.ports,
    )
    return replace(rides, version=booking.version + 1)


def _put_into(
    route_id: str, booking: Booking, snapshot: Snapshot, service: Service
) -> tuple[Snapshot, Plan] | None:
    """The plan with the booking in this one route; None where it does not fit."""
    vehicle = snapshot.vehicle_of(route_id)
    request = replace(_request(booking, snapshot, service), only_vehicle=vehicle)
    arrays = snapshot.arrays()
    number = arrays.add_request(request)
    place = best_insertion(arrays, number)
    if place is None:
        return None
    arrays.insert(number, place.vehicle, place.pickup_position, place.dropoff_position)
    return with_request(snapshot, booking, request), arrays.to_plan()


def _why_not(route: Route, booking: Booking, left: Day, service: Service) -> str:
    """The code of the limit that stands in the way in this route, looked at by itself."""
    bound = {key: b for key, b in left.bookings.items() if b.route_id == route.id}
    target = tuple(each for each in left.routes if each.id == route.id)
    alone = Day(target, bound).snapshot(service, service.now())
    arrays = alone.arrays()
    number = arrays.add_request(_request(booking, alone, service))
    found = what_stands_in_the_way(arrays, number)
    return Limit.PICKUP_WINDOW.value if found is None else found.limit.value


def _request(booking: Booking, snapshot: Snapshot, service: Service) -> Request:
    request = request_of(booking, service.town, service.places, snapshot.midnight)
    if is_stranded(booking):
        return replace(request, earliest_pickup=snapshot.midnight.at_least(snapshot.now))
    return request
