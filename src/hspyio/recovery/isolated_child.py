"""The process that reads a file for another: ``python -m hspyio.recovery.isolated_child``.

It answers on its standard output what it is asked on its standard input. It may take so much
memory and so much time, and no more: the system ends it then.
"""

from __future__ import annotations

import math
import os
import signal
import sys
from typing import IO, Any

try:
    import resource
except ImportError:  # Windows
    pass

import numpy as np

from hspyio.arrays.workers import Work
from hspyio.errors import DamagedFileError, HspyError
from hspyio.hdf5.dataset import stored_bytes
from hspyio.hdf5.guard_hdf5 import ObjectCensus
from hspyio.hdf5.h5py_reader import opened_by_hdf5, root_of
from hspyio.hdf5.limits import Budget
from hspyio.integrity.checksums import ArraySums, faults_of
from hspyio.nodes.node import Array, Damaged, Group, Kept
from hspyio.recovery.chunks import Salvage
from hspyio.recovery.messages import Writer, node_to_json, receive, send
from hspyio.recovery.salvage import ReachedCensus, open_salvaged

__all__ = ["main"]

_MEMORY = 2**30
_SEARCH = 20e6
"""Bytes of a file in which lost chunks are searched for in a second, at least."""
_SLAB = 2**26
_PACE = 2 * 2**20
"""Bytes of an array for which there is a second more."""
_PACE_OF_ITEMS = 5000
"""Attributes and links of a group for which there is a second more."""
_FEW_ITEMS = 100
_LEAST_ITEM = 8
"""Bytes that an attribute or a link takes in a file, at least."""


class _ByParts(Budget):
    """Arrays are asked for in parts, which are gone when they are sent."""

    def take(self, size: int, *, lazily: bool) -> None:
        """Allow for a part."""


class _Patient(ObjectCensus):
    """Allows time for what an object has, as far as the file can have it."""

    def expect(self, count: int) -> None:
        """Allow for attributes and links."""
        _allow_time_for(count)


class _PatientAndReached(ReachedCensus):
    """The same, for a file that is salvaged."""

    def expect(self, count: int) -> None:
        """Allow for attributes and links."""
        _allow_time_for(count)


def _allow_time_for(count: int) -> None:
    if count > _FEW_ITEMS:
        most = os.stat(sys.argv[1]).st_size // _LEAST_ITEM
        _allow_time(min(count, most) / _PACE_OF_ITEMS)


def main() -> None:
    """Open the file that the command line names, and answer until nobody asks any more."""
    path, threads, patience, *flags = sys.argv[1:]
    asked, told = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)  # what a library prints is no answer
    _limit_memory(os.stat(path).st_size if os.path.isfile(path) else 0)
    _limit_time(float(patience))
    work = Work(threads=int(threads))
    try:
        if "salvage" in flags:
            salvage = Salvage(_PatientAndReached())
            with open_salvaged(path, work=work, budget=_ByParts(), census=salvage.census) as root:
                _answer(asked, told, root, float(patience), salvage)
            return
        external = "external" in flags
        file, session = opened_by_hdf5(
            path, None, allow_external=external, work=work, budget=_ByParts()
        )
        session.census = _Patient()
        try:
            with file:
                _answer(asked, told, root_of(file, session), float(patience))
        finally:
            session.end()
    except HspyError as error:
        receive(asked, 0)
        send(told, _told(error))


def _answer(
    asked: IO[bytes],
    told: IO[bytes],
    root: Group,
    patience: float,
    salvage: Salvage | None = None,
) -> None:
    """Answer all questions, each in so many seconds of processor time; arrays take more."""
    while True:
        _limit_time(0)
        try:
            question, _ = receive(asked, 0)
        except EOFError:
            return
        for one in _singly(question):
            _limit_time(patience)
            _answer_one(one, told, root, salvage)


def _singly(question: Any) -> list[Any]:
    """The questions for members of a group that were asked as one: each has its answer."""
    if question["do"] != "nodes":
        return [question]
    place = question["place"]
    return [{"do": "node", "place": [*place, name], "about": None} for name in question["about"]]


def _answer_one(question: Any, told: IO[bytes], root: Group, salvage: Salvage | None) -> None:
    writer = Writer()
    try:
        found = _found(question, root, writer, salvage)
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


def _found(question: Any, root: Group, writer: Writer, salvage: Salvage | None) -> Any:
    node = _node(root, question["place"])
    what = question["do"]
    if what == "node":
        content = node_to_json(node, writer)
        if isinstance(node, Array):
            content["stored"] = stored_bytes(node) if salvage is None else 0
        if salvage is not None:
            content["reached"], salvage.census.reached = salvage.census.reached, []
        return content
    about = question["about"]
    if not isinstance(node, Array):
        raise DamagedFileError("is no array", where="/" + "/".join(question["place"]))
    if what == "written":
        _allow_time(os.stat(sys.argv[1]).st_size / _SEARCH)
        written = None if salvage is None else salvage.written(node, mostly_not=about)
        return None if written is None else [writer.value(written[0]), written[1]]
    if what == "faults":
        _allow_time(_bytes(node) / _PACE)
        return _faults(node, *about)
    selection = tuple(slice(*part) if isinstance(part, list) else part for part in about)
    if salvage is not None and what == "salvage":
        _allow_time(_SLAB / _PACE + os.stat(sys.argv[1]).st_size / _SEARCH)
        found = salvage.read(node, selection)
        told = [found.lost, found.sums, found.by_order, found.zeros, found.blocks]
        return [writer.value(found.values), *told]
    _allow_time((_SLAB if salvage else min(_bytes(node), _SLAB)) / _PACE)
    if what == "rows":
        return writer.value(node.source.rows(selection))  # type: ignore[attr-defined]
    return writer.value(node.source.read(selection))


def _faults(array: Array, told: Any, decode: bool) -> Any:
    known = None
    if told is not None:
        kind, step, head, sums = told
        known = ArraySums(kind, step, head, np.array(sums, np.uint32))
    found = faults_of(array, known, Work(), decode=decode)
    return [[fault.region, fault.message, fault.chunk] for fault in found]


def _bytes(array: Array) -> float:
    """Bytes of an array that have to be worked on."""
    size = math.prod(map(float, array.shape)) * getattr(array.type, "itemsize", 16)
    return min(size, max(_SLAB, 1100.0 * stored_bytes(array)))


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


def _allow_time(seconds: float) -> None:
    """Allow for more than what is left."""
    if hasattr(signal, "getitimer"):
        _limit_time(signal.getitimer(signal.ITIMER_PROF)[0] + seconds)


if __name__ == "__main__":
    main()
