"""Whether a file is in use to its last byte, or nearly, as far as that is told without HDF5."""

from __future__ import annotations

from contextlib import closing

from hspyio.hdf5.format.superblock import LENGTH
from hspyio.hdf5.reader import used_at_least
from hspyio.hdf5.snapshot import handle_of

__all__ = ["SLACK", "is_used_up"]

SLACK = 8192
"""What HDF5 leaves free here and there in any file."""
_GAPS = 500
"""Of so many bytes of headers and indices HDF5 loses one between them."""


def is_used_up(path: str) -> bool:
    """Whether next to nothing can be left over from updates.

    Parameters
    ----------
    path : str
        The file.

    Returns
    -------
    bool
        No, too, where only HDF5 can tell.
    """
    with closing(handle_of(path)) as handle:
        of_arrays, of_others = used_at_least(handle)
        left = handle.fingerprint[1] - of_arrays - of_others - LENGTH
        return left <= SLACK + of_others // _GAPS
