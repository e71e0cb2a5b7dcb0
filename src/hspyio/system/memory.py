"""How much memory there is for one more array, as far as the system tells. System calls only."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any

resource: Any
try:
    import resource
except ImportError:  # Windows
    resource = None

__all__ = ["available_memory"]

_GROUPS = "/sys/fs/cgroup"
_UNLIMITED = 2**60
"""Version 1 of cgroups says so with a number about as large."""


def available_memory() -> int | None:
    """Bytes that this process can still take; ``None`` where the system does not tell.

    On Linux that is what ``/proc/meminfo`` calls available, or what the limits of the process
    and of its control group leave, if that is less. On other systems it is the memory that is
    free (Windows), or that is built in.
    """
    if sys.platform == "win32":
        return _windows()
    rest = [_built_in()] if sys.platform != "linux" else [_linux(), _left_in_groups()]
    known = [size for size in [*rest, _left_of_addresses()] if size is not None]
    return min(known, default=None)


def _linux() -> int | None:
    return _field("/proc/meminfo", "MemAvailable:", 1024)


def _field(path: str, name: str, unit: int = 1) -> int | None:
    """A number behind a word that begins a line."""
    for line in _text(path).splitlines():
        if line.startswith(name):
            words = line.split()
            if words[0] == name and words[1].isdecimal():
                return int(words[1]) * unit
    return None


def _text(path: str) -> str:
    try:
        with open(path, "rb", buffering=0) as stream:
            return stream.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _number(path: str) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdecimal() and int(text) < _UNLIMITED else None


def _left_in_groups() -> int | None:
    """What the memory limits of the control groups leave, of either version of these."""
    left: list[int] = []
    for line in _text("/proc/self/cgroup").splitlines():
        _, controllers, name = [*line.split(":", 2), "", ""][:3]
        if controllers == "":
            left += _left_in(_GROUPS, name, ("memory.max", "memory.current", "inactive_file"))
        elif "memory" in controllers.split(","):
            words = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            left += _left_in(f"{_GROUPS}/memory", name, words)
    return min(left, default=None)


def _left_in(root: str, name: str, words: tuple[str, str, str]) -> list[int]:
    """The same for a group and those it is in; files in its cache can go."""
    limit_file, used_file, cache_field = words
    folder = os.path.normpath(f"{root}/{name}")
    left = []
    while True:
        limit = _number(f"{folder}/{limit_file}")
        used = None if limit is None else _number(f"{folder}/{used_file}")
        if limit is not None and used is not None:
            cache = _field(f"{folder}/memory.stat", cache_field) or 0
            left.append(max(0, limit - max(0, used - cache)))
        if folder in (root, "/"):
            return left
        folder = os.path.dirname(folder)


def _left_of_addresses() -> int | None:
    """What ``ulimit -v`` leaves."""
    if resource is None:
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return None
    words = _text("/proc/self/statm").split()
    taken = int(words[0]) * int(resource.getpagesize()) if words else 0
    return max(0, int(limit) - taken)


def _built_in() -> int | None:
    try:
        return int(os.sysconf("SC_PHYS_PAGES")) * int(os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):
        return None


class _MemoryStatus(ctypes.Structure):
    """Windows' ``MEMORYSTATUSEX``."""

    _fields_ = (
        ("length", ctypes.c_uint32),
        ("load", ctypes.c_uint32),
        ("total", ctypes.c_uint64),
        ("available", ctypes.c_uint64),
        ("others", ctypes.c_uint64 * 5),
    )


def _windows() -> int | None:
    status = _MemoryStatus(length=ctypes.sizeof(_MemoryStatus))
    asked = getattr(ctypes, "windll").kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # noqa: B009
    return int(status.available) if asked else None
