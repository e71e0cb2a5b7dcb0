"""A file is saved whole or not at all."""

from __future__ import annotations

import errno
import gc
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import hspyio
from hspyio import Signal
from hspyio.arrays.workers import Workers
from hspyio.errors import (
    FilterError,
    HspyWarning,
    MissingFileError,
    SaveError,
    TargetExistsError,
)
from hspyio.hdf5.local_snapshot import DescriptorFile
from hspyio.hdf5.writing.output import Output
from hspyio.nodes.node import Array, Group
from hspyio.transaction import replace as atomic
from hspyio.transaction.replace import check_target
from hspyio.transaction.transaction import Transaction

SIGNAL = Signal(np.arange(3.0))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.hspy"
    path.write_bytes(b"old")
    return path


class Doing:
    """Values of an array, and what happens when they are asked for."""

    shape = (1000,)

    def __init__(self, act: Callable[[], object]) -> None:
        self.act = act

    def read(self, selection: Any = ()) -> Any:
        self.act()
        return np.arange(1000)[selection]


def nothing() -> None:
    pass


def save_file(
    path: str, act: Callable[[], object] = nothing, *, durable: bool, overwrite: bool = True
) -> None:
    """Save a file with one array; `act` comes when its header is on the disk."""
    array = Array(np.dtype("i8"), Doing(act), chunks=(100,))
    with Transaction.new(path, overwrite=overwrite, durable=durable) as tx:
        tx.write(Group({}, {"x": array}))
        tx.commit(Workers())


def raising(error: BaseException) -> Callable[[], object]:
    def act() -> None:
        raise error

    return act


def only(path: Path) -> bool:
    """Whether nothing stands beside it."""
    return list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("durable", [True, False])
def test_a_new_file_takes_the_place_of_the_old(path: Path, durable: bool) -> None:
    save_file(str(path), durable=durable)
    with h5py.File(path) as file:
        assert file["x"].shape == (1000,)
    assert only(path)


@pytest.mark.parametrize(("durable", "count"), [(True, 2), (False, 0)])
def test_durable_waits_for_file_and_folder(
    path: Path, durable: bool, count: int, monkeypatch: Any
) -> None:
    synced, original = [], os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(stat.S_IFMT(os.fstat(descriptor).st_mode))
        original(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    save_file(str(path), durable=durable)
    assert synced == [stat.S_IFREG, stat.S_IFDIR][:count]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(28, "No space left on device"), SaveError),
        (RuntimeError("flush"), SaveError),
        (FilterError("gone"), FilterError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (ZeroDivisionError(), SaveError),
    ],
)
def test_a_failure_in_the_middle_leaves_the_old_file(
    path: Path, error: BaseException, expected: type[BaseException]
) -> None:
    with pytest.raises(expected) as caught:
        save_file(str(path), raising(error), durable=True)
    assert path.read_bytes() == b"old"
    assert only(path)
    if expected is SaveError:
        assert isinstance(caught.value, SaveError)
        assert "what was there is untouched" in str(caught.value)
        assert caught.value.path == str(path)


@pytest.mark.parametrize("step", ["replace", "fsync"])
def test_a_failure_at_the_end_does_too(path: Path, step: str, monkeypatch: Any) -> None:
    def failing(*args: Any) -> None:
        raise OSError(5, "no")

    monkeypatch.setattr(atomic.os, step, failing)
    with pytest.raises(SaveError, match="no"):
        save_file(str(path), durable=True)
    assert path.read_bytes() == b"old"
    assert only(path)


def test_a_folder_that_cannot_be_flushed_is_no_failure(path: Path, monkeypatch: Any) -> None:
    """The new file stands by then; network file systems flush no folders."""
    original = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(22, "Invalid argument")
        original(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    save_file(str(path), durable=True)
    assert path.read_bytes()[:4] == b"\x89HDF"
    assert only(path)


def failing_fsync(monkeypatch: Any, number: int, *, folder: bool) -> None:
    original = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode) == folder:
            raise OSError(number, os.strerror(number))
        original(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)


def test_a_folder_that_fails_to_be_flushed_is_an_error_that_says_what_stands(
    path: Path, monkeypatch: Any
) -> None:
    failing_fsync(monkeypatch, errno.EIO, folder=True)
    with pytest.raises(SaveError, match="is written and stands in its place"):
        save_file(str(path), durable=True)
    assert path.read_bytes()[:4] == b"\x89HDF"
    assert only(path)
    save_file(str(path), durable=False)  # which does not ask


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
@pytest.mark.parametrize(
    "write",
    [lambda path: hspyio.save(path, SIGNAL, overwrite=True), lambda path: hspyio.remove(path, "b")],
)
def test_a_file_system_without_fsync_is_a_warning(
    path: Path, number: int, write: Any, monkeypatch: Any
) -> None:
    both = [Signal(np.ones(2), metadata={"General": {"title": title}}) for title in "ab"]
    hspyio.save(path, both, overwrite=True)
    failing_fsync(monkeypatch, number, folder=False)
    with pytest.warns(HspyWarning, match="fsync"):
        write(path)
    assert len(hspyio.open(path)) == 1
    assert only(path)


def test_a_name_that_cannot_be_removed_after_the_link(tmp_path: Path, monkeypatch: Any) -> None:
    """The file is there by then, so that saving did not fail; the name is told, and swept later."""
    path, unlink = tmp_path / "a.hspy", os.unlink

    def refuse(*args: Any, **options: Any) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "unlink", refuse)
    with pytest.warns(HspyWarning, match="is written, but the temporary") as told:
        hspyio.save(path, SIGNAL)
    monkeypatch.setattr(os, "unlink", unlink)
    assert all(name in str(told[0].message) for name in os.listdir(tmp_path) if name != "a.hspy")
    assert hspyio.load(path).data.size == 3
    hspyio.save(tmp_path / "b.hspy", SIGNAL)
    assert sorted(os.listdir(tmp_path)) == ["a.hspy", "b.hspy"]


def test_what_is_left_is_told_with_a_folder_that_is_not_synced(
    tmp_path: Path, monkeypatch: Any
) -> None:
    path = tmp_path / "a.hspy"

    def refuse(*args: Any, **options: Any) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "unlink", refuse)
    monkeypatch.setattr(atomic, "sync_folder", refuse)
    with pytest.raises(SaveError, match="did not confirm its name") as failed:
        hspyio.save(path, SIGNAL)
    monkeypatch.undo()
    [left] = set(os.listdir(tmp_path)) - {"a.hspy"}
    assert left in str(failed.value)
    assert hspyio.load(path).data.size == 3


@pytest.mark.parametrize("step", ["replace", "link"])
def test_a_rename_that_is_done_and_reported_as_failed(
    path: Path, step: str, monkeypatch: Any
) -> None:
    """Network file systems do so when an answer got lost, and they ask again."""
    original = getattr(os, step)

    def done_and_failed(source: Any, target: Any) -> None:
        original(source, target)
        kind = FileExistsError if step == "link" else FileNotFoundError
        raise kind(errno.EEXIST if step == "link" else errno.ENOENT, "again")

    monkeypatch.setattr(os, step, done_and_failed)
    if step == "link":
        path.unlink()
    save_file(str(path), durable=True, overwrite=step == "replace")
    assert path.read_bytes()[:4] == b"\x89HDF"
    assert only(path)


def test_an_error_at_close_is_reported_once(path: Path, monkeypatch: Any) -> None:
    """Network file systems say so late that a write failed."""
    original, failures = os.close, []

    def close(descriptor: int) -> None:
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        original(descriptor)
        if regular:
            failures.append(descriptor)
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "close", close)
    with pytest.raises(SaveError, match=r"untouched.*Input/output error"):
        save_file(str(path), durable=True)
    assert hspyio.transaction.replace.os.close is close
    monkeypatch.setattr(os, "close", original)
    gc.collect()  # nothing comes out of __del__, which pytest would report
    assert failures
    assert path.read_bytes() == b"old"
    assert only(path)


def test_readers_do_not_care_for_an_error_at_close(tmp_path: Path, monkeypatch: Any) -> None:
    path, original = tmp_path / "a.hspy", os.close
    hspyio.save(path, SIGNAL)

    def close(descriptor: int) -> None:
        original(descriptor)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "close", close)
    assert hspyio.load(path).data.tolist() == [0, 1, 2]
    lazy = hspyio.load(path, lazy=True)
    assert np.asarray(lazy.data).tolist() == [0, 1, 2]
    del lazy
    gc.collect()


def test_a_dask_array_that_fails_leaves_the_old_file(path: Path) -> None:
    import dask.array as da

    def block(values: np.ndarray) -> np.ndarray:
        if values[0] >= 20:
            raise ValueError("in a worker")
        return values

    data = da.arange(40, chunks=10).map_blocks(block, dtype=float)
    with pytest.raises((ValueError, SaveError), match="in a worker"):
        hspyio.save(path, Signal(data), overwrite=True)
    assert path.read_bytes() == b"old"
    assert only(path)


def test_a_file_that_never_was_is_not_there_after_a_failure(tmp_path: Path) -> None:
    with pytest.raises(SaveError):
        save_file(str(tmp_path / "new.hspy"), raising(OSError("no")), durable=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
@pytest.mark.parametrize("mode", [0o600, 0o664, 0o444])
def test_permissions_are_kept(path: Path, mode: int) -> None:
    path.chmod(mode)
    save_file(str(path), durable=False)
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_a_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    save_file(str(tmp_path / "new"), durable=False)
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "a.hspy", tmp_path / "link.hspy"
    target.write_bytes(b"old")
    link.symlink_to(target)
    hspyio.save(link, SIGNAL, overwrite=True)
    assert link.is_symlink()
    assert target.read_bytes()[:4] == b"\x89HDF"
    assert only(target)
    dangling = tmp_path / "dangling.hspy"
    dangling.symlink_to(tmp_path / "real" / "new.hspy")
    with pytest.raises(TargetExistsError):
        hspyio.save(dangling, SIGNAL)
    hspyio.save(dangling, SIGNAL, overwrite=True)
    assert (tmp_path / "real" / "new.hspy").is_file()


def test_a_hard_link_keeps_the_old_content(path: Path, tmp_path: Path) -> None:
    os.link(path, tmp_path / "other")
    with pytest.warns(HspyWarning, match="hard links"):
        save_file(str(path), durable=False)
    assert (tmp_path / "other").read_bytes() == b"old"


def test_long_and_odd_names(tmp_path: Path) -> None:
    for name in ("x" * 240 + ".hspy", "ü 1.hspy", ".hspy", "€" * 80, "-rf"):
        save_file(str(tmp_path / name), durable=False)
        assert (tmp_path / name).is_file()


def test_the_target_is_checked_before_anything_is_computed(path: Path) -> None:
    with pytest.raises(TargetExistsError, match="overwrite=True replaces it"):
        check_target(str(path), overwrite=False)
    check_target(str(path), overwrite=True)
    with pytest.raises(SaveError, match="is a folder"):
        check_target(str(path.parent), overwrite=True)
    with pytest.raises(MissingFileError, match="there is no folder"):
        check_target(str(path.parent / "no" / "a.hspy"), overwrite=True)
    with pytest.raises(MissingFileError):
        check_target(str(path / "a.hspy"), overwrite=True)
    assert path.read_bytes() == b"old"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root writes anywhere")
def test_a_folder_that_is_read_only_is_a_save_error(path: Path) -> None:
    path.parent.chmod(0o500)
    try:
        with pytest.raises(SaveError, match="untouched"):
            hspyio.save(path, SIGNAL, overwrite=True)
    finally:
        path.parent.chmod(0o700)
    assert path.read_bytes() == b"old"


def test_a_folder_that_refuses_is_a_save_error(path: Path, monkeypatch: Any) -> None:
    def refuse(*args: Any, **options: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(atomic, "session_of", refuse)
    with pytest.raises(SaveError, match="Permission denied") as caught:
        save_file(str(path), durable=True)
    assert isinstance(caught.value.__context__, PermissionError)
    assert path.read_bytes() == b"old"


def test_relative_paths_and_the_home_of_the_temporary_file(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    seen = []

    def looking() -> None:
        seen.extend(entry.name for entry in tmp_path.iterdir())

    save_file("a.hspy", looking, durable=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.hspy"]
    assert len(seen) == 1
    assert seen[0].startswith(".")


def test_an_open_reader_keeps_the_old_state(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, SIGNAL)
    with h5py.File(path) as old:
        hspyio.save(path, Signal(np.zeros(7)), overwrite=True)
        [experiment] = old["Experiments"].values()
        assert experiment["data"][...].tolist() == [0, 1, 2]
    assert hspyio.load(path).data.shape == (7,)


# signals, at the one moment at which the file is made and nobody knows it yet

STRUCK = """
import os, signal, sys
import numpy, hspyio
from hspyio.transaction import temporary
made = temporary.create_new
def create_new(*arguments):
    descriptor = made(*arguments)
    os.kill(os.getpid(), getattr(signal, sys.argv[2]))
    return descriptor
temporary.create_new = create_new
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    hspyio.save(sys.argv[1], hspyio.Signal(numpy.arange(3.0)), overwrite=True)
except KeyboardInterrupt:
    print(os.listdir(os.path.dirname(sys.argv[1])))
    temporary.create_new = made
    hspyio.save(sys.argv[1], hspyio.Signal(numpy.arange(4.0)), overwrite=True)
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_leaves_no_file_that_was_just_made(path: Path, name: str) -> None:
    command = [sys.executable, "-c", STRUCK, str(path), name]
    child = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert only(path)
    if name == "SIGTERM":
        assert child.returncode == -signal.SIGTERM, child.stderr
        assert path.read_bytes() == b"old"
    else:
        assert (child.returncode, child.stdout) == (0, "['a.hspy']\n"), child.stderr
        assert hspyio.load(path).data.size == 4


@pytest.mark.parametrize("write", [hspyio.save, partial(hspyio.save, overwrite=True)])
def test_a_folder_or_file_that_cannot_be_looked_at_is_not_called_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[..., object]
) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, hspyio.Signal([1.0]))
    original = os.stat
    for broken in (tmp_path, path):

        def refuse(name: Any, *, broken: Path = broken, **options: Any) -> os.stat_result:
            if os.fspath(name) == str(broken):
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return original(name, **options)

        monkeypatch.setattr(os, "stat", refuse)
        with pytest.raises(SaveError, match=f"is untouched: {os.strerror(errno.EIO)}"):
            write(path, hspyio.Signal([2.0]))
        monkeypatch.undo()
    assert hspyio.load(path).data.tolist() == [1.0]


def test_a_name_that_cannot_be_looked_at_is_not_called_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.hspy"
    original = os.lstat

    def refuse(name: Any, **options: Any) -> os.stat_result:
        if os.fspath(name) == str(path):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return original(name, **options)

    monkeypatch.setattr(os, "lstat", refuse)
    with pytest.raises(SaveError, match=f"is untouched: {os.strerror(errno.EIO)}"):
        hspyio.save(path, hspyio.Signal([1.0]))
    monkeypatch.undo()
    assert not any(tmp_path.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("method", ["seek", "readinto", "write"])
def test_ctrl_c_wherever_hdf5_calls_us_is_ctrl_c_and_changes_nothing(
    method: str, path: Path, monkeypatch: Any, tmp_path_factory: Any
) -> None:
    """At its places one by one; raised under HDF5 it came out as an error of the file."""
    source = tmp_path_factory.mktemp("source") / "a.hspy"
    hspyio.save(source, SIGNAL, durable=False)
    # With a user block it is written anew, and what is in it is copied.
    with h5py.File(path, "w", userblock_size=512) as file, h5py.File(source) as old:
        file.attrs.update(old.attrs)
        old.copy("Experiments", file)
    content = path.read_bytes()
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    home = Output if method == "write" else DescriptorFile
    original, calls, at = getattr(home, method), 0, 0

    def struck(file: Any, *arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == at:
            signal.raise_signal(signal.SIGINT)
        return original(file, *arguments)

    monkeypatch.setattr(home, method, struck)
    added = Signal(np.arange(6.0), metadata={"General": {"title": "added"}})
    try:
        while calls >= at:
            at, calls = at + 3, 0
            try:
                hspyio.append(path, added, threads=1, durable=False)
            except KeyboardInterrupt:
                assert path.read_bytes() == content
                assert [entry.name for entry in path.parent.iterdir()] == [path.name]
            else:
                assert calls < at
    finally:
        signal.signal(signal.SIGINT, previous)
    assert at > 9 and "added" in hspyio.open(path)
