"""Pictures of the viewer: a figure of Bokeh with what is drawn in it, over it and beside it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from bokeh.events import Pan, PanEnd, PanStart, Tap
from bokeh.models import (
    BasicTicker,
    BasicTickFormatter,
    BoxAnnotation,
    ColorBar,
    ColumnDataSource,
    CustomJS,
    DataRange1d,
    FixedTicker,
    FullscreenTool,
    HoverTool,
    LinearColorMapper,
    LogColorMapper,
    LogTicker,
    PanTool,
    PlainText,
    ResetTool,
    SaveTool,
    ScaleBar,
    Span,
    WheelZoomTool,
)
from bokeh.models.annotations.dimensional import MetricLength
from bokeh.plotting import figure
from numpy.typing import NDArray

from hspyio.bridges.plotting.scales import is_reciprocal
from hspyio.bridges.viewer.contrast import PHASES, limits
from hspyio.bridges.viewer.contrast import colours as palette
from hspyio.bridges.viewer.markers import Shapes
from hspyio.bridges.viewer.overlay import Overlay
from hspyio.bridges.viewer.page import FOLLOW, LIGHT, QUIET, Theme
from hspyio.bridges.viewer.selection import Along, Detector
from hspyio.records import record

__all__ = ["ImagePanel", "LinePanel", "Panel"]

_HEIGHT, _ALONE = 430, 620
_LONGEST_ASPECT = 25.0
"""How many times as long as wide an image may be that is drawn to scale."""
_BLANK = "#9ecae1"
"""Of pixels without a value: no colour of the maps."""
_LONGEST_NUMBER = 10
"""Letters of a number: of longer ones there is an exponent."""
_LEVEL = 1e-12
"""Which part of a value is nothing."""
_POINTER, _REGION, _DETECTOR = "#ff3b30", "#ffb000", "#22c55e"


class Panel(ABC):
    """A figure with what all pictures have in common."""

    kind: ClassVar[str]

    def __init__(
        self, name: str, label: str, side: str, *, pointer: bool, figure_options: dict[str, Any]
    ) -> None:
        self.plot = figure(
            name=name,
            height=_HEIGHT,
            sizing_mode="stretch_width",
            tools=[],
            toolbar_location="right",
            min_border_left=50,
            **figure_options,
        )
        self.plot.toolbar.logo = None
        self.plot.xaxis.axis_label = PlainText(text=label)
        self.plot.yaxis.axis_label = PlainText(text=side)
        self.plot.title.text = " "  # so that there is room for one
        self.plot.title.text_font_size = "13px"
        self.zoom, self.pan = WheelZoomTool(), PanTool()
        tools = [self.zoom, ResetTool(), SaveTool(filename=f"hspyio-{name}"), FullscreenTool()]
        self.plot.add_tools(*(tools if pointer else [self.pan, *tools]))
        self.plot.toolbar.active_scroll = self.zoom
        self.plot.toolbar.active_drag = None if pointer else self.pan
        self._overlay: Overlay | None = None
        self._spans: dict[str, Any] = {}

    @abstractmethod
    def show(self, values: NDArray[Any], window: Any = None) -> None:
        """Draw values, all of them or a part."""

    def stand_alone(self) -> None:
        """Take more room, where there is no navigator beside it."""
        self.plot.height = _ALONE if self.kind == "image" else _HEIGHT

    def title(self, text: str) -> None:
        """What the picture is of."""
        self.plot.title.text = text if "$" not in text else text.replace("$", "\u2009$\u2009")

    def mark(self, shapes: Shapes) -> None:
        """Draw markers over it, in the place of those before."""
        if self._overlay is None and not shapes.is_empty:
            self._overlay = Overlay(self.plot, flipped=self.kind == "image")
        if self._overlay is not None:
            self._overlay.show(shapes)

    def point(self, *, x: float | None = None, y: float | None = None) -> None:
        """Move the pointer, which is a line through the whole picture along each direction."""
        for place, dimension in ((x, "height"), (y, "width")):
            if place is None:
                continue
            if dimension not in self._spans:
                span = Span(dimension=dimension, line_color=_POINTER, line_width=1.5)
                span.line_alpha, span.name = 0.85, f"pointer-{'x' if x is place else 'y'}"
                self.plot.add_layout(span)
                self._spans[dimension] = span
            self._spans[dimension].location = place

    def follow(self, *, x: Along | None = None, y: Along | None = None) -> None:
        """Have the browser move the pointer with the mouse and by keys, without a word from here.

        Its lines have to be there. Python's half hears of their new places by itself.
        """
        lines = {"across": self._spans.get("width"), "down": self._spans.get("height")}
        for line, along in ((lines["across"], y), (lines["down"], x)):
            if line is not None and along is not None:
                line.tags = [float(along.centres[0]), along.place(1) - along.place(0), along.size]
        script = CustomJS(args=lines, code=FOLLOW)
        for event in (Tap, PanStart, Pan):
            self.plot.js_on_event(event, script)

    def let_go(self) -> None:
        """Have it moved no more: another figure takes the place of this one."""
        for line in self._spans.values():
            line.tags = []

    def box(self, name: str, *, only_x: bool = False) -> Any:
        """A rectangle that is moved and resized in the browser; not seen yet."""
        free = {"movable": "x", "resizable": "x"} if only_x else {}
        box = BoxAnnotation(
            name=name, editable=True, visible=False, line_color=_REGION, line_alpha=1.0,
            line_width=2, fill_color=_REGION, fill_alpha=0.12, hover_fill_color=_REGION,
            hover_fill_alpha=0.2, hover_line_color=_REGION, hover_line_alpha=1.0, **free,
        )  # fmt: skip
        self.plot.add_layout(box)
        return box

    def colour(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        plot = self.plot
        plot.background_fill_color, plot.border_fill_color = theme.frame, theme.ground
        plot.outline_line_color = theme.grid
        plot.border_line_color = theme.ground  # white shines through along the rim otherwise
        plot.title.text_color = theme.text
        for axis in plot.axis:
            axis.axis_label_text_color = axis.major_label_text_color = theme.text
            axis.axis_line_color = axis.major_tick_line_color = theme.text
            axis.minor_tick_line_color = None
            axis.axis_label_text_font_style = "normal"
        plot.grid.grid_line_color = theme.grid


@record
class _Drawn:
    """An image in a figure, what gives it its colours, and its bar unless it has colours itself."""

    mapper: Any
    renderer: Any
    bar: Any


_TIPS = [("value", "@image"), ("x", "$x{0.[0000]}"), ("y", "$y{0.[0000]}")]


class ImagePanel(Panel):
    """An image with its first row on top, a colour bar, a scale bar, and controls of its contrast.

    Parameters
    ----------
    name : str
        Of the figure.
    vertical, horizontal : Along
        How its axes are drawn.
    coloured : bool
        Whether pixels are red, green and blue.
    colours : str
        The colour map at first.
    pointer : bool
        Whether dragging moves a pointer, and not the picture.
    """

    kind = "image"

    def __init__(
        self,
        name: str,
        vertical: Along,
        horizontal: Along,
        *,
        coloured: bool = False,
        colours: str = "Grey",
        pointer: bool = False,
        to_scale: bool = True,
    ) -> None:
        self.vertical, self.horizontal = vertical, horizontal
        self.values: NDArray[Any] = np.zeros((1, 1))
        self.coloured, self.colours, self.scale = coloured, colours, "linear"
        self.percentiles: tuple[float, float] = (0, 100)
        self.manual: tuple[float | None, float | None] = (None, None)
        scaled = to_scale and _is_to_scale(vertical, horizontal)
        x_range = DataRange1d(range_padding=0, flipped=_falls(horizontal))
        y_range = DataRange1d(range_padding=0, flipped=not _falls(vertical))
        options = {"x_range": x_range, "y_range": y_range, "match_aspect": scaled}
        label, side = horizontal.label, vertical.label
        super().__init__(name, label, side, pointer=pointer, figure_options=options)
        self.source = ColumnDataSource(self._columns(self.values, None), name=f"{name}-image")
        self._hover = HoverTool(tooltips=_TIPS[1:] if coloured else _TIPS)
        self._theme = LIGHT
        self._drawn: dict[bool, _Drawn] = {}
        self._room = 0
        x_range.renderers = y_range.renderers = [self._paint(log=False).renderer]
        self.plot.grid.visible = False
        self._outline = ColumnDataSource({"xs": [], "ys": []}, name=f"{name}-detector")
        self.plot.multi_line("xs", "ys", source=self._outline, line_color=_DETECTOR, line_width=2)
        self.plot.add_tools(self._hover)
        quiet = CustomJS(args={"hover": self._hover}, code=QUIET)
        for event in (PanStart, PanEnd):
            self.plot.js_on_event(event, quiet)
        self._label_ticks()
        if scaled:
            self._add_scale_bar()

    def _columns(self, values: NDArray[Any], window: tuple[slice, slice] | None) -> dict[str, Any]:
        """The image, or a part of it, where its axes put it."""
        edges = [self.vertical.edges, self.horizontal.edges]
        if window is not None:
            edges = [e[part.start : part.stop + 1] for e, part in zip(edges, window, strict=True)]
        if _falls(self.vertical):
            values = values[::-1]
        if _falls(self.horizontal):
            values = values[:, ::-1]
        if self.coloured and values.ndim == 3:
            values = np.ascontiguousarray(values).view(np.uint32)[..., 0]
        (bottom, top), (left, right) = (sorted((float(e[0]), float(e[-1]))) for e in edges)
        return {
            "image": [np.ascontiguousarray(values)],
            "x": [left],
            "y": [bottom],
            "dw": [right - left],
            "dh": [top - bottom],
        }

    def show(self, values: NDArray[Any], window: Any = None) -> None:
        """Draw an image; its limits follow unless the user has set some."""
        self.values = values
        self.stretch()
        self.source.data = self._columns(values, window)

    def _paint(self, *, log: bool) -> _Drawn:
        """The image with linear or with logarithmic colours.

        Each has a drawing of its own: Bokeh does not notice that one gets another kind of colours.
        """
        if log not in self._drawn:
            kind = LogColorMapper if log else LinearColorMapper
            mapper = kind(palette=palette(self.colours), nan_color=_BLANK)
            places = {"x": "x", "y": "y", "dw": "dw", "dh": "dh", "source": self.source}
            bar = None
            if self.coloured:
                drawn = self.plot.image_rgba(image="image", level="image", **places)
            else:
                drawn = self.plot.image(image="image", color_mapper=mapper, level="image", **places)
                bar = ColorBar(color_mapper=mapper, width=12, padding=6, label_standoff=6)
                bar.name = f"{self.plot.name}-bar{'-log' if log else ''}"
                bar.ticker = LogTicker() if log else BasicTicker()
                self.plot.add_layout(bar, "right")
            self._drawn[log] = _Drawn(mapper, drawn, bar)
            self._hover.renderers = [one.renderer for one in self._drawn.values()]
            self.colour(self._theme)
        return self._drawn[log]

    def recolour(self, colours: str, scale: str) -> None:
        """Other colours for the same values, which stay in the browser."""
        if self.coloured:
            return
        self.colours, self.scale = colours, scale
        now = self._paint(log=scale == "log")
        now.mapper.palette = palette(colours, scale)
        self.stretch()
        for one in self._drawn.values():
            one.renderer.visible = one.bar.visible = one is now

    def stretch(self) -> str:
        """Find the limits of the colours anew; says why they stay as they were, if they do."""
        if self.coloured:
            return ""
        if self.colours == PHASES:
            low, high = -math.pi, math.pi
        else:
            low, high = limits(self.values, self.percentiles, self.scale)
        low = low if self.manual[0] is None else self.manual[0]
        high = high if self.manual[1] is None else self.manual[1]
        if self.scale == "log":
            low = low if low > 0 else abs(high) * 1e-6 or 1e-6
        if low >= high:
            return f"Contrast stays as it was: low ({low:g}) has to be below high ({high:g})."
        self._drawn[self.scale == "log"].mapper.update(low=low, high=high)
        self._make_room(low, high)
        return ""

    def _make_room(self, low: float, high: float) -> None:
        """Have the figure laid out anew for longer numbers: Bokeh notices those of axes only."""
        whole = len(f"{max(abs(low), abs(high)):.0f}") + (low < 0)
        length = min(whole + max(0, 1 - math.floor(math.log10(high - low))), _LONGEST_NUMBER)
        if length > self._room:
            self._room = length
            self.plot.min_border_right = 5 + length

    def outline(self, detector: Detector | None) -> None:
        """Draw the rim of a detector."""
        lines = [] if detector is None else detector.outlines()
        self._outline.data = {
            "xs": [[self.horizontal.place(x) for x in xs] for _, xs in lines],
            "ys": [[self.vertical.place(y) for y in ys] for ys, _ in lines],
        }

    def colour(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        super().colour(theme)
        self._theme = theme
        for one in self._drawn.values():
            if one.bar is not None:
                one.bar.background_fill_color = theme.ground
                one.bar.major_label_text_color = theme.text
                one.bar.major_tick_line_color = theme.text

    def _label_ticks(self) -> None:
        for axis, along in ((self.plot.xaxis, self.horizontal), (self.plot.yaxis, self.vertical)):
            ticks = along.ticks()
            if ticks is not None:
                axis.ticker = FixedTicker(ticks=list(ticks))
                axis.major_label_overrides = ticks

    def _add_scale_bar(self) -> None:
        units = self.horizontal.units
        if (
            not (units in _METRIC or units == "Å" or is_reciprocal(units))
            or units != self.vertical.units
        ):
            return
        inverse = f"{units[2:]}\u207b\u00b9" if units.startswith("1/") else units
        # Of the kinds of units that Bokeh has, its browser's half knows the metric ones only.
        own: dict[str, Any] = {"base_unit": units, "include": [units], "ticks": _ROUND}
        bar = ScaleBar(
            range=self.plot.x_range, unit=units, orientation="horizontal",
            dimensional=MetricLength() if units in _METRIC else MetricLength(**own),
            label="@{value} @{unit}" if units in _METRIC else f"@{{value}} {inverse}",
            location="bottom_left", label_location="above", label_standoff=2,
            background_fill_alpha=0.6, border_line_color=None, bar_line_width=3, bar_length=0.18,
            background_fill_color="#ffffff", label_text_color="#000000", bar_line_color="#000000",
            padding=4, margin=8,
        )  # fmt: skip
        self.plot.add_layout(bar)


_METRIC = frozenset({"m", "cm", "mm", "µm", "nm", "pm", "fm"})
_ROUND = [factor * 10.0**power for power in range(-6, 7) for factor in (1, 2, 5)]


class LinePanel(Panel):
    """A curve over an axis, perhaps with a second one.

    Parameters
    ----------
    name : str
        Of the figure.
    along : Along
        Its axis.
    quantity : str
        What stands beside the other axis.
    log : bool
        Whether that is logarithmic.
    pointer : bool
        Whether dragging moves a pointer, and not the picture.
    """

    kind = "line"

    def __init__(
        self, name: str, along: Along, quantity: str, *, log: bool = False, pointer: bool = False
    ) -> None:
        self.along, self.log = along, log
        self.values: NDArray[Any] = np.zeros(0)
        padding = 0.04 if pointer else 0  # so that the first and the last point can be clicked
        x_range = DataRange1d(range_padding=padding, flipped=_falls(along))
        options = {"x_range": x_range, "y_axis_type": "log" if log else "linear"}
        super().__init__(name, along.label, quantity, pointer=pointer, figure_options=options)
        self.source = ColumnDataSource({"x": [], "y": []}, name=f"{name}-line")
        self.second = ColumnDataSource({"x": [], "y": []}, name=f"{name}-second")
        self.line = self.plot.line("x", "y", source=self.source, line_width=1.5)
        self.other = self.plot.line("x", "y", source=self.second, line_width=1.5)
        if along.size == 1:
            self.plot.scatter("x", "y", source=self.source, size=8)
        self.empty = ColumnDataSource({"x": [], "y": []})
        """A point that gives a curve without numbers its axes; it is not seen."""
        unseen = self.plot.scatter("x", "y", source=self.empty, alpha=0)
        renderers = [self.line, self.other, unseen]
        x_range.renderers = self.plot.y_range.renderers = renderers
        tips = [("x", "@x{0.[0000]}"), ("value", "@y")]
        self.plot.add_tools(HoverTool(renderers=[self.line], tooltips=tips, mode="vline"))
        if not log:
            self.plot.yaxis.formatter = BasicTickFormatter(precision="auto")

    def show(self, values: NDArray[Any], window: Any = None) -> None:
        """Draw a curve; of one that is level but for its last bits, no picture of these."""
        self.values = values
        columns = self._columns(_levelled(values), window)
        seen = bool(np.isfinite(columns["y"]).any())
        if seen == bool(len(self.empty.data["x"])):
            place = [] if seen else [float(self.along.centres[0])]
            self.empty.data = {"x": place, "y": [1.0] * len(place)}
        self.source.data = columns

    def show_second(self, values: NDArray[Any] | None) -> None:
        """Draw another one with it, or no other."""
        if values is not None or len(self.second.data["x"]):
            self.second.data = self._columns(np.zeros(0) if values is None else values, None)

    def value_at(self, place: float) -> float:
        """The value of the curve at the point that is nearest."""
        found, values = self.source.data["x"], self.source.data["y"]
        return float(values[int(np.argmin(np.abs(np.asarray(found) - place)))])

    def _columns(self, values: NDArray[Any], window: tuple[slice, ...] | None) -> dict[str, Any]:
        places = self.along.centres if window is None else self.along.centres[window[0]]
        if values.size < places.size:
            step = -(-places.size // max(1, values.size))
            places = places[step // 2 :: step][: values.size] if values.size else places[:0]
            values = values[: places.size]
        if self.log:
            values = np.where(values > 0, values, np.nan)
        return {"x": places, "y": values}

    def colour(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        super().colour(theme)
        self.line.glyph.line_color = theme.line
        self.other.glyph.line_color = theme.second


def _levelled(values: NDArray[Any]) -> NDArray[Any]:
    """Values that are as good as equal, as equal ones: ticks are no finer than their numbers."""
    if values.dtype.kind != "f" or not values.size or not np.isfinite(values).all():
        return values
    low, high = float(values.min()), float(values.max())
    if low == high or high - low > _LEVEL * max(abs(low), abs(high)):
        return values
    return np.full_like(values, (low + high) / 2)


def _falls(along: Along) -> bool:
    return float(along.edges[-1]) < float(along.edges[0])


def _is_to_scale(vertical: Along, horizontal: Along) -> bool:
    """Whether a step to the right and one down are of the same kind."""
    if vertical.units != horizontal.units or not (vertical.uniform and horizontal.uniform):
        return False
    spans = [abs(float(along.edges[-1] - along.edges[0])) for along in (vertical, horizontal)]
    steps = [span / along.size for span, along in zip(spans, (vertical, horizontal), strict=True)]
    if not vertical.units and not math.isclose(*steps, rel_tol=1e-3):
        return False
    return 1 / _LONGEST_ASPECT <= spans[0] / spans[1] <= _LONGEST_ASPECT
