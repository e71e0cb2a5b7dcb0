"""Signal -> the right picture for its dimensions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hspyio.api.saving.navigator import navigators
from hspyio.arrays.workers import Workers
from hspyio.bridges.plotting.panels import Image, Lines, Panel, Picture
from hspyio.bridges.plotting.ragged import ragged_panels
from hspyio.bridges.plotting.reduce import Kept, Read, Reduced, reduce_data
from hspyio.bridges.plotting.scales import (
    Limits,
    Scale,
    is_reciprocal,
    limits_of,
    number_text,
    plain_text,
)
from hspyio.errors import ConversionError, byte_text
from hspyio.model.axes import Axes, Axis, default_axes
from hspyio.model.signal import Signal
from hspyio.printable import dtype_text

__all__ = ["navigator_and_signal", "picture_of"]

_FEW_LINES, _FEW_IMAGES = 12, 9
_MOST_PIXELS, _MOST_POINTS = 1024, 50_000
"""Along one axis of an image, and of a line: more than a screen shows."""
_MOST_FOR_A_MEAN = 128 * 2**20
"""Bytes that are read of a lazy signal whose navigator is there already."""


def picture_of(
    signal: Signal, *, log: bool | None, most_bytes: int | None, workers: Workers
) -> Picture:
    """Choose and compute the picture of a signal."""
    signal.check_axes()
    _refuse(signal)
    notes = [signal._facts().removeprefix("dimensions: ")]
    if signal.ragged:
        panels, more = ragged_panels(signal.data, signal.axes, workers)
        return Picture(panels, "row", _title(signal), [*notes, *more])
    stored = _stored_navigator(signal)
    if stored is not None and most_bytes is None:
        most_bytes = _MOST_FOR_A_MEAN
    view = _View.of(signal, log, most_bytes, workers, stored)
    layout, panels = _PICTURES[view.case](view)
    notes += [*view.notes, *_colour_notes(panels)]
    return Picture(panels, layout, _title(signal), list(dict.fromkeys(notes)))


def _stored_navigator(signal: Signal) -> Signal | None:
    """The picture that a lazy signal has already, so that its data need not be read for one."""
    if not signal.lazy:
        return None
    found = next(iter(navigators(signal).values()), None)
    fits = found is not None and found.data.shape == signal.axes.navigation_shape
    return found if fits and found is not None and found.data.dtype.kind in "biuf" else None


def _refuse(signal: Signal) -> None:
    data = signal.data
    if not math.prod(data.shape):
        raise ConversionError(f"has no values to draw: its shape is {data.shape}")
    names = data.dtype.names or ()
    colours = {"R", "G", "B"} <= set(names) <= set("RGBA")
    if colours and all(data.dtype[name].kind == "u" for name in names):
        return
    if data.dtype.kind not in "biufcO":
        kind = dtype_text(data.dtype)
        raise ConversionError(f"holds values that are no numbers, {kind}: nothing to draw")


def _title(signal: Signal) -> str:
    return plain_text(signal.title) or plain_text(signal.signal_type) or "Signal"


# what is drawn of the axes


@dataclass(slots=True)
class _View:
    """A signal with the part that each of its axes plays in the picture."""

    data: Any
    axes: Axes
    navigation: list[int]
    signal: list[int]
    quantity: str
    log: bool | None
    most_bytes: int | None
    workers: Workers
    stored: Signal | None = None
    notes: list[str] = field(default_factory=list)
    whole: bool = True

    @classmethod
    def of(
        cls,
        signal: Signal,
        log: bool | None,
        most_bytes: int | None,
        workers: Workers,
        stored: Signal | None = None,
    ) -> _View:
        data, axes = signal.data, signal.axes
        if not data.ndim:
            data, axes = data.reshape(1), default_axes((1,), 1)
        navigation, inner = navigator_and_signal(axes)
        quantity = plain_text(signal.metadata.get_item("Signal.quantity", None))
        navigates = [axis for axis in navigation if axes[axis].navigate]
        stored = stored if navigates == navigation else None
        return cls(data, axes, navigation, inner, quantity, log, most_bytes, workers, stored)

    @property
    def case(self) -> str:
        """A key of `_PICTURES`."""
        few = {1: _FEW_LINES, 2: _FEW_IMAGES}[len(self.signal)]
        kind = "image" if len(self.signal) == 2 else "line"
        if not self.navigation:
            return f"complex {kind}" if self.complex else kind
        if len(self.navigation) > 1:
            return f"map of {kind}s"
        return f"few {kind}s" if self.size(self.navigation) <= few else f"{kind}s"

    @property
    def complex(self) -> bool:
        return bool(self.data.dtype.kind == "c")

    @property
    def colours(self) -> tuple[int, ...]:
        """The axis of red, green and blue, which comes after all others."""
        return (self.data.ndim,) if self.data.dtype.names else ()

    def size(self, axes: Iterable[int]) -> int:
        return math.prod(self.axes[axis].size for axis in axes)

    def names(self, axes: Iterable[int]) -> str:
        named = (plain_text(self.axes[axis].name, 30) or f"axis {axis}" for axis in axes)
        return ", ".join(named)

    def mean_of(self, what: str) -> str:
        """What a mean over the navigation axes is of."""
        which = f"{self.size(self.navigation):,}" if self.whole else "some of the"
        return f"mean of {which} {what}"

    def kept(self, axes: Sequence[int], most: int, *, colours: bool = False) -> Kept:
        """Keep some axes, in groups of neighbours where there are more than can be shown."""
        steps = [-(-self.axes[axis].size // most) for axis in axes]
        if max(steps) > 1:
            grouped = " × ".join(map(str, steps))
            self.note(f"one point drawn for the mean of {grouped} over {self.names(axes)}")
        more = self.colours if colours else ()
        return Kept((*axes, *more), (*steps, *(1 for _ in more)))

    def note(self, text: str) -> None:
        if text and text not in self.notes:
            self.notes.append(text)

    def navigator(self, kept: Kept) -> tuple[NDArray[Any], str] | None:
        """The stored navigator over some axes, and what it is called; ``None`` without one."""
        if self.stored is None:
            return None
        places = [index for index, axis in enumerate(self.axes) if axis.navigate]
        over = tuple(places.index(axis) for axis in kept.axes)
        found, _ = reduce_data(
            self.stored.data,
            [Kept(over, kept.steps)],
            leading=over,
            modulus=False,
            most_bytes=None,
            workers=Workers(self.workers.threads),
        )
        more = self.size(axis for axis in self.navigation if axis not in kept.axes)
        title = plain_text(self.stored.title, 30) or "navigator"
        said = f"{title} over {self.names(self.signal)}" if title in _HOW else title
        return found[0].mean() * (more if title == "sum" else 1), f"{said}, from the file"

    def scale(self, kept: Kept, position: int, *, as_image: bool) -> Scale:
        axis: Axis = self.axes[kept.axes[position]]
        scale = Scale.of(axis, kept.steps[position], as_image=as_image)
        self.note(scale.note)
        return scale

    def reduce(self, *wanted: Kept, modulus: bool = True) -> list[Reduced]:
        """Sums of the data, and notes about what they are made of."""
        results, read = reduce_data(
            self.data,
            wanted,
            leading=self.navigation,
            modulus=modulus,
            most_bytes=self.most_bytes,
            workers=self.workers,
        )
        if self.complex and modulus:
            self.note("complex values by their modulus")
        self.whole = read.bytes == read.of
        for text in _reading_notes(read, self.data.dtype):
            self.note(text)
        return results


def navigator_and_signal(axes: Axes) -> tuple[list[int], list[int]]:
    """Which axes the navigator shows, and which ones, two at most, a signal.

    Axes of one point are left out while others remain. What has no signal axes, as a map that was
    computed from a spectrum image, is drawn as if the last two of its axes were.
    """
    longer = [index for index, axis in enumerate(axes) if axis.size > 1] or [len(axes) - 1]
    navigation = [index for index in longer if axes[index].navigate]
    inner = [index for index in longer if not axes[index].navigate] or navigation[-2:]
    navigation = [index for index in navigation if index not in inner]
    return sorted([*navigation, *inner[:-2]]), inner[-2:]


def _reading_notes(read: Read, dtype: np.dtype[Any]) -> list[str]:
    notes = []
    if read.bytes < read.of:
        share = f"{byte_text(read.bytes)} of {byte_text(read.of)}"
        notes.append(f"read {share}, in blocks chosen at random; blank where nothing was read")
    if read.left_out:
        which = "1 value" if read.left_out == 1 else f"{read.left_out:,} values"
        why = "masked" if dtype.kind in "biu" else "not finite, or masked,"
        notes.append(f"{which} {why} left out")
    return notes


# pictures


def _line(view: _View) -> tuple[str, list[Panel]]:
    kept = view.kept(view.signal, _MOST_POINTS)
    (found,) = view.reduce(kept)
    scale = view.scale(kept, 0, as_image=False)
    log = bool(view.log)
    return "row", [Lines(scale, [found.mean()], quantity=view.quantity, log=log)]


def _complex_line(view: _View) -> tuple[str, list[Panel]]:
    kept = view.kept(view.signal, _MOST_POINTS)
    (found,) = view.reduce(kept, modulus=False)
    scale = view.scale(kept, 0, as_image=False)
    modulus, phase = _polar(found.mean())
    return "row", [
        Lines(scale, [modulus], quantity=view.quantity, title="modulus", log=bool(view.log)),
        Lines(scale, [phase], quantity="rad", title="phase"),
    ]


def _few_lines(view: _View) -> tuple[str, list[Panel]]:
    axes = sorted([*view.navigation, *view.signal])
    kept = view.kept(axes, _MOST_POINTS)
    (found,) = view.reduce(kept)
    across = axes.index(view.navigation[0])
    lines = list(np.moveaxis(found.mean(), across, 0))
    positions = view.scale(kept, across, as_image=False)
    scale = view.scale(kept, 1 - across, as_image=False)
    log = bool(view.log)
    apart = 0.0 if log else _apart(lines)
    if apart:
        view.note(f"each line {number_text(apart)} above the one before")
    labels = [_place(positions, index) for index in range(len(lines))]
    return "row", [Lines(scale, lines, labels, apart, view.quantity, "", log)]


def _lines(view: _View) -> tuple[str, list[Panel]]:
    axes = sorted([*view.navigation, *view.signal])
    kept = view.kept(axes, _MOST_PIXELS)
    spectrum = view.kept(view.signal, _MOST_POINTS)
    rows, mean = view.reduce(kept, spectrum)
    across = axes.index(view.navigation[0])
    values = np.moveaxis(rows.mean(), across, 0)
    count = view.mean_of("lines")
    image = _image(view, kept, values, log=bool(view.log), order=(across, 1 - across))
    scale = view.scale(spectrum, 0, as_image=False)
    line = Lines(scale, [mean.mean()], quantity=view.quantity, title=count, log=bool(view.log))
    return "column", [image, line]


def _map_of_lines(view: _View) -> tuple[str, list[Panel]]:
    shown = view.kept(view.navigation[-2:], _MOST_PIXELS)
    spectrum = view.kept(view.signal, _MOST_POINTS)
    sums, mean = view.reduce(shown, spectrum)
    scale = view.scale(spectrum, 0, as_image=False)
    title = view.mean_of("spectra")
    line = Lines(scale, [mean.mean()], quantity=view.quantity, title=title, log=bool(view.log))
    return "row", [_navigator(view, shown, sums), line]


def _single_image(view: _View) -> tuple[str, list[Panel]]:
    kept = view.kept(view.signal, _MOST_PIXELS, colours=True)
    (found,) = view.reduce(kept)
    return "row", [_image(view, kept, found.mean(), log=_pattern_log(view, kept))]


def _complex_image(view: _View) -> tuple[str, list[Panel]]:
    kept = view.kept(view.signal, _MOST_PIXELS)
    (found,) = view.reduce(kept, modulus=False)
    modulus, phase = _polar(found.mean())
    circle = Limits(-math.pi, math.pi)
    first = _image(view, kept, modulus, log=_pattern_log(view, kept), title="modulus")
    second = Image(first.vertical, first.horizontal, phase, circle, "twilight", "rad", "phase")
    return "row", [first, second]


def _few_images(view: _View) -> tuple[str, list[Panel]]:
    axes = sorted([*view.navigation, *view.signal])
    kept = view.kept(axes, _MOST_PIXELS, colours=True)
    (found,) = view.reduce(kept)
    across = axes.index(view.navigation[0])
    images = np.moveaxis(found.mean(), across, 0)
    positions = view.scale(kept, across, as_image=False)
    inner = Kept(_without(kept.axes, across), _without(kept.steps, across))
    limits = limits_of(images, _pattern_log(view, inner))
    panels: list[Panel] = [
        _image(view, inner, image, limits=limits, title=_place(positions, index))
        for index, image in enumerate(images)
    ]
    return "grid", panels


def _images(view: _View) -> tuple[str, list[Panel]]:
    along = view.kept(view.navigation, _MOST_POINTS)
    kept = view.kept(view.signal, _MOST_PIXELS, colours=True)
    sums, mean = view.reduce(along, kept)
    title = view.mean_of("images")
    values, said = view.navigator(along) or (
        _sum_of_signal(view, sums),
        f"sum over {view.names(view.signal)}",
    )
    line = Lines(view.scale(along, 0, as_image=False), [values], quantity=view.quantity, title=said)
    return "row", [
        line,
        _image(view, kept, mean.mean(), log=_pattern_log(view, kept), title=title),
    ]


def _map_of_images(view: _View) -> tuple[str, list[Panel]]:
    shown = view.kept(view.navigation[-2:], _MOST_PIXELS)
    kept = view.kept(view.signal, _MOST_PIXELS, colours=True)
    sums, mean = view.reduce(shown, kept)
    title = view.mean_of("images")
    log = view.log if not view.colours else False
    return "row", [
        _navigator(view, shown, sums),
        _image(view, kept, mean.mean(), log=log, title=title),
    ]


_HOW = ("sum", "max")
"""Titles of navigators that say what was done over the signal axes."""

_PICTURES: dict[str, Callable[[_View], tuple[Any, list[Panel]]]] = {
    "line": _line,
    "complex line": _complex_line,
    "few lines": _few_lines,
    "lines": _lines,
    "map of lines": _map_of_lines,
    "image": _single_image,
    "complex image": _complex_image,
    "few images": _few_images,
    "images": _images,
    "map of images": _map_of_images,
}


# parts of pictures


def _image(
    view: _View,
    kept: Kept,
    values: NDArray[Any],
    *,
    log: bool | None = False,
    limits: Limits | None = None,
    title: str = "",
    order: tuple[int, int] = (0, 1),
) -> Image:
    if limits is None:
        limits = limits_of(values, log)
    if values.ndim == 3:
        values = np.nan_to_num(values, nan=0.8)
    return Image(
        view.scale(kept, order[0], as_image=True),
        view.scale(kept, order[1], as_image=True),
        values,
        limits,
        "viridis" if limits.log or order != (0, 1) or len(view.signal) == 1 else "gray",
        view.quantity,
        title,
    )


def _navigator(view: _View, kept: Kept, sums: Reduced) -> Image:
    values, said = view.navigator(kept) or (
        _sum_of_signal(view, sums, view.navigation[:-2]),
        f"sum over {view.names([*view.navigation[:-2], *view.signal])}",
    )
    return Image(
        view.scale(kept, 0, as_image=True),
        view.scale(kept, 1, as_image=True),
        values,
        limits_of(values, False),
        "gray",
        view.quantity,
        said,
    )


def _sum_of_signal(view: _View, sums: Reduced, more: Sequence[int] = ()) -> NDArray[Any]:
    """Sums over the signal axes: of groups of neighbours the mean of their sums.

    What is left out counts as the mean of the rest, so that a damaged pixel is no dark spot.
    """
    return sums.mean() * view.size([*view.signal, *more])


def _pattern_log(view: _View, kept: Kept) -> bool | None:
    """Whether an image is drawn logarithmically: by itself only a diffraction pattern is."""
    if view.colours:
        return False
    units = [view.scale(kept, index, as_image=True).units for index in (0, 1)]
    return None if view.log is None and all(map(is_reciprocal, units)) else bool(view.log)


def _polar(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    return np.abs(values), np.angle(values)


def _apart(lines: list[NDArray[Any]]) -> float:
    """A round number, about a third of the highest line; without it they would hide each other."""
    reach = [float(np.nanmax(line) - np.nanmin(line)) for line in lines if np.isfinite(line).any()]
    third = max(reach, default=0.0) / 3
    if not math.isfinite(third) or third <= 0 or len(lines) < 2:
        return 0.0 if len(lines) < 2 else 1.0
    power = 10.0 ** math.floor(math.log10(third))
    return float(max(factor for factor in (1, 2, 5) if factor * power <= third) * power)


def _place(scale: Scale, index: int) -> str:
    """Where a line or an image of a stack stands."""
    name = scale.label.removesuffix(f"({scale.units})").strip()
    text = f"{number_text(scale.centres[index])} {scale.units}".strip()
    return f"{name} {text}".strip()


def _without(items: tuple[int, ...], index: int) -> tuple[int, ...]:
    return (*items[:index], *items[index + 1 :])


def _colour_notes(panels: Iterable[Panel]) -> list[str]:
    images = [panel for panel in panels if isinstance(panel, Image) and panel.values.ndim == 2]
    notes = []
    if any(image.limits.log for image in images):
        notes.append("logarithmic colours")
    if any((image.limits.below or image.limits.above) and not image.limits.log for image in images):
        notes.append("colours end at the 0.1 and 99.9 percentiles")
    return notes
