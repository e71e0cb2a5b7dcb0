"""Markers of a file over a picture."""

from __future__ import annotations

from typing import Any

from bokeh.models import Arrow, ColumnDataSource, NormalHead, Range1d

from hspyio.bridges.viewer.markers import COLUMNS, STYLE, Frame, Shapes

__all__ = ["Overlay"]

_SHARE = "share"
"""The name of a range from 0 to 1, along which places are shares of the picture."""
_HEAD = 10


class Overlay:
    """What is drawn over a figure of Bokeh: a table for each kind of shapes that has come so far.

    Parameters
    ----------
    plot : bokeh.plotting.figure
        The figure.
    flipped : bool
        Whether its vertical axis rises downwards, with which shapes are turned the other way.
    """

    def __init__(self, plot: Any, *, flipped: bool) -> None:
        self._plot, self._turn = plot, -1 if flipped else 1
        self._sources: dict[tuple[str, Frame], Any] = {}

    def show(self, shapes: Shapes) -> None:
        """Draw these and no others."""
        for key in (*self._sources, *(key for key in shapes.rows if key not in self._sources)):
            kind, frame = key
            rows = shapes.rows.get(key, [])
            columns = {name: [row[name] for row in rows] for name in (*COLUMNS[kind], *STYLE)}
            if kind in ("oval", "box"):
                columns["angle"] = [self._turn * angle for angle in columns["angle"]]
            if key not in self._sources:
                self._sources[key] = self._drawn(kind, frame, columns)
            elif rows or len(self._sources[key].data["colour"]):
                self._sources[key].data = columns

    def _drawn(self, kind: str, frame: Frame, columns: dict[str, Any]) -> Any:
        """A new table, and the glyphs that draw it."""
        source = ColumnDataSource(columns, name=f"{self._plot.name}-{kind}-{frame}")
        options: dict[str, Any] = {"source": source} | self._ranges(frame)
        line = {"line_color": "colour", "line_width": "width", "line_dash": "dash",
                "line_alpha": "alpha"}  # fmt: skip
        filled = line | {"fill_color": "fill", "fill_alpha": "alpha"}
        sized = {"x": "x", "y": "y", "width": "w", "height": "h", "angle": "angle",
                 "width_units": "screen", "height_units": "screen"}  # fmt: skip
        plot = self._plot
        match kind:
            case "point":
                plot.scatter("x", "y", size="size", **filled, **options)
            case "line":
                plot.multi_line("xs", "ys", **line, **options)
            case "patch":
                plot.patches("xs", "ys", **filled, **options)
            case "oval":
                plot.ellipse(**sized, **filled, **options)
            case "box":
                plot.rect(**sized, **filled, **options)
            case "text":
                plot.text("x", "y", text="text", text_color="colour", text_alpha="alpha",
                          text_font_size="size", text_align="align", text_baseline="base",
                          **options)  # fmt: skip
            case "across":
                plot.hspan("place", **line, **options)
            case "down":
                plot.vspan("place", **line, **options)
            case "arrow":
                head = NormalHead(size=_HEAD, fill_color="colour", line_color="colour")
                plot.add_layout(
                    Arrow(x_start="x", y_start="y", x_end="to_x", y_end="to_y", end=head, **line,
                          **options)
                )  # fmt: skip
        return source

    def _ranges(self, frame: Frame) -> dict[str, str]:
        """The names of the ranges of a frame, which are made when they are first asked for."""
        names = {}
        if frame in ("x", "both"):
            names["x_range_name"] = _SHARE
            self._plot.extra_x_ranges.setdefault(_SHARE, Range1d(0, 1))
        if frame in ("y", "both"):
            names["y_range_name"] = _SHARE
            self._plot.extra_y_ranges.setdefault(_SHARE, Range1d(0, 1))
        return names
