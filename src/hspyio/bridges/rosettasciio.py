"""RosettaSciIO's interface, as the specification states it: ``file_reader``, ``file_writer``."""

from __future__ import annotations

import enum
import os
import re
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

import numpy as np

from hspyio import names
from hspyio.api.arguments import file_of, path_text, warn_of_doubts
from hspyio.api.changing.edit import write_into
from hspyio.api.loading.open_file import OpenFile, opened
from hspyio.api.saving.navigator import fitting_signals, wanted_navigators
from hspyio.api.saving.save import signals_with_navigators, warn_unannotated, write_new
from hspyio.converters.converter import NotStorableError, not_storable
from hspyio.errors import (
    ArgumentError,
    OptionError,
    Problem,
    UnsupportedTypeError,
    one_or_many,
    warn_user,
)
from hspyio.model.axes import axes_for
from hspyio.model.given import as_array, kind_of
from hspyio.model.parts import SignalParts
from hspyio.model.signal import Signal
from hspyio.model.tree import MetadataTree
from hspyio.options import ReadOptions, WriteOptions
from hspyio.schema import encode_file, fitting_dicts
from hspyio.transaction.replace import check_target, is_there

__all__ = ["file_reader", "file_writer", "lenient", "signal_from_dict", "warn_left_out"]

_FILTERS = ("compression_opts", "shuffle", "fletcher32", "scaleoffset", "maxshape")
_H5PY_FILE = (
    "mode",
    "driver",
    "libver",
    "swmr",
    "locking",
    "rdcc_nbytes",
    "rdcc_nslots",
    "rdcc_w0",
)


def file_reader(
    filename: str | os.PathLike[str] | BinaryIO,
    lazy: bool = False,
    *,
    exact_types: bool = False,
    allow_external: bool = False,
    threads: int | None = None,
    storage_options: Mapping[str, Any] | None = None,
    **kwds: Any,
) -> list[dict[str, Any]]:
    """Read all signals of an HSpy file as RosettaSciIO's dicts.

    Parameters
    ----------
    filename : path-like or file object
        The file, of any format version; see `hspyio.load`.
    lazy : bool
        Whether arrays become dask arrays with the storage chunks.
    exact_types : bool
        Whether values get the types they were saved with. By default the reading is the
        specification's: ``[1, 2.0, "a name"]`` comes back as ``["1", "2.0", "a name"]``.
    allow_external : bool
        Whether links to other files, and values stored in other files, are followed.
    threads, storage_options
        See `hspyio.load`.
    **kwds
        Arguments of ``h5py.File``; the file is opened for the time of the call, so they are
        without effect. Others are warned of.

    Returns
    -------
    list of dict
        With ``data``, ``axes`` (dicts with ``index_in_array``), ``metadata``,
        ``original_metadata``, ``attributes`` (``learning_results`` among them), ``models``,
        ``package`` and ``package_version``; each model without a signal as a dict of its own.

    Raises
    ------
    HspyError
        If nothing can be read. A damaged experiment beside good ones is a warning.

    Notes
    -----
    Specification: "API functions".
    """
    _warn_unknown(kwds, _H5PY_FILE, "file_reader")
    options = ReadOptions(
        lazy=lazy,
        chunks="storage",
        exact=exact_types,
        allow_external=allow_external,
        threads=threads,
    )

    def nested(parts: SignalParts) -> dict[str, Any]:
        return _exchange(parts, file, lazy=False)  # what stands inside a tree is read at once

    given = file_of(filename, "file_reader(filename)", "filename", options, storage_options)
    with opened(given, options) as file:
        every = file.each(lambda name: file.parts(name, nested, embed=False, lazy_above=0))
        result = [
            {
                **_exchange(parts, file, lazy=lazy),
                "data": file.as_asked(parts.data),
                "models": parts.models,
            }
            for parts in every
        ]
        models = file.standalone_models(nested, embed=False, lazy_above=0)
        return [*result, *({name: tree} for name, tree in models.items())]


def _exchange(parts: SignalParts, file: OpenFile, *, lazy: bool) -> dict[str, Any]:
    """A signal in RosettaSciIO's dict (format, section 7.2)."""
    attributes = {**parts.attributes, names.LAZY: lazy}
    if parts.learning_results is not None:
        attributes[names.LEARNING_RESULTS] = parts.learning_results
    if parts.peak_learning_results is not None:
        attributes[names.PEAK_LEARNING_RESULTS] = parts.peak_learning_results
    axes = fitting_dicts(parts.axes, parts.data, parts.where, file.problems)
    return {
        "data": parts.data,
        "axes": [{**axis, names.INDEX_IN_ARRAY: i} for i, axis in enumerate(axes)],
        "metadata": parts.metadata,
        "original_metadata": parts.original_metadata,
        "attributes": attributes,
        "package": parts.package,
        "package_version": parts.package_version,
    }


def file_writer(
    filename: str | os.PathLike[str],
    signal: Mapping[str, Any],
    chunks: Any = None,
    compression: None | str | int | Mapping[str, Any] = "gzip",
    close_file: bool = True,
    write_dataset: bool = True,
    show_progressbar: bool = True,
    *,
    durable: bool = True,
    checksum: bool = False,
    nexus: bool = False,
    navigator: None | str | Sequence[str] = None,
    threads: int | None = None,
    **kwds: Any,
) -> None:
    """Write RosettaSciIO's dict of a signal as an HSpy file of format 3.3.

    Parameters
    ----------
    filename : path-like
        The file; one that exists is replaced, whole or not at all.
    signal : dict
        With ``data``, ``axes``, ``metadata`` and what else HyperSpy hands over (format, 7.1).
    chunks : None, True or tuple of int
        See `hspyio.save`.
    compression : None, str, int or mapping
        See `hspyio.save`.
    close_file : bool
        Accepted; no file stays open, and data can be accessed lazily all the same.
    write_dataset : bool
        With ``False`` the data in the file stay, and axes, metadata and the rest are replaced.
    show_progressbar : bool
        Whether to show a progress bar where it takes over a second.
    durable, checksum, nexus, threads
        See `hspyio.save`.
    navigator : None, "sum", "max", or both
        See `hspyio.save`; with ``None`` what the metadata have is written as it is.
    **kwds
        ``compression_opts``, ``shuffle``, ``fletcher32``, ``scaleoffset`` and ``maxshape`` of
        h5py's datasets; ``mode="a"`` adds to a file that exists, or replaces the experiment of
        the same title there. Others are warned of.

    Raises
    ------
    HspyError
        If the signal, an option or the file makes it impossible; the old file is untouched.

    Warns
    -----
    HspyWarning
        Values that no file can hold are named, all in one warning, and left out.

    Notes
    -----
    Specification: "API functions".
    """
    mode = kwds.pop("mode", None)
    _check_modes(write_dataset, mode)
    _warn_unknown(kwds, _FILTERS, "file_writer")
    known = {name: value for name, value in kwds.items() if name in _FILTERS}
    options = WriteOptions(
        chunks=chunks, compression=compression, threads=threads, progress=bool(show_progressbar),
        durable=durable, checksum=checksum, nexus=nexus, **known,
    )  # fmt: skip
    wanted = wanted_navigators(navigator)
    path = path_text(filename, "file_writer(filename, signal)", "filename")
    made = signal_from_dict(signal)
    adds = mode == "a"
    _check_is_no_address(path)
    if wanted:
        _check_with_data(write_dataset)
        [made] = signals_with_navigators(path, fitting_signals([made], wanted), wanted, options)
    if (adds and is_there(path)) or not write_dataset:
        encoded = write_into(path, made, options, with_data=write_dataset, lenient=lenient)
    else:
        check_target(path, overwrite=True)
        encoded = encode_file([made], lenient=lenient, nexus=[nexus])
        if not encoded.complete:
            raise UnsupportedTypeError(encoded.problems, path=path)
        write_new(path, encoded, options, overwrite=not adds)
        warn_unannotated(path, encoded.unannotated)
    warn_left_out(path, encoded.problems)
    warn_of_doubts(path, [made])


_AS_FOLDERS = re.compile(
    r"(.*?[/\\])??((?:https?|s3a?|gs|gcs|az|azure|abfss?|adl|file|memory|s?ftp):)[/\\]+(.+)",
    re.DOTALL,
)
"""What an address is in the end: HyperSpy makes its absolute path, and folders of its parts."""


def _check_is_no_address(path: str) -> None:
    """Refuse what would stand in a folder called ``s3:``, and remove the folders if they are empty.

    HyperSpy has made them just before; nobody would look for them, or for the file, there.
    """
    found = _AS_FOLDERS.fullmatch(path)
    if found is None:
        return
    folder, top = os.path.dirname(path), f"{found[1] or ''}{found[2]}"
    while len(folder) >= len(top):
        try:
            os.rmdir(folder)
        except OSError:  # not empty, or not there
            break
        folder = os.path.dirname(folder)
    address = f"{found[2]}//{found[3]}"
    mend = f"hspyio.save({address!r}, hspyio.from_hyperspy(s)) writes there"
    if found[2] == "file:":
        address, mend = f"file:///{found[3]}", f"give the path {'/' + found[3]!r}"
    elif found[2] in ("memory:", "gcs:", "ftp:", "sftp:"):
        mend = "give a path"
    raise ArgumentError(
        f"filename is the address {address!r}, and HyperSpy saves to paths only; {mend}"
    )


def _check_modes(write_dataset: object, mode: object) -> None:
    if not isinstance(write_dataset, bool):
        raise OptionError(f"write_dataset is {write_dataset!r}; use True or False")
    if mode not in (None, "w", "a"):
        raise OptionError(f"mode is {mode!r}; use 'w' or 'a'")
    if not write_dataset and mode not in (None, "a"):
        raise OptionError("write_dataset=False changes a file that exists: mode has to be 'a'")


def _check_with_data(write_dataset: bool) -> None:
    if not write_dataset:
        raise OptionError(
            "write_dataset=False writes no data, which a navigator is made of; "
            "hspyio.add_navigator(path) makes one of those in the file"
        )


def _warn_unknown(kwds: Mapping[str, Any], known: tuple[str, ...], function: str) -> None:
    unknown = sorted(set(kwds) - set(known))
    if unknown:
        warn_user(f"{function} ignores {', '.join(unknown)}")


def warn_left_out(path: str, problems: tuple[Problem, ...]) -> None:
    """One warning for all that no file can hold."""
    if problems:
        message = one_or_many("could not be saved and left out", problems)
        warn_user(f"{path}: {message}")


# RosettaSciIO's dict -> Signal


def signal_from_dict(signal: Mapping[str, Any], above: tuple[int, ...] = ()) -> Signal:
    """Make a signal of RosettaSciIO's dict."""
    if not isinstance(signal, Mapping):
        raise ArgumentError(
            f"signal is a {kind_of(signal)}, not RosettaSciIO's dict of one: "
            "hspyio.file_writer(filename, signal), or hspyio.save(path, signal) for a Signal"
        )
    missing = [key for key in ("data", "axes") if key not in signal]
    if missing:
        raise OptionError(f"the signal's dict lacks {' and '.join(missing)}")
    package = signal.get("package_info") or signal
    attributes = dict(signal.get(names.ATTRIBUTES) or {})
    results = signal.get(names.LEARNING_RESULTS)
    if results is None:
        results = attributes.pop(names.LEARNING_RESULTS, {})
    data, axes = as_array(signal["data"]), signal["axes"]
    if data.shape == (1,) and data.dtype != object:
        axes = axes or None  # HyperSpy's parameters: one value, and no axes
    metadata = _with_title(_adopted(dict(signal.get(names.METADATA) or {}), above))
    return Signal(
        data,
        axes_for(data, axes, None, strict=False),
        metadata=MetadataTree(metadata),
        original_metadata=_adopted(dict(signal.get(names.ORIGINAL_METADATA) or {}), above),
        attributes={k: v for k, v in attributes.items() if k not in (names.LAZY, names.RAGGED)},
        learning_results=dict(results or {}),
        models={key: _adopted(dict(tree)) for key, tree in (signal.get("models") or {}).items()},
        package=str(package.get(names.PACKAGE) or ""),
        package_version=str(package.get(names.PACKAGE_VERSION) or ""),
    )


def _with_title(metadata: dict[Any, Any]) -> dict[Any, Any]:
    """A title that is no text is written as one, as readers demand."""
    general = metadata.get("General")
    if not isinstance(general, Mapping) or isinstance(general.get("title", ""), str):
        return metadata
    title = general["title"]
    return {**metadata, "General": {**general, "title": "" if title is None else str(title)}}


def _adopted(value: Any, above: tuple[int, ...] = ()) -> Any:
    """A tree in which signals in RosettaSciIO's form are signals.

    Where there is none it is the same tree, so that encoding finds and names what is circular;
    so it does with what is deeper than a file can be.
    """
    if id(value) in above or len(above) > names.MAX_DEPTH:
        return value
    inside = (*above, id(value))
    if type(value) is dict:
        if list(value) == [names.SIGNAL] and _is_signal_dict(value[names.SIGNAL]):
            return signal_from_dict(value[names.SIGNAL], inside)
        tree = {_key(key, value): _adopted_item(key, item, inside) for key, item in value.items()}
        same = all(new is old for new, old in zip(tree.values(), value.values(), strict=True))
        return value if same else tree
    if type(value) in (list, tuple) and any(type(v) in (dict, list, tuple) for v in value):
        items = [_adopted(item, inside) for item in value]
        same = all(new is old for new, old in zip(items, value, strict=True))
        return value if same else type(value)(items)
    return value


def _key(key: Any, tree: Mapping[Any, Any]) -> Any:
    """The signal's own key, unless something else has it."""
    if isinstance(key, str) and key.startswith(names.SIGNAL) and _is_signal_dict(tree[key]):
        own = key[len(names.SIGNAL) :]
        return key if own in tree else own
    return key


def _adopted_item(key: Any, value: Any, above: tuple[int, ...]) -> Any:
    if isinstance(key, str) and key.startswith(names.SIGNAL) and _is_signal_dict(value):
        return signal_from_dict(value, above)
    return _adopted(value, above)


def _is_signal_dict(value: Any) -> bool:
    return isinstance(value, Mapping) and "data" in value and "axes" in value


_BASES: tuple[type, ...] = (dict, list, tuple, set, frozenset, str, bytes, int, float, complex)


def lenient(value: object) -> object:
    """What RosettaSciIO's callers expect: a subclass is written as its base."""
    kind = type(value)  # whose own word counts: there are objects that pass for anything
    if issubclass(kind, np.ma.MaskedArray):
        return value.view(np.ma.MaskedArray)  # type: ignore[attr-defined]
    if issubclass(kind, np.ndarray):
        return np.asarray(value)
    if issubclass(kind, Mapping) and not issubclass(kind, dict | OrderedDict):
        return dict(value)  # type: ignore[call-overload]
    if issubclass(kind, deque):
        return list(value)  # type: ignore[call-overload]
    if issubclass(kind, memoryview):
        return value.tobytes()  # type: ignore[attr-defined]
    if issubclass(kind, enum.Enum) and not issubclass(kind, int):
        raise NotStorableError(f"no HSpy form for the enumeration {kind.__name__}")
    for base in _BASES:
        if issubclass(kind, base):
            return base(value)
    raise not_storable(value)
