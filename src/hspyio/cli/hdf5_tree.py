"""The objects of an HDF5 file, and how they are stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from hspyio.api.arguments import file_of
from hspyio.api.loading.open_file import readable
from hspyio.api.progress import working
from hspyio.cli.console import one_line
from hspyio.cli.drawing import Fact, branches
from hspyio.cli.usage import Place
from hspyio.cli.values import MANY_ITEMS, short_text
from hspyio.errors import byte_text
from hspyio.filters import describe
from hspyio.hdf5.dataset import stored_bytes
from hspyio.hdf5.reader import open_file
from hspyio.nodes.node import Array, Attribute, Damaged, Group, Kept, Text, Vlen, nested_lists
from hspyio.schema.policy import HSPY

__all__ = ["hdf5_tree"]


def hdf5_tree(file: Place, depth: int | None) -> Iterator[str]:
    """Draw an HDF5 file, HSpy or not; links to other files are named, and not followed."""
    with (
        working(None, False, "") as workers,
        open_file(file_of(file), HSPY, workers=workers) as root,
        readable(str(file), "/"),
    ):
        yield from branches(_entries(root, depth), depth)


def _entries(group: Group, depth: int | None) -> dict[str, Any]:
    """Attributes with an @ before their names, then members; no deeper than is drawn."""
    found: dict[str, Any] = {
        f"@{one_line(name)}": Fact(_attribute_text(node)) for name, node in group.attributes.items()
    }
    below = None if depth is None else depth - 1
    for name, node in group.members.items():
        if isinstance(node, Group):
            text = one_line(name) + "/"
            found[text] = _entries(node, below) if below != 0 else _count(node)
        else:
            found[one_line(name)] = Fact(_member_text(node))
    return found


def _count(group: Group) -> Fact:
    return Fact(f"… {len(group.attributes)} attributes, {len(group.members)} members")


def _attribute_text(node: Attribute | Damaged | Kept) -> str:
    if not isinstance(node, Attribute):
        return f"({one_line(getattr(node, 'reason', ''))})"
    value = node.value
    if isinstance(value, bytes):
        return short_text(value.decode("utf-8", "backslashreplace"))
    listed = value if nested_lists(np.shape(value)) > MANY_ITEMS else value.tolist()
    return f"{short_text(listed)}, {_type_text(node.type)}"


def _member_text(node: object) -> str:
    if not isinstance(node, Array):
        return f"({one_line(getattr(node, 'reason', node))})"
    layout = "in one block" if node.chunks is None else f"chunks of {node.chunks}"
    filters = " + ".join(describe(node.filters)) or "uncompressed"
    stored = byte_text(stored_bytes(node))
    return f"{node.shape} {_type_text(node.type)}, {stored}, {layout}, {filters}"


def _type_text(kind: np.dtype[Any] | Text | Vlen) -> str:
    if isinstance(kind, Vlen):
        return f"rows of {_type_text(kind.base)}"
    if isinstance(kind, Text):
        length = "" if kind.length is None else f" of {kind.length} bytes"
        return f"{'UTF-8' if kind.utf8 else 'ASCII'} text{length}"
    return str(kind)
