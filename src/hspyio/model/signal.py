"""Signal: data with its axes and metadata, as a user holds them."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np

from hspyio.errors import ArgumentError, AxesError, warn_user
from hspyio.model.axes import Axes, Axis, axes_for, misfit_message, misfits
from hspyio.model.given import as_array, as_mapping, as_text, is_dask, is_data_array, is_hyperspy
from hspyio.model.hints import instead_of, misplaced_keys
from hspyio.model.models import Model
from hspyio.model.tree import MetadataTree
from hspyio.options import public
from hspyio.printable import dtype_text, printable_name
from hspyio.records import value
from hspyio.suggestions import NotThereError, did_you_mean, quoted

if TYPE_CHECKING:
    import dask.array
    import xarray
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["Location", "Signal", "signal_of"]

Data: TypeAlias = "NDArray[Any] | dask.array.Array"


@value
class Location:
    """Where a signal was loaded from."""

    path: str
    group: str  # of the experiment
    original_metadata: bool = True  # was read; an update leaves one alone that was not


@dataclass(init=False, eq=False, repr=False)
class Signal:
    """Data with axes and metadata: what one experiment of an HSpy file holds.

    Parameters
    ----------
    data : array-like, dask.array.Array, or another signal
        The data. Arrays (masked ones too) and dask arrays are kept as they
        are. An array of dtype object is *ragged*: its items are arrays. Of a
        signal, also HyperSpy's or a DataArray of xarray, all is taken but
        what is given beside it.
    axes : Axes or iterable of axes or of axis dicts, optional
        One for each dimension, in the order of the array. Without them they
        are uniform, with offset 0 and scale 1. A ragged array may have none.
    title, signal_type : str, optional
        They go into the metadata, as ``General.title`` and ``Signal.signal_type``.
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
    ArgumentError
        If the data are no array, or hold more than one, such as a DataFrame.

    Warns
    -----
    HspyWarning
        Keys that nobody knows, such as ``unit`` of an axis, or ``title`` at
        the top of the metadata, and what was probably meant.

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

    @public
    def __init__(
        self,
        data: Any,
        axes: Axes | Iterable[Axis | Mapping[str, Any]] | None = None,
        *,
        title: str | None = None,
        signal_type: str | None = None,
        signal_dimension: int | None = None,
        metadata: Mapping[Any, Any] | None = None,
        original_metadata: Mapping[Any, Any] | None = None,
        attributes: Mapping[str, Any] | None = None,
        learning_results: Mapping[str, Any] | None = None,
        models: Mapping[str, Model | Mapping[Any, Any]] | None = None,
        package: str | None = None,
        package_version: str | None = None,
        location: Location | None = None,
    ) -> None:
        self._close: Callable[[], None] | None = None  # set by what loads lazily
        self._loaded: Any = None  # set by what loads: the data as they were, weakly
        whole = signal_of(data)
        if whole is not None:  # all of it is taken, but for what is given beside it
            self.__dict__.update(vars(whole.copy()))
        else:
            self.data = data
            self.__dict__.update(_defaults())
        if whole is None or axes is not None or signal_dimension is not None:
            given = self.axes if axes is None and whole is not None else axes
            self.axes = axes_for(self.data, given, signal_dimension)
        _warn_misplaced(metadata)
        for name, tree in (
            *(("metadata", metadata), ("original_metadata", original_metadata)),
            *(("attributes", attributes), ("learning_results", learning_results)),
            *(("models", models), ("package", package), ("package_version", package_version)),
            ("location", location),
        ):
            if tree is not None:
                setattr(self, name, tree)
        if title is not None:
            self.title = title
        if signal_type is not None:
            self.signal_type = signal_type

    def __setattr__(self, name: str, value: Any) -> None:
        # Whatever is assigned later gets the same form as what is given at first.
        if name not in _FIELDS and not name.startswith("_") and type(self) is Signal:
            if not isinstance(getattr(Signal, name, None), property):
                raise AttributeError(_nothing_to_set(name))
        elif name == "axes" and not isinstance(value, Axes):
            value = axes_for(self.data, value, None)
        elif name in _CONVERTERS:
            value = _CONVERTERS[name](value)
        object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        """Say where what HyperSpy's signals and arrays have is found here."""
        if name.startswith("_"):  # Python and its programs asking for a protocol
            raise AttributeError(f"Signal has no {name!r}")
        raise NotThereError(lambda: f"Signal has no {name!r}{instead_of(name, _names())}")

    def __getitem__(self, part: object) -> Any:
        """Say what is sliced instead."""
        raise TypeError(f"a signal is not sliced itself{instead_of('isig', [])}")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Give the data to numpy, as `data` would; lazy ones are read for it."""
        if copy is False and not isinstance(self.data, np.ndarray):
            raise ValueError("the data are lazy: there is no array of them without a copy")
        return np.array(self.data, dtype=dtype, copy=copy)

    # what it is

    @property
    def title(self) -> str:
        """``metadata.General.title``, ``""`` where there is none."""
        return _as_text(self.metadata.get_item("General.title", None))

    @title.setter
    def title(self, value: str) -> None:
        self.metadata.set_item("General.title", as_text(value, "title"))

    @property
    def signal_type(self) -> str:
        """``metadata.Signal.signal_type``, such as ``"EDS_TEM"``; ``""`` where there is none."""
        return _as_text(self.metadata.get_item("Signal.signal_type", None))

    @signal_type.setter
    def signal_type(self, value: str) -> None:
        self.metadata.set_item("Signal.signal_type", as_text(value, "signal_type"))

    @property
    def ragged(self) -> bool:
        """Whether the items of the data are arrays of their own shapes."""
        return bool(self.data.dtype == object)

    @property
    def lazy(self) -> bool:
        """Whether the data are a dask array."""
        return is_dask(self.data)

    @public
    def check_axes(self) -> None:
        """Check that there is an axis of the right size for each dimension, of sensible values.

        Raises
        ------
        AxesError
            If not; all that is wrong is named.
        """
        if problems := misfits(self.data, self.axes):
            raise AxesError(misfit_message(self.data, problems))

    # what it does

    @public
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
        navigator: Any = None,
        threads: int | None = None,
        progress: Any = None,
        durable: bool = True,
        storage_options: Mapping[str, Any] | None = None,
    ) -> str:
        """Save to an HSpy file, whole or not at all.

        Parameters
        ----------
        path, ..., storage_options
            As for `hspyio.save`, which says what they mean.

        Returns
        -------
        str
            The path that was written.

        Raises
        ------
        HspyError
            As `hspyio.save`.
        """
        import hspyio

        return hspyio.save(
            path, self, overwrite=overwrite, chunks=chunks, compression=compression,
            compression_opts=compression_opts, shuffle=shuffle, checksum=checksum, nexus=nexus,
            navigator=navigator, threads=threads, progress=progress, durable=durable,
            storage_options=storage_options,
        )  # fmt: skip

    @public
    def to_hyperspy(self) -> Any:
        """Make a signal of HyperSpy's, of the class that HyperSpy has for it.

        Data are not copied, lazy ones stay lazy. What HyperSpy cannot hold is one warning.

        Raises
        ------
        MissingPackageError
            If HyperSpy is not installed.
        """
        from hspyio.bridges.hyperspy import to_hyperspy

        return to_hyperspy(self)

    @public
    def to_xarray(self) -> xarray.DataArray:
        """Make a DataArray of xarray: axes are coordinates, metadata are attributes.

        Data are not copied, lazy ones stay lazy; `from_xarray` makes an equal signal of it.

        Raises
        ------
        ConversionError
            If xarray cannot hold something as it is, such as ragged data. All is named.
        MissingPackageError
            If xarray is not installed.
        """
        from hspyio.bridges.xarray import to_xarray

        return to_xarray(self)

    @public
    def plot(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        log: bool | None = None,
        figure: Figure | None = None,
        most_bytes: int | None = None,
        threads: int | None = None,
        progress: bool | None = None,
        overwrite: bool = False,
    ) -> Figure:
        """Draw a line, an image, or a navigator beside the mean signal, with matplotlib.

        Lazy data are read block by block, each once, and never held as a whole. Where they have a
        navigator (see `hspyio.save`) it is drawn, and the mean is that of 128 MiB of the data.

        Parameters
        ----------
        path : path-like, optional
            Where the picture is saved as well, as .png, .pdf or .svg.
        log : bool, optional
            Whether intensities are logarithmic. Without it those of diffraction patterns are that
            span decades.
        figure : matplotlib.figure.Figure, optional
            An empty one to draw into, such as ``plt.figure(layout="constrained")`` for a window.
            Without it one is made that belongs to nobody else: pyplot does not know it.
        most_bytes : int, optional
            Read no more than about so many bytes of the data, in blocks spread at random.
        threads : int, optional
            How many blocks of lazy data are read at a time.
        progress : bool, optional
            Whether work of more than a second shows a bar; without it in terminals and notebooks.
        overwrite : bool
            Whether a picture that exists is replaced.

        Returns
        -------
        matplotlib.figure.Figure
            A notebook shows it, once; ``figure.savefig("map.png")`` saves it, and its own
            ``figure.write("map.png")`` too, whole or not at all.

        Raises
        ------
        MissingPackageError
            If matplotlib is not installed.
        AxesError, ConversionError
            If the axes do not fit the data, or there is nothing that can be drawn.
        """
        from hspyio.bridges.plotting import plot

        return plot(
            self, path, log=log, figure=figure, most_bytes=most_bytes, threads=threads,
            progress=progress, overwrite=overwrite,
        )  # fmt: skip

    @public
    def view(self, *, host: str = "127.0.0.1", port: int = 0, prefix: str = "") -> Any:
        """Show it in the browser, or in a notebook's cell: a navigator and the signal, linked.

        Parameters
        ----------
        host, port, prefix
            As for `hspyio.view`, which says more.

        Returns
        -------
        Viewer
            It runs until its ``close()``, or until this process ends.

        Raises
        ------
        MissingPackageError
            If Bokeh is not installed.
        """
        import hspyio

        return hspyio.view(self, host=host, port=port, prefix=prefix)

    @public
    def close(self) -> None:
        """Let go of the file that lazy data are read from; again is no error."""
        release, self._close = self._close, None
        if release is not None:
            release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @public
    def copy(self) -> Signal:
        """Return a copy with its own axes and tree nodes; arrays, lists and models are shared."""
        result = copy.copy(self)
        for name in ("metadata", "original_metadata"):
            setattr(result, name, MetadataTree(getattr(self, name).as_dictionary()))
        for name in ("attributes", "learning_results", "models"):
            setattr(result, name, dict(getattr(self, name)))
        result.axes = copy.deepcopy(self.axes)
        result._loaded = self._loaded
        return result

    @public
    def deepcopy(self) -> Signal:
        """Return a copy that shares nothing; lazy data stay lazy."""
        return copy.deepcopy(self)

    def __getstate__(self) -> dict[str, Any]:
        # A copy must not close the file of the original.
        return {**self.__dict__, "_close": None, "_loaded": None}

    # how it shows

    def __repr__(self) -> str:
        lazy = " (lazy)" if self.lazy else ""
        return f"<Signal{lazy}, title: {printable_name(self.title)}, {self._facts()}>"

    def _facts(self) -> str:
        return f"dimensions: {self._dimensions()}, {_data_type_text(self.data)}"

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
        from hspyio.model.pages import signal_page

        names = ("metadata", "original_metadata", "attributes", "learning_results")
        models = {name: model.tree for name, model in self.models.items()}
        place = self.location
        return signal_page(
            title=self.title,
            kind=self.signal_type,
            dimensions=self._dimensions(),
            dtype=_data_type_text(self.data),
            data=self.data,
            axes=self.axes,
            trees={**{name: getattr(self, name) for name in names}, "models": models},
            source="" if place is None else f"{place.path}, /Experiments/{place.group}",
        )


def signal_of(value: object) -> Signal | None:
    """The signal that a value is or, of HyperSpy or xarray, stands for; None for all else."""
    if isinstance(value, Signal):
        return value
    if type(value) is np.ndarray:
        return None
    if is_hyperspy(value):
        import hspyio

        return hspyio.from_hyperspy(value)
    if is_data_array(value):
        import hspyio

        return hspyio.from_xarray(value)
    return None


def _as_tree(value: Any, name: str) -> MetadataTree:
    return value if isinstance(value, MetadataTree) else MetadataTree(as_mapping(value, name))


def _as_model(value: Model | Mapping[Any, Any]) -> Model:
    return value if isinstance(value, Model) else Model(_as_tree(value, "the model"))


def _as_models(value: Any) -> dict[str, Model]:
    return {name: _as_model(model) for name, model in as_mapping(value, "models").items()}


def _as_location(value: Any) -> Location | None:
    if value is None or isinstance(value, Location):
        return value
    raise ArgumentError(f"location is {quoted(value)}; load sets it, save(path) names the file")


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "data": as_array,
    "metadata": lambda value: _as_tree(value, "metadata"),
    "original_metadata": lambda value: _as_tree(value, "original_metadata"),
    "attributes": lambda value: dict(as_mapping(value, "attributes")),
    "learning_results": lambda value: dict(as_mapping(value, "learning_results")),
    "models": _as_models,
    "location": _as_location,
}


def _defaults() -> dict[str, Any]:
    """The parts of a signal of which nothing is said."""
    return {
        "metadata": MetadataTree(),
        "original_metadata": MetadataTree(),
        "attributes": {},
        "learning_results": {},
        "models": {},
        "package": "",
        "package_version": "",
        "location": None,
    }


_FIELDS = frozenset({"data", "axes", *_defaults()})


def _names() -> list[str]:
    return [*_FIELDS, *(name for name in vars(Signal) if not name.startswith("_"))]


def _nothing_to_set(name: str) -> str:
    hint = did_you_mean(name, _names())
    return f"Signal has no {name!r} to set{hint}; what is to be saved goes into .metadata"


def _warn_misplaced(metadata: object) -> None:
    """Tell of keys at the top of a caller's dict that mean something one level below."""
    if isinstance(metadata, Mapping) and not isinstance(metadata, MetadataTree):
        for text in misplaced_keys(metadata):
            warn_user(text)


# texts


def _as_text(value: Any) -> str:
    return "" if value is None else str(value)


def _data_type_text(data: Data) -> str:
    """The dtype in words; of a ragged array that of its first item, which is its base in a file."""
    if data.dtype == object and isinstance(data, np.ndarray) and data.size:
        first = data.flat[0]
        return str(getattr(first, "dtype", type(first).__name__))
    return dtype_text(data.dtype)
