"""What the codecs alone do with the same chunks, on as many threads: the bound of any engine.

Reading: stored chunks that are in memory already are inflated and unshuffled into an array that is
new each time, as that of a reader is, or into buffers that are used again. Writing: chunks
are cut out, padded, shuffled, compressed, and written into a plain file by all threads, without
HDF5. The codecs are hspyio's own; all that is around them isn't.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import imagecodecs
import numpy as np
from numpy.typing import NDArray

from benchmarks.exchange import TITLE
from benchmarks.measure import Step
from hspyio.filters import codec_of
from hspyio.filters.shuffle import merge, split

GZIP, SHUFFLE = h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE


def default_threads() -> int:
    return int(os.environ.get("HSPYIO_NUM_THREADS") or len(os.sched_getaffinity(0)))


def compress(plain: NDArray[np.uint8]) -> Any:
    """As hspyio does by default, so that it is the same codec at the same level."""
    quick = codec_of(GZIP).quick
    assert quick is not None
    return quick(plain, ())


@dataclass(frozen=True)
class Stored:
    """The chunks of a dataset as they are in a file."""

    chunk: tuple[int, ...]
    dtype: np.dtype[Any]
    pieces: tuple[tuple[tuple[int, ...], bytes], ...]

    @property
    def nbytes(self) -> int:
        return sum(len(piece) for _, piece in self.pieces)


def stored_chunks(path: Path) -> Stored:
    """Read all chunks as they are, in the order of the file."""
    with h5py.File(path) as file:
        low = file[f"Experiments/{TITLE}/data"].id
        properties = low.get_create_plist()
        filters = [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]
        if filters != [SHUFFLE, GZIP]:
            raise ValueError(f"shuffle and gzip are meant to be measured, not {filters}")
        infos = [low.get_chunk_info(i) for i in range(low.get_num_chunks())]
        infos.sort(key=lambda info: info.byte_offset)
        offsets = [tuple(info.chunk_offset) for info in infos]
        pieces = tuple((offset, low.read_direct_chunk(offset)[1]) for offset in offsets)
        return Stored(properties.get_chunk(), low.dtype, pieces)


def reading(stored: Stored, threads: int, *, shape: tuple[int, ...] | None = None) -> Step:
    """Inflate and unshuffle all chunks; with a shape into a new array of that size."""
    itemsize = stored.dtype.itemsize
    size = int(np.prod(stored.chunk)) * itemsize
    count = size // itemsize
    buffers = [(bytearray(size), np.empty(count, stored.dtype)) for _ in range(threads)]

    def run() -> None:
        # One chunk beside the other, whatever their places are; no more memory than the array's.
        array = None if shape is None else np.empty(int(np.prod(shape)), stored.dtype)

        def work(pieces: Iterator[tuple[int, bytes]], number: int) -> None:
            inflated, values = buffers[number]
            planes = np.frombuffer(inflated, np.uint8).reshape(itemsize, -1)
            for index, piece in pieces:
                imagecodecs.deflate_decode(piece, out=inflated)
                if array is not None:
                    start = min(index * count, array.size - count)
                    values = array[start : start + count]
                merge(planes, values)

        _share(work, list(enumerate(piece for _, piece in stored.pieces)), threads)

    return Step(run)


def writing(data: NDArray[Any], stored: Stored, path: Path, threads: int) -> Step:
    """Cut, pad, shuffle and compress all chunks, and write them into one preallocated file."""
    itemsize = data.dtype.itemsize
    ends = itertools.accumulate(len(piece) for _, piece in stored.pieces)
    room = max(ends) + 2**20

    def before() -> None:
        path.unlink(missing_ok=True)
        with path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, room)

    def run() -> None:
        places = _Places()
        with path.open("r+b", buffering=0) as file:

            def work(pieces: Iterator[tuple[tuple[int, ...], bytes]], number: int) -> None:
                chunk = np.zeros(stored.chunk, data.dtype)
                planes = np.empty((itemsize, chunk.size), np.uint8)
                for offset, _ in pieces:
                    cut(data, offset, chunk)
                    split(chunk.reshape(-1), planes)
                    packed = compress(planes.reshape(-1))
                    os.pwrite(file.fileno(), packed, places.take(len(packed)))

            _share(work, stored.pieces, threads)

    return Step(run, before)


def cut(data: NDArray[Any], offset: tuple[int, ...], chunk: NDArray[Any]) -> None:
    """Copy what lies at `offset` into a chunk; zeros beyond the edge of the array."""
    part = data[tuple(slice(o, o + n) for o, n in zip(offset, chunk.shape, strict=True))]
    if part.shape != chunk.shape:
        chunk[...] = 0
    chunk[tuple(slice(n) for n in part.shape)] = part


class _Places:
    """Hands out room in a file to threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._end = 0

    def take(self, size: int) -> int:
        with self._lock:
            place = self._end
            self._end += size
            return place


def _share(work: Callable[[Iterator[Any], int], None], pieces: Any, threads: int) -> None:
    """Let threads take pieces, each the next one; an iterator of a tuple is safe to share."""
    shared = iter(pieces)
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work, shared, number) for number in range(threads)]:
            done.result()
