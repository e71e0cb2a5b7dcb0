"""HDF5 filters: one filter, one file, listed in one tuple.

To add a filter: a file with a ``CODEC``, a line below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hspyio.errors import OptionError
from hspyio.filters import (
    bitshuffle,
    blosc,
    fletcher32,
    gzip,
    lz4,
    lzf,
    plugins,
    scaleoffset,
    shuffle,
    szip,
    zstd,
)
from hspyio.filters.codec import Codec
from hspyio.filters.plugins import plain_options
from hspyio.nodes.node import Filter

__all__ = ["CODECS", "Codec", "chosen", "codec_of", "describe", "everywhere", "named_filter"]

CODECS: tuple[Codec, ...] = (
    gzip.CODEC,
    shuffle.CODEC,
    fletcher32.CODEC,
    scaleoffset.CODEC,
    szip.CODEC,
    lzf.CODEC,
    blosc.CODEC,
    lz4.CODEC,
    bitshuffle.CODEC,
    zstd.CODEC,
    *plugins.CODECS,
)

_BY_ID = {codec.id: codec for codec in CODECS}
_BY_NAME = {codec.name: codec for codec in CODECS if codec.options is not None}


def codec_of(number: int) -> Codec:
    """The codec of a filter number; an unknown one gets a name that says so."""
    unknown = Codec(number, f"filter {number}", package="its HDF5 plugin", options=plain_options)
    return _BY_ID.get(number, unknown)


def named_filter(number: int, options: Sequence[int], name: bytes) -> Filter:
    """A filter as it stands in a file; by the name we know it by, else by the one in the file.

    Parameters
    ----------
    number : int
        HDF5's registered number.
    options : sequence of int
        The filter's client data.
    name : bytes
        What the file calls it.
    """
    codec = codec_of(number)
    known = codec.name if not codec.name.startswith("filter ") else ""
    text = known or name.decode("latin-1") or codec.name
    return Filter(number, tuple(int(option) for option in options), text)


def chosen(compression: None | str | int | Mapping[str, Any], opts: Any) -> Filter | None:
    """Return the filter that the options of `hspyio.save` choose.

    Parameters
    ----------
    compression : None, str, int or mapping
        A name, HDF5's number, 0 to 9 for a gzip level (as h5py takes it), or an object of
        hdf5plugin, which is a mapping with ``compression`` and ``compression_opts``.
    opts : object
        Details for the filter.

    Raises
    ------
    OptionError
        If there is no such filter, or it does not take these details.
    """
    if isinstance(compression, Mapping):
        if opts is not None:
            raise OptionError("compression_opts goes with a filter's name; the object has its own")
        opts = compression.get("compression_opts")
        compression = compression.get("compression")
    if compression is None:
        if opts is not None:
            raise OptionError(f"compression_opts is {opts!r}, and compression is None")
        return None
    codec, opts = _codec_for(compression, opts)
    if codec.options is None:
        raise OptionError(f"{codec.name} has an option of its own")
    quick = codec.quick is not None and opts is None
    return Filter(codec.id, codec.options(opts), codec.name, quick=quick)


def _codec_for(compression: object, opts: Any) -> tuple[Codec, Any]:
    """The filter, and its details; a bare number stands for HDF5's own default: none."""
    number = compression if isinstance(compression, (int, np.integer)) else None
    if isinstance(compression, str) and compression in _BY_NAME:
        return _BY_NAME[compression], opts
    if number is None or isinstance(number, bool) or not 0 <= number < 2**16:
        known = ", ".join(repr(name) for name in _BY_NAME)
        raise OptionError(f"compression is {compression!r}; known are None, {known}, or a number")
    if number > gzip.MOST:
        return codec_of(int(number)), () if opts is None else opts
    if opts is not None:
        raise OptionError(f"compression {number} is gzip's level, so compression_opts has no use")
    return gzip.CODEC, int(number)


def describe(filters: tuple[Filter, ...]) -> tuple[str, ...]:
    """Names with levels, as a person wants them: ``("shuffle", "gzip 4")``."""
    details = ((step, codec_of(step.id).detail) for step in filters)
    return tuple(
        f"{step.name} {'' if detail is None else detail(step.options)}".strip()
        for step, detail in details
    )


def everywhere(filters: tuple[Filter, ...]) -> str:
    """What other programs need: ``"needs hdf5plugin to be read by other programs"`` or ``""``."""
    codecs = [codec_of(step.id) for step in filters]
    needs = dict.fromkeys(codec.package for codec in codecs if not codec.everywhere)
    return f"needs {' and '.join(needs)} to be read by other programs" if needs else ""
