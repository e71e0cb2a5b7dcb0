"""Ctrl-C comes out as what it is."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from hspyio.system.interrupts import called_back, caught, deferred, interrupt_behind


@pytest.fixture
def handled() -> Iterator[None]:
    """Ctrl-C raises, also where whoever started the tests has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_is_found_behind_what_it_led_to() -> None:
    error = RuntimeError("HDF5 is confused")
    assert interrupt_behind(error) is None
    error.__context__ = OSError("flush")
    assert interrupt_behind(error) is None
    error.__context__.__cause__ = GeneratorExit()
    assert interrupt_behind(error) is None
    error.__context__.__cause__ = interrupt = KeyboardInterrupt()
    assert interrupt_behind(error) is interrupt
    assert interrupt_behind(interrupt) is interrupt


def test_errors_that_come_of_themselves_have_an_end() -> None:
    error = OSError("raised twice")
    error.__context__ = RuntimeError("between")
    error.__context__.__context__ = error
    assert interrupt_behind(error) is None


def test_what_python_makes_of_it_in_a_function_that_hdf5_calls() -> None:
    with pytest.raises(KeyboardInterrupt), called_back():
        raise SystemError("returned a result with an exception set") from KeyboardInterrupt()
    with pytest.raises(SystemError, match="other"), called_back():
        raise SystemError("other")


@pytest.mark.usefixtures("handled")
def test_signals_wait_for_the_end() -> None:
    reached: list[str] = []

    def struck(error: type[OSError] | None = None) -> None:
        signal.raise_signal(signal.SIGINT)
        if error is not None:
            raise error
        reached.append("the end")

    with pytest.raises(KeyboardInterrupt), deferred():
        struck()
    with pytest.raises(KeyboardInterrupt) as caught, deferred():
        struck(OSError)
    assert isinstance(caught.value.__context__, OSError)
    with deferred():
        reached.append("nothing struck")
    assert reached == ["the end", "nothing struck"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("handled")
def test_handlers_are_those_from_before() -> None:
    told: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: told.append(number))
    try:
        with deferred():
            signal.raise_signal(signal.SIGTERM)
            assert told == []
        assert told == [signal.SIGTERM]
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with deferred():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_other_threads_are_not_told_of_signals() -> None:
    done: list[int] = []

    def work() -> None:
        with deferred():
            done.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [1]


@pytest.mark.usefixtures("handled")
def test_what_a_handler_raises_is_told_and_breaks_nothing_off() -> None:
    told: list[BaseException] = []
    struck: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: struck.append(number))
    try:
        with caught(told.append):
            signal.raise_signal(signal.SIGTERM)
            assert struck == [signal.SIGTERM]  # at once, and it is not told: it raises nothing
            with caught(told.append):
                signal.raise_signal(signal.SIGINT)
            assert [type(error) for error in told] == [KeyboardInterrupt]
            signal.raise_signal(signal.SIGINT)
            assert len(told) == 2
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("handled")
def test_threads_that_get_no_signals_catch_none() -> None:
    seen: list[object] = []

    def work() -> None:
        with caught(seen.append):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]
