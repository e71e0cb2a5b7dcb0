"""Load signals."""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from typing import BinaryIO, Literal

from hspyio.api.arguments import check_pattern, file_of, name_of
from hspyio.api.experiments import Experiments, read_signal
from hspyio.api.open_file import opened, select
from hspyio.api.progress import working
from hspyio.arrays.workers import Workers
from hspyio.hdf5.snapshot import Snapshot
from hspyio.model.signal import Location, Signal
from hspyio.options import ReadOptions

__all__ = ["load", "loaded", "open"]


def load(
    path: str | os.PathLike[str] | BinaryIO,
    name: str | None = None,
    *,
    lazy: bool = False,
    chunks: str | tuple[int, ...] = "auto",
    original_metadata: bool = True,
    errors: Literal["raise", "warn"] = "raise",
    allow_external: bool = False,
    isolated: bool = False,
    threads: int | None = None,
    progress: bool | None = None,
) -> Signal:
    """Load one signal from an HSpy file of any format version (1.0 to 3.3).

    Parameters
    ----------
    path : path-like or file object
        The file; or a binary, seekable object such as ``io.BytesIO`` or a member of a
        ``zipfile``, which stays open and, where `lazy`, has to.
    name : str, optional
        The experiment, by the name of its group or by a title that only it has; needed where the
        file holds several.
    lazy : bool
        Whether the data stay in the file, as a dask array.
    chunks : "auto", "storage" or tuple of int
        Chunks of the dask array: whole multiples of the storage chunks, these themselves, or a
        shape.
    original_metadata : bool
        Whether that tree is read.
    errors : "raise" or "warn"
        ``"warn"`` returns what is readable of damaged data, with 0 in the holes, and what differs
        from the seal as it is; a warning names it all. Damaged items of the metadata are always
        left out with a warning.
    allow_external : bool
        Whether links to other files, and values stored in other files, are followed.
    isolated : bool
        Whether another process reads the file, in limits of time and memory, so that one over
        which a codec's plug-in crashes or hangs is an error. It reads all at once, so not with
        `lazy`.
    threads : int, optional
        How many read and decompress at a time; by default ``HSPYIO_NUM_THREADS``, else as many
        as the CPUs that this process may use. Dask has its own number for a lazy signal.
    progress : bool, optional
        Whether to show a progress bar where it takes over a second; by default in a terminal
        or a notebook only.

    Returns
    -------
    Signal
        With the types it was saved with.

    Raises
    ------
    MissingFileError, NotHspyError
        If there is no such file, or it is no HSpy file.
    ArgumentError
        If `path` is no path, or `name` no text; it says which call was meant.
    ExperimentError
        If the file holds several experiments and none is named, or none of that name.
    DamagedFileError
        If the data cannot be read; or if the signal was saved with ``checksum=True`` and anything
        of it has changed since. When `lazy`, data and arrays above 1 MiB are not compared:
        `hspyio.verify` does.
    FilterError
        If the data are compressed with a filter that is not installed; it names the package.

    Notes
    -----
    Specification: "Format description"; for files before 3.3 the migrations of format 6.3.

    Examples
    --------
    >>> s = hspyio.load("map.hspy")  # doctest: +SKIP
    """
    name = name_of(name, "load(path, name='HAADF')")
    options = ReadOptions(
        lazy=lazy,
        chunks=chunks,
        original_metadata=original_metadata,
        errors=errors,
        allow_external=allow_external,
        isolated=isolated,
        threads=threads,
        progress=progress,
    )
    file = file_of(path, "load(path)", options=options)
    if isinstance(file, Snapshot):
        return loaded(file, name, options)
    check_pattern(file, "load(p)")
    with working(threads, progress, f"reading {os.path.basename(file)}") as workers:
        return (_loaded_apart if isolated else loaded)(file, name, options, workers)


def loaded(
    path: str | Snapshot,
    name: str | None,
    options: ReadOptions,
    workers: Workers | None = None,
) -> Signal:
    """What `load` does in whatever process."""
    with opened(path, options, workers=workers) as file:
        return read_signal(file, select(file.contents, name, file.path))


def _loaded_apart(path: str, name: str | None, options: ReadOptions, workers: Workers) -> Signal:
    """The same by way of a clean file, which another process writes."""
    from hspyio.api.sandbox import isolated_result, open_temporary_folder

    with open_temporary_folder() as folder:
        clean = os.path.join(folder, "clean.hspy")
        asked = {"name": name, "clean": clean, **asdict(replace(options, isolated=False))}
        group = isolated_result("load", path, asked, workers)["group"]
        plain = ReadOptions(threads=workers.threads, progress=False)
        signal = loaded(clean, group, plain, Workers(workers.threads))
    signal.location = Location(os.path.abspath(path), group, options.original_metadata)
    return signal


def open(
    path: str | os.PathLike[str] | BinaryIO,
    *,
    original_metadata: bool = True,
    allow_external: bool = False,
) -> Experiments:
    """Open a file with any number of experiments.

    Parameters
    ----------
    path : path-like or file object
        The file; see `load`.
    original_metadata : bool
        Whether that tree is read with each signal.
    allow_external : bool
        See `load`.

    Returns
    -------
    Experiments
        A read-only mapping of group names to signals, each read lazily when asked for. Also a
        context manager. No HDF5 handle stays open.

    Raises
    ------
    MissingFileError, NotHspyError
        If there is no such file, or it is no HSpy file.
    """
    options = ReadOptions(
        lazy=True, original_metadata=original_metadata, allow_external=allow_external
    )
    file = file_of(path, "open(path)", options=options)
    if isinstance(file, str):
        check_pattern(file, "open(p)")
    return Experiments(file, options)
