"""The largest part of a road network in which one can get from everywhere to everywhere.

Places are brought onto this part only, so that no vehicle is ever sent into a lane that it
cannot leave again.

See: docs/roads.md; R. Tarjan, "Depth-first search and linear graph algorithms", 1972
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence


def largest_strong_part(
    links: Sequence[tuple[int, int, bool]],
    forbidden: Collection[tuple[int, int]] = frozenset(),
) -> list[bool]:
    """Whether each link belongs, in one direction at least, to the largest connected part.

    links : (origin, destination, oneway). Arc 2i drives link i forward, 2i + 1 backward; one
    turns back only where there is no other way on, as in the search itself. The other
    direction of such a link does no harm: it leads from the part into the part.
    forbidden : pairs of arcs of which the second may not follow the first.
    """
    leaving: dict[int, list[int]] = defaultdict(list)
    for i, (origin, destination, oneway) in enumerate(links):
        leaving[origin].append(2 * i)
        if not oneway:
            leaving[destination].append(2 * i + 1)

    def onward(arc: int) -> list[int]:
        origin, destination, _ = links[arc >> 1]
        arcs = leaving[origin if arc & 1 else destination]
        allowed = [other for other in arcs if (arc, other) not in forbidden]
        return [other for other in allowed if other != arc ^ 1] or allowed

    arcs = [2 * i for i in range(len(links))]
    arcs += [2 * i + 1 for i, (_, _, oneway) in enumerate(links) if not oneway]
    largest: list[int] = []
    for part in _strong_parts(sorted(arcs), onward):
        if len(part) > len(largest):
            largest = part
    within = {arc >> 1 for arc in largest}
    return [link in within for link in range(len(links))]


def _strong_parts(
    arcs: Sequence[int], onward: Callable[[int], Sequence[int]]
) -> Iterator[list[int]]:
    """Tarjan's algorithm with its own stack, since a town is deeper than Python's."""
    seen: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    for root in arcs:
        if root in seen:
            continue
        work: list[tuple[int, Iterator[int]]] = [(root, iter(onward(root)))]
        seen[root] = low[root] = len(seen)
        stack.append(root)
        on_stack.add(root)
        while work:
            arc, rest = work[-1]
            for other in rest:
                if other not in seen:
                    seen[other] = low[other] = len(seen)
                    stack.append(other)
                    on_stack.add(other)
                    work.append((other, iter(onward(other))))
                    break
                if other in on_stack:
                    low[arc] = min(low[arc], seen[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[arc])
                if low[arc] == seen[arc]:
                    part: list[int] = []
                    while not part or part[-1] != arc:
                        part.append(stack.pop())
                        on_stack.discard(part[-1])
                    yield part
