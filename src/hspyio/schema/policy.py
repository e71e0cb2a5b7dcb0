"""What a reader of HDF5 files is told of HSpy: what is read at once, and what is data."""

from __future__ import annotations

from hspyio import names
from hspyio.hdf5.opening import ReadPolicy

__all__ = ["HSPY"]


def _is_data(where: str) -> bool:
    """Whether that is the place of an experiment's data, of which its reader knows the size."""
    return where.count("/") == 3 and where.endswith(f"/{names.DATA}")


HSPY = ReadPolicy((names.LIST, names.TUPLE), _is_data)
"""Lists are small arrays, thousands of them, and are read with the node that they are in."""
