"""The experiments of one file, as a mapping."""

from __future__ import annotations

import os
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from math import prod
from typing import Any, Self

import numpy as np

from hspyio import names
from hspyio.api.arguments import name_of
from hspyio.api.loading.open_file import (
    AT_ONCE,
    OpenFile,
    opened,
    readable,
    select,
    store_at,
    title_of,
)
from hspyio.converters import CONVERTERS
from hspyio.converters.decoder import Decoder
from hspyio.errors import ArgumentError, HspyError
from hspyio.filters import describe, everywhere
from hspyio.hdf5.dataset import stored_bytes
from hspyio.hdf5.local_snapshot import snapshot_of
from hspyio.hdf5.opening import Kept
from hspyio.hdf5.snapshot import Snapshot
from hspyio.model.models import Model
from hspyio.model.parts import SignalParts
from hspyio.model.signal import Location, Signal
from hspyio.model.tree import MetadataTree
from hspyio.nodes.node import Array, Group
from hspyio.options import ReadOptions
from hspyio.printable import dtype_text, printable, printable_name
from hspyio.schema import to_signal
from hspyio.suggestions import NotThereError, did_you_mean
from hspyio.system.refusals import named_errors

__all__ = ["Experiments", "Loaded", "read_signal"]

_OWN = ("path", "version", "attrs", "titles", "models", "close", "keys", "values", "items")
_CALL = "open(path)['HAADF']"
_SHOWN = 200
"""Experiments that a notebook lists with what is known of them."""


def read_signal(file: OpenFile, name: str) -> Signal:
    """Read an experiment of an open file as a signal."""
    parts = file.parts(name, lambda nested: _signal(file, nested))
    location = None
    if file.has_path:
        location = Location(os.path.abspath(file.path), name, file.options.original_metadata)
    with readable(file.path, parts.where):
        signal = _signal(file, parts, location)
        signal.data = file.as_asked(signal.data)
        signal._loaded = Loaded(signal.data)
    if file.handle is not None:
        signal._close = file.handle.close
        if file.options.released:
            file.handle.stay_closed()
    return signal


def _signal(file: OpenFile, parts: SignalParts, location: Location | None = None) -> Signal:
    signal, problems = to_signal(parts, file.contents.version, location)
    file.problems += problems
    return signal


def _instead(name: str, attrs: Mapping[str, Any]) -> str:
    """What was probably meant by an attribute that experiments have not got."""
    if hasattr(Signal, name) or name in Signal.__dataclass_fields__:
        return f"; a signal has it: experiments[name].{name}"
    return did_you_mean(name, [*attrs, *_OWN])


class Experiments(Mapping[str, Signal]):
    """The experiments of a file: a read-only mapping of group names to signals.

    A title that only one experiment has works as a key too. Each signal is read, lazily, when it
    is asked for, from the file as it was when this object was made, even if it has been updated
    or replaced since. No HDF5 handle stays open, and no lock.

    Attributes
    ----------
    path : str
        The file.
    version : str
        The format version it declares, ``""`` where it declares none.
    size : int
        Bytes of the file.
    attrs : dict
        Attributes of the ``Experiments`` group. Those whose names can be are attributes of this
        object too, as the specification says.
    titles : dict
        Group name -> title.
    """

    def __init__(self, given: str | Snapshot, options: ReadOptions) -> None:
        self.path = given if isinstance(given, str) else given.path
        self._options = options
        self._kept = Kept()
        with named_errors(self.path):
            found = store_at(given) or snapshot_of(given) if isinstance(given, str) else given
            self._handle: Snapshot = found
        self.size = self._handle.size
        with self._opened() as file:
            self._names = tuple(file.contents.experiments)
            self.version = file.contents.declared
            with readable(self.path, f"/{names.EXPERIMENTS}"):
                self.attrs = _decoded(file.contents.attributes, file)
                self.titles = {name: title_of(file.contents, name) for name in self._names}
        # By its title, if no other has it; but names go first.
        counts = Counter(self.titles.values())
        self._groups = {title: name for name, title in self.titles.items() if counts[title] == 1}
        self._groups |= {name: name for name in self._names}

    def __getattr__(self, name: str) -> Any:
        """Attributes of the ``Experiments`` group."""
        attrs = self.__dict__.get("attrs", {})
        if name in attrs:
            return attrs[name]
        raise NotThereError(lambda: f"Experiments has no attribute {name!r}{_instead(name, attrs)}")

    def __getitem__(self, name: str) -> Signal:
        """Read one experiment.

        Raises
        ------
        ExperimentError
            If there is none of that name.
        """
        asked = name_of(name, _CALL)
        group = None if asked is None else self._groups.get(asked)
        with self._opened(group) as file:
            return read_signal(file, group or select(file.contents, asked, file.path))

    def __setitem__(self, name: object, signal: object) -> None:
        """Say how a signal gets into a file; nothing is written by an assignment."""
        known = name in self
        call = f"hspyio.update(path, signal, {name!r})" if known else "hspyio.append(path, signal)"
        what = "writes all but the data" if known else "adds one"
        raise ArgumentError(f"open(path) reads only; {call} {what}", path=self.path)

    def __delitem__(self, name: object) -> None:
        """Say how an experiment is taken out of a file."""
        text = f"open(path) reads only; hspyio.remove(path, {name!r}) takes an experiment out"
        raise ArgumentError(text, path=self.path)

    def _opened(self, only: str | None = None) -> AbstractContextManager[OpenFile]:
        """The file as it was when this object was made, whatever has become of it."""
        return opened(self._handle.clone(), self._options, kept=self._kept, only=only)

    def __contains__(self, name: object) -> bool:
        """Whether a group of that name, or one experiment of that title, is there."""
        return isinstance(name, str) and name in self._groups

    def __iter__(self) -> Iterator[str]:
        """Group names, in the order of the file."""
        return iter(self._names)

    def __len__(self) -> int:
        """Number of experiments."""
        return len(self._names)

    @property
    def models(self) -> dict[str, Model]:
        """Models that belong to none of the experiments."""
        with self._opened() as file:
            trees = file.standalone_models(lambda nested: _signal(file, nested))
        return {name: Model(MetadataTree(tree)) for name, tree in trees.items()}

    def close(self) -> None:
        """Let go of the file; what is asked for later is read if it has not changed since."""
        self._handle.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def __repr__(self) -> str:
        """The file and its experiments, a line each."""
        lines = [f"<Experiments of {self.path}, format {self.version or 'not declared'}>"]
        return printable("\n".join([*lines, *(f"  {line}" for line in self._lines())]))

    def _lines(self) -> list[str]:
        return [
            printable_name(name) + ("" if title == name else f" (title: {printable_name(title)})")
            for name, title in self.titles.items()
        ]

    def _repr_html_(self) -> str:
        from hspyio.html import facts, heading, page

        shown = list(self.titles.items())[:_SHOWN]
        try:
            with self._opened() as file:
                folds = "".join(_fold(file, name, title) for name, title in shown)
        except HspyError as error:  # closed, and changed since: the names are known all the same
            folds = facts([("", str(error)), *((name, title) for name, title in shown)])
        more = len(self) - len(shown)
        rest = facts([("", f"… {more:,} more; list(...) names all")]) if more else ""
        count = "1 experiment" if len(self) == 1 else f"{len(self):,} experiments"
        version = f"format {self.version or 'not declared'}"
        return page(heading(self.path, version, count), folds, rest)


def _fold(file: OpenFile, name: str, title: str) -> str:
    """One experiment as html: what is known of its data without reading them."""
    from hspyio.html import facts, fold

    label = title or "(no title)"
    if title != name:
        label += f" [{name}]"
    node = file.contents.experiments[name].members.get(names.DATA)
    if not isinstance(node, Array):
        return fold(label, facts([("data", "cannot be read")]))
    dtype = dtype_text(node.type) if isinstance(node.type, np.dtype) else "ragged"
    try:
        taken = f"{stored_bytes(node):,} bytes"
    except HspyError as error:  # its values may not be readable, all else is
        taken = error.message
    stored = f"{taken}, {' + '.join(describe(node.filters)) or 'uncompressed'}"
    size = f"{prod(node.shape):,} items"
    if isinstance(node.type, np.dtype):
        size += f", {prod(node.shape) * node.type.itemsize:,} bytes in memory"
    known = [
        ("array", f"{node.shape}, {dtype}"),
        ("size", size),
        ("stored", stored),
        ("chunks", "in one block" if node.chunks is None else str(node.chunks)),
        ("", everywhere(node.filters)),
    ]
    return fold(label, facts(known), note=f"{node.shape}, {dtype}")


def _decoded(group: Group, file: OpenFile) -> dict[str, Any]:
    decoder = Decoder(CONVERTERS, AT_ONCE)
    attrs = decoder.dictionary(group, "/Experiments")
    file.problems += decoder.problems
    return attrs


_SAMPLES = 64


class Loaded:
    """The data that a signal was loaded with: not kept in memory by this, and not read again."""

    __slots__ = ("_data", "_sample")

    def __init__(self, data: Any) -> None:
        self._data: Callable[[], Any]
        try:
            self._data = weakref.ref(data)
        except TypeError:  # dask's arrays know no weak references, and hold no values
            self._data = lambda: data
        self._sample = _sample(data)

    def change(self, data: Any) -> str:
        """What has become of the data; ``""`` where nothing is known of a change.

        A few values are looked at; one that is changed in place elsewhere is not noticed.
        """
        if self._data() is not data:
            return "the data of the signal have been replaced since it was loaded"
        if _sample(data) != self._sample:
            return "the data of the signal have been changed since it was loaded"
        return ""


def _sample(data: Any) -> bytes:
    """Some values of an array in memory, from all over it."""
    if not isinstance(data, np.ndarray) or data.dtype.hasobject or not data.size:
        return b""
    flat = np.asarray(data).reshape(-1) if data.flags.c_contiguous else np.asarray(data).flat
    return bytes(flat[:: -(-data.size // _SAMPLES)].tobytes())
