"""A small look at an array in memory: a sparkline for lines, a thumbnail for images.

Made of a sample, so that it takes no time whatever the size, and without matplotlib.
"""

from __future__ import annotations

import math
import struct
import zlib
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["png", "preview"]

_SIDE = 84
"""Pixels of a thumbnail along one side."""
_WIDTH, _HEIGHT = 240, 84
_SAMPLE = 2**18
"""Values that are looked at."""
_LARGEST = 8e307
"""Values whose differences floats can hold."""
_EVERY_OTHER = 96
"""Positions of the other axes that a mean is made of."""


def preview(data: Any, navigates: Sequence[bool]) -> str:
    """Draw an array small.

    Parameters
    ----------
    data : numpy.ndarray
        Of numbers, booleans, or fields R, G and B; for anything else, and what is not in memory,
        nothing is drawn.
    navigates : sequence of bool
        One for each dimension: whether it is of the navigation space.

    Returns
    -------
    str
        A few kilobytes of html, ``""`` for nothing.
    """
    if not isinstance(data, np.ndarray) or isinstance(data, np.memmap) or not data.size:
        return ""
    colours = [name for name in "RGB" if name in (data.dtype.names or ())]
    if not data.ndim or (len(colours) < 3 and data.dtype.kind not in "biufc"):
        return ""
    longer = [axis for axis, size in enumerate(data.shape) if size > 1] or [0]
    navigation = [axis for axis in longer if navigates[axis]]
    signal = [axis for axis in longer if not navigates[axis]] or navigation[-2:]
    others = [axis for axis in navigation if axis not in signal]
    pictures = []
    if len(others) > 1:
        pictures.append(_thumbnail(data, others[-2:], colours, _of(signal, "sum")))
    shown = signal[-2:]
    caption = _of([axis for axis in longer if axis not in shown], "mean")
    if len(shown) == 2:
        pictures.append(_thumbnail(data, shown, colours, caption))
    elif not colours:
        pictures.append(_sparkline(_mean(data, shown), caption))
    return f'<div class="hs-pictures">{"".join(pictures)}</div>'


def _of(summed: list[int], what: str) -> str:
    return f"{what} of a sample" if summed else ""


def _mean(data: NDArray[Any], kept: Sequence[int], most: int = 0) -> NDArray[Any]:
    """Mean over all axes but some, of values spread evenly; nan where none is finite.

    With `most`, neighbours along the kept axes become one value, so that there are no more than
    that; where there are too many to look at, the first of them stands for all.
    """
    grouped = _group(data, kept, most)
    steps = [grouped if axis in kept else 1 for axis in range(data.ndim)]
    whole = math.prod(data.shape[axis] for axis in kept)
    if whole <= _SAMPLE:
        steps = [1] * data.ndim
    wanted = math.prod(-(-data.shape[axis] // steps[axis]) for axis in kept)
    others = [axis for axis in range(data.ndim) if axis not in kept]
    each = max(1, min(_EVERY_OTHER, _SAMPLE // max(1, wanted)))
    for axis in others:
        share = max(1, int(each ** (1 / len(others))))
        steps[axis] = -(-data.shape[axis] // share)
    starts = [(step - 1) // 2 if axis in others else 0 for axis, step in enumerate(steps)]
    part = data[tuple(slice(a, None, step) for a, step in zip(starts, steps, strict=True))]
    total, count = _sums(part, tuple(others))
    if whole <= _SAMPLE and grouped > 1:
        for axis, size in enumerate(total.shape):
            edges = np.arange(0, size, grouped)
            total, count = (np.add.reduceat(one, edges, axis=axis) for one in (total, count))
    with np.errstate(all="ignore"):
        found: NDArray[Any] = total / count
    return found


def _group(data: NDArray[Any], kept: Sequence[int], most: int) -> int:
    """How many neighbours become one: the same along all axes, which keeps an image's form."""
    longest = max(data.shape[axis] for axis in kept)
    return -(-longest // most) if most else 1


def _sums(part: NDArray[Any], axes: tuple[int, ...]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Sums of finite values that are not masked, and how many they are."""
    values = np.ma.getdata(part, subok=False)
    values = (np.abs(values) if values.dtype.kind == "c" else values).astype(np.float64)
    finite = np.isfinite(values) & ~np.ma.getmaskarray(part)
    with np.errstate(all="ignore"):
        return np.where(finite, values, 0).sum(axis=axes), finite.sum(axis=axes)


# images


def _thumbnail(
    data: NDArray[Any], kept: Sequence[int], colours: Sequence[str], caption: str
) -> str:
    if colours:
        layers = [_mean(data[name], kept, _SIDE) for name in colours]
        largest = float(np.iinfo(data.dtype[colours[0]]).max)
        image = np.stack(layers, axis=-1) * (255 / largest)
    else:
        image = _grey(_mean(data, kept, _SIDE))
    encoded = b64encode(png(np.nan_to_num(image).astype(np.uint8))).decode()
    return _figure(f'<img alt="preview" src="data:image/png;base64,{encoded}">', caption)


def _grey(values: NDArray[Any]) -> NDArray[Any]:
    """From 0 to 255; a few outliers do not rule."""
    values = np.clip(values, -_LARGEST, _LARGEST)
    finite = values[np.isfinite(values)]
    if not finite.size:
        return np.zeros(values.shape)
    low, high = (float(value) for value in np.percentile(finite, (0.5, 99.5)))
    if not 0 < high - low < math.inf:
        low, high = float(finite.min()), float(finite.max())
    if not 0 < high - low < math.inf:
        return np.full(values.shape, 128.0)
    found: NDArray[Any] = np.clip((values - low) / (high - low), 0, 1) * 255
    return found


def png(image: NDArray[np.uint8]) -> bytes:
    """A PNG file.

    Parameters
    ----------
    image : numpy.ndarray
        uint8 of shape (height, width) for grey, (height, width, 3) for colours.
    """
    height, width = image.shape[:2]
    kind = 2 if image.ndim == 3 else 0
    rows = image.reshape(height, -1)
    filtered = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1)  # no filter
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(filtered.tobytes(), 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    checked = name + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


# lines


def _sparkline(values: NDArray[Any], caption: str) -> str:
    """A line; of many points in one column of pixels the lowest and the highest."""
    values = np.clip(values, -_LARGEST, _LARGEST)
    places = np.flatnonzero(np.isfinite(values))
    if not places.size:
        return ""
    heights = values[places]
    low, reach = float(heights.min()), float(heights.max() - heights.min())
    share = (heights - low) / reach if 0 < reach < math.inf else np.full(heights.shape, 0.5)
    x = places * ((_WIDTH - 2) / max(1, values.size - 1)) + 1
    y = (_HEIGHT - 2) - share * (_HEIGHT - 4)
    points = " ".join(f"{a:.4g},{b:.4g}" for a, b in _thinned(x, y))
    line = (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" role="img" '
        f'aria-label="preview"><polyline points="{points}" fill="none" stroke="currentColor" '
        'stroke-width="1.2"/></svg>'
    )
    return _figure(line, caption)


def _thinned(x: NDArray[Any], y: NDArray[Any]) -> list[tuple[float, float]]:
    if x.size <= 2 * _WIDTH:
        return list(zip(x.tolist(), y.tolist(), strict=True))
    starts = np.flatnonzero(np.diff(x.astype(int), prepend=-1))
    ends = zip(
        x[starts].tolist(),
        np.maximum.reduceat(y, starts).tolist(),
        np.minimum.reduceat(y, starts).tolist(),
        strict=True,
    )
    return [(place, height) for place, lowest, highest in ends for height in (lowest, highest)]


def _figure(picture: str, caption: str) -> str:
    below = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f"<figure>{picture}{below}</figure>"
