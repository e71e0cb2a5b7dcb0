"""Temporary files: nobody foresees their names, and what a kill leaves is known by them."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hspyio
from hspyio import Signal
from hspyio.errors import FileLockedError, SaveError
from hspyio.system import calls as system
from hspyio.transaction import temporary
from hspyio.transaction.temporary import file_beside, folder_beside

SIGNAL = Signal(np.arange(3.0))
TOKEN = "0123456789abcdef"


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


@pytest.mark.parametrize("beside", [file_beside, folder_beside])
def test_a_name_is_new_each_time_and_private(tmp_path: Path, beside: Any) -> None:
    seen = set()
    for _ in range(20):
        with beside(str(tmp_path / "a.hspy")) as made:
            seen.add(made.path)
            mode = stat.S_IMODE(os.stat(made.path).st_mode)
            assert mode == (0o700 if beside is folder_beside else 0o600)
            if beside is folder_beside:
                (Path(made.path) / "deep").mkdir()
                (Path(made.path) / "deep" / "x").write_bytes(b"x")
        assert names(tmp_path) == []
    assert len(seen) == 20


def test_the_file_of_a_running_save_is_private(tmp_path: Path) -> None:
    modes = []

    import dask.array as da

    def look(block: Any) -> Any:
        modes.extend(stat.S_IMODE(entry.stat().st_mode) for entry in os.scandir(tmp_path))
        return block

    data = da.zeros((2, 2), chunks=1).map_blocks(look, dtype=float)
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal(data))
    assert modes and set(modes) == {0o600}
    usual = stat.S_IMODE(path.stat().st_mode)
    (tmp_path / "usual").touch()
    assert usual == stat.S_IMODE((tmp_path / "usual").stat().st_mode)
    (tmp_path / "usual").unlink()
    path.chmod(0o600)
    modes.clear()
    hspyio.save(path, Signal(data), overwrite=True)
    assert set(modes) == {0o600}


def stand_in_the_way(kind: str, place: Path) -> None:
    if kind == "dangling link":
        place.symlink_to(place.parent / "nothing")
    elif kind == "link to itself":
        place.symlink_to(place)
    elif kind == "FIFO":
        os.mkfifo(place)
    elif kind == "folder":
        (place / "full").mkdir(parents=True)
    else:
        place.write_bytes(b"somebody's")


@pytest.mark.parametrize("kind", ["dangling link", "link to itself", "FIFO", "folder", "file"])
@pytest.mark.parametrize("name", [".a.hspy.hspyio-tmp", f".a.hspy.{TOKEN}.hspyio-tmp"])
def test_what_stands_at_such_a_name_is_no_hindrance(
    tmp_path: Path, kind: str, name: str, monkeypatch: Any
) -> None:
    """Even where the name was foreseen."""
    place = tmp_path / name
    stand_in_the_way(kind, place)
    tokens = [TOKEN, "fedcba9876543210"]
    monkeypatch.setattr(temporary.secrets, "token_hex", lambda count: tokens.pop(0))
    hspyio.save(tmp_path / "a.hspy", SIGNAL)
    assert hspyio.load(tmp_path / "a.hspy").data.size == 3
    swept = kind == "file" and TOKEN in name
    assert names(tmp_path) == (["a.hspy"] if swept else [name, "a.hspy"])


def test_only_what_a_kill_has_left_is_swept(tmp_path: Path) -> None:
    ours = (f".b.hspy.{TOKEN}.hspyio-tmp", f".{'x' * 8}.{TOKEN}.hspyio-tmp")
    for name in ours:
        (tmp_path / name).write_bytes(b"half a file")
    left = tmp_path / f".c.nc.{TOKEN}.hspyio-tmp"
    left.mkdir()
    (left / "lock").touch()
    (left / "c.nc").write_bytes(b"half a file")
    (tmp_path / f".d.nc.{TOKEN}.hspyio-tmp").mkdir()
    others = (
        "mine.hspyio-tmp",
        ".hspyio-tmp",
        ".b.hspy.hspyio-tmp",
        f".b.{TOKEN[:-1]}.hspyio-tmp",
        f"b.{TOKEN}.hspyio-tmp",
        f".b.{TOKEN}.hspyio-tmp-old",
        f".b.{TOKEN}.hspyio-tmp.bak",
    )
    for name in others:
        (tmp_path / name).write_bytes(b"somebody's")
    (tmp_path / f".e.{TOKEN}.hspyio-tmp").mkdir()
    (tmp_path / f".e.{TOKEN}.hspyio-tmp" / "without our lock").write_bytes(b"somebody's")
    hspyio.save(tmp_path / "a.hspy", SIGNAL)
    assert names(tmp_path) == sorted(["a.hspy", *others, f".e.{TOKEN}.hspyio-tmp"])


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root gives files away")
def test_what_is_another_users_is_left(tmp_path: Path) -> None:
    place = tmp_path / f".b.hspy.{TOKEN}.hspyio-tmp"
    place.write_bytes(b"half a file")
    os.chown(place, 65534, 65534)
    hspyio.save(tmp_path / "a.hspy", SIGNAL)
    assert names(tmp_path) == [place.name, "a.hspy"]


KILLED = """
import os, signal, sys
from hspyio.transaction.temporary import file_beside, folder_beside
with {beside}(sys.argv[1]):
    os.kill(os.getpid(), signal.{signal})
"""


@pytest.mark.parametrize("beside", ["file_beside", "folder_beside"])
@pytest.mark.parametrize("number", ["SIGKILL", "SIGTERM"])
def test_a_kill_leaves_what_the_next_save_sweeps(tmp_path: Path, beside: str, number: str) -> None:
    program = KILLED.format(beside=beside, signal=number)
    command = [sys.executable, "-c", program, str(tmp_path / "x.nc")]
    child = subprocess.run(command, timeout=120, check=False)
    assert child.returncode == -getattr(signal, number)
    assert len(names(tmp_path)) == (number == "SIGKILL")
    hspyio.save(tmp_path / "a.hspy", SIGNAL)
    assert names(tmp_path) == ["a.hspy"]


@pytest.mark.parametrize("beside", [file_beside, folder_beside])
def test_what_is_alive_is_not_swept(tmp_path: Path, beside: Any) -> None:
    with beside(str(tmp_path / "x.nc")) as made:
        hspyio.save(tmp_path / "a.hspy", SIGNAL)
        assert os.path.exists(made.path)
        with pytest.raises(FileLockedError), beside(str(tmp_path / "x.nc")):
            pass
    assert names(tmp_path) == ["a.hspy"]


@pytest.mark.parametrize("count", [2, 8])
def test_of_those_who_begin_at_once_one_goes_on(tmp_path: Path, count: int) -> None:
    for round_ in range(5):
        target = str(tmp_path / f"{round_}.hspy")
        start, done = threading.Barrier(count), threading.Barrier(count)
        outcomes: list[str] = []

        def write(target: str = target, start: Any = start, done: Any = done) -> None:
            start.wait()
            try:
                with file_beside(target):
                    outcomes.append("alone")  # noqa: B023
                    done.wait(30)
                return
            except FileLockedError as error:
                outcomes.append(error.message.partition(" by ")[2].partition(";")[0])  # noqa: B023
            done.wait(30)

        threads = [threading.Thread(target=write) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == [
            "alone",
            *["another thread of this program"] * (count - 1),
        ]


@pytest.mark.parametrize("beside", [file_beside, folder_beside])
def test_where_each_is_removed_at_once_there_is_an_end(
    tmp_path: Path, beside: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(temporary, "may_stand", lambda path: False)
    with pytest.raises(SaveError, match="something removes each"), beside(str(tmp_path / "a")):
        pass


def test_a_file_system_that_numbers_files_anew_at_each_look(
    tmp_path: Path, monkeypatch: Any
) -> None:
    """Some network file systems do; nothing waits for ever, and files are saved and replaced."""
    path = tmp_path / "a.hspy"
    hspyio.save(path, SIGNAL)
    original, count = os.stat, iter(range(10**9))

    def unstable(place: Any, **options: Any) -> Any:
        found = original(place, **options)
        values = list(found)
        values[1] = next(count)
        return os.stat_result(values, {"st_mtime_ns": found.st_mtime_ns})

    monkeypatch.setattr(system.os, "stat", unstable)
    hspyio.save(path, Signal(np.zeros(5)), overwrite=True)
    monkeypatch.undo()
    assert hspyio.load(path).data.size == 5
    assert names(tmp_path) == ["a.hspy"]


def test_long_and_odd_names(tmp_path: Path) -> None:
    for name in ("x" * 240 + ".hspy", "ü 1.hspy", ".hspy", "€" * 80, "-rf", "a\nb"):
        with file_beside(str(tmp_path / name)) as made:
            made.close()
            made.descriptor = -1
        assert names(tmp_path) == []


@pytest.mark.parametrize("beside", [file_beside, folder_beside])
@pytest.mark.parametrize("failure", [None, OSError("full"), SaveError("full")])
def test_what_cannot_be_removed_is_told_and_the_next_one_removes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beside: Any, failure: Exception | None
) -> None:
    def refuse(path: object, **options: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    target = str(tmp_path / "a.hspy")
    try:
        with beside(target) as made:
            monkeypatch.setattr(os, "unlink", refuse)
            if failure is not None:
                raise failure
        told = made.left
    except OSError as error:
        told = "".join([str(error), *getattr(error, "__notes__", ())])
    monkeypatch.undo()
    assert f"the temporary {os.path.basename(made.path)} could not be removed" in told
    assert os.path.exists(made.path)
    with beside(target):
        assert not os.path.exists(made.path)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("beside", [file_beside, folder_beside])
def test_a_drive_that_is_gone_once_it_is_made_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beside: Any
) -> None:
    def refuse(path: object, *others: object, **options: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    made = ""
    for call in ("lstat", "unlink", "rmdir"):
        monkeypatch.setattr(os, call, refuse)
    told = made = ""
    try:
        with beside(str(tmp_path / "a.hspy")) as temporary_file:
            made = temporary_file.path
            refuse(made)
    except OSError as error:
        told = "".join([str(error), *getattr(error, "__notes__", ())])
    monkeypatch.undo()
    assert names(tmp_path) == [os.path.basename(made)]
    assert f"the temporary {os.path.basename(made)} could not be removed" in told
    with beside(str(tmp_path / "a.hspy")):
        pass
    assert names(tmp_path) == []


def test_a_name_is_free_only_where_the_system_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(source: str, target: str) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    def no_answer(path: object, **options: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    (tmp_path / "new").write_bytes(b"new")
    (tmp_path / "old").write_bytes(b"old")
    monkeypatch.setattr(os, "link", no_links)
    monkeypatch.setattr(os, "lstat", no_answer)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        system.move_to_new(str(tmp_path / "new"), str(tmp_path / "old"))
    assert (tmp_path / "old").read_bytes() == b"old"
