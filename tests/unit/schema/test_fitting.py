"""Axes of files that other programs have made: what they mean, and that they fit the data."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import Any

import h5py
import hyperspy.api as hs
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import hspyio
from hspyio.model.axes import axis_to_dict
from hspyio.schema.fitting import fitting_axes, fitting_dicts
from support.plugged import OURS, plugged

USUAL = {
    "_type": "UniformDataAxis",
    "name": "x",
    "units": "nm",
    "size": 4,
    "offset": 1.0,
    "scale": 0.5,
    "navigate": True,
    "is_binned": True,
}
POINTS = [1.0, 2.0, 4.0, 8.0]


def singles(value: Any) -> list[Any]:
    """A number as other programs write it, each time the same one."""
    return [value, float(value), np.array(value), np.array([value]), np.array([[value]]), [value]]


MEANT = {
    "size": [*singles(4), np.uint8(4), np.float32(4), "4", b"4", None],
    "offset": [*singles(1), np.float32(1), np.int8(1), "1", "1.0", b"1e0"],
    "scale": [*singles(0.5), np.float32(0.5), "0.5", np.array(["0.5"])],
    "navigate": [*singles(1), np.True_, np.uint8(1), "True", "true", b"TRUE", np.array([b"True"])],
    "is_binned": [*singles(1), np.True_, np.int64(1), "True", np.array(["true"])],
    "name": [b"x", np.str_("x"), np.array(["x"]), np.array([b"x"]), ["x"], ("x",)],
    "units": [b"nm", np.str_("nm"), np.array(["nm"], object), ["nm"], np.array("nm")],
    "_type": ["DataAxis", "FunctionalDataAxis", "other", b"UniformDataAxis", None, 3],
    "axis": [None],
    "expression": [None],
}
CASES = [(key, value) for key, values in MEANT.items() for value in values]


@pytest.mark.parametrize(("key", "value"), CASES, ids=[f"{k}={v!r}" for k, v in CASES])
def test_what_is_meant(key: str, value: Any) -> None:
    data, stored, problems = np.zeros(4), {**USUAL, key: value}, []
    kept = copy.deepcopy(stored)
    [axis] = fitting_axes([stored], data, "/a", problems)
    [mended] = fitting_dicts([stored], data, "/a", problems)
    assert axis_to_dict(axis) == USUAL
    assert mended == USUAL
    assert problems == []
    assert repr(stored) == repr(kept)


NUMBERS = st.one_of(st.booleans(), st.integers(-3, 300), st.floats(), st.complex_numbers())
WORDS = st.one_of(st.text(max_size=5), st.sampled_from(["True", "1", "nan", "_None_", "x + a"]))
ODD = st.one_of(
    NUMBERS,
    WORDS,
    st.binary(max_size=3),
    st.none(),
    st.lists(NUMBERS, max_size=4),
    st.lists(WORDS, max_size=2),
    st.builds(np.array, st.one_of(NUMBERS, st.lists(st.floats(), max_size=4))),
    st.builds(dict),
)
AXES = st.dictionaries(st.sampled_from([*MEANT, "x", "a", "index_in_array"]), ODD)


@given(AXES, st.sampled_from([(4,), (0,), (1,)]))
@example({"axis": [], "size": False, "scale": {}}, (0,))
def test_both_readers_have_the_same_axes(stored: dict[str, Any], shape: tuple[int, ...]) -> None:
    """And HyperSpy's dict is one that makes the axis again, without a further mend."""
    data, problems, again = np.zeros(shape), [], []
    [axis] = fitting_axes([stored], data, "/a", [])
    [mended] = fitting_dicts([stored], data, "/a", problems)
    assert fitting_axes([mended], data, "/a", again) == [axis]
    assert again == []
    for key in ("navigate", "is_binned"):
        assert isinstance(mended.get(key, False), (bool, np.bool))
    for key in ("name", "units", "_type"):
        assert isinstance(mended.get(key), str | None)
    assert axis.size == shape[0]


def test_what_is_right_stays_as_it_is() -> None:
    stored = {**USUAL, "size": np.int64(4), "offset": np.float64(1), "more": [1]}
    [mended] = fitting_dicts([stored], np.zeros(4), "/a", [])
    assert {key: type(value) for key, value in mended.items()} == {
        key: type(value) for key, value in stored.items()
    }
    old = {"size": np.int32(4), "offset": np.int64(1), "scale": np.float32(1), "units": "nm"}
    [mended] = fitting_dicts([old], np.zeros(4), "/a", [])
    assert mended == old and type(mended["size"]) is np.int32


@pytest.mark.parametrize("points", [POINTS, [POINTS], [[x] for x in POINTS]])
def test_points_in_one_row(points: Any) -> None:
    stored = {"axis": np.array(points), "navigate": 1, "_type": "UniformDataAxis"}
    [mended] = fitting_dicts([stored], np.zeros(4), "/a", [])
    assert mended["axis"].tolist() == POINTS
    assert (mended["navigate"], mended["_type"]) == (True, "DataAxis")


def test_a_formula_and_what_is_in_it() -> None:
    inner = {"size": 4.0, "navigate": 0, "scale": "2"}
    stored = {"expression": "a * x", "a": np.array([3.0]), "x": inner, "navigate": "False"}
    [mended] = fitting_dicts([stored], np.zeros(4), "/a", [])
    assert mended == {
        "expression": "a * x",
        "a": 3.0,
        "navigate": False,
        "x": {"size": 4, "navigate": False, "scale": 2.0},
    }


def test_one_that_is_none_is_named() -> None:
    problems: list[Any] = []
    [mended] = fitting_dicts([{**USUAL, "scale": "wide"}], np.zeros(4), "/a", problems)
    assert (mended["scale"], mended["size"]) == (1.0, 4)
    assert [problem.where for problem in problems] == ["/a/axis-0"]


def handmade(path: Path, attributes: dict[str, Any]) -> None:
    """A file as somebody makes it with h5py, after the specification."""
    with h5py.File(path, "w") as file:
        group = file.create_group("Experiments/mine")
        group["data"] = np.arange(24.0).reshape(2, 3, 4)
        for node in ("metadata/General", "metadata/Signal", "original_metadata"):
            group.create_group(node)
        for i, size in enumerate((2, 3, 4)):
            axis = {**USUAL, "size": size, "navigate": i < 2, "is_binned": False, **attributes}
            made = group.create_group(f"axis-{i}")
            for key, value in axis.items():
                if value is not None:
                    made.attrs[key] = value(i, size) if callable(value) else value


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"size": None, "_type": None},
        {"navigate": lambda i, size: int(i < 2)},
        {"navigate": lambda i, size: float(i < 2), "size": lambda i, size: float(size)},
        {"navigate": lambda i, size: str(i < 2)},
        {"navigate": lambda i, size: np.array([i < 2]), "scale": np.array([0.5])},
        {"size": lambda i, size: np.array([size], "f4"), "offset": np.array([1], "i2")},
        {"name": np.array([b"x"]), "units": np.bytes_(b"nm"), "is_binned": 0},
        {"size": 7},
        {"_type": "DataAxis"},
    ],
)
@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.filterwarnings("ignore::hspyio.HspyWarning")
def test_hyperspy_has_what_load_has(tmp_path: Path, attributes: dict[str, Any], lazy: bool) -> None:
    path = tmp_path / "mine.hspy"
    handmade(path, attributes)
    ours = hspyio.load(path)
    assert [axis.navigate for axis in ours.axes] == [True, True, False]
    with plugged(OURS), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = hs.load(path, lazy=lazy)
    assert theirs.axes_manager.shape == (3, 2, 4)
    assert theirs.data.shape == (2, 3, 4)
    for axis, other in zip(ours.axes, theirs.axes_manager._axes, strict=True):
        assert (axis.name, axis.units, axis.size) == (other.name, other.units, other.size)
        assert (axis.scale, axis.offset) == (other.scale, other.offset) == (0.5, 1.0)
        assert (axis.navigate, axis.is_binned) == (other.navigate, other.is_binned)
