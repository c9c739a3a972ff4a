"""How fast a vehicle really drives, by class of road; a town's own table overrides it.

See: docs/words.md, speed table; docs/roads.md
"""

from __future__ import annotations

from collections.abc import Mapping

from routing.errors import BadSpeeds

MOUNTAIN_SPEEDS: Mapping[str, float] = {
    "motorway": 80,
    "trunk": 50,
    "primary": 45,
    "secondary": 40,
    "tertiary": 35,
    "unclassified": 28,
    "residential": 22,
    "living_street": 15,
    "service": 15,
    "track": 10,
}
"""km/h of a shared taxi in hilly country; an assumption that recorded drives should correct."""


def speed_of(road_class: str, speeds: Mapping[str, float]) -> float | None:
    """km/h on roads of that class; a slip road drives like the road it belongs to.

    None where the table has no such class: not a road for cars. Raises BadSpeeds for a speed
    that is not above 0.
    """
    speed = speeds.get(road_class, speeds.get(road_class.removesuffix("_link")))
    if speed is not None and not speed > 0:
        raise BadSpeeds(road_class=road_class, found=speed)
    return speed
