"""Any file that HDF5 writes with the types and layouts of the format is read as HDF5 reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from h5py import h5d, h5f, h5p, h5s, h5t
from hypothesis import given
from hypothesis import strategies as st

from support.root import open_root
from support.twins import differences

LIBVERS: list[Any] = [
    "earliest",
    ("earliest", "v108"),
    ("v108", "v110"),
    ("v110", "v112"),
    "latest",
]
TEXT = h5py.string_dtype()
PLAIN = [
    *(np.dtype(order + kind) for order in "<>" for kind in ("i2", "u4", "i8", "f2", "f4", "f8")),
    *map(np.dtype, ("i1", "u1", "?", "<c8", ">c16", "g", "S1", "S7", "V5")),
    np.dtype([("x", "u1"), ("y", "<f4")]),
    np.dtype([("a", ">i2", (2, 3)), ("b", [("ok", "?"), ("text", "S3")])], align=True),
    np.dtype([("i", "<f4"), ("r", "<f4")]),
    np.dtype([("r", "<f4"), ("i", "<f8")]),
    h5py.enum_dtype({"A": 1, "B": 200}, "u2"),
]
VARIABLE = [
    TEXT,
    h5py.string_dtype("ascii"),
    *map(h5py.vlen_dtype, ("<i4", "<f8", "?", "<c8", "S3", np.dtype([("x", "u1"), ("y", "<f4")]))),
]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any") / "a.h5"


def values_of(dtype: Any, shape: tuple[int, ...], seed: int) -> Any:
    """Values of a type, of any bytes that make one."""
    rng = np.random.default_rng(seed)
    count = int(np.prod(shape))
    if h5py.check_string_dtype(dtype) and dtype.hasobject:
        items: list[Any] = ["x" * int(n) for n in rng.integers(0, 40, count)]
    elif h5py.check_vlen_dtype(dtype) is not None:
        base = h5py.check_vlen_dtype(dtype)
        items = [values_of(np.dtype(base), (int(n),), int(n)) for n in rng.integers(0, 9, count)]
    else:
        return rng.integers(0, 2, count * dtype.itemsize, "u1").view(dtype).reshape(shape)
    array = np.empty(count, object)
    for index, item in enumerate(items):
        array[index] = item
    return array.reshape(shape)


@st.composite
def layouts(draw: st.DrawFn) -> dict[str, Any]:
    """How a dataset is made: its shape, limits, chunks and filters."""
    shape = tuple(draw(st.lists(st.integers(0, 9), max_size=3)))
    if not shape or draw(st.booleans()):
        return {"shape": shape}
    chunks = tuple(draw(st.integers(1, max(1, n + 1))) for n in shape)
    most = tuple(
        draw(st.sampled_from([None, n, max(n, step), n + 7]))
        for n, step in zip(shape, chunks, strict=True)
    )
    made: dict[str, Any] = {"shape": shape, "chunks": chunks}
    if draw(st.booleans()):
        made["maxshape"] = tuple(
            None if m is None else max(m, step) for m, step in zip(most, chunks, strict=True)
        )
    else:
        made["chunks"] = tuple(min(step, max(1, n)) for n, step in zip(shape, chunks, strict=True))
        if 0 in shape:
            made.pop("chunks")
            return made
    if draw(st.booleans()):
        made["compression"] = draw(st.sampled_from(["gzip", "lzf"]))
    made["shuffle"] = draw(st.booleans())
    made["fletcher32"] = draw(st.booleans())
    return made


def write(group: h5py.Group, name: str, dtype: Any, layout: dict[str, Any], seed: int) -> None:
    """A dataset of which all, a part or nothing was ever written."""
    options = dict(layout)
    if h5py.check_vlen_dtype(dtype) is not None or (dtype.hasobject and seed % 2):
        options.pop("fletcher32", None)
    if seed % 3 == 0 and not dtype.hasobject and dtype.kind in "iuf":
        options["fillvalue"] = 7
    dataset = group.create_dataset(name, dtype=dtype, **options)
    values = values_of(dtype, dataset.shape, seed)
    if seed % 5 == 0 or not values.size:
        return
    space, memory = dataset.id.get_space(), h5s.create_simple(values.shape)
    if seed % 5 == 1 and values.ndim:
        memory = h5s.create_simple((1, *values.shape[1:]))
        space.select_hyperslab((0,) * values.ndim, (1, *values.shape[1:]))
        values = np.ascontiguousarray(values[:1])
    if not values.ndim:
        memory = space
    dataset.id.write(memory, space, values, h5t.py_create(dtype))


@given(
    libver=st.sampled_from(LIBVERS),
    userblock=st.sampled_from([0, 0, 512, 2048]),
    tracked=st.booleans(),
    arrays=st.lists(
        st.tuples(st.sampled_from(PLAIN + VARIABLE), layouts(), st.integers(0, 10**6)), max_size=4
    ),
    attributes=st.lists(
        st.tuples(
            st.sampled_from(PLAIN + VARIABLE),
            st.lists(st.integers(0, 3), max_size=2),
            st.integers(0, 10**6),
        ),
        max_size=12,
    ),
    listed=st.booleans(),
)
def test_any_file(
    libver: Any, userblock: int, tracked: bool, arrays: Any, attributes: Any, listed: bool,
    path: Path,
) -> None:  # fmt: skip
    with h5py.File(path, "w", libver=libver, userblock_size=userblock, track_order=tracked) as file:
        for i, (dtype, layout, seed) in enumerate(arrays):
            write(file, f"{'_list_' if listed else ''}{i}", dtype, layout, seed)
        group = file.create_group("group", track_order=tracked)
        for i, (dtype, shape, seed) in enumerate(attributes):
            group.attrs.create(f"{i}", values_of(dtype, tuple(shape), seed), dtype=dtype)
    assert differences(path) == []


INDICES: dict[str, dict[str, Any]] = {
    "tree": {"libver": "earliest", "maxshape": (None, 90)},
    "single": {"chunks": (50, 40)},
    "single, filtered": {"chunks": (50, 40), "compression": "gzip"},
    "implicit": {"early": True},
    "fixed": {},
    "fixed, filtered": {"compression": "gzip"},
    "fixed, larger than now": {"maxshape": (300, 90)},
    "fixed, in pages": {"chunks": (1, 1)},
    "fixed, in pages, filtered": {"chunks": (1, 1), "fletcher32": True},
    "extensible": {"maxshape": (None, 90)},
    "extensible in the second dimension": {"maxshape": (120, None)},
    "extensible, filtered": {"maxshape": (None, 90), "compression": "gzip"},
    "extensible, many": {"maxshape": (None, 40), "chunks": (1, 1)},
    "extensible, many, filtered": {"maxshape": (50, None), "chunks": (1, 1), "fletcher32": True},
    "new tree": {"maxshape": (None, None)},
    "new tree, filtered": {"maxshape": (None, None), "compression": "gzip"},
    "new tree, many": {"maxshape": (None, None), "chunks": (1, 1)},
    "new tree, many, filtered": {"maxshape": (None, None), "chunks": (1, 1), "fletcher32": True},
}


@pytest.mark.parametrize("written", [1.0, 0.5, 0.0])
@pytest.mark.parametrize("kind", INDICES)
def test_every_index_of_chunks(kind: str, written: float, path: Path) -> None:
    options = {"chunks": (7, 9), "libver": "latest", **INDICES[kind]}
    values = np.random.default_rng(1).integers(0, 9, (50, 40), "i2")
    with h5py.File(path, "w", libver=options.pop("libver")) as file:
        if options.pop("early", False):
            creation = h5p.create(h5p.DATASET_CREATE)
            creation.set_chunk(options["chunks"])
            creation.set_alloc_time(h5d.ALLOC_TIME_EARLY)
            h5d.create(file.id, b"x", h5t.STD_I16LE, h5s.create_simple((50, 40)), creation)
            dataset = file["x"]
        else:
            dataset = file.create_dataset("x", (50, 40), "i2", **options)
        rows = int(50 * written)
        if written == 0.5:
            dataset[11 : 11 + rows, 3:30] = values[:rows, 3:30]
        elif written:
            dataset[...] = values
    assert differences(path) == []


def test_shrunk_and_grown(path: Path) -> None:
    for libver in LIBVERS:
        with h5py.File(path, "w", libver=libver) as file:
            for i, most in enumerate([(None, 30), (60, None), (None, None), (60, 60)]):
                data = file.create_dataset(f"{i}", (20, 20), "i4", chunks=(3, 4), maxshape=most)
                data[...] = np.arange(400).reshape(20, 20)
                data.resize((9, 11))
                data.resize((25, 23))
                data[20:] = 5
        assert differences(path) == []


def test_edges_without_filters(path: Path) -> None:
    """HDF5 can leave chunks at the edge as they are."""
    creation = h5p.create(h5p.DATASET_CREATE)
    creation.set_chunk((7, 9))
    creation.set_deflate(4)
    if not hasattr(creation, "set_chunk_opts"):
        pytest.skip("h5py has no function for it")
    creation.set_chunk_opts(2)
    with h5py.File(path, "w", libver="latest") as file:
        made = h5d.create(file.id, b"x", h5t.STD_I16LE, h5s.create_simple((50, 40)), creation)
        made.write(h5s.ALL, h5s.ALL, np.arange(2000, dtype="i2"))
    assert differences(path) == []


@pytest.mark.parametrize("sizes", [(2, 2), (4, 4), (8, 4), (4, 8), (2, 8)])
@pytest.mark.parametrize("new", [False, True])
def test_other_sizes_of_addresses(sizes: tuple[int, int], new: bool, path: Path) -> None:
    if new and sizes == (2, 2):
        pytest.skip("HDF5 writes 0 for the 65,536 bytes of the largest block of a heap")
    creation = h5p.create(h5p.FILE_CREATE)
    creation.set_sizes(*sizes)
    access = h5p.create(h5p.FILE_ACCESS)
    low = h5f.LIBVER_V18 if new else h5f.LIBVER_EARLIEST
    access.set_libver_bounds(low, h5f.LIBVER_LATEST)
    with h5py.File(h5f.create(str(path).encode(), h5f.ACC_TRUNC, creation, access)) as file:
        for i in range(20):
            file.create_group(f"group {i}").attrs["text"] = "µ" * i
        file["x"] = np.arange(10)
        file.create_dataset("y", data=np.arange(60), chunks=(7,), compression="gzip")
        file.create_dataset("_list_texts", data=["a", "bc"], dtype=TEXT)
        rows = file.create_dataset("rows", (3,), h5py.vlen_dtype("i4"))
        rows[1] = [1, 2, 3]
        many = file.create_group("many", track_order=new)
        for i in range(30):
            many.attrs[f"{i}"] = np.arange(i)
            many[f"{i}"] = i
        file["soft"] = h5py.SoftLink("/group 3")
    assert differences(path) == []


def _types() -> dict[str, Any]:
    made: dict[str, Any] = {}
    part = h5t.STD_U16BE.copy()
    part.set_precision(11)
    part.set_offset(3)
    made["part"] = part
    signed = h5t.STD_I32LE.copy()
    signed.set_precision(29)
    made["signed"] = signed
    half = h5t.IEEE_F32LE.copy()
    half.set_fields(15, 7, 8, 0, 7)
    half.set_precision(16)
    half.set_size(2)
    made["bfloat16"] = half
    made["bits"] = h5t.STD_B16LE
    made["odd"] = _sized(h5t.STD_I32LE.copy(), 3)
    wide = h5t.enum_create(h5t.STD_I32LE)
    wide.enum_insert(b"FALSE", 0)
    wide.enum_insert(b"TRUE", 1)
    made["truth"] = wide
    made["array"] = h5t.array_create(h5t.IEEE_F32BE, (2, 3))
    for name, padding in {"null": h5t.STR_NULLTERM, "pad": h5t.STR_NULLPAD, "space": 2}.items():
        text = h5t.C_S1.copy()
        text.set_size(4)
        text.set_strpad(padding)
        made[name] = text
    mixed = h5t.create(h5t.COMPOUND, 16)
    mixed.insert(b"part", 0, part)
    mixed.insert(b"space", 4, made["space"])
    mixed.insert(b"truth", 8, wide)
    mixed.insert(b"bits", 12, h5t.STD_B16LE)
    made["mixed"] = mixed
    return made


def _sized(kind: Any, size: int) -> Any:
    kind.set_precision(8 * size)
    kind.set_size(size)
    return kind


@pytest.mark.parametrize("name", _types())
def test_rare_types(name: str, path: Path) -> None:
    kind = _types()[name]
    count = 12
    octets = np.random.default_rng(2).integers(0, 256, count * kind.get_size(), "u1")
    if name in ("truth", "mixed"):
        octets[...] &= 1
        octets.reshape(count, -1)[:, -3:] = 0
        if name == "mixed":
            octets.reshape(count, -1)[:, 9:12] = 0
    with h5py.File(path, "w") as file:
        for place, options in (("contiguous", None), ("chunked", (5,))):
            creation = h5p.create(h5p.DATASET_CREATE)
            if options:
                creation.set_chunk(options)
            space = h5s.create_simple((count,))
            h5d.create(file.id, place.encode(), kind, space, creation).write(
                h5s.ALL, h5s.ALL, octets, kind
            )
        h5py.h5a.create(file.id, b"x", kind, space).write(octets, mtype=kind)
    assert differences(path) == []


def test_named_types_are_shared(path: Path) -> None:
    for libver in LIBVERS:
        with h5py.File(path, "w", libver=libver) as file:
            for i, dtype in enumerate(PLAIN + VARIABLE):
                file[f"type {i}"] = dtype
                kind = file[f"type {i}"]
                file.create_dataset(f"x {i}", (3,), kind)
                file.attrs.create(f"x {i}", values_of(dtype, (3,), i), dtype=kind)
        assert differences(path) == []


def test_rows_in_the_other_byte_order(path: Path) -> None:
    """h5py 3.16 itself takes them for the machine's own."""
    with h5py.File(path, "w") as file:
        rows = file.create_dataset("x", (2,), h5py.vlen_dtype(">f8"))
        rows[0] = [1.5, 2.5]
        objects = np.empty(1, object)
        objects[0] = np.array([3.5], ">f8")
        file.attrs.create("x", objects, dtype=h5py.vlen_dtype(">f8"))
    with open_root(path) as root:
        read = root.members["x"].source.read()
        assert [row.tolist() for row in read] == [[1.5, 2.5], []]
        assert root.attributes["x"].value[0].tolist() == [3.5]


def test_times_that_h5py_has_tagged(path: Path) -> None:
    values = np.arange(4).astype("M8[us]")
    with h5py.File(path, "w") as file:
        file["x"] = values.astype(h5py.opaque_dtype(values.dtype))
    with open_root(path) as root:
        array = root.members["x"]
        assert array.type == values.dtype
        assert (array.source.read() == values).all()
