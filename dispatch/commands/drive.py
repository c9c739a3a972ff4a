"""What drivers report: duty, drives, arrivals, boarding, breaks, positions and delays.

Each act moves one vehicle along the table of states, takes what is done out of its route,
gives the rest new times, and tells people whose pickup has moved. What was done in a dead
zone counts at the time it was done; what is to come is planned from now.

See: docs/booking.md, on the road; docs/decisions/0052-vehicles-wait-where-they-stand.md,
0100-an-act-counts-when-it-was-done.md
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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
    """What an act starts from.

    now : when the act was done.
    heard : when the service heard of it; later, where the tablet was in a dead zone.
    """

    route: Route
    day: Day
    now: datetime
    heard: datetime
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


@dataclass(frozen=True, slots=True)
class Noted:
    """What a tablet says of an act besides the act itself.

    at : when it was done; None for now.
    more : whether other acts were sent with it and come after it. Until the last of them,
        nobody is told of a pickup that has moved: the next one may know better.
    """

    at: datetime | None = None
    more: bool = False


LIVE = Noted()
"""An act that is reported as it is done."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An act as it was reported. `subject` is the route or the booking that it is about."""

    act: str
    subject: str
    key: str | None = None
    noted: Noted = LIVE
    asked_with: tuple[object, ...] = ()

    @property
    def fingerprint(self) -> str:
        """What stands for all of it."""
        return fingerprint(self.act, self.subject, self.noted.at, *self.asked_with)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A position as the tablet noted it; `at` None for now."""

    point: Point
    at: datetime | None = None


type RoadStep = Callable[[Moment], Done]


def open_day(day: date, service: Service) -> tuple[Route, ...]:
    """The routes of a service day, made from its shifts; asked again, those that are there."""
    return open_routes(day, service)


def start_duty(
    route_id: str, service: Service, key: str | None = None, noted: Noted = LIVE
) -> Route:
    """The driver is at the vehicle and ready."""

    def step(at: Moment) -> Done:
        route = driving.start_duty(at.route, at.now)
        return Done(route, events=(facts.on_the_road(Fact.DUTY_STARTED, route, at.now),))

    return _on_route(Asked("start_duty", route_id, key, noted), service, step)


def end_duty(route_id: str, service: Service, key: str | None = None, noted: Noted = LIVE) -> Route:
    """The driver goes home. Raises NotAllowedNow while rides are still to come."""

    def step(at: Moment) -> Done:
        planned = tuple(
            v for v in at.route.visits if v.kind is Kind.BREAK or _stands(v.subject, at)
        )
        route = driving.end_duty(replace(at.route, visits=planned), at.now)
        return Done(route, events=(facts.on_the_road(Fact.DUTY_ENDED, route, at.now),))

    return _on_route(Asked("end_duty", route_id, key, noted), service, step)


def depart(route_id: str, service: Service, key: str | None = None, noted: Noted = LIVE) -> Route:
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
            if v.kind is Kind.PICKUP and arrives_at > at.heard
        ]
        return Done(left, (*aboard, *given_up), tuple(events))

    return _on_route(Asked("depart", route_id, key, noted), service, step)


def arrive(
    route_id: str,
    service: Service,
    key: str | None = None,
    where: Point | None = None,
    noted: Noted = LIVE,
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

    return _on_route(Asked("arrive", route_id, key, noted, (where,)), service, step)


def start_break(
    route_id: str, service: Service, key: str | None = None, noted: Noted = LIVE
) -> Route:
    """The driver rests. Raises NotAllowedNow when no break is next, or before its time."""

    def step(at: Moment) -> Done:
        route = driving.start_break(_past_held_offers(at)[0], at.now)
        number = route.visits[0].subject
        rule = at.service.fleet.shifts[route.shift_id].breaks[int(number)]
        if at.service.local(at.now).time() < rule.earliest:
            raise NotAllowedNow("break_too_early", earliest=rule.earliest)
        event = facts.on_the_road(Fact.BREAK_STARTED, route, at.now, (number,))
        return Done(route, events=(event,))

    return _on_route(Asked("start_break", route_id, key, noted), service, step)


def end_break(
    route_id: str, service: Service, key: str | None = None, noted: Noted = LIVE
) -> Route:
    """The rest is over."""

    def step(at: Moment) -> Done:
        number = at.route.visits[0].subject if at.route.visits else ""
        route = driving.end_break(at.route, at.now)
        event = facts.on_the_road(Fact.BREAK_ENDED, route, at.now, (number,))
        return Done(route, events=(event,))

    return _on_route(Asked("end_break", route_id, key, noted), service, step)


def board(
    booking_id: str, service: Service, key: str | None = None, noted: Noted = LIVE
) -> Booking:
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

    return _on_booking(Asked("board", booking_id, key, noted), service, step)


def complete(
    booking_id: str, service: Service, key: str | None = None, noted: Noted = LIVE
) -> Booking:
    """The party has alighted where it wanted to be."""

    def step(at: Moment) -> Done:
        there = rides.complete(at.day.bookings[booking_id], at.route.since)
        route = driving.serve(at.route, Kind.DROPOFF, booking_id)
        late = (_late(there, each, at) for each in ride_lateness(there))
        done = _next_call(route, at.route.since, at)
        return Done(done, (there,), (facts.completed(there, at.now), *late))

    return _on_booking(Asked("complete", booking_id, key, noted), service, step)


def no_show(
    booking_id: str, service: Service, key: str | None = None, noted: Noted = LIVE
) -> Booking:
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

    return _on_booking(Asked("no_show", booking_id, key, noted), service, step)


def report_delay(
    route_id: str, expected_arrival: datetime, service: Service, key: str | None = None
) -> Route:
    """The vehicle will reach its next visit at another time than was thought."""
    if expected_arrival.tzinfo is None:
        raise BadInput("time_without_zone")

    def step(at: Moment) -> Done:
        return _expected(at, expected_arrival)

    asked = Asked("report_delay", route_id, key, asked_with=(expected_arrival,))
    return _on_route(asked, service, step)


def report_position(route_id: str, point: Point, service: Service, key: str | None = None) -> Route:
    """Where the vehicle is; a delay that shows by it is acted on at once."""
    return report_positions(route_id, (Sighting(point),), service, key)


def report_positions(
    route_id: str, seen: Sequence[Sighting], service: Service, key: str | None = None
) -> Route:
    """Where the vehicle was since the last report; the newest position shows a delay.

    Each is kept at its own moment, so they may come in any order and more than once.
    """

    def step(at: Moment) -> Done:
        track = tuple(
            Position(route_id, s.point, _believed(s.at, at.route, at.heard, service)) for s in seen
        )
        newest = max(track, key=lambda position: position.at)
        if at.route.arrives_at is None or _is_history(newest, at):
            return Done(at.route, positions=track)
        target = _next_target(at.route, at.service)
        way = at.service.places.travel.table((newest.point,), (target,)).seconds[0, 0]
        expected = newest.at + timedelta(seconds=int(way))
        if abs(expected - at.route.arrives_at) < WORTH_A_NEW_PLAN:
            return Done(at.route, positions=track)
        return replace(_expected(at, expected), positions=track)

    asked = Asked("report_position", route_id, key, asked_with=tuple(seen))
    return _on_route(asked, service, step)


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
    return booking is not None and is_planned(booking, at.heard)


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


def _believed(noted: datetime | None, route: Route, heard: datetime, service: Service) -> datetime:
    """A time that a tablet noted, unless it lies ahead or on another day; else when it came."""
    if noted is None or noted > heard or service.local(noted).date() != route.service_day:
        return heard
    return noted


def _done_at(noted: datetime | None, route: Route, heard: datetime, service: Service) -> datetime:
    """When an act was done: as noted, unless the vehicle's former act was later than that."""
    done = _believed(noted, route, heard, service)
    return done if done >= route.since or route.status is Status.OFF_DUTY else heard


def _is_history(position: Position, at: Moment) -> bool:
    """Whether a position is from before this drive, or older than one that is known."""
    if position.at < at.route.since:
        return True
    if at.heard - position.at < WORTH_A_NEW_PLAN:
        return False
    known = at.service.store.list_latest_positions([at.route.id])
    return any(each.at > position.at for each in known)


def _both_times(events: Iterable[Event], heard: datetime) -> tuple[Event, ...]:
    """The facts, which also say when they were heard of where that was later."""
    return tuple(
        event
        if event.at == heard
        else replace(event, payload={**event.payload, "heard_at": facts.moment(heard)})
        for event in events
    )


def _on_booking(asked: Asked, service: Service, step: RoadStep) -> Booking:
    """Run a step on the route that a booking rides in."""
    booking_id = asked.subject

    def attempt() -> Booking:
        booking = service.store.get_booking(booking_id)
        if booking.route_id is None or not is_planned(booking, service.now()):
            raise NotAllowedNow(state=booking.state.value, act=asked.act)
        return _run(booking.route_id, asked, service, step)[1][booking_id]

    def again(_: object) -> Booking:
        return service.store.get_booking(booking_id)

    return once(service, asked.key, asked.fingerprint, attempt, again)


def _on_route(asked: Asked, service: Service, step: RoadStep) -> Route:
    def attempt() -> Route:
        return _run(asked.subject, asked, service, step)[0]

    def again(_: object) -> Route:
        return service.store.get_route(asked.subject)

    return once(service, asked.key, asked.fingerprint, attempt, again)


def _run(
    route_id: str, asked: Asked, service: Service, step: RoadStep
) -> tuple[Route, dict[str, Booking]]:
    """Read, act, time anew, tell, commit."""
    route = service.store.get_route(route_id)
    day = read_day(route.service_day, service)
    route = next(each for each in day.routes if each.id == route_id)
    heard = service.now()
    done_at = _done_at(asked.noted.at, route, heard, service)
    done = step(Moment(route, day, done_at, heard, service))
    done = replace(done, events=_both_times(done.events, heard))
    quiet = asked.noted.more and heard - done_at >= WORTH_A_NEW_PLAN
    change = timed_anew(done, day, heard, service, quiet=quiet)
    kept = answer(asked.key, asked.fingerprint, {"route": route_id})
    commit(replace(change, answer=kept, positions=done.positions), service.store, service.ports)
    written = {b.id: replace(b, version=b.version + 1) for b in change.bookings}
    made = change.routes[0] if change.routes else done.route
    return replace(made, version=made.version + len(change.routes)), written


def timed_anew(
    done: Done, day: Day, now: datetime, service: Service, *, quiet: bool = False
) -> Change:
    """The change that writes an act, with the rest of the route timed from where it stands.

    quiet : tell nobody that their pickup has moved.
    """
    unchanged = any(done.route == route for route in day.routes)
    if unchanged and not done.bookings:
        return Change(events=done.events)
    altered = {booking.id: booking for booking in done.bookings}
    if done.route.status not in PLANNABLE:
        return Change(routes=(done.route,), bookings=done.bookings, events=done.events)
    mine = {**day.bookings, **altered}
    snapshot = Day((done.route,), mine).snapshot(service, now)
    written = rewrite(snapshot, snapshot.plan, day, done.bookings, (0,))
    to_tell = () if quiet else written.routes
    told, events = tell(to_tell, {**mine, **{b.id: b for b in written.bookings}}, now)
    bookings = {**{b.id: b for b in written.bookings}, **told}
    return Change(
        routes=written.routes,
        bookings=tuple(bookings.values()),
        events=(*done.events, *written.events, *events),
        checks=written.checks,
        reason="drive",
    )
