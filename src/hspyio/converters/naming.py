"""Names for the items of a group: the key wherever reading gives the key back, else a stand-in."""

from __future__ import annotations

from collections.abc import Sequence

from hspyio import names
from hspyio.converters.converter import Encoded
from hspyio.converters.keys import readable_name
from hspyio.converters.kinds import reads_back_as
from hspyio.nodes.node import Attribute

__all__ = ["name_items"]

_LONGEST = 4000


def name_items(pairs: Sequence[tuple[object, Encoded]]) -> list[tuple[str, bool]]:
    """Name every item of a group.

    Keys that can be names come first, so that a stand-in never takes the name of a real key.

    Parameters
    ----------
    pairs : sequence of (key, Encoded)
        The items.

    Returns
    -------
    list of (str, bool)
        The name on disk, and whether reading gives the key back from it alone.
    """
    taken: set[str] = set()
    result: list[tuple[str, bool] | None] = []
    for key, encoded in pairs:
        # Exactly str: a subclass would come back as str.
        plain = type(key) is str and _fits(key, encoded, taken)
        result.append((f"{encoded.prefix}{key}", True) if plain else None)
    return [
        named or (_stand_in(key, encoded, taken), False)
        for named, (key, encoded) in zip(result, pairs, strict=True)
    ]


def _fits(key: str, encoded: Encoded, taken: set[str]) -> bool:
    """Whether the key can be the name; if so both are taken."""
    name = encoded.prefix + key
    if name in taken or key in taken or not _is_storable(name, encoded):
        return False
    if name == names.SIGNAL:  # would read as a signal in a list
        return False
    if not reads_back_as(encoded.prefix, key, encoded.node):
        return False
    taken.add(name)
    taken.add(key)
    return True


def _is_storable(name: str, encoded: Encoded) -> bool:
    """Whether HDF5 and every reader take the name (defects C18 to C24)."""
    if not name or "\0" in name or len(name) > _LONGEST:
        return False
    if not name.isascii():
        try:
            name.encode()
        except UnicodeEncodeError:
            return False
    if isinstance(encoded.node, Attribute):
        return True
    return "/" not in name and name not in (".", "..", names.RAGGED_SHAPES_3_1)


def _stand_in(key: object, encoded: Encoded, taken: set[str]) -> str:
    name = readable_name(key)
    candidate, count = name, 1
    while not _fits(candidate, encoded, taken):
        count += 1
        candidate = f"{name}_{count}"
    return encoded.prefix + candidate
