"""After a failure in the last step of a switch the error says which state the file is in."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rsciio.hspy import file_writer

import hspyio
from hspyio import Signal
from hspyio.errors import SaveError
from hspyio.transaction import commit
from support.defects.tools import exchange

SIGNAL = Signal(np.arange(3.0), metadata={"General": {"title": "one"}})
BROKEN = OSError(errno.EIO, os.strerror(errno.EIO))


def ours(path: Path) -> None:
    hspyio.save(path, SIGNAL)


def of_superblock_0(path: Path) -> None:
    file_writer(str(path), exchange(SIGNAL))


@pytest.fixture(params=[ours, of_superblock_0])
def path(request: Any, tmp_path: Path) -> Path:
    path = tmp_path / "a.hspy"
    request.param(path)
    return path


def changed() -> Signal:
    made = SIGNAL.copy()
    made.title = "two"
    return made


WRITERS: dict[str, Any] = {
    "append": lambda path: hspyio.append(path, changed()),
    "update": lambda path: hspyio.update(path, changed(), name="one"),
    "file_writer": lambda path: hspyio.file_writer(path, exchange(changed()), mode="a"),
}


def titles(path: Path) -> list[str]:
    return list(hspyio.open(path))


def standing(path: Path, message: str) -> list[str]:
    """What is in the file, which the message has to say."""
    found = titles(path)
    old = found == ["one"]
    assert ("it is as it was" in message) == old
    assert ("the new state stands" in message) == (not old)
    return found


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("number", [1, 2])
def test_a_failed_sync(path: Path, write: Any, number: int, monkeypatch: Any) -> None:
    """The first one comes before the switch, the second behind it."""
    count, original, before = iter(range(1, 9)), os.fsync, path.read_bytes()

    def fsync(descriptor: int) -> None:
        if next(count) == number:
            raise BROKEN
        original(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(SaveError, match="Input/output error") as caught:
        write(path)
    monkeypatch.undo()
    found = standing(path, str(caught.value))
    assert (found == ["one"]) == (number == 1)
    assert number == 2 or path.read_bytes() == before
    hspyio.append(path, changed())
    assert "two" in titles(path)


def tearing(monkeypatch: Any, of_piece: int, done: int, *, rolls_back: bool) -> None:
    """The system writes a part of one piece of the superblock, and fails."""
    original, pieces = commit.write_from, iter(range(99))
    torn: list[int] = []

    def write_from(descriptor: int, buffers: Any, offset: int) -> None:
        if next(pieces) == of_piece:
            torn.append(offset)
            original(descriptor, [buffers[0][:done]], offset)
            raise BROKEN
        if torn and not rolls_back:
            raise BROKEN
        original(descriptor, buffers, offset)

    monkeypatch.setattr(commit, "write_from", write_from)


TORN = [
    *((ours, 0, done) for done in (0, 1, 8, 12, 19)),
    *((of_superblock_0, piece, done) for piece in (0, 1, 2) for done in (0, 3, 8)),
]


@pytest.mark.parametrize(("make", "piece", "done"), TORN)
def test_a_torn_write_is_rolled_back(
    tmp_path: Path, make: Any, piece: int, done: int, monkeypatch: Any
) -> None:
    path = tmp_path / "a.hspy"
    make(path)
    before = path.read_bytes()
    tearing(monkeypatch, piece, done, rolls_back=True)
    with pytest.raises(SaveError, match="it is as it was") as caught:
        hspyio.append(path, changed())
    assert path.read_bytes() == before
    assert standing(path, str(caught.value)) == ["one"]


def test_what_cannot_be_rolled_back_is_said(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "a.hspy"
    ours(path)
    tearing(monkeypatch, 0, 5, rolls_back=False)
    with pytest.raises(SaveError, match=r"half written.*hspy rescue"):
        hspyio.append(path, changed())
    monkeypatch.undo()
    hspyio.rescue(path, tmp_path / "b.hspy")
    assert "one" in titles(tmp_path / "b.hspy")


def test_a_state_that_cannot_be_read_is_said(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "a.hspy"
    ours(path)
    original = commit.RootSwitch._switch

    def failing(self: Any, *args: Any) -> None:
        original(self, *args)
        monkeypatch.setattr(commit, "read_superblock", unreadable)
        raise BROKEN

    def unreadable(descriptor: int) -> None:
        raise BROKEN

    monkeypatch.setattr(commit.RootSwitch, "_switch", failing)
    with pytest.raises(SaveError, match="may be changed or not"):
        hspyio.append(path, changed())


@pytest.mark.parametrize("durable", [True, False])
def test_an_error_at_close_comes_before_the_switch(
    tmp_path: Path, durable: bool, monkeypatch: Any
) -> None:
    path = tmp_path / "a.hspy"
    ours(path)
    before, original = path.read_bytes(), os.close

    def close(descriptor: int) -> None:
        original(descriptor)
        raise BROKEN

    monkeypatch.setattr(os, "close", close)
    with pytest.raises(SaveError, match="it is as it was"):
        hspyio.append(path, changed(), durable=durable)
    monkeypatch.undo()
    assert path.read_bytes() == before
