"""Calls go through together, a checkpoint alone; and nobody waits for ever."""

from __future__ import annotations

import threading
import time

import pytest

from hspyio.errors import OptionError, SaveError
from hspyio.streaming import gate as gates
from hspyio.streaming.gate import Gate
from support.interrupts import interrupted


def test_a_checkpoint_sees_no_call_half_done() -> None:
    gate, state, seen = Gate(), [0, 0], []

    def call() -> None:
        for _ in range(200):
            with gate.call(), gate.call():
                state[0] += 1
                time.sleep(0)
                state[1] += 1

    def look() -> None:
        for _ in range(50):
            with gate.closed():
                seen.append(state[0] == state[1])

    threads = [threading.Thread(target=one) for one in (look, look, call)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(seen) and len(seen) == 100
    assert state == [200, 200]


def test_a_checkpoint_within_a_call_is_refused() -> None:
    gate = Gate()
    with gate.call(), pytest.raises(OptionError, match="one_state"), gate.closed():
        pass
    assert not gate.is_inside
    with gate.closed():
        pass


def test_a_call_that_goes_on_is_let_in_while_a_checkpoint_waits() -> None:
    """Else the one that is inside, and waits for it, would wait for ever."""
    gate, inside, done = Gate(), threading.Event(), threading.Event()

    def first() -> None:
        with gate.call():
            inside.set()
            assert done.wait(10)

    def checkpoint() -> None:
        with gate.closed():
            pass

    one, other = threading.Thread(target=first), threading.Thread(target=checkpoint)
    one.start()
    inside.wait(10)
    other.start()
    while not gate._closing:
        time.sleep(0.001)
    with gate.call(goes_on=True):
        done.set()
    one.join(10)
    other.join(10)
    assert not one.is_alive() and not other.is_alive()


def test_an_error_leaves_it_open() -> None:
    gate = Gate()
    with pytest.raises(ValueError, match="x"), gate.call():
        raise ValueError("x")
    with pytest.raises(ValueError, match="y"), gate.closed():
        raise ValueError("y")
    with gate.closed():
        pass


def test_a_call_that_stays_is_waited_for_until_the_program_ends() -> None:
    gate, inside, done = Gate(), threading.Event(), threading.Event()

    def stay() -> None:
        with gate.call():
            inside.set()
            done.wait(30)

    thread = threading.Thread(target=stay)
    thread.start()
    inside.wait(10)
    gate.hurry(0)
    with pytest.raises(SaveError, match="does not leave it"), gate.closed():
        pass
    done.set()
    thread.join()
    with gate.closed():
        pass


@pytest.mark.parametrize("kind", ["call", "closed"])
def test_ctrl_c_anywhere_leaves_it_open(kind: str) -> None:
    gate = Gate()

    def block() -> None:
        with gate.call() if kind == "call" else gate.closed():
            pass

    number = 1
    while interrupted(block, number, [gates.__file__]):
        assert not gate.is_inside, number
        other = threading.Thread(target=block, daemon=True)
        other.start()
        other.join(10)
        assert not other.is_alive(), number
        number += 1
    assert number > 4
