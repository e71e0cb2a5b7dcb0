"""Object arrays: ragged arrays as a variable-length dataset and its shapes, else item by item.

The elements' one stored type is a common one that holds each exactly; where there is none (text
beside numbers, None, dicts ...) the items stand as a list (defects C1 to C4, W9, W19).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain, groupby, repeat
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from hspyio import names
from hspyio.converters.converter import Converter, Encoded, NotStorableError, StoredItem
from hspyio.converters.decoder import Decoder
from hspyio.converters.dtypes import as_objects, from_stored, same_dtype, stored_dtype, to_stored
from hspyio.converters.encoder import Encoder
from hspyio.converters.kinds import Kind
from hspyio.converters.ragged_items import (
    SCALARS,
    cast_back,
    common_dtype,
    item_array,
    loose_array,
    restored_item,
)
from hspyio.converters.ragged_parts import Allowing, ByPart, LateRows, RaggedSource
from hspyio.converters.strings import decode_bytes, is_plain
from hspyio.converters.type_hints import Hint
from hspyio.nodes.digest import content_bytes
from hspyio.nodes.json import dtype_from_json, dtype_to_json
from hspyio.nodes.node import (
    Array,
    ArraySource,
    MemorySource,
    RaggedArray,
    RaggedList,
    RowSource,
    Text,
    Vlen,
)
from hspyio.records import record

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "CONVERTER",
    "encode_ragged",
    "join",
    "loosened",
    "misfits",
    "ragged_source",
    "shapes_of_rows",
]

Json = Any
_Stored: TypeAlias = tuple[np.dtype[Any] | Text, ArraySource, bool]
"""The common type, the rows in it, and whether they alone tell what the elements are."""

_FROM_SCALAR = {word: kind for kind, word in SCALARS.items()}
_MOST_DIMENSIONS = 64
"""What a numpy array can have."""
_LEAST_LATE = 2**20
"""Bytes of a ragged array in a tree that are read with it, whatever the reader wants."""


# writing


def encode_ragged(value: NDArray[Any]) -> Encoded | None:
    """Encode an object array as rows, or return none where no one type holds all elements."""
    elements = value.ravel().tolist() if value.dtype == object else []
    try:
        arrays, given = _as_arrays(elements)
    except NotStorableError:
        return None
    kinds = _kinds(arrays, given)
    text = any(array.size and array.dtype.kind in _TEXT for array in arrays)
    shapes = _shapes(arrays, value.shape)
    stored = _text_rows(arrays, kinds, value.shape) if text else _number_rows(arrays, kinds, shapes)
    if stored is None:
        return None
    base, source, plain = stored
    return Encoded(
        Array(Vlen(base), source),
        shapes=Array(Vlen(np.dtype(np.int64)), shapes),
        hint=Hint() if plain else Hint("ragged", _runs(kinds.each())),
    )


def _as_arrays(elements: list[Any]) -> tuple[list[NDArray[Any]], list[Json] | None]:
    """Every element as an array, and what they were where they were not all arrays."""
    if set(map(type, elements)) == {np.ndarray}:
        return elements, None
    pairs = [item_array(element) for element in elements]
    return [array for array, _ in pairs], [kind for _, kind in pairs]


def misfits(value: NDArray[Any]) -> str:
    """Why no one type holds all elements of an array: those that are in the way, by number."""
    reasons, arrays = [], {}
    for place, element in zip(np.ndindex(value.shape), value.ravel().tolist(), strict=True):
        try:
            arrays[place], _ = item_array(element)
        except NotStorableError as refusal:
            reasons.append(f"item {_number(place)} {refusal}")
    if reasons:
        more = f" (and {len(reasons) - _MOST_NAMED} more)" if len(reasons) > _MOST_NAMED else ""
        return "; ".join(reasons[:_MOST_NAMED]) + more
    sized = {place: array for place, array in arrays.items() if array.size}
    first = next(iter(sized.values()))
    kinds = {array.dtype.str: array for array in reversed(sized.values())}
    for place, array in sized.items():
        if _is_text(array) != _is_text(first):
            said = "is text among numbers" if _is_text(array) else f"is {array.dtype} among text"
            return f"item {_number(place)} {said}"
    for place, array in sized.items():
        if any(common_dtype([array, other]) is None for other in kinds.values()):
            said = f"is of type {array.dtype}; no one type holds it and the others exactly"
            return f"item {_number(place)} {said}"
    return "no one type holds all items exactly"


_TEXT, _NUMBERS = "UT", "biufcMmV"
_MOST_NAMED = 10


def _number(place: tuple[int, ...]) -> str:
    return str(place[0]) if len(place) == 1 else str(place)


def _is_text(array: NDArray[Any]) -> bool:
    return array.dtype.kind in _TEXT


def loosened(value: NDArray[Any], lenient: Callable[[object], object]) -> NDArray[Any]:
    """The array with what RosettaSciIO's callers mean by its items, where they have no form."""
    items = (_loose(item, lenient) for item in value.ravel().tolist())
    return as_objects(items, value.shape)


def _loose(item: Any, lenient: Callable[[object], object]) -> Any:
    with suppress(NotStorableError):
        item_array(item)
        return item
    with suppress(NotStorableError):
        return loose_array(item)
    if isinstance(item, np.ma.MaskedArray):
        return item  # what its mask hides is nothing to write
    with suppress(NotStorableError):
        return loose_array(lenient(item))
    return item


@record
class _Kinds:
    """The few kinds of elements, and the number of its kind for each element."""

    jsons: list[Json]
    dtypes: list[np.dtype[Any]]
    members: NDArray[np.int64]

    def each(self) -> list[Json]:
        return [self.jsons[number] for number in self.members.tolist()]


def _kinds(arrays: list[NDArray[Any]], given: list[Json] | None) -> _Kinds:
    dtypes = list(map(attrgetter("dtype"), arrays))
    alike = given is None and dtypes.count(dtypes[0]) == len(dtypes)
    if alike and dtypes[0].kind in "biufc":
        return _Kinds([dtypes[0].str], dtypes[:1], np.zeros(len(dtypes), np.int64))
    jsons: list[Json] = []
    distinct: list[np.dtype[Any]] = []
    numbers: dict[str, int] = {}
    known: dict[int, int] = {}
    members = []
    for place, dtype in enumerate(dtypes):
        number = known.get(id(dtype)) if given is None else None
        if number is None:
            stored = dtype_to_json(dtype)
            kind = stored if given is None else given[place]
            number = numbers.setdefault(repr((kind, stored)), len(numbers))
            known[id(dtype)] = number
            if len(numbers) > len(jsons):
                jsons.append(kind)
                distinct.append(dtype)
        members.append(number)
    return _Kinds(jsons, distinct, np.array(members, np.int64))


def _runs(kinds: Iterable[Json]) -> list[list[Json]]:
    return [[kind, sum(1 for _ in run)] for kind, run in groupby(kinds)]


def _number_rows(arrays: list[NDArray[Any]], kinds: _Kinds, shapes: RaggedArray) -> _Stored | None:
    rows: RaggedArray | RaggedList | None
    objects = np.fromiter(arrays, object, len(arrays)).reshape(shapes.shape)
    if not arrays:
        base = np.dtype(np.float64)
        rows = RaggedList.of(objects, base)
    elif any(dtype.kind not in _NUMBERS + _TEXT for dtype in kinds.dtypes):
        return None
    elif len(kinds.dtypes) == 1 and kinds.dtypes[0].kind in "biufc":
        base = kinds.dtypes[0].newbyteorder("=")
        rows = RaggedList(objects, base, _sizes(shapes))
    else:
        rows = _common_rows(objects, kinds)
        if rows is None:
            return None
        base = rows.values.dtype
    plain = dtype_to_json(base)
    return base, rows, all(json == plain for json in kinds.jsons)


def _sizes(shapes: RaggedArray) -> NDArray[np.int64]:
    sizes = np.empty(shapes.lengths.size, np.int64)
    for places, of_one_rank in _by_rank(shapes):
        sizes[places] = math.prod(of_one_rank.T, start=np.ones(len(places), np.int64))
    return sizes.reshape(shapes.shape)


def _common_rows(objects: NDArray[Any], kinds: _Kinds) -> RaggedArray | None:
    """The flattened elements in a common type, if each comes back from it exactly."""
    parts, lengths, order = [], [], []
    for number, dtype in enumerate(kinds.dtypes):
        places = np.flatnonzero(kinds.members == number)
        rows = RaggedList.of(objects.reshape(-1)[places], dtype).rows()
        parts.append(rows.values)
        lengths.append(rows.lengths)
        order.append(places)
    base = common_dtype(parts)
    if base is None:
        return None
    cast = [to_stored(part).astype(base) if part.size else np.empty(0, base) for part in parts]
    if len(cast) == 1:
        return RaggedArray(cast[0], lengths[0].reshape(objects.shape))
    grouped = RaggedArray(np.concatenate(cast, dtype=base), np.concatenate(lengths))
    rows = grouped.take(np.argsort(np.concatenate(order)))
    return RaggedArray(rows.values, rows.lengths.reshape(objects.shape))


def _text_rows(arrays: list[NDArray[Any]], kinds: _Kinds, shape: tuple[int, ...]) -> _Stored | None:
    """Variable-length strings, flagged ASCII if not ASCII: RosettaSciIO reads them so (C4)."""
    if any(array.size and array.dtype.kind not in _TEXT for array in arrays):
        return None
    if any(isinstance(json, str) and "T" in json for json in kinds.jsons):
        return None  # numpy's own strings: they are no dtype that a hint can tell
    texts = [array.ravel().tolist() for array in arrays]
    if not all(is_plain(text) for row in texts for text in row):
        return None
    pure = all(text.isascii() for row in texts for text in row)
    rows = [as_objects((text.encode() for text in row), (len(row),)) for row in texts]
    plain = [_text_array(row).dtype.str for row in rows]
    return Text(None, utf8=pure), MemorySource(as_objects(rows, shape)), kinds.each() == plain


def _shapes(arrays: Sequence[NDArray[Any]], shape: tuple[int, ...]) -> RaggedArray:
    ranks = np.fromiter(map(attrgetter("ndim"), arrays), np.int64, len(arrays))
    lengths = chain.from_iterable(map(attrgetter("shape"), arrays))
    return RaggedArray(np.fromiter(lengths, np.int64, int(ranks.sum())), ranks.reshape(shape))


def shapes_of_rows(node: Array) -> Array | None:
    """The shapes that elements have where none are stored; ``None`` for rows of text."""
    if isinstance(node.type, Vlen) and isinstance(node.type.base, Text):
        return None
    return Array(Vlen(np.dtype(np.int64)), _forms(_rows(node), None))


def _encode(value: NDArray[Any], context: Encoder, where: str) -> Encoded:
    context.enter(value)
    try:
        encoded = encode_ragged(value)
        if encoded is not None:
            return encoded
        items = context.items(value.ravel().tolist(), value.size, where)
    finally:
        context.leave(value)
    items = items.tagged("objects", list(value.shape))
    return replace(items, prefix=f"{names.LIST}{value.size}_")


# reading


def join(node: Array, shapes: Array | None) -> NDArray[Any]:
    """Object array of the elements in their shapes: views of one array, no two of which overlap."""
    if isinstance(node.type, Vlen) and isinstance(node.type.base, Text):
        return _join_texts(node, shapes)
    rows = _rows(node)
    return _shaped(rows, _forms(rows, shapes)).reshape(rows.shape)


def _join_texts(node: Array, shapes: Array | None) -> NDArray[Any]:
    rows = node.source.read()
    elements = [_text_array(row) for row in rows.ravel()]
    sizes = np.fromiter(map(len, elements), np.int64, len(elements)).reshape(rows.shape)
    forms = _forms(RaggedArray(np.empty(0), sizes), shapes).read()
    pairs = zip(elements, forms.ravel(), strict=True)
    return as_objects((text.reshape(shape.tolist()) for text, shape in pairs), rows.shape)


def _text_array(row: Iterable[bytes]) -> NDArray[Any]:
    return np.array([decode_bytes(bytes(text)) for text in row], dtype=str)


def _rows(array: Array) -> RaggedArray:
    """The rows of a dataset, end to end."""
    if not isinstance(array.type, Vlen) or isinstance(array.type.base, Text):
        raise ValueError("no rows of numbers")
    if isinstance(array.source, RowSource):
        return array.source.rows()
    objects = array.source.read()
    return RaggedList.of(objects, array.type.base).rows()


def _forms(rows: RaggedArray, shapes: Array | None) -> RaggedArray:
    """The elements' shapes, as rows: just the lengths where none are stored."""
    if shapes is None:
        return RaggedArray(rows.lengths.reshape(-1), np.ones(rows.shape, np.int64))
    forms = _rows(shapes)
    if forms.shape != rows.shape:
        raise ValueError(f"the shapes of the ragged array are {forms.shape}, not {rows.shape}")
    if forms.values.dtype.kind not in "biuf":
        raise ValueError(f"the shapes of the ragged array are of type {forms.values.dtype}")
    with np.errstate(invalid="ignore"):
        lengths = forms.values.astype(np.int64)
    forms = RaggedArray(lengths, forms.lengths)
    if (lengths < 0).any():
        index = int(np.searchsorted(forms.starts, np.argmax(lengths < 0), side="right")) - 1
        found = tuple(forms.take(np.array([index])).values.tolist())
        raise ValueError(f"the shape of item {index} of the ragged array is {found}")
    return forms


def _shaped(rows: RaggedArray, forms: RaggedArray) -> NDArray[Any]:
    """The elements, in one dimension; a `ValueError` if a shape does not fit its row."""
    values, lengths = np.require(rows.values, requirements=["C", "W"]), rows.lengths.reshape(-1)
    dtype = values.dtype
    if dtype.hasobject:
        raise ValueError(f"no ragged array is of type {dtype}")
    memory = values.view(np.uint8).data if dtype.itemsize else None
    offsets = rows.starts * dtype.itemsize
    result = np.empty(lengths.size, object)
    for places, shapes in _by_rank(forms):
        with np.errstate(invalid="ignore", over="ignore"):  # floats: integers would go round
            wrong = math.prod(shapes.T, start=np.ones(len(places))) != lengths[places]
        if wrong.any():
            first = int(np.argmax(wrong))
            raise ValueError(
                f"item {places[first]} of the ragged array has {lengths[places[first]]} values, "
                f"which is not the shape {tuple(shapes[first].tolist())}"
            )
        # tuples that go at once: as many that stay would have Python look for garbage
        tuples = zip(*shapes.T.tolist(), strict=True) if shapes.size else map(tuple, shapes)
        pairs = zip(tuples, offsets[places].tolist(), strict=True)
        views = [np.ndarray(shape, dtype, memory, offset) for shape, offset in pairs]
        result[places] = np.fromiter(views, object, len(views))
    return result


def _by_rank(forms: RaggedArray) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The places of elements of as many dimensions, and their shapes, one to a line."""
    ranks, starts = forms.lengths.reshape(-1), forms.starts
    if ranks.max(initial=0) > _MOST_DIMENSIONS:
        raise ValueError(f"an item of the ragged array has {ranks.max()} dimensions")
    if ranks.size and ranks.min() == ranks.max():
        yield np.arange(ranks.size), forms.values.reshape(ranks.size, ranks[0])
        return
    for rank in np.unique(ranks).tolist():
        places = np.flatnonzero(ranks == rank)
        yield places, forms.values[starts[places, np.newaxis] + np.arange(rank)]


def _decode(item: StoredItem, context: Decoder) -> Any:
    late = _late(item, context)
    return join(_array(item), item.shapes) if late is None else late


def _array(item: StoredItem) -> Array:
    if not isinstance(item.node, Array):
        raise ValueError("no ragged array")
    return item.node


def _restore(item: StoredItem, context: Decoder) -> NDArray[Any]:
    return _restored_elements(_array(item), item.shapes, item.hint.data, context)


def _restored_elements(
    node: Array, shapes: Array | None, hinted: Sequence[Sequence[Json]], context: Allowing
) -> NDArray[Any]:
    """Object array of the elements as they were, given how many in a row are of which kind."""
    kinds = [kind for kind, _ in hinted]
    counts = [int(count) for _, count in hinted]
    if min(counts, default=0) < 0 or sum(counts) != int(np.prod(node.shape)):
        raise ValueError("the hinted types do not fit the elements")
    if isinstance(node.type, Vlen) and isinstance(node.type.base, Text):
        return _restored_texts(_join_texts(node, shapes), kinds, counts, context)
    rows = _rows(node)
    forms = _forms(rows, shapes)
    numbers: dict[str, int] = {}
    runs = [numbers.setdefault(repr(kind), len(numbers)) for kind in kinds]
    if len(numbers) == 1:
        return _restored(rows, forms, kinds[0], context).reshape(rows.shape)
    members = np.repeat(np.array(runs, np.int64), counts)
    result = np.empty(members.size, object)
    for number in range(len(numbers)):
        places = np.flatnonzero(members == number)
        kind = kinds[runs.index(number)]
        result[places] = _restored(rows.take(places), forms.take(places), kind, context)
    return result.reshape(rows.shape)


def _restored_texts(
    values: NDArray[Any], kinds: Sequence[Json], counts: Sequence[int], context: Allowing
) -> NDArray[Any]:
    each = chain.from_iterable(map(repeat, kinds, counts))
    elements = (
        _FROM_SCALAR[kind](element.item())
        if isinstance(kind, str) and kind in _FROM_SCALAR
        else restored_item(kind, element)
        if isinstance(kind, list)
        else _as_dtype(element, context.allow(dtype_from_json(kind), element.size, element.nbytes))
        for element, kind in zip(values.ravel(), each, strict=True)
    )
    return as_objects(elements, values.shape)


def _as_dtype(texts: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Text of a dtype; where there is none, it may have been anything."""
    return texts.astype(dtype) if texts.size else np.empty(texts.shape, dtype)


def _restored(rows: RaggedArray, forms: RaggedArray, kind: Json, context: Allowing) -> NDArray[Any]:
    """Elements of one kind."""
    values = rows.values
    if isinstance(kind, str) and kind in _FROM_SCALAR:
        if (rows.lengths != 1).any():
            raise ValueError("a scalar has one value")
        numbers = values.real if values.dtype.kind == "c" and kind != "complex" else values
        return np.fromiter(map(_FROM_SCALAR[kind], numbers.tolist()), object, values.size)
    if isinstance(kind, list):
        items = [restored_item(kind, array) for array in _shaped(rows, forms)]
        return as_objects(items, (len(items),))
    dtype = context.allow(dtype_from_json(kind), values.size, values.nbytes)
    if dtype.kind in "MmV" and not same_dtype(values.dtype, dtype):
        values = from_stored(cast_back(values, stored_dtype(dtype)), dtype)
    else:
        values = cast_back(values, dtype)
    if values.shape != rows.values.shape:
        raise ValueError(f"no ragged array is of type {dtype}")
    return _shaped(RaggedArray(values, rows.lengths), forms)


def _elements_of_part(node: Array, shapes: Array | None, runs: Sequence[Sequence[Json]]) -> Any:
    """Elements of a part, restored where nothing of what is stored is lost: no digest tells."""
    plain = join(node, shapes)
    if not runs:
        return plain
    try:
        restored = _restored_elements(node, shapes, runs, ByPart())
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return plain
    pairs = zip(restored.reshape(-1).tolist(), plain.reshape(-1).tolist(), strict=True)
    return restored if all(_holds(*pair) for pair in pairs) else plain


def _holds(restored: Any, plain: NDArray[Any]) -> bool:
    """Whether an element goes back into the stored type."""
    if isinstance(restored, np.ndarray) and not restored.size:  # which may be of any type
        return bool(restored.shape == plain.shape)
    try:
        array, _ = item_array(restored)
    except NotStorableError:
        return False
    if not array.size or _is_text(array):
        return bool(array.ravel().tolist() == plain.ravel().tolist())
    with np.errstate(invalid="ignore", over="ignore"):
        back = to_stored(array).astype(plain.dtype).reshape(plain.shape)
    return content_bytes(back) == content_bytes(plain)


def ragged_source(
    node: Array, shapes: Array | None, runs: Sequence[Sequence[Json]] = ()
) -> RaggedSource | None:
    """What reads a ragged array in parts, after its file was closed, too; ``None`` if it cannot."""
    rows = LateRows.of(node)
    forms = None if shapes is None else LateRows.of(shapes)
    if rows is None or (shapes is not None and (forms is None or forms.shape != rows.shape)):
        return None
    return RaggedSource(rows, forms, runs, _elements_of_part)


def _late(item: StoredItem, context: Decoder) -> Any:
    """A dask array of the elements where they are large and may stay in the file, else ``None``."""
    if context.lazy_above is None or not isinstance(item.node, Array):
        return None
    source = ragged_source(item.node, item.shapes, item.hint.data if item.hint.tag else ())
    if source is None or source.nbytes < max(context.lazy_above, _LEAST_LATE):
        return None
    return context.fetch(Array(np.dtype(object), source, chunks=item.node.chunks), item.where)


def _restore_objects(item: StoredItem, context: Decoder) -> NDArray[Any]:
    values = context.plain(item)
    shape = tuple(int(n) for n in item.hint.data)
    if len(values) != int(np.prod(shape)):
        raise ValueError("the hinted shape does not fit the items")
    return as_objects(values, shape)


CONVERTER = Converter(
    matches=lambda value: type(value) is np.ndarray and value.ndim > 0 and value.dtype.kind == "O",
    encode=_encode,
    readers={Kind.RAGGED: _decode},
    exact_readers={"ragged": _restore, "objects": _restore_objects},
    lazy_readers={"ragged": _late},
)
