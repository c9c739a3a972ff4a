"""From a point on the map to the nearest place on a road, anywhere along it.

See: docs/words.md, snap; docs/roads.md
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from routing.graph import Floats, Graph
from routing.many_to_many import Arcs, Weights, decimetres_in, milliseconds_in, weight_of
from routing.travel import Point, Snap

REMEMBERED = 100_000
"""Points whose road is kept in mind; then it begins anew."""


@dataclass(frozen=True, slots=True, eq=False)
class Positions:
    """Places on the network; n of them.

    link : (n,) int64; share : (n,) how far along the link's line, 0 to 1.
    arcs : (n, 2) int32, the directions one can drive there, -1 against a one-way road.
    left, behind : (n, 2) int64 weights of the arc after and before the place.
    off_metres : (n,) from the point to the road.
    """

    link: Weights
    share: Floats
    arcs: Arcs
    left: Weights
    behind: Weights
    off_metres: Floats


class Snapper:
    """Finds the nearest road of a graph for many points at once."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._tree = shapely.STRtree(graph.lines)
        self._known: dict[Point, tuple[int, float, float]] = {}

    def positions(self, points: Sequence[Point]) -> Positions:
        """Bring the points onto the nearest link; equally near ones go to the lower number."""
        known = self._known  # a service asks for the same places again and again
        fresh = [point for point in dict.fromkeys(points) if point not in known]
        if fresh:
            if len(known) + len(fresh) > REMEMBERED:
                known = self._known = {point: known[point] for point in points if point in known}
            known |= zip(fresh, self._nearest(fresh), strict=True)
        link, share, off_metres = zip(*(known[point] for point in points), strict=True)
        return self._positions(
            np.array(link, np.int64), np.array(share), np.array(off_metres, np.float64)
        )

    def _nearest(self, points: Sequence[Point]) -> list[tuple[int, float, float]]:
        """Link, share along it and metres off it, for each point."""
        latlon = np.array([(p.lat, p.lon) for p in points], np.float64)
        spots = shapely.points(self._graph.flat(latlon))
        who, which = self._tree.query_nearest(spots, all_matches=True)
        order = np.lexsort((which, who))
        _, firsts = np.unique(who[order], return_index=True)
        link = which[order][firsts]
        lines = self._graph.lines[link]
        length = shapely.length(lines)
        along = shapely.line_locate_point(lines, spots)
        share = np.divide(along, length, out=np.zeros_like(along), where=length > 0)
        columns = (link.tolist(), share.tolist(), shapely.distance(lines, spots).tolist())
        return list(zip(*columns, strict=True))

    def _positions(self, link: Weights, share: Floats, off_metres: Floats) -> Positions:
        arcs = np.column_stack((2 * link, 2 * link + 1))
        whole = self._graph.weight[arcs[:, 0]]
        # Rounded once, so that before and after add up to the whole arc in either direction.
        before = weight_of(
            np.rint(share * milliseconds_in(whole)).astype(np.int64),
            np.rint(share * decimetres_in(whole)).astype(np.int64),
        )
        after = whole - before
        return Positions(
            link=link,
            share=share,
            arcs=np.where(self._graph.is_open[arcs], arcs, -1).astype(np.int32),
            left=np.ascontiguousarray(np.column_stack((after, before))),
            behind=np.ascontiguousarray(np.column_stack((before, after))),
            off_metres=off_metres,
        )

    def snap(self, positions: Positions, index: int) -> Snap:
        """Where on the road the place is, and how far off the point was."""
        line = self._graph.lines[positions.link[index]]
        spot = shapely.line_interpolate_point(line, positions.share[index], normalized=True)
        lat, lon = self._graph.unflat(shapely.get_coordinates(spot))[0]
        return Snap(Point(float(lat), float(lon)), float(positions.off_metres[index]))
