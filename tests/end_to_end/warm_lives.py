"""What every life starts from: kernels that are compiled and loaded.

The process that the lives are forked from imports this once; each life would otherwise
spend its first second loading kernels. Only tests may do work at import, and only here.

See: docs/store.md, tests
"""

from __future__ import annotations

from tests.builders import a_town

with a_town().day() as _day:
    _day.book("clinic", depart_after="10:00")
    _day.book("market", depart_after="10:05")
