"""file -> nodes -> tree -> parts: the way of every read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from hspyio import names
from hspyio.api.arguments import file_of
from hspyio.api.progress import working
from hspyio.arrays.lazy import as_dask, from_source
from hspyio.arrays.workers import Workers
from hspyio.converters.decoder import DecodePolicy
from hspyio.errors import (
    RESCUE,
    UNREADABLE,
    DamagedFileError,
    ExperimentError,
    HspyError,
    Problem,
    warn_user,
)
from hspyio.hdf5.dataset import RowDataset
from hspyio.hdf5.opening import Kept
from hspyio.hdf5.reader import Reader, open_reader
from hspyio.hdf5.snapshot import Snapshot
from hspyio.model.parts import SignalParts
from hspyio.nodes.node import Array, Group, ObjectSource, StoredSource, Text
from hspyio.options import ReadOptions
from hspyio.schema import Contents, contents, decode_experiment, decode_models, stored_title
from hspyio.schema.migrations import migrate
from hspyio.schema.policy import HSPY
from hspyio.suggestions import did_you_mean, listing, quoted
from hspyio.system.refusals import named_errors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hspyio.zarr2.reader import StoreReader

__all__ = [
    "AT_ONCE",
    "OpenFile",
    "Outline",
    "open_any",
    "opened",
    "readable",
    "select",
    "store_at",
    "warn",
]

_STORES = (".zspy", ".zspy.zip")
"""What the names of Zarr's stores end with; a folder may have any."""

_MOST_PROBLEMS = 100
"""Lines of a warning."""

AT_ONCE = DecodePolicy(
    exact=True,
    fetch=lambda array, where: array.source.read(),
    fetch_data=lambda array, where: array.source.read(),
    finish=lambda parts: parts,
)
"""How small trees are read: whole."""

Nested = Callable[[SignalParts], Any]
T = TypeVar("T")


@dataclass(slots=True, eq=False, repr=False)
class OpenFile:
    """A file while it is being read."""

    path: str
    contents: Contents
    options: ReadOptions
    problems: list[Problem]  # what could not be read so far
    workers: Workers
    reader: Reader | StoreReader
    handle: Snapshot | None = None  # what lazy arrays share
    root: Group = field(default_factory=Group)
    has_path: bool = True  # on this computer

    def parts(
        self, name: str, nested: Nested, *, embed: bool = True, lazy_above: int = 2**20
    ) -> SignalParts:
        """Read one experiment, migrated to the current format."""
        if self.options.check:
            self.check_seal(name, lazy_above)
        policy = self._reading(nested, embed, lazy_above)
        with readable(self.path, f"/{names.EXPERIMENTS}/{name}"):
            parts, problems = decode_experiment(self.contents, name, policy)
            self.problems += problems
            return migrate(parts, self.contents.version)

    def each(self, read: Callable[[str], T]) -> list[T]:
        """Read all experiments; a damaged one is noted and does not hide the others (R12)."""
        result: list[T] = []
        failed: list[HspyError] = []
        for name in self.contents.experiments:
            try:
                with readable(self.path, f"/{names.EXPERIMENTS}/{name}"):
                    result.append(read(name))
            except HspyError as error:
                failed.append(error)
        if failed and not result:
            raise failed[0]
        self.problems += [Problem(error.where, error.message, lost=True) for error in failed]
        return result

    def standalone_models(
        self, nested: Nested, *, embed: bool = True, lazy_above: int = 2**20
    ) -> dict[str, Any]:
        """Models that belong to none of the experiments, by name."""
        policy = self._reading(nested, embed, lazy_above)
        with readable(self.path, f"/{names.ANALYSIS}/{names.MODELS}"):
            models, problems = decode_models(self.contents.standalone_models, policy)
        self.problems += problems
        return models

    def check_seal(self, name: str, lazy_above: int = 2**20) -> None:
        """Compare what is about to be read with its seal."""
        group = self.contents.experiments[name]
        if names.SEAL not in group.members and names.SEAL not in group.attributes:
            return
        from hspyio.integrity.seal import NewerSealError, changed_error, changed_since_sealed

        def stays(path: str, array: Array) -> bool:
            if not self.options.lazy or isinstance(array.type, Text):
                return False
            return path in _DATA or _bytes(array) >= lazy_above

        def skip(part: str) -> bool:
            return part == names.ORIGINAL_METADATA and not self.options.original_metadata

        try:
            problems = changed_since_sealed(
                self.contents, name, self.workers, skip=skip, stays=stays
            )
        except NewerSealError as error:
            self.problems.append(Problem(f"/{names.EXPERIMENTS}/{name}", f"the seal {error}"))
            return
        if problems and self.options.errors == "raise":
            raise changed_error(self.path, name, problems)
        self.problems += problems

    def _reading(self, nested: Nested, embed: bool, lazy_above: int) -> DecodePolicy:
        return DecodePolicy(
            exact=self.options.exact,
            embed=embed,
            fetch=lambda array, where: self._fetch(array, lazy_above),
            fetch_data=self._fetch_data,
            finish=lambda parts: nested(migrate(parts, self.contents.version)),
            original_metadata=self.options.original_metadata,
            tolerant=self.options.errors == "warn",
            lazy_above=lazy_above if self.options.lazy else None,
        )

    def _fetch(self, array: Array, lazy_above: int) -> Any:
        if self.options.lazy and _bytes(array) >= lazy_above:
            chunks = self.options.chunks
            return self._lazy(array, chunks if isinstance(chunks, str) else "auto")
        return array.source.read()

    def _fetch_data(self, array: Array, where: str) -> Any:
        if self.options.lazy:
            return self._lazy(array, self.options.chunks)
        try:
            return array.source.read()
        except DamagedFileError as error:
            if self.options.errors == "raise":
                raise
            values, lost = _salvaged(array)
            self.problems.append(Problem(where, f"{error.message}; {lost}"))
            return values

    def _lazy(self, array: Array, chunks: str | tuple[int, ...]) -> Any:
        stored = array.source
        if not isinstance(stored, StoredSource) or not array.shape:
            return array.source.read()
        if not isinstance(array.type, np.dtype):
            return array.source.read()
        source = stored.detached()
        self.handle = stored.snapshot
        dims = array.signal_dims or ()
        return from_source(
            source, array.type, array.chunks, chunks, dims, far=self.reader.snapshot.is_far
        )

    def values_in_blocks(self, array: Array) -> Any:
        """What stands in a dataset as a dask array, whatever it means; ``None`` if it cannot be."""
        made = self._lazy(array, self.options.chunks)
        return made if hasattr(made, "compute") else None

    def as_asked(self, data: Any) -> Any:
        """Data that could not be read in parts, as a dask array when reading is lazy."""
        if self.options.lazy and isinstance(data, np.ndarray):
            return as_dask(data)
        return data


_DATA = (names.DATA, names.RAGGED_SHAPES + names.DATA)


def _bytes(array: Array) -> int:
    if isinstance(array.source, ObjectSource):
        size = array.source.item_bytes()
    else:
        size = array.type.itemsize if isinstance(array.type, np.dtype) else _row_bytes(array)
    return int(np.prod(array.shape, dtype=float)) * size


def _row_bytes(array: Array) -> int:
    """Bytes of a row of variable length, on average, as far as that is known."""
    rows = array.source
    try:
        return int(rows.row_bytes()) if isinstance(rows, RowDataset) and array.shape else 16
    except HspyError:  # reading them will say what is wrong
        return 16


def _salvaged(array: Array) -> tuple[NDArray[Any], str]:
    """Read an array chunk by chunk; those that cannot be read stay 0. Also says which."""
    assert isinstance(array.type, np.dtype)
    chunks = array.chunks or array.shape
    values = np.zeros(array.shape, array.type)
    grid = [range(0, n, step) for n, step in zip(array.shape, chunks, strict=True)]
    lost: list[str] = []
    for corner in np.ndindex(*map(len, grid)):
        starts = [steps[i] for steps, i in zip(grid, corner, strict=True)]
        region = tuple(
            slice(start, min(start + step, n))
            for start, step, n in zip(starts, chunks, array.shape, strict=True)
        )
        try:
            values[region] = array.source.read(region)
        except DamagedFileError:
            lost.append(str(tuple(starts)))
    listed = ", ".join(lost[:20]) + (" ..." if len(lost) > 20 else "")
    return values, f"{len(lost)} chunks of {chunks} are filled with 0, those at {listed}"


@contextmanager
def readable(path: str, where: str) -> Iterator[None]:
    """Within this, whatever a malformed file makes Python raise becomes an error of ours.

    Most of it is noted where it is found, and the rest read; this is for what nobody thought of.
    """
    try:
        yield
    except HspyError as error:
        error.path = error.path or path
        raise
    except UNREADABLE as error:
        message = f"cannot be read: {type(error).__name__}: {error}"
        raise DamagedFileError(message, path=path, where=where) from None


@contextmanager
def opened(
    path: str | os.PathLike[str] | Snapshot,
    options: ReadOptions,
    *,
    workers: Workers | None = None,
    kept: Kept | None = None,
    only: str | None = None,
) -> Iterator[OpenFile]:
    """Open a file for one call; what could not be read is warned of once, at its end.

    Who has opened it before gives what was kept of it, and the one experiment that is wanted.
    """
    source = path if isinstance(path, Snapshot) else file_of(path)
    text = source.path if isinstance(source, Snapshot) else source
    label = f"reading {os.path.basename(text)}"
    given = working(options.threads, options.progress, label) if workers is None else None
    with (
        given or nullcontext(workers or Workers()) as made,
        named_errors(text),
        open_any(source, allow_external=options.allow_external, workers=made, kept=kept) as reader,
    ):
        root = reader.root()
        with readable(text, "/"):
            found = contents(root, only)
        has_path = reader.snapshot.is_local and reader.snapshot.is_hdf5
        problems = list(found.problems)
        file = OpenFile(text, found, options, problems, made, reader, root=root, has_path=has_path)
        yield file
    warn(text, file.problems)


def open_any(
    source: str | Snapshot,
    *,
    allow_external: bool = False,
    workers: Workers | None = None,
    kept: Kept | None = None,
) -> AbstractContextManager[Reader | StoreReader]:
    """What reads a file, or a store of Zarr's (.zspy)."""
    if isinstance(source, str):
        source = store_at(source) or source
    if isinstance(source, Snapshot) and not source.is_hdf5:
        from hspyio.zarr2.reader import open_store

        return open_store(source, HSPY, workers=workers)
    return open_reader(source, HSPY, allow_external=allow_external, workers=workers, kept=kept)


def store_at(path: str) -> Snapshot | None:
    """The state of a store of Zarr's; ``None`` for anything else, which only its name is asked."""
    if not (path.lower().endswith(_STORES) or os.path.isdir(path)):
        return None
    from hspyio.zarr2 import store

    return store.store_at(path)


def warn(path: str, problems: Sequence[Problem]) -> None:
    """One warning for all that could not be read."""
    if problems:
        lines = "".join(f"\n  {problem}" for problem in problems[:_MOST_PROBLEMS])
        if len(problems) > _MOST_PROBLEMS:
            lines += f"\n  ... and {len(problems) - _MOST_PROBLEMS} more"
        warn_user(f"{path}: not everything is as it should be:{lines}")


def select(file: Contents, name: str | None, path: str) -> str:
    """Name of the group of the experiment that was asked for."""
    if name is None:
        if len(file.experiments) == 1:
            return next(iter(file.experiments))
        if not file.experiments:
            lost = _lost(file, name, path)
            raise lost or ExperimentError("holds models, but no experiment", path=path)
        known = list(file.experiments)
        raise ExperimentError(
            f"holds {len(known)} experiments: {listing(known)}; name one, such as "
            f"name={quoted(known[0])}",
            path=path,
        )
    if name in file.experiments:
        return name
    titles = {group: title_of(file, group) for group in file.experiments}
    titled = [group for group, title in titles.items() if title == name]
    if len(titled) == 1:
        return titled[0]
    lost = _lost(file, name, path)
    if titled:
        raise ExperimentError(
            f"{len(titled)} experiments have the title {quoted(name)}; use the group's name, one "
            f"of: {listing(titled)}",
            path=path,
        )
    near = did_you_mean(name, [*file.experiments, *titles.values()])
    there = f"; there are: {listing(list(file.experiments))}"
    taken = ", which is the name of a file" if name.lower().endswith((".hspy", ".h5")) else ""
    raise lost or ExperimentError(f"no experiment {quoted(name)}{taken}{near or there}", path=path)


def _lost(file: Contents, name: str | None, path: str) -> DamagedFileError | None:
    """The error about an experiment that is there, or may be, and cannot be read."""
    places = {f"/{names.EXPERIMENTS}", f"/{names.EXPERIMENTS}/{name}"}
    for problem in file.problems:
        everything = name is None and problem.where.startswith(f"/{names.EXPERIMENTS}/")
        if problem.lost and (problem.where in places or everything):
            message = f"{problem.message}; {RESCUE}"
            return DamagedFileError(message, path=path, where=problem.where)
    return None


def title_of(file: Contents, group: str) -> str:
    """The title that an experiment is shown with, read from its General node alone."""
    return stored_title(file.experiments[group])


class Outline(OpenFile):
    """An open file whose data stay unread, without dask, which takes long to import."""

    @classmethod
    def of(cls, file: OpenFile) -> Outline:
        """The same file."""
        return cls(file.path, file.contents, file.options, file.problems, file.workers, file.reader)

    def _fetch_data(self, array: Array, where: str) -> NDArray[Any]:
        dtype = array.type if isinstance(array.type, np.dtype) else np.dtype(object)
        return np.broadcast_to(np.zeros((), dtype), array.shape)

    def as_asked(self, data: Any) -> Any:
        """Data as they are."""
        return data
