"""When a search ends: after so many steps, after so long, or when it is told to.

A rule is an object, so a caller can combine rules and write new ones. Only a number of
steps gives the same plan again on every machine.

See: docs/words.md, search
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol


class StopRule(Protocol):
    """Asked between two batches of steps."""

    def progress(self, steps: int) -> float:
        """How far the search has come after `steps` steps: 0 at its start, 1 or more to end it.

        The search cools down as progress grows.
        """
        ...

    def steps_left(self, steps: int) -> int:
        """At most so many more steps, as far as this rule knows."""
        ...


UNBOUNDED = 2**62


@dataclass(frozen=True, slots=True)
class Iterations:
    """Stop after a number of steps."""

    steps: int

    def progress(self, steps: int) -> float:
        return steps / self.steps if self.steps > 0 else 1.0

    def steps_left(self, steps: int) -> int:
        return max(0, self.steps - steps)


@dataclass(slots=True)
class Seconds:
    """Stop after a time, counted from the first question.

    `clock` gives seconds that never go back (time.monotonic in a running service); the
    optimizer itself reads no clock.
    """

    seconds: float
    clock: Callable[[], float]
    _began: float | None = field(default=None, init=False)

    def progress(self, steps: int) -> float:  # noqa: ARG002  (the protocol's shape)
        if self._began is None:
            self._began = self.clock()
        return (self.clock() - self._began) / self.seconds if self.seconds > 0 else 1.0

    def steps_left(self, steps: int) -> int:  # noqa: ARG002
        return UNBOUNDED


@dataclass(frozen=True, slots=True)
class Told:
    """Stop as soon as `told()` is true: the routes have moved, the service is closing."""

    told: Callable[[], bool]

    def progress(self, steps: int) -> float:  # noqa: ARG002
        return 1.0 if self.told() else 0.0

    def steps_left(self, steps: int) -> int:  # noqa: ARG002
        return UNBOUNDED


class FirstOf:
    """Stop as soon as one of several rules says so."""

    __slots__ = ("_rules",)

    def __init__(self, *rules: StopRule) -> None:
        self._rules = rules

    def progress(self, steps: int) -> float:
        return max((rule.progress(steps) for rule in self._rules), default=1.0)

    def steps_left(self, steps: int) -> int:
        return min((rule.steps_left(steps) for rule in self._rules), default=0)
