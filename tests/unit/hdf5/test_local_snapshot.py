"""Files as lazy arrays hold them."""

from __future__ import annotations

import copy
import errno
import gc
import io
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import hspyio
from hspyio import Signal
from hspyio.errors import (
    FilePermissionError,
    MissingFileError,
    StaleFileError,
    UnreadableFileError,
)
from hspyio.hdf5 import local_snapshot as handles
from hspyio.hdf5.identity import fingerprint
from hspyio.hdf5.local_snapshot import LocalSnapshot
from hspyio.hdf5.writing.output import open_to_copy

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.h5"
    write(path, 0)
    return path


def write(path: Path, start: int) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=np.arange(start, start + 10_000), chunks=(1000,))


def first(handle: LocalSnapshot) -> int:
    with open_to_copy(handle) as file:
        return int(file["x"][0])


def open_descriptors(path: Path) -> int:
    count = 0
    for link in Path("/proc/self/fd").iterdir():
        try:
            count += os.readlink(link).startswith(str(path))
        except OSError:
            continue
    return count


def replace(path: Path, start: int = 5) -> None:
    other = path.with_name("new.h5")
    write(other, start)
    other.replace(path)


def test_the_old_file_is_read_on_whatever_happens_to_the_path(path: Path) -> None:
    handle = LocalSnapshot(str(path))
    replace(path)
    assert first(handle) == 0
    path.unlink()
    assert first(handle) == 0
    assert handle.fingerprint[1] > 0


def test_pickled_it_opens_the_file_itself(path: Path) -> None:
    handle = LocalSnapshot(str(path))
    for twin in (pickle.loads(pickle.dumps(handle)), copy.copy(handle), copy.deepcopy(handle)):
        assert twin.fingerprint == handle.fingerprint
        assert first(twin) == 0
    assert b"_lock" not in pickle.dumps(handle)


@pytest.mark.parametrize("how", ["replaced", "touched", "grown"])
def test_a_changed_file_is_stale_and_never_wrong(path: Path, how: str) -> None:
    handle = LocalSnapshot(str(path))
    text = pickle.dumps(handle)
    if how == "replaced":
        replace(path)
    elif how == "touched":
        os.utime(path, ns=(0, 1))
    else:
        with path.open("ab") as stream:
            stream.write(b"x")
    twin = pickle.loads(text)
    for _ in range(2):
        with pytest.raises(StaleFileError, match="load it again") as caught:
            first(twin)
    assert caught.value.path == str(path)
    handle.close()
    with pytest.raises(StaleFileError):
        first(handle)


def test_a_file_that_is_gone_is_missing(path: Path) -> None:
    handle = LocalSnapshot(str(path))
    text = pickle.dumps(handle)
    path.unlink()
    with pytest.raises(MissingFileError, match="is gone"):
        first(pickle.loads(text))
    with pytest.raises(MissingFileError, match="is gone"):
        LocalSnapshot(str(path))


def test_closed_it_opens_an_unchanged_file_again(path: Path) -> None:
    handle = LocalSnapshot(str(path))
    handle.close()
    handle.close()
    assert first(handle) == 0


@linux
def test_no_descriptor_is_left(path: Path) -> None:
    handle = LocalSnapshot(str(path))
    assert open_descriptors(path) == 1
    first(handle)
    assert open_descriptors(path) == 1
    with pytest.raises(ZeroDivisionError), open_to_copy(handle):
        raise ZeroDivisionError
    assert open_descriptors(path) == 1
    twin = pickle.loads(pickle.dumps(handle))
    assert open_descriptors(path) == 1
    assert first(twin) == 0
    assert open_descriptors(path) == 2
    del twin
    handle.close()
    gc.collect()
    assert open_descriptors(path) == 1  # a few are kept for the next tasks of a worker
    handles._snapshot_of.cache_clear()
    gc.collect()
    assert open_descriptors(path) == 0
    replace(path)
    for _ in range(3):
        with pytest.raises(StaleFileError):
            first(handle)
    assert open_descriptors(path) == 0


@linux
def test_the_last_lazy_array_closes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal(np.arange(4.0)))
    loaded = hspyio.load(path, lazy=True)
    data = loaded.data[1:]
    assert open_descriptors(path) == 1
    del loaded
    gc.collect()
    assert open_descriptors(path) == 1
    assert data.compute().tolist() == [1, 2, 3]
    del data
    gc.collect()
    assert open_descriptors(path) == 0


def test_many_threads_read_at_once(path: Path) -> None:
    handle = LocalSnapshot(str(path))
    barrier = threading.Barrier(8)

    def read(start: int) -> bool:
        barrier.wait()
        with open_to_copy(handle) as file:
            found = file["x"][start : start + 100]
        return bool((found == np.arange(start, start + 100)).all())

    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            handle.close()
            assert all(pool.map(read, range(0, 8000, 1000)))


@pytest.mark.parametrize("pread", [True, False])
def test_the_file_object_reads_as_any_other(path: Path, pread: bool, monkeypatch: Any) -> None:
    if not pread:
        monkeypatch.delattr(os, "pread")
    content = path.read_bytes()
    with handles.DescriptorFile(os.open(path, os.O_RDONLY)) as raw:
        assert raw.readable() and raw.seekable() and not raw.writable()
        assert raw.read(8) == content[:8]
        assert raw.tell() == 8
        assert raw.seek(-4, os.SEEK_END) == len(content) - 4
        assert raw.read(100) == content[-4:]
        assert raw.read(1) == b""
        assert raw.seek(2) == 2
        assert raw.seek(3, os.SEEK_CUR) == 5
        assert raw.readall() == content[5:]
        assert io.BufferedReader(raw, 16).seek(0) == 0
    handle = LocalSnapshot(str(path))
    assert first(handle) == 0


def test_a_fingerprint_tells_states_apart(path: Path) -> None:
    one = fingerprint(path.stat())
    assert fingerprint(path.stat()) == one
    os.utime(path, ns=(0, 1))
    assert fingerprint(path.stat()) != one


def test_tasks_of_a_worker_share_a_handle_while_the_file_is_the_same(path: Path) -> None:
    text = pickle.dumps(LocalSnapshot(str(path)))
    one, other = pickle.loads(text), pickle.loads(text)
    assert one is other
    assert first(one) == 0
    replace(path)
    with pytest.raises(StaleFileError):
        first(pickle.loads(text))
    assert first(one) == 0
    handles._snapshot_of.cache_clear()


def test_an_index_is_found_once_by_many_threads(path: Path) -> None:
    handle, found = LocalSnapshot(str(path)), []
    with ThreadPoolExecutor(8) as pool:
        results = list(
            pool.map(lambda _: handle.index("/x", lambda: found.append(1) or 5), range(50))
        )
    assert (results, found) == ([5] * 50, [1])


@pytest.mark.parametrize("name", ["stat", "open", "fstat", "dup", "preadv"])
@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.EIO, UnreadableFileError),
        (errno.EMFILE, UnreadableFileError),
        (errno.EACCES, FilePermissionError),
    ],
)
@pytest.mark.parametrize("read", [hspyio.load, hspyio.open, hspyio.info])
def test_what_the_system_refuses_is_an_error_of_ours_that_names_the_cause(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    number: int,
    kind: type[Exception],
    read: Callable[[Path], object],
) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal([1.0]))
    read(path)  # what is imported is imported

    def refuse(*arguments: Any, **options: Any) -> Any:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, name, refuse)
    with pytest.raises(kind) as caught:
        read(path)
    monkeypatch.undo()
    assert str(caught.value) == f"{path}: cannot be read: {os.strerror(number)}"
    assert caught.value.__suppress_context__


def test_only_a_file_that_is_not_there_is_called_missing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for missing in (path / "x", path.with_name("y"), path.with_name("z" * 300), "\0"):
        with pytest.raises(MissingFileError):
            hspyio.load(missing)


def test_the_end_of_the_program_is_quiet(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, hspyio.Signal([1.0]))
    program = f"""
import hspyio.hdf5.local_snapshot as module
kept = module.snapshot_of({str(path)!r})
module._Locks = None  # as names of modules are, late at the end
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")
