"""HDF5 datasets -> arrays whose bytes stay where they are until they are read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from h5py import h5d, h5s, h5t

from hspyio.arrays.indexing import BasicIndexer
from hspyio.errors import DamagedFileError
from hspyio.filters import codec_of
from hspyio.hdf5.dataset import Dataset
from hspyio.hdf5.guard_hdf5 import check_inflation
from hspyio.hdf5.h5types import blank, check_type, from_h5py, plain_values, to_h5py
from hspyio.hdf5.limits import UNSUSPICIOUS, Budget, check_chunks
from hspyio.hdf5.plugin_filters import check_available
from hspyio.hdf5.session import Session
from hspyio.hdf5.snapshot import FileHandle
from hspyio.hdf5.sources import (
    SMALL,
    LazySource,
    count_of,
    is_data,
    named,
    past_hdf5,
    stored_name,
)
from hspyio.hdf5.steps import named_filter
from hspyio.nodes.node import Array, Damaged, Filter, RaggedArray, RaggedList, Selection, Text, Vlen
from hspyio.records import record

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hspyio.arrays.manifest import ChunkManifest, StoredArray
    from hspyio.hdf5.late_rows import LazyRows

__all__ = [
    "Place",
    "Session",
    "dataset_node",
    "filters_of",
    "index_at",
    "passing",
    "place_of",
    "read_at",
    "stored_place",
]

_USUAL = 64
"""How many times smaller than an array that HDF5 itself reads its stored bytes are at most."""


def dataset_node(dataset: h5d.DatasetID, where: str, session: Session) -> Array | Damaged:
    """Node of a dataset; nothing of its values is read."""
    creation = dataset.get_create_plist()
    layout = creation.get_layout()
    foreign = layout == h5d.VIRTUAL or creation.get_external_count() > 0
    if foreign and not session.allow_external:  # before its shape: HDF5 may look there for it
        return Damaged("has its values in other files; allow_external=True reads them")
    if dataset.get_space().get_simple_extent_type() == h5s.NULL:
        return Damaged("is a dataset without a shape, which is not part of the format")
    check_type(dataset.get_type())
    kind = from_h5py(dataset.dtype)
    chunked = layout == h5d.CHUNKED and dataset.dtype.subdtype is None
    chunks = tuple(creation.get_chunk()) if chunked else None
    filters = filters_of(dataset)
    of_rows = isinstance(kind, Vlen) and isinstance(kind.base, np.dtype)
    source = _RowsInFile if of_rows else _FileSource
    return Array(kind, source(dataset, where, session, filters), chunks=chunks, filters=filters)


def filters_of(dataset: h5d.DatasetID) -> tuple[Filter, ...]:
    """The filters of a dataset, with the options that stand in the file."""
    creation = dataset.get_create_plist()
    listed = (creation.get_filter(i) for i in range(creation.get_nfilters()))
    return tuple(named_filter(number, options, name) for number, _, options, name in listed)


class _FileSource:
    """An array in a file that is open."""

    def __init__(
        self,
        dataset: h5d.DatasetID,
        where: str,
        session: Session,
        filters: tuple[Filter, ...],
    ) -> None:
        self._dataset = dataset
        self._where = where
        self._session = session
        self._filters = filters

    @property
    def shape(self) -> tuple[int, ...]:
        inner = self._dataset.dtype.subdtype
        return (*self._dataset.shape, *(inner[1] if inner else ()))

    @property
    def stored_bytes(self) -> int:
        with named(self._session.path, self._where):
            return int(self._dataset.get_storage_size())

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        self._check_open()
        with named(self._session.path, self._where), self._allowed(selection):
            stored = self._layout()
            values = None if stored is None else self._past_hdf5(stored, selection)
            if values is None:
                return _through_hdf5(self._dataset, selection, self._filters)
            return values

    @contextmanager
    def _allowed(self, selection: Selection) -> Iterator[None]:
        """Within this, memory for the values may be allocated."""
        budget, dataset = self._session.budget, self._dataset
        kind = from_h5py(dataset.dtype)
        size = count_of(selection, dataset.shape) * dataset.dtype.itemsize
        if isinstance(kind, (Text, Vlen)):
            self._session.check_items(dataset)
            self._check_texts(kind)
        elif size > SMALL and not is_data(self._where) and _has_fill_value(dataset):
            budget.take_filled(size, dataset.get_storage_size())
        budget.take(size, lazily=isinstance(kind, np.dtype))
        try:
            yield
        except BaseException:
            budget.give_back(size)
            raise

    def _check_texts(self, kind: Text | Vlen) -> None:
        """Refuse texts that are the same bytes of the file over and over."""
        base = kind.base if isinstance(kind, Vlen) else kind
        if not isinstance(base, Text) or base.length is not None:
            return
        session, count = self._session, math.prod(self._dataset.shape)
        if not (isinstance(kind, Vlen) or session.repeats(count)):
            return
        lengths = self._text_lengths(nested=isinstance(kind, Vlen))
        session.budget.take_rows(lengths, session.file_bytes)

    def _text_lengths(self, *, nested: bool) -> int:
        """Bytes of all texts together, by the references to them.

        Raises
        ------
        DamagedFileError
            If there is no telling.
        """
        from hspyio.hdf5.ragged import REFERENCE, has_usual_references, read_rows
        from hspyio.hdf5.stored_layout import layout_of

        if not self._dataset.shape or not self._dataset.get_storage_size():
            return 0
        held = self._session.holds(self._dataset) and has_usual_references(self._dataset)
        stored = layout_of(self._dataset, REFERENCE, self._filters) if held else None
        references = None if stored is None else self._past_hdf5(stored, ())
        if references is None:
            layout = self._dataset.get_create_plist().get_layout()
            if nested or layout != h5d.COMPACT:
                raise DamagedFileError("holds texts in a form in which they are not safe to read")
            return _measured_texts(self._dataset, UNSUSPICIOUS + self._session.file_bytes)
        if nested:
            with self._session.handle.descriptor() as descriptor:
                references = read_rows(references, descriptor, REFERENCE).values
        return int(references["length"].sum(dtype=np.int64))

    def _check_open(self) -> None:
        if not self._session.open:
            raise DamagedFileError("is closed", path=self._session.path, where=self._where)

    def _past_hdf5(self, stored: StoredArray, selection: Selection) -> NDArray[Any] | None:
        from hspyio.hdf5.stored_layout import chunk_index

        session = self._session
        index = partial(chunk_index, self._dataset, stored)
        return past_hdf5(stored, index, session.handle, selection, session.workers)

    def _layout(self) -> StoredArray | None:
        """How the engine reads it; small arrays are read faster by HDF5 itself.

        What is far smaller or larger in the file is left to the engine: HDF5 would fill memory
        for what was never written, and inflate whatever it is given.
        """
        built_in = all(codec_of(step.id).everywhere for step in self._filters)
        size = math.prod(self._dataset.shape) * self._dataset.dtype.itemsize
        if not built_in or size >= SMALL:
            return self._stored()
        stored = self._dataset.get_storage_size()
        usual = size <= stored * _USUAL + 4096 and stored <= max(2 * size, 4096)
        return None if usual else self._stored()

    def _stored(self) -> StoredArray | None:
        if not self._session.holds(self._dataset):
            return None
        from hspyio.hdf5.stored_layout import stored_layout

        return stored_layout(self._dataset, from_h5py(self._dataset.dtype), self._filters)

    def detached(self) -> LazySource:
        """A source that goes on when the file is closed, and can be pickled."""
        self._session.shared = True
        foreign = self._session.allow_external  # perhaps
        return LazySource(self._session.handle, self._where, self.shape, self._stored(), foreign)

    def detached_rows(self) -> LazyRows | None:
        """The same for rows of variable length; ``None`` for those that may be in another file."""
        from hspyio.hdf5.late_rows import LazyRows

        session = self._session
        if session.allow_external:
            return None
        base, stored = self._references()
        session.shared = True
        return LazyRows(session.handle, self._where, self.shape, stored, base)

    def _references(self) -> tuple[np.dtype[Any] | None, StoredArray | None]:
        """The dtype of the rows, and how the references to them are read past HDF5, if they are."""
        return None, None


class _RowsInFile(_FileSource):
    """An array of rows of numbers of variable length, in a file that is open."""

    def read(self, selection: Selection = ()) -> NDArray[Any]:
        return self.rows(selection).read()

    def rows(self, selection: Selection = ()) -> RaggedArray:
        """All rows of a selection, end to end."""
        from hspyio.hdf5.ragged import read_rows

        self._check_open()
        session = self._session
        with named(session.path, self._where), self._allowed(selection):
            base, stored = self._references()
            references = None if stored is None else self._past_hdf5(stored, selection)
            if base is not None and references is not None:
                length = int(references["length"].sum(dtype=np.int64)) * base.itemsize
                session.budget.take_rows(length, session.file_bytes)
                with session.handle.descriptor() as descriptor:
                    return read_rows(references, descriptor, base)
            if session.repeats(math.prod(self._dataset.shape)):
                raise DamagedFileError("holds rows in a form in which they are not safe to read")
            objects = _through_hdf5(self._dataset, selection, self._filters)
            kind = from_h5py(self._dataset.dtype)
            assert isinstance(kind, Vlen) and isinstance(kind.base, np.dtype)
            return RaggedList.of(objects, kind.base).rows()

    def _references(self) -> tuple[np.dtype[Any] | None, StoredArray | None]:
        from hspyio.hdf5.ragged import REFERENCE, row_dtype
        from hspyio.hdf5.stored_layout import layout_of

        base = row_dtype(self._dataset) if self._session.holds(self._dataset) else None
        stored = None if base is None else layout_of(self._dataset, REFERENCE, self._filters)
        return base, stored


def _through_hdf5(
    dataset: h5d.DatasetID, selection: Selection, filters: tuple[Filter, ...]
) -> NDArray[Any]:
    check_available(filters)
    creation = dataset.get_create_plist()
    if creation.get_layout() == h5d.CHUNKED:
        itemsize = dataset.dtype.itemsize
        size = math.prod(creation.get_chunk()) * itemsize
        check_chunks(size, math.prod(dataset.shape) * itemsize)
        check_inflation(dataset, filters, size)
    kind = from_h5py(dataset.dtype)
    if dataset.dtype.subdtype is not None:
        values = np.asarray(h5py.Dataset(dataset)[()])[selection]
    elif selection and not _is_everything(selection, dataset.shape):
        # h5py makes a scalar of one value, in the machine's byte order: it gets slices only.
        indexer = BasicIndexer(selection, dataset.shape)
        values = np.asarray(h5py.Dataset(dataset)[indexer.slices])
        return plain_values(values, kind)[(*indexer.dropped, ...)]
    else:
        values = blank(dataset.shape, dataset.dtype)
        dataset.read(h5s.ALL, h5s.ALL, values, h5t.py_create(to_h5py(kind)))
    return plain_values(values, kind)


def read_at(handle: FileHandle, where: str, selection: Selection, *, foreign: bool) -> NDArray[Any]:
    """Open a file and read an array through HDF5.

    Parameters
    ----------
    handle : FileHandle
        The file.
    where : str
        Path of the dataset in it.
    selection : tuple of slice or int
        What to read.
    foreign : bool
        Whether its values may stand in another file, which HDF5 finds by the path only.
    """
    with handle.open(by_path=foreign) as file:
        dataset = file[stored_name(where)].id
        return _through_hdf5(dataset, selection, filters_of(dataset))


def index_at(handle: FileHandle, where: str, stored: StoredArray) -> ChunkManifest | None:
    """Open a file and ask HDF5 for the chunks of an array; ``None`` if only HDF5 can read it."""
    from hspyio.hdf5.stored_layout import chunk_index

    with handle.open() as file:
        return chunk_index(file[stored_name(where)].id, stored)


def _measured_texts(dataset: h5d.DatasetID, most: int) -> int:
    """Bytes of the texts of a small dataset, read one by one until they are too many."""
    size, one = 0, h5s.create_simple((1,))
    space, kind = dataset.get_space(), h5t.py_create(dataset.dtype)
    text = np.empty(1, dataset.dtype)
    for place in np.ndindex(*dataset.shape):
        space.select_elements([place])
        dataset.read(one, space, text, kind)
        size += len(text[0])
        if size > most:
            break
    return size


def _has_fill_value(dataset: h5d.DatasetID) -> bool:
    """Whether what was never written is something else than zero."""
    creation = dataset.get_create_plist()
    if creation.fill_value_defined() != h5d.FILL_VALUE_USER_DEFINED:
        return False
    value = np.zeros((), dataset.dtype)
    creation.get_fill_value(value)
    return any(value.tobytes())


def _is_everything(selection: Selection, shape: tuple[int, ...]) -> bool:
    return len(selection) == len(shape) and all(
        isinstance(part, slice) and part.indices(length) == (0, length, 1)
        for part, length in zip(selection, shape, strict=True)
    )


@record
class Place:
    """Where the values of an array stand in an open file.

    Attributes
    ----------
    dataset : h5py DatasetID
        Open.
    stored : StoredArray or None
        How they stand there, if the engine can read them.
    by_hdf5 : bool
        Whether they are read by HDF5 all the same.
    handle : FileHandle
        The file.
    """

    dataset: h5d.DatasetID
    stored: StoredArray | None
    by_hdf5: bool
    handle: FileHandle

    def chunk_index(self) -> ChunkManifest | None:
        """Where its chunks are; ``None`` where only HDF5 can read them."""
        from hspyio.hdf5.stored_layout import chunk_index

        assert self.stored is not None
        return chunk_index(self.dataset, self.stored)


@record
class OwnPlace:
    """The same of an array that we read ourselves."""

    source: Dataset
    stored: StoredArray | None

    by_hdf5 = False

    @property
    def handle(self) -> FileHandle:
        """The file."""
        return self.source.snapshot

    def chunk_index(self) -> ChunkManifest:
        """Where its chunks are."""
        return self.source.chunk_index()


def stored_place(array: Array) -> Place | OwnPlace | None:
    """Where the values of an array stand; ``None`` if they are not in a file."""
    source = array.source
    if not isinstance(source, Dataset):
        return place_of(array)
    read = source.is_plain and (source.layout.chunks is None or source.stored.pipeline.decodes)
    return OwnPlace(source, source.stored if read else None)


def place_of(array: Array, *, salvage: bool = False) -> Place | None:
    """Where the values of an array stand; ``None`` if they are not in an open file.

    With `salvage` the index of its chunks is not asked, which HDF5 may not be able to read.
    """
    source = _in_hdf5(array)
    if source is None:
        return None
    by_hdf5 = not salvage and source._layout() is None
    return Place(source._dataset, source._stored(), by_hdf5, source._session.handle)


def _in_hdf5(array: Array) -> _FileSource | None:
    """The source of an array in an open file; ``None`` for others."""
    return array.source if isinstance(array.source, _FileSource) else None


@contextmanager
def passing(array: Array) -> Iterator[None]:
    """Within this, what is read of an array is not kept: the memory counts as free again."""
    session: Any = None
    if isinstance(array.source, Dataset):
        session = array.source.opening
    elif isinstance(array.source, _FileSource):
        session = array.source._session
    if session is None:
        yield
        return
    budget = session.budget
    session.budget = Budget()
    try:
        yield
    finally:
        session.budget = budget
