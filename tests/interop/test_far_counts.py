"""How many requests files that are far away take: of a map with 16,443 chunks and 1,000 leaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import hspyio
from support.range_server import Server, open_server

pytest.importorskip("obstore")
CHUNK = (8, 8, 56)
SHAPE = (9 * CHUNK[0], 9 * CHUNK[1], 203 * CHUNK[2])
IMAGE = np.s_[:, :, 5000]
"""81 chunks, from all over the file."""
MIB = 2**20


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The map as hspyio and as RosettaSciIO write it: 59 MB of data that nothing compresses."""
    folder = tmp_path_factory.mktemp("counts")
    rng = np.random.default_rng(5)
    data = rng.integers(0, 256, SHAPE).astype("u1")
    leaves = {f"group {i}": {f"key {j}": i * j for j in range(20)} for i in range(50)}
    axes = [
        {"name": name, "size": size, "navigate": name in "yx"}
        for name, size in zip("yxE", data.shape, strict=True)
    ]
    signal = hspyio.Signal(data, axes, title="map", original_metadata=leaves)
    hspyio.save(folder / "ours.hspy", signal, chunks=CHUNK)
    converted = pytest.importorskip("hyperspy.api") and signal.to_hyperspy()
    converted.save(folder / "theirs.hspy", chunks=CHUNK)
    return folder


@pytest.fixture
def server(files: Path) -> Iterator[Server]:
    with open_server(files) as made:
        yield made


def test_our_file_in_few_requests(server: Server, files: Path) -> None:
    near = hspyio.load(files / "ours.hspy", lazy=True)
    far = hspyio.load(f"{server.url}/ours.hspy", lazy=True)
    assert len(far.original_metadata) == 50
    assert server.requests <= 2
    assert server.bytes <= 2 * MIB
    assert (far.data[5, 7].compute() == near.data[5, 7].compute()).all()
    assert server.requests <= 3  # where the chunks are is asked for meanwhile
    before = server.requests
    assert (far.data[6, 8].compute() == near.data[6, 8].compute()).all()
    assert server.requests == before + 1
    before = server.requests
    assert (far.data[IMAGE].compute() == near.data[IMAGE].compute()).all()
    assert server.requests <= before + 4


def test_all_of_it(server: Server, files: Path) -> None:
    far = hspyio.load(f"{server.url}/ours.hspy")
    size = (files / "ours.hspy").stat().st_size
    assert (far.data == hspyio.load(files / "ours.hspy").data).all()
    assert server.requests <= size / (8 * MIB) + 4
    assert server.bytes <= 1.1 * size + 2 * MIB


def test_the_file_of_another_program(server: Server, files: Path) -> None:
    far = hspyio.load(f"{server.url}/theirs.hspy", lazy=True)
    assert len(far.original_metadata) == 50
    assert server.requests <= 12
    near = hspyio.load(files / "theirs.hspy", lazy=True)
    assert (far.data[5, 7].compute() == near.data[5, 7].compute()).all()
    before = server.requests
    assert (far.data[IMAGE].compute() == near.data[IMAGE].compute()).all()
    assert server.requests <= before + 4


# How many bytes data take is known to their index alone, which stands all over the other file.
@pytest.mark.parametrize(
    ("look", "name", "most"),
    [
        (hspyio.validate, "ours.hspy", 2),
        (hspyio.validate, "theirs.hspy", 12),
        (hspyio.info, "ours.hspy", 2),
        (hspyio.info, "theirs.hspy", 24),
    ],
)
def test_what_is_said_of_a_file_takes_as_few(
    server: Server, look: object, name: str, most: int
) -> None:
    look(f"{server.url}/{name}")  # type: ignore[operator]
    assert server.requests <= most


def test_references_take_no_data(server: Server, files: Path) -> None:
    made = hspyio.to_references(f"{server.url}/ours.hspy")
    assert server.requests <= 3
    near = hspyio.to_references(files / "ours.hspy")
    where = str((files / "ours.hspy").resolve())
    assert made["refs"] == {
        key: [f"{server.url}/ours.hspy", *one[1:]] if isinstance(one, list) else one
        for key, one in near["refs"].items()
    }
    assert any(isinstance(one, list) and one[0] == where for one in near["refs"].values())


@pytest.mark.parametrize("name", ["ours.hspy", "theirs.hspy"])
def test_verifying_takes_little_more_than_reading(server: Server, files: Path, name: str) -> None:
    assert hspyio.verify(f"{server.url}/{name}").ok
    size = (files / name).stat().st_size
    assert server.requests <= size / (8 * MIB) + 24
