"""Whether a file is in use to its last byte, or nearly, as far as that is told without HDF5."""

from __future__ import annotations

from contextlib import closing

from hspyio.errors import HspyError
from hspyio.hdf5.dataset import stored_bytes
from hspyio.hdf5.format.fractal_heap import count_managers
from hspyio.hdf5.format.superblock import LENGTH
from hspyio.hdf5.reader import Opening, ReadPolicy
from hspyio.hdf5.snapshot import FileHandle, handle_of
from hspyio.nodes.node import Array, Group

__all__ = ["SLACK", "is_used_up", "used_at_least"]

SLACK = 8192
"""What HDF5 leaves free here and there in any file."""
_MOST_DEPTH = 256
"""Groups within groups, in which bytes are counted."""
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


def used_at_least(snapshot: FileHandle) -> tuple[int, int]:
    """Bytes of a file that are known to be in use: of arrays; of headers, indices and texts.

    Parameters
    ----------
    snapshot : FileHandle
        The file; it stays open.

    Returns
    -------
    int, int
        0 where not all of it can be read.
    """
    with snapshot.descriptor() as descriptor:
        try:
            opening = Opening(snapshot, descriptor, ReadPolicy())
            stored = _stored(opening.root())
            count_managers(opening.content)
        except HspyError:
            return 0, 0
        return stored, sum(opening.content.taken.values())


def _stored(root: Group) -> int:
    """Bytes that the arrays in a group take in the file."""
    found, pending = 0, [(0, root)]
    while pending:
        depth, group = pending.pop()
        for node in group.members.values():
            if isinstance(node, Array):
                found += stored_bytes(node)
            elif isinstance(node, Group) and depth < _MOST_DEPTH:
                pending.append((depth + 1, node))
    return found
