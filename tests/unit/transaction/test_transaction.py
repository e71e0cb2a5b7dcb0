"""Changes by a switch of the root: what readers see, and which files are written anew instead."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from rsciio.hspy import file_reader, file_writer

import hspyio
from hspyio import Signal
from hspyio.arrays.workers import Workers
from hspyio.compare import signal_differences
from hspyio.errors import HspyError, SaveError
from hspyio.hdf5 import local_snapshot as handles
from hspyio.hdf5.format.superblock import read_superblock
from hspyio.names import CURRENT_VERSION
from hspyio.transaction import changes, commit
from hspyio.transaction.commit import CopyOnWriteFile
from support import places
from support.defects.tools import exchange

DATA = np.arange(60_000, dtype="u2").reshape(10, 20, 300)
SUPERBLOCK_1 = places.TESTS / "support" / "superblock1.hspy"


def signal(title: str = "one", data: Any = DATA) -> Signal:
    return Signal(
        data,
        signal_dimension=1,
        metadata={"General": {"title": title}, "Sample": {"name": "glass", "list": [1, "a", None]}},
        original_metadata={f"key {i}": f"value {i}" for i in range(50)},
        models={"fit": {"components": [1.5, 2.5]}},
    )


def rewritten_by(libver: Any, **options: Any) -> Any:
    """A file of ours, copied object by object into one of another kind."""

    def make(path: Path) -> None:
        ours = path.with_suffix(".ours.hspy")
        hspyio.save(ours, signal())
        with h5py.File(ours) as old, h5py.File(path, "w", libver=libver, **options) as new:
            for name, value in old.attrs.items():
                new.attrs[name] = value
            for name in old:
                old.copy(name, new)
        ours.unlink()

    return make


def by_rosettasciio(path: Path) -> None:
    file_writer(str(path), exchange(signal()))


def dense(path: Path) -> None:
    """Many attributes and members: HDF5 stores them in heaps of their own."""
    rewritten_by("latest")(path)
    with h5py.File(path, "r+", libver="latest") as file:
        for i in range(100):
            file.attrs[f"note {i}"] = f"text {i}"
            file["Experiments/one"].attrs[f"note {i}"] = i
            file.create_group(f"beside/{i}").attrs["x"] = "y"


MAKERS: dict[str, tuple[Any, int]] = {
    "ours": (lambda path: hspyio.save(path, signal()), 2),
    "RosettaSciIO": (by_rosettasciio, 0),
    "h5py": (rewritten_by(("earliest", "latest")), 0),
    "h5py, latest": (rewritten_by("latest"), 3),
    "h5py, 1.8 to latest": (rewritten_by(("v108", "latest")), 2),
    "dense": (dense, 3),
}
WRITTEN_ANEW: dict[str, Any] = {
    "user block": rewritten_by("latest", userblock_size=1024),
    "pages": rewritten_by("latest", fs_strategy="page", fs_page_size=4096),
    "noted free space": rewritten_by("latest", fs_strategy="fsm", fs_persist=True),
    "superblock 1": lambda path: shutil.copyfile(SUPERBLOCK_1, path),
}


@pytest.fixture(params=MAKERS)
def path(request: Any, tmp_path: Path) -> Path:
    make, version = MAKERS[request.param]
    path = tmp_path / f"{request.param}.hspy"
    make(path)
    with path.open("rb") as stream:
        block = read_superblock(stream.fileno())
    assert block is not None and block.version == version
    return path


def changed(path: Path, title: str, **values: Any) -> Signal:
    made = hspyio.load(path, name=next(iter(hspyio.open(path))))
    made.metadata.set_item("General.title", title)
    for name, value in values.items():
        made.metadata.set_item(f"Sample.{name}", value)
    return made


def title_in(path: Path) -> str:
    [content] = file_reader(str(path))
    assert np.array_equal(content["data"], DATA)
    return str(content["metadata"]["General"]["title"])


def test_an_update_leaves_every_byte_of_the_old_state(path: Path) -> None:
    before = path.read_bytes()
    made = changed(path, "two", name="quartz")
    hspyio.update(path, made)
    after = path.read_bytes()
    assert len(before) < len(after) < len(before) + 100_000
    differing = [i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b]
    assert max(differing) < 96
    read = hspyio.load(path)
    assert (read.title, read.metadata.Sample.name) == ("two", "quartz")
    assert np.array_equal(read.data, DATA)
    assert read.models["fit"].tree.as_dictionary()["components"] == [1.5, 2.5]
    assert title_in(path) == "two"
    with h5py.File(path, "r+") as file:  # any HDF5 program goes on with it
        file["Experiments/two/metadata/General"].attrs["title"] = "three"
        file["Experiments/two/more"] = np.arange(1000)
    assert hspyio.load(path).title == "three"
    hspyio.update(path, changed(path, "four"))
    assert title_in(path) == "four"
    assert list(path.parent.iterdir()) == [path]


def test_what_stands_beside_stays(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["mine/deep/x"] = np.arange(5)
        file["mine"].attrs["note"] = "µ"
        file["Experiments/one/own"] = "kept"
        file["soft"] = h5py.SoftLink("/mine/deep")
        file.attrs["lab"] = "B12"
    before = path.stat().st_size
    hspyio.update(path, changed(path, "two"))
    hspyio.append(path, signal("three", np.zeros((2, 2))))
    assert path.stat().st_size < before + 200_000
    with h5py.File(path) as file:
        assert file["soft/x"][...].tolist() == [0, 1, 2, 3, 4]
        assert file["mine"].attrs["note"] == "µ"
        assert file.attrs["lab"] == "B12"
        assert list(file["Experiments"]) == ["two", "three"]
        assert file["Experiments/two/own"][()] == b"kept"


def test_texts_and_references_beside_stay(path: Path) -> None:
    """A reference to what is written anew leads to that; texts never go where they are lost."""
    with h5py.File(path, "r+") as file:
        file.attrs["text"] = "new in every heap"
        file.attrs["where"] = file["Experiments/one"].ref
        file.attrs["nowhere"] = h5py.Reference()
    hspyio.add_nexus(path)
    hspyio.update(path, changed(path, "one", name="quartz"))
    with h5py.File(path) as file:
        assert file.attrs["text"] == "new in every heap"
        assert file[file.attrs["where"]]["metadata/Sample"].attrs["name"] == "quartz"
        assert not file.attrs["nowhere"]
        assert file.attrs["file_format_version"] == CURRENT_VERSION


def test_append_and_remove_leave_every_byte_too(path: Path) -> None:
    before = path.read_bytes()
    more = np.random.default_rng(1).random((40, 5000))
    hspyio.append(path, signal("more", more))
    hspyio.append(path, signal("plain", more), compression=None)
    middle = path.read_bytes()
    assert middle[96 : len(before)] == before[96:]
    hspyio.remove(path, "one")
    assert path.read_bytes()[96 : len(middle)] == middle[96:]
    assert list(hspyio.open(path)) == ["more", "plain"]
    for name in ("more", "plain"):
        assert np.array_equal(hspyio.load(path, name=name).data, more)
    assert [np.array_equal(c["data"], more) for c in file_reader(str(path))] == [True, True]


def test_readers_are_not_disturbed(path: Path) -> None:
    lazy = hspyio.load(path, lazy=True)
    with h5py.File(path) as file:
        general = file["Experiments/one/metadata/General"]
        for number in range(3):
            hspyio.update(path, changed(path, f"title {number}"))
        assert general.attrs["title"] == "one"
        assert np.array_equal(file["Experiments/one/data"][...], DATA)
    assert np.array_equal(lazy.data.compute(scheduler="threads"), DATA)


def test_what_a_kill_has_left_behind_the_end_is_cut(path: Path) -> None:
    before = path.read_bytes()
    with path.open("ab") as stream:
        stream.write(os.urandom(100_000))
    assert title_in(path) == "one"
    hspyio.update(path, changed(path, "two"))
    assert path.stat().st_size < len(before) + 100_000
    assert title_in(path) == "two"


def test_many_updates_and_a_repack(path: Path, tmp_path: Path) -> None:
    fresh, packed = tmp_path / "fresh.hspy", tmp_path / "packed.hspy"
    content = hspyio.load(path)
    noise = content.copy()
    noise.data = np.random.default_rng(2).random(DATA.shape)
    hspyio.append(path, noise)
    most = 200 if path.stem == "ours" else 30
    for number in range(most):
        content.metadata.General.title = f"title {number}"
        hspyio.update(path, content, name=next(iter(hspyio.open(path))))
    assert list(hspyio.open(path)) == [f"title {most - 1}", "one_2"]
    hspyio.repack(path, packed)
    hspyio.save(fresh, [hspyio.load(path, name=name) for name in hspyio.open(path)])
    beside = 0.1 if path.stem == "dense" else 0.01  # a fresh file has not got what is not ours
    assert packed.stat().st_size == pytest.approx(fresh.stat().st_size, rel=beside)
    for name in hspyio.open(path):
        one, other = hspyio.load(path, name=name), hspyio.load(packed, name=name)
        assert not signal_differences(one, other)


@pytest.mark.parametrize("make", WRITTEN_ANEW.values(), ids=WRITTEN_ANEW)
def test_other_files_are_written_anew(make: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    make(path)
    inode = path.stat().st_ino
    data = hspyio.load(path).data
    hspyio.update(path, changed(path, "two"))
    hspyio.append(path, signal("three"))
    assert path.stat().st_ino != inode
    assert list(hspyio.open(path)) == ["two", "three"]
    assert np.array_equal(hspyio.load(path, name="two").data, data)


def test_a_tree_that_does_not_read_back_is_never_switched_to(path: Path, monkeypatch: Any) -> None:
    inode = path.stat().st_ino
    monkeypatch.setattr(changes, "first_difference", lambda *args: "/Experiments")
    hspyio.update(path, changed(path, "two"))
    assert title_in(path) == "two"
    assert path.stat().st_ino != inode  # written anew instead


@pytest.mark.parametrize("function", ["take_over", "store_graphs", "sync", "first_difference"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_leaves_the_file_as_it_was(
    path: Path, function: str, error: BaseException, monkeypatch: Any
) -> None:
    before = path.read_bytes()
    made = changed(path, "two")
    home = {"take_over": changes._Staying, "sync": commit}.get(function, changes)
    original = getattr(home, function)

    def failing(*args: Any, **options: Any) -> None:
        if function != "first_difference":
            original(*args, **options)
        raise error

    monkeypatch.setattr(home, function, failing)
    if function == "first_difference" and isinstance(error, OSError):
        hspyio.update(path, made)  # cannot be proven, so it is written anew
        assert title_in(path) == "two"
        return
    with pytest.raises((SaveError, KeyboardInterrupt)) as caught:
        hspyio.update(path, made)
    assert path.read_bytes() == before
    if caught.type is SaveError:
        assert "it is as it was" in str(caught.value)


def test_a_copy_on_write_file_keeps_what_lies_below_its_end(tmp_path: Path) -> None:
    path = tmp_path / "x"
    old = bytes(range(256)) * 40
    path.write_bytes(old)
    with CopyOnWriteFile(os.open(path, os.O_RDWR), Workers(), len(old)) as file:
        rng = np.random.default_rng(5)
        seen = bytearray(old)
        for _ in range(300):
            place, count = int(rng.integers(0, len(old) + 500)), int(rng.integers(1, 6000))
            piece = rng.bytes(count)
            seen.extend(bytes(max(0, place + count - len(seen))))
            seen[place : place + count] = piece
            file.seek(place)
            assert file.write(memoryview(piece)) == count
            assert file.tell() == place + count
            start, length = int(rng.integers(0, len(seen))), int(rng.integers(1, 9000))
            buffer = bytearray(length)
            file.seek(start)
            found = file.readinto(memoryview(buffer))
            assert buffer[:found] == seen[start : start + found]
            assert found == min(length, len(seen) - start)
        file.truncate(100)  # of what is old, nothing goes
        with pytest.raises(SaveError, match="where old values are"):
            file.write_at([memoryview(b"x")], len(old) - 1)
        assert path.read_bytes()[: len(old)] == old
        assert path.read_bytes()[len(old) :] == seen[len(old) :]
        file.stop_writes()
        file.seek(len(old) + 5)
        file.write(memoryview(b"late"))
        file.truncate(len(old) + 1)
    assert path.read_bytes()[len(old) :] == seen[len(old) :]


def test_a_read_that_fails_under_hdf5_is_told_in_the_words_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, told = tmp_path / "a.hspy", []
    hspyio.save(path, [signal("a"), signal("b")])
    content, original = path.read_bytes(), handles.read_up_to
    for number in range(1, 400, 2):
        calls = itertools.count(1)

        def read(*arguments: Any, fails: int = number, calls: Any = calls) -> int:
            if next(calls) == fails:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return original(*arguments)

        path.write_bytes(content)
        monkeypatch.setattr(handles, "read_up_to", read)
        try:
            hspyio.remove(path, "b")
        except HspyError as error:
            told.append((str(error), path.read_bytes() == content))
        finally:
            monkeypatch.undo()
        if next(calls) <= number:
            break
    assert len(told) > 5
    assert [text for text, _ in told if os.strerror(errno.EIO) not in text] == []
    assert all(str(path) in text and whole for text, whole in told)
