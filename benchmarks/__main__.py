"""``python -m benchmarks``: measure, print, and write the page of the docs. Needs Linux."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from benchmarks import baseline
from benchmarks.far import measure_far
from benchmarks.machine import machine, versions
from benchmarks.many_chunks import measure_lazy_opening, measure_many_chunks
from benchmarks.measuring import measure_measuring
from benchmarks.memory import measure_memory, measure_streams
from benchmarks.navigators import measure_navigators
from benchmarks.report import Report, page, print_report, write_page
from benchmarks.rows import CHECK, Row
from benchmarks.runs import (
    Bench,
    measure_cold_start,
    measure_lazy,
    measure_lazy_whole,
    measure_many_files,
    measure_workload,
)
from benchmarks.scaling import measure_growth, measure_threads
from benchmarks.workloads import WORKLOADS
from benchmarks.zspy import NoZspyError, Zspy

PARTS = (*dict.fromkeys(workload.key for workload in WORKLOADS), *"hijklmnopq", "memory")
PAGE = Path("docs/benchmarks.md")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, 3 rounds")
    parser.add_argument("--only", default=",".join(PARTS), help="some of: %(default)s")
    parser.add_argument("--rounds", type=int, help="at least so many; 7 by default")
    parser.add_argument("--folder", type=Path, help="where files go; a temporary one by default")
    parser.add_argument(
        "--output", type=Path, help=f"the page; {PAGE} by default, none if only some parts run"
    )
    parser.add_argument(
        "--compare", action="store_true", help="name the rows that are slower than the baseline"
    )
    options = parser.parse_args()
    options.only = options.only.split(",")
    if strangers := set(options.only) - set(PARTS):
        parser.error(f"--only: {', '.join(sorted(strangers))}; known are {', '.join(PARTS)}")
    if sys.platform != "linux":
        parser.error("needs Linux")
    return options


def main() -> int:
    """Run what is asked for; 1 if a part failed, or a file doesn't hold what was saved."""
    options = arguments()
    console = Console(width=None if sys.stdout.isatty() else 150)
    start = time.monotonic()
    report, failed = measure(options, console)
    console.rule()
    print_report(report, console)
    console.print(f"Took {time.monotonic() - start:.0f} s.")
    whole = not options.quick and set(options.only) == set(PARTS)
    output = options.output or (PAGE if whole else None)
    if output is not None:
        write_page(report, output, " ".join(("python -m benchmarks", *sys.argv[1:])))
        console.print(f"Wrote {output}.")
    if options.compare:
        lines = list(
            baseline.slower(baseline.ratios("\n".join(page(report, ""))), baseline.known())
        )
        for line in lines or ["No row is slower than the baseline."]:
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    return int(failed or any(row.section == CHECK and not row.met for row in report.rows))


def measure(options: argparse.Namespace, console: Console) -> tuple[Report, bool]:
    """The report, and whether a part failed: the others are measured all the same."""
    notes = ["Small sizes (--quick): not the figures that count."] if options.quick else []
    rows: list[Row] = []
    failed = False
    with ExitStack() as stack:
        inside = tempfile.TemporaryDirectory(prefix="hspyio-bench-", dir=options.folder)
        folder = Path(stack.enter_context(inside))
        facts, found = machine(folder), versions()
        zspy = None
        try:
            zspy = stack.enter_context(Zspy(folder / "zspy.log"))
            found |= zspy.ask("versions")
        except NoZspyError as error:
            notes.append(f"zspy was not measured: {error}.")
        rounds = options.rounds or (3 if options.quick else 7)
        bench = Bench(folder / "files", options.quick, rounds, zspy)
        for part in options.only:
            try:
                rows.extend(_measured(bench, part, console))
            except Exception as error:
                traceback.print_exc()
                failed = True
                notes.append(f"({part}) ended early: {type(error).__name__}: {error}")
    return Report(tuple(rows), facts, found, tuple(notes)), failed


def _measured(bench: Bench, part: str, console: Console) -> Iterator[Row]:
    """The rows of a part, told as they come."""
    for run in _runs(bench, part):
        shutil.rmtree(bench.folder, ignore_errors=True)
        bench.folder.mkdir()
        for row in run:
            verdict = {None: "", True: "met", False: "NOT MET"}[row.met]
            texts = (row.section.title, row.what, row.action, row.figure, row.target, verdict)
            line = " | ".join(filter(None, texts))
            console.print(line, markup=False, highlight=False, soft_wrap=True)
            yield row


def _runs(bench: Bench, part: str) -> Iterator[Iterator[Row]]:
    if part == "h":
        yield measure_cold_start(bench)
    elif part == "i":
        yield measure_lazy(bench)
    elif part == "j":
        yield measure_lazy_whole(bench)
    elif part == "k":
        yield measure_many_files(bench)
    elif part == "l":
        yield measure_many_chunks(bench)
    elif part == "m":
        yield measure_lazy_opening(bench)
    elif part == "n":
        yield measure_navigators(bench)
    elif part == "o":
        yield measure_measuring(bench)
    elif part == "p":
        yield measure_far(bench)
    elif part == "q":
        yield measure_threads(bench)
        yield measure_growth(bench)
    elif part == "memory":
        yield measure_streams(bench.folder, quick=bench.quick)
        yield measure_memory(bench.folder, quick=bench.quick)
    else:
        yield from (measure_workload(bench, w) for w in WORKLOADS if w.key == part)


if __name__ == "__main__":
    sys.exit(main())
