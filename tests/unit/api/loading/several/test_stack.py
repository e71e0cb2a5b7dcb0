"""Signals of many files as one: along a new axis or an old one, eagerly and lazily."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import hspyio
from hspyio.errors import AxesError, OptionError, StaleFileError, TooLargeError

AXES: list[dict[str, Any]] = [
    {"name": "y", "units": "nm", "scale": 0.5, "offset": 3.0, "size": 4},
    {"name": "x", "units": "nm", "scale": 0.5, "size": 5},
]


def frame(number: int, **more: Any) -> hspyio.Signal:
    values = np.arange(20, dtype=np.uint16).reshape(4, 5) + 100 * number
    given = {"axes": AXES, "title": f"frame {number}", **more}
    return hspyio.Signal(values, original_metadata={"number": number}, **given)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(12):
        hspyio.save(tmp_path / f"f{number}.hspy", frame(number))
    return tmp_path


@pytest.mark.parametrize("lazy", [False, True])
def test_along_a_new_axis(folder: Path, lazy: bool) -> None:
    signal = hspyio.load(folder / "f*.hspy", stack=True, lazy=lazy)
    assert signal.lazy == lazy
    assert_array_equal(signal.data, np.stack([frame(n).data for n in range(12)]))
    assert signal.data.dtype == np.uint16
    assert signal.axes.names == ("stack_element", "y", "x")
    assert [axis.navigate for axis in signal.axes] == [True, False, False]
    assert list(signal.axes)[1:] == list(frame(0).axes)
    assert signal.title == "Stack of frame 0"
    elements = signal.original_metadata.stack_elements
    assert elements.element11.metadata.General.title == "frame 11"
    assert elements.element7.original_metadata.number == 7
    hspyio.save(folder / "stack.hspy", signal)
    assert_array_equal(hspyio.load(folder / "stack.hspy").data, signal.data)


@pytest.mark.parametrize("lazy", [False, True])
def test_a_name_is_a_new_axis_or_continues_one(folder: Path, lazy: bool) -> None:
    paths = [folder / "f0.hspy", folder / "f1.hspy"]
    assert hspyio.load(paths, stack="time", lazy=lazy).axes.names == ("time", "y", "x")
    joined = hspyio.load(paths, stack="x", lazy=lazy)
    assert joined.axes.names == ("y", "x")
    assert joined.axes["x"] == hspyio.UniformAxis("x", "nm", size=10, scale=0.5)
    assert_array_equal(joined.data, np.hstack([frame(0).data, frame(1).data]))


def test_parts_of_different_length_continue_an_axis_of_points(tmp_path: Path) -> None:
    for n, points in enumerate(([1.0, 2, 5], [7.0, 20])):
        signal = hspyio.Signal(np.full(len(points), n), [{"name": "t", "axis": points}])
        hspyio.save(tmp_path / f"{n}.hspy", signal)
    joined = hspyio.load(tmp_path / "?.hspy", stack="t")
    assert joined.axes["t"].values.tolist() == [1, 2, 5, 7, 20]
    assert joined.data.tolist() == [0, 0, 0, 1, 1]


def test_a_formula_is_not_continued(tmp_path: Path) -> None:
    axis = hspyio.FunctionalAxis("w", expression="1 / (x + 1)", x=hspyio.UniformAxis(size=3))
    hspyio.save(tmp_path / "a.hspy", hspyio.Signal(np.ones(3), [axis]))
    with pytest.raises(AxesError, match="'w' is a formula"):
        hspyio.load([tmp_path / "a.hspy"] * 2, stack="w")
    assert hspyio.load([tmp_path / "a.hspy"] * 2, stack=True).data.shape == (2, 3)


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    ("odd", "what"),
    [
        (hspyio.Signal(np.ones((4, 6), "uint16")), r"shape is (4, 6), not (4, 5)"),
        (hspyio.Signal(np.ones((4, 5))), "dtype is float64, not uint16"),
        (hspyio.Signal(np.ones((1, 4, 5), "uint16")), "shape is (1, 4, 5)"),
        (frame(3, signal_dimension=1), "1 of its axes are signal axes, not 2"),
    ],
)
def test_the_file_that_does_not_fit_is_named(
    folder: Path, odd: hspyio.Signal, what: str, lazy: bool
) -> None:
    hspyio.save(folder / "f7.hspy", odd, overwrite=True)
    with pytest.raises(AxesError, match=rf"f7\.hspy: does not fit .*{re.escape(what)}"):
        hspyio.load(folder / "f*.hspy", stack=True, lazy=lazy)


def test_another_calibration_is_one_warning(folder: Path) -> None:
    close = [{**AXES[0], "scale": 0.5 * (1 + 1e-9)}, AXES[1]]
    hspyio.save(folder / "f3.hspy", frame(3, axes=close), overwrite=True)
    hspyio.load(folder / "f*.hspy", stack=True)
    for number in (5, 6):
        other = [AXES[0], {**AXES[1], "units": "um"}]
        hspyio.save(folder / f"f{number}.hspy", frame(number, axes=other), overwrite=True)
    with pytest.warns(
        hspyio.HspyWarning, match=r"(?s)first file.*f5\.hspy: axis 1, 'x'.*f6"
    ) as got:
        signal = hspyio.load(folder / "f*.hspy", stack=True)
    assert len(got) == 1
    assert signal.axes["x"].units == "nm"
    assert "f3" not in str(got[0].message)


def test_a_file_alone_and_options(folder: Path) -> None:
    assert hspyio.load(folder / "f0.hspy", stack=True).data.shape == (1, 4, 5)
    bare = hspyio.load(folder / "f*.hspy", stack=True, original_metadata=False)
    assert bare.original_metadata.as_dictionary() == {}
    for stack in (0, "", None):
        with pytest.raises(OptionError, match=f"stack is {stack!r}; use"):
            hspyio.load(folder / "f*.hspy", stack=stack)  # type: ignore[call-overload]


def ragged() -> hspyio.Signal:
    rows = np.empty(3, object)
    rows[:] = [np.arange(n, dtype=float) for n in (2, 1, 4)]
    return hspyio.Signal(rows, [{"name": "x", "size": 3, "navigate": True}])


def masked() -> hspyio.Signal:
    return hspyio.Signal(np.ma.masked_greater(np.arange(6.0).reshape(2, 3), 3))


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("make", [ragged, masked])
def test_special_arrays(tmp_path: Path, make: Callable[[], hspyio.Signal], lazy: bool) -> None:
    one = make()
    for number in range(3):
        hspyio.save(tmp_path / f"{number}.hspy", one)
    data: Any = hspyio.load(tmp_path / "?.hspy", stack=True, lazy=lazy).data
    data = data.compute() if lazy else data
    assert type(data) is type(one.data)
    for part in data:
        for given, kept in zip(np.ma.filled(one.data, -1), np.ma.filled(part, -1), strict=True):
            assert_array_equal(given, kept)


def test_a_navigator_of_the_first_is_none_of_all(tmp_path: Path) -> None:
    signal = hspyio.Signal(np.ones((2, 3, 4)), signal_dimension=1)
    for number in range(2):
        hspyio.save(tmp_path / f"{number}.hspy", signal, navigator="sum")
    stack = hspyio.load(tmp_path / "?.hspy", stack=True)
    assert "_HyperSpy" not in stack.metadata
    assert "navigator" in stack.original_metadata.stack_elements.element0.metadata._HyperSpy


def test_too_large_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("hspyio.api.loading.several.stack.np.empty", full)
    with pytest.raises(TooLargeError, match=r"12 signals of 40 bytes .*lazy=True"):
        hspyio.load(folder / "f*.hspy", stack=True)


OPEN_FILES = """
import os, sys
import numpy as np, hspyio

def leads_to(n):
    try:
        return os.readlink(f"/proc/self/fd/{n}")
    except OSError:  # closed meanwhile by another thread
        return ""

def files() -> int:
    return sum(".hspy" in leads_to(n) for n in os.listdir("/proc/self/fd"))

most = []
s = hspyio.load(sys.argv[1], stack=True, lazy=True)
most.append(files())

def look(block):
    most.append(files())
    return block

total = s.data.map_blocks(look, dtype=s.data.dtype, meta=s.data._meta).sum().compute()
most.append(files())
print(s.data.shape[0], int(total), max(most))
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="no list of open files")
def test_200_files_of_one_image_are_not_open_at_a_time(tmp_path: Path) -> None:
    expected = 0
    for number in range(200):
        hspyio.save(tmp_path / f"f{number}.hspy", frame(number), durable=False)
        expected += int(frame(number).data.sum())
    done = subprocess.run(
        [sys.executable, "-c", OPEN_FILES, str(tmp_path / "f*.hspy")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    count, total, most = map(int, done.stdout.split())
    assert (count, total) == (200, expected)
    assert most <= 20


def test_files_of_a_lazy_stack_may_be_updated_but_not_replaced(folder: Path) -> None:
    signal = hspyio.load(folder / "f*.hspy", stack=True, lazy=True)
    again = pickle.loads(pickle.dumps(signal))
    hspyio.update(folder / "f2.hspy", hspyio.load(folder / "f2.hspy", lazy=True))
    assert_array_equal(signal.data[2], frame(2).data)
    assert_array_equal(again.data[2], frame(2).data)
    hspyio.save(folder / "f3.hspy", frame(30), overwrite=True)
    with pytest.raises(StaleFileError, match=r"f3\.hspy"):
        signal.data[3].compute()
    signal.close()
    assert_array_equal(signal.data[4], frame(4).data)


@pytest.mark.parametrize("masked", [0, 1, 2])
@pytest.mark.parametrize("lazy", [False, True])
def test_one_with_a_mask_among_others(tmp_path: Path, masked: int, lazy: bool) -> None:
    for number in range(3):
        data = np.full((4, 5), 7.0 + number)
        if number == masked:
            data = np.ma.masked_array(data, np.arange(20).reshape(4, 5) % 3 == 0)
        hspyio.save(tmp_path / f"m{number}.hspy", hspyio.Signal(data))
    stacked = hspyio.load(tmp_path / "m*.hspy", stack=True, lazy=lazy).data
    found = stacked.compute() if lazy else stacked
    assert (found.data == np.array([7.0, 8.0, 9.0])[:, None, None]).all()
    assert np.ma.getmaskarray(found).sum(axis=(1, 2)).tolist() == [
        7 if number == masked else 0 for number in range(3)
    ]


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ({"scale": 0.5, "units": "s", "offset": 2.0}, False),  # goes on
        ({"scale": 0.5, "units": "s", "offset": 0.0}, False),  # begins again
        ({"scale": 0.5, "units": "s", "offset": 7.0}, True),
        ({"scale": 60.0, "units": "s", "offset": 2.0}, True),
        ({"scale": 0.5, "units": "ms", "offset": 2.0}, True),
    ],
)
def test_an_axis_that_does_not_go_on_is_told(
    tmp_path: Path, second: dict[str, Any], told: bool
) -> None:
    axes = [{"scale": 0.5, "units": "s", "offset": 0.0}, second]
    for number, axis in enumerate(axes):
        time = hspyio.UniformAxis("time", size=4, navigate=True, **axis)
        signal = hspyio.Signal(np.zeros((4, 3)), [time, hspyio.UniformAxis("x", size=3)])
        hspyio.save(tmp_path / f"t{number}.hspy", signal)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = hspyio.load(tmp_path / "t*.hspy", stack="time")
    assert made.data.shape == (8, 3)
    assert [("t1.hspy: axis 0, 'time'" in str(one.message)) for one in caught] == [True] * told
