"""Writers exclude each other, and no reader."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hspyio
from hspyio import Signal
from hspyio.arrays.workers import Workers
from hspyio.errors import FileLockedError, HspyWarning, MissingFileError, SaveError
from hspyio.system import locks
from hspyio.system.locks import kept_from_writers, writer_of
from hspyio.transaction import replace
from hspyio.transaction.temporary import file_beside
from hspyio.transaction.transaction import Transaction

SIGNAL = Signal(np.arange(3.0), metadata={"General": {"title": "one"}})

HOLD_OURS = """
import sys
from hspyio.system.locks import kept_from_writers, writer_of
with kept_from_writers(sys.argv[1], change=True):
    print("held", flush=True)
    sys.stdin.read()
"""
HOLD_H5PY = """
import sys, h5py
with h5py.File(sys.argv[1], sys.argv[2]) as file:
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.hspy"
    hspyio.save(path, SIGNAL)
    return path


@contextmanager
def elsewhere(program: str, *arguments: str) -> Iterator[int]:
    """Run a program that holds something until it is told to end; its process."""
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == b"held\n"
        yield process.pid
        process.stdin.close()


WRITERS: dict[str, Any] = {
    "save": lambda path: hspyio.save(path, SIGNAL, overwrite=True),
    "append": lambda path: hspyio.append(path, SIGNAL),
    "update": lambda path: hspyio.update(path, SIGNAL),
    "repack": lambda path: hspyio.repack(path, path, overwrite=True),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("program", [HOLD_OURS, HOLD_H5PY], ids=["hspyio", "h5py"])
def test_the_second_writer_is_told_who_the_first_is(path: Path, program: str, write: Any) -> None:
    before = path.read_bytes()
    with elsewhere(program, str(path), "r+") as process:
        with pytest.raises(FileLockedError) as caught:
            write(path)
        assert f"process {process}, python" in str(caught.value)
        assert "wait until it is done" in str(caught.value)
        if program == HOLD_OURS:
            assert hspyio.load(path).title == "one"
        else:  # HDF5 lets nobody in
            with pytest.raises(FileLockedError, match=f"process {process}"):
                hspyio.load(path)
    assert path.read_bytes() == before
    write(path)
    assert [entry.name for entry in path.parent.iterdir()] == ["a.hspy"]


def test_who_writes_can_be_asked_without_a_lock(path: Path, monkeypatch: Any) -> None:
    with open(path, "rb") as stream:
        assert writer_of(stream.fileno()) is None
        with elsewhere(HOLD_OURS, str(path)) as process:
            assert writer_of(stream.fileno()) == process
        with kept_from_writers(str(path), change=True):
            assert writer_of(stream.fileno()) == os.getpid()
        assert writer_of(stream.fileno()) is None
        with kept_from_writers(str(path), change=True):  # to ask has locked nothing
            pass
        monkeypatch.delattr(locks.fcntl, "F_OFD_GETLK")
        assert writer_of(stream.fileno()) == 0


def test_readers_are_let_in_and_let_us_in(path: Path) -> None:
    with elsewhere(HOLD_H5PY, str(path), "r"):
        hspyio.update(path, SIGNAL)
        hspyio.append(path, SIGNAL)
        hspyio.save(path, SIGNAL, overwrite=True)
    with kept_from_writers(str(path), change=True):
        assert hspyio.load(path).title == "one"
        with elsewhere(HOLD_H5PY, str(path), "r"):
            pass


def test_programs_that_write_by_hdf5_are_kept_out(path: Path) -> None:
    command = [sys.executable, "-c", "import h5py, sys; h5py.File(sys.argv[1], 'r+')", str(path)]
    with kept_from_writers(str(path), change=True):
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "unable to lock file" in result.stderr
    subprocess.run(command, check=True)


def test_threads_exclude_each_other(path: Path) -> None:
    told: list[str] = []

    def append() -> None:
        try:
            hspyio.append(path, SIGNAL)
        except FileLockedError as error:
            told.append(str(error))

    with kept_from_writers(str(path), change=True):
        thread = threading.Thread(target=append)
        thread.start()
        thread.join()
    [message] = told
    assert "another thread of this program" in message
    assert "another program" not in message


def test_nobody_waits_and_nothing_is_lost(path: Path) -> None:
    """Many threads append at once: each either has its experiment in the file, or was told."""
    told: list[BaseException] = []
    start = threading.Barrier(8)

    def append(number: int) -> None:
        start.wait()
        try:
            hspyio.append(path, Signal([1.0], metadata={"General": {"title": f"n{number}"}}))
        except FileLockedError as error:
            told.append(error)

    threads = [threading.Thread(target=append, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(hspyio.open(path)) == 9 - len(told)
    assert len(told) < 8


def test_two_savers_of_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "new.hspy"
    with file_beside(str(path)):
        with pytest.raises(FileLockedError, match="another thread of this program"):
            hspyio.save(path, SIGNAL)
        hspyio.save(tmp_path / "other.hspy", SIGNAL)  # sweeps nothing that is alive
        assert len(list(tmp_path.iterdir())) == 2
    hspyio.save(path, SIGNAL)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["new.hspy", "other.hspy"]


def test_a_file_that_appears_meanwhile_is_not_overwritten_unasked(tmp_path: Path) -> None:
    path = tmp_path / "new.hspy"

    with Transaction.new(str(path), overwrite=False) as tx:
        path.write_bytes(b"somebody else's")
        with pytest.raises(hspyio.HspyError, match="by another program or thread") as caught:
            tx.commit(Workers())
    assert isinstance(caught.value, FileExistsError)
    assert path.read_bytes() == b"somebody else's"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_was_replaced_while_it_was_locked(path: Path, monkeypatch: Any) -> None:
    original = locks.exclude_writers

    def replaced(descriptor: int, **options: Any) -> int | None:
        other = path.with_name("b")
        other.write_bytes(path.read_bytes())
        other.replace(path)
        return original(descriptor, **options)

    monkeypatch.setattr(locks, "exclude_writers", replaced)
    with (
        pytest.raises(FileLockedError, match="just been replaced"),
        kept_from_writers(str(path), change=True),
    ):
        pass


def test_a_file_system_without_locks_is_a_warning(path: Path, monkeypatch: Any) -> None:
    def refused(*args: Any) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(locks.fcntl, "fcntl", refused)
    with pytest.warns(HspyWarning, match="cannot be locked here .Operation not supported"):
        hspyio.update(path, SIGNAL)
    leftover = path.with_name(".a.hspy.0123456789abcdef.hspyio-tmp")
    leftover.write_bytes(b"somebody's, perhaps")
    with pytest.warns(HspyWarning, match="no other program"):
        hspyio.save(path, SIGNAL, overwrite=True)
    assert leftover.read_bytes() == b"somebody's, perhaps"
    assert hspyio.load(path).title == "one"


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_threads_exclude_each_other_without_locks_too(
    path: Path, write: Any, monkeypatch: Any
) -> None:
    def refused(*args: Any) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(locks.fcntl, "fcntl", refused)
    monkeypatch.setattr(locks.fcntl, "lockf", refused)
    monkeypatch.setattr(locks.fcntl, "flock", refused)
    told: list[str] = []

    def second() -> None:
        try:
            write(path)
        except FileLockedError as error:
            told.append(str(error))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one test above is about it
        with kept_from_writers(str(path), change=True):
            thread = threading.Thread(target=second)
            thread.start()
            thread.join()
        assert len(told) == 1
        assert "another thread of this program" in told[0]
        write(path)


def test_network_file_systems_make_one_lock_of_the_two(path: Path, monkeypatch: Any) -> None:
    """There, a shared `flock` is refused as long as our own lock is held, and the reverse."""
    held: set[int] = set()
    exclude, unlock = locks._exclude, locks._unlock

    def excluding(descriptor: int, writable: bool) -> int | None:
        held.add(descriptor)
        return exclude(descriptor, writable)

    def unlocking(descriptor: int) -> None:
        held.discard(descriptor)
        unlock(descriptor)

    monkeypatch.setattr(locks, "_exclude", excluding)
    monkeypatch.setattr(locks, "_unlock", unlocking)
    monkeypatch.setattr(locks, "_share", lambda descriptor: descriptor not in held)
    with (
        kept_from_writers(str(path), change=True),
        pytest.raises(FileLockedError),
        kept_from_writers(str(path), change=True),
    ):
        pass
    hspyio.update(path, SIGNAL)
    monkeypatch.setattr(locks, "_share", lambda descriptor: False)
    with pytest.raises(FileLockedError, match="another program"):
        hspyio.update(path, SIGNAL)


def test_what_is_not_there_or_write_protected(tmp_path: Path, monkeypatch: Any) -> None:
    with pytest.raises(MissingFileError), kept_from_writers(str(tmp_path / "x"), change=True):
        pass

    def protected(path: str) -> int:
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "a.hspy"
    hspyio.save(path, SIGNAL)
    monkeypatch.setattr(locks, "open_for_writing", protected)
    with pytest.raises(SaveError, match=r"write-protected .Permission denied"):
        hspyio.update(path, SIGNAL)
    monkeypatch.setattr(replace, "open_to_overwrite", protected)
    with pytest.raises(SaveError, match=r"write-protected.*nor replaced.*chmod u.w"):
        hspyio.save(path, SIGNAL, overwrite=True)


def test_a_forked_child_does_not_keep_the_lock(path: Path) -> None:
    with kept_from_writers(str(path), change=True):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:  # it holds the descriptor open until the pipe is closed
            os.close(writing)
            os.read(reading, 1)
            os._exit(0)
    hspyio.update(path, SIGNAL)
    os.close(writing)
    os.waitpid(child, 0)
    os.close(reading)


def test_a_descriptor_that_cannot_be_looked_at(path: Path) -> None:
    """The system may refuse even that: here, of a descriptor that is none."""
    with (
        pytest.raises(SaveError, match=os.strerror(errno.EBADF)) as failed,
        locks._alone_in_process(-1, str(path)),
    ):
        pass
    assert failed.value.path == str(path)


def test_a_path_that_cannot_be_looked_at_is_not_called_replaced(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> bool:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(locks, "is_same_file", refuse)
    with (
        pytest.raises(SaveError, match=f"cannot be changed: {os.strerror(errno.EIO)}"),
        kept_from_writers(str(path), change=True),
    ):
        pass
