"""A second look before a no: what fits nowhere may fit once other rides are moved.

Only for wishes that bring their own exact limits, as a replayed scenario does: nobody who was
told a time hears of it for the sake of an offer that may not be taken. Every promise is kept.

See: docs/decisions/0143-a-second-look-before-a-no.md
"""

from __future__ import annotations

from dataclasses import replace

from dispatch.commands.offers import Held, OfferDesk
from dispatch.optimizer.plan import Kind, Visit
from dispatch.optimizer.schedule import Timetable, timetable
from dispatch.optimizer.search import improve
from dispatch.optimizer.stopping import Iterations
from dispatch.snapshot import with_request


def second_look(desk: OfferDesk) -> Held | None:
    """The offer that a search has found room for; None where there is none, or none is sought."""
    rules = desk.service.town.look_ahead
    if rules is None or rules.second_look == 0 or desk.sound.wish.exact is None:
        return None
    booking = desk.exact_booking()
    snapshot = with_request(desk.snapshot, booking, desk.request)
    number = len(snapshot.bookings) - 1
    stop = Iterations(rules.second_look)
    plan = improve(snapshot.problem, snapshot.plan, snapshot.town.weights, stop, seed=1)
    pickup = Visit(Kind.PICKUP, number)
    for vehicle, route in enumerate(plan.routes):
        if pickup not in route.visits:
            continue
        times = timetable(snapshot.problem, vehicle, route)
        if not isinstance(times, Timetable):
            return None
        told = snapshot.midnight.time(times.begins[route.visits.index(pickup)])
        offer = replace(booking, route_id=snapshot.routes[vehicle].id, told_pickup=told)
        known = (*snapshot.bookings[:number], offer)
        return Held((offer,), replace(snapshot, bookings=known), plan)
    return None
