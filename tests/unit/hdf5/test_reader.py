"""What our reader makes of a file is what HDF5 makes of it."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from h5py import h5a, h5s, h5t
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import hspyio
from hspyio.arrays.workers import Workers
from hspyio.errors import DamagedFileError, FileLockedError
from hspyio.filters import codec_of
from hspyio.hdf5 import dataset as arrays
from hspyio.hdf5 import opening
from hspyio.hdf5.dataset import Dataset
from hspyio.nodes.node import Array, Damaged, MemorySource, Text
from support import oracles
from support.engine import Case, assert_same, cases, create, part, selections
from support.make_archive import VERSIONS, file_name
from support.oracles import Refusal
from support.places import ARCHIVE
from support.root import open_root
from support.twins import differences

LIBVERS: list[Any] = ["earliest", ("v108", "latest"), "latest"]
EACH_LIBVER = pytest.mark.parametrize("libver", LIBVERS, ids=("earliest", "v108", "latest"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.h5"


@pytest.fixture(scope="module")
def reused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("direct") / "a.h5"


# whole files


@pytest.mark.parametrize("version", VERSIONS)
def test_the_archive(version: str) -> None:
    assert differences(ARCHIVE / file_name(version)) == []


def test_real_files(shared_data: Path) -> None:
    for path in sorted(shared_data.glob("*.h*5")) + sorted(shared_data.glob("*.hspy")):
        assert (path.name, differences(path)) == (path.name, [])


def rich_signal() -> hspyio.Signal:
    tree = {
        "General": {
            "title": "µ",
            "float": 1.5,
            "int": 3,
            "bool": True,
            "none": None,
            "long": "x" * 9999,
        },
        "list": [1, 2.5, "three", None, [4, {"five": 6}]],
        "texts": ["a", "b" * 300, ""],
        "array": np.arange(12.0).reshape(3, 4),
        "large": np.arange(20_000),
        "complex": 1 + 2j,
        "flags": np.array([True, False]),
        **{f"node {i}": {"value": i} for i in range(40)},
        **{f"leaf {i}": i for i in range(120)},
    }
    data = np.random.default_rng(1).poisson(3.0, (6, 7, 32, 33)).astype("u2")
    return hspyio.Signal(data, signal_dimension=2, metadata=tree, original_metadata=tree)


def test_what_we_write_needs_no_hdf5(path: Path) -> None:
    hspyio.save(path, rich_signal())
    assert differences(path) == []
    # Anew: another process, without h5py even.
    program = (
        "import sys, hspyio\n"
        f"print(hspyio.load({str(path)!r}).metadata['leaf 7'], 'h5py' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["7", "False"]


@pytest.mark.parametrize("compression", [None, "gzip", "lzf", "blosc"])
def test_a_lazy_array_needs_no_hdf5(compression: str | None, path: Path) -> None:
    pytest.importorskip("hdf5plugin")
    signal = rich_signal()
    hspyio.save(path, signal, compression=compression)
    program = (
        "import sys, hspyio\n"
        f"signal = hspyio.load({str(path)!r}, lazy=True)\n"
        "print(signal.data[2].sum().compute(scheduler='sync'), 'h5py' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(signal.data[2].sum()), "False"]


# groups and attributes


NAMES = st.text("abcµ ß/", min_size=1, max_size=12).filter(lambda name: "/" not in name)
NUMBERS = [
    *(np.dtype(order + kind) for order in "<>" for kind in ("i2", "u4", "i8", "f2", "f4", "f8")),
    *map(np.dtype, ("i1", "u1", "?", "<c8", ">c16", "S1", "S7")),
    np.dtype([("x", "u1"), ("y", "<f4")]),
    h5py.enum_dtype({"A": 1, "B": 200}, "u2"),
    np.dtype("g"),
]
TEXTS = {name: h5py.string_dtype(name) for name in ("utf-8", "ascii")}
ROWS = h5py.vlen_dtype(np.dtype("i4"))


@st.composite
def attribute_values(draw: st.DrawFn) -> tuple[np.dtype[Any], Any]:
    """A type, and an array of it of any rank."""
    shape = tuple(draw(st.lists(st.integers(0, 3), max_size=3)))
    count = int(np.prod(shape))
    kind = draw(st.sampled_from(["numbers", "numbers", "rows", *TEXTS]))
    if kind in TEXTS:
        letters = st.text("ab" if kind == "ascii" else "aµ\U0001d11e", max_size=400)
        return TEXTS[kind], _objects(draw(st.lists(letters, min_size=count, max_size=count)), shape)
    if kind == "rows":
        return ROWS, _objects([np.arange(n, dtype="i4") for n in range(count)], shape)
    dtype = draw(st.sampled_from(NUMBERS))
    octets = np.random.default_rng(count).integers(0, 2, count * dtype.itemsize, "u1")
    return dtype, octets.view(dtype).reshape(shape)


def _objects(items: list[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    array = np.empty(len(items), object)
    for index, item in enumerate(items):
        array[index] = item
    return array.reshape(shape)


@given(
    libver=st.sampled_from(LIBVERS),
    tracked=st.booleans(),
    attributes=st.dictionaries(NAMES, attribute_values(), max_size=14),
    groups=st.dictionaries(NAMES, st.integers(0, 30), max_size=14),
)
def test_groups_are_what_hdf5_reads(
    libver: Any,
    tracked: bool,
    attributes: dict[str, Any],
    groups: dict[str, int],
    reused: Path,
) -> None:
    with h5py.File(reused, "w", libver=libver, track_order=tracked) as file:
        for name, (dtype, value) in attributes.items():
            file.attrs.create(name, value, dtype=dtype)
        for name, count in groups.items():
            group = file.create_group(name, track_order=tracked)
            for i in reversed(range(count)):
                group.attrs[f"{i} of {count}"] = i
                group.create_group(f"group {i}", track_order=tracked)
    assert differences(reused) == []


@EACH_LIBVER
@pytest.mark.parametrize("tracked", [False, True])
@pytest.mark.parametrize("count", [0, 8, 9, 60, 700, 3000])
def test_many_members_and_attributes(libver: Any, tracked: bool, count: int, path: Path) -> None:
    if libver == "earliest":
        count = min(count, 100)  # h5py takes minutes for more attributes in an older header
    names = [f"{'long ' * (i % 30)}{i}" for i in np.random.default_rng(0).permutation(count)]
    with h5py.File(path, "w", libver=libver) as file:
        links = file.create_group("links", track_order=tracked)
        attributes = file.create_group("attributes", track_order=tracked)
        for i, name in enumerate(names):
            links[name] = i
            attributes.attrs[name] = np.arange(i % 400) if i % 50 == 0 else i
        for name in names[::3]:  # the heaps get holes
            del links[name]
            del attributes.attrs[name]
    assert differences(path) == []


def test_continued_headers(path: Path) -> None:
    """Attributes that grew one by one, in between other objects."""
    for libver in LIBVERS:
        with h5py.File(path, "w", libver=libver) as file:
            for i in range(8):
                for name in "ab":
                    file.require_group(name).attrs[f"attribute {i}"] = "x" * 400 * i
                file[f"between {i}"] = i
        assert differences(path) == []


def test_several_links_to_one_object(path: Path) -> None:
    with h5py.File(path, "w") as file:
        group = file.create_group("group")
        group["circle"] = file
        for i in range(10):
            file[f"link {i}"] = group
    with open_root(path) as root:
        for place, node in root.members.items():
            assert isinstance(node, Damaged) == (place in ("link 7", "link 8", "link 9"))
        circle = root.members["group"].members["circle"]
        assert circle == Damaged("is a link to a group that holds it")


def test_what_is_rare(path: Path, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with h5py.File(path, "w") as file:
        file["usual"] = [1, 2]
        file["soft"] = h5py.SoftLink("/usual")
        file["broken"] = h5py.SoftLink("/nowhere")
        file["external"] = h5py.ExternalLink("other.h5", "/x")
        file["type"] = np.dtype("i4")
        file["of type"] = file["type"]
        file.create_dataset("named", data=[1, 2], dtype=file["type"])
        file["empty"] = h5py.Empty("i4")
        file["rows"] = np.array([np.arange(2), np.arange(3)], object).astype(object).tolist()[0]
        file.create_dataset("ragged", (2,), ROWS)
        file.create_dataset("texts", data=["a"], dtype=TEXTS["utf-8"])
        odd = file.create_group("odd")
        odd.attrs["empty"] = h5py.Empty("i4")
        odd["inside"] = 1
        target = h5py.VirtualLayout((2,), "i4")
        target[:] = h5py.VirtualSource("other.h5", "x", (2,))
        file.create_virtual_dataset("virtual", target)
        file.create_dataset("outside", (2,), "i4", external=[("raw.bin", 0, 8)])
    assert differences(path) == []
    with open_root(path) as root:
        damaged = {name for name, node in root.members.items() if isinstance(node, Damaged)}
    assert damaged == {"broken", "external", "type", "of type", "empty", "virtual", "outside"}


def test_texts_of_one_length_end_as_the_file_says(path: Path) -> None:
    kinds = {"null": h5t.STR_NULLTERM, "pad": h5t.STR_NULLPAD, "space": h5t.STR_SPACEPAD}
    stored = np.array([b"ab\0d", b"abcd", b"a   ", b"\0\0\0\0"], "S4")
    with h5py.File(path, "w") as file:
        for name, padding in kinds.items():
            kind = h5t.C_S1.copy()
            kind.set_size(4)
            kind.set_strpad(padding)
            made = h5py.h5d.create(file.id, name.encode(), kind, h5s.create_simple((4,)))
            made.write(h5s.ALL, h5s.ALL, stored, kind)
            attribute = h5a.create(file.id, name.encode(), kind, h5s.create_simple((4,)))
            attribute.write(stored, mtype=kind)
    assert differences(path) == []


def test_a_text_of_2_gib_is_none(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_group("group").attrs["text"] = np.bytes_(b"abcdefg")
    whole = path.read_bytes()
    place = whole.index(b"text\0") + 8  # type, in a message of version 1
    assert whole[place + 4 : place + 8] == struct.pack("<I", 7)
    path.write_bytes(whole[: place + 4] + struct.pack("<I", 2**31 + 8) + whole[place + 8 :])
    with open_root(path) as root:
        assert isinstance(root.members["group"].attributes["text"], Damaged)


# arrays


@given(data=st.data(), case=cases())
def test_arrays_are_what_hdf5_reads(data: st.DataObject, case: Case, reused: Path) -> None:
    """Those that are small, and those that the engine reads, in any part."""
    with h5py.File(reused, "w", libver=case.libver) as file:
        create(file, "x", case)
    selection = data.draw(selections(case.shape))
    small = data.draw(st.sampled_from([0, 2**18]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrays, "SMALL", small)
        with open_root(reused, workers=Workers(2)) as root, h5py.File(reused) as file:
            array, expected = root.members["x"], file["x"]
            if not isinstance(array, Array):
                assert isinstance(array, Damaged) and isinstance(oracles.read(expected), Refusal)
                return
            twice = sum(codec_of(step.id).resizes for step in array.filters) > 1
            try:
                whole = array.source.read()
            except DamagedFileError:
                if not twice:  # else it may be compressed further than is safe to read
                    raise
                return
            assert oracles.plain(whole) == oracles.plain(expected[()])
            assert_same(array.source.read(selection), part(whole, selection))
            assert array.chunks == expected.chunks
            lazy = array.source.detached()
            assert isinstance(lazy, Dataset)
            assert_same(lazy.read(selection), part(whole, selection))


@EACH_LIBVER
def test_lists_come_with_their_values(libver: Any, path: Path) -> None:
    lists: dict[str, Any] = {
        "_list_numbers": np.arange(20),
        "_list_flags": np.array([True, False]),
        "_tuple_none": np.empty(0),
        "_list_long": np.arange(30_000.0),
        "_list_scalar": 2.5,
    }
    with h5py.File(path, "w", libver=libver) as file:
        for name, value in lists.items():
            file[name] = value
        file.create_dataset("_list_texts", data=["a", "µ" * 300, ""], dtype=TEXTS["utf-8"])
        file.create_dataset("_list_never", (3,), TEXTS["utf-8"])
        file.create_dataset("_list_cut", data=np.arange(50), chunks=(7,), compression="gzip")
        file.create_dataset(
            "_list_one", data=np.arange(50), chunks=(50,), compression="gzip", shuffle=True
        )
    assert differences(path) == []
    with open_root(path) as root:
        inline = {name for name, node in root.members.items() if node.inline}
        texts = root.members["_list_texts"]
        assert (texts.type, type(texts.source)) == (Text(), MemorySource)
        assert texts.source.read().tolist() == [b"a", "µ".encode() * 300, b""]
    assert inline == {*lists, "_list_texts", "_list_never", "_list_cut", "_list_one"} - {
        "_list_long"
    }


# the file as it is


def test_who_writes_by_hdf5_is_not_passed_by(path: Path) -> None:
    """Its file is locked; what HDF5 has not written yet is asked of it."""
    hspyio.save(path, hspyio.Signal(np.arange(4.0)))
    with h5py.File(path, "r+") as file:
        file["Experiments/__unnamed__"].attrs["package"] = "changed"
        with open_root(path) as root:
            group = root.members["Experiments"].members["__unnamed__"]
            assert group.attributes["package"].value == b"changed"
    program = (
        f"import h5py, time\nfile = h5py.File({str(path)!r}, 'r+')\n"
        "print(1, flush=True)\ntime.sleep(60)"
    )
    writer = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    try:
        assert writer.stdout is not None
        writer.stdout.readline()
        with pytest.raises(FileLockedError, match="being written by another program"):
            hspyio.load(path)
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()


def test_nobody_writes_by_hdf5_meanwhile(path: Path) -> None:
    hspyio.save(path, hspyio.Signal(np.arange(4.0)))
    program = f"import h5py\nh5py.File({str(path)!r}, 'r+')"
    with open_root(path) as root:
        assert root.members
        found = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=False
        )
        assert "BlockingIOError" in found.stderr
    subprocess.run([sys.executable, "-c", program], check=True)


def test_without_locks_this_program_reads_what_it_has_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hspyio.save(path, hspyio.Signal(np.arange(4.0)))
    monkeypatch.setenv("HDF5_USE_FILE_LOCKING", "FALSE")
    with h5py.File(path, "r+") as file:
        file.create_group("another")
        with open_root(path) as root:
            assert list(root.members) == ["Experiments", "another"]


def test_nothing_is_read_of_a_closed_file(path: Path) -> None:
    hspyio.save(path, rich_signal())
    before = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    with open_root(path) as root:
        group = next(iter(root.members["Experiments"].members.values()))
        data = group.members["data"]
    with pytest.raises(DamagedFileError, match="is closed"):
        group.members["metadata"]
    if before:
        assert len(os.listdir("/proc/self/fd")) == before
    assert data.source.read().shape == (6, 7, 32, 33)  # from the file that is there still


def test_a_tree_that_is_not_wanted_is_not_touched(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    original = opening.object_header

    def counting(content: Any, address: int) -> Any:
        read.append(address)
        return original(content, address)

    monkeypatch.setattr(opening, "object_header", counting)
    counts = []
    for size in (0, 50):
        tree = {f"node {i}": {"a": 1, "b": [1, 2.5]} for i in range(size)}
        hspyio.save(path, hspyio.Signal(np.arange(4), original_metadata=tree), overwrite=True)
        for wanted in (False, True):
            read.clear()
            hspyio.load(path, original_metadata=wanted)
            counts.append(len(read))
    empty, empty_read, large, large_read = counts
    assert large == empty == empty_read - 1
    assert large_read > 100


def test_a_seal_is_checked_by_the_same_reader(path: Path) -> None:
    hspyio.save(path, rich_signal(), checksum=True)
    hspyio.load(path)
    with h5py.File(path, "r+") as file:
        data = next(iter(file["Experiments"].values()))["data"]
        data[0, 0, 0, 0] += 1
    with pytest.raises(DamagedFileError, match="sealed"):
        hspyio.load(path)
    with pytest.warns(hspyio.HspyWarning, match="sealed"):
        assert hspyio.load(path, errors="warn").data.shape == (6, 7, 32, 33)
