"""The list of what a sealed file holds: a seal stands on its experiment, and would vanish with it.

It is an attribute of the root, `hspyio.names.SEAL`: JSON, ``{"experiments": [...], "models":
[...]}``, and after it the BLAKE2b of that, of 128 bits.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hspyio import names
from hspyio.errors import Problem
from hspyio.nodes.digest import quick_blake2b
from hspyio.nodes.node import Attribute, Group

__all__ = ["list_of", "missing_of_list", "with_list"]

_DIGEST = 16
_HOLDERS = {"experiments": f"/{names.EXPERIMENTS}", "models": f"/{names.ANALYSIS}/{names.MODELS}"}


def list_of(experiments: Iterable[str], models: Iterable[str]) -> Attribute:
    """The attribute that tells what a file holds."""
    import json

    held = {"experiments": list(experiments), "models": list(models)}
    content = json.dumps(held, separators=(",", ":")).encode()
    values = np.frombuffer(content + _digest(content), np.uint8)
    return Attribute(values.dtype, values)


def with_list(root: Group) -> Group:
    """A file that is going to be written, with the list of what it holds."""
    analysis = root.members.get(names.ANALYSIS)
    holders = (
        root.members.get(names.EXPERIMENTS),
        analysis.members.get(names.MODELS) if isinstance(analysis, Group) else None,
    )
    held = [list(holder.members) if isinstance(holder, Group) else [] for holder in holders]
    return replace(root, attributes={**root.attributes, names.SEAL: list_of(*held)})


def missing_of_list(
    stored: object, experiments: Container[str], models: Container[str], known: Container[str]
) -> Iterator[Problem]:
    """What the list names and is not there; `known` are the paths of what is told already."""
    held = _decoded(stored)
    if held is None:
        where = f"/@{names.SEAL}"
        yield Problem(where, "the list of what was in the file is damaged", lost=True)
        return
    for (kind, holder), found in zip(_HOLDERS.items(), (experiments, models), strict=True):
        for name in held[kind]:
            told = f"{holder}/{name}" in known or holder in known
            if name not in found and not told:
                yield Problem(
                    f"{holder}/{name}", "was sealed with the file, and is gone", lost=True
                )


def _decoded(stored: object) -> Mapping[str, list[str]] | None:
    value = stored.value if isinstance(stored, Attribute) else b""
    content = value if isinstance(value, bytes) else value.tobytes()
    if _digest(content[:-_DIGEST]) != content[-_DIGEST:]:
        return None
    import json

    try:
        held: Any = json.loads(content[:-_DIGEST])
        return {kind: list(map(str, held[kind])) for kind in _HOLDERS}
    except (LookupError, TypeError, ValueError, RecursionError):
        return None


def _digest(content: bytes) -> bytes:
    return quick_blake2b()(content, digest_size=_DIGEST).digest()
