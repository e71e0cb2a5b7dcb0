"""Attacks that are written into: the other file is not read, not changed, not even opened."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import hspyio
from support.attacks import foreign
from support.attacks.child import watched
from support.handmade import DATA

SIGNAL: dict[str, Any] = {
    "data": np.arange(3.0),
    "axes": [{"name": "x", "size": 3, "offset": 0.0, "scale": 1.0, "navigate": False}],
    "metadata": {"General": {"title": "New"}},
    "original_metadata": {},
    "attributes": {"_lazy": False, "ragged": False},
    "learning_results": {},
    "models": {},
}


def as_new(path: Path) -> None:
    hspyio.file_writer(path, SIGNAL, mode="a")


def in_its_place(path: Path) -> None:
    """Where the experiment of the attack stands."""
    signal = {**SIGNAL, "metadata": {"General": {"title": "Handmade"}}}
    hspyio.file_writer(path, signal, mode="a")


def without_data(path: Path) -> None:
    """The axes and metadata of the attacked experiment, whose data are elsewhere."""
    axes = [{"size": n, "navigate": False} for n in DATA.shape]
    title = {"metadata": {"General": {"title": "Handmade"}}}
    signal = {**SIGNAL, **title, "data": np.zeros(DATA.shape), "axes": axes}
    hspyio.file_writer(path, signal, write_dataset=False)


def appended(path: Path) -> None:
    hspyio.append(path, hspyio.Signal(np.arange(3.0), metadata={"General": {"title": "New"}}))


def updated(path: Path) -> None:
    with hspyio.open(path) as experiments:
        good = experiments["Zgood" if "Zgood" in experiments else "Handmade"]
    good.metadata.set_item("Sample.description", "changed")
    hspyio.update(path, good)


def removed(path: Path) -> None:
    hspyio.remove(path, "Zgood")


def repacked(path: Path) -> None:
    hspyio.repack(path, path, overwrite=True)


WAYS: tuple[Callable[[Path], None], ...] = (
    as_new, in_its_place, without_data, appended, updated, removed, repacked,
)  # fmt: skip
MAKERS: dict[str, Callable[[Path], None]] = {
    "absolute storage": foreign.storage(foreign.absolute),
    "storage upwards": foreign.storage(foreign.upwards),
    "virtual": foreign.virtual,
    "endless virtual": foreign.endless_virtual,
    "link": foreign.linked_experiment,
    "slash": foreign.slashed_name,
}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("attack", MAKERS)
def test_the_other_file_stays_untouched(
    attack: str, way: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "attack.hspy"
    MAKERS[attack](path)
    canary = path.with_name(foreign.CANARY)
    content = canary.read_bytes()
    canary.chmod(0o400)
    with watched(tmp_path) as events, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            way(path)
        except hspyio.HspyError:
            pass
        opened = events()
    assert foreign.CANARY not in opened
    assert canary.read_bytes() == content
    assert foreign.SECRET not in path.read_bytes()
    with h5py.File(path, "r") as file:
        assert "Experiments" in file


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_fifo_is_not_opened(way: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "attack.hspy"
    foreign.storage(foreign.absolute, fifo=True)(path)
    with watched(tmp_path) as events, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            way(path)
        except hspyio.HspyError:
            pass
        assert foreign.CANARY not in events()


def a_fifo(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def a_link_to_a_fifo(folder: Path) -> Path:
    (folder / "link.hspy").symlink_to(a_fifo(folder))
    return folder / "link.hspy"


PATHS: dict[str, Callable[[Path], Path | str]] = {
    "fifo": a_fifo,
    "link to a fifo": a_link_to_a_fifo,
    "device": lambda folder: "/dev/zero",
    "terminal": lambda folder: "/dev/tty",
    "folder": lambda folder: folder,
    "nothing": lambda folder: folder / "nothing",
    "nul": lambda folder: "a\0b",
    "below a file": lambda folder: f"{__file__}/a.hspy",
    "empty": lambda folder: "",
    "long": lambda folder: "x" * 10_000,
}
READERS: tuple[Callable[[Any], object], ...] = (
    hspyio.load,
    lambda path: hspyio.load(path, lazy=True),
    hspyio.open,
    hspyio.info,
    hspyio.file_reader,
    hspyio.list_datasets_in_file,
    hspyio.read_metadata_from_file,
)


@pytest.mark.skipif(sys.platform == "win32", reason="none of these there")
@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("kind", PATHS)
def test_what_is_no_file_is_not_opened(
    kind: str, read: Callable[[Any], object], tmp_path: Path
) -> None:
    path = PATHS[kind](tmp_path)
    with watched(tmp_path) as events:
        with pytest.raises(hspyio.HspyError):
            read(path)
        assert "pipe" not in events()
