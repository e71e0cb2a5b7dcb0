"""``python -m benchmarks.readme``: README's figures are those of ``docs/benchmarks.md``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.baseline import ratios
from benchmarks.rows import DURABLE, PEER

PAGE, README = Path("docs/benchmarks.md"), Path("README.md")
STEM, EELS, NOISE, EVENTS = (
    *("(a) 4D-STEM uint16", "(b) EELS float32", "(c) random float64"),
    "(d) sparse uint8",
)
LARGE = (STEM, EELS, NOISE)
PLAIN = tuple(f"{what}, uncompressed" for what in (STEM, EELS))
PLUGINS = tuple(f"{STEM}, hdf5plugin's {codec}" for codec in ("Blosc", "Zstd"))
LEAVES = ("(f) 10,000 leaves",)
LISTS = ("(g) 1,000 lists",)
LAZY = ("(j) 4D-STEM uint16, lazily",)
BEGIN, END = "<!-- python -m benchmarks.readme -->", "<!-- end -->"

Cell = Iterable[tuple[tuple[str, ...], str]]
"""Workloads and what is done with them; each such is a figure, or from the least to the largest."""

TABLE: tuple[tuple[str, Cell, Cell], ...] = (
    ("4D-STEM counts uint16, gzip", [((STEM,), "write")], [((STEM,), "read")]),
    ("EELS float32, gzip", [((EELS,), "write")], [((EELS,), "read")]),
    ("random float64, gzip", [((NOISE,), "write")], [((NOISE,), "read")]),
    ("sparse events uint8, gzip", [((EVENTS,), "write")], [((EVENTS,), "read")]),
    (
        "the first three on one thread",
        [(LARGE, "write, one thread")],
        [(LARGE, "read, one thread")],
    ),
    ("uncompressed", [(PLAIN, "write")], [(PLAIN, "read")]),
    ("uncompressed files of RosettaSciIO's", [], [(PLAIN, "read RosettaSciIO's file")]),
    ("Blosc, Zstd files", [], [(PLUGINS, "read")]),
    ("ragged float64", [(("(e) ragged float64",), "write")], [(("(e) ragged float64",), "read")]),
    (
        "10,000 metadata leaves; 1,000 lists",
        [(LEAVES, "write"), (LISTS, "write")],
        [(LEAVES, "read"), (LISTS, "read")],
    ),
    ("a whole process that loads a small file", [], [(("(h) cold start, whole process",), "read")]),
    (
        "lazily: load and save; a sum over the signals",
        [(LAZY, "load and save")],
        [(LAZY, "sum over the signals")],
    ),
)


def figure(found: Mapping[str, float], what: Iterable[str], action: str, title: str) -> str:
    """How many times as fast, from the least to the largest, in two digits."""
    values = [found[f"{title} | {one} | {action}"] for one in what]
    texts = [f"{value:.{int(value < 9.95)}f}" for value in (min(values), max(values))]
    return " to ".join(dict.fromkeys(texts))


def table(found: Mapping[str, float]) -> str:
    """The lines of README's table."""

    def cell(parts: Cell) -> str:
        return "; ".join(figure(found, what, action, PEER.title) for what, action in parts)

    lines = [f"| {name} | {cell(write)} | {cell(read)} |" for name, write, read in TABLE]
    return "\n".join(["| | write | read |", "|---|---|---|", *lines])


def updated(readme: str, page: str) -> str:
    """README with the figures of a page."""
    found = ratios(page)
    gzip = (*LARGE, EVENTS)
    write, read = (figure(found, gzip, action, PEER.title) for action in ("write", "read"))
    synced = figure(found, gzip, "write", DURABLE.title)
    [commit] = re.findall(r"at commit (\w+)", page)
    for pattern, text in (
        (rf"(?<={BEGIN}\n).*(?=\n{END})", f"\n{table(found)}\n"),
        (
            r"(?<=\| gzip, on two cores \| 1 \| )[^|]*",
            f"written {write}, read {read} times as fast ",
        ),
        (r"(?<=with fsync, gzip is written )[^)]*", f"{synced} times as fast"),
        (r"(?<=measured at commit\n|measured at commit )\w+", commit),
    ):
        readme, count = re.subn(pattern, text.replace("\\", r"\\"), readme, flags=re.DOTALL)
        if count != 1:
            raise ValueError(f"README has {count} places for {text!r}")
    return readme


def main() -> int:
    """Write README anew."""
    text = updated(README.read_text(encoding="utf-8"), PAGE.read_text(encoding="utf-8"))
    README.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
