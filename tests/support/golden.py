"""The bytes that are written for a fixed set of signals and edits.

``python tests/support/golden.py`` writes ``tests/golden.json`` anew: only where what stands on disk
is meant to change, with the reason in the commit.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import struct
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import h5py
import imagecodecs
import isal
import numpy as np
from isal import isal_zlib

import hspyio
from hspyio import DataAxis, Signal, UniformAxis

STORED = Path(__file__).resolve().parents[1] / "golden.json"


def versions() -> dict[str, str]:
    """What the bytes depend on beside this package's code."""
    return {
        "hdf5": h5py.version.hdf5_version,
        "isal": isal.__version__,
        "imagecodecs": imagecodecs.__version__,
        "byteorder": sys.byteorder,
        "deflate": _deflated(),
    }


def _deflated() -> str:
    """What the codec makes of a sample: another processor may take another way to the same data."""
    sample = _counts((6, 5, 64)).tobytes()
    made = isal_zlib.compress(sample, 1), imagecodecs.zlib_encode(sample, level=6)
    return hashlib.sha256(b"".join(map(bytes, made))).hexdigest()


def _counts(shape: tuple[int, ...], dtype: str = "u2") -> Any:
    return (np.arange(np.prod(shape)) % 251).astype(dtype).reshape(shape)


def _map(title: str = "map") -> Signal:
    axes = [
        UniformAxis("y", "nm", scale=0.5, size=6, navigate=True),
        UniformAxis("x", "nm", scale=0.5, size=5, navigate=True),
        UniformAxis("Energy", "keV", scale=0.01, size=64),
    ]
    metadata = {
        "General": {"title": title, "date": "2026-03-14"},
        "Signal": {"signal_type": "EDS_SEM"},
        "Sample": {"elements": ["Al", "Si"], "mixed": [1, 2.0, "Al_Ka", None], "pair": (1, "a")},
        "values": {
            "date": dt.date(2026, 3, 14), "exact": Decimal("0.10"), "set": {1, 2, 3},
            "path": Path("a/b"), "large": 2**70, "bytes": b"\x00\xff", "none": None, "a/b": 1.5,
        },
    }  # fmt: skip
    return Signal(_counts((6, 5, 64)), axes, metadata=metadata)


def _ragged() -> Signal:
    data = np.empty(4, object)
    for index in range(4):
        data[index] = np.arange(index + 1, dtype="f8")
    return Signal(data, [{"name": "x", "navigate": True}], metadata={"General": {"title": "r"}})


def _save(signal: Any, **options: Any) -> Callable[[Path], None]:
    return lambda path: hspyio.save(path, signal(), durable=False, progress=False, **options)


def _masked() -> Signal:
    return Signal(np.ma.masked_greater(_counts((7, 9), "i4"), 40))


def _lazy() -> Signal:
    signal = _map()
    signal.data = da.from_array(signal.data, chunks=(2, 5, 64))
    return signal


def _own_axes() -> Signal:
    axes = [DataAxis("t", "s", np.array([1.0, 2, 4, 8]), navigate=True), UniformAxis("x", size=3)]
    return Signal(_counts((4, 3), "f4"), axes)


def _several() -> list[Signal]:
    return [_map("one"), _own_axes(), _ragged()]


def _edit(act: Callable[[Path], Any]) -> Callable[[Path], None]:
    def run(path: Path) -> None:
        hspyio.save(path, _several(), durable=False, progress=False)
        act(path)

    return run


def _update(path: Path) -> None:
    signal = hspyio.load(path, name="one")
    signal.metadata.set_item("Sample.name", "a text")
    signal.axes["x"].scale = 0.25
    hspyio.update(path, signal)


def _writer_update(path: Path) -> None:
    (made,) = [
        one for one in hspyio.file_reader(path) if one["metadata"]["General"]["title"] == "r"
    ]
    made["metadata"]["General"]["notes"] = "changed"
    hspyio.file_writer(path, made, mode="a", show_progressbar=False)


def _repack(path: Path) -> None:
    hspyio.save(path, _map(), durable=False, progress=False)
    hspyio.repack(path, path, compression="lzf", overwrite=True, progress=False)


CASES: dict[str, Callable[[Path], None]] = {
    "map, gzip": _save(_map),
    "map, uncompressed": _save(_map, compression=None),
    "map, chunks and level": _save(_map, chunks=(3, 5, 32), compression_opts=6),
    "map, lzf": _save(_map, compression="lzf"),
    "map, sealed": _save(_map, checksum=True),
    "map, NeXus": _save(_map, nexus=True),
    "dask": _save(_lazy),
    "ragged": _save(_ragged),
    "masked": _save(_masked),
    "axes of values": _save(_own_axes),
    "one value": _save(lambda: Signal(np.array(2.0))),
    "complex": _save(lambda: Signal(_counts((3, 4), "c8"))),
    "several": _save(_several),
    "several, sealed": _save(_several, checksum=True),
    "update": _edit(_update),
    "append": _edit(lambda path: hspyio.append(path, _map("four"), progress=False)),
    "remove": _edit(lambda path: hspyio.remove(path, "one")),
    "repack": _repack,
    "annotate": _edit(lambda path: hspyio.add_nexus(path)),
    "file_writer, mode a": _edit(_writer_update),
}


def written(name: str, folder: Path) -> bytes:
    """The file of a case, without what differs from one run to the next."""
    path = folder / "golden.hspy"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hspyio.HspyWarning)  # that ragged data have no NeXus form
        CASES[name](path)
    content = bytearray(path.read_bytes())
    path.unlink()
    _blank_times(content)
    _blank_free_space(content)
    return bytes(content)


def _blank_times(content: bytearray) -> None:
    """Times of object headers (version 2), and the checksums that cover them."""
    for at in _places(content, b"OHDR\x02"):
        flags = content[at + 5]
        if flags & 0x20:
            start = at + 22 + (4 if flags & 0x10 else 0)
            width = 1 << (flags & 3)
            size = int.from_bytes(content[start : start + width], "little")
            end = start + width + size
            content[at + 6 : at + 22] = bytes(16)
            content[end : end + 4] = bytes(4)


def _blank_free_space(content: bytearray) -> None:
    """What HDF5 leaves behind a list of free space that has become shorter."""
    for at in _places(content, b"FSHD\x00"):
        address, used = struct.unpack_from("<QQ", content, at + 54)
        if address < len(content):
            content[address + used : address + used + 8] = bytes(8)


def _places(content: bytes | bytearray, signature: bytes) -> Iterator[int]:
    at = content.find(signature)
    while at >= 0:
        yield at
        at = content.find(signature, at + 1)


def digests() -> Iterator[tuple[str, list[Any]]]:
    """Size and digest of each case's file; blocks of dask arrays come in the order of the graph."""
    with dask.config.set(scheduler="synchronous"), tempfile.TemporaryDirectory() as folder:
        for name in CASES:
            content = written(name, Path(folder))
            yield name, [len(content), hashlib.sha256(content).hexdigest()]


if __name__ == "__main__":
    found = {"versions": versions(), "files": dict(digests())}
    STORED.write_text(json.dumps(found, indent=1) + "\n")
