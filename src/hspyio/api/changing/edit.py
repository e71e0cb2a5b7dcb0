"""Change a file: one more experiment, other metadata, one experiment less."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio import names
from hspyio.api.arguments import name_of, path_of_file, the_signal, warn_of_doubts
from hspyio.api.changing.keeping import (
    LOST_IN_UPGRADE,
    check_gone,
    check_kept,
    is_in,
    over_stored_data,
    stored_data,
    thinned_members,
    with_kept,
)
from hspyio.api.loading.experiments import Loaded, read_signal
from hspyio.api.loading.open_file import OpenFile, opened, select, title_of
from hspyio.api.progress import working
from hspyio.api.saving.navigator import fitting_signals, wanted_navigators
from hspyio.api.saving.save import signals_with_navigators, warn_unannotated
from hspyio.converters.signals import StoredData
from hspyio.errors import (
    ExperimentError,
    OptionError,
    SaveError,
    UnsupportedTypeError,
    one_or_many,
    warn_user,
)
from hspyio.hdf5.writing.dataset_writer import check_filters
from hspyio.model.signal import Signal
from hspyio.nodes.node import Group, Kept
from hspyio.options import ReadOptions, WriteOptions
from hspyio.records import record
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

__all__ = [
    "append",
    "keep_rest",
    "open_to_change",
    "rebuilt_root",
    "remove",
    "rewrite_experiment",
    "update",
    "write_into",
]

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
    navigator: None | str | Signal | Sequence[str | Signal] = None,
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
    chunks, compression, compression_opts, shuffle, checksum, nexus, navigator, threads
        See `save`.
    progress, durable
        See `save`.

    Raises
    ------
    MissingFileError, NotHspyError
        If there is no such file, or it is no HSpy file.
    UnsupportedTypeError, OptionError, FilterError, SaveError
        See `save`; the file is untouched.
    """
    options = WriteOptions(
        chunks=chunks, compression=compression, compression_opts=compression_opts, shuffle=shuffle,
        checksum=checksum, nexus=nexus, threads=threads, progress=progress, durable=durable,
    )  # fmt: skip
    path = path_of_file(path, "append(path, signal)")
    wanted = wanted_navigators(navigator)
    [whole] = fitting_signals([the_signal(signal, "append")], wanted)
    name = _new_name(name)
    if wanted:
        [whole] = signals_with_navigators(path, [whole], wanted, options)
    with open_to_change(path, options) as (tx, file):
        if name is not None and name in file.contents.experiments:
            raise OptionError(
                f"name is {name!r}, and there is an experiment of that name; give another",
                path=path,
            )
        check_kept(file)
        encoded = _replaced(tx, file, _Entry(whole, name=name, nexus=nexus), options)
    warn_unannotated(path, encoded.unannotated)
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
    with open_to_change(path, WriteOptions()) as (tx, file):
        group = _group_in(file, whole, name)
        other = _other_data(file, group, whole)
        encoded = rewrite_experiment(tx, file, group, whole)
    warn_unannotated(path, encoded.unannotated)
    warn_of_doubts(path, [whole])
    if other:
        text = f"{os.fspath(path)}: {other}; update writes all but the data. save writes them"
        warn_user(text)


def rewrite_experiment(tx: Transaction, file: OpenFile, group: str, signal: Signal) -> EncodedFile:
    """Plan all of an experiment but its data, which stay."""
    return _replaced(tx, file, _entry(file, signal, group, with_data=False), WriteOptions())


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


def write_into(
    path: str,
    signal: Signal,
    options: WriteOptions,
    *,
    with_data: bool,
    lenient: Callable[[object], object],
) -> EncodedFile:
    """Write a signal in the place of the experiment of its title, else beside what is there."""
    with open_to_change(path, options) as (tx, file):
        try:
            group = _group_in(file, signal, None, alone=not with_data)
        except ExperimentError:
            if not with_data:
                raise
            check_kept(file)
            entry = _Entry(signal, nexus=options.nexus)
        else:
            entry = _entry(file, signal, group, with_data=with_data, nexus=options.nexus)
        encoded = _replaced(tx, file, entry, options, lenient)
    warn_unannotated(path, encoded.unannotated)
    return encoded


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
    with open_to_change(text, WriteOptions()) as (tx, file):
        group = select(file.contents, name, text)
        check_kept(file, group)
        if len(file.contents.experiments) == 1:
            raise ExperimentError("is the only experiment; delete the file", path=text, where=group)
        others = [other for other in file.contents.experiments if other != group]
        tx.write(plan(_listed(file, _rebuilt(file, others, None)[0]), WriteOptions()))
        keep_rest(tx, file.contents.experiments)


@contextmanager
def open_to_change(
    path: str | os.PathLike[str], options: WriteOptions, reading: ReadOptions | None = None
) -> Iterator[tuple[Transaction, OpenFile]]:
    """A file, opened once, and what it is to hold: written at the end of the block.

    It is as it was if the block raises an error, or plans nothing.
    """
    with Transaction.change(path_of_file(path), durable=options.durable) as tx:
        assert tx.snapshot is not None
        with opened(tx.snapshot.clone(), reading or _UNREAD) as file:
            yield tx, file
            if file.handle is not None:
                file.handle.close()
        if tx.is_planned:
            label = f"saving {os.path.basename(tx.path)}"
            with working(options.threads, options.progress, label) as workers:
                tx.commit(workers)


def keep_rest(tx: Transaction, replaced: Collection[str]) -> None:
    """Let stay what stands beside the experiments and models that are written anew, or go."""
    tx.keep("/", but=(names.EXPERIMENTS, names.ANALYSIS))
    tx.keep(f"/{names.EXPERIMENTS}", but=replaced)
    tx.keep(f"/{names.ANALYSIS}", but=(names.MODELS,))


_UNREAD = ReadOptions(lazy=True)


@record
class _Entry:
    """One experiment of the new file that is encoded anew."""

    signal: Signal
    place: str | None = None  # the experiment of the old file in whose place it comes
    name: str | None = None  # of the group, where it is not to follow from the title
    nexus: bool = False  # whether it is annotated; one whose old state is stays so
    keeps: bool = False  # whether it has the data of that in whose place it comes
    stored: StoredData | None = None  # these data, unless they are written anew


def _entry(
    file: OpenFile, signal: Signal, group: str, *, with_data: bool, nexus: bool = False
) -> _Entry:
    """The signal that comes in the place of another; the group is renamed with the title only."""
    check_kept(file, group)
    nexus = nexus or is_annotated(file.contents.experiments[group])
    name = group if title_of(file.contents, group) == signal.title else None
    if with_data:
        return _Entry(signal, group, name, nexus)
    stays = stored_data(file, group)
    return _Entry(over_stored_data(file, group, signal, stays), group, name, nexus, True, stays)


def _replaced(
    tx: Transaction,
    file: OpenFile,
    entry: _Entry,
    options: WriteOptions,
    lenient: Callable[[object], object] | None = None,
) -> EncodedFile:
    """Plan one experiment of a file, new or in the place of another; all else stays."""
    others = [other for other in file.contents.experiments if other != entry.place]
    root, encoded = _rebuilt(file, others, entry, lenient)
    root = plan(root, options)
    check_filters(root)
    check_space(tx.path, root)
    seals = _seals(file, encoded, entry, asked=options.checksum)
    tx.write(_listed(file, root, sealed=bool(seals)))
    keep_rest(tx, file.contents.experiments)
    for name, known in seals.items():
        tx.seal(name, known)
    return encoded


def _seals(
    file: OpenFile, encoded: EncodedFile, entry: _Entry, *, asked: bool
) -> dict[str, dict[str, ArraySums]]:
    """What is to be sealed: the experiment that is written, if the old one is or it is asked for.

    With the checksums of data that stay, which are not read again.
    """
    known = None
    if entry.place is not None and is_sealed(file.contents, entry.place):
        from hspyio.integrity.seal import sealed_arrays

        known = sealed_arrays(file.contents, entry.place)
    if known is None and not asked:
        return {}
    name = list(encoded.experiments)[-1]
    stays = entry.keeps and name not in encoded.hinted_data
    return {name: {path: sums for path, sums in (known or {}).items() if stays and path in _DATA}}


def _rebuilt(
    file: OpenFile,
    others: list[str],
    entry: _Entry | None,
    lenient: Callable[[object], object] | None = None,
) -> tuple[Group, EncodedFile]:
    """The whole file anew: some of its experiments as they are, and one that is written.

    Experiments of an older format are brought to the current one: the version is the file's.
    """
    _check_version(file)
    entries = []
    if file.contents.version < CURRENT:
        entries = [_upgraded(file, other) for other in others]
        others = []
    if entry is not None:
        entries.append(entry)
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
    experiments = _in_place(file, others, entries, encoded)
    place = None if entry is None else entry.place
    stored = {} if place is None else file.contents.models_of(place)
    changed = thinned_members(encoded.models, stored, f"/{names.ANALYSIS}/{names.MODELS}")
    if entry is not None and entry.keeps and place is not None:
        planned = experiments[list(encoded.experiments)[-1]]
        assert isinstance(planned, Group)
        check_gone(file, place, planned, changed)
    root = _root(experiments, {**models, **changed})
    return marked(root, file.contents.experiments), encoded


def rebuilt_root(file: OpenFile) -> Group:
    """The tree of an open file in the current format, with what stays taken from the file."""
    return _listed(file, _rebuilt(file, list(file.contents.experiments), None)[0])


def _listed(file: OpenFile, root: Group, *, sealed: bool = False) -> Group:
    """The new tree with the list of what it holds, if anything in the file is or was sealed."""
    known = file.contents
    if sealed or known.listed or any(is_sealed(known, name) for name in known.experiments):
        return with_list(root)
    return root


def _in_place(
    file: OpenFile, others: list[str], entries: list[_Entry], encoded: EncodedFile
) -> dict[str, Group | Kept]:
    """Experiments in the order of the old file, the new one last."""
    made: dict[str, tuple[str, Group | Kept]] = {
        other: (other, Kept(f"/{names.EXPERIMENTS}/{other}")) for other in others
    }
    added: list[tuple[str, Group | Kept]] = []
    for entry, (name, node) in zip(entries, encoded.experiments.items(), strict=True):
        if entry.place is None:
            added.append((name, node))
            continue
        whole: Group = node
        if entry.keeps:
            data = entry.stored is not None or name not in encoded.hinted_data
            whole = with_kept(file, entry.place, node, entry.signal, data)
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
            one_or_many(LOST_IN_UPGRADE, lost),
            path=file.path,
            where=group,
        )
    nexus = is_annotated(file.contents.experiments[group])
    return _Entry(signal, group, group, nexus, True, stored_data(file, group))


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
