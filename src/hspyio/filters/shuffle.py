"""shuffle: bytes of equal significance side by side, which compress better.

A shuffled chunk is a stack of planes: the first byte of every value, the second byte of every
value, and so on.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.filters.codec import Bytes, Codec, library

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "CODEC",
    "FRAME",
    "copy",
    "merge",
    "merge_stack",
    "split",
    "split_stack",
    "stack",
    "stack_bytes",
]

_TILE = 1 << 18
"""Bytes that `merge` and `split` work on at a time: they stay in the processor's cache."""

_SHORT_ROW = 4096

_FRAME_HEADER = 16
"""Bytes of a Blosc frame before the offsets of its blocks: versions, flags, item size, and the
lengths of what it holds, of a block and of itself. Before each block stands its length."""
_HEADER = _FRAME_HEADER + 8
"""Bytes of a frame before its only block."""
_SHUFFLED, _ONE_STREAM = 0x01, 0x10

FRAME = _HEADER + _TILE
"""Bytes of the buffer that `merge` uses."""


def merge(
    planes: NDArray[np.uint8], values: NDArray[Any], frame: NDArray[np.uint8] | None = None
) -> None:
    """Undo the shuffle.

    Parameters
    ----------
    planes : ndarray of uint8
        Byte ``k`` of every value in ``planes[k]``: shape ``(itemsize, *values.shape)``, any
        strides.
    values : ndarray
        Receives the values: any type of fixed size without references, any strides.
    frame : ndarray of uint8, optional
        A buffer of `FRAME` bytes to use.
    """
    if not planes.size:
        return
    if len(planes) not in (2, 4, 8, 16) or not _has_blosc():
        octets = _octets(values)
        for k in range(len(planes)):
            octets[..., k] = planes[k]
    elif values.flags.c_contiguous:
        _merge_flat(planes.reshape(len(planes), -1), values.reshape(-1).view(np.uint8), frame)
    else:
        whole = np.empty(values.shape, values.dtype)
        _merge_flat(planes.reshape(len(planes), -1), whole.reshape(-1).view(np.uint8), frame)
        copy(whole, values)


def stack_bytes(count: int, size: int) -> int:
    """Bytes of the buffer in which `stack` has chunks of some size."""
    return _FRAME_HEADER + count * (4 + 4 + size)


def stack(buffer: NDArray[np.uint8], count: int, size: int) -> NDArray[np.uint8]:
    """Room for shuffled chunks in a frame of Blosc with a block for each: a row for each.

    Parameters
    ----------
    buffer : ndarray of uint8
        Of `stack_bytes`.
    count, size : int
        How many chunks, and bytes of one.
    """
    blocks = buffer[_FRAME_HEADER + 4 * count :].reshape(count, 4 + size)
    blocks[:, :4] = np.array([size], "<u4").view(np.uint8)
    return blocks[:, 4:]


def merge_stack(
    buffer: NDArray[np.uint8], rows: NDArray[np.uint8], itemsize: int, out: NDArray[np.uint8]
) -> None:
    """Undo the shuffle of all chunks of a stack, one after the other.

    Parameters
    ----------
    buffer, rows : ndarray of uint8
        What `stack` was given, and what it returned.
    itemsize : int
        Of the values.
    out : ndarray of uint8
        Receives the bytes of the values.
    """
    count, size = rows.shape
    if itemsize not in (2, 4, 8, 16) or not _has_blosc():
        planes = rows.reshape(count, itemsize, -1)
        out.reshape(count, -1, itemsize)[...] = planes.transpose(0, 2, 1)
        return
    kind = 2 | 1 << 8 | (_SHUFFLED | _ONE_STREAM) << 16 | itemsize << 24
    buffer[:_FRAME_HEADER].view("<u4")[:] = kind, count * size, size, buffer.size
    begins = _FRAME_HEADER + 4 * count + np.arange(count) * (4 + size)
    buffer[_FRAME_HEADER : _FRAME_HEADER + 4 * count].view("<u4")[:] = begins
    library().blosc_decode(buffer, numthreads=1, out=out)


def _merge_flat(
    planes: NDArray[np.uint8], out: NDArray[np.uint8], frame: NDArray[np.uint8] | None
) -> None:
    """Merge through Blosc, the fastest unshuffle at hand: 11 GB/s, numpy's best is 4 to 11.

    What it decodes is a frame with one block that is shuffled and not compressed.
    """
    decode = library().blosc_decode
    itemsize, count = planes.shape
    step = min(count, _TILE // itemsize)
    kind = 2 | 1 << 8 | (_SHUFFLED | _ONE_STREAM) << 16 | itemsize << 24
    if frame is None:
        frame = np.empty(_HEADER + step * itemsize, np.uint8)
    for start in range(0, count, step):
        part = planes[:, start : start + step]
        size = part.size
        frame[:_HEADER].view("<u4")[:] = kind, size, size, _HEADER + size, 20, size
        frame[_HEADER:][:size].reshape(part.shape)[...] = part
        decode(frame[: _HEADER + size], numthreads=1, out=out[start * itemsize :][:size])


@cache
def _has_blosc() -> bool:
    return bool(library().BLOSC.available)


def split(values: NDArray[Any], planes: NDArray[np.uint8]) -> None:
    """Shuffle.

    Parameters
    ----------
    values : ndarray
        Any type of fixed size without references, any strides.
    planes : ndarray of uint8
        Receives byte ``k`` of every value in ``planes[k]``: shape ``(itemsize, *values.shape)``,
        any strides.
    """
    if not planes.size:
        return
    if not values.flags.c_contiguous:
        # Zeros between the fields of a structure: what was in memory is nobody's business.
        made = np.zeros if values.dtype.names else np.empty
        whole = made(values.shape, values.dtype)
        copy(values, whole)
        values = whole
    if len(planes) in (2, 4, 8):
        words = values.view(f"<u{len(planes)}")
        if not planes[0, ...].flags.c_contiguous:
            _split_words(words, planes)
            return
        words, planes = words.reshape(-1), planes.reshape(len(planes), -1)
        step = _TILE // len(planes)
        for start in range(0, words.size, step):
            _split_words(words[start : start + step], planes[:, start : start + step])
    elif len(planes) == 16:
        pairs = values[..., None].view("<u8")
        _split_words(pairs[..., 0], planes[:8])
        _split_words(pairs[..., 1], planes[8:])
    else:
        octets = _octets(values)
        for k in range(len(planes)):
            planes[k] = octets[..., k]


def split_stack(rows: NDArray[np.uint8], planes: NDArray[np.uint8], itemsize: int) -> None:
    """Shuffle many chunks, each a row of bytes, into rows of another array."""
    count = len(rows)
    stacked = planes.reshape(count, itemsize, -1).transpose(1, 0, 2)
    if itemsize in (2, 4, 8):
        _split_words(rows.view(f"<u{itemsize}"), stacked)
    else:
        stacked[...] = rows.reshape(count, -1, itemsize).transpose(2, 0, 1)


def _split_words(values: NDArray[Any], planes: NDArray[np.uint8]) -> None:
    """Cut words in halves until bytes are left; such casts are many times faster than strides."""
    half = len(planes) // 2
    if half == 1:
        np.copyto(planes[0, ...], values, casting="unsafe")
        np.right_shift(values, 8, out=planes[1, ...], casting="unsafe")
        return
    part = np.empty(values.shape, f"<u{half}")
    np.copyto(part, values, casting="unsafe")
    _split_words(part, planes[:half])
    np.right_shift(values, 8 * half, out=part, casting="unsafe")
    _split_words(part, planes[half:])


def _octets(values: NDArray[Any]) -> NDArray[np.uint8]:
    """The bytes of every value, along one more axis: a view."""
    return values[..., None].view(np.uint8)


def copy(source: NDArray[Any], target: NDArray[Any]) -> None:
    """Copy; a short row whose values lie side by side as one item, which is twice as fast."""
    if source.ndim:
        row = source.shape[-1] * source.itemsize
        if row <= _SHORT_ROW and source.strides[-1] == target.strides[-1] == source.itemsize:
            source, target = source.view(f"V{row}"), target.view(f"V{row}")
    target[...] = source


def _decode(
    stored: Bytes, options: tuple[int, ...], size: int, out: NDArray[np.uint8] | None
) -> Bytes:
    itemsize, whole = _whole(stored, options)
    if len(stored) != size:
        raise ValueError(f"{len(stored)} bytes, expected {size}")
    if itemsize in (1, whole):
        return stored
    source = np.frombuffer(stored, np.uint8)
    result = np.empty(size, np.uint8) if out is None else out
    merge(source[:whole].reshape(itemsize, -1), result[:whole].view(f"V{itemsize}"))
    result[whole:] = source[whole:]
    return result


def _encode(plain: Bytes, options: tuple[int, ...]) -> Bytes:
    itemsize, whole = _whole(plain, options)
    if itemsize in (1, whole):
        return plain
    source = np.frombuffer(plain, np.uint8)
    result = np.empty(len(source), np.uint8)
    split(source[:whole].view(f"V{itemsize}"), result[:whole].reshape(itemsize, -1))
    result[whole:] = source[whole:]
    return result


def _whole(data: Bytes, options: tuple[int, ...]) -> tuple[int, int]:
    """Bytes an item, and bytes of all whole items: HDF5 leaves the rest where it is."""
    if len(options) != 1 or options[0] < 1:
        raise ValueError(f"the parameters of shuffle are {options}, expected one item size")
    return options[0], len(data) // options[0] * options[0]


def _stored_options(options: tuple[int, ...], itemsize: int, nbytes: int) -> tuple[int, ...]:
    return (itemsize,)


CODEC = Codec(
    2, "shuffle", everywhere=True, decode=_decode, encode=_encode, stored_options=_stored_options
)
