"""The ratios of an earlier page: what a new run must not fall behind.

``python -m benchmarks.baseline PAGE`` compares a page that has been made already.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.rows import CODEC, DURABLE, PEER, START, ZSPY

BASELINE = Path(__file__).with_name("baseline.json")
"""Of the page of commit abbb625, before the house was rebuilt."""
SPEEDS = (PEER, DURABLE, ZSPY, CODEC, START)
ALLOWED = 0.03
"""Slower by so much is what one run differs from the next."""


def ratios(page: str) -> dict[str, float]:
    """The figure of each row about speed, by section, workload and action; over 1 is faster."""
    found = {}
    for title, what, action, _, _, figure in _rows(page):
        for section in SPEEDS:
            if title == section.title:
                value = float(figure)
                found[f"{title} | {what} | {action}"] = 1 / value if section == START else value
    return found


def _rows(page: str) -> Iterator[tuple[str, ...]]:
    """Title of the section and the first five cells of each row."""
    title = ""
    for line in page.splitlines():
        if line.startswith("## "):
            title = line.removeprefix("## ")
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) >= 5 and cells[0] != "workload" and not cells[0].startswith(":"):
            yield (title, *cells[:5])


def known() -> dict[str, float]:
    """The baseline."""
    found: dict[str, float] = json.loads(BASELINE.read_text(encoding="utf-8"))
    return found


def slower(found: Mapping[str, float], before: Mapping[str, float]) -> Iterator[str]:
    """A line for each row that has lost more than is allowed, the worst first."""
    both = [(found[name] / before[name], name) for name in before if name in found]
    for share, name in sorted(both):
        if share < 1 - ALLOWED:
            lost = f"{found[name]:.2f}, was {before[name]:.2f}"
            yield f"{100 * (1 - share):.0f} % slower than the baseline: {name}: {lost}"


def main() -> int:
    """Compare a page; 1 if a row is slower."""
    page = Path(sys.argv[1]).read_text(encoding="utf-8")
    lines = list(slower(ratios(page), known()))
    print("\n".join(lines) or "No row is slower than the baseline.")
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
