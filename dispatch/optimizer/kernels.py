"""How the optimizer's inner loops become machine code, and where that code is kept.

numba stores a compiled function beside a stamp of its own file only, so a change in a
function that it calls would go unnoticed. The code is therefore kept in a folder named
after all sources of the optimizer: a changed source means a new folder.

See: docs/decisions/0030-compiled-kernels.md
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba import njit

SOURCES = Path(__file__).parent

SETTINGS: Any = numba.config
"""numba's own settings; its folder is changed only while a kernel is declared."""

# Our loops run over a few dozen visits: vector code for them is slow to make and gains nothing.
SETTINGS.LOOP_VECTORIZE = 0
SETTINGS.SLP_VECTORIZE = 0


def kernel[F: Callable[..., Any]](function: F) -> F:
    """Compile `function` on its first call, keep the code, and run it without the GIL."""
    return _compiled(function)


def lean_kernel[F: Callable[..., Any]](function: F) -> F:
    """A kernel that makes no arrays, neither by itself nor in an array expression.

    numba then leaves out its counting of references and writes the function out wherever a
    kernel calls it. With our tuples of thirty arrays both cost far more than the work of a
    small function: insertion is fifteen times as fast so. Whatever runs thousands of times a
    millisecond must be lean, down to what it calls.
    """
    return _compiled(function, _nrt=False, forceinline=True)


def called_kernel[F: Callable[..., Any]](function: F) -> F:
    """A lean kernel that is not written out in its callers.

    A call hands over some four hundred numbers, a third of a microsecond; written out, a large
    function is compiled once a caller. For what runs a few thousand times a second and would
    take long to compile.
    """
    return _compiled(function, _nrt=False)


def _compiled[F: Callable[..., Any]](function: F, **options: Any) -> F:
    before = SETTINGS.CACHE_DIR
    SETTINGS.CACHE_DIR = _folder()
    try:
        compiled: F = njit(cache=True, nogil=True, error_model="numpy", **options)(function)
    finally:
        SETTINGS.CACHE_DIR = before
    return compiled


@cache
def _folder() -> str:
    """The first folder of `_candidates` that can be written to."""
    for folder in _candidates(_fingerprint()):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return str(folder)
    return tempfile.mkdtemp(prefix="noriai-kernels-")


def _candidates(fingerprint: str) -> Iterator[Path]:
    name = f"kernels-{fingerprint}"
    if SETTINGS.CACHE_DIR:
        yield Path(SETTINGS.CACHE_DIR) / name
    yield SOURCES / "__pycache__" / name
    yield Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "noriai" / name


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for source in sorted(SOURCES.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def forget_old_kernels(keep: int = 2) -> None:
    """Remove the code of all but the `keep` latest states of the sources, 10 MB each."""
    present = Path(_folder())
    older = [folder for folder in present.parent.glob("kernels-*") if folder != present]
    older.sort(key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in older[keep - 1 :]:
        shutil.rmtree(folder, ignore_errors=True)


@lean_kernel
def wide(number: int | np.integer[Any]) -> int:
    """A number out of a column in 64 bits, so that sums of it cannot overflow."""
    return int(number) + 0
