"""Deciding again when somebody else was faster.

A command loads, decides and commits; if a route has moved in between, nothing was written
and the decision is made anew on what stands now.

See: docs/decisions/0054-decide-again.md
"""

from __future__ import annotations

from collections.abc import Callable

from dispatch.commands.service import Service
from dispatch.errors import RouteMoved

TRIES = 400
"""How often a decision is made anew before the caller is asked to come again."""

LOST_RACE = "lost_race"
"""The checkpoint of each decision that is made again."""


def decide[Made](service: Service, attempt: Callable[[], Made]) -> Made:
    """Run `attempt` until no route moves under it.

    The first try takes no lock; a loser queues with this process's other losers, so that
    they do not go on overtaking each other. Raises RouteMoved after `TRIES` losses.
    """
    try:
        return attempt()
    except RouteMoved:
        service.ports.checkpoint(LOST_RACE)
    with service.turn:
        for _ in range(TRIES - 2):
            try:
                return attempt()
            except RouteMoved:
                service.ports.checkpoint(LOST_RACE)
        return attempt()
