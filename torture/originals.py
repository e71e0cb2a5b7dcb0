"""Good files of every kind, which are then damaged."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

import hspyio
from hspyio.hdf5.format.superblock import lookup3
from torture.samples import CHUNKS, made

_ROOT = Path(__file__).resolve().parents[1]
_FOLDERS = {"archive": _ROOT / "tests" / "archive", "shared": _ROOT.parent / "shared" / "data"}


@dataclass(frozen=True)
class Original:
    """A good file.

    Attributes
    ----------
    name : str
        What cases call it.
    content : bytes
        The file.
    sealed : bool
        Whether it was saved with ``checksum=True``.
    signals : dict
        What it holds, by group name.
    """

    name: str
    content: bytes
    sealed: bool
    signals: dict[str, hspyio.Signal]


def originals(folder: Path) -> list[Original]:
    """All of them; ours are made in a folder."""
    folder.mkdir(exist_ok=True)
    found = []
    for name in OURS:
        path = folder / f"{name}.hspy"
        path.write_bytes(made_without_times(name, folder))
        found.append(_original(f"ours/{name}", path, name.startswith("sealed")))
    for kind, home in _FOLDERS.items():
        files = sorted(path for path in home.glob("*") if path.suffix in (".hspy", ".hdf5"))
        found += [_original(f"{kind}/{path.stem}", path, False) for path in files]
    return found


def made_without_times(name: str, folder: Path) -> bytes:
    """One of `OURS`, the same at any time."""
    path = folder / "new.hspy"
    OURS[name](path)
    content = _without_times(path.read_bytes())
    path.unlink()
    return content


def _without_times(content: bytes) -> bytes:
    """A file that is the same whenever it was made, so that a seed makes the same mutants of it.

    Headers of objects of version 2 begin with a signature, a version, flags, and if the flags say
    so four times, two limits; then the length of what follows, and after that a checksum.
    """
    changed = bytearray(content)
    for found in re.finditer(rb"OHDR\x02", content):
        start, flags = found.start(), content[found.end()]
        if flags & 0x20:
            place = start + 22
            changed[start + 6 : place] = bytes(16)
            place += 4 * bool(flags & 0x10)
            width = 1 << (flags & 3)
            end = place + width + int.from_bytes(content[place : place + width], "little")
            changed[end : end + 4] = lookup3(bytes(changed[start:end])).to_bytes(4, "little")
    return bytes(changed)


def _original(name: str, path: Path, sealed: bool) -> Original:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = list(hspyio.open(path))
        signals = {group: hspyio.load(path, name=group, threads=1) for group in names}
    return Original(name, path.read_bytes(), sealed, signals)


def _small(title: str, number: int) -> hspyio.Signal:
    """A signal with values of every kind in its trees."""
    signal = made(title, number)
    signal.metadata["list"] = [1, "two", None, {"three": 3.0}]
    signal.metadata["mask"] = np.ma.masked_equal(np.arange(5), 3)
    signal.original_metadata["inside"] = hspyio.Signal(
        np.arange(3.0), metadata={"General": {"title": "inside"}}
    )
    return signal


def _ragged() -> hspyio.Signal:
    data = np.empty(40, dtype=object)
    for i in range(40):
        data[i] = np.arange(i, dtype=float)
    return hspyio.Signal(data, signal_dimension=0, metadata={"General": {"title": "Ragged"}})


def _one(**options: Any) -> Callable[[Path], object]:
    return lambda path: hspyio.save(path, _small("One", 1), durable=False, **options)


def _two(**options: Any) -> Callable[[Path], object]:
    return lambda path: hspyio.save(
        path, [_small("One", 1), _small("Two", 2)], durable=False, **options
    )


def _rows(**options: Any) -> Callable[[Path], object]:
    return lambda path: hspyio.save(path, _ragged(), durable=False, **options)


def _sealed_latest(path: Path) -> None:
    """In the newest form of HDF5's own structures."""
    source = path.with_name("source.hspy")
    _one(chunks=CHUNKS, checksum=True)(source)
    with h5py.File(path, "w", libver="latest") as new, h5py.File(source, "r") as old:
        new.attrs.update(old.attrs)
        for name in old:
            old.copy(name, new)
    source.unlink()


OURS: dict[str, Callable[[Path], object]] = {
    "gzip": _two(chunks=CHUNKS),
    "uncompressed": _one(compression=None),
    "chunked": _one(compression=None, chunks=CHUNKS),
    "ragged": _rows(),
    "annotated": _one(chunks=CHUNKS, nexus=True),
    "sealed": _two(chunks=CHUNKS, checksum=True),
    "sealed-uncompressed": _one(compression=None, checksum=True),
    "sealed-chunked": _one(compression=None, chunks=CHUNKS, checksum=True),
    "sealed-szip": _one(compression="szip", chunks=CHUNKS, checksum=True),
    "sealed-ragged": _rows(checksum=True),
    "sealed-annotated": _one(chunks=CHUNKS, checksum=True, nexus=True),
    "sealed-latest": _sealed_latest,
}
"""All are small, and have learning results and models, but for those of rows."""
