"""Rows of variable length, against h5py's own reading and writing of the same."""

from __future__ import annotations

import gc
import os
import tracemalloc
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from h5py import h5d, h5s, h5t
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hspyio.hdf5 import ragged as vlen
from hspyio.hdf5 import row_writer
from hspyio.hdf5.h5types import to_h5py
from hspyio.hdf5.ragged import REFERENCE, read_rows
from hspyio.hdf5.row_writer import row_access, write_rows
from hspyio.nodes.node import Array, MemorySource, RaggedArray, RaggedList, Text, Vlen
from support.root import open_root

BASES = ("f8", ">f8", "f4", "u1", "?", "c16", "i2", "V3", "i4,f8", "g")
same_files = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)

bases = st.sampled_from(BASES).map(np.dtype)
shapes = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)


def rows_of(base: np.dtype[Any]) -> st.SearchStrategy[np.ndarray]:
    sizes = st.one_of(st.integers(0, 5), st.integers(0, 600))
    return st.builds(lambda size, seed: row(base, size, seed), sizes, st.integers(0, 2**32 - 1))


def row(base: np.dtype[Any], size: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if base.kind in "fc":
        return rng.normal(size=size).astype(base)
    if base.kind == "b":
        return rng.integers(0, 2, size).astype(base)
    return np.frombuffer(rng.bytes(size * base.itemsize), base).copy()


@st.composite
def arrays(draw: st.DrawFn) -> tuple[np.dtype[Any], np.ndarray]:
    """A dtype, and an object array of rows of it."""
    base, shape = draw(bases), draw(shapes)
    size = int(np.prod(shape))
    return base, objects(draw(st.lists(rows_of(base), min_size=size, max_size=size)), shape)


def objects(items: list[Any], shape: tuple[int, ...] | None = None) -> np.ndarray:
    array = np.empty(len(items), object)
    for index, item in enumerate(items):
        array[index] = item
    return array if shape is None else array.reshape(shape)


def some_rows(count: int, longest: int, base: str = "f8", seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return objects(
        [row(np.dtype(base), int(n), i) for i, n in enumerate(rng.integers(0, longest, count))]
    )


def h5py_reads(path: Path, base: np.dtype[Any], values: np.ndarray) -> bool:
    """Whether h5py finds these rows."""
    if base.kind == "V":
        return True  # some versions cannot read empty ones
    with h5py.File(path) as file:
        found = file["x"][()]
    # It gives big-endian rows as they are, but calls them native.
    return same(objects([item.view(base) for item in found.ravel()], found.shape), values)


def same(read: np.ndarray, expected: np.ndarray) -> bool:
    return read.shape == expected.shape and all(
        a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        for a, b in zip(read.ravel(), expected.ravel(), strict=True)
    )


def references(path: Path, name: str = "x") -> np.ndarray:
    """What stands in an unchunked dataset."""
    with h5py.File(path) as file:
        offset, shape = file[name].id.get_offset(), file[name].shape
    if offset is None:
        return np.zeros(shape, REFERENCE)
    return np.fromfile(path, REFERENCE, int(np.prod(shape)), offset=offset).reshape(shape)


def read(path: Path, found: np.ndarray, base: Any) -> RaggedArray:
    with path.open("rb", buffering=0) as stream:
        return read_rows(found, stream.fileno(), np.dtype(base))


def put(path: Path, values: np.ndarray, base: Any = "f8", **options: Any) -> None:
    """Write as h5py does."""
    with h5py.File(path, "w", **options) as file:
        dataset = file.create_dataset("x", values.shape, h5py.vlen_dtype(np.dtype(base)))
        for index in np.ndindex(values.shape):
            dataset[index] = values[index]


def put_rows(path: Path, array: Array) -> None:
    """Write as we do."""
    dtype = to_h5py(array.type)
    kind = h5t.py_create(dtype, logical=True)
    with h5py.File(path, "w") as file:
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        if array.chunks:
            creation.set_chunk(array.chunks)
            creation.set_deflate(4)
        space = h5s.create_simple(array.shape)
        dataset = h5d.create(file.id, b"x", kind, space, creation, None, row_access(array))
        write_rows(dataset, array)


# reading


@given(arrays(), st.sampled_from(["earliest", "latest"]))
@same_files
def test_rows_read_as_h5py_reads_them(
    tmp_path: Path, drawn: tuple[np.dtype[Any], np.ndarray], libver: str
) -> None:
    base, values = drawn
    path = tmp_path / "x.h5"
    put(path, values, base, libver=libver)
    rows = read(path, references(path), base)
    assert same(rows.read(), values)
    assert rows.values.size == sum(map(len, values.ravel()))
    assert h5py_reads(path, base, values)


@given(arrays(), st.data())
@same_files
def test_any_references_are_read(
    tmp_path: Path, drawn: tuple[np.dtype[Any], np.ndarray], data: st.DataObject
) -> None:
    base, values = drawn
    path = tmp_path / "x.h5"
    put(path, values, base)
    found = references(path)
    selection = tuple(
        slice(data.draw(st.integers(0, n - 1)), n, data.draw(st.integers(1, 3)))
        for n in values.shape
    )
    assert same(read(path, found[selection], base).read(), values[selection])
    order = np.array(data.draw(st.lists(st.integers(0, found.size - 1), max_size=20)), int)
    total = sum(values.ravel()[i].nbytes for i in order)
    if total < path.stat().st_size:
        assert same(read(path, found.ravel()[order], base).read(), values.ravel()[order])


edits = st.lists(
    st.tuples(st.sampled_from("xyz"), st.integers(0, 19), st.integers(0, 3000)), max_size=60
)


@given(edits, st.lists(st.sampled_from([1, 64, 700, 5000]), max_size=3))
@same_files
def test_rows_among_others_that_come_and_go(
    tmp_path: Path, edits: list[tuple[str, int, int]], between: list[int]
) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        for name in "xyz":
            file.create_dataset(name, (20,), h5py.vlen_dtype(np.dtype("i4")))
    for half in (edits[: len(edits) // 2], edits[len(edits) // 2 :]):
        with h5py.File(path, "a") as file:  # later heaps begin anywhere
            for number, size in enumerate(between):
                file[f"odd {len(file)} {number}"] = np.zeros(size, "u1")
            for seed, (name, index, size) in enumerate(half):
                file[name][index] = row(np.dtype("i4"), size, seed)
    for name in "xyz":
        with h5py.File(path) as file:
            expected = file[name][()]
        assert same(read(path, references(path, name), "i4").read(), expected)


@pytest.mark.parametrize("base", ["f8", "u1", "V3", "c16"])
@pytest.mark.parametrize(
    "limits", [(1, 1, 1, 1), (2**14, 2**13, 0, 2**9), (2**40, 2**40, 2**40, 0)]
)
def test_however_much_is_read_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: str, limits: tuple[int, ...]
) -> None:
    values = some_rows(300, 900, base)
    put(tmp_path / "x.h5", values, base)
    for name, limit in zip(("_BLOCK", "_BIG", "_LONG_ROW", "_GAP"), limits, strict=True):
        monkeypatch.setattr(vlen, name, limit)
    found = references(tmp_path / "x.h5")
    assert same(read(tmp_path / "x.h5", found, base).read(), values)
    assert same(read(tmp_path / "x.h5", found[::-3], base).read(), values[::-3])


def test_large_rows(tmp_path: Path) -> None:
    values = objects([row(np.dtype("u1"), n, n) for n in (5, 3 * 2**20, 0, 70_000, 2**21, 1)])
    put(tmp_path / "x.h5", values, "u1")
    assert same(read(tmp_path / "x.h5", references(tmp_path / "x.h5"), "u1").read(), values)


def test_rows_that_were_never_written_are_empty(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("x", (2, 3), h5py.vlen_dtype(np.dtype("f8")))[1, 1] = [1.0]
    rows = read(tmp_path / "x.h5", references(tmp_path / "x.h5"), "f8")
    assert rows.lengths.tolist() == [[0, 0, 0], [0, 1, 0]]
    assert read(tmp_path / "x.h5", np.zeros((0, 2), REFERENCE), "f8").shape == (0, 2)


def test_enumerations_are_their_numbers(tmp_path: Path) -> None:
    kinds = h5py.enum_dtype({"a": 1, "b": 2}, "i2")
    values = objects([np.array([1, 2], "i2"), np.array([2], "i2")])
    put(tmp_path / "x.h5", values, kinds)
    with open_root(tmp_path / "x.h5") as root:
        node = root.members["x"]
        assert isinstance(node, Array)
        assert node.type == Vlen(np.dtype("i2"))
        assert same(node.source.read(), values)


# damaged files


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "x.h5"
    put(path, some_rows(60, 200))
    return path


def changed(found: np.ndarray, place: int, field: str, value: int) -> np.ndarray:
    found = found.copy()
    assert found["length"][place]
    found[field][place] = value
    return found


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("address", 2**64 - 1), ("address", 2**63), ("address", 2**62), ("address", 8),
        ("address", 10**6), ("index", 0), ("index", 65535), ("index", 2**32 - 1),
        ("length", 2**32 - 1), ("length", 250),
    ],
)  # fmt: skip
def test_references_to_nowhere_are_refused(good: Path, field: str, value: int) -> None:
    found = references(good)
    with pytest.raises(ValueError, match="row"):
        read(good, changed(found, 7, field, value), "f8")


def test_an_address_within_a_heap_is_refused(good: Path) -> None:
    found = references(good)
    for step in (1, 8, 16, 32):
        with pytest.raises(ValueError, match="row"):
            read(good, changed(found, 7, "address", int(found["address"][7]) + step), "f8")


def test_more_rows_than_the_file_can_hold_are_refused(good: Path) -> None:
    with pytest.raises(ValueError, match="longer than the file"):
        read(good, np.tile(references(good), 1000), "f8")


def test_heads_that_lie_are_refused(good: Path, tmp_path: Path) -> None:
    found, content = references(good), good.read_bytes()
    heap = int(found["address"][0])
    first = 16 + heap
    lies = [(heap, b"GCOX"), (heap + 4, b"\2"), (heap + 8, b"\xff" * 8), (heap + 8, b"\0" * 8)]
    lies += [(first, b"\7\7"), (first + 8, b"\xff" * 8), (first + 8, b"\0" * 8)]
    path = tmp_path / "x.h5"
    for place, lie in lies:
        path.write_bytes(content[:place] + lie + content[place + len(lie) :])
        with pytest.raises(ValueError, match="row"):
            read(path, found, "f8")


@given(st.data())
@same_files
def test_damage_is_told_or_changes_values_only(
    good: Path, tmp_path: Path, data: st.DataObject
) -> None:
    found, content = references(good).copy(), bytearray(good.read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    for _ in range(data.draw(st.integers(0, 2))):
        raw = found.view("u1")
        raw[data.draw(st.integers(0, raw.size - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "x.h5"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        rows = read(path, found, "f8")
    except (OSError, ValueError):
        return
    assert rows.values.size == rows.lengths.sum()


def test_a_truncated_file(good: Path, tmp_path: Path) -> None:
    found = references(good)
    size = good.stat().st_size
    for left in (0, 8, 20, size // 2, size - 1000):
        (tmp_path / "x.h5").write_bytes(good.read_bytes()[:left])
        with pytest.raises((OSError, ValueError)):
            read(tmp_path / "x.h5", found, "f8")


def test_a_heap_of_heads_only_ends(tmp_path: Path) -> None:
    heads = np.zeros((2**17, 2), "<u8")
    heads[0] = int.from_bytes(b"GCOL\1", "little"), heads.nbytes
    heads[1:, 0] = 5
    (tmp_path / "x").write_bytes(bytes(16) + heads.tobytes())  # address 0 means no row
    with pytest.raises(ValueError, match="not where"):
        read(tmp_path / "x", np.array([(1, 16, 3)], REFERENCE), "f8")


# writing


def sources(base: np.dtype[Any], values: np.ndarray) -> list[Any]:
    loose = RaggedList.of(values, base)
    return [MemorySource(values), loose, loose.rows()]


@given(arrays(), st.integers(1, 3000), st.booleans(), st.booleans())
@same_files
def test_h5py_reads_the_rows_that_are_written(
    tmp_path: Path,
    drawn: tuple[np.dtype[Any], np.ndarray],
    limit: int,
    chunked: bool,
    by_method: bool,
) -> None:
    base, values = drawn
    chunks = tuple(max(1, n // 2) for n in values.shape) if chunked else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_writer, "_WRITTEN", limit)
        if by_method:
            patch.setattr(row_writer, "_h5dwrite", lambda: None)
        for source in sources(base, values):
            put_rows(tmp_path / "x.h5", Array(Vlen(base), source, chunks=chunks))
            assert h5py_reads(tmp_path / "x.h5", base, values)
            if not chunked:
                assert same(
                    read(tmp_path / "x.h5", references(tmp_path / "x.h5"), base).read(), values
                )


def test_rows_are_cast_and_flattened(tmp_path: Path) -> None:
    items = [
        np.arange(6, dtype=">i2").reshape(2, 3).T,
        np.float32(1.5).reshape(()),
        np.zeros((0, 3)),
    ]
    source = RaggedList.of(objects(items), np.dtype("f8"))
    put_rows(tmp_path / "x.h5", Array(Vlen(np.dtype("f8")), source))
    with h5py.File(tmp_path / "x.h5") as file:
        written = [item.tolist() for item in file["x"]]
    assert written == [[0, 3, 1, 4, 2, 5], [1.5], []]


def test_only_the_very_function_is_called_past_h5py(monkeypatch: Any) -> None:
    assert row_writer._h5dwrite() is not None
    with monkeypatch.context() as patch:
        patch.setattr(row_writer, "_SIGNATURE", b"int (void)")
        assert row_writer._h5dwrite.__wrapped__() is None
    monkeypatch.setattr(h5py.defs, "__pyx_capi__", {})
    assert row_writer._h5dwrite.__wrapped__() is None


@pytest.mark.parametrize("by_method", [True, False])
def test_what_hdf5_refuses_is_raised(tmp_path: Path, monkeypatch: Any, by_method: bool) -> None:
    if by_method:
        monkeypatch.setattr(row_writer, "_h5dwrite", lambda: None)
    put(tmp_path / "x.h5", some_rows(3, 5))
    array = Array(Vlen(np.dtype("f8")), RaggedList.of(some_rows(3, 5), np.dtype("f8")))
    with h5py.File(tmp_path / "x.h5") as file, pytest.raises((OSError, RuntimeError)):
        write_rows(file["x"].id, array)


@pytest.mark.parametrize("utf8", [True, False])
def test_rows_of_text(tmp_path: Path, utf8: bool) -> None:
    values = objects([objects([b"a", b"bc"]), objects([])])
    put_rows(tmp_path / "x.h5", Array(Vlen(Text(utf8=utf8)), MemorySource(values)))
    with h5py.File(tmp_path / "x.h5") as file:
        assert [list(item) for item in file["x"]] == [[b"a", b"bc"], []]


def test_it_is_told_how_many_rows_are_written(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(row_writer, "_WRITTEN", 2000)
    array = Array(Vlen(np.dtype("f8")), RaggedList.of(some_rows(50, 90), np.dtype("f8")))
    told: list[int] = []
    with h5py.File(tmp_path / "x.h5", "w") as file:
        dataset = file.create_dataset("x", (50,), h5py.vlen_dtype(np.dtype("f8")))
        write_rows(dataset.id, array, told.append)
    assert len(told) > 5
    assert sum(told) == 50


def test_lengths_that_lie_never_reach_hdf5(tmp_path: Path) -> None:
    for lengths in ([5, 5], [-1, 4]):
        rows = RaggedArray(np.zeros(3), np.array(lengths))
        with pytest.raises((IndexError, ValueError)):
            put_rows(tmp_path / "x.h5", Array(Vlen(np.dtype("f8")), rows))


@given(hnp.arrays("i8", shapes, elements=st.integers(0, 40)), st.data())
def test_regions_cover_everything_once_in_order(sizes: np.ndarray, data: st.DataObject) -> None:
    chunks = tuple(data.draw(st.integers(1, n)) for n in sizes.shape)
    numbers = np.arange(sizes.size).reshape(sizes.shape)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_writer, "_WRITTEN", 100)
        regions = list(row_writer._regions(sizes, chunks))
    found = np.concatenate([numbers[region].ravel() for region in regions])
    assert found.tolist() == list(range(sizes.size))
    assert all(sizes[region].sum() <= 100 for region in regions)


def test_regions_are_of_whole_chunks_where_they_can_be(monkeypatch: Any) -> None:
    monkeypatch.setattr(row_writer, "_WRITTEN", 1000)
    regions = list(row_writer._regions(np.full((90, 3), 10), (7, 3)))
    assert [region[0].stop for region in regions] == [28, 56, 84, 90]
    assert len(list(row_writer._regions(np.full((2, 3), 800), (2, 3)))) == 6


# memory


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's account")
@pytest.mark.parametrize("by_method", [True, False])
def test_nothing_leaks(tmp_path: Path, monkeypatch: Any, by_method: bool) -> None:
    if by_method:
        monkeypatch.setattr(row_writer, "_h5dwrite", lambda: None)
    values = some_rows(2000, 60)
    put_rows(tmp_path / "x.h5", Array(Vlen(np.dtype("f8")), MemorySource(values)))
    found = references(tmp_path / "x.h5")
    array = Array(Vlen(np.dtype("f8")), RaggedList.of(values, np.dtype("f8")))

    def once() -> None:
        read(tmp_path / "x.h5", found, "f8").read()
        put_rows(tmp_path / "y.h5", array)

    for _ in range(20):
        once()
    gc.collect()
    before = resident()
    for _ in range(200):  # 0.5 MB of rows each
        once()
    gc.collect()
    assert resident() - before < 20 * 2**20


@pytest.mark.parametrize(("count", "base"), [(40, "f8"), (400_000, "f8"), (800_000, "u1")])
def test_little_more_memory_than_the_rows_take(tmp_path: Path, count: int, base: str) -> None:
    size = 64 * 2**20
    length = size // count // np.dtype(base).itemsize
    one = np.ones(length, base)
    lengths = np.full(count, length)
    put_rows(
        tmp_path / "x.h5", Array(Vlen(np.dtype(base)), RaggedArray(np.tile(one, count), lengths))
    )
    found = references(tmp_path / "x.h5")
    tracemalloc.start()
    try:
        rows = read(tmp_path / "x.h5", found, base)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert rows.values.size == length * count
    assert peak < rows.values.nbytes + 64 * 2**20 + 120 * count
