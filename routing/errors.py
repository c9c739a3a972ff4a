"""What can be wrong with a map: a file that is not there or not whole, an engine that is away.

Routing stands below the service, so it has its own errors; each carries a stable code and
the facts, and says itself in one line. The doors turn the code into a sentence in the
caller's language.

See: docs/roads.md; docs/decisions/0010-the-towns-own-road-network.md
"""

from __future__ import annotations


class RoadsError(Exception):
    """The map cannot be used as it is.

    `code` is stable; `facts` name the file or address and what was found there.
    """

    code = "roads_error"
    sentence = "the map cannot be used"

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(self.sentence.format_map(facts))


class ExtractMissing(RoadsError):
    """There is no OpenStreetMap extract under that name."""

    code = "extract_missing"
    sentence = "no OpenStreetMap extract at {file}: {problem}"


class ExtractBroken(RoadsError):
    """The extract is cut short, or no OpenStreetMap file at all."""

    code = "extract_broken"
    sentence = "{file} is not a whole OpenStreetMap extract: {problem}"


class NoRoads(RoadsError):
    """The extract is sound, but no road of a class in the speed table is in it."""

    code = "no_roads"
    sentence = "{file} holds no road that a car may drive within the area asked for"


class NetworkMissing(RoadsError):
    """There is no road network file under that name."""

    code = "network_missing"
    sentence = "no road network at {file}: {problem}; make one with `noriai roads import`"


class NetworkBroken(RoadsError):
    """The file is no road network, is damaged, or is of a later version than this program."""

    code = "network_broken"
    sentence = "{file} is not a road network: {problem}; make it again with `noriai roads import`"


class NetworkNotWritten(RoadsError):
    """The road network could not be written; what was there before still is."""

    code = "network_not_written"
    sentence = "cannot write the road network {file}: {problem}"


class BaseMapBroken(RoadsError):
    """The file is no base map, or no vector tiles to make one from."""

    code = "basemap_broken"
    sentence = "{file} cannot be read as a map: {problem}"


class BadSpeeds(RoadsError):
    """The speed table has no speed for a class of road, or one that is not positive."""

    code = "bad_speeds"
    sentence = "the speed table gives {found} for roads of class {road_class}; write km/h above 0"


class EngineUnavailable(RoadsError):
    """The road engine outside this process does not answer, or does not answer sensibly."""

    code = "road_engine_unavailable"
    sentence = "the road engine {engine} does not answer: {problem}"
