"""Lists: small datasets, written and read by the thousand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from h5py import h5d, h5p, h5s, h5t

from hspyio.errors import DamagedFileError
from hspyio.hdf5.h5types import ReadTypes, WriteTypes
from hspyio.hdf5.small import SmallWriter, read_small
from hspyio.hdf5.snapshot import FileHandle
from hspyio.hdf5.via_h5py import Session
from hspyio.nodes.node import Array, Damaged, Filter, GraphSource, MemorySource, Text, Vlen
from support.root import open_root


@pytest.fixture
def file(tmp_path: Path) -> Iterator[h5py.File]:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        yield file


def objects(*items: bytes) -> np.ndarray:
    values = np.empty(len(items), object)
    values[:] = items
    return values


def array(values: Any, kind: Any = None, **options: Any) -> Array:
    values = np.asarray(values)
    return Array(values.dtype if kind is None else kind, MemorySource(values), **options)


# writing


def test_what_is_written_is_what_h5py_reads(file: h5py.File) -> None:
    writer = SmallWriter(WriteTypes())
    arrays = {
        "float": array([1.5, 2]), "more": array([3.5, 4]), "one": array([5.5]),
        "bool": array([True]),
        "big": array(np.arange(3, dtype=">i4")), "strided": array(np.arange(6)[::2]),
        "turned": array(np.arange(6).reshape(2, 3).T), "none": array(np.zeros(0)),
        "text": array(objects(b"a", "µ".encode()), Text()),
        "ascii": array(objects(b"a"), Text(utf8=False)),
        "fixed": array(np.array([b"a\0b", b"c"]), Text(3)),
    }  # fmt: skip
    for name, node in arrays.items():
        assert writer.write(file.id, name.encode(), node)
    for name, node in arrays.items():
        dataset = file[name]
        assert dataset.chunks is None
        assert dataset[...].tolist() == node.source.read().tolist()
    assert file["bool"].dtype == bool
    assert file["big"].dtype == np.dtype(">i4")
    flags = {name: h5py.check_string_dtype(file[name].dtype) for name in ("text", "ascii", "fixed")}
    assert flags == {"text": ("utf-8", None), "ascii": ("ascii", None), "fixed": ("utf-8", 3)}


def test_only_small_arrays_in_memory_are_taken(file: h5py.File) -> None:
    import dask.array

    values = np.zeros(4)
    rows = np.empty(1, object)
    rows[0] = values
    others = (
        array(values, chunks=(2,)),
        array(values, chunks=(2,), filters=(Filter(1, (4,), "gzip"),)),
        array(values, maxshape=(None,)),
        array(rows, Vlen(values.dtype)),
        Array(values.dtype, GraphSource(dask.array.zeros(4))),
    )
    writer = SmallWriter(WriteTypes())
    for node in others:
        assert not writer.write(file.id, b"x", node)
    assert not list(file)


# reading


def found(file: h5py.File, name: str) -> Array | None:
    session = Session(FileHandle(file.filename), allow_external=False, number=0)
    file.flush()
    try:
        return read_small(file[name].id, ReadTypes(), session)
    finally:
        session.end()


@pytest.mark.parametrize(
    "options",
    [{}, {"chunks": (2,)}, {"chunks": (3,), "compression": "gzip", "shuffle": True},
     {"maxshape": (None,)}],
)  # fmt: skip
def test_small_datasets_are_read_at_once(options: Any, file: h5py.File) -> None:
    file.create_dataset("numbers", data=[1, 2, 3], **options)
    file.create_dataset("texts", data=["a", "µ", ""], dtype=h5py.string_dtype(), **options)
    numbers, texts = found(file, "numbers"), found(file, "texts")
    assert numbers is not None and texts is not None
    assert isinstance(numbers.source, MemorySource)
    assert (numbers.type, numbers.source.read().tolist()) == (np.dtype("i8"), [1, 2, 3])
    assert (texts.type, texts.source.read().tolist()) == (Text(), [b"a", "µ".encode(), b""])


def test_what_was_never_written_is_the_fill_value(file: h5py.File) -> None:
    file.create_dataset("numbers", (2,), "i2", fillvalue=7)
    file.create_dataset("texts", (2,), h5py.string_dtype())
    for name, expected in (("numbers", [7, 7]), ("texts", [b"", b""])):
        node = found(file, name)
        assert node is not None
        assert node.source.read().tolist() == expected


def test_scalars_and_empty_ones(file: h5py.File) -> None:
    file["scalar"] = 1.5
    file["empty"] = np.zeros((0, 3))
    shapes = {name: node.shape for name in file if (node := found(file, name)) is not None}
    assert shapes == {"scalar": (), "empty": (0, 3)}


def test_all_else_is_left_to_others(file: h5py.File, tmp_path: Path) -> None:
    file["null"] = h5py.Empty("f8")
    file["large"] = np.zeros(8193)
    file.create_dataset("huge", (2**44,), "f8", chunks=(2**10,))
    file.create_dataset("lzf", data=[1, 2], chunks=(2,), compression="lzf")
    file.create_dataset("references", (1,), h5py.ref_dtype)
    file.create_dataset("rows", (2,), h5py.vlen_dtype("f8"))
    h5d.create(file.id, b"pairs", h5t.array_create(h5t.NATIVE_INT32, (2,)), h5s.create_simple((2,)))
    (tmp_path / "raw.bin").write_bytes(bytes(16))
    file.create_dataset("external", (2,), "i8", external=[(str(tmp_path / "raw.bin"), 0, 16)])
    layout = h5py.VirtualLayout((2,), "i8")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (2,))
    file.create_virtual_dataset("virtual", layout)
    assert [name for name in file if found(file, name) is not None] == []


@pytest.mark.parametrize("name", ["_list_x", "_tuple_x"])
def test_a_damaged_list_says_so_when_it_is_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        damaged = file.create_dataset(name, data=[1, 2], chunks=(2,), compression="gzip")
        damaged.id.write_direct_chunk((0,), b"this is no compressed chunk")
    with open_root(path) as root:
        node = root.members[name]
        assert isinstance(node, Array)
        with pytest.raises(DamagedFileError) as caught:
            node.source.read()
        assert (caught.value.path, caught.value.where) == (str(path), f"/{name}")


def test_a_list_in_another_file_is_refused_unless_asked_for(tmp_path: Path) -> None:
    path, raw = tmp_path / "a.h5", tmp_path / "raw.bin"
    raw.write_bytes(np.arange(2).tobytes())
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["x"] = [0, 1]
    with h5py.File(path, "w") as file:
        file.create_dataset("_list_raw", (2,), "i8", external=[(str(raw), 0, 16)])
        file["_list_link"] = h5py.ExternalLink("other.h5", "/x")
        file["_list_soft"] = h5py.SoftLink("/_list_link")
    with open_root(path) as root:
        assert len(root.members) == 3
        assert all(isinstance(node, Damaged) for node in root.members.values())
    with open_root(path, allow_external=True) as root:
        for node in root.members.values():
            assert node.source.read().tolist() == [0, 1]


@pytest.mark.parametrize("count", [64, 20_000])
def test_what_was_never_written_is_zero_and_no_memory_of_the_process(
    tmp_path: Path, count: int
) -> None:
    path = tmp_path / "never.h5"
    with h5py.File(path, "w") as file:
        creation = h5p.create(h5p.DATASET_CREATE)
        creation.set_chunk((8,))
        creation.set_fill_time(h5d.FILL_TIME_NEVER)
        h5d.create(file.id, b"d", h5t.NATIVE_INT64, h5s.create_simple((count,)), creation)
    for _ in range(3):
        used = [np.full(count, 77) for _ in range(50)]
        del used
        with open_root(str(path)) as root:
            node = root.members["d"]
            assert isinstance(node, Array)
            assert not node.source.read().any()
            assert not node.source.read((slice(3, 60),)).any()
