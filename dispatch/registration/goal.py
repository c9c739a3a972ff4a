"""The way to the registration goal: how many there are, how many are still wanted.

See: docs/words.md, registration goal
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from dispatch.town import RegistrationRules


@dataclass(frozen=True, slots=True)
class GoalProgress:
    """Where the register stands.

    missing : registrants still wanted (0 once the goal is reached).
    share : registered over goal, at most 1.0; 1.0 where the town has set no goal.
    per_day_needed : how many a day would reach the goal in time; None without a date that
        lies ahead.
    """

    registered: int
    goal: int
    goal_date: date | None
    missing: int
    share: float
    per_day_needed: float | None
    by_district: Mapping[str, int]


def progress(by_district: Mapping[str, int], rules: RegistrationRules, today: date) -> GoalProgress:
    """Compare the register with the town's goal on the local day `today`."""
    registered = sum(by_district.values())
    missing = max(0, rules.goal - registered)
    days = (rules.goal_date - today).days if rules.goal_date else 0
    return GoalProgress(
        registered=registered,
        goal=rules.goal,
        goal_date=rules.goal_date,
        missing=missing,
        share=min(1.0, registered / rules.goal) if rules.goal else 1.0,
        per_day_needed=missing / days if days > 0 else None,
        by_district=dict(by_district),
    )
