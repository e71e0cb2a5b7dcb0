"""Which parts of a file a seal covers: all that loading an experiment makes use of."""

from __future__ import annotations

import numpy as np

from hspyio import names
from hspyio.converters.kinds import nexus_attributes
from hspyio.nodes.node import Array, Attribute, Damaged, Group, Kept, MemorySource, Text
from hspyio.schema.listing import with_list
from hspyio.schema.reading import Contents, is_own_member

__all__ = ["EXPERIMENT", "MODELS", "is_sealed", "part_path", "sealed_parts", "with_room_for_seals"]

EXPERIMENT = "attributes, name and format version"
"""The part that holds what is said of the experiment as a whole."""
MODELS = f"/{names.ANALYSIS}/{names.MODELS}/"
"""What the names of parts that are models begin with; others are members of the experiment."""

_DATA = (names.DATA, names.RAGGED_SHAPES + names.DATA, names.RAGGED_SHAPES_3_1)


def sealed_parts(file: Contents, name: str) -> dict[str, Group | Array | Damaged]:
    """Parts of a file that belong to an experiment, by name; not what others put beside them."""
    group = file.experiments[name]
    beside = {names.SEAL, *nexus_attributes(group)}
    own = {key: node for key, node in group.attributes.items() if key not in beside}
    facts = {"name": _text(name), "version": _text(file.declared)}
    parts: dict[str, Group | Array | Damaged] = {
        EXPERIMENT: Group(own, {"": Group(facts)}),
    }
    for key in group.members:
        if key != names.SEAL and (key in _DATA or is_own_member(key)):
            node = group.members[key]
            parts[key] = node if isinstance(node, (Group, Array)) else Damaged(_reason(node))
    models = file.models_of(name)
    return parts | {f"{MODELS}{key}": model for key, model in models.items()}


def is_sealed(file: Contents, name: str) -> bool:
    """Whether an experiment was sealed, be the seal lost or damaged."""
    group = file.experiments[name]
    return names.SEAL in group.members or names.SEAL in group.attributes


def with_room_for_seals(root: Group) -> Group:
    """A file with its list, and an empty seal on each experiment: headers stand before data."""
    holder = root.members[names.EXPERIMENTS]
    assert isinstance(holder, Group)
    empty = np.zeros(names.SEAL_MARK, np.uint8)
    members: dict[str, Group | Array | Damaged | Kept] = {}
    for name in holder.members:
        group = holder.members[name]
        assert isinstance(group, Group)
        attributes = {**group.attributes, names.SEAL: Attribute(empty.dtype, empty)}
        inside = {**group.members, names.SEAL: Array(empty.dtype, MemorySource(empty))}
        members[name] = Group(attributes, inside, group.ordered)
    experiments = Group(holder.attributes, members, holder.ordered)
    made = {**root.members, names.EXPERIMENTS: experiments}
    return with_list(Group(root.attributes, made, root.ordered))


def _text(value: str) -> Attribute:
    return Attribute(Text(), value.encode("utf-8", "surrogateescape"))


def _reason(node: object) -> str:
    return node.reason if isinstance(node, Damaged) else "cannot be read"


def part_path(name: str, path: str) -> str:
    """Where a part of an experiment, or something in it, stands in the file."""
    if path.startswith(MODELS):
        return path
    where = f"/{names.EXPERIMENTS}/{name}"
    return where if path == EXPERIMENT else f"{where}/{path}"
