"""What HDF5 may copy from one file into another without crashing.

Where values are of variable length it undoes the filters of each chunk, and then clears as much
memory beside it as the filter says that its buffer has: more than a chunk is beyond the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hspyio.errors import DamagedFileError
from hspyio.filters import lzf
from hspyio.hdf5.dataset import Dataset
from hspyio.hdf5.local_snapshot import LocalSnapshot
from hspyio.hdf5.opening import ReadPolicy
from hspyio.hdf5.reader import Reader
from hspyio.nodes.node import Array, Group, arrays_of
from hspyio.system.byte_source import LocalBytes

__all__ = ["open_checked"]


@contextmanager
def open_checked(snapshot: LocalSnapshot) -> Iterator[Callable[[str], None]]:
    """Gives what refuses the object at a path if HDF5 would crash on it."""
    with snapshot.descriptor() as descriptor:
        reader = Reader(snapshot, LocalBytes(descriptor), ReadPolicy(soft_links=False))
        reader.shared = True  # by the transaction, which closes it
        root = reader.root()

        def check(where: str) -> None:
            node: object = root
            for name in filter(None, where.split("/")):
                node = node.members.get(name) if isinstance(node, Group) else None
            found = arrays_of(node) if isinstance(node, Group) else [node]
            for array in found:
                if isinstance(array, Array) and isinstance(array.source, Dataset):
                    _check_array(array.source)

        try:
            yield check
        finally:
            reader.end()


def _check_array(dataset: Dataset) -> None:
    layout = dataset.layout
    if layout.kind.is_fixed or layout.chunks is None or not layout.filters:
        return
    size = math.prod(layout.chunks) * layout.kind.size
    for step in layout.filters:
        if step.id == lzf.CODEC.id and step.options[2:3] not in ((), (0,), (size,)):
            raise DamagedFileError(
                "says of its chunks that they have another size than they have, and HDF5 would "
                "crash when it copies them; load it and save it anew",
                path=dataset.snapshot.path,
                where=dataset.where,
            )
    dataset.references()  # which refuses chunks that are more than that
