"""The road network file: whole or refused."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.errors import NetworkBroken, NetworkMissing, NetworkNotWritten
from routing.network import (
    Link,
    Network,
    grid_network,
    load_network,
    metres_between,
    network_from_links,
    save_network,
)
from routing.travel import Point
from tests.markers import examples
from tests.routing.maps import at


def same(one: Network, other: Network) -> bool:
    return all(
        np.array_equal(getattr(one, column.name), getattr(other, column.name))
        for column in fields(Network)
        if column.name != "about"
    ) and dict(one.about) == dict(other.about)


def test_a_network_is_the_same_after_saving_and_loading(tmp_path: Path) -> None:
    bend = Link(0, 1, "tertiary", "坂道", oneway=True, via=(at(0.3, 0.4), at(0.1, 0.8)))
    network = network_from_links([at(0, 0), at(0, 1)], [bend, Link(1, 0)], {"credit": "©"})
    save_network(network, tmp_path / "network.npz")
    assert same(load_network(tmp_path / "network.npz"), network)


def test_the_same_network_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.npz", "two.npz"):
        save_network(grid_network(3, 4), tmp_path / name)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_a_grid_has_its_streets_and_their_lengths() -> None:
    network = grid_network(3, 4, spacing_metres=200.0)
    assert len(network.junctions) == 12
    assert len(network) == 3 * 3 + 2 * 4
    assert set(network.length_decimetres.tolist()) == {2000}
    measured = [
        metres_between(*(Point(*end) for end in network.line(link))) for link in range(len(network))
    ]
    assert measured == pytest.approx([200.0] * len(network), abs=2.0)


def test_a_length_is_measured_along_the_line_where_none_is_given() -> None:
    network = network_from_links([at(0, 0), at(0, 1)], [Link(0, 1, via=(at(1, 0), at(1, 1)))])
    straight = metres_between(at(0, 0), at(0, 1))
    assert network.length_decimetres[0] / 10 > 2 * straight


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NetworkMissing, match="noriai roads import"):
        load_network(tmp_path / "network.npz")


def test_a_folder_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(NetworkNotWritten, match="cannot write"):
        save_network(grid_network(2, 2), tmp_path / "nowhere" / "network.npz")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", b"\x93NUMPY\x01\x00"])
def test_a_foreign_file_is_no_network(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "network.npz"
    file.write_bytes(content)
    with pytest.raises(NetworkBroken, match="is not a road network"):
        load_network(file)


def test_another_npz_and_a_later_version_are_no_network(tmp_path: Path) -> None:
    file = tmp_path / "network.npz"
    for about in (b"{}", b'{"format": "noriai-roads", "version": 99}'):
        np.savez(file, about=np.frombuffer(about, np.uint8))
        with pytest.raises(NetworkBroken):
            load_network(file)


@settings(max_examples=examples(60, 2000), deadline=None)
@given(where=st.floats(0, 1), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_file_is_refused_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, where: float, byte: int, cut: bool
) -> None:
    file = tmp_path_factory.mktemp("roads") / "network.npz"
    network = grid_network(2, 3)
    save_network(network, file)
    whole = bytearray(file.read_bytes())
    spot = min(int(where * len(whole)), len(whole) - 1)
    if cut:
        del whole[spot:]
    else:
        whole[spot] = byte
    file.write_bytes(whole)
    with suppress(NetworkBroken):
        assert same(load_network(file), network)
