"""HyperSpy on either back end: RosettaSciIO's own, and ours, put under it by `enable_hyperspy`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hyperspy.api as hs
import numpy as np
import pytest

import hspyio
from support.compare import differences

THEIRS, OURS = "rosettasciio", "hspyio"
BACK_ENDS = (THEIRS, OURS)
BACK_END = pytest.mark.parametrize("back_end", BACK_ENDS)
LAZY = pytest.mark.parametrize("lazy", [False, True], ids=["eager", "lazy"])


@contextmanager
def plugged(back_end: str) -> Iterator[None]:
    """HyperSpy on a back end; its remarks on old files and on overwriting are not at stake."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if back_end == OURS:
            hspyio.enable_hyperspy()
        try:
            yield
        finally:
            hspyio.disable_hyperspy()


def save(back_end: str, signal: Any, path: Path, **kwds: Any) -> Path:
    with plugged(back_end):
        signal.save(path, **kwds)
    return path


def load(back_end: str, path: Any, **kwds: Any) -> Any:
    with plugged(back_end):
        return hs.load(path, **kwds)


def on_both(run: Callable[[Path], Any], folder: Path) -> tuple[Any, Any]:
    """What a function of a folder returns on RosettaSciIO, and on ours."""
    results = []
    for back_end in BACK_ENDS:
        own = folder / back_end / "work"
        own.mkdir(parents=True)
        with plugged(back_end):
            results.append(run(own))
    return results[0], results[1]


def content(signal: Any) -> dict[str, Any]:
    """All that a HyperSpy signal would save, its class, and how lazy it is; computed.

    Without HyperSpy's log of loads and saves, which names the back end and the time.
    """
    found = signal._to_dictionary(add_models=True)
    return {**without_logs(found), "class": type(signal).__name__}


def without_logs(value: Any) -> Any:
    if hasattr(value, "compute"):
        value = value.compute()
    if isinstance(value, dict):
        return {key: without_logs(item) for key, item in value.items() if key not in NOT_AT_STAKE}
    if isinstance(value, list | tuple):
        return type(value)(map(without_logs, value))
    if isinstance(value, np.ndarray) and value.dtype == object:
        return [without_logs(item) for item in value.ravel()]
    return value


NOT_AT_STAKE = ("FileIO", "tmp_parameters", "index_in_array")


def different(one: Any, other: Any) -> list[str]:
    """A line for each difference of types or values."""
    return list(differences(one, other))


def check_through_either(signal: Any, folder: Path, *, lazy: bool, unreadable: str = "") -> Any:
    """Save and load it on either back end, in all four ways; returns it as from ours to ours.

    With `unreadable` RosettaSciIO cannot load it, for a defect with that message.
    """
    found: dict[tuple[str, str], Any] = {}
    chunks: dict[str, Any] = {}
    result = None
    for writer in BACK_ENDS:
        path = save(writer, signal, folder / f"{writer}.hspy")
        for reader in BACK_ENDS:
            if unreadable and reader is THEIRS:
                with pytest.raises(ValueError, match=unreadable):
                    load(reader, path, lazy=lazy)
                continue
            result = load(reader, path, lazy=lazy)
            log = result.metadata.General.FileIO.as_dictionary()
            used = [log[key]["io_plugin"].partition(".")[0] for key in sorted(log, key=int)[-2:]]
            assert used == [{THEIRS: "rsciio", OURS: "hspyio"}[name] for name in (writer, reader)]
            assert result._lazy is lazy
            if lazy and not result.ragged:
                chunks.setdefault(writer, result.data.chunks)
                assert result.data.chunks == chunks[writer]
            found[writer, reader] = content(result)
    ours = found.pop((OURS, OURS))
    assert different(ours["data"], content(signal)["data"]) == []
    for which, other in found.items():
        assert different(ours, other) == [], which
    return result
