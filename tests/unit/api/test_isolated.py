"""`isolated=True`: the same signals, read in another process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings

import hspyio
from hspyio import HspyWarning, Signal
from hspyio.compare import signal_differences
from hspyio.errors import DamagedFileError, OptionError
from hspyio.testing import signals
from support import places

ARCHIVE = sorted(places.ARCHIVE.glob("v*"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("isolated")


@pytest.mark.filterwarnings("ignore::hspyio.HspyWarning")
@pytest.mark.parametrize(
    "path", [*ARCHIVE, *(p for p in places.SHARED.rglob("*") if p.suffix in (".hspy", ".hdf5"))]
)
def test_every_file_loads_alike(path: Path) -> None:
    for name in hspyio.open(path):
        here, there = hspyio.load(path, name=name), hspyio.load(path, name=name, isolated=True)
        assert not signal_differences(here, there)


@settings(max_examples=20)
@given(signals())
def test_any_signal_loads_alike(folder: Path, signal: Signal) -> None:
    path = folder / "a.hspy"
    hspyio.save(path, signal, overwrite=True, checksum=True)
    assert not signal_differences(hspyio.load(path), hspyio.load(path, isolated=True))


def test_it_is_not_lazy(folder: Path) -> None:
    with pytest.raises(OptionError, match="does not go with lazy=True"):
        hspyio.load(folder / "a.hspy", isolated=True, lazy=True)


@pytest.mark.parametrize("compression", ["gzip", None])
def test_a_seal_is_checked(folder: Path, compression: Any) -> None:
    path = folder / "sealed.hspy"
    data = np.random.default_rng(1).random((40, 50, 60))
    signal = Signal(data, signal_dimension=1)
    hspyio.save(path, signal, overwrite=True, checksum=True, compression=compression)
    assert np.array_equal(hspyio.load(path, isolated=True).data, data)
    with h5py.File(path) as file:
        [name] = file["Experiments"]
        info = file[f"Experiments/{name}/data"].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[info.byte_offset + info.size // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"chunk at \(0, 0, 0\)"):
        hspyio.load(path, isolated=True)
    with pytest.warns(HspyWarning, match=r"chunk at \(0, 0, 0\)"):
        hspyio.load(path, isolated=True, errors="warn")
