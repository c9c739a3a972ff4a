"""A small scenario folder to break on purpose: four stops in a row, two vehicles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

STOPS = "stop_id,name,lat,lon\n0,A,48.10,11.60\n1,B,48.11,11.60\n2,C,48.12,11.60\n3,D,48.13,11.60\n"
VEHICLES = (
    "vehicle_id,seats,wheelchairs,start_stop,end_stop,shift_start,shift_end\n"
    "0,4,1,0,,0,7200\n"
    "1,4,0,3,3,600,7200\n"
)
REQUESTS = (
    "request_id,requested_at,origin,destination,passengers,earliest_pickup,latest_pickup,max_ride\n"
    "0,60,0,2,1,60,360,600\n"
    "1,90,1,3,2,90,390,600\n"
    "2,700,3,0,1,700,1000,900\n"
    "3,710,2,0,1,1800,2100,900\n"
)


def write_scenario(
    folder: Path,
    *,
    stops: str = STOPS,
    vehicles: str = VEHICLES,
    requests: str = REQUESTS,
    settings: str = 'name = "Row"\nservice_seconds = 30\n',
    leave_out: Sequence[str] = (),
) -> Path:
    """A scenario folder; each stop is 120 s and 1 km from the next."""
    count = len(stops.strip().splitlines()) - 1
    apart = np.abs(np.subtract.outer(np.arange(count), np.arange(count))).astype(np.int32)
    np.save(folder / "travel_seconds.npy", apart * 120)
    np.save(folder / "travel_metres.npy", apart * 1000)
    texts = {
        "stops.csv": stops,
        "vehicles.csv": vehicles,
        "requests.csv": requests,
        "scenario.toml": settings,
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    for name in leave_out:
        (folder / name).unlink()
    return folder


def write_random_scenario(folder: Path, seed: int, vehicles: int = 4, requests: int = 25) -> Path:
    """A scenario with everything in it: bookings ahead, end stops, late shifts, wheelchairs."""
    chance = np.random.default_rng(seed)
    count = 15
    folder.mkdir(parents=True, exist_ok=True)
    places = chance.uniform(0, 6000, size=(count, 2))
    metres = np.linalg.norm(places[:, None] - places[None], axis=2) * 1.3
    seconds = metres / 8 * chance.uniform(0.9, 1.2, size=metres.shape)
    np.fill_diagonal(seconds, 0)
    stops = ["stop_id,name,lat,lon"]
    stops += [
        f"{n},S{n},{48 + y / 111000:.6f},{11 + x / 74000:.6f}" for n, (x, y) in enumerate(places)
    ]
    fleet = ["vehicle_id,seats,wheelchairs,start_stop,end_stop,shift_start,shift_end"]
    for number in range(vehicles):
        start, end = chance.integers(count, size=2)
        late = int(chance.integers(0, 1800)) if number % 3 == 2 else 0
        home = end if number % 2 else ""
        fleet.append(f"{number},4,{number % 2},{start},{home},{late},{9000 + late}")
    asked = [
        "request_id,requested_at,origin,destination,passengers,earliest_pickup,latest_pickup,max_ride,wheelchairs"
    ]
    for number, at in enumerate(sorted(chance.integers(0, 6000, size=requests).tolist())):
        origin, destination = chance.choice(count, size=2, replace=False).tolist()
        ahead = int(chance.integers(600, 2400)) if chance.random() < 0.3 else 0
        direct = int(seconds[origin, destination])
        wheelchairs = int(chance.random() < 0.1)
        asked.append(
            f"{number},{at},{origin},{destination},{1 + int(chance.random() < 0.2)},{at + ahead},"
            f"{at + ahead + 480},{int(direct * 1.5) + 120},{wheelchairs}"
        )
    np.save(folder / "travel_seconds.npy", np.ceil(seconds).astype(np.int32))
    np.save(folder / "travel_metres.npy", np.ceil(metres).astype(np.int32))
    for name, lines in (("stops", stops), ("vehicles", fleet), ("requests", asked)):
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "scenario.toml").write_text('name = "random"\nservice_seconds = 30\n', "utf-8")
    return folder
