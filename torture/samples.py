"""What is saved, and the files that it is saved into."""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

import hspyio

SHAPE = (6, 8, 16)
CHUNKS = (2, 8, 16)


def made(title: str, number: int, shape: tuple[int, ...] = SHAPE) -> hspyio.Signal:
    """A signal with something of everything, all of it of one number."""
    random = np.random.default_rng(number)
    signal = hspyio.Signal(
        random.integers(0, 4000, shape).astype(np.uint16),
        signal_dimension=1,
        metadata={
            "General": {"title": title},
            "number": number,
            "many": {f"value {i}": number for i in range(20)},  # dense attributes
            "texts": [f"{title} {i}" for i in range(5)],
        },
        original_metadata={"array": np.full(600, number), "log": f"{title} {number} " * 50},
        attributes={"comment": f"of {title}"},
        learning_results={"factors": np.eye(3) * number},
        models={"fit": {"date": title, "values": np.arange(number)}},
        package="exspy",
        package_version="0.3",
    )
    for axis, name in zip(signal.axes, "xyz", strict=False):
        axis.name, axis.units = name, "nm"
    return signal


def exchange(signal: hspyio.Signal) -> dict[str, Any]:
    """The dict that RosettaSciIO's writers take."""
    axes = []
    for i, axis in enumerate(signal.axes):
        uniform = {"_type": "UniformDataAxis", "name": axis.name, "units": axis.units}
        place = {"scale": axis.scale, "offset": axis.offset, "size": signal.data.shape[i]}
        axes.append({**uniform, **place, "navigate": axis.navigate, "is_binned": False})
    return {
        "data": signal.data,
        "axes": axes,
        "metadata": signal.metadata.as_dictionary(),
        "original_metadata": signal.original_metadata.as_dictionary(),
        "attributes": {"_lazy": False, "ragged": False, **signal.attributes},
        "learning_results": dict(signal.learning_results),
        "models": {},
        "package": signal.package,
        "package_version": signal.package_version,
        "package_info": {"package": signal.package, "package_version": signal.package_version},
        "tmp_parameters": {},
    }


# the files that are changed: name, superblock's version, how it is made

FIRST, SECOND = made("First", 1), made("Second", 2)


def ours(path: Path) -> None:
    hspyio.save(path, [FIRST, SECOND], chunks=CHUNKS, durable=False)
    _with_more(path)


def rosettasciio(path: Path) -> None:
    from rsciio.hspy import file_writer

    file_writer(path, exchange(FIRST), chunks=CHUNKS)
    other = path.with_name("source.hspy")
    file_writer(other, exchange(SECOND), chunks=CHUNKS)
    with h5py.File(path, "r+") as file, h5py.File(other, "r") as source:
        source.copy("Experiments/Second", file["Experiments"])
    other.unlink()
    _with_more(path)


def latest(path: Path) -> None:
    _copied(path, libver="latest")


def user_block(path: Path) -> None:
    _copied(path, userblock_size=512)


def paged(path: Path) -> None:
    _copied(path, fs_strategy="page")


def superblock_1(path: Path) -> None:
    create = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    ctypes.CDLL(_hdf5()).H5Pset_istore_k(ctypes.c_int64(create.id), ctypes.c_uint(64))
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_libver_bounds(h5py.h5f.LIBVER_EARLIEST, h5py.h5f.LIBVER_LATEST)
    file = h5py.h5f.create(os.fsencode(path), h5py.h5f.ACC_TRUNC, fcpl=create, fapl=access)
    _fill(h5py.File(file), path)


def _hdf5() -> str:
    """The HDF5 library that h5py has loaded, which h5py itself does not ask for all it can do."""
    return str(h5py.h5p.__file__)  # whose symbols are those of the library it is linked to


def _copied(path: Path, **options: Any) -> None:
    _fill(h5py.File(path, "w", **options), path)


def _fill(new: h5py.File, path: Path) -> None:
    source = path.with_name("source.hspy")
    ours(source)
    with new, h5py.File(source, "r") as old:
        new.attrs.update(old.attrs)
        for name in old:
            old.copy(name, new)
    source.unlink()


def _with_more(path: Path) -> None:
    """What another program has put into the file."""
    with h5py.File(path, "r+") as file:
        file["Notes"] = np.arange(100)
        file["Experiments"].attrs["operator"] = "A. N. Other"


STARTS: dict[str, tuple[int, Callable[[Path], None]]] = {
    "ours": (2, ours),
    "rosettasciio": (0, rosettasciio),
    "latest": (3, latest),
    "user-block": (0, user_block),
    "paged": (2, paged),
    "superblock-1": (1, superblock_1),
}


def build(folder: Path, name: str) -> Path:
    """Make the file of one of `STARTS`, with the superblock it is meant for."""
    path = folder / f"{name}.hspy"
    if not path.exists():
        version, make = STARTS[name]
        make(path)
        with open(path, "rb") as stream:
            start = stream.read(600)
        found = start[start.index(b"\x89HDF") + 8]
        if found != version:
            raise AssertionError(f"{name}: superblock {found}, meant was {version}")
    return path


def fresh(folder: Path) -> Path:
    """An empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder
