"""What updates leave behind is known, and `repack` wins it back."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import hspyio
from hspyio import Signal
from hspyio.errors import DamagedFileError, MissingFileError
from hspyio.hdf5.dataset import stored_bytes
from hspyio.hdf5.format.object_header import LINK_INFO, ObjectHeader
from hspyio.hdf5.format.superblock import LENGTH
from hspyio.hdf5.local_snapshot import snapshot_of
from hspyio.hdf5.opening import Opening, ReadPolicy
from hspyio.hdf5.reader import open_reader
from hspyio.hdf5.usage import Usage, count_unused
from hspyio.nodes.node import Array, Group
from hspyio.schema.policy import HSPY
from support import places

SHARED = places.SHARED
ARCHIVE = sorted(places.ARCHIVE.glob("v*"))


def unused_bytes(path: Path) -> int:
    with open_reader(path) as reader:
        return count_unused(reader)


def ragged() -> np.ndarray:
    data = np.empty(300, object)
    for number in range(300):
        data[number] = np.arange(number * 1.0)
    return data


SIGNALS: dict[str, Any] = {
    "gzip": lambda: Signal(np.random.default_rng(1).random((100, 500))),
    "ragged": lambda: Signal(ragged()),
    "leaves": lambda: Signal(
        [1.0],
        metadata={f"g{i}": {f"k{j}": f"text {i} {j}" for j in range(50)} for i in range(20)},
    ),
    "lists": lambda: Signal([1.0], metadata={"x": [f"text {i}" for i in range(2000)]}),
}


@pytest.mark.parametrize("make", SIGNALS.values(), ids=SIGNALS)
def test_it_is_what_updates_have_added(make: Any, tmp_path: Path) -> None:
    path, packed = tmp_path / "a.hspy", tmp_path / "packed.hspy"
    signal = make()
    hspyio.save(path, signal)
    assert hspyio.info(path).unused_bytes == 0
    fresh = path.stat().st_size
    for number in range(5):
        signal.metadata.set_item("General.number", number)
        hspyio.update(path, signal)
    added = path.stat().st_size - fresh
    assert hspyio.info(path).unused_bytes == pytest.approx(added, rel=0.1, abs=8192)
    hspyio.repack(path, packed)
    assert hspyio.info(packed).unused_bytes == 0
    assert packed.stat().st_size == pytest.approx(fresh, rel=0.1)


def test_an_experiment_that_is_gone_is_unused(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    noise = np.random.default_rng(1).random(100_000)
    names = ("one", "two")
    hspyio.save(path, [Signal(noise, metadata={"General": {"title": name}}) for name in names])
    hspyio.remove(path, "one")
    assert hspyio.info(path).unused_bytes == pytest.approx(700_000, rel=0.15)


@pytest.mark.parametrize(
    "path", [*ARCHIVE, *(p for p in SHARED.rglob("*") if p.suffix in (".hspy", ".hdf5"))]
)
def test_files_that_were_written_once_have_none(path: Path) -> None:
    assert hspyio.info(path).unused_bytes == 0


def test_what_lies_behind_the_end_is_unused(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal([1.0]))
    with path.open("ab") as stream:
        stream.write(bytes(50_000))
    assert hspyio.info(path).unused_bytes == pytest.approx(50_000, abs=6000)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        hspyio.info(tmp_path / "a.hspy")
    deep = tmp_path / "deep.h5"
    with h5py.File(deep, "w") as file:
        group = file
        for _ in range(150):
            group = group.create_group("g")
    with pytest.raises(DamagedFileError, match="nested too deep"):
        unused_bytes(deep)


def test_it_is_counted_without_hdf5(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, hspyio.Signal(np.arange(100.0)))
    program = (
        f"import sys, hspyio\nprint(hspyio.info({str(path)!r}).unused_bytes, 'h5py' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["0", "False"]


def by_hdf5(path: Path) -> int:
    """Bytes of headers, indices and arrays, as HDF5 counts them."""
    found = [LENGTH]

    def add(info: Any) -> None:
        parts = info.meta_size.obj, info.meta_size.attr
        found.append(info.hdr.space.total)
        found.extend(part.index_size + part.heap_size for part in parts)

    def note(name: bytes, info: Any) -> None:
        add(info)
        one = h5py.h5o.open(file.id, name)
        if isinstance(one, h5py.h5d.DatasetID):
            compact = one.get_create_plist().get_layout() == h5py.h5d.COMPACT
            found.append(0 if compact else one.get_storage_size())

    with h5py.File(path) as file:
        add(h5py.h5o.get_info(file.id))
        h5py.h5o.visit(file.id, note, info=True)
    return sum(found)


def by_us(path: Path) -> int:
    with closing(snapshot_of(str(path))) as handle, handle.open_source() as source:
        usage = Usage(Opening(handle, source, ReadPolicy()))
        usage.read_attributes()
        return usage.arrays + usage.structures


@pytest.mark.parametrize("libver", ["earliest", ("v108", "v108"), "latest"])
@pytest.mark.parametrize("tracked", [False, True])
def test_it_is_what_hdf5_counts(libver: Any, tracked: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", libver=libver, track_order=tracked) as file:
        for i in range(40):
            group = file.create_group(f"group {i}", track_order=tracked)
            group["x"] = np.arange(100 * i)
            for k in range(i):
                group.create_group(f"member {k}").attrs["number"] = k
                group.attrs[f"number {k}"] = np.arange(k)
        for number, limits in enumerate([(90, 70), (None, None)]):
            file.create_dataset(
                f"chunks {number}",
                data=np.random.default_rng(1).integers(0, 99, (90, 70)),
                chunks=(4, 5),
                maxshape=limits,
                compression="gzip",
            )
    assert by_us(path) == by_hdf5(path)
    with h5py.File(path, "r+", libver=libver) as file:
        for i in range(20):
            del file[f"group {i}"]
    assert by_us(path) == by_hdf5(path)
    assert unused_bytes(path) > 20_000


def test_the_index_of_one_endless_dimension_is_counted_whole(tmp_path: Path) -> None:
    """HDF5 leaves some of the blocks of such an index out of its own count."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", libver="latest") as file:
        file.create_dataset("x", data=np.ones((90, 70)), chunks=(4, 5), maxshape=(None, 70))
    assert 0 <= by_us(path) - by_hdf5(path) <= 512
    assert unused_bytes(path) == 0


@pytest.mark.parametrize(
    "path", [*ARCHIVE, *(p for p in SHARED.rglob("*") if p.suffix in (".hspy", ".hdf5"))]
)
def test_it_is_the_same_whatever_was_read_before(path: Path) -> None:
    def walk(group: Group) -> None:
        for member in group.members.values():
            if isinstance(member, Group):
                walk(member)
            elif isinstance(member, Array):
                stored_bytes(member)

    with open_reader(path, HSPY) as fresh, open_reader(path, HSPY) as used:
        walk(used.root())
        one, other = Usage(fresh), Usage(used)
        one.read_attributes()
        other.read_attributes()
        assert (one.arrays, one.structures) == (other.arrays, other.structures)
        assert one.rows() == other.rows()


@pytest.mark.parametrize("path", ARCHIVE, ids=lambda path: path.name)
def test_the_archive_is_counted_as_hdf5_does(path: Path) -> None:
    assert by_us(path) == by_hdf5(path)


@pytest.mark.parametrize("length", [0, 1])
def test_a_message_that_is_cut_is_damage_as_any_other(
    length: int, tmp_path: Path, monkeypatch: Any
) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal([1.0]), durable=False)
    only = ObjectHeader.only

    def cut(header: ObjectHeader, kind: int) -> bytes | None:
        found = only(header, kind)
        return found if kind != LINK_INFO or found is None else found[:length]

    with open_reader(path) as reader:
        monkeypatch.setattr(ObjectHeader, "only", cut)
        with pytest.raises(DamagedFileError, match="not all of it can be read"):
            count_unused(reader)
