"""Wrong arguments: the message shows the call that was meant, and nothing is walked or written."""

from __future__ import annotations

import inspect
import re
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import xarray as xr

import hspyio
from hspyio.errors import (
    ArgumentError,
    AxesError,
    ExperimentError,
    HspyError,
    HspyWarning,
    MissingFileError,
    OptionError,
    UnsupportedTypeError,
)
from hspyio.model.signal import Signal

ONE = Signal(np.ones(3), title="one")
WITH_PATHS = (
    *("add_navigator", "add_nexus", "append", "diff", "export", "extract", "file_reader", "info"),
    *(
        "file_writer",
        "import_file",
        "list_datasets_in_file",
        "load",
        "open",
        "read_metadata_from_file",
    ),
    *("remove", "repack", "rescue", "save", "to_references", "update", "upgrade", "validate"),
    *("verify", "virtual_dataset", "create", "follow", "resume"),
)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A file of 13 experiments."""
    path = tmp_path / "many.hspy"
    hspyio.save(path, [Signal(np.full(2, i), title=f"Scan {i}") for i in range(13)])
    return path


class _Array:
    """Stands for an array of another package, which must not be walked."""

    shape = (3,)

    def __iter__(self) -> Iterator[Any]:
        raise AssertionError("it was walked")


def _endless() -> Iterator[int]:
    while True:
        yield 1


WRONG: list[tuple[Any, str]] = [
    (np.ones(3), r"an array; hspyio\.{}\(path, Signal\(array\)\)"),
    (da.ones(3), r"Signal\(array\)"),
    (_Array(), r"Signal\(array\)"),
    (5, r"Signal\(array\)"),
    (None, r"is None; hspyio\.{}\(path, Signal\(array\)\)"),
    ("a.hspy", r"the path comes first: hspyio\.{}\(path, signal\)"),
    (Path("a.hspy"), r"the path comes first"),
    ({"data": np.ones(3), "axes": []}, r"Signal\(d\['data'\], d\['axes'\]"),
    ({"a": ONE}, r"d\.values\(\)"),
    (xr.Dataset({"a": 1}), "from_xarray"),
    (ONE.axes, r"only hspyio's Signal"),
]


@pytest.mark.parametrize(("given", "message"), WRONG)
@pytest.mark.parametrize("call", ["save", "append", "update"])
def test_what_is_no_signal(call: str, given: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    if call != "save":
        hspyio.save(path, ONE)
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(ArgumentError, match=message.format(call)) as caught:
        getattr(hspyio, call)(path, given)
    assert isinstance(caught.value, TypeError) and isinstance(caught.value, ValueError)
    assert (path.read_bytes() if path.exists() else None) == before


@pytest.mark.parametrize(
    "make",
    [
        lambda: [ONE, np.ones(3)],
        lambda: (item for item in (ONE, 5)),
        _endless,
        lambda: [[ONE]],
        lambda: (ONE, "a.hspy"),
    ],
)
def test_a_row_is_walked_to_the_first_that_is_no_signal(make: Any, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"signals\[\d\] is"):
        hspyio.save(tmp_path / "a.hspy", make())
    assert not list(tmp_path.iterdir())


def test_rows_of_signals_are_saved(tmp_path: Path) -> None:
    array = xr.DataArray(np.ones(2), {"x": [0, 0.5]}, ("x",), attrs={"long_name": "two"})
    for signals in ([ONE, array], (ONE, array), iter([ONE, array]), {1: ONE, 2: array}.values()):
        hspyio.save(tmp_path / "a.hspy", signals, overwrite=True)
        with hspyio.open(tmp_path / "a.hspy") as file:
            assert list(file) == ["one", "two"] and file["two"].axes["x"].scale == 0.5
    hspyio.save(tmp_path / "b.hspy", array)
    hspyio.append(tmp_path / "b.hspy", xr.DataArray(np.ones(3), name="three"))
    assert list(hspyio.open(tmp_path / "b.hspy")) == ["two", "three"]
    with pytest.raises(OptionError, match="no signal to save"):
        hspyio.save(tmp_path / "c.hspy", [])


@pytest.mark.parametrize("call", ["append", "update"])
def test_several_signals_where_one_is_taken(call: str, many: Path) -> None:
    before = many.read_bytes()
    with pytest.raises(ArgumentError, match=rf"list of 2; for s in signals: hspyio\.{call}"):
        getattr(hspyio, call)(many, [ONE, ONE])
    assert many.read_bytes() == before


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hspyio.save(ONE, "a.hspy"), r"path comes first, .*save\(path, signal\)"),
        (lambda: hspyio.append(ONE, "a.hspy"), r"path comes first, .*append\(path, signal\)"),
        (lambda: hspyio.update(ONE, "a.hspy"), r"path comes first, .*update\(path, signal\)"),
        (lambda: hspyio.save(np.ones(3), "a.hspy"), "path comes first"),
        (lambda: hspyio.load({"a.hspy", "b.hspy"}), r"a set, whose order says nothing: .* a list"),
        (lambda: hspyio.open(iter(["a.hspy"])), r"\[hspyio\.open\(p\) for p in paths\]"),
        (lambda: hspyio.load(None), r"path is None, not a path: hspyio\.load\(path\)"),
        (lambda: hspyio.load(5), "path is a int"),
        (lambda: hspyio.load(b"a.hspy"), "path is bytes, not text"),
        (lambda: hspyio.save(b"a.hspy", ONE), "path is bytes, not text"),
        (lambda: hspyio.remove(None, "one"), "path is None"),
        (lambda: hspyio.diff(None, "a.hspy"), "one is None"),
        (lambda: hspyio.load("a.hspy", 0), r"list\(hspyio\.open\(path\)\)"),
        (lambda: hspyio.load("a.hspy", True), "lazy=True"),
        *(
            (lambda call=call: getattr(hspyio, call)(ONE), f"path comes first, .*{call}")
            for call in ("verify", "validate", "info")
        ),
        (lambda: hspyio.repack(ONE, "a.hspy"), "source comes first"),
        (lambda: hspyio.repack("a.hspy", None), "target is None"),
        (lambda: hspyio.extract("a.hspy", "one", None), "target is None"),
        (lambda: hspyio.upgrade(["a.hspy"], "b.hspy"), "source is a list"),
        (lambda: hspyio.rescue(None, "b.hspy"), "source is None"),
        (lambda: hspyio.export(None, "b.nc"), "source is None"),
        (lambda: hspyio.add_nexus(ONE), r"path comes first, .*add_nexus\(path\)"),
        (lambda: hspyio.file_reader(ONE), r"filename comes first, .*file_reader\(filename\)"),
        (lambda: hspyio.file_writer({}, ONE), r"filename is a dict, .*file_writer\(filename, sig"),
        (lambda: hspyio.repack("a.hspy", ONE), r"target is a .*Signal, .*repack\(source, target"),
        (lambda: ONE.plot(5), r"path is a int, .*plot\(path\)"),
    ],
)
def test_what_is_no_path_or_no_name(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        call()


@pytest.mark.parametrize("given", [None, 5, b"a.hspy", ["a.hspy"], iter(["a.hspy"]), ONE, {}])
@pytest.mark.parametrize("name", WITH_PATHS)
def test_every_function_says_what_is_no_path(given: Any, name: str) -> None:
    function = getattr(hspyio, name)
    arguments: dict[str, Any] = {"path": "a.hspy", "source": "a.hspy", "target": "b.hspy"}
    arguments |= {"filename": "a.hspy", "one": "a.hspy", "other": "a.hspy"}
    arguments |= {"signal": {} if name == "file_writer" else ONE, "signals": ONE, "name": "one"}
    taken = inspect.signature(function).parameters
    needed = [
        key
        for key, value in taken.items()
        if value.default is value.empty and value.kind != value.VAR_KEYWORD
    ]
    for place in set(taken) & {"path", "source", "target", "filename", "one", "other"}:
        if name == "plot" and given is None:
            continue  # it is not saved then
        if name in ("load", "import_file") and isinstance(given, list):
            continue  # it is a list of files
        with pytest.raises(ArgumentError) as caught:
            function(**{key: arguments[key] for key in needed} | {place: given})
        assert re.search(rf"\b{place} (is|comes first)", str(caught.value))
        assert "os.fsdecode" in str(caught.value) or f"hspyio.{name}(" in str(caught.value)


def test_all_functions_with_paths_are_tried() -> None:
    found = {
        name
        for name in hspyio.__all__
        if inspect.isfunction(function := getattr(hspyio, name))
        and any(
            "PathLike" in str(p.annotation) for p in inspect.signature(function).parameters.values()
        )
    }
    assert found == {*WITH_PATHS, "view"}  # which takes a signal as well


def test_a_pattern_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"sorted\(glob\.glob\(path\)\)"):
        hspyio.open(tmp_path / "*.hspy")
    with pytest.raises(MissingFileError, match=r"\*\.hspy: no file has a name of this pattern"):
        hspyio.load(tmp_path / "*.hspy")
    hspyio.save(tmp_path / "a[1].hspy", ONE)
    assert hspyio.load(tmp_path / "a[1].hspy").title == "one"


def test_what_other_packages_have_is_told() -> None:
    for name, meant in (
        ("Signal2D", "signal_dimension=2"),
        ("read", r"hspyio\.load"),
        ("laod", "did you mean 'load'"),
        ("from_hyperpsy", "did you mean 'from_hyperspy'"),
    ):
        with pytest.raises(AttributeError, match=meant):
            getattr(hspyio, name)


def test_the_name_is_taken_by_position(many: Path) -> None:
    signal = hspyio.load(many, "Scan 3")
    assert signal.data.tolist() == [3, 3]
    signal.metadata.set_item("Sample.thickness", 5)
    hspyio.update(many, signal, "Scan 4")
    assert hspyio.load(many, "Scan 3").metadata.has_item("Sample") is False
    hspyio.remove(many, "Scan 0")
    hspyio.extract(many, "Scan 5", many.with_name("five.hspy"))
    assert hspyio.load(many.with_name("five.hspy")).title == "Scan 5"


def test_several_experiments_and_none_is_named(many: Path) -> None:
    with pytest.raises(ExperimentError, match=r"13 experiments: 'Scan 0', .*'Scan 9' and 3 more"):
        hspyio.load(many)
    with pytest.raises(ExperimentError, match=r"name='Scan 0'"):
        hspyio.load(many)


@pytest.mark.parametrize("name", ["scan 3", "Scam 3", "SCAN 3"])
def test_a_misspelt_experiment_is_told(many: Path, name: str) -> None:
    with pytest.raises(ExperimentError, match="did you mean 'Scan 3'"):
        hspyio.load(many, name=name)
    with hspyio.open(many) as file, pytest.raises(ExperimentError, match="did you mean 'Scan 3'"):
        _ = file[name]
    with pytest.raises(ExperimentError, match=r"there are: .* and 3 more"):
        hspyio.load(many, name="zzz")


def test_experiments_are_read_only_and_say_how_to_change_a_file(many: Path) -> None:
    with hspyio.open(many) as file:
        with pytest.raises(ArgumentError, match=r"hspyio\.update\(path, signal, 'Scan 3'\)"):
            file["Scan 3"] = ONE
        with pytest.raises(ArgumentError, match=r"hspyio\.append\(path, signal\)"):
            file["new"] = np.ones(3)
        with pytest.raises(ArgumentError, match=r"hspyio\.remove\(path, 'Scan 3'\)"):
            del file["Scan 3"]
        with pytest.raises(AttributeError, match=r"experiments\[name\]\.data"):
            _ = file.data


def test_append_under_a_name(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, ONE)
    hspyio.append(path, Signal(np.ones(4), title="a title"), name="HAADF")
    assert list(hspyio.open(path)) == ["one", "HAADF"]
    assert hspyio.load(path, "HAADF").title == "a title"
    before = path.read_bytes()
    for name in ("HAADF", "", "a/b", ".", "\ud800", "a\0"):
        with pytest.raises(OptionError, match="name is"):
            hspyio.append(path, ONE, name=name)
    assert path.read_bytes() == before


# axes


@pytest.mark.parametrize("call", ["save", "append", "update"])
def test_what_became_wrong_in_place_is_not_written(call: str, tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    if call != "save":
        hspyio.save(path, Signal(np.ones((2, 3))))
    before = path.read_bytes() if path.exists() else None
    signal = Signal(np.ones((2, 3)), [{"expression": "a*x", "a": 2}, {"expression": "b*x", "b": 2}])
    signal.axes[0].parameters["a"] = "2"  # type: ignore[union-attr]
    signal.axes[1].parameters["b"] = None  # type: ignore[union-attr]
    with pytest.raises((UnsupportedTypeError, AxesError), match=r"(?s)axes\[0\].*axes\[1\]"):
        getattr(hspyio, call)(path, signal)
    assert (path.read_bytes() if path.exists() else None) == before


@pytest.mark.parametrize(
    ("axis", "said"),
    [
        ({"scale": 0}, "scale is 0"),
        ({"scale": float("nan")}, "scale is nan"),
        ({"offset": float("inf")}, "offset is inf"),
        ({"axis": [1, 3, 2]}, "neither rises nor falls"),
        ({"axis": [1, float("nan"), 2]}, "no finite numbers"),
        ({"expression": "a*x", "a": float("nan")}, "parameter a is nan"),
    ],
)
def test_what_makes_no_sense_is_stored_with_a_warning(
    axis: dict, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.hspy"
    signal = Signal(np.ones(3), [{"name": "E", **axis}])
    with pytest.warns(HspyWarning, match=rf"axes\[0\] 'E': .*{said}"):
        hspyio.save(path, signal)
    assert hspyio.load(path).axes == signal.axes
    with pytest.warns(HspyWarning, match=said):
        hspyio.append(path, signal)
    with pytest.warns(HspyWarning, match=said):
        hspyio.update(path, signal, "__unnamed__")


# update


def test_update_says_that_other_data_are_not_written(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal(np.arange(3.0), title="x"))

    def loaded(**options: Any) -> Signal:
        return hspyio.load(path, **options)

    changes: list[Callable[[Signal], object]] = [
        lambda s: setattr(s, "data", s.data * 2),
        lambda s: s.data.__imul__(2),
        lambda s: setattr(s, "data", s.data.astype("f4")),
    ]
    for change in changes:
        signal = loaded()
        change(signal)
        with pytest.warns(HspyWarning, match="writes all but the data"):
            hspyio.update(path, signal)
        assert loaded().data.tolist() == [0, 1, 2]
    lazy = loaded(lazy=True)
    lazy.data = lazy.data + 1
    with pytest.warns(HspyWarning, match="writes all but the data"):
        hspyio.update(path, lazy)
    with pytest.warns(HspyWarning, match="are int64, those in the file float64"):
        hspyio.update(path, Signal(np.arange(3), title="x"))


def test_update_is_silent_where_the_data_are_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    for data in (np.arange(3.0), np.arange(6).reshape(2, 3).T, np.array(["a"]), np.ones((0, 2))):
        hspyio.save(path, Signal(data, title="x"), overwrite=True)
        for lazy in (False, True):
            signal = hspyio.load(path, lazy=lazy)
            for again in (signal, signal.copy(), signal.deepcopy()):
                again.metadata.set_item("Sample.x", 1)
                hspyio.update(path, again)
        hspyio.update(path, Signal(data, title="x"))


# tracebacks


def test_errors_are_one_traceback(many: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.hspy"
    broken.write_bytes(many.read_bytes()[:600])
    text = tmp_path / "text.hspy"
    text.write_text("no HDF5")
    good = tmp_path / "good.hspy"
    hspyio.save(good, ONE)
    calls: list[Callable[[], Any]] = [
        lambda: hspyio.load(many),
        lambda: hspyio.load(many, "zzz"),
        lambda: hspyio.load(broken),
        lambda: hspyio.load(text),
        lambda: hspyio.load(tmp_path / "missing.hspy"),
        lambda: hspyio.load(tmp_path),
        lambda: hspyio.load(good, lazy=True, chunks=(0,)),
        lambda: hspyio.load(good, errors="ignore"),
        lambda: hspyio.save(good, ONE),
        lambda: hspyio.save(tmp_path / "no" / "a.hspy", ONE),
        lambda: hspyio.save(tmp_path / "a.hspy", ONE, compression="nothing"),
        lambda: hspyio.save(tmp_path / "a.hspy", Signal(np.ones(2), metadata={"a": object()})),
        lambda: hspyio.append(text, ONE),
        lambda: hspyio.update(many, Signal(np.ones((2, 2)), title="Scan 1")),
        lambda: hspyio.remove(good, "one"),
        lambda: hspyio.repack(text, tmp_path / "b.hspy"),
        lambda: hspyio.diff(text, good),
        lambda: hspyio.export(good, tmp_path / "a.xyz"),
        lambda: Signal([[1], [1, 2]]),
        lambda: Signal(np.ones(2), [{"scale": "x"}]),
        lambda: Signal(np.ones(2), [{"expression": "x + )"}]).axes[0].values,
        lambda: hspyio.from_xarray(xr.DataArray(np.ones(2)), signal_dims=["z"]),
        lambda: hspyio.file_writer(tmp_path / "a.hspy", {"data": np.ones(2)}),
    ]
    for index, call in enumerate(calls):
        try:
            call()
        except HspyError as error:
            caught = error
        else:
            pytest.fail(f"call {index} raised nothing")
        shown = "".join(traceback.format_exception(caught))
        assert shown.count("Traceback") == 1, f"call {index}:\n{shown}"
    with pytest.raises(MissingFileError):
        hspyio.load(tmp_path / "missing.hspy")
