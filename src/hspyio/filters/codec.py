"""One HDF5 filter: what planning and messages need of it, and bytes <-> bytes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from hspyio.forks import lock_of_module
from hspyio.records import record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Bytes", "Codec", "Decode", "Encode", "library", "sized"]

Bytes: TypeAlias = "bytes | bytearray | memoryview | NDArray[np.uint8]"
"""What goes through filters: one dimension, contiguous."""

Decode: TypeAlias = "Callable[[Bytes, tuple[int, ...], int, NDArray[np.uint8] | None], Bytes]"
"""``(stored, options, size, out) -> decoded``.

Undo the filter on a whole chunk. The result has exactly `size` bytes. `out`, where given, has
`size` bytes too; a filter that can decodes into it and returns it, any other returns bytes of
its own, or a view of what is stored. Called from many threads at once; a long call releases the
GIL. Raises ValueError or RuntimeError if what is stored is damaged, also where it decodes to
another size; never more than `size` bytes are made.
"""

Encode: TypeAlias = "Callable[[Bytes, tuple[int, ...]], Bytes]"
"""``(plain, options) -> stored``. Apply the filter to a whole chunk; inverse of `Decode`.

Both take the options as they stand in a file.
"""


@record
class Codec:
    """An HDF5 filter.

    Attributes
    ----------
    id : int
        HDF5's registered number.
    name : str
        The name a person knows.
    package : str
        What to install where it is not built in, ``""`` for what every HDF5 has.
    options : callable, optional
        ``compression_opts -> client data``; raises `OptionError`. ``None`` for filters that are
        not chosen through ``compression``.
    everywhere : bool
        Whether every HDF5 program can read it.
    rounds : bool
        Whether it changes values: it is then applied to a signal's data only, and unshuffled.
    resizes : bool
        Whether the length of its output depends on the values: a compressor.
    grows : int
        Bytes that it adds, for one that does not resize.
    decode, encode : callable, optional
        See `Decode` and `Encode`; ``None`` where only HDF5 can do it.
    quick : callable, optional
        An `Encode` for where nobody asked for a level.
    stored_options : callable, optional
        ``(client data, itemsize, chunk bytes) -> client data`` as they stand in a file, for a
        filter that adds facts of the array (HDF5's own ``set_local``).
    detail : callable, optional
        ``client data -> str``: a level, say, as people want it beside the name.
    """

    id: int
    name: str
    package: str = ""
    options: Callable[[Any], tuple[int, ...]] | None = None
    everywhere: bool = False
    rounds: bool = False
    resizes: bool = False
    grows: int = 0
    decode: Decode | None = None
    encode: Encode | None = None
    quick: Encode | None = None
    stored_options: Callable[[tuple[int, ...], int, int], tuple[int, ...]] | None = None
    detail: Callable[[tuple[int, ...]], str] | None = None


def sized(decoded: Bytes, size: int) -> Bytes:
    """Return what was decoded, which has to have the size that was expected."""
    if len(decoded) != size:
        raise ValueError(f"decoded to {len(decoded)} bytes, expected {size}")
    return decoded


def library() -> Any:
    """Return imagecodecs, whose functions take more kinds of buffers than their types say."""
    return _LIBRARY


class _Library:
    """Its functions: it imports each when it is first asked for, with a lock of its own held."""

    def __getattr__(self, name: str) -> Any:
        imported = sys.modules.get("imagecodecs")
        found = None if imported is None else vars(imported).get(name)
        if found is None:
            with _IMPORTING:
                import imagecodecs

                found = getattr(imagecodecs, name)
        setattr(self, name, found)  # so that it is not asked again, for every chunk
        return found


_LIBRARY = _Library()
_IMPORTING = lock_of_module()
