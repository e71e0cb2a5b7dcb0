"""What a user holds of a stream: it checks what it is given, and says what became of it."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

import numpy as np

from hspyio.errors import ArgumentError, OptionError, SaveError, warn_user
from hspyio.model.axes import Axes
from hspyio.model.given import kind_of, more_than_an_array
from hspyio.model.signal import Signal
from hspyio.model.tree import MetadataTree
from hspyio.nodes.node import Selection
from hspyio.options import public
from hspyio.printable import dtype_text
from hspyio.streaming.schedule import Schedule, Timer
from hspyio.streaming.status import StreamStatus
from hspyio.streaming.stream import Stream, stopped
from hspyio.suggestions import NotThereError, missing
from hspyio.system.interrupts import interrupt_behind

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["StreamWriter"]

_PATIENCE = 5.0
"""Seconds that the end of the program waits for a thread that is writing."""
_MEANT = {
    "flush": "w.checkpoint() lets readers see what has come",
    "save": "w.checkpoint() lets readers see what has come, w.close() is the end of it",
    "commit": "w.checkpoint() lets readers see what has come",
    "sync": "w.checkpoint() waits until what has come is on the disk",
    "write": "w.append(frame) adds a frame, w[i, j] = frame writes one at a place",
    "extend": "w.append(frames) takes several, too",
    "resize": "w.append(frames) makes it longer",
    "data": "it is written, not read: hspyio.load(path, lazy=True).data is the last checkpoint",
    "size": "w.shape is that of what was taken",
    "axes_manager": "w.axes has the axes",
    "axes": "its parts are: w.axes[0].scale = 0.1",
    "metadata": "its parts are: w.metadata.set_item('General.title', 'a title')",
    "title": "it stands in w.metadata, at General.title",
}
"""What others call it."""


class StreamWriter:
    """A file that is being written, as `hspyio.create` and `hspyio.resume` give it.

    Any number of threads may write. In a ``with`` block it is closed at the end, also after an
    error: what was taken is kept.

    Attributes
    ----------
    metadata, original_metadata : MetadataTree
        May be changed at any time; each checkpoint has them as they are then. ``metadata._hspyio``
        is the stream's own.
    axes : Axes
        May be changed, but for their number and sizes.
    """

    def __init__(
        self,
        stream: Stream,
        signal: Signal,
        path: str,
        opened: ExitStack,
        schedule: Schedule,
        *,
        wait: bool,
    ) -> None:
        self._stream, self._signal, self._path = stream, signal, path
        self._opened, self._wait = opened, wait
        self._process = os.getpid()
        self._closed = self._is_told = False
        self._notes: list[BaseException] = []
        self._timer = Timer(stream, schedule, self._notes.append)
        atexit.register(self._end_of_program)

    # what it is

    @property
    def path(self) -> str:
        """The file."""
        return self._path

    @property
    def metadata(self) -> MetadataTree:
        """The metadata that the next checkpoint has."""
        return self._signal.metadata

    @property
    def original_metadata(self) -> MetadataTree:
        """The same of the instrument."""
        return self._signal.original_metadata

    @property
    def axes(self) -> Axes:
        """The axes that the next checkpoint has; the size of the open one is that of the data."""
        return self._signal.axes

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension now."""
        return (self._stream.length, *self._stream.layout.shape[1:])

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the values."""
        return self._stream.layout.dtype

    @property
    def chunks(self) -> tuple[int, ...]:
        """Shape of a chunk in the file."""
        return self._stream.layout.chunk

    @property
    def status(self) -> StreamStatus:
        """How it is doing: what is safe, how fast it goes, how full the queue is."""
        self._check_process()
        return self._stream.status()

    @property
    def written(self) -> NDArray[np.bool_]:
        """Where whole signals were written so far, in the shape of the navigation axes."""
        self._check_process()
        return self._stream.written()

    def __len__(self) -> int:
        """Length of the first dimension."""
        return self._stream.length

    def __getitem__(self, region: object) -> NoReturn:
        """Refuse to read: a region may be in a queue, in the file, or nowhere."""
        raise ArgumentError(
            "is being written, and not read by w[...]: hspyio.load(path, lazy=True) reads the last "
            "checkpoint, which w.checkpoint() makes",
            path=self._path,
        )

    def __getattr__(self, name: str) -> Any:
        """Say what was meant by a name of another library."""
        if name.startswith("_"):  # Python and its programs asking for a protocol
            raise AttributeError(f"a StreamWriter has no attribute {name!r}")

        def message() -> str:
            known = [one for one in dir(type(self)) if not one.startswith("_")]
            meant = f"; {_MEANT[name]}" if name in _MEANT else missing(name, known)
            return f"a StreamWriter has no attribute {name!r}{meant}"

        raise NotThereError(message)

    def __setattr__(self, name: str, given: object) -> None:
        """Refuse what would be kept nowhere."""
        if not name.startswith("_"):
            meant = _MEANT.get(name, "metadata and axes are changed in place, data by w[...]")
            raise AttributeError(f"{name!r} of a StreamWriter is not set; {meant}")
        object.__setattr__(self, name, given)

    def __repr__(self) -> str:
        mine = os.getpid() == self._process
        state = "closed" if self._closed or not mine else str(self.status)
        return f"<StreamWriter {self._path}: {self.shape} {dtype_text(self.dtype)}, {state}>"

    def __reduce__(self) -> NoReturn:
        """Refuse to go to another process."""
        raise ArgumentError(
            "a StreamWriter belongs to one process, which threads of it may share: with dask, "
            "scheduler='threads'; other processes send their frames to it"
        )

    def __dask_tokenize__(self) -> tuple[str, str, int]:
        """What dask tells it from others by."""
        return ("hspyio.StreamWriter", self._path, id(self))

    # writing

    @public
    def append(self, frames: Any) -> None:
        """Add one frame, or several, along the first dimension, which is open.

        They are copied: the array may be used again at once. A call of up to a quarter of
        `queue_bytes` is whole in a checkpoint or not at all; of a longer one it may have a part.

        Parameters
        ----------
        frames : array-like
            Of the shape of one frame, or of several with one dimension more in front.

        Raises
        ------
        OptionError
            If the shape or the dtype does not fit, or no dimension is open; nothing is taken.
        QueueFullError
            With ``on_full="raise"``, if the queue has no room; nothing is taken.
        SaveError
            If an earlier frame could not be written, such as on a full disk; the last checkpoint
            is safe.
        """
        self._check()
        layout = self._stream.layout
        if not layout.is_open:
            raise OptionError(
                f"the shape {layout.shape} is fixed: write w[i, j] = frame, or begin with "
                "create(path, shape=(None, ...))",
                path=self._path,
            )
        values, frame = self._values(frames), layout.shape[1:]
        if values.shape == frame:
            values = values[None]
        if values.shape[1:] != frame or values.ndim != len(layout.shape):
            raise OptionError(
                f"frames have the shape {values.shape}; one has {frame}, several have "
                f"{_text(('n', *frame))}",
                path=self._path,
            )
        with self._told():
            self._stream.append(values, wait=self._wait)

    def __setitem__(self, region: Any, values: Any) -> None:
        """Write a region inside of the array, in any order, from any thread.

        Parameters
        ----------
        region : int, slice, Ellipsis, or a tuple of these
            Inside of the array, as numpy has it; steps go forward.
        values : array-like
            Of just the shape of the region.

        Raises
        ------
        OptionError
            If the region is not in the array, or the shape or dtype does not fit; nothing is taken.
        QueueFullError, SaveError
            As for `append`.
        """
        self._check()
        given = self._values(values)
        selection = self._selection(region)
        expected = _shape_of(selection, self.shape)
        if given.shape != expected:
            raise OptionError(
                f"values have the shape {given.shape}, the region {expected}", path=self._path
            )
        if given.size:
            with self._told():
                self._stream.put(selection, given, wait=self._wait)

    @public
    def one_state(self) -> AbstractContextManager[None]:
        """Let no checkpoint be made within a block.

        What is written in it, and metadata that are changed in it, come into one state together.

        Returns
        -------
        context manager
            For a ``with`` block, as short as it can be.
        """
        self._check()
        return self._stream.gate.call()

    @public
    def checkpoint(self) -> None:
        """Let readers see all that was taken so far, and a crash leave it.

        Raises
        ------
        SaveError
            If it cannot be written; the last checkpoint is safe.
        UnsupportedTypeError
            If metadata cannot be stored: they are as before in the checkpoint, which is made.
        """
        self._check()
        with self._told():
            error = self._stream.checkpoint()
        if error is not None:
            raise error

    @public
    def close(self, compact: bool = False) -> None:
        """Make the last checkpoint, and let go of the file; again is no error.

        Parameters
        ----------
        compact : bool
            Whether the file is written anew: without dead space, as `hspyio.save` would, with the
            index of the chunks in front of them, which stand in their order. That takes as long,
            and as much room on the disk, as copying the file.

        Raises
        ------
        SaveError
            If something could not be written, unless that was said before.
        UnsupportedTypeError
            If metadata cannot be stored; the data and the metadata before are in the file.
        """
        if self._closed or os.getpid() != self._process:
            return
        if self._stream.gate.is_inside:
            raise OptionError(
                "close() is called in a block of one_state(): call it behind it", path=self._path
            )
        self._closed = True
        atexit.unregister(self._end_of_program)
        self._timer.stop()
        try:
            with self._told():
                note = self._stream.end(compact=compact)
                if self._stream.failure is not None and not self._is_told:
                    raise self._stream.failure
        finally:
            self._opened.close()
        if note is not None:
            raise note

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except Exception as second:
            if error is None:
                raise
            error.add_note(str(second))

    # checking

    def _check_process(self) -> None:
        """Refuse a forked child: it has no threads, and locks that nobody will open."""
        if os.getpid() != self._process:
            raise SaveError(
                f"is written by another process ({self._process}), and threads of it; a forked "
                "child has to send its frames there",
                path=self._path,
            )

    def _check(self) -> None:
        self._check_process()
        if self._closed:
            raise OptionError(
                "is closed; hspyio.resume(path) goes on with the file", path=self._path
            )
        if self._stream.failure is not None:
            raise self._failed(self._stream.failure)
        if self._notes:
            raise self._notes.pop()

    def _failed(self, error: BaseException) -> BaseException:
        self._is_told = True
        return stopped(error, self._path, self._stream.safe, self._unit)

    @property
    def _unit(self) -> str:
        return "frames" if self._stream.layout.is_open else "rows"

    def _told(self) -> _Told:
        """Within this, what ended the stream says what became of it."""
        return _Told(self._stream, self._failed)

    def _values(self, given: Any) -> NDArray[Any]:
        """What is given as an array that can be stored as it is."""
        if meant := more_than_an_array(given):
            raise ArgumentError(f"values are a {kind_of(given)}; {meant}", path=self._path)
        if isinstance(given, np.ma.MaskedArray):
            raise ArgumentError(
                "values are a masked array, whose mask has no place here; give .filled()",
                path=self._path,
            )
        try:
            values = np.asarray(given)
        except ValueError:
            frame = _text(self._stream.layout.shape[1:])
            raise ArgumentError(
                f"values are a {kind_of(given)} whose parts differ in length, which is no array; "
                f"a frame has the shape {frame}",
                path=self._path,
            ) from None
        if isinstance(given, list | tuple | int | float) and _fits(values, self.dtype):
            values = values.astype(self.dtype)
        if values.dtype.kind not in "biufc":
            raise ArgumentError(
                f"values are a {kind_of(given)}, no array of numbers; give the frame itself",
                path=self._path,
            )
        if not np.can_cast(values.dtype, self.dtype, "safe"):
            mend = f"give .astype({str(self.dtype)!r})"
            if not _fits(values, self.dtype):
                mend = "which not all of them fit: give what is meant, or create with another dtype"
            given, written = dtype_text(values.dtype), dtype_text(self.dtype)
            raise OptionError(
                f"values are {given}, and {written} is written; {mend}", path=self._path
            )
        return values

    def _selection(self, region: Any) -> Selection:
        """A region as slices and indices, each in the array."""
        given = region if isinstance(region, tuple) else (region,)
        rank = len(self.shape)
        if sum(part is Ellipsis for part in given) == 1:
            at = next(i for i, part in enumerate(given) if part is Ellipsis)
            missing = rank - (len(given) - 1)
            given = (*given[:at], *(slice(None),) * max(0, missing), *given[at + 1 :])
        if len(given) > rank:
            raise OptionError(f"{len(given)} indices for {rank} dimensions", path=self._path)
        return tuple(
            self._part(part, n, i)
            for i, (part, n) in enumerate(zip(given, self.shape, strict=False))
        )

    def _part(self, part: Any, length: int, dim: int) -> slice | int:
        if isinstance(part, slice):
            if any(not isinstance(n, int | np.integer | None) for n in _ends(part)):
                raise OptionError(
                    f"a slice goes from one whole number to another: w[2:4] = ..., not {part}",
                    path=self._path,
                )
            if part.step is not None and part.step < 1:
                raise OptionError(f"a region goes forward, not by {part.step}", path=self._path)
            if part.stop is not None and part.stop > length:
                raise OptionError(
                    f"dimension {dim} has a length of {length}, the region goes to {part.stop}"
                    + self._beyond(dim),
                    path=self._path,
                )
            return part
        if isinstance(part, int | np.integer) and not isinstance(part, bool):
            if not -length <= part < length:
                raise OptionError(
                    f"dimension {dim} has a length of {length}, the index is {part}"
                    + self._beyond(dim),
                    path=self._path,
                )
            return int(part)
        raise OptionError(
            f"a region is made of whole numbers and slices, not of a {kind_of(part)}; what is not "
            "in one piece is written piece by piece: w[i, j] = frame",
            path=self._path,
        )

    def _beyond(self, dim: int) -> str:
        open_one = dim == 0 and self._stream.layout.is_open
        return "; append(frames) makes it longer" if open_one else ""

    def _end_of_program(self) -> None:
        """Close what the program has left open."""
        self._stream.gate.hurry(_PATIENCE)
        try:
            self.close()
        except Exception as error:
            text = str(error)
            warn_user(text if self._path in text else f"{self._path}: {text}")


class _Told:
    """What ended a stream becomes an error that says so; others, and Ctrl-C, go by as they are."""

    def __init__(self, stream: Stream, failed: Callable[[BaseException], BaseException]) -> None:
        self._stream, self._failed = stream, failed

    def __enter__(self) -> None:
        """Nothing is to be done before."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None or error is not self._stream.failure:
            return
        if isinstance(error, Exception) and interrupt_behind(error) is None:
            raise self._failed(error) from None


def _ends(part: slice) -> tuple[Any, Any, Any]:
    return part.start, part.stop, part.step


def _fits(values: NDArray[Any], dtype: np.dtype[Any]) -> bool:
    """Whether numbers that a user has typed can be of a type without loss."""
    if values.dtype.kind not in "iufb" or not values.size:
        return bool(values.dtype.kind in "iufb")
    with np.errstate(all="ignore"):
        return bool((values.astype(dtype) == values).all())


def _shape_of(selection: Selection, shape: tuple[int, ...]) -> tuple[int, ...]:
    whole = (*selection, *(slice(None),) * (len(shape) - len(selection)))
    return tuple(
        len(range(*part.indices(n)))
        for part, n in zip(whole, shape, strict=True)
        if isinstance(part, slice)
    )


def _text(shape: tuple[Any, ...]) -> str:
    return f"({', '.join(map(str, shape))})"
