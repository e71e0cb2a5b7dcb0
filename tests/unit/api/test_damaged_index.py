"""Damaged indices of chunks: whoever asks where the values stand gets an error of ours, or none."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

import hspyio


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("index") / "good.hspy"
    data = np.arange(48.0).reshape(6, 8)
    hspyio.save(path, hspyio.Signal(data), chunks=(3, 4), compression="gzip")
    return path


def _ways(path: Path) -> None:
    with hspyio.open(path) as found:
        repr(found)
        found._repr_html_()
        names = list(found)
    for read in (
        lambda: hspyio.load(path, name=names[0]),
        lambda: hspyio.load(path, name=names[0], lazy=True).data.compute(),
        lambda: hspyio.info(path),
        lambda: list(hspyio.diff(path, path)),
        lambda: hspyio.file_reader(path),
    ):
        try:
            read()
        except hspyio.HspyError as error:
            assert str(path) in str(error)  # noqa: PT017


@pytest.mark.parametrize("value", [0x01, 0x80, 0xFF])
@pytest.mark.filterwarnings("ignore::hspyio.errors.HspyWarning")
def test_nothing_but_our_errors_comes_of_a_damaged_index(
    good: Path, tmp_path: Path, value: int
) -> None:
    content = good.read_bytes()
    start = content.index(b"TREE\x01")
    path = tmp_path / "damaged.hspy"
    for place in range(start, start + 72, 2):
        damaged = bytearray(content)
        damaged[place] ^= value
        path.write_bytes(damaged)
        _ways(path)


def test_what_stands_where_a_node_should_be_does_not_stop_a_rescue(tmp_path: Path) -> None:
    path = tmp_path / "broken.hspy"
    hspyio.save(path, hspyio.Signal(np.arange(6.0), metadata={"General": {"title": "one"}}))
    with h5py.File(path, "r+") as file:
        metadata = file["Experiments/one/metadata"]
        del metadata["General"]
        metadata["General"] = np.arange(3)
        places = [h5py.h5o.get_info(file[name].id).addr for name in ("/", "Experiments")]
    content = bytearray(path.read_bytes())
    for place in places:
        content[place : place + 16] = bytes(16)
    path.write_bytes(content)
    found = hspyio.rescue(path, tmp_path / "saved.hspy")
    assert not found.ok
    with hspyio.open(tmp_path / "saved.hspy") as saved:
        assert [one.data.shape for one in map(saved.__getitem__, saved)] == [(6,)]
    assert hspyio.verify(tmp_path / "saved.hspy").ok
    assert hspyio.validate(tmp_path / "saved.hspy").ok
    found_again = hspyio.load(tmp_path / "saved.hspy").metadata
    np.testing.assert_array_equal(found_again["General (recovered 1)"], np.arange(3))
