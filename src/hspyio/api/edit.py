"""Change a file: one more experiment, other metadata, one experiment less."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio import names
from hspyio.api.arguments import name_of, the_signal, warn_of_doubts
from hspyio.api.experiments import read_signal
from hspyio.api.keeping import is_in, stored_data, thinned_members, with_kept
from hspyio.api.loaded import Loaded
from hspyio.api.open_file import OpenFile, opened, select, title_of
from hspyio.api.outline import Outline
from hspyio.api.paths import path_of_file
from hspyio.api.progress import working
from hspyio.api.save import warn_unannotated
from hspyio.api.whole import check_kept, check_read
from hspyio.converters.signals import StoredData
from hspyio.errors import (
    AxesError,
    ExperimentError,
    OptionError,
    SaveError,
    UnsupportedTypeError,
    one_or_many,
    warn_user,
)
from hspyio.hdf5.dataset_writer import check_filters
from hspyio.model.signal import Signal
from hspyio.nodes.node import Group, Kept
from hspyio.options import ReadOptions, WriteOptions
from hspyio.schema import EncodedFile, encode_file
from hspyio.schema.listing import with_list
from hspyio.schema.migrations import CURRENT
from hspyio.schema.nexus import is_annotated, marked
from hspyio.schema.sealed_parts import is_sealed
from hspyio.suggestions import quoted
from hspyio.transaction.plan import plan
from hspyio.transaction.space import check_space
from hspyio.transaction.transaction import Transaction
from hspyio.transaction.unchanged import Member

if TYPE_CHECKING:
    from hspyio.integrity.checksums import ArraySums

__all__ = ["append", "put", "rebuilt_root", "remove", "update", "update_group"]

_DATA = (names.DATA, names.RAGGED_SHAPES + names.DATA)


def append(
    path: str | os.PathLike[str],
    signal: Signal,
    *,
    name: str | None = None,
    chunks: None | bool | tuple[int, ...] = None,
    compression: None | str | int | Mapping[str, Any] = "gzip",
    compression_opts: Any = None,
    shuffle: bool = True,
    checksum: bool = False,
    nexus: bool = False,
    threads: int | None = None,
    progress: bool | None = None,
    durable: bool = True,
) -> None:
    """Add one more experiment to a file.

    Parameters
    ----------
    path : path-like
        The file.
    signal : Signal
        What to add; a title that is there already gets a group of its own. A signal of HyperSpy
        or a DataArray of xarray is converted.
    name : str, optional
        The name of its group; that of its title by default.
    chunks, compression, compression_opts, shuffle, checksum, nexus, threads, progress, durable
        See `save`.

    Raises
    ------
    MissingFileError, NotHspyError
        If there is no such file, or it is no HSpy file.
    UnsupportedTypeError, OptionError, FilterError, SaveError
        See `save`; the file is untouched.
    """
    options = WriteOptions(
        chunks=chunks,
        compression=compression,
        compression_opts=compression_opts,
        shuffle=shuffle,
        checksum=checksum,
        nexus=nexus,
        threads=threads,
        progress=progress,
        durable=durable,
    )
    path = path_of_file(path, "append(path, signal)")
    whole = the_signal(signal, "append")
    put(path, whole, options, group=None, with_data=True, name=_new_name(name))
    warn_of_doubts(path, [whole])


def _new_name(name: str | None) -> str | None:
    """The name of a group that is to be made."""
    name = name_of(name, "append(path, signal, name='HAADF')")
    if name is not None and (name in ("", ".", "..") or not _NAME.fullmatch(name)):
        raise OptionError(
            f"name is {quoted(name)}; the name of a group is text of up to 500 characters, "
            "without slashes and NULs"
        )
    return name


_NAME = re.compile("[^/\0\ud800-\udfff]{1,500}")


def update(path: str | os.PathLike[str], signal: Signal, name: str | None = None) -> None:
    """Write metadata, axes, attributes, learning results and models; the data stay untouched.

    What is written is what the signal now holds; nothing old stays beside it. The group is
    renamed with the title, its models stay attached.

    Parameters
    ----------
    path : path-like
        The file.
    signal : Signal
        What to write. One that was loaded from the file knows its experiment.
    name : str, optional
        The experiment, by the name of its group or by a title that only it has.

    Raises
    ------
    ExperimentError
        If it is not clear which experiment is meant.
    AxesError
        If the axes do not fit the data in the file.
    UnsupportedTypeError, SaveError
        See `save`; the file is untouched.
    """
    path = path_of_file(path, "update(path, signal)")
    name = name_of(name, "update(path, signal, name='HAADF')")
    whole = the_signal(signal, "update")
    with opened(path, _UNREAD) as file:
        group = _group_in(file, whole, name)
        other = _other_data(file, group, whole)
    put(path, whole, WriteOptions(), group=group, with_data=False)
    warn_of_doubts(path, [whole])
    if other:
        text = f"{os.fspath(path)}: {other}; update writes all but the data. save writes them"
        warn_user(text)


def _other_data(file: OpenFile, group: str, signal: Signal) -> str:
    """Why the data of a signal are surely others than those in the file, ``""`` if they are not.

    They are not compared, for they may be large.
    """
    loaded: Loaded | None = signal._loaded
    location = signal.location
    if loaded is not None and location is not None and is_in(location, file):
        return loaded.change(signal.data)
    node = file.contents.experiments[group].members.get(names.DATA)
    kinds = (getattr(node, "type", None), signal.data.dtype)
    plain = [kind for kind in kinds if isinstance(kind, np.dtype) and kind.kind in "iufc"]
    if len({kind.newbyteorder("=") for kind in plain}) > 1:
        return f"the data of the signal are {kinds[1]}, those in the file {kinds[0]}"
    return ""


def update_group(
    path: str | os.PathLike[str], signal: Signal, name: str | None = None, *, required: bool = True
) -> str | None:
    """The group of the experiment in a file that a signal stands for.

    Parameters
    ----------
    path : path-like
        The file.
    signal : Signal
        Goes by the group it was loaded from, else by its title.
    name : str, optional
        Goes before both.
    required : bool
        Whether there has to be one; a file's only experiment is the one then.

    Raises
    ------
    ExperimentError
        If there has to be one and it is not clear which.
    """
    with opened(path, _UNREAD) as file:
        try:
            return _group_in(file, signal, name, alone=required)
        except ExperimentError:
            if required:
                raise
            return None


def _group_in(file: OpenFile, signal: Signal, name: str | None, *, alone: bool = True) -> str:
    """The group of a signal: by name, by where it was loaded from, by title, the only one."""
    location = signal.location
    if name is None and location is not None and is_in(location, file):
        return location.group
    if name is None and (len(file.contents.experiments) > 1 or not alone):
        name = signal.title
    return select(file.contents, name, file.path)


def remove(path: str | os.PathLike[str], name: str) -> None:
    """Remove an experiment and its models from a file.

    Parameters
    ----------
    path : path-like
        The file.
    name : str
        The experiment, by the name of its group or by a title that only it has.

    Raises
    ------
    ExperimentError
        If there is none of that name, or it is the only one.
    SaveError
        If writing fails; the file is untouched.
    """
    text = path_of_file(path, "remove(path, name)")
    name = name_of(name, "remove(path, name)") or ""
    with Transaction.change(text) as tx:
        with opened_to_change(tx) as file:
            group = select(file.contents, name, text)
            check_kept(file, group)
            if len(file.contents.experiments) == 1:
                raise ExperimentError(
                    "is the only experiment; delete the file", path=text, where=group
                )
            root, _ = _rebuilt(file, None, group)
            tx.write(plan(_listing(file, root), WriteOptions()))
            keep_rest(tx, file.contents.experiments)
        commit(tx, WriteOptions())


def opened_to_change(
    tx: Transaction, options: ReadOptions | None = None
) -> AbstractContextManager[OpenFile]:
    """The file of a transaction, as it is."""
    assert tx.snapshot is not None
    return opened(tx.snapshot.path, options or _UNREAD, handle=tx.snapshot.twin())


def keep_rest(tx: Transaction, replaced: Collection[str]) -> None:
    """Let stay what stands beside the experiments and models that are written anew, or go."""
    tx.keep("/", but=(names.EXPERIMENTS, names.ANALYSIS))
    tx.keep(f"/{names.EXPERIMENTS}", but=replaced)
    tx.keep(f"/{names.ANALYSIS}", but=(names.MODELS,))


def commit(tx: Transaction, options: WriteOptions) -> None:
    """Write what a transaction has to write, with a progress bar."""
    label = f"saving {os.path.basename(tx.path)}"
    with working(options.threads, options.progress, label) as work:
        tx.commit(work)


_UNREAD = ReadOptions(lazy=True)


def put(
    path: str | os.PathLike[str],
    signal: Signal,
    options: WriteOptions,
    *,
    group: str | None,
    with_data: bool,
    lenient: Callable[[object], object] | None = None,
    name: str | None = None,
) -> EncodedFile:
    """Write a signal into a file: as a new experiment, or in the place of one.

    Parameters
    ----------
    path : path-like
        The file.
    signal : Signal
        What to write.
    options : WriteOptions
        How.
    group : str or None
        The experiment that it replaces.
    with_data : bool
        Whether its data are written too; else those of the replaced experiment stay.
    lenient : callable, optional
        See `hspyio.schema.encode_file`.
    name : str, optional
        The name of a new group, which nothing may have yet.

    Returns
    -------
    EncodedFile
        What was written, with the problems a lenient caller warns of.
    """
    with Transaction.change(path_of_file(path), durable=options.durable) as tx:
        with opened_to_change(tx) as file:
            if group is not None and group not in file.contents.experiments:
                raise ExperimentError(
                    "is not there any more: another program has changed the file",
                    path=os.fspath(path),
                    where=group,
                )
            if name is not None and name in file.contents.experiments:
                raise OptionError(
                    f"name is {name!r}, and there is an experiment of that name; give another",
                    path=os.fspath(path),
                )
            check_kept(file, group)
            root, encoded = _rebuilt(
                file,
                signal,
                group,
                with_data=with_data,
                lenient=lenient,
                nexus=options.nexus,
                name=name,
            )
            root = plan(root, options)
            check_filters(root)
            check_space(tx.path, root)
            seals = _seals(file, encoded, group, with_data=with_data, asked=options.checksum)
            tx.write(_listing(file, root, sealed=bool(seals)))
            keep_rest(tx, file.contents.experiments)
            for sealed, known in seals.items():
                tx.seal(sealed, known)
        commit(tx, options)
    warn_unannotated(path, encoded.unannotated)
    return encoded


def _seals(
    file: OpenFile, encoded: EncodedFile, group: str | None, *, with_data: bool, asked: bool
) -> dict[str, dict[str, ArraySums]]:
    """What is to be sealed: the experiment that is written, if the old one is or it is asked for.

    With the checksums of data that stay, which are not read again.
    """
    from hspyio.integrity.seal import sealed_arrays

    known = None if group is None else sealed_arrays(file.contents, group)
    if known is None and not asked:
        return {}
    name = list(encoded.experiments)[-1]
    stays = not with_data and name not in encoded.hinted_data
    return {name: {path: sums for path, sums in (known or {}).items() if stays and path in _DATA}}


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    """One experiment of the new file that is encoded anew.

    Attributes
    ----------
    signal : Signal
        What it holds.
    group : str or None
        The group of the old file whose data it keeps.
    name : str or None
        The new name of the group, where it is not to follow from the title.
    place : str or None
        The experiment of the old file in whose place it comes.
    nexus : bool
        Whether it is annotated; one whose old state is stays so.
    stored : StoredData or None
        The data that it keeps; ``None`` where they are written anew.
    """

    signal: Signal
    group: str | None
    name: str | None
    place: str | None
    nexus: bool
    stored: StoredData | None = None


def _rebuilt(
    file: OpenFile,
    signal: Signal | None,
    group: str | None,
    *,
    with_data: bool = True,
    lenient: Callable[[object], object] | None = None,
    nexus: bool = False,
    name: str | None = None,
) -> tuple[Group, EncodedFile]:
    """The whole file anew: `signal` in the place of `group`, the rest as it is.

    Experiments of an older format are brought to the current one: the version is the file's.
    """
    _check_version(file)
    others = [other for other in file.contents.experiments if other != group]
    entries = []
    if file.contents.version < CURRENT:
        entries = [_upgraded(file, other) for other in others]
        others = []
    if signal is not None:
        entries.append(_entry(file, signal, group, with_data, nexus, name))
    models = _kept_models(file, others)
    encoded = encode_file(
        [entry.signal for entry in entries],
        group_names=[entry.name for entry in entries],
        taken=others,
        taken_models=list(models),
        lenient=lenient,
        nexus=[entry.nexus for entry in entries],
        stored=[entry.stored for entry in entries],
    )
    if encoded.problems and (lenient is None or not encoded.complete):
        raise UnsupportedTypeError(encoded.problems, path=file.path)
    if file.handle is not None:
        file.handle.close()
    experiments = _in_place(file, others, entries, encoded)
    stored = {} if group is None else file.contents.models_of(group)
    changed = thinned_members(encoded.models, stored, f"/{names.ANALYSIS}/{names.MODELS}")
    root = _root(experiments, {**models, **changed})
    return marked(root, file.contents.experiments), encoded


def rebuilt_root(file: OpenFile) -> Group:
    """The tree of an open file in the current format, with what stays taken from the file.

    Raises
    ------
    SaveError
        If anything of an older format cannot be read, and would be lost.
    """
    return _listing(file, _rebuilt(file, None, None)[0])


def _listing(file: OpenFile, root: Group, *, sealed: bool = False) -> Group:
    """The new tree with the list of what it holds, if anything in the file is or was sealed."""
    known = file.contents
    if sealed or known.listed or any(is_sealed(known, name) for name in known.experiments):
        return with_list(root)
    return root


def _entry(
    file: OpenFile,
    signal: Signal,
    group: str | None,
    with_data: bool,
    nexus: bool,
    name: str | None,
) -> _Entry:
    """The signal that is put into the file; its group's name changes with the title only."""
    if group is None:
        return _Entry(signal, None, name, None, nexus)
    nexus = nexus or is_annotated(file.contents.experiments[group])
    name = group if title_of(file.contents, group) == signal.title else None
    if with_data:
        return _Entry(signal, None, name, group, nexus)
    stays = stored_data(file, group)
    whole = _with_stored_data(file, group, signal, unread=stays is not None)
    return _Entry(whole, group, name, group, nexus, stays)


def _in_place(
    file: OpenFile, others: list[str], entries: list[_Entry], encoded: EncodedFile
) -> dict[str, Group | Kept]:
    """Experiments in the order of the old file, the new one last."""
    made: dict[str, tuple[str, Group | Kept]] = {
        other: (other, Kept(f"/{names.EXPERIMENTS}/{other}")) for other in others
    }
    added: list[tuple[str, Group | Kept]] = []
    for entry, (name, node) in zip(entries, encoded.experiments.items(), strict=True):
        keeps_data = entry.stored is not None or name not in encoded.hinted_data
        whole = (
            node
            if entry.group is None
            else with_kept(file, entry.group, node, entry.signal, keeps_data)
        )
        if entry.place is None:
            added.append((name, whole))
        else:
            made[entry.place] = (name, whole)
    return dict([*(made[old] for old in file.contents.experiments if old in made), *added])


def _check_version(file: OpenFile) -> None:
    """Nothing is changed in a file that says more than this program understands."""
    if file.contents.version > CURRENT:
        raise SaveError(
            f"has format version {file.contents.declared}, which is newer than this hspyio; "
            "update hspyio to change it",
            path=file.path,
        )


def _upgraded(file: OpenFile, group: str) -> _Entry:
    """An experiment of an older format, to be written anew; refused if anything would be lost."""
    known = len(file.problems)
    signal = read_signal(file, group)
    lost = file.problems[known:]
    if lost:
        raise SaveError(
            one_or_many("cannot be read, and would be lost in bringing it to format 3.3", lost),
            path=file.path,
            where=group,
        )
    nexus = is_annotated(file.contents.experiments[group])
    return _Entry(signal, group, group, group, nexus, stored_data(file, group))


def _kept_models(file: OpenFile, others: list[str]) -> dict[str, Kept]:
    """Models of the experiments that stay as they are, and those that belong to none."""
    kept = dict(file.contents.standalone_models)
    for other in others:
        kept |= file.contents.models_of(other)
    return {name: Kept(f"/{names.ANALYSIS}/{names.MODELS}/{name}") for name in kept}


def _root(experiments: Mapping[str, Member], models: Mapping[str, Member]) -> Group:
    base = EncodedFile({}, {}, ()).root()
    members: dict[str, Any] = {names.EXPERIMENTS: Group({}, experiments, ordered=True)}
    if models:
        members[names.ANALYSIS] = Group({}, {names.MODELS: Group({}, models)})
    return Group(base.attributes, members)


def _with_stored_data(file: OpenFile, group: str, signal: Signal, *, unread: bool) -> Signal:
    """The signal over the data of the file, which its axes have to fit.

    Data that stay where they are are not read, so that dask, slow to import, isn't needed.
    """
    result = signal.copy()
    known = len(file.problems)
    source = file
    if unread:
        source = Outline(file.path, file.contents, file.options, file.problems, file.work)
    stored = read_signal(source, group)
    file.handle = file.handle or source.handle
    check_read(file.problems[known:], file.path)
    result.data = stored.data
    location = signal.location
    if location is not None and not location.original_metadata and not signal.original_metadata:
        result.original_metadata = stored.original_metadata
    try:
        result.check_axes()
    except AxesError as error:
        raise AxesError(error.message, path=file.path, where=group) from None
    return result
