"""Doing with fewer vehicles, where each vehicle that is used has a price.

See: docs/words.md, search; docs/decisions/0121-fewer-vehicles.md
"""

from __future__ import annotations

from dispatch.optimizer.desk import BEST, CURRENT, Desk, copy_into, start_from
from dispatch.optimizer.objective import Weights
from dispatch.optimizer.slack import work_out_route


class FewerVehicles:
    """Does without one vehicle after the other, for a share of the search.

    A route is dissolved, its vehicle closed, and whoever has no place is priced out of the
    plan: each time that a request is left out its price rises, so that the search finds
    room for those that are hard to place (after the absence counts of Christiaens and
    Vanden Berghe 2020, doi:10.1287/trsc.2019.0914). The plan so far stands until a cheaper
    one serves the same requests.
    """

    def __init__(self, desk: Desk, weights: Weights, share: float) -> None:
        self.desk, self.weights = desk, weights
        self.share = share if weights.vehicle > 0 else 0.0
        self.trying = False

    @property
    def price_rise(self) -> int:
        """By how much the price of a request rises when it is left out."""
        return self.weights.unserved if self.trying else 0

    def look(self, progress: float) -> None:
        """Begin with another vehicle, or give up when the time for it is over."""
        if self.trying and progress >= self.share:
            self.stop()
        elif not self.trying and progress < self.share and self.desk.draft.vehicle_of.min() >= 0:
            chosen = self._vehicle_to_close()
            if chosen is None:
                self.share = 0.0
            else:
                self._close(chosen)

    def settle(self) -> None:
        """Take the plan over as soon as everybody has a place in it."""
        desk = self.desk
        if not self.trying or desk.kept_vehicle_of.min() < 0:
            return
        cost = int(desk.kept.cost.sum())
        if cost < desk.costs[BEST]:
            self._open(cost)
            copy_into(desk.kept, desk.best)
            desk.costs[BEST] = cost

    def _vehicle_to_close(self) -> int | None:
        """The vehicle with the fewest visits, all of which may go elsewhere."""
        desk = self.desk
        tables, movable = desk.tables, desk.draft.movable
        sizes = []
        for vehicle, count in enumerate(desk.best.count.tolist()):
            nodes = desk.best.node[vehicle, :count]
            requests = (nodes[nodes >= tables.breaks] - tables.breaks) // 2
            if count and 2 * len(set(requests.tolist())) == count and movable[requests].all():
                sizes.append((count, vehicle))
        return min(sizes)[1] if len(sizes) > 1 else None

    def _close(self, vehicle: int) -> None:
        desk, draft = self.desk, self.desk.draft
        copy_into(desk.best, desk.kept)
        desk.kept.count[vehicle] = 0
        work_out_route(desk.tables, desk.kept, vehicle, desk.scratch)
        start_from(desk, desk.kept)
        draft.price[:] = self.weights.unserved
        draft.closed[vehicle] = True
        desk.costs[CURRENT] = 2**60
        self.trying = True

    def stop(self) -> None:
        """Give up: back to the best plan, and no other vehicle is tried."""
        self.share = 0.0
        self._open(int(self.desk.costs[BEST]))
        start_from(self.desk, self.desk.best)

    def _open(self, cost: int) -> None:
        draft = self.desk.draft
        draft.price[:] = self.weights.unserved
        draft.closed[:] = False
        self.desk.costs[CURRENT] = cost
        self.desk.dirty[:] = True
        self.trying = False
