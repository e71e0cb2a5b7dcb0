"""What is measured on: one function a workload, all of them seeded, and a table of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.exchange import Dataset, random_patterns


def stem(quick: bool) -> Dataset:
    """4D-STEM: counts of a pixel detector."""
    side = 16 if quick else 48
    return Dataset(random_patterns(side * side, 128).reshape(side, side, 128, 128), 2)


def small_stem(quick: bool) -> Dataset:
    """4D-STEM on a small detector: 128 MiB in many chunks, for lazy work."""
    side = 32 if quick else 128
    return Dataset(random_patterns(side * side, 64).reshape(side, side, 64, 64), 2)


def eels(quick: bool) -> Dataset:
    """EELS: counts of a decaying spectrum with two edges, as float."""
    side, channels = (32 if quick else 96), 2048
    rng = np.random.default_rng(1)
    energy = np.linspace(100, 1100, channels)
    expected = 600 * (energy / 100) ** -2.6
    expected += 25 * (energy > 284) * (energy / 284) ** -3 + 4 * (energy > 532)
    data = np.empty((side, side, channels), np.float32)
    for row in data:
        row[...] = rng.poisson(expected * rng.uniform(0.6, 1.4, (side, 1)))
    return Dataset(data, 1)


def noise(quick: bool) -> Dataset:
    """Random floats: what hardly compresses."""
    rows, columns = (25, 25) if quick else (100, 50)
    return Dataset(np.random.default_rng(2).random((rows, columns, 2048)), 1)


def events(quick: bool) -> Dataset:
    """A sparse map of single events, which compresses about 50 times."""
    side = 16 if quick else 48
    rng = np.random.default_rng(3)
    data = np.zeros((side, side, 192, 192), np.uint8)
    places = rng.integers(0, data.size, round(data.size * EVENTS))
    data.reshape(-1)[places] = rng.integers(1, 3, places.size)
    return Dataset(data, 2)


EVENTS = 0.007
"""Events per element, so that RosettaSciIO's gzip makes the map 50 times smaller."""


def ragged(quick: bool) -> Dataset:
    """Peaks found in each pattern: from 3 to 40 positions."""
    side = 48 if quick else 128
    rng = np.random.default_rng(4)
    data = np.empty((side, side), object)
    for index in np.ndindex(data.shape):
        data[index] = rng.random((rng.integers(3, 41), 2))
    return Dataset(data, 0)


def leaves(quick: bool) -> Dataset:
    """Metadata of 10,000 leaves in 100 groups: numbers, text, flags."""
    groups = 20 if quick else 100

    def leaf(number: int) -> Any:
        return (number, number / 7, f"value {number}", number % 3 == 0)[number % 4]

    tree = {
        f"group {i}": {f"leaf {j}": leaf(100 * i + j) for j in range(100)} for i in range(groups)
    }
    return _small(tree)


def lists(quick: bool) -> Dataset:
    """Metadata of 1,000 lists of 20: ints, floats or texts."""
    kinds: tuple[Callable[[int], Any], ...] = (int, lambda n: n / 7, "item {}".format)
    count = 200 if quick else 1000
    return _small({f"list {i}": [kinds[i % 3](i + k) for k in range(20)] for i in range(count)})


def mixed_lists(quick: bool) -> Dataset:
    """Metadata of 1,000 lists of 20, each of ints, floats, texts and None."""
    count = 200 if quick else 1000
    return _small({f"list {i}": [i, i / 7, f"item {i}", None] * 5 for i in range(count)})


def _small(tree: dict[str, Any]) -> Dataset:
    return Dataset(np.arange(64.0).reshape(8, 8), 2, tree)


@dataclass(frozen=True)
class Pair:
    """Targets: how many times as fast as RosettaSciIO; none for information only."""

    write: float | None = None
    read: float | None = None


@dataclass(frozen=True)
class Workload:
    """A workload, what is measured on it, and the targets.

    Attributes
    ----------
    key : str
        Its letter.
    name : str
        For a person.
    make : callable
        ``quick -> dataset``.
    default : Pair
        Default options: gzip.
    one_thread, plain : Pair, optional
        gzip with one thread; uncompressed.
    plugins : float, optional
        Reading files that hdf5plugin's Blosc and Zstd made.
    bounds : bool
        Whether it is measured against zspy and the codecs alone too.
    size : float, optional
        Size of the file against RosettaSciIO's.
    """

    key: str
    name: str
    make: Callable[[bool], Dataset]
    default: Pair
    one_thread: Pair | None = None
    plain: Pair | None = None
    plugins: float | None = None
    bounds: bool = False
    size: float | None = None

    @property
    def label(self) -> str:
        return f"({self.key}) {self.name}"


_ONE = Pair(5, 1.8)
_PLAIN = Pair(1.4, 1.3)

WORKLOADS: tuple[Workload, ...] = (
    Workload("a", "4D-STEM uint16", stem, Pair(8, 4.2), _ONE, _PLAIN, 1.5, True, 1.06),
    Workload("b", "EELS float32", eels, Pair(8, 4.2), _ONE, _PLAIN, 1.5, True, 1.06),
    Workload("c", "random float64", noise, Pair(10, 3.3), _ONE, bounds=True, size=1.06),
    Workload("d", "sparse uint8", events, Pair(8, 4), size=1.25),
    Workload("e", "ragged float64", ragged, Pair(3, 2)),
    Workload("f", "10,000 leaves", leaves, Pair(2, 1.3)),
    Workload("g", "1,000 lists", lists, Pair(2, 1.3)),
    Workload("g", "1,000 mixed lists", mixed_lists, Pair()),
)
