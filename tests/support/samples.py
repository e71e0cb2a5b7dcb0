"""Signals and files for the tests beside this, and ways to look at what became of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

import hspyio
from hspyio.compare import signal_differences


def made(title: str, number: int = 1, **parts: Any) -> hspyio.Signal:
    """A small signal with something of everything."""
    metadata = {"General": {"title": title}, "number": number, "dates": {1, 2}}
    common: dict[str, Any] = {
        "metadata": metadata,
        "original_metadata": {"array": np.arange(number)},
        "attributes": {"comment": f"of {title}"},
        "learning_results": {"factors": np.eye(2)},
        "models": {"fit": {"date": title, "values": np.arange(3)}},
        "package": "exspy",
        "package_version": "0.3",
    }
    data = np.arange(24, dtype=np.uint16).reshape(2, 3, 4) + number
    return hspyio.Signal(data, signal_dimension=1, **(common | parts))


def raw_chunks(path: Path, name: str) -> list[tuple[Any, ...]]:
    """Chunk by chunk what HDF5 stores of an array."""
    with h5py.File(path) as file:
        data = file[name].id
        infos = [data.get_chunk_info(i) for i in range(data.get_num_chunks())]
        return [(i.chunk_offset, *data.read_direct_chunk(i.chunk_offset)) for i in infos]


def alone(path: Path) -> bool:
    """Whether nothing but the file is in its folder, hidden or not."""
    return list(path.parent.iterdir()) == [path]


def same(path: Path, name: str, expected: hspyio.Signal) -> bool:
    found = signal_differences(hspyio.load(path, name=name), expected)
    assert found == [], found
    return not found
