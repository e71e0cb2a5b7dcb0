"""Signals of hspyio as signals of HyperSpy, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from hspyio import names
from hspyio.bridges.rosettasciio import signal_from_dict
from hspyio.errors import HspyError, OptionError, Problem, one_or_many, warn_user
from hspyio.model.axes import axis_to_dict
from hspyio.model.given import kind_of, more_than_an_array
from hspyio.model.signal import Location, Signal
from hspyio.packages import imported
from hspyio.records import record

__all__ = ["from_hyperspy", "to_hyperspy"]

_TREES = (names.METADATA, names.ORIGINAL_METADATA)
_AXES = "axes"
_NAVIGATE = "navigate"
_NODES = ("General", "Signal")
# What HyperSpy's trees have of their own: items of these names break them (seen with 2.5).
_TAKEN = frozenset(
    (
        *("__class__", "__dict__", "__weakref__", "_double_lines", "_get_print_items"),
        *("_lazy_attributes", "_setattr", "as_dictionary", "has_item", "process_lazy_attributes"),
    )
)


def to_hyperspy(signal: Signal) -> Any:
    """See `Signal.to_hyperspy`."""
    signals = imported("hyperspy.api").signals
    converter = _Converter(
        dict_to_signal=imported("hyperspy.io").dict2signal,
        tree=type(signals.BaseSignal([0]).metadata),
        problems=[],
    )
    try:
        result = converter.signal(signal)
    except RecursionError:
        raise HspyError("the metadata are too deep for HyperSpy, or hold themselves") from None
    if converter.problems:
        text = one_or_many("cannot be held by HyperSpy as they are", converter.problems)
        warn_user(text)
    return result


def from_hyperspy(signal: Any) -> Signal:
    """Make a signal of HyperSpy's.

    Parameters
    ----------
    signal : hyperspy.api.signals.BaseSignal
        Of any class, also of an extension. It stays as it is.

    Returns
    -------
    Signal
        With what ``signal.save`` would write: data (not copied, lazy ones stay lazy), axes,
        metadata with markers and signals in it, learning results and stored models.

    Raises
    ------
    MissingPackageError
        If HyperSpy is not installed.
    OptionError
        If it is no signal of HyperSpy.

    Notes
    -----
    HyperSpy's form of data without dimensions, an array of one item without axes, becomes data
    without dimensions again.

    See Also
    --------
    to_hyperspy : The way back, also as a method of a signal.
    """
    base = imported("hyperspy.api").signals.BaseSignal
    if not isinstance(signal, base):
        meant = more_than_an_array(signal) or "hspyio.Signal(array, axes) makes one of an array"
        raise OptionError(f"a {kind_of(signal)} is no signal of HyperSpy; {meant}")
    package = type(signal).__module__.partition(".")[0]
    found = {
        **_dictionary(signal),
        "package_info": {names.PACKAGE: package, names.PACKAGE_VERSION: _version(package)},
    }
    return _signal_from_dict(found, base)


# to HyperSpy


@record
class _Converter:
    """What converting a signal, and those inside it, needs on the way."""

    dict_to_signal: Callable[..., Any]
    tree: Callable[[], Any]
    problems: list[Problem]

    def signal(self, signal: Signal, where: str = "") -> Any:
        prefix = f"{where}." if where else ""
        handed_over = self._dictionary(signal, where, prefix)
        lazy = handed_over[names.ATTRIBUTES][names.LAZY]
        try:
            result = self.dict_to_signal(handed_over, lazy=lazy)
        except Exception as error:
            raise HspyError(f"HyperSpy makes no signal of this: {error}", where=where) from None
        for name, value in signal.attributes.items():
            if not hasattr(result, name) and not _is_empty(value):
                self._say(f"{prefix}{names.ATTRIBUTES}.{name}", "no attribute of its signals")
        for name in signal.models:
            if not (name.isascii() and name.isidentifier()):
                self._say(f"{prefix}{names.MODELS}.{name}", "named there as Python names things")
        if signal.location is not None:
            result.tmp_parameters.add_dictionary(_origin(signal.location))
        return result

    def _dictionary(self, signal: Signal, where: str, prefix: str) -> dict[str, Any]:
        """What a reader would hand over to HyperSpy (format, section 7.2)."""
        trees = {name: self.held(getattr(signal, name), f"{prefix}{name}") for name in _TREES}
        self._drop_misfit_nodes(trees[names.METADATA], f"{prefix}{names.METADATA}")
        models = {key: model.tree.as_dictionary() for key, model in signal.models.items()}
        return {
            **trees,
            names.DATA: self._data(signal, where),
            _AXES: [axis_to_dict(axis) for axis in signal.axes],
            names.ATTRIBUTES: {
                **signal.attributes,
                names.LAZY: signal.lazy and signal.data.size > 0,
                names.RAGGED: signal.ragged,
                names.LEARNING_RESULTS: signal.learning_results,
            },
            names.MODELS: self._told_apart(models, f"{prefix}{names.MODELS}"),
            names.PACKAGE: signal.package,
            names.PACKAGE_VERSION: signal.package_version,
        }

    def _data(self, signal: Signal, where: str) -> Any:
        """The data in a form that HyperSpy has."""
        data: Any = signal.data
        if data.dtype.kind in "USTMm":
            raise HspyError(f"HyperSpy has no signals of {data.dtype}; convert them", where=where)
        if signal.ragged and not all(axis.navigate for axis in signal.axes):
            text = "HyperSpy's ragged signals have no signal axes; let all axes navigate"
            raise HspyError(text, where=where)
        if signal.lazy and not data.size:
            self._say(f"{where}.data".lstrip("."), "is empty, so that it cannot be lazy")
            data = data.compute()
        return data if data.ndim else data.reshape((1,))

    def held(self, value: Any, where: str) -> Any:
        """A value as HyperSpy takes it: with its own signals, and keys that its trees hold."""
        if isinstance(value, Signal):
            return self.signal(value, where)
        if isinstance(value, Mapping):
            tree = self._with_fit_keys(value, where)
            return {key: self.held(item, f"{where}.{key}") for key, item in tree.items()}
        if type(value) in (list, tuple):
            items = enumerate(value)
            return type(value)(self.held(item, f"{where}[{index}]") for index, item in items)
        return value

    def _with_fit_keys(self, tree: Mapping[Any, Any], where: str) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, item in tree.items():
            name = key if isinstance(key, str) else str(key)
            place = f"{where}.{name}"
            if name.startswith(names.SIGNAL):
                self._say(place, f"left out; keys with {names.SIGNAL} stand for signals there")
            elif name.startswith(names.AXES_MANAGER) and not _is_axes(item):
                self._say(place, f"left out; keys with {names.AXES_MANAGER} stand for axes there")
            elif name in _TAKEN:
                self._say(place, "left out; its trees use that name themselves")
            elif name is not key and name in tree:
                self._say(place, f"the item of {key!r} is left out; keys are texts there")
            else:
                result[name] = item
                if name is not key:
                    self._say(place, f"stands as {name!r} for {key!r}; keys are texts there")
        return self._told_apart(result, where)

    def _told_apart(self, tree: dict[str, Any], where: str) -> dict[str, Any]:
        """Without keys that make the same Python name, ``a b`` and ``a_b``: one of them is lost."""
        trial = self.tree()
        trial.add_dictionary(dict.fromkeys(tree))
        apart = trial.as_dictionary()
        for key in tree:
            if key not in apart:
                self._say(f"{where}.{key}", "left out; it is the same as another one there")
        return {key: item for key, item in tree.items() if key in apart}

    def _drop_misfit_nodes(self, metadata: dict[str, Any], where: str) -> None:
        for node in _NODES:
            if not isinstance(metadata.get(node, {}), dict):
                del metadata[node]
                self._say(f"{where}.{node}", "left out; that is always a node there")

    def _say(self, where: str, message: str) -> None:
        self.problems.append(Problem(where, message))


def _is_axes(value: object) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, Mapping) and _NAVIGATE in item for item in value)
    )


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, Mapping) and not value)


def _origin(location: Location) -> dict[str, str]:
    """Where a signal comes from, in the words of `hs.load`."""
    path = Path(location.path).absolute()
    parts = {"folder": str(path.parent), "filename": path.stem, "extension": path.suffix}
    return parts | {f"original_{key}": value for key, value in parts.items()}


# from HyperSpy


def _dictionary(signal: Any) -> dict[str, Any]:
    """What HyperSpy would hand over to a writer, with the signal left as it is.

    Taking it turns signals in lists of the metadata into dicts, in place.
    """
    kind = type(signal.metadata)
    lists = [items for name in _TREES for items in _lists(getattr(signal, name), kind)]
    before = [list(items) for items in lists]
    try:
        return dict(signal._to_dictionary(add_models=True))
    finally:
        for items, old in zip(lists, before, strict=True):
            items[:] = old


def _lists(tree: Any, kind: type) -> Iterator[list[Any]]:
    """The lists in a tree of HyperSpy's kind; those in other lists it does not touch."""
    for item in (vars(tree) if isinstance(tree, kind) else tree).values():
        if isinstance(item, list):
            yield item
        elif isinstance(item, dict | kind):
            yield from _lists(item, kind)


def _own(value: Any, base: type) -> Any:
    """A value with signals of ours for those of HyperSpy and for their dicts.

    A signal's dict stands under ``_sig_`` and its key, as an item alone under ``_sig_``.
    """
    if isinstance(value, base):
        return _signal_from_dict(_dictionary(value), base)
    if type(value) is dict:
        return dict(_own_item(key, item, base) for key, item in value.items())
    if type(value) in (list, tuple):
        return type(value)(_own_member(item, base) for item in value)
    return value


def _own_item(key: Any, value: Any, base: type) -> tuple[Any, Any]:
    if isinstance(key, str) and key.startswith(names.SIGNAL) and _is_signal(value):
        return key[len(names.SIGNAL) :], _signal_from_dict(value, base)
    return key, _own(value, base)


def _own_member(value: Any, base: type) -> Any:
    if isinstance(value, dict) and list(value) == [names.SIGNAL]:
        return _own_item(names.SIGNAL, value[names.SIGNAL], base)[1]
    return _own(value, base)


def _is_signal(value: Any) -> bool:
    return isinstance(value, dict) and names.DATA in value and _AXES in value


def _signal_from_dict(found: dict[str, Any], base: type) -> Signal:
    """A signal of what HyperSpy hands over, those in its trees included."""
    data = found[names.DATA]
    if not found[_AXES] and data.dtype != object:
        data = data.reshape(())  # HyperSpy's form of data without dimensions
    trees = {name: _own(found[name], base) for name in _TREES if name in found}
    return signal_from_dict({**found, **trees, names.DATA: data})


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
