"""Signals of HyperSpy given where ours are expected: converted with all they hold, never walked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hspyio
from hspyio.errors import ArgumentError, HspyWarning, UnsupportedTypeError
from hspyio.model.signal import Signal

hs = pytest.importorskip("hyperspy.api")


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A signal of HyperSpy's with a scale and a title, which must not be iterated."""
    signal = hs.signals.Signal1D(np.arange(24.0).reshape(2, 3, 4))
    signal.axes_manager[0].name, signal.axes_manager[0].scale = "x", 10
    signal.axes_manager[-1].units = "eV"
    signal.metadata.General.title = "keep"

    def walked(*args: object) -> None:
        raise AssertionError("it was walked")

    for kind in (type(signal), type(signal.axes_manager)):
        monkeypatch.setattr(kind, "__iter__", walked, raising=False)
        monkeypatch.setattr(kind, "__next__", walked, raising=False)
    return signal


def check(signal: Signal) -> None:
    assert signal.title == "keep" and signal.data.shape == (2, 3, 4)
    assert signal.axes["x"].scale == 10 and signal.axes[2].units == "eV"
    assert [axis.navigate for axis in signal.axes] == [True, True, False]


def test_a_signal_is_made_of_it(theirs: Any) -> None:
    check(Signal(theirs))
    assert Signal(theirs).data is theirs.data
    lazy = Signal(theirs.as_lazy())
    check(lazy)
    assert lazy.lazy
    assert Signal(theirs, title="other").title == "other"
    with pytest.raises(ArgumentError, match="from_hyperspy"):
        Signal([theirs, theirs])
    with pytest.raises(ArgumentError, match="from_hyperspy"):
        Signal(np.ones(2)).data = theirs


def test_it_is_saved_appended_and_updated(theirs: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, theirs)
    check(hspyio.load(path))
    hspyio.save(path, [theirs, theirs.as_lazy()], overwrite=True)
    with hspyio.open(path) as file:
        for name in file:
            check(file[name])
        with pytest.raises(ArgumentError, match=r"hspyio\.update"):
            file["keep"] = theirs
    hspyio.append(path, theirs, name="third")
    check(hspyio.load(path, "third"))
    theirs.metadata.General.title = "new"
    hspyio.update(path, theirs, "third")
    assert hspyio.load(path, "new").axes["x"].scale == 10
    with pytest.raises(ArgumentError, match="list of 2"):
        hspyio.append(path, [theirs, theirs])


def test_its_axes_and_trees_can_be_given(theirs: Any) -> None:
    manager = theirs.axes_manager
    check(Signal(theirs.data, manager, metadata=theirs.metadata))
    check(Signal(theirs.data, list(manager._axes), metadata=theirs.metadata))
    for wrong, meant in ((manager, "axes_manager"), (theirs.metadata, "metadata=")):
        with pytest.raises(ArgumentError, match=meant):
            Signal(wrong)


def test_what_is_no_signal_of_it_is_refused(theirs: Any, tmp_path: Path) -> None:
    for wrong in (hs.roi.SpanROI(1, 2), theirs.axes_manager, theirs.metadata):
        for call in (hspyio.save, hspyio.append):
            with pytest.raises(ArgumentError):
                call(tmp_path / "a.hspy", wrong)
    with pytest.raises(UnsupportedTypeError, match=r"metadata.a.b.*from_hyperspy"):
        hspyio.save(tmp_path / "a.hspy", Signal(np.ones(2), metadata={"a": {"b": theirs}}))
    assert not list(tmp_path.iterdir())


def exchange(**axis: Any) -> dict[str, Any]:
    return {
        "data": np.ones(3),
        "axes": [{"name": "x", "size": 3, "navigate": False, **axis}],
        "metadata": {"General": {"title": "t"}},
        "original_metadata": {},
        "attributes": {},
    }


@pytest.mark.parametrize(
    "axis",
    [
        {"units": hs.signals.Signal1D([1]).axes_manager[0].units},
        {"name": hs.signals.Signal1D([1]).axes_manager[0].name},
        {"units": None, "name": None},
        {"scale": np.float32(0.5), "offset": np.int64(2), "navigate": np.bool_(True)},
        {"size": np.int64(3), "units": np.str_("nm")},
        {"note": "kept"},
    ],
)
def test_what_rosettasciio_takes_is_taken(axis: dict[str, Any], tmp_path: Path) -> None:
    hspyio.file_writer(tmp_path / "a.hspy", exchange(**axis))
    (found,) = hs.load(tmp_path / "a.hspy").axes_manager._axes
    assert found.scale == axis.get("scale", 1)


@pytest.mark.parametrize(
    ("axis", "said"),
    [
        ({"units": 5}, "units is 5, no text; it is stored as '5'"),
        ({"name": 3}, "name is 3, no text"),
        ({"scale": 0}, "scale is 0"),
        ({"scale": float("nan")}, "scale is nan"),
        ({"unit": "nm"}, "did you mean 'units'"),
    ],
)
def test_what_is_odd_is_told_by_file_writer(
    axis: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.warns(HspyWarning, match=said):
        hspyio.file_writer(tmp_path / "a.hspy", exchange(**axis))
    assert hs.load(tmp_path / "a.hspy").data.shape == (3,)


def test_all_that_is_wrong_is_refused_by_file_writer(tmp_path: Path) -> None:
    with pytest.raises(
        hspyio.HspyError, match=r"scale must .*offset must|offset must .*scale must"
    ):
        hspyio.file_writer(tmp_path / "a.hspy", exchange(scale="0.01", offset=None))
    assert not list(tmp_path.iterdir())
