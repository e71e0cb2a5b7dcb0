"""The file that HDF5 and the engine write into: what fails is remembered, never passed to HDF5."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
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
from hspyio.errors import SaveError
from hspyio.hdf5.writing.output import Output

FULL = OSError(28, "No space left on device")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.h5"


def opened(path: Path) -> Output:
    return Output(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC), Workers(2))


@pytest.fixture
def output(path: Path) -> Iterator[Output]:
    with opened(path) as output:
        yield output


def failing(monkeypatch: Any, name: str, error: BaseException) -> None:
    def fail(*args: Any) -> None:
        raise error

    monkeypatch.setattr(os, name, fail)


# a file


def test_it_is_a_file(path: Path, output: Output) -> None:
    assert output.writable()
    assert output.readable()
    assert output.seekable()
    assert output.write(memoryview(b"0123456789")) == 10
    assert output.tell() == 10
    assert output.seek(4) == 4
    assert output.write(memoryview(b"ab")) == 2
    assert output.seek(0) == 0
    assert output.read(20) == b"0123ab6789"
    assert output.seek(-3, os.SEEK_END) == 7
    assert output.truncate() == 7
    assert path.read_bytes() == b"0123ab6"
    assert output.truncate(9) == 9
    assert path.read_bytes() == b"0123ab6\0\0"
    assert output.seek(20) == 20
    output.write(memoryview(b"x"))
    assert path.stat().st_size == 21
    output.check()
    output.sync()
    assert output.workers.threads == 2


def test_any_buffer_is_written_whole(path: Path, output: Output) -> None:
    array = np.arange(6, dtype="<u2")
    assert output.write(memoryview(array.view("u1"))) == 12
    assert output.write(memoryview(b"")) == 0
    assert output.tell() == 12
    assert path.read_bytes() == array.tobytes()


@given(st.lists(st.tuples(st.integers(0, 99), st.binary(max_size=20)), max_size=12))
def test_writes_at_any_place(
    tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[int, bytes]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "places"
    expected = bytearray()
    with opened(path) as output:
        for number, (place, data) in enumerate(writes):
            if number % 2:
                output.write_at([memoryview(data[:7]), memoryview(data[7:])], place)
            else:
                output.seek(place)
                output.write(memoryview(data))
            if data:
                expected.extend(bytes(max(0, place + len(data) - len(expected))))
                expected[place : place + len(data)] = data
    assert path.read_bytes() == bytes(expected)


def test_closing_closes_the_descriptor_once(path: Path, monkeypatch: Any) -> None:
    output = opened(path)
    closed: list[int] = []
    original = os.close

    def close(descriptor: int) -> None:
        closed.append(descriptor)
        original(descriptor)

    monkeypatch.setattr(os, "close", close)
    output.close()
    output.close()
    del output
    assert len(closed) == 1


def test_many_threads_write_at_their_places(path: Path, output: Output) -> None:
    """And HDF5 in between, wherever it stands."""

    def workers(number: int) -> None:
        for i in range(50):
            output.write_at(
                [memoryview(bytes([number])), memoryview(bytes([number] * 9))],
                1000 + (50 * number + i) * 10,
            )

    threads = [threading.Thread(target=workers, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for i in range(100):
        output.seek(i)
        output.write(memoryview(b"h"))
    for thread in threads:
        thread.join()
    assert path.read_bytes()[:100] == b"h" * 100
    assert path.read_bytes()[1000:] == b"".join(bytes([i]) * 500 for i in range(4))


def test_hdf5_writes_into_it(path: Path) -> None:
    values = np.arange(10000.0).reshape(100, 100)
    with opened(path) as output, h5py.File(output, "w") as file:
        file.create_dataset("x", data=values, chunks=(7, 100), compression="gzip")
        file["y"] = values
        file["x"].attrs["a"] = "text"
        assert np.array_equal(file["x"][...], values)
    with h5py.File(path) as file:
        assert np.array_equal(file["x"][...], values)
        assert np.array_equal(file["y"][...], values)
        assert file["x"].attrs["a"] == "text"


# failures


@pytest.mark.skipif(not hasattr(os, "pwritev"), reason="no pwritev on this platform")
@pytest.mark.parametrize("error", [FULL, KeyboardInterrupt(), MemoryError()], ids=repr)
def test_a_failed_write_is_remembered(
    path: Path, output: Output, error: BaseException, monkeypatch: Any
) -> None:
    output.write(memoryview(b"good"))
    with monkeypatch.context() as patch:
        failing(patch, "pwritev", error)
        assert output.write(memoryview(b"lost")) == 4
    assert output.tell() == 8
    assert output.write(memoryview(b"more")) == 4  # goes nowhere any more
    assert output.truncate(2) == 2
    assert path.read_bytes() == b"good"
    for _ in range(2):
        with pytest.raises(type(error)) as caught:
            output.check()
        assert caught.value is error


def test_a_failed_truncate_is_remembered_too(output: Output, monkeypatch: Any) -> None:
    failing(monkeypatch, "ftruncate", FULL)
    assert output.truncate(100) == 100
    with pytest.raises(OSError, match="No space"):
        output.check()


@pytest.mark.skipif(not hasattr(os, "pwritev"), reason="no pwritev on this platform")
def test_what_the_engine_writes_fails_at_once(output: Output, monkeypatch: Any) -> None:
    failing(monkeypatch, "pwritev", FULL)
    with pytest.raises(OSError, match="No space"):
        output.write_at([memoryview(b"x")], 0)


@pytest.mark.skipif(not hasattr(os, "pwritev"), reason="no pwritev on this platform")
@pytest.mark.parametrize("flush", [True, False])
def test_hdf5_does_not_notice(path: Path, flush: bool, monkeypatch: Any) -> None:
    """Told of a failure, it might end the process."""
    with opened(path) as output:
        with h5py.File(output, "w", libver=("v108", "latest")) as file:
            with monkeypatch.context() as patch:
                failing(patch, "pwritev", FULL)
                for i in range(50):
                    group = file.create_group(f"g{i}")
                    group["x"] = np.arange(1000)
                    group.attrs["a"] = "x" * 1000
                if flush:
                    file.flush()
            file["late"] = 1
        with pytest.raises(OSError, match="No space"):
            output.check()


DATA = np.random.default_rng(0).integers(0, 99, (40, 50, 5), "u2")


def save(path: Path) -> None:
    metadata = {"a": {"b": [1, 2, 3]}, "c": np.arange(3000)}
    signal = Signal(DATA, metadata=metadata)
    hspyio.save(path, signal, overwrite=True, chunks=(3, 50, 5), threads=2, durable=False)


@pytest.mark.parametrize("name", ["seek", "write", "tell", "truncate"])
def test_ctrl_c_within_hdf5_leaves_the_old_file(path: Path, name: str, monkeypatch: Any) -> None:
    """Wherever the signal is noticed: Python looks for it at the start of every function."""
    original, calls = getattr(Output, name), [0, 0]

    def method(output: Output, *args: Any) -> Any:
        calls[0] += 1
        if calls[0] == calls[1]:
            raise KeyboardInterrupt
        return original(output, *args)

    monkeypatch.setattr(Output, name, method)
    save(path)
    path.write_bytes(b"old")
    for number in range(1, calls[0] + 1):
        calls[:] = 0, number
        with pytest.raises((KeyboardInterrupt, SaveError)):
            save(path)
        assert path.read_bytes() == b"old"
        assert list(path.parent.iterdir()) == [path]
    monkeypatch.undo()
    save(path)
    assert np.array_equal(hspyio.load(path).data, DATA)


def test_after_a_failure_what_was_written_is_read_back(path: Path, monkeypatch: Any) -> None:
    """HDF5 reads some of its own bytes again, and crashes on what it does not know."""
    with Output(os.open(path, os.O_RDWR | os.O_CREAT), Workers()) as output:
        output.write(memoryview(b"a" * 5000))

        def full(*args: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("hspyio.hdf5.writing.output.write_from", full)
        output.seek(4990)
        output.write(memoryview(b"b" * 5000))
        output.seek(2)
        output.write(memoryview(b"c"))
        expected = bytearray(b"a" * 4990 + b"b" * 5000)
        expected[2:3] = b"c"
        for start, length in ((0, 9990), (4985, 10), (9000, 990), (8000, 100)):
            output.seek(start)
            found = bytearray(length)
            assert output.readinto(memoryview(found)) == length
            assert found == expected[start : start + length]
        output.seek(9980)
        found = bytearray(20)
        assert output.readinto(memoryview(found)) == 20
        assert found == b"b" * 10 + bytes(10)
        with pytest.raises(OSError, match="No space left"):
            output.check()
    assert path.read_bytes() == b"a" * 5000


@pytest.mark.skipif(os.name == "nt", reason="has no limit on the size of files")
@pytest.mark.parametrize("room", [20_000, 38_195, 60_000])
def test_a_full_disk_among_texts_is_no_crash(path: Path, room: int) -> None:
    program = """
import resource, signal, sys
import hspyio
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
texts = [f"text {i}" * 20 for i in range(2000)]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    hspyio.save(sys.argv[1], hspyio.Signal([1.0], metadata={"texts": texts}))
except hspyio.HspyError as error:
    print(error)
"""
    # Without -B a module that is imported here first would be kept cut, for all to come.
    command = [sys.executable, "-B", "-c", program, str(path), str(room)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "File too large" in done.stdout
    assert not path.exists()
