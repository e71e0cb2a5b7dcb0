"""Signals, models and axes as pages of html for notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from hspyio.errors import byte_text
from hspyio.html import facts, heading, page, preview
from hspyio.model.axes import Axes, axes_table
from hspyio.model.tree import MetadataTree
from hspyio.model.tree_drawing import tree_html

__all__ = ["model_page", "signal_page"]

_TREES = 800_000
"""Bytes for all trees of a page."""


def signal_page(
    *,
    title: str,
    kind: str,
    dimensions: str,
    dtype: str,
    data: Any,
    axes: Axes,
    trees: Mapping[str, Mapping[Any, Any]],
    source: str,
) -> str:
    """A page of a signal in less than 1 MB of HTML; of lazy data nothing is computed."""
    fits = len(axes) == data.ndim
    navigates = [axis.navigate for axis in axes] if fits else [False] * data.ndim
    kinds = f"ragged, of {dtype}" if data.dtype == object else dtype
    known = facts([("array", f"{data.shape}, {kinds}"), *_sizes(data), ("from", source)])
    top = f'<div class="hs-top">{known}{preview(data, navigates)}</div>'
    folds = _folds({name: tree for name, tree in trees.items() if tree})
    return page(heading(title or "Signal", kind, dimensions), top, axes_table(axes), *folds)


def _folds(trees: Mapping[str, Mapping[Any, Any]]) -> list[str]:
    """A fold a tree; what one does not need of its share is left to those that follow."""
    folds: list[str] = []
    left = _TREES
    for name, tree in trees.items():
        share = left // (len(trees) - len(folds))
        folds.append(tree_html(_as_tree(tree), MetadataTree, name, budget=share))
        left -= len(folds[-1].encode())
    return folds


def model_page(text: str, tree: MetadataTree) -> str:
    """A page of a model: what it says of itself in a line, and all of it, folded."""
    return page(heading("Model", text), tree_html(tree, MetadataTree, "all of it", budget=_TREES))


def _sizes(data: Any) -> list[tuple[str, str]]:
    """How large the data are, and where."""
    ragged = data.dtype == object
    size = f"{prod(data.shape):,} items"
    if not ragged:
        size += f", {byte_text(prod(data.shape) * data.dtype.itemsize)}"
    if not hasattr(data, "chunks"):
        return [("size", f"{size}, in memory")]
    count = prod(len(sizes) for sizes in data.chunks)
    each = "" if ragged else f" of {byte_text(prod(data.chunksize) * data.dtype.itemsize)}"
    chunks = f"{data.chunksize}{each}, {count:,} of them"
    return [("size", f"{size}, lazy: not read yet"), ("chunks", chunks)]


def _as_tree(tree: Mapping[Any, Any]) -> MetadataTree:
    return tree if isinstance(tree, MetadataTree) else MetadataTree(tree)
