"""A tree drawn: as lines of text, and as folded HTML for notebooks."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator, Mapping
from itertools import islice
from operator import length_hint
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from hspyio.printable import dtype_text, printable_line

if TYPE_CHECKING:
    from hspyio.html import Row

__all__ = ["DRAWN_DEPTH", "HTML_OPEN", "entries", "tree_html", "tree_text"]

_TEXT_WIDTH = 60  # characters of one value or key in a drawing
_TEXT_LINES = 200  # lines of a drawing in text
_HTML_BYTES = 900_000  # what a drawing in a notebook may weigh
_HTML_FRAME = 2_000  # what stands around its rows
HTML_OPEN = 30  # more entries than this at the root are shown folded
DRAWN_DEPTH = 200  # deeper than any HSpy file may be; a browser stops at 512 elements
_COUNTED = 100_000  # lines left out are counted so far; a shared node can unfold without end

Tree: TypeAlias = dict[Any, Any]


# walking


class _Entry(NamedTuple):
    depth: int
    last: bool
    key: Any
    value: Any
    is_node: bool = False
    empty: bool = False
    cut: bool = False  # a node that is not entered: it holds itself, or lies too deep


def entries(tree: Tree, node_type: type[Tree], max_depth: int | None = None) -> Iterator[_Entry]:
    """All entries, depth first; a loop, since Python's stack is shorter than some trees."""
    above = {id(tree)}
    levels = [(tree, iter(list(tree.items())))]
    while levels:
        node, items = levels[-1]
        depth = len(levels) - 1
        for key, value in items:
            last = length_hint(items) == 0
            if not isinstance(value, node_type):
                yield _Entry(depth, last, key, value)
            elif not value:
                yield _Entry(depth, last, key, value, empty=True)
            elif id(value) in above or len(levels) == max_depth:
                yield _Entry(depth, last, key, value, cut=True)
            else:
                yield _Entry(depth, last, key, value, is_node=True)
                above.add(id(value))
                levels.append((value, iter(list(value.items()))))
                break
        else:
            above.discard(id(node))
            levels.pop()


def _count(entries: Iterator[object], already: int = 0) -> str:
    """How many entries are left, as text; empty for none."""
    number = already + sum(1 for _ in islice(entries, _COUNTED + 1))
    if number > _COUNTED:
        return f"over {_COUNTED:,}"
    return f"{number:,}" if number else ""


# drawing


def tree_text(tree: Tree, node_type: type[Tree]) -> str:
    """Draw a tree as lines, as many as a person reads."""
    found = entries(tree, node_type, DRAWN_DEPTH)
    lines, indents = [], [""]
    for entry in islice(found, _TEXT_LINES):
        indent = indents[entry.depth]
        lines.append(f"{indent}{'└── ' if entry.last else '├── '}{_entry_text(entry)}")
        indents[entry.depth + 1 :] = [indent + ("    " if entry.last else "│   ")]
    more = _count(found)
    return "\n".join([*lines, *([f"… {more} more"] if more else [])])


def tree_html(
    tree: Tree,
    node_type: type[Tree],
    label: str = "MetadataTree",
    *,
    open_root: bool = False,
    budget: int = _HTML_BYTES,
) -> str:
    """Draw a tree as nested, folded ``<details>``; a last row counts what has no room."""
    from hspyio.html import fold
    from hspyio.html import tree as drawn

    rows = _rows(tree, node_type)
    items, left = drawn(rows, budget - _HTML_FRAME)
    more = _count(rows, already=1) if left is not None else ""
    rest = f"<li>… {more} more; .paths() lists all of them</li>" if more else ""
    return fold(label, f"<ul>{items}{rest}</ul>", note=f"({len(tree):,})", opened=open_root)


def _rows(tree: Tree, node_type: type[Tree]) -> Iterator[Row]:
    from hspyio.html import Row

    for entry in entries(tree, node_type, DRAWN_DEPTH):
        key = _key_text(entry.key)
        if entry.is_node:
            yield Row(entry.depth, key, None, len(entry.value))
        else:
            yield Row(entry.depth, key, _value_text(entry))


# texts


class _ValueRepr(reprlib.Repr):
    """Shortens values before they are made text: a list of a million items is no reason to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdeque = 10
        self.maxarray = self.maxdict = 6
        self.maxlevel = 4
        self.maxstring = self.maxother = _TEXT_WIDTH

    def repr1(self, x: Any, level: int) -> str:
        if isinstance(x, Mapping) and type(x) is not dict:
            return f"{type(x).__name__} of {len(x)}"
        if isinstance(x, np.bool_ | np.number | np.str_ | np.bytes_):
            return repr(x.item())
        if isinstance(getattr(x, "shape", None), tuple) and hasattr(x, "dtype"):
            return f"array({x.shape}, {dtype_text(x.dtype)})"
        if isinstance(x, int) and x.bit_length() > 200:
            return f"int of {x.bit_length()} bits"  # Python refuses to print the largest
        if isinstance(x, str | bytes):
            return repr(x[: _TEXT_WIDTH + 1])
        return super().repr1(x, level)


_VALUE_REPR = _ValueRepr()


def _entry_text(entry: _Entry) -> str:
    key = _key_text(entry.key)
    return key if entry.is_node else f"{key} = {_value_text(entry)}"


def _value_text(entry: _Entry) -> str:
    if entry.cut:
        return "…"
    if entry.empty:
        return "{}"
    return _shortened(_VALUE_REPR.repr(entry.value))


def _key_text(key: Any) -> str:
    return _shortened(key[: _TEXT_WIDTH + 1] if isinstance(key, str) else _VALUE_REPR.repr(key))


def _shortened(text: str) -> str:
    text = text if len(text) <= _TEXT_WIDTH else f"{text[: _TEXT_WIDTH - 1]}…"
    return printable_line(text)
