"""Rules of how a file is stored: what HDF5 cannot read, links, chunks, filters."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numpy as np

from hspyio import names
from hspyio.errors import Problem
from hspyio.filters import codec_of, everywhere
from hspyio.nodes.node import Array, Vlen
from hspyio.rules.rule import AGAIN, error, note, warning
from hspyio.rules.view import View

__all__ = ["RULES"]

_EMPTY = ("is a dataset without a shape",)
_EMPTY_ATTRIBUTE = ("is an empty attribute",)
_ELSEWHERE = ("is a link to another file", "has its values in other files")
_DANGLING = ("which is not there",)
_CIRCLE = ("is a link to a group that holds it", "that leads in a circle")
_NO_PART = ("is a named datatype",)
_BEYOND = (
    *("is one more link to what", "objects that are read of a file", "leads over more than"),
    *("is said to have", "its chunks are of", "safe to read", "is an attribute of"),
)
_TYPES = (
    *("references are not part of", "of variable length are not part of", "cannot be read: type "),
    *("types within types", "opaque bytes that are to be"),
)
_SAID = (_EMPTY, _EMPTY_ATTRIBUTE, _ELSEWHERE, _DANGLING, _CIRCLE, _NO_PART, _BEYOND, _TYPES)
"""Words of the reasons why something cannot be read, a tuple a rule; the rest is damage."""

_LARGEST = 2**32
"""Bytes of a chunk that HDF5 could not read before version 2."""
_REFERENCE = 16
"""Bytes of a reference to a row of variable length."""
_LISTS = (names.LIST, names.TUPLE)


def _unreadable(view: View, words: tuple[str, ...]) -> Iterator[Problem]:
    for where, reason in view.damaged:
        if any(word in reason for word in words):
            yield Problem(where, reason)


def _damaged(view: View) -> Iterator[Problem]:
    for where, reason in view.damaged:
        if not any(word in reason for words in _SAID for word in words):
            yield Problem(where, reason)


def _arrays(view: View) -> Iterator[tuple[str, Array]]:
    """Every array of the format, those of lists and axes aside, which are read whole."""
    axes = {axis.where for axis in view.axes}
    for signal in view.signals:
        for name in (names.DATA, names.RAGGED_SHAPES + names.DATA):
            node = signal.group.members.get(name)
            if isinstance(node, Array):
                yield f"{signal.where}/{name}", node
    for tree in view.trees:
        for item in tree.items if tree.where not in axes else ():
            if isinstance(item.node, Array) and not item.name.startswith(_LISTS):
                yield item.where, item.node


def _is_chunked(view: View, of: type, said: str) -> Iterator[Problem]:
    for where, array in _arrays(view):
        if array.chunks is None and isinstance(array.type, of):
            yield Problem(where, said)


def _chunks_are_small(view: View) -> Iterator[Problem]:
    for where, array in _arrays(view):
        size = array.type.itemsize if isinstance(array.type, np.dtype) else _REFERENCE
        chunk = math.prod(array.chunks or ()) * size
        if array.chunks is not None and chunk >= _LARGEST:
            yield Problem(where, f"its chunks of {array.chunks} are of {chunk / 1e9:.1f} GB")


def _filters_are_common(view: View) -> Iterator[Problem]:
    for where, array in _arrays(view):
        known = tuple(step for step in array.filters if not _is_unknown(step.id))
        if needs := everywhere(known):
            named = ", ".join(step.name for step in known if not codec_of(step.id).everywhere)
            yield Problem(where, f"is stored with {named}, and {needs}")


def _is_unknown(number: int) -> bool:
    return codec_of(number).name == f"filter {number}"


def _filters_are_known(view: View) -> Iterator[Problem]:
    for where, array in _arrays(view):
        for step in array.filters:
            if _is_unknown(step.id):
                yield Problem(where, f"is stored with filter {step.id}")


RULES = (
    error(
        "H701",
        "HDF5 can read all groups, attributes and descriptions of arrays.",
        "Programs fail on them; some crash.",
        "`hspy verify FILE` tells all that is damaged, `hspy rescue FILE NEW` saves the rest.",
        _damaged,
    ),
    error(
        "H702",
        "No dataset is without a value (HDF5's null dataspace).",
        "RosettaSciIO cannot read the file.",
        f"{AGAIN} leaves it out.",
        partial(_unreadable, words=_EMPTY),
    ),
    warning(
        "H703",
        "All that a file holds is in the file: no links to other files, no external storage, no "
        "virtual datasets.",
        "It is lost when the other file is not there; a file from elsewhere can lead to files of "
        "yours. hspyio follows such links only when asked.",
        "`hspyio.save(NEW, hspyio.open(FILE, allow_external=True).values())` takes it in, if you "
        "trust it.",
        partial(_unreadable, words=_ELSEWHERE),
    ),
    error(
        "H704",
        "Links lead to something.",
        "RosettaSciIO cannot read the file.",
        f"{AGAIN} leaves it out.",
        partial(_unreadable, words=_DANGLING),
    ),
    error(
        "H705",
        "No link leads in a circle.",
        "Programs that follow it never come to an end.",
        f"{AGAIN} leaves it out.",
        partial(_unreadable, words=_CIRCLE),
    ),
    error(
        "H706",
        "Groups hold groups and datasets only, no named datatypes.",
        "RosettaSciIO cannot read the file.",
        f"{AGAIN} leaves it out.",
        partial(_unreadable, words=_NO_PART),
    ),
    warning(
        "H707",
        "Arrays are stored in chunks; lists, texts and the points of axes need not be.",
        "RosettaSciIO cannot open the file lazily.",
        f"{AGAIN} stores them in chunks.",
        partial(_is_chunked, of=np.dtype, said="is stored in one block"),
    ),
    error(
        "H708",
        "Ragged arrays are stored in chunks.",
        "RosettaSciIO cannot read the file.",
        f"{AGAIN} stores them in chunks.",
        partial(_is_chunked, of=Vlen, said="is ragged and stored in one block"),
    ),
    warning(
        "H709",
        "Chunks are smaller than 4 GiB.",
        "HDF5 before version 2 cannot read them, and every reader needs the memory.",
        f"{AGAIN} makes smaller ones.",
        _chunks_are_small,
    ),
    note(
        "H710",
        "Arrays are compressed with gzip, or not at all.",
        "Other filters need a plug-in that other computers may lack.",
        f"{AGAIN} compresses with gzip, if it is to be read anywhere.",
        _filters_are_common,
    ),
    warning(
        "H711",
        "Filters are among those that HDF5's registered plug-ins for Python know.",
        "Nobody without that very plug-in can read the array.",
        f"{AGAIN}, where the plug-in is installed; elsewhere it is left out.",
        _filters_are_known,
    ),
    warning(
        "H712",
        "Nothing goes beyond what programs write: more paths to one object, more items than the "
        "file has bytes for.",
        "hspyio leaves it out: other readers may take all memory for it.",
        f"Do not trust the file, if it is from elsewhere. {AGAIN} leaves it out.",
        partial(_unreadable, words=_BEYOND),
    ),
    warning(
        "H713",
        "Values are of types that the format has: no references, no enumerations of other than "
        "truth values, no times of HDF5's own.",
        "hspyio leaves them out; other readers have objects that cannot be saved again.",
        f"{AGAIN} leaves them out.",
        partial(_unreadable, words=_TYPES),
    ),
    warning(
        "H714",
        "No attribute is without a value (HDF5's null dataspace).",
        "RosettaSciIO has an object of h5py for it, which is no value and cannot be saved again.",
        f"{AGAIN} leaves it out.",
        partial(_unreadable, words=_EMPTY_ATTRIBUTE),
    ),
)
