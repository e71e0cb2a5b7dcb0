"""Time several contenders in turn, so that what else the machine does hits all of them alike."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Protocol

import numpy as np

ENOUGH = 10.0
"""Seconds of a race up to which more rounds than asked for are run..."""

MOST = 12
"""...but not more than so many times as many."""

RESERVE = 256 * 2**20
"""Bytes of memory that are taken and given back before anything is timed. The host of a virtual
machine has what was free for a while; to get it from there again takes longer than to read a file,
and hits whoever comes next."""


class Contender(Protocol):
    """Something that does its work once and says how many seconds it took."""

    def seconds(self) -> float: ...


def nothing() -> None:
    """Needs no preparation."""


@dataclass(frozen=True)
class Step:
    """A contender in this process.

    Attributes
    ----------
    run : callable
        What is timed. Its result is thrown away afterwards, untimed.
    before : callable
        What has to be done before, untimed.
    """

    run: Callable[[], object]
    before: Callable[[], object] = nothing

    def seconds(self) -> float:
        self.before()
        gc.collect()
        start = time.perf_counter()
        result = self.run()
        end = time.perf_counter()
        del result
        return end - start


@dataclass(frozen=True)
class Times:
    """Seconds of one contender, round by round."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.seconds)

    def ratios_against(self, other: Times) -> list[float]:
        """Seconds of the other to those of this one, round by round, in ascending order."""
        return sorted(b / a for a, b in zip(self.seconds, other.seconds, strict=True))

    def times_faster_than(self, other: Times) -> float:
        """The median of the ratios: over 1 where this one is faster."""
        return median(self.ratios_against(other))

    def range_against(self, other: Times) -> tuple[float, float]:
        """Quartiles of the ratios."""
        ratios = self.ratios_against(other)
        quarter = len(ratios) // 4
        return ratios[quarter], ratios[-1 - quarter]


def race(
    contenders: Mapping[str, Contender], rounds: int, *, writes: bool = False
) -> dict[str, Times]:
    """Run all contenders in turn, each round in another order, after one round that is not counted.

    Parameters
    ----------
    contenders : mapping
        By name.
    rounds : int
        At least so many rounds count.
    writes : bool
        Whether what they wrote is brought to the disk after each of them, untimed, so that it
        doesn't slow the next.
    """
    names = list(contenders)

    def lap(name: str) -> float:
        np.ones(RESERVE, np.uint8)
        seconds = contenders[name].seconds()
        if writes:
            os.sync()
        return seconds

    start = time.perf_counter()
    for name in names:
        lap(name)
    warm_up = time.perf_counter() - start
    rounds = max(rounds, min(MOST * rounds, int(ENOUGH / warm_up)))
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            seconds[name].append(lap(name))
    return {name: Times(tuple(values)) for name, values in seconds.items()}
