"""Read a file in another process: what crashes or hangs HDF5 does so there, and is reported.

The other process sends nodes and values as plain data; nothing of the file reaches HDF5 in this
one. When it dies it is started again, and what it was asked for last is the damaged part.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hspyio import errors
from hspyio.arrays.indexing import BasicIndexer
from hspyio.arrays.workers import Work
from hspyio.errors import DamagedFileError, FilterError, HspyError, TooLargeError
from hspyio.hdf5.limits import Budget
from hspyio.integrity.checksums import ArraySums, Fault
from hspyio.nodes.node import (
    Array,
    ArraySource,
    Damaged,
    Group,
    MemorySource,
    Rows,
    Selection,
    Vlen,
)
from hspyio.recovery.messages import (
    MessageError,
    Reader,
    filters_from_json,
    receive,
    send,
    type_from_json,
)
from hspyio.recovery.salvage import BY_ADDRESS

__all__ = [
    "Child",
    "IsolatedRows",
    "IsolatedSource",
    "Salvaging",
    "node_by_address",
    "open_isolated",
]

_Place = tuple[str, ...]

_PROGRAM = "hspyio.recovery.isolated_child"
_SLAB = 32 * 2**20
"""Bytes of an array that are asked for at a time."""
_MOST_ANSWER = 2**30
"""Bytes of an answer that is not part of an array of numbers."""
_MOST_DEATHS = 100
"""How often the other process may die before the file is given up."""
_PATIENCE = 2.0
"""Seconds of processor time for the first answer that does not come; each time half of it."""
_LEAST_PATIENCE = 0.25
_MOST_AHEAD = 256
"""Members of a group that are asked for at once."""
_MOST_HANGS = 6
"""How many answers may not come before a file is given up that is not to be salvaged: a file has
to be read or refused in less than 5 s."""


@contextmanager
def open_isolated(
    path: str | os.PathLike[str],
    *,
    allow_external: bool = False,
    work: Work | None = None,
    salvaging: Salvaging | None = None,
) -> Iterator[Group]:
    """Open a file in a child process and give its root group, as `open_root` does.

    Parameters
    ----------
    path : path-like
        The file.
    allow_external : bool
        See `open_root`.
    work : Work, optional
        How many threads the child has, and who is told of the progress.
    salvaging : Salvaging, optional
        For a file that is damaged: what can be read is, however much is not.

    Raises
    ------
    MissingFileError, NotHspyError, DamagedFileError
        See `open_root`; also if HDF5 crashes or hangs on the file.
    """
    child = Child(os.fspath(path), allow_external, work or Work(), salvaging)
    try:
        yield _group(child, (), child.ask("node", ()))
    finally:
        child.end()


class Salvaging(Protocol):
    """What becomes of a damaged file's arrays, and who is told what was reached in it."""

    def source(
        self, child: Child, place: _Place, shape: tuple[int, ...], kind: Any, stored_bytes: int
    ) -> ArraySource:
        """Reads an array."""

    def note_reached(self, addresses: list[int]) -> None:
        """Take note of the addresses of objects."""


class Child:
    """The process that reads, and what has been asked of it.

    Parameters
    ----------
    path : str
        The file.
    allow_external : bool
        Whether what it refers to in other files is read.
    work : Work
        How many threads the process has, and who is told of the progress.
    salvaging : Salvaging, optional
        For a file that is damaged.
    """

    def __init__(
        self, path: str, allow_external: bool, work: Work, salvaging: Salvaging | None = None
    ) -> None:
        self.path = path
        self.salvaging = salvaging
        self.work = work
        self.budget = Budget()
        self.reads_one_file = not allow_external
        self._flags = ["external"] * allow_external + ["salvage"] * (salvaging is not None)
        self._process: subprocess.Popen[bytes] | None = None
        self._deaths: dict[tuple[str, _Place], str] = {}
        self._hangs = 0
        self._lock = threading.Lock()

    def ask(
        self, what: str, place: _Place, *, about: Any = None, most: int = _MOST_ANSWER
    ) -> tuple[Any, Reader]:
        """Ask for a node or values; from any thread, one after the other.

        Raises
        ------
        HspyError
            What reading raised there; a `DamagedFileError` if the child dies of it.
        """
        with self._lock:
            return self._ask(what, place, about, most)

    def _ask(self, what: str, place: _Place, about: Any, most: int) -> tuple[Any, Reader]:
        asked = f"{what} {about}" if what == "salvage" else what
        known = self._deaths.get((asked, place))
        if known is not None:
            raise DamagedFileError(known, path=self.path, where=_text(place))
        try:
            process = self._started()
            assert process.stdin is not None and process.stdout is not None
            send(process.stdin, {"do": what, "place": place, "about": about})
            answer, buffers = receive(process.stdout, most)
        except (EOFError, BrokenPipeError):
            reason = self._cause_of_death()
            self._deaths[asked, place] = reason
            raise DamagedFileError(reason, path=self.path, where=_text(place)) from None
        except MessageError as error:
            self.end()
            raise DamagedFileError(
                f"the process that reads it does not answer: {error}",
                path=self.path,
                where=_text(place),
            ) from None
        except BaseException:  # the answer to this may still come
            self.end()
            raise
        if "error" in answer:
            raise _error(answer, self.path)
        return answer["found"], Reader(buffers)

    def nodes(self, place: _Place, names: Sequence[str]) -> list[tuple[Any, Reader]]:
        """Ask for members of a group, without waiting for each; those before one it dies of."""
        found: list[tuple[Any, Reader]] = []
        with self._lock:
            for name in names:
                try:
                    process = self._started()
                    assert process.stdin is not None and process.stdout is not None
                    if not found:
                        send(process.stdin, {"do": "nodes", "place": place, "about": names})
                    answer, buffers = receive(process.stdout, _MOST_ANSWER)
                except (EOFError, BrokenPipeError):
                    self._deaths["node", (*place, name)] = self._cause_of_death()
                    break
                except BaseException as error:
                    self.end()
                    if isinstance(error, MessageError):
                        break
                    raise
                found.append((answer, Reader(buffers)))
        return found

    def died_of(self, place: _Place) -> bool:
        """Whether the process has died of a node."""
        return ("node", place) in self._deaths

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            if len(self._deaths) > _MOST_DEATHS:
                raise DamagedFileError(
                    f"reading it has crashed {_MOST_DEATHS} times", path=self.path
                )
            if self._hangs == _MOST_HANGS and self.salvaging is None:
                raise DamagedFileError(
                    f"reading it has not come to an end {_MOST_HANGS} times", path=self.path
                )
            patience = max(_PATIENCE / 2**self._hangs, _LEAST_PATIENCE)
            package = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
            known = os.environ.get("PYTHONPATH", "")
            paths = os.pathsep.join([package, known] if known else [package])
            arguments = [os.path.abspath(self.path), str(self.work.threads), str(patience)]
            self._process = subprocess.Popen(
                # -P: no module of the folder that a hostile file may have come with
                [sys.executable, "-P", "-m", _PROGRAM, *arguments, *self._flags],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=2**20,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"},
            )
        return self._process

    def _cause_of_death(self) -> str:
        assert self._process is not None
        code = self._process.wait()
        self.end()
        if code in (-getattr(signal, "SIGPROF", 0), -getattr(signal, "SIGALRM", 0)):
            self._hangs += 1
            return "reading it does not come to an end"
        if code == -getattr(signal, "SIGKILL", 0):
            return "reading it takes more memory than there is"
        return "reading it crashes HDF5"

    def end(self) -> None:
        """Let the process go."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()


def node_by_address(root: Group, address: int) -> Group | Array | Damaged:
    """An object of a file that is being salvaged, whatever leads to it.

    Parameters
    ----------
    root : Group
        From `open_isolated`.
    address : int
        Of its header.
    """
    assert isinstance(root.members, _Members)
    return root.members.member(f"{BY_ADDRESS}{address}")


def _error(answer: Any, path: str) -> HspyError:
    """The error that was raised in the child, if it is one of ours."""
    kind = getattr(errors, str(answer["error"]), DamagedFileError)
    if not (isinstance(kind, type) and issubclass(kind, HspyError)):
        kind = DamagedFileError
    try:
        return kind(str(answer["message"]), path=path, where=str(answer["where"]))
    except TypeError:
        return DamagedFileError(str(answer["message"]), path=path, where=str(answer["where"]))


def _text(place: _Place) -> str:
    known = place[1:] if place and place[0].startswith(BY_ADDRESS) else place
    return "/" + "/".join(known)


def _group(child: Child, place: _Place, found: tuple[Any, Reader]) -> Group:
    content, reader = found
    if "group" not in content:
        raise DamagedFileError("is no group", path=child.path, where=_text(place))
    return Group(
        reader.attributes(content["attributes"]),
        _Members(child, place, [str(name) for name in content["group"]]),
        bool(content["ordered"]),
    )


class _Members(Mapping[str, Any]):
    """The members of a group, asked for when they are needed."""

    def __init__(self, child: Child, place: _Place, names: list[str]) -> None:
        self._child = child
        self._place = place
        self._made: dict[str, Any] = dict.fromkeys(names)
        self._unasked = iter(names)
        self._ahead = 0

    def __getitem__(self, name: str) -> Group | Array | Damaged:
        if self._made[name] is None and self._ahead:
            self._ask_ahead(name)
        if self._made[name] is None:
            self._made[name] = self.member(name)
        self._ahead = min(2 * self._ahead or 1, _MOST_AHEAD)
        made: Group | Array | Damaged = self._made[name]
        return made

    def _ask_ahead(self, name: str) -> None:
        """Ask for a member and some of those that come next: most of the time is for waiting."""
        unmade = (other for other in self._unasked if self._made[other] is None)
        names = [name, *(other for other in islice(unmade, self._ahead) if other != name)]
        if any(self._child.died_of((*self._place, other)) for other in names):
            return
        try:
            found = self._child.nodes(self._place, names)
        except DamagedFileError:  # it is given up
            return
        for other, (answer, reader) in zip(names, found, strict=False):
            if "found" in answer:  # an error is told to whoever asks for that one
                self._made[other] = self._node((*self._place, other), (answer["found"], reader))

    def member(self, name: str) -> Group | Array | Damaged:
        """Ask for a member."""
        place = (*self._place, name)
        try:
            return self._node(place, self._child.ask("node", place))
        except (DamagedFileError, MessageError) as error:
            return Damaged(getattr(error, "message", str(error)))

    def _node(self, place: _Place, found: tuple[Any, Reader]) -> Group | Array | Damaged:
        content, reader = found
        try:
            if self._child.salvaging is not None:
                self._child.salvaging.note_reached([int(n) for n in content["reached"]])
            if "damaged" in content:
                return Damaged(str(content["damaged"]))
            return (
                _array(self._child, place, content, reader)
                if "array" in content
                else _group(self._child, place, found)
            )
        except (DamagedFileError, MessageError) as error:
            return Damaged(getattr(error, "message", str(error)))

    def __contains__(self, name: object) -> bool:
        return name in self._made

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


def _array(child: Child, place: _Place, content: Any, reader: Reader) -> Array:
    kind = type_from_json(content["array"])
    shape = tuple(map(int, content["shape"]))
    rows = isinstance(kind, Vlen) and isinstance(kind.base, np.dtype)
    stored = int(content["stored"])
    source: ArraySource = (IsolatedRows if rows else IsolatedSource)(
        child, place, shape, kind, stored
    )
    if child.salvaging is not None:
        source = child.salvaging.source(child, place, shape, kind, stored)
    if content["value"] is not None:
        source = MemorySource(np.asarray(reader.value(content["value"])))
    return Array(
        kind,
        source,
        chunks=None if content["chunks"] is None else tuple(map(int, content["chunks"])),
        filters=filters_from_json(content["filters"]),
    )


class IsolatedSource:
    """An array that the child reads, piece by piece."""

    def __init__(
        self, child: Child, place: _Place, shape: tuple[int, ...], kind: Any, stored_bytes: int
    ) -> None:
        self.stored_bytes = stored_bytes
        self._child = child
        self._place = place
        self._shape = shape
        self._kind = kind

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        return self._shape

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        """Read a selection.

        Raises
        ------
        DamagedFileError
            If it cannot be read.
        """
        chosen = BasicIndexer(selection, self._shape).ranges
        result_shape = tuple(span.count for span in chosen if not span.single)
        if not isinstance(self._kind, np.dtype):
            return np.asarray(self._asked(_plain(selection)))
        counts = [span.count for span in chosen]
        with self._named():
            self._child.budget.take(math.prod(counts) * self._kind.itemsize, lazily=False)
        if self._is_nothing(math.prod(counts) * self._kind.itemsize):
            return np.zeros(result_shape, self._kind)
        values = np.empty(counts, self._kind)
        self._child.work.expect(values.nbytes)
        for begin, end in _slabs(values):
            part = [slice(s.start, s.last + 1, s.step) for s in chosen]
            if part:
                first = chosen[0]
                part[0] = slice(
                    first.start + begin * first.step,
                    first.start + (end - 1) * first.step + 1,
                    first.step,
                )
            target = values[begin:end] if part else values
            found = self._asked(_plain(tuple(part)), target.nbytes + 64)
            if found.shape != target.shape or found.dtype != target.dtype:
                raise self._damaged("is not what it was said to be")
            target[...] = found
            self._child.work.advance(target.nbytes)
        return values.reshape(result_shape)

    def _is_nothing(self, size: int) -> bool:
        """Whether so many bytes are zeros that were never written, which need not be sent."""
        if self.stored_bytes or size <= _SLAB or not self._child.reads_one_file:
            return False
        return not np.asarray(self._asked([0] * len(self._shape))).tobytes().strip(b"\0")

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except HspyError as error:
            error.path, error.where = self._child.path, _text(self._place)
            raise

    def _asked(self, selection: Any, most: int = _MOST_ANSWER, what: str = "read") -> Any:
        content, reader = self._child.ask(what, self._place, about=selection, most=most)
        try:
            return reader.value(content)
        except MessageError as error:
            raise self._damaged(str(error)) from None

    def faults(self, known: ArraySums | None, *, decode: bool) -> list[Fault]:
        """What `hspyio.integrity.checksums.faults_of` finds there."""
        told = None
        if known is not None:
            told = [known.kind, known.step, known.head, known.sums.tolist()]
        try:
            content, _ = self._child.ask("faults", self._place, about=[told, decode])
        except (FilterError, TooLargeError):
            raise
        except DamagedFileError as error:
            return [Fault((), error.message)]
        return [
            Fault(tuple((int(a), int(b)) for a, b in region), str(message), bool(chunk))
            for region, message, chunk in content
        ]

    def _damaged(self, message: str) -> DamagedFileError:
        return DamagedFileError(message, path=self._child.path, where=_text(self._place))


class IsolatedRows(IsolatedSource):
    """Rows of variable length that the child reads."""

    def rows(self, selection: Selection = ()) -> Rows:
        """All rows of a selection, end to end."""
        rows = self._asked(_plain(selection), what="rows")
        if not isinstance(rows, Rows):
            raise self._damaged("is not what it was said to be")
        return rows

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        """Read a selection as an object array."""
        return self.rows(selection).read()


def _slabs(values: NDArray[Any]) -> Iterator[tuple[int, int]]:
    """Pieces along the first dimension, of about as many bytes as are asked for at a time."""
    if not values.ndim:
        yield 0, 1
        return
    row = math.prod(values.shape[1:]) * values.itemsize
    step = max(1, _SLAB // row if row else len(values))
    for begin in range(0, len(values), step):
        yield begin, min(begin + step, len(values))


def _plain(selection: Selection) -> list[Any]:
    return [
        [part.start, part.stop, part.step] if isinstance(part, slice) else int(part)
        for part in selection
    ]
