"""``python -m torture``: kill, fill and interrupt it; every file has to be whole afterwards."""

from __future__ import annotations

import argparse
import gc
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torture import (
    attacks,
    far,
    full_disk,
    injection,
    kill_points,
    mutants,
    power_loss,
    random_kills,
    readers,
    signals,
    stream,
    writers,
)
from torture.children import Child
from torture.operations import rehearse_all
from torture.scene import INTERRUPTED, Case, Chosen, Scene, Tally, run_cases


@dataclass(frozen=True)
class Kind:
    """A kind of torture.

    Attributes
    ----------
    cases : callable
        Makes its cases.
    divides : bool
        Whether several processes may share them.
    """

    cases: Callable[[Scene], Iterator[Case]]
    divides: bool = True


KINDS = {
    "kill-points": Kind(kill_points.cases),
    "random-kills": Kind(random_kills.cases),
    "full-disk": Kind(full_disk.cases),
    "readers": Kind(readers.cases, divides=False),
    "writers": Kind(writers.cases),
    "signals": Kind(signals.cases),
    "power-loss": Kind(power_loss.cases),
    "injection": Kind(injection.cases),
    "stream": Kind(stream.cases),
    "mutants": Kind(mutants.cases),
    "attacks": Kind(attacks.cases),
    "far": Kind(far.cases, divides=False),
}
_MEMORY = Path("/dev/shm")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m torture", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(KINDS)}")
    scale = parser.add_mutually_exclusive_group()
    scale.add_argument("--quick", action="store_true", help="a few minutes")
    scale.add_argument("--short", action="store_true", help="what the tests run")
    parser.add_argument("--seed", type=int, help="of all chance; a new one by default")
    parser.add_argument("--case", default="*", help="only those whose name fits, such as '*/3'")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time")
    parser.add_argument("--folder", type=Path, help="where files go; a temporary one by default")
    options = parser.parse_args()
    if strangers := set(options.names) - set(KINDS):
        parser.error(f"{', '.join(sorted(strangers))}: no such kind; known are {', '.join(KINDS)}")
    if sys.platform != "linux":
        parser.error("needs Linux")
    return options


def main() -> int:
    """Run what is asked for; 1 if anything failed."""
    options = arguments()
    seed = secrets.randbelow(2**32) if options.seed is None else options.seed
    scale = 0 if options.short else 1 if options.quick else 2
    print(f"seed {seed}", flush=True)
    prepare()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # children tell what they have done so far
    tallies, times = {}, {}
    for name in options.names or KINDS:
        start = time.monotonic()
        tallies[name] = _tortured(name, options, scale, seed)
        times[name] = time.monotonic() - start
        print(_line(name, tallies[name], times[name]), flush=True)
        if INTERRUPTED in tallies[name].notes:
            break
    print(f"\nseed {seed}\n{_table(tallies, times)}")
    for name, tally in tallies.items():
        for note in tally.notes:
            print(f"{name}: {note}")
    failed = any(tally.failures for tally in tallies.values())
    ran = any(tally.cases for tally in tallies.values())
    print("FAILED" if failed else "nothing failed" if ran else "NOTHING WAS RUN")
    return int(failed or not ran)


def prepare() -> None:
    """Import all that children need, and start no threads, which a fork would not take along."""
    import dask

    dask.config.set(scheduler="synchronous")
    with tempfile.TemporaryDirectory(prefix="hspyio-torture-") as folder:
        rehearse_all(Path(folder))
    gc.collect()
    gc.freeze()  # else every child's first collection copies all of this process' memory


def _tortured(name: str, options: argparse.Namespace, scale: int, seed: int) -> Tally:
    """Run a kind, shared between processes where nothing in it is about time."""
    kind = KINDS[name]
    shares = options.jobs if kind.divides else 1
    children = []
    for share in range(shares):
        chosen = Chosen(options.case, share, shares)
        children.append(Child(partial(_share, name, options, scale, seed, chosen), None))
    tally = Tally()
    for outcome in [child.end() for child in children]:
        if isinstance(outcome.value, Tally):
            tally.add(outcome.value)
        else:
            print(f"FAILED {name}: {outcome}", flush=True)
            tally.failures.append((name, [str(outcome)]))
    return tally


def _share(name: str, options: argparse.Namespace, scale: int, seed: int, chosen: Chosen) -> Tally:
    memory = _MEMORY if options.folder is None and _MEMORY.is_dir() else options.folder
    inside = Path(tempfile.mkdtemp(prefix="hspyio-torture-", dir=options.folder))
    fast = Path(tempfile.mkdtemp(prefix="hspyio-torture-", dir=memory))
    try:
        scene = Scene(inside, fast, scale, seed)
        return run_cases(KINDS[name].cases(scene), name, seed, chosen)
    finally:
        shutil.rmtree(inside, ignore_errors=True)
        shutil.rmtree(fast, ignore_errors=True)


def _line(name: str, tally: Tally, seconds: float) -> str:
    counts = ", ".join(f"{count} {what}" for what, count in sorted(tally.counts.items()))
    return f"{name}: {tally.cases} cases in {seconds:.0f} s: {counts}; {len(tally.failures)} failed"


def _table(tallies: dict[str, Tally], times: dict[str, float]) -> str:
    columns = ("cases", "old", "new", "failures", "seconds")
    lines = [f"{'':16}" + "".join(f"{column:>10}" for column in columns)]
    for name, tally in tallies.items():
        old, new = tally.counts["old"], tally.counts["new"]
        row = (tally.cases, old, new, len(tally.failures), round(times[name]))
        lines.append(f"{name:16}" + "".join(f"{value:>10}" for value in row))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
