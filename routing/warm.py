"""Compile the road engine's kernels, so that the first booking does not wait for them.

See: docs/roads.md
"""

from __future__ import annotations

from routing.engines.embedded import NetworkTravel
from routing.network import grid_network
from routing.travel import Point


def warm() -> None:
    """Call every compiled kernel of routing once, on a made-up town."""
    network = grid_network(2, 3)
    travel = NetworkTravel(network)
    corners = [Point(float(lat), float(lon)) for lat, lon in network.junctions]
    travel.table(corners[:1], corners)
    travel.table(corners, corners[:1])
    travel.leg(corners[0], corners[-1])
