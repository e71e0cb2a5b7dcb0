"""Ctrl-C comes out as what it is."""

from __future__ import annotations

import pytest

from hspyio.storage.interrupts import called_back, interrupt_behind


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


def test_what_python_makes_of_it_in_a_function_that_hdf5_calls() -> None:
    with pytest.raises(KeyboardInterrupt), called_back():
        raise SystemError("returned a result with an exception set") from KeyboardInterrupt()
    with pytest.raises(SystemError, match="other"), called_back():
        raise SystemError("other")
