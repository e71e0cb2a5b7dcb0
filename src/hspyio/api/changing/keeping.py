"""What of a file stays when an experiment is written anew, and whether all of it can be read."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from hspyio import names
from hspyio.api.loading.experiments import read_signal
from hspyio.api.loading.open_file import AT_ONCE, OpenFile, Outline
from hspyio.converters import CONVERTERS
from hspyio.converters.decoder import Decoder
from hspyio.converters.masked import side_array_names
from hspyio.converters.ragged import shapes_of_rows
from hspyio.converters.signals import StoredData, foreign_attributes
from hspyio.converters.type_hints import Hint
from hspyio.errors import RESCUE, AxesError, DamagedFileError, Problem, one_or_many
from hspyio.model.signal import Location, Signal
from hspyio.nodes.node import Array, Attribute, Damaged, Group, Kept, Vlen, walk
from hspyio.schema import Contents, data_hint, experiment_hint, is_own_member
from hspyio.schema.nexus import nexus_members
from hspyio.transaction.unchanged import Member, same_value, thinned

__all__ = [
    "LOST_IN_UPGRADE",
    "check_gone",
    "check_inside",
    "check_kept",
    "check_read",
    "check_whole",
    "is_in",
    "over_stored_data",
    "stored_data",
    "thinned_members",
    "with_kept",
]

_DATA = (names.DATA, names.RAGGED_SHAPES + names.DATA)
LOST_IN_UPGRADE = (
    f"cannot be read, and would be lost in bringing it to format {names.CURRENT_VERSION}"
)
_REPLACED = (names.RAGGED_SHAPES_3_1,)


def is_in(location: Location, file: OpenFile) -> bool:
    """Whether a signal was loaded from an experiment that the file has."""
    same = os.path.realpath(location.path) == os.path.realpath(file.path)
    return same and location.group in file.contents.experiments


def stored_data(file: OpenFile, group: str) -> StoredData | None:
    """The data of an experiment as they stand, with what says how they are to be read.

    ``None`` for what no reader but ours would find there, a dataset of one value: that is written.
    """
    stored = file.contents.experiments[group]
    where = f"/{names.EXPERIMENTS}/{group}"
    node = stored.members[names.DATA]
    if not isinstance(node, Array) or not node.shape:
        return None
    hint = data_hint(stored)
    try:
        wanted = side_array_names(hint)
    except ValueError:  # reading has said so
        wanted = []
    masks = stored.members.get(names.MASKS)
    there = masks.members if isinstance(masks, Group) else {}
    side_arrays = {name: Kept(f"{where}/{names.MASKS}/{name}") for name in wanted if name in there}
    return StoredData(node, _stored_shapes(stored, node, where), hint, side_arrays)


def _stored_shapes(stored: Group, node: Array, where: str) -> Array | Kept | None:
    """The shapes beside ragged data, which older formats have elsewhere, or not at all."""
    if not isinstance(node.type, Vlen):
        return None
    for name in (names.RAGGED_SHAPES + names.DATA, names.RAGGED_SHAPES_3_1):
        if isinstance(stored.members.get(name), Array):
            return Kept(f"{where}/{name}")
    return shapes_of_rows(node)


def over_stored_data(
    file: OpenFile, group: str, signal: Signal, stays: StoredData | None
) -> Signal:
    """The signal over the data of the file, which its axes have to fit; none of them is read."""
    location = signal.location
    unloaded = location is not None and not location.original_metadata
    unloaded = unloaded and not signal.original_metadata
    result = copy.copy(signal)
    if stays is None or unloaded or stays.hint.tag == "signal0":
        stored = _stored_signal(file, group, unread=stays is not None)
        result.data = stored.data
        if unloaded:
            result.original_metadata = stored.original_metadata
    else:
        file.check_seal(group)
        kind = stays.node.type
        other = np.dtype(object if isinstance(kind, Vlen) else "S1")
        dtype = kind if isinstance(kind, np.dtype) else other
        result.data = np.broadcast_to(np.zeros((), dtype), stays.node.shape)
    try:
        result.check_axes()
    except AxesError as error:
        raise AxesError(error.message, path=file.path, where=group) from None
    return result


def _stored_signal(file: OpenFile, group: str, *, unread: bool) -> Signal:
    """The experiment as it stands, its data only where they are written anew."""
    known = len(file.problems)
    source = file
    if unread:
        source = Outline.of(file)
    stored = read_signal(source, group)
    file.handle = file.handle or source.handle
    check_read(file.problems[known:], file.path)
    return stored


def with_kept(file: OpenFile, group: str, node: Group, signal: Signal, data: bool) -> Group:
    """Leave as they are, byte for byte: the stored data, and what is not part of the format."""
    stored = file.contents.experiments[group].members
    where = f"/{names.EXPERIMENTS}/{group}"
    replaced = {*_DATA, *_REPLACED, *nexus_members(file.contents.experiments[group])}
    kept = {
        key: Kept(f"{where}/{key}")
        for key, child in stored.items()
        if (key in _DATA and data) or not (key in replaced or is_own_member(key))
        if not isinstance(child, Damaged)
    }
    members = {key: child for key, child in node.members.items() if key not in kept}
    beside = _kept_attributes(file, group, node, signal)
    own = members.get(names.ATTRIBUTES)
    if isinstance(own, Group):
        members[names.ATTRIBUTES] = Group(
            {key: item for key, item in own.attributes.items() if key not in beside},
            {key: item for key, item in own.members.items() if key not in beside},
            own.ordered,
        )
    made = {**thinned_members(members, stored, where), **kept}
    return Group({**node.attributes, **beside}, made)


def _kept_attributes(file: OpenFile, group: str, node: Group, signal: Signal) -> dict[str, Kept]:
    """What other programs put on the experiment, where the signal does not say otherwise.

    A signal that was loaded from there has these attributes, unless somebody took them away.
    """
    location = signal.location
    loaded = location is not None and location.group == group and is_in(location, file)
    own = node.members.get(names.ATTRIBUTES)
    written = {**own.attributes, **own.members} if isinstance(own, Group) else {}
    kept = {}
    for name, stored in foreign_attributes(file.contents.experiments[group]).items():
        if isinstance(stored, Attribute):
            stays = same_value(written[name], stored) if name in written else not loaded
        else:  # of no type that a signal holds
            stays = True
        if stays:
            kept[name] = Kept(f"/{names.EXPERIMENTS}/{group}")
    return kept


def thinned_members(
    nodes: Mapping[str, Member], stored: Mapping[str, Member], where: str
) -> dict[str, Member]:
    """What stands in the file as it is to be written stays, so that an update takes little."""
    return {key: thinned(node, stored.get(key), f"{where}/{key}") for key, node in nodes.items()}


def check_kept(file: OpenFile, replaced: str | None = None) -> None:
    """Refuse to change a file of whose groups one cannot be read: it might be taken for absent.

    What stands inside the trees of experiments that stay is not looked at: it stays as it is.
    Of the one that is replaced, or goes, everything is.
    """
    lost = [*_lost(file.contents.problems), *_own_parts(file.contents)]
    _refuse(file.path, [*lost, *_inside_of(file.contents, replaced)])


def check_inside(file: OpenFile, experiments: Iterable[str]) -> None:
    """Refuse to copy experiments of which anything cannot be read, the values of arrays aside."""
    _refuse(file.path, [one for name in experiments for one in _inside_of(file.contents, name)])


def check_whole(file: OpenFile, root: Group) -> None:
    """Refuse to write a file anew of which anything cannot be read, the values of arrays aside."""
    _refuse(file.path, [*_lost(file.contents.problems), *_inside(root, "")])


def check_read(problems: Iterable[Problem], path: str) -> None:
    """Refuse to write anew what was not read whole."""
    _refuse(path, _lost(problems))


def check_gone(
    file: OpenFile, experiment: str, planned: Group, models: Mapping[str, Member]
) -> None:
    """Refuse to leave out of an experiment what cannot be read: no signal can have had it.

    What is there under the same name is replaced on purpose.
    """
    stored = file.contents.experiments[experiment]
    where = f"/{names.EXPERIMENTS}/{experiment}"
    hint, problems = experiment_hint(stored, where)
    side_arrays = stored.members.get(names.MASKS)
    decoder = Decoder(CONVERTERS, AT_ONCE, side_arrays if isinstance(side_arrays, Group) else None)
    trees = {
        name: node
        for name, node in stored.members.items()
        if is_own_member(name) and name not in (names.MASKS, names.SEAL)
    }
    own = Group({}, file.contents.models_of(experiment))
    pending: list[tuple[Group, object, str, Hint]] = [
        (Group({}, trees), planned, where, hint),
        (own, Group({}, models), f"/{names.ANALYSIS}/{names.MODELS}", hint.child(names.MODELS)),
    ]
    while pending:
        old, new, above, known = pending.pop()
        if not isinstance(new, Group):
            continue
        decoder.pairs(_without(old, new), above, replace(known, order=None))
        pending += [
            (node, new.members.get(name), f"{above}/{name}", known.child(name))
            for name, node in old.members.items()
            if isinstance(node, Group)
        ]
    _refuse(file.path, _lost([*problems, *decoder.problems]))


def _without(old: Group, new: Group) -> Group:
    """What a new group has not got."""
    there = {*new.attributes, *new.members}
    return Group(
        {name: node for name, node in old.attributes.items() if name not in there},
        {name: node for name, node in old.members.items() if name not in there},
    )


def _refuse(path: str, lost: Iterable[Problem]) -> None:
    found = list(dict.fromkeys(lost))
    if found:
        raise DamagedFileError(
            one_or_many("cannot be read, and would be lost", found)
            + f"\nNothing was changed. {RESCUE}, which can then be changed.",
            path=path,
        )


def _lost(problems: Iterable[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.lost]


def _own_parts(file: Contents) -> Iterator[Problem]:
    """Parts of experiments, one level deep."""
    for experiment, group in file.experiments.items():
        where = f"/{names.EXPERIMENTS}/{experiment}"
        for name in group.members:
            if is_own_member(name) or name in (*_DATA, *_REPLACED):
                yield from _if_damaged(f"{where}/{name}", group.members[name])
        for name, attribute in group.attributes.items():
            yield from _if_damaged(f"{where}@{name}", attribute)


def _inside_of(file: Contents, experiment: str | None) -> Iterator[Problem]:
    """Everything in an experiment and its models."""
    if experiment is not None and experiment in file.experiments:
        yield from _inside(file.experiments[experiment], f"/{names.EXPERIMENTS}/{experiment}")
        for name, model in file.models_of(experiment).items():
            yield from _inside(model, f"/{names.ANALYSIS}/{names.MODELS}/{name}")


def _inside(root: Group, above: str) -> Iterator[Problem]:
    """Everything in a group."""
    for where, node in walk(root, above):
        yield from _if_damaged(where, node)


def _if_damaged(where: str, node: object) -> Iterator[Problem]:
    if isinstance(node, Damaged) and not node.sound:
        yield Problem(where, node.reason, lost=True)
