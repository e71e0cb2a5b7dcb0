"""Say what a file holds without reading its data."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hspyio import names
from hspyio.api.experiments import read_signal
from hspyio.api.open_file import OpenFile, opened, select
from hspyio.api.outline import Outline
from hspyio.api.paths import path_of_file
from hspyio.errors import Problem
from hspyio.filters import describe as filter_names
from hspyio.filters import everywhere
from hspyio.hdf5.sources import stored_bytes
from hspyio.hdf5.used import is_used_up
from hspyio.model.axes import axis_to_dict
from hspyio.model.signal import Signal
from hspyio.model.tree import MetadataTree
from hspyio.nodes.node import Array, Damaged
from hspyio.options import ReadOptions

if TYPE_CHECKING:
    pass

__all__ = ["ExperimentInfo", "describe", "outline", "outlines", "unused_bytes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentInfo:
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


def describe(path: str | os.PathLike[str]) -> list[ExperimentInfo]:
    """Describe every experiment of a file; its data are not read.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    list of ExperimentInfo
        In the order of the file.

    Raises
    ------
    MissingFileError, NotHspyError, DamagedFileError
        If it cannot be read. One damaged experiment beside good ones is a warning.
    """
    path = path_of_file(path, "describe(path)")
    return [info for info, _ in outlines(path, original_metadata=False)]


def outlines(
    path: str | os.PathLike[str], *, original_metadata: bool = True
) -> list[tuple[ExperimentInfo, Signal]]:
    """Describe every experiment, and read all of it but its data.

    Parameters
    ----------
    path : path-like
        The file.
    original_metadata : bool
        Whether that tree is read.

    Returns
    -------
    list of ExperimentInfo and Signal
        In the order of the file. The data of these signals have shape and dtype, and no values.

    Raises
    ------
    MissingFileError, NotHspyError, DamagedFileError
        If it cannot be read. One damaged experiment beside good ones is a warning.
    """
    options = ReadOptions(lazy=True, original_metadata=original_metadata, check=False)
    with opened(path, options) as file:
        outline = Outline(file.path, file.contents, options, file.problems, file.work)
        return outline.each(lambda name: _outline(outline, name))


def outline(path: str | os.PathLike[str], name: str | None = None) -> Signal:
    """Read all of one experiment but its data.

    Parameters
    ----------
    path : path-like
        The file.
    name : str, optional
        The experiment.

    Returns
    -------
    Signal
        Its data have shape and dtype, and no values.
    """
    options = ReadOptions(lazy=True)
    with opened(path, options) as file:
        unread = Outline(file.path, file.contents, options, file.problems, file.work)
        return read_signal(unread, select(file.contents, name, file.path))


def unused_bytes(path: str | os.PathLike[str]) -> int:
    """How much of a file is left over from updates; `repack` wins it back.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    int
        Bytes, to within a few kilobytes; 0 where there is next to nothing.

    Raises
    ------
    MissingFileError, NotHspyError, DamagedFileError
        If it cannot be read.
    """
    path = path_of_file(path, "unused_bytes(path)")
    with opened(path, ReadOptions(lazy=True)) as file:
        if is_used_up(file.path):
            return 0
        from hspyio.hdf5.usage import count_unused

        return count_unused(file.path)


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
        dtype=str(signal.data.dtype),
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
