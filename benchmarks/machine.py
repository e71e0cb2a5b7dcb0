"""What machine this is, and which versions of what it ran."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import h5py

PACKAGES = ("hspyio", "numpy", "h5py", "imagecodecs", "isal", "dask", "rosettasciio", "hdf5plugin")


def machine(folder: Path) -> dict[str, str]:
    """Facts of the machine, with the file system of a folder."""
    return {
        "CPU": _value("/proc/cpuinfo", "model name"),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{int(_value('/proc/meminfo', 'MemTotal').split()[0]) / 2**20:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "file system": _file_system(folder),
        "load before": f"{os.getloadavg()[0]:.2f}",
    }


def versions() -> dict[str, str]:
    """Versions of Python and what hspyio and its peer stand on."""
    found = {name: version(name) for name in PACKAGES}
    return {"Python": platform.python_version(), **found, "HDF5": h5py.version.hdf5_version}


def _value(path: str, key: str) -> str:
    for line in Path(path).read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return "unknown"


def _file_system(folder: Path) -> str:
    """The type of the innermost mount that a folder lies in."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    inside = [mount for mount in mounts if folder.resolve().is_relative_to(mount[0])]
    return max(inside, key=lambda mount: len(mount[0]))[1]
