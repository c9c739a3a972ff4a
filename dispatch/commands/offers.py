"""Finding offers: which times to try, which to show, and what each of them promises.

See: docs/booking.md; docs/decisions/0056-three-offers-that-differ.md
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil

from dispatch.booking import Booking, Promise, State
from dispatch.commands.service import Service
from dispatch.commands.wishes import Sound
from dispatch.errors import Refused
from dispatch.fares import Rider, Trip, fare_of
from dispatch.optimizer.insertion import Insertion, best_insertion, probe
from dispatch.optimizer.limits import Limit
from dispatch.optimizer.plan import Kind, Plan, Route, Visit
from dispatch.optimizer.why_not import what_stands_in_the_way
from dispatch.requests import Midnight, boarding_seconds, request_of
from dispatch.snapshot import Snapshot, with_request
from dispatch.town import Town, find_area

STEP_SECONDS = 300
"""Times are tried five minutes apart."""


@dataclass(frozen=True, slots=True)
class Window:
    """One time to try: pickup between two seconds, arrival not after a third."""

    earliest: int
    latest: int
    arrival: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """Within what the windows of one wish lie, in seconds since midnight.

    lower : no pickup before it, whatever is wished (opening, now, lead time).
    closes : no arrival after it.
    room : how much later than its earliest a pickup may be planned.
    reserve : what planning keeps back of each promise.
    way : from the begin of the pickup to the arrival without any detour.
    ride : the longest ride that is promised.
    """

    lower: int
    closes: int
    room: int
    reserve: int
    way: int
    ride: int


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """Offers with their places in the plan."""

    offers: tuple[Booking, ...]
    snapshot: Snapshot
    plan: Plan


class OfferDesk:
    """Tries times for one wish against one moment of the plan."""

    def __init__(self, sound: Sound, snapshot: Snapshot, service: Service, cause: str = "") -> None:
        self.sound = sound
        self.cause = cause
        self.service = service
        self.snapshot = snapshot
        self.midnight = snapshot.midnight
        self.bounds = bounds_of(sound, service, self.midnight)
        self.arrays = snapshot.arrays()
        self.quote_id = service.ports.new_id("quo")
        # The draft carries the party, the places and the ride limit; each window its times.
        draft = self._draft(self._promise_from(Window(0, 0, self.bounds.closes), 0, 0))
        self.request = request_of(draft, service.town, service.places, self.midnight)
        self.number = self.arrays.add_request(self.request)
        # Requests of the arrays that were only tried have no place in the snapshot.
        self._numbers = dict[int, int]()
        self._given = set[int]()  # the vehicles that have been given offers
        self.windows = self._wished_windows()

    def offers(self) -> Held | None:
        """Up to `booking.offers` offers, all held in the plan together; None where none fits.

        The first is the nearest to the wish, the second the one that costs the fleet least,
        the next ones are again the nearest; each differs from the others in time.
        """
        rules = self.service.town.booking
        most = 1 if self.sound.wish.exact else rules.offers
        spacing = round(rules.offer_spacing.total_seconds())
        held: list[Booking] = []
        begins: list[int] = []
        while len(held) < most:
            apart = [w for w in self.windows if self._may_differ(w, begins, spacing)]
            found = (
                (window, hit)
                for window, hit in self._tries(apart)
                if all(abs(hit.pickup_begin - begin) >= spacing for begin in begins)
            )
            if len(held) == 1:
                chosen = min(found, key=lambda pair: pair[1].cost, default=None)
            else:
                chosen = next(found, None)
            offer = None if chosen is None else self._hold(*chosen)
            if offer is None:
                break
            held.append(offer[0])
            begins.append(offer[1])
        if not held:
            return None
        return Held(tuple(held), self.snapshot, self._plan())

    def alternatives(self) -> tuple[datetime, ...]:
        """The nearest bookable times before and after the wished one, in the caller's kind.

        Each was tried with the very window that asking for it at once would try first.
        """
        if self.sound.wish.exact:
            return ()
        found: list[datetime] = []
        for times in (self._times_before(), self._times_after()):
            by_window = {window: time for time in times if (window := self._window_at(time))}
            nearest = next(self._tries(list(by_window)), None)
            if nearest is not None:
                found.append(self.midnight.time(by_window[nearest[0]]))
        return tuple(found)

    def reason(self) -> tuple[str, dict[str, object]]:
        """The code of the limit that stands in the way at the wished time, and its facts."""
        if not self.windows:
            limit = Limit.ARRIVAL if self._arrives_by() else Limit.SHIFT
            return limit.value, {}
        first = self.windows[0]
        wished = replace(
            self.request,
            earliest_pickup=first.earliest,
            latest_pickup=first.latest,
            latest_arrival=first.arrival,
        )
        found = what_stands_in_the_way(self.arrays, self.arrays.add_request(wished))
        if found is None:
            return Limit.PICKUP_WINDOW.value, {}
        until = None if found.until is None else self.midnight.time(found.until)
        return found.limit.value, {} if until is None else {"until": self.service.local(until)}

    # --- which times -------------------------------------------------------------------

    def _arrives_by(self) -> bool:
        return self.sound.wish.arrive_by is not None

    def _wished(self) -> int:
        wish = self.sound.wish
        if wish.arrive_by is not None:
            return self.midnight.at_most(wish.arrive_by)
        return self.midnight.at_least(self.sound.earliest)

    def _wished_windows(self) -> list[Window]:
        exact = self.sound.wish.exact
        if exact is not None:
            request = self.request
            return [Window(request.earliest_pickup, request.latest_pickup, request.latest_arrival)]
        rules = self.service.town
        span = rules.booking.search_span
        if self._arrives_by():
            span = min(span, rules.promise.arrive_early)
        steps = round(span.total_seconds()) // STEP_SECONDS
        wished = self._wished()
        windows: list[Window] = []
        for step in range(steps + 1):
            shift = step * STEP_SECONDS
            window = (
                self._arriving(wished, shift)
                if self._arrives_by()
                else self._leaving(wished + shift)
            )
            if window is not None:
                windows.append(window)
        return windows

    def _window_at(self, time: int) -> Window | None:
        """The first window that a wish for `time` would try."""
        return self._arriving(time, 0) if self._arrives_by() else self._leaving(time)

    def _leaving(self, earliest: int) -> Window | None:
        limit = self.bounds.closes - self.bounds.reserve
        if earliest < self.bounds.lower or earliest + self.bounds.way > limit:
            return None
        return Window(earliest, earliest + self.bounds.room, limit)

    def _arriving(self, wished: int, early: int) -> Window | None:
        limit = min(wished, self.bounds.closes) - self.bounds.reserve
        earliest = limit - self.bounds.way - early
        if earliest < self.bounds.lower:
            return None
        return Window(earliest, earliest + self.bounds.room, limit)

    def _times_after(self) -> Iterator[int]:
        """Round times later than the wished one, nearest first."""
        first = (self._wished() // STEP_SECONDS + 1) * STEP_SECONDS
        last = self._wished() + self._alternatives_span()
        return iter(range(first, min(last, self.bounds.closes) + 1, STEP_SECONDS))

    def _times_before(self) -> Iterator[int]:
        """Round times earlier than the wished one, nearest first."""
        first = ((self._wished() - 1) // STEP_SECONDS) * STEP_SECONDS
        last = max(self._wished() - self._alternatives_span(), self.bounds.lower)
        return iter(range(first, last - 1, -STEP_SECONDS))

    def _alternatives_span(self) -> int:
        return round(self.service.town.booking.alternatives_span.total_seconds())

    # --- trying and holding --------------------------------------------------------------

    def _tries(self, windows: Sequence[Window]) -> Iterator[tuple[Window, Insertion]]:
        """The windows that fit, in order; tried one, then a few, then more at a time."""
        start, batch = 0, 1
        while start < len(windows):
            part = windows[start : start + batch]
            hits = probe(
                self.arrays, self.number, [(w.earliest, w.latest, w.arrival) for w in part]
            )
            yield from ((w, hit) for w, hit in zip(part, hits, strict=True) if hit)
            start, batch = start + batch, min(2 * batch, 8)

    @staticmethod
    def _may_differ(window: Window, begins: Sequence[int], spacing: int) -> bool:
        """Whether a pickup in this window can lie far enough from those already offered."""
        return all(
            window.earliest <= begin - spacing or window.latest >= begin + spacing
            for begin in begins
        )

    def _hold(self, window: Window, hit: Insertion) -> tuple[Booking, int] | None:
        """Give one window a place in the plan, with the promise it makes."""
        exact = self.sound.wish.exact is not None
        for begin in (hit.pickup_begin, window.earliest):
            promise = self._promise_from(window, begin, hit.dropoff_begin)
            booking = self._draft(promise)
            request = request_of(booking, self.service.town, self.service.places, self.midnight)
            if exact:
                request = self.request
            number = self.arrays.add_request(request)
            place = best_insertion(self.arrays, number)
            if place is not None:
                self.arrays.insert(
                    number, place.vehicle, place.pickup_position, place.dropoff_position
                )
                self._given.add(place.vehicle)
                route = self.snapshot.routes[place.vehicle].id
                told = self.midnight.time(place.pickup_begin)
                booking = replace(booking, route_id=route, told_pickup=told)
                self._numbers[number] = len(self.snapshot.bookings)
                self.snapshot = with_request(self.snapshot, booking, request)
                return booking, place.pickup_begin
        return None

    def _plan(self) -> Plan:
        """The plan with its offers; requests that were only tried are left out."""
        routes = list(self.snapshot.plan.routes)
        for vehicle in self._given:
            visits = self.arrays.to_route(vehicle).visits
            routes[vehicle] = Route(tuple(self._renumbered(visit) for visit in visits))
        return Plan(tuple(routes))

    def _renumbered(self, visit: Visit) -> Visit:
        if visit.kind is Kind.BREAK or visit.subject < self.number:
            return visit
        return Visit(visit.kind, self._numbers[visit.subject])

    def exact_booking(self) -> Booking:
        """The ride of a wish with exact limits, as those say it, in no route yet."""
        return self._draft(self._promise_from(Window(0, 0, self.bounds.closes), 0, 0))

    # --- what is promised ----------------------------------------------------------------

    def _promise_from(self, window: Window, begin: int, arrival: int) -> Promise:
        """The promise of a ride whose pickup is planned at `begin`.

        Its window opens at the full minute before, but not before the wished time.
        """
        exact, time = self.sound.wish.exact, self.midnight.time
        if exact is not None:
            return Promise(
                exact.pickup_earliest,
                exact.pickup_latest,
                exact.arrive_latest,
                exact.max_ride_seconds,
            )
        bounds = self.bounds
        opens = max(begin - begin % 60, window.earliest)
        closes = opens + round(self.service.town.promise.pickup_window.total_seconds())
        arrives = max(closes + bounds.way + bounds.ride - self.sound.direct_seconds, arrival)
        arrives = -(-(arrives + bounds.reserve) // 60) * 60
        return Promise(
            pickup_earliest=time(opens),
            pickup_latest=time(closes),
            arrive_latest=time(max(min(arrives, window.arrival + bounds.reserve), opens)),
            max_ride_seconds=bounds.ride,
        )

    def _draft(self, promise: Promise) -> Booking:
        sound, service, now = self.sound, self.service, self.snapshot.now
        wish = sound.wish
        return Booking(
            id=service.ports.new_id("bkg"),
            quote_id=self.quote_id,
            registrant_id=wish.registrant_id,
            service_day=sound.service_day,
            origin=wish.origin,
            destination=wish.destination,
            party=wish.party,
            promise=promise,
            direct_seconds=sound.direct_seconds,
            fare_yen=fare_yen(sound, service),
            state=State.OFFERED,
            channel=wish.channel,
            created_at=now,
            expires_at=now + service.town.booking.hold,
            cause=self.cause,
        )


def bounds_of(sound: Sound, service: Service, midnight: Midnight) -> Bounds:
    """Within what the windows of this wish lie."""
    rules = service.town.promise
    window = round(rules.pickup_window.total_seconds())
    reserve = round(rules.reserve.total_seconds())
    direct = sound.direct_seconds
    standing = round(service.town.boarding.stop.total_seconds())
    soonest = max(sound.opens, service.now() + service.town.booking.lead_time)
    return Bounds(
        lower=midnight.at_least(soonest),
        closes=midnight.at_most(sound.closes),
        room=min(window, max(window - reserve, 59)),
        reserve=reserve,
        way=standing + boarding_seconds(sound.wish.party, service.town) + direct,
        ride=longest_ride(direct, service.town),
    )


def longest_ride(direct_seconds: int, town: Town) -> int:
    """The longest ride that is promised for a trip of so many seconds without detour."""
    rules = town.promise
    allowance = round(rules.ride_allowance.total_seconds())
    return max(ceil(direct_seconds * rules.ride_ratio), direct_seconds + allowance)


def fare_yen(sound: Sound, service: Service) -> int:
    """What the whole party pays, in yen."""
    wish, town = sound.wish, service.town
    claims = [frozenset({need}) for need in wish.party.needs]
    claims += [frozenset[str]()] * (wish.party.passengers - len(claims))
    born = sound.registrant.birth_date if sound.registrant else None
    riders = tuple(
        Rider(claim, born if number == 0 else None) for number, claim in enumerate(claims)
    )
    areas = [find_area(place.point, town) for place in (wish.origin, wish.destination)]
    start, end = (area.name if area else "" for area in areas)
    trip = Trip(riders, start, end, sound.direct_metres)
    return fare_of(trip, town.fares, sound.service_day).total_yen


def insert_again(offer: Booking, snapshot: Snapshot) -> Plan:
    """The plan with an offer that the road has pushed out of its place.

    Raises Refused("offer_gone") when no vehicle can keep its promise any more.
    """
    arrays = snapshot.arrays()
    place = best_insertion(arrays, snapshot.request_of(offer.id))
    if place is None:
        raise Refused("offer_gone")
    arrays.insert(place.request, place.vehicle, place.pickup_position, place.dropoff_position)
    return arrays.to_plan()
