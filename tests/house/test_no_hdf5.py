"""HDF5's library opens no file that is only read: a damaged one could crash or hang the process."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import hspyio
from support.places import TESTS

WAYS: dict[str, Callable[[str], Any]] = {
    "info": hspyio.info,
    "load": hspyio.load,
    "load lazily": lambda path: np.asarray(hspyio.load(path, lazy=True).data),
    "open": lambda path: [signal.title for signal in hspyio.open(path).values()],
    "file_reader": hspyio.file_reader,
    "validate": hspyio.validate,
    "verify": hspyio.verify,
    "rescue": lambda path: hspyio.rescue(path, f"{path}.rescued.hspy"),
    "diff": lambda path: hspyio.diff(path, path),
    "export": lambda path: hspyio.export(path, f"{path}.nc"),
    "list_datasets_in_file": hspyio.list_datasets_in_file,
    "read_metadata_from_file": hspyio.read_metadata_from_file,
}
ARCHIVE = sorted((TESTS / "archive").iterdir())


@pytest.fixture(params=[*(path.name for path in ARCHIVE), "sealed", "small chunks"])
def path(request: Any, tmp_path: Path) -> str:
    target = tmp_path / "a.hspy"
    if request.param == "sealed":
        hspyio.save(target, hspyio.Signal(np.arange(6.0)), checksum=True)
    elif request.param == "small chunks":
        hspyio.save(target, hspyio.Signal(np.ones((40, 3))), chunks=(1, 3))
    else:
        shutil.copy(TESTS / "archive" / request.param, target)
    return str(target)


@pytest.fixture
def opened(monkeypatch: Any) -> list[str]:
    """What HDF5 is asked to open from now on."""
    names: list[str] = []
    hdf5_opens = h5py.h5f.open

    def watched(name: Any, *args: Any, **options: Any) -> Any:
        names.append(str(name))
        return hdf5_opens(name, *args, **options)

    monkeypatch.setattr(h5py.h5f, "open", watched)
    return names


@pytest.mark.filterwarnings("ignore::hspyio.HspyWarning")
@pytest.mark.parametrize("name", WAYS)
def test_hdf5_opens_nothing_that_is_read(path: str, name: str, opened: list[str]) -> None:
    WAYS[name](path)
    assert opened == []


def test_what_hdf5_opens_is_seen(tmp_path: Path, opened: list[str]) -> None:
    """A file that is copied is opened in HDF5: else the watch sees nothing."""
    source = tmp_path / "a.hspy"
    hspyio.save(source, hspyio.Signal(np.arange(6.0)))
    assert opened == []
    hspyio.repack(source, tmp_path / "b.hspy")
    assert opened != []
