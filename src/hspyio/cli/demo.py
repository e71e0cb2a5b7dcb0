"""``hspy demo``: a round trip, of a simulated spectrum image or of a file of one's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

import hspyio
from hspyio.cli.console import make_console, one_line, size_text
from hspyio.cli.info import show_file
from hspyio.cli.simulate import eds_map
from hspyio.differences import signal_differences

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["demo"]

DEMO_FILE = Path("demo.hspy")
T = TypeVar("T")


def demo(
    file: Annotated[
        Path | None, typer.Argument(help="A file of yours to take instead.", metavar="FILE")
    ] = None,
) -> None:
    """Save, load and compare: proves that nothing is lost.

    Without FILE it simulates an EDS spectrum image and saves it as demo.hspy. With FILE it loads
    every experiment of it and saves them as FILE's name with "-resaved"; FILE stays as it is. What
    it writes goes to the current folder.
    """
    console = make_console()
    equal = _round_trip_of_file(console, file) if file else _round_trip_of_simulation(console)
    if not equal:
        raise typer.Exit(1)


def _round_trip_of_simulation(console: Console) -> bool:
    signal, seconds = _timed(eds_map)
    counts = int(signal.data.sum())
    _step(console, seconds, f"Simulated {one_line(signal.title)}: {signal}, {counts:,} counts")
    _save(console, DEMO_FILE, [signal])
    loaded, seconds = _timed(lambda: hspyio.load(DEMO_FILE))
    _step(console, seconds, f"Loaded {loaded}")
    lines = loaded.metadata.Sample.intensities
    _step(
        console,
        None,
        f"Its metadata hold {len(lines)} signals in a list, the maps of the lines; the first: "
        f"{lines[0]}",
    )
    equal = _compare(console, {"data": signal}, {"data": loaded})
    console.print()
    show_file(console, DEMO_FILE)
    console.print()
    console.print(f'In HyperSpy: hs.load("{DEMO_FILE}")    Here: hspy info --tree {DEMO_FILE}')
    return equal


def _round_trip_of_file(console: Console, file: Path) -> bool:
    show_file(console, file)
    console.print()
    first = _load_all(console, file)
    if not first:
        console.print("No experiment to save.")
        return True
    target = Path(f"{file.stem}-resaved.hspy")
    _save(console, target, list(first.values()))
    return _compare(console, first, _load_all(console, target))


def _load_all(console: Console, file: Path) -> dict[str, hspyio.Signal]:
    def load() -> dict[str, hspyio.Signal]:
        with hspyio.open(file) as experiments:
            groups = list(experiments)
        return {group: hspyio.load(file, name=group) for group in groups}

    loaded, seconds = _timed(load)
    _step(console, seconds, f"Loaded {len(loaded)} of {file}")
    for signal in loaded.values():
        _step(console, None, f"  {signal}")
    return loaded


def _save(console: Console, target: Path, signals: list[hspyio.Signal]) -> None:
    _, seconds = _timed(lambda: hspyio.save(target, signals, overwrite=True))
    in_memory = sum(int(signal.data.nbytes) for signal in signals)
    in_file = target.stat().st_size
    _step(
        console,
        seconds,
        f"Saved {target}: {size_text(in_file)} for {size_text(in_memory)} of data",
    )


def _compare(
    console: Console, before: dict[str, hspyio.Signal], after: dict[str, hspyio.Signal]
) -> bool:
    differences = [f"{name}: only before" for name in before.keys() - after.keys()]
    differences += [f"{name}: only after" for name in after.keys() - before.keys()]
    for name in before.keys() & after.keys():
        differences += signal_differences(before[name], after[name])
    for difference in differences:
        console.print(f"  differs: {difference}", style="red")
    if not differences:
        text = "Compared: equal in data, axes, metadata, types and order. Nothing was lost."
        console.print(text, style="green")
    return not differences


def _timed(action: Callable[[], T]) -> tuple[T, float]:
    start = perf_counter()
    value = action()
    return value, perf_counter() - start


def _step(console: Console, seconds: float | None, text: str) -> None:
    duration = "" if seconds is None else f"{seconds:.2f} s"
    console.print(f"{duration:>8}  {text}", soft_wrap=True)
