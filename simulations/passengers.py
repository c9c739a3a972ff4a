"""A party's day as a story: they ring, hear the offers, choose, ride, and come home again.

See: docs/simulation.md, passengers
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from dispatch.booking import State
from dispatch.commands.wishes import Wish
from dispatch.errors import NoriaiError
from simulations.demand import Habits, Outing, Ride
from simulations.doors import Booked, Heard
from simulations.journal import Talk
from simulations.world import Steps, World

THINKING_SECONDS = (15, 70)
"""How long a caller takes to choose among the offers, well within the hold."""

TAKES_ANOTHER_TIME_WITHIN = timedelta(minutes=90)


def go_out(outing: Outing, registrant_id: str, world: World) -> Steps[None]:
    """One party's day, from the first call until they are home again."""
    yield world.until(outing.asks_at)
    there = yield from _ask(outing, outing.there, "there", registrant_id, world)
    if there is None:
        return
    home = None
    if outing.home is not None and outing.home.depart_after is not None:
        back = Ride(outing.there.destination, outing.there.origin, outing.home.depart_after)
        home = yield from _ask(outing, back, "home", registrant_id, world)
    arrived = yield from _ride(there, outing.habits, world)
    if arrived is None:
        if home is not None:
            _cancel(home, world)
        return
    if outing.home is None:
        return
    if outing.home.depart_after is None:
        yield world.until(arrived + outing.home.stay)
        back = Ride(outing.there.destination, outing.there.origin)
        home = yield from _ask(outing, back, "home", registrant_id, world)
    if home is not None:
        yield from _ride(home, outing.home.habits, world)


def _ask(
    outing: Outing, ride: Ride, leg: str, registrant_id: str, world: World
) -> Steps[Booked | None]:
    """Ask for a ride; if it is refused and they are flexible, take one of the other times."""
    habits = outing.habits if leg == "there" or outing.home is None else outing.home.habits
    wish = Wish(
        registrant_id,
        ride.origin,
        ride.destination,
        outing.party,
        depart_after=ride.depart_after,
        arrive_by=ride.arrive_by,
        channel=outing.resident.channel,
    )
    heard = world.attempt(lambda: world.doors.quote(wish))
    booking = yield from _choose(heard, wish, outing, leg, world)
    if booking is None and isinstance(heard, Heard) and heard.offers:
        _note_talk(world, wish, "offer_expired", heard, "too_late")
        return None
    if booking is None:
        other = _other_time(heard, wish, world) if habits.flexible else None
        if other is not None:
            again = world.attempt(lambda: world.doors.quote(other))
            booking = yield from _choose(again, other, outing, leg, world)
        _note_talk(
            world, wish, _code_of(heard), heard, "gave_up" if booking is None else "another_time"
        )
    if booking is not None:
        world.journal.purposes[booking.id] = outing.purpose.value
        world.habits[booking.id] = habits
        world.improve()
    return booking


def _choose(
    heard: Heard | NoriaiError, wish: Wish, outing: Outing, leg: str, world: World
) -> Steps[Booked | None]:
    """Think for a moment, then take the offer nearest to the wished time."""
    if isinstance(heard, NoriaiError) or not heard.offers:
        return None
    yield world.after(world.chance("think", outing.number, leg).randint(*THINKING_SECONDS))
    if wish.arrive_by is not None:
        best = max(heard.offers, key=lambda offer: (offer.arrive_latest, offer.id))
    else:
        best = min(heard.offers, key=lambda offer: (offer.pickup_earliest, offer.id))
    taken = world.attempt(lambda: world.doors.accept(best.id))
    return None if isinstance(taken, NoriaiError) else taken


def _other_time(heard: Heard | NoriaiError, wish: Wish, world: World) -> Wish | None:
    """The wish at the nearest time that the refusal names, if it is near enough."""
    if isinstance(heard, NoriaiError) or heard.refusal is None:
        return None
    wished = wish.depart_after or wish.arrive_by or world.now
    near = [
        time
        for time in heard.refusal.alternatives
        if abs(time - wished) <= TAKES_ANOTHER_TIME_WITHIN
    ]
    if not near:
        return None
    best = min(near, key=lambda time: abs(time - wished))
    by = heard.refusal.kind == "arrive_by"
    return replace(wish, depart_after=None if by else best, arrive_by=best if by else None)


def _ride(booking: Booked, habits: Habits, world: World) -> Steps[datetime | None]:
    """Wait for the ride and ride; when they arrived, or None if they never did."""
    ended = world.ride_ended(booking.id)
    if habits.cancels_before is not None:
        yield world.until(booking.pickup_earliest - habits.cancels_before) | ended
        if not ended.triggered:
            _cancel(booking, world)
            return None
    if not ended.triggered:
        yield ended
    now = world.doors.booking(booking.id)
    return now.completed_at if now.state is State.COMPLETED else None


def _cancel(booking: Booked, world: World) -> None:
    done = world.attempt(lambda: world.doors.cancel(booking.id))
    if not isinstance(done, NoriaiError):
        world.improve()


def _code_of(heard: Heard | NoriaiError) -> str:
    if isinstance(heard, NoriaiError):
        return heard.code
    return heard.refusal.code if heard.refusal is not None else "no_offer"


def _note_talk(world: World, wish: Wish, code: str, heard: Heard | NoriaiError, then: str) -> None:
    facts = heard.facts if isinstance(heard, NoriaiError) else {}
    alternatives: tuple[datetime, ...] = ()
    if isinstance(heard, Heard) and heard.refusal is not None:
        facts = dict(heard.refusal.facts)
        alternatives = heard.refusal.alternatives
    world.journal.talks.append(
        Talk(
            at=world.now,
            origin=wish.origin,
            destination=wish.destination,
            party=wish.party,
            depart_after=wish.depart_after,
            arrive_by=wish.arrive_by,
            code=code,
            facts=facts,
            alternatives=alternatives,
            then=then,
        )
    )
