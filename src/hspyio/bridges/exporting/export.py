"""Other formats through the libraries made for them: netCDF, Zarr and TIFF."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.api.arguments import path_of_file, path_text
from hspyio.api.loading.experiments import Experiments
from hspyio.api.loading.load import open as open_file
from hspyio.api.progress import working
from hspyio.arrays.dask import ended_by
from hspyio.bridges.coordinates import safe_names
from hspyio.bridges.exporting.export_tiff import write_tiff
from hspyio.bridges.exporting.export_zspy import write_zspy
from hspyio.bridges.exporting.place import beside, check_place
from hspyio.bridges.parts_of_data import (
    split_complex,
    split_fields,
    with_known_floats,
    with_known_times,
)
from hspyio.bridges.xarray import to_xarray, without_large
from hspyio.errors import ConversionError, ExperimentError, OptionError, Problem, warn_user
from hspyio.model.signal import Signal
from hspyio.nodes.computed import scheduler, thread_limit
from hspyio.packages import imported, is_there
from hspyio.printable import dtype_text
from hspyio.transaction.replace import check_is_other

if TYPE_CHECKING:
    import xarray

    from hspyio.arrays.workers import Workers

__all__ = ["export"]

_AT_ONCE = "16MiB"
"""What is read, converted and written at a time, a thread."""
_NETCDF_CHUNK, _ZARR_CHUNK = 2**21, 2**23
"""Bytes of a chunk at most: HDF5 keeps small ones at hand, a Zarr store has a file for each."""
_TIFF = (".tif", ".tiff")
_ZIP = ".zspy.zip"
_ZSPY = (".zspy", _ZIP)
_FOLDERS = (".zarr", ".zspy")


def export(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    name: str | None = None,
    overwrite: bool = False,
    compression: bool = True,
    threads: int | None = None,
    progress: bool | None = None,
) -> None:
    """Convert an HSpy file to netCDF, Zarr, TIFF or .zspy, whole or not at all, in little memory.

    Parameters
    ----------
    source : path-like
        An HSpy file of any version.
    target : path-like
        The new file. Its name ends with ``.nc``, ``.zarr``, ``.tif`` or ``.tiff``; with ``.zspy``,
        for a folder that RosettaSciIO reads with Zarr 2, or ``.zspy.zip``, for the same in one
        file.
    name : str, optional
        The experiment, by the name of its group or its title. Without it netCDF and Zarr take all
        of a file, a group each where there are several (``xr.open_datatree`` reads them).
    overwrite : bool
        Whether what exists is replaced; a Zarr store (a folder) between two renames.
    compression : bool
        Whether netCDF and Zarr compress. TIFF is written so that any program reads it: without.
    threads, progress
        See `hspyio.load`.

    Raises
    ------
    MissingFileError, NotHspyError, ExperimentError
        See `hspyio.load`.
    ConversionError
        If the target cannot hold the data; nothing is written.
    MissingPackageError
        If the library for the target is not installed; it is named.
    OptionError
        If the name of the target ends with something else, or leads to the source.
    TargetExistsError, SaveError
        See `hspyio.save`; what was there before is untouched.

    Warns
    -----
    HspyWarning
        What the target cannot hold as it is, all in one warning.

    Notes
    -----
    netCDF and Zarr hold what `Signal.to_xarray` gives: `hspyio.from_xarray` makes the signal
    again. TIFF is ImageJ's for the types that ImageJ knows (uint8, uint16, float32), else OME's,
    with the two signal axes as the image, or the two navigation axes where the signals are spectra.
    What a .zspy holds is read by `load` and all that looks into files, without loss.
    """
    import dask

    call = "export(source, target)"
    old = path_of_file(source, call, "source")
    text = path_text(target, call, "target").rstrip("/\\")
    suffix = _suffix(text)
    if suffix not in _WRITERS:
        known = ", ".join(_WRITERS)
        raise OptionError(f"ends with {suffix!r}; hspy converts to {known}", path=text)
    check_is_other(old, text)
    check_place(text, overwrite=overwrite, folder=suffix in _FOLDERS)
    notes: list[Problem] = []
    label = f"converting to {os.path.basename(text)}"
    with working(threads, progress, label) as workers, beside(text) as temporary:
        options = {"array.chunk-size": _AT_ONCE, "scheduler": _in_process()}
        limit = thread_limit(workers.threads, asked=workers.asked)
        with dask.config.set(options, num_workers=limit):
            experiments = open_file(old)
            signals = _signals(
                experiments, name, single=suffix in _TIFF, as_they_are=suffix in _ZSPY
            )
            try:
                _WRITERS[suffix](signals, temporary, notes, workers, compression)
            except ConversionError as error:
                error.path = error.path or old
                raise
    if notes:
        lines = "".join(f"\n  {note}" for note in notes)
        message = f"{text}: not everything is held as it was:{lines}"
        warn_user(message)


def _suffix(path: str) -> str:
    """The end of a name that says the format; that of a zip of a store has two."""
    return _ZIP if path.lower().endswith(_ZIP) else os.path.splitext(path)[1].lower()


def _in_process() -> str:
    """Where blocks are computed: files are written in this process only."""
    from dask.local import get_sync

    return "synchronous" if scheduler() is get_sync else "threads"


def _signals(
    experiments: Experiments, name: str | None, *, single: bool, as_they_are: bool = False
) -> dict[str, Signal]:
    """What is converted, by the names that groups get."""
    chosen = list(experiments) if name is None else [name]
    if not chosen or (single and len(chosen) > 1):
        listed = ", ".join(map(repr, chosen)) or "none"
        message = f"holds {len(chosen)} experiments; name one of: {listed}"
        raise ExperimentError(message, path=experiments.path)
    groups = chosen if as_they_are else safe_names(chosen, "experiment")
    return {group: experiments[key] for group, key in zip(groups, chosen, strict=True)}


# netCDF and Zarr


def _write_netcdf(
    signals: Mapping[str, Signal], path: str, notes: list[Problem], workers: Workers, compress: bool
) -> None:
    engine = _netcdf_engine()
    made = {name: _for_netcdf(signal, notes, workers) for name, signal in signals.items()}
    filters = {"zlib": True, "complevel": 4, "shuffle": True} if compress else {}
    encoding = {
        name: {
            key: {**(filters if _is_packable(array) else {}), "chunksizes": chunks}
            for key, array, chunks in _chunked(dataset, _NETCDF_CHUNK)
        }
        for name, dataset in made.items()
    }
    _one_or_tree(made, encoding, lambda whole, how: whole.to_netcdf(path, engine=engine, **how))


def _is_packable(array: xarray.DataArray) -> bool:
    return array.dtype.kind in "biuf"


def _netcdf_engine() -> str:
    """Either does; h5netcdf needs no library that hspyio has not."""
    if not is_there("h5netcdf") and is_there("netCDF4"):
        return "netcdf4"
    imported("h5netcdf")
    return "h5netcdf"


def _write_zarr(
    signals: Mapping[str, Signal], path: str, notes: list[Problem], workers: Workers, compress: bool
) -> None:
    imported("zarr")
    made = {name: _for_zarr(signal, notes, workers) for name, signal in signals.items()}
    filters: dict[str, Any] = {} if compress else {"compressors": None}
    encoding = {
        name: {
            key: {**filters, "chunks": chunks} for key, _, chunks in _chunked(dataset, _ZARR_CHUNK)
        }
        for name, dataset in made.items()
    }
    _one_or_tree(
        made, encoding, lambda whole, how: whole.to_zarr(path, mode="w", consolidated=False, **how)
    )


def _one_or_tree(
    made: dict[str, xarray.Dataset],
    encoding: dict[str, dict[str, Any]],
    write: Callable[[Any, dict[str, Any]], object],
) -> None:
    """One experiment is the root itself; several are groups."""
    import xarray

    whole: Any = next(iter(made.values()))
    how: dict[str, Any] = next(iter(encoding.values()))
    if len(made) > 1:
        whole = xarray.DataTree.from_dict({f"/{name}": dataset for name, dataset in made.items()})
        how = {f"/{name}": how for name, how in encoding.items()}
    _compute(lambda: write(whole, {"encoding": how}))


def _compute(write: Callable[[], object]) -> None:
    """Write on threads of our own: those of dask go on after Ctrl-C, and open the file again.

    The pool is not shut down, as the setting is everybody's: it is gone with the last who use it.
    """
    import dask
    from dask import threaded

    if dask.config.get("scheduler") != "threads" or dask.config.get("pool", None) is not None:
        write()
        return
    threads = dask.config.get("num_workers")
    pool, idle = ThreadPoolExecutor(threads), threading.Barrier(threads)
    with ended_by([]), dask.config.set(scheduler=partial(threaded.get, pool=pool)):
        try:
            write()
        finally:
            wait([pool.submit(idle.wait) for _ in range(threads)])


def _for_netcdf(signal: Signal, notes: list[Problem], workers: Workers) -> xarray.Dataset:
    """A signal in types that netCDF knows."""
    array = _array(signal, notes, workers)
    made = split_complex(with_known_floats(array, notes, half=False), notes)
    return made.assign_attrs(title=signal.title)


def _for_zarr(signal: Signal, notes: list[Problem], workers: Workers) -> xarray.Dataset:
    """A signal in types that Zarr knows."""
    array = with_known_floats(_array(signal, notes, workers), notes, half=True)
    return array.to_dataset().assign_attrs(title=signal.title)


def _array(signal: Signal, notes: list[Problem], workers: Workers) -> xarray.DataArray:
    """A signal in types that xarray can write, told of as it is computed."""
    array = to_xarray(without_large(signal, notes))
    if array.dtype.names is None and array.dtype.kind not in "biufcmM":
        problem = Problem("data", f"are {dtype_text(array.dtype)}, no numbers")
        raise ConversionError("cannot be held by netCDF and Zarr", [problem])
    if array.dtype.kind in "mM":
        notes.append(Problem("data", f"are {array.dtype}: held as numbers of some unit of time"))
        array = with_known_times(array)
    if array.chunks is not None:
        array = array.copy(data=_told(array.data, workers))
    return split_fields(array, notes)


def _told(data: Any, workers: Workers) -> Any:
    """The same dask array, whose blocks are counted for the progress bar."""

    def count(block: Any) -> Any:
        workers.progress.advance(block.nbytes)
        return block

    workers.progress.expect(data.nbytes)
    return data.map_blocks(count, dtype=data.dtype, meta=data._meta)


def _chunked(
    dataset: xarray.Dataset, most: int
) -> Iterator[tuple[str, xarray.DataArray, tuple[int, ...]]]:
    """The large variables, and chunks that lie evenly in what is written at a time."""
    signals = [dim for dim in dataset.dims if _is_signal(dataset, dim)]
    for name, array in dataset.data_vars.items():
        if array.chunks is not None and array.size:
            sizes = [max(lengths) for lengths in array.chunks]
            of_signals = [dim in signals for dim in array.dims]
            yield str(name), array, _fitting(sizes, array.dtype.itemsize, of_signals, most)


def _is_signal(dataset: xarray.Dataset, dimension: Hashable) -> bool:
    return dimension in dataset.coords and dataset[dimension].attrs.get("space") == "signal"


def _fitting(sizes: list[int], itemsize: int, signal: list[bool], most: int) -> tuple[int, ...]:
    """Divide a block, navigation first, until it has few enough bytes."""
    parts = list(sizes)
    while np.prod(parts, dtype=float) * itemsize > most:
        open_to = [i for i, n in enumerate(parts) if n > 1]
        if not open_to:
            break
        best = max(open_to, key=lambda i: (not signal[i], parts[i]))
        factor = next((n for n in range(2, 100) if parts[best] % n == 0), parts[best])
        parts[best] //= factor
    return tuple(parts)


# TIFF


def _write_tiff(
    signals: Mapping[str, Signal], path: str, notes: list[Problem], workers: Workers, compress: bool
) -> None:
    (signal,) = signals.values()
    write_tiff(signal, path, notes, lambda data: _told(data, workers))


# zspy


def _write_zspy(
    signals: Mapping[str, Signal], path: str, notes: list[Problem], workers: Workers, compress: bool
) -> None:
    write_zspy(signals, path, workers, compress=compress, zipped=path.lower().endswith(_ZIP))


_WRITERS: dict[str, Callable[[Mapping[str, Signal], str, list[Problem], Workers, bool], None]] = {
    ".nc": _write_netcdf,
    ".zarr": _write_zarr,
    ".zspy": _write_zspy,
    _ZIP: _write_zspy,
    **dict.fromkeys(_TIFF, _write_tiff),
}
