"""Nodes written into a file, by the one way in which files are written."""

from __future__ import annotations

from pathlib import Path

from hspyio.arrays.workers import Workers
from hspyio.hdf5.local_snapshot import LocalSnapshot
from hspyio.nodes.node import Group
from hspyio.transaction.transaction import Transaction


def write_nodes(path: Path, root: Group, source: LocalSnapshot | None = None) -> None:
    """Make a file of planned nodes; `Kept` ones are those of the source."""
    with Transaction.new(str(path), durable=False) as tx:
        if source is not None:
            tx.copy_from(source)
        tx.write(root)
        tx.commit(Workers())
