"""Annotate files as NeXus, so that other viewers plot their data with calibrated axes."""

from __future__ import annotations

import os

from hspyio import names
from hspyio.api.arguments import path_of_file
from hspyio.api.changing.edit import keep_rest, open_to_change
from hspyio.api.changing.keeping import check_kept
from hspyio.api.loading.experiments import read_signal
from hspyio.api.loading.open_file import OpenFile
from hspyio.api.saving.save import warn_unannotated
from hspyio.errors import DamagedFileError, Problem
from hspyio.nodes.node import Attribute, Damaged, Group, Kept
from hspyio.options import ReadOptions, WriteOptions
from hspyio.schema.nexus import annotated, is_annotated, marked, without_annotation
from hspyio.transaction.plan import plan
from hspyio.transaction.space import check_space

__all__ = ["add_nexus"]

_UNREAD = ReadOptions(lazy=True, original_metadata=False)


def add_nexus(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Annotate a file as NeXus: silx, h5web, NeXpy and others plot it with calibrated axes.

    Nothing that is in the file is changed, whatever its format version: attributes and a dataset
    for each axis are added, and those of an earlier annotation are replaced. HSpy readers read
    the file as ever. Do it again after a program other than hspyio has changed the axes.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    tuple of str
        Names of the groups of the experiments that are annotated.

    Raises
    ------
    MissingFileError, NotHspyError
        If there is no such file, or it is no HSpy file.
    DamagedFileError
        If none of the experiments can be read.
    SaveError
        If writing fails; the file is untouched.

    Warns
    -----
    HspyWarning
        What NeXus has no form for, such as ragged data, and what cannot be read, is named and
        left as it is.
    """
    problems: list[Problem] = []
    path = path_of_file(path, "add_nexus(path)")
    with open_to_change(path, WriteOptions(), _UNREAD) as (tx, file):
        found = file.contents.experiments
        check_kept(file)
        made = dict(file.each(lambda name: (name, _annotated(file, name, problems))))
        new = {name: made.get(name) or _kept(name) for name in found}
        members = {names.EXPERIMENTS: Group({}, new, ordered=True)}
        if file.contents.has_models:
            models = Kept(f"/{names.ANALYSIS}/{names.MODELS}")
            members[names.ANALYSIS] = Group({}, {names.MODELS: models})
        root = plan(marked(Group({}, members), found), WriteOptions())
        check_space(tx.path, root)
        if any(made.values()):
            tx.write(root)
            keep_rest(tx, found)
    warn_unannotated(path, problems)
    return tuple(name for name, group in made.items() if group and is_annotated(group))


def _kept(name: str) -> Kept:
    return Kept(f"/{names.EXPERIMENTS}/{name}")


def _annotated(file: OpenFile, name: str, problems: list[Problem]) -> Group | None:
    """An experiment and its annotation; ``None`` if it is to stay as it is."""
    stored = file.contents.experiments[name]
    where = f"/{names.EXPERIMENTS}/{name}"
    bare = without_annotation(stored)
    lost = [key for key, node in bare.members.items() if isinstance(node, Damaged)]
    if lost:
        raise DamagedFileError(f"is not annotated: {', '.join(lost)} cannot be read", where=where)
    signal = read_signal(file, name)
    beside = {
        key: node if isinstance(node, Attribute) else Kept(where)  # copied, whatever it is
        for key, node in bare.attributes.items()
    }
    kept = Group(beside, {key: Kept(f"{where}/{key}") for key in bare.members})
    data = stored.members[names.DATA]
    group, left = annotated(kept, data, signal.title, signal.axes, where)
    problems += left
    return group if is_annotated(group) or is_annotated(stored) else None
