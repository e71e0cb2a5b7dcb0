"""The process that reads a file for another: ``python -m hspyio.storage.isolated_child``.

It answers on its standard output what it is asked on its standard input. It may take so much
memory and so much time, and no more: the system ends it then.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import IO, Any

try:
    import resource
except ImportError:  # Windows
    pass

from hspyio.errors import DamagedFileError, HspyError
from hspyio.node import Array, Damaged, Group, Kept
from hspyio.storage.datasets import stored_bytes
from hspyio.storage.guard import Budget
from hspyio.storage.messages import Writer, node_to_json, receive, send
from hspyio.storage.reader import open_root
from hspyio.storage.work import Work

__all__ = ["main"]

_MEMORY = 2**30
_PATIENCE = 4.0
"""Seconds of processor time for an answer."""
_PACE = 2 * 2**20
"""Bytes of an array for which there is a second more."""


class _ByParts(Budget):
    """Arrays are asked for in parts, which are gone when they are sent."""

    def take(self, size: int, *, lazily: bool) -> None:
        """Allow for a part."""


def main() -> None:
    """Open the file that the command line names, and answer until nobody asks any more."""
    path, threads, *flags = sys.argv[1:]
    asked, told = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)  # what a library prints is no answer
    _limit_memory(os.stat(path).st_size if os.path.isfile(path) else 0)
    _limit_time(_PATIENCE)
    try:
        with open_root(
            path,
            allow_external="external" in flags,
            work=Work(threads=int(threads)),
            budget=_ByParts(),
        ) as root:
            _answer(asked, told, root)
    except HspyError as error:
        receive(asked, 0)
        send(told, _told(error))


def _answer(asked: IO[bytes], told: IO[bytes], root: Group) -> None:
    while True:
        _limit_time(0)
        try:
            question, _ = receive(asked, 0)
        except EOFError:
            return
        _limit_time(_PATIENCE)
        writer = Writer()
        try:
            found = _found(question, root, writer)
        except HspyError as error:
            send(told, _told(error))
        except (
            ArithmeticError,
            AttributeError,
            LookupError,
            MemoryError,
            OSError,
            RecursionError,
            RuntimeError,
            TypeError,
            ValueError,
        ) as error:
            message = f"cannot be read: {type(error).__name__}: {error}"
            where = "/" + "/".join(question["place"])
            send(told, {"error": "DamagedFileError", "message": message, "where": where})
        else:
            send(told, {"found": found}, writer.buffers)


def _told(error: HspyError) -> dict[str, str]:
    return {"error": type(error).__name__, "message": error.message, "where": error.where}


def _found(question: Any, root: Group, writer: Writer) -> Any:
    node = _node(root, question["place"])
    what = question["do"]
    if what == "node":
        content = node_to_json(node, writer)
        if isinstance(node, Array):
            content["stored"] = stored_bytes(node)
        return content
    if not isinstance(node, Array):
        raise DamagedFileError("is no array", where="/" + "/".join(question["place"]))
    selection = tuple(
        slice(*part) if isinstance(part, list) else part for part in question["selection"]
    )
    _limit_time(_PATIENCE + _bytes(node) / _PACE)
    if what == "rows":
        return writer.value(node.source.rows(selection))  # type: ignore[attr-defined]
    return writer.value(node.source.read(selection))


def _bytes(array: Array) -> float:
    """At most what one question can be about."""
    size = 1.0
    for length in array.shape:
        size *= length
    return min(size * getattr(array.type, "itemsize", 16), 2**26)


def _node(root: Group, place: list[str]) -> Group | Array | Damaged | Kept:
    node: Group | Array | Damaged | Kept = root
    for name in place:
        if not isinstance(node, Group):
            raise DamagedFileError("is in no group", where="/" + "/".join(place))
        node = node.members[name]
    return node


def _limit_memory(size: int) -> None:
    """One GiB, or a few times the file: a chunk may be all of it."""
    most = max(_MEMORY, 4 * size)
    if "resource" in globals():
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_time(seconds: float) -> None:
    """Let the system end this process after so much processor time; 0: never."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


if __name__ == "__main__":
    main()
