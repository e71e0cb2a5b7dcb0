"""Which file it was."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import hspyio
from hspyio import Signal
from hspyio.errors import StaleFileError
from hspyio.hdf5 import local_snapshot as handles
from hspyio.hdf5.identity import Identity, identity_of, is_the_same
from hspyio.hdf5.local_snapshot import LocalSnapshot
from hspyio.hdf5.writing.output import open_to_copy

RANDOM = np.random.default_rng(0)
SMALL = RANDOM.integers(0, 2**16, (6, 50), "u2")
LARGE = RANDOM.integers(0, 2**16, (60, 50, 400), "u2")
"""Of more bytes than are compared whole, compressed or not."""

KINDS: list[tuple[Any, Any]] = [
    (SMALL, "gzip"), (SMALL, None), (LARGE, "gzip"), (LARGE, None), (LARGE, "szip"),
]  # fmt: skip


@pytest.fixture(params=KINDS, ids=["small", "small plain", "large", "large plain", "large szip"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, np.ndarray]:
    values, compression = request.param
    path = tmp_path / "a.hspy"
    hspyio.save(path, made(values), compression=compression)
    return path, values


def made(values: Any, title: str = "one") -> Signal:
    return Signal(values, metadata={"General": {"title": title}})


def sent(path: Path) -> Callable[[], Any]:
    """What another process would read."""
    text = pickle.dumps(hspyio.load(path, lazy=True, name="one").data)

    def read() -> Any:
        handles._snapshot_of.cache_clear()
        return pickle.loads(text).compute(scheduler="sync")

    return read


def test_updates_change_nothing(case: tuple[Path, np.ndarray]) -> None:
    path, values = case
    before = sent(path)
    held = hspyio.load(path, lazy=True)
    held.metadata.set_item("Sample.name", "new")
    hspyio.update(path, held)
    after_update = sent(path)
    hspyio.append(path, made(values + 1, "two"))
    hspyio.remove(path, "one")
    hspyio.append(path, made(values * 0, "one"))
    for read in (before, after_update):
        assert np.array_equal(read(), values)
        assert np.array_equal(read(), values)
    assert np.array_equal(held.data.compute(), values)
    held.close()  # asked for anew, it is the old state, too
    later = hspyio.load(path, lazy=True, name="one")
    assert not later.data.any().compute()


def test_another_process_reads_on_after_an_update(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, made(SMALL))
    held = hspyio.load(path, lazy=True)
    held.metadata.set_item("Sample.name", "new")
    hspyio.update(path, held)
    assert np.array_equal(held.data.compute(scheduler="processes", num_workers=1), SMALL)


@pytest.mark.parametrize("updated", [False, True])
def test_another_file_is_none_of_it(case: tuple[Path, np.ndarray], updated: bool) -> None:
    path, values = case
    read = sent(path)
    other = values.copy()
    other.flat[0] += 1  # where samples of a long file are taken
    hspyio.save(path, made(other), overwrite=True, compression=None)
    if updated:
        hspyio.append(path, made(values, "two"))
    with pytest.raises(StaleFileError, match="load it again"):
        read()


@pytest.mark.parametrize("updated", [False, True])
def test_values_changed_in_place_are_noticed(tmp_path: Path, updated: bool) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, made(SMALL))
    read = sent(path)
    if updated:
        hspyio.append(path, made(SMALL, "two"))
    with h5py.File(path, "r+") as file:
        file["/Experiments/one/data"][3] = 7
    with pytest.raises(StaleFileError, match="load it again"):
        read()


def test_a_file_written_over_in_place_is_noticed(case: tuple[Path, np.ndarray]) -> None:
    path, values = case
    read, other = sent(path), path.with_name("b.hspy")
    hspyio.save(other, made(values + 1))
    hspyio.append(other, made(values, "two"))
    inode = path.stat().st_ino
    path.write_bytes(other.read_bytes())
    assert path.stat().st_ino == inode
    with pytest.raises(StaleFileError, match="load it again"):
        read()


def test_other_hosts_number_files_otherwise(case: tuple[Path, np.ndarray]) -> None:
    path, values = case
    identity = LocalSnapshot(str(path)).identity()
    elsewhere = LocalSnapshot(str(path), replace(identity, state=(1, *identity.state[1:])))
    with open_to_copy(elsewhere) as file:
        assert np.array_equal(file["/Experiments/one/data"][...], values)
    copied = path.with_name("copy")
    shutil.copy2(path, copied)  # with its time
    read = sent(path)
    copied.replace(path)
    assert np.array_equal(read(), values)


def test_size_and_time_alone_are_not_believed(case: tuple[Path, np.ndarray]) -> None:
    path, _ = case
    read, status = sent(path), path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) - 5] ^= 1
    path.unlink()
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    if path.stat().st_ino != status.st_ino:
        with pytest.raises(StaleFileError):
            read()


def test_a_file_whose_root_is_never_moved(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["x"] = np.arange(1000)
    handle = LocalSnapshot(str(path))
    identity = handle.identity()
    assert handle.superblock is None and identity.block is None and identity.digest
    with handle.descriptor() as descriptor:
        assert is_the_same(descriptor, identity)
        assert is_the_same(descriptor, replace(identity, state=(1, *identity.state[1:])))
        assert not is_the_same(descriptor, replace(identity, state=(identity.state[0], 1, 1)))
        assert not is_the_same(descriptor, Identity((1, *identity.state[1:])))
        again = identity_of(descriptor, handle.fingerprint, None)
        assert again == identity and hash(again) == hash(identity)
