"""What every test shares: reproducible hypothesis runs, and a word on what was skipped."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

# Kernels compile and databases open in the first example; a deadline would time the machine.
settings.register_profile(
    "noriai",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("noriai")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line what this machine lacked, so that a green run is not taken for more."""
    reasons = sorted(
        {
            report.longrepr[2].removeprefix("Skipped: ")
            for report in terminalreporter.stats.get("skipped", [])
            if isinstance(report.longrepr, tuple)
        }
    )
    if reasons:
        terminalreporter.write_line("Not tested on this machine: " + "; ".join(reasons))
