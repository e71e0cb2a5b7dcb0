"""The system gives and takes less than it is asked to; nobody above notices."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hspyio
from hspyio import Signal
from hspyio.arrays.workers import Workers
from hspyio.compare import signal_differences
from hspyio.errors import SaveError
from hspyio.hdf5.local_snapshot import DescriptorFile, PinnedFile
from hspyio.hdf5.writing.output import Output
from hspyio.system import calls as system
from hspyio.system.byte_source import LocalBytes

pytestmark = pytest.mark.skipif(not hasattr(os, "preadv"), reason="another primitive there")
CONTENT = bytes(range(256)) * 40


@pytest.fixture
def short(monkeypatch: Any) -> None:
    """Every read and write does a part of what it is asked for, another one each time."""
    counts = [1, 10**9, 10**9, 7, 10**9, 1000]
    turn = iter(range(10**9))
    originals = {name: getattr(os, name) for name in ("preadv", "pwritev")}

    def limited(buffers: Any) -> list[memoryview]:
        [first, *_] = [memoryview(buffer).cast("B") for buffer in buffers if len(buffer)] or [b""]
        most = max(1, min(len(first) // 2, counts[next(turn) % len(counts)]))
        return [memoryview(first)[:most]]

    def preadv(descriptor: int, buffers: Any, offset: int, *rest: Any) -> int:
        return int(originals["preadv"](descriptor, limited(buffers), offset, *rest))

    def pwritev(descriptor: int, buffers: Any, offset: int, *rest: Any) -> int:
        return int(originals["pwritev"](descriptor, limited(buffers), offset, *rest))

    monkeypatch.setattr(os, "preadv", preadv)
    monkeypatch.setattr(os, "pwritev", pwritev)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "x"
    path.write_bytes(CONTENT)
    return path


@given(data=st.data())
def test_buffers_are_filled_and_written_whole(tmp_path_factory: Any, data: Any) -> None:
    sizes = data.draw(st.lists(st.integers(0, 300), max_size=20))
    offset = data.draw(st.integers(0, 100))
    steps = data.draw(st.lists(st.integers(1, 200), min_size=1))
    path = tmp_path_factory.getbasetemp() / "short"
    with pytest.MonkeyPatch.context() as patch:
        turn = iter(range(10**6))
        read, write = os.preadv, os.pwritev

        def cut(buffers: Any) -> Any:
            left, parts = steps[next(turn) % len(steps)], []
            for buffer in buffers:
                parts.append(memoryview(buffer)[:left])
                left -= len(parts[-1])
            return parts

        patch.setattr(os, "preadv", lambda d, b, o: read(d, cut(b), o))
        patch.setattr(os, "pwritev", lambda d, b, o: write(d, cut(b), o))
        pieces = [memoryview(CONTENT[n : n + size]) for n, size in enumerate(sizes)]
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        try:
            system.write_from(descriptor, pieces, offset)
            found = [memoryview(bytearray(size)) for size in sizes]
            system.read_into(descriptor, found, offset)
            assert [bytes(part) for part in found] == [bytes(part) for part in pieces]
            one = memoryview(bytearray(sum(sizes) + 50))
            assert system.read_up_to(descriptor, [one], offset) == sum(sizes)
            with pytest.raises(OSError, match="ends at"):
                system.read_into(descriptor, [one], offset)
        finally:
            os.close(descriptor)


@pytest.mark.usefixtures("short")
def test_files_give_all_that_is_there(path: Path) -> None:
    def new() -> int:
        return os.open(path, os.O_RDWR)

    makers: dict[str, Any] = {
        "descriptor": lambda: DescriptorFile(new()),
        "pinned": lambda: PinnedFile(new(), CONTENT),
        "output": lambda: Output(new(), Workers()),
    }
    for make in makers.values():
        with make() as file:
            buffer = bytearray(9000)
            file.seek(200)
            assert file.readinto(memoryview(buffer)) == 9000
            assert bytes(buffer) == CONTENT[200:9200]
            file.seek(len(CONTENT) - 10)
            assert file.readinto(memoryview(bytearray(10))) == 10
    descriptor = new()
    assert LocalBytes(descriptor).read(5, 6000) == CONTENT[5:6005]
    os.close(descriptor)


def test_what_writes_nothing_is_an_error(path: Path, monkeypatch: Any) -> None:
    """And no loop without end."""
    monkeypatch.setattr(os, "pwritev", lambda *args: 0)
    descriptor = os.open(path, os.O_RDWR)
    with pytest.raises(OSError, match="nothing was written") as caught:
        system.write_from(descriptor, [memoryview(b"x")], 0)
    os.close(descriptor)
    assert caught.value.errno == errno.EIO
    with pytest.raises(SaveError, match="untouched"):
        hspyio.save(path.with_name("a.hspy"), Signal(np.arange(3.0)))
    assert os.listdir(path.parent) == ["x"]


def test_more_buffers_than_the_system_takes(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)
    pieces = [memoryview(CONTENT[n : n + 2]) for n in range(3000)]
    system.write_from(descriptor, pieces, 0)
    found = [memoryview(bytearray(2)) for _ in pieces]
    system.read_into(descriptor, found, 0)
    os.close(descriptor)
    assert found == pieces


def signal() -> Signal:
    rng = np.random.default_rng(0)
    return Signal(
        rng.integers(0, 9, (6, 50, 70)).astype("u2"),
        metadata={
            "General": {"title": "one"},
            "list": [1, "a", {"b": np.arange(5000)}],
            "texts": np.array(["ä" * n for n in range(50)], dtype=object),
        },
        original_metadata={f"key {i}": "x" * i for i in range(60)},
    )


OPERATIONS: dict[str, Any] = {
    "save": lambda path: hspyio.save(path, signal(), overwrite=True, checksum=True),
    "append": lambda path: hspyio.append(path, signal()),
    "update": lambda path: hspyio.update(path, signal(), name=next(iter(hspyio.open(path)))),
    "repack": lambda path: hspyio.repack(path, path, overwrite=True, chunks=(2, 20, 20)),
    "upgrade": lambda path: hspyio.upgrade(path, path, overwrite=True),
    "add_nexus": hspyio.add_nexus,
    "extract": lambda path: hspyio.extract(
        path, list(hspyio.open(path)), path.with_name("b.hspy"), overwrite=True
    ),
    "rescue": lambda path: hspyio.rescue(path, path.with_name("c.hspy")),
}


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("compression", ["gzip", None])
@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_short_reads_and_writes_change_nothing(
    tmp_path: Path, operation: Any, compression: str | None
) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, signal(), compression=compression)
    operation(path)
    for place in tmp_path.iterdir():
        for loaded in hspyio.open(place).values():
            assert not signal_differences(signal(), hspyio.load(place, name=loaded.location.group))
            assert np.array_equal(np.asarray(loaded.data), signal().data)
        assert hspyio.verify(place).ok
        assert hspyio.validate(place).ok
    with h5py.File(path) as file:
        assert np.array_equal(next(iter(file["Experiments"].values()))["data"], signal().data)


def test_systems_that_fork_need_no_lock_to_read_at_a_place(path: Path, monkeypatch: Any) -> None:
    monkeypatch.delattr(os, "preadv")
    monkeypatch.delattr(os, "pwritev")
    pieces = [memoryview(b"abc"), memoryview(b"defg")]
    found = [memoryview(bytearray(3)), memoryview(bytearray(4))]
    descriptor = os.open(path, os.O_RDWR)
    with system.SEEK_LOCK:  # whoever waited for it would wait for ever
        system.write_from(descriptor, pieces, 100)
        system.read_into(descriptor, found, 100)
        assert os.lseek(descriptor, 0, os.SEEK_CUR) == 0
    os.close(descriptor)
    assert [bytes(part) for part in found] == [b"abc", b"defg"]


def test_ranges_are_read_from_a_local_file(path: Path, short: None) -> None:
    with path.open("rb") as file:
        source = LocalBytes(file.fileno())
        assert (source.size, source.read(7, 300)) == (len(CONTENT), CONTENT[7:307])
        parts = bytearray(10), bytearray(0), bytearray(90)
        source.read_into([memoryview(part) for part in parts], 50)
        assert b"".join(parts) == CONTENT[50:150]
        for offset, length in ((len(CONTENT) - 5, 6), (len(CONTENT) + 1, 1)):
            with pytest.raises(OSError, match="end"):
                source.read(offset, length)
