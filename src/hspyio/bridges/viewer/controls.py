"""Widgets of the viewer: contrast of a picture, texts that are shown as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bokeh.models import (
    Button,
    CustomJSTickFormatter,
    Div,
    InlineStyleSheet,
    NumericInput,
    PreText,
    RangeSlider,
    Row,
    Select,
    Slider,
    TextInput,
    Toggle,
)

from hspyio.bridges.viewer.contrast import COLOUR_MAPS, PHASES, SCALES
from hspyio.bridges.viewer.page import WIDGETS
from hspyio.bridges.viewer.panels import ImagePanel, LinePanel

__all__ = ["Controls"]

_WRAPPED = {"flex-wrap": "wrap", "align-items": "flex-end", "gap": "4px 8px"}


class Controls:
    """Makes widgets that share one style.

    Bokeh shows texts of widgets as markup unless told otherwise; those made here are told so.
    """

    def __init__(self) -> None:
        self._style = InlineStyleSheet(css=WIDGETS)

    def row(self, *children: Any) -> Any:
        """Widgets beside each other, in as many lines as they need."""
        return Row(*children, sizing_mode="stretch_width", styles=_WRAPPED)

    def text(self, text: str, name: str, *, strong: bool = False) -> Any:
        """A line of text."""
        styles = {"font-weight": "600", "font-size": "16px"} if strong else {}
        return Div(
            text=text, name=name, render_as_text=True, disable_math=True, styles=styles,
            stylesheets=[self._style], margin=(4, 5),
        )  # fmt: skip

    def listing(self, text: str, name: str) -> Any:
        """Lines of text as they are, of which some are seen at a time."""
        return PreText(
            text=text, name=name, disable_math=True, sizing_mode="stretch_width",
            stylesheets=[self._style],
        )  # fmt: skip

    def select(
        self,
        title: str,
        options: list[str] | list[tuple[str, str]],
        value: str,
        changed: Callable[[str], None],
        *,
        name: str,
        width: int = 130,
    ) -> Any:
        """A choice of one."""
        made = Select(
            title=title, options=options, value=value, name=name, width=width,
            stylesheets=[self._style],
        )  # fmt: skip
        made.on_change("value", lambda attr, old, new: changed(new))
        return made

    def toggle(self, label: str, changed: Callable[[bool], None], *, name: str) -> Any:
        """A button that stays pressed."""
        made = Toggle(label=label, name=name, stylesheets=[self._style], margin=(5, 5, 5, 5))
        made.on_change("active", lambda attr, old, new: changed(new))
        return made

    def button(self, label: str, clicked: Callable[[], None], *, name: str) -> Any:
        """A button."""
        made = Button(label=label, name=name, stylesheets=[self._style])
        made.on_click(clicked)
        return made

    def field(self, title: str, value: str, *, name: str, width: int = 260) -> Any:
        """A field for a line of text."""
        return TextInput(
            title=title, value=value, name=name, width=width, stylesheets=[self._style]
        )

    def tabs(self, made: Any) -> Any:
        """Tabs in the same style."""
        made.stylesheets = [self._style]
        return made

    def slider(
        self, title: str, texts: list[str], value: int, changed: Callable[[int], None], *, name: str
    ) -> Any:
        """A slider over the points of an axis, each of which has a text."""
        told = CustomJSTickFormatter(args={"texts": texts}, code="return texts[Math.round(tick)]")
        made = Slider(
            start=0, end=max(1, len(texts) - 1), step=1, value=value, name=name, title=title,
            format=told, tooltips=False, sizing_mode="stretch_width", stylesheets=[self._style],
        )  # fmt: skip
        made.on_change("value", lambda attr, old, new: changed(min(int(new), len(texts) - 1)))
        return made

    def contrast(self, panel: ImagePanel, say: Callable[[str], None]) -> Any:
        """What stands below an image: colours, scale, limits."""
        name = panel.plot.name
        if panel.coloured or panel.colours == PHASES:
            return self.row()

        def recolour(_: str) -> None:
            panel.recolour(colours.value, scale.value)

        def cut(attr: str, old: Any, new: Any) -> None:
            panel.percentiles = (float(new[0]), float(new[1]))
            panel.stretch()

        def fix(attr: str, old: Any, new: Any) -> None:
            panel.manual = (low.value, high.value)
            say(panel.stretch())

        colours = self.select(
            "colours", list(COLOUR_MAPS), panel.colours, recolour, name=f"{name}-colours", width=95
        )
        scale = self.select(
            "scale", list(SCALES), panel.scale, recolour, name=f"{name}-scale", width=80
        )
        percent = RangeSlider(
            title="per cent", start=0, end=100, step=0.1, value=panel.percentiles, width=150,
            name=f"{name}-percent", stylesheets=[self._style],
        )  # fmt: skip
        percent.on_change("value", cut)
        low, high = (
            NumericInput(
                title=end, mode="float", value=None, placeholder="auto", width=75,
                name=f"{name}-{end}", stylesheets=[self._style],
            )
            for end in ("low", "high")
        )  # fmt: skip
        low.on_change("value", fix)
        high.on_change("value", fix)
        return self.row(colours, scale, percent, low, high)

    def line_scale(self, panel: LinePanel, changed: Callable[[str], None]) -> Any:
        """What stands below a curve: whether it is logarithmic."""
        name = panel.plot.name
        value = "log" if panel.log else "linear"
        return self.row(
            self.select("scale", ["linear", "log"], value, changed, name=f"{name}-scale", width=80)
        )
