"""Masked arrays: the array as a dataset, its mask beside the trees (defect C15)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from hspyio.converters.converter import (
    Converter,
    Encoded,
    NotStorableError,
    StoredItem,
    encode_text,
)
from hspyio.converters.decoder import Decoder
from hspyio.converters.dtypes import from_stored, to_stored
from hspyio.converters.encoder import Encoder
from hspyio.converters.type_hints import Hint
from hspyio.nodes.json import dtype_from_json, dtype_to_json
from hspyio.nodes.node import Array, ArraySource, GraphSource, MemorySource, Selection, StoredSource
from hspyio.records import record

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "CONVERTERS",
    "TAG",
    "MaskedSource",
    "encode_graph",
    "has_masked_blocks",
    "is_masked",
    "joined",
    "masked_source",
    "parts_of",
    "side_array_names",
]

Masked: TypeAlias = "np.ma.MaskedArray[Any, Any]"
Json = Any

TAG = "masked"


def is_masked(value: object) -> bool:
    """Whether a value is a masked array, told without importing numpy.ma."""
    kind = _known("MaskedArray")
    return isinstance(kind, type) and isinstance(value, kind)


def has_masked_blocks(graph: Any) -> bool:
    """Whether the blocks of a dask array are masked, by what it says of them."""
    return is_masked(getattr(graph, "_meta", None))


def _known(name: str) -> object:
    """Something of numpy.ma, if that is imported; before it is, no value can be masked."""
    return getattr(sys.modules.get("numpy.ma"), name, CONVERTERS)


# writing


def _encode(value: Masked, context: Encoder, where: str) -> Encoded:
    if value.dtype.hasobject:
        raise NotStorableError(
            "a masked array of objects has no HSpy form; use None for what is missing"
        )
    encoded = context.encode(np.asarray(value.data), where)
    mask = None
    if np.ma.getmask(value) is not np.ma.nomask:
        flags = np.atleast_1d(np.ma.getmaskarray(value))
        mask = context.keep_side_array(Array(flags.dtype, MemorySource(flags)))
    data = [encoded.inner_hint(), mask, _fill_json(value), bool(value.hardmask)]
    return encoded.tagged(TAG, data)


def encode_graph(graph: Any, context: Encoder) -> Encoded:
    """Encode a dask array of masked blocks: values, mask and fill values as they are computed."""
    values, flags, fills = parts_of(graph)
    mask = context.keep_side_array(Array(np.dtype(bool), GraphSource(flags)))
    fill = context.keep_side_array(Array(graph.dtype, GraphSource(fills)))
    data = [None, mask, fill, bool(graph._meta.hardmask)]
    return Encoded(Array(graph.dtype, GraphSource(values)), hint=Hint(TAG, data))


def parts_of(graph: Any) -> tuple[Any, Any, Any]:
    """Values, mask and the blocks' fill values of a dask array of masked blocks, as dask arrays."""
    kind = np.ma.make_mask_descr(graph.dtype)
    values = graph.map_blocks(np.ma.getdata, dtype=graph.dtype, meta=_blank(graph, graph.dtype))
    flags = graph.map_blocks(np.ma.getmaskarray, dtype=kind, meta=_blank(graph, kind))
    fills = graph.map_blocks(
        _fill_of_block,
        dtype=graph.dtype,
        chunks=tuple((1,) * count for count in graph.numblocks),
        meta=_blank(graph, graph.dtype),
    )
    return values, flags, fills


def joined(
    graph: Any, values: NDArray[Any], flags: NDArray[Any], fills: NDArray[Any]
) -> NDArray[Any]:
    """Inverse of `parts_of`, once they are computed."""
    return _masked(values, flags, _common(fills), hard=bool(graph._meta.hardmask))


def _common(fills: NDArray[Any]) -> Any:
    """The one fill value of all blocks; ``None``, for numpy's own, where they have different."""
    flat = fills.reshape(-1)
    same = flat.size and all(one.tobytes() == flat[:1].tobytes() for one in flat.reshape(-1, 1))
    return flat[0] if same else None


def _blank(graph: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    return np.empty((0,) * graph.ndim, dtype)


def _fill_of_block(block: NDArray[Any]) -> NDArray[Any]:
    """The fill value of a block, which each has for itself."""
    fill = block.fill_value if isinstance(block, np.ma.MaskedArray) else None
    fill = np.ma.default_fill_value(block.dtype) if fill is None else fill
    return np.full((1,) * block.ndim, fill, block.dtype)


def _fill_json(value: Masked) -> Json:
    import base64

    fill = np.atleast_1d(np.array(value.fill_value, value.dtype))
    stored = to_stored(fill)
    return [dtype_to_json(stored.dtype), base64.b64encode(stored.tobytes()).decode()]


def side_array_names(hint: Hint) -> list[str]:
    """Names of the arrays beside the trees that a hint, of an item alone, speaks of."""
    tag, data = hint.tag, hint.data
    try:
        while tag:
            if tag == TAG:
                return [name for name in data[1:3] if isinstance(name, str)]
            tag, data = (data[0], data[1]) if tag == "signal0" and data else ("", None)
    except (IndexError, TypeError):
        raise ValueError(f"the type hint {tag!r} makes no sense") from None
    return []


# reading


@record
class MaskedSource:
    """Values and their mask, read together."""

    values: ArraySource
    flags: ArraySource | None  # None: a masked array without a mask
    fill: Any  # None: numpy's own
    hard: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        return self.values.shape

    @property
    def snapshot(self) -> Any:
        """The file."""
        return self.values.snapshot if isinstance(self.values, StoredSource) else None

    def detached(self) -> MaskedSource:
        """Itself: it goes on when the file is closed."""
        return self

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        """Read a selection, as a masked array."""
        flags = np.ma.nomask if self.flags is None else self.flags.read(selection)
        return _masked(self.values.read(selection), flags, self.fill, hard=self.hard)

    def blank(self, dtype: np.dtype[Any]) -> NDArray[Any]:
        """An empty array of the kind that is read."""
        values = np.empty((0,) * len(self.shape), dtype)
        return _masked(values, np.ma.nomask, self.fill, hard=self.hard)


def masked_source(node: Array, hint: Hint, context: Decoder) -> MaskedSource | None:
    """What reads a masked array in parts, after the file was closed, too; ``None`` if it cannot."""
    # Only the form is checked: who reads in parts cannot see whether values were changed.
    inner, mask, fill, hard = hint.data
    if inner or not isinstance(node.type, np.dtype):
        return None
    flags = None if mask is None else context.side_array(mask)
    if flags is not None and (flags.shape != node.shape or flags.type != np.dtype(bool)):
        raise ValueError(f"its mask is {flags.type} of shape {flags.shape}, not {node.shape}")
    sources = [array.source for array in (node, flags) if array is not None]
    stored = [source for source in sources if isinstance(source, StoredSource)]
    if len(stored) < len(sources):
        return None
    values, *others = [source.detached() for source in stored]
    fill_value = _fill_value(fill, node.type, context)
    return MaskedSource(values, others[0] if others else None, fill_value, bool(hard))


def _masked(values: NDArray[Any], flags: Any, fill: Any, *, hard: bool) -> NDArray[Any]:
    return np.ma.MaskedArray(values, flags, fill_value=fill, hard_mask=hard)


def _fill_value(data: Json, dtype: np.dtype[Any], context: Decoder) -> Any:
    """The fill value; ``None`` for numpy's own, as where the blocks had different ones."""
    import base64

    if isinstance(data, str):
        return _common(context.side_values(data))
    stored = np.frombuffer(base64.b64decode(data[1]), dtype_from_json(data[0]))
    return from_stored(stored, dtype)[0]


def _restore(item: StoredItem, context: Decoder) -> NDArray[Any]:
    inner, mask, fill, hard = item.hint.data
    values = context.restored(item, inner)
    flags: Any = np.ma.nomask
    if mask is not None:
        flags = context.side_values(mask).reshape(values.shape)
    return _masked(values, flags, _fill_value(fill, values.dtype, context), hard=bool(hard))


def _encode_constant(value: Any, context: Encoder, where: str) -> Encoded:
    """``numpy.ma.masked`` itself."""
    return encode_text("--", "numpy.ma.masked")


CONVERTERS = (
    Converter(
        matches=lambda value: value is _known("masked"),
        encode=_encode_constant,
        exact_readers={"numpy.ma.masked": lambda item, context: np.ma.masked},
    ),
    Converter(
        matches=lambda value: type(value) is _known("MaskedArray"),
        encode=_encode,
        exact_readers={TAG: _restore},
    ),
)
