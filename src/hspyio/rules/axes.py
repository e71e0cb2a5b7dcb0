"""Rules of axes (format, section 3)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from hspyio import names
from hspyio.errors import AxesError, Problem
from hspyio.model.axes.expression import evaluate
from hspyio.nodes.node import Attribute, Damaged, Group, Vlen
from hspyio.rules.rule import AGAIN, DAMAGED, PLAIN_AXIS, error, note, warning
from hspyio.rules.values import is_flag, is_text, number_of, points_of, text_of, told
from hspyio.rules.view import AxisPlace, SignalPlace, View, listed_axes
from hspyio.schema.migrations import Version

__all__ = ["RULES"]

_UNIFORM, _DATA, _FUNCTIONAL = "UniformDataAxis", "DataAxis", "FunctionalDataAxis"
_WITH_NAVIGATE: Version = (2, 1)
_KINDS = (_UNIFORM, _DATA, _FUNCTIONAL)
_SCALE = ("offset", "scale")
_LONGEST = 4096
"""Characters of a formula that is looked at."""
_CONSTANTS = ("x", "pi", "E")
_NAME = re.compile(r"[^\W\d]\w*(?!\w|\s*\()")


def _kind(axis: AxisPlace) -> str:
    """What an axis is, by its content, as HyperSpy and hspyio go."""
    held = {*axis.group.attributes, *axis.group.members}
    if held & {"axis", "_list_axis", "_tuple_axis"}:
        return _DATA
    return _FUNCTIONAL if "expression" in held else _UNIFORM


def _of_kind(view: View, *kinds: str) -> Iterator[AxisPlace]:
    return (axis for axis in view.axes if _kind(axis) in kinds)


def _each_dimension_has_one(view: View) -> Iterator[Problem]:
    for signal in view.signals:
        if signal.data is None:
            continue
        rank = len(signal.data.shape)
        listed = listed_axes(signal)
        wanted = [f"{names.AXIS_PREFIX}{i}" for i in range(rank)]
        members = signal.group.members
        missing = [name for name in wanted if not isinstance(members.get(name), (Group, Damaged))]
        if not missing:
            continue
        if listed is None:
            yield Problem(signal.where, f"there is no {', '.join(missing)}")
        elif len(listed[1].members) != rank and not _needs_none(signal, listed[1]):
            count = len(listed[1].members)
            yield Problem(f"{signal.where}/{listed[0]}", f"holds {count} axes, not {rank}")


def _needs_none(signal: SignalPlace, listed: Group) -> bool:
    """Ragged data of one item may have no axis: an empty list says so."""
    ragged = signal.data is not None and isinstance(signal.data.type, Vlen)
    return ragged and not listed.members


def _type_agrees(view: View) -> Iterator[Problem]:
    for axis in view.axes:
        node = axis.group.attributes.get("_type")
        if node is None:
            continue
        kind, said = _kind(axis), text_of(node)
        if said not in _KINDS:
            yield Problem(f"{axis.where}@_type", f"is {told(said)}, which is no kind of axis")
        elif said != kind:
            message = f"is {said}, but the axis has what makes a {kind}"
            yield Problem(f"{axis.where}@_type", message)


def _has_size(view: View) -> Iterator[Problem]:
    for axis in _of_kind(view, _UNIFORM, _FUNCTIONAL):
        node = axis.group.attributes.get("size")
        if node is None:
            if _kind(axis) == _UNIFORM:
                yield Problem(axis.where, "there is no attribute size")
        elif isinstance(node, Attribute):
            size = number_of(node)
            if size is None or not math.isfinite(size) or size < 0 or size != int(size):
                message = f"is {told(node.value)}, not a number of points"
                yield Problem(f"{axis.where}@size", message)


def _size_fits(view: View) -> Iterator[Problem]:
    for axis in view.axes:
        if axis.size is None:
            continue
        if _kind(axis) == _DATA:
            points = points_of(axis.group)
            size: Any = len(points) if isinstance(points, np.ndarray) and points.ndim == 1 else None
        else:
            size = number_of(axis.group.attributes.get("size"))
        if size is not None and size >= 0 and size == size // 1 and size != axis.size:
            yield Problem(axis.where, f"has {size} points, the data {axis.size}")


def _points_are_numbers(view: View) -> Iterator[Problem]:
    for axis in _of_kind(view, _DATA):
        points = points_of(axis.group)
        if isinstance(points, str):
            yield Problem(f"{axis.where}/axis", points)
        elif points is not None and (points.ndim != 1 or points.dtype.kind not in "biuf"):
            said = f"is of type {points.dtype} and shape {points.shape}"
            yield Problem(f"{axis.where}/axis", f"{said}, not one row of real numbers")


def _points_rise_or_fall(view: View) -> Iterator[Problem]:
    for axis in _of_kind(view, _DATA):
        points = points_of(axis.group)
        if not isinstance(points, np.ndarray) or points.ndim != 1 or points.dtype.kind not in "iuf":
            continue
        with np.errstate(all="ignore"):
            rises, falls = points[1:] > points[:-1], points[1:] < points[:-1]
        if not (rises.all() or falls.all()):
            first = int(np.flatnonzero(~rises if rises.sum() >= falls.sum() else ~falls)[0])
            values = f"{points[first]}, {points[first + 1]}"
            yield Problem(f"{axis.where}/axis", f"goes from {values} at {first}")


def _attributes(axes: Iterable[AxisPlace], keys: Sequence[str]) -> Iterator[tuple[str, Any]]:
    for axis in axes:
        for key in keys:
            yield f"{axis.where}@{key}", axis.group.attributes.get(key)


def _has_scale(view: View) -> Iterator[Problem]:
    for where, node in _attributes(_of_kind(view, _UNIFORM), _SCALE):
        if node is None:
            yield Problem(where, "is not there")


def _fits(
    view: View, *, keys: Sequence[str], fits: Callable[[object], bool], said: str,
    kinds: tuple[str, ...] = _KINDS,
) -> Iterator[Problem]:  # fmt: skip
    """What stands under some keys is something."""
    for where, node in _attributes(_of_kind(view, *kinds), keys):
        if isinstance(node, Attribute) and not fits(node):
            yield Problem(where, f"is {told(node.value)}, not {said}")


def _is_number(node: object) -> bool:
    return number_of(node) is not None


def _scale_is_useful(view: View) -> Iterator[Problem]:
    for where, node in _attributes(_of_kind(view, _UNIFORM), _SCALE):
        value = number_of(node)
        if value is not None and not (math.isfinite(value) and (value or where.endswith("offset"))):
            yield Problem(where, f"is {value}")


def _names_in(formula: str) -> list[str]:
    """The names in a formula, those of functions aside; none for one that is too long to read."""
    return list(dict.fromkeys(_NAME.findall(formula))) if len(formula) <= _LONGEST else []


def _given(axis: AxisPlace) -> set[str]:
    return {*axis.group.attributes, *_CONSTANTS}


def _formula_is_complete(view: View) -> Iterator[Problem]:
    for axis in _of_kind(view, _FUNCTIONAL):
        node = axis.group.attributes.get("expression")
        text = text_of(node)
        if text is None:
            if not isinstance(node, Damaged):
                yield Problem(f"{axis.where}@expression", "is no text")
            continue
        used = _names_in(text)
        missing = [name for name in used if name not in _given(axis)]
        if missing:
            message = f"{told(text)} uses {', '.join(missing)}, which is not given"
            yield Problem(f"{axis.where}@expression", message)
        for name in used:
            parameter = axis.group.attributes.get(name)
            if parameter is not None and number_of(parameter) is None:
                yield Problem(
                    f"{axis.where}@{name}", "is a parameter of the formula, but no number"
                )


def _formula_is_understood(view: View) -> Iterator[Problem]:
    for axis in _of_kind(view, _FUNCTIONAL):
        text = text_of(axis.group.attributes.get("expression"))
        if text is None:
            continue
        try:
            evaluate(text, dict.fromkeys([*_names_in(text), "x"], 1.0))
        except AxesError as error:
            yield Problem(f"{axis.where}@expression", error.message)


def _formula_has_variable(view: View) -> Iterator[Problem]:
    for axis in _of_kind(view, _FUNCTIONAL):
        node = axis.group.members.get("x")
        if node is None:
            yield Problem(axis.where, "there is no group called x")
        elif axis.inner or not isinstance(node, (Group, Damaged)):
            yield Problem(f"{axis.where}/x", "is no uniform axis and no data axis")


def _has_navigate(view: View) -> Iterator[Problem]:
    for axis in view.axes if view.version >= _WITH_NAVIGATE else ():
        told_here = axis.inner or "navigate" in axis.group.attributes
        if not told_here and not _is_told_otherwise(axis.signal):
            yield Problem(f"{axis.where}@navigate", "is not there")


def _is_told_otherwise(signal: SignalPlace) -> bool:
    """Whether ``record_by`` tells how many dimensions the signal has, as in old files."""
    metadata = signal.part(names.METADATA)
    node = metadata.members.get("Signal") if metadata is not None else None
    return isinstance(node, Group) and is_text(node.attributes.get("record_by"))


def _index_is_position(view: View) -> Iterator[Problem]:
    for axis in view.axes:
        index = number_of(axis.group.attributes.get(names.INDEX_IN_ARRAY))
        if index is not None and not axis.inner and index != axis.index:
            where = f"{axis.where}@{names.INDEX_IN_ARRAY}"
            yield Problem(where, f"is {index}, the axis is that of dimension {axis.index}")


def _none_is_left_over(view: View) -> Iterator[Problem]:
    for signal in view.signals:
        rank = len(signal.data.shape) if signal.data is not None else None
        for name in signal.group.members if rank is not None else ():
            match = re.fullmatch(rf"{names.AXIS_PREFIX}(\d{{1,18}})", name)
            if match and int(match[1]) >= (rank or 0):
                yield Problem(f"{signal.where}/{name}", f"the data have {rank} dimensions")


RULES = (
    error(
        "H301",
        "Each dimension of the data has an axis: groups `axis-0`, `axis-1` and so on, or as many "
        "in a group `_list_<n>_axes`.",
        "RosettaSciIO cannot read the file: none of its experiments.",
        f"{DAMAGED} gives it a plain axis. Calibrate that.",
        _each_dimension_has_one,
    ),
    error(
        "H302",
        "`_type` of an axis is `UniformDataAxis`, `DataAxis` or `FunctionalDataAxis`, and agrees "
        "with what else is said of it.",
        "HyperSpy cannot read the signal.",
        f"{AGAIN} writes the type that fits the content.",
        _type_agrees,
    ),
    error(
        "H303",
        "A uniform axis has a `size`, a whole number; so has a functional one, if it has any.",
        "HyperSpy has an axis of another length than the data, or none.",
        f"{AGAIN} writes the size of the data.",
        _has_size,
    ),
    error(
        "H304",
        "An axis has as many points as the data in its dimension.",
        "HyperSpy has axes that do not fit its data.",
        f"{AGAIN} goes by the data. Look whether the axis is right then.",
        _size_fits,
    ),
    error(
        "H305",
        "The points of a data axis are one row of real numbers.",
        "HyperSpy cannot read the signal.",
        f"{AGAIN} puts a plain axis in its place. Calibrate that.",
        _points_are_numbers,
    ),
    error(
        "H306",
        "The points of a data axis rise, or fall, from each to the next.",
        "HyperSpy cannot read the signal.",
        "`s = hspyio.load(FILE); o = s.axes[AXIS].axis.argsort(); "
        "s.data = s.data.take(o, AXIS); s.axes[AXIS].axis = s.axes[AXIS].axis[o]; "
        "hspyio.save(NEW, s)` sorts the points, and the data with them.",
        _points_rise_or_fall,
    ),
    warning(
        "H307",
        "A uniform axis has an `offset` and a `scale`.",
        "Readers take 0 and 1: the axis is not calibrated.",
        "`hspy set FILE KEY VALUE`, or what is right.",
        _has_scale,
        otherwise=f"{AGAIN} writes 0 and 1; the right ones have to be set before.",
    ),
    error(
        "H308",
        "`offset` and `scale` are real numbers.",
        "HyperSpy cannot read the signal.",
        f"{AGAIN} puts a plain axis in its place. Calibrate that.",
        partial(_fits, keys=_SCALE, fits=_is_number, said="a number", kinds=(_UNIFORM,)),
    ),
    note(
        "H309",
        "`offset` and `scale` are finite, `scale` is not 0.",
        "The points of the axis are all the same, or none.",
        "`hspy set FILE KEY VALUE`, or what is right.",
        _scale_is_useful,
    ),
    error(
        "H310",
        "`expression` of a functional axis is a formula of `x` and of parameters that stand beside "
        "it, all of them numbers.",
        "HyperSpy cannot read the signal.",
        f"{PLAIN_AXIS} Or add what is missing to its `parameters`.",
        _formula_is_complete,
    ),
    note(
        "H311",
        "`expression` of a functional axis is made of numbers, names, `+ - * / **` and the common "
        "functions of one argument.",
        "hspyio keeps the formula but cannot compute the points of the axis.",
        f"None is needed for HyperSpy. {PLAIN_AXIS}",
        _formula_is_understood,
    ),
    warning(
        "H312",
        "A functional axis has a group `x`: the uniform axis or data axis that it is a function "
        "of.",
        "Readers take 0, 1, 2 and so on for `x`.",
        f"{AGAIN} writes the `x` that readers take.",
        _formula_has_variable,
    ),
    error(
        "H313",
        "From version 2.1 on an axis tells whether it navigates: `navigate`.",
        "HyperSpy takes all dimensions for those of the signal.",
        "`hspy set FILE KEY VALUE`, or false.",
        _has_navigate,
        otherwise=f"{AGAIN} writes false.",
    ),
    error(
        "H314",
        "`navigate` and `is_binned` are truth values, not numbers.",
        "HyperSpy cannot read the signal.",
        f"{AGAIN} takes 0 and 1, and words, for what they mean, and puts a plain axis in the place "
        "of others.",
        partial(_fits, keys=("navigate", "is_binned"), fits=is_flag, said="true or false"),
    ),
    error(
        "H315",
        "`name` and `units` of an axis are text.",
        "HyperSpy cannot read the signal.",
        "`hspy set FILE KEY VALUE`, or what is right.",
        partial(_fits, keys=("name", "units"), fits=is_text, said="text"),
        otherwise=f"{AGAIN} writes text.",
    ),
    warning(
        "H316",
        "`index_in_array` of an axis is the dimension that its group is named after.",
        "Readers go by the name; programs that go by the number mix the axes up.",
        f"{AGAIN} writes the position.",
        _index_is_position,
    ),
    warning(
        "H317",
        "There are no more axes than dimensions.",
        "Readers leave them out.",
        f"{AGAIN} leaves them out too.",
        _none_is_left_over,
    ),
)
