"""A file that is switched again and again, with chunks of the writer's own behind its end."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from rsciio.hspy import file_writer

import hspyio
from hspyio import Signal
from hspyio.arrays.workers import Workers
from hspyio.errors import FileLockedError, MissingFileError, SaveError
from hspyio.nodes.node import Array, Group, IndexedSource
from hspyio.transaction import commit
from hspyio.transaction.changes import Rest, Step
from hspyio.transaction.growing import open_growing
from support.defects.tools import exchange
from support.grown import Grown

SIGNAL = Signal(np.arange(3.0), metadata={"General": {"title": "one"}})
ALL = Rest("/")


@pytest.fixture(params=["ours", "superblock 0"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "a.hspy"
    if request.param == "ours":
        hspyio.save(path, SIGNAL)
    else:
        file_writer(str(path), exchange(SIGNAL))
    return path


def steps(name: str, address: int | None = None) -> list[Step]:
    source = IndexedSource((4, 2), np.asarray(3, "u2"), address)
    array = Array(np.dtype("u2"), source, chunks=(2, 2), maxshape=(None, 2))
    return [Group({}, {name: array}), ALL]


def test_each_switch_keeps_what_is_there_and_what_the_writer_put(path: Path) -> None:
    with open_growing(str(path), durable=True) as file:
        for turn in range(3):
            start = file.end + 1000
            file.write([memoryview(bytes([turn]) * 1000)], file.end)
            before = path.read_bytes()[100 : file.end]
            file.sync()
            file.switch(steps(f"new {turn}"), start, Workers())
            assert path.read_bytes()[100 : 100 + len(before)] == before
            assert path.read_bytes()[start - 1000 : start] == bytes([turn]) * 1000
            with h5py.File(path) as opened:
                assert {f"new {i}" for i in range(turn + 1)} <= set(opened)
                assert (opened[f"new {turn}"][:] == 3).all()
            assert hspyio.load(path).title == "one"
    assert path.stat().st_size == file.end


def test_it_is_as_long_as_its_next_end_before_that_is_there(path: Path) -> None:
    """HDF5's readers ask for the length first, and may find a newer end then."""
    with open_growing(str(path), durable=False) as file:
        for turn in range(8):
            before = path.stat().st_size
            place = file.end + 300_000
            file.write([memoryview(bytes(300_000))], file.end)
            file.switch(steps(f"new {turn}"), place, Workers())
            assert file.end <= before
            assert path.stat().st_blocks * 512 < file.end + 10**6
    assert path.stat().st_size == file.end


def test_the_array_leads_to_its_index(path: Path, tmp_path: Path) -> None:
    grown = Grown(tmp_path / "b.h5", (2, 2), (2, 1))
    with open_growing(str(path), durable=False) as file:
        chunk = np.arange(4, dtype="u2").tobytes()
        one = np.array([1])
        grown.tree.set(one, np.array([file.end]), np.array([8]), np.array([0]))
        nodes, root = grown.tree.write(file.end + 8)
        file.write([memoryview(chunk + nodes)], file.end)
        file.switch(steps("new", root), file.end + 8 + len(nodes), Workers())
        with h5py.File(path) as opened:
            assert opened["new"][:].tolist() == [[3, 3], [3, 3], [0, 1], [2, 3]]


def test_nothing_is_written_where_readers_are(path: Path) -> None:
    before = path.read_bytes()
    with open_growing(str(path), durable=False) as file:
        with pytest.raises(SaveError, match="where readers are"):
            file.write([memoryview(b"x")], file.end - 1)
        file.write([memoryview(b"x" * 100)], file.end)
    assert path.read_bytes() == before  # what no reader knows of is cut


def test_others_are_kept_out_and_readers_are_not(path: Path) -> None:
    with open_growing(str(path), durable=False):
        with pytest.raises(FileLockedError), open_growing(str(path), durable=False):
            pass
        with pytest.raises(FileLockedError):
            hspyio.update(path, SIGNAL)
        with pytest.raises(BlockingIOError):
            h5py.File(path, "r+")
        with h5py.File(path) as opened:
            assert "Experiments" in opened
        assert hspyio.load(path).title == "one"
    hspyio.update(path, SIGNAL)


def test_what_a_kill_has_left_is_cut(path: Path) -> None:
    before = path.read_bytes()
    with open(path, "ab") as stream:
        stream.write(b"chunks of nobody" * 1000)
    with open_growing(str(path), durable=False) as file:
        assert not path.read_bytes()[file.end :].strip(b"\0")
    assert path.stat().st_size == file.end
    assert path.read_bytes()[: file.end] == before[: file.end]


def test_a_switch_that_fails_leaves_the_state_before(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_growing(str(path), durable=True) as file:
        end = file.end
        file.write([memoryview(b"c" * 50)], end)
        monkeypatch.setattr(commit.RootSwitch, "_is_sound", lambda *_: False)
        with pytest.raises(SaveError, match="as it was"):
            file.switch(steps("new"), end + 50, Workers())
        assert file.end == end
        file.cut()
        assert path.stat().st_size == end
    assert hspyio.load(path).title == "one"


def test_what_cannot_grow_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    with pytest.raises(MissingFileError), open_growing(str(path), durable=False):
        pass
    with h5py.File(path, "w", userblock_size=512) as file:
        file["x"] = 1
    with pytest.raises(SaveError, match="hspy repack"), open_growing(str(path), durable=False):
        pass
    hspyio.save(path, SIGNAL, overwrite=True)
    os.chmod(path, 0o400)
    if os.access(path, os.W_OK):
        pytest.skip("nothing is protected from root")
    with pytest.raises(SaveError, match="write-protected"):
        open_growing(str(path), durable=False).__enter__()
