"""Formats that are read here, without RosettaSciIO: HyperSpy's Zarr stores, netCDF, Zarr.

RosettaSciIO's reader of .zspy needs Zarr 2, which hardly anybody has any more, and leaves types
behind; its reader of netCDF is for one program's files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hspyio.api.loading.load import open as open_file
from hspyio.api.loading.open_file import store_at
from hspyio.bridges.importing.by_tifffile import is_exported, signals_by_tifffile
from hspyio.bridges.importing.by_xarray import signals_by_xarray
from hspyio.errors import OptionError
from hspyio.model.signal import Signal

__all__ = ["is_our_own", "signals_by_us"]


def _store(path: str) -> list[Signal]:
    """The experiments of a .zspy, lazily: the chunks of the store are the blocks."""
    return list(open_file(path).values())


_READERS: dict[str, Callable[[str], list[Signal]]] = {
    ".zspy": _store,
    ".zspy.zip": _store,
    ".nc": signals_by_xarray,
    ".zarr": signals_by_xarray,
    ".tif": signals_by_tifffile,
    ".tiff": signals_by_tifffile,
}
"""What reads a file, by the end of its name."""


def _reader(path: str) -> Callable[[str], list[Signal]] | None:
    name = path.rstrip("/\\").lower()
    for suffix, read in _READERS.items():
        if name.endswith(suffix) and _is_for(read, path):
            return read
    return None


def _is_for(read: Callable[[str], list[Signal]], path: str) -> bool:
    """Whether a file of the right name is one that we read."""
    if read is _store:
        return store_at(path) is not None
    return read is not signals_by_tifffile or is_exported(path)


def is_our_own(path: str) -> bool:
    """Whether a file is read here.

    Parameters
    ----------
    path : str
        A file or folder that is there.
    """
    return _reader(path) is not None


def signals_by_us(path: str, options: Mapping[str, Any]) -> list[Signal]:
    """The signals of such a file.

    Raises
    ------
    OptionError
        If there are options, which are RosettaSciIO's.
    """
    if options:
        raise OptionError(
            f"{', '.join(options)}: no options of this format, which RosettaSciIO does not read "
            "here; reader='NAME' has it read by one of its readers",
            path=path,
        )
    read = _reader(path)
    assert read is not None
    return read(path)
