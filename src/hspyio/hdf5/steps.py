"""The filters of an array, named for people."""

from __future__ import annotations

from collections.abc import Sequence

from hspyio.filters import codec_of
from hspyio.nodes.node import Filter

__all__ = ["named_filter"]


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
