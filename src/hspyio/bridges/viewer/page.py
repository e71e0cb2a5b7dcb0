"""The page around the pictures: its form, its colours, and the little script that Bokeh has not."""

from __future__ import annotations

from functools import cache
from typing import Any

from hspyio.records import record

__all__ = [
    "DARK",
    "FOLLOW",
    "KEYS",
    "LIGHT",
    "QUIET",
    "START",
    "WIDGETS",
    "Theme",
    "needed",
    "template",
]

_UNUSED = ("bokeh-gl", "bokeh-mathjax", "bokeh-tables")


@record
class Theme:
    """Colours of pictures; those of the page around them stand in its style.

    Attributes
    ----------
    ground, frame, text, grid, line, second : str
        Of what is around a picture, inside its frame, its texts, its grid, and its curves.
    """

    ground: str
    frame: str
    text: str
    grid: str
    line: str
    second: str


LIGHT = Theme("#ffffff", "#f4f5f7", "#23272e", "#dfe3e8", "#1f6fb4", "#d9690a")
DARK = Theme("#181b20", "#101216", "#d7dbe0", "#2c323a", "#6cb2f0", "#ffa24d")

# Roots stand in a grid, beside each other where there is room for two pictures.
_TEMPLATE = """
{% extends base %}
{% block preamble %}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<style>
:root { color-scheme: light; --v-ground: #eef0f3; --v-card: #ffffff; --v-text: #23272e;
  --v-faint: #626b77; --v-border: #cfd5dc; --v-field: #ffffff; --v-hover: #eceff3;
  --v-accent: #1f6fb4; }
:root[data-theme=dark] { color-scheme: dark; --v-ground: #0e1013; --v-card: #181b20;
  --v-text: #d7dbe0; --v-faint: #98a1ac; --v-border: #353c45; --v-field: #22272e;
  --v-hover: #2b323a; --v-accent: #6cb2f0; }
html, body { background: var(--v-ground); color: var(--v-text);
  font: 14px/1.4 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
main { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 10px;
  padding: 10px; max-width: 1800px; margin: 0 auto; box-sizing: border-box; }
main > div { background: var(--v-card); border: 1px solid var(--v-border); border-radius: 6px;
  padding: 8px 10px; min-width: 0; }
.wide { grid-column: 1 / -1; }
main.alone { grid-template-columns: minmax(0, 1fr); }
main.alone .navigator, main.plain .tools { display: none; }
@media (max-width: 760px) { main { grid-template-columns: minmax(0, 1fr); padding: 4px; } }
</style>
{% endblock %}
{% block js_resources %}{{ needed(bokeh_js) }}{% endblock %}
{% block contents %}
<main>
<div class="wide">{{ embed(roots.head) }}</div>
<div class="wide tools">{{ embed(roots.tools) }}</div>
<div class="navigator">{{ embed(roots.left) }}</div>
<div class="signal">{{ embed(roots.right) }}</div>
<div class="wide">{{ embed(roots.facts) }}</div>
</main>
{% endblock %}
"""

# Bokeh's widgets stand in shadow roots, which the page's style does not reach but for variables.
WIDGETS = """
:host { --background-color: var(--v-field); --surface-background-color: var(--v-hover);
  --color: var(--v-text); --border-color: var(--v-border); --divider-color: var(--v-border);
  color: var(--v-text); }
.bk-input, select, input, textarea { background-color: var(--v-field) !important;
  color: var(--v-text) !important; border-color: var(--v-border) !important; }
.bk-btn { background-color: var(--v-field) !important; color: var(--v-text) !important;
  border-color: var(--v-border) !important; }
.bk-btn:hover { background-color: var(--v-hover) !important; }
.bk-btn.bk-active { background-color: var(--v-accent) !important; color: var(--v-card) !important; }
.noUi-target, .noUi-handle { background: var(--v-hover) !important; box-shadow: none !important;
  border-color: var(--v-border) !important; }
.noUi-handle { background: var(--v-faint) !important; }
.noUi-connect { background: var(--v-accent) !important; }
.bk-tab { color: var(--v-text) !important; }
.bk-tab.bk-active { background-color: var(--v-hover) !important; }
select.bk-input { background-image: url('data:image/svg+xml;utf8,\
<svg version="1.1" viewBox="0 0 25 20" xmlns="http://www.w3.org/2000/svg">\
<path d="M 0,0 25,0 12.5,20 Z" fill="%23858d98"/></svg>') !important; }
pre { margin: 0; max-height: 26em; overflow: auto; font-size: 12px; line-height: 1.35;
  white-space: pre-wrap; overflow-wrap: anywhere; }
"""

# Which arrow was pressed, and whether the user's desktop is dark: Bokeh tells Python of neither.
KEYS = """
const steps = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]};
let number = 0;
const line = (name) => [...keys.document._all_models.values()]
  .filter((model) => model.name == name && model.tags.length).at(-1);
const go = (rows, columns) => {
  const lines = [line("pointer-y"), line("pointer-x")];
  const by = lines.every((one) => one != null) ? [rows, columns] : Array(2).fill(rows + columns);
  lines.forEach((one, index) => {
    if (one == null) return;
    const [first, step, size] = one.tags;
    const now = Math.round((one.location - first) / step) + by[index];
    one.location = first + step * Math.min(size - 1, Math.max(0, now));
  });
};
document.addEventListener("keydown", (event) => {
  const step = steps[event.key];
  const at = event.composedPath()[0];
  const typing = at.tagName == "INPUT" || at.tagName == "SELECT" || at.tagName == "TEXTAREA";
  const sliding = at.classList != null && at.classList.contains("noUi-handle");
  if (step == null || typing || sliding || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  const times = event.shiftKey ? 10 : 1;
  number += 1;
  go(step[0] * times, step[1] * times);
  keys.data = {rows: [step[0] * times], columns: [step[1] * times], number: [number]};
});
if (matchMedia("(prefers-color-scheme: dark)").matches) dark.active = true;
// A drag may begin with a rest: Bokeh would take it for a press, and hear no move after it.
const [plot] = Bokeh.index.query((view) => view.canvas_view != null);
const gestures = plot?.canvas_view.ui_event_bus?.ui_gestures;
if (gestures != null) gestures.constructor.press_threshold = 1e9;
"""
# The pointer goes with the mouse at once, to the middle of a pixel.
FOLLOW = """
for (const [line, at] of [[across, cb_obj.y], [down, cb_obj.x]]) {
  if (line == null || at == null) continue;
  const [first, step, size] = line.tags;
  line.location = first + step * Math.min(size - 1, Math.max(0, Math.round((at - first) / step)));
}
"""
# Nothing is told of what lies under the mouse while it drags: that costs as much as a picture.
QUIET = """
if (cb_obj.event_name == "panstart") {
  hover.tags = [hover.active];
  for (const view of Bokeh.index.query((view) => view.model == hover)) view._move_exit?.();
  hover.active = false;
} else if (hover.tags.length) {
  hover.active = hover.tags[0];
}
"""
START = """
document.documentElement.dataset.theme = dark.active ? "dark" : "light";
const main = document.querySelector("main");
main.classList.toggle("alone", !left.visible);
main.classList.toggle("plain", !tools.visible);
"""


@cache
def template() -> Any:
    """The page, made ready once for all windows."""
    from jinja2 import Template

    return Template(_TEMPLATE)


def needed(scripts: str) -> str:
    """The scripts of Bokeh that the page uses: without the others it is there sooner."""
    return "\n".join(line for line in scripts.split("\n") if not any(n in line for n in _UNUSED))
