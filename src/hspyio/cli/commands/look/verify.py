"""``hspy verify``: read every byte, and say what is damaged."""

from __future__ import annotations

import json
from typing import Any

import hspyio
from hspyio.cli.console import Console, each_file, say_json
from hspyio.cli.usage import AsJson, Exit, Files, Place, Threads

__all__ = ["verify"]


def verify(files: Files, as_json: AsJson = False, threads: Threads = None) -> None:
    """Read every byte of HSpy files and say what is damaged, and what is intact.

    Files saved with checksum=True are compared with what was saved. The exit code is 0 if no
    damage was found, 1 if a file is damaged or cannot be read. Example: hspy verify *.hspy
    """
    console = Console()
    records: list[dict[str, Any]] = []

    def look(file: Place) -> bool:
        report = hspyio.verify(file, threads=threads)
        records.append(report.as_dict())
        if not as_json:
            console.print_report(report)
        return report.ok

    fine = each_file(files, look)
    if as_json:
        say_json(json.dumps(records, indent=2))
    if not fine:
        raise Exit(1)
