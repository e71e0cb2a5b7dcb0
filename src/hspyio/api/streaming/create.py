"""Write a file while it is measured, and read it meanwhile."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio import names
from hspyio.api.arguments import name_of, path_of_file, path_to_save
from hspyio.api.changing.keeping import check_kept, stored_data
from hspyio.api.loading.experiments import read_signal
from hspyio.api.loading.open_file import OpenFile, Outline, opened, select
from hspyio.api.saving.navigator import PLACES
from hspyio.arrays.workers import Workers, thread_count
from hspyio.converters.dtypes import stored_dtype
from hspyio.errors import ArgumentError, OptionError, SaveError, UnsupportedTypeError, warn_user
from hspyio.hdf5.dataset import Dataset
from hspyio.hdf5.local_snapshot import LocalSnapshot
from hspyio.model.axes import UniformAxis
from hspyio.model.signal import Signal
from hspyio.nodes.node import Array
from hspyio.options import ReadOptions, WriteOptions
from hspyio.schema import encode_file, is_own_member
from hspyio.schema.migrations import CURRENT
from hspyio.schema.nexus import is_annotated
from hspyio.schema.sealed_parts import is_sealed
from hspyio.streaming.coverage import Coverage
from hspyio.streaming.layout import StreamLayout, planned_layout
from hspyio.streaming.schedule import Schedule
from hspyio.streaming.states import Neighbours, States, whole_file
from hspyio.streaming.stream import Before, Stream
from hspyio.streaming.writer import StreamWriter
from hspyio.streaming.written import covered_chunks
from hspyio.suggestions import quoted
from hspyio.transaction.growing import GrowingFile, open_growing
from hspyio.transaction.replace import check_target
from hspyio.transaction.transaction import Transaction

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["create", "resume"]

_QUEUE = 256 * 2**20
_KINDS = "biufc"
_ON_FULL = ("wait", "raise")


def create(
    path: str | os.PathLike[str],
    *,
    shape: Sequence[int | None] | None = None,
    dtype: Any = None,
    axes: Iterable[Any] | None = None,
    signal_dimension: int | None = None,
    title: str | None = None,
    signal_type: str | None = None,
    metadata: Mapping[Any, Any] | None = None,
    original_metadata: Mapping[Any, Any] | None = None,
    mode: str = "w",
    overwrite: bool = False,
    chunks: None | bool | tuple[int, ...] = None,
    compression: None | str | int | Mapping[str, Any] = "gzip",
    compression_opts: Any = None,
    shuffle: bool = True,
    fill_value: Any = 0,
    checkpoint: str | float | None = "10s",
    queue_bytes: int = _QUEUE,
    on_full: str = "wait",
    threads: int | None = None,
    durable: bool = True,
) -> StreamWriter:
    """Begin a file that is written piece by piece, and can be read all the while.

    Every checkpoint is a whole file for every reader: hspyio, HyperSpy, h5py. What a reader has
    opened stays as it was; a program that dies leaves the last checkpoint. Other programs that
    would change the file are refused until it is closed.

    Parameters
    ----------
    path : path-like
        The file; see `save`.
    shape : sequence of int or None
        Length of each dimension. The first may be ``None``: `StreamWriter.append` makes it longer.
        Regions of the others, or of a shape without ``None``, are written in any order.
    dtype : dtype-like
        Of the values: booleans, integers, floats or complex numbers.
    axes : Axes or iterable of axes or of axis dicts, optional
        One for each dimension, as for `Signal`. That of an open dimension is uniform, and grows.
    signal_dimension : int, optional
        How many of the last axes are signal axes; by default what `axes` say, else up to two, but
        never the first.
    title, signal_type, metadata, original_metadata
        As for `Signal`. They can be changed until the file is closed.
    mode : "w" or "r+"
        ``"r+"`` is `resume`.
    overwrite : bool
        Whether a file that exists is replaced, at once.
    chunks : None, True or tuple of int
        As for `save`; by default whole signals that follow each other, about 1 MB.
    compression, compression_opts, shuffle
        As for `save`.
    fill_value : scalar
        What is read where nothing was written.
    checkpoint : str, float or None
        When readers see what has come: after a time, such as ``"10s"`` or ``"2min"``, or an amount
        of data, such as ``"500MB"``; ``None``: when `StreamWriter.checkpoint` is called. One of
        these leaves out what does not fill a chunk where storing that twice would make more than a
        tenth of the file, and 64 MiB, dead.
    queue_bytes : int
        How much memory chunks may take that are being filled, or wait to be written.
    on_full : "wait" or "raise"
        What a call does when there is no room in the queue.
    threads : int, optional
        How many compress and write; see `save`.
    durable : bool
        Whether each checkpoint waits until it is on the disk.

    Returns
    -------
    StreamWriter
        To be closed, or used in a ``with`` block.

    Raises
    ------
    TargetExistsError
        If the file exists and `overwrite` is off.
    OptionError, ArgumentError, AxesError, FilterError
        If something of it makes no sense; nothing is written.
    UnsupportedTypeError
        If metadata cannot be stored; nothing is written.
    FileLockedError
        If another program is writing the file.
    SaveError
        If it cannot be written.

    Examples
    --------
    >>> with hspyio.create("run.hspy", shape=(None, 256, 256), dtype="u2") as w:  # doctest: +SKIP
    ...     for frame in detector:
    ...         w.append(frame)
    """
    if mode == "r+":
        return resume(
            path, checkpoint=checkpoint, queue_bytes=queue_bytes, on_full=on_full, threads=threads,
            durable=durable,
        )  # fmt: skip
    schedule = _checked(mode, checkpoint, queue_bytes, on_full)
    options = WriteOptions(
        chunks=chunks, compression=compression, compression_opts=compression_opts, shuffle=shuffle,
        threads=threads, durable=durable,
    )  # fmt: skip
    target = path_to_save(path, "create(path, shape=(None, 256, 256), dtype='u2')")
    check_target(target, overwrite=overwrite)
    lengths, is_open = _lengths(shape)
    fill = _fill(dtype, fill_value)
    signal = Signal(
        np.broadcast_to(fill, lengths),
        _open_axes(axes, is_open=is_open),
        signal_dimension=_signal_dimension(axes, signal_dimension, lengths),
        title=title,
        signal_type=signal_type,
        metadata=metadata,
        original_metadata=original_metadata,
    )
    states = _new_states(target, signal, options, fill, is_open=is_open)
    workers = Workers(thread_count(threads))
    _write_first(states, target, workers, overwrite=overwrite, durable=durable)
    with ExitStack() as stack:
        file = stack.enter_context(open_growing(target, durable=durable))
        stream = Stream(file, states, threads=workers.threads, queue_bytes=queue_bytes)
        return _writer(stream, signal, target, stack.pop_all(), schedule, on_full)


def resume(
    path: str | os.PathLike[str],
    name: str | None = None,
    *,
    checkpoint: str | float | None = "10s",
    queue_bytes: int = _QUEUE,
    on_full: str = "wait",
    threads: int | None = None,
    durable: bool = True,
) -> StreamWriter:
    """Go on with a file of `create`, from its last checkpoint: after a crash, or another day.

    Parameters
    ----------
    path : path-like
        The file.
    name : str, optional
        The experiment, where the file holds several.
    checkpoint, queue_bytes, on_full, threads, durable
        As for `create`.

    Returns
    -------
    StreamWriter
        With the shape, the chunks and the compression that the file has.

    Raises
    ------
    MissingFileError, NotHspyError, ExperimentError
        If there is no such file or experiment.
    FileLockedError
        If another program is writing the file.
    SaveError
        If the experiment is of a kind that cannot be gone on with, such as a sealed one.
    """
    schedule = _checked("w", checkpoint, queue_bytes, on_full)
    text = path_of_file(path, "resume(path)")
    name = name_of(name, "resume(path, name='HAADF')")
    count = thread_count(threads)
    with ExitStack() as stack:
        file = stack.enter_context(open_growing(text, durable=durable))
        states, before = _stored_states(file, text, name)
        _tell_what_is_there(text, states, before)
        stream = Stream(file, states, threads=count, queue_bytes=queue_bytes, before=before)
        return _writer(stream, states.signal, text, stack.pop_all(), schedule, on_full)


def _writer(
    stream: Stream, signal: Signal, path: str, held: ExitStack, schedule: Schedule, on_full: str
) -> StreamWriter:
    return StreamWriter(stream, signal, path, held, schedule, wait=on_full == "wait")


# what is given


def _checked(mode: object, checkpoint: object, queue_bytes: object, on_full: object) -> Schedule:
    if mode != "w":
        raise OptionError(f"mode is {mode!r}; use 'w', or 'r+' to go on with a file")
    if on_full not in _ON_FULL:
        raise OptionError(f"on_full is {on_full!r}; use 'wait' or 'raise'")
    if isinstance(queue_bytes, bool) or not isinstance(queue_bytes, int) or queue_bytes < 1:
        raise OptionError(f"queue_bytes is {queue_bytes!r}; use a number of bytes, such as 2**28")
    return Schedule.of(checkpoint)


def _lengths(shape: object) -> tuple[tuple[int, ...], bool]:
    """The shape at the beginning, and whether the first dimension is open."""
    if isinstance(shape, np.ndarray):
        shape = shape.tolist()
    if (
        shape is None
        or not isinstance(shape, Sequence)
        or isinstance(shape, str | bytes)
        or not shape
    ):
        raise OptionError(
            f"shape is {shape!r}; give the length of each dimension, None for the first to grow: "
            "(None, 256, 256)"
        )
    if any(n is None for n in shape[1:]):
        raise OptionError(f"shape is {shape!r}; only the first dimension can be open (None)")
    try:
        lengths = [0 if n is None else operator.index(n) for n in shape]
    except TypeError:
        raise OptionError(f"shape is {shape!r}; use whole numbers, or None for the first") from None
    is_open = shape[0] is None
    if any(n < 1 for n in lengths[is_open:]):
        raise OptionError(f"shape is {shape!r}; every dimension that is not open has a length")
    return tuple(lengths), is_open


def _fill(dtype: object, value: object) -> Any:
    """The value of what was never written, which tells the type of all."""
    if dtype is None:
        raise OptionError("dtype is missing; give that of the frames, such as 'u2'")
    try:
        kind = np.dtype(dtype)  # type: ignore[call-overload]
    except (TypeError, ValueError, SyntaxError):
        raise OptionError(f"dtype is {dtype!r}, which numpy does not know") from None
    if kind.kind not in _KINDS:
        raise OptionError(f"dtype is {kind}; use booleans, integers, floats or complex numbers")
    if stored_dtype(kind) != kind:
        raise OptionError(f"dtype is {kind}, which is stored as {stored_dtype(kind)}; use that")
    with suppress(TypeError, ValueError, OverflowError):
        given: Any = np.asarray(value)
        fill: NDArray[Any] = given.astype(kind)
        if not given.ndim and np.array_equal(fill, given, equal_nan=kind.kind in "fc"):
            return fill
    raise OptionError(f"fill_value is {quoted(value)}, which {kind} cannot hold")


def _open_axes(axes: Any, *, is_open: bool) -> list[Any] | None:
    """The axes, the open one of size 0."""
    if axes is None:
        return None
    wrong = hasattr(axes, "navigation_axes") or not isinstance(axes, Iterable)
    if wrong or isinstance(axes, str | bytes | np.ndarray):
        raise ArgumentError("axes are no list; give one axis, or a dict for it, for each dimension")
    made = list(axes)
    if not (is_open and made):
        return made
    first = made[0]
    if isinstance(first, UniformAxis):
        made[0] = replace(first, size=0)
    elif isinstance(first, Mapping) and not {"axis", "expression"} & set(first):
        made[0] = {**first, "size": 0}
    else:
        raise OptionError("the axis of the open dimension is uniform: give offset and scale")
    return made


def _signal_dimension(axes: object, given: int | None, lengths: tuple[int, ...]) -> int | None:
    if given is not None or axes is not None:
        return given
    return min(2, len(lengths) - 1)


def _new_states(
    path: str, signal: Signal, options: WriteOptions, fill: Any, *, is_open: bool
) -> States:
    """How the array is stored, and what its experiment is called."""
    encoded = encode_file([signal])
    if encoded.problems:
        raise UnsupportedTypeError(encoded.problems, path=path)
    [(group, experiment)] = encoded.experiments.items()
    node = experiment.members[names.DATA]
    assert isinstance(node, Array)
    if encoded.hinted_data or not isinstance(node.type, np.dtype):
        raise OptionError(f"dtype is {fill.dtype}, which is stored as another; use a plainer one")
    shape = tuple(signal.data.shape)
    layout = planned_layout(node, shape, options, is_open=is_open, fill=fill.astype(node.type))
    return States(signal, group, layout, Neighbours([group]))


def _write_first(
    states: States, path: str, workers: Workers, *, overwrite: bool, durable: bool
) -> None:
    """Make the file, in its first state: nothing was written."""
    layout, length = states.layout, states.layout.shape[0]
    written = None if layout.is_open else np.zeros(states.signal.axes.navigation_shape, bool)
    experiment, _ = states.experiment(length, written, growing=True)
    with Transaction.new(path, overwrite=overwrite, durable=durable) as tx:
        tx.write(whole_file(states, experiment, length))
        tx.commit(workers)


# what is there already


def _stored_states(file: GrowingFile, path: str, name: str | None) -> tuple[States, Before]:
    """How a stored array goes on, and what there is of it."""
    with closing(LocalSnapshot(path, descriptor=file.descriptor)) as snapshot:
        options = ReadOptions(lazy=True)
        with opened(snapshot.clone(), options) as found:
            group = select(found.contents, name, path)
            _check_can_go_on(found, group)
            outline = Outline.of(found)
            signal = read_signal(outline, group)
            stored = found.contents.experiments[group]
            node = stored.members[names.DATA]
            assert isinstance(node, Array) and isinstance(node.source, Dataset)
            layout, before = _before(node, node.source, signal)
            own = tuple(key for key in stored.members if is_own_member(key))
            neighbours = Neighbours(list(found.contents.experiments), own)
    signal.location = None
    if any(map(signal.metadata.has_item, PLACES)):
        warn_user(
            f"{path}: its navigator is that of the data so far, and is left out from now on; "
            "hspyio.add_navigator(path) makes it again"
        )
    for part in filter(signal.metadata.has_item, (names.STREAM, *PLACES)):
        signal.metadata.remove_item(part)
    return States(signal, group, layout, neighbours, is_stored=True), before


def _tell_what_is_there(path: str, states: States, before: Before) -> None:
    """Warn where nothing is open, or missing: it may be any file, not one of `create`."""
    if before.full is not None and before.full.all():
        warn_user(
            f"{path}: all of its shape {states.layout.shape} was written, and none of it is open "
            "to grow: w[...] = values writes over what is there. hspyio.update changes metadata"
        )


def _check_can_go_on(file: OpenFile, group: str) -> None:
    check_kept(file, group)
    stays = stored_data(file, group)
    node = file.contents.experiments[group].members[names.DATA]
    source = node.source if isinstance(node, Array) else None
    reasons = {
        "is of an older format; hspy upgrade brings it to this one": file.contents.version
        < CURRENT,
        "is of a newer format than this hspyio": file.contents.version > CURRENT,
        "has experiments that are sealed": any(
            is_sealed(file.contents, name) for name in file.contents.experiments
        ),
        "is annotated for NeXus": is_annotated(file.contents.experiments[group]),
        "has models": bool(file.contents.models_of(group)),
        "has data that are not in chunks of plain numbers": stays is None
        or bool(stays.hint)
        or bool(stays.side_arrays)
        or not isinstance(source, Dataset)
        or source.layout.chunks is None
        or not _is_for_engine(source),
    }
    for reason, holds in reasons.items():
        if holds:
            raise SaveError(f"{reason}, and cannot be gone on with", path=file.path, where=group)


def _is_for_engine(source: Dataset) -> bool:
    """Whether its bytes are its values, as those of booleans are, and can be encoded here."""
    kind = source.layout.kind
    plain = source.is_plain or (kind.kind == np.dtype(bool) and kind.stored.itemsize == 1)
    return plain and source.stored.pipeline.encodes


def _before(node: Array, source: Dataset, signal: Signal) -> tuple[StreamLayout, Before]:
    stored = source.stored
    is_open = source.layout.most[0] is None
    dims = tuple(i for i, axis in enumerate(signal.axes) if not axis.navigate)
    dtype = np.dtype(bool) if node.type == np.dtype(bool) else stored.dtype
    fill = np.frombuffer(stored.fill or bytes(dtype.itemsize), dtype)[0]
    planned = replace(
        node, type=dtype, chunks=stored.chunks, filters=stored.filters, signal_dims=dims
    )
    layout = StreamLayout(planned, stored.shape, is_open=is_open, fill=np.asarray(fill))
    manifest = source.chunk_index()
    if is_open:
        return layout, Before(manifest, None, _last_row(layout, manifest.ids.tolist()))
    written = signal.metadata.get_item(f"{names.STREAM}.{names.WRITTEN}", None)
    if written is None or np.shape(written) != tuple(signal.axes.navigation_shape):
        return layout, Before(manifest, np.ones(layout.grid.count, bool), {})
    full, parts = covered_chunks(layout, np.asarray(written, bool))
    for number in manifest.ids[~full[manifest.ids]].tolist():  # of these the file has something
        parts.setdefault(number, Coverage(layout.inside(number)))
    there = set(manifest.ids.tolist())
    return layout, Before(manifest, full, {n: part for n, part in parts.items() if n in there})


def _last_row(layout: StreamLayout, numbers: list[int]) -> dict[int, Coverage]:
    """The chunks at the end of an open dimension, which are not full."""
    rows = layout.shape[0] % layout.chunk[0]
    if not rows:
        return {}
    across = math.prod(layout.grid.counts[1:])
    first = layout.shape[0] // layout.chunk[0] * across
    parts = {}
    for number in numbers:
        if number >= first:
            shape = layout.inside(number)
            parts[number] = Coverage(shape)
            parts[number].mark((slice(0, rows), *map(slice, [0] * (len(shape) - 1), shape[1:])))
    return parts
