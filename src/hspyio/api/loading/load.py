"""Load signals."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, BinaryIO, Literal, TypeAlias, overload

from hspyio.api.arguments import check_pattern, file_of, name_of
from hspyio.api.loading.experiments import Experiments, read_signal
from hspyio.api.loading.open_file import opened, select
from hspyio.api.loading.several.files import files_meant
from hspyio.api.loading.several.stack import stacked
from hspyio.api.progress import working
from hspyio.arrays.workers import Workers
from hspyio.errors import OptionError
from hspyio.hdf5.snapshot import Snapshot
from hspyio.model.signal import Location, Signal
from hspyio.options import ReadOptions

__all__ = ["load", "loaded", "open"]


One: TypeAlias = "str | os.PathLike[str] | BinaryIO"


@overload
def load(
    path: One,
    name: str | None = ...,
    *,
    lazy: bool = ...,
    chunks: str | tuple[int, ...] = ...,
    original_metadata: bool = ...,
    errors: Literal["raise", "warn"] = ...,
    allow_external: bool = ...,
    isolated: bool = ...,
    threads: int | None = ...,
    progress: bool | None = ...,
    stack: Literal[False] = ...,
    storage_options: Mapping[str, Any] | None = ...,
) -> Signal: ...
@overload
def load(
    path: list[Any] | tuple[One, ...],
    name: str | None = ...,
    *,
    lazy: bool = ...,
    chunks: str | tuple[int, ...] = ...,
    original_metadata: bool = ...,
    errors: Literal["raise", "warn"] = ...,
    allow_external: bool = ...,
    isolated: bool = ...,
    threads: int | None = ...,
    progress: bool | None = ...,
    stack: Literal[False] = ...,
    storage_options: Mapping[str, Any] | None = ...,
) -> list[Signal]: ...
@overload
def load(
    path: One | list[Any] | tuple[One, ...],
    name: str | None = ...,
    *,
    lazy: bool = ...,
    chunks: str | tuple[int, ...] = ...,
    original_metadata: bool = ...,
    errors: Literal["raise", "warn"] = ...,
    allow_external: bool = ...,
    isolated: bool = ...,
    threads: int | None = ...,
    progress: bool | None = ...,
    stack: Literal[True] | str,
    storage_options: Mapping[str, Any] | None = ...,
) -> Signal: ...
def load(
    path: str | os.PathLike[str] | BinaryIO | list[Any] | tuple[One, ...],
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
    stack: bool | str = False,
    storage_options: Mapping[str, Any] | None = None,
) -> Signal | list[Signal]:
    """Load one signal from an HSpy file of any format version (1.0 to 3.3), or one of each of many.

    Parameters
    ----------
    path : path-like or file object
        The file; its address (``https://``, ``s3://``, ``gs://``, ``az://``), where the package
        obstore is installed; or a binary, seekable object such as ``io.BytesIO`` or a member of a
        ``zipfile``, which stays open and, where `lazy`, has to. A list of these, or a pattern such
        as ``"scan_*.hspy"`` (a file of exactly that name goes before), stands for many files; those
        of a pattern come in the order of the numbers in their names. A .zspy, folder or zip, is
        read like a file.
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
    stack : bool or str
        Whether the signals of many files become one. ``True``: along a new first axis,
        ``stack_element``. A name: the axis of that name is continued from file to file, or is a
        new one where they have none of that name. Lazily, a file is open only while it is read.
    storage_options : dict, optional
        How a file that is far away is read: credentials and region in the words of its store (or
        of s3fs), ``anon=True`` for public buckets, ``headers`` for web servers, and ``head``,
        ``gap``, ``request`` (bytes), ``parallel``, ``retries``, ``timeout`` (s), ``cache`` (a
        folder), ``cache_size``; or a ``store`` of obstore, or a file system of fsspec, in which
        `path` is a key.

    Returns
    -------
    Signal, or list of Signal
        With the types it was saved with; a list for many files without `stack`. A stack has the
        metadata of the first file, and those of all in ``original_metadata.stack_elements``, as
        HyperSpy has it.

    Raises
    ------
    MissingFileError, NotHspyError
        If there is no such file, or it is no HSpy file.
    AxesError
        If a file does not fit in the stack, by its shape, dtype or kinds of axes; it is named.
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
    For programs that check types, what is given as one path is one signal: give a list for many.

    Examples
    --------
    >>> s = hspyio.load("map.hspy")  # doctest: +SKIP
    >>> s = hspyio.load("scan_*.hspy", stack=True, lazy=True)  # doctest: +SKIP
    """
    name = name_of(name, "load(path, name='HAADF')")
    options = ReadOptions(
        lazy=lazy, chunks=chunks, original_metadata=original_metadata, errors=errors,
        allow_external=allow_external, isolated=isolated, threads=threads, progress=progress,
        released=bool(stack),
    )  # fmt: skip
    several = files_meant(path, "load(path)")
    if several is not None or stack:
        given: list[Any] = [path] if several is None else several
        files = [file_of(one, "load(path)", "path", options, storage_options) for one in given]
        return _load_several(files, name, options, stack)
    assert not isinstance(path, list | tuple)
    file = file_of(path, "load(path)", options=options, storage_options=storage_options)
    if isinstance(file, Snapshot):
        return loaded(file, name, options)
    with working(threads, progress, f"reading {os.path.basename(file)}") as workers:
        return (_loaded_apart if isolated else loaded)(file, name, options, workers)


def _load_several(
    files: list[str | Snapshot], name: str | None, options: ReadOptions, stack: bool | str
) -> Signal | list[Signal]:
    """One signal a file, or all of them as one."""
    if stack == "" or not isinstance(stack, bool | str):
        raise OptionError(f"stack is {stack!r}; use True, False or the name of an axis")
    label = f"reading {len(files)} files"
    with working(options.threads, options.progress, label) as workers:

        def read(file: str | Snapshot) -> Signal:
            if options.isolated and isinstance(file, str):
                return _loaded_apart(file, name, options, workers)
            return loaded(file, name, options, workers)

        if not stack:
            return [read(file) for file in files]
        signals = ((file if isinstance(file, str) else file.path, read(file)) for file in files)
        axis, elements = None if stack is True else stack, options.original_metadata
        return stacked(signals, len(files), axis, elements=elements)


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
    storage_options: Mapping[str, Any] | None = None,
) -> Experiments:
    """Open a file with any number of experiments.

    Parameters
    ----------
    path : path-like or file object
        The file; see `load`.
    original_metadata : bool
        Whether that tree is read with each signal.
    allow_external, storage_options
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
    file = file_of(path, "open(path)", options=options, storage_options=storage_options)
    if isinstance(file, str):
        check_pattern(file, "open(p)")
    return Experiments(file, options)
