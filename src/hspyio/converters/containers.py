"""list, tuple, set, frozenset, slice, range, and dict with its kin.

Items of one simple type stand in one dataset, as the format says (section 4.1); all else in a
group with an item a member. Where the dataset's one type is not the type of every item, the hint
tells the items' types.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio import names
from hspyio.converters.converter import Converter, Encoded, StoredItem, encode_text
from hspyio.converters.decoder import Decoder
from hspyio.converters.encoder import Encoder
from hspyio.converters.kinds import Kind
from hspyio.converters.scalars import is_canonical
from hspyio.converters.stringified import float_text, int_text, parse_int
from hspyio.converters.strings import decode_bytes, is_plain
from hspyio.converters.type_hints import Hint
from hspyio.model.tree import MetadataTree
from hspyio.nodes.node import Array, Attribute, MemorySource, Text, nested_lists

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CONVERTERS", "FROM_NUMBER", "FROM_TEXT", "TO_TEXT"]

Runs = list[list[Any]]

_EXACT_IN_FLOAT = 2**53
_MOST_DIMS = 32
_MOST_WRITTEN_OUT = 10_000
"""Numbers of a range that stand in a dataset; a longer one is its text."""
_INT64 = range(-(2**63), 2**63)
_MOST_LISTS = 250_000
"""Lists that may have hardly a value between them."""
_NUMBERS: dict[type, str] = {bool: "bool", int: "int", float: "float", complex: "complex"}
TO_TEXT: dict[type, Callable[[Any], str]] = {
    bool: str,
    int: int_text,
    float: float_text,
    complex: str,
    str: str,
}
FROM_TEXT: dict[str, Callable[[str], Any]] = {
    "bool": lambda text: {"True": True, "False": False}[text],
    "int": parse_int,
    "float": float,
    "complex": complex,
    "str": str,
}


def _encode(value: Any, context: Encoder, where: str) -> Encoded:
    kind = "tuple" if type(value) is tuple else type(value).__name__
    prefix = names.TUPLE if kind == "tuple" else names.LIST
    items = value if isinstance(value, (list, tuple)) else _in_fixed_order(value)
    tagged = "" if kind in ("list", "tuple") else kind
    return _encode_items(items, value, prefix, tagged, context, where)


def _in_fixed_order(values: Iterable[Any]) -> list[Any]:
    """A set has no order; a fixed one makes equal sets equal files."""
    return sorted(values, key=lambda value: (type(value).__name__, repr(value)))


def _encode_items(
    items: Sequence[Any], owner: object, prefix: str, kind: str, context: Encoder, where: str
) -> Encoded:
    if not items:
        empty = Attribute(Text(), names.NONE.encode())
        return Encoded(
            empty, prefix + names.EMPTY, hint=Hint("sequence", [kind]) if kind else Hint()
        )
    flat = _flat(items)
    if flat is not None:
        array, runs = flat
        hint = Hint("sequence", [kind, runs]) if kind or runs else Hint()
        return Encoded(array, prefix, hint=hint)
    context.enter(owner)
    try:
        encoded = context.items(items, len(items), where)
    finally:
        context.leave(owner)
    if kind:
        encoded = encoded.tagged("sequence", [kind])
    return replace(encoded, prefix=f"{prefix}{len(items)}_")


def _flat(items: Sequence[Any]) -> tuple[Array, Runs] | None:
    """One dataset for all items, and the runs of their types where the dataset cannot tell."""
    types = set(map(type, items))
    if types == {str}:
        return _texts(items) if all(map(is_plain, items)) else None
    if types <= _NUMBERS.keys():
        numbers = _numbers(items, types)
        if numbers is None:
            return None
        plain = type(numbers[0].item())
        return _inline(numbers), [] if types == {plain} else _runs(items)
    if types <= TO_TEXT.keys():
        texts = [TO_TEXT[type(item)](item) for item in items]
        return (_texts(texts)[0], _runs(items)) if all(map(is_plain, texts)) else None
    if len(types) == 1 and _is_number(next(iter(types))):
        numbers = np.array(items)
        return _inline(numbers), [["numpy", len(items)]]
    return None


def _is_number(kind: type) -> bool:
    number = issubclass(kind, (np.number, np.bool)) and not issubclass(kind, np.timedelta64)
    return number and is_canonical(kind)


def _numbers(items: Sequence[Any], types: set[type]) -> NDArray[Any] | None:
    """The items in the narrowest type that holds each exactly; none where no type does (C12)."""
    if types == {bool}:
        return np.array(items, bool)
    if types <= {bool, int}:
        low, high = int(min(items)), int(max(items))
        if low >= -(2**63) and high < 2**63:
            return np.array(items, np.int64)
        return np.array(items, np.uint64) if low >= 0 and high < 2**64 else None
    if int in types and any(type(item) is int and abs(item) > _EXACT_IN_FLOAT for item in items):
        return None
    return np.array(items, np.complex128 if complex in types else np.float64)


def _inline(values: NDArray[Any]) -> Array:
    return Array(values.dtype, MemorySource(values), inline=True)


def _texts(items: Iterable[str]) -> tuple[Array, Runs]:
    encoded = [item.encode() for item in items]
    values = np.empty(len(encoded), object)
    values[:] = encoded
    return Array(Text(), MemorySource(values), inline=True), []


def _runs(items: Sequence[Any]) -> Runs:
    return [[kind.__name__, len(list(run))] for kind, run in groupby(map(type, items))]


def _encode_slice(value: slice, context: Encoder, where: str) -> Encoded:
    items = (value.start, value.stop, value.step)
    return _encode_items(items, value, names.TUPLE, "slice", context, where)


# reading


def _decode_dataset(item: StoredItem, context: Decoder) -> list[Any] | Any:
    values = _stored_values(item)
    if isinstance(item.node, Array) and isinstance(item.node.type, Text):
        return _nested_text(values)
    return values.tolist()


def _stored_values(item: StoredItem) -> NDArray[Any]:
    node = item.array()
    shape = node.shape
    lists = nested_lists(shape)
    if lists > max(_MOST_LISTS, _MOST_DIMS * math.prod(shape)):
        raise ValueError(f"is said to be {lists:,} lists of {math.prod(shape):,} values")
    return node.source.read()


def _nested_text(values: NDArray[Any]) -> Any:
    texts = np.empty(values.shape, object)
    texts.ravel()[:] = [decode_bytes(value) for value in values.ravel()]
    return texts.tolist()


def _decode_group(item: StoredItem, context: Decoder) -> list[Any]:
    """Items in the order of their numbers, not of the numbers' text (defects C7, R3)."""
    pairs = context.pairs(item.group(), item.where, item.hint)
    # RosettaSciIO's update in place writes 0 beside our 00: the unpadded one is the newer.
    pairs.sort(key=lambda pair: (_place(pair[0]), -len(str(pair[0]))))
    newest = {_place(key): (key, value) for key, value in pairs}
    return [_wrapped(key, value) for key, value in newest.values()]


def _place(name: object) -> tuple[bool, int, str]:
    key = str(name).removeprefix(names.SIGNAL).removeprefix(names.AXIS_PREFIX)
    return (False, int(key), "") if key.isdecimal() else (True, 0, key)


def _wrapped(key: object, value: Any) -> Any:
    """Signals as HyperSpy 0.8 to 1.7 wrote them into lists, in today's shape (defect R4)."""
    if isinstance(key, str) and key.startswith(names.SIGNAL):
        return {names.SIGNAL: value}
    return value


def _decode_tuple(item: StoredItem, context: Decoder) -> Any:
    values = _decode_dataset(item, context)
    return tuple(values) if isinstance(values, list) else values


def _restore(item: StoredItem, context: Decoder) -> Any:
    kind, *runs = item.hint.data
    values = context.plain(item)
    if runs and runs[0]:
        values = type(values)(_typed(item, values, runs[0]))
    return _KINDS[kind](values)


def _typed(item: StoredItem, values: Sequence[Any], runs: Runs) -> list[Any]:
    """Give each item the type that the runs tell."""
    if runs[0][0] == "numpy":
        return list(_stored_values(item))
    if sum(int(length) for _, length in runs) != len(values):
        raise ValueError("the hinted types do not fit the items")
    convert = FROM_TEXT if isinstance(values[0], str) else FROM_NUMBER
    result: list[Any] = []
    for name, length in runs:
        part = values[len(result) : len(result) + int(length)]
        result += map(convert[name], part)
    return result


FROM_NUMBER: dict[str, Callable[[Any], Any]] = {
    "bool": bool,
    "int": lambda value: int(value.real),
    "float": lambda value: float(value.real),
    "complex": complex,
}
_KINDS: dict[str, Callable[[Any], Any]] = {
    "": lambda values: values,
    "set": set,
    "frozenset": frozenset,
    "slice": lambda values: slice(*values),
}


def _encode_range(value: range, context: Encoder, where: str) -> Encoded:
    data: list[Any] = [int_text(part) for part in (value.start, value.stop, value.step)]
    if len(value[: _MOST_WRITTEN_OUT + 1]) > _MOST_WRITTEN_OUT or not (
        value.start in _INT64 and value.stop in _INT64
    ):
        return encode_text(f"range({', '.join(data)})", "range", data)
    numbers = np.array(value, np.int64)
    return Encoded(Array(numbers.dtype, MemorySource(numbers)), hint=Hint("range", data))


def _restore_range(item: StoredItem, context: Decoder) -> range:
    return range(*(parse_int(part) for part in item.hint.data))


# mappings


def _encode_mapping(value: Mapping[Any, Any], context: Encoder, where: str) -> Encoded:
    encoded = context.group(value, where)
    if type(value) is OrderedDict:
        return encoded.tagged("OrderedDict")
    return encoded


def _decode_mapping(item: StoredItem, context: Decoder) -> dict[Any, Any]:
    return context.dictionary(item.group(), item.where, item.hint)


CONVERTERS = (
    Converter(
        types=(dict, MetadataTree, OrderedDict),
        encode=_encode_mapping,
        readers={Kind.DICT: _decode_mapping},
        exact_readers={
            "OrderedDict": lambda item, context: OrderedDict(_decode_mapping(item, context))
        },
    ),
    Converter(
        types=(list, tuple, set, frozenset),
        encode=_encode,
        readers={
            Kind.EMPTY_LIST: lambda item, context: [],
            Kind.EMPTY_TUPLE: lambda item, context: (),
            Kind.LIST_DATASET: _decode_dataset,
            Kind.TUPLE_DATASET: _decode_tuple,
            Kind.LIST: _decode_group,
            Kind.TUPLE: lambda item, context: tuple(_decode_group(item, context)),
            Kind.AXES_MANAGER: _decode_group,
        },
        exact_readers={"sequence": _restore},
    ),
    Converter(types=(slice,), encode=_encode_slice),
    Converter(types=(range,), encode=_encode_range, exact_readers={"range": _restore_range}),
)
