"""Threads that share a list of items: in order, safe, and gone afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hspyio
from hspyio import Signal
from hspyio.arrays import writing as scatter
from hspyio.arrays.workers import THREADS_VARIABLE, Workers, _Shared, run, thread_count
from hspyio.errors import OptionError

PATIENCE = 30


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Any:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before  # those of earlier tests may end meanwhile


# how many


def test_an_argument_decides(monkeypatch: Any) -> None:
    monkeypatch.setenv(THREADS_VARIABLE, "5")
    assert thread_count(3) == 3
    assert thread_count(np.int64(2)) == 2


@pytest.mark.parametrize("text", ["5", " 5 ", "005"])
def test_else_the_variable_does(text: str, monkeypatch: Any) -> None:
    monkeypatch.setenv(THREADS_VARIABLE, text)
    assert thread_count(None) == 5


@pytest.mark.parametrize("text", ["", "  ", None])
def test_else_the_cpus_of_this_process(text: str | None, monkeypatch: Any) -> None:
    monkeypatch.delenv(THREADS_VARIABLE, raising=False)
    if text is not None:
        monkeypatch.setenv(THREADS_VARIABLE, text)
    monkeypatch.setattr(os, "sched_getaffinity", lambda number: {0, 2, 5}, raising=False)
    assert thread_count(None) == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert thread_count(None) == 7
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert thread_count(None) == 1


@pytest.mark.parametrize(
    "text", ["0", "-1", "two", "1.5", "1e3", "²", "+3", "0x10", "1 2", "9" * 5000, "1" * 10]
)
def test_nonsense_in_the_variable_is_named(text: str, tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal(np.arange(3.0)))
    monkeypatch.setenv(THREADS_VARIABLE, text)
    with pytest.raises(OptionError, match=f"{THREADS_VARIABLE} .*positive number"):
        thread_count(None)
    with pytest.raises(OptionError, match=THREADS_VARIABLE):
        hspyio.load(path)
    with pytest.raises(OptionError, match=THREADS_VARIABLE):
        hspyio.save(tmp_path / "b.hspy", Signal(np.arange(3.0)))
    assert list(tmp_path.iterdir()) == [path]
    assert hspyio.load(path, threads=1).data.shape == (3,)


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2", True])
def test_nonsense_in_the_argument_is_refused(threads: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal(np.arange(3.0)))
    with pytest.raises(OptionError, match="threads"):
        hspyio.load(path, threads=threads)
    with pytest.raises(OptionError, match="threads"):
        hspyio.save(path, Signal(np.arange(3.0)), overwrite=True, threads=threads)


# each item once, begun in order


@given(st.integers(0, 50), st.integers(-1, 6))
def test_every_item_is_done_once_and_begun_in_order(count: int, threads: int) -> None:
    lock = threading.Lock()
    begun: list[tuple[int, threading.Thread]] = []
    makers: list[threading.Thread] = []

    def make() -> Callable[[int], None]:
        mine = threading.current_thread()
        makers.append(mine)
        done: list[int] = []

        def do(item: int) -> None:
            assert threading.current_thread() is mine
            assert not done or done[-1] < item
            done.append(item)
            with lock:
                begun.append((item, mine))

        return do

    run(range(count), make, threads)
    assert sorted(item for item, _ in begun) == list(range(count))
    assert len(set(makers)) == len(makers) <= max(1, min(threads, count))
    assert threads > 1 or [item for item, _ in begun] == list(range(count))


def test_threads_work_at_the_same_time_and_this_one_too() -> None:
    barrier = threading.Barrier(3, timeout=PATIENCE)
    seen = set()

    def do(item: int) -> None:
        seen.add(threading.current_thread())
        barrier.wait()

    run(range(3), lambda: do, 3)
    assert threading.main_thread() in seen
    assert len(seen) == 3


@pytest.mark.parametrize(("count", "threads"), [(0, 4), (1, 4), (5, 1), (5, 0)])
def test_no_thread_where_none_is_needed(count: int, threads: int, monkeypatch: Any) -> None:
    def start(thread: threading.Thread) -> None:
        raise AssertionError("a thread was started")

    monkeypatch.setattr(threading.Thread, "start", start)
    done: list[int] = []
    run(range(count), lambda: done.append, threads)
    assert done == list(range(count))


def test_items_wait_for_nothing_but_their_order() -> None:
    """A slow item does not keep the others."""
    others = threading.Event()
    done: list[int] = []

    def do(item: int) -> None:
        if item == 0:
            assert others.wait(PATIENCE)
        done.append(item)
        if len(done) == 9:
            others.set()

    run(range(10), lambda: do, 2)
    assert done == [*range(1, 10), 0]


# errors


@given(st.integers(1, 30), st.integers(1, 5), st.data())
def test_an_error_ends_the_work(count: int, threads: int, data: st.DataObject) -> None:
    wrong = data.draw(st.integers(0, count - 1))
    kind = data.draw(st.sampled_from([ValueError, KeyboardInterrupt, SystemExit]))
    lock = threading.Lock()
    done = []

    def do(item: int) -> None:
        if item == wrong:
            raise kind("here")
        with lock:
            done.append(item)

    before = threading.active_count()
    with pytest.raises(kind, match="here"):
        run(range(count), lambda: do, threads)
    assert threading.active_count() == before
    assert set(range(wrong)) <= set(done)


@pytest.mark.parametrize("in_main", [True, False])
@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_no_item_is_begun_after_an_error(in_main: bool, kind: type[BaseException]) -> None:
    """The others end what they have begun."""
    all_begun, failed = threading.Barrier(3, timeout=PATIENCE), threading.Event()
    begun: list[int] = []

    def do(item: int) -> None:
        begun.append(item)
        all_begun.wait()
        if (threading.current_thread() is threading.main_thread()) == in_main:
            failed.set()
            raise kind("here")
        assert failed.wait(PATIENCE)

    with pytest.raises(kind, match="here"):
        run(range(1000), lambda: do, 3)
    assert len(begun) <= 3


def test_an_error_before_the_first_item() -> None:
    def make() -> Callable[[int], None]:
        raise ZeroDivisionError("no buffer")

    for threads in (1, 4):
        with pytest.raises(ZeroDivisionError, match="no buffer"):
            run(range(10), make, threads)


def test_threads_that_cannot_be_started(monkeypatch: Any) -> None:
    """Those that were do all the work."""
    original, started = threading.Thread.start, []

    def start(thread: threading.Thread) -> None:
        if len(started) == 2:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        original(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    done: list[int] = []
    run(range(10), lambda: done.append, 5)
    assert sorted(done) == list(range(10))
    assert not any(thread.is_alive() for thread in started)


# Ctrl-C


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("threads", [1, 3])
def test_ctrl_c_ends_the_work(threads: int) -> None:
    begun: list[int] = []

    def do(item: int) -> None:
        begun.append(item)
        if len(begun) == 7:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(range(10**6), lambda: do, threads)
    assert len(begun) < 10**6


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_while_this_thread_waits_for_another_does_not_leave_it_behind() -> None:
    """Python's `join` takes a thread for ended then, while it still writes into the file."""
    mine, done = threading.Event(), []

    def do(item: int) -> None:
        if threading.current_thread() is threading.main_thread():
            mine.set()
            return
        assert mine.wait(PATIENCE)
        time.sleep(0.1)  # by now the other one waits
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.2)
        done.append(item)

    with pytest.raises(KeyboardInterrupt):
        run(range(2), lambda: do, 2)
    assert len(done) == 1


def interrupted(path: Path) -> None:
    data = np.random.default_rng(0).random((200, 200))
    with pytest.raises(KeyboardInterrupt):
        hspyio.save(path, Signal(data), chunks=(1, 200), threads=3)
    assert not list(path.parent.iterdir())


def test_ctrl_c_while_this_thread_waits_for_room(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(scatter, "_LOOK_AHEAD", 1000)
    wait = scatter._InOrder.wait_for_room

    pressed = threading.Event()

    def wait_for_room(queue: Any, number: int) -> None:
        if number > 2:
            if threading.current_thread() is threading.main_thread():
                pressed.set()
                raise KeyboardInterrupt
            pressed.wait(60)  # else the others may have done all of it before this thread runs
        wait(queue, number)

    monkeypatch.setattr(scatter._InOrder, "wait_for_room", wait_for_room)
    interrupted(tmp_path / "a.hspy")


def test_ctrl_c_between_taking_a_chunk_and_beginning_it(tmp_path: Path, monkeypatch: Any) -> None:
    """While the helpers wait for room, which only this very chunk would make."""
    monkeypatch.setattr(scatter, "_LOOK_AHEAD", 1000)
    taken, full = threading.Event(), threading.Event()
    rescued: list[Any] = []
    following, wait = _Shared.next, scatter._InOrder.wait_for_room

    def take(shared: Any, part: Any) -> Any:
        if threading.current_thread() is not threading.main_thread():
            assert taken.wait(PATIENCE)
            return following(shared, part)
        following(shared, part)  # and lost
        taken.set()
        assert full.wait(PATIENCE)
        raise KeyboardInterrupt

    def rescue(queue: Any) -> None:
        rescued.append(queue)
        queue.fail()

    def wait_for_room(queue: Any, number: int) -> None:
        if queue.waiting > 1000:
            full.set()
        watch = threading.Timer(1, rescue, (queue,))
        watch.start()
        wait(queue, number)
        watch.cancel()
        watch.join()

    monkeypatch.setattr(_Shared, "next", take)
    monkeypatch.setattr(scatter._InOrder, "wait_for_room", wait_for_room)
    interrupted(tmp_path / "a.hspy")
    assert not rescued


def test_shared_items_end_with_the_first_error() -> None:
    done: list[int] = []

    def failing(item: int) -> None:
        done.append(item)
        if item == 2:
            raise ValueError

    for together in (1, 100):
        done.clear()
        with pytest.raises(ValueError):  # noqa: PT011
            run(range(100), lambda: failing, 2, together=together)
        assert len(done) < 100


@given(st.integers(0, 60), st.integers(1, 20), st.lists(st.integers(0, 3), max_size=200))
def test_items_are_taken_together_and_at_the_end_shared(
    count: int, together: int, turns: list[int]
) -> None:
    """Threads that ask in any order, until one after the other has nothing left to do."""
    shared = _Shared(range(count), together)
    parts = [shared.part() for _ in range(4)]
    begun: list[int] = []
    for turn in turns + [0, 1, 2, 3] * count:
        own, left = parts[turn], shared.given < count
        expected = own.begin if own.begin < own.end else shared.given if left else None
        number = shared.next(own)
        if number is None:
            assert len(begun) == count
        else:
            assert expected is None or number == expected
            begun.append(number)
    assert sorted(begun) == list(range(count))


def test_who_has_nothing_left_takes_half_of_the_most() -> None:
    shared = _Shared(range(11), 5)
    one, two, three = (shared.part() for _ in range(3))
    assert [shared.next(part) for part in (one, two, three)] == [0, 5, 10]
    assert shared.next(one) == 1
    assert [shared.next(three) for _ in range(2)] == [8, 9]
    assert [shared.next(three) for _ in range(2)] == [3, 4]
    assert [shared.next(part) for part in (three, two, one)] == [7, 6, 2]
    assert [shared.next(part) for part in (one, two, three)] == [None] * 3


# the user's calls, from several threads at once and after a fork


def test_calls_from_several_threads(tmp_path: Path) -> None:
    arrays = [np.random.default_rng(i).integers(0, 99, (40, 60, 30), "u2") for i in range(4)]
    kinds: list[dict[str, Any]] = [{}, {"compression": None, "shuffle": False}, {}, {}]
    problems: list[BaseException] = []

    def workers(number: int) -> None:
        try:
            data = da.from_array(arrays[number], chunks=20) if number == 2 else arrays[number]
            path = tmp_path / f"{number}.hspy"
            for _ in range(3):
                hspyio.save(path, Signal(data), overwrite=True, threads=2, durable=False,
                            chunks=(7, 60, 30), **kinds[number])  # fmt: skip
                lazy = hspyio.load(path, lazy=True, threads=2).data
                for found in (hspyio.load(path, threads=2).data, lazy.compute(scheduler="sync")):
                    assert np.array_equal(found, arrays[number])
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=workers, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE * 2)
    assert not problems
    assert len(list(tmp_path.iterdir())) == 4


def test_many_threads_read_one_lazy_array(tmp_path: Path) -> None:
    data = np.random.default_rng(0).integers(0, 99, (64, 50, 50), "u2")
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal(data), chunks=(3, 50, 50))
    lazy = hspyio.load(path, lazy=True, chunks=(2, 50, 50)).data
    with ThreadPoolExecutor(8) as pool:
        assert np.array_equal(lazy.compute(scheduler="threads", pool=pool), data)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_after_a_fork(tmp_path: Path) -> None:
    """In a process of its own: Python warns of forks where threads have been."""
    code = """
        import os, sys
        import dask.array as da
        import numpy as np
        import hspyio
        from hspyio import Signal

        data = np.random.default_rng(0).integers(0, 99, (64, 100, 50), "u2")
        graph = da.from_array(data, chunks=(20, 100, 50))

        def use(name):
            for values in (data, graph):
                hspyio.save(name, Signal(values), overwrite=True, threads=3, chunks=(9, 100, 50))
                assert np.array_equal(hspyio.load(name, threads=3).data, data)
            return hspyio.load(name, lazy=True).data

        lazy = use("parent.hspy")
        assert np.array_equal(lazy[10:20].compute(scheduler="sync"), data[10:20])
        child = os.fork()
        if not child:
            code = 1
            try:
                assert np.array_equal(lazy.compute(scheduler="sync"), data)
                use("child.hspy")
                code = 0
            finally:
                os._exit(code)
        assert np.array_equal(lazy.compute(scheduler="sync"), data)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert np.array_equal(hspyio.load("child.hspy").data, data)
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(code)],
        cwd=tmp_path, env=environment, timeout=120, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_work_by_default_is_one_thread_that_tells_nobody() -> None:
    workers = Workers()
    assert workers.threads == 1
    workers.progress.expect(5)
    workers.progress.advance(5)
