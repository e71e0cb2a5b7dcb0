"""What readers demand: what a rescue writes has it, and what stood there before is kept.

Also of ragged data, which are rows and the shapes that those have.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

import hspyio
from hspyio import Signal
from hspyio.model.tree import MetadataTree

MARKERS = "Experiments/one/metadata/Markers"
INSIDE = "Experiments/one/metadata/_sig_inside/metadata/Markers"
Change = Callable[[h5py.File], object]


def marker(name: str) -> dict[str, object]:
    new = {"class": "Points", "kwargs": {"offsets": np.zeros((2, 2))}}
    old = {"marker_type": "Point", "data": {"x1": 1.0}, "marker_properties": {"color": "red"}}
    return {"name": name, **(new if name.startswith("new") else old)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    markers = {name: marker(name) for name in ("new", "new, too", "old", "old, too")}
    signal = Signal(np.arange(3.0), metadata={"General": {"title": "one"}, "Markers": markers})
    signal.metadata["inside"] = Signal([1.0], metadata={"Markers": {"new": marker("new")}})
    signal.models["m"] = hspyio.Model(MetadataTree({"date": "x", "_dict": {"components": []}}))
    hspyio.save(tmp_path / "a.hspy", signal)
    return tmp_path / "a.hspy"


def rescued(path: Path, change: Change) -> tuple[list[str], Signal]:
    target = path.with_name("rescued.hspy")
    with h5py.File(path, "r+") as file:
        change(file)
    assert hspyio.validate(path).errors
    found = hspyio.rescue(path, target)
    assert not hspyio.validate(target).errors
    assert hspyio.verify(target).ok
    return [note.where for note in found.notes], hspyio.load(target)


def test_nothing_is_noted_of_what_is_whole(path: Path) -> None:
    assert not hspyio.rescue(path, path.with_name("b.hspy")).notes
    assert list(hspyio.diff(path, path.with_name("b.hspy"))) == []


@pytest.mark.parametrize("holder", [MARKERS, INSIDE])
@pytest.mark.parametrize(
    "change",
    [
        lambda group: group.attrs.__delitem__("class"),
        lambda group: group.attrs.__setitem__("class", "Pointt"),
        lambda group: group.attrs.__setitem__("class", np.arange(2)),
        lambda group: group.__delitem__("kwargs"),
    ],
)
def test_markers_that_no_reader_takes_are_kept_beside_the_others(
    path: Path, holder: str, change: Callable[[h5py.Group], object]
) -> None:
    _, found = rescued(path, lambda file: change(file[holder]["new"]))
    metadata = found.metadata if holder == MARKERS else found.metadata["inside"].metadata
    assert "new" not in metadata["Markers"]
    assert metadata["Markers (recovered 1)"]["new"]["name"] == "new"
    if holder == MARKERS:
        assert list(metadata["Markers"]) == ["new, too", "old", "old, too"]


@pytest.mark.parametrize("key", ["marker_type", "data"])
def test_so_are_markers_of_old_versions(path: Path, key: str) -> None:
    def change(file: h5py.File) -> None:
        group = file[MARKERS]["old"]
        del (group.attrs if key in group.attrs else group)[key]

    places, found = rescued(path, change)
    assert places == [f"/{MARKERS}/old"]
    assert list(found.metadata["Markers (recovered 1)"]) == ["old"]


def test_a_model_that_nothing_is_left_to_restore_by(path: Path) -> None:
    places, found = rescued(path, lambda file: file.__delitem__("Analysis/models/m/_dict"))
    assert places == ["/Analysis/models/m"]
    assert found.models["m"].tree == {"date": "x", "_dict": {}}


def test_what_has_taken_the_place_of_what_a_model_is_restored_by(path: Path) -> None:
    def change(file: h5py.File) -> None:
        del file["Analysis/models/m/_dict"]
        file["Analysis/models/m"].attrs["_dict"] = 5

    places, found = rescued(path, change)
    assert places == ["/Analysis/models/m/_dict"]
    assert found.models["m"].tree == {"date": "x", "_dict": {}, "_dict (recovered 1)": 5}


@pytest.mark.parametrize(
    "change",
    [
        lambda shapes: shapes.__setitem__(1, np.array([5, 7])),
        lambda shapes: shapes.__setitem__(1, np.array([-1, 4])),
        lambda shapes: shapes.resize((2,)),
        lambda shapes: shapes.__setitem__(1, np.array([], int)),
    ],
)
@pytest.mark.parametrize("more", [0, 1])
def test_items_are_flat_where_the_shapes_of_them_are_damaged(
    tmp_path: Path, change: Callable[[h5py.Dataset], object], more: int
) -> None:
    items = np.empty(3, object)
    for i in range(3):
        items[i] = np.arange((i + 1) * 2.0).reshape(i + 1, 2)
    path, target = tmp_path / "a.hspy", tmp_path / "b.hspy"
    signals = [Signal(items, title="one"), *[Signal([1.0], title="other")] * more]
    hspyio.save(path, signals)
    with h5py.File(path, "r+") as file:
        where = "Experiments/one/_ragged_shapes_data"
        values, chunks = file[where][:], file[where].chunks
        del file[where]
        changed = file.create_dataset(
            where, (3,), h5py.vlen_dtype("i8"), chunks=chunks, maxshape=(3,)
        )
        for i, value in enumerate(values):
            changed[i] = value
        change(changed)
    with pytest.raises(hspyio.HspyError):
        hspyio.load(path, name="one")
    found = hspyio.rescue(path, target)
    assert [problem.where for problem in found.problems] == [f"/{where}"]
    assert [signal.whole for signal in found.signals] == [False, *[True] * more]
    for one, two in zip(hspyio.load(target, name="one").data, items, strict=True):
        np.testing.assert_array_equal(one, two.ravel())
    assert hspyio.verify(target).ok
