"""Nodes -> HDF5 files -> the same nodes."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hspyio.compare import value_differences
from hspyio.converters.dtypes import stored_dtype
from hspyio.errors import FilterError
from hspyio.hdf5.local_snapshot import snapshot_of
from hspyio.hdf5.writing import dataset_writer as array_writer
from hspyio.hdf5.writing.dataset_writer import check_filters
from hspyio.hdf5.writing.output import LIBVER
from hspyio.nodes.node import Array, Attribute, Filter, Group, Kept, MemorySource, Text, Vlen
from hspyio.options import WriteOptions
from hspyio.testing.strategies import dtypes
from hspyio.transaction.plan import plan
from support.nodes import write_nodes
from support.root import open_root

names = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=5)
names = names.filter(lambda name: name not in (".", ".."))
texts = st.binary(max_size=6).filter(lambda text: b"\0" not in text)
shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
numbers = st.one_of(dtypes().filter(lambda d: d.kind not in "SU").map(stored_dtype)).filter(
    lambda d: d.subdtype is None
)


def objects(items: list[Any], shape: tuple[int, ...]) -> np.ndarray:
    array = np.empty(len(items), object)
    for index, item in enumerate(items):
        array[index] = item
    return array.reshape(shape)


def _of(items: st.SearchStrategy[Any], shape: tuple[int, ...]) -> st.SearchStrategy[Any]:
    size = int(np.prod(shape))
    return st.lists(items, min_size=size, max_size=size).map(lambda x: objects(x, shape))


def _fixed(length: int, shape: tuple[int, ...]) -> st.SearchStrategy[Any]:
    return hnp.arrays(f"S{length}", shape)


rows = hnp.arrays("<f4", st.integers(0, 3))
text_rows = st.lists(texts, max_size=3).map(lambda items: objects(items, (len(items),)))

attributes = st.one_of(
    st.builds(Attribute, st.builds(Text, st.none(), utf8=st.booleans()), texts),
    st.builds(Attribute, st.builds(Text, st.just(7), utf8=st.booleans()), texts),
    shapes.flatmap(lambda s: st.builds(Attribute, st.just(Text()), _of(texts, s or (1,)))),
    numbers.flatmap(
        lambda d: st.builds(Attribute, st.just(d), shapes.flatmap(lambda s: hnp.arrays(d, s)))
    ),
)


def _array(kind: Any, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(Array, st.just(kind), values.map(MemorySource), inline=st.booleans())


arrays = st.one_of(
    numbers.flatmap(lambda d: _array(d, shapes.filter(bool).flatmap(lambda s: hnp.arrays(d, s)))),
    shapes.filter(bool).flatmap(lambda s: _array(Text(), _of(texts, s))),
    shapes.filter(bool).flatmap(lambda s: _array(Text(3), _fixed(3, s))),
    shapes.filter(bool).flatmap(lambda s: _array(Vlen(np.dtype("<f4")), _of(rows, s))),
    shapes.filter(bool).flatmap(lambda s: _array(Vlen(Text()), _of(text_rows, s))),
    shapes.filter(bool).flatmap(lambda s: _array(Vlen(Text(utf8=False)), _of(text_rows, s))),
)
groups = st.recursive(
    st.builds(Group, st.dictionaries(names, attributes, max_size=4)),
    lambda inner: st.builds(
        Group,
        st.dictionaries(names, attributes, max_size=2),
        st.dictionaries(names, st.one_of(arrays, inner), max_size=4),
    ),
    max_leaves=6,
)


def told(node: Any) -> Any:
    """All that a node says, its values read."""
    if isinstance(node, Attribute):
        value = node.value if isinstance(node.value, bytes) else _values(node.value)
        return ("attribute", node.type, value)
    if isinstance(node, Array):
        return ("array", node.type, node.chunks, _values(node.source.read()))
    return (
        "group",
        {name: told(child) for name, child in sorted(node.attributes.items())},
        {name: told(child) for name, child in sorted(node.members.items())},
    )


def _values(array: np.ndarray) -> Any:
    if array.dtype == object:
        listed = [
            _values(item) if isinstance(item, np.ndarray) else bytes(item)
            for item in array.ravel().tolist()
        ]
        return (array.shape, listed)
    return array


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("writer") / "a.h5"


def written(path: Path, group: Group) -> None:
    write_nodes(path, group)


@given(groups, st.sampled_from([None, "gzip", "lzf"]))
def test_any_node_comes_back(file: Path, group: Group, compression: str | None) -> None:
    planned = plan(group, WriteOptions(compression=compression, fletcher32=compression is None))
    written(file, planned)
    with open_root(file) as root:
        assert not value_differences(told(planned), told(root))


def test_chunks_and_filters_come_back(tmp_path: Path) -> None:
    filters = (Filter(2, (), "shuffle"), Filter(1, (7,), "gzip"), Filter(3, (), "fletcher32"))
    values = np.arange(100.0).reshape(10, 10)
    array = Array(values.dtype, MemorySource(values), chunks=(3, 4), filters=filters)
    written(tmp_path / "a.h5", Group({}, {"x": array, "y": Group({}, {"z": array})}))
    with h5py.File(tmp_path / "a.h5") as file:
        for dataset in (file["x"], file["y/z"]):
            assert dataset.chunks == (3, 4)
            assert (dataset.compression, dataset.compression_opts) == ("gzip", 7)
            assert dataset.shuffle
            assert dataset.fletcher32
            assert np.array_equal(dataset[...], values)


def test_any_memory_order_is_stored_in_c_order(tmp_path: Path) -> None:
    values = np.arange(24).reshape(2, 3, 4)
    turned = {
        "fortran": np.asfortranarray(values), "reversed": values[::-1], "strided": values[:, ::2],
        "turned": values.T, "broadcast": np.broadcast_to(values[0], (5, 3, 4)),
        "big": values.astype(">i4"),
    }  # fmt: skip
    members = {name: Array(v.dtype, MemorySource(v)) for name, v in turned.items()}
    attributes = {name: Attribute(v.dtype, v) for name, v in turned.items()}
    written(tmp_path / "a.h5", Group(attributes, members))
    with h5py.File(tmp_path / "a.h5") as file:
        for name, array in turned.items():
            assert file[name].dtype == array.dtype
            assert np.array_equal(file[name][...], array)
            assert np.array_equal(file.attrs[name], array)


def test_small_arrays_without_chunks_stand_in_the_header(tmp_path: Path) -> None:
    small, large = (Array(np.dtype("u1"), MemorySource(np.ones(n, "u1"))) for n in (8192, 8193))
    written(tmp_path / "a.h5", Group({}, {"small": small, "large": large}))
    with h5py.File(tmp_path / "a.h5") as file:
        layouts = {name: file[name].id.get_create_plist().get_layout() for name in file}
    assert layouts == {"small": h5py.h5d.COMPACT, "large": h5py.h5d.CONTIGUOUS}


def test_groups_are_as_h5py_makes_them(tmp_path: Path) -> None:
    inner = {"b": Group(), "a": Group(), "µ": Group()}
    nodes = Group({}, {"x": Group({}, inner), "y": Group({}, inner, ordered=True)})
    written(tmp_path / "a.h5", nodes)
    with h5py.File(tmp_path / "a.h5", "r+", libver=LIBVER) as file:
        file.create_group("theirs")
        plists = {name: file[name].id.get_create_plist() for name in ("x", "y", "theirs")}
        assert [plist.get_obj_track_times() for plist in plists.values()] == [False] * 3
        orders = {name: plist.get_link_creation_order() for name, plist in plists.items()}
        assert orders["x"] == orders["theirs"] == 0
        assert orders["y"] & h5py.h5p.CRT_ORDER_TRACKED
        assert list(file["x"]) == ["a", "b", "µ"]
        assert list(file["y"]) == ["b", "a", "µ"]
        group = file["x"].id
        flags = [group.links.get_info(name.encode()).cset for name in ("a", "µ")]
        assert flags == [h5py.h5t.CSET_ASCII, h5py.h5t.CSET_UTF8]


def test_up_to_sixteen_attributes_stand_in_the_header(tmp_path: Path) -> None:
    number = Attribute(np.dtype("<i8"), np.array(1))
    nodes = {str(n): Group({f"a{i}": number for i in range(n)}) for n in (0, 16, 17)}
    written(tmp_path / "a.h5", Group({}, nodes))
    with h5py.File(tmp_path / "a.h5") as file:
        apart = {n: h5py.h5o.get_info(file[n].id).meta_size.attr.heap_size > 0 for n in nodes}
    assert apart == {"0": False, "16": False, "17": True}


def test_maxshape_is_written(tmp_path: Path) -> None:
    values = MemorySource(np.zeros((4, 4)))
    data = Array(np.dtype("f8"), values, (1,), chunks=(2, 2), maxshape=(None, 8))
    other = Array(np.dtype("f8"), values, chunks=(2, 2))
    written(tmp_path / "a.h5", Group({}, {"data": data, "x": other}))
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["data"].maxshape == (None, 8)
        assert file["x"].maxshape == (4, 4)


def test_what_is_kept_is_copied_raw(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "old.h5", "w") as old:
        old.create_dataset("g/x", data=np.arange(100), chunks=(10,), compression="gzip")
        old["g"].attrs["a"] = 1
        stored = old["g/x"].id.read_direct_chunk((0,))
    kept = Group({}, {"moved": Kept("/g"), "y": Kept("/g/x")})
    with closing(snapshot_of(str(tmp_path / "old.h5"))) as source:
        write_nodes(tmp_path / "new.h5", kept, source)
    with h5py.File(tmp_path / "new.h5") as new:
        assert new["moved"].attrs["a"] == 1
        assert new["moved/x"].id.read_direct_chunk((0,)) == stored
        assert new["y"][...].tolist() == list(range(100))


def test_filters_are_checked_all_and_deep(monkeypatch: Any) -> None:
    def group(*numbers: int) -> Group:
        steps = tuple(Filter(number, (), str(number)) for number in numbers)
        array = Array(np.dtype("f8"), MemorySource(np.zeros(3)), chunks=(3,), filters=steps)
        return Group({}, {"a": Group({}, {"b": Group({}, {"x": array})})})

    check_filters(group(1, 2, 3))
    with pytest.raises(FilterError, match="31999 is not available here; install its HDF5 plugin"):
        check_filters(group(1, 31999))
    monkeypatch.setattr(array_writer, "filter_available", lambda number: False)
    with pytest.raises(FilterError, match="install hdf5plugin, or use compression='gzip'"):
        check_filters(group(32008))
