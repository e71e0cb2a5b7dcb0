"""Files that say they hold far more than they do."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5d, h5p, h5s, h5t

from hspyio.names import CURRENT_VERSION
from support.attacks.tools import MIB, deflated_zeros
from support.handmade import put_axes, put_signal, skeleton

PETABYTE = 2**50


def _declared(group: h5py.Group, name: str, size: int = PETABYTE, **options: Any) -> h5py.Dataset:
    """A long row of bytes none of which was written."""
    return group.create_dataset(name, (size,), "u1", **options)


def _experiment_of_bytes(group: h5py.Group, title: str = "Handmade") -> None:
    put_signal(group, title, data=None, shape=(8,))


def data_in_chunks(path: Path) -> None:
    with skeleton(path, data=None, shape=(8,)) as experiment:
        _declared(experiment, "data", chunks=(1024,), compression="gzip")


def data_in_one_block(path: Path) -> None:
    with skeleton(path, data=None, shape=(8,)) as experiment:
        _declared(experiment, "data")


def data_in_many_dimensions(path: Path) -> None:
    shape = (2**10,) * 5
    with skeleton(path, data=None, shape=shape) as experiment:
        experiment.create_dataset("data", shape, "u1", chunks=(1,) * 5)


def metadata_in_chunks(path: Path) -> None:
    with skeleton(path) as experiment:
        _declared(experiment["metadata"], "array", chunks=(1024,), compression="gzip")


def metadata_in_one_block(path: Path) -> None:
    with skeleton(path) as experiment:
        _declared(experiment["metadata"], "array")


def text_data(path: Path) -> None:
    """A petabyte of texts, which no lazy array holds."""
    with skeleton(path, data=None, shape=(8,)) as experiment:
        experiment.create_dataset("data", (PETABYTE // 1024,), "S1024", chunks=(16,))


def ragged_data(path: Path) -> None:
    """As many rows."""
    with skeleton(path, data=None, shape=(8,)) as experiment:
        kind = h5py.vlen_dtype(np.dtype("f8"))
        experiment.create_dataset("data", (PETABYTE,), kind, chunks=(1024,))


def unfilled_metadata(path: Path) -> None:
    """Two GB in a hundred arrays that were never written, in 23 kB."""
    with skeleton(path) as experiment:
        for index in range(20):
            options: dict[str, Any] = {"chunks": (MIB,)} if index % 2 else {}
            _declared(experiment["metadata"], f"array{index}", 100 * MIB, **options)


def unfilled_lists(path: Path) -> None:
    """A GB of numbers that were never written, as lists and tuples."""
    with skeleton(path) as experiment:
        for index in range(10):
            _declared(experiment["metadata"], f"_list_{index}", 100 * MIB)
            _declared(experiment["metadata"], f"_tuple_{index}", 100 * MIB, chunks=(MIB,))


def unfilled_texts(path: Path) -> None:
    """A hundred million texts that were never written."""
    with skeleton(path) as experiment:
        node = experiment["metadata"]
        node.create_dataset("fixed", (100 * MIB,), "S4", chunks=(MIB,))
        node.create_dataset("variable", (100 * MIB,), h5py.string_dtype(), chunks=(MIB,))
        rows = h5py.vlen_dtype(np.dtype("f8"))
        node.create_dataset("ragged", (100 * MIB,), rows, chunks=(MIB,))


def filled_metadata(path: Path) -> None:
    """Two GB of ones that were never written."""
    with skeleton(path) as experiment:
        for index in range(20):
            _declared(experiment["metadata"], f"array{index}", 100 * MIB, fillvalue=1)


def _put_chunk(dataset: h5py.Dataset, content: bytes) -> None:
    dataset.id.write_direct_chunk((0,) * dataset.ndim, content)


def inflating_data(path: Path) -> None:
    """A chunk of 1 MB that inflates to 2 GB."""
    with skeleton(path, data=None, shape=(8,)) as experiment:
        data = _declared(experiment, "data", MIB, chunks=(MIB,), compression="gzip")
        _put_chunk(data, deflated_zeros(2048))


def inflating_metadata(path: Path) -> None:
    """The same in arrays so small that HDF5 itself would read them."""
    with skeleton(path) as experiment:
        content = deflated_zeros(2048)
        for name in ("array", "_list_items", "_tuple_items"):
            options: dict[str, Any] = {"chunks": (1024,), "compression": "gzip"}
            _put_chunk(_declared(experiment["metadata"], name, 1024, **options), content)
        texts = experiment["metadata"].create_dataset(
            "texts", (64,), h5py.string_dtype(), chunks=(64,), compression="gzip"
        )
        _put_chunk(texts, content)


def inflating_structure(path: Path) -> None:
    """The same in an array with gaps, which HDF5 itself has to read."""
    kind = np.dtype({"names": ["a", "b"], "formats": ["u1", ">u4"], "offsets": [0, 8]})
    with skeleton(path, data=None, shape=(MIB,)) as experiment:
        made = h5t.py_create(kind)
        creation = h5p.create(h5p.DATASET_CREATE)
        creation.set_chunk((MIB,))
        creation.set_deflate(4)
        packed = made.copy()
        packed.set_size(24)
        data = h5d.create(experiment.id, b"data", packed, h5s.create_simple((MIB,)), creation)
        data.write_direct_chunk((0,), deflated_zeros(2048))


def inflating_twice(path: Path) -> None:
    """A chunk that was deflated twice: a kB that inflates to a GB."""
    with skeleton(path) as experiment:
        creation = h5p.create(h5p.DATASET_CREATE)
        creation.set_chunk((MIB,))
        creation.set_deflate(4)
        creation.set_deflate(4)
        space = h5s.create_simple((MIB,))
        kind = h5t.NATIVE_UINT8
        data = h5d.create(experiment["metadata"].id, b"array", kind, space, creation)
        data.write_direct_chunk((0,), zlib.compress(deflated_zeros(2048), 9))


def wide_chunk(path: Path) -> None:
    """A few numbers in a chunk of 3 GB."""
    with skeleton(path, data=None, shape=(8,)) as experiment:
        chunk = 3072 * MIB
        data = experiment.create_dataset(
            "data", (8,), "u1", maxshape=(None,), chunks=(chunk,), compression="gzip"
        )
        _put_chunk(data, deflated_zeros(3072))


def one_text_for_all(path: Path) -> None:
    """Thousands of texts that are one and the same megabyte, as data of a list and elsewhere."""
    count, text = 4096, "x" * MIB
    with skeleton(path) as experiment:
        node = experiment["metadata"]
        kind = h5py.string_dtype()
        for name in ("texts", "_list_texts"):
            dataset = node.create_dataset(name, (count,), kind, chunks=(count,))
            dataset[0] = text
            _repeat_reference(dataset, count)


def one_row_for_all(path: Path) -> None:
    """The same with rows of numbers, and rows of texts."""
    count = 4096
    with skeleton(path) as experiment:
        node = experiment["metadata"]
        for name, base, row in (
            ("numbers", np.dtype("f8"), np.zeros(MIB // 8)),
            ("rows", h5py.string_dtype(), np.array(["x" * 1024] * 1024, object)),
        ):
            dataset = node.create_dataset(name, (count,), h5py.vlen_dtype(base), chunks=(count,))
            dataset[0] = row
            _repeat_reference(dataset, count)


def _repeat_reference(dataset: h5py.Dataset, count: int) -> None:
    dataset.flush()
    _, content = dataset.id.read_direct_chunk((0,))
    dataset.id.write_direct_chunk((0,), content[:16] * count)


def one_text_in_attribute(path: Path) -> None:
    """Thousands of texts that are one and the same megabyte, in an attribute."""
    count, text = 2000, b"y" * MIB
    with skeleton(path) as experiment:
        values = [text] + [b"zz%06d" % index for index in range(count - 1)]
        kind = h5py.string_dtype()
        experiment["metadata"].attrs.create("texts", np.array(values, object), dtype=kind)
    content = bytearray(path.read_bytes())
    start = _first_reference(content, len(text), count)
    content[start : start + 16 * count] = content[start : start + 16] * count
    path.write_bytes(content)


def _first_reference(content: bytes | bytearray, length: int, count: int) -> int:
    """Where the references of an attribute stand: the first of that length, `count` in a row."""
    start = content.find(length.to_bytes(4, "little"))
    while content[start + 16 : start + 20] != (8).to_bytes(4, "little"):
        start = content.find(length.to_bytes(4, "little"), start + 1)
        if start < 0:
            raise ValueError("no references")
    return start


def inflating_hints(path: Path) -> None:
    """Type hints of 50 kB that unpack to GBs of lists."""
    text = b'{"types":{"/a":["list","",[' + b"[]," * (16 * MIB) + b"[]]]}}"
    packed = base64.b85encode(zlib.compress(text, 9)).decode()
    hints = json.dumps({"version": 1, "deflated": packed})
    with skeleton(path) as experiment:
        experiment.attrs["_hspyio_types"] = hints


def deep_hints(path: Path) -> None:
    """Type hints that are nested a hundred thousand times."""
    with skeleton(path) as experiment:
        experiment.attrs["_hspyio_types"] = "[" * 60_000
        other = experiment.parent.create_group("Other")
        put_signal(other, "Other")
        other.attrs["_hspyio_types"] = json.dumps(
            {"version": 1, "types": {"/a" * 25_000: ["set", "0", []]}}
        )


def experiment_axes(path: Path) -> None:
    """An axis of a petabyte of points."""
    with skeleton(path) as experiment:
        del experiment["axis-0"]
        axis = experiment.create_group("axis-0")
        _declared(axis, "axis", chunks=(1024,))
        put_axes(
            experiment.create_group("other"),
            (1,),
            form="groups",
            era=float(CURRENT_VERSION),
            signal_dimension=1,
        )
