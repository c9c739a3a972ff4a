"""Each solver of the benchmark once, behind one function: an instance and a budget, a plan.

A solver that is not installed, or cannot state a problem, says so before it is asked.

See: docs/words.md, peer; docs/decisions/0137-peers-in-one-run.md
"""

from __future__ import annotations

from simulations.bench.solvers.base import Budget, Clock, NotForThis, Solver, SolverName
from simulations.bench.solvers.our_own import RoutingModel, Search
from simulations.bench.solvers.peer_pyvrp import PyVrp
from simulations.bench.solvers.peer_vroom import Vroom

SOLVERS: dict[SolverName, type[Solver]] = {
    SolverName.SEARCH: Search,
    SolverName.ROUTING_MODEL: RoutingModel,
    SolverName.PYVRP: PyVrp,
    SolverName.VROOM: Vroom,
}

__all__ = ["SOLVERS", "Budget", "Clock", "NotForThis", "Solver", "SolverName"]
