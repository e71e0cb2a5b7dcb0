"""What readers demand: what a rescue writes has it, and what stood there before is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

import hspyio
from hspyio import Signal
from hspyio.tree import MetadataTree

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
    assert hspyio.verify(target).intact
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
