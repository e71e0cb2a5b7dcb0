"""What the writers share: a minimal valid file, and what is put into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np

from hspyio.names import CURRENT_VERSION

Tree = dict[str, Any]
Maker = Callable[[Path], None]
AxesForm = Literal["groups", "list", "none"]

#: What the files hold where nothing else is said: two navigation axes and one signal axis.
DATA = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
#: The ragged arrays; only the first and the last can do without stored shapes.
RAGGED = (
    np.array([1.0, 2.0]),
    np.array([[3.0, 4.0, 5.0], [6.0, 7.0, 8.0]]),
    np.array(9.0),
    np.array([]),
)
FLAT_RAGGED = (np.array([1, 2, 3]), np.array([4]), np.array([5, 6]))
LATIN1_TEXT = "5 µm at 20 °C"
LATIN1 = LATIN1_TEXT.encode("latin-1")
VECTOR = np.array([1.0, 2.0, 4.0, 8.0])
GARBAGE = b"this is no compressed chunk"
#: A pickle that ends the process of whoever loads it.
CLASS_DUMP = b"cbuiltins\nexec\n(S'raise SystemExit(\"unpickled\")'\ntR."


@contextmanager
def skeleton(
    path: Path,
    *,
    version: Any = CURRENT_VERSION,
    era: float | None = None,
    file_format: str | None = "HyperSpy",
    title: str = "Handmade",
    **signal: Any,
) -> Iterator[h5py.Group]:
    """Write a minimal valid file and yield its experiment, open for more.

    A `version` or `file_format` of None is left out. The file is laid out as that version has it,
    unless `era` says otherwise; `signal` are keywords of `put_signal`.
    """
    with h5py.File(path, "w") as file:
        for name, value in (("file_format", file_format), ("file_format_version", version)):
            if value is not None:
                file.attrs[name] = value
        if era is None:
            era = 1.0 if version is None else float(version)
        group = file.create_group("Experiments").create_group(title.replace("/", "-"))
        put_signal(group, title, era=era, **signal)
        yield group


def put_signal(
    group: h5py.Group,
    title: str,
    *,
    era: float = float(CURRENT_VERSION),
    data: Any = DATA,
    shape: tuple[int, ...] | None = None,
    axes: AxesForm = "groups",
    signal_dimension: int = 1,
) -> None:
    """Write a minimal signal into a group; without `data`, the axes of an array of `shape`."""
    if data is not None:
        group.create_dataset("data", data=data, chunks=data.shape or None)
        shape = data.shape
    sizes = shape or ()
    put_axes(group, sizes, form=axes, era=era, signal_dimension=signal_dimension)
    record_by = {0: "", 1: "spectrum", 2: "image"}[signal_dimension]
    if era < 1.2:
        put(group, "mapped_parameters", {"title": title, "record_by": record_by})
        put(group, "original_parameters", {})
        return
    node = {"signal_type": ""} if era >= 3.2 else {"signal_type": "", "record_by": record_by}
    put(group, "metadata", {"General": {"title": title}, "Signal": node})
    put(group, "original_metadata", {})


def put_axes(
    group: h5py.Group, sizes: Sequence[int], *, form: AxesForm, era: float, signal_dimension: int
) -> None:
    """Write uniform axes, the last `signal_dimension` of which are signal axes."""
    if form == "none":
        return
    parent = group if form == "groups" else group.create_group(f"_list_{len(sizes)}_axes")
    for index, size in enumerate(sizes):
        axis: Tree = {
            "name": f"axis {index}",
            "units": "nm",
            "size": size,
            "offset": index + 0.5,
            "scale": 0.25,
        }
        if era >= 2.1:
            axis["navigate"] = index < len(sizes) - signal_dimension
        if era >= 3.1:
            axis |= {"is_binned": False, "_type": "UniformDataAxis"}
        put(parent, f"axis-{index}" if form == "groups" else str(index), axis)


def put(group: h5py.Group, key: str, value: Any) -> None:
    """Write a dict as a group, an array as a dataset, all else as an attribute; keys as given."""
    if isinstance(value, dict):
        child = group.require_group(key)
        for name, item in value.items():
            put(child, name, item)
    elif isinstance(value, np.ndarray):
        group.create_dataset(key, data=value, chunks=value.shape if value.size else True)
    else:
        group.attrs[key] = value


def put_strings(group: h5py.Group, key: str, items: Sequence[str | bytes]) -> None:
    """Write a dataset of strings of variable length; bytes go in as they are."""
    group.create_dataset(key, data=list(items), dtype=h5py.string_dtype(), chunks=(len(items),))


def put_ragged(
    group: h5py.Group, key: str, items: Sequence[np.ndarray[Any, Any]], shapes: str | None
) -> None:
    """Write a ragged array, with a dataset named `shapes` beside it that tells them."""
    count = (len(items),)
    rows = group.create_dataset(key, count, h5py.vlen_dtype(items[0].dtype), chunks=count)
    for index, item in enumerate(items):
        rows[index] = item.ravel()
    if shapes is None:
        return
    sizes = group.create_dataset(shapes, count, h5py.vlen_dtype(np.dtype(np.int64)), chunks=count)
    for index, item in enumerate(items):
        sizes[index] = np.array(item.shape, np.int64)
