"""Look at a file while it is written: one signal after the other, as it grows."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

from hspyio import names
from hspyio.api.arguments import name_of, path_of_file
from hspyio.api.loading.load import load
from hspyio.errors import OptionError, warn_user
from hspyio.hdf5.format.superblock import LENGTH
from hspyio.model.signal import Signal
from hspyio.streaming.schedule import seconds_of
from hspyio.system.calls import close, open_for_reading, read_up_to
from hspyio.system.locks import writer_of
from hspyio.system.refusals import named_errors

__all__ = ["follow", "state_of"]

_TRIES = 20


def follow(
    path: str | os.PathLike[str],
    name: str | None = None,
    *,
    interval: str | float = 0.5,
    timeout: str | float | None = None,
) -> Iterator[Signal]:
    """Yield the signal in a file that `create` is writing, anew after each checkpoint.

    Each is lazy, and stays as it is while the file grows. Checkpoints that come while one is
    looked at are passed over for the newest.

    Parameters
    ----------
    path : path-like
        The file; of one that nobody is writing the signal is yielded once.
    name : str, optional
        The experiment, where the file holds several.
    interval : float or str
        Between two looks at the file: seconds, or a time such as ``"200ms"``.
    timeout : float or str, optional
        Likewise: without a checkpoint for so long it ends, too.

    Yields
    ------
    Signal
        The last one is what the writer has left.

    Raises
    ------
    MissingFileError, NotHspyError, ExperimentError
        As `load`.

    Warns
    -----
    HspyWarning
        If the writer has died: the last checkpoint is what there is.

    Examples
    --------
    >>> for signal in hspyio.follow("run.hspy"):  # doctest: +SKIP
    ...     print(signal.axes[0].size)
    """
    text = path_of_file(path, "follow(path)")
    name = name_of(name, "follow(path, name='HAADF')")
    pause = _seconds("interval", interval)
    return _states(text, name, pause, None if timeout is None else _seconds("timeout", timeout))


def _seconds(option: str, given: object) -> float:
    seconds = seconds_of(given)
    if seconds is None:
        raise OptionError(
            f"{option} is {given!r}; use a number of seconds above 0, or a time such as '1s'"
        )
    return min(seconds, threading.TIMEOUT_MAX)


def _states(
    path: str, name: str | None, interval: float, timeout: float | None
) -> Iterator[Signal]:
    seen, since = b"", time.monotonic()
    while True:
        state, is_written = state_of(path)
        if state != seen:
            seen, signal = _loaded(path, name, state)
            yield signal
            if not signal.metadata.get_item(f"{names.STREAM}.{names.GROWING}", False):
                return
            since = time.monotonic()
        elif not is_written:
            warn_user(
                f"{path}: whoever wrote it has died or was killed; this is its last checkpoint, "
                "and hspyio.resume(path) goes on from it"
            )
            return
        elif timeout is not None and time.monotonic() - since > timeout:
            return
        else:
            time.sleep(interval)


def _loaded(path: str, name: str | None, state: bytes) -> tuple[bytes, Signal]:
    """The newest state, and what tells it from others."""
    for _ in range(_TRIES):
        signal = load(path, name, lazy=True)
        after, _ = state_of(path)
        if after == state:
            break
        state = after
    return state, signal


def state_of(path: str) -> tuple[bytes, bool]:
    """Which file it is and where its root is, and whether anybody is writing it."""
    with named_errors(path):
        descriptor = open_for_reading(path)
        try:
            is_written = writer_of(descriptor) is not None  # first: what is read now is the last
            start = bytearray(LENGTH)
            read_up_to(descriptor, [memoryview(start)], 0)
            return os.fstat(descriptor).st_ino.to_bytes(16, "little") + bytes(start), is_written
        finally:
            close(descriptor)
