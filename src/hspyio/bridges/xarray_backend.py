"""The engine ``hspyio`` of xarray, which finds it by the entry point in ``pyproject.toml``."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray
from xarray.backends import BackendArray, BackendEntrypoint
from xarray.core import indexing

from hspyio import names
from hspyio.api.arguments import file_of
from hspyio.api.loading.experiments import read_signal
from hspyio.api.loading.open_file import OpenFile, opened, select, title_of
from hspyio.arrays.indexing import OrthogonalIndexer
from hspyio.arrays.workers import thread_count
from hspyio.bridges.coordinates import safe_names
from hspyio.bridges.xarray import array_of, description, plain_source
from hspyio.bridges.xarray_pages import Dataset
from hspyio.errors import ConversionError, OptionError
from hspyio.nodes.node import Array, ArraySource, Group
from hspyio.options import ReadOptions

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["HspyBackend"]

_NEARBY = 64
"""Rows that are read together where an array has no chunks."""
_SHARES = 4
"""Parts a thread, of a large selection."""


class HspyBackend(BackendEntrypoint):
    """Opens HSpy files of any version for xarray.

    ``xr.open_dataset("a.hspy", engine="hspyio")`` gives a Dataset with the variable ``data``, its
    axes as coordinates and metadata as attributes (see `hspyio.Signal.to_xarray`). The data stay
    in the file until they are asked for; ``chunks={}`` makes them a dask array with the storage
    chunks.

    Without ``engine=`` xarray takes the first engine that says it can open a file: where netCDF4
    or h5netcdf is installed, they claim any HDF5 file and find nothing in this one.
    """

    description = "HyperSpy's HSpy files (.hspy)"
    supports_groups = True

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """Whether the name ends with ``.hspy``."""
        return (
            isinstance(filename_or_obj, str | os.PathLike)
            and os.path.splitext(filename_or_obj)[1].lower() == ".hspy"
        )

    def open_dataset(
        self,
        filename_or_obj: Any,
        *,
        drop_variables: str | Iterable[str] | None = None,
        mask_and_scale: Any = None,
        decode_times: Any = None,
        decode_timedelta: Any = None,
        use_cftime: Any = None,
        concat_characters: Any = None,
        decode_coords: Any = None,
        group: str | None = None,
        name: str | None = None,
        original_metadata: bool = True,
        results: bool = False,
        allow_external: bool = False,
        storage_options: Mapping[str, Any] | None = None,
    ) -> xarray.Dataset:
        """Open one experiment.

        Parameters
        ----------
        filename_or_obj : path-like
            The file.
        drop_variables : str or iterable of str, optional
            Variables and coordinates to leave out.
        mask_and_scale, decode_times, decode_timedelta, use_cftime, concat_characters, decode_coords
            Taken as every engine takes them. Nothing in these files is packed, masked or coded as
            netCDF's conventions have it, so the values are the same with any of them.
        group : str, optional
            The experiment, by its place: ``"HAADF"``, ``"/HAADF"`` or ``"/Experiments/HAADF"``.
        name : str, optional
            The experiment, by its group's name or its title; this or `group` is needed where
            there are several.
        original_metadata : bool
            Whether that tree becomes an attribute.
        results : bool
            Whether learning results and models, which may be large, become attributes.
        allow_external, storage_options
            See `hspyio.load`.

        Raises
        ------
        HspyError
            As `hspyio.load`, and `ConversionError` for data that xarray cannot hold.
        """
        options = _options(original_metadata, allow_external)
        given = file_of(filename_or_obj, "", "filename_or_obj", options, storage_options)
        with opened(given, options) as file:
            wanted = _experiment(file, name, group)
            return _dataset(file, wanted, drop_variables, results=results)

    def open_groups_as_dict(
        self,
        filename_or_obj: Any,
        *,
        drop_variables: str | Iterable[str] | None = None,
        mask_and_scale: Any = None,
        decode_times: Any = None,
        decode_timedelta: Any = None,
        use_cftime: Any = None,
        concat_characters: Any = None,
        decode_coords: Any = None,
        group: str | None = None,
        original_metadata: bool = True,
        results: bool = False,
        allow_external: bool = False,
        storage_options: Mapping[str, Any] | None = None,
    ) -> dict[str, xarray.Dataset]:
        """Open all experiments, by the names of their groups; the parameters are the same.

        With `group` that one alone, as the root.
        """
        options = _options(original_metadata, allow_external)
        given = file_of(filename_or_obj, "", "filename_or_obj", options, storage_options)
        with opened(given, options) as file:
            if group is not None and group.strip("/"):
                wanted = _experiment(file, None, group)
                return {"/": _dataset(file, wanted, drop_variables, results=results)}
            groups = list(file.contents.experiments)
            nodes = safe_names(groups, "experiment")
            made = {
                f"/{node}": _dataset(file, group, drop_variables, results=results)
                for node, group in zip(nodes, groups, strict=True)
            }
        return {"/": xarray.Dataset(), **made}

    def open_datatree(
        self,
        filename_or_obj: Any,
        *,
        drop_variables: str | Iterable[str] | None = None,
        mask_and_scale: Any = None,
        decode_times: Any = None,
        decode_timedelta: Any = None,
        use_cftime: Any = None,
        concat_characters: Any = None,
        decode_coords: Any = None,
        group: str | None = None,
        original_metadata: bool = True,
        results: bool = False,
        allow_external: bool = False,
        storage_options: Mapping[str, Any] | None = None,
    ) -> xarray.DataTree:
        """Open all experiments, a node each; the parameters are the same."""
        groups = self.open_groups_as_dict(
            filename_or_obj,
            drop_variables=drop_variables,
            group=group,
            original_metadata=original_metadata,
            results=results,
            allow_external=allow_external,
            storage_options=storage_options,
        )
        return xarray.DataTree.from_dict(groups)


def _experiment(file: OpenFile, name: str | None, group: str | None) -> str:
    """The experiment that is asked for in hspyio's word or in xarray's."""
    place = None if group is None else group.strip("/") or None
    if place is not None and place not in file.contents.experiments:
        place = place.removeprefix(f"{names.EXPERIMENTS}/")
    if name is not None and place is not None:
        found = {select(file.contents, item, file.path) for item in (name, place)}
        if len(found) > 1:
            raise OptionError(f"name={name!r} and group={group!r} are two experiments; give one")
    return select(file.contents, place if name is None else name, file.path)


def _options(original_metadata: bool, allow_external: bool) -> ReadOptions:
    return ReadOptions(
        lazy=True, original_metadata=original_metadata, allow_external=allow_external
    )


def _dataset(
    file: OpenFile, group: str, drop: str | Iterable[str] | None, *, results: bool
) -> xarray.Dataset:
    signal = read_signal(file, group)
    node = file.contents.experiments[group]
    stored = _chunks(node)
    plain = plain_source(node, signal) if signal.lazy else None
    source = None if plain is None else plain.detached()
    if source is None:
        data = signal.data if signal.ragged or _is_masked(signal.data) else _computed(signal.data)
        signal.data = data
    else:
        data = indexing.LazilyIndexedArray(SourceArray(source, signal.data.dtype, stored))
    original = file.options.original_metadata
    try:
        about = description(signal, original_metadata=original, results=results)
        array = array_of(about, data)
    except ConversionError as error:
        message = "cannot be held by xarray; hspyio.load reads it"
        raise ConversionError(message, error.problems, path=file.path) from None
    if stored is not None and source is not None:
        array.encoding["preferred_chunks"] = dict(zip(array.dims, stored, strict=True))
    made: xarray.Dataset = Dataset({array.name: array})
    made.attrs["title"] = title_of(file.contents, group)
    dropped = {drop} if isinstance(drop, str) else set(drop or ())
    made = made.drop_vars([name for name in made.variables if name in dropped])
    if not file.has_path:  # else xarray would note the whole address, with what is secret in it
        made.encoding["source"] = file.path
    if file.handle is not None:
        made.set_close(file.handle.close)
    return made


def _chunks(group: Group) -> tuple[int, ...] | None:
    node = group.members[names.DATA]
    return node.chunks if isinstance(node, Array) else None


def _is_masked(data: Any) -> bool:
    return isinstance(getattr(data, "_meta", data), np.ma.MaskedArray)


def _computed(data: Any) -> Any:
    return data.compute() if hasattr(data, "compute") else data


class SourceArray(BackendArray):
    """What xarray indexes: an array in a file, of which only the chunks that are needed are read.

    It can be pickled; then it holds the path and the fingerprint of the file.
    """

    def __init__(
        self, source: ArraySource, dtype: np.dtype[Any], chunks: tuple[int, ...] | None
    ) -> None:
        self._source = source
        self._steps = chunks or (_NEARBY,) * len(source.shape)
        self.shape = source.shape
        self.dtype = dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        support = indexing.IndexingSupport.OUTER
        return indexing.explicit_indexing_adapter(key, self.shape, support, self._read)

    async def async_getitem(self, key: indexing.ExplicitIndexer) -> Any:
        """Read in a thread, so that others have the loop: ``await ds.load_async()``."""
        return await asyncio.to_thread(self.__getitem__, key)

    def _read(self, key: tuple[Any, ...]) -> NDArray[Any]:
        """Read an outer selection: an int, a slice or an array of ints for each dimension."""
        pieces = _SHARES * thread_count(None)
        indexer = OrthogonalIndexer(key, self.shape)
        return indexer.read_apart(self._source.read, self.dtype, self._steps, pieces, _each)


def _each(do: Callable[[Any], None], blocks: list[Any]) -> None:
    """Do something with blocks, several at a time."""
    if len(blocks) == 1:
        do(blocks[0])
        return
    with ThreadPoolExecutor(thread_count(None)) as threads:
        list(threads.map(do, blocks))
