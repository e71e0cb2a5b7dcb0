"""Rules of the file as a whole (format, sections 1.1 and 1.2)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from hspyio import names
from hspyio.errors import Problem
from hspyio.nodes.node import Attribute, Damaged
from hspyio.rules.rule import AGAIN, error, note, warning
from hspyio.rules.values import number_of, text_of, told
from hspyio.rules.view import View
from hspyio.schema.migrations import CURRENT, Version, parse_version

__all__ = ["RULES"]

_FIRST_DECLARED: Version = (1, 1)
_NUMBERED: Version = (1, 1)
_VERSION_PATH = f"/@{names.FILE_FORMAT_VERSION}"


def _opens(view: View) -> Iterator[Problem]:
    if view.failure is not None:
        yield view.failure


def _holds_something(view: View) -> Iterator[Problem]:
    if view.failure is None and view.contents is None:
        yield Problem("/", view.problem)


def _format_is_named(view: View) -> Iterator[Problem]:
    if view.contents is None:
        return
    node = view.root.attributes.get(names.FILE_FORMAT)
    if node is None:
        if view.contents.declared:
            yield Problem("/", f"there is no attribute {names.FILE_FORMAT}")
    elif not isinstance(node, Damaged) and text_of(node) != names.HYPERSPY:
        kind = text_of(node)
        said = "no text" if kind is None else told(kind)
        yield Problem(f"/@{names.FILE_FORMAT}", f"is {said}, not {names.HYPERSPY!r}")


def _number(view: View) -> Attribute | None:
    """The version, if it is stored as a number."""
    node = view.root.attributes.get(names.FILE_FORMAT_VERSION)
    return node if isinstance(node, Attribute) and not isinstance(node.value, bytes) else None


def _is_rounded(number: Attribute) -> bool:
    """Whether it is stored as the one type of number that RosettaSciIO takes for a version."""
    value = number_of(number)
    is_float = number.type == np.dtype(np.float64)
    return is_float and value is not None and math.isfinite(value)


def _version_is_one(view: View) -> Iterator[Problem]:
    if view.contents is None:
        return
    number = _number(view)
    if number is not None and not _is_rounded(number):
        yield Problem(_VERSION_PATH, f"is stored as {number.type}, not as text")
    elif number is None and names.FILE_FORMAT_VERSION in view.root.attributes:
        text = text_of(view.root.attributes[names.FILE_FORMAT_VERSION])
        if text is not None and parse_version(text) is None:
            yield Problem(_VERSION_PATH, f"is {told(text)}, which is no version")


def _version_is_text(view: View) -> Iterator[Problem]:
    number = _number(view)
    if number is not None and _is_rounded(number) and view.version > _NUMBERED:
        yield Problem(_VERSION_PATH, f"is the number {view.contents and view.contents.declared}")


def _version_is_known(view: View) -> Iterator[Problem]:
    if view.contents is not None and view.version > CURRENT:
        yield Problem(_VERSION_PATH, f"is {view.contents.declared}")


def _version_is_current(view: View) -> Iterator[Problem]:
    if view.contents is not None and view.version < CURRENT:
        declared = view.contents.declared
        version = ".".join(map(str, view.version))
        said = f"is {declared}" if declared else f"is not told, which makes it {version}"
        yield Problem(_VERSION_PATH if declared else "/", f"the format version {said}")


def _root_holds_nothing_else(view: View) -> Iterator[Problem]:
    for name in view.root.members if view.contents is not None else ():
        if name not in (names.EXPERIMENTS, names.ANALYSIS):
            yield Problem(f"/{name}", "is no part of the format")


RULES = (
    error(
        "H101",
        "A file is an HDF5 file that can be opened.",
        "No program reads it.",
        "Is it the right file, and copied whole? `hspy rescue FILE NEW` saves what can be saved "
        "of a damaged one.",
        _opens,
    ),
    error(
        "H102",
        "A file holds an experiment (a group with a dataset `data` in `/Experiments`) or a model.",
        "It is no HSpy file; HyperSpy refuses it.",
        "Other kinds of HDF5 file are read by other plug-ins of RosettaSciIO.",
        _holds_something,
    ),
    warning(
        "H103",
        "The attribute `file_format` of a file that tells its version is `HyperSpy`.",
        "Programs that look at it take the file for something else.",
        "`hspy upgrade FILE NEW` writes it.",
        _format_is_named,
    ),
    error(
        "H104",
        "`file_format_version` is text such as `3.3`.",
        "RosettaSciIO refuses what it cannot parse.",
        "`hspy upgrade FILE NEW` writes the current version.",
        _version_is_one,
    ),
    warning(
        "H105",
        "`file_format_version` is text, not a number, after version 1.1.",
        "Only some readers round such a number; 3.3 stored as one may be 3.2999.",
        "`hspy upgrade FILE NEW` writes text.",
        _version_is_text,
    ),
    warning(
        "H106",
        f"The format version is not newer than {names.CURRENT_VERSION}.",
        "It is read as that version; what is newer is missed.",
        f"Update hspyio and HyperSpy; {AGAIN} keeps what this one reads.",
        _version_is_known,
    ),
    note(
        "H107",
        f"The format version is {names.CURRENT_VERSION}.",
        "Nothing: older versions are read, and judged by the rules of their time.",
        "`hspy upgrade FILE NEW` writes the current one, if you wish.",
        _version_is_current,
    ),
    note(
        "H108",
        "The root holds nothing but `Experiments` and `Analysis`.",
        "Readers of the format leave out what else is there.",
        f"None is needed, if that is meant for other programs; {AGAIN} leaves it out.",
        _root_holds_nothing_else,
    ),
)
