"""Rules of ragged arrays (format, section 2.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from hspyio import names
from hspyio.converters.kinds import Kind
from hspyio.errors import Problem
from hspyio.nodes.node import Array, Attribute, Damaged, Vlen
from hspyio.rules.rule import AGAIN, error, note, warning
from hspyio.rules.view import View
from hspyio.schema.migrations import Version

__all__ = ["RULES"]

_WITH_SHAPES: Version = (3, 1)
_NAMED_SHAPES: Version = (3, 3)
_LISTS = (names.LIST, names.TUPLE)


def _groups(view: View) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Every group that may hold ragged arrays."""
    for signal in view.signals:
        yield signal.where, signal.group.members
    for tree in view.trees:
        members = [item for item in tree.items if not isinstance(item.node, Attribute)]
        yield tree.where, {item.name: item.node for item in members}


def _ragged(members: Mapping[str, object]) -> Iterator[tuple[str, Array]]:
    for name, node in members.items():
        if not isinstance(node, Array) or not isinstance(node.type, Vlen):
            continue
        if not _is_shapes(name) and not name.startswith(_LISTS):
            yield name, node


def _is_shapes(name: str) -> bool:
    return name.startswith(names.RAGGED_SHAPES) or name == names.RAGGED_SHAPES_3_1


def _have_shapes(view: View) -> Iterator[Problem]:
    for where, members in _groups(view) if view.version >= _WITH_SHAPES else ():
        for name, _ in _ragged(members):
            if names.RAGGED_SHAPES + name not in members and names.RAGGED_SHAPES_3_1 not in members:
                yield Problem(f"{where}/{name}", f"there is no {names.RAGGED_SHAPES}{name}")


def _shapes_fit(view: View) -> Iterator[Problem]:
    for where, members in _groups(view):
        for name, node in _ragged(members):
            for other in (names.RAGGED_SHAPES + name, names.RAGGED_SHAPES_3_1):
                shapes = members.get(other)
                if shapes is None or isinstance(shapes, Damaged):
                    continue
                said = _misfit(shapes, node)
                if said:
                    yield Problem(f"{where}/{other}", said)
                break


def _misfit(shapes: object, array: Array) -> str:
    """Why something does not tell the shapes of a ragged array."""
    if not isinstance(shapes, Array):
        return "is no dataset"
    base = shapes.type.base if isinstance(shapes.type, Vlen) else None
    if not isinstance(base, np.dtype) or base.kind not in "iu":
        return "holds no rows of whole numbers"
    if shapes.shape != array.shape:
        return f"has the shape {shapes.shape}, the array {array.shape}"
    return ""


def _shapes_belong(view: View) -> Iterator[Problem]:
    for where, members in _groups(view):
        for name in members:
            owner = name.removeprefix(names.RAGGED_SHAPES)
            if owner != name and owner not in members:
                yield Problem(f"{where}/{name}", f"there is no {owner}")


def _shapes_are_named(view: View) -> Iterator[Problem]:
    for where, members in _groups(view) if view.version >= _NAMED_SHAPES else ():
        if names.RAGGED_SHAPES_3_1 in members and any(_ragged(members)) and not _others(members):
            yield Problem(f"{where}/{names.RAGGED_SHAPES_3_1}", "is the name of version 3.1")


def _shapes_stand_alone(view: View) -> Iterator[Problem]:
    for where, members in _groups(view):
        others = _others(members)
        if isinstance(members.get(names.RAGGED_SHAPES_3_1), Array) and others:
            yield Problem(f"{where}/{names.RAGGED_SHAPES_3_1}", f"stands beside {others[0]}")


def _others(members: Mapping[str, object]) -> list[str]:
    """Arrays that are not ragged."""
    ragged = {name for name, _ in _ragged(members)}
    return [
        name
        for name, node in members.items()
        if isinstance(node, Array) and name not in ragged and not _is_shapes(name)
    ]


def _are_data(view: View) -> Iterator[Problem]:
    for tree in view.trees:
        for item in tree.items:
            if item.kind is Kind.RAGGED:
                yield Problem(item.where, "is a ragged array")


RULES = (
    error(
        "H501",
        "`_ragged_shapes_x` holds a row of whole numbers for each row of `x`.",
        "Readers fail on the array.",
        "`hspy rescue FILE NEW` writes what else is there.",
        _shapes_fit,
    ),
    warning(
        "H502",
        "Beside `_ragged_shapes_x` there is an `x`.",
        "Readers leave it out: the ragged array is lost.",
        f"{AGAIN} leaves it out.",
        _shapes_belong,
    ),
    warning(
        "H503",
        "From version 3.1 on a ragged array `x` has its shapes beside it, `_ragged_shapes_x`.",
        "Readers take every element for a one-dimensional one.",
        f"{AGAIN} writes the shapes that are read.",
        _have_shapes,
    ),
    warning(
        "H504",
        "From version 3.3 on shapes are called `_ragged_shapes_x`, not `ragged_shapes`.",
        "Only readers of old files find them.",
        f"{AGAIN} gives them their names.",
        _shapes_are_named,
    ),
    error(
        "H505",
        "Where there is a dataset `ragged_shapes`, all others in its group are ragged.",
        "RosettaSciIO takes all of them for ragged and cannot read the file.",
        f"{AGAIN} gives the shapes a name of their own.",
        _shapes_stand_alone,
    ),
    note(
        "H506",
        "Ragged arrays are data of signals, not metadata.",
        "RosettaSciIO 0.15 cannot open the file lazily. Markers with values for each position are "
        "stored so.",
        "None is needed, if the file is read into memory, or by hspyio.",
        _are_data,
    ),
)
