"""What a ride costs: the town's fare table and its discounts.

See: docs/words.md, fare
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FareTable:
    """Placeholder until the fare rules stand."""
