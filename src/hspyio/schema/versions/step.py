"""What a step is made of: moves inside a tree of dicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from hspyio.records import record

__all__ = ["Step", "Tree", "Version", "copied", "get", "move"]

Tree: TypeAlias = dict[Any, Any]
Version: TypeAlias = tuple[int, ...]

_MISSING = object()


@record
class Step:
    """What brings metadata written before a version to it.

    Attributes
    ----------
    before : tuple of int
        The step is for files of lower versions.
    migrate : callable
        Changes a metadata tree in place.
    """

    before: Version
    migrate: Callable[[Tree], None]


def copied(tree: Tree) -> Tree:
    """Copy a tree of dicts, not what is in it."""
    return {key: copied(value) if type(value) is dict else value for key, value in tree.items()}


def get(tree: Tree, path: str) -> Any:
    """Value at a dotted path, ``None`` if there is none."""
    node: Any = tree
    for name in path.split("."):
        if not isinstance(node, dict) or name not in node:
            return None
        node = node[name]
    return node


def move(tree: Tree, source: str, target: str) -> None:
    """Move a node; onto a node that is there already it is merged (defect R11).

    What finds its place taken stays where it was: nothing is overwritten.
    """
    *parents, name = source.split(".")
    origin = get(tree, ".".join(parents)) if parents else tree
    if not isinstance(origin, dict) or name not in origin:
        return
    *steps, last = target.split(".")
    # Looked up before the source goes: its parent may be on the way.
    place = _made(tree, steps)
    if place is None:
        return
    if last not in place:
        place[last] = origin.pop(name)
        return
    value, there = origin[name], place[last]
    if isinstance(value, dict) and isinstance(there, dict):
        _merge(value, there)
        if not value:
            del origin[name]


def _merge(source: Tree, target: Tree) -> None:
    """Move what has a place in the target; the rest stays."""
    for key in list(source):
        value, there = source[key], target.get(key, _MISSING)
        if there is _MISSING:
            target[key] = source.pop(key)
        elif isinstance(value, dict) and isinstance(there, dict):
            _merge(value, there)
            if not value:
                del source[key]


def _made(tree: Tree, steps: list[str]) -> Tree | None:
    node = tree
    for step in steps:
        node = node.setdefault(step, {})
        if not isinstance(node, dict):
            return None
    return node
