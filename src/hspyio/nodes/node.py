"""What an HSpy file holds, without HDF5: groups with attributes and members, and arrays.

Nodes are pure data. A test builds them by hand; the HDF5 storage is one producer and consumer
of several possible ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, overload, runtime_checkable

import numpy as np

from hspyio.records import record, value

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "Array",
    "ArraySource",
    "Attribute",
    "Damaged",
    "Elsewhere",
    "Empty",
    "Filter",
    "GraphSource",
    "Group",
    "IndexedSource",
    "Kept",
    "LazyMapping",
    "MaskableSource",
    "MemorySource",
    "Node",
    "ObjectSource",
    "RaggedArray",
    "RaggedList",
    "RowSource",
    "Selection",
    "SizedSource",
    "StorageType",
    "StoredSource",
    "Text",
    "Vlen",
    "arrays_of",
    "nested_lists",
    "ranges",
]

L = TypeVar("L")
T = TypeVar("T")
D = TypeVar("D")

Selection: TypeAlias = tuple[slice | int, ...]


@value
class Text:
    """A string type; values are ``bytes`` in the given character set."""

    length: int | None = None  # bytes a string takes; None for variable length
    utf8: bool = True  # the flag: UTF-8, or ASCII


@value
class Vlen:
    """Variable-length rows; values are object arrays of 1-D arrays of the base type."""

    base: np.dtype[Any] | Text


StorageType: TypeAlias = np.dtype[Any] | Text | Vlen


@value
class Attribute:
    """A value that stands beside a group."""

    type: StorageType
    value: bytes | NDArray[Any]  # bytes for one string, else an array, objects for strings


@value
class Filter:
    """One step of a chunk's way to the disk."""

    id: int  # HDF5's registered number: 1 gzip, 2 shuffle, 3 fletcher32, 4 szip, 32000 lzf ...
    options: tuple[int, ...] = ()  # the filter's client data
    name: str = ""
    quick: bool = field(default=False, compare=False)  # its level is the writer's to choose


class ArraySource(Protocol):
    """Where an array's values are: in memory, in a file, in a dask graph."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        ...

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        """Read a selection (basic slicing, step 1 or more), the whole array by default."""
        ...


@record
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


@runtime_checkable
class RowSource(ArraySource, Protocol):
    """A source of rows of variable length that hands them over end to end, too."""

    def rows(self, selection: Selection = ()) -> RaggedArray:
        """Read a selection as one flat array."""
        ...


@runtime_checkable
class StoredSource(ArraySource, Protocol):
    """A source whose values stay in a file, which may be closed and read later."""

    @property
    def snapshot(self) -> Any:
        """The file, which `detached` holds open until this is closed; ``None`` for nothing."""
        ...

    def detached(self) -> ArraySource:
        """The same values for when the file is closed, in any process."""
        ...


class SizedSource:
    """The base of sources that know what they take on disk."""

    @property
    def stored_bytes(self) -> int:
        """Bytes on disk."""
        raise NotImplementedError


@runtime_checkable
class ObjectSource(ArraySource, Protocol):
    """A source of objects, which may be of any size."""

    def item_bytes(self) -> int:
        """Bytes of one, on average, as far as that is known without reading all."""
        ...


@runtime_checkable
class MaskableSource(ArraySource, Protocol):
    """A source that may give masked arrays."""

    def blank(self, dtype: np.dtype[Any]) -> NDArray[Any]:
        """An empty array of the kind that is read."""
        ...


@record
class RaggedArray:
    """Rows of variable length, end to end in one array.

    Attributes
    ----------
    values : ndarray
        The items of all rows: one dimension, contiguous.
    lengths : ndarray of int64
        Items of each row, in the shape of the array of rows.
    """

    values: NDArray[Any]
    lengths: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension of the array of rows."""
        return self.lengths.shape

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where each row begins, in C order."""
        flat = self.lengths.reshape(-1)
        return np.asarray(np.cumsum(flat) - flat)

    def take(self, places: NDArray[np.int64]) -> RaggedArray:
        """Copy some rows, by their number in C order."""
        lengths = self.lengths.reshape(-1)[places]
        return RaggedArray(self.values[ranges(self.starts[places], lengths)], lengths)

    def rows(self, selection: Selection = ()) -> RaggedArray:
        """Copy a selection; all of them are handed over as they are."""
        if selection == ():
            return self
        places = _places(self.shape, selection)
        taken = self.take(places.reshape(-1))
        return RaggedArray(taken.values, taken.lengths.reshape(places.shape))

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        """Return an object array with a view for each row."""
        starts = self.starts
        stops = starts + self.lengths.reshape(-1)
        views = [self.values[a:b] for a, b in zip(starts.tolist(), stops.tolist(), strict=True)]
        objects = np.fromiter(views, object, len(views)).reshape(self.shape)
        return np.asarray(objects[selection])


@record
class RaggedList:
    """Rows of variable length that are arrays of their own.

    Attributes
    ----------
    array : ndarray of object
        Its items are arrays of any shape, whose values in C order are the rows.
    base : numpy dtype
        What the rows are cast to.
    lengths : ndarray of int64
        Items of each row, in the shape of the array.
    """

    array: NDArray[Any]
    base: np.dtype[Any]
    lengths: NDArray[np.int64]

    @classmethod
    def of(cls, objects: NDArray[Any], base: np.dtype[Any]) -> RaggedList:
        """Make rows of what numpy can take for arrays."""
        arrays = [np.asarray(row) for row in objects.reshape(-1).tolist()]
        sizes = np.fromiter(map(attrgetter("size"), arrays), np.int64, len(arrays))
        array = np.fromiter(arrays, object, len(arrays)).reshape(objects.shape)
        return cls(array, base, sizes.reshape(objects.shape))

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        return self.array.shape

    def rows(self, selection: Selection = ()) -> RaggedArray:
        """Copy a selection, all rows in one pass; a single one may be handed over as it is."""
        places = _places(self.shape, selection)
        arrays = self.array.reshape(-1)[places.reshape(-1)].tolist()
        return RaggedArray(_joined(arrays, self.base), self.lengths.reshape(-1)[places])

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        """Return an object array of rows, views where nothing has to be cast."""
        arrays = self.array.ravel().tolist()
        rows = [array.reshape(-1).astype(self.base, copy=False) for array in arrays]
        objects = np.fromiter(rows, object, len(rows)).reshape(self.shape)
        return np.asarray(objects[selection])


def _places(shape: tuple[int, ...], selection: Selection) -> NDArray[np.int64]:
    """Numbers, in C order, of what a selection holds."""
    return np.asarray(np.arange(math.prod(shape)).reshape(shape)[selection])


def _joined(arrays: list[NDArray[Any]], base: np.dtype[Any]) -> NDArray[Any]:
    """The values of arrays of any shape, in C order, cast to one dtype."""
    if not arrays:
        return np.empty(0, base)
    if len(arrays) == 1:
        return arrays[0].reshape(-1).astype(base, copy=False)
    try:  # as a rule they differ in their first dimension only
        made = np.concatenate(arrays, dtype=base, casting="unsafe")
    except ValueError:
        flat = [array.reshape(-1) for array in arrays]
        made = np.concatenate(flat, dtype=base, casting="unsafe")
    return made.reshape(-1)


def ranges(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """The indices of the items of rows, given where each row begins."""
    shifts = starts - (np.cumsum(lengths) - lengths)
    indices = np.repeat(shifts, lengths)
    indices += np.arange(indices.size)
    return indices


@record
class GraphSource:
    """An array that is yet to be computed: a dask array, held without importing dask."""

    graph: Any  # of any rank, with known chunks

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        return tuple(self.graph.shape)

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        """Compute the selection."""
        from hspyio.nodes.computed import computed

        return computed(self.graph[selection])


@record
class SparseSource:
    """An array most of which was never written: only some regions of it are."""

    source: ArraySource
    fill: NDArray[Any]  # the one value of all the rest, without dimensions
    regions: Sequence[tuple[slice, ...]]  # what was written
    chunks: tuple[int, ...] | None = None  # that these are, whose shape is to stay

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        return self.source.shape

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        """Read the selection."""
        return self.source.read(selection)


@record
class IndexedSource:
    """An array whose chunks stand in the file that is written, and an index that leads to them."""

    shape: tuple[int, ...]
    fill: NDArray[Any]  # the one value of what was never written, without dimensions
    address: int | None = None  # of the index; None where there is no chunk yet
    put: Callable[[int, int], tuple[int | None, int]] | None = None
    """Writes chunks and index into a file without any, by its descriptor, from a place on; where
    the index begins then, if there is any chunk, and where all ends."""

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        """The value of what was never written: nobody reads the others while they are written."""
        return np.asarray(np.broadcast_to(self.fill, self.shape)[selection])


@record
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
        A list's values, or a navigator's: never sliced, stored without chunks where small enough.
    chunks : tuple of int or None
        Chunk shape; ``None`` when not chunked or not yet planned.
    filters : tuple of Filter
        In the order in which writing applies them.
    maxshape : tuple of int or None, or None
        How far other programs may resize it; ``None``: not at all.
    attributes : mapping of str to Attribute
        What is to stand beside it, for other programs: reading passes over it.
    """

    type: StorageType
    source: ArraySource
    signal_dims: tuple[int, ...] | None = None
    inline: bool = False
    chunks: tuple[int, ...] | None = None
    filters: tuple[Filter, ...] = ()
    maxshape: tuple[int | None, ...] | None = None
    attributes: Mapping[str, Attribute | Damaged] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        return self.source.shape


_NO_PART = "not part of the format"
_SOUND = (_NO_PART, "a link to", "allow_external=True", "not read here")
"""What is said of things in a file that hspyio does not read, however sound they may be."""


@value
class Damaged:
    """Something that is in the file but cannot be read, and why."""

    reason: str

    @property
    def sound(self) -> bool:
        """Whether it may well be whole, and is only of a kind that is not read here."""
        return any(text in self.reason for text in _SOUND)

    @property
    def of_no_use(self) -> bool:
        """Whether it is of a kind that can stand for nothing in the format."""
        return _NO_PART in self.reason


@value
class Empty(Damaged):
    """An attribute or array that has a type and no value at all."""

    type: StorageType


@value
class Elsewhere(Damaged):
    """An array whose values stand in other files."""

    shape: tuple[int, ...] | None  # None where the others tell it


@value
class Kept:
    """An object of the file that is being rewritten, taken over as it is."""

    where: str  # its path in the old file


class LazyMapping(Mapping[str, T]):
    """A mapping with known names whose values are made when first asked for.

    Parameters
    ----------
    links : mapping
        What is known of each, by name.
    make : callable
        Makes a value of a name and what is known.
    """

    def __init__(self, links: Mapping[str, L], make: Callable[[str, L], T]) -> None:
        self._links = links
        self._make = make
        self._made: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        if name not in self._made:
            self._made[name] = self._make(name, self._links[name])
        return self._made[name]

    @overload
    def get(self, name: str, default: None = None, /) -> T | None: ...

    @overload
    def get(self, name: str, default: D, /) -> T | D: ...

    def get(self, name: str, default: Any = None, /) -> Any:
        """What a name stands for; asked for often where there is nothing, and without an error."""
        return self[name] if name in self._links else default

    def __contains__(self, name: object) -> bool:
        return name in self._links

    def __iter__(self) -> Iterator[str]:
        return iter(self._links)

    def __len__(self) -> int:
        return len(self._links)


@record
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

    attributes: Mapping[str, Attribute | Damaged | Kept] = field(default_factory=dict)
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


_MOST_LEVELS = 1000


def walk(root: Group, above: str = "") -> Iterator[tuple[str, object]]:
    """All that is in a group, it first, with its path; attributes with their group."""
    pending: list[tuple[str, object, int]] = [(above, root, 0)]
    while pending:
        where, node, depth = pending.pop()
        yield where or "/", node
        if not isinstance(node, Group):
            continue
        yield from ((f"{where}@{name}", child) for name, child in node.attributes.items())
        if depth >= _MOST_LEVELS:
            yield where, Damaged(f"is nested deeper than {_MOST_LEVELS} levels")
            continue
        members = [(f"{where}/{name}", node.members[name], depth + 1) for name in node.members]
        pending += reversed(members)


def with_arrays(group: Group, changed: Callable[[Array], Array]) -> Group:
    """The same group with other arrays, in the groups inside it too."""
    members: dict[str, Any] = {}
    for name, node in group.members.items():
        members[name] = node
        if isinstance(node, Group):
            members[name] = with_arrays(node, changed)
        elif isinstance(node, Array):
            members[name] = changed(node)
    return Group(group.attributes, members, group.ordered)


def nested_lists(shape: Sequence[int]) -> int:
    """How many lists an array becomes; one of no values in huge dimensions becomes billions."""
    lists, made = 1, 1
    for n in shape[:-1]:
        made *= n
        lists += made
    return lists
