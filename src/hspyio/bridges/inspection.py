"""Looking into any HDF5 file: RosettaSciIO's two utilities, with its parameters and results.

Both read files of any program, NeXus files among them, not only HSpy files, so they go around
the layers that know the format. No HDF5 handle outlives a call, external links are never
followed, and what can't be read is left out and named in one warning.
"""

from __future__ import annotations

import math
import os
import pprint
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from hspyio.api.arguments import file_of
from hspyio.api.loading.open_file import readable
from hspyio.errors import HspyError, OptionError, Problem, one_or_many, warn_user
from hspyio.hdf5.dataset import Dataset
from hspyio.hdf5.opening import ReadPolicy
from hspyio.hdf5.reader import open_file
from hspyio.nodes.node import Array, Attribute, Elsewhere, Empty, Group, StorageType, Text
from hspyio.printable import printable
from hspyio.system.refusals import named_errors

__all__ = ["list_datasets_in_file", "read_metadata_from_file"]

Keys: TypeAlias = str | Sequence[str] | None
Tree: TypeAlias = dict[str, Any]

DEEPEST = 200
"""Groups within groups; links can make a file look deeper than it is."""

UNSUSPICIOUS = 64 * 2**20
BEST_COMPRESSION = 2000
"""An array over 64 MiB that would be larger than 2000 times what is stored of it isn't read."""


def list_datasets_in_file(
    filename: str | os.PathLike[str],
    dataset_key: Keys = None,
    hardlinks_only: bool = False,
    verbose: bool = False,
) -> tuple[list[str], list[str]]:
    """List the NXdata groups and the datasets of two or more elements in an HDF5 file.

    External links are never followed: a file must not make its reader open another one.

    Parameters
    ----------
    filename : str or path-like
        The file: NeXus, HSpy or any other HDF5 file.
    dataset_key : str, list of str or None, default None
        Return only paths that contain this string, or one of these.
    hardlinks_only : bool, default False
        Ignore soft links too.
    verbose : bool, default False
        Print the results to the screen, as RosettaSciIO's does if it is not asked not to.

    Returns
    -------
    nexus, datasets : list of str
        Paths of the NXdata groups that name a signal, and paths of all datasets of at least two
        elements (those inside NXdata groups too), in the order of the file.

    Raises
    ------
    MissingFileError, NotHspyError, DamagedFileError
        If the file can't be opened.
    OptionError
        If ``dataset_key`` is something else than text.

    See Also
    --------
    read_metadata_from_file : Read attributes and datasets.
    """
    keys = _checked_keys("dataset_key", dataset_key)
    nexus: list[str] = []
    shapes: dict[str, tuple[int, ...]] = {}
    with _walking(filename, "list_datasets_in_file", hardlinks_only=hardlinks_only) as (walk, root):
        for path, item in walk.everything(root):
            if not _matches(path, keys):
                continue
            if isinstance(item, Group):
                if _is_nxdata(item) and "signal" in item.attributes:
                    nexus.append(path)
                continue
            shape = _shape(item) if isinstance(item, Array) else item.shape
            if math.prod(shape) >= 2:
                shapes[path] = shape
    if verbose:
        _print_datasets(nexus, shapes)
    return nexus, list(shapes)


def read_metadata_from_file(
    filename: str | os.PathLike[str],
    lazy: bool = False,
    metadata_key: Keys = None,
    verbose: bool = False,
    skip_array_metadata: bool = False,
) -> dict[str, Any]:
    """Read attributes and datasets of an HDF5 file as a nested dictionary.

    A group is a dictionary; its attributes stand in it under ``"attrs"``. A dataset is its value,
    or ``{"value": ..., "attrs": {...}}`` if it has attributes; one with a single element is a
    plain Python value. NXdata groups are left out: they are data. External links are never
    followed, nor are virtual datasets: a file must not make its reader open another one.

    Parameters
    ----------
    filename : str or path-like
        The file: NeXus, HSpy or any other HDF5 file.
    lazy : bool, default False
        Return dask arrays instead of arrays. Unlike RosettaSciIO's, they hold no open file: each
        chunk opens it anew, and `StaleFileError` is raised if it has changed since.
    metadata_key : str, list of str or None, default None
        Return only items whose path, such as ``/Experiments/EDS/metadata/General/attrs/title``,
        contains this string, or one of these.
    verbose : bool, default False
        Pretty-print the result to the screen.
    skip_array_metadata : bool, default False
        Leave out the values of datasets that aren't scalar.

    Returns
    -------
    dict
        The metadata.

    Raises
    ------
    MissingFileError, NotHspyError, DamagedFileError
        If the file can't be opened.
    OptionError
        If ``metadata_key`` is something else than text.

    See Also
    --------
    list_datasets_in_file : List paths of datasets.
    """
    keys = _checked_keys("metadata_key", metadata_key)
    with _walking(filename, "read_metadata_from_file") as (walk, root):
        tree = _matching(walk.tree(root, skip_arrays=skip_array_metadata), keys)
        result = walk.values_of(tree, lazy=lazy)
    if verbose:
        pprint.pprint(result)  # noqa: T203 - what verbose asks for
    return result


@contextmanager
def _walking(
    filename: str | os.PathLike[str], function: str, *, hardlinks_only: bool = False
) -> Iterator[tuple[_Walk, Group]]:
    """Open a file for a walk from its root, and warn of all that the walk left out."""
    given = file_of(filename, f"{function}(filename)", "filename")
    path = given if isinstance(given, str) else given.path
    policy = ReadPolicy(of_arrays=True, soft_links=not hardlinks_only)
    walk = _Walk()
    with named_errors(path), open_file(given, policy) as root, readable(path, "/"):
        yield walk, root
    if walk.left_out:
        warn_user(f"{path}: {one_or_many('left out', walk.left_out)}")


Item: TypeAlias = Group | Array | Elsewhere


@dataclass(slots=True)
class _Walk:
    """A way through the objects of an open file, and what had to be left out on it."""

    left_out: list[Problem] = field(default_factory=list)

    def leave_out(self, where: str, reason: str) -> None:
        """Note one thing for the warning at the end."""
        self.left_out.append(Problem(where or "/", " ".join(reason.split())))

    def everything(self, group: Group, path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
        """Yield every group and dataset below a group with its path, a group before its own."""
        for name, member in self.members(group, path, depth):
            if isinstance(member, Elsewhere) and member.shape is None:
                self.leave_out(f"{path}/{name}", "its values stand in another file")
            elif not isinstance(member, Empty):
                yield f"{path}/{name}", member
            if isinstance(member, Group):
                yield from self.everything(member, f"{path}/{name}", depth + 1)

    def tree(self, group: Group, skip_arrays: bool, path: str = "", depth: int = 0) -> Tree:
        """Lay out a group's attributes and members, with datasets that are still to be read."""
        attributes = self.attributes(group, path)
        tree: Tree = {"attrs": attributes} if attributes else {}
        for name, member in self.members(group, path, depth):
            where = f"{path}/{name}"
            if name in tree:
                self.leave_out(path, "the attributes: a member named attrs takes their place")
            if not isinstance(member, Group):
                skip = skip_arrays and isinstance(member, Array) and bool(_shape(member))
                tree |= self.dataset(name, member, skip, where)
            elif not _is_nxdata(member):
                tree[name] = self.tree(member, skip_arrays, where, depth + 1)
        return tree

    def dataset(self, name: str, dataset: Any, skip: bool, where: str) -> Tree:
        """Lay out a dataset, with or without its value: one item, or none."""
        attributes = self.attributes(dataset, where) if isinstance(dataset, Array) else {}
        item = _Unread(where, dataset)
        if not attributes:
            return {} if skip else {name: item}
        value: Tree = {} if skip else {"value": item}
        return {name: value | {"attrs": attributes}}

    def members(self, group: Group, path: str, depth: int) -> Iterator[tuple[str, Any]]:
        """Yield a group's own groups and datasets, in the order of the file."""
        if depth >= DEEPEST:
            self.leave_out(path, f"what is in it: more than {DEEPEST} groups deep")
            return
        for name in group.members:
            if not self._is_text(name, path):
                continue
            member = group.members[name]
            if isinstance(member, Group | Array | Elsewhere | Empty):
                yield name, member
            elif not getattr(member, "of_no_use", False):
                reason = getattr(member, "reason", "")
                self.leave_out(f"{path}/{name}", reason.partition("; allow_external")[0])

    def _is_text(self, name: str, path: str) -> bool:
        try:
            name.encode("utf-8", "surrogateescape").decode("utf-8")
        except UnicodeDecodeError as error:
            self.leave_out(path, str(error))
            return False
        return True

    def attributes(self, item: Group | Array, where: str) -> dict[str, Any]:
        """All attributes of a group or dataset."""
        found = {}
        for name, attribute in item.attributes.items():
            if isinstance(attribute, Attribute):
                found[name] = _attribute(attribute)
            elif isinstance(attribute, Empty):
                found[name] = _nothing(attribute.type)
            else:
                self.leave_out(f"{where}@{name}", getattr(attribute, "reason", ""))
        return found

    def values_of(self, tree: Tree, *, lazy: bool) -> dict[str, Any]:
        """Read the datasets in a tree."""
        values: dict[str, Any] = {}
        for name, item in tree.items():
            if isinstance(item, dict):
                values[name] = self.values_of(item, lazy=lazy)
            elif isinstance(item, _Unread):
                try:
                    values[name] = _value(item.node, lazy=lazy)
                except HspyError as error:
                    self.leave_out(item.where, error.message)
            else:
                values[name] = item
        return values


@dataclass(frozen=True, slots=True)
class _Unread:
    """A dataset whose value is still to be read."""

    where: str
    node: Array | Elsewhere | Empty


def _shape(array: Array) -> tuple[int, ...]:
    """Shape of a dataset, without the dimensions that each of its values has."""
    assert isinstance(array.source, Dataset)
    return array.source.layout.shape


def _value(node: Array | Elsewhere | Empty, *, lazy: bool) -> Any:
    """Read a dataset: one element as a Python value, more as an array."""
    if isinstance(node, Empty):
        return _nothing(node.type)
    if isinstance(node, Elsewhere):
        raise HspyError("its values stand in another file")
    source = node.source
    assert isinstance(source, Dataset)
    shape, kind = source.layout.shape, source.layout.kind
    if math.prod(shape) == 1:
        return _plain(source.read()[(0,) * len(shape)])
    size, stored = math.prod(shape) * kind.size, source.stored_bytes
    if size > max(UNSUSPICIOUS, BEST_COMPRESSION * stored):
        raise HspyError(f"{size:,} bytes, of which the file holds {stored:,}")
    return _lazy(source) if lazy and size else source.read()


def _lazy(source: Dataset) -> Any:
    """A dask array of a dataset, which opens the file whenever it is computed."""
    import dask.array as da

    array = _ArrayInFile(source.detached())
    chunks: Any = array.shape if array.dtype.hasobject else "auto"
    from_array: Any = da.from_array  # typed or not, as dask's version has it
    return from_array(array, chunks=chunks, fancy=False)


@dataclass(frozen=True, slots=True)
class _ArrayInFile:
    """An array in a file that isn't open."""

    source: Dataset

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        return self.source.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the values."""
        return self.source.layout.kind.dtype

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    def __getitem__(self, selection: Any) -> Any:
        """Values, from the file if it is unchanged."""
        known = self.source
        source = type(known)(copy(known.snapshot), known.where, known.layout, known.address)
        try:
            return source.read(selection)
        finally:
            source.snapshot.close()


def _is_nxdata(group: Group) -> bool:
    """Whether NeXus knows a group as a plottable signal with its axes."""
    marker = group.attributes.get("NX_class")
    found: Any = _attribute(marker) if isinstance(marker, Attribute) else None
    return isinstance(found, str) and found == "NXdata"


def _attribute(attribute: Attribute) -> Any:
    """Value of an attribute; a list of one is its element, as NeXus files have many of these."""
    value = attribute.value
    any_length = isinstance(attribute.type, Text) and attribute.type.length is None
    if any_length and isinstance(value, np.ndarray):
        texts = np.empty(value.shape, object)
        texts.reshape(-1)[:] = [_decoded(text) for text in value.reshape(-1)]
        value = texts
    elif isinstance(value, bytes):
        return _decoded(value) if any_length else _text(value)
    element = value.reshape(-1)[0] if value.shape in ((), (1,)) else value
    return _text(element) if isinstance(element, bytes) else element


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def _nothing(kind: StorageType) -> Any:
    """What h5py has for no value."""
    import h5py

    return h5py.Empty(kind if isinstance(kind, np.dtype) else np.dtype(object))


def _plain(element: Any) -> Any:
    """Turn one element of a dataset into a Python value."""
    value = element.item() if isinstance(element, np.generic) else element
    return _text(value) if isinstance(value, bytes) else value


def _text(raw: bytes) -> str:
    """Decode text of any age: UTF-8, else Latin-1; padding is no part of it."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return text.replace("\0", "").rstrip()


def _checked_keys(option: str, keys: object) -> tuple[str, ...] | None:
    """Bring what to look for into one form."""
    if keys is None:
        return None
    if isinstance(keys, str):
        return (keys,)
    if isinstance(keys, list | tuple) and all(isinstance(key, str) for key in keys):
        return tuple(keys)
    raise OptionError(f"{option}={keys!r}: expected a string, a list of strings or None")


def _matches(path: str, keys: tuple[str, ...] | None) -> bool:
    """Tell whether a path is looked for."""
    return keys is None or any(key in path for key in keys)


def _matching(tree: Tree, keys: tuple[str, ...] | None, path: str = "") -> Tree:
    """Keep what is looked for, and the groups it is in."""
    kept: Tree = {}
    for name, item in tree.items():
        where = f"{path}/{name}"
        if isinstance(item, dict) and item:
            inside = _matching(item, keys, where)
            if inside:
                kept[name] = inside
        elif _matches(where, keys):
            kept[name] = item
    return kept


def _print_datasets(nexus: Sequence[str], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Print what was found, in RosettaSciIO's words."""
    lines = ["NXdata found", *nexus] if nexus else ["NXdata not found"]
    if shapes:
        lines += ["Unique HDF datasets found", *(f"{path} {shapes[path]}" for path in shapes)]
    else:
        lines.append("No HDF datasets found or data is captured by NXdata")
    print(printable("\n".join(lines)))  # noqa: T201 - what verbose asks for
