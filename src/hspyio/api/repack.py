"""Write a file anew with other chunks or another compression, in little memory."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np

from hspyio import names
from hspyio.api.experiments import read_signal
from hspyio.api.navigator import (
    MEMBERS,
    PART,
    Wanted,
    encoded_navigators,
    wanted_navigators,
    with_navigators,
)
from hspyio.api.open_file import OpenFile, opened
from hspyio.api.paths import path_of_file, path_to_save
from hspyio.api.progress import working
from hspyio.api.whole import check_whole
from hspyio.arrays.chunk_shapes import signal_chunks
from hspyio.arrays.workers import Workers
from hspyio.errors import OptionError
from hspyio.hdf5.dataset_writer import check_filters
from hspyio.hdf5.snapshot import handle_of
from hspyio.integrity.seal import changed_error, changed_since_sealed
from hspyio.nodes.node import Array, GraphSource, Group, Kept
from hspyio.options import ReadOptions, WriteOptions
from hspyio.schema.sealed_parts import is_sealed
from hspyio.system.refusals import named_errors
from hspyio.transaction.plan import plan
from hspyio.transaction.replace import check_target
from hspyio.transaction.space import check_space
from hspyio.transaction.transaction import Transaction

__all__ = ["repack"]


def repack(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    chunks: None | bool | tuple[int, ...] = None,
    compression: None | str | int | Mapping[str, Any] = "gzip",
    compression_opts: Any = None,
    shuffle: bool = True,
    navigator: None | str | Sequence[str] = None,
    threads: int | None = None,
    progress: bool | None = None,
    durable: bool = True,
) -> str:
    """Write a file anew, with other chunks or another compression for the data.

    The data stream through a few blocks of memory, whatever their size. All else in the file is
    copied as it stands, whatever its format version; dead space is left behind. What was sealed
    is compared with its seal and sealed anew.

    Parameters
    ----------
    source, target : path-like
        The file, and the new one. They may be the same with `overwrite`.
    overwrite : bool
        Whether a file that exists is replaced.
    chunks, compression, compression_opts, shuffle, threads, progress, durable
        See `save`; the defaults suit most files.
    navigator : None, "sum", "max", or both
        See `save`; made in the same pass, for all experiments that have a map, in the place of
        navigators that they had. ``None`` copies these as they are.

    Returns
    -------
    str
        The path that was written; see `save`.

    Raises
    ------
    MissingFileError, NotHspyError
        If there is no such file, or it is no HSpy file.
    DamagedFileError
        If data cannot be read, or are not what was sealed; nothing is written.
    TargetExistsError, OptionError, FilterError, SaveError
        See `save`; what was there before is untouched.
    """
    call = "repack(source, target)"
    old = path_of_file(source, call, "source")
    text = path_to_save(target, call, "target")
    options = WriteOptions(
        chunks=chunks,
        compression=compression,
        compression_opts=compression_opts,
        shuffle=shuffle,
        threads=threads,
        progress=progress,
        durable=durable,
    )
    wanted = wanted_navigators(navigator)
    check_target(text, overwrite=overwrite)
    with (
        named_errors(old),
        Transaction.new(text, overwrite=overwrite, durable=durable) as tx,
        closing(handle_of(old)) as handle,
        opened(old, _BY_BLOCKS, handle=handle.twin()) as file,
    ):
        tx.copy_from(handle)
        check_whole(file, file.root)
        found = {name: _data(file, name) for name in file.contents.experiments}
        arrays = _planned({name: data for name, data in found.items() if data}, options)
        pictures = _navigators(file, found, wanted)
        check_filters(Group({}, arrays))
        check_space(text, Group({}, arrays))
        label = f"repacking {os.path.basename(file.path)}"
        with working(threads, progress, label) as workers:
            for name in _sealed(file, workers):
                tx.seal(name)
            _write(tx, file, arrays, pictures)
            tx.commit(workers)
    return text


_BY_BLOCKS = ReadOptions(lazy=True, chunks="auto", original_metadata=False)


def _write(
    tx: Transaction,
    file: OpenFile,
    arrays: Mapping[str, Array],
    pictures: Mapping[str, Group],
) -> None:
    """All that is in the file, with other data, and navigators."""
    tx.keep("/", but=(names.EXPERIMENTS,))
    holder = file.root.members.get(names.EXPERIMENTS)
    if not isinstance(holder, Group):
        return
    where = f"/{names.EXPERIMENTS}"
    nodes: dict[str, Group | Kept] = {
        name: Group({}, _new_members(arrays[name], pictures.get(name)))
        if name in arrays
        else Kept(f"{where}/{name}")
        for name in holder.members
    }
    tx.write(Group({}, {names.EXPERIMENTS: Group({}, nodes, ordered=tx.is_ordered(where))}))
    tx.keep(where)
    for name in arrays:
        tx.keep(f"{where}/{name}")
        tx.keep(f"{where}/{name}/{names.DATA}")
        if name in pictures:
            _keep_metadata(tx, file, name)


def _new_members(data: Array, picture: Group | None) -> dict[str, Array | Group]:
    return {names.DATA: data} if picture is None else {names.METADATA: picture, names.DATA: data}


def _keep_metadata(tx: Transaction, file: OpenFile, name: str) -> None:
    """Let stay what the metadata hold beside the navigators."""
    where = f"/{names.EXPERIMENTS}/{name}/{names.METADATA}"
    tree = file.contents.experiments[name].members.get(names.METADATA)
    if not isinstance(tree, Group):
        return
    tx.keep(where)
    if isinstance(tree.members.get(PART), Group):
        tx.keep(f"{where}/{PART}", but=MEMBERS)


def _navigators(
    file: OpenFile, found: Mapping[str, Array | None], wanted: Sequence[Wanted]
) -> dict[str, Group]:
    """The part of the metadata that holds new navigators, of all experiments that get some.

    They are computed out of the blocks that are written, so that each is read once.
    """
    if wanted and file.contents.version < _NESTED:
        raise OptionError(
            f"a file of format {file.contents.declared or '1.0'} gets no navigator: "
            "hspyio.upgrade(path, path, overwrite=True) first",
            path=file.path,
        )
    made: dict[str, Group] = {}
    for name, data in found.items() if wanted else ():
        if data is None or not isinstance(data.source, GraphSource):
            continue
        signal = read_signal(file, name)
        signal.data = data.source.graph
        group = encoded_navigators(with_navigators(signal, wanted, Workers()))
        if group is not None:
            made[name] = plan(Group({}, {PART: group}), WriteOptions())
    return made


_NESTED = (3, 0)
"""The first version whose files have signals in metadata as HyperSpy reads them today."""


def _sealed(file: OpenFile, workers: Workers) -> list[str]:
    """The experiments that have a seal, which will not fit the new file: they get another one."""
    found = [name for name in file.contents.experiments if is_sealed(file.contents, name)]
    for name in found:
        problems = changed_since_sealed(file.contents, name, workers)
        if problems:
            raise changed_error(file.path, name, problems)
    return found


def _data(file: OpenFile, name: str) -> Array | None:
    """The data of an experiment as a stream of blocks; ``None`` for what is copied as it is."""
    node = file.contents.experiments[name].members[names.DATA]
    signal = read_signal(file, name)
    streams = isinstance(node, Array) and isinstance(node.type, np.dtype) and signal.lazy
    if not streams or not isinstance(node, Array) or signal.data.dtype != node.type:
        return None
    if not signal.data.shape:
        return None  # one value: no chunks to make
    dims = tuple(i for i, axis in enumerate(signal.axes) if not axis.navigate)
    values = file.values_in_blocks(replace(node, signal_dims=dims))
    if values is None:
        return None
    return replace(
        node,
        source=GraphSource(values),
        signal_dims=dims,
        chunks=None,
        filters=(),
        inline=False,
    )


def _planned(data: dict[str, Array], options: WriteOptions) -> dict[str, Array]:
    """With the default chunks, unless others are asked for: not with those it is read in."""
    given = plan(Group({}, dict(data)), options).members
    planned: dict[str, Array] = {}
    for name, array in data.items():
        node = given[name]
        asked = options.chunks is True or len(options.chunks or ()) == len(array.shape)
        if not asked:
            assert isinstance(array.type, np.dtype)
            chunks = signal_chunks(array.shape, array.type.itemsize, array.signal_dims or ())
            node = plan(Group({}, {name: array}), replace(options, chunks=chunks)).members[name]
        assert isinstance(node, Array)
        planned[name] = node
    return planned
