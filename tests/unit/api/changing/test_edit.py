"""append, update and remove: the rest of the file stays as it is."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

import hspyio
from hspyio.compare import signal_differences
from hspyio.errors import (
    AxesError,
    ExperimentError,
    HspyError,
    MissingFileError,
    NotHspyError,
)
from hspyio.names import CURRENT_VERSION
from support import handmade as h
from support.compare import rosettasciio
from support.make_archive import EXPECTED, VERSIONS, file_name, plain
from support.places import ARCHIVE
from support.samples import alone, made, raw_chunks, same

# append ---------------------------------------------------------------------------------------


def test_append(path: Path) -> None:
    chunks = raw_chunks(path, "Experiments/First/data")
    hspyio.append(path, made("Third", 3), compression=None, chunks=(1, 3, 4))
    assert list(hspyio.open(path)) == ["First", "Second", "Third"]
    for title, number in (("First", 1), ("Second", 2), ("Third", 3)):
        assert same(path, title, made(title, number))
    assert raw_chunks(path, "Experiments/First/data") == chunks
    assert hspyio.open(path).operator == "A. N. Other"
    with h5py.File(path) as file:
        assert file["Notes"][()].tolist() == [0, 1, 2]
        assert file["Experiments/Third/data"].chunks == (1, 3, 4)
        assert file["Experiments/Third/data"].compression is None
    assert len(rosettasciio(path)) == 3
    assert alone(path)


def test_append_a_title_that_is_there(path: Path) -> None:
    hspyio.append(path, made("First", 7))
    assert list(hspyio.open(path)) == ["First", "Second", "First_2"]
    for group, number in (("First", 1), ("First_2", 7)):
        assert same(path, group, made("First", number))


def test_append_needs_a_file(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        hspyio.append(tmp_path / "none.hspy", made("New"))
    h.plain_hdf5(tmp_path / "other.h5")
    with pytest.raises(NotHspyError):
        hspyio.append(tmp_path / "other.h5", made("New"))


# update ---------------------------------------------------------------------------------------


def test_update_metadata(path: Path) -> None:
    chunks = raw_chunks(path, "Experiments/First/data")
    signal = hspyio.load(path, name="First")
    del signal.metadata["number"]
    signal.metadata.dates = [1.5]
    signal.original_metadata["array"] = {"now": "a dict"}
    signal.attributes["comment"] = None
    signal.learning_results.clear()
    signal.axes[0].name, signal.axes[2].scale = "y", 0.5
    hspyio.update(path, signal)
    assert same(path, "First", signal)
    assert same(path, "Second", made("Second", 2))
    assert raw_chunks(path, "Experiments/First/data") == chunks
    assert hspyio.open(path).operator == "A. N. Other"
    again = {item["metadata"]["General"]["title"]: item for item in rosettasciio(path)}
    assert "number" not in again["First"]["metadata"]
    assert again["First"]["original_metadata"] == {"array": {"now": "a dict"}}
    assert alone(path)


def test_update_a_lazy_signal(path: Path) -> None:
    signal = hspyio.load(path, name="First", lazy=True)
    signal.metadata.note = "new"
    hspyio.update(path, signal)
    assert hspyio.load(path, name="First").metadata.note == "new"
    # What was read lazily before goes on, and updates again.
    assert signal.data.compute().tolist() == made("First").data.tolist()
    signal.metadata.note = "newer"
    hspyio.update(path, signal)
    assert hspyio.load(path, name="First").metadata.note == "newer"


def test_update_with_another_title_renames_the_group(path: Path) -> None:
    signal = hspyio.load(path, name="First")
    signal.title = "Premier/1"
    hspyio.update(path, signal)
    assert hspyio.open(path).titles == {"Premier-1": "Premier/1", "Second": "Second"}
    expected = made("First")
    expected.title = "Premier/1"
    assert same(path, "Premier-1", expected)
    assert same(path, "Second", made("Second", 2))
    # Each model is still said to belong to its own signal.
    models = [list(item["models"]) for item in rosettasciio(path)]
    assert [len(names) for names in models] == [1, 1]


def test_update_to_a_title_that_another_has(path: Path) -> None:
    signal = hspyio.load(path, name="First")
    signal.title = "Second"
    hspyio.update(path, signal)
    assert hspyio.open(path).titles == {"Second": "Second", "Second_2": "Second"}
    assert hspyio.load(path, name="Second_2").metadata.number == 1
    assert same(path, "Second", made("Second", 2))


def test_update_by_name_with_a_signal_from_elsewhere(path: Path) -> None:
    # Its data are not looked at, only its axes.
    other = made("First", 5)
    hspyio.update(path, other, name="First")
    loaded = hspyio.load(path, name="First")
    assert loaded.metadata.number == 5
    assert loaded.data.tolist() == made("First", 1).data.tolist()


def test_update_checks_the_axes(path: Path) -> None:
    before = path.read_bytes()
    signal = hspyio.Signal(np.zeros((2, 3, 5)), metadata={"General": {"title": "First"}})
    with pytest.raises(AxesError, match=f"{path}: First"):
        hspyio.update(path, signal)
    assert path.read_bytes() == before


def test_update_of_what_is_not_there(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(ExperimentError, match="'New'"):
        hspyio.update(path, made("New"))
    with pytest.raises(ExperimentError, match="'None'"):
        hspyio.update(path, made("First"), name="None")
    assert path.read_bytes() == before


def test_update_leaves_original_metadata_that_were_not_read(path: Path) -> None:
    signal = hspyio.load(path, name="First", original_metadata=False)
    signal.metadata.note = "new"
    hspyio.update(path, signal)
    expected = made("First")
    expected.metadata.note = "new"
    assert same(path, "First", expected)


# what is not ours -----------------------------------------------------------------------------


def edits(path: Path) -> None:
    """All three ways to change a file, each of them once."""
    hspyio.append(path, made("New"))
    signal = hspyio.load(path, name="Handmade")
    signal.metadata.note = "new"
    hspyio.update(path, signal)
    hspyio.remove(path, "New")


@pytest.mark.filterwarnings("ignore::hspyio.HspyWarning")
def test_members_of_experiments_without_data_stay(tmp_path: Path) -> None:
    path = tmp_path / "file.hspy"
    h.experiment_without_data(path)
    edits(path)
    with h5py.File(path) as file:
        assert file["Experiments/stray"][()].tolist() == [0, 1, 2]
        assert file["Experiments/Empty/metadata/General"].attrs["title"] == "Empty"


@pytest.mark.filterwarnings("ignore::hspyio.HspyWarning")
def test_what_is_not_part_of_the_format_stays(tmp_path: Path) -> None:
    path = tmp_path / "file.hspy"
    h.newer_version(path)
    with h5py.File(path, "r+") as file:
        file.attrs["file_format_version"] = CURRENT_VERSION
    edits(path)
    with h5py.File(path) as file:
        assert file["Provenance"].attrs["who"] == "somebody"
        assert file["Experiments/Handmade/masks/beam"][()].all()
        assert file["Experiments/Handmade/metadata"].attrs["note"] == "new"


@pytest.mark.filterwarnings("ignore:.*newer:hspyio.HspyWarning")
def test_a_file_of_a_newer_version_is_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "file.hspy"
    h.newer_version(path)
    before = path.read_bytes()
    with pytest.raises(HspyError, match=r"4\.2.*newer"):
        hspyio.append(path, hspyio.Signal([1.0]))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "make", [h.experiment_without_axes, h.data_is_a_group], ids=lambda make: make.__name__
)
def test_a_damaged_experiment_stays_as_it_is(make: h.Maker, tmp_path: Path) -> None:
    path = tmp_path / "file.hspy"
    make(path)
    with h5py.File(path) as file:
        before = list(file["Experiments/Damaged"])
    edits(path)
    assert hspyio.load(path, name="Handmade").metadata.note == "new"
    with h5py.File(path) as file:
        assert list(file["Experiments/Damaged"]) == before


def test_models_of_no_experiment_stay(tmp_path: Path) -> None:
    path = tmp_path / "file.hspy"
    h.standalone_models(path)
    edits(path)
    assert sorted(hspyio.open(path).models) == ["free", "lost"]


# remove ---------------------------------------------------------------------------------------


def test_remove(path: Path) -> None:
    hspyio.remove(path, "First")
    assert list(hspyio.open(path)) == ["Second"]
    assert same(path, "Second", made("Second", 2))
    assert hspyio.open(path).models == {}
    with h5py.File(path) as file:
        assert len(file["Analysis/models"]) == 1
        assert file["Notes"][()].tolist() == [0, 1, 2]
    assert alone(path)


def test_remove_what_is_not_there_or_all_that_is(path: Path) -> None:
    with pytest.raises(ExperimentError, match="'Gold'"):
        hspyio.remove(path, "Gold")
    hspyio.remove(path, "First")
    before = path.read_bytes()
    with pytest.raises(ExperimentError, match="only experiment"):
        hspyio.remove(path, "Second")
    assert path.read_bytes() == before


# files of older versions ----------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_edit_a_file_of_an_older_version(version: str, tmp_path: Path) -> None:
    path = tmp_path / "old.hspy"
    path.write_bytes((ARCHIVE / file_name(version)).read_bytes())
    whole = hspyio.load(path)
    chunks = [chunk[2] for chunk in raw_chunks(path, "Experiments/Archive/data")]

    def untouched() -> bool:
        again = hspyio.load(path, name="Archive")
        stored = [chunk[2] for chunk in raw_chunks(path, "Experiments/Archive/data")]
        return signal_differences(again, whole) == [] and stored == chunks

    hspyio.append(path, made("New"))
    assert untouched()
    assert plain(hspyio.load(path, name="Archive").metadata) == EXPECTED["metadata"]
    signal = hspyio.load(path, name="New")
    signal.metadata.number = 9
    hspyio.update(path, signal)
    assert untouched()
    assert hspyio.load(path, name="New").metadata.number == 9
    assert len(rosettasciio(path)) == 2
    hspyio.remove(path, "New")
    assert untouched()
    whole.metadata.Sample.thickness = 51.0
    whole.title = "Changed"
    hspyio.update(path, whole, name="Archive")
    assert same(path, "Changed", whole)


def test_data_that_were_saved_since_are_no_change(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, hspyio.Signal(np.arange(5.0)))
    signal = hspyio.load(path)
    signal.data = signal.data * 2
    signal.save(path, overwrite=True)
    signal.metadata.set_item("Sample.name", "x")
    hspyio.update(path, signal)  # a warning would be an error here
    assert hspyio.load(path).data.tolist() == [0, 2, 4, 6, 8]
