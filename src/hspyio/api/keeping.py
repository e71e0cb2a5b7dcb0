"""What of a file stays as it is when an experiment is written anew."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping

import numpy as np

from hspyio import names
from hspyio.api.experiments import read_signal
from hspyio.api.open_file import OpenFile
from hspyio.api.outline import Outline
from hspyio.api.whole import check_read
from hspyio.converters.masked import side_array_names
from hspyio.converters.ragged import shapes_of_rows
from hspyio.converters.signals import StoredData, foreign_attributes
from hspyio.errors import AxesError
from hspyio.model.signal import Location, Signal
from hspyio.nodes.node import Array, Attribute, Damaged, Group, Kept, Vlen
from hspyio.schema import data_hint, is_own_member
from hspyio.schema.nexus import nexus_members
from hspyio.transaction.unchanged import Member, same_value, thinned

__all__ = ["is_in", "over_stored_data", "stored_data", "thinned_members", "with_kept"]

_DATA = (names.DATA, names.RAGGED_SHAPES + names.DATA)
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
        source = Outline(file.path, file.contents, file.options, file.problems, file.workers)
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
