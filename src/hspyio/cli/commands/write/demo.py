"""``hspy demo``: a round trip, of a simulated spectrum image or of a file of one's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Annotated, TypeVar

import hspyio
from hspyio.cli.commands.look.info import show_file
from hspyio.cli.console import Console, one_line, stored_text
from hspyio.cli.usage import Argument, Exit, Option, Place
from hspyio.compare import signal_differences
from hspyio.testing.simulated import eds_map

__all__ = ["demo"]

DEMO_FILE = Path("demo.hspy")
T = TypeVar("T")


def demo(
    file: Annotated[
        Place | None, Argument(help="A file of yours to take instead.", metavar="FILE")
    ] = None,
    overwrite: Annotated[
        bool, Option("--overwrite", help="Replace what stands under the name.")
    ] = False,
) -> None:
    """Save, load and compare: proves that nothing is lost.

    Without FILE it simulates an EDS spectrum image and saves it as demo.hspy. With FILE it loads
    every experiment of it and saves them as FILE's name with "-resaved"; FILE stays as it is. What
    it writes goes to the current folder. The exit code is 1 if anything was lost.
    Example: hspy demo map.hspy
    """
    console = Console()
    if file:
        equal = _round_trip_of_file(console, file, overwrite=overwrite)
    else:
        equal = _round_trip_of_simulation(console, overwrite=overwrite)
    if not equal:
        raise Exit(1)


def _round_trip_of_simulation(console: Console, *, overwrite: bool) -> bool:
    signal, seconds = _timed(eds_map)
    overwrite = overwrite or _is_made_by_demo(signal)
    _step(console, seconds, f"simulated {signal}, {int(signal.data.sum()):,} counts")
    _save(console, DEMO_FILE, [signal], overwrite=overwrite)
    loaded, seconds = _timed(lambda: hspyio.load(DEMO_FILE))
    _step(console, seconds, f"loaded {loaded}")
    lines = loaded.metadata.Sample.intensities
    _step(console, None, f"with {len(lines)} signals in its metadata, one a line: {lines[0]} ...")
    equal = _tell(console, signal_differences(signal, loaded))
    console.print()
    show_file(console, Place(DEMO_FILE))
    console.print()
    console.print(f"Here:        hspy info --tree {DEMO_FILE}")
    console.print(f'In HyperSpy: hs.load("{DEMO_FILE}"), with eXSpy, which has its classes for EDS')
    return equal


def _is_made_by_demo(signal: hspyio.Signal) -> bool:
    """Whether what stands there is that of an earlier run, and nothing of the user's."""
    try:
        found = hspyio.info(DEMO_FILE).experiments
    except hspyio.HspyError:
        return False
    return [one.title for one in found] == [signal.title]


def _round_trip_of_file(console: Console, file: Place, *, overwrite: bool) -> bool:
    show_file(console, file)
    console.print()
    before = _load_all(console, file)
    if not before:
        console.print("No experiment to save.")
        return True
    target = Path(f"{file.stem}-resaved.hspy")
    _save(console, target, before, overwrite=overwrite)
    after = _load_all(console, Place(target))
    return _tell(console, _left_behind(file) + _differences(before, after))


def _load_all(console: Console, file: Place) -> list[hspyio.Signal]:
    def load() -> list[hspyio.Signal]:
        with hspyio.open(file) as experiments:
            return [hspyio.load(file, name=group) for group in experiments]

    signals, seconds = _timed(load)
    for index, signal in enumerate(signals):
        _step(console, None if index else seconds, f"loaded {signal}")
    return signals


def _save(console: Console, target: Path, signals: list[hspyio.Signal], *, overwrite: bool) -> None:
    _, seconds = _timed(lambda: hspyio.save(target, signals, overwrite=overwrite))
    in_memory = sum(int(signal.data.nbytes) for signal in signals)
    in_file = target.stat().st_size
    _step(console, seconds, f"saved {target}: {stored_text(in_file, in_memory)}")


def _left_behind(file: Place) -> list[str]:
    """What belongs to the file and to none of its experiments: a save of signals leaves it out."""
    with hspyio.open(file) as experiments:
        attributes = [f"attribute {one_line(name)} of /Experiments" for name in experiments.attrs]
        models = [f"model {one_line(name)}, of no signal" for name in experiments.models]
    return [f"{left}: not saved" for left in attributes + models]


def _differences(before: list[hspyio.Signal], after: list[hspyio.Signal]) -> list[str]:
    """Compare signals in any order: a file lists them by name, and names follow titles."""
    unmatched = list(after)
    found = []
    for signal in before:
        alike = [other for other in unmatched if other.title == signal.title]
        if not alike:
            found.append(f"{signal}: not found again")
            continue
        compared = [signal_differences(signal, other) for other in alike]
        best = min(range(len(alike)), key=lambda index: len(compared[index]))
        found += compared[best]
        unmatched = [other for other in unmatched if other is not alike[best]]
    return found + [f"{signal}: was not there" for signal in unmatched]


def _tell(console: Console, differences: list[str]) -> bool:
    for difference in differences:
        console.print(f"differs: {difference}", style="red")
    if not differences:
        text = "equal: data, axes, metadata, their types and order. Nothing was lost."
        console.print(text, style="green")
    return not differences


def _timed(action: Callable[[], T]) -> tuple[T, float]:
    start = perf_counter()
    value = action()
    return value, perf_counter() - start


def _step(console: Console, seconds: float | None, text: str) -> None:
    duration = "" if seconds is None else f"{seconds:.2f} s"
    console.print(f"{duration:>8}  {text}")
