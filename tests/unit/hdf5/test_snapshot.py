"""What every state of a file has in common, wherever its bytes are."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

import numpy as np
import pytest

import hspyio
from hspyio.hdf5.file_object import ObjectSnapshot
from hspyio.hdf5.local_snapshot import snapshot_of
from hspyio.hdf5.snapshot import Snapshot


@pytest.fixture(params=["path", "object"])
def snapshot(request: pytest.FixtureRequest, tmp_path: Path) -> Snapshot:
    path = tmp_path / "a.hspy"
    hspyio.save(path, hspyio.Signal(np.arange(12.0)))
    if request.param == "path":
        return snapshot_of(str(path))
    return ObjectSnapshot(io.BytesIO(path.read_bytes()), "a.hspy")


def test_size_and_bytes_are_those_of_the_file(snapshot: Snapshot, tmp_path: Path) -> None:
    content = (tmp_path / "a.hspy").read_bytes()
    assert snapshot.size == len(content)
    for state in (snapshot, snapshot.clone()):
        with state.open_source() as source:
            assert source.read(0, source.size) == content


def test_only_what_is_on_this_computer_is_local(snapshot: Snapshot) -> None:
    assert snapshot.is_local == (not isinstance(snapshot, ObjectSnapshot))


def test_an_index_is_found_once(snapshot: Snapshot) -> None:
    calls: list[int] = []
    found = [snapshot.index("/a", lambda: calls.append(1) or len(calls)) for _ in range(3)]
    assert found == [1, 1, 1]
    assert snapshot.index("/b", lambda: "other") == "other"


def test_a_child_has_locks_of_its_own(snapshot: Snapshot) -> None:
    held = snapshot.locks().finding
    held.acquire()
    try:
        child = os.fork()
        if not child:
            os._exit(0 if snapshot.locks().finding.acquire(timeout=5) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        held.release()


def test_one_thread_at_a_time_looks_for_an_index(snapshot: Snapshot) -> None:
    began: list[int] = []

    def find() -> int:
        began.append(1)
        threading.Event().wait(0.05)
        return len(began)

    threads = [threading.Thread(target=snapshot.index, args=("/x", find)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(began) == 1


def test_the_superblock_is_looked_for_once(snapshot: Snapshot) -> None:
    with snapshot.open_source() as source:
        first = snapshot.find_superblock(source)
        assert snapshot.find_superblock(source) is first
    assert first.end == snapshot.size
