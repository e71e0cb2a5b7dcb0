"""The root group of a file, read by our reader."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hspyio.hdf5.local_snapshot import LocalSnapshot
from hspyio.hdf5.reader import open_file
from hspyio.nodes.node import Group
from hspyio.schema.policy import HSPY


@contextmanager
def open_root(
    path: str | os.PathLike[str],
    *,
    handle: LocalSnapshot | None = None,
    **options: Any,
) -> Iterator[Group]:
    """Open a file as `hspyio.load` does."""
    with open_file(path if handle is None else handle, HSPY, **options) as root:
        yield root
