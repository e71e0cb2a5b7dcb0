"""One process changes a file over and over, another reads it: always a whole state."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np

import hspyio
from torture.children import PATIENCE, Child
from torture.samples import build, exchange, fresh, made
from torture.scene import Case, Chance, Result, Scene
from torture.states import copy

_STARTS = ("ours", "rosettasciio", "latest")
_BATCH = 10
_LONGEST = 30_000_000
"""Bytes at which the writer makes the file small again, by a save over it."""


def cases(scene: Scene) -> Iterator[Case]:
    folder = scene.folder / "readers"
    folder.mkdir()
    for writer in WRITERS:
        rounds = scene.much(10, 30, 500 if writer == "update" else 150)
        for reader in READERS if scene.scale or writer == "update" else ("load",):
            for number in range(0, rounds, _BATCH):
                start = _STARTS[number // _BATCH % len(_STARTS)]
                label = f"{writer}/{reader}/{start}/{number // _BATCH}"
                yield Case(label, partial(_read, folder, start, writer, reader))


# what is written: everything in it tells the number of the round


def _round(number: int) -> hspyio.Signal:
    return _numbered(made("First", 1), number)


def _numbered(signal: hspyio.Signal, number: int) -> hspyio.Signal:
    signal.title = f"Round {number}"
    signal.metadata["many"] = {f"value {i}": number for i in range(100)}
    signal.original_metadata["array"] = np.full(600, number)
    signal.attributes["comment"] = f"{number}"
    signal.axes[0].offset = float(number)
    return signal


def _update(path: Path, number: int) -> None:
    [name] = [name for name in hspyio.open(path) if name != "Second"]
    hspyio.update(path, _numbered(hspyio.load(path, name=name), number), name=name)


def _save(path: Path, number: int) -> None:
    hspyio.save(path, _round(number), overwrite=True, durable=False)


def _write_metadata(path: Path, number: int) -> None:
    """By RosettaSciIO's interface, which finds the experiment by its title."""
    signal = _round(number)
    signal.title = "First"
    if number == 0:
        hspyio.save(path, signal, overwrite=True, durable=False)
    else:
        hspyio.file_writer(path, exchange(signal), write_dataset=False, durable=False)


WRITERS: dict[str, Callable[[Path, int], object]] = {
    "update": _update,
    "save": _save,
    "write-dataset-false": _write_metadata,
}


def _write_on(path: Path, write: Callable[[Path, int], object]) -> None:
    """Until it is killed."""
    number = 0
    while True:
        number += 1
        write(path, number)
        if path.stat().st_size > _LONGEST:
            _save(path, number)


# what is read: the rounds that its parts tell


def _told(signal: hspyio.Signal) -> set[int]:
    return {
        *signal.metadata["many"].as_dictionary().values(),
        *signal.original_metadata["array"].tolist(),
        int(signal.attributes["comment"]),
        int(signal.axes[0].offset),
        *([int(signal.title.split()[1])] if " " in signal.title else []),
    }


def _of_dict(item: dict[str, Any]) -> set[int]:
    title = item["metadata"]["General"]["title"]
    return {
        *item["metadata"]["many"].values(),
        *np.asarray(item["original_metadata"]["array"]).tolist(),
        int(item["attributes"]["comment"]),
        int(item["axes"][0]["offset"]),
        *([int(title.split()[1])] if " " in title else []),
    }


def _by_load(path: Path, result: Result) -> set[int]:
    [signal] = [s for s in _all(path) if s["metadata"]["General"]["title"] != "Second"]
    _check_data(signal["data"], result)
    return _of_dict(signal)


def _all(path: Path) -> list[dict[str, Any]]:
    return hspyio.file_reader(path)


def _by_signal(path: Path, result: Result) -> set[int]:
    """The file has no other experiment, once it has been saved over."""
    hspyio.open(path)
    try:
        signal = hspyio.load(path)
    except hspyio.HspyError as error:
        if "Second" not in str(error):
            raise
        return _by_load(path, result)
    _check_data(signal.data, result)
    return _told(signal)


def _lazily(path: Path, result: Result) -> set[int]:
    """The data are read when the file is no longer what it was."""
    items = hspyio.file_reader(path, lazy=True)
    [signal] = [item for item in items if item["metadata"]["General"]["title"] != "Second"]
    _wait_for_change(path)
    _check_data(signal["data"].compute(), result)
    return _of_dict(signal)


def _by_rosettasciio(path: Path, result: Result) -> set[int]:
    from rsciio.hspy import file_reader

    items = file_reader(path)
    [signal] = [item for item in items if item["metadata"]["General"]["title"] != "Second"]
    _check_data(signal["data"], result)
    return _of_dict(signal)


def _through_handle(path: Path, result: Result) -> set[int]:
    """A handle of HDF5, half used before the file changes, and half after."""
    with h5py.File(path, "r") as file:
        [name] = [name for name in file["Experiments"] if name != "Second"]
        group = file["Experiments"][name]
        before = {int(value) for value in group["metadata/many"].attrs.values()}
        _wait_for_change(path)
        visited: list[str] = []
        file.visit(visited.append)
        again = {int(value) for value in group["metadata/many"].attrs.values()}
        _check_data(group["data"][...], result)
        title = group["metadata/General"].attrs["title"]
        return {
            *before,
            *again,
            *group["original_metadata/array"][()].tolist(),
            int(group["axis-0"].attrs["offset"]),
            *([int(title.split()[1])] if " " in title else []),
        }


READERS: dict[str, Callable[[Path, Result], set[int]]] = {
    "file-reader": _by_load,
    "load": _by_signal,
    "lazy": _lazily,
    "rosettasciio": _by_rosettasciio,
    "handle": _through_handle,
}


def _check_data(data: Any, result: Result) -> None:
    result.expect(np.array_equal(data, made("First", 1).data), "other data")


def _wait_for_change(path: Path) -> None:
    before, end = _mark(path), time.monotonic() + PATIENCE
    while _mark(path) == before and time.monotonic() < end:
        time.sleep(0.001)


def _mark(path: Path) -> tuple[int, ...]:
    status = os.stat(path)
    return status.st_ino, status.st_mtime_ns, status.st_size


# a batch of rounds


def _read(
    folder: Path, start: str, writer: str, reader: str, chance: Chance, result: Result
) -> None:
    path = copy(build(folder, start), fresh(folder / "case") / "a.hspy")
    write = WRITERS[writer]
    write(path, 0)
    child = Child(partial(_write_on, path, write))
    try:
        rounds = set()
        for _ in range(_BATCH):
            time.sleep(chance.uniform(0, 0.02))
            found = READERS[reader](path, result)
            result.counts["reads"] += 1
            if result.expect(len(found) == 1, f"a mixed state, of rounds {sorted(found)[:9]}"):
                rounds |= found
        result.counts["states"] += len(rounds)
    finally:
        child.kill(signal.SIGKILL)
        outcome = child.end()
    result.expect(outcome.by(signal.SIGKILL), f"the writer: {outcome}")
