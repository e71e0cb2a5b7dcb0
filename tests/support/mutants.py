"""Damaged copies of a file, each from a number, and what loading makes of them.

Run as a script by `unit/api/test_sealing.py`: HDF5 itself can hang or crash on a damaged file.
"""

from __future__ import annotations

import random
import signal
import sys
import warnings
from pathlib import Path

import hspyio
from hspyio.compare import signal_differences

SECONDS = 5.0


def mutant(content: bytes, seed: int) -> bytes:
    """A copy of a file with a bit, some bytes or two blocks of it changed, or cut off."""
    choice = random.Random(seed)
    changed = bytearray(content)
    size = len(changed)
    match choice.randrange(8):
        case 0:
            length = choice.choice([8, 64, 512])
            start = choice.randrange(size)
            changed[start : start + length] = bytes(min(length, size - start))
        case 1:
            length = choice.choice([8, 64, 512])
            one, other = (choice.randrange(size - length) // 8 * 8 for _ in range(2))
            first, second = content[one : one + length], content[other : other + length]
            changed[one : one + length], changed[other : other + length] = second, first
        case 2:
            del changed[choice.randrange(size) :]
        case _:
            for _ in range(choice.choice([1, 1, 1, 3])):
                changed[choice.randrange(size)] ^= 1 << choice.randrange(8)
    return bytes(changed)


def listing(path: Path, names: list[str]) -> str:
    """The same of the list of experiments, from which one may have vanished."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            found = list(hspyio.open(path))
        except hspyio.HspyError:
            return "noticed"
    return "same" if found == names or said else f"silently changed: {found}"


def outcome(path: Path, name: str, original: hspyio.Signal) -> str:
    """``noticed`` or ``same``; else what went wrong unnoticed."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            found = hspyio.load(path, name=name)
        except hspyio.HspyError:
            return "noticed"
    if any(issubclass(item.category, hspyio.HspyWarning) for item in said):
        return "noticed"
    differences = signal_differences(found, original)
    return f"silently changed: {differences[:3]}" if differences else "same"


def main(path: Path, first: int, last: int) -> None:
    """Print what becomes of each mutant, a line each; a hang ends the process."""
    content = path.read_bytes()
    with hspyio.open(path) as experiments:
        originals = {name: hspyio.load(path, name=name) for name in experiments}
    damaged = path.with_suffix(".mutant")
    for seed in range(first, last):
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        damaged.write_bytes(mutant(content, seed))
        found = {outcome(damaged, name, signal_) for name, signal_ in originals.items()}
        found.add(listing(damaged, list(originals)))
        print(seed, *sorted(found - {"same"}) or ["same"], flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
