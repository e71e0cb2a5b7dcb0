"""The newest job counts, and background work waits for the pointer."""

from __future__ import annotations

import threading
import time

import pytest

from hspyio.bridges.viewer import worker
from hspyio.bridges.viewer.worker import Superseded, Turns, Worker


def wait_for(event: threading.Event) -> None:
    assert event.wait(20)


def test_of_several_jobs_the_last_is_done() -> None:
    done: list[int] = []
    begun, go, last = threading.Event(), threading.Event(), threading.Event()
    made = Worker(Turns(), lambda error: None)

    def first(pause: object) -> None:
        begun.set()
        wait_for(go)

    made.ask(first)
    wait_for(begun)
    for number in range(5):
        made.ask(lambda pause, number=number: done.append(number) or last.set())
    go.set()
    wait_for(last)
    made.close()
    assert done == [4]


def test_a_running_job_ends_at_its_next_turn() -> None:
    begun, ended = threading.Event(), threading.Event()
    made = Worker(Turns(), lambda error: None)

    def endless(pause: object) -> None:
        try:
            while True:
                begun.set()
                pause()  # type: ignore[operator]
                time.sleep(0.001)
        except Superseded:
            ended.set()
            raise

    made.ask(endless)
    wait_for(begun)
    made.cancel()
    wait_for(ended)
    ended.clear()
    made.ask(endless)
    begun.clear()
    wait_for(begun)
    made.close()
    assert ended.is_set()
    made.ask(endless)  # nothing comes of it


def test_what_goes_wrong_is_told_and_the_thread_goes_on() -> None:
    told: list[Exception] = []
    done = threading.Event()
    made = Worker(Turns(), lambda error: told.append(error))

    def fail(pause: object) -> None:
        raise ValueError("no")

    made.ask(fail)
    while not told:
        time.sleep(0.001)
    made.ask(lambda pause: done.set())
    wait_for(done)
    made.close()
    assert [str(error) for error in told] == ["no"]


def test_background_work_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_QUIET", 0.2)
    turns = Turns()
    turns.wait(lambda: False)  # nobody moves
    turns.urgent()
    begun = time.monotonic()
    turns.wait(lambda: False)
    assert time.monotonic() - begun > 0.1
    turns.urgent()
    with pytest.raises(Superseded):
        turns.wait(lambda: True)
