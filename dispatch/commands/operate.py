"""What the office does when something happens: breakdowns, repairs, closed stops.

Nobody is lost: each ride of a broken-down vehicle is taken over by another one at once, as
promised where that can be, otherwise as little late as can be, and everybody is told.

See: docs/booking.md, when a vehicle breaks down
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dispatch import booking as rides
from dispatch import driving, facts, notices
from dispatch.booking import Booking, State, is_stranded
from dispatch.commands.answers import answer, fingerprint, once
from dispatch.commands.book import told_as_planned
from dispatch.commands.planning import Day, read_day, rewrite, without
from dispatch.commands.service import Service
from dispatch.commit import Change, commit
from dispatch.driving import Route
from dispatch.errors import BadInput, NotAllowedNow, NotFound
from dispatch.events import Event
from dispatch.optimizer.insertion import best_insertion
from dispatch.optimizer.plan import NEVER, Plan
from dispatch.requests import request_of
from dispatch.snapshot import Snapshot, is_planned, with_request
from dispatch.store.stops import Closure
from dispatch.timed_routes import changed_vehicles
from dispatch.town import find_stop
from routing.travel import Point


def break_down(
    route_id: str,
    service: Service,
    cause: str,
    where: Point | None = None,
    key: str | None = None,
) -> Route:
    """Take a vehicle out of service and its rides into others.

    where : where it stands; default its last reported position of this drive, else the
        place it was at last.
    """
    asked = fingerprint("break_down", route_id, cause, where)

    def attempt() -> Route:
        return _break_down(route_id, service, cause, where, (key, asked))

    return once(service, key, asked, attempt, lambda _: service.store.get_route(route_id))


@dataclass(frozen=True, slots=True)
class TakenOver:
    """The plan after other vehicles have taken over what they can."""

    snapshot: Snapshot
    plan: Plan
    taken: tuple[Booking, ...]
    lost: tuple[Booking, ...]


def _break_down(
    route_id: str,
    service: Service,
    cause: str,
    where: Point | None,
    keyed: tuple[str | None, str],
) -> Route:
    day = read_day(service.store.get_route(route_id).service_day, service)
    route = next(each for each in day.routes if each.id == route_id)
    now = service.now()
    here = where or _last_known(route, service)
    service.places.index_of(here)  # known before the snapshot is taken: somebody may wait there
    broken = driving.break_down(route, now, here, cause)
    mine = [b for b in day.bookings.values() if b.route_id == route_id and is_planned(b, now)]
    held = [
        rides.leave_the_plan(b, rides.Act.RELEASE, cause) for b in mine if b.state is State.OFFERED
    ]
    waiting = [replace(b, cause=cause) for b in mine if b.state is State.CONFIRMED]
    aboard = [rides.strand(b, here, cause) for b in mine if b.state is State.ON_BOARD]
    left = without(day, {b.id for b in mine}, service)
    others = Day(tuple(r for r in left.routes if r.id != route_id), left.bookings)
    orphans = (*aboard, *sorted(waiting, key=lambda b: (b.promise.pickup_earliest, b.id)))
    over = take_over(orphans, others.snapshot(service, now), service)
    change = _tell_everybody(over, day, broken, (tuple(aboard), tuple(held)), now)
    kept = answer(keyed[0], keyed[1], {"route": route_id})
    commit(replace(change, answer=kept), service.store, service.ports)
    return replace(broken, version=broken.version + 1)


def _last_known(route: Route, service: Service) -> Point:
    """Where the vehicle was last seen during what it is doing now."""
    for position in service.store.list_latest_positions([route.id]):
        if position.at >= route.since:
            return position.point
    return route.place


def take_over(orphans: Sequence[Booking], snapshot: Snapshot, service: Service) -> TakenOver:
    """Give each of these bookings a place in the plan, as promised or as little late as can be."""
    if not snapshot.routes:
        return TakenOver(snapshot, snapshot.plan, (), tuple(_given_up(b) for b in orphans))
    arrays = snapshot.arrays()
    taken: list[Booking] = []
    lost: list[Booking] = []
    for booking in orphans:
        strict = request_of(booking, service.town, service.places, snapshot.midnight)
        if is_stranded(booking):
            strict = replace(strict, earliest_pickup=snapshot.midnight.at_least(snapshot.now))
        loose = replace(strict, latest_pickup=NEVER, latest_arrival=NEVER, max_ride=NEVER)
        for request in (strict, loose):
            number = arrays.add_request(request)
            snapshot = with_request(snapshot, booking, request)
            place = best_insertion(arrays, number)
            if place is not None:
                arrays.insert(number, place.vehicle, place.pickup_position, place.dropoff_position)
                taken.append(booking)
                break
        else:
            lost.append(_given_up(booking))
    return TakenOver(snapshot, arrays.to_plan(), tuple(taken), tuple(lost))


def _given_up(booking: Booking) -> Booking:
    return rides.leave_the_plan(booking, rides.Act.BREAK_PROMISE, booking.cause)


def _tell_everybody(
    over: TakenOver,
    day: Day,
    broken: Route,
    aboard_and_held: tuple[tuple[Booking, ...], tuple[Booking, ...]],
    now: datetime,
) -> Change:
    """Routes, bookings, facts and notices of a breakdown in one change."""
    aboard, held = aboard_and_held
    vehicles = changed_vehicles(over.snapshot.plan, over.plan)
    written = rewrite(over.snapshot, over.plan, day, over.taken, vehicles)
    taken_ids = {b.id for b in over.taken}
    told = {b.id: told_as_planned(b, written) for b in written.bookings if b.id in taken_ids}
    events: list[Event] = [facts.broke_down(broken, now)]
    events += [facts.stranded(b, now, b.origin.point) for b in aboard]
    for booking in told.values():
        say = notices.stranded if is_stranded(booking) else notices.taken_over
        events.append(say(booking, booking.told_pickup or now, now))
    for lost in over.lost:
        events += [
            facts.promise_broken(lost, now, lost.cause),
            notices.broken(lost, now),
            notices.for_the_office(lost, now),
        ]
    events += [facts.offer_released(b, now) for b in held]
    return Change(
        routes=(broken, *written.routes),
        bookings=(*(told.get(b.id, b) for b in written.bookings), *over.lost, *held),
        events=(*events, *written.events),
        checks=written.checks,
        reason="breakdown",
    )


def repair(route_id: str, service: Service, key: str | None = None) -> Route:
    """The vehicle drives again, from where it stands."""
    asked = fingerprint("repair", route_id)

    def attempt() -> Route:
        route = driving.repair(service.store.get_route(route_id), service.now())
        commit(
            Change(
                routes=(route,),
                events=(facts.repaired(route, service.now()),),
                answer=answer(key, asked, {"route": route_id}),
            ),
            service.store,
            service.ports,
        )
        return replace(route, version=route.version + 1)

    return once(service, key, asked, attempt, lambda _: service.store.get_route(route_id))


def close_stop(
    stop_id: str, service: Service, cause: str, key: str | None = None
) -> tuple[Booking, ...]:
    """Take a stop out of use; whoever is booked from or to it is told, the office as well.

    Gives the bookings that are concerned; they stand until the office has spoken with them.
    """
    asked = fingerprint("close_stop", stop_id, cause)

    def attempt() -> tuple[Booking, ...]:
        stop = find_stop(stop_id, service.town)
        if stop is None:
            raise NotFound("unknown_stop", stop=stop_id)
        if any(each.stop_id == stop_id for each in service.store.list_closed_stops()):
            raise NotAllowedNow("stop_closed", stop=stop.name)
        now, today = service.now(), service.today()
        concerned = _booked_at(stop_id, service)
        events = [facts.stop_closed(stop_id, today, now, cause)]
        events += [notices.stop_closed(b, stop.name, now) for b in concerned]
        events += [notices.stop_closed_office(b, stop.name, now) for b in concerned]
        commit(
            Change(
                closed_stops=(Closure(stop_id, now, cause),),
                events=tuple(events),
                answer=answer(key, asked, {"bookings": [b.id for b in concerned]}),
            ),
            service.store,
            service.ports,
        )
        return concerned

    return once(
        service,
        key,
        asked,
        attempt,
        lambda b: tuple(service.store.list_bookings_by_id(b["bookings"])),
    )


def _booked_at(stop_id: str, service: Service) -> tuple[Booking, ...]:
    """Confirmed bookings from or to a stop, from today to the last day that can be booked."""
    days = range(service.town.booking.days_ahead + 1)
    return tuple(
        booking
        for ahead in days
        for booking in service.store.list_bookings(
            service.today() + timedelta(days=ahead), {State.CONFIRMED}
        )
        if stop_id in {booking.origin.stop_id, booking.destination.stop_id}
    )


def reopen_stop(stop_id: str, service: Service, key: str | None = None) -> None:
    """The stop is in use again. Raises BadInput when it was not closed."""
    asked = fingerprint("reopen_stop", stop_id)

    def attempt() -> None:
        if all(each.stop_id != stop_id for each in service.store.list_closed_stops()):
            raise BadInput("stop_not_closed", stop=stop_id)
        event = facts.stop_reopened(stop_id, service.today(), service.now())
        kept = answer(key, asked, {})
        change = Change(reopened_stops=(stop_id,), events=(event,), answer=kept)
        commit(change, service.store, service.ports)

    once(service, key, asked, attempt, lambda _: None)
