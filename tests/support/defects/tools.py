"""What a row of the defect table is, and the checks that many rows share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rsciio.hspy

import hspyio
from hspyio import HspyWarning, Signal
from hspyio.compare import signal_differences, value_differences
from hspyio.errors import UnsupportedTypeError
from hspyio.model.axes import axis_to_dict

Tree = dict[Any, Any]

DATA = np.arange(3.0)


@dataclass(frozen=True, slots=True)
class Row:
    """A defect of the reference implementation, by its number in section 5 of the format.

    `does` says what hspyio does about it; `check` shows it, in a folder of its own.
    """

    number: str
    does: str
    check: Callable[[Path], None]

    @property
    def id(self) -> str:
        """The number, and what tells one of several checks: ``W16_deep``."""
        name = self.check.__name__
        assert name.partition("_")[0] == self.number.lower()
        return self.number + name.removeprefix(self.number.lower())


def objects(*items: Any, shape: tuple[int, ...] = (-1,)) -> np.ndarray[Any, Any]:
    """An array of objects, whatever numpy would rather make of them."""
    result = np.empty(len(items), object)
    result[:] = [None] * len(items)
    for index, item in enumerate(items):
        result[index] = item
    return result.reshape(shape)


def signal(node: Tree | None = None, data: Any = DATA, **more: Any) -> Signal:
    """A signal with `node` in its metadata."""
    return Signal(data, metadata={"General": {"title": "Row"}, "Node": node or {}}, **more)


def exchange(made: Signal) -> Tree:
    """The signal as HyperSpy hands it to `file_writer`."""
    axes = [axis_to_dict(axis) for axis in made.axes]
    return {
        "data": made.data,
        "axes": [{k: v for k, v in axis.items() if k != "index_in_array"} for axis in axes],
        "metadata": made.metadata.as_dictionary(),
        "original_metadata": made.original_metadata.as_dictionary(),
        "attributes": {"_lazy": made.lazy, "ragged": made.ragged},
        "learning_results": {},
        "models": {name: model.tree.as_dictionary() for name, model in made.models.items()},
        "package_info": {"package": "", "package_version": ""},
        "tmp_parameters": {},
    }


def computed(value: Any) -> Any:
    """A tree without dask arrays, its keys in alphabetical order, no notes of h5py's on dtypes."""
    if hasattr(value, "compute"):
        value = value.compute()
    if isinstance(value, np.ndarray) and value.dtype.metadata:
        return value.astype(value.dtype.str)
    if isinstance(value, np.ndarray) and value.dtype == object:
        return objects(*map(computed, value.ravel()), shape=value.shape)
    if isinstance(value, dict):
        return {key: computed(value[key]) for key in sorted(value, key=str)}
    if type(value) in (list, tuple):
        return type(value)(computed(item) for item in value)
    return value


def same(one: Any, other: Any) -> None:
    """Equal in values, types and order."""
    assert not value_differences(one, other)


def check_read(
    path: Path, reads: Tree, data: Any = DATA, *, ours: Tree | None = None, lazy: bool = True
) -> None:
    """RosettaSciIO reads `reads` in metadata.Node, and `data`; our `file_reader` does the same.

    `ours` is for what RosettaSciIO's reader has wrong; without `lazy` it cannot read lazily.
    """
    for mode in (False, True) if lazy else (False,):
        [theirs] = rsciio.hspy.file_reader(path, lazy=mode)
        same(computed(reads), computed(theirs["metadata"]["Node"]))
        same(data, computed(theirs["data"]))
    for mode in (False, True):
        [own] = hspyio.file_reader(path, lazy=mode)
        same(computed(reads if ours is None else ours), computed(own["metadata"]["Node"]))


def check_held(
    folder: Path,
    made: Signal,
    reads: Tree,
    *,
    data: Any = None,
    ours: Tree | None = None,
    lazy: bool = True,
    loaded: Signal | None = None,
) -> None:
    """What is saved comes back exactly; RosettaSciIO reads it; the same from its dict.

    `data` is what it reads for the data, where not the same; `loaded` what we load where that
    cannot be the same, as for dask arrays.
    """
    expected = made if loaded is None else loaded
    data = expected.data if data is None else data
    saved, written = folder / "saved.hspy", folder / "written.hspy"
    hspyio.save(saved, made)
    same_signals(expected, hspyio.load(saved))
    same_signals(expected, hspyio.load(saved, lazy=True))
    hspyio.file_writer(written, exchange(made))
    same_signals(expected, hspyio.load(written))
    for mode in (False, True):
        [back] = hspyio.file_reader(written, lazy=mode, exact_types=True)
        same(computed(expected.metadata.as_dictionary()), computed(back["metadata"]))
        same(expected.data, computed(back["data"]))
    for path in (saved, written):
        check_read(path, reads, data, ours=ours, lazy=lazy)


def same_signals(one: Signal, other: Signal) -> None:
    """Equal in all that a file holds."""
    assert not signal_differences(one, other)


@contextmanager
def untouched(path: Path) -> Iterator[None]:
    """A file stays what it is, and nothing is left beside it."""
    hspyio.save(path, signal({"old": 1}), overwrite=True)
    before, beside = path.read_bytes(), set(path.parent.iterdir())
    yield
    assert path.read_bytes() == before
    assert set(path.parent.iterdir()) == beside


def check_refused(folder: Path, made: Signal, *places: str) -> None:
    """`save` names every place and leaves the old file alone."""
    path = folder / "refused.hspy"
    with untouched(path), pytest.raises(UnsupportedTypeError) as error:
        hspyio.save(path, made, overwrite=True)
    assert sorted(problem.where for problem in error.value.problems) == sorted(places)
    assert all(f"{place}: " in str(error.value) for place in places)


def check_left_out(
    folder: Path, made: Signal, *places: str, left: Tree, reads: Tree, lazy: bool = True
) -> None:
    """`save` refuses; `file_writer` warns once of every place and writes the rest."""
    check_refused(folder, made, *places)
    path = folder / "left.hspy"
    with pytest.warns(HspyWarning) as caught:
        hspyio.file_writer(path, exchange(made))
    [warning] = caught
    assert all(f"{place}: " in str(warning.message) for place in places)
    same(left, hspyio.load(path).metadata.Node)
    check_read(path, reads, lazy=lazy)


def check_data_refused(folder: Path, made: Signal) -> None:
    """Data that no file can hold: neither writer touches the old file."""
    check_refused(folder, made, "data")
    path = folder / "old.hspy"
    with untouched(path), pytest.raises(UnsupportedTypeError, match="data: "):
        hspyio.file_writer(path, exchange(made))
