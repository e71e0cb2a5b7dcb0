"""What is copied as it is, whatever it is called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

import hspyio

NAME = b"not \x9b text"
READ = NAME.decode("utf-8", "surrogateescape")


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A file with names that are no UTF-8, everywhere."""
    path = tmp_path / "odd.hspy"
    signals = [
        hspyio.Signal(np.arange(6.0).reshape(2, 3), metadata={"General": {"title": title}})
        for title in ("one", "two")
    ]
    hspyio.save(path, signals)
    with h5py.File(path, "r+") as file:
        file["Experiments"].id.move(b"one", NAME)
        group = file["Experiments"][NAME]
        group.attrs[NAME] = 1
        group["metadata"].attrs[NAME] = 2
        group["metadata"].create_dataset(NAME, data=np.arange(3))
        group.create_group(NAME).create_dataset(NAME, data=np.arange(4))
        file.create_group(NAME).attrs[NAME] = 3
        file["Experiments"].attrs[NAME] = 4
    return path


def _appended(path: Path, target: Path) -> None:
    target.write_bytes(path.read_bytes())
    hspyio.append(target, hspyio.Signal(np.zeros(3)))


def _removed(path: Path, target: Path) -> None:
    target.write_bytes(path.read_bytes())
    hspyio.remove(target, "two")


WAYS: dict[str, Callable[[Path, Path], object]] = {
    "repack": hspyio.repack,
    "rescue": hspyio.rescue,
    "upgrade": hspyio.upgrade,
    "extract": lambda path, target: hspyio.extract(path, READ, target),
    "append": _appended,
    "remove": _removed,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.filterwarnings("ignore::hspyio.HspyWarning")
def test_names_that_are_no_text(way: str, odd: Path, tmp_path: Path) -> None:
    target = tmp_path / "new.hspy"
    WAYS[way](odd, target)
    with h5py.File(target) as file:
        group = file["Experiments"][NAME]
        np.testing.assert_array_equal(group["data"], np.arange(6.0).reshape(2, 3))
        if way in ("repack", "append", "remove"):
            assert group["metadata"].attrs[NAME] == 2
            np.testing.assert_array_equal(group["metadata"][NAME], np.arange(3))
            np.testing.assert_array_equal(group[NAME][NAME], np.arange(4))
            assert file[NAME].attrs[NAME] == 3
            assert file["Experiments"].attrs[NAME] == 4
    loaded = hspyio.load(target, name=READ)
    assert loaded.title == "one"
