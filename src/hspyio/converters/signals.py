"""Signals: an experiment's group, and the same inside a tree as ``_sig_<key>`` (section 4.4)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np

from hspyio import names
from hspyio.converters.arrays import text_values, values_of
from hspyio.converters.converter import Converter, Encoded, NotStorableError, StoredItem
from hspyio.converters.decoder import ABSENT, Decoder, is_restored_always, item_of, shapes_of
from hspyio.converters.encoder import Encoder, with_digest
from hspyio.converters.kinds import Kind, is_own_member, nexus_attributes
from hspyio.converters.masked import (
    TAG,
    encode_graph,
    has_masked_blocks,
    masked_source,
    side_array_names,
)
from hspyio.converters.ragged import encode_ragged, join, loosened, misfits, ragged_source
from hspyio.converters.strings import decode_bytes, store_text
from hspyio.converters.type_hints import NO_HINT, Hint
from hspyio.errors import UNREADABLE, AxesError, DamagedFileError, HspyError, Problem
from hspyio.model.axes import UniformAxis, axis_to_dict
from hspyio.model.given import is_dask
from hspyio.model.parts import SignalParts
from hspyio.model.signal import Signal
from hspyio.model.tree import MetadataTree
from hspyio.nodes.node import Array, Attribute, Damaged, GraphSource, Group, Kept, Text, Vlen
from hspyio.records import record

__all__ = [
    "CONVERTER",
    "StoredData",
    "decode_signal",
    "encode_axes",
    "encode_signal",
    "foreign_attributes",
]

_TREES = {
    names.METADATA: (names.METADATA, names.MAPPED_PARAMETERS),
    names.ORIGINAL_METADATA: (names.ORIGINAL_METADATA, names.ORIGINAL_PARAMETERS),
    names.LEARNING_RESULTS: (names.LEARNING_RESULTS, names.MVA_RESULTS),
    names.PEAK_LEARNING_RESULTS: (names.PEAK_LEARNING_RESULTS, names.PEAK_MVA_RESULTS),
}
_OWN_ATTRIBUTES = (
    names.PACKAGE,
    names.PACKAGE_VERSION,
    names.TYPES,
    names.SEAL,
    f"{names.LIST}{names.EMPTY}axes",
    f"{names.TUPLE}{names.EMPTY}axes",
)
_DATASETS = (names.RAGGED_SHAPES, names.RAGGED_SHAPES_3_1, names.LIST, names.TUPLE)
_SHAPES = (names.RAGGED_SHAPES + names.DATA, names.RAGGED_SHAPES_3_1)


# writing


@record
class StoredData:
    """Data that stay in the file, with all that stands there for them."""

    node: Array
    shapes: Array | Kept | None
    hint: Hint
    side_arrays: Mapping[str, Kept]  # the masks that the hint speaks of, by name


def encode_signal(
    signal: Signal, context: Encoder, where: str = "", stored: StoredData | None = None
) -> Encoded:
    """Encode data and trees of a signal: all but its axes and models."""
    if stored is not None:
        context.side_arrays.update(stored.side_arrays)
    trees = {
        names.METADATA: _encode_metadata(signal.metadata, context, f"{where}metadata"),
        names.ORIGINAL_METADATA: context.try_encode(
            signal.original_metadata, f"{where}original_metadata"
        ),
        names.ATTRIBUTES: context.try_encode(_attributes(signal), f"{where}attributes"),
        names.LEARNING_RESULTS: context.try_encode(
            signal.learning_results, f"{where}learning_results"
        ),
    }
    peak = signal.attributes.get(names.PEAK_LEARNING_RESULTS)
    if isinstance(peak, Mapping):
        trees[names.PEAK_LEARNING_RESULTS] = context.try_encode(
            dict(peak), f"{where}peak_learning_results"
        )
    forms = {name: encoded for name, encoded in trees.items() if encoded is not None}
    members: dict[str, Any] = {}
    data = _encode_data(signal, context, f"{where}data") if stored is None else None
    if data is not None and isinstance(data.node, Array):
        forms[names.DATA] = data
        if data.shapes is not None:
            dims = data.node.signal_dims
            members[names.RAGGED_SHAPES + names.DATA] = replace(data.shapes, signal_dims=dims)
    for name, encoded in forms.items():
        if not isinstance(encoded.node, Attribute):
            members[name] = encoded.node
    hints = {name: with_digest(encoded) for name, encoded in forms.items() if encoded.hint}
    if stored is not None:
        members[names.DATA] = stored.node
        hints |= {names.DATA: stored.hint} if stored.hint else {}
        if stored.shapes is not None:
            members[names.RAGGED_SHAPES + names.DATA] = stored.shapes
    attributes = {
        names.PACKAGE: _package_text(signal.package, context, f"{where}package"),
        names.PACKAGE_VERSION: _package_text(
            signal.package_version, context, f"{where}package_version"
        ),
    }
    return Encoded(Group(attributes, members), names.SIGNAL, hint=Hint(children=hints))


def _package_text(text: str, context: Encoder, where: str) -> Attribute:
    attribute, rest = store_text(text)
    if rest is not None:
        context.problems.append(Problem(where, "has NULs at its end or lone surrogates"))
    return attribute


def _attributes(signal: Signal) -> dict[str, Any]:
    own = {
        key: value
        for key, value in signal.attributes.items()
        if key != names.PEAK_LEARNING_RESULTS or not isinstance(value, Mapping)
    }
    return {**own, names.LAZY: signal.lazy, names.RAGGED: signal.ragged}


def _encode_metadata(metadata: MetadataTree, context: Encoder, where: str) -> Encoded | None:
    """The tree, with the title that every reader demands; a made-up one is hinted as absent."""
    general: Any = metadata.get("General", {})
    title = general.get("title", "") if isinstance(general, Mapping) else None
    if not isinstance(title, str):
        context.problems.append(
            Problem(f"{where}.General.title", "has to be text: readers demand it")
        )
        return None
    tree = dict(metadata)
    if "General" not in metadata or "title" not in general:
        tree["General"] = type(general)({**general, "title": ""})
    encoded = context.try_encode(tree, where)
    if encoded is None:
        return None
    if "General" not in metadata:
        return _with_tag(encoded, ("General",), "absent")
    if "title" not in general:
        return _with_tag(encoded, ("General", "title"), "absent")
    if title == names.UNNAMED:
        return _with_tag(encoded, ("General", "title"), "str")
    return encoded


def _with_tag(encoded: Encoded, path: tuple[str, ...], tag: str) -> Encoded:
    """Add a type hint to an item inside a group."""
    assert isinstance(encoded.node, Group)
    name, *rest = path
    node = encoded.node.attributes.get(name) or encoded.node.members[name]
    inner = Encoded(node, hint=encoded.hint.child(name))  # type: ignore[arg-type]
    if rest:
        hint = _with_tag(inner, tuple(rest), tag).hint
    else:
        hint = with_digest(replace(inner, hint=replace(inner.hint, tag=tag)))
    return replace(
        encoded, hint=replace(encoded.hint, children={**encoded.hint.children, name: hint})
    )


def _encode_data(signal: Signal, context: Encoder, where: str) -> Encoded | None:
    try:
        signal.check_axes()
        encoded = _encode_array(signal.data, context, where)
    except (NotStorableError, AxesError) as error:
        message = error.message if isinstance(error, AxesError) else str(error)
        context.problems.append(Problem(where, message))
        return None
    if not isinstance(encoded.node, Array) or encoded.node.shape != (signal.data.shape or (1,)):
        many = f"has {signal.data.ndim} dimensions, and HDF5 at most 32; reshape it"
        message = many if signal.data.ndim > 32 else "a signal's data cannot have that type"
        context.problems.append(Problem(where, message))
        return None
    dims = tuple(i for i, axis in enumerate(signal.axes) if not axis.navigate)
    for name in side_array_names(
        encoded.hint
    ):  # a mask is read and written in step with its values
        mask = context.side_arrays[name]
        if isinstance(mask, Array) and mask.shape == encoded.node.shape:
            context.side_arrays[name] = replace(mask, signal_dims=dims)
    return replace(encoded, node=replace(encoded.node, signal_dims=dims))


def _encode_array(data: Any, context: Encoder, where: str) -> Encoded:
    if is_dask(data):
        if any(np.isnan(n) for n in data.shape):
            raise NotStorableError(
                "the dask array has chunks of unknown size; call compute_chunk_sizes()"
            )
        as_it_is = data.dtype.isnative or data.dtype.itemsize <= 16  # as `stored_dtype` has it
        if data.ndim and data.dtype.kind in "biufc" and as_it_is:
            if has_masked_blocks(data):
                return encode_graph(data, context)
            return Encoded(Array(data.dtype, GraphSource(data)))
        data = values_of(data)
    if isinstance(data, np.memmap):  # where the values were is no part of them
        data = np.asarray(data)
    if data.ndim == 0:
        encoded = _encode_array(data.reshape(1), context, where)
        return encoded.tagged("signal0", encoded.inner_hint())
    if data.dtype == object:
        ragged = encode_ragged(data)
        if ragged is None and context.lenient is not None:
            data = loosened(data, context.lenient)
            ragged = encode_ragged(data)
        if ragged is None:
            raise NotStorableError(misfits(data))
        return ragged
    encoded = context.encode(data, where)
    if data.dtype.kind == "U" and not encoded.hint.tag:
        # Readers leave a signal's data bytes, so that text is always told apart.
        return encoded.tagged("text", data.dtype.str)
    return encoded


def encode_axes(signal: Signal, context: Encoder, where: str) -> list[Encoded]:
    """Encode the axes, a group each; a 0-d signal gets the axis of its one value."""
    axes = signal.axes
    dicts = [axis_to_dict(axis) for axis in axes]
    if not signal.data.shape and not dicts:
        dicts = [{**axis_to_dict(UniformAxis(size=1)), names.INDEX_IN_ARRAY: 0}]
    forms = []
    for index, axis in enumerate(dicts):
        in_order = sorted(axis.items(), key=lambda pair: (_is_member(pair[1]), pair[0]))
        encoded = context.try_encode(dict(in_order), f"{where}axes[{index}]")
        if encoded is not None:
            forms.append(encoded)
    return forms


def _is_member(value: object) -> bool:
    return isinstance(value, (dict, np.ndarray))


def _encode(value: Signal, context: Encoder, where: str) -> Encoded:
    """A signal inside a tree: its axes as a list, its models in a group of their own."""
    context.enter(value)
    try:
        encoded = encode_signal(value, context, f"{where}.")
        axes = encode_axes(value, context, f"{where}.")
        models = context.group(
            {name: model.tree for name, model in value.models.items()}, f"{where}.models"
        )
    finally:
        context.leave(value)
    assert isinstance(encoded.node, Group) and isinstance(models.node, Group)
    count = len(axes) or max(value.data.ndim, 1)
    width = len(str(count - 1))
    listed = context.named_group(
        [(str(i).zfill(width), axis) for i, axis in enumerate(axes)], where, ordered=False
    )
    name = f"{names.LIST}{count}_axes"
    members = {**encoded.node.members, name: listed.node}
    data = members.get(names.DATA)
    if isinstance(data, Array) and isinstance(data.source, GraphSource):
        # A navigator stands where readers look first, not behind the large data.
        members[names.DATA] = replace(data, inline=True)
    children = {**encoded.hint.children, name: listed.hint}
    if value.models:
        members[names.MODELS] = models.node
        children[names.MODELS] = models.hint
    node = Group(encoded.node.attributes, members)  # type: ignore[arg-type]
    return Encoded(node, names.SIGNAL, hint=Hint(children={k: v for k, v in children.items() if v}))


# reading


def decode_signal(
    group: Group, context: Decoder, where: str, hint: Hint = NO_HINT, *, nested: bool = False
) -> SignalParts:
    """Decode a signal's group, of any format version; a damaged one has no data or axes."""
    _note_damage(group, context, where, nested=nested)
    trees = {name: _tree(group, name, context, where, hint) for name in _TREES}
    node = _data_node(group, where)
    axes = _axes(group, node.shape, context, where, hint)
    node = replace(node, signal_dims=_signal_dims(axes, len(node.shape)))
    data = _data(node, group, context, where, hint, nested=nested)
    axes = axes if data.ndim else []  # the one value of a 0-d signal stands in an array of one
    models = group.members.get(names.MODELS)
    title = hint.child(names.METADATA).child("General").child("title")
    return SignalParts(
        data=data,
        axes=axes,
        metadata=trees[names.METADATA] or {},
        original_metadata=trees[names.ORIGINAL_METADATA] or {},
        attributes=_signal_attributes(group, context, where, hint),
        learning_results=trees[names.LEARNING_RESULTS],
        peak_learning_results=trees[names.PEAK_LEARNING_RESULTS],
        models=context.dictionary(models, f"{where}/models", hint.child(names.MODELS))
        if isinstance(models, Group)
        else {},
        package=_text_attribute(group, names.PACKAGE),
        package_version=_text_attribute(group, names.PACKAGE_VERSION),
        literal_title=context.exact and title.tag == "str",
        where=where,
    )


def _note_damage(group: Group, context: Decoder, where: str, *, nested: bool) -> None:
    """Name what of a signal cannot be read: what is asked for by name counts as absent then."""
    skipped = () if context.policy.original_metadata else _TREES[names.ORIGINAL_METADATA]
    unread = (names.SEAL, *skipped)
    for name in group.members:
        own = is_own_member(name) or name in _SHAPES or (nested and name == names.MODELS)
        if own and name not in unread:
            node = group.members[name]
            if isinstance(node, Damaged):
                context.note(f"{where}/{name}", node)
            elif isinstance(node, Array) and not name.startswith(_DATASETS):
                place = f"{where}/{name}"
                context.problems.append(Problem(place, "is a dataset, not a group", lost=True))
    for name in _OWN_ATTRIBUTES:
        attribute = group.attributes.get(name)
        if isinstance(attribute, Damaged) and name != names.SEAL:
            context.note(f"{where}@{name}", attribute)


def _tree(
    group: Group, name: str, context: Decoder, where: str, hint: Hint
) -> dict[str, Any] | None:
    if name == names.ORIGINAL_METADATA and not context.policy.original_metadata:
        return None
    for stored in _TREES[name]:
        node = group.members.get(stored)
        if isinstance(node, Group):
            return context.dictionary(node, f"{where}/{stored}", hint.child(stored))
        if node is not None:
            return None
    if name == names.METADATA:
        context.problems.append(Problem(where, "there is no group called metadata"))
    return None


def _data_node(group: Group, where: str) -> Array:
    node = group.members.get(names.DATA)
    if not isinstance(node, Array):
        reason = getattr(node, "reason", "there is no dataset called data")
        raise DamagedFileError(reason, where=f"{where}/{names.DATA}")
    return node


def _signal_dims(axes: Sequence[Mapping[str, Any]], rank: int) -> tuple[int, ...]:
    """The dimensions that do not navigate, as far as the axes tell."""
    pairs = zip(range(rank), axes, strict=False)
    return tuple(i for i, axis in pairs if not _is_true(axis.get("navigate")))


def _is_true(value: Any) -> bool:
    """Whether a flag is set, and is a flag; the axis itself will say what it is instead."""
    return isinstance(value, (bool, int, np.bool, np.integer)) and bool(value)


def _data(
    node: Array, group: Group, context: Decoder, where: str, hint: Hint, *, nested: bool
) -> Any:
    shapes = shapes_of(names.DATA, group)
    known = hint.child(names.DATA)
    place = f"{where}/{names.DATA}"
    if not (context.exact or is_restored_always(known)):
        known = NO_HINT
    late = _late_data(node, shapes, known, context, nested=nested)
    if late is not None:
        return context.fetch(late, place) if nested else context.policy.fetch_data(late, place)
    if known.tag:
        item = replace(item_of(names.DATA, node, group, where), shapes=shapes)
        return context.hinted(item, known)
    if isinstance(node.type, Vlen):
        return join(node, shapes)
    if isinstance(node.type, Text):
        return text_values(node, as_text=node.type.utf8)
    if not nested:
        return context.policy.fetch_data(node, place)
    return context.fetch(node, place)


def _late_data(
    node: Array, shapes: Array | None, known: Hint, context: Decoder, *, nested: bool
) -> Array | None:
    """Data that are more than their dataset, and may stay in the file all the same."""
    ragged = isinstance(node.type, Vlen) and known.tag in ("", "ragged")
    if context.lazy_above is None or not (ragged or known.tag == TAG):
        return None
    source: Any
    try:
        if ragged:
            source = ragged_source(node, shapes, known.data if known.tag else ())
            late = replace(node, type=np.dtype(object), source=source)
            size = source.nbytes if source is not None and nested else 0
        else:
            source = masked_source(node, known, context)
            late = replace(node, source=source)
            size = math.prod(node.shape) * late.type.itemsize  # type: ignore[union-attr]
    except (HspyError, *UNREADABLE):  # reading it at once will say what is wrong
        return None
    return None if source is None or (nested and size < context.lazy_above) else late


def _axes(
    group: Group, shape: tuple[int, ...], context: Decoder, where: str, hint: Hint
) -> list[dict[str, Any]]:
    rank = len(shape)
    if rank == 0:
        return []
    with context.eagerly():
        wanted = [f"{names.AXIS_PREFIX}{i}" for i in range(rank)]
        found = [(name, group.members.get(name)) for name in wanted]
        if all(isinstance(node, Group) for _, node in found):
            return [
                context.dictionary(node, f"{where}/{name}", hint.child(name))
                for name, node in found
                if isinstance(node, Group)
            ]
        listed = _listed_axes(group, rank, context, where, hint)
    if listed is not None:
        return listed
    for name, node in found if not context.policy.tolerant else ():
        if isinstance(node, Damaged):
            raise DamagedFileError(node.reason, where=f"{where}/{name}")
    if shape == (1,):
        return []  # one value, such as HyperSpy's parameters have: nothing to calibrate
    missing = ", ".join(name for name, node in found if not isinstance(node, Group))
    if not context.policy.tolerant:
        raise DamagedFileError(f"there is no {missing}", where=where)
    one = "a default axis is" if missing.count(",") == 0 else "default axes are"
    context.problems.append(Problem(where, f"there is no {missing}; {one} used"))
    if not any(isinstance(node, Group) for _, node in found):
        return []
    with context.eagerly():
        return [
            context.dictionary(node, f"{where}/{name}", hint.child(name))
            if isinstance(node, Group)
            else {}
            for name, node in found
        ]


def _listed_axes(
    group: Group, ndim: int, context: Decoder, where: str, hint: Hint
) -> list[dict[str, Any]] | None:
    for name in (f"{names.LIST}{ndim}_axes", f"{names.TUPLE}{ndim}_axes"):
        node = group.members.get(name)
        if isinstance(node, Group):
            place = f"{where}/{name}"
            item = StoredItem(Kind.LIST, "axes", node, place, hint=hint.child(name))
            axes = [axis for axis in context.plain(item) if isinstance(axis, dict)]
            axes = _in_their_places(axes, node, context, place)
            if 0 < len(axes) < ndim:
                message = f"holds {len(axes)} axes, the data have {ndim} dimensions"
                context.problems.append(Problem(place, message, lost=True))
            return axes
    return None


def _in_their_places(
    axes: list[dict[str, Any]], node: Group, context: Decoder, where: str
) -> list[dict[str, Any]]:
    """The axes of a list with a plain one in the place of each that cannot be read."""
    order = sorted(node.members, key=lambda name: (len(name), name))
    gone = {name: one for name in order if isinstance(one := node.members[name], Damaged)}
    for name, one in gone.items() if not context.policy.tolerant else ():
        raise DamagedFileError(one.reason, where=f"{where}/{name}")
    found = iter(axes)
    return [{} if name in gone else next(found, {}) for name in order] if gone else axes


def foreign_attributes(group: Group) -> dict[str, Any]:
    """What other programs put on a signal's group; the seed says that it belongs to the signal."""
    known = {*_OWN_ATTRIBUTES, *nexus_attributes(group)}
    return {name: node for name, node in group.attributes.items() if name not in known}


def _signal_attributes(group: Group, context: Decoder, where: str, hint: Hint) -> dict[str, Any]:
    """The ``attributes`` subgroup, and what else stands on the group, as the seed says."""
    result = context.dictionary(Group(foreign_attributes(group), {}), where)
    node = group.members.get(names.ATTRIBUTES)
    if isinstance(node, Group):
        inner = hint.child(names.ATTRIBUTES)
        result |= context.dictionary(node, f"{where}/{names.ATTRIBUTES}", inner)
    return result


def _text_attribute(group: Group, name: str) -> str:
    """Text of an attribute that may be missing, as in old files (defect R10)."""
    node = group.attributes.get(name)
    if not isinstance(node, Attribute):
        return ""
    if isinstance(node.value, bytes):
        return decode_bytes(node.value)
    return str(node.value)


def _decode(item: StoredItem, context: Decoder) -> Any:
    if not isinstance(item.node, Group):
        raise ValueError("a signal has to be a group")
    # HyperSpy and its plugins expect what stands inside a tree to be there.
    with nullcontext() if context.policy.embed else context.eagerly():
        parts = decode_signal(item.node, context, item.where, item.hint, nested=True)
    return context.policy.finish(parts)


def _decode_wrapped(item: StoredItem, context: Decoder) -> Any:
    """A signal in a list: a group that holds nothing but ``_sig_``."""
    if not isinstance(item.node, Group):
        raise ValueError("a signal has to be a group")
    node = item.node.members[names.SIGNAL]
    hint = item.hint.child(names.SIGNAL)
    inner = StoredItem(Kind.SIGNAL, "", node, f"{item.where}/{names.SIGNAL}", hint=hint)
    value = _decode(inner, context)
    return value if context.policy.embed else {names.SIGNAL: value}


def _restore_scalar(item: StoredItem, context: Decoder) -> Any:
    """The one value of a 0-d signal; a plain reading has an array of one."""
    value = context.restored(item, item.hint.data)
    return value.reshape(()) if context.exact else value


CONVERTER = Converter(
    types=(Signal,),
    encode=_encode,
    readers={Kind.SIGNAL: _decode, Kind.WRAPPED_SIGNAL: _decode_wrapped},
    exact_readers={
        "signal0": _restore_scalar,
        "absent": lambda item, context: ABSENT,
    },
)
