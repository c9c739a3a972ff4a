"""How a serving process settles down, so that no caller waits for what can be done beforehand.

See: docs/decisions/0116-a-process-settles-before-it-is-asked.md
"""

from __future__ import annotations

import gc
import sys

from api import problems
from dispatch.commands.service import Service
from dispatch.errors import Unavailable

TURN_SECONDS = 0.0005
"""How long a thread computes before another one may go on. By Python's own 5 ms, whoever
waits for the database waits once more for the interpreter each time it has answered."""

COLLECTED_AFTER = (10_000, 10, 10)
"""New objects after which garbage is looked for, and how often a generation before the next.
One change of the plan makes some thousands; Python's own 700 has it look several times."""

HOMES = 1_500
"""Most homes that are met beforehand; the table of ways grows with the square of the places."""


def take_short_turns() -> None:
    """Let the threads of this process take turns often: an answer before a publication ends."""
    sys.setswitchinterval(TURN_SECONDS)


def settle(service: Service) -> None:
    """Set aside what lives as long as the process, then learn the ways to people's homes."""
    set_aside()
    try:
        meet_homes(service)
    except Unavailable:
        return  # whoever asks from a home that is not known yet waits for two road searches
    except Exception as error:
        problems.note_defect(error)


def set_aside() -> None:
    """Keep modules and kernels out of the garbage collector's sight.

    They are some 200,000 objects, and looking through all of them, as it does now and then
    in the midst of an answer, takes a fifth of a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED_AFTER)


def meet_homes(service: Service, most: int = HOMES) -> int:
    """Learn the ways from and to the homes of those who rode last; says how many homes.

    One by one, so that a caller who asks meanwhile waits for one of them at most.
    """
    homes = service.store.list_homes(most)
    for home in homes:
        service.places.index_of(home)
    return len(homes)
