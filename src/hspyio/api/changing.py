"""Change a file that no other writer has: its tree is planned, and goes in as a whole."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hspyio.api.paths import path_of_file
from hspyio.api.progress import working
from hspyio.hdf5.snapshot import check_is_file
from hspyio.nodes.node import Group
from hspyio.options import WriteOptions
from hspyio.system.locks import kept_from_writers
from hspyio.system.refusals import named_errors
from hspyio.transaction.switch import change_file

if TYPE_CHECKING:
    import h5py

    from hspyio.hdf5.output import Output
    from hspyio.integrity.checksums import ArraySums

__all__ = ["Held", "change", "to_be_changed"]


@dataclass(frozen=True, slots=True)
class Held:
    """A file that other writers are kept out of, from when it is read until it is changed."""

    path: str
    descriptor: int


@contextmanager
def to_be_changed(path: str | os.PathLike[str]) -> Iterator[Held]:
    """Keep other writers out of a file."""
    text = path_of_file(path)
    check_is_file(text)
    target = os.path.realpath(text)
    with kept_from_writers(target, change=True) as descriptor, named_errors(target, "changed"):
        yield Held(target, descriptor)


def change(
    held: Held,
    root: Group,
    replaced: set[str],
    options: WriteOptions,
    seals: Mapping[str, Mapping[str, ArraySums]] | None = None,
) -> None:
    """Put a planned tree in the place of a file's experiments, and seal some of them."""
    label = f"saving {os.path.basename(held.path)}"
    with working(options.threads, options.progress, label) as work:

        def seal(new: h5py.Group, output: Output) -> None:
            from hspyio.api.sealing import seal_experiments

            seal_experiments(new, output.fileno(), seals or {}, work)

        change_file(
            held.path,
            held.descriptor,
            root,
            work,
            replaced=replaced,
            durable=options.durable,
            finish=seal if seals else None,
        )
