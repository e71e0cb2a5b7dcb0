"""Every warning stands at the line of the program that called the package."""

from __future__ import annotations

import errno
import os
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import hspyio
from hspyio import HspyWarning, Signal
from hspyio.errors import HspyError
from hspyio.model.axes import FunctionalAxis, UniformAxis
from hspyio.model.tree import MetadataTree
from support import handmade as h

SOURCE = Path(hspyio.__file__).parent
ODD = {"General": {"title": "odd"}, "title": "of no use here"}


def odd() -> Signal:
    """A signal that saving warns of."""
    signal = Signal(np.ones((2, 3)), title="odd")
    signal.metadata["title"] = "of no use here"
    return signal


def unsynced(patch: pytest.MonkeyPatch) -> None:
    """A file system that syncs nothing."""

    def refuse(_: int) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    patch.setattr(os, "fsync", refuse)


READING: dict[str, Callable[[Path], Any]] = {
    "load": hspyio.load,
    "load, lazily": lambda path: hspyio.load(path, lazy=True),
    "load, isolated": lambda path: hspyio.load(path, isolated=True),
    "open": lambda path: hspyio.open(path)["Handmade"],
    "open, get": lambda path: hspyio.open(path).get("Handmade"),
    "open, items": lambda path: list(hspyio.open(path).items()),
    "file_reader": hspyio.file_reader,
    "file_reader, lazily": lambda path: hspyio.file_reader(path, lazy=True),
    "info": hspyio.info,
    "diff": lambda path: list(hspyio.diff(path, path)),
    "export": lambda path: hspyio.export(path, path.with_suffix(".nc")),
    "list_datasets_in_file": lambda path: hspyio.list_datasets_in_file(path, verbose=False),
    "read_metadata_from_file": hspyio.read_metadata_from_file,
    "repack": lambda path: hspyio.repack(path, path.with_name("new.hspy")),
    "upgrade": lambda path: hspyio.upgrade(path, path.with_name("new.hspy"), partly=True),
    "add_nexus": hspyio.add_nexus,
    "append": lambda path: hspyio.append(path, odd()),
}
WRITING: dict[str, Callable[[Path], Any]] = {
    "save": lambda path: hspyio.save(path, odd(), overwrite=True),
    "Signal.save": lambda path: odd().save(path, overwrite=True),
    "append": lambda path: hspyio.append(path, odd()),
    "update": lambda path: hspyio.update(path, odd(), "good"),
    "remove": lambda path: hspyio.remove(path, "other"),
    "repack": lambda path: hspyio.repack(path, path, overwrite=True),
    "repack, elsewhere": lambda path: hspyio.repack(path, path.with_name("new.hspy")),
    "add_nexus": hspyio.add_nexus,
    "extract": lambda path: hspyio.extract(path, "good", path.with_name("new.hspy")),
    "upgrade": lambda path: hspyio.upgrade(path, path.with_name("new.hspy")),
    "rescue": lambda path: hspyio.rescue(path, path.with_name("new.hspy")),
    "file_writer": lambda path: hspyio.file_writer(
        path, {"data": np.ones(3), "metadata": ODD}, bananas=1
    ),
}
FORMULA = FunctionalAxis("x", expression="what(x)", x=UniformAxis(size=3))
BY_HAND: dict[str, Callable[[], Any]] = {
    "Signal": lambda: Signal(np.ones(3), metadata={"title": "one"}),
    "Signal, axes": lambda: Signal(np.ones(3), [{"name": "x", "unit": "nm"}]),
    "Signal.axes": lambda: setattr(odd(), "axes", [{"name": "x", "unit": "nm"}] * 2),
    "an axis": lambda: setattr(UniformAxis("x", size=3), "scale", 0),
    "a tree": lambda: MetadataTree({"General": {"title": "one"}}).get_item("General.titel"),
    "from_xarray": lambda: hspyio.from_xarray(xr.DataArray(np.ones(2), {"x": ["a", "b"]}, "x")),
    "Signal.to_xarray": lambda: Signal(np.zeros(3), [FORMULA]).to_xarray(),
}


def places(call: Callable[..., Any], *arguments: Any) -> list[str]:
    """Files at which it warned."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", HspyWarning)
        try:
            call(*arguments)
        except HspyError:  # it may refuse, too
            assert caught
    return [item.filename for item in caught if issubclass(item.category, HspyWarning)]


@pytest.mark.parametrize("name", READING)
def test_what_reading_warns_of(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    h.dangling_soft_link(path)
    assert set(places(READING[name], path)) == {__file__}


@pytest.mark.parametrize("name", WRITING)
def test_what_writing_warns_of(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.hspy"
    signals = [Signal(np.ones((2, 3)), title="good"), Signal(np.ones(3), title="other")]
    hspyio.save(path, signals)
    unsynced(monkeypatch)
    assert set(places(WRITING[name], path)) == {__file__}


@pytest.mark.parametrize("name", BY_HAND)
def test_what_is_given_is_warned_of(name: str) -> None:
    assert set(places(BY_HAND[name])) == {__file__}


def test_all_warnings_are_given_by_one_function() -> None:
    odd = re.compile(r"warnings\.warn\(|stacklevel")
    found = [path.name for path in SOURCE.rglob("*.py") if odd.search(path.read_text("utf-8"))]
    assert found == ["errors.py"]
