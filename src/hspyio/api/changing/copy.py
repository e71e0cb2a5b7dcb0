"""New files out of old ones: some experiments, the current format, or other chunks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np

from hspyio import names
from hspyio.api.arguments import name_of, path_of_file, path_to_save
from hspyio.api.changing.edit import keep_rest, rebuilt_root
from hspyio.api.changing.keeping import LOST_IN_UPGRADE, check_inside, check_whole
from hspyio.api.loading.experiments import read_signal
from hspyio.api.loading.open_file import OpenFile, opened, select
from hspyio.api.progress import working
from hspyio.api.saving.navigator import (
    MEMBERS,
    PART,
    Wanted,
    encoded_navigators,
    wanted_navigators,
    with_navigators,
)
from hspyio.api.saving.save import save
from hspyio.arrays.chunk_shapes import signal_chunks
from hspyio.arrays.workers import Workers
from hspyio.errors import RESCUE, HspyError, OptionError, Problem, SaveError, one_or_many, warn_user
from hspyio.hdf5.local_snapshot import snapshot_of
from hspyio.hdf5.writing.dataset_writer import check_filters
from hspyio.integrity.seal import changed_error, changed_since_sealed
from hspyio.model.signal import Signal
from hspyio.nodes.node import Array, GraphSource, Group, Kept
from hspyio.options import ReadOptions, WriteOptions
from hspyio.schema.listing import list_of
from hspyio.schema.sealed_parts import is_sealed
from hspyio.system.calls import are_same_file
from hspyio.system.refusals import named_errors
from hspyio.transaction.plan import plan
from hspyio.transaction.replace import check_target
from hspyio.transaction.space import check_space
from hspyio.transaction.transaction import Transaction

__all__ = ["extract", "repack", "upgrade"]

_EXTRACT, _UPGRADE = "extract(source, name, target)", "upgrade(source, target)"
_UNREAD = ReadOptions(lazy=True, check=False)
_MODELS = f"{names.ANALYSIS}/{names.MODELS}"


def extract(
    source: str | os.PathLike[str],
    name: str | Iterable[str],
    target: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    durable: bool = True,
) -> list[str]:
    """Copy experiments of a file, with their models, into a file of their own.

    Everything is copied as it is stored, the data chunk by chunk without decompressing them, in
    the format version of the file; seals stay whole.

    Parameters
    ----------
    source : path-like
        The file; it stays as it is.
    name : str or iterable of str
        The experiments, by the names of their groups or by titles that only they have.
    target : path-like
        The new file.
    overwrite : bool
        Whether a file that exists is replaced.
    durable : bool
        Whether to wait until the file is on the disk.

    Returns
    -------
    list of str
        The names of their groups.

    Raises
    ------
    ExperimentError
        If there is none of a name.
    TargetExistsError, SaveError
        If the target exists, or cannot be written; what was there is untouched.
    """
    old = path_of_file(source, _EXTRACT, "source")
    text = path_to_save(target, _EXTRACT, "target")
    given: Any = name
    several = isinstance(given, Iterable) and not isinstance(given, str | bytes)
    wanted = [name_of(item, _EXTRACT) or "" for item in (given if several else [given])]
    if not wanted:
        raise OptionError("there is no experiment to extract; name one", path=old)
    check_target(text, overwrite=overwrite)
    if are_same_file(old, text):
        raise OptionError("is the file itself; remove takes experiments out of it", path=text)
    with (
        closing(snapshot_of(old)) as handle,
        opened(handle.clone(), _UNREAD) as file,
        Transaction.new(text, overwrite=overwrite, durable=durable) as tx,
    ):
        tx.copy_from(handle)
        groups = [select(file.contents, item, file.path) for item in wanted]
        check_inside(file, groups)
        _write_only(tx, file, groups)
        label = f"extracting from {os.path.basename(file.path)}"
        with working(None, None, label) as workers:
            tx.commit(workers)
    return groups


def _write_only(tx: Transaction, file: OpenFile, groups: Iterable[str]) -> None:
    """Some experiments with their models, in the order of the file."""
    found, chosen = file.contents, set(groups)
    owned = {model for name in chosen for model in found.models_of(name)}
    kept, models = (
        {name: Kept(f"/{holder}/{name}") for name in listed if name in wanted}
        for holder, listed, wanted in (
            (names.EXPERIMENTS, found.experiments, chosen), (_MODELS, found.models, owned)
        )
    )  # fmt: skip
    if found.listed:  # the list of the old file would tell of others that they are gone
        tx.write(Group({names.SEAL: list_of(kept, sorted(models))}))
    tx.keep("/", members=False)
    tx.write(Group({}, {names.EXPERIMENTS: Group({}, kept, ordered=True)}))
    tx.keep(f"/{names.EXPERIMENTS}", members=False)
    if models:
        tx.write(Group({}, {names.ANALYSIS: Group({}, {names.MODELS: Group({}, models)})}))
        tx.keep(f"/{_MODELS}", members=False)


def upgrade(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    partly: bool = False,
    durable: bool = True,
) -> str:
    """Write a file of an older format, 1.0 to 3.2, as one of format 3.3.

    Metadata, axes and models are written as they read today; the data are copied as they are
    stored, and so is whatever else stands in the file.

    Parameters
    ----------
    source : path-like
        The file. One of the current format is copied, which leaves dead space behind.
    target : path-like
        The new file; it may be the same with `overwrite`.
    overwrite : bool
        Whether a file that exists is replaced.
    partly : bool
        Whether what cannot be read is left out, with a warning that names all of it. Data are
        then compressed anew.
    durable : bool
        Whether to wait until the file is on the disk.

    Returns
    -------
    str
        The format version that the file declared; ``""`` for none.

    Raises
    ------
    SaveError
        If something of it cannot be read, and would be lost; all of it is named. Or if the target
        cannot be written. What was there is untouched.
    MissingFileError, NotHspyError, TargetExistsError
        If there is no such file, it is no HSpy file, or the target exists.

    Notes
    -----
    Specification: the migrations of format 6.3.
    """
    old = path_of_file(source, _UPGRADE, "source")
    text = path_to_save(target, _UPGRADE, "target")
    check_target(text, overwrite=overwrite)
    options = WriteOptions(durable=durable)
    # What is read here has to be all of it, so that its problems are known; warnings come after.
    with closing(snapshot_of(old)) as handle, opened(handle.clone(), _UNREAD) as file:
        declared = file.contents.declared
        lost = [*(one for one in file.contents.problems if one.lost), *_unreadable(file)]
        if lost and not partly:
            file.problems.clear()
            raise SaveError(
                one_or_many(LOST_IN_UPGRADE, lost)
                + f"\nNothing was changed. {RESCUE}; partly=True leaves that out.",
                path=file.path,
            )
        if lost:
            _save_readable(file, text, overwrite=overwrite, durable=durable)
            return declared
        root = plan(rebuilt_root(file), options)
        label = f"upgrading {os.path.basename(file.path)}"
        with (
            working(None, None, label) as workers,
            Transaction.new(text, overwrite=overwrite, durable=durable) as tx,
        ):
            tx.copy_from(handle)
            tx.write(root)
            keep_rest(tx, file.contents.experiments)
            tx.commit(workers)
    return declared


def _unreadable(file: OpenFile) -> list[Problem]:
    """What cannot be read of any experiment; what is wrong with the file itself stays as it is."""
    known = len(file.problems)
    lost: list[Problem] = []
    for name in file.contents.experiments:
        try:
            read_signal(file, name).close()
        except HspyError as error:
            lost.append(Problem(error.where, error.message, lost=True))
    lost += file.problems[known:]
    del file.problems[known:]
    return lost


def _save_readable(file: OpenFile, target: str, *, overwrite: bool, durable: bool) -> None:
    """Save the signals that can be read; the warning at the end names what cannot."""
    signals = file.each(lambda name: read_signal(file, name))
    save(target, signals, overwrite=overwrite, durable=durable)
    if alone := list(file.contents.standalone_models):
        message = f"{file.path}: models of no signal are left out: {', '.join(alone)}"
        warn_user(message)


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
    checksum: bool = False,
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
    checksum : bool
        Whether all experiments are sealed, see `save`; those that were are in any case.

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
        chunks=chunks, compression=compression, compression_opts=compression_opts, shuffle=shuffle,
        checksum=checksum, threads=threads, progress=progress, durable=durable,
    )  # fmt: skip
    wanted = wanted_navigators(navigator)
    check_target(text, overwrite=overwrite)
    with (
        named_errors(old),
        Transaction.new(text, overwrite=overwrite, durable=durable) as tx,
        closing(snapshot_of(old)) as handle,
        opened(handle.clone(), _BY_BLOCKS) as file,
    ):
        tx.copy_from(handle)
        check_whole(file, file.root)
        signals = {name: read_signal(file, name) for name in file.contents.experiments}
        found = {name: _data(file, name, signal) for name, signal in signals.items()}
        arrays = _planned({name: data for name, data in found.items() if data}, options)
        pictures = _navigators(file, arrays, signals, wanted)
        check_filters(Group({}, arrays))
        check_space(text, Group({}, arrays))
        label = f"repacking {os.path.basename(file.path)}"
        with working(threads, progress, label) as workers:
            sealed = _sealed(file, workers)
            for name in file.contents.experiments if checksum else sealed:
                tx.seal(name)
            _write_with(tx, file, arrays, pictures, checksum=checksum)
            tx.commit(workers)
    return text


_BY_BLOCKS = ReadOptions(lazy=True, chunks="auto", original_metadata=False)


def _write_with(
    tx: Transaction,
    file: OpenFile,
    arrays: Mapping[str, Array],
    pictures: Mapping[str, Group],
    *,
    checksum: bool,
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
    root = Group({}, {names.EXPERIMENTS: Group({}, nodes, ordered=True)})
    if checksum and not file.contents.listed:
        root = replace(root, attributes={names.SEAL: list_of(nodes, file.contents.models)})
    tx.write(root)
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
    file: OpenFile,
    arrays: Mapping[str, Array],
    signals: Mapping[str, Signal],
    wanted: Sequence[Wanted],
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
    for name, array in arrays.items() if wanted else ():
        signal = signals[name]
        assert isinstance(array.source, GraphSource)
        signal.data = array.source.graph
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


def _data(file: OpenFile, name: str, signal: Signal) -> Array | None:
    """The data of an experiment as a stream of blocks; ``None`` for what is copied as it is."""
    node = file.contents.experiments[name].members[names.DATA]
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
        node, source=GraphSource(values), signal_dims=dims, chunks=None, filters=(), inline=False
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
