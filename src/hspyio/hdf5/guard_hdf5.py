"""What HDF5 is not allowed: to fill memory with what a file says."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any, TypeAlias

import h5py
import numpy as np
from h5py import h5a, h5d, h5i, h5o

from hspyio.errors import DamagedFileError
from hspyio.filters import codec_of, fletcher32, gzip, lzf, shuffle
from hspyio.filters.codec import library
from hspyio.hdf5.limits import (
    DEFLATE,
    MIB,
    MOST_OBJECTS,
    UNSUSPICIOUS,
    Census,
    repeats,
    size_text,
)
from hspyio.hdf5.stored_layout import lists_rightly
from hspyio.nodes.node import Filter
from hspyio.system.interrupts import called_back

__all__ = ["ObjectCensus", "check_attribute", "check_inflation"]

_MOST_ATTRIBUTE = 64 * MIB
"""Bytes of an attribute; HDF5 takes 64 kB by default."""

_RATIOS = {gzip.CODEC.id: DEFLATE, lzf.CODEC.id: 88, shuffle.CODEC.id: 1, fletcher32.CODEC.id: 1}
"""How many times longer than a chunk what it is decoded to can be; of others nobody knows."""

_Corner: TypeAlias = tuple[int, ...]

_OVERHEAD = 1024
"""What a compressed chunk may have beside its values."""


class ObjectCensus(Census):
    """Counts the objects that HDF5 has opened."""

    def pass_by(self, location: Any) -> None:
        """Take note of an object that is not counted."""

    def enter(self, location: Any, *, followed: bool) -> tuple[int, int]:
        """Count an object that was reached, and give its address.

        Parameters
        ----------
        location : h5py object id
            What was reached.
        followed : bool
            Whether a soft link led there.

        Raises
        ------
        DamagedFileError
            See `Census.count`.
        """
        info = h5o.get_info(location)
        address = (int(info.fileno), int(info.addr))
        self.count(address, info.rc, followed=followed)
        return address


def check_attribute(
    attribute: h5a.AttrID, dtype: np.dtype[Any], holder: Any, *, measured: bool = False
) -> None:
    """Refuse an attribute that takes far more memory than an attribute can.

    HDF5 reads the texts of an attribute all at once, and there is no telling how long they are.

    Parameters
    ----------
    attribute : h5py AttrID
        Open.
    dtype : numpy dtype
        Its type, as h5py has it.
    holder : h5py object id
        What it is an attribute of.
    measured : bool
        Whether its texts are known to be no longer than the file.

    Raises
    ------
    DamagedFileError
        If it is large, or has many texts that may be the same bytes of a large file.
    """
    count = math.prod(attribute.shape or ())
    if dtype.hasobject:
        if not measured and repeats(count, h5i.get_file_id(holder).get_filesize()):
            raise DamagedFileError(
                f"is an attribute of {count:,} texts or rows, which is not safe to read"
            )
        rows = h5py.check_vlen_dtype(dtype)
        if rows is not None and np.dtype(rows).hasobject:
            raise DamagedFileError("is an attribute of rows of texts, which is not safe to read")
    elif count * dtype.itemsize > _MOST_ATTRIBUTE:
        raise DamagedFileError(f"is an attribute of {size_text(count * dtype.itemsize)}")


def check_inflation(dataset: h5d.DatasetID, filters: Iterable[Filter], chunk_bytes: int) -> None:
    """Refuse what HDF5 would inflate without end: it asks for memory until a stream is over.

    For arrays that HDF5 itself is to read; the engine stops at the size of a chunk.

    Parameters
    ----------
    dataset : h5py DatasetID
        Open, with chunks.
    filters : iterable of Filter
        Of the dataset.
    chunk_bytes : int
        What a chunk is declared to be.

    Raises
    ------
    DamagedFileError
        If a chunk inflates to more than that.
    """
    steps = tuple(filters)
    deflated = [index for index, step in enumerate(steps) if step.id == gzip.CODEC.id]
    if not deflated:
        return
    after = [step.id for step in steps[deflated[0] :]]
    ratio = math.prod(_RATIOS.get(number, UNSUSPICIOUS) for number in after)
    if dataset.get_storage_size() * ratio <= UNSUSPICIOUS:
        return
    unknown = any(number not in _RATIOS for number in after)
    for corner, mask, content in _chunks_above(dataset, UNSUSPICIOUS // ratio):
        if unknown:
            raise DamagedFileError(
                "is compressed twice over, so that nothing tells how much memory it would take"
            )
        applied = [step for index, step in enumerate(steps) if not mask >> index & 1]
        if _inflates_beyond(content, applied, chunk_bytes):
            raise DamagedFileError(
                f"its chunk at {corner} inflates to more than the {size_text(chunk_bytes)} "
                "it is said to be"
            )


def _chunks_above(dataset: h5d.DatasetID, size: int) -> Iterator[tuple[_Corner, int, bytes]]:
    """Corner, left-out filters and bytes of each chunk of more than so many bytes.

    Raises
    ------
    DamagedFileError
        If HDF5 does not list them rightly, and there are too many places to look for them.
    """
    corners: list[_Corner] = []
    chunks = dataset.get_create_plist().get_chunk()
    if lists_rightly(dataset, chunks):

        def note(chunk: h5d.StoreInfo) -> None:
            if chunk.size > size:
                corners.append(chunk.chunk_offset)

        with called_back():
            dataset.chunk_iter(note)
        yield from ((corner, *dataset.read_direct_chunk(corner)) for corner in corners)
        return
    steps = [range(0, n, step) for n, step in zip(dataset.shape, chunks, strict=True)]
    if math.prod(map(len, steps)) > MOST_OBJECTS:
        raise DamagedFileError("has more chunks than can be looked at before HDF5 reads them")
    for corner in product(*steps):
        try:
            mask, content = dataset.read_direct_chunk(corner)
        except RuntimeError:  # none is there
            continue
        if len(content) > size:
            yield corner, mask, content


def _inflates_beyond(content: bytes, steps: Sequence[Filter], size: int) -> bool:
    """Whether a chunk is longer than it should be, after any of its steps."""
    while steps:
        *steps, step = steps
        if step.id in (gzip.CODEC.id, lzf.CODEC.id):
            expand = _inflated if step.id == gzip.CODEC.id else _expanded
            expanded = expand(content, size + size // 256 + _OVERHEAD)
            if expanded is None:
                return True
            content = expanded
        elif step.id == fletcher32.CODEC.id:  # checked by HDF5
            content = content[: -fletcher32.CODEC.grows]
        elif any(earlier.id == gzip.CODEC.id for earlier in steps):
            decode = codec_of(step.id).decode
            assert decode is not None
            try:
                content = bytes(decode(content, step.options, len(content), None))
            except (RuntimeError, ValueError):  # HDF5 will say so
                return False
    return False


def _expanded(content: bytes, most: int) -> bytes | None:
    """What lzf has packed; ``None`` if that is more than so many bytes."""
    try:
        return bytes(library().lzf_decode(content, out=most))
    except RuntimeError:  # or it is damaged
        return None


def _inflated(content: bytes, most: int) -> bytes | None:
    """What a stream holds; ``None`` if that is more than so many bytes."""
    stream, made = zlib.decompressobj(), []
    try:
        while not stream.eof and most >= 0 and content:
            made.append(stream.decompress(content, MIB))
            most -= len(made[-1])
            content = stream.unconsumed_tail
    except zlib.error:  # HDF5 will say so
        return b""
    return None if most < 0 else b"".join(made)
