"""Stores of RosettaSciIO's are read as its HDF5 files are: every value, codec and row."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import hspyio
from hspyio.compare import signal_differences
from hspyio.errors import (
    DamagedFileError,
    ExperimentError,
    FilterError,
    HspyError,
    MissingFileError,
    NotHspyError,
    StaleFileError,
)
from hspyio.names import CURRENT_VERSION
from unit.zarr2.conftest import NAMES, ZSPY, unpacked


def comparable(signal: hspyio.Signal) -> hspyio.Signal:
    """Without what differs by the format: the time of writing, and the order of keys."""
    result = signal.copy()
    metadata = result.metadata.as_dictionary()
    metadata["General"].pop("FileIO", None)
    result.metadata = hspyio.MetadataTree(ordered(metadata))
    result.original_metadata = hspyio.MetadataTree(
        ordered(result.original_metadata.as_dictionary())
    )
    result.models = {
        name: hspyio.Model(hspyio.MetadataTree(ordered(model.tree.as_dictionary())))
        for name, model in result.models.items()
    }
    return result


def ordered(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: ordered(tree[key]) for key in sorted(tree)}
    return [ordered(item) for item in tree] if type(tree) is list else tree


@pytest.mark.parametrize("as_folder", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_it_holds_what_the_hdf5_file_holds(name: str, as_folder: bool, tmp_path: Path) -> None:
    path = unpacked(name, tmp_path) if as_folder else ZSPY / f"{name}.zspy"
    twin = ZSPY / ("edges.hspy" if name.startswith("codec-") else f"{name}.hspy")
    expected, found = comparable(hspyio.load(twin)), comparable(hspyio.load(path))
    # Of a text alone an attribute of JSON is longer than one of HDF5's, which is all the same.
    assert not signal_differences(expected, found)
    lazy = hspyio.load(path, lazy=True)
    assert lazy.lazy and lazy.data.shape == found.data.shape
    for one, other in zip(lazy.data.compute().reshape(-1), found.data.reshape(-1), strict=True):
        assert_array_equal(one, other)


def test_every_way_to_look_at_it(values: Path) -> None:
    (info,) = hspyio.info(values).experiments
    assert (info.shape, info.dtype, info.filters) == ((3, 4, 5), "uint16", ("blosc zstd 1",))
    assert info.needs == "" and info.stored_bytes > 0
    assert hspyio.info(values).size > 0 and hspyio.info(values).unused_bytes == 0
    with hspyio.open(values) as experiments:
        assert list(experiments) == ["values"] and experiments.version == CURRENT_VERSION
        assert experiments["values"].data.sum().compute() == np.arange(60).sum()
    report = hspyio.validate(values)
    assert report.ok and not report.findings, report
    assert not hspyio.diff(values, ZSPY / "values.zspy")


def test_a_part_is_read_of_the_chunks_it_needs(tmp_path: Path) -> None:
    path = unpacked("edges", tmp_path)
    expected = hspyio.load(ZSPY / "edges.hspy").data
    lazy = hspyio.load(path, lazy=True, chunks="storage")
    assert lazy.data.chunksize == (2, 3, 8, 5)
    shutil.rmtree(path / "Experiments" / "images" / "data" / "1")
    assert_array_equal(lazy.data[:2, 1:, ::3, -1].compute(), expected[:2, 1:, ::3, -1])
    assert not lazy.data[2:].compute().any()  # a chunk that is not there is the fill value


def test_a_lazy_signal_in_another_process_and_after_a_change(values: Path) -> None:
    lazy = hspyio.load(values, lazy=True)
    again = pickle.loads(pickle.dumps(lazy))
    assert_array_equal(again.data.compute(), lazy.data.compute())
    os.utime(values / ".zmetadata", (1, 1))
    with pytest.raises(StaleFileError, match=r"values\.zspy: .*has changed since"):
        lazy.data.compute()
    lazy.close()


def test_without_the_metadata_in_one_piece(values: Path) -> None:
    expected = hspyio.load(values)
    (values / ".zmetadata").unlink()
    assert not signal_differences(expected, hspyio.load(values))
    (values / ".zmetadata").write_text("{ cut")
    assert not signal_differences(expected, hspyio.load(values))


def test_of_any_name(values: Path, tmp_path: Path) -> None:
    other = tmp_path / "store"
    values.rename(other)
    assert hspyio.load(other).title == "values"
    with pytest.raises(ExperimentError, match="no experiment 'other'"):
        hspyio.load(other, "other")


def test_what_is_none(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(NotHspyError, match="is a folder"):
        hspyio.load(tmp_path / "folder")
    (tmp_path / "text.zspy").write_text("no zip")
    with pytest.raises(NotHspyError):
        hspyio.load(tmp_path / "text.zspy")
    with pytest.raises(MissingFileError):
        hspyio.load(tmp_path / "none.zspy")
    (tmp_path / "folder" / ".zgroup").write_text('{"zarr_format": 2}')
    with pytest.raises(NotHspyError):
        hspyio.load(tmp_path / "folder")


# damage


def zarray(path: Path) -> Path:
    return path / "Experiments" / "values" / "data" / ".zarray"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shape": [-1, 4, 5]}, "make no sense"),
        ({"shape": [3, 4]}, "make no sense"),
        ({"chunks": [0, 4, 5]}, "make no sense"),
        ({"chunks": [2**20, 2**20, 2**20]}, "make no sense"),
        ({"dtype": "nonsense"}, r"no sound \.zarray"),
        ({"dtype": "|O"}, "objects of a kind"),
        ({"zarr_format": 3}, "format 3, not 2"),
        ({"shape": None}, r"no sound \.zarray"),
        ({"compressor": {"id": "nonsense"}}, "nonsense"),
        ({"compressor": {"id": "zlib"}}, "cannot be decoded by zlib"),
        ({"chunks": [3, 4, 6]}, "blosc"),
        ({"shape": [2**40, 2**40, 5]}, "memory|has size"),
    ],
)
def test_a_description_that_makes_no_sense(values: Path, change: Any, message: str) -> None:
    (values / ".zmetadata").unlink()
    content = json.loads(zarray(values).read_text())
    zarray(values).write_text(json.dumps({**content, **change}))
    with pytest.raises(HspyError, match=message) as caught:
        hspyio.load(values)
    assert isinstance(caught.value, (DamagedFileError, FilterError, MemoryError))
    assert "/Experiments/values" in str(caught.value)


def test_a_chunk_that_is_damaged(values: Path) -> None:
    chunk = next((values / "Experiments" / "values" / "data").rglob("0"))
    while chunk.is_dir():
        chunk = chunk / "0"
    for content in (b"", b"123", chunk.read_bytes()[:-5], os.urandom(200)):
        chunk.write_bytes(content)
        with pytest.raises(DamagedFileError, match="/Experiments/values/data"):
            hspyio.load(values)


def test_a_damaged_item_of_the_metadata_is_left_out(values: Path) -> None:
    (values / ".zmetadata").unlink()
    place = values / "Experiments" / "values" / "metadata" / "Values" / "array" / ".zarray"
    place.write_text("{ cut")
    with pytest.warns(hspyio.HspyWarning, match=r"Values/array"):
        signal = hspyio.load(values)
    assert "array" not in signal.metadata.Values and signal.metadata.Values.number == 2.5


def test_a_zip_that_is_cut(tmp_path: Path) -> None:
    content = (ZSPY / "values.zspy").read_bytes()
    for size in (100, len(content) // 2, len(content) - 10):
        (tmp_path / "cut.zspy").write_bytes(content[:size])
        with pytest.raises(HspyError):
            hspyio.load(tmp_path / "cut.zspy")


@pytest.mark.parametrize("seed", range(40))
def test_bytes_that_are_turned_crash_nothing(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    content = bytearray((ZSPY / "values.zspy").read_bytes())
    for place in rng.integers(0, len(content), 8):
        content[place] ^= 1 << int(rng.integers(8))
    path = tmp_path / "a.zspy"
    path.write_bytes(content)
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            hspyio.load(path)
        except HspyError:
            pass
