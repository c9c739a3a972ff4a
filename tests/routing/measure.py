"""The figures of docs/roads.md, measured again: `.venv/bin/python -m tests.routing.measure`.

Needs the town's extract in the data folder for the comparison with OSRM.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from routing.engines.embedded import NetworkTravel
from routing.engines.osrm import build_osrm, osrm_server
from routing.network import load_network
from routing.speeds import MOUNTAIN_SPEEDS
from routing.travel import Point, TravelTimes
from tests.routing.test_kimotsuki_roads import FILE, TOWN_HALL, UCHINOURA
from tests.routing.test_osrm import KIMOTSUKI, PAIRS, differences, random_places


def timed[T](what: str, act: Callable[[], T], times: int = 5) -> T:
    """Print the median of a few runs: on the clock, and of this process's processor time."""
    clock, processor = [], []
    for _ in range(times):
        start, used = perf_counter(), process_time()
        result = act()
        clock.append(perf_counter() - start)
        processor.append(process_time() - used)
    median = (1000 * float(np.median(spent)) for spent in (clock, processor))
    say("{}: {:.1f} ms, processor {:.1f} ms".format(what, *median))
    return result


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


def tables(engine: TravelTimes, places: list[Point], sizes: tuple[int, ...]) -> None:
    for size in sizes:
        chosen = places[:size]
        timed(f"{engine.name}, table of {size}", lambda c=chosen: engine.table(c, c), 3)  # type: ignore[misc]
    timed(f"{engine.name}, one to 200", lambda: engine.table(places[:1], places[:200]))
    timed(f"{engine.name}, 200 to one", lambda: engine.table(places[:200], places[:1]))
    timed(f"{engine.name}, over the pass with turns", lambda: engine.leg(TOWN_HALL, UCHINOURA))
    legs = list(zip(places[:100], places[100:200], strict=True))
    timed(f"{engine.name}, 100 legs", lambda: [engine.leg(*pair) for pair in legs])


def main() -> None:
    """Print every figure, one a line."""
    say(f"file: {FILE.stat().st_size} bytes")
    network = timed("load", lambda: load_network(FILE))
    embedded = timed("make ready", lambda: NetworkTravel(network, MOUNTAIN_SPEEDS))
    say(f"{len(network)} links, {len(network.junctions)} junctions")
    leg = embedded.leg(TOWN_HALL, UCHINOURA)
    say(f"over the pass: {leg.seconds / 60:.1f} min, {leg.metres / 1000:.1f} km")
    places = random_places(network, 1000, seed=3)
    tables(embedded, places, (50, 200, 1000))
    with tempfile.TemporaryDirectory() as folder:
        pbf = KIMOTSUKI / "roads.osm.pbf"
        base = timed("OSRM build", lambda: build_osrm(pbf, Path(folder), MOUNTAIN_SPEEDS), 1)
        with osrm_server(base) as osrm:
            tables(osrm, places, (50, 200))
            found = differences(embedded, osrm, network)
    worst = np.sort(found)[-5:].round(3).tolist()
    say(f"{PAIRS} pairs: median {np.median(found):.4f}, p95 {np.quantile(found, 0.95):.4f}")
    say(f"the five worst: {worst}")


if __name__ == "__main__":
    main()
