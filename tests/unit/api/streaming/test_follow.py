"""One signal after the other, as a file grows, until it is closed or its writer has died."""

from __future__ import annotations

import os
import signal as signals
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hspyio
from hspyio.errors import HspyWarning, MissingFileError, OptionError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.hspy"


def opened(path: Path) -> Any:
    return hspyio.create(path, shape=(None, 4, 4), dtype="u2", checkpoint=None, durable=False)


def test_it_ends_with_the_last_state(path: Path) -> None:
    w = opened(path)
    first = threading.Event()

    def measure() -> None:
        first.wait(10)
        for turn in range(30):
            w.append(np.full((1, 4, 4), turn, "u2"))
            w.checkpoint()
        w.close()

    thread = threading.Thread(target=measure)
    thread.start()
    held = []
    for found in hspyio.follow(path, interval=0.001):
        first.set()
        held.append(found)
    thread.join()
    lengths = [one.axes[0].size for one in held]
    assert lengths == sorted(lengths) and lengths[0] == 0 and lengths[-1] == 30
    for one in held:
        assert one.lazy
        data = one.data.compute()
        assert data.shape[0] == one.axes[0].size
        assert np.array_equal(data[:, 0, 0], np.arange(len(data)))


def test_a_file_that_nobody_writes_is_shown_once(path: Path) -> None:
    hspyio.save(path, hspyio.Signal([1.0, 2.0]))
    assert len([*hspyio.follow(path)]) == 1


def test_a_writer_that_was_killed(path: Path) -> None:
    ready, child = os.pipe(), 0
    child = os.fork()
    if not child:
        w = opened(path)
        w.append(np.ones((2, 4, 4), "u2"))
        w.checkpoint()
        w.append(np.ones((2, 4, 4), "u2"))
        os.write(ready[1], b"x")
        signals.pause()
    os.read(ready[0], 1)
    found = hspyio.follow(path, interval=0.01)
    assert next(found).axes[0].size == 2
    os.kill(child, signals.SIGKILL)
    os.waitpid(child, 0)
    with pytest.warns(HspyWarning, match=r"has died.*resume"):
        assert [*found] == []
    for descriptor in ready:
        os.close(descriptor)
    with hspyio.resume(path) as w:
        assert len(w) == 2


def test_it_ends_when_nothing_comes(path: Path) -> None:
    with opened(path) as w:
        w.append(np.ones((2, 4, 4), "u2"))
        assert len([*hspyio.follow(path, interval="10ms", timeout="0.05s")]) == 1


def test_a_file_that_takes_its_place_is_the_last(path: Path) -> None:
    with opened(path) as w:
        found = hspyio.follow(path, interval=0.01)
        next(found)
        w.append(np.ones((2, 4, 4), "u2"))
        w.close(compact=True)
        [last] = [*found]
        assert last.axes[0].size == 2


def test_what_makes_no_sense(path: Path) -> None:
    with pytest.raises(OptionError, match="interval is 0"):
        hspyio.follow(path, interval=0)
    with pytest.raises(OptionError, match="timeout is -1"):
        hspyio.follow(path, timeout=-1)
    with pytest.raises(OptionError, match="interval is '5MB'"):
        hspyio.follow(path, interval="5MB")
    with pytest.raises(MissingFileError):
        next(hspyio.follow(path))
