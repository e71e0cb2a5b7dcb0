"""Signal: data with its axes and metadata, as a user holds them."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np

from hspyio.axes import Axes, Axis, axis_from_dict, default_axes
from hspyio.errors import AxesError
from hspyio.printable import printable_line
from hspyio.records import value
from hspyio.tree import MetadataTree

if TYPE_CHECKING:
    import dask.array
    import xarray
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["Location", "Model", "Signal"]

Data: TypeAlias = "NDArray[Any] | dask.array.Array"


@value
class Location:
    """Where a signal was loaded from.

    Attributes
    ----------
    path : str
        The file.
    group : str
        Name of the experiment's group in it.
    original_metadata : bool
        Whether that tree was read; an update leaves one alone that was not.
    """

    path: str
    group: str
    original_metadata: bool = True


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Model:
    """A model fitted to a signal, as stored: shown and kept, not run.

    Attributes
    ----------
    tree : MetadataTree
        All that the file says about it.
    """

    tree: MetadataTree

    @property
    def date(self) -> str | None:
        """When it was stored, as the file says it."""
        return self._text("date")

    @property
    def dimensions(self) -> str | None:
        """Dimensions of its signal, as HyperSpy prints them: ``(10|100)``."""
        return self._text("dimensions")

    @property
    def components(self) -> tuple[str, ...]:
        """Names of its components."""
        named = self.tree.get("components")
        if isinstance(named, Mapping) and named:
            return tuple(str(name) for name in named)
        inner = self.tree.get("_dict")
        listed = inner.get("components") if isinstance(inner, Mapping) else None
        if not isinstance(listed, list | tuple):
            return ()
        return tuple(
            str(part.get("name") or part.get("_id_name") or "")
            for part in listed
            if isinstance(part, Mapping)
        )

    def _text(self, key: str) -> str | None:
        value = self.tree.get(key)
        return None if value is None else str(value)

    def __repr__(self) -> str:
        parts = [f"components: {', '.join(self.components) or 'none'}"]
        if self.dimensions:
            parts.append(f"dimensions: {self.dimensions}")
        if self.date:
            parts.append(f"date: {self.date}")
        return f"<Model, {_line(', '.join(parts))}>"

    def _repr_html_(self) -> str:
        from hspyio.pages import model_page

        return model_page(repr(self)[8:-1], self.tree)


@dataclass(init=False, eq=False, repr=False)
class Signal:
    """Data with axes and metadata: what one experiment of an HSpy file holds.

    Parameters
    ----------
    data : array-like or dask.array.Array
        The data. Arrays (masked ones too) and dask arrays are kept as they
        are. An array of dtype object is *ragged*: its items are arrays.
    axes : Axes or iterable of axes or of axis dicts, optional
        One for each dimension, in the order of the array. Without them they
        are uniform, with offset 0 and scale 1. A ragged array may have none.
    signal_dimension : int, optional
        How many of the last axes are signal axes; the others navigate. This
        goes before what `axes` say. Without either all are signal axes, or
        none for a ragged array.
    metadata, original_metadata : mapping, optional
        Trees of values; they become `MetadataTree`.
    attributes : mapping, optional
        Attributes of HyperSpy's signal object.
    learning_results : mapping, optional
        Results of decompositions.
    models : mapping of str to Model or mapping, optional
        Stored models by name.
    package, package_version : str
        The package that has the class of the signal, such as ``"exspy"``.
    location : Location, optional
        Where it was loaded from.

    Attributes
    ----------
    data : numpy.ndarray or dask.array.Array
        May be replaced, also by data of another shape or dtype: `check_axes`,
        which `save` calls, looks whether the axes still fit.
    axes : Axes
        May be replaced by what the parameter takes.
    metadata, original_metadata : MetadataTree
    attributes, learning_results : dict
    models : dict of str to Model
    package, package_version : str
    location : Location or None

    Raises
    ------
    AxesError
        If the axes do not fit the data; all that is wrong is named.

    Examples
    --------
    >>> Signal(np.zeros((100, 100, 2048), "uint16"), signal_dimension=1)
    <Signal, title: , dimensions: (100, 100|2048), uint16>
    """

    data: Data
    axes: Axes
    metadata: MetadataTree
    original_metadata: MetadataTree
    attributes: dict[str, Any]
    learning_results: dict[str, Any]
    models: dict[str, Model]
    package: str
    package_version: str
    location: Location | None

    def __init__(
        self,
        data: Any,
        axes: Axes | Iterable[Axis | Mapping[str, Any]] | None = None,
        *,
        signal_dimension: int | None = None,
        metadata: Mapping[Any, Any] | None = None,
        original_metadata: Mapping[Any, Any] | None = None,
        attributes: Mapping[str, Any] | None = None,
        learning_results: Mapping[str, Any] | None = None,
        models: Mapping[str, Model | Mapping[Any, Any]] | None = None,
        package: str = "",
        package_version: str = "",
        location: Location | None = None,
    ) -> None:
        self._close: Callable[[], None] | None = None  # set by what loads lazily
        self.data = data
        self.axes = _axes_for(self.data, axes, signal_dimension)
        self.metadata = _as_tree({} if metadata is None else metadata)
        self.original_metadata = _as_tree({} if original_metadata is None else original_metadata)
        self.attributes = dict(attributes or {})
        self.learning_results = dict(learning_results or {})
        self.models = {name: _as_model(model) for name, model in (models or {}).items()}
        self.package = package
        self.package_version = package_version
        self.location = location

    def __setattr__(self, name: str, value: Any) -> None:
        # Whatever is assigned later gets the same form as what is given at first.
        convert = _CONVERTERS.get(name)
        if name == "axes" and not isinstance(value, Axes):
            value = _axes_for(self.data, value, None)
        object.__setattr__(self, name, convert(value) if convert else value)

    # what it is

    @property
    def title(self) -> str:
        """``metadata.General.title``, ``""`` where there is none."""
        return _as_text(self.metadata.get_item("General.title"))

    @title.setter
    def title(self, value: str) -> None:
        self.metadata.set_item("General.title", value)

    @property
    def signal_type(self) -> str:
        """``metadata.Signal.signal_type``, such as ``"EDS_TEM"``; ``""`` where there is none."""
        return _as_text(self.metadata.get_item("Signal.signal_type"))

    @property
    def ragged(self) -> bool:
        """Whether the items of the data are arrays of their own shapes."""
        return bool(self.data.dtype == object)

    @property
    def lazy(self) -> bool:
        """Whether the data are a dask array."""
        return _is_dask(self.data)

    def check_axes(self) -> None:
        """Check that there is an axis of the right size for each dimension of the data.

        Raises
        ------
        AxesError
            If not; all that is wrong is named.
        """
        if problems := _misfits(self.data, self.axes):
            raise AxesError(_misfit_message(self.data, problems))

    # what it does

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        chunks: Any = None,
        compression: Any = "gzip",
        compression_opts: Any = None,
        shuffle: bool = True,
        checksum: bool = False,
        nexus: bool = False,
        threads: int | None = None,
        progress: Any = None,
        durable: bool = True,
    ) -> None:
        """Save to an HSpy file, whole or not at all.

        Parameters
        ----------
        path, ..., durable
            As for `hspyio.save`, which says what they mean.

        Raises
        ------
        HspyError
            As `hspyio.save`.
        """
        import hspyio

        hspyio.save(
            path,
            self,
            overwrite=overwrite,
            chunks=chunks,
            compression=compression,
            compression_opts=compression_opts,
            shuffle=shuffle,
            checksum=checksum,
            nexus=nexus,
            threads=threads,
            progress=progress,
            durable=durable,
        )

    def to_hyperspy(self) -> Any:
        """Make a signal of HyperSpy without copying the data, as `hspyio.to_hyperspy`."""
        import hspyio

        return hspyio.to_hyperspy(self)

    def to_xarray(self) -> xarray.DataArray:
        """Make a DataArray of xarray without copying the data, as `hspyio.to_xarray`."""
        import hspyio

        return hspyio.to_xarray(self)

    def plot(self, *, log: bool | None = None, progress: bool | None = None) -> Figure:
        """Draw it with matplotlib, as `hspyio.plot`, which says what is drawn."""
        import hspyio

        return hspyio.plot(self, log=log, progress=progress)

    def close(self) -> None:
        """Let go of the file that lazy data are read from; again is no error."""
        release, self._close = self._close, None
        if release is not None:
            release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def copy(self) -> Signal:
        """Return a copy with its own axes and tree nodes; arrays, lists and models are shared."""
        result = copy.copy(self)
        for name in ("metadata", "original_metadata"):
            setattr(result, name, MetadataTree(getattr(self, name).as_dictionary()))
        for name in ("attributes", "learning_results", "models"):
            setattr(result, name, dict(getattr(self, name)))
        result.axes = copy.deepcopy(self.axes)
        return result

    def deepcopy(self) -> Signal:
        """Return a copy that shares nothing; lazy data stay lazy."""
        return copy.deepcopy(self)

    def __getstate__(self) -> dict[str, Any]:
        # A copy must not close the file of the original.
        return {**self.__dict__, "_close": None}

    # how it shows

    def __repr__(self) -> str:
        lazy = " (lazy)" if self.lazy else ""
        return f"<Signal{lazy}, title: {_line(self.title)}, {self._facts()}>"

    def _facts(self) -> str:
        return f"dimensions: {self._dimensions()}, {_dtype_text(self.data)}"

    def _dimensions(self) -> str:
        """Dimensions as HyperSpy prints them: the fastest first, navigation | signal."""
        shape = self.data.shape
        navigates = [axis.navigate for axis in self.axes]
        if len(navigates) != len(shape):
            navigates = [False] * len(shape)
        pairs = list(zip(shape, navigates, strict=True))[::-1]
        navigation = ", ".join(str(size) for size, navigate in pairs if navigate)
        signal = ", ".join(str(size) for size, navigate in pairs if not navigate)
        return f"({navigation}|{'ragged' if self.ragged else signal})"

    def _repr_html_(self) -> str:
        from hspyio.pages import signal_page

        names = ("metadata", "original_metadata", "attributes", "learning_results")
        models = {name: model.tree for name, model in self.models.items()}
        place = self.location
        return signal_page(
            title=self.title,
            kind=self.signal_type,
            dimensions=self._dimensions(),
            dtype=_dtype_text(self.data),
            data=self.data,
            axes=self.axes,
            trees={**{name: getattr(self, name) for name in names}, "models": models},
            source="" if place is None else f"{place.path}, /Experiments/{place.group}",
        )


def _is_dask(data: Any) -> bool:
    """Whether it is a dask array, without an import of dask for those who don't use it."""
    return type(data).__module__.partition(".")[0] == "dask" and hasattr(data, "chunks")


def _as_data(value: Any) -> Any:
    return value if isinstance(value, np.ndarray) or _is_dask(value) else np.asarray(value)


def _as_tree(value: Mapping[Any, Any]) -> MetadataTree:
    return value if isinstance(value, MetadataTree) else MetadataTree(value)


def _as_model(value: Model | Mapping[Any, Any]) -> Model:
    return value if isinstance(value, Model) else Model(_as_tree(value))


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "data": _as_data,
    "metadata": _as_tree,
    "original_metadata": _as_tree,
}


# axes


def _axes_for(
    data: Data,
    axes: Iterable[Axis | Mapping[str, Any]] | None,
    signal_dimension: int | None,
) -> Axes:
    """Axes that fit the data, or one error that says all that is wrong."""
    if any(size != size for size in data.shape):  # noqa: PLR0124 # dask's nan: not known yet
        raise AxesError(
            f"a dimension of the data, {data.shape}, has no known size; "
            "data.compute_chunk_sizes() finds it"
        )
    if axes is None:
        default = 0 if data.dtype == object else data.ndim
        return default_axes(data.shape, default if signal_dimension is None else signal_dimension)
    made, problems = _made_axes(data, list(axes))
    problems += _misfits(data, made)
    if problems:
        raise AxesError(_misfit_message(data, problems))
    if isinstance(axes, Axes) and signal_dimension is None:
        return axes
    whole = [axis for axis in made if axis is not None]
    if signal_dimension is not None:
        whole = _with_signal_dimension(whole, signal_dimension)
    return Axes(whole)


def _made_axes(data: Data, items: list[Any]) -> tuple[list[Axis | None], list[str]]:
    """An axis of each item, None where that is not possible, and why."""
    axes: list[Axis | None] = []
    problems: list[str] = []
    for index, item in enumerate(items):
        size = data.shape[index] if index < data.ndim else None
        made = None
        if isinstance(item, Axis):
            made = item
        elif isinstance(item, Mapping):
            try:
                made = axis_from_dict(item, size=size)
            except AxesError as error:
                problems.append(f"axes[{index}]: {error.message}")
        else:
            problems.append(f"axes[{index}]: a {type(item).__name__} is no axis")
        axes.append(made)
    return axes, problems


def _with_signal_dimension(axes: list[Axis], signal_dimension: int) -> list[Axis]:
    if not 0 <= signal_dimension <= len(axes):
        raise AxesError(f"signal_dimension is {signal_dimension}, there are {len(axes)} axes")
    navigating = len(axes) - signal_dimension
    return [
        axis if axis.navigate == (index < navigating) else _turned(axis)
        for index, axis in enumerate(axes)
    ]


def _turned(axis: Axis) -> Axis:
    """A copy for the other space: the caller's axis stays as it is."""
    return replace(axis, navigate=not axis.navigate)


def _misfits(data: Data, axes: Sequence[Axis | None]) -> list[str]:
    if not axes and data.dtype == object:
        return []  # what HyperSpy hands over for a single ragged item
    problems = []
    if len(axes) != data.ndim:
        problems.append(f"{len(axes)} axes for {data.ndim} dimensions")
    for index, (axis, size) in enumerate(zip(axes, data.shape, strict=False)):
        if axis is not None and axis.size != size:
            problems.append(f"axis {index} {axis.name!r} has size {axis.size}, the data {size}")
    return problems


def _misfit_message(data: Data, problems: list[str]) -> str:
    return f"the axes do not fit the data of shape {data.shape}: {'; '.join(problems)}"


# texts


def _as_text(value: Any) -> str:
    return "" if value is None else str(value)


def _line(text: str) -> str:
    return printable_line(text)


def _dtype_text(data: Data) -> str:
    """The dtype; for a ragged array that of its first item, which is its base in a file."""
    if data.dtype == object and isinstance(data, np.ndarray) and data.size:
        first = data.flat[0]
        return str(getattr(first, "dtype", type(first).__name__))
    return str(data.dtype)
