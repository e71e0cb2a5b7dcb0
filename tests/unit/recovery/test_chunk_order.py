"""Chunks to which no index leads: what their order in the file tells, and when it tells nothing."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hspyio.arrays.workers import Workers
from hspyio.hdf5.opening import ReadPolicy
from hspyio.nodes.node import Array
from hspyio.recovery.chunk_order import _facts, _Gap, node_length
from hspyio.recovery.chunks import DamagedArrays, Salvaged
from hspyio.recovery.damaged_file import open_damaged
from hspyio.recovery.losses import Losses
from hspyio.recovery.sources import SalvagedSource

COUNT, LENGTH = 200, 400
DATA = np.random.default_rng(0).poisson(20, COUNT * LENGTH).astype("u2")
GZIP = {"compression": "gzip", "shuffle": True}


def written(path: Path, order: Sequence[int] = range(COUNT), **filters: Any) -> bytearray:
    """A file with chunks that were written in an order, and without the nodes of its index."""
    with h5py.File(path, "w", libver=("v108", "latest")) as file:
        data = file.create_dataset("d", DATA.shape, DATA.dtype, chunks=(LENGTH,), **filters)
        for number in order:
            data[number * LENGTH : (number + 1) * LENGTH] = part(number)
            file.flush()
    return bytearray(path.read_bytes())


def part(number: int) -> Any:
    return DATA[number * LENGTH : (number + 1) * LENGTH]


def nodes_of(content: bytes) -> list[int]:
    return [match.start() for match in re.finditer(rb"TREE\x01", content)]


def zero(content: bytearray, start: int, length: int) -> None:
    content[start : start + length] = bytes(length)


def salvaged(path: Path, content: bytes) -> Salvaged:
    path.write_bytes(content)
    with open_damaged(str(path), ReadPolicy(), Losses(), Workers()) as file:
        array = file.root().members["d"]
        assert isinstance(array, Array) and isinstance(array.source, SalvagedSource)
        return DamagedArrays().read(array.source._dataset, (slice(None),))


def check(found: Salvaged) -> set[int]:
    """Numbers of the chunks that are lost; the others are right."""
    lost = {region[0][0] // LENGTH for region, _ in found.lost}
    for number in range(COUNT):
        here = found.values[number * LENGTH : (number + 1) * LENGTH]
        np.testing.assert_array_equal(here, 0 if number in lost else part(number))
    return lost


def places_of(path: Path) -> dict[int, tuple[int, int]]:
    found: dict[int, tuple[int, int]] = {}
    with h5py.File(path) as file:
        file["d"].id.chunk_iter(
            lambda c: found.update({c.chunk_offset[0] // LENGTH: (c.byte_offset, c.size)})
        )
    return found


def test_the_length_of_a_node_is_hdf5s(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    for rank in range(1, 6):
        with h5py.File(path, "w", libver=("v108", "latest")) as file:
            data = file.create_dataset("d", (99, *[1] * (rank - 1)), "u8", chunks=(1,) * rank)
            data[...] = 1
            first = data.id.get_chunk_info(0).byte_offset
        assert nodes_of(path.read_bytes())[0] + node_length(rank) == first


@pytest.mark.parametrize("filters", [GZIP, {"compression": "gzip", "fletcher32": True}, {}])
def test_without_any_node_all_chunks_are_found(tmp_path: Path, filters: dict[str, Any]) -> None:
    path = tmp_path / "a.h5"
    content = written(path, **filters)
    nodes = nodes_of(content)
    for node in nodes:
        zero(content, node, node_length(1))
    found = salvaged(path, content)
    if len(nodes) > 1:  # where the nodes among the chunks stood nobody tells any more
        known = set(range(COUNT)) - check(found)
        assert known >= set(range(64)) and known <= set(found.by_order)


@pytest.mark.parametrize("filters", [GZIP, {}])
def test_chunks_in_another_order_are_not_guessed(tmp_path: Path, filters: dict[str, Any]) -> None:
    order = np.random.default_rng(1).permutation(COUNT).tolist()
    path = tmp_path / "a.h5"
    content = written(path, order, **filters)
    leaf = nodes_of(content)[2]
    zero(content, leaf, node_length(1))
    found = salvaged(path, content)
    assert check(found) and not found.by_order


def test_damage_among_lost_chunks_is_named_and_moves_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    content = written(path, **GZIP)
    places = places_of(path)
    leaf = nodes_of(content)[2]
    zero(content, leaf, node_length(1))
    inside = sorted(set(range(COUNT)) - {n for n in places if n < 58 or n > 115})
    for number in (inside[3], inside[20]):
        zero(content, places[number][0] + 5, 40)
    assert check(salvaged(path, content)) == {inside[3], inside[20]}
    zero(content, places[inside[21]][0] + 5, 40)  # two in a row: how many is not to be seen
    lost = check(salvaged(path, content))
    assert {inside[3], inside[20], inside[21]} <= lost
    assert len(lost) < len(inside)


@given(st.data())
def test_a_gap_gives_no_chunk_another_ones_place(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 12))
    sizes = data.draw(st.lists(st.integers(5, 9), min_size=count, max_size=count))
    ends = np.cumsum([100, *sizes]).tolist()
    chunks = list(itertools.pairwise(ends))
    broken = data.draw(st.sets(st.integers(0, count - 1)))
    closed = data.draw(st.booleans())
    chains: list[list[tuple[int, int]]] = []
    for number, chunk in enumerate(chunks):
        if number in broken:
            continue
        if chains and number - 1 not in broken:
            chains[-1].append(chunk)
        else:
            chains.append([chunk])
    gap = _Gap(6, count, 100, ends[-1] if closed else None)

    class Field:
        def behind_nodes(self, place: int) -> int:
            return place

    found = gap.numbered(chains, Field())  # type: ignore[arg-type]
    for number, facts in found.items():
        assert facts == _facts([chunks[number - 7]], number)[number]
    if not broken:
        assert len(found) == count
