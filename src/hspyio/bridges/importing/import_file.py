"""Import: a file of another format becomes an HSpy file, in bounded memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

from hspyio.api.arguments import path_text, warn_of_doubts
from hspyio.api.loading.several.files import files_meant
from hspyio.api.loading.several.stack import stacked
from hspyio.api.saving.navigator import fitting_signals, wanted_navigators
from hspyio.api.saving.save import signals_with_navigators, write_new
from hspyio.bridges.importing.blocks import block_shape
from hspyio.bridges.importing.our_own import is_our_own, signals_by_us
from hspyio.bridges.importing.readers import Reader, extension, readers_of
from hspyio.bridges.importing.source import Reopened, signals_in
from hspyio.bridges.rosettasciio import lenient, warn_left_out
from hspyio.errors import (
    ConversionError,
    HspyError,
    MissingFileError,
    OptionError,
    SaveError,
    UnsupportedTypeError,
)
from hspyio.model.signal import Signal
from hspyio.nodes.computed import computed
from hspyio.options import WriteOptions
from hspyio.records import record
from hspyio.schema import encode_file
from hspyio.transaction.replace import check_is_other, check_target

__all__ = ["import_file"]

_CALL = "import_file(path)"
_SUFFIX = ".hspy"
_IN_MEMORY = 256 * 2**20
"""Bytes of a stack that is put together in memory."""


@record
class _Asked:
    """What the user wants, whatever the file."""

    reader: str | None
    options: Mapping[str, Any]
    write: WriteOptions
    navigator: Any
    overwrite: bool
    skip_existing: bool

    @property
    def unit(self) -> tuple[int, ...] | None:
        """The chunk shape that is asked for."""
        return self.write.chunks if isinstance(self.write.chunks, tuple) else None


def import_file(
    path: str | os.PathLike[str] | list[Any] | tuple[Any, ...],
    out: str | os.PathLike[str] | None = None,
    *,
    reader: str | None = None,
    stack: bool | str = False,
    overwrite: bool = False,
    skip_existing: bool = False,
    chunks: None | bool | tuple[int, ...] = None,
    compression: None | str | int | Mapping[str, Any] = "gzip",
    compression_opts: Any = None,
    checksum: bool = False,
    navigator: None | str | Signal | Sequence[str | Signal] = None,
    threads: int | None = None,
    progress: bool | None = None,
    durable: bool = True,
    **reader_options: Any,
) -> str | list[str]:
    """Make an HSpy file of a file of another format: whatever RosettaSciIO reads.

    Data are read and written block by block where RosettaSciIO's reader is lazy, so that a file may
    be larger than memory. Nothing appears before it is complete.

    Parameters
    ----------
    path : path-like, or list of these
        The file; or many, as a list or a pattern such as ``"scan_*.mib"``, whose files come in the
        order of the numbers in their names.
    out : path-like, optional
        The new file, or for many a folder that is there. By default each stands beside its source,
        with ``.hspy`` in the place of the source's extension.
    reader : str, optional
        RosettaSciIO's name of the reader, such as ``"Blockfile"``. By default the readers of the
        extension are tried in turn.
    stack : bool or str
        Whether many files become one signal, as in `load`: along a new axis, ``stack_element``
        (``True``), or the axis of a name.
    overwrite : bool
        Whether a file that exists is replaced.
    skip_existing : bool
        Whether a file whose new one exists is passed over, as when an import of many is taken up
        again: what is there is whole, for nothing appears before. It may be older than its source.
    chunks : None, True or tuple of int
        The chunks of the new file, as in `save`; by default whole patterns, about 1 MB.
    compression, compression_opts, checksum, navigator, threads, progress, durable
        As in `save`.
    **reader_options
        Options of RosettaSciIO's reader, such as ``navigation_shape=(256, 256)``.

    Returns
    -------
    str, or list of str
        The path of the new file, or for many files without `stack` those of the new ones; with
        `skip_existing` of those that were there, too.

    Raises
    ------
    ConversionError
        If no reader can read the file; it says why in the readers' words. Of many files the others
        are imported all the same.
    MissingFileError, MissingPackageError
        If there is no such file, or RosettaSciIO is not installed.
    AxesError
        If a file does not fit in the stack; it is named.
    HspyError
        As `save`.

    Notes
    -----
    Several signals in a source become experiments of one file.

    Examples
    --------
    >>> hspyio.import_file("scan.blo", navigator="sum", checksum=True)  # doctest: +SKIP
    """
    write = WriteOptions(
        chunks=chunks, compression=compression, compression_opts=compression_opts,
        checksum=checksum, threads=threads, progress=progress, durable=durable,
    )  # fmt: skip
    if overwrite and skip_existing:
        raise OptionError("overwrite and skip_existing exclude each other; give one of them")
    asked = _Asked(reader, reader_options, write, navigator, overwrite, skip_existing)
    several = files_meant(path, _CALL)
    sources = [_source(one) for one in (several if several is not None else [path])]
    if stack is not False:
        return _import_stack(sources, out, stack, asked)
    if several is None:
        return _import_one(sources[0], out, asked)
    folder = None if out is None else path_text(out, _CALL, "out")
    if folder is not None and not os.path.isdir(folder):
        raise MissingFileError(
            "is no folder; many files become many: name a folder, or stack=True for one",
            path=folder,
        )
    targets = [_beside(one, folder) for one in sources]
    _check_names(sources, targets)
    for target in targets:
        check_target(target, overwrite=overwrite or skip_existing)
    return _import_each(sources, targets, asked)


def _import_each(sources: Sequence[str], targets: Sequence[str], asked: _Asked) -> list[str]:
    """Import many files; one that cannot be read does not keep the others."""
    failed = []
    for source, target in zip(sources, targets, strict=True):
        try:
            _import_one(source, target, asked)
        except SaveError:  # the next would have no room either
            raise
        except HspyError as error:
            failed.append(error)
    if failed:
        lines = "".join(f"\n  {error}" for error in failed)
        count = f"{len(failed)} of {len(sources)} files"
        raise ConversionError(f"{count} could not be imported, the others are:{lines}")
    return [*targets]


def _source(given: Any) -> str:
    text = path_text(given, _CALL)
    if not os.path.exists(text):
        raise MissingFileError("no such file", path=text)
    return text


def _check_source(source: str) -> None:
    """Say of what no reader can make sense what it is: their words are of bytes."""
    if os.path.isfile(source) and not os.path.getsize(source):
        raise ConversionError("is empty", path=source)
    if os.path.isdir(source) and not extension(source):
        one = os.path.join(source, "*.mib")
        text = f"is a folder; import takes files, or a pattern of their names, such as {one}"
        raise ConversionError(text, path=source)


def _beside(source: str, folder: str | None = None) -> str:
    """The name of the new file."""
    bare = os.path.splitext(source.rstrip("/\\"))[0]
    stem = bare.removesuffix(".zspy") + _SUFFIX
    return stem if folder is None else os.path.join(folder, os.path.basename(stem))


def _check_names(sources: Sequence[str], targets: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for source, target in zip(sources, targets, strict=True):
        other = seen.setdefault(os.path.realpath(target), source)
        if other != source:
            raise OptionError(
                f"would be made of {other} and of {source}; import one at a time, each with a name",
                path=target,
            )


def _target(source: str, out: str | os.PathLike[str] | None, asked: _Asked) -> str:
    """Where the new file is to be, if it can be there."""
    target = _beside(source) if out is None else path_text(out, _CALL, "out")
    if os.path.isdir(target):
        target = _beside(source, target)
    check_is_other(source, target)
    check_target(target, overwrite=asked.overwrite or asked.skip_existing)
    return target


def _is_done(target: str, asked: _Asked) -> bool:
    return asked.skip_existing and os.path.exists(target)


def _readers(source: str, asked: _Asked) -> list[Reader]:
    _check_source(source)
    if asked.reader is None and extension(source) == _SUFFIX[1:]:
        raise ConversionError("is an HSpy file already; hspyio.load reads it", path=source)
    return readers_of(source, asked.reader)


def _import_one(source: str, out: str | os.PathLike[str] | None, asked: _Asked) -> str:
    own = asked.reader is None and is_our_own(source)
    readers = [] if own else _readers(source, asked)
    target = _target(source, out, asked)
    if _is_done(target, asked):
        return target
    if own:
        return _save(target, signals_by_us(source, asked.options), asked)
    signals = signals_in(source, readers, asked.options, asked.unit)
    return _save(target, signals, asked)


def _save(target: str, signals: Sequence[Signal], asked: _Asked) -> str:
    """Write signals; what no file can hold of a reader's metadata is warned of and left out."""
    wanted = wanted_navigators(asked.navigator)
    given = fitting_signals(signals, wanted)
    if wanted:
        given = signals_with_navigators(target, given, wanted, asked.write)
    encoded = encode_file(given, lenient=lenient, nexus=[False] * len(given))
    if not encoded.complete:
        raise UnsupportedTypeError(encoded.problems, path=target)
    write_new(target, encoded, asked.write, overwrite=asked.overwrite)
    warn_left_out(target, encoded.problems)
    warn_of_doubts(target, given)
    return target


# many files as one signal


def _import_stack(
    sources: Sequence[str], out: str | os.PathLike[str] | None, stack: bool | str, asked: _Asked
) -> str:
    if stack == "" or not isinstance(stack, bool | str):
        raise OptionError(f"stack is {stack!r}; use True, False or the name of an axis")
    if out is None:
        raise OptionError("a stack of many files needs the name of the new one, out")
    target = _target(sources[0], out, asked)
    for source in sources:
        check_is_other(source, target)
    if _is_done(target, asked):
        return target
    name = stack if isinstance(stack, str) else None
    signal = stacked(_one_each(sources, asked), len(sources), name)
    return _save(target, [signal], asked)


def _one_each(sources: Sequence[str], asked: _Asked) -> Iterator[tuple[str, Signal]]:
    """The signal of each file: in memory if all of them are small, else read again at its turn."""
    in_memory: bool | None = None
    for source in sources:
        own = asked.reader is None and is_our_own(source)
        readers = [] if own else _readers(source, asked)
        if own:
            signals = signals_by_us(source, asked.options)
        else:
            signals = signals_in(source, readers, asked.options)
        if len(signals) != 1:
            raise ConversionError(f"holds {len(signals)} signals; a stack takes one", path=source)
        (signal,) = signals
        if in_memory is None:
            in_memory = signal.data.nbytes * len(sources) <= _IN_MEMORY
        if not in_memory and not own:
            signal.data = _at_its_turn(source, readers, asked, signal)
        elif in_memory:
            signal.data = computed(signal.data) if signal.lazy else signal.data
        yield source, signal


def _at_its_turn(source: str, readers: Sequence[Reader], asked: _Asked, signal: Signal) -> Any:
    da: Any = import_module("dask.array")
    shape, dtype = signal.data.shape, signal.data.dtype
    again = Reopened(source, tuple(readers), asked.options, 0, shape, dtype)
    dims = [i for i, axis in enumerate(signal.axes) if not axis.navigate]
    unit = asked.unit[-len(shape) :] if asked.unit is not None else None
    block = block_shape(
        shape, dtype.itemsize, dims, unit if unit and len(unit) == len(shape) else None
    )
    return da.from_array(again, chunks=block, name=False, inline_array=True, asarray=False)
