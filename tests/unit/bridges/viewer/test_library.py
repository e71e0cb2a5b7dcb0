"""Experiments that are viewed, their navigators, and maps that are added to the file."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest

import hspyio
from hspyio.bridges.viewer.library import Item, Library

RNG = np.random.default_rng(0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    axes = [
        {"name": "y", "size": 4, "scale": 0.5, "units": "nm", "navigate": True},
        {"name": "x", "size": 5, "scale": 0.5, "units": "nm", "navigate": True},
        {"name": "E", "size": 6},
    ]
    map_ = hspyio.Signal(RNG.integers(0, 9, (4, 5, 6)), axes, title="map")
    ragged = np.empty(2, object)
    ragged[:] = [np.arange(2), np.arange(3)]
    texts = hspyio.Signal(np.array(["a", "b"]), title="texts")
    hspyio.save(tmp_path / "a.hspy", [map_, hspyio.Signal(ragged, title="rows"), texts])
    return tmp_path / "a.hspy"


def test_what_is_listed_and_opened(path: Path) -> None:
    library = Library(path)
    assert list(library.titles.values()) == ["map", "rows", "texts"]
    notes = [library.item(name).note for name in library.titles]
    assert notes[0] == "" and "ragged" in notes[1] and "no numbers" in notes[2]
    assert library.item("map") is library.item("map")
    library.close()


def test_a_map_is_added_and_the_data_stay(path: Path) -> None:
    library = Library(path)
    item = library.item("map")
    assert item.cube is not None
    before = item.cube.at((1, 2)).copy()
    values = RNG.random((4, 5))
    library.add_map("map", values, "peak", "sum from 1 to 2")
    assert list(library.titles.values()) == ["map", "rows", "texts", "peak"]
    added = hspyio.load(path, "peak")
    assert (added.data == values).all()
    assert [axis.name for axis in added.axes.signal] == ["y", "x"]
    assert added.axes["x"].scale == 0.5
    assert added.metadata.General.notes == "sum from 1 to 2, of map"
    assert (item.cube.at((1, 2)) == before).all()
    library.close()


def test_a_signal_in_memory_has_no_file() -> None:
    signal = hspyio.Signal(np.zeros((3, 4)), signal_dimension=1)
    library = Library(signal)
    assert library.path is None and library.titles == {"signal": "Signal"}
    library.close()
    assert signal.data.shape == (3, 4)


def test_a_navigator_of_the_file(path: Path) -> None:
    signal = hspyio.load(path, "map")
    navigator = hspyio.Signal(signal.data.sum(2), title="total")
    signal.metadata.set_item("_HyperSpy.navigator", navigator)
    hspyio.update(path, signal, "map")
    library = Library(path)
    item = library.item("map")
    ((title, found),) = item.navigators().items()
    assert title == "total"
    assert (item.stored_map(found) == signal.data.sum(2)).all()
    library.close()


@pytest.mark.parametrize("odd", [None, "auto", hspyio.Signal(np.zeros(3)), 3])
def test_navigators_that_do_not_fit(path: Path, odd: object) -> None:
    library = Library(path)
    item = library.item("map")
    item.signal.metadata.set_item("_HyperSpy.navigator", odd)
    assert item.navigators() == {}
    library.close()


def test_few_maps_are_kept() -> None:
    item = Item(None, None, "")
    for number in range(100):
        item.keep(number, np.zeros(1))
    assert len(item.maps) < 40 and 99 in item.maps


def test_a_file_that_has_changed_is_seen_by_new_windows(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, hspyio.Signal(np.zeros(3), title="old"))
    library = Library(path)
    item = library.item("old")
    library.refresh()
    assert not library.has_changed and library.item("old") is item
    hspyio.save(path, hspyio.Signal(np.ones(4), title="new"), overwrite=True)
    assert library.has_changed
    library.refresh()
    assert not library.has_changed and list(library.titles) == ["new"]
    assert item.cube is not None and (item.cube.at(()) == 0).all()  # what is shown stays
    path.unlink()
    library.refresh()  # nothing better is there
    assert library.has_changed and list(library.titles) == ["new"]
    library.close()
    assert not Library(hspyio.Signal(np.zeros(3))).has_changed


def test_states_that_nobody_looks_at_are_let_go(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    library = None
    for number in range(40):  # as of a file that grows
        signal = hspyio.Signal(np.full((3, 4), number), signal_dimension=1, title="a")
        hspyio.save(path, signal, overwrite=True)
        library = library or Library(path)
        library.refresh()
        cube = library.item("a").cube
        assert cube is not None and (cube.at((2,)) == number).all()
    del cube
    gc.collect()
    links = [link for link in Path("/proc/self/fd").glob("*") if link.is_symlink()]
    assert sum(str(path) in str(link.readlink()) for link in links) <= 2
    assert library is not None
    library.close()
