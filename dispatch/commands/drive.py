"""What drivers report: duty, drives, arrivals, boarding, breaks, positions and delays.

Each act moves one vehicle along the table of states, takes what is done out of its route,
gives the rest new times, and tells people whose pickup has moved.

See: docs/booking.md, on the road; docs/decisions/0052-vehicles-wait-where-they-stand.md
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from dispatch import booking as rides
from dispatch import driving, facts, notices
from dispatch.booking import Booking, State, pickup_lateness, ride_lateness
from dispatch.commands.answers import answer, fingerprint, once
from dispatch.commands.planning import Day, drive_time, open_routes, read_day, rewrite
from dispatch.commands.service import Service
from dispatch.commands.telling import tell
from dispatch.commit import Change, commit
from dispatch.driving import PlannedVisit, Route, Status
from dispatch.errors import BadInput, NotAllowedNow
from dispatch.events import Event, Fact
from dispatch.optimizer.plan import Kind
from dispatch.snapshot import PLANNABLE, is_planned
from dispatch.store.positions import Position
from routing.travel import Point

WORTH_A_NEW_PLAN = timedelta(minutes=1)
"""An expected arrival that differs by less from the last one changes nothing."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What an act starts from."""

    route: Route
    day: Day
    now: datetime
    service: Service


@dataclass(frozen=True, slots=True)
class Done:
    """What an act made of it: the route, the bookings it changed, and the facts.

    dropped : held offers that had to give way.
    """

    route: Route
    bookings: tuple[Booking, ...] = ()
    events: tuple[Event, ...] = ()
    positions: tuple[Position, ...] = ()


type RoadStep = Callable[[Moment], Done]


def open_day(day: date, service: Service) -> tuple[Route, ...]:
    """The routes of a service day, made from its shifts; asked again, those that are there."""
    return open_routes(day, service)


def start_duty(route_id: str, service: Service, key: str | None = None) -> Route:
    """The driver is at the vehicle and ready."""

    def step(at: Moment) -> Done:
        route = driving.start_duty(at.route, at.now)
        return Done(route, events=(facts.on_the_road(Fact.DUTY_STARTED, route, at.now),))

    return _on_route("start_duty", route_id, service, key, step)


def end_duty(route_id: str, service: Service, key: str | None = None) -> Route:
    """The driver goes home. Raises NotAllowedNow while rides are still to come."""

    def step(at: Moment) -> Done:
        planned = tuple(
            v for v in at.route.visits if v.kind is Kind.BREAK or _stands(v.subject, at)
        )
        route = driving.end_duty(replace(at.route, visits=planned), at.now)
        return Done(route, events=(facts.on_the_road(Fact.DUTY_ENDED, route, at.now),))

    return _on_route("end_duty", route_id, service, key, step)


def depart(route_id: str, service: Service, key: str | None = None) -> Route:
    """The vehicle sets out for its next visit, or for home where it has none.

    Held offers that nobody has taken yet are not waited for. Raises NotAllowedNow when
    there is nowhere to drive to.
    """

    def step(at: Moment) -> Done:
        route, given_up = _past_held_offers(at)
        target = _next_target(route, at.service)
        arrives_at = at.now + drive_time(route.place, target, at.service)
        left = driving.depart(route, at.now, arrives_at)
        aboard = tuple(
            replace(b, boarded_at=at.now)
            for b in at.day.bookings.values()
            if b.route_id == route.id
            and b.state is State.ON_BOARD
            and b.boarded_at is not None
            and b.boarded_at > route.since
        )
        subjects = _subjects(left.visits)
        events = [facts.on_the_road(Fact.DEPARTED, left, at.now, subjects)]
        events += [facts.offer_released(b, at.now) for b in given_up]
        events += [
            notices.near(at.day.bookings[v.subject], arrives_at, at.now)
            for v in left.visits[:1]
            if v.kind is Kind.PICKUP
        ]
        return Done(left, (*aboard, *given_up), tuple(events))

    return _on_route("depart", route_id, service, key, step)


def arrive(
    route_id: str, service: Service, key: str | None = None, where: Point | None = None
) -> Route:
    """The vehicle stands at `where`; default where it was going.

    A driver who hears of a cancellation only on arrival says where that was.
    """

    def step(at: Moment) -> Done:
        goal = at.route.visits[0].point if at.route.visits else None
        place = where or goal or at.service.fleet.home_of(at.route)
        route = driving.arrive(at.route, at.now, place)
        subjects = _subjects(driving.at_this_call(route))
        return Done(route, events=(facts.on_the_road(Fact.ARRIVED, route, at.now, subjects),))

    return _on_route("arrive", route_id, service, key, step, where)


def start_break(route_id: str, service: Service, key: str | None = None) -> Route:
    """The driver rests. Raises NotAllowedNow when no break is next, or before its time."""

    def step(at: Moment) -> Done:
        route = driving.start_break(_past_held_offers(at)[0], at.now)
        number = route.visits[0].subject
        rule = at.service.fleet.shifts[route.shift_id].breaks[int(number)]
        if at.service.local(at.now).time() < rule.earliest:
            raise NotAllowedNow("break_too_early", earliest=rule.earliest)
        event = facts.on_the_road(Fact.BREAK_STARTED, route, at.now, (number,))
        return Done(route, events=(event,))

    return _on_route("start_break", route_id, service, key, step)


def end_break(route_id: str, service: Service, key: str | None = None) -> Route:
    """The rest is over."""

    def step(at: Moment) -> Done:
        number = at.route.visits[0].subject if at.route.visits else ""
        route = driving.end_break(at.route, at.now)
        event = facts.on_the_road(Fact.BREAK_ENDED, route, at.now, (number,))
        return Done(route, events=(event,))

    return _on_route("end_break", route_id, service, key, step)


def board(booking_id: str, service: Service, key: str | None = None) -> Booking:
    """The party is aboard. Raises NotAllowedNow unless its vehicle stands at its pickup."""

    def step(at: Moment) -> Done:
        booking = at.day.bookings[booking_id]
        ready = min(at.now, max(at.route.since, booking.promise.pickup_earliest))
        aboard = rides.board(booking, ready, at.now)
        route = driving.serve(at.route, Kind.PICKUP, booking_id)
        events = [facts.boarded(aboard, at.now)]
        late = pickup_lateness(aboard)
        if late and booking.picked_up_at is None:
            events.append(_late(aboard, late, at))
        return Done(_next_call(route, ready, at), (aboard,), tuple(events))

    return _on_booking("board", booking_id, service, key, step)


def complete(booking_id: str, service: Service, key: str | None = None) -> Booking:
    """The party has alighted where it wanted to be."""

    def step(at: Moment) -> Done:
        there = rides.complete(at.day.bookings[booking_id], at.route.since)
        route = driving.serve(at.route, Kind.DROPOFF, booking_id)
        late = (_late(there, each, at) for each in ride_lateness(there))
        done = _next_call(route, at.route.since, at)
        return Done(done, (there,), (facts.completed(there, at.now), *late))

    return _on_booking("complete", booking_id, service, key, step)


def no_show(booking_id: str, service: Service, key: str | None = None) -> Booking:
    """Nobody stood at the pickup.

    Raises NotAllowedNow unless the vehicle stands there and the promised time has come.
    """

    def step(at: Moment) -> Done:
        booking = at.day.bookings[booking_id]
        ended = rides.leave_the_plan(booking, rides.Act.NO_SHOW, "nobody_there")
        driving.serve(at.route, Kind.PICKUP, booking_id)
        if at.now < booking.promise.pickup_earliest:
            earliest = at.service.local(booking.promise.pickup_earliest)
            raise NotAllowedNow("no_show_too_early", earliest=earliest)
        route = driving.without(at.route, booking_id)
        begun = max(at.route.since, booking.promise.pickup_earliest)
        return Done(_next_call(route, begun, at), (ended,), (facts.no_show(ended, at.now),))

    return _on_booking("no_show", booking_id, service, key, step)


def report_delay(
    route_id: str, expected_arrival: datetime, service: Service, key: str | None = None
) -> Route:
    """The vehicle will reach its next visit at another time than was thought."""
    if expected_arrival.tzinfo is None:
        raise BadInput("time_without_zone")

    def step(at: Moment) -> Done:
        return _expected(at, expected_arrival)

    return _on_route("report_delay", route_id, service, key, step, expected_arrival)


def report_position(route_id: str, point: Point, service: Service, key: str | None = None) -> Route:
    """Where the vehicle is; a delay that shows by it is acted on at once."""

    def step(at: Moment) -> Done:
        here = (Position(route_id, point, at.now),)
        if at.route.status is not Status.DRIVING or at.route.arrives_at is None:
            return Done(at.route, positions=here)
        target = _next_target(at.route, at.service)
        way = at.service.places.travel.table((point,), (target,)).seconds[0, 0]
        expected = at.now + timedelta(seconds=int(way))
        if abs(expected - at.route.arrives_at) < WORTH_A_NEW_PLAN:
            return Done(at.route, positions=here)
        return replace(_expected(at, expected), positions=here)

    return _on_route("report_position", route_id, service, key, step, point)


# --- what all of them share -------------------------------------------------------------


def _next_call(route: Route, begun: datetime, at: Moment) -> Route:
    """The route after a visit of a call that began at `begun`.

    With its last visit a call is over: a vehicle that stays does so between two calls, and
    the rides of those on board have begun. Whoever boards here next, but was not due when
    that call began or is planned for later, has a call of their own.
    """
    here = driving.at_this_call(route)
    if here and here[0].kind is Kind.DROPOFF:
        return route
    if here and here[0].starts_at <= at.now:
        due = at.day.bookings[here[0].subject].promise.pickup_earliest
        return route if due <= begun else replace(route, since=at.now)
    return replace(route, since=at.now)


def _expected(at: Moment, expected: datetime) -> Done:
    if at.route.status is not Status.DRIVING:
        raise NotAllowedNow("not_driving", state=at.route.status.value)
    route = replace(at.route, arrives_at=max(expected, at.now))
    planned = at.route.visits[0].starts_at if at.route.visits else expected
    late = max(0, round((expected - planned).total_seconds()))
    events = (facts.delayed(route, at.now, expected, late),) if late else ()
    return Done(route, events=events)


def _stands(booking_id: str, at: Moment) -> bool:
    booking = at.day.bookings.get(booking_id)
    return booking is not None and is_planned(booking, at.now)


def _past_held_offers(at: Moment) -> tuple[Route, tuple[Booking, ...]]:
    """The route without the held offers that stand before its first promised visit."""
    given_up: list[Booking] = []
    route = at.route
    for visit in at.route.visits:
        if visit.kind is Kind.BREAK:
            break
        booking = at.day.bookings.get(visit.subject)
        if booking is not None and booking.state is not State.OFFERED:
            break
        route = driving.without(route, visit.subject)
        if booking is not None and booking.id not in {b.id for b in given_up}:
            given_up.append(rides.leave_the_plan(booking, rides.Act.RELEASE, "vehicle_left"))
    return route, tuple(given_up)


def _next_target(route: Route, service: Service) -> Point:
    """Where the vehicle drives next."""
    if route.visits and route.visits[0].kind is Kind.BREAK:
        raise NotAllowedNow("break_next")
    target = route.visits[0].point if route.visits else service.fleet.home_of(route)
    if target == route.place and route.status is Status.STANDING:
        raise NotAllowedNow("already_there")
    return target


def _subjects(visits: tuple[PlannedVisit, ...]) -> tuple[str, ...]:
    """Whom the first of these visits, and those at the same place right after it, are for."""
    first = visits[:1]
    return tuple(v.subject for v in visits if first and v.point == first[0].point)


def _late(booking: Booking, late: rides.Lateness, at: Moment) -> Event:
    cause = booking.cause or at.route.cause or "road"
    return facts.promise_late(booking, at.now, late.part.value, late.seconds, cause)


def _on_booking(
    name: str, booking_id: str, service: Service, key: str | None, step: RoadStep
) -> Booking:
    """Run a step on the route that a booking rides in."""
    asked = fingerprint(name, booking_id)

    def attempt() -> Booking:
        booking = service.store.get_booking(booking_id)
        if booking.route_id is None or not is_planned(booking, service.now()):
            raise NotAllowedNow(state=booking.state.value, act=name)
        return _run(booking.route_id, service, step, key, asked)[1][booking_id]

    return once(service, key, asked, attempt, lambda _: service.store.get_booking(booking_id))


def _on_route(
    name: str,
    route_id: str,
    service: Service,
    key: str | None,
    step: RoadStep,
    *asked_with: object,
) -> Route:
    asked = fingerprint(name, route_id, *asked_with)

    def attempt() -> Route:
        return _run(route_id, service, step, key, asked)[0]

    return once(service, key, asked, attempt, lambda _: service.store.get_route(route_id))


def _run(
    route_id: str, service: Service, step: RoadStep, key: str | None, asked: str
) -> tuple[Route, dict[str, Booking]]:
    """Read, act, time anew, tell, commit."""
    route = service.store.get_route(route_id)
    day = read_day(route.service_day, service)
    route = next(each for each in day.routes if each.id == route_id)
    now = service.now()
    done = step(Moment(route, day, now, service))
    change = timed_anew(done, day, now, service)
    kept = answer(key, asked, {"route": route_id})
    commit(replace(change, answer=kept, positions=done.positions), service.store, service.ports)
    written = {b.id: replace(b, version=b.version + 1) for b in change.bookings}
    made = change.routes[0] if change.routes else done.route
    return replace(made, version=made.version + len(change.routes)), written


def timed_anew(done: Done, day: Day, now: datetime, service: Service) -> Change:
    """The change that writes an act, with the rest of the route timed from where it stands."""
    unchanged = any(done.route == route for route in day.routes)
    if unchanged and not done.bookings:
        return Change(events=done.events)
    altered = {booking.id: booking for booking in done.bookings}
    if done.route.status not in PLANNABLE:
        return Change(routes=(done.route,), bookings=done.bookings, events=done.events)
    mine = {**day.bookings, **altered}
    snapshot = Day((done.route,), mine).snapshot(service, now)
    written = rewrite(snapshot, snapshot.plan, day, done.bookings, (0,))
    told, events = tell(written.routes, {**mine, **{b.id: b for b in written.bookings}}, now)
    bookings = {**{b.id: b for b in written.bookings}, **told}
    return Change(
        routes=written.routes,
        bookings=tuple(bookings.values()),
        events=(*done.events, *written.events, *events),
        checks=written.checks,
        reason="drive",
    )
