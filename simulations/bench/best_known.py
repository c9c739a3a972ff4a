"""The best values that the literature knows, read from the data folder.

Tables stay where they are published; nothing of them is copied here. A file
`bench/*_best_known.csv` has the columns instance, source and either cost (dial-a-ride) or
vehicles and distance (pickup and delivery).

See: docs/words.md, published instance; docs/decisions/0135-published-instances.md
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from simulations.bench.published_file import BadInstance

TABLES = "bench/*_best_known.csv"


@dataclass(frozen=True, slots=True)
class BestKnown:
    """The best value of one instance; `vehicles` is None where they do not count."""

    distance: float
    vehicles: int | None
    source: str


def data_folder() -> Path:
    """Where published instances and their best values are: NORIAI_DATA, or ../shared."""
    return Path(os.environ.get("NORIAI_DATA", "../shared"))


def read_best_known(folder: Path) -> Mapping[str, BestKnown]:
    """The best value of each instance (its name in small letters) that the tables name.

    Empty where there are no tables.

    Raises BadInstance, naming file and line, for a table that makes no sense.
    """
    return dict(row for table in sorted(folder.glob(TABLES)) for row in _rows(table))


def _rows(table: Path) -> Iterator[tuple[str, BestKnown]]:
    with table.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.DictReader(lines)
        for row in rows:
            try:
                distance = float(row["cost"] if "cost" in row else row["distance"])
                vehicles = int(row["vehicles"]) if "vehicles" in row else None
                name, source = row["instance"], row["source"]
            except (KeyError, TypeError, ValueError) as error:
                remedy = "instance, cost or vehicles and distance, source"
                raise BadInstance(table, rows.line_num, str(error), remedy) from error
            yield name.lower(), BestKnown(distance, vehicles, source)
