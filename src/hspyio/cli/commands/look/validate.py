"""``hspy validate``: hold files against the rules of the format."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Any

import hspyio
from hspyio.api.examining.reports import ValidationReport
from hspyio.cli.console import Console, each_file, one_line, say_json
from hspyio.cli.usage import AsJson, Exit, Files, Option, Place
from hspyio.errors import HspyError

__all__ = ["Severity", "validate"]

_STYLES = {"error": "bold red", "warning": "bold", "note": None}


class Severity(StrEnum):
    """What can be asked for."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


def validate(
    files: Files,
    severity: Annotated[
        Severity, Option(help="The least that is told: error, warning or note.")
    ] = Severity.NOTE,
    as_json: AsJson = False,
) -> None:
    """Hold HSpy files against every rule of the format, and say how to mend what breaks one.

    docs/rules.md lists the rules. The data are not read: whether they are intact hspy verify
    tells. The exit code is 0 without errors, whatever is warned of, 1 if a file breaks a rule so
    that programs fail on it, or cannot be read. Example: hspy validate *.hspy --severity warning
    """
    console = Console()
    records: list[dict[str, Any]] = []

    def look(file: Place) -> bool:
        try:
            report = hspyio.validate(file, severity=severity.value)
        except (HspyError, OSError) as error:
            records.append({"path": str(file), "ok": False, "error": str(error)})
            raise
        records.append(report.as_dict())
        if not as_json:
            _show(report, console)
        return report.ok

    fine = each_file(files, look)
    if as_json:
        say_json(json.dumps(records, indent=2))
    if not fine:
        raise Exit(1)


def _show(report: ValidationReport, console: Console) -> None:
    """The lines of a report, each in the colour of what it tells."""
    severities = {one.rule: one.severity for one in report.findings}
    for index, line in enumerate(repr(report).splitlines()):
        style = None if index or report.ok else "bold red"
        if index and (severity := severities.get(line.strip().partition(" ")[0])):
            style = _STYLES[severity]
        console.print(one_line(line), style=style)
