"""What every process starts from: everything loaded, kernels warm.

The process that the others are forked from imports this once, so that a start costs a
moment rather than seconds. Only tests may do work at import.

See: docs/faults.md
"""

from __future__ import annotations

import api.app
import api.cli
import api.serving  # noqa: F401  (loaded before the fork)
from api.readiness import warm_kernels

warm_kernels()
