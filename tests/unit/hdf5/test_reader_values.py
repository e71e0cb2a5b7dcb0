"""HDF5 files -> nodes: on demand, in bounds, and what cannot be read is named."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest
from h5py import h5d, h5p, h5s, h5t

from hspyio.errors import (
    DamagedFileError,
    FilterError,
    MissingFileError,
    NotHspyError,
    TooLargeError,
)
from hspyio.hdf5 import plugin_filters as plugins
from hspyio.hdf5 import reader
from hspyio.hdf5.dataset import stored_bytes
from hspyio.nodes.node import Array, Attribute, Damaged, Group, Text, Vlen
from support.root import open_root


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.h5"


@contextmanager
def made(path: Path, **options: Any) -> Iterator[h5py.File]:
    with h5py.File(path, "w", **options) as file:
        yield file


# what is there


def test_attributes_are_read_with_their_types(path: Path) -> None:
    with made(path) as file:
        file.attrs["text"] = "µ"
        file.attrs.create("fixed", b"a\0b", dtype=h5py.string_dtype("utf-8", 5))
        file.attrs.create("ascii", b"x", dtype=h5py.string_dtype("ascii"))
        file.attrs["numbers"] = np.arange(3, dtype=">i2")
        file.attrs["bool"] = True
        file.attrs["complex"] = 1j
        file.attrs["opaque"] = np.void(b"a\0b")
        file.attrs["texts"] = ["a", "µ"]
        rows = np.empty(1, object)
        rows[0] = np.arange(2, dtype="i4")
        file.attrs.create("rows", rows, dtype=h5py.vlen_dtype("i4"))
    with open_root(path) as root:
        found = root.attributes
        assert found["text"] == Attribute(Text(), "µ".encode())
        assert found["fixed"] == Attribute(Text(5), b"a\0b")
        assert found["ascii"] == Attribute(Text(utf8=False), b"x")
        assert found["numbers"].type == np.dtype(">i2")
        assert found["numbers"].value.tolist() == [0, 1, 2]
        assert found["bool"].type == np.dtype(bool)
        assert found["complex"].value[()] == 1j
        assert found["opaque"].value.tobytes() == b"a\0b"
        assert found["texts"].value.tolist() == [b"a", "µ".encode()]
        assert found["rows"].type == Vlen(np.dtype("i4"))


def test_an_enumeration_is_its_numbers(path: Path) -> None:
    kind = h5py.enum_dtype({"A": 1, "B": 2}, "u2")
    with made(path) as file:
        file.create_dataset("x", data=[1, 2, 1], dtype=kind)
        file.attrs.create("x", 2, dtype=kind)
    with open_root(path) as root:
        array = root.members["x"]
        assert (array.type, array.type.metadata) == (np.dtype("u2"), None)
        assert array.source.read().tolist() == [1, 2, 1]
        assert array.source.read((slice(1, 2),)).dtype.metadata is None
        assert root.attributes["x"].value[()] == 2


def test_array_types_and_structures(path: Path) -> None:
    kind = np.dtype([("a", "i4", (2, 3)), ("b", ">f8"), ("ok", "?")], align=True)
    with made(path) as file:
        file["x"] = np.zeros(3, kind)
        space = h5s.create_simple((4,))
        h5d.create(file.id, b"y", h5t.array_create(h5t.NATIVE_INT32, (2, 3)), space)
    with open_root(path) as root:
        assert root.members["x"].type == kind
        assert root.members["x"].source.read().dtype == kind
        array = root.members["y"]
        if isinstance(array, Array):
            values = array.source.read()
            assert values.dtype == np.int32
            assert values.shape == (4, 2, 3)
        else:
            assert array.reason


def test_a_bit_field_is_its_number(path: Path) -> None:
    with made(path) as file:
        space = h5s.create_simple((2,))
        made_one = h5d.create(file.id, b"x", h5t.STD_B8LE, space)
        made_one.write(h5s.ALL, h5s.ALL, np.array([1, 255], "u1"), h5t.STD_B8LE)
        file["z"] = 1
    with open_root(path) as root:
        node = root.members["x"]
        if isinstance(node, Array):
            assert node.source.read().tolist() == [1, 255]
        else:
            assert isinstance(node, Damaged)
        assert root.members["z"].source.read() == 1


@pytest.mark.parametrize("dtype", [h5py.ref_dtype, h5py.regionref_dtype])
def test_references_are_no_part_of_the_format(dtype: Any, path: Path) -> None:
    with made(path) as file:
        file.create_dataset("x", (2,), dtype)
        file.attrs.create("x", np.empty((1,), object), dtype=dtype, shape=(1,))
        file.create_dataset("rows", (2,), h5py.vlen_dtype(dtype))
        file.create_dataset("rows of rows", (1,), h5py.vlen_dtype(h5py.vlen_dtype("i4")))
        file["fields"] = np.zeros(1, [("a", "i4")])
        file["z"] = 1
    with open_root(path) as root:
        assert isinstance(root.attributes["x"], Damaged)
        reasons = {name: node for name, node in root.members.items() if isinstance(node, Damaged)}
        assert set(reasons) == {"x", "rows", "rows of rows"}
        assert "references" in reasons["x"].reason
        assert root.members["z"].source.read() == 1


def test_a_reference_in_a_structure_is_no_part_either(path: Path) -> None:
    with made(path) as file:
        file.create_dataset("x", (2,), np.dtype([("a", "i4"), ("r", h5py.ref_dtype)]))
        file["z"] = 1
    with open_root(path) as root:
        assert isinstance(root.members["x"], Damaged)
        assert root.members["z"].source.read() == 1


def test_nothing_is_read_before_it_is_asked_for(path: Path, monkeypatch: Any) -> None:
    with made(path) as file:
        for name in "abc":
            file.create_group(name)["x"] = 1
    seen = []
    original = reader.Reader._member

    def member(self: Any, name: str, address: int, where: Any, *rest: Any, **more: Any) -> Any:
        seen.append("/" + "/".join(where))
        return original(self, name, address, where, *rest, **more)

    monkeypatch.setattr(reader.Reader, "_member", member)
    with open_root(path) as root:
        assert list(root.members) == ["a", "b", "c"]
        assert "b" in root.members
        assert len(root.members) == 3
        assert not seen
        node = root.members["b"]
        assert seen == ["/b"]
        assert root.members["b"] is node
        assert seen == ["/b"]
        with pytest.raises(KeyError):
            root.members["d"]
        assert root.members.get("d") is None


@pytest.mark.parametrize("tracked", [False, True])
def test_names_are_in_the_order_of_the_file(tracked: bool, path: Path) -> None:
    with made(path, track_order=tracked) as file:
        group = file.create_group("group", track_order=tracked)
        for name in "bca":
            group.create_group(name)
            group.attrs[name] = 1
    expected = list("bca" if tracked else "abc")
    with open_root(path) as root:
        group = root.members["group"]
        assert list(group.members) == list(group.attributes) == expected


def test_datasets_tell_how_they_are_stored(path: Path) -> None:
    values = np.arange(1000.0).reshape(10, 100)
    with made(path) as file:
        file.create_dataset(
            "x", data=values, chunks=(5, 10), compression="gzip", shuffle=True, fletcher32=True
        )
        file["y"] = values
        file["z"] = 1.5
    with open_root(path) as root:
        array = root.members["x"]
        assert (array.shape, array.chunks) == ((10, 100), (5, 10))
        assert [step.name for step in array.filters] == ["shuffle", "gzip", "fletcher32"]
        assert array.filters[1].options == (4,)
        assert 0 < stored_bytes(array) < values.nbytes
        assert stored_bytes(root.members["y"]) == values.nbytes
        assert (root.members["y"].chunks, root.members["y"].filters) == (None, ())
        assert root.members["z"].shape == ()
        assert root.members["z"].source.read().shape == ()


@pytest.mark.parametrize("chunks", [None, (5, 7)])
def test_selections_are_numpys(chunks: Any, path: Path) -> None:
    values = np.arange(1000).reshape(10, 20, 5)
    with made(path) as file:
        file.create_dataset("x", data=values, chunks=None if chunks is None else (*chunks, 2))
    with open_root(path) as root:
        source = root.members["x"].source
        for selection in (
            (), (slice(None),) * 3, (slice(0, 10), slice(0, 20), slice(0, 5)), (3,), (3, 4, 2),
            (slice(2, 3), 5), (slice(0, 10, 3), slice(1, 20, 7)), (slice(5, 5),),
            (slice(0, 0), slice(0, 0), slice(0, 0)), (slice(8, 99),),
        ):  # fmt: skip
            found = source.read(selection)
            assert found.dtype == values.dtype
            assert np.array_equal(found, values[selection])


def test_text_and_rows_are_bytes_and_arrays(path: Path) -> None:
    with made(path) as file:
        file.create_dataset("text", data=["a", "µ", ""], dtype=h5py.string_dtype())
        file.create_dataset("fixed", data=np.array([b"a", b"bc"]))
        file.create_dataset("never written", (2,), h5py.string_dtype())
        rows = file.create_dataset("rows", (3,), h5py.vlen_dtype("f4"))
        rows[0] = [1, 2]
        texts = file.create_dataset("text rows", (2,), h5py.vlen_dtype(h5py.string_dtype()))
        texts[0] = np.array(["a", "b"], object)
    with open_root(path) as root:
        found = {name: node.source.read() for name, node in root.members.items()}
    assert found["text"].tolist() == [b"a", "µ".encode(), b""]
    assert found["fixed"].tolist() == [b"a", b"bc"]
    assert found["fixed"].dtype == np.dtype("S2")
    assert found["never written"].tolist() == [b"", b""]
    assert [row.tolist() for row in found["rows"]] == [[1, 2], [], []]
    assert [list(row) for row in found["text rows"]] == [[b"a", b"b"], []]


def test_big_attributes_and_many(path: Path) -> None:
    with made(path, libver=("v108", "latest")) as file:
        file.attrs["big"] = np.arange(100_000)
        file.attrs["text"] = "x" * 200_000
        for i in range(500):
            file.attrs[f"a{i}"] = i
    with open_root(path) as root:
        assert len(root.attributes) == 502
        assert root.attributes["big"].value.tolist() == list(range(100_000))
        assert len(root.attributes["text"].value) == 200_000


def test_names_that_are_no_utf8(path: Path) -> None:
    with made(path) as file:
        raw = file.create_group("x").id
        raw.links.create_soft(b"gone", b"nowhere")
        h5py.h5g.create(raw, b"\xb5m")
        h5d.create(raw, b"\xffdata", h5t.NATIVE_INT8, h5s.create(h5s.SCALAR))
        h5py.h5a.create(raw, b"\xb5a", h5t.NATIVE_INT8, h5s.create(h5s.SCALAR))
    with open_root(path) as root:
        group = root.members["x"]
        kinds = sorted(type(node).__name__ for node in group.members.values())
        assert kinds == ["Array", "Damaged", "Group"]
        [attribute] = group.attributes.values()
        assert isinstance(attribute, Attribute)
        for node in group.members.values():
            if isinstance(node, Array):
                assert node.source.read().shape == ()


# what is damaged, foreign or hostile


def test_empty_and_odd_objects_are_named(path: Path) -> None:
    with made(path) as file:
        file["null"] = h5py.Empty("f4")
        file.attrs["null"] = h5py.Empty("f4")
        file["type"] = np.dtype("f8")
        file["soft"] = h5py.SoftLink("/nowhere")
        file["external"] = h5py.ExternalLink("other.h5", "/x")
        file["ok"] = 1
    with open_root(path) as root:
        reasons = {
            name: node.reason for name, node in root.members.items() if isinstance(node, Damaged)
        }
        assert "without a shape" in reasons.pop("null")
        assert "named datatype" in reasons.pop("type")
        assert "'/nowhere'" in reasons.pop("soft")
        assert "allow_external=True" in reasons.pop("external")
        assert not reasons
        assert isinstance(root.attributes["null"], Damaged)
        assert root.members["ok"].source.read() == 1


def test_a_link_that_works_is_followed(path: Path) -> None:
    with made(path) as file:
        file["a/x"] = 5
        file["soft"] = h5py.SoftLink("/a")
        file["hard"] = file["a"]
    with open_root(path) as root:
        for name in ("a", "soft", "hard"):
            assert root.members[name].members["x"].source.read() == 5


@pytest.mark.parametrize("soft", [True, False])
def test_circles_end(soft: bool, path: Path) -> None:
    with made(path) as file:
        group = file.create_group("a/b")
        group["up"] = h5py.SoftLink("/a") if soft else file["a"]
        group["self"] = h5py.SoftLink("/a/b") if soft else group
        group["root"] = h5py.SoftLink("/") if soft else file["/"]
        group["loop"] = h5py.SoftLink("/a/b/loop")
    with open_root(path) as root:
        inner = root.members["a"].members["b"]
        for name in ("up", "self", "root", "loop"):
            assert isinstance(inner.members[name], Damaged), name
        assert "holds it" in inner.members["up"].reason


def test_external_things_are_refused_unless_asked_for(path: Path, tmp_path: Path) -> None:
    with made(tmp_path / "other.h5") as other:
        other["x"] = np.arange(3)
        other["group/y"] = 1
    with made(path) as file:
        file["link"] = h5py.ExternalLink("other.h5", "/x")
        file["group"] = h5py.ExternalLink("other.h5", "/group")
        file["gone"] = h5py.ExternalLink("gone.h5", "/x")
        layout = h5py.VirtualLayout((3,), "i8")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (3,))
        file.create_virtual_dataset("virtual", layout)
        raw = tmp_path / "raw.bin"
        raw.write_bytes(np.arange(3, dtype="i8").tobytes())
        file.create_dataset("raw", (3,), "i8", external=[(str(raw), 0, 24)])
    with open_root(path) as root:
        assert all(isinstance(node, Damaged) for node in root.members.values())
        assert all("allow_external=True" in node.reason for node in root.members.values())
    with open_root(path, allow_external=True) as root:
        for name in ("link", "virtual", "raw"):
            assert root.members[name].source.read().tolist() == [0, 1, 2]
        assert isinstance(root.members["group"].members["y"], Array)
        assert isinstance(root.members["gone"], Damaged)


def test_a_soft_link_is_no_way_around(path: Path, tmp_path: Path) -> None:
    with made(tmp_path / "other.h5") as other:
        other["x/y"] = np.arange(3)
    with made(path) as file:
        file["deep/out"] = h5py.ExternalLink("other.h5", "/x")
        file["soft"] = h5py.SoftLink("/deep/out/y")
        file["direct"] = h5py.SoftLink("/deep/out")
    with open_root(path) as root:
        assert isinstance(root.members["soft"], Damaged)
        assert isinstance(root.members["direct"], Damaged)


def test_a_damaged_chunk_names_its_dataset(path: Path) -> None:
    with made(path) as file:
        made_one = file.create_dataset("g/x", data=np.arange(100), chunks=(50,), compression="gzip")
        offset = made_one.id.get_chunk_info(1).byte_offset
    content = bytearray(path.read_bytes())
    content[offset : offset + 4] = b"\xff" * 4
    path.write_bytes(bytes(content))
    with open_root(path) as root:
        source = root.members["g"].members["x"].source
        with pytest.raises(DamagedFileError) as caught:
            source.read()
        assert (caught.value.path, caught.value.where) == (str(path), "/g/x")
        assert source.read((slice(0, 50),)).tolist() == list(range(50))


def test_a_cut_file_is_an_error_of_ours(path: Path) -> None:
    with made(path) as file:
        for i in range(20):
            file.create_dataset(f"g{i}/x", data=np.arange(1000))
            file[f"g{i}"].attrs["a"] = "text"
    content = path.read_bytes()
    for size in range(0, len(content), max(1, len(content) // 40)):
        path.write_bytes(content[:size])
        with pytest.raises((DamagedFileError, NotHspyError), match=str(path)), open_root(path):
            pass


def test_a_damaged_root_is_an_error_of_ours(path: Path) -> None:
    with made(path, libver=("v108", "latest")) as file:
        file.attrs["a"] = "text"
    content = bytearray(path.read_bytes())
    start = content.index(b"OHDR")
    for place in range(start, start + 100, 7):
        damaged = bytearray(content)
        damaged[place] ^= 0x10
        path.write_bytes(bytes(damaged))
        with pytest.raises(DamagedFileError), open_root(path):
            pass


def test_what_does_not_fit_into_memory_is_said(path: Path) -> None:
    with made(path) as file:
        file.create_dataset("x", (2**44,), "f8", chunks=(2**10,))
    with open_root(path) as root, pytest.raises(TooLargeError, match="lazy=True"):
        root.members["x"].source.read()


def test_other_files_are_told_by_their_beginning(path: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"a\.h5: no such file"), open_root(path):
        pass
    with pytest.raises(NotHspyError, match="is a folder"), open_root(tmp_path):
        pass
    path.write_bytes(b"")
    with pytest.raises(NotHspyError, match="is empty"), open_root(path):
        pass
    path.write_bytes(b"\x89PNG\r\n")
    with pytest.raises(NotHspyError, match="PNG"), open_root(path):
        pass


# filters that are not there


def test_a_filter_that_is_missing_names_the_package(path: Path, monkeypatch: Any) -> None:
    with made(path) as file:
        file.create_dataset("x", data=np.arange(10), chunks=(5,), **hdf5plugin.BZip2())
        file["y"] = 1
    monkeypatch.setattr(plugins, "filter_available", lambda number: number != 307)
    with open_root(path) as root:
        source = root.members["x"].source
        for read in (source.read, source.detached().read):
            with pytest.raises(
                FilterError, match="bzip2, which is not available here; install hdf5plugin"
            ):
                read()
        assert root.members["y"].source.read() == 1


def test_an_unknown_filter_is_named_by_its_number(path: Path) -> None:
    with made(path) as file:
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_chunk((5,))
        creation.set_filter(2, h5py.h5z.FLAG_OPTIONAL, ())
        h5d.create(file.id, b"x", h5t.NATIVE_INT8, h5s.create_simple((10,)), creation)
    content = path.read_bytes()
    start = content.index(b"shuffle\0") - 8
    assert content[start : start + 2] == b"\x02\0"
    path.write_bytes(content[:start] + (31999).to_bytes(2, "little") + content[start + 2 :])
    with open_root(path) as root:
        array = root.members["x"]
        assert array.filters[0].id == 31999
        with pytest.raises(FilterError, match="is not available here; install its HDF5 plugin"):
            array.source.read()


# afterwards


def test_the_file_is_closed_afterwards(path: Path) -> None:
    with made(path) as file:
        file["x"] = np.arange(3)
        file["g/y"] = 1
    with open_root(path) as root:
        group = root.members["g"]
        assert isinstance(group, Group)
    with pytest.raises(DamagedFileError, match="is closed"):
        group.members["y"]
    with h5py.File(path, "r+") as file:  # HDF5 would refuse a file that is open for reading
        file["x"][0] = 7


def test_a_detached_source_goes_on_and_can_be_pickled(path: Path) -> None:
    values = np.arange(20).reshape(4, 5)
    with made(path) as file:
        file.create_dataset("g/x", data=values, chunks=(2, 5))
    with open_root(path) as root:
        source = root.members["g"].members["x"].source.detached()
    copy = pickle.loads(pickle.dumps(source))
    for one in (source, copy):
        assert one.shape == (4, 5)
        assert np.array_equal(one.read(), values)
        assert np.array_equal(one.read((slice(1, 3), 2)), values[1:3, 2])


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
