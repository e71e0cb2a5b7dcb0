"""Signal: what a user holds."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import scipy.sparse
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import hspyio
from hspyio.errors import ArgumentError, AxesError, HspyWarning
from hspyio.model.axes import Axes, DataAxis, FunctionalAxis, UniformAxis, default_axes
from hspyio.model.signal import Location, Signal
from hspyio.model.tree import MetadataTree


def ragged(*shape: int) -> np.ndarray:
    data = np.empty(shape, object)
    for index in np.ndindex(*shape):
        data[index] = np.arange(sum(index) + 1.0)
    return data


def colours(names: str, depth: str) -> Signal:
    return Signal(np.zeros((3, 2), [(name, depth) for name in names]))


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        (
            Signal(
                np.zeros((2, 3, 8), "u2"),
                signal_dimension=1,
                metadata={"General": {"title": "EDS"}},
            ),
            "<Signal, title: EDS, dimensions: (3, 2|8), uint16>",
        ),
        (Signal(np.zeros((2, 3))), "<Signal, title: , dimensions: (|3, 2), float64>"),
        (Signal(np.zeros(4), signal_dimension=0), "<Signal, title: , dimensions: (4|), float64>"),
        (Signal(5), "<Signal, title: , dimensions: (|), int64>"),
        (colours("RGB", "u1"), "<Signal, title: , dimensions: (|2, 3), rgb8>"),
        (colours("RGBA", ">u2"), "<Signal, title: , dimensions: (|2, 3), rgba16>"),
        (Signal(ragged(2, 3)), "<Signal, title: , dimensions: (3, 2|ragged), float64>"),
        (Signal(ragged(1), axes=[]), "<Signal, title: , dimensions: (|ragged), float64>"),
        (
            Signal(da.zeros((2, 3), dtype="f4"), signal_dimension=1),
            "<Signal (lazy), title: , dimensions: (2|3), float32>",
        ),
        (
            Signal(np.zeros(1), metadata={"General": {"title": "a\nb"}}),
            "<Signal, title: a\\nb, dimensions: (|1), float64>",
        ),
    ],
)
def test_repr(signal: Signal, expected: str) -> None:
    assert repr(signal) == expected


def test_data_are_kept_as_they_are() -> None:
    array, masked, lazy = np.arange(3), np.ma.masked_equal([1, 2], 2), da.zeros(3)
    for data in (array, masked, lazy):
        assert Signal(data).data is data
    assert Signal([1, 2]).data.tolist() == [1, 2]
    assert Signal(lazy).lazy
    assert not Signal(array).lazy
    assert Signal(ragged(2)).ragged


def test_defaults() -> None:
    signal = Signal(np.zeros((2, 3)))
    assert signal.axes == default_axes((2, 3), 2)
    assert Signal(ragged(2, 3)).axes == default_axes((2, 3), 0)
    assert type(signal.metadata) is type(signal.original_metadata) is MetadataTree
    assert (signal.attributes, signal.learning_results, signal.models) == ({}, {}, {})
    assert (signal.title, signal.signal_type, signal.location) == ("", "", None)


def test_metadata_given_later_become_trees_too() -> None:
    signal = Signal(np.zeros(2))
    signal.metadata = {"General": {"title": "x"}}  # type: ignore[assignment]
    assert signal.metadata.General.title == signal.title == "x"
    signal.title = "y"
    assert signal.metadata == {"General": {"title": "y"}}
    tree = MetadataTree({"Signal": {"signal_type": "EELS"}})
    signal.metadata = tree
    assert signal.metadata is tree
    assert signal.signal_type == "EELS"


def test_axes_of_dicts_and_of_axes() -> None:
    energy = DataAxis("E", axis=[1, 2, 4])
    signal = Signal(
        np.zeros((2, 3, 4)),
        [{"name": "y", "navigate": True}, energy, {"expression": "x**2", "x": {}}],
    )
    assert signal.axes["E"] is energy
    assert signal.axes.shape == (2, 3, 4)
    assert isinstance(signal.axes[2], FunctionalAxis)
    assert signal.axes.navigation_shape == (2,)
    axes = signal.axes
    assert Signal(np.ones((2, 3, 4)), axes).axes is axes


def test_signal_dimension_goes_before_the_axes_and_leaves_them_alone() -> None:
    axes = [UniformAxis("y", size=2), UniformAxis("E", size=3)]
    signal = Signal(np.zeros((2, 3)), axes, signal_dimension=1)
    assert [axis.navigate for axis in signal.axes] == [True, False]
    assert not axes[0].navigate
    with pytest.raises(AxesError, match="signal_dimension is 3"):
        Signal(np.zeros((2, 3)), axes, signal_dimension=3)
    with pytest.raises(AxesError, match="signal_dimension is 3"):
        Signal(np.zeros((2, 3)), signal_dimension=3)


@pytest.mark.parametrize(
    ("axes", "parts"),
    [
        ([UniformAxis("a", size=2)], ["1 axes for 2 dimensions"]),
        ([], ["0 axes for 2 dimensions"]),
        (
            [UniformAxis("a", size=5), DataAxis("b", axis=np.arange(4)), UniformAxis()],
            ["3 axes for 2", "axis 0 'a' has size 5, the data 2", "axis 1 'b' has size 4"],
        ),
        (
            [{"offset": "?", "scale": None}, {"size": 9, "name": "b"}],
            [r"axes\[0\]: axis None: offset must", "scale must", "axis 1 'b' has size 9"],
        ),
        ([3, UniformAxis("b", size=4)], [r"axes\[0\]: a int is no axis", "axis 1 'b' has size 4"]),
        (default_axes((2, 4), 1), ["axis 1 None has size 4, the data 3"]),
    ],
)
def test_all_that_is_wrong_with_the_axes_is_named(axes: Any, parts: list[str]) -> None:
    for part in parts:
        with pytest.raises(AxesError, match=rf"\(2, 3\).*{part}"):
            Signal(np.zeros((2, 3)), axes)


def test_data_may_change_and_axes_are_checked_when_asked() -> None:
    signal = Signal(np.zeros((2, 3)), signal_dimension=1)
    signal.data = np.ones((2, 3), "u1")
    signal.check_axes()
    signal.data = [1, 2, 3, 4]  # type: ignore[assignment]
    assert repr(signal) == "<Signal, title: , dimensions: (|4), int64>"
    with pytest.raises(AxesError, match="2 axes for 1 dimensions"):
        signal.check_axes()
    signal.axes = [{"name": "E"}]  # type: ignore[assignment]
    signal.check_axes()
    assert type(signal.axes) is Axes
    assert signal.axes["E"].size == 4


def test_data_of_unknown_size() -> None:
    data = da.arange(10)
    with pytest.raises(AxesError, match="compute_chunk_sizes"):
        Signal(data[data > 5])


def test_a_ragged_signal_may_have_no_axes() -> None:
    signal = Signal(ragged(1), [])
    signal.check_axes()
    assert len(signal.axes) == 0


@given(st.lists(st.integers(0, 3), max_size=4), st.data())
def test_the_last_axes_are_the_signal(shape: list[int], data: st.DataObject) -> None:
    dimension = data.draw(st.integers(0, len(shape)))
    signal = Signal(np.zeros(shape), signal_dimension=dimension)
    split = len(shape) - dimension
    assert signal.axes.navigation_shape == tuple(shape[:split])
    assert signal.axes.signal_shape == tuple(shape[split:])


def test_close_runs_once_and_a_copy_does_not_close() -> None:
    calls = []
    signal = Signal(np.zeros(2))
    signal.close()
    signal._close = lambda: calls.append(1)
    for other in (copy.copy(signal), signal.copy(), signal.deepcopy()):
        other.close()
    pickle.loads(pickle.dumps(signal)).close()
    assert calls == []
    with signal as same:
        assert same is signal
    signal.close()
    assert calls == [1]


def full() -> Signal:
    return Signal(
        np.arange(6).reshape(2, 3),
        [UniformAxis("y", size=2, navigate=True), UniformAxis("E", size=3)],
        metadata={"General": {"title": "x"}, "list": [1]},
        original_metadata={"a": {"b": np.arange(2)}},
        attributes={"_lazy": False},
        learning_results={"factors": np.ones(2)},
        models={"m": {"components": {"Gaussian": {}}}},
        package="exspy",
        package_version="0.3",
        location=Location("a.hspy", "x"),
    )


def test_copies() -> None:
    signal = full()
    shallow, deep = signal.copy(), signal.deepcopy()
    assert shallow.data is signal.data
    assert deep.data is not signal.data
    for other in (shallow, deep):
        other.title = "other"
        other.axes["E"].scale = 5
        other.attributes["new"] = 1
        other.original_metadata.a.c = 1
        assert other.location == signal.location
        assert other.package == "exspy"
    deep.metadata.list.append(2)
    deep.models["m"].tree.components.New = {}
    assert signal.title == "x"
    assert signal.axes["E"].scale == 1
    assert signal.attributes == {"_lazy": False}
    assert list(signal.original_metadata.a) == ["b"]
    assert signal.metadata.list == [1]
    assert signal.models["m"].components == ("Gaussian",)


def test_a_signal_is_a_dataclass() -> None:
    signal = full()
    again = dataclasses.replace(signal, data=signal.data * 2)
    assert again.axes is signal.axes
    assert again.package_version == "0.3"
    assert [field.name for field in dataclasses.fields(signal)][:3] == ["data", "axes", "metadata"]
    assert signal != full()


def test_html() -> None:
    signal = full()
    signal.title = "<script>"
    signal.metadata.set_item("Signal.signal_type", "<b>")
    for data in (signal.data, da.from_array(signal.data), ragged(2, 3)):
        signal.data = data
        html = signal._repr_html_()
        assert "<script" not in html
        assert "<b>" not in html
        assert "<table>" in html
        assert '<details><summary>metadata <span class="hs-soft">(3)' in html
    signal.data = np.zeros((2, 3))
    assert "6 items, 48 bytes" in signal._repr_html_()


def test_save_goes_through_the_public_face(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(
        hspyio, "save", lambda *args, **options: calls.append((args, options)), raising=False
    )
    signal = Signal(np.zeros(2))
    signal.save("a.hspy", overwrite=True, threads=3)
    ((args, options),) = calls
    assert args == ("a.hspy", signal)
    assert options == {
        "overwrite": True,
        "chunks": None,
        "compression": "gzip",
        "compression_opts": None,
        "shuffle": True,
        "checksum": False,
        "nexus": False,
        "navigator": None,
        "threads": 3,
        "progress": None,
        "durable": True,
        "storage_options": None,
    }


def test_dask_is_not_imported() -> None:
    code = (
        "import sys, numpy as np; from hspyio.model.signal import Signal;"
        "repr(Signal(np.zeros(2)));"
        "assert not [m for m in sys.modules if m.startswith(('dask', 'h5py'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("axis", "message"),
    [
        ({"name": "x", "unit": "nm"}, "'unit' is no key of a UniformAxis; did you mean 'units'"),
        ({"name": "x", "Scale": 2}, "did you mean 'scale'"),
        ({"name": "x", "step": 2}, "did you mean 'scale'"),
        ({"name": "x", "nonsense": 2}, "'nonsense' is no key"),
        ({"axis": [1, 2, 3], "unit": "nm"}, "did you mean 'units'"),
        ({"_type": "DataAxis", "values": [1, 2, 3]}, "'values' is no key"),
    ],
)
def test_an_unknown_key_of_an_axis_is_told(axis: dict, message: str) -> None:
    with pytest.warns(HspyWarning, match=message):
        signal = Signal(np.ones(3), [axis])
    (key,) = set(axis) - {"name", "axis", "_type"}
    assert signal.axes[0].extra == {key: axis[key]}
    with pytest.warns(HspyWarning, match=message):
        signal.axes = [axis]  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ([{"name": 3}], "name must be text"),
        ([{"units": 5}], "units must be text"),
        ([{"scale": "0.01"}], "scale must be a real number"),
        ([{"offset": None}], "offset must be a real number"),
        ([{"navigate": "no"}], "navigate must be True or False"),
        ([{"index_in_array": 1}], "index_in_array=1; give them in the order"),
        ({"name": "x"}, r"give a list with one for each dimension: \[axes\]"),
        (UniformAxis(size=3), r"\[axes\]"),
        ("x", 'give a list .*"name"'),
        (5, "give a list"),
        (["x"], "a str is no axis; write"),
    ],
)
def test_bad_axes_are_refused_by_the_constructor(axes: Any, message: str) -> None:
    with pytest.raises(AxesError, match=message):
        Signal(np.ones(3), axes)


def test_what_became_wrong_in_place_is_found_by_the_check() -> None:
    signal = Signal(np.ones((2, 3)), [{"name": "y"}, {"expression": "a*x", "a": 2}])
    signal.axes[1].parameters["a"] = "2"  # type: ignore[union-attr]
    with pytest.raises(AxesError, match=r"axes\[1\].*parameters must be numbers"):
        signal.check_axes()


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"title": "x"}, "'title' stands at the top.*'General.title'"),
        ({"signal_type": "EELS"}, "'Signal.signal_type'"),
        ({"elements": ["Fe"]}, "'Sample.elements'"),
        ({"beam_energy": 200}, "'Acquisition_instrument.TEM.beam_energy'"),
        ({"general": {"title": "x"}}, "did you mean 'General'"),
        ({"Acquisition_Instrument": {}}, "did you mean 'Acquisition_instrument'"),
    ],
)
def test_what_stands_at_the_wrong_place_of_the_metadata_is_told(
    metadata: dict, message: str, tmp_path: Path
) -> None:
    with pytest.warns(HspyWarning, match=message):
        signal = Signal(np.ones(3), metadata=metadata)
    assert signal.metadata == metadata
    with pytest.warns(HspyWarning, match=message):
        hspyio.save(tmp_path / "a.hspy", signal)
    assert hspyio.load(tmp_path / "a.hspy").metadata == metadata


def test_title_and_signal_type_can_be_given() -> None:
    signal = Signal(np.ones(2), title="Grain", signal_type="EELS")
    assert signal.metadata == {"General": {"title": "Grain"}, "Signal": {"signal_type": "EELS"}}
    signal.signal_type = "EDS_TEM"
    assert signal.signal_type == "EDS_TEM"
    tree = {"General": {"title": "old", "notes": "kept"}}
    assert Signal(np.ones(2), title="new", metadata=tree).metadata.General == {
        "title": "new",
        "notes": "kept",
    }
    assert tree["General"]["title"] == "old"


class _Iterated:
    """Stands for what must not be walked."""

    def __iter__(self) -> Any:
        raise AssertionError("it was walked")


def _frame() -> Any:
    import pandas as pd

    return pd.DataFrame({"a": [1, 2]})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_frame, r"pandas\.DataFrame.*to_numpy"),
        (lambda: _frame()["a"], r"pandas\.Series.*to_numpy"),
        (lambda: xr.Dataset({"a": 1}), "from_xarray"),
        (lambda: (i for i in range(3)), "generator.*np.array"),
        (lambda: {"data": 1, "axes": []}, r"Signal\(d\['data'\], d\['axes'\]"),
        (lambda: {"a": 1}, "give an array"),
        (lambda: None, "NoneType; give an array"),
        (lambda: "map.hspy", "hspyio.load"),
        (lambda: Path("map.hspy"), "hspyio.load"),
        (lambda: {1, 2}, "give a list"),
        (lambda: [[1], [1, 2]], "Ragged data are"),
        (lambda: scipy.sparse.eye(3), "toarray"),
        (lambda: [Signal(np.ones(2))] * 2, "several"),
        (lambda: [xr.DataArray(np.ones(2))] * 2, "several"),
        (object, "no array"),
        (_Iterated, "no array"),
    ],
)
def test_what_is_no_array_is_refused_with_what_was_meant(make: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Signal(make())
    signal = Signal(np.ones(2))
    with pytest.raises(ArgumentError, match=message):
        signal.data = make()
    assert signal.data.tolist() == [1, 1]


def test_a_signal_of_xarray_keeps_its_axes() -> None:
    array = xr.DataArray(np.ones((2, 3)), {"x": [0, 0.5, 1]}, ("y", "x"), attrs={"long_name": "t"})
    signal = Signal(array)
    assert signal.title == "t" and signal.axes["x"].scale == 0.5
    assert Signal(array, title="other").title == "other"
    with pytest.raises(ArgumentError, match="from_xarray"):
        signal.data = array  # type: ignore[assignment]


def test_a_signal_of_a_signal_is_its_copy() -> None:
    signal = full()
    again = Signal(signal, title="new", signal_dimension=2)
    assert again.data is signal.data and again.package == "exspy" and again.title == "new"
    assert signal.title == "x" and len(again.axes.signal) == 2 and len(signal.axes.signal) == 1
    with pytest.raises(ArgumentError, match=r"signal\.data"):
        again.data = signal  # type: ignore[assignment]


def test_numpy_gets_the_data() -> None:
    data = np.arange(6).reshape(2, 3)
    signal = Signal(data)
    assert np.asarray(signal) is data
    assert np.array(signal) is not data
    assert np.asarray(signal, dtype="f4").dtype == "f4"
    assert np.sum(signal) == 15
    lazy = Signal(da.from_array(data))
    assert np.asarray(lazy).tolist() == data.tolist()
    with pytest.raises(ValueError, match="copy"):
        np.asarray(lazy, copy=False)
    with pytest.raises(ValueError, match="copy"):
        np.asarray(signal, dtype="f4", copy=False)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("isig", [".data", "to_hyperspy().isig"]),
        ("inav", [".data", "to_hyperspy().inav"]),
        ("sum", [".data.sum", "to_hyperspy().sum"]),
        ("shape", [".data.shape"]),
        ("T", [".data.T", "to_hyperspy().T"]),
        ("axes_manager", [".axes", "to_hyperspy().axes_manager"]),
        ("decomposition", ["to_hyperspy().decomposition"]),
        ("titel", ["did you mean 'title'"]),
        ("metdata", ["did you mean 'metadata'"]),
    ],
)
def test_what_hyperspy_signals_have_is_pointed_to(name: str, words: list[str]) -> None:
    signal = Signal(np.ones(2))
    with pytest.raises(AttributeError) as caught:
        getattr(signal, name)
    assert all(word in str(caught.value) for word in words), caught.value
    assert not hasattr(signal, name)
    with pytest.raises(AttributeError, match=f"no '{name}' to set"):
        setattr(signal, name, 1)


def test_a_subclass_may_have_attributes_of_its_own() -> None:
    class Own(Signal):
        pass

    signal = Own(np.ones(2))
    signal.colour = "red"  # type: ignore[attr-defined]
    assert signal.colour == "red"  # type: ignore[attr-defined]


def test_trees_are_dicts() -> None:
    for name in ("metadata", "original_metadata", "attributes", "learning_results", "models"):
        with pytest.raises(ArgumentError, match=rf"{name} is .*; (give|use) a dict"):
            Signal(np.ones(2), **{name: [1]})


@pytest.mark.parametrize("value", [5, None, b"x", ["x"]])
def test_titles_are_text(value: Any) -> None:
    signal = Signal(np.ones(2), title="x", signal_type="EELS")
    for name in ("title", "signal_type"):
        with pytest.raises(ArgumentError, match=f"{name} is .*; give text"):
            setattr(signal, name, value)
    assert (signal.title, signal.signal_type) == ("x", "EELS")


@pytest.mark.parametrize("part", [0, slice(2), "General", (0, ...)])
def test_a_signal_that_is_sliced_says_what_is(part: Any) -> None:
    signal = Signal(np.ones((3, 2)))
    with pytest.raises(TypeError, match=r"slice the array, \.data\[\.\.\.\], or .*to_hyperspy"):
        signal[part]
    with pytest.raises(TypeError, match="slice the array"):
        list(signal)  # type: ignore[call-overload]
    assert np.asarray(signal).tolist() == signal.data.tolist()
    assert np.array([signal, signal]).shape == (2, 3, 2)


def test_colours_are_told_by_hyperspys_words_everywhere(tmp_path: Path) -> None:
    path = tmp_path / "colours.hspy"
    hspyio.save(path, colours("RGB", "u1"))
    assert hspyio.info(path).experiments[0].dtype == "rgb8"
    with hspyio.open(path) as file:
        page = file._repr_html_()
    assert "rgb8" in page and "('R'" not in page
