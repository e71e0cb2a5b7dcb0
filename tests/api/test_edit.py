"""save, append, update and remove, and file_writer's ways to them: whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.array as da
import h5py
import numpy as np
import pytest

import handmade as h
import hspyio
from hspyio.differences import signal_differences
from hspyio.errors import (
    AxesError,
    ExperimentError,
    FilterError,
    HspyError,
    MissingFileError,
    NotHspyError,
    OptionError,
    SaveError,
    TargetExistsError,
)
from interop.compare import rosettasciio
from make_archive import EXPECTED, VERSIONS, file_name, plain

ARCHIVE = Path(__file__).parents[1] / "archive"


def made(title: str, number: int = 1, **parts: Any) -> hspyio.Signal:
    """A small signal with something of everything."""
    metadata = {"General": {"title": title}, "number": number, "dates": {1, 2}}
    common: dict[str, Any] = {
        "metadata": metadata,
        "original_metadata": {"array": np.arange(number)},
        "attributes": {"comment": f"of {title}"},
        "learning_results": {"factors": np.eye(2)},
        "models": {"fit": {"date": title, "values": np.arange(3)}},
        "package": "exspy",
        "package_version": "0.3",
    }
    data = np.arange(24, dtype=np.uint16).reshape(2, 3, 4) + number
    return hspyio.Signal(data, signal_dimension=1, **(common | parts))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two experiments, models included, and an attribute of Experiments."""
    result = tmp_path / "file.hspy"
    hspyio.save(result, [made("First", 1), made("Second", 2)])
    with h5py.File(result, "r+") as file:
        file["Experiments"].attrs["operator"] = "A. N. Other"
        file["Notes"] = np.arange(3)
    return result


def raw_chunks(path: Path, name: str) -> list[tuple[Any, ...]]:
    """Chunk by chunk what HDF5 stores of an array."""
    with h5py.File(path) as file:
        data = file[name].id
        infos = [data.get_chunk_info(i) for i in range(data.get_num_chunks())]
        return [(i.chunk_offset, *data.read_direct_chunk(i.chunk_offset)) for i in infos]


def alone(path: Path) -> bool:
    """Whether nothing but the file is in its folder, hidden or not."""
    return list(path.parent.iterdir()) == [path]


def same(path: Path, name: str, expected: hspyio.Signal) -> bool:
    return signal_differences(hspyio.load(path, name=name), expected) == []


# save -----------------------------------------------------------------------------------------


def test_save_replaces_only_when_asked(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(TargetExistsError, match="overwrite=True") as caught:
        hspyio.save(path, made("New"))
    assert isinstance(caught.value, FileExistsError)
    assert path.read_bytes() == before
    hspyio.save(path, made("New"), overwrite=True)
    assert list(hspyio.open(path)) == ["New"]
    assert same(path, "New", made("New"))
    assert alone(path)


def test_save_into_no_folder_or_onto_one(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no folder"):
        hspyio.save(tmp_path / "none" / "file.hspy", made("New"))
    with pytest.raises(SaveError, match="is a folder"):
        hspyio.save(tmp_path, made("New"), overwrite=True)


def test_save_through_a_symbolic_link(path: Path) -> None:
    link = path.with_name("link.hspy")
    link.symlink_to(path)
    hspyio.save(link, made("New"), overwrite=True)
    assert link.is_symlink()
    assert list(hspyio.open(path)) == ["New"]


class Odd:
    """Nothing that a file could hold."""


def impossible() -> hspyio.Signal:
    signal = made("First")
    signal.metadata.set_item("Sample.thing", Odd())
    signal.metadata.set_item("Sample.list", [1, {"deep": Odd()}])
    signal.original_metadata["generator"] = (i for i in range(3))
    signal.attributes["method"] = print
    signal.learning_results["odd"] = Odd()
    signal.models["fit"].tree["odd"] = Odd()
    return signal


PATHS = (
    "metadata.Sample.thing",
    "metadata.Sample.list[1].deep",
    "original_metadata.generator",
    "attributes.method",
    "learning_results.odd",
    "models.fit.odd",
)
WRITERS: dict[str, Callable[[Path, hspyio.Signal], None]] = {
    "save": lambda path, signal: hspyio.save(path, signal, overwrite=True),
    "append": hspyio.append,
    "update": lambda path, signal: hspyio.update(path, signal, name="First"),
}
EACH_WRITER = pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)


@EACH_WRITER
def test_unsupported_values_are_all_named_and_nothing_is_written(path: Path, write: Any) -> None:
    before = path.read_bytes()
    with pytest.raises(hspyio.UnsupportedTypeError, match="6 values") as caught:
        write(path, impossible())
    assert sorted(problem.where for problem in caught.value.problems) == sorted(PATHS)
    for where in PATHS:
        assert where in str(caught.value)
    assert path.read_bytes() == before
    assert alone(path)


@pytest.mark.parametrize("error", [RuntimeError, OSError, ValueError, KeyError, KeyboardInterrupt])
@pytest.mark.parametrize("name", ["save", "append"])
def test_a_failure_while_writing_costs_nothing(path: Path, name: str, error: Any) -> None:
    def fail(block: Any) -> Any:
        raise error("the detector is gone")

    before = path.read_bytes()
    lazy = da.zeros((4, 5), chunks=(2, 5)).map_blocks(fail, dtype=float, meta=np.empty((0, 0)))
    expected = error if error is KeyboardInterrupt else SaveError
    with pytest.raises(expected, match="the detector is gone"):
        WRITERS[name](path, hspyio.Signal(lazy))
    assert path.read_bytes() == before
    assert alone(path)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"compression": "brotli"}, OptionError | FilterError),
        ({"compression": 31999}, FilterError),
        ({"compression_opts": 10}, OptionError | FilterError),
        ({"compression_opts": -1}, OptionError | FilterError),
        ({"compression_opts": "high"}, OptionError | FilterError),
        ({"chunks": (2, 3)}, OptionError),
        ({"chunks": False}, OptionError),
        ({"chunks": (0, 3, 4)}, OptionError),
        ({"chunks": (2, 3, -4)}, OptionError),
        ({"chunks": "auto"}, OptionError),
        ({"threads": 0}, OptionError),
        ({"checksum": True}, OptionError),
        ({"nexus": True}, OptionError),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["save", "append"])
def test_options_that_make_no_sense(
    path: Path, name: str, options: dict[str, Any], error: Any
) -> None:
    before = path.read_bytes()
    more = {"overwrite": True} if name == "save" else {}
    with pytest.raises(getattr(error, "__args__", error)):
        getattr(hspyio, name)(path, made("New"), **options, **more)
    assert path.read_bytes() == before
    assert alone(path)


@pytest.mark.parametrize("given", [[], [5], np.zeros(3), {"data": 1}])
def test_only_signals_are_saved(tmp_path: Path, given: Any) -> None:
    with pytest.raises(OptionError, match=r"[sS]ignal"):
        hspyio.save(tmp_path / "file.hspy", given)
    assert not list(tmp_path.iterdir())


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
    assert list(hspyio.open(path)) == ["First", "First_2", "Second"]
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


# file_writer ----------------------------------------------------------------------------------


def as_dict(signal: hspyio.Signal) -> dict[str, Any]:
    """The dict that HyperSpy hands to a writer."""
    axes = [
        {"name": axis.name, "units": axis.units, "size": axis.size, "navigate": axis.navigate}
        for axis in signal.axes
    ]
    return {
        "data": signal.data,
        "axes": axes,
        "metadata": signal.metadata.as_dictionary(),
        "original_metadata": signal.original_metadata.as_dictionary(),
        "attributes": {"_lazy": False, "ragged": False},
        "learning_results": dict(signal.learning_results),
        "models": {name: dict(model.tree) for name, model in signal.models.items()},
        "package_info": {"package": "exspy", "package_version": "0.3"},
        "tmp_parameters": {},
    }


def test_file_writer_replaces(path: Path) -> None:
    hspyio.file_writer(path, as_dict(made("New", attributes={})))
    assert list(hspyio.open(path)) == ["New"]
    assert same(path, "New", made("New", attributes={}))


def test_file_writer_without_the_data(path: Path) -> None:
    chunks = raw_chunks(path, "Experiments/First/data")
    given = as_dict(made("First"))
    given["metadata"]["number"] = 99
    given["axes"][1]["name"] = "x"
    del given["metadata"]["dates"]
    hspyio.file_writer(path, given, write_dataset=False)
    loaded = hspyio.load(path, name="First")
    assert loaded.metadata.number == 99
    assert "dates" not in loaded.metadata
    assert loaded.axes[1].name == "x"
    assert raw_chunks(path, "Experiments/First/data") == chunks
    assert same(path, "Second", made("Second", 2))


def test_file_writer_adds_and_replaces_with_mode_a(path: Path) -> None:
    hspyio.file_writer(path, as_dict(made("Third", 3, attributes={})), mode="a")
    assert list(hspyio.open(path)) == ["First", "Second", "Third"]
    hspyio.file_writer(path, as_dict(made("First", 8, attributes={})), mode="a")
    assert list(hspyio.open(path)) == ["First", "Second", "Third"]
    assert same(path, "First", made("First", 8, attributes={}))
    assert same(path, "Second", made("Second", 2))
    hspyio.file_writer(path.with_name("new.hspy"), as_dict(made("First")), mode="a")
    assert list(hspyio.open(path.with_name("new.hspy"))) == ["First"]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"write_dataset": False, "mode": "w"}, OptionError),
        ({"write_dataset": "no"}, OptionError),
        ({"write_dataset": 1}, OptionError),
        ({"mode": "r"}, OptionError),
        ({"chunks": (2, 3)}, OptionError),
        ({"chunks": False}, OptionError),
        ({"compression": 31999}, FilterError),
    ],
    ids=str,
)
def test_file_writer_options(path: Path, options: dict[str, Any], error: type[HspyError]) -> None:
    before = path.read_bytes()
    with pytest.raises(error) as caught:
        hspyio.file_writer(path, as_dict(made("First")), **options)
    assert isinstance(caught.value, ValueError)
    assert path.read_bytes() == before


def test_file_writer_without_the_data_needs_the_experiment(path: Path, tmp_path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(ExperimentError, match="'New'"):
        hspyio.file_writer(path, as_dict(made("New")), write_dataset=False)
    with pytest.raises(MissingFileError):
        hspyio.file_writer(tmp_path / "none", as_dict(made("New")), write_dataset=False)
    assert path.read_bytes() == before


def test_unknown_keywords_are_named(path: Path) -> None:
    with pytest.warns(hspyio.HspyWarning, match="file_writer ignores colour, size"):
        hspyio.file_writer(path, as_dict(made("New")), size=3, colour="red")
    with pytest.warns(hspyio.HspyWarning, match="file_reader ignores colour"):
        hspyio.file_reader(path, colour="red")


def test_file_writer_leaves_out_what_it_cannot_write(path: Path) -> None:
    given = as_dict(made("New"))
    given["metadata"] |= {"odd": Odd(), "list": [1, Odd(), 3]}
    with pytest.warns(hspyio.HspyWarning) as caught:
        hspyio.file_writer(path, given)
    assert len(caught) == 1
    for where in ("metadata.odd", "metadata.list[1]"):
        assert where in str(caught[0].message)
    loaded = hspyio.load(path)
    assert "odd" not in loaded.metadata
    assert loaded.metadata.list[0] == 1 and loaded.metadata.list[-1] == 3
    assert len(loaded.metadata.list) == 3
    assert loaded.metadata.number == 1
