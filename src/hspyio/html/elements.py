"""Headings, facts, tables, folds and trees as html; every text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import NamedTuple

__all__ = ["Row", "facts", "fold", "heading", "page", "safe", "table", "tree"]

# The class stands thrice in what JupyterLab, nbconvert and VS Code have rules of their own for
# (`.jp-RenderedHTMLCommon th`, `.jp-OutputArea-output dt`, ...): else theirs would win.
_STYLE = """
.hspyio{color:var(--jp-content-font-color1,inherit);font-size:13px;line-height:1.5;
font-family:var(--jp-ui-font-family,var(--vscode-font-family,system-ui,sans-serif));
max-width:60em;min-width:0;overflow-wrap:anywhere;text-align:left}
.hspyio .hs-head{font-size:15px;margin:0 0 .3em}
.hspyio .hs-soft{opacity:.7}
.hspyio .hs-top{display:flex;flex-wrap:wrap;gap:.6em 1.6em;align-items:flex-start}
HS dl.hs-facts{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:0 1em;
margin:0 0 .5em;padding:0;flex:0 1 auto;min-width:0}
HS details>dl.hs-facts{margin-left:1.2em}
HS dl.hs-facts dt,HS dl.hs-facts dd{display:block;float:none;clear:none;width:auto;
margin:0;padding:0;border:0;font-weight:400;font-style:normal;text-align:left;
overflow-wrap:anywhere}
HS dl.hs-facts dt{opacity:.7}
.hspyio .hs-pictures{display:flex;flex-wrap:wrap;gap:.6em;align-items:flex-end}
HS figure{margin:0}
HS figcaption{font-size:11px;opacity:.7;margin:0;text-align:left}
HS img{display:block;width:auto;height:84px;max-width:min(240px,100%);
image-rendering:pixelated;margin:0}
HS svg{display:block;max-width:100%;height:auto}
.hspyio .hs-scroll{overflow-x:auto;max-width:100%}
HS table{border-collapse:collapse;margin:.3em 0 .5em;font-size:13px;border:0;width:auto;
table-layout:auto;color:inherit;text-align:left}
HS table th,HS table td{text-align:left;padding:.15em .8em .15em 0;border:0;
background:none;white-space:nowrap;max-width:none;vertical-align:top;font-size:13px;line-height:1.5}
HS table thead,HS table tr,HS table tr:hover,HS table tbody tr:nth-child(odd),
HS table tbody tr:nth-child(even){background:none;border:0}
HS table th{font-weight:400;opacity:.7}
HS table thead tr{border-bottom:1px solid rgba(128,128,128,.4)}
@media(max-width:600px){HS table th,HS table td{font-size:11px;padding-right:.45em;
white-space:normal}}
HS ul{list-style:none;margin:0;padding:0 0 0 1.2em}
HS li{margin:0;padding:0}
HS details>ul{border-left:1px solid rgba(128,128,128,.3);margin-left:.3em;padding-left:.9em}
HS summary{cursor:pointer;display:list-item}
HS code{color:inherit;background:none;padding:0;font-size:12px;white-space:pre-wrap;
font-family:var(--jp-code-font-family,var(--vscode-editor-font-family,ui-monospace,monospace));
overflow-wrap:anywhere}
""".replace("\n", "").replace("HS ", ".hspyio.hspyio.hspyio ")

_LONGEST = 300
_CLOSE = "</ul></details></li>"


class Row(NamedTuple):
    """An entry of a tree, as text.

    Attributes
    ----------
    depth : int
        How many nodes it lies in.
    key : str
        Its name.
    value : str or None
        Its value; None for a node.
    size : int
        Entries of a node.
    """

    depth: int
    key: str
    value: str | None
    size: int = 0


def safe(text: object) -> str:
    """Text that shows as it is, on one line, and is not too long."""
    line = str(text)
    line = line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
    return escape(line if line.isprintable() else repr(line)[1:-1])


def page(*parts: str) -> str:
    """The whole: the only place where the style comes in."""
    return f'<div class="hspyio"><style>{_STYLE}</style>{"".join(parts)}</div>'


def heading(title: str, *more: str) -> str:
    """A title, and in softer letters what it is."""
    rest = "".join(f' <span class="hs-soft">· {safe(text)}</span>' for text in more if text)
    return f'<div class="hs-head"><strong>{safe(title)}</strong>{rest}</div>'


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """What is known, a line a fact; those without a text are left out."""
    rows = (f"<dt>{safe(name)}</dt><dd>{safe(text)}</dd>" for name, text in pairs if text)
    return f'<dl class="hs-facts">{"".join(rows)}</dl>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table that scrolls in its own box where it is wider than the page."""
    heads = "".join(f"<th>{safe(cell)}</th>" for cell in head)
    lines = ("".join(f"<td>{safe(cell)}</td>" for cell in row) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return (
        f'<div class="hs-scroll"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def fold(label: str, content: str, *, note: str = "", opened: bool = False) -> str:
    """Something under a line that opens and closes it; `content` is html already."""
    soft = f' <span class="hs-soft">{safe(note)}</span>' if note else ""
    start = "<details open>" if opened else "<details>"
    return f"{start}<summary>{safe(label)}{soft}</summary>{content}</details>"


def tree(rows: Iterator[Row], budget: int) -> tuple[str, Row | None]:
    """Draw a tree as nested, folded ``<details>``.

    Parameters
    ----------
    rows : iterator of Row
        Depth first.
    budget : int
        Bytes that the html may have.

    Returns
    -------
    str
        A list; with what fits, and room for one more item before its end.
    Row or None
        The first one that did not fit; those behind it are left in the iterator.
    """
    made: list[str] = []
    depth = 0
    for row in rows:
        text = _CLOSE * (depth - row.depth) + _row(row)
        budget -= len(text.encode()) + (len(_CLOSE) if row.value is None else 0)
        if budget < 0:
            return "".join([*made, _CLOSE * depth]), row
        made.append(text)
        depth = row.depth + (row.value is None)
    return "".join([*made, _CLOSE * depth]), None


def _row(row: Row) -> str:
    if row.value is None:
        count = f' <span class="hs-soft">({row.size:,})</span>'
        return f"<li><details><summary>{safe(row.key)}{count}</summary><ul>"
    return f"<li>{safe(row.key)} = <code>{safe(row.value)}</code></li>"
