"""Everything that changes a file, and what it should make of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import hspyio
from torture.samples import CHUNKS, FIRST, SECOND, STARTS, build, exchange, fresh, made
from torture.states import copy, read_state

Signals = dict[str, hspyio.Signal]
Run = Callable[[Path], object]


@dataclass(frozen=True)
class Operation:
    """One way to change a file.

    Attributes
    ----------
    name : str
        What the tables call it.
    run : callable
        Does it.
    expected : callable
        What the file should hold afterwards, from what it held before.
    repeats : bool
        Whether a second run leaves the same.
    new : bool
        Whether there must be no file before.
    """

    name: str
    run: Run
    expected: Callable[[Signals], Signals]
    repeats: bool = True
    new: bool = False


THIRD = made("Third", 3)
FOURTH = made("Fourth", 4)
OTHER_FIRST = made("First", 5)


def _update(path: Path) -> None:
    name = "First" if "First" in hspyio.open(path) else "Renamed"
    hspyio.update(path, _changed(hspyio.load(path, name=name)))


def _changed(signal: hspyio.Signal) -> hspyio.Signal:
    signal.title = "Renamed"
    signal.metadata["number"] = {"now": ["a", 1, None]}
    signal.metadata["texts"] = ["new"] * 40
    if "many" in signal.metadata:
        del signal.metadata["many"]
    signal.original_metadata["log"] = "short"
    signal.axes[0].name = "y"
    return signal


def _updated(old: Signals) -> Signals:
    """The experiment keeps its place, and gets another name."""
    return {
        "Renamed" if name == "First" else name: _changed(signal.copy())
        if name == "First"
        else signal
        for name, signal in old.items()
    }


def _with_old_data(old: Signals) -> Signals:
    signal = OTHER_FIRST.copy()
    signal.models = {}
    signal.data = old["First"].data
    return {**old, "First": signal}


def _source(path: Path) -> Path:
    """The file that a new one is made from: it stands beside the folder of that."""
    return path.parents[1] / "ours.hspy"


def _without_models(signal: hspyio.Signal) -> hspyio.Signal:
    result = signal.copy()
    result.models = {}
    return result


OPERATIONS = (
    Operation(
        "save-new",
        lambda path: hspyio.save(path, [THIRD, FOURTH], chunks=CHUNKS),
        lambda old: {"Third": THIRD, "Fourth": FOURTH},
        repeats=False,
        new=True,
    ),
    Operation(
        "save-over",
        lambda path: hspyio.save(path, [THIRD, FOURTH], chunks=CHUNKS, overwrite=True),
        lambda old: {"Third": THIRD, "Fourth": FOURTH},
    ),
    Operation("update", _update, _updated),
    Operation(
        "append",
        lambda path: hspyio.append(path, THIRD, chunks=CHUNKS),
        lambda old: {**old, "Third": THIRD},
        repeats=False,
    ),
    Operation(
        "remove",
        lambda path: hspyio.remove(path, "Second"),
        lambda old: {name: signal for name, signal in old.items() if name != "Second"},
        repeats=False,
    ),
    Operation(
        "writer-a",
        lambda path: hspyio.file_writer(
            path, exchange(OTHER_FIRST), chunks=CHUNKS, mode="a", show_progressbar=False
        ),
        lambda old: {**old, "First": _without_models(OTHER_FIRST)},
    ),
    Operation(
        "writer-metadata",
        lambda path: hspyio.file_writer(
            path, exchange(OTHER_FIRST), write_dataset=False, show_progressbar=False
        ),
        _with_old_data,
    ),
    Operation(
        "repack",
        lambda path: hspyio.repack(path, path, overwrite=True),
        dict,
    ),
    Operation(
        "repack-new",
        lambda path: hspyio.repack(_source(path), path),
        lambda old: {"First": FIRST, "Second": SECOND},
        repeats=False,
        new=True,
    ),
    Operation(
        "extract",
        lambda path: hspyio.extract(_source(path), "Second", path),
        lambda old: {"Second": SECOND},
        repeats=False,
        new=True,
    ),
    Operation("upgrade", lambda path: hspyio.upgrade(path, path, overwrite=True), dict),
    Operation("add_nexus", hspyio.add_nexus, dict),
)
BY_NAME = {operation.name: operation for operation in OPERATIONS}


def rehearse_all(folder: Path) -> None:
    """Run everything once in this process, so that no child has to import anything."""
    for start in STARTS:
        read_state(build(folder, start))
    for operation in OPERATIONS:
        path = fresh(folder / "rehearsal") / "a.hspy"
        if not operation.new:
            copy(build(folder, "ours"), path)
        operation.run(path)
