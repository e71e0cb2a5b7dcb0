"""Filters: which ones there are, how options choose them, what becomes of data under them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest

import hspyio
from hspyio import Signal
from hspyio.compare import signal_differences
from hspyio.errors import FilterError, OptionError
from hspyio.filters import CODECS, chosen, codec_of, describe
from hspyio.hdf5 import plugin_filters as datasets
from hspyio.hdf5.writing import dataset_writer as array_writer
from hspyio.nodes.node import Array, Filter, Group
from hspyio.options import WriteOptions
from hspyio.schema import encode_file
from hspyio.transaction.plan import plan

DATA = (np.arange(6000) % 97).reshape(20, 300).astype("f8")
TREE: dict[str, Any] = {
    "General": {"title": "Filters"},
    "floats": DATA[0],
    "ints": np.arange(100, dtype=">i2"),
    "bools": np.arange(10) % 2 == 0,
    "complex": np.ones(20, "c8"),
    "structure": np.zeros(5, "i4,f8"),
    "text": np.array(["a", "bc"]),
    "dates": np.arange(3).astype("M8[s]"),
    "small": np.array([1]),
    "empty": np.zeros((0, 3)),
    "listed": [1, 2, 3],
    "long": list(range(20_000)),
    "ragged": np.array([np.arange(2.0), np.arange(3.0)], object),
}


def signal(data: Any = DATA) -> Signal:
    return Signal(data, signal_dimension=1, metadata=TREE)


def as_dict() -> dict[str, Any]:
    axes = [{"size": n, "navigate": n == 20, "name": f"a{n}"} for n in DATA.shape]
    return {"data": DATA, "axes": axes, "metadata": TREE, "attributes": {"_lazy": False}}


def filters_of(path: Path, where: str = "data") -> list[int]:
    with h5py.File(path) as file:
        creation = file[f"/Experiments/Filters/{where}"].id.get_create_plist()
        return [creation.get_filter(i)[0] for i in range(creation.get_nfilters())]


def test_the_table_is_in_order() -> None:
    numbers = [codec.id for codec in CODECS]
    assert len(set(numbers)) == len(numbers)
    assert len({codec.name for codec in CODECS}) == len(CODECS)
    assert all(codec_of(codec.id) is codec for codec in CODECS)
    assert all(codec.package or codec.everywhere for codec in CODECS)
    assert {codec.name for codec in CODECS if codec.everywhere} == {
        "gzip", "shuffle", "fletcher32", "scaleoffset"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("compression", "opts", "expected"),
    [
        (None, None, None),
        ("gzip", None, Filter(1, (4,), "gzip")),
        ("gzip", 0, Filter(1, (0,), "gzip")),
        ("gzip", (9,), Filter(1, (9,), "gzip")),
        (7, None, Filter(1, (7,), "gzip")),
        (np.int64(3), None, Filter(1, (3,), "gzip")),
        ("lzf", None, Filter(32000, (), "lzf")),
        ("szip", None, Filter(4, (32, 8), "szip")),
        ("szip", ("ec", 16), Filter(4, (4, 16), "szip")),
        (32015, None, Filter(32015, (), "zstd")),
        (32015, (5,), Filter(32015, (5,), "zstd")),
        (32015, 5, Filter(32015, (5,), "zstd")),
        ("zstd", (5,), Filter(32015, (5,), "zstd")),
        (31999, (1, 2), Filter(31999, (1, 2), "filter 31999")),
        (hdf5plugin.LZ4(), None, Filter(32004, (0,), "lz4")),
        (dict(hdf5plugin.Zstd(3)), None, Filter(32015, (3,), "zstd")),
        ({"compression": "gzip", "compression_opts": 2}, None, Filter(1, (2,), "gzip")),
        ({"compression": None}, None, None),
    ],
)
def test_options_choose_a_filter(compression: Any, opts: Any, expected: Filter | None) -> None:
    assert chosen(compression, opts) == expected


@pytest.mark.parametrize(
    ("compression", "opts"),
    [
        ("nonsense", None), ("gzip", 10), ("gzip", -1), ("gzip", "9"), ("gzip", True),
        ("gzip", (1, 2)), ("lzf", 1), ("szip", 8), ("szip", ("nn", 7)), ("szip", ("xx", 8)),
        ("szip", ("nn", 34)), ("szip", ("nn", 0)), ("shuffle", None), (32015, ("a",)),
        (b"gzip", None),
        (1.5, None), ([], None), (hdf5plugin.Zstd(), 3), ("", None), ("GZIP", None), (-5, None),
        (3, 5), (True, None), (object(), None),
    ],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(
    compression: Any, opts: Any, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match="compression"):
        chosen(compression, opts)
    path = tmp_path / "a.hspy"
    with pytest.raises(OptionError):
        hspyio.save(path, signal(), compression=compression, compression_opts=opts)
    assert not list(tmp_path.iterdir())


def check_plan(options: dict[str, Any]) -> None:
    """Blosc and Blosc2 end the process on data of variable length: gzip has to stand in."""
    root = plan(encode_file([signal()]).root(), WriteOptions(**options))
    for array in _arrays(root):
        numbers = {step.id for step in array.filters}
        if not isinstance(array.type, np.dtype) and getattr(array.type, "length", None) is None:
            assert not numbers & {32001, 32026}


def _arrays(group: Group) -> Iterator[Array]:
    for node in group.members.values():
        if isinstance(node, Group):
            yield from _arrays(node)
        elif isinstance(node, Array):
            yield node


WRITTEN: list[tuple[Any, list[int]]] = [
    ({"compression": None}, []),
    ({"compression": None, "shuffle": False}, []),
    ({}, [2, 1]),
    ({"compression_opts": 9, "shuffle": False}, [1]),
    ({"compression": "gzip", "compression_opts": 0}, [2, 1]),
    ({"compression": 2}, [2, 1]),
    ({"compression": "lzf"}, [2, 32000]),
    ({"compression": "szip"}, [2, 4]),
    ({"compression": "szip", "compression_opts": ("ec", 16), "shuffle": False}, [4]),
    ({"compression": hdf5plugin.Blosc()}, [2, 32001]),
    ({"compression": hdf5plugin.Blosc(cname="zstd", clevel=5)}, [2, 32001]),
    ({"compression": hdf5plugin.Bitshuffle(cname="lz4"), "shuffle": False}, [32008]),
    ({"compression": 32015, "compression_opts": (5,)}, [2, 32015]),
    ({"compression": hdf5plugin.LZ4()}, [2, 32004]),
    ({"compression": hdf5plugin.BZip2()}, [2, 307]),
    ({"compression": hdf5plugin.Blosc2(), "shuffle": False}, [32026]),
]


@pytest.mark.parametrize(("options", "expected"), WRITTEN)
def test_saved_with_a_filter_it_comes_back(
    options: dict[str, Any], expected: list[int], tmp_path: Path
) -> None:
    path = tmp_path / "a.hspy"
    check_plan(options)
    hspyio.save(path, signal(), **options)
    assert not signal_differences(signal(), hspyio.load(path))
    assert filters_of(path) == expected
    assert filters_of(path, "metadata/_list_listed") == []
    assert filters_of(path, "metadata/floats") == expected
    assert np.array_equal(hspyio.load(path, lazy=True).data.compute(), DATA)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({**hdf5plugin.Zstd()}, [2, 32015]),
        ({**hdf5plugin.Blosc(), "shuffle": False}, [32001]),
        ({"compression": hdf5plugin.Zstd()}, [2, 32015]),
        ({"compression": "gzip", "compression_opts": 1, "fletcher32": True}, [2, 1, 3]),
        ({"compression": None, "fletcher32": True, "shuffle": False}, [3]),
        ({"scaleoffset": 3, "shuffle": False}, [6, 1]),
        ({"compression": "lzf", "fletcher32": True}, [2, 32000, 3]),
    ],
)
def test_file_writer_takes_h5pys_options(
    options: dict[str, Any], expected: list[int], tmp_path: Path
) -> None:
    path = tmp_path / "a.hspy"
    check_plan(options)
    hspyio.file_writer(path, as_dict(), **options)
    assert filters_of(path) == expected
    [read] = hspyio.file_reader(path)
    assert np.allclose(read["data"], DATA, atol=1e-3)
    assert np.array_equal(read["metadata"]["ints"], TREE["ints"])
    assert [row.tolist() for row in read["metadata"]["ragged"]] == [[0, 1], [0, 1, 2]]


def test_scaleoffset_keeps_integers(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    made = as_dict() | {"data": DATA.astype("i4"), "metadata": {"General": {"title": "Filters"}}}
    for value in (True, 0):
        hspyio.file_writer(path, made, scaleoffset=value)
        assert filters_of(path)[0] == 6
        assert np.array_equal(hspyio.load(path).data, made["data"])


def test_scaleoffset_of_floats_needs_digits(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="digits"):
        hspyio.file_writer(tmp_path / "a.hspy", as_dict(), scaleoffset=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [-1, "x", 1.5])
def test_scaleoffset_that_makes_no_sense_is_refused(value: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    made = as_dict() | {"data": DATA.astype("i4")}
    with pytest.raises((OptionError, FilterError)):
        hspyio.file_writer(path, made, scaleoffset=value)
    assert not list(tmp_path.iterdir())


def test_a_checksum_finds_a_changed_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.file_writer(path, as_dict(), compression=None, shuffle=False, fletcher32=True)
    with h5py.File(path) as file:
        offset = file["/Experiments/Filters/data"].id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[offset + 100] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(hspyio.HspyError, match="/Experiments/Filters/data"):
        hspyio.load(path)


@pytest.mark.parametrize("compression", [31999, "bzip2", hdf5plugin.Blosc2(), "szip"])
def test_a_filter_that_is_not_here_is_found_before_a_file_is_touched(
    compression: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    path = tmp_path / "a.hspy"
    path.write_bytes(b"old")
    monkeypatch.setattr(array_writer, "filter_available", lambda number: number in (1, 2))
    with pytest.raises(FilterError, match=r"is not available here; install .*gzip"):
        hspyio.save(path, signal(), overwrite=True, compression=compression)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_hdf5_that_only_decodes_szip_is_no_writer(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(array_writer.h5z, "get_filter_info", lambda number: 2)
    with pytest.raises(FilterError, match="szip is not available here"):
        hspyio.save(tmp_path / "a.hspy", signal(), compression="szip")


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    ("compression", "package"),
    [(hdf5plugin.Blosc2(), "hdf5plugin"), ("bzip2", "hdf5plugin")],
)
def test_a_missing_filter_names_its_package_on_reading(
    compression: Any, package: str, lazy: bool, tmp_path: Path, monkeypatch: Any
) -> None:
    path = tmp_path / "a.hspy"
    plain = Signal(DATA, metadata={"General": {"title": "Filters"}})
    hspyio.save(path, plain, compression=compression)
    monkeypatch.setattr(datasets, "filter_available", lambda number: number in (1, 2))
    with pytest.raises(FilterError, match=f"install .*{package}") as caught:
        np.asarray(hspyio.load(path, lazy=lazy).data)
    assert caught.value.path == str(path)
    assert caught.value.where == "/Experiments/Filters/data"


def test_metadata_under_a_missing_filter_hide_no_other(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, signal(), compression="bzip2")
    with h5py.File(path, "r+") as file:
        group = file["/Experiments/Filters"]
        del group["data"]
        group["data"] = DATA
    monkeypatch.setattr(datasets, "filter_available", lambda number: number in (1, 2))
    with pytest.warns(hspyio.HspyWarning, match="metadata/floats: is compressed with bzip2"):
        loaded = hspyio.load(path)
    assert "floats" not in loaded.metadata
    assert loaded.metadata["listed"] == [1, 2, 3]


def test_filters_are_described_for_people() -> None:
    steps = (Filter(2, (), "shuffle"), Filter(1, (4,), "gzip"), Filter(32015, (3,), "zstd"))
    assert describe(steps) == ("shuffle", "gzip 4", "zstd")
    assert describe((Filter(1, (), "gzip"),)) == ("gzip",)
    assert describe(()) == ()
