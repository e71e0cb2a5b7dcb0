"""Signals to HyperSpy and back: nothing copied, nothing lost that is not said."""

from __future__ import annotations

import copy
import os
import sys
import warnings
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
from hypothesis import given

import hspyio
from hspyio import HspyError, HspyWarning, MetadataTree, Signal, UniformAxis
from hspyio.compare import signal_differences
from hspyio.errors import MissingPackageError, OptionError
from hspyio.printable import printable_line
from hspyio.testing import signals

hs = pytest.importorskip("hyperspy.api")

RANDOM = np.random.default_rng(0)
HYPERSPYS = {
    "_HyperSpy": {
        "Folding": {
            "unfolded": False,
            "signal_unfolded": False,
            "original_shape": None,
            "original_axes_manager": None,
        }
    }
}
"""A node that HyperSpy's signals always have."""


def there_and_back(signal: Signal) -> tuple[Signal, list[str]]:
    """What comes back, and the places that are said to be held differently or not at all."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        theirs = signal.to_hyperspy()
    said = [str(one.message) for one in caught if issubclass(one.category, HspyWarning)]
    assert len(said) <= 1
    places = [line.strip().partition(": ")[0] for text in said for line in text.splitlines()[1:]]
    return hspyio.from_hyperspy(theirs), places


def lost(before: Signal, after: Signal) -> list[str]:
    """What is different, but for what HyperSpy adds, its order of nodes, and its own version."""
    ours = ("package", "only in the second", "the order of the keys")
    return [
        line
        for line in signal_differences(*map(with_plain_dicts, (before, after)))
        if not line.startswith(ours[0]) and not line.endswith(ours[1:])
    ]


def with_plain_dicts(value: Any) -> Any:
    """An ordered dict is a dict to HyperSpy."""
    if isinstance(value, Signal):
        result = value.copy()
        result.metadata = with_plain_dicts(value.metadata)
        result.original_metadata = with_plain_dicts(value.original_metadata)
        return result
    if isinstance(value, dict | MetadataTree):
        return {key: with_plain_dicts(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(with_plain_dicts, value))
    return value


@given(signals().filter(lambda signal: signal.data.dtype.kind not in "USTMm"))
def test_what_is_lost_is_said(signal: Signal) -> None:
    once, places = there_and_back(signal)
    for line in lost(signal, once):
        assert printable_line(line).startswith(tuple(places)), places
    twice, places = there_and_back(once)
    assert places == []
    assert signal_differences(once, twice) == []


# from HyperSpy ------------------------------------------------------------------------------------


def test_data_are_not_copied() -> None:
    data = RANDOM.random((3, 4, 20))
    theirs = Signal(data, signal_dimension=1).to_hyperspy()
    assert np.shares_memory(theirs.data, data)
    assert np.shares_memory(hspyio.from_hyperspy(theirs).data, data)
    assert str(theirs.axes_manager.signal_dimension) == "1"


def test_lazy_data_stay_lazy(tmp_path: Path) -> None:
    hspyio.save(tmp_path / "a.hspy", Signal(np.arange(24.0).reshape(4, 6), signal_dimension=1))
    ours = hspyio.load(tmp_path / "a.hspy", lazy=True)
    theirs = ours.to_hyperspy()
    assert type(theirs) is hs.signals.LazySignal1D
    assert theirs.data is ours.data
    assert hspyio.from_hyperspy(theirs).data is ours.data
    theirs.compute(show_progressbar=False)
    assert np.array_equal(theirs.data, np.arange(24.0).reshape(4, 6))


CLASSES = [
    (np.zeros((2, 3)), 1, "", "Signal1D"),
    (np.zeros((2, 3, 4)), 2, "", "Signal2D"),
    (np.zeros((2, 3, 4)), 3, "", "BaseSignal"),
    (np.zeros((2, 3), "c8"), 1, "", "ComplexSignal1D"),
    (np.zeros((2, 3)), 1, "EELS", "EELSSpectrum"),
    (np.zeros((2, 3)), 1, "EDS_TEM", "EDSTEMSpectrum"),
    (da.zeros((2, 3)), 1, "EDS_SEM", "LazyEDSSEMSpectrum"),
    (np.zeros((2, 3)), 1, "unheard of", "Signal1D"),
    (np.zeros((2, 3), [("R", "u1"), ("G", "u1"), ("B", "u1")]), 2, "", "Signal2D"),
]


@pytest.mark.parametrize(("data", "dimension", "signal_type", "name"), CLASSES)
def test_the_class(data: Any, dimension: int, signal_type: str, name: str) -> None:
    pytest.importorskip("exspy")
    metadata = {"Signal": {"signal_type": signal_type}}
    theirs = Signal(data, signal_dimension=dimension, metadata=metadata).to_hyperspy()
    assert type(theirs).__name__ == name
    package = "exspy" if signal_type.startswith("E") else "hyperspy"
    back = hspyio.from_hyperspy(theirs)
    assert back.package == package
    assert back.package_version == sys.modules[package].__version__


def test_axes_of_all_kinds() -> None:
    axes: list[dict[str, Any]] = [
        {"name": "t", "axis": np.array([0.0, 1.0, 10.0]), "navigate": True, "units": "s"},
        {"name": "y", "size": 4, "offset": -1.5, "scale": 0.25, "navigate": True},
        {
            "name": "w",
            "expression": "a / (x + 1) + b",
            "a": 100.0,
            "b": 10,
            "x": {"size": 5, "offset": 1.0, "scale": 0.5},
            "units": "nm",
            "is_binned": True,
        },
    ]
    ours = Signal(RANDOM.random((3, 4, 5)), axes)
    theirs = ours.to_hyperspy()
    for mine, other in zip(ours.axes, theirs.axes_manager._axes, strict=True):
        assert np.array_equal(mine.values, other.axis)
        assert (mine.is_binned, mine.navigate) == (other.is_binned, other.navigate)
    assert theirs.axes_manager["w"].units == "nm"
    assert lost(ours, hspyio.from_hyperspy(theirs)) == []


def test_types_in_metadata() -> None:
    node = {
        "date": date(2020, 1, 2),
        "set": {1, 2},
        "nested": [(1, [2.5, None]), {"a b": (True,)}],
        "path": Path("x"),
        "array": np.arange(3, dtype=">i2"),
        "scalar": np.float32(2.5),
        "empty": {},
        "5 µm": "text",
    }
    ours = Signal([1.0], metadata={"Node": node}, original_metadata={"vendor": node})
    back, places = there_and_back(ours)
    assert places == []
    assert lost(ours, back) == []
    assert back.metadata["_HyperSpy"] == HYPERSPYS["_HyperSpy"]


def test_signals_in_metadata() -> None:
    inner = Signal(np.arange(4.0), metadata={"General": {"title": "inner"}})
    node = {"one": inner, "list": [inner, 1], "tuple": (inner,), "deep": [[{"a": inner}]]}
    ours = Signal([1.0], metadata={"Node": {**node, "_x": [inner]}})
    theirs = ours.to_hyperspy()
    base, found = hs.signals.BaseSignal, theirs.metadata.Node
    at = [found.one, found.list[0], found.tuple[0], found.deep[0][0]["a"], found["_x"][0]]
    assert [type(signal) for signal in at] == [hs.signals.Signal1D] * 5
    assert lost(ours, hspyio.from_hyperspy(theirs)) == []
    # Taking HyperSpy's dict turns signals in lists into dicts; its signal stays as it is.
    assert isinstance(found.list[0], base) and isinstance(found["_x"][0], base)


def test_learning_results() -> None:
    theirs = hs.signals.Signal1D(RANDOM.random((3, 4, 20)))
    theirs.decomposition(print_info=False)
    ours = hspyio.from_hyperspy(theirs)
    again = ours.to_hyperspy()
    for name in ("factors", "loadings", "explained_variance"):
        wanted = getattr(theirs.learning_results, name)
        assert np.array_equal(ours.learning_results[name], wanted)
        assert np.array_equal(getattr(again.learning_results, name), wanted)
    model = again.get_decomposition_model(2)
    assert np.array_equal(model.data, theirs.get_decomposition_model(2).data)


def test_models_are_kept_and_restored() -> None:
    theirs = hs.signals.Signal1D(RANDOM.random((2, 3, 30)))
    model = theirs.create_model()
    model.append(hs.model.components1D.Gaussian(centre=15.0))
    model.multifit(show_progressbar=False)
    model.store("fit")
    ours = hspyio.from_hyperspy(theirs)
    assert ours.models["fit"].components == ("Gaussian",)
    ours.models["a fit"] = ours.models["fit"]
    ours.models["b c"] = ours.models["b_c"] = ours.models["fit"]
    with pytest.warns(HspyWarning, match=r"models\.b c: left out; it is the same"):
        ours.to_hyperspy()
    del ours.models["b c"], ours.models["b_c"]
    with pytest.warns(HspyWarning, match=r"models\.a fit: named there as Python names things"):
        again = ours.to_hyperspy()
    assert sorted(hspyio.from_hyperspy(again).models) == ["a_fit", "fit"]
    for name in ("fit", "a fit"):
        restored = again.models.restore(name)
        found, wanted = (m.as_signal(show_progressbar=False).data for m in (restored, model))
        assert np.array_equal(found, wanted)


def test_markers_are_kept() -> None:
    theirs = hs.signals.Signal2D(RANDOM.random((3, 10, 11)))
    offsets = np.empty(3, object)
    for index in range(3):
        offsets[index] = RANDOM.random((index + 1, 2))
    points = hs.plot.markers.Points(offsets=offsets, color="red")
    theirs.add_marker(points, permanent=True, plot_marker=False)
    ours = hspyio.from_hyperspy(theirs)
    assert np.array_equal(ours.metadata.Markers.Points.kwargs.offsets[2], offsets[2])
    marker = ours.to_hyperspy().metadata.Markers.Points
    assert type(marker) is hs.plot.markers.Points
    assert np.array_equal(marker.kwargs["offsets"][1], offsets[1])


def test_ragged_data() -> None:
    data = np.empty((2, 3), object)
    for index in np.ndindex(data.shape):
        data[index] = np.arange(sum(index) + 1.0)
    ours = Signal(data)
    theirs = ours.to_hyperspy()
    assert theirs.ragged
    assert lost(ours, hspyio.from_hyperspy(theirs)) == []


def test_the_axes_of_an_unfolded_signal() -> None:
    theirs = hs.signals.Signal1D(RANDOM.random((3, 4, 20)))
    theirs.unfold_navigation_space()
    ours = hspyio.from_hyperspy(theirs)
    again = ours.to_hyperspy()
    again.fold()
    assert again.axes_manager.navigation_shape == (4, 3)
    assert signal_differences(ours, hspyio.from_hyperspy(ours.to_hyperspy())) == []


def test_data_without_dimensions() -> None:
    theirs = Signal(np.array(5.0)).to_hyperspy()
    assert theirs.data.tolist() == [5.0]
    assert hspyio.from_hyperspy(theirs).data.shape == ()
    assert hspyio.from_hyperspy(hs.signals.BaseSignal([5.0])).data.shape == (1,)


def test_where_it_comes_from(tmp_path: Path) -> None:
    hspyio.save(tmp_path / "a map.hspy", Signal([1.0]))
    theirs = hspyio.load(tmp_path / "a map.hspy").to_hyperspy()
    known = theirs.tmp_parameters.as_dictionary()
    loaded = hs.load(tmp_path / "a map.hspy", file_format=hspyio).tmp_parameters
    assert known == {key: str(value) for key, value in loaded.as_dictionary().items()}
    assert "FileIO" not in theirs.metadata.General


def test_the_hyperspy_signal_stays_as_it_is() -> None:
    theirs = hs.signals.Signal1D(RANDOM.random((3, 20)))
    theirs.metadata.set_item("Sample.parts", [hs.signals.BaseSignal([1.0])])
    theirs.original_metadata.set_item("vendor.items", [1, "two"])
    before = copy.deepcopy(theirs.metadata.as_dictionary())
    theirs.metadata.Sample.parts[:] = [hs.signals.BaseSignal([1.0])]
    ours = hspyio.from_hyperspy(theirs)
    ours.metadata.Sample.parts.append(1)
    ours.original_metadata.vendor["items"].append(1)
    assert isinstance(theirs.metadata.Sample.parts[0], hs.signals.BaseSignal)
    assert theirs.original_metadata.vendor["items"] == [1, "two"]
    assert theirs.metadata.as_dictionary().keys() == before.keys()


# what HyperSpy cannot hold ------------------------------------------------------------------------


def test_everything_that_is_lost_in_one_warning() -> None:
    ours = Signal(
        [1.0],
        metadata={"General": 5, "Node": {5: 1, "a b": 1, "a_b": 2, "as_dictionary": 3}},
        original_metadata={"_sig_x": 1, "items": [{None: 2, "None": 3}]},
        attributes={"unheard": 1, "empty": {}},
    )
    with pytest.warns(HspyWarning, match="7 values cannot be held") as caught:
        back = hspyio.from_hyperspy(ours.to_hyperspy())
    [warning] = caught
    text = str(warning.message)
    for line in (
        "metadata.Node.5: stands as '5' for 5; keys are texts there",
        "metadata.Node.a b: left out; it is the same as another one there",
        "metadata.Node.as_dictionary: left out; its trees use that name themselves",
        "metadata.General: left out; that is always a node there",
        "original_metadata._sig_x: left out; keys with _sig_ stand for signals there",
        "original_metadata.items[0].None: the item of None is left out; keys are texts there",
        "attributes.unheard: no attribute of its signals",
    ):
        assert f"  {line}" in text.splitlines()
    assert back.metadata.Node == {"5": 1, "a_b": 2}
    assert back.original_metadata == {"items": [{"None": 3}]}


@pytest.mark.parametrize("kind", ["U3", "S3", "M8[s]", "m8[s]"])
def test_data_that_hyperspy_has_no_signal_for(kind: str) -> None:
    with pytest.raises(HspyError, match=r"no signals of .*; convert them"):
        Signal(np.zeros(3, "i8").astype(kind)).to_hyperspy()


def test_ragged_data_with_signal_axes() -> None:
    data = np.empty(2, object)
    data[:] = [np.arange(2), np.arange(3)]
    with pytest.raises(HspyError, match="let all axes navigate"):
        Signal(data, [UniformAxis(size=2)]).to_hyperspy()


def test_markers_that_are_none() -> None:
    ours = Signal([1.0], metadata={"Markers": {"a": {"b": 5}}})
    with pytest.raises(HspyError, match="HyperSpy makes no signal of this: Not a valid marker"):
        ours.to_hyperspy()


def test_metadata_that_hold_themselves() -> None:
    node: dict[str, Any] = {}
    node["node"] = [node]
    ours = Signal([1.0])
    ours.original_metadata["vendor"] = node
    with pytest.raises(HspyError, match="or hold themselves"):
        ours.to_hyperspy()


def test_empty_lazy_data() -> None:
    with pytest.warns(HspyWarning, match="data: is empty, so that it cannot be lazy"):
        theirs = Signal(da.zeros((0, 3))).to_hyperspy()
    assert theirs.data.shape == (0, 3)


@pytest.mark.parametrize("other", [Signal([1.0]), [1.0], None])
def test_what_is_no_signal_of_hyperspy(other: Any) -> None:
    with pytest.raises(OptionError, match="is no signal of HyperSpy"):
        hspyio.from_hyperspy(other)


# without HyperSpy ---------------------------------------------------------------------------------

CALLS: list[tuple[Callable[[], Any], str]] = [
    (lambda: Signal([1.0]).to_hyperspy(), "hyperspy"),
    (lambda: hspyio.from_hyperspy(None), "hyperspy"),
    (hspyio.enable_hyperspy, "rosettasciio"),
    (hspyio.disable_hyperspy, "rosettasciio"),
]


@pytest.mark.parametrize(("call", "package"), CALLS)
def test_a_missing_package_is_named(
    call: Callable[[], Any], package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hspyio.packages.find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=f"`pip install {package}` does it"):
        call()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.parametrize("change", [lambda s: s, lambda s: (s * 2).inav[:2]])
@pytest.mark.parametrize("how", ["plugin", "bridge"])
def test_close_file_closes_ours(tmp_path: Path, change: Any, how: str) -> None:
    import logging

    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal(np.ones((4, 5, 6)), signal_dimension=1))
    if how == "plugin":
        made = hs.load(str(path), lazy=True, file_format=hspyio)
    else:
        made = hspyio.load(path, lazy=True).to_hyperspy()
    made, said = change(made), []
    handler = logging.Handler()
    handler.emit = said.append  # type: ignore[method-assign]
    logging.getLogger("hyperspy").addHandler(handler)
    try:
        assert _open_descriptors(path) == 1
        made.close_file()
        assert (_open_descriptors(path), said) == (0, [])
    finally:
        logging.getLogger("hyperspy").removeHandler(handler)
    assert made.data.min().compute() > 0


def _open_descriptors(path: Path) -> int:
    links = Path("/proc/self/fd").iterdir()
    return sum(link.is_symlink() and os.readlink(link) == str(path) for link in links)
