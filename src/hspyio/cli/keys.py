"""Keys of values in a file: ``General.title``, ``axes.x.units``."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

import hspyio
from hspyio.api.examining.info import outline
from hspyio.cli.console import one_line
from hspyio.cli.usage import Place
from hspyio.cli.values import short_text
from hspyio.errors import ExperimentError, HspyError, HspyWarning
from hspyio.model.axes import axis_from_dict, axis_to_dict
from hspyio.model.signal import Signal
from hspyio.model.tree import MetadataTree, path_hint
from hspyio.printable import dtype_text
from hspyio.suggestions import missing, quoted

__all__ = [
    "PARTS",
    "experiment_group",
    "hint_of_new",
    "kind_word",
    "loaded",
    "lookup",
    "mistyped",
    "parse_value",
    "present_value",
    "put_value",
    "remove_value",
    "typed_text",
]

PARTS = ("metadata", "original_metadata", "attributes", "learning_results")
"""What a key may begin with to say where it leads; without one it leads into the metadata."""

_AXES = "axes"
_ELSEWHERE = {
    "data": "the data are no metadata: hspyio.load(FILE).data in Python, or hspy plot",
    "shape": "the shape is that of the data: hspy info FILE",
    "dtype": "the type is that of the data: hspy info FILE",
    "models": "models are changed in HyperSpy, and shown by hspy tree FILE",
}
"""Keys that are no places of the metadata, if nothing stands there."""


def experiment_group(experiments: hspyio.Experiments, name: str) -> str:
    """The group of an experiment that is asked for by its group or its title."""
    titled = [group for group, title in experiments.titles.items() if title == name]
    if name in list(experiments):
        return name
    if len(titled) != 1:
        experiments[name]  # says what is wrong
    return titled[0]


@contextmanager
def loaded(file: Place, name: str | None, *, change: bool) -> Iterator[Signal]:
    """An experiment, its data unread; to `change` it, all of it has to be readable."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        signal = outline(file, name)
    said = [str(item.message) for item in caught if issubclass(item.category, HspyWarning)]
    if said and change:
        raise HspyError(
            "nothing is changed, for what cannot be read would be lost (hspy validate says what to "
            "do):\n" + "\n".join(said)
        )
    for item in caught:
        warnings.warn_explicit(item.message, item.category, item.filename, item.lineno)
    with signal:
        try:
            yield signal
        except HspyError as error:
            error.path = error.path or str(file)
            raise


def lookup(signal: Signal, key: str) -> Any:
    """The value that stands under a key."""
    if key == _AXES:
        return {str(i): axis_to_dict(axis) for i, axis in enumerate(signal.axes)}
    if key.startswith(f"{_AXES}."):
        index, rest = _axis_place(signal, key)
        tree = MetadataTree(axis_to_dict(signal.axes[index]))
        return _found(tree, rest, key) if rest else tree.as_dictionary()
    tree, path = _tree_place(signal, key)
    return _found(tree, path, key) if path else tree


def present_value(signal: Signal, key: str, default: object = None) -> Any:
    """The value that stands under a key, or another if there is none."""
    try:
        return lookup(signal, key)
    except ExperimentError:
        return default


def hint_of_new(signal: Signal, key: str) -> str:
    """What was probably meant by a key of an entry that isn't there yet, ``""`` for nothing."""
    if key == _AXES or key.startswith(f"{_AXES}."):
        return ""
    tree, path = _tree_place(signal, key)
    return "" if tree.has_item(path) else path_hint(tree, path, key.removesuffix(path))


def put_value(signal: Signal, key: str, value: Any) -> None:
    """Set the value of a key; nodes on the way are made."""
    if key == _AXES or key.startswith(f"{_AXES}."):
        _change_axis(signal, key, value)
        return
    tree, path = _tree_place(signal, key)
    if not path:
        raise HspyError("is all of a tree; name an entry of it", where=key)
    if not tree.has_item(path) and (elsewhere := _ELSEWHERE.get(key.partition(".")[0])):
        raise HspyError(f"{elsewhere}; metadata.{key} sets an entry of that name", where=key)
    if isinstance(tree.get_item(path, None), Mapping | Signal):
        raise HspyError("is more than a value, and would be lost; hspy unset removes it", where=key)
    try:
        tree.set_item(path, value)
    except TypeError as error:
        raise HspyError(str(error), where=key) from None
    _store(signal, key, tree)


def remove_value(signal: Signal, key: str) -> None:
    """Remove an entry, a node with all that is in it."""
    if key == _AXES or key.startswith(f"{_AXES}."):
        lookup(signal, key)
        raise HspyError("belongs to every axis; hspy set changes it", where=key)
    tree, path = _tree_place(signal, key)
    if not path:
        raise HspyError("is all of a tree; name an entry of it", where=key)
    _found(tree, path, key)
    tree.remove_item(path)
    _store(signal, key, tree)


def parse_value(text: str, present: object = None) -> Any:
    """A value as it is typed: JSON where it is JSON, else the text itself.

    NaN and Infinity, which JSON has no word for, are numbers inside a list or in the place of a
    number; alone they are text.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    if isinstance(present, bool) and text in ("True", "False"):
        return text == "True"
    if not (value is text or text.strip().lstrip("-") in ("NaN", "Infinity")):
        return value
    try:
        return float(text) if isinstance(present, float | np.floating) else text
    except ValueError:
        return text


_PYTHON = {"True": "true", "False": "false", "None": "null"}


def mistyped(text: str, value: Any, present: object) -> str:
    """What was probably meant where text is stored that looks like something else, or ``""``."""
    if value is not text and value != text:
        return ""
    if word := _PYTHON.get(text):
        return f"{text} is stored as text; write {word} for what Python calls {text}"
    if text[:1] in "[{(" and text[-1:] in "]})" and len(text) > 1:
        return f"{short_text(text)} is stored as text, for it is no JSON: write '[\"Fe\", 1]'"
    if present is not None and not isinstance(present, str):
        return f"{short_text(text)} is stored as text; it was a {kind_word(present)}"
    return ""


def kind_word(value: Any) -> str:
    """What a value is, in a word or two."""
    if isinstance(value, Mapping):
        return "node"
    if isinstance(value, np.ndarray) and value.ndim:
        return f"array of {value.shape}, {dtype_text(value.dtype)}"
    value = value.item() if isinstance(value, np.generic | np.ndarray) else value
    if isinstance(value, list | tuple):
        return f"list of {len(value)}"
    for kind, word in _KINDS:
        if isinstance(value, kind):
            return word
    return "nothing" if value is None else type(value).__name__


_KINDS = ((bool, "true or false"), (int, "whole number"), (float, "number"), (str, "text"))


def typed_text(value: Any) -> str:
    """Inverse of `parse_value`: what is typed to get a value, on one line.

    Text is printed as it is, for scripts; in quotes where it would be read as something else,
    break the line or stand for an option.
    """
    if isinstance(value, str):
        plain = value.isprintable() and not value.startswith("-") and parse_value(value) == value
        return value if plain and value else _json(value)
    try:
        return _json(value)
    except (TypeError, ValueError, RecursionError):
        return one_line(value)


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=_item)
    return text if text.isprintable() else json.dumps(value, default=_item)


def _item(value: Any) -> Any:
    """What Python has of numpy's numbers and of nodes, which a list may hold."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError


# trees


def _tree_place(signal: Signal, key: str) -> tuple[MetadataTree, str]:
    """The tree that a key leads into, and the path in it."""
    head, _, rest = key.partition(".")
    if head in PARTS and not (head != "metadata" and signal.metadata.has_item(key)):
        part = getattr(signal, head)
        return part if isinstance(part, MetadataTree) else MetadataTree(part), rest
    return signal.metadata, key


def _store(signal: Signal, key: str, tree: MetadataTree) -> None:
    """Put a tree back that was made of a dict."""
    head = key.partition(".")[0]
    if head in PARTS and tree is not signal.metadata and tree is not signal.original_metadata:
        setattr(signal, head, tree.as_dictionary())


def _found(tree: MetadataTree, path: str, key: str) -> Any:
    if tree.has_item(path):
        return tree.get_item(path, None)
    hint = path_hint(tree, path, key.removesuffix(path))
    if not hint and (elsewhere := _ELSEWHERE.get(key.partition(".")[0])):
        hint = f"; {elsewhere}"
    if not hint:
        above = path.rpartition(".")[0]
        node = tree.get_item(above, None) if above else tree
        if isinstance(node, Mapping):
            hint = missing(path.rpartition(".")[2], list(node))
        elif node is not None:
            hint = f"; {quoted(above)} is a value, with nothing in it"
    raise ExperimentError(f"there is no such entry{hint}", where=one_line(key))


# axes


_FIXED = {
    "_type": "hspyio.DataAxis, UniformAxis or FunctionalAxis, and hspyio.update",
    "index_in_array": "the order of the array, and save",
}


def _axis_place(signal: Signal, key: str) -> tuple[int, str]:
    """Number of the axis that a key means, and what of it: ``axes.0.scale``, ``axes.x.units``."""
    rest = key.partition(".")[2]
    head, _, after = rest.partition(".")
    if head.isdecimal() and int(head) < len(signal.axes):
        return int(head), after
    named = {axis.name: index for index, axis in enumerate(signal.axes) if axis.name}
    fitting = [name for name in named if rest == name or rest.startswith(f"{name}.")]
    if fitting:
        longest = max(fitting, key=len)
        return named[longest], rest[len(longest) + 1 :]
    known: list[object] = [*range(len(signal.axes)), *named]
    hint = missing(rest.rpartition(".")[0] or rest, known)
    raise ExperimentError(f"there is no such axis{hint}", where=one_line(key))


def _change_axis(signal: Signal, key: str, value: Any) -> None:
    if key == _AXES:
        raise HspyError("is all of the axes; name a value of one: axes.0.scale", where=key)
    index, rest = _axis_place(signal, key)
    if not rest:
        raise HspyError(f"is a whole axis; name a value of it: {key}.units", where=key)
    tree = MetadataTree(axis_to_dict(signal.axes[index]))
    _found(tree, rest, key)
    if rest == "size":
        raise HspyError(
            "is the size of the data, which stay as they are; cut or bin them in Python, and save",
            where=key,
        )
    if rest in _FIXED:
        raise HspyError(f"stays as it is; change it in Python: {_FIXED[rest]}", where=key)
    tree.set_item(rest, value)
    axes = list(signal.axes)
    axes[index] = axis_from_dict(tree.as_dictionary(), where=key, strict=True)
    signal.axes = axes  # type: ignore[assignment] # a list becomes Axes there
