"""save and file_writer: whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest

import hspyio
from hspyio.errors import (
    ExperimentError,
    FilterError,
    HspyError,
    MissingFileError,
    OptionError,
    SaveError,
    TargetExistsError,
    UnsupportedTypeError,
)
from support.samples import alone, made, raw_chunks, same

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
    with pytest.raises(UnsupportedTypeError, match="6 values") as caught:
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
        ({"checksum": "md5"}, OptionError),
        ({"nexus": "yes"}, OptionError),
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
