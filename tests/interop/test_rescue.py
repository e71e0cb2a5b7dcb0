"""Files of HyperSpy that were cut: the data come back, though their names stand at the end."""

from __future__ import annotations

from pathlib import Path

import h5py
import hyperspy.api as hs
import numpy as np
import pytest

import hspyio

DATA = np.random.default_rng(0).poisson(20, (60, 40, 128)).astype("u2")
CHUNKS = (3, 5, 128)


@pytest.fixture(scope="module", params=["gzip", None])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "map.hspy"
    signal = hs.signals.Signal1D(DATA)
    signal.metadata.General.title = "map"
    signal.axes_manager[0].scale = 0.5
    signal.original_metadata.add_dictionary({f"k{i}": {"a": i, "b": "x" * 90} for i in range(200)})
    signal.save(path, compression=request.param, chunks=CHUNKS)
    return path


@pytest.mark.parametrize("tenth", range(2, 10))
def test_all_chunks_come_back_whose_bytes_are_there(
    whole: Path, tmp_path: Path, tenth: int
) -> None:
    chunks: dict[tuple[int, ...], int] = {}
    with h5py.File(whole) as file:
        data = file["Experiments/map/data"].id
        data.chunk_iter(lambda c: chunks.update({c.chunk_offset: c.byte_offset + c.size}))
    content = whole.read_bytes()
    cut = len(content) * tenth // 10
    bad, out = tmp_path / "bad.hspy", tmp_path / "out.hspy"
    bad.write_bytes(content[:cut])
    assert not hspyio.rescue(bad, out).ok
    found = hspyio.load(out)
    for corner, end in chunks.items():
        part = tuple(slice(low, low + n) for low, n in zip(corner, CHUNKS, strict=True))
        np.testing.assert_array_equal(found.data[part], DATA[part] if end <= cut else 0)
    assert any(end <= cut for end in chunks.values())
    assert [axis.size for axis in found.axes] == [60, 40, 128]
    assert found.axes[1].scale == 0.5
