"""The same file read whole by three readers into plain values: ours, h5py and pyfive.

A `Contents` maps the path of each group and dataset to its kind and values, and the path and name
of each attribute (``/a@b``) to its value. Texts are bytes in all of them, as they are stored;
values of variable length are lists. What a reader can't read is a `Refusal`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import h5py
import hdf5plugin  # noqa: F401  (its filters are there once it is imported)
import numpy as np
import pyfive

from hspyio.nodes.node import Array, Damaged, Group
from support.root import open_root


@dataclass(frozen=True)
class Refusal:
    """What a reader raises or says in place of a value; all are alike to a comparison."""

    reason: str


@dataclass(frozen=True)
class Values:
    """Numbers: their dtype and shape, and their bytes, with any byte order in the dtype alone."""

    dtype: str
    shape: tuple[int, ...]
    content: Any


Contents: TypeAlias = dict[str, Any]
GROUP = "a group"


def by_us(path: Path, **options: Any) -> Contents:
    """What `hspyio` finds."""

    def walk(group: Group, where: str) -> Iterator[tuple[str, Any]]:
        yield where or "/", GROUP
        for name, attribute in group.attributes.items():
            damaged = isinstance(attribute, Damaged)
            yield f"{where}@{name}", _refused(attribute) if damaged else plain(attribute.value)
        for name, node in group.members.items():
            below = f"{where}/{name}"
            if isinstance(node, Group):
                yield from walk(node, below)
            elif isinstance(node, Array):
                yield below, _attempt(lambda node=node: plain(node.source.read()))
                yield from (
                    (f"{below}@{key}", plain(a.value)) for key, a in node.attributes.items()
                )
            else:
                yield below, _refused(node)

    with open_root(path, **options) as root:
        return dict(walk(root, ""))


def by_h5py(path: Path) -> Contents:
    """What h5py, and HDF5 below it, find."""
    with h5py.File(path) as file:
        return dict(_walk(file, "", _value_of_h5py))


def by_pyfive(path: Path) -> Contents:
    """What pyfive finds; in memory, as it leaves files open."""
    with pyfive.File(io.BytesIO(path.read_bytes())) as file:
        return dict(_walk(file, "", lambda dataset: dataset[()]))


def _walk(group: Any, where: str, read: Callable[[Any], Any]) -> Iterator[tuple[str, Any]]:
    yield where or "/", GROUP
    yield from _attributes(group, where)
    for name in group:
        below = f"{where}/{name}"
        node = _attempt(lambda name=name: group[name])
        if node is None:  # pyfive's word for a link that leads nowhere
            yield below, Refusal("None")
        elif isinstance(node, Refusal):
            yield below, node
        elif hasattr(node, "keys"):
            yield from _walk(node, below, read)
        else:
            yield below, _attempt(lambda node=node: plain(read(node)))
            yield from _attributes(node, below)


def _attributes(node: Any, where: str) -> Iterator[tuple[str, Any]]:
    attributes = node.attrs
    for name in attributes:
        yield f"{where}@{name}", _attempt(lambda name=name: plain(attributes[name]))


def read(dataset: h5py.Dataset) -> Any:
    """What h5py reads of a dataset, or its refusal."""
    return _attempt(lambda: plain(dataset[()]))


def _value_of_h5py(dataset: h5py.Dataset) -> Any:
    return dataset[()]


def _attempt(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except Exception as error:  # of whatever kind: that is what is compared
        return Refusal(f"{type(error).__name__}: {error}")


def _refused(damaged: Damaged) -> Refusal:
    return Refusal(damaged.reason)


def plain(value: Any) -> Any:
    """A value of any of the readers in a form that ``==`` compares."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if isinstance(value, bytes):
        return bytes(value)
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    array = np.asarray(value)
    if array.dtype.kind == "O":
        return [plain(one) for one in array] if array.ndim else plain(array.item())
    if array.dtype.kind in "SU":
        texts = [plain(one) for one in array.ravel().tolist()]
        return texts[0] if not array.ndim else _nested(texts, array.shape)
    order = array.dtype.newbyteorder("=")
    native = array.astype(order)
    return Values(str(order), array.shape, _packed(native))


def _packed(native: Any) -> Any:
    """Bytes without padding, which is whatever was in memory."""
    if native.dtype.names:
        return [_packed(native[name]) for name in native.dtype.names]
    if native.dtype.char in "gG":
        return str(native.tolist())
    return np.ascontiguousarray(native).tobytes()


def _nested(values: list[Any], shape: tuple[int, ...]) -> list[Any]:
    if 0 in shape:
        return []
    for length in reversed(shape[1:]):
        values = [values[i : i + length] for i in range(0, len(values), length)]
    return values


def without_enums(contents: Contents) -> Contents:
    """With truth values as the integers that pyfive takes them for."""

    def changed(value: Any) -> Any:
        if not isinstance(value, Values):
            return value
        dtype = "int8" if value.dtype == "bool" else value.dtype.replace("'?'", "'i1'")
        return replace(value, dtype=dtype)

    return {path: changed(value) for path, value in contents.items()}


def differences(one: Contents, other: Contents) -> list[str]:
    """Paths at which two readers disagree."""
    paths = {**dict.fromkeys(one), **dict.fromkeys(other)}
    return [
        f"{path}: {_short(one.get(path))}, not {_short(other.get(path))}"
        for path in paths
        if not _alike(one.get(path), other.get(path))
    ]


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, Refusal) or isinstance(other, Refusal):
        return isinstance(one, Refusal) and isinstance(other, Refusal)
    return bool(one == other)


def _short(value: Any) -> str:
    text = "missing" if value is None else repr(value)
    return text if len(text) < 120 else text[:120] + "..."
