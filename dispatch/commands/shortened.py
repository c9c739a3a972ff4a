"""A route without some of its visits, the others at the times they stand at.

Nothing is planned anew for it: whoever is left rides as before, with some time to spare
where the others were. When the route is next written all its times are worked out again.

See: docs/decisions/0117-offers-not-taken-are-cut-out.md
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace
from datetime import datetime, timedelta

from dispatch.commands.planning import drive_time
from dispatch.commands.service import Service
from dispatch.driving import PlannedVisit, Route
from dispatch.optimizer.plan import Kind
from dispatch.timed_routes import EARLY_ARRIVAL_SECONDS

EARLY = timedelta(seconds=EARLY_ARRIVAL_SECONDS)


def shortened(route: Route, ids: Set[str], service: Service) -> Route | None:
    """The route without the visits of these bookings.

    None where that needs more thought: the first visit goes, a break loses its place, two
    calls become neighbours at one place, or the way past those left out takes too long.
    """
    left = [v for v in route.visits if v.kind is Kind.BREAK or v.subject not in ids]
    if left[:1] != list(route.visits[:1]):
        return None
    followed = {id(a): b for a, b in zip(route.visits, route.visits[1:], strict=False)}
    visits = left[:1]
    for number, visit in enumerate(left[1:], 1):
        before = left[number - 1]
        if followed[id(before)] is visit:
            visits.append(visit)
            continue
        leaves_at = _leaves_at(before, left[number:], service)
        if leaves_at is None:
            return None
        visits.append(replace(visit, leaves_at=leaves_at))
    return replace(route, visits=tuple(visits))


def _leaves_at(
    before: PlannedVisit, rest: Sequence[PlannedVisit], service: Service
) -> datetime | None:
    """When to set out for the first of `rest`, straight from the visit `before` it now.

    At once with people aboard, else as late as is sensible (see `timed_routes`).
    """
    visit = rest[0]
    if visit.kind is Kind.BREAK or visit.point == before.point:
        return None
    latest = visit.starts_at - drive_time(before.point, visit.point, service)
    if latest < before.ends_at:
        return None
    to_come = {v.subject for v in rest if v.kind is Kind.PICKUP}
    if any(v.kind is Kind.DROPOFF and v.subject not in to_come for v in rest):
        return before.ends_at
    return max(before.ends_at, latest - EARLY)
