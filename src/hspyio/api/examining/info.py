"""Say what a file holds without reading its data."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, BinaryIO

from hspyio import names
from hspyio.api.arguments import file_of
from hspyio.api.loading.experiments import read_signal
from hspyio.api.loading.open_file import OpenFile, Outline, opened, select
from hspyio.errors import DamagedFileError, Problem
from hspyio.filters import describe as filter_names
from hspyio.filters import everywhere
from hspyio.hdf5.dataset import stored_bytes
from hspyio.hdf5.reader import Reader
from hspyio.hdf5.usage import count_unused
from hspyio.model.axes import axis_to_dict
from hspyio.model.signal import Signal
from hspyio.model.tree import MetadataTree
from hspyio.nodes.node import Array, Damaged
from hspyio.options import ReadOptions
from hspyio.printable import dtype_text, printable, printable_name
from hspyio.suggestions import ByAttribute

__all__ = ["ExperimentInfo", "FileInfo", "info", "outline", "outlines"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentInfo(ByAttribute):
    """What stands in a file about one experiment.

    Attributes
    ----------
    group, title : str
        The name of its group, and its title.
    shape : tuple of int
        Of the array, in its own order.
    dtype : str
        Of the values.
    signal_type : str
        Such as ``"EDS_TEM"``.
    navigation_shape, signal_shape : tuple of int
        In the order of the array.
    axes : list of dict
        One a dimension (format, section 3).
    chunks : tuple of int or None
        Chunk shape on disk.
    filters : tuple of str
        In the order of writing, such as ``("shuffle", "gzip 4")``.
    needs : str
        What other programs need to decompress the data, ``""`` if nothing.
    stored_bytes, array_bytes : int
        On disk, and in memory.
    ragged : bool
        Whether the items are arrays of their own shapes.
    package : str
        The package that has the class of the signal.
    models : tuple of str
        Names of its models.
    metadata : MetadataTree
        The tree.
    format_version : str
        What the file declares.
    """

    group: str
    title: str
    shape: tuple[int, ...]
    dtype: str
    signal_type: str
    navigation_shape: tuple[int, ...]
    signal_shape: tuple[int, ...]
    axes: list[dict[str, Any]]
    chunks: tuple[int, ...] | None
    filters: tuple[str, ...]
    needs: str
    stored_bytes: int
    array_bytes: int
    ragged: bool
    package: str
    models: tuple[str, ...]
    metadata: MetadataTree
    format_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileInfo(ByAttribute):
    """What a file holds.

    Attributes
    ----------
    path : str
        The file.
    version : str
        The format version that it declares, ``""`` where it declares none.
    size : int
        Bytes of the file.
    unused_bytes : int or None
        How many of them are left over from updates, to within a few kilobytes; `repack` wins them
        back. 0 where there is next to nothing, None where damage keeps them from being counted.
    experiments : tuple of ExperimentInfo
        In the order of the file.
    models : tuple of str
        Names of models that belong to none of the experiments.
    """

    path: str
    version: str
    size: int
    unused_bytes: int | None
    experiments: tuple[ExperimentInfo, ...]
    models: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values but for the trees of metadata."""
        experiments = [
            {part.name: getattr(one, part.name) for part in fields(ExperimentInfo)}
            for one in self.experiments
        ]
        plain = {part.name: getattr(self, part.name) for part in fields(FileInfo)}
        return {**plain, "experiments": experiments}

    def _meant(self, key: object) -> str:
        """An experiment, or something of one, is looked for here."""
        if isinstance(key, int):
            return f"; write .experiments[{key}]"
        named = {
            word: n for n, one in enumerate(self.experiments) for word in (one.group, one.title)
        }
        if isinstance(key, str) and key in named:
            return f"; write .experiments[{named[key]}]"
        if key in {part.name for part in fields(ExperimentInfo)}:
            return f"; write .experiments[0].{key}"
        return super(FileInfo, self)._meant(key)  # slots make the class anew

    def __repr__(self) -> str:
        """The file, then its experiments, a line each."""
        count = (
            "1 experiment" if len(self.experiments) == 1 else f"{len(self.experiments)} experiments"
        )
        lines = [f"<FileInfo of {self.path}: format {self.version or 'not declared'}, {count}>"]
        for one in self.experiments:
            title = "" if one.title == one.group else f" (title: {printable_name(one.title)})"
            lines.append(f"  {printable_name(one.group)}{title}: {one.shape}, {one.dtype}")
        return printable("\n".join(lines))


def info(
    path: str | os.PathLike[str] | BinaryIO,
    *,
    storage_options: Mapping[str, Any] | None = None,
) -> FileInfo:
    """Say what a file holds; its data are not read.

    Parameters
    ----------
    path : path-like or file object
        The file; see `load`.
    storage_options : dict, optional
        See `load`.

    Returns
    -------
    FileInfo
        The file, and every experiment in it.

    Raises
    ------
    MissingFileError, NotHspyError, DamagedFileError
        If it cannot be read. One damaged experiment beside good ones is a warning.
    """
    given = file_of(path, "info(path)", storage_options=storage_options)
    with opened(given, _options(original_metadata=False)) as file:
        return FileInfo(
            path=file.path,
            version=file.contents.declared,
            size=file.reader.snapshot.size,
            experiments=tuple(known for known, _ in _outlines(file)),
            # Far away it would take reading the indices of all arrays.
            unused_bytes=None if file.reader.snapshot.is_far else _unused_bytes(file),
            models=tuple(file.contents.standalone_models),
        )


def outlines(path: str | os.PathLike[str]) -> list[tuple[ExperimentInfo, Signal]]:
    """What is known of all experiments, and they but for their data: these have a shape only."""
    with opened(path, _options()) as file:
        return _outlines(file)


def _options(*, original_metadata: bool = True) -> ReadOptions:
    return ReadOptions(lazy=True, original_metadata=original_metadata, check=False)


def _outlines(file: OpenFile) -> list[tuple[ExperimentInfo, Signal]]:
    outline = Outline.of(file)
    return outline.each(lambda name: _outline(outline, name))


def outline(path: str | os.PathLike[str], name: str | None = None) -> Signal:
    """One experiment but its data, which have shape and dtype only."""
    options = ReadOptions(lazy=True)
    with opened(path, options) as file:
        unread = Outline.of(file)
        return read_signal(unread, select(file.contents, name, file.path))


def _unused_bytes(file: OpenFile) -> int | None:
    try:
        return count_unused(file.reader) if isinstance(file.reader, Reader) else 0
    except DamagedFileError as error:
        file.problems.append(Problem("/", f"what updates have left is unknown: {error.message}"))
        return None


def _outline(file: OpenFile, name: str) -> tuple[ExperimentInfo, Signal]:
    signal = read_signal(file, name)
    if not file.options.original_metadata:
        _note_unread(file, name)
    return _info(file, name, signal), signal


def _note_unread(file: OpenFile, name: str) -> None:
    """Name the tree that is not read if it cannot be: it is not absent."""
    for tree in (names.ORIGINAL_METADATA, names.ORIGINAL_PARAMETERS):
        node = file.contents.experiments[name].members.get(tree)
        if isinstance(node, Damaged):
            where = f"/{names.EXPERIMENTS}/{name}/{tree}"
            file.problems.append(Problem(where, node.reason, lost=not node.sound))


def _info(file: OpenFile, name: str, signal: Signal) -> ExperimentInfo:
    members: Mapping[str, object] = file.contents.experiments[name].members
    node = members[names.DATA]
    assert isinstance(node, Array)
    size = math.prod(signal.data.shape) * signal.data.dtype.itemsize
    return ExperimentInfo(
        group=name,
        title=signal.title,
        shape=tuple(signal.data.shape),
        dtype=dtype_text(signal.data.dtype),
        signal_type=signal.signal_type,
        navigation_shape=signal.axes.navigation_shape,
        signal_shape=signal.axes.signal_shape,
        axes=[axis_to_dict(axis) for axis in signal.axes],
        chunks=node.chunks,
        filters=filter_names(node.filters),
        needs=everywhere(node.filters),
        stored_bytes=stored_bytes(node),
        array_bytes=size,
        ragged=signal.ragged,
        package=signal.package,
        models=tuple(signal.models),
        metadata=signal.metadata,
        format_version=file.contents.declared,
    )
