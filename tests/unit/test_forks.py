"""A child that is forked while another thread is anywhere in the package comes to its end."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import hspyio
from hspyio import Signal
from hspyio.forks import derived

# A process of its own: Python warns of forks where threads are. The thread stands in the function
# that is named until the child is done; the child does the same as the thread.
PROGRAM = """
import faulthandler, os, sys, threading
from importlib import import_module
import hspyio

module, name, call = import_module(sys.argv[1]), sys.argv[2], sys.argv[3]
lazy, other = (hspyio.load("good.hspy", lazy=True).data for _ in range(2))

def use(lazy):
    if call == "load":
        assert hspyio.load("good.hspy").data.sum() == 45 * 1024
    elif call == "lazy":
        assert lazy.compute(scheduler="sync").sum() == 45 * 1024
    else:
        hspyio.rescue("cut.hspy", f"{os.getpid()}.hspy", overwrite=True)

parent, reached, go_on = os.getpid(), threading.Event(), threading.Event()
original = getattr(module, name, None) or getattr(__builtins__, name)

def stands(*given, **named):
    if os.getpid() == parent and threading.current_thread() is not threading.main_thread():
        reached.set()
        go_on.wait()
    return original(*given, **named)

if not sys.argv[4:]:
    use(other)  # so that no thread is importing anything then
setattr(module, name, stands)
thread = threading.Thread(target=use, args=(lazy,))
thread.start()
assert reached.wait(60), "the thread never came there"
if sys.argv[4:]:  # the fork waits
    threading.Timer(0.2, go_on.set).start()
child = os.fork()
if not child:
    faulthandler.dump_traceback_later(30, exit=True)
    code = 1
    try:
        use(lazy)
        code = 0
    finally:
        os._exit(code)
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
go_on.set()
thread.join()
assert code == 0, f"the child ended with {code}"
"""


def run(folder: Path, code: str, *arguments: str) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(code)]
    done = subprocess.run(
        [*command, *arguments],
        cwd=folder, env=environment, timeout=150, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = np.repeat(np.arange(10), 1024).reshape(10, 32, 32)
    for name in ("good", "cut"):
        hspyio.save(tmp_path / f"{name}.hspy", Signal(data), chunks=(3, 32, 32))
    path = tmp_path / "cut.hspy"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return tmp_path


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
@pytest.mark.parametrize(
    ("module", "name", "call", "more"),
    [
        ("hspyio.filters.pipeline", "codec_of", "load", ()),
        ("hspyio.filters.pipeline", "enumerate", "load", ()),
        ("hspyio.arrays.manifest", "Pipeline", "load", ()),
        ("hspyio.arrays.grid", "zip", "lazy", ()),
        ("hspyio.arrays.manifest", "StoredArray", "load", ()),
        ("hspyio.hdf5.local_snapshot", "_duplicated", "lazy", ()),
        ("hspyio.arrays.reading", "Scratch", "lazy", ()),
        ("hspyio.api.examining.rescue", "search_objects", "rescue", ()),
        ("importlib", "import_module", "load", ("waits",)),  # imagecodecs, with its own lock held
    ],
)
def test_a_child_ends_wherever_a_thread_stands(
    folder: Path, module: str, name: str, call: str, more: tuple[str, ...]
) -> None:
    run(folder, PROGRAM, module, name, call, *more)


def test_what_is_derived_is_made_once_and_kept() -> None:
    class Square:
        def __init__(self, side: int) -> None:
            self.side = side
            self.made = 0

        @derived
        def area(self) -> int:
            """Of all of it."""
            self.made += 1
            return self.side**2

    one, other = Square(3), Square(4)
    assert [one.area, one.area, other.area] == [9, 9, 16]
    assert one.made == other.made == 1
    assert Square.area.__doc__ == "Of all of it."


def test_threads_get_the_same_where_two_of_them_derive() -> None:
    class Late:
        @derived
        def what(self) -> object:
            both.wait(60)
            return object()

    both, late = threading.Barrier(2), Late()
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: late.what, range(2))
    assert first is second


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_fork_waits_for_a_lock_of_a_module(folder: Path) -> None:
    code = """
        import os, threading, time
        from hspyio.forks import lock_of_module

        lock, held = lock_of_module(), threading.Event()
        def hold():
            with lock:
                held.set()
                time.sleep(0.3)
        threading.Thread(target=hold).start()
        held.wait()
        child = os.fork()
        if not child:
            os._exit(not lock.acquire(timeout=10))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        with lock:  # of the parent, too
            pass
    """
    run(folder, code)
