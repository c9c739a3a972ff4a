"""Rows that this process has read or written, by day, so that they need not be read again.

See: docs/decisions/0105-a-row-at-a-known-version-is-not-read-again.md
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from typing import Protocol

_BATCH = 500
"""Most ids in one query."""

_DAYS_KEPT = 8
"""Service days whose rows are remembered between reads."""


class Versioned(Protocol):
    """A row with a version, of one service day."""

    @property
    def id(self) -> str: ...

    @property
    def service_day(self) -> date: ...

    @property
    def version(self) -> int: ...


def batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """The ids, so many at a time as one query may name."""
    return (ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH))


class Remembered[Item: Versioned]:
    """Rows already read, by day: a row at the same version need not be read again.

    A version says everything about its row, since every change raises it.
    """

    def __init__(self) -> None:
        self._days: dict[date, dict[str, Item]] = {}

    def read(
        self,
        day: date,
        versions: Sequence[tuple[str, int]],
        load: Callable[[Sequence[str]], Iterable[Item]],
    ) -> tuple[Item, ...]:
        """The items of a day in the order of `versions`; `load` reads those not remembered."""
        known = self._days.get(day, {})
        missing = [
            item_id
            for item_id, version in versions
            if item_id not in known or known[item_id].version != version
        ]
        fresh = {item.id: item for part in batches(missing) for item in load(part)}
        current = {item_id: fresh.get(item_id) or known[item_id] for item_id, _ in versions}
        # A new dictionary each time: other threads go on reading the one they hold.
        self._keep(day, current)
        return tuple(current.values())

    def find(self, day: date, item_id: str, version: int) -> Item | None:
        """The item at this version, if it is known."""
        known = self.recall(day, item_id)
        return known if known is not None and known.version == version else None

    def recall(self, day: date, item_id: str) -> Item | None:
        """The item at whatever version it was known."""
        return self._days.get(day, {}).get(item_id)

    def keep(self, written: Iterable[Item]) -> None:
        """Add items as they have just been written."""
        for item in written:
            self._keep(item.service_day, {**self._days.get(item.service_day, {}), item.id: item})

    def _keep(self, day: date, items: dict[str, Item]) -> None:
        days = {**self._days, day: items}
        self._days = dict(list(days.items())[-_DAYS_KEPT:])
