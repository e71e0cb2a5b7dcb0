"""For tests of hspyio and of what builds on it: round trips, and strategies for hypothesis."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hspyio.api.loading.load import load
from hspyio.api.saving.save import save
from hspyio.compare import signal_differences
from hspyio.model.signal import Signal

if TYPE_CHECKING:
    from hspyio.testing.strategies import (
        arrays,
        keys,
        metadata,
        ragged_free,
        scalars,
        signals,
        values,
    )

__all__ = [
    "arrays",
    "assert_roundtrip",
    "keys",
    "metadata",
    "ragged_free",
    "scalars",
    "signals",
    "values",
]


def __getattr__(name: str) -> Any:
    """A strategy, when it is first asked for: a round trip alone needs no hypothesis."""
    if name not in __all__:
        raise AttributeError(f"module 'hspyio.testing' has no attribute {name!r}")
    return getattr(import_module("hspyio.testing.strategies"), name)


def assert_roundtrip(signal: Signal, path: str | Path) -> Signal:
    """Save a signal, load it, and compare: types, order and all.

    Parameters
    ----------
    signal : Signal
        What to save.
    path : path-like
        Where to; a file that exists is replaced.

    Returns
    -------
    Signal
        What was loaded.

    Raises
    ------
    AssertionError
        If anything differs; every difference is listed.
    """
    save(path, signal, overwrite=True, durable=False)
    loaded = load(path)
    found = signal_differences(signal, loaded)
    assert not found, "\n".join(found)
    return loaded
