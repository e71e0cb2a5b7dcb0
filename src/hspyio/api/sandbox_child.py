"""The process of `hspyio.api.sandbox`: ``python -m hspyio.api.sandbox_child``.

It may take so much memory and so much time, and no more: the system ends it then. It ends, too,
when who has asked is gone.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import IO, Any

try:
    import resource
except ImportError:  # Windows
    pass

import numpy as np

from hspyio.api.examining.rescue import rescued
from hspyio.api.examining.validate import validated
from hspyio.api.examining.verify import verified
from hspyio.api.loading.load import loaded
from hspyio.api.saving.save import write_new
from hspyio.arrays.workers import Progress, Workers
from hspyio.errors import UNREADABLE, DamagedFileError, HspyError, HspyWarning, UnsupportedTypeError
from hspyio.nodes.node import Array, MemorySource, SparseSource, with_arrays
from hspyio.options import ReadOptions, WriteOptions
from hspyio.schema import encode_file
from hspyio.system.memory import available_memory

__all__ = ["OPERATIONS", "main"]

_MEMORY = 2**30
_PATIENCE = 5.0
"""Seconds of processor time for the smallest file."""
_PACE = 2 * 2**20
"""Bytes of a file, and of the arrays in it, for which there is a second more."""
_MOST_GROWTH = 1100
"""How many bytes of arrays a byte of a file stands for, as far as there is more time for them."""
_LARGE = 16 * 2**20
_STEP = 2**20
"""Bytes between two lines about the progress."""


def _load(path: str, options: Mapping[str, Any], workers: Workers) -> dict[str, Any]:
    """Write what was loaded into a clean file."""
    known = dict(options)
    name, clean = known.pop("name"), known.pop("clean")
    signal_ = loaded(path, name, ReadOptions(**known), workers)
    assert signal_.location is not None
    name = signal_.location.group
    encoded = encode_file([signal_], group_names=[name])
    if encoded.problems:
        raise UnsupportedTypeError(encoded.problems, path=path)
    made = {key: with_arrays(node, _without_zeros) for key, node in encoded.experiments.items()}
    encoded = replace(encoded, experiments=made)
    written = WriteOptions(compression=None, durable=False, progress=False, threads=workers.threads)
    write_new(clean, encoded, written)
    return {"group": name}


def _without_zeros(array: Array) -> Array:
    """Large arrays of zeros are not written: they take no memory here, and none where they go."""
    if not _is_all_zero(array):
        return array
    zero = np.zeros((), array.type)  # type: ignore[arg-type]
    return replace(array, source=SparseSource(array.source, zero, ()))


def _is_all_zero(array: Array) -> bool:
    values = array.source.array if isinstance(array.source, MemorySource) else None
    if values is None or values.dtype.hasobject or values.nbytes < _LARGE:
        return False
    if not values.flags.c_contiguous or not isinstance(array.type, np.dtype):
        return False
    flat = values.reshape(-1).view(np.uint8)
    return not any(flat[low : low + _LARGE].any() for low in range(0, flat.size, _LARGE))


def _validate(path: str, options: Mapping[str, Any], workers: Workers) -> dict[str, Any]:
    return validated(path, str(options["severity"])).as_dict()


def _verify(path: str, options: Mapping[str, Any], workers: Workers) -> dict[str, Any]:
    return verified(path, workers).as_dict()


def _rescue(path: str, options: Mapping[str, Any], workers: Workers) -> dict[str, Any]:
    return rescued(path, str(options["target"]), workers).as_dict()


Operation = Callable[[str, Mapping[str, Any], Workers], dict[str, Any]]
OPERATIONS: Mapping[str, Operation] = {
    "load": _load,
    "validate": _validate,
    "verify": _verify,
    "rescue": _rescue,
}


class _Answers:
    """What is sent to who has asked, and how much time there still is."""

    def __init__(self, stream: IO[bytes], size: int, threads: int) -> None:
        self._stream, self._threads = stream, max(1, threads)
        self._left = _MOST_GROWTH * size
        self._done = 0
        self._lock = threading.Lock()
        self._allow(_PATIENCE + size / _PACE)

    def send(self, what: str, about: Any) -> None:
        """Send a line."""
        line = json.dumps([what, about]).encode("ascii") + b"\n"
        with self._lock:
            self._stream.write(line)
            self._stream.flush()

    def expect(self, count: int) -> None:
        """Allow time for an array, as far as the file can have it."""
        self.send("expect", count)
        with self._lock:
            counted = min(count, self._left)
            self._left -= counted
            self._allow(counted / _PACE)

    def advance(self, count: int) -> None:
        """Tell of the progress, now and then."""
        with self._lock:
            self._done += count
            done = self._done if self._done >= _STEP else 0
            self._done -= done
        if done:
            self.send("advance", done)

    def _allow(self, seconds: float) -> None:
        """Let the system end this process after so much more processor time of all threads."""
        if hasattr(signal, "setitimer"):
            left = signal.getitimer(signal.ITIMER_PROF)[0]
            signal.setitimer(signal.ITIMER_PROF, left + seconds * self._threads)


def main() -> None:
    """Do what the standard input asks for."""
    asked, told = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)  # what a library prints is no answer
    question = json.loads(asked.readline())
    threading.Thread(target=_watch, args=(asked,), daemon=True).start()
    path, threads = str(question["path"]), int(question["threads"])
    size = os.stat(path).st_size if os.path.isfile(path) else 0
    _limit_memory(size)
    answers = _Answers(told, size, threads)
    workers = Workers(threads, Progress(answers.expect, answers.advance))
    answers.send(
        *_done(OPERATIONS[question["operation"]], path, question["options"], workers, answers)
    )


def _watch(asked: IO[bytes]) -> None:
    """End with who has asked; what was written by then is swept by whoever comes next."""
    asked.read()
    os._exit(1)


def _done(
    operation: Operation, path: str, options: Mapping[str, Any], workers: Workers, answers: _Answers
) -> tuple[str, Any]:
    """The result, or the error; warnings are sent before."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", HspyWarning)
        try:
            result: tuple[str, Any] = "result", operation(path, options, workers)
        except HspyError as raised:
            result = "error", _told(raised)
        except UNREADABLE as raised:
            message = f"cannot be read: {type(raised).__name__}: {raised}"
            result = "error", _told(DamagedFileError(message, path=path))
    for warning in caught:
        if issubclass(warning.category, HspyWarning):
            answers.send("warning", str(warning.message))
    return result


def _told(error: HspyError) -> dict[str, str | None]:
    facts = {"message": error.message, "where": error.where, "path": error.path}
    return {"kind": type(error).__name__, **facts}


def _limit_memory(size: int) -> None:
    """What there is, one GiB or a few times the file at least: a chunk may be all of it."""
    most = max(_MEMORY, 4 * size, available_memory() or 0)
    if "resource" in globals():
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
