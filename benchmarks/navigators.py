"""What a navigator adds to a save: of an array in memory, of a lazy one, and to a repack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import h5py
import numpy as np

import hspyio
from benchmarks import rows
from benchmarks.contenders import our_lazy_writing, our_writing
from benchmarks.exchange import Dataset
from benchmarks.measure import Contender, Step, race
from benchmarks.rows import NAVIGATOR, Row
from benchmarks.runs import Bench, checked
from benchmarks.workloads import small_stem

TARGET = 1.05
"""Times as long, at most."""
TURNS = 8
"""Times as many rounds as elsewhere: one round differs from the next by more than is allowed."""


def measure_navigators(bench: Bench) -> Iterator[Row]:
    """Rows for each way to save, and whether the sums are exact."""
    source, bare, more = (bench.folder / f"{n}.hspy" for n in ("source", "without", "with"))
    dataset = small_stem(bench.quick)
    our_writing(dataset, source).run()
    actions: dict[str, Mapping[str, Contender]] = {
        "save lazily": {
            "without": our_lazy_writing(source, bare),
            "with": our_lazy_writing(source, more, navigator="sum"),
        },
        "repack": {"without": _repack(source, bare), "with": _repack(source, more, "sum")},
        "save": {
            "without": our_writing(dataset, bare),
            "with": our_writing(dataset, more, navigator="sum"),
        },
    }
    for action, pair in actions.items():
        times = race(pair, TURNS * bench.rounds, writes=True)
        what = "(n) 4D-STEM uint16 with a navigator"
        ours, theirs = times["with"], times["without"]
        yield rows.longer(NAVIGATOR, what, action, ours=ours, theirs=theirs, target=TARGET)
        problems = _differences(more, dataset)
        yield rows.check(f"{what}, {action}: its sums", 1, dataset.data.size, problems)
    yield checked("(n) 4D-STEM uint16 with a navigator", dataset, bare, more)


def _repack(source: Path, path: Path, navigator: str | None = None) -> Step:
    def run() -> None:
        hspyio.repack(
            source, path, overwrite=True, durable=False, progress=False, navigator=navigator
        )

    return Step(run)


def _differences(path: Path, dataset: Dataset) -> list[str]:
    """What of the stored navigator is not numpy's sum, to the last bit."""
    expected = dataset.data.sum((2, 3), dtype=np.uint64)
    with h5py.File(path) as file:
        [experiment] = file["Experiments"].values()
        stored = experiment["metadata/_HyperSpy/_sig_navigator/data"][()]
    return [] if np.array_equal(stored, expected) else ["the navigator is another"]
