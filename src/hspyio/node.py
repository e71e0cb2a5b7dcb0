"""What an HSpy file holds, without HDF5: groups with attributes and members, and arrays.

Nodes are pure data. A test builds them by hand; the HDF5 storage is one producer and consumer
of several possible ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Array",
    "ArraySource",
    "Attribute",
    "Damaged",
    "Filter",
    "GraphSource",
    "Group",
    "Kept",
    "MemorySource",
    "Node",
    "Selection",
    "StorageType",
    "Text",
    "Vlen",
    "arrays_of",
]

Selection: TypeAlias = tuple[slice | int, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """A string type; values are ``bytes`` in the given character set.

    Attributes
    ----------
    length : int or None
        Bytes a string takes, ``None`` for variable length.
    utf8 : bool
        The character-set flag: UTF-8, or ASCII.
    """

    length: int | None = None
    utf8: bool = True


@dataclass(frozen=True, slots=True)
class Vlen:
    """Variable-length rows; values are object arrays of 1-D arrays of the base type."""

    base: np.dtype[Any] | Text


StorageType: TypeAlias = np.dtype[Any] | Text | Vlen


@dataclass(frozen=True, slots=True)
class Attribute:
    """A value that stands beside a group.

    Attributes
    ----------
    type : numpy dtype, Text or Vlen
        How it is stored.
    value : bytes or ndarray
        ``bytes`` for one string, else an array of any rank (objects of ``bytes`` for strings).
    """

    type: StorageType
    value: bytes | NDArray[Any]


@dataclass(frozen=True, slots=True)
class Filter:
    """One step of a chunk's way to the disk.

    Attributes
    ----------
    id : int
        HDF5's registered number (1 gzip, 2 shuffle, 3 fletcher32, 4 szip, 32000 lzf ...).
    options : tuple of int
        The filter's client data.
    name : str
        The name a person knows.
    quick : bool
        Whether its level, where it has levels, is the writer's to choose.
    """

    id: int
    options: tuple[int, ...] = ()
    name: str = ""
    quick: bool = field(default=False, compare=False)


class ArraySource(Protocol):
    """Where an array's values are: in memory, in a file, in a dask graph."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        ...

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        """Read a selection (basic slicing, step 1 or more), the whole array by default."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class MemorySource:
    """An array that is in memory already."""

    array: NDArray[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        return self.array.shape

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        """Return a view of the selection."""
        return np.asarray(self.array[selection])


@dataclass(frozen=True, slots=True, eq=False)
class GraphSource:
    """An array that is yet to be computed: a dask array, held without importing dask.

    Attributes
    ----------
    graph : dask array
        Any rank, with known chunks.
    """

    graph: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        return tuple(self.graph.shape)

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        """Compute the selection."""
        return np.asarray(self.graph[selection])

    def store(self, target: Any) -> None:
        """Compute block by block, on threads, into what takes ``target[selection] = values``."""
        from dask.array import store

        store([self.graph], [target], lock=True, scheduler="threads")


@dataclass(frozen=True, slots=True, eq=False)
class Array:
    """An array: its type, where its values are, and how they are (to be) stored.

    Attributes
    ----------
    type : numpy dtype, Text or Vlen
        How each value is stored.
    source : ArraySource
        Reads the values.
    signal_dims : tuple of int or None
        The dimensions that hold one signal, for a signal's data; ``None`` for other arrays.
    inline : bool
        A list's values: small, never sliced, stored without chunks where possible.
    chunks : tuple of int or None
        Chunk shape; ``None`` when not chunked or not yet planned.
    filters : tuple of Filter
        In the order in which writing applies them.
    maxshape : tuple of int or None, or None
        How far other programs may resize it; ``None``: not at all.
    """

    type: StorageType
    source: ArraySource
    signal_dims: tuple[int, ...] | None = None
    inline: bool = False
    chunks: tuple[int, ...] | None = None
    filters: tuple[Filter, ...] = ()
    maxshape: tuple[int | None, ...] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        return self.source.shape


@dataclass(frozen=True, slots=True)
class Damaged:
    """Something that is in the file but cannot be read, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Kept:
    """An object of the file that is being rewritten, taken over as it is.

    Attributes
    ----------
    where : str
        Its path in the old file.
    """

    where: str


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """A group: attributes, and members by name.

    Both mappings keep the order of the file. A storage may fill ``members`` on demand.

    Attributes
    ----------
    attributes, members : mapping
        By name.
    ordered : bool
        Whether a file has to keep the order of the members; else it sorts their names.
    """

    attributes: Mapping[str, Attribute | Damaged] = field(default_factory=dict)
    members: Mapping[str, Group | Array | Damaged | Kept] = field(default_factory=dict)
    ordered: bool = False


Node: TypeAlias = Group | Array | Attribute | Damaged | Kept


def arrays_of(group: Group) -> Iterator[Array]:
    """Every array in a group and in the groups inside it."""
    for node in group.members.values():
        if isinstance(node, Array):
            yield node
        elif isinstance(node, Group):
            yield from arrays_of(node)
