"""OSRM for larger extracts: built with the town's speeds, run as a process of its own.

The programs and the car profile come inside the osrm-bindings wheel. The profile's speeds
are replaced by the town's table and it seeks the quickest way, as the embedded engine does.
The bindings themselves hold the interpreter while they compute a table, so the service asks
a server process instead.

See: docs/roads.md; docs/decisions/0012-osrm-in-a-process-of-its-own.md
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import httpx

from routing.engines.osrm_http import OsrmHttp
from routing.errors import EngineUnavailable, ExtractBroken, ExtractMissing
from routing.speeds import speed_of

PROFILE = """-- The wheel's car profile with the town's speeds; the quickest way counts.
api_version = 4
local car = require("car")

local function setup()
  local profile = car.setup()
  profile.properties.weight_name = "duration"
  profile.speeds = Sequence {{ highway = {{ {speeds} }} }}
  return profile
end

return {{
  setup = setup,
  process_way = car.process_way,
  process_node = car.process_node,
  process_turn = car.process_turn,
}}
"""
LINKS = ("motorway", "trunk", "primary", "secondary", "tertiary")
BUILD_SECONDS = 3600
START_SECONDS = 30.0
PLACES_A_REQUEST = 300


def build_osrm(pbf: Path, folder: Path, speeds: Mapping[str, float]) -> Path:
    """Build OSRM's files (multi-level Dijkstra) from an extract; returns their base path.

    Raises ExtractMissing, ExtractBroken (with OSRM's last line), EngineUnavailable where the
    wheel is not installed.
    """
    if not pbf.is_file():
        raise ExtractMissing(file=pbf, problem="there is no such file")
    home = _home()
    folder.mkdir(parents=True, exist_ok=True)
    profiles = folder / "profile"
    shutil.copytree(home / "share" / "profiles", profiles, dirs_exist_ok=True)
    profile = profiles / "noriai.lua"
    profile.write_text(PROFILE.format(speeds=_lua_speeds(speeds)), encoding="utf-8")
    base = folder / "roads.osrm"
    steps = (
        ("osrm-extract", "--profile", str(profile), "--output", str(base), str(pbf)),
        ("osrm-partition", str(base)),
        ("osrm-customize", str(base)),
    )
    for program, *arguments in steps:
        _run(home / "bin" / program, arguments, pbf)
    return base


@contextmanager
def osrm_server(base: Path, *, start_seconds: float = START_SECONDS) -> Iterator[OsrmHttp]:
    """Run osrm-routed on a free port of this machine for as long as the block lasts.

    Raises EngineUnavailable if it does not come up.
    """
    log = base.with_name("osrm-routed.log")
    port = _free_port()
    command = [
        str(_home() / "bin" / "osrm-routed"), "--algorithm", "mld", "--ip", "127.0.0.1",
        "--port", str(port), "--max-table-size", str(2 * PLACES_A_REQUEST), str(base),
    ]  # fmt: skip
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream)  # noqa: S603
    engine = OsrmHttp(f"http://127.0.0.1:{port}", places_a_request=PLACES_A_REQUEST)
    try:
        _await_server(process, port, log, start_seconds)
        yield engine
    finally:
        engine.close()
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_server(
    process: subprocess.Popen[bytes], port: int, log: Path, start_seconds: float
) -> None:
    engine = f"OSRM at 127.0.0.1:{port}"
    deadline = time.monotonic() + start_seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise EngineUnavailable(engine=engine, problem=_last_line(log.read_bytes()))
        try:
            httpx.get(f"http://127.0.0.1:{port}/", timeout=1.0, trust_env=False)
        except httpx.HTTPError:
            time.sleep(0.02)
        else:
            return
    raise EngineUnavailable(engine=engine, problem=f"not up after {start_seconds:.0f} s")


def _lua_speeds(speeds: Mapping[str, float]) -> str:
    table = dict(speeds)
    for road_class in LINKS:
        speed = speed_of(f"{road_class}_link", speeds)
        if speed is not None:
            table[f"{road_class}_link"] = speed
    return ", ".join(f'["{name}"] = {float(speed):g}' for name, speed in sorted(table.items()))


def _home() -> Path:
    found = find_spec("osrm")
    if found is None or found.origin is None:
        raise EngineUnavailable(engine="OSRM", problem="osrm-bindings is not installed")
    return Path(found.origin).parent


def _run(program: Path, arguments: list[str], pbf: Path) -> None:
    done = subprocess.run(  # noqa: S603 - our own wheel's program, no shell
        [str(program), *arguments], capture_output=True, timeout=BUILD_SECONDS, check=False
    )
    if done.returncode:
        problem = f"{program.name}: {_last_line(done.stderr or done.stdout)}"
        raise ExtractBroken(file=pbf, problem=problem)


def _last_line(output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it ended without a word"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
