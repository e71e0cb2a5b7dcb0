"""Verify files: read every byte, and say what is damaged and what is not."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from hspyio import names
from hspyio.api.arguments import file_of
from hspyio.api.examining.reports import DamagedArray, DamagedPart, Verification
from hspyio.api.loading.open_file import open_any, store_at
from hspyio.api.progress import working
from hspyio.api.sandbox import isolated_result
from hspyio.arrays.workers import Workers
from hspyio.errors import (
    FilterError,
    HspyError,
    MissingFileError,
    Problem,
    TooLargeError,
    UnsupportedFeatureError,
)
from hspyio.hdf5.reader import open_file
from hspyio.hdf5.snapshot import Snapshot
from hspyio.integrity.checksums import ArraySums, faults_of
from hspyio.integrity.seal import NewerSealError, compared
from hspyio.nodes.node import Array, Damaged, Group, MemorySource, walk
from hspyio.options import ReadOptions
from hspyio.schema import Contents, contents, is_own_member
from hspyio.schema.policy import HSPY
from hspyio.schema.sealed_parts import EXPERIMENT, part_path
from hspyio.suggestions import quoted
from hspyio.system.refusals import named_errors

__all__ = ["verified", "verify"]


def verify(
    path: str | os.PathLike[str] | BinaryIO,
    *,
    isolated: bool = False,
    threads: int | None = None,
    progress: bool | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> Verification:
    """Read every byte of a file and say what is damaged.

    Every group and attribute is read and every chunk of every array decompressed, in little
    memory, whether it belongs to a signal or not. Experiments that were saved with
    ``checksum=True`` are compared with their seal.

    Parameters
    ----------
    path : path-like or file object
        The file, or its address; see `hspyio.load`.
    isolated, threads, storage_options
        See `hspyio.load`.
    progress : bool, optional
        Whether to show a progress bar where it takes over a second; by default in a terminal
        or a notebook only.

    Returns
    -------
    Verification
        Print it; ``.ok`` says whether no damage was found.

    Raises
    ------
    MissingFileError
        If there is no such file. Whatever else is wrong stands in the result.

    Examples
    --------
    >>> hspyio.verify("map.hspy")  # doctest: +SKIP
    map.hspy: no damage found; 23 groups and 4 arrays were read
      sealed: map
    """
    options = ReadOptions(isolated=isolated, threads=threads)
    file = file_of(path, "verify(path)", options=options, storage_options=storage_options)
    text = file if isinstance(file, str) else file.path
    with working(threads, progress, f"verifying {os.path.basename(text)}") as workers:
        try:
            if isolated:
                return Verification.from_dict(isolated_result("verify", text, {}, workers))
            return verified(file, workers)
        except MissingFileError:
            raise
        except UnsupportedFeatureError as error:
            note = Problem(error.where or "/", error.message)
            return Verification(text, size=_size(file), notes=(note,))
        except HspyError as error:
            problem = Problem(error.where or "/", error.message)
            return Verification(text, size=_size(file), problems=(problem,))


def verified(file: str | Snapshot, workers: Workers) -> Verification:
    """What `verify` does in whatever process; what opening the file raises is raised."""
    path = file if isinstance(file, str) else file.path
    if isinstance(file, str) and store_at(file) is not None:
        with named_errors(path), open_any(file, workers=workers) as reader:
            return _Examination(path, reader.snapshot.size, workers).of(reader.root())
    with named_errors(path), open_file(file, HSPY, workers=workers) as root:
        return _Examination(path, _size(file), workers).of(root)


def _size(file: str | Snapshot) -> int:
    if isinstance(file, str):
        return os.path.getsize(file) if os.path.isfile(file) else 0
    return file.size


class _Examination:
    """One file while it is being verified."""

    def __init__(self, path: str, size: int, workers: Workers) -> None:
        self._path, self._size, self._workers = path, size, workers
        self._damaged: list[DamagedArray] = []
        self._problems: dict[Problem, None] = {}
        self._notes: list[Problem] = []
        self._seals: dict[str, bool] = {}
        self._groups = self._arrays = 0

    def of(self, root: Group) -> Verification:
        """Read all that is in the file."""
        known: dict[str, ArraySums] = {}
        try:
            found = contents(root)
        except HspyError as error:
            self._problem("/", error.message)
        else:
            self._problems |= dict.fromkeys([*found.problems, *_bereft(found)])
            known = self._sums(found)
        for where, node in walk(root):
            self._examine(where, node, known)
        return Verification(
            path=self._path,
            size=self._size,
            groups=self._groups,
            arrays=self._arrays,
            sealed=tuple(name for name, sealed in self._seals.items() if sealed),
            unsealed=tuple(name for name, sealed in self._seals.items() if not sealed),
            damaged=tuple(self._damaged),
            problems=tuple(self._problems),
            notes=tuple(self._notes),
        )

    def _problem(self, where: str, message: str) -> None:
        self._problems[Problem(where, message)] = None

    def _sums(self, found: Contents) -> dict[str, ArraySums]:
        """Checksums of arrays by path in the file, of all experiments; other parts are compared."""
        sums: dict[str, ArraySums] = {}
        for name in found.experiments:
            try:
                comparison = compared(found, name)
            except NewerSealError as error:
                self._notes.append(Problem(part_path(name, EXPERIMENT), f"the seal {error}"))
                continue
            self._seals[name] = comparison.sealed
            self._problems |= dict.fromkeys(comparison.problems)
            sums |= {part_path(name, path): pair[1] for path, pair in comparison.arrays.items()}
        return sums

    def _examine(self, where: str, node: object, known: Mapping[str, ArraySums]) -> None:
        if isinstance(node, Group):
            self._groups += 1
        elif isinstance(node, Array):
            self._arrays += 1
            self._examine_array(where, node, known.get(where))
        elif isinstance(node, Damaged):
            # of an experiment's own parts the format tells what they have to be
            if node.sound and not (_is_own(where) and node.of_no_use):
                self._notes.append(Problem(where, node.reason))
            else:
                self._problem(where, node.reason)

    def _examine_array(self, where: str, array: Array, known: ArraySums | None) -> None:
        if isinstance(array.source, MemorySource):  # a short list, which was read with its group
            return
        try:
            faults = faults_of(array, known, self._workers, decode=True)
        except UnsupportedFeatureError as error:
            self._notes.append(Problem(where, error.message))
            return
        except (FilterError, TooLargeError) as error:
            self._problem(where, f"{error.message}, to have it checked")
            return
        whole = tuple((0, n) for n in array.shape)
        parts = [DamagedPart(fault.region or whole, fault.message) for fault in faults]
        if parts:
            self._damaged.append(DamagedArray(where, tuple(array.shape), tuple(parts)))


def _bereft(found: Contents) -> Iterator[Problem]:
    """Models of experiments, in a file that holds none: it has lost them, or never had any."""
    for name, model in found.models.items() if not found.experiments else ():
        if owner := found.owner_of(model):
            where = f"/{names.ANALYSIS}/{names.MODELS}/{name}@{names.SIGNAL_OF_MODEL}"
            text = f"says that the model belongs to {quoted(owner)}; the file holds no experiment"
            yield Problem(where, text)


def _is_own(where: str) -> bool:
    """Whether that is the place of an experiment's data, or of another of its parts."""
    above, _, name = where.rpartition("/")
    inside = above.startswith(f"/{names.EXPERIMENTS}/") and above.count("/") == 2
    return inside and (name == names.DATA or is_own_member(name))
