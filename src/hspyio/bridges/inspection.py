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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import h5py
import numpy as np

from hspyio.api.paths import path_of_file
from hspyio.errors import (
    UNREADABLE,
    DamagedFileError,
    HspyError,
    MissingFileError,
    NotHspyError,
    OptionError,
    Problem,
    StaleFileError,
    one_or_many,
    warn_user,
)
from hspyio.hdf5.guard_hdf5 import ObjectCensus
from hspyio.hdf5.limits import MOST_STEPS, Budget
from hspyio.hdf5.plain import check_dataset, is_endless, read_attribute, read_dataset
from hspyio.printable import printable
from hspyio.system.locks import locked_by_hdf5
from hspyio.system.refusals import system_error

__all__ = ["list_datasets_in_file", "read_metadata_from_file"]

Keys: TypeAlias = str | Sequence[str] | None
Tree: TypeAlias = dict[str, Any]
Fingerprint: TypeAlias = tuple[int, int, int]

DEEPEST = 200
"""Groups within groups; links can make a file look deeper than it is."""

MOST_HOPS = 16
"""Soft links that lead to soft links; more are taken for a circle, as HDF5 does."""

UNSUSPICIOUS = 64 * 2**20
BEST_COMPRESSION = 2000
"""An array over 64 MiB that would be larger than 2000 times what is stored of it isn't read."""


def list_datasets_in_file(
    filename: str | os.PathLike[str],
    dataset_key: Keys = None,
    hardlinks_only: bool = False,
    verbose: bool = True,
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
    verbose : bool, default True
        Print the results to the screen.

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
            if isinstance(item, h5py.Dataset):
                shape = walk.shape(item, path)
                if shape is not None and math.prod(shape) >= 2:
                    shapes[path] = shape
            elif walk.is_nxdata(item, path) and "signal" in item.attrs:
                nexus.append(path)
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
) -> Iterator[tuple[_Walk, h5py.Group]]:
    """Open a file for a walk from its root, and warn of all that the walk left out."""
    path = Path(path_of_file(filename, f"{function}(filename)", "filename")).absolute()
    if not _exists(path):
        raise MissingFileError("no such file", path=path)
    if not path.is_file():
        raise NotHspyError("is not a file", path=path)
    try:
        file = h5py.File(path, "r")
    except BlockingIOError:
        raise locked_by_hdf5(str(path)) from None
    except PermissionError as error:
        raise system_error(error, str(path)) from None
    except OSError as error:
        if error.errno:  # of the system; HDF5's own have none
            raise system_error(error, str(path)) from None
        if h5py.is_hdf5(path):
            raise DamagedFileError(f"cannot be opened ({error})", path=path) from None
        raise NotHspyError("is not an HDF5 file", path=path) from None
    with file:
        walk = _Walk(path, _fingerprint(path), hardlinks_only)
        try:
            yield walk, file["/"]
        except HspyError:
            raise
        except UNREADABLE as error:
            raise DamagedFileError(f"cannot be read: {error}", path=path) from None
    if walk.left_out:
        message = f"{path}: {one_or_many('left out', walk.left_out)}"
        warn_user(message)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError as error:
        raise system_error(error, str(path)) from None
    except (OSError, ValueError):  # no such name can be
        return False


@dataclass(slots=True)
class _Walk:
    """A way through the objects of an open file, and what had to be left out on it."""

    path: Path
    fingerprint: Fingerprint
    hardlinks_only: bool
    left_out: list[Problem] = field(default_factory=list)
    census: ObjectCensus = field(default_factory=ObjectCensus)
    budget: Budget = field(default_factory=Budget)
    hops: int = 0

    def leave_out(self, where: str, reason: object) -> None:
        """Note one thing for the warning at the end."""
        self.left_out.append(Problem(where or "/", " ".join(str(reason).split())))

    def everything(
        self, group: h5py.Group, path: str = "", above: tuple[h5py.Group, ...] = ()
    ) -> Iterator[tuple[str, h5py.Group | h5py.Dataset]]:
        """Yield every group and dataset below a group with its path, a group before its own."""
        for name, member in self.members(group, path, above):
            yield f"{path}/{name}", member
            if isinstance(member, h5py.Group):
                yield from self.everything(member, f"{path}/{name}", (*above, group))

    def tree(
        self,
        group: h5py.Group,
        skip_arrays: bool,
        path: str = "",
        above: tuple[h5py.Group, ...] = (),
    ) -> Tree:
        """Lay out a group's attributes and members, with datasets that are still to be read."""
        attributes = self.attributes(group, path)
        tree: Tree = {"attrs": attributes} if attributes else {}
        for name, member in self.members(group, path, above):
            where = f"{path}/{name}"
            if name in tree:
                self.leave_out(path, "the attributes: a member named attrs takes their place")
            if isinstance(member, h5py.Dataset):
                tree |= self.dataset(name, member, skip_arrays and bool(member.shape), where)
            elif not self.is_nxdata(member, where):
                tree[name] = self.tree(member, skip_arrays, where, (*above, group))
        return tree

    def dataset(self, name: str, dataset: h5py.Dataset, skip: bool, where: str) -> Tree:
        """Lay out a dataset, with or without its value: one item, or none."""
        attributes = self.attributes(dataset, where)
        if not attributes:
            return {} if skip else {name: dataset}
        value = {} if skip else {"value": dataset}
        return {name: value | {"attrs": attributes}}

    def members(
        self, group: h5py.Group, path: str, above: tuple[h5py.Group, ...]
    ) -> Iterator[tuple[str, h5py.Group | h5py.Dataset]]:
        """Yield a group's own groups and datasets, in the order of the file."""
        if len(above) >= DEEPEST:
            self.leave_out(path, f"what is in it: more than {DEEPEST} groups deep")
            return
        for name in self.names(group, path):
            where = f"{path}/{name}"
            self.hops = 0
            member = self.follow(group, name, where)
            if isinstance(member, h5py.Group) and (member == group or member in above):
                self.leave_out(where, "a link back to a group that it is in")
            elif isinstance(member, h5py.Group | h5py.Dataset):
                yield name, member

    def names(self, mapping: Mapping[str, Any], where: str) -> list[str]:
        """List the names in a group or among attributes."""
        try:
            return list(mapping)
        except Exception as error:  # h5py raises anything on a damaged file
            self.leave_out(where, error)
            return []

    def shape(self, dataset: h5py.Dataset, where: str) -> tuple[int, ...] | None:
        """Shape of a dataset; HDF5 would look for that of a virtual one in other files."""
        try:
            if is_endless(dataset):
                self.leave_out(where, "its values stand in another file")
                return None
            shape: tuple[int, ...] | None = dataset.shape
            return shape
        except Exception as error:  # h5py raises anything on a damaged file
            self.leave_out(where, error)
            return None

    def follow(self, group: h5py.Group, name: str, where: str) -> Any:
        """Open a member, or return ``None`` if it can't be opened or isn't to be."""
        try:
            if "/" in str(name) or name in {"", "."}:
                raise HspyError("a name that is none")  # HDF5 would take it for a path
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.HardLink):
                member = group[name]
                self.census.enter(member.id, followed=self.hops > 0)
                return member
        except Exception as error:  # h5py raises anything on a damaged file
            self.leave_out(where, error)
            return None
        if self.hardlinks_only:
            return None
        if isinstance(link, h5py.SoftLink) and self.hops < MOST_HOPS:
            self.hops += 1
            return self.follow_path(group, link.path, where)
        if isinstance(link, h5py.ExternalLink):
            self.leave_out(where, f"an external link, to {link.path} in {link.filename}")
        else:
            self.leave_out(where, "a link that leads nowhere")
        return None

    def follow_path(self, group: h5py.Group, path: str, where: str) -> Any:
        """Open what a soft link names, step by step: HDF5 would follow external links on the way.

        Parameters
        ----------
        group : h5py.Group
            The group that the link stands in.
        path : str
            What the link says: a path from the root, or from the group.
        where : str
            The place to name in the warning.
        """
        here: Any = group.file["/"] if path.startswith("/") else group
        names = [name for name in path.split("/") if name not in {"", "."}]
        if len(names) > MOST_STEPS:
            self.leave_out(where, f"a link over more than {MOST_STEPS} groups")
            return None
        for name in names:
            if not isinstance(here, h5py.Group):
                self.leave_out(where, "a link that leads nowhere")
                return None
            here = self.follow(here, name, where)
            if here is None:
                return None
        return here

    def attributes(self, item: h5py.Group | h5py.Dataset, where: str) -> dict[str, Any]:
        """Read all attributes of a group or dataset."""
        found = {}
        for name in self.names(item.attrs, where):
            try:
                found[name] = _attribute(item, name)
            except Exception as error:  # h5py raises anything on a damaged file
                self.leave_out(f"{where}@{name}", error)
        return found

    def is_nxdata(self, group: h5py.Group, where: str) -> bool:
        """Tell whether NeXus knows a group as a plottable signal with its axes."""
        try:
            marker = _attribute(group, "NX_class") if "NX_class" in group.attrs else None
        except Exception as error:  # h5py raises anything on a damaged file
            self.leave_out(f"{where}@NX_class", error)
            return False
        return isinstance(marker, str) and marker == "NXdata"

    def values_of(self, tree: Tree, *, lazy: bool) -> dict[str, Any]:
        """Read the datasets in a tree."""
        values: dict[str, Any] = {}
        for name, item in tree.items():
            if isinstance(item, dict):
                values[name] = self.values_of(item, lazy=lazy)
            elif isinstance(item, h5py.Dataset):
                try:
                    values[name] = self.value(item, lazy=lazy)
                except Exception as error:  # h5py raises anything on a damaged file
                    self.leave_out(item.name, error)
            else:
                values[name] = item
        return values

    def value(self, dataset: h5py.Dataset, *, lazy: bool) -> Any:
        """Read a dataset: one element as a Python value, more as an array."""
        if dataset.is_virtual or dataset.external:
            raise HspyError("its values stand in another file")
        if dataset.size == 1:
            value = read_dataset(dataset, self.budget)
            return _plain(value[(0,) * dataset.ndim] if dataset.ndim else value)
        stored = dataset.id.get_storage_size()
        if dataset.nbytes > max(UNSUSPICIOUS, BEST_COMPRESSION * stored):
            raise HspyError(f"{dataset.nbytes:,} bytes, of which the file holds {stored:,}")
        if lazy and dataset.size:
            check_dataset(dataset)
            return self.lazy_array(dataset)
        return read_dataset(dataset, self.budget)

    def lazy_array(self, dataset: h5py.Dataset) -> Any:
        """Make a dask array of a dataset that opens the file whenever it is computed."""
        import dask.array as da

        array = _ArrayInFile(
            self.path.absolute(),
            self.fingerprint,
            dataset.name,
            dataset.shape,
            dataset.dtype,
            dataset.chunks,
        )
        chunks: Any = array.shape if array.dtype.hasobject else "auto"
        from_array: Any = da.from_array  # typed or not, as dask's version has it
        return from_array(array, chunks=chunks, fancy=False)


@dataclass(frozen=True, slots=True)
class _ArrayInFile:
    """An array in a file that isn't open."""

    path: Path
    fingerprint: Fingerprint
    where: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunks: tuple[int, ...] | None

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    def __getitem__(self, selection: Any) -> Any:
        if _fingerprint(self.path) != self.fingerprint:
            raise StaleFileError("has changed since it was read", path=self.path, where=self.where)
        with h5py.File(self.path, "r") as file:
            return file[self.where][selection]


def _fingerprint(path: Path) -> Fingerprint:
    """Tell one state of a file from another."""
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _attribute(item: h5py.Group | h5py.Dataset, name: str) -> Any:
    """Read an attribute; a list of one is its element, as NeXus files have many of these."""
    value = read_attribute(item, name)
    if isinstance(value, np.ndarray) and value.shape == (1,):
        value = value[0]
    return _text(value) if isinstance(value, bytes) else value


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
