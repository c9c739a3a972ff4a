"""A file that is there whole or not at all, and for its owner's eyes alone.

See: docs/decisions/0097-a-backup-is-read-before-it-is-named.md
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dispatch.errors import BadInput


@contextmanager
def part_of(file: Path) -> Iterator[Path]:
    """A new file beside `file`, readable by its owner alone, that takes its name at the end of
    the block, or is gone when the block fails. Raises BadInput("file_not_writable").
    """
    folder = file.absolute().parent
    try:
        descriptor, name = tempfile.mkstemp(".part", ".noriai-", folder)
        os.close(descriptor)
    except OSError as error:
        raise BadInput("file_not_writable", file=str(file), reason=error.strerror) from error
    part = Path(name)
    try:
        yield part
        _reach_the_disk(part)
        part.replace(file)
        _reach_the_disk(folder)
    except OSError as error:
        raise BadInput("file_not_writable", file=str(file), reason=error.strerror) from error
    finally:
        part.unlink(missing_ok=True)


def _reach_the_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
