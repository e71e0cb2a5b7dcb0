"""Virtual Zarr: what any reader of Zarr needs to read an HSpy file where it lies."""

from __future__ import annotations

import base64
import json
import os
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.api.arguments import file_of, name_of, path_of_file, path_text
from hspyio.api.loading.open_file import store_at
from hspyio.bridges.exporting.place import beside, check_place
from hspyio.bridges.exporting.virtual_zarr import ZarrArray, ZarrGroup, zarr_groups
from hspyio.bridges.xarray import DATA
from hspyio.errors import ConversionError, ExperimentError, OptionError, Problem
from hspyio.hdf5.snapshot import Snapshot
from hspyio.packages import imported

if TYPE_CHECKING:
    import xarray

__all__ = ["save_references", "to_references", "virtual_dataset"]

_METADATA = (".zgroup", ".zattrs", ".zarray")
_MOST_INLINE = 2**24
"""Bytes of the chunks that were never written, which references have to hold."""


def to_references(
    path: str | os.PathLike[str],
    name: str | None = None,
    *,
    storage_options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Make references by which kerchunk, fsspec, Zarr and xarray read an HSpy file where it lies.

    Nothing of the data is copied: a reference says where a chunk begins, how long it is, and by
    which codecs it is read. The axes are coordinates with units, the metadata attributes, as
    `Signal.to_xarray` makes them.

    Parameters
    ----------
    path : path-like or str
        The file, or its address, as `hspyio.load` takes it. References name it by its absolute
        path, or by that address, with what is behind a ``?`` in it.
    name : str, optional
        The experiment, by the name of its group or its title. Without it all of them, a group
        each where there are several.
    storage_options : dict, optional
        See `hspyio.load`. References do not hold them: who reads by these gives their own.

    Returns
    -------
    dict
        Kerchunk's references of version 1, with metadata of Zarr 2, which `json.dump` writes.

    Raises
    ------
    MissingFileError, NotHspyError, ExperimentError, DamagedFileError
        See `hspyio.load`.
    ConversionError
        If data have no form in Zarr as they lie in the file: ragged and masked ones, texts,
        and filters for which numcodecs has no codec (lzf, szip, lz4, bitshuffle ...). Each is
        named, with the way.

    Warns
    -----
    HspyWarning
        Arrays in the metadata that are too large for attributes.

    Notes
    -----
    References are of the file as it is now. After a change of the file they have to be made anew.
    """
    wanted = name_of(name, "to_references(path, name='HAADF')")
    file = _file(path, "to_references(path)", storage_options)
    place, groups = zarr_groups(file, wanted)
    refs: dict[str, Any] = {}
    if len(groups) == 1:
        ((_, group),) = groups.items()
        _add_group(refs, "", group, place)
    else:
        refs[".zgroup"] = _json({"zarr_format": 2})
        for key, group in groups.items():
            _add_group(refs, f"{key}/", group, place)
        refs[".zmetadata"] = _consolidated(refs)  # Zarr's Python library lists no groups in groups
    return {"version": 1, "refs": refs}


def _file(path: Any, call: str, options: Mapping[str, Any] | None) -> str | Snapshot:
    """A file by its path or address: nothing refers to a file object."""
    if not isinstance(path, str | os.PathLike):
        return path_of_file(path, call)
    file = file_of(path, call, storage_options=options)
    if isinstance(file, str) and store_at(file) is not None:
        raise OptionError("is a store of Zarr's already: zarr and xarray read it", path=file)
    return file


def _json(content: Any) -> str:
    return json.dumps(content, separators=(",", ":"))


def _consolidated(refs: dict[str, Any]) -> str:
    metadata = {key: json.loads(text) for key, text in refs.items() if key.endswith(_METADATA)}
    return _json({"zarr_consolidated_format": 1, "metadata": metadata})


def _add_group(refs: dict[str, Any], prefix: str, group: ZarrGroup, place: str) -> None:
    refs[f"{prefix}.zgroup"] = _json({"zarr_format": 2})
    refs[f"{prefix}.zattrs"] = _json(dict(group.attributes))
    for name, array in {DATA: group.data, **group.coordinates}.items():
        _add_array(refs, f"{prefix}{name}", array, place)


def _add_array(refs: dict[str, Any], name: str, array: ZarrArray, place: str) -> None:
    codecs = array.codecs
    compressor = codecs.pop() if codecs and codecs[-1]["id"] != "shuffle" else None
    # No fill value: xarray takes one for the mark of what is missing, and makes NaN of it.
    refs[f"{name}/.zarray"] = _json(
        {
            "zarr_format": 2,
            "shape": array.shape,
            "chunks": array.chunks,
            "dtype": array.dtype.str,
            "compressor": compressor,
            "filters": codecs or None,
            "order": "C",
            "fill_value": None,
        }
    )
    refs[f"{name}/.zattrs"] = _json({**array.attributes, "_ARRAY_DIMENSIONS": array.dimensions})
    manifest = array.manifest
    keys = _keys(array, manifest.ids)
    ranges = zip(keys, manifest.offsets.tolist(), manifest.sizes.tolist(), strict=True)
    refs.update({f"{name}/{key}": [place, offset, size] for key, offset, size in ranges})
    numbers = np.array(list(array.inline), np.int64)
    for key, octets in zip(_keys(array, numbers), array.inline.values(), strict=True):
        refs[f"{name}/{key}"] = _inlined(octets)
    missing = array.missing()
    if len(missing):
        text = _inlined(array.filled_chunk())
        if len(text) * len(missing) > _MOST_INLINE:
            message = (
                f"have {len(missing)} chunks that were never written, too many for references; "
                "hspyio.repack(path, new) writes them"
            )
            raise ConversionError("has no Zarr form", [Problem(name, message)], path=place)
        refs.update({f"{name}/{key}": text for key in _keys(array, missing)})


def _keys(array: ZarrArray, numbers: Any) -> list[str]:
    return [".".join(map(str, coords)) for coords in array.grid.coords(numbers).tolist()]


def _inlined(octets: bytes) -> str:
    return "base64:" + base64.b64encode(octets).decode()


def save_references(
    references: dict[str, Any], target: str | os.PathLike[str], *, overwrite: bool = False
) -> None:
    """Write references as JSON, or as kerchunk's folder of Parquet files, whole or not at all."""
    text = path_text(target, "save_references(references, target)", "target").rstrip("/\\")
    suffix = os.path.splitext(text)[1].lower()
    if suffix not in (".json", ".parquet"):
        raise OptionError(f"ends with {suffix!r}; references are .json or .parquet", path=text)
    if suffix == ".parquet":
        if ".zmetadata" in references["refs"]:
            message = "can hold one experiment as .parquet; name it: to_references(path, name=...)"
            raise OptionError(message, path=text)
        imported("fastparquet")
        write = imported("kerchunk.df").refs_to_dataframe
    check_place(text, overwrite=overwrite, folder=suffix == ".parquet")
    with beside(text) as temporary:
        if suffix == ".parquet":
            write(references, temporary, record_size=_records(references))
            return
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(references, file)


def _records(references: dict[str, Any]) -> int:
    """References of one file of Parquet: no more than there are, since each file is padded."""
    return max(1, min(100_000, len(references["refs"])))


def virtual_dataset(
    path: str | os.PathLike[str],
    name: str | None = None,
    *,
    storage_options: Mapping[str, Any] | None = None,
) -> xarray.Dataset:
    """Make VirtualiZarr's dataset of an experiment: coordinates, and where the chunks are.

    Many of them become one cube by xarray's own functions (``xr.concat``), without reading any
    data; ``made.vz.to_icechunk`` or ``made.vz.to_kerchunk`` writes it.

    Parameters
    ----------
    path : path-like or str
        See `to_references`.
    name : str, optional
        The experiment; needed where the file holds several.
    storage_options : dict, optional
        See `hspyio.load`.

    Returns
    -------
    xarray.Dataset
        The variable ``data`` is a ManifestArray with metadata of Zarr 3. One that stands in the
        header of its object, as some KiB may, is in memory instead.

    Raises
    ------
    MissingPackageError
        If VirtualiZarr is not installed.
    HspyError
        See `to_references`.
    """
    file = _file(path, "virtual_dataset(path)", storage_options)
    imported("virtualizarr")
    xr: Any = imported("xarray")
    wanted = name_of(name, "virtual_dataset(path, name='HAADF')")
    place, groups = zarr_groups(file, wanted)
    if len(groups) > 1:
        listed = ", ".join(map(repr, groups))
        raise ExperimentError(f"holds {len(groups)} experiments; name one of: {listed}", path=place)
    ((_, group),) = groups.items()
    url = place if "://" in place else f"file://{place}"
    data = group.data
    values = data.values if data.values is not None else _manifest_array(data, url)
    made: xarray.Dataset = xr.Dataset(
        {DATA: (data.dimensions, values, dict(data.attributes))},
        {
            key: (array.dimensions, array.values, dict(array.attributes))
            for key, array in group.coordinates.items()
        },
        dict(group.attributes),
    )
    return made


def _manifest_array(array: ZarrArray, url: str) -> Any:
    """An array whose chunks VirtualiZarr knows by their places."""
    if array.inline:
        message = (
            "have chunks for which other filters were left out than for most, as is done for "
            "noise; hspyio.to_references can refer to them"
        )
        raise ConversionError("has no virtual form", [Problem(DATA, message)], path=url)
    fills = np.frombuffer(array.fill, array.dtype)
    if len(array.missing()) and fills.tobytes() != fills[:1].tobytes() * len(fills):
        message = "have chunks that were never written, and another value for them in each field"
        raise ConversionError("has no virtual form", [Problem(DATA, message)], path=url)
    manifests: Any = imported("virtualizarr.manifests")
    utils: Any = imported("virtualizarr.manifests.utils")
    grid, found = array.grid, array.manifest
    places = np.zeros(grid.count, np.dtypes.StringDType())
    offsets, lengths = (np.zeros(grid.count, np.uint64) for _ in range(2))
    places[found.ids], offsets[found.ids], lengths[found.ids] = url, found.offsets, found.sizes
    manifest = manifests.ChunkManifest.from_arrays(
        paths=places.reshape(grid.counts),
        offsets=offsets.reshape(grid.counts),
        lengths=lengths.reshape(grid.counts),
        validate_paths=False,
    )
    codecs = []
    for config in array.codecs:
        identity = config.pop("id")
        codecs.append({"name": f"numcodecs.{identity}", "configuration": config})
    with warnings.catch_warnings():  # that these codecs are no part of Zarr's specification
        warnings.simplefilter("ignore", UserWarning)
        metadata = utils.create_v3_array_metadata(
            shape=array.shape,
            data_type=array.dtype,
            chunk_shape=array.chunks,
            fill_value=fills[0],
            codecs=codecs,
        )
    return manifests.ManifestArray(metadata=metadata, chunkmanifest=manifest)
