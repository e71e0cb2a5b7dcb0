"""Validate files: hold them against every rule of the format, without reading their data."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, BinaryIO

from hspyio.api.arguments import file_of
from hspyio.api.examining.reports import Finding, ValidationReport
from hspyio.api.loading.open_file import open_any
from hspyio.api.sandbox import isolated_result
from hspyio.arrays.workers import Workers
from hspyio.errors import HspyError, MissingFileError, OptionError, Problem
from hspyio.hdf5.snapshot import Snapshot
from hspyio.nodes.node import Group
from hspyio.options import ReadOptions
from hspyio.rules import RULES, SEVERITIES, View, found, view_of
from hspyio.rules.mends import mend_at
from hspyio.system.refusals import named_errors

__all__ = ["validate", "validated"]

MOST_PLACES = 20


def validate(
    path: str | os.PathLike[str] | BinaryIO,
    *,
    isolated: bool = False,
    severity: str = "note",
    storage_options: Mapping[str, Any] | None = None,
) -> ValidationReport:
    """Hold a file against every rule of the format.

    Groups, attributes, lists and the points of axes are read, the data are not: whether those are
    intact `hspyio.verify` tells.

    Parameters
    ----------
    path : path-like or file object
        The file, of any format version, or its address; each is judged by the rules of its time.
    isolated : bool
        Whether another process reads the file, in limits of time and memory.
    severity : {"note", "warning", "error"}
        The least that is told.
    storage_options : dict, optional
        See `hspyio.load`.

    Returns
    -------
    ValidationReport
        Print it; ``.ok`` says whether there is no error. What is not an HSpy file, or damaged
        beyond reading, is not valid.

    Raises
    ------
    MissingFileError
        If there is no such file.
    OptionError
        If there is no such severity.

    Examples
    --------
    >>> hspyio.validate("map.hspy")  # doctest: +SKIP
    map.hspy: valid; nothing to find fault with
    """
    if severity not in SEVERITIES:
        raise OptionError(f"severity is {severity!r}; known are {', '.join(SEVERITIES)}")
    options = ReadOptions(isolated=isolated)
    file = file_of(path, "validate(path)", options=options, storage_options=storage_options)
    if not isolated or not isinstance(file, str):
        return validated(file, severity)
    text = file
    try:
        plain = isolated_result("validate", text, {"severity": severity}, Workers())
    except MissingFileError:
        raise
    except HspyError as error:
        return _report(text, severity, _unread(error))
    return ValidationReport.from_dict(plain)


def validated(file: str | Snapshot, severity: str) -> ValidationReport:
    """What `validate` does in whatever process."""
    path = file if isinstance(file, str) else file.path
    try:
        with named_errors(path), open_any(file) as reader:
            return _report(path, severity, view_of(reader.root()))
    except MissingFileError:
        raise
    except HspyError as error:
        return _report(path, severity, _unread(error))


def _unread(error: HspyError) -> View:
    return View(Group(), failure=Problem(error.where or "/", error.message))


def _report(path: str, severity: str, view: View) -> ValidationReport:
    wanted = list(SEVERITIES)[: list(SEVERITIES).index(severity) + 1]
    rules = [rule for name in wanted for rule in RULES if rule.severity == name]
    broken = list(found(rules, view, MOST_PLACES))
    findings = (
        Finding(
            one.rule.number, one.rule.severity, place.where, place.message,
            one.rule.why, mend_at(one.rule, place, view, path),
        )
        for one in broken
        for place in one.places
    )  # fmt: skip
    return ValidationReport(
        path,
        ".".join(map(str, view.version)) if view.contents is not None else "",
        tuple(findings),
        {one.rule.number: one.count for one in broken},
    )
