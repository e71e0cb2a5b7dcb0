"""Signals -> a .zspy that RosettaSciIO reads, without loss for hspyio."""

from __future__ import annotations

from collections.abc import Mapping

from hspyio import names
from hspyio.arrays.workers import Workers
from hspyio.errors import ConversionError
from hspyio.model.signal import Signal
from hspyio.nodes.computed import computed
from hspyio.nodes.node import Attribute, Group, Text
from hspyio.options import WriteOptions
from hspyio.schema import encode_file
from hspyio.transaction.plan import plan
from hspyio.zarr2.writer import open_folder, open_zip, write_store

__all__ = ["write_zspy"]

_FORMAT = b"ZSpy"
_BITS, _BYTES = (0, 0, 0, 0, 1, 2, 5), (0, 0, 0, 0, 1, 1, 5)
"""Level 1 of Zstd, as RosettaSciIO has it. Counts, shuffled by bits, take half the time; to long
numbers, most of whose bits are noise, a shuffle of bytes does more."""
_LONG = 8
_NUMBER = 32001


def write_zspy(
    signals: Mapping[str, Signal], path: str, workers: Workers, *, compress: bool, zipped: bool
) -> None:
    """Write experiments as a Zarr store, of format 2.

    Parameters
    ----------
    signals : mapping of str to Signal
        By the names of their groups.
    path : str
        A new folder, or a new file.
    workers : Workers
        How arrays are written.
    compress : bool
        Whether by Blosc.
    zipped : bool
        Whether the store is one file.

    Raises
    ------
    ConversionError
        If something cannot be held by a store; it is named.
    """
    encoded = encode_file([_in_memory(one) for one in signals.values()], group_names=list(signals))
    if encoded.problems:
        raise ConversionError("cannot be written without loss", encoded.problems)
    long = any(signal.data.dtype.itemsize >= _LONG for signal in signals.values())
    options = WriteOptions(
        compression=_NUMBER if compress else None,
        compression_opts=(_BYTES if long else _BITS) if compress else None,
        shuffle=False,
    )
    root = encoded.root()
    stated = {**root.attributes, names.FILE_FORMAT: Attribute(Text(), _FORMAT)}
    planned = plan(Group(stated, root.members), options)
    with (open_zip if zipped else open_folder)(path) as put:
        write_store(planned, put, workers)


def _in_memory(signal: Signal) -> Signal:
    """A signal whose data are one value, of which dask does not keep the order of bytes."""
    if signal.lazy and not signal.data.shape:
        signal.data = computed(signal.data).astype(signal.data.dtype)
    return signal
