"""Any small day, act by act in any order: promises stand, plans are sound, tables hold.

See: docs/booking.md; docs/testing.md
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dispatch.booking import IN_THE_PLAN, MOVES, Booking, Promise, State
from dispatch.commands import drive, operate
from dispatch.commands.book import accept_offer, cancel_booking, expire_holds, release_quote
from dispatch.commands.quote import Quote, quote
from dispatch.driving import Route, Status
from dispatch.errors import NoriaiError, UnverifiedPlan
from dispatch.optimizer.plan import Kind
from dispatch.optimizer.verify import verify
from dispatch.plan_record import recorded_plan
from tests.builders import DAY, STOPS, DayBuilder, a_town
from tests.markers import examples

STOP = st.sampled_from(sorted(STOPS))
CLOCKS = st.integers(0, 27).map(lambda n: f"{9 + n // 4:02d}:{15 * (n % 4):02d}")
NEXT_STATES = {(state, after) for (state, _), after in MOVES.items()}


class AnyDay(RuleBasedStateMachine):
    """A day of two vehicles, driven by whatever hypothesis thinks of."""

    def __init__(self) -> None:
        super().__init__()
        self.day: DayBuilder = (
            a_town().with_vehicles(2, seats=3).with_break("11:00", "14:00", 30).at("08:45").day()
        )
        self.promises: dict[str, Promise] = {}
        self.states: dict[str, State] = {}
        self.quotes: list[Quote] = []
        self.faults = False

    def teardown(self) -> None:
        self.day.service.store.close()

    def attempt[Made](self, act: Callable[[], Made]) -> Made | None:
        """An act that may be refused, but never because a plan was not sound."""
        try:
            return act()
        except UnverifiedPlan:
            raise
        except NoriaiError:
            return None

    def bookings(self) -> list[Booking]:
        return self.day.service.store.list_bookings(DAY)

    def routes(self) -> list[Route]:
        return self.day.routes()

    # --- what people do ------------------------------------------------------------------

    @rule(
        origin=STOP,
        destination=STOP,
        time=CLOCKS,
        passengers=st.integers(1, 3),
        kind=st.sampled_from(["depart_after", "arrive_by", "now"]),
        wheelchair=st.booleans(),
    )
    def ask(
        self,
        origin: str,
        destination: str,
        time: str,
        passengers: int,
        kind: str,
        wheelchair: bool,
    ) -> None:
        when = {} if kind == "now" else {kind: time}
        needs = ("wheelchair",) if wheelchair else ()
        wish = self.day.wish(
            destination,
            origin=origin,
            passengers=passengers,
            needs=needs,
            **when,
        )
        answer = self.attempt(lambda: quote(wish, self.day.service))
        if answer is not None and answer.offers:
            self.quotes.append(answer)

    @precondition(lambda self: self.quotes)
    @rule(number=st.integers(0, 2))
    def take(self, number: int) -> None:
        offers = self.quotes.pop().offers
        chosen = offers[number % len(offers)]
        booked = self.attempt(lambda: accept_offer(chosen.id, self.day.service))
        if booked is not None:
            assert booked.promise == chosen.promise

    @precondition(lambda self: self.quotes)
    @rule()
    def leave_it(self) -> None:
        last = self.quotes.pop()
        self.attempt(lambda: release_quote(last.id, self.day.service))

    @rule(number=st.integers(0, 20))
    def cancel(self, number: int) -> None:
        confirmed = [b for b in self.bookings() if b.state is State.CONFIRMED]
        if confirmed:
            one = confirmed[number % len(confirmed)]
            self.attempt(lambda: cancel_booking(one.id, self.day.service))

    # --- what the road does --------------------------------------------------------------

    @rule(minutes=st.integers(0, 12))
    def wait(self, minutes: int) -> None:
        """Time passes, but no vehicle misses what it has to do next."""
        until = self.day.clock.now + timedelta(minutes=minutes)
        while True:
            due = [
                (at, route.id, route)
                for route in self.routes()
                if (at := self.due_at(route)) is not None and at <= until
            ]
            if not due:
                break
            self.drive(*min(due)[::2])
        self.day.clock.now = max(self.day.clock.now, until)

    def due_at(self, route: Route) -> datetime | None:
        """When the driver has to do something next; None while there is nothing to do."""
        if route.status in {Status.OUT_OF_SERVICE, Status.FINISHED}:
            return None
        if route.status is Status.OFF_DUTY:
            return route.since
        if route.status is Status.DRIVING:
            return route.arrives_at
        visits = [v for v in route.visits if self.is_promised(v.subject, v.kind)]
        if not visits:
            return None
        first = visits[0]
        if route.status is Status.ON_BREAK:
            return route.since + (first.ends_at - first.starts_at)
        if first.kind is Kind.BREAK:
            return first.starts_at
        return first.ends_at if first.point == route.place else first.leaves_at

    def is_promised(self, subject: str, kind: Kind) -> bool:
        if kind is Kind.BREAK:
            return True
        return self.day.service.store.get_booking(subject).state is not State.OFFERED

    def drive(self, due: datetime, route: Route) -> None:
        """The driver's next act, at its time (or now, if that has passed)."""
        service, clock = self.day.service, self.day.clock
        clock.now = max(clock.now, due)
        visits = [v for v in route.visits if self.is_promised(v.subject, v.kind)]
        if route.status is Status.OFF_DUTY:
            drive.start_duty(route.id, service)
        elif route.status is Status.DRIVING:
            drive.arrive(route.id, service)
        elif route.status is Status.ON_BREAK:
            drive.end_break(route.id, service)
        elif visits[0].kind is Kind.BREAK:
            drive.start_break(route.id, service)
        elif visits[0].point != route.place:
            drive.depart(route.id, service)
        elif visits[0].kind is Kind.PICKUP:
            drive.board(visits[0].subject, service)
        else:
            drive.complete(visits[0].subject, service)

    @rule(minutes=st.integers(1, 15))
    def meet_a_traffic_jam(self, minutes: int) -> None:
        for route in self.routes():
            if route.status is Status.DRIVING and route.arrives_at is not None:
                later = route.arrives_at + timedelta(minutes=minutes)
                drive.report_delay(route.id, later, self.day.service)
                self.faults = True
                return

    @precondition(lambda self: not self.faults)
    @rule()
    def break_down(self) -> None:
        route = self.routes()[0]
        if route.status in {Status.STANDING, Status.DRIVING}:
            operate.break_down(route.id, self.day.service, "engine")
            self.faults = True

    @rule()
    def sweep(self) -> None:
        expire_holds(self.day.service)

    @rule(seed=st.integers(0, 9))
    def search(self, seed: int) -> None:
        self.day.improve(iterations=50, seed=seed)

    # --- what holds at any time ------------------------------------------------------------

    @invariant()
    def promises_never_move_and_states_follow_the_table(self) -> None:
        for booking in self.bookings():
            promised = self.promises.setdefault(booking.id, booking.promise)
            assert booking.promise == promised
            before = self.states.get(booking.id, State.OFFERED)
            assert before is booking.state or _reachable(before, booking.state)
            self.states[booking.id] = booking.state

    @invariant()
    def everybody_promised_has_one_place_and_is_never_forgotten(self) -> None:
        planned: dict[str, list[Kind]] = {}
        for route in self.routes():
            for visit in route.visits:
                if visit.kind is not Kind.BREAK:
                    planned.setdefault(visit.subject, []).append(visit.kind)
        for booking in self.bookings():
            if booking.state is State.CONFIRMED:
                assert planned[booking.id] == [Kind.PICKUP, Kind.DROPOFF]
            elif booking.state is State.ON_BOARD:
                assert planned[booking.id] == [Kind.DROPOFF]
            elif booking.state not in IN_THE_PLAN:
                assert booking.id not in planned

    @invariant()
    def without_a_fault_nobody_is_late(self) -> None:
        if not self.faults:
            assert "promise_late" not in self.day.facts()
        assert self.faults or "promise_broken" not in self.day.facts()

    @invariant()
    def every_recorded_plan_is_sound(self) -> None:
        recorded = [
            each.event.payload["plan"]
            for each in self.day.service.store.list_events_of_day(DAY)
            if each.event.fact.value == "route_changed"
        ]
        for plan in recorded[-3:]:
            assert verify(*recorded_plan(plan)) == ()


def _reachable(before: State, after: State) -> bool:
    """Whether one act, or two, lead from one state to the other."""
    one = {to for come, to in NEXT_STATES if come is before}
    two = {to for come, to in NEXT_STATES if come in one}
    three = {to for come, to in NEXT_STATES if come in two}
    return after in one | two | three


TestAnyDay = AnyDay.TestCase
TestAnyDay.settings = settings(max_examples=examples(12, 300), stateful_step_count=examples(25, 60))
