"""Files that are open already, wherever their bytes are."""

from __future__ import annotations

import copy
import gzip
import io
import os
import pickle
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hspyio

DATA = np.arange(40 * 50 * 600, dtype="<u2").reshape(40, 50, 600)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("objects") / "a.hspy"
    made = hspyio.Signal(DATA, metadata={"General": {"title": "title"}})
    rows = np.empty(3, object)
    rows[:] = [np.arange(n, dtype="f4") for n in (2, 0, 5)]
    made.metadata["rows"] = rows
    hspyio.save(target, made, chunks=(7, 11, 600), checksum=True)
    return target


class Short(io.BytesIO):
    """Gives at most 1000 bytes at a time, as sockets do."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(1000 if size is None or size < 0 else min(size, 1000))


@contextmanager
def file_object(path: Path, kind: str) -> Iterator[Any]:
    """The same bytes in each kind of file object."""
    content = path.read_bytes()
    with ExitStack() as held:
        if kind == "zip":
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("in/a.hspy", content)
            archive = held.enter_context(zipfile.ZipFile(packed))
            yield held.enter_context(archive.open("in/a.hspy"))
        elif kind == "gzip":
            yield held.enter_context(gzip.open(io.BytesIO(gzip.compress(content, 1))))
        elif kind == "fsspec":
            system = pytest.importorskip("fsspec").filesystem("memory")
            system.pipe("/a.hspy", content)
            yield held.enter_context(system.open("/a.hspy"))
        elif kind == "unbuffered":
            yield held.enter_context(path.open("rb", buffering=0))
        else:
            yield held.enter_context({"BytesIO": io.BytesIO, "short": Short}[kind](content))


KINDS = ("BytesIO", "short", "unbuffered", "zip", "gzip", "fsspec")


@pytest.mark.parametrize("kind", KINDS)
def test_file_objects_read_like_files(path: Path, kind: str) -> None:
    expected = hspyio.load(path)
    with file_object(path, kind) as file:
        file.seek(100)  # wherever it stands
        for lazy in (False, True):
            found = hspyio.load(file, lazy=lazy)
            assert (np.asarray(found.data) == DATA).all() and found.lazy == lazy
            assert found.metadata.General.title == "title" and found.location is None
            rows = zip(found.metadata["rows"], expected.metadata["rows"], strict=True)
            assert all((one == other).all() for one, other in rows)
        known, there = hspyio.info(file), hspyio.info(path)
        assert known.experiments[0].stored_bytes == there.experiments[0].stored_bytes
        assert (known.size, known.unused_bytes) == (path.stat().st_size, there.unused_bytes)
        with hspyio.open(file) as experiments:
            assert (experiments["title"].data[3].compute() == DATA[3]).all()
        (one,) = hspyio.file_reader(file, lazy=True)
        assert (one["data"][:, 1].compute() == DATA[:, 1]).all()
        assert not file.closed


def test_threads_share_the_position_of_an_object(path: Path) -> None:
    with file_object(path, "BytesIO") as file, ThreadPoolExecutor(4) as threads:
        lazy = hspyio.load(file, lazy=True, chunks="storage").data
        parts = threads.map(lambda i: lazy[i % 40].compute(), range(80))
        assert all((part == DATA[i % 40]).all() for i, part in enumerate(parts))


def test_objects_in_other_processes_are_refused_with_what_to_do(path: Path) -> None:
    with file_object(path, "BytesIO") as file:
        lazy = hspyio.load(file, lazy=True)
        assert (copy.deepcopy(lazy).data[1].compute() == DATA[1]).all()
        with pytest.raises(hspyio.errors.ArgumentError, match="load that by its path") as caught:
            pickle.dumps(lazy)
        assert caught.value.path == "<_io.BytesIO>"
        assert (pickle.loads(pickle.dumps(hspyio.load(file))).data == DATA).all()


@pytest.mark.parametrize("chunks", ["auto", "storage"])
def test_an_object_that_was_closed(path: Path, chunks: str) -> None:
    with path.open("rb") as file:
        lazy = hspyio.load(file, lazy=True, chunks=chunks)
    with pytest.raises(hspyio.errors.UnreadableFileError, match="keep that open") as caught:
        lazy.data.compute()
    assert caught.value.path == str(path)
    assert not isinstance(caught.value, hspyio.errors.DamagedFileError)


def test_what_was_read_of_an_object_is_saved_over_its_file(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "b.hspy"
    with path.open("rb") as file:
        hspyio.save(target, hspyio.load(file, lazy=True))
    with target.open("rb") as file:
        changed = hspyio.load(file, lazy=True)
        changed.metadata.General.title = "changed"
        hspyio.update(target, changed, name="title")
    found = hspyio.load(target)
    assert (found.data == DATA).all() and found.metadata.General.title == "changed"


def test_what_is_no_file_object_to_read(path: Path, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(writing)
    with (
        path.open(encoding="latin-1") as text,
        (tmp_path / "new").open("wb") as written,
        os.fdopen(reading, "rb") as pipe,
        zipfile.ZipFile(io.BytesIO(), "w") as archive,
    ):
        closed = io.BytesIO()
        closed.close()
        for wrong, mend in (
            (text, "open as text; open the file with mode 'rb'"),
            (written, "cannot be read; open the file with mode 'rb'"),
            (pipe, r"read it into memory first: io.BytesIO\(file.read\(\)\)"),
            (closed, "closed; load it while it is open"),
            (archive, "ZipFile, not a path"),
        ):
            for call in (hspyio.load, hspyio.open, hspyio.info, hspyio.file_reader):
                with pytest.raises(hspyio.errors.ArgumentError, match=mend):
                    call(wrong)


@pytest.mark.parametrize("option", ["isolated", "allow_external"])
def test_what_needs_a_path(path: Path, option: str) -> None:
    with pytest.raises(hspyio.errors.OptionError, match=f"{option}=True needs a file"):
        hspyio.load(io.BytesIO(path.read_bytes()), **{option: True})


def test_damaged_objects_are_told_as_files_are(path: Path) -> None:
    content = path.read_bytes()
    for wrong in (b"", b"x" * 1000, content[:3000], content[: len(content) // 2]):
        with pytest.raises(hspyio.HspyError) as caught:
            hspyio.load(io.BytesIO(wrong))
        assert caught.value.path == "<_io.BytesIO>"
