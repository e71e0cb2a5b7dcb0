"""The report: tables in the terminal, a page in Markdown."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.rows import SECTIONS, Row, Section

WORDS = {None: "", True: "yes", False: "no"}
STYLES = {None: "", True: "green", False: "bold red"}


@dataclass(frozen=True)
class Report:
    """All that was measured, where and how."""

    rows: tuple[Row, ...]
    machine: Mapping[str, str]
    versions: Mapping[str, str]
    notes: tuple[str, ...]

    def of(self, section: Section) -> list[Row]:
        return [row for row in self.rows if row.section == section]

    @property
    def summary(self) -> str:
        aimed = [row for row in self.rows if row.met is not None]
        return f"{sum(bool(row.met) for row in aimed)} of {len(aimed)} targets are met."


def headings(section: Section) -> list[str]:
    return ["workload", "", section.theirs, section.ours, section.figure, "spread", "target", "met"]


def cells(row: Row) -> list[str]:
    texts = [row.what, row.action, row.theirs, row.ours, row.figure, row.detail, row.target]
    return [*texts, WORDS[row.met]]


def columns(shown: Iterable[list[str]]) -> list[int]:
    """Those that hold something."""
    lines = list(shown)
    return [i for i in range(len(lines[0])) if any(line[i] for line in lines)]


def print_report(report: Report, console: Console) -> None:
    """Print a table a section."""
    for section in SECTIONS:
        found = report.of(section)
        if not found:
            continue
        table = Table(title=section.title, title_justify="left", title_style="bold")
        kept = columns(map(cells, found))
        for i in kept:
            table.add_column(headings(section)[i], justify="left" if i < 2 else "right")
        for row in found:
            texts = cells(row)
            style = STYLES[row.met]
            marked = [escape(text) for text in texts[:-1]] + [_styled(texts[-1], style)]
            table.add_row(*(marked[i] for i in kept))
        console.print(table)
    for note in report.notes:
        console.print(note)
    console.print(report.summary)


def _styled(text: str, style: str) -> str:
    return f"[{style}]{text}[/]" if style else text


def write_page(report: Report, path: Path, command: str) -> None:
    """Write the page; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(page(report, command)) + "\n", encoding="utf-8")


def page(report: Report, command: str) -> Iterable[str]:
    """The lines of the page."""
    yield "# Benchmarks"
    yield ""
    yield (
        f"Made by `{command}` on {date.today().isoformat()} at commit {_commit()}; `make bench` "
        "makes this page and README's figures anew, "
        "`python -m benchmarks --help` names its options. "
        "The contenders take turns in one run. Times are medians; figures are medians of the "
        f"ratios round by round, and the spread is the middle half of these. {report.summary}"
    )
    for note in report.notes:
        yield from ("", note)
    for section in SECTIONS:
        found = report.of(section)
        if found:
            yield from ("", f"## {section.title}", "", section.note, "")
            kept = columns(map(cells, found))
            yield _line(headings(section)[i] for i in kept)
            yield _line(":---" if i < 2 else "---:" for i in kept)
            for row in found:
                texts = cells(row)
                yield _line(texts[i] for i in kept)
    for title, facts in (("Machine", report.machine), ("Versions", report.versions)):
        yield from ("", f"## {title}", "")
        yield ", ".join(f"{name} {value}" for name, value in facts.items()) + "."


def _commit() -> str:
    """What is measured, as git names it."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def _line(texts: Iterable[str]) -> str:
    return f"| {' | '.join(text.replace('|', chr(92) + '|') for text in texts)} |"
