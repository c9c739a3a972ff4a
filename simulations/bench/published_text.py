"""A published instance as its file says it: read and written in the formats of the field.

Dial-a-ride of Cordeau and Laporte (2003), Cordeau (2006) and Ropke, Cordeau and Laporte (2007);
pickup and delivery with time windows of Li and Lim (2001).

See: docs/words.md, published instance; docs/decisions/0135-published-instances.md
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulations.bench.published_file import Line, check_width, read_lines

DARP_HEAD = ("vehicles", "requests", "longest route", "capacity", "longest ride")
DARP_ROW = ("node", "x", "y", "service time", "load", "earliest", "latest")
PDPTW_HEAD = ("vehicles", "capacity", "speed")
PDPTW_ROW = (
    "task", "x", "y", "demand", "earliest", "latest", "service time", "pickup", "delivery",
)  # fmt: skip


class Family(StrEnum):
    """What kind of instance it is, and so what counts as better."""

    DIAL_A_RIDE = "dial_a_ride"
    """Everybody served, then the least distance."""
    PICKUP_AND_DELIVERY = "pickup_and_delivery"
    """Everybody served, then the fewest vehicles, then the least distance."""


@dataclass(frozen=True, slots=True)
class Node:
    """A row of the file: a place, its window, in the instance's own units."""

    x: float
    y: float
    service: float
    load: int
    earliest: float
    latest: float


@dataclass(frozen=True, slots=True)
class Text:
    """What a file says, before it becomes a problem.

    rides : for each request the nodes of its pickup and its delivery.
    longest_route, longest_ride : infinite where the format has no such limit.
    start, end : the depot's nodes; the same one where the file has a single row for both.
    """

    name: str
    family: Family
    vehicles: int
    capacity: int
    longest_route: float
    longest_ride: float
    nodes: tuple[Node, ...]
    rides: tuple[tuple[int, int], ...]
    start: int = 0
    end: int = 0


def distances(text: Text) -> NDArray[np.float64]:
    """(nodes, nodes) Euclidean distances in double precision, in the instance's units."""
    at = np.array([(node.x, node.y) for node in text.nodes])
    apart = at[:, None, :] - at[None, :, :]
    between: NDArray[np.float64] = np.hypot(apart[..., 0], apart[..., 1])
    return between


# --- reading ---


def read_text(file: Path) -> Text:
    """What a file says, in its own numbers."""
    lines = read_lines(file)
    width = len(lines[0].values)
    if width == len(DARP_HEAD):
        return _read_darp(file, lines)
    if width == len(PDPTW_HEAD):
        return _read_pdptw(file, lines)
    remedy = f"5 (dial-a-ride: {', '.join(DARP_HEAD)}) or 3 (Li and Lim: {', '.join(PDPTW_HEAD)})"
    raise lines[0].bad(f"{width} numbers", remedy)


def _read_darp(file: Path, lines: list[Line]) -> Text:
    """Rows: the depot, n pickups, their n deliveries, and in some files the depot again.

    The second number of the head is n in some files and 2n in others; the rows are counted.
    """
    head, *rows = lines
    nodes = _nodes(rows, DARP_ROW, head)
    count = (len(nodes) - 1) // 2
    head.whole(1, "requests", 1)
    if count == 0 or head.values[1] not in {count, 2 * count}:
        raise head.bad(f"{head.values[1]:g}, {len(nodes)} rows", "2n + 1 or 2n + 2 rows")
    rides = tuple((i, i + count) for i in range(1, count + 1))
    _check_loads(rows, nodes, rides)
    return Text(
        file.stem,
        Family.DIAL_A_RIDE,
        head.whole(0, "vehicles", 1),
        head.whole(3, "capacity", 1),
        head.amount(2, "longest route"),
        head.amount(4, "longest ride"),
        nodes,
        rides,
        end=2 * count + 1 if len(nodes) == 2 * count + 2 else 0,
    )


def _read_pdptw(file: Path, lines: list[Line]) -> Text:
    """Rows: the depot, then the tasks, each naming its other half. Speed is always one."""
    head, *rows = lines
    if head.values[2] not in {0, 1}:
        raise head.bad(f"{head.values[2]:g}", "speed: 0 or 1")
    nodes = _nodes(rows, PDPTW_ROW, head)
    rides = tuple(
        (task, _partner(rows, task)) for task in range(1, len(rows)) if rows[task].values[8] != 0
    )
    if not rides or len(nodes) != 2 * len(rides) + 1:
        raise head.bad(f"{len(rides)} pickups, {len(nodes)} rows", "one delivery for each pickup")
    _check_loads(rows, nodes, rides)
    return Text(
        file.stem,
        Family.PICKUP_AND_DELIVERY,
        head.whole(0, "vehicles", 1),
        head.whole(1, "capacity", 1),
        math.inf,
        math.inf,
        nodes,
        rides,
    )


def _nodes(rows: list[Line], names: tuple[str, ...], head: Line) -> tuple[Node, ...]:
    if not rows:
        raise head.bad("no more lines", "a row for each node")
    return tuple(_node(row, number, names) for number, row in enumerate(rows))


def _node(row: Line, number: int, names: tuple[str, ...]) -> Node:
    check_width(row, names)
    if row.values[0] != number:
        raise row.bad(f"{row.values[0]:g}", f"{names[0]} {number}: rows in order, from 0")
    column = {name: at for at, name in enumerate(names)}
    opens, closes = column["earliest"], column["latest"]
    load = row.values[column["load" if "load" in column else "demand"]]
    if load != int(load):
        raise row.bad(f"{load:g}", "load: a whole number")
    if row.amount(closes, "latest") < row.amount(opens, "earliest"):
        raise row.bad(f"{row.values[closes]:g}", "latest: not before earliest")
    return Node(
        row.values[1],
        row.values[2],
        row.amount(column["service time"], "service time"),
        int(load),
        row.values[opens],
        row.values[closes],
    )


def _partner(rows: list[Line], task: int) -> int:
    """The delivery of pickup `task`, which must name it as its pickup."""
    row = rows[task]
    delivery = row.whole(8, "delivery", 1)
    if delivery >= len(rows) or delivery == task:
        raise row.bad(delivery, "delivery: a task of this file")
    if rows[delivery].values[7:9] != (task, 0) or row.values[7] != 0:
        raise row.bad(f"{task} and {delivery}", "a pickup and a delivery that name each other")
    return delivery


def _check_loads(
    rows: list[Line], nodes: tuple[Node, ...], rides: tuple[tuple[int, int], ...]
) -> None:
    for pickup, delivery in rides:
        if nodes[pickup].load < 0:
            raise rows[pickup].bad(nodes[pickup].load, "load of a pickup: at least 0")
        if nodes[delivery].load != -nodes[pickup].load:
            found = nodes[delivery].load
            raise rows[delivery].bad(found, f"load of the delivery: {-nodes[pickup].load}")


# --- writing ---


def write_file(text: Text, folder: Path) -> Path:
    """Write an instance in its published format, as NAME.txt."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{text.name}.txt"
    path.write_text(to_lines(text), encoding="utf-8")
    return path


def to_lines(text: Text) -> str:
    """An instance in its published format."""
    if text.family is Family.DIAL_A_RIDE:
        numbers = [text.vehicles, len(text.rides), text.longest_route, text.capacity]
        rows = [" ".join(_number(value) for value in (*numbers, text.longest_ride))]
        rows += [
            f"{at:3d} {n.x:8.3f} {n.y:8.3f} {_number(n.service)} {n.load} "
            f"{_number(n.earliest)} {_number(n.latest)}"
            for at, n in enumerate(text.nodes)
        ]
        return "\n".join(rows) + "\n"
    pickup_of = {down: up for up, down in text.rides}
    delivery_of = dict(text.rides)
    rows = [f"{text.vehicles}\t{text.capacity}\t1"]
    for at, n in enumerate(text.nodes):
        numbers = [at, n.x, n.y, n.load, n.earliest, n.latest, n.service]
        pair = (pickup_of.get(at, 0), delivery_of.get(at, 0))
        rows.append("\t".join(_number(value) for value in (*numbers, *pair)))
    return "\n".join(rows) + "\n"


def _number(value: float) -> str:
    return f"{value:g}"
