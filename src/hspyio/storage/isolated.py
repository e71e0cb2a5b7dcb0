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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hspyio import errors
from hspyio.errors import DamagedFileError, HspyError
from hspyio.node import Array, Damaged, Group, Rows, Selection, Vlen
from hspyio.storage.gather import spans
from hspyio.storage.guard import Budget
from hspyio.storage.messages import (
    MessageError,
    Reader,
    filters_from_json,
    receive,
    send,
    type_from_json,
)
from hspyio.storage.work import Work

__all__ = ["open_isolated"]

_Place = tuple[str, ...]

_PROGRAM = "hspyio.storage.isolated_child"
_SLAB = 32 * 2**20
"""Bytes of an array that are asked for at a time."""
_MOST_ANSWER = 2**30
"""Bytes of an answer that is not part of an array of numbers."""
_MOST_DEATHS = 100
"""How often the other process may die before the file is given up."""


@contextmanager
def open_isolated(
    path: str | os.PathLike[str], *, allow_external: bool = False, work: Work | None = None
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

    Raises
    ------
    MissingFileError, NotHspyError, DamagedFileError
        See `open_root`; also if HDF5 crashes or hangs on the file.
    """
    child = _Child(os.fspath(path), allow_external, work or Work())
    try:
        yield _group(child, (), child.ask("node", ()))
    finally:
        child.end()


class _Child:
    """The process that reads, and what has been asked of it."""

    def __init__(self, path: str, allow_external: bool, work: Work) -> None:
        self.path = path
        self.work = work
        self.budget = Budget()
        self._allow_external = allow_external
        self._process: subprocess.Popen[bytes] | None = None
        self._deaths: dict[tuple[str, _Place], str] = {}

    def ask(
        self, what: str, place: _Place, *, selection: Any = None, most: int = _MOST_ANSWER
    ) -> tuple[Any, Reader]:
        """Ask for a node or values.

        Raises
        ------
        HspyError
            What reading raised there; a `DamagedFileError` if the child dies of it.
        """
        known = self._deaths.get((what, place))
        if known is not None:
            raise DamagedFileError(known, path=self.path, where=_text(place))
        try:
            process = self._started()
            assert process.stdin is not None and process.stdout is not None
            send(process.stdin, {"do": what, "place": place, "selection": selection})
            answer, buffers = receive(process.stdout, most)
        except (EOFError, BrokenPipeError) as error:
            reason = self._cause_of_death()
            self._deaths[what, place] = reason
            raise DamagedFileError(reason, path=self.path, where=_text(place)) from error
        except MessageError as error:
            self.end()
            raise DamagedFileError(
                f"the process that reads it does not answer: {error}",
                path=self.path,
                where=_text(place),
            ) from error
        except BaseException:  # the answer to this may still come
            self.end()
            raise
        if "error" in answer:
            raise _error(answer, self.path)
        return answer["found"], Reader(buffers)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            if len(self._deaths) > _MOST_DEATHS:
                raise DamagedFileError(
                    f"reading it has crashed {_MOST_DEATHS} times", path=self.path
                )
            package = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
            known = os.environ.get("PYTHONPATH", "")
            paths = os.pathsep.join([package, known] if known else [package])
            arguments = [os.path.abspath(self.path), str(self.work.threads)]
            self._process = subprocess.Popen(
                [sys.executable, "-m", _PROGRAM, *arguments] + ["external"] * self._allow_external,
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
    return "/" + "/".join(place)


def _group(child: _Child, place: _Place, found: tuple[Any, Reader]) -> Group:
    content, reader = found
    if "group" not in content:
        raise DamagedFileError("its root is no group", path=child.path)
    return Group(
        reader.attributes(content["attributes"]),
        _Members(child, place, [str(name) for name in content["group"]]),
        bool(content["ordered"]),
    )


class _Members(Mapping[str, Any]):
    """The members of a group, asked for when they are needed."""

    def __init__(self, child: _Child, place: _Place, names: list[str]) -> None:
        self._child = child
        self._place = place
        self._made: dict[str, Any] = dict.fromkeys(names)

    def __getitem__(self, name: str) -> Group | Array | Damaged:
        if self._made[name] is None:
            self._made[name] = self._member((*self._place, name))
        made: Group | Array | Damaged = self._made[name]
        return made

    def _member(self, place: _Place) -> Group | Array | Damaged:
        try:
            content, reader = found = self._child.ask("node", place)
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


def _array(child: _Child, place: _Place, content: Any, reader: Reader) -> Array:
    kind = type_from_json(content["array"])
    shape = tuple(map(int, content["shape"]))
    rows = isinstance(kind, Vlen) and isinstance(kind.base, np.dtype)
    kept = int(content["stored"])
    source = (_IsolatedRows if rows else _IsolatedSource)(child, place, shape, kind, kept)
    return Array(
        kind,
        source,
        chunks=None if content["chunks"] is None else tuple(map(int, content["chunks"])),
        filters=filters_from_json(content["filters"]),
    )


class _IsolatedSource:
    """An array that the child reads, piece by piece."""

    def __init__(
        self, child: _Child, place: _Place, shape: tuple[int, ...], kind: Any, stored_bytes: int
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
        chosen = spans(selection, self._shape)
        result_shape = tuple(span.count for span in chosen if not span.single)
        if not isinstance(self._kind, np.dtype):
            return np.asarray(self._asked(_plain(selection)))
        counts = [span.count for span in chosen]
        with self._named():
            self._child.budget.take(math.prod(counts) * self._kind.itemsize, lazily=False)
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

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except HspyError as error:
            error.path, error.where = self._child.path, _text(self._place)
            raise

    def _asked(self, selection: Any, most: int = _MOST_ANSWER, what: str = "read") -> Any:
        content, reader = self._child.ask(what, self._place, selection=selection, most=most)
        try:
            return reader.value(content)
        except MessageError as error:
            raise self._damaged(str(error)) from error

    def _damaged(self, message: str) -> DamagedFileError:
        return DamagedFileError(message, path=self._child.path, where=_text(self._place))


class _IsolatedRows(_IsolatedSource):
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
