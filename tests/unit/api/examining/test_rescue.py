"""Rescue of damaged and truncated files."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import dask.array as da
import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

import hspyio
from hspyio import Signal
from hspyio.errors import (
    DamagedFileError,
    MissingFileError,
    NotHspyError,
    OptionError,
    TargetExistsError,
)
from hspyio.reports import Rescue
from support import places
from support.attacks import child

ARCHIVE = sorted(places.ARCHIVE.iterdir())
DATA = np.random.default_rng(0).poisson(20, (60, 40, 128)).astype("u2")
CHUNKS = (5, 10, 128)
MANY = (3, 5, 128)  # so many that the index has several nodes
BLOCK = 512
Corner = tuple[int, ...]


def signal(data: Any = DATA, title: str = "map") -> Signal:
    """Spectra with a tree that is more than HDF5 puts into one header."""
    metadata = {
        "General": {"title": title, "notes": "here"},
        "Sample": {f"k{i}": {"a": i} for i in range(12)},
    }
    other = {f"g{i}": {f"v{j}": j for j in range(3)} for i in range(5)}
    made = Signal(data, signal_dimension=1, metadata=metadata, original_metadata=other)
    made.axes[0].name, made.axes[1].name, made.axes[2].name = "y", "x", "E"
    return made


def written(folder: Path, **options: Any) -> Path:
    path = folder / "good.hspy"
    hspyio.save(path, signal(), chunks=CHUNKS, **options)
    return path


def chunks_of(path: Path) -> dict[Corner, tuple[int, int]]:
    """Where each chunk of the data begins, and how long it is."""
    found: dict[Corner, tuple[int, int]] = {}
    with h5py.File(path) as file:
        data = file["Experiments/map/data"].id
        data.chunk_iter(lambda c: found.update({c.chunk_offset: (c.byte_offset, c.size)}))
    return found


def slices(corner: Corner, chunks: Corner = CHUNKS) -> tuple[slice, ...]:
    return tuple(slice(low, low + n) for low, n in zip(corner, chunks, strict=True))


def named(report: Rescue) -> dict[Corner, str]:
    """Corners of the chunks of data that are named, and what is said of them."""
    return {
        tuple(low for low, _ in part.region): part.message
        for array in report.damaged
        if array.where.endswith("/data")
        for part in array.parts
    }


def damaged(path: Path, folder: Path, content: bytes) -> tuple[Path, Path]:
    bad, out = folder / "bad.hspy", folder / "out.hspy"
    bad.write_bytes(content)
    return bad, out


def zeroed(content: bytes, seed: int, share: int) -> tuple[bytes, set[int]]:
    """A file with one of `share` blocks zeroed, and which."""
    count = len(content) // BLOCK
    chosen = np.random.default_rng(seed).choice(count, max(1, count // share), replace=False)
    changed = bytearray(content)
    for block in chosen.tolist():
        changed[block * BLOCK : (block + 1) * BLOCK] = bytes(BLOCK)
    return bytes(changed), set(chosen.tolist())


def data_of(path: Path) -> Any:
    with hspyio.open(path) as experiments:
        return np.asarray(next(iter(experiments.values())).data)


@pytest.mark.parametrize("path", ARCHIVE, ids=lambda path: path.name)
def test_good_files_come_back_whole(path: Path, tmp_path: Path) -> None:
    report = hspyio.rescue(path, tmp_path / "out.hspy")
    assert report.ok, report
    assert "everything came back" in repr(report)
    with hspyio.open(path) as old, hspyio.open(tmp_path / "out.hspy") as new:
        assert list(old) == list(new) == [s.name for s in report.signals]
        for name, before in old.items():
            after = new[name]
            assert after.metadata.as_dictionary() == before.metadata.as_dictionary()
            if before.data.dtype != object:
                np.testing.assert_array_equal(np.asarray(after.data), np.asarray(before.data))


def check_cut(path: Path, folder: Path, tenth: int) -> Rescue:
    """Cut a file: every chunk whose bytes are there comes back, the others are named."""
    content, chunks = path.read_bytes(), chunks_of(path)
    cut = len(content) * tenth // 10
    bad, out = damaged(path, folder, content[:cut])
    report = hspyio.rescue(bad, out)
    found, lost = data_of(out), named(report)
    assert not report.ok
    assert tenth == 1 or any(start + n <= cut for start, n in chunks.values())
    for corner, (start, size) in chunks.items():
        part = slices(corner, MANY)
        assert (start + size > cut) == (corner in lost), (corner, lost.get(corner))
        np.testing.assert_array_equal(found[part], 0 if corner in lost else DATA[part])
    return report


def late(block: Any, block_info: Any = None) -> Any:
    """Blocks that are done in another order."""
    number = block_info[0]["chunk-location"][0] if block_info else 0
    time.sleep(0.02 * (number % 3 == 0))
    return block


@pytest.mark.parametrize("how", ["gzip", "none", "lazy", "sealed"])
@pytest.mark.parametrize("tenth", range(1, 10))
def test_of_a_cut_file_all_comes_back_whose_bytes_are_there(
    tmp_path: Path, how: str, tenth: int
) -> None:
    options = {"none": {"compression": None}, "sealed": {"checksum": True}}.get(how, {})
    path = tmp_path / "good.hspy"
    data = da.from_array(DATA, chunks=(6, 40, 128)).map_blocks(late) if how == "lazy" else DATA
    hspyio.save(path, signal(data), chunks=MANY, threads=3, **options)
    places = [start for _, (start, _) in sorted(chunks_of(path).items())]
    assert (places == sorted(places)) == (how != "lazy")
    report = check_cut(path, tmp_path, tenth)
    assert report.signals[0].name == "map" and not report.signals[0].whole
    wanted, found = hspyio.load(path), hspyio.load(tmp_path / "out.hspy")
    assert found.metadata.as_dictionary() == wanted.metadata.as_dictionary()
    assert found.original_metadata.as_dictionary() == wanted.original_metadata.as_dictionary()
    assert [axis.name for axis in found.axes] == ["y", "x", "E"]
    assert not any("order in the file" in note.message for note in report.notes)


@pytest.mark.parametrize(
    "filters",
    [
        {"compression": "gzip", "shuffle": True},
        {"compression": "gzip", "fletcher32": True},
        {"shuffle": True},
        {},
    ],
)
@pytest.mark.parametrize("tenth", range(1, 10, 2))
def test_where_the_index_stands_among_the_chunks_their_order_tells(
    tmp_path: Path, filters: dict[str, Any], tenth: int
) -> None:
    path = written(tmp_path)
    with h5py.File(path, "r+") as file:  # as other programs write them
        del file["Experiments/map/data"]
        file["Experiments/map"].create_dataset("data", data=DATA, chunks=MANY, **filters)
    report = check_cut(path, tmp_path, tenth)
    ordered = [note.message for note in report.notes if "order in the file" in note.message]
    assert bool(ordered) == (tenth < 5) or tenth > 5


@pytest.mark.parametrize("compression", ["gzip", None])
def test_without_a_node_of_the_index_all_chunks_come_back(
    tmp_path: Path, compression: str | None
) -> None:
    path = tmp_path / "good.hspy"
    hspyio.save(path, signal(), chunks=MANY, compression=compression)
    content = path.read_bytes()
    nodes = [match.start() for match in re.finditer(rb"TREE\x01", content)]
    assert len(nodes) > 3
    for node in nodes:
        changed = bytearray(content)
        changed[node : node + BLOCK] = bytes(BLOCK)
        bad, out = damaged(path, tmp_path, bytes(changed))
        out.unlink(missing_ok=True)
        report = hspyio.rescue(bad, out)
        assert not named(report), node
        np.testing.assert_array_equal(data_of(out), DATA)


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("compression", ["gzip", None])
@pytest.mark.parametrize("seed", range(3))
def test_of_a_file_with_zeroed_blocks_all_intact_chunks_come_back(
    tmp_path: Path, compression: str | None, sealed: bool, seed: int
) -> None:
    path = written(tmp_path, compression=compression, checksum=sealed)
    chunks = chunks_of(path)
    content, blocks = zeroed(path.read_bytes(), seed, 100)
    bad, out = damaged(path, tmp_path, content)
    report = hspyio.rescue(bad, out)
    found, lost = data_of(out), named(report)
    with_seal = bool(report.sealed) and not any("seal" in p.where for p in report.problems)
    for corner, (start, size) in chunks.items():
        part = slices(corner)
        touched = blocks & set(range(start // BLOCK, (start + size - 1) // BLOCK + 1))
        if not touched and corner not in lost:
            np.testing.assert_array_equal(found[part], DATA[part])
        assert touched or corner not in lost
        if touched and (compression or with_seal) and corner not in lost:
            np.testing.assert_array_equal(found[part], DATA[part])


@pytest.mark.parametrize("shuffled", [False, True])
def test_blocks_of_zeros_in_what_nothing_checks_are_named_as_doubtful(
    tmp_path: Path, shuffled: bool
) -> None:
    data = DATA + 1
    path = tmp_path / "good.hspy"
    hspyio.save(path, signal(data), chunks=CHUNKS, compression=None)
    if shuffled:
        with h5py.File(path, "r+") as file:
            del file["Experiments/map/data"]
            options = {"chunks": CHUNKS, "shuffle": True}
            file["Experiments/map"].create_dataset("data", data=data + 256, **options)
    good = hspyio.rescue(path, tmp_path / "same.hspy")
    assert good.ok and not good.notes
    start, _ = chunks_of(path)[5, 10, 0]
    content = bytearray(path.read_bytes())
    block = -(-start // BLOCK) * BLOCK
    content[block : block + BLOCK] = bytes(BLOCK)
    bad, out = damaged(path, tmp_path, bytes(content))
    [note] = hspyio.rescue(bad, out).notes
    assert note.where == "/Experiments/map/data"
    assert "1 of its chunks hold blocks of zeros" in note.message
    assert note.message.endswith("[5:10, 10:20, 0:128]")


def test_an_array_of_many_zeros_is_not_doubted(tmp_path: Path) -> None:
    data = np.where(np.arange(60)[:, None, None] % 3, 0, DATA).astype("u2")
    path = tmp_path / "good.hspy"
    hspyio.save(path, signal(data), chunks=CHUNKS, compression=None)
    report = hspyio.rescue(path, tmp_path / "same.hspy")
    assert report.ok and not report.notes


def test_a_chunk_that_silently_changed_is_named_by_the_seal_and_kept(tmp_path: Path) -> None:
    path = written(tmp_path, compression=None, checksum=True)
    start, _ = chunks_of(path)[5, 10, 0]
    content = bytearray(path.read_bytes())
    content[start : start + 64] = bytes(64)
    bad, out = damaged(path, tmp_path, bytes(content))
    report = hspyio.rescue(bad, out)
    assert list(named(report)) == [(5, 10, 0)]
    assert "not what was sealed; kept" in named(report)[5, 10, 0]
    wanted = DATA.copy()
    wanted[5, 10, :32] = 0
    np.testing.assert_array_equal(data_of(out), wanted)
    assert report.sealed == ("map",) and not report.unsealed


def test_without_a_seal_the_report_says_what_goes_unnoticed(tmp_path: Path) -> None:
    path = written(tmp_path)
    report = hspyio.rescue(path, tmp_path / "out.hspy")
    assert "unnoticed" in repr(report) and report.unsealed == ("map",)


@pytest.mark.parametrize("lost", ["superblock", "root", "both"])
def test_a_lost_superblock_or_root_is_replaced(tmp_path: Path, lost: str) -> None:
    path = written(tmp_path)
    content = bytearray(path.read_bytes())
    if lost != "root":
        content[:48] = bytes(48)
    if lost != "superblock":
        content[48:64] = bytes(16)
    bad, out = damaged(path, tmp_path, bytes(content))
    report = hspyio.rescue(bad, out)
    assert not report.ok
    after = hspyio.load(out)
    np.testing.assert_array_equal(after.data, DATA)
    assert after.metadata.as_dictionary() == hspyio.load(path).metadata.as_dictionary()
    assert [axis.name for axis in after.axes] == ["y", "x", "E"]


def address(path: Path, name: str) -> int:
    with h5py.File(path) as file:
        return int(h5py.h5o.get_info(file[name].id).addr)


def without(path: Path, *names: str) -> bytes:
    """A file without the headers of some objects."""
    content = bytearray(path.read_bytes())
    for name in names:
        start = address(path, name)
        content[start : start + 16] = bytes(16)
    return bytes(content)


def test_experiments_that_nothing_leads_to_are_found(tmp_path: Path) -> None:
    path = tmp_path / "two.hspy"
    hspyio.save(path, [signal(title="one"), signal(DATA + 1, "two")])
    bad, out = damaged(path, tmp_path, without(path, "Experiments"))
    report = hspyio.rescue(bad, out)
    assert all(found.searched for found in report.signals)
    with hspyio.open(out) as experiments:
        assert sorted(experiments.titles.values()) == ["one", "two"]
        np.testing.assert_array_equal(np.asarray(experiments["two"].data), DATA + 1)
    assert "nothing leads to" in repr(report)


def test_an_experiment_without_its_group_is_put_together(tmp_path: Path) -> None:
    path = written(tmp_path)
    bad, out = damaged(path, tmp_path, without(path, "Experiments/map"))
    report = hspyio.rescue(bad, out)
    after = hspyio.load(out)
    np.testing.assert_array_equal(after.data, DATA)
    assert [axis.name for axis in after.axes] == ["y", "x", "E"]
    assert after.metadata.General.notes == "here"
    assert report.signals[0].searched and not report.ok


def test_what_was_replaced_by_an_update_does_not_come_back(tmp_path: Path) -> None:
    path = written(tmp_path)
    changed = hspyio.load(path)
    changed.metadata.General.notes = "there"
    hspyio.update(path, changed)
    bad, out = damaged(path, tmp_path, without(path, "Experiments/map/axis-1"))
    report = hspyio.rescue(bad, out)
    assert [found.name for found in report.signals] == ["map"]
    assert hspyio.load(out).metadata.General.notes == "there"


def test_a_lost_axis_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    path = written(tmp_path)
    bad, out = damaged(path, tmp_path, without(path, "Experiments/map/axis-1"))
    report = hspyio.rescue(bad, out)
    after = hspyio.load(out)
    assert [axis.name for axis in after.axes][::2] == ["y", "E"]
    assert after.axes[1].size == 40
    assert any("axis-1" in str(problem) for problem in report.problems)
    np.testing.assert_array_equal(after.data, DATA)


def test_without_its_data_the_rest_of_an_experiment_comes_back(tmp_path: Path) -> None:
    path = written(tmp_path)
    bad, out = damaged(path, tmp_path, without(path, "Experiments/map/data"))
    report = hspyio.rescue(bad, out)
    after = hspyio.load(out)
    assert after.data.shape == DATA.shape and not after.data.any()
    assert after.metadata.Sample.k3.a == 3
    assert "/Experiments/map/data" in {problem.where for problem in report.problems}


def test_lost_metadata_is_named_and_the_rest_comes_back(tmp_path: Path) -> None:
    path = written(tmp_path)
    bad, out = damaged(path, tmp_path, without(path, "Experiments/map/metadata/Sample/k3"))
    report = hspyio.rescue(bad, out)
    after = hspyio.load(out)
    assert sorted(after.metadata.Sample.keys()) == sorted(f"k{i}" for i in range(12) if i != 3)
    assert any(p.where == "/Experiments/map/metadata/Sample/k3" for p in report.problems)


def test_ragged_data_and_lists_come_back(tmp_path: Path) -> None:
    rows = np.empty(6, object)
    for i in range(6):
        rows[i] = np.arange(i + 1.0)
    path = tmp_path / "ragged.hspy"
    hspyio.save(path, Signal(rows, metadata={"General": {"title": "r"}, "L": [1, "two", [3]]}))
    bad, out = damaged(path, tmp_path, without(path, "Experiments/r/original_metadata"))
    report = hspyio.rescue(bad, out)
    after = hspyio.load(out)
    assert after.metadata.L == [1, "two", [3]] and not report.ok
    for found, wanted in zip(after.data, rows, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_the_report_is_plain_values(tmp_path: Path) -> None:
    path = written(tmp_path)
    bad, out = damaged(path, tmp_path, path.read_bytes()[:-5000])
    report = hspyio.rescue(bad, out)
    plain = json.loads(json.dumps(report.as_dict()))
    assert plain["ok"] is False and plain["target"] == str(out)
    assert plain["signals"][0]["name"] == "map"
    for line in repr(report).splitlines()[1:]:
        assert line.startswith("  ")


@pytest.mark.parametrize("content", [b"", b"text" * 99, b"\x89HDF\r\n\x1a\n" + bytes(9999)])
def test_where_nothing_can_be_read_nothing_is_written(tmp_path: Path, content: bytes) -> None:
    bad, out = tmp_path / "bad.hspy", tmp_path / "out.hspy"
    bad.write_bytes(content)
    with pytest.raises((DamagedFileError, NotHspyError), match=r"bad\.hspy"):
        hspyio.rescue(bad, out)
    assert not out.exists()


def test_targets_are_protected(tmp_path: Path) -> None:
    path = written(tmp_path)
    before = path.read_bytes()
    with pytest.raises(OptionError, match="into itself"):
        hspyio.rescue(path, path, overwrite=True)
    out = tmp_path / "out.hspy"
    out.write_bytes(b"mine")
    with pytest.raises(TargetExistsError):
        hspyio.rescue(path, out)
    assert out.read_bytes() == b"mine" and path.read_bytes() == before
    hspyio.rescue(path, out, overwrite=True)
    np.testing.assert_array_equal(hspyio.load(out).data, DATA)
    with pytest.raises(MissingFileError):
        hspyio.rescue(tmp_path / "none.hspy", tmp_path / "new.hspy")


# what was never written


def _unwritten(
    path: Path, place: str, shape: tuple[int, ...], parts: int = 0, **options: Any
) -> NDArray[Any]:
    """A file with an array of which at most a few chunks were written; these."""
    hspyio.save(path, Signal(np.zeros((2,) * len(shape)), metadata={"Sample": {"a": 1}}))
    with h5py.File(path, "r+") as file:
        group = file["Experiments/__unnamed__"]
        if place == "data":
            del group["data"]
            for i, n in enumerate(shape):
                group[f"axis-{i}"].attrs["size"] = n
        made = group.create_dataset(place, shape, **options)
        values = np.arange(1000).astype(made.dtype)
        for i in range(parts):
            made[i * (shape[0] // 3), :1000] = values
    return values


@pytest.mark.parametrize("place", ["data", "metadata/Sample/large"])
@pytest.mark.parametrize(
    ("shape", "parts", "options"),
    [
        ((2**36,), 0, {"dtype": "u1", "chunks": (2**20,)}),
        ((2**40,), 0, {"dtype": "u1", "chunks": (2**20,), "compression": "gzip"}),
        ((2**36,), 0, {"dtype": "u1"}),
        ((2**30, 2**16), 0, {"dtype": "f8", "chunks": (64, 2**10)}),
        ((2**40,), 0, {"dtype": "i4", "chunks": (2**20,), "fillvalue": -7}),
        ((2**50,), 0, {"dtype": "f4", "fillvalue": 2.5}),
        ((2**14, 2**24), 3, {"dtype": "u2", "chunks": (1, 2**16), "compression": "gzip"}),
        ((2**14, 2**20), 2, {"dtype": "f8", "chunks": (2, 2**14), "fillvalue": 1.5}),
        ((2**36,), 0, {"dtype": [("a", "u1"), ("b", ">f4")], "chunks": (2**20,)}),
    ],
)
@pytest.mark.filterwarnings("ignore::hspyio.HspyWarning")
def test_what_was_never_written_stays_so(
    tmp_path: Path, place: str, shape: tuple[int, ...], parts: int, options: dict[str, Any]
) -> None:
    old, new = tmp_path / "old.hspy", tmp_path / "new.hspy"
    values = _unwritten(old, place, shape, parts, **options)
    before = child._peak()
    report = hspyio.rescue(old, new)
    assert child._peak() - before < 2**28
    assert report.ok, report
    assert hspyio.verify(new).ok
    assert new.stat().st_size < 2**20
    with h5py.File(old) as one, h5py.File(new) as other:
        before_, after = (file[f"Experiments/__unnamed__/{place}"] for file in (one, other))
        assert after.shape == before_.shape
        assert after.dtype == before_.dtype
        last = (-1,) * len(shape)
        assert after[last] == before_[last] == before_.fillvalue
        for i in range(parts):
            row = i * (shape[0] // 3)
            np.testing.assert_array_equal(after[row, :2000], before_[row, :2000])
            np.testing.assert_array_equal(after[row, :1000], values)


def test_the_place_of_lost_data_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "old.hspy"
    hspyio.save(path, Signal(np.zeros((2, 3))))
    with h5py.File(path, "r+") as file:
        group = file["Experiments/__unnamed__"]
        del group["data"]
        group["axis-0"].attrs["size"] = group["axis-1"].attrs["size"] = 2**18
    report = hspyio.rescue(path, tmp_path / "new.hspy")
    assert not report.ok
    with h5py.File(tmp_path / "new.hspy") as file:
        assert file["Experiments/__unnamed__/data"].shape == (2**18, 2**18)
    assert (tmp_path / "new.hspy").stat().st_size < 2**20


def test_large_metadata_are_written_chunk_by_chunk(tmp_path: Path) -> None:
    """Many numbers that take little in the file take little memory."""
    path = tmp_path / "old.hspy"
    hspyio.save(path, Signal(np.zeros(3)))
    with h5py.File(path, "r+") as file:
        tree = file["Experiments/__unnamed__/metadata"]
        data = tree.create_dataset("large", (2**28,), "u1", chunks=(2**22,), compression="gzip")
        data[:] = 0
        data[5] = 9
    before = child._peak()
    assert hspyio.rescue(path, tmp_path / "new.hspy").ok
    assert child._peak() - before < 2**27
    with h5py.File(tmp_path / "new.hspy") as file:
        found = file["Experiments/__unnamed__/metadata/large"]
        assert found[:10].tolist() == [0, 0, 0, 0, 0, 9, 0, 0, 0, 0]
