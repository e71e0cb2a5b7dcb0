"""Descriptors of lazily open files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import hspyio
from hspyio import Signal
from hspyio.system import descriptors
from hspyio.system.descriptors import OpenFiles


class Holder:
    """Something with a descriptor."""

    def __init__(self, name: str, log: list[str], *, again: bool = True) -> None:
        self.name, self.log, self.again = name, log, again

    def put_by(self) -> bool:
        if self.again:
            self.close()
        return self.again

    def close(self) -> None:
        self.log.append(self.name)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> OpenFiles:
    monkeypatch.setattr(descriptors, "_FEW", 0)
    monkeypatch.setattr(descriptors, "_limits", lambda: (3, 5))
    return OpenFiles()


def test_the_least_used_go_first(few: OpenFiles) -> None:
    log: list[str] = []
    held = [Holder(name, log) for name in "abcde"]
    for holder in held[:3]:
        few.used(holder)
    few.used(held[0])
    few.used(held[3])
    assert log == ["b"]
    few.forget(held[2])
    few.used(held[4])
    assert log == ["b"]
    few.used(held[1])
    assert log == ["b", "a"]


def test_what_cannot_be_opened_again_goes_last(few: OpenFiles) -> None:
    log: list[str] = []
    held = [Holder(name, log, again=name in "cd") for name in "abcdefgh"]
    for holder in held[:5]:
        few.used(holder)
    assert log == ["c", "d"]
    for holder in held[5:]:
        few.used(holder)
    assert log[2:] == ["a"]  # five at most
    few.halve()
    assert log[3:] == []


def test_holders_that_are_gone_count_for_nothing(few: OpenFiles) -> None:
    log: list[str] = []
    last = [Holder(name, log) for name in "xyz"]
    for name in "abc":
        few.used(Holder(name, log))
    for holder in last:
        few.used(holder)
    assert log == []


def test_limits_are_the_systems() -> None:
    wanted, most = descriptors._limits()
    assert 0 < wanted < most <= 2 * descriptors._MOST


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="sets limits")


def ran(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-c", code, str(folder)]
    return subprocess.run(arguments, check=False, capture_output=True, text=True)


_MANY = """
import os, resource, sys
import dask.array as da, numpy as np, hspyio
folder = sys.argv[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (128, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
paths = [os.path.join(folder, f"{i}.hspy") for i in range(300)]
signals = [hspyio.load(path, lazy=True) for path in paths]
assert len(os.listdir("/proc/self/fd")) < 100
for i in (298, 299):  # the last ones are open: the old arrays read the old files
    hspyio.save(paths[i], hspyio.Signal(np.zeros(3)), overwrite=True, durable=False)
for _ in range(2):
    assert da.stack([s.data for s in signals]).sum().compute() == sum(range(300)) * 10
assert len(os.listdir("/proc/self/fd")) < 100
hspyio.update(paths[0], hspyio.load(paths[0], lazy=True))
assert signals[0].data.sum().compute() == 0
for signal in signals:
    signal.data.sum().compute(scheduler="sync")
hspyio.save(paths[1], hspyio.Signal(np.zeros(3)), overwrite=True)
try:
    signals[1].data.sum().compute()
    print("read", end="")
except hspyio.errors.StaleFileError as error:
    assert error.path == paths[1]
    print("stale", end="")
"""


@linux
def test_hundreds_of_lazy_files(tmp_path: Path) -> None:
    for i in range(300):
        hspyio.save(tmp_path / f"{i}.hspy", Signal(np.full((2, 5), i)), durable=False)
    run = ran(_MANY, tmp_path)
    assert (run.returncode, run.stderr) == (0, ""), run.stderr
    assert run.stdout == "stale"


_NONE_LEFT = """
import os, resource, sys
import numpy as np, hspyio
folder = sys.argv[1]
signals = [hspyio.load(os.path.join(folder, f"{i}.hspy"), lazy=True) for i in range(20)]
signals[0].data.compute(scheduler="sync")
resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
def exhaust():
    try:
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        pass
taken = []
exhaust()
assert signals[0].data.sum().compute(scheduler="sync") == 0  # others were let go
while len(taken) < 60:
    exhaust()
    try:
        signals[5].data.sum().compute(scheduler="sync")
    except hspyio.errors.UnreadableFileError as error:
        print(os.path.basename(error.path), end="")
        break
"""


@linux
def test_where_others_have_used_them_up(tmp_path: Path) -> None:
    for i in range(20):
        hspyio.save(tmp_path / f"{i}.hspy", Signal(np.full((2, 5), i)), durable=False)
    run = ran(_NONE_LEFT, tmp_path)
    assert (run.returncode, run.stdout, run.stderr) == (0, "5.hspy", "")
