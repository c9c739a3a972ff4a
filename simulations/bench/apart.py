"""A solver in a process of its own: if it crashes or hangs, one row is lost, not the run.

The process is kept for the next instance (a solver's imports and compiled kernels are loaded
once), and made anew after a crash, after a hang, and for OR-Tools after each plan.

See: docs/words.md, peer; docs/decisions/0137-peers-in-one-run.md
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from dispatch.optimizer.plan import Plan
from simulations.bench.generate import Recipe, Size, generate
from simulations.bench.published import PublishedInstance, to_instance
from simulations.bench.published_text import Text
from simulations.bench.solvers import SOLVERS, Budget, Solver, SolverName

START_SECONDS = 300.0
"""How long a solver may take to load; our own compiles its kernels the first time."""

GRACE_SECONDS = 30.0
"""How long beyond its budget a solver may take to build its model and to answer."""

FRESH = frozenset({SolverName.ROUTING_MODEL})
"""Made anew for each plan: several routing models in one process crash (or-tools issue 5076)."""

SINGLE = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: a plan, or why there is none. Times are of the solver's call alone."""

    plan: Plan | None
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    failure: str = ""


class Apart:
    """One solver, at work in another process. Use as a context: the process ends with it."""

    def __init__(self, name: SolverName) -> None:
        self.name = name
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None

    def __enter__(self) -> Apart:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def solve(self, text: Text, budget: Budget) -> Answer:
        """The solver's answer, at the latest GRACE_SECONDS after its budget."""
        try:
            pipe = self._started()
            pipe.send((text, budget))
            if not pipe.poll(budget.seconds + GRACE_SECONDS):
                self.end()
                return Answer(None, failure="did not stop")
            answer: Answer = pipe.recv()
        except (EOFError, OSError):
            code = self._process.exitcode if self._process else None
            self.end()
            return Answer(None, failure=f"its process ended ({code})")
        if self.name in FRESH:
            self.end()
        return answer

    def end(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None

    def _started(self) -> Connection:
        """The pipe to the process, which has loaded its solver and solved a small problem."""
        if self._process is not None and self._process.is_alive() and self._pipe is not None:
            return self._pipe
        self.end()
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, self.name), daemon=True)
        self._process.start()
        theirs.close()
        if not self._pipe.poll(START_SECONDS):
            raise EOFError
        self._pipe.recv()
        return self._pipe


def _work(pipe: Connection, name: SolverName) -> None:
    """The other process: one answer for each question, until nobody asks any more."""
    for variable in SINGLE:
        os.environ[variable] = "1"
    solver = SOLVERS[name]()
    _warm(solver, name)
    pipe.send("ready")
    while True:
        try:
            text, budget = pipe.recv()
        except EOFError:
            return
        pipe.send(_answer(solver, to_instance(text), budget))


def _answer(solver: Solver, instance: PublishedInstance, budget: Budget) -> Answer:
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        plan = solver.solve(instance, budget)
    except Exception as error:
        return Answer(None, failure=f"{type(error).__name__}: {error}")
    return Answer(plan, time.perf_counter() - wall, time.process_time() - cpu)


def _warm(solver: Solver, name: SolverName) -> None:
    """Solve a small problem, so that loading and compiling is nobody's time."""
    recipe = Recipe.A if name in {SolverName.SEARCH, SolverName.ROUTING_MODEL} else Recipe.RANDOM
    for family in (recipe, Recipe.RANDOM):
        small = to_instance(generate(family, Size(2, 4), seed=1))
        _answer(solver, small, Budget(0.2))
