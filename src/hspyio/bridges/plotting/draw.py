"""Picture -> matplotlib figure."""

from __future__ import annotations

import math
import textwrap
from typing import Any

import numpy as np

from hspyio.bridges.plotting.panels import Histogram, Image, Lines, Panel, Picture, Points
from hspyio.bridges.plotting.scales import LARGEST, Scale, bar_of

__all__ = ["draw", "size_of"]

_BLANK = "#9ecae1"
"""Of pixels without a value: no colour of the maps."""
_SMALL = 8
_TIP = 0.04
"""Of a colour bar where values go on beyond its end: the share of its length."""
_LONGEST_ASPECT = 25.0
"""How many times as long as wide an image may be that is drawn to scale: others would be a line."""
_LETTERS_AN_INCH = 17
_SLIM = 3.0
"""How many times as high as wide an image is whose scale bar is shorter than its label."""


def size_of(picture: Picture) -> tuple[float, float]:
    """Width and height of a figure for a picture, in inches."""
    count = len(picture.panels)
    if picture.layout == "grid":
        rows, columns = _grid(count)
        return (2.6 * columns + 1.2, 2.6 * rows + 1.0)
    if picture.layout == "column":
        return (7.0, 6.6)
    first = picture.panels[0]
    if count == 1 and isinstance(first, Lines):
        return (7.0, 4.4 + 0.18 * len(first.labels))
    if count == 1 and isinstance(first, Image) and _to_scale(first):
        return _size_of_image(first)
    return (6.0, 5.4) if count == 1 else (10.0, 4.9)


def _size_of_image(panel: Image) -> tuple[float, float]:
    """Room for one image that is drawn to scale, its title, its caption and its colour bar."""
    ratio = _span(panel.vertical) / _span(panel.horizontal)
    width = min(8.0, 4.3 * math.sqrt(max(1.0, 1 / ratio)))
    height = min(8.0, width * ratio)
    return (max(3.6, height / ratio) + 1.7, max(0.8, height) + 1.1)


def _span(scale: Scale) -> float:
    return abs(float(scale.edges[-1] - scale.edges[0]))


def draw(picture: Picture, figure: Any) -> None:
    """Draw a picture into an empty figure."""
    width = float(figure.get_figwidth() if hasattr(figure, "get_figwidth") else 10)
    letters = int(width * _LETTERS_AN_INCH)
    title = "\n".join(textwrap.wrap(picture.title, int(letters * 0.55)))
    figure.suptitle(title, parse_math=_is_math(title), fontsize=12)
    caption = textwrap.fill("; ".join(picture.notes), letters)
    figure.supxlabel(caption, x=0.01, ha="left", fontsize=_SMALL, color="0.35", parse_math=False)
    {"row": _row, "column": _column, "grid": _many}[picture.layout](picture.panels, figure)


def _is_math(text: str) -> bool:
    """Whether dollar signs in a text enclose a formula that can be drawn."""
    if text.count("$") < 2:
        return False
    from matplotlib.mathtext import MathTextParser

    try:
        MathTextParser("path").parse(text)
    except ValueError:
        return False
    return True


def _row(panels: list[Panel], figure: Any) -> None:
    wide = [1.35 if isinstance(panel, Lines | Histogram) else 1.0 for panel in panels]
    axes = figure.subplots(1, len(panels), squeeze=False, width_ratios=wide)[0]
    for panel, ax in zip(panels, axes, strict=True):
        _panel(panel, ax, figure)


def _column(panels: list[Panel], figure: Any) -> None:
    image, line = panels
    assert isinstance(image, Image) and isinstance(line, Lines)
    axes = figure.subplots(2, 1, sharex=True, height_ratios=(1.6, 1.0))
    mappable = _image(image, axes[0])
    _colour_bar(mappable, image, list(axes), figure)
    _axes_of_image(image, axes[0], scale_bar=False)
    axes[0].set_aspect("auto")
    axes[0].set_xlabel("")
    _lines(line, axes[1])
    axes[1].set_xlim(float(image.horizontal.edges[0]), float(image.horizontal.edges[-1]))


def _many(panels: list[Panel], figure: Any) -> None:
    rows, columns = _grid(len(panels))
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    mappable: Any = None
    for number, (panel, ax) in enumerate(zip(panels, axes.flat, strict=False)):
        assert isinstance(panel, Image)
        mappable = _image(panel, ax)
        _axes_of_image(panel, ax, scale_bar=True, small=True)
        left, lowest = number % columns == 0, number + columns >= len(panels)
        ax.set_ylabel(ax.get_ylabel() if left else "", parse_math=False)
        ax.set_xlabel(ax.get_xlabel() if lowest else "", parse_math=False)
    first = panels[0]
    assert isinstance(first, Image)
    if first.values.ndim == 2:
        _colour_bar(mappable, first, axes.ravel().tolist(), figure)


def _grid(count: int) -> tuple[int, int]:
    columns = min(3, count) if count != 4 else 2
    return -(-count // columns), columns


def _panel(panel: Panel, ax: Any, figure: Any) -> None:
    match panel:
        case Lines():
            _lines(panel, ax)
        case Image():
            mappable = _image(panel, ax)
            _axes_of_image(panel, ax, scale_bar=True)
            if panel.values.ndim == 2:
                _colour_bar(mappable, panel, ax, figure)
        case Points():
            ax.plot(*panel.values.T, ".", markersize=3, color="C0", rasterized=True)
            ax.set_xlabel(panel.labels[0], parse_math=_is_math(panel.labels[0]))
            ax.set_ylabel(panel.labels[1], parse_math=_is_math(panel.labels[1]))
            ax.set_title(panel.title, fontsize=10, parse_math=_is_math(panel.title))
        case Histogram():
            ax.stairs(panel.counts, panel.edges, fill=True, color="C0")
            ax.set_xlabel(panel.quantity, parse_math=_is_math(panel.quantity))
            ax.set_ylabel("how often")
            ax.set_title(panel.title, fontsize=10, parse_math=_is_math(panel.title))


# lines


def _lines(panel: Lines, ax: Any) -> None:
    from matplotlib import colormaps

    centres = panel.scale.centres
    count = len(panel.values)
    colours = colormaps["viridis"](np.linspace(0, 0.85, count)) if count > 1 else ["C0"]
    style = "steps-mid" if panel.scale.binned and centres.size < 2000 else "default"
    marker = "o" if centres.size == 1 else ""
    for index, (values, colour) in enumerate(zip(panel.values, colours, strict=True)):
        shifted = np.clip(values, -LARGEST, LARGEST) + index * panel.apart
        ax.plot(centres, shifted, color=colour, linewidth=1, drawstyle=style, marker=marker)
    if panel.log and any((values > 0).any() for values in panel.values):
        ax.set_yscale("log")
    if panel.labels:
        _labels_of_lines(panel, ax, colours)
    ax.set_xlim(*_reach(panel))
    ax.set_xlabel(panel.scale.label, parse_math=_is_math(panel.scale.label))
    ax.set_ylabel(panel.quantity, parse_math=_is_math(panel.quantity))
    ax.set_title(panel.title, fontsize=10, parse_math=_is_math(panel.title))
    _plain_ticks(ax, panel.log)


def _reach(panel: Lines) -> tuple[float, float]:
    """The whole scale, whatever values there are; falling scales stay so."""
    centres = panel.scale.centres
    if centres.size == 1:
        return float(panel.scale.edges[0]), float(panel.scale.edges[-1])
    if panel.scale.uniform:
        return float(centres[0]), float(centres[-1])
    return float(centres.min()), float(centres.max())


def _labels_of_lines(panel: Lines, ax: Any, colours: Any) -> None:
    """Beside the right end of each line if they stand apart, else in a legend."""
    if not panel.apart:
        for line, label in zip(ax.get_lines(), panel.labels, strict=True):
            line.set_label(label.lstrip("_"))
        legend = ax.legend(loc="best", fontsize=_SMALL)
        for text in legend.get_texts():
            text.set_parse_math(False)
        return
    for index, (values, label, colour) in enumerate(
        zip(panel.values, panel.labels, colours, strict=True)
    ):
        finite = values[np.isfinite(values)]
        height = (float(finite[-1]) if finite.size else 0.0) + index * panel.apart
        ax.annotate(
            label,
            (1.0, height),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=_SMALL,
            color=colour,
            parse_math=False,
            annotation_clip=False,
        )


def _plain_ticks(ax: Any, log: bool) -> None:
    if not log:
        ax.ticklabel_format(axis="y", style="sci", scilimits=(-3, 5), useMathText=True)


# images


def _image(panel: Image, ax: Any) -> Any:
    """Draw the pixels; the result is what a colour bar is of."""
    vertical, horizontal = panel.vertical, panel.horizontal
    options: dict[str, Any] = {}
    values = panel.values
    if values.ndim == 2:
        values, options = _coloured(panel)
    if vertical.uniform and horizontal.uniform:
        extent = (
            *(float(horizontal.edges[0]), float(horizontal.edges[-1])),
            *(float(vertical.edges[-1]), float(vertical.edges[0])),
        )
        drawn = ax.imshow(values, extent=extent, interpolation="nearest", **options)
    else:
        drawn = ax.pcolormesh(horizontal.edges, vertical.edges, values, rasterized=True, **options)
        ax.set_xlim(horizontal.edges[0], horizontal.edges[-1])
        ax.set_ylim(vertical.edges[-1], vertical.edges[0])
    ax.set_facecolor(_BLANK if values.ndim == 2 else "white")
    ax.set_aspect("equal" if _to_scale(panel) else "auto")
    return drawn


def _coloured(panel: Image) -> tuple[Any, dict[str, Any]]:
    from matplotlib import colormaps
    from matplotlib.colors import LogNorm, Normalize

    limits, values = panel.limits, np.clip(panel.values, -LARGEST, LARGEST)
    colours = colormaps[panel.colours].with_extremes(bad=_BLANK)
    if limits.log:
        # what is zero or less has no logarithm: the lowest colour, not blank
        values = np.where(values < limits.low, limits.low, values)
        return values, {"cmap": colours, "norm": LogNorm(limits.low, limits.high)}
    return values, {"cmap": colours, "norm": Normalize(limits.low, limits.high)}


def _to_scale(panel: Image) -> bool:
    """Whether a step to the right and one down are the same length on paper."""
    vertical, horizontal = panel.vertical, panel.horizontal
    if vertical.units != horizontal.units:
        return False
    if not vertical.units and not math.isclose(
        abs(vertical.step), abs(horizontal.step), rel_tol=1e-3
    ):
        return False
    return 1 / _LONGEST_ASPECT <= _span(vertical) / _span(horizontal) <= _LONGEST_ASPECT


def _axes_of_image(panel: Image, ax: Any, *, scale_bar: bool, small: bool = False) -> None:
    ax.set_title(panel.title, fontsize=9 if small else 10, parse_math=False)
    bar = bar_of(panel.vertical, panel.horizontal) if scale_bar and _to_scale(panel) else None
    if bar is not None:
        _scale_bar(panel, ax, *bar)
        ax.set_xticks([])
        ax.set_yticks([])
        return
    ax.set_xlabel(panel.horizontal.label, parse_math=_is_math(panel.horizontal.label))
    ax.set_ylabel(panel.vertical.label, parse_math=_is_math(panel.vertical.label))
    if small:
        ax.tick_params(labelsize=_SMALL)
    ax.locator_params(nbins=5 if small else 7)


def _scale_bar(panel: Image, ax: Any, length: float, text: str) -> None:
    """A white bar with black edges, to be seen on any image; its thickness is that of a line."""
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke

    share = length / _span(panel.horizontal)
    place: dict[str, Any] = {"transform": _inches_from(ax, (0, 0), across=False), "clip_on": False}
    bar = Rectangle((0.04, 0.14), share, 0.05, facecolor="white", edgecolor="black", **place)
    bar.set_linewidth(0.8)
    ax.add_patch(bar)
    centred = _span(panel.vertical) <= _SLIM * _span(panel.horizontal)
    left = 0.04 + share / 2 if centred else 0.04
    aligned = "center" if centred else "left"
    label = ax.text(left, 0.22, text, color="white", ha=aligned, **place)
    label.set(
        va="bottom", parse_math=False, path_effects=[withStroke(linewidth=2.5, foreground="k")]
    )


def _inches_from(ax: Any, corner: tuple[int, int], *, across: bool) -> Any:
    """Coordinates along one side as a share of the axes, along the other in inches from a corner.

    Bars of colours and lengths look alike then beside images of any form.
    """
    from matplotlib.transforms import ScaledTranslation, blended_transform_factory

    inches = ax.figure.dpi_scale_trans + ScaledTranslation(*corner, ax.transAxes)
    sides = (inches, ax.transAxes) if across else (ax.transAxes, inches)
    return blended_transform_factory(*sides)


def _colour_bar(mappable: Any, panel: Image, axes: Any, figure: Any) -> None:
    limits = panel.limits
    beyond = {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}
    options = {"extend": beyond[limits.below, limits.above], "extendfrac": _TIP}
    if isinstance(axes, list):
        bar = figure.colorbar(mappable, ax=axes, fraction=0.05, pad=0.02, **options)
    else:  # as high as the image, which its aspect may make lower than its axes
        height = 1 / (1 + _TIP * (limits.below + limits.above))
        bounds = (0.12, _TIP * height * limits.below, 0.18, height)
        place = axes.inset_axes(bounds, transform=_inches_from(axes, (1, 0), across=True))
        bar = figure.colorbar(mappable, cax=place, **options)
    bar.set_label(panel.quantity, parse_math=_is_math(panel.quantity))
    if panel.colours == "twilight":
        bar.set_ticks([-math.pi, 0, math.pi], labels=["−π", "0", "π"])
    elif not limits.log:
        bar.formatter.set_powerlimits((-3, 5))
        bar.formatter.set_useMathText(True)
