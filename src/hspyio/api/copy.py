"""New files out of old ones: some experiments of one, or all of it in the current format."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import closing

from hspyio import names
from hspyio.api.edit import keep_rest, rebuilt_root
from hspyio.api.experiments import read_signal
from hspyio.api.open_file import OpenFile, opened, select
from hspyio.api.paths import path_of_file, path_to_save
from hspyio.api.progress import working
from hspyio.api.save import save
from hspyio.api.whole import check_inside
from hspyio.errors import (
    RESCUE,
    HspyError,
    OptionError,
    Problem,
    SaveError,
    one_or_many,
    warn_user,
)
from hspyio.hdf5.snapshot import handle_of
from hspyio.nodes.node import Group, Kept
from hspyio.options import ReadOptions, WriteOptions
from hspyio.schema.listing import list_of
from hspyio.system.calls import are_same_file
from hspyio.transaction.plan import plan
from hspyio.transaction.replace import check_target
from hspyio.transaction.transaction import Transaction

__all__ = ["extract", "upgrade"]

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
    wanted = [name] if isinstance(name, str) else list(name)
    if not wanted:
        raise OptionError("there is no experiment to extract; name one", path=old)
    check_target(text, overwrite=overwrite)
    if are_same_file(old, text):
        raise OptionError("is the file itself; remove takes experiments out of it", path=text)
    with (
        closing(handle_of(old)) as handle,
        opened(old, _UNREAD, handle=handle.twin()) as file,
        Transaction.new(text, overwrite=overwrite, durable=durable) as tx,
    ):
        tx.copy_from(handle)
        groups = [select(file.contents, item, file.path) for item in wanted]
        check_inside(file, groups)
        _write(tx, file, groups)
        label = f"extracting from {os.path.basename(file.path)}"
        with working(None, None, label) as workers:
            tx.commit(workers)
    return groups


def _write(tx: Transaction, file: OpenFile, groups: Iterable[str]) -> None:
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
    with (
        closing(handle_of(old)) as handle,
        opened(old, _UNREAD, handle=handle.twin()) as file,
    ):
        declared = file.contents.declared
        lost = [*(one for one in file.contents.problems if one.lost), *_unreadable(file)]
        if lost and not partly:
            file.problems.clear()
            raise SaveError(
                one_or_many("cannot be read, and would be lost in bringing it to format 3.3", lost)
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
