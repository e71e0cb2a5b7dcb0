"""A signal as a TIFF: ImageJ's where ImageJ knows the type, else OME's; both with calibration."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from hspyio.bridges.tree_text import text_of
from hspyio.errors import ConversionError, Problem
from hspyio.model.axes import Axis, UniformAxis, axis_to_dict
from hspyio.model.signal import Signal
from hspyio.nodes.json import dtype_to_json
from hspyio.packages import imported
from hspyio.printable import dtype_text

__all__ = ["OURS", "write_tiff"]

OURS = "hspyio"
"""Where it is said what the signal was, for who imports it again."""

_IMAGEJ_TYPES = ("uint8", "uint16", "float32")
_OME_TYPES = (
    *("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32"),
    *("float32", "float64", "complex64", "complex128"),
)
_CLASSIC = 2**32 - 2**20
"""Bytes that a TIFF without 64-bit offsets, the only one ImageJ opens itself, can have."""
_MAPPED = 2**24
"""Bytes of the file that are in view of a thread at a time."""
_STACKS = {0: "", 1: "Z", 2: "TZ", 3: "TZC"}
_RATIO = 2.0**31
"""What TIFF's fractions for pixels per unit can hold."""
_GATAN_UNITS, _GATAN_ORIGIN, _GATAN_SCALE = 65003, 65006, 65009
_TIMES = {"s": "s", "ms": "ms", "min": "min", "h": "h", "µs": "µs", "us": "µs", "ns": "ns"}
_LENGTHS = {unit: unit for unit in ("m", "cm", "mm", "µm", "nm", "pm", "Å")}
_LENGTHS |= {"um": "µm", "micron": "µm", "μm": "µm", "A": "Å"}


@dataclass(frozen=True, slots=True)
class _Image:
    """A signal in the order of TIFF."""

    data: Any
    letters: str
    axes: dict[str, Axis]


def write_tiff(signal: Signal, path: str, notes: list[Problem], told: Callable[[Any], Any]) -> None:
    """Write a signal as a TIFF of one series, in little memory."""
    tifffile: Any = imported("tifffile")
    image = _image(_lazy(signal), notes)
    size = image.data.nbytes
    imagej = image.data.dtype.name in _IMAGEJ_TYPES and "S" not in image.letters
    imagej = imagej and size < _CLASSIC
    _note_axes(image, notes, imagej=imagej)
    metadata = _imagej_words(image) if imagej else _ome_words(image, signal.title)
    metadata["Info" if imagej else "Description"] = _about(signal, notes)
    pixels = tifffile.memmap(
        path,
        shape=image.data.shape,
        dtype=image.data.dtype,
        imagej=imagej,
        ome=not imagej,
        bigtiff=size >= _CLASSIC,
        photometric="rgb" if "S" in image.letters else "minisblack",
        resolution=_resolution(image),
        resolutionunit="NONE",
        extratags=_gatan_tags(image),
        metadata={"axes": image.letters, **metadata},
    )
    file = _Pixels(path, pixels.dtype, pixels.offset, pixels.shape)
    del pixels
    _store(told(image.data), file)


@dataclass(frozen=True, slots=True)
class _Pixels:
    """Where the pixels stand in the file; mapped for each block alone, to need no memory."""

    path: str
    dtype: np.dtype[Any]
    offset: int
    shape: tuple[int, ...]

    def __setitem__(self, region: tuple[slice, ...], values: Any) -> None:
        self._put(values, region, self.offset, self.shape)

    def _put(
        self, values: Any, region: tuple[slice, ...], offset: int, shape: tuple[int, ...]
    ) -> None:
        """Write in slabs of a few images: all that is mapped at a time counts as memory in use."""
        first, rest = region[0], region[1:]
        item = math.prod(shape[1:]) * self.dtype.itemsize
        if item > _MAPPED and len(shape) > 1:
            for index, part in enumerate(values, first.start):
                self._put(part, rest, offset + index * item, shape[1:])
            return
        step = max(1, _MAPPED // item)
        for low in range(first.start, first.stop, step):
            count = min(step, first.stop - low)
            place = offset + low * item
            slab = np.memmap(self.path, self.dtype, "r+", place, (count, *shape[1:]))
            slab[(slice(None), *rest)] = values[low - first.start :][:count]


def _store(data: Any, file: _Pixels) -> None:
    dask_array: Any = import_module("dask.array")
    dask_array.store(data, file, lock=False)


def _lazy(signal: Signal) -> Signal:
    dask_array: Any = import_module("dask.array")
    if signal.lazy or signal.ragged:
        return signal
    made = signal.copy()
    made.data = dask_array.from_array(signal.data, asarray=False)
    return made


# what becomes of the data


def _image(signal: Signal, notes: list[Problem]) -> _Image:
    problem = _obstacle(signal)
    if problem:
        raise ConversionError("cannot be held by TIFF", [Problem("data", problem)])
    data = signal.data
    axes = list(signal.axes)
    if data.ndim == 1:
        data, axes = data[None], [UniformAxis(size=1), axes[0]]
    order = _order(axes)
    letters = _letters([axes[i] for i in order[:-2]]) + "YX"
    data = data.transpose(order)
    if data.dtype.names is not None:
        data, letters = _colours(data), f"{letters}S"
    named = dict(zip(letters, [axes[i] for i in order], strict=False))
    return _Image(_as_known(data, notes), letters, named)


def _obstacle(signal: Signal) -> str:
    data = signal.data
    kinds = data.dtype.fields
    if signal.ragged:
        return "are ragged"
    if isinstance(getattr(data, "_meta", data), np.ma.MaskedArray):
        return "are masked; fill them: s.data = s.data.filled(0)"
    if kinds is None and data.dtype.kind not in "biufc":
        return f"are {dtype_text(data.dtype)}, no numbers"
    if kinds is not None and _colour_type(data.dtype) is None:
        return f"have the fields {', '.join(kinds)}; only R, G, B and A of one type make colours"
    if not 1 <= data.ndim <= 5:
        return f"have {data.ndim} dimensions, TIFF 1 to 5; use .nc or .zarr, or select a part"
    return "" if data.size else "are empty"


def _order(axes: list[Axis]) -> list[int]:
    """The dimensions of the image last: those of the signal, or of the map of spectra."""
    signal = [i for i, axis in enumerate(axes) if not axis.navigate]
    navigation = [i for i, axis in enumerate(axes) if axis.navigate]
    if len(signal) != 2 and len(navigation) >= 2:
        return [*navigation[:-2], *signal, *navigation[-2:]]
    if len(signal) == 2:
        return [*navigation, *signal]
    return list(range(len(axes)))


def _letters(stack: list[Axis]) -> str:
    return "T" if len(stack) == 1 and stack[0].units in _TIMES else _STACKS[len(stack)]


def _colour_type(dtype: np.dtype[Any]) -> np.dtype[Any] | None:
    if dtype.names not in (("R", "G", "B"), ("R", "G", "B", "A")):
        return None
    assert dtype.fields is not None
    kinds = {dtype.fields[name][0] for name in dtype.names}
    return kinds.pop() if kinds in ({np.dtype("u1")}, {np.dtype("u2")}) else None


def _colours(data: Any) -> Any:
    dask_array: Any = import_module("dask.array")
    return dask_array.stack([data[name] for name in data.dtype.names], -1)


def _as_known(data: Any, notes: list[Problem]) -> Any:
    """The data in a type that TIFF's readers know; the values stay, or a note says so."""
    dtype = data.dtype.newbyteorder("=")
    if dtype.kind == "b":
        new = np.dtype("u1")
    elif dtype.name in _OME_TYPES:
        return data.astype(dtype)
    elif dtype.kind in "iu":
        new = _fitting_integer(data)
    else:
        new = np.dtype({"float16": "f4"}.get(dtype.name, "c16" if dtype.kind == "c" else "f8"))
    rounded = dtype.itemsize > 8 and dtype.kind in "fc"
    notes.append(Problem("data", f"are {dtype}: held as {new}{', rounded' if rounded else ''}"))
    return data.astype(new)


def _fitting_integer(data: Any) -> np.dtype[Any]:
    """The smallest type of TIFF for the values of 64-bit integers; it reads them once."""
    dask: Any = import_module("dask")
    low, high = (int(value) for value in dask.compute(data.min(), data.max()))
    for name in ("uint8", "uint16", "int16", "int32", "uint32"):
        limits = np.iinfo(name)
        if limits.min <= low and high <= limits.max:
            return np.dtype(name)
    if max(-low, high) <= 2**53:
        return np.dtype("float64")
    problem = Problem("data", f"go from {low} to {high}; TIFF has no integers of 64 bits")
    raise ConversionError("cannot be held by TIFF", [problem])


# calibration


def _step(axis: Axis | None) -> float:
    """The distance of two points, 0 where TIFF cannot say it."""
    if not isinstance(axis, UniformAxis) or not axis.scale > 0:
        return 0.0
    scale = _calibrated(axis)[0]
    return scale if 1 / _RATIO < scale < _RATIO else 0.0


def _calibrated(axis: Axis) -> tuple[float, str]:
    """Scale and units; metres as those of a microscope, as fractions have few digits."""
    assert isinstance(axis, UniformAxis)
    units = axis.units or ""
    if units == "m" and axis.scale < 1e-3:
        return (axis.scale * 1e9, "nm") if axis.scale < 1e-7 else (axis.scale * 1e6, "µm")
    return axis.scale, units


def _is_plain(axis: Axis) -> bool:
    """Whether it only counts pixels, as anything does."""
    uniform = isinstance(axis, UniformAxis) and (axis.scale, axis.offset) == (1, 0)
    return uniform and not axis.units


def _note_axes(image: _Image, notes: list[Problem], *, imagej: bool) -> None:
    for letter, axis in image.axes.items():
        where = f"axis {axis.name!r}"
        if _is_plain(axis):
            continue
        if not _step(axis):
            kind = "runs backwards" if isinstance(axis, UniformAxis) else "is not evenly spaced"
            tiny = isinstance(axis, UniformAxis) and axis.scale > 0
            kind = "has a scale that TIFF cannot hold" if tiny else kind
            notes.append(Problem(where, f"{kind}: in pixels"))
            continue
        assert isinstance(axis, UniformAxis)
        if letter == "C":
            notes.append(Problem(where, "its scale, offset and units have no place"))
            continue
        lost = []
        if not imagej and not _ome_units(letter, axis):
            lost.append(f"units {axis.units!r}")
        if axis.offset and (letter == "T" or not imagej):
            lost.append(f"offset {axis.offset:g}")
        if lost:
            place = "no place" if letter == "T" else "a place that HyperSpy reads, no place in OME"
            notes.append(Problem(where, f"its {' and '.join(lost)} have {place}"))


def _resolution(image: _Image) -> tuple[float, float]:
    """Pixels per unit along X and Y."""
    x, y = (_step(image.axes.get(letter)) for letter in "XY")
    return (1 / x if x else 1.0, 1 / y if y else 1.0)


def _imagej_words(image: _Image) -> dict[str, Any]:
    """ImageJ's own words; an origin is the pixel of the point 0."""
    made: dict[str, Any] = {}
    unit_keys = {"X": "unit", "Y": "yunit", "Z": "zunit", "T": "tunit"}
    for letter, axis in image.axes.items():
        step = _step(axis)
        if not step or letter == "C":
            continue
        assert isinstance(axis, UniformAxis)
        if units := _calibrated(axis)[1]:
            made[unit_keys[letter]] = _ascii(units)
        if letter in "ZT":
            made["spacing" if letter == "Z" else "finterval"] = step
        if axis.offset and letter != "T":
            made[f"{letter.lower()}origin"] = -axis.offset / axis.scale
    return made


def _ascii(text: str) -> str:
    """As ImageJ writes it: java's escapes."""
    return "".join(c if c.isascii() and c.isprintable() else f"\\u{ord(c):04X}" for c in text)


def _gatan_tags(image: _Image) -> list[tuple[int, str, int, Any, bool]]:
    """DigitalMicrograph's own tags, which HyperSpy reads and writes too: units, offset, scale."""
    tags: list[tuple[int, str, int, Any, bool]] = []
    for index, letter in enumerate("XYZ"):
        axis = image.axes.get(letter)
        step = _step(axis)
        if not step or not isinstance(axis, UniformAxis):
            continue
        units = _calibrated(axis)[1]
        tags += [
            (_GATAN_UNITS + index, "s", 0, units.encode("utf-8"), True),
            (_GATAN_ORIGIN + index, "d", 1, axis.offset * step / axis.scale, True),
            (_GATAN_SCALE + index, "d", 1, step, True),
        ]
    return tags


def _ome_words(image: _Image, title: str) -> dict[str, Any]:
    made: dict[str, Any] = {"Name": title} if title.isprintable() and title else {}
    for letter, axis in image.axes.items():
        step = _step(axis)
        if not step or letter == "C" or _is_plain(axis):
            continue
        units = _ome_units(letter, axis)
        if letter == "T":
            made |= {"TimeIncrement": step, "TimeIncrementUnit": units} if units else {}
        else:
            key = f"PhysicalSize{letter}"
            made |= {key: step, f"{key}Unit": units or "reference frame"}
    return made


def _ome_units(letter: str, axis: Axis) -> str:
    """The units as OME spells them; nothing where it does not know them."""
    return (_TIMES if letter == "T" else _LENGTHS).get(_calibrated(axis)[1], "")


# everything else


def _about(signal: Signal, notes: list[Problem]) -> str:
    """Title and metadata as JSON, which ImageJ shows as information on the image."""
    problems: list[Problem] = []
    content = json.loads(text_of(signal.metadata, "metadata", problems))
    notes += [Problem(problem.where, f"{problem.message}: left out") for problem in problems]
    parts = ("original_metadata", "attributes", "learning_results", "models")
    held = [part for part in parts if getattr(signal, part)]
    notes += [Problem(part, "has no place: left out") for part in held]
    axes = list(signal.axes)
    as_dicts = text_of([axis_to_dict(axis) for axis in axes], "axes", [])
    was = {
        "shape": list(signal.data.shape),
        "order": _order(axes),
        "dtype": dtype_to_json(signal.data.dtype),
        "axes": json.loads(as_dicts),
    }
    return json.dumps({"metadata": content, OURS: was}, indent=1, allow_nan=False)
