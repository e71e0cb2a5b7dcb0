"""A call that does not fit a function: what is wrong with it, and the call that was meant."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hspyio.suggestions import listing, nearest, quoted

__all__ = ["wrong_call"]

_OBJECTS = {"Signal": "signal", "StreamWriter": "w"}
"""What has the methods, in a message."""

_ALIKE = (
    "path source filename one file files fname filepath",
    "target out output dest destination dst",
    "signals signal data array",
    "name experiment key group dataset title",
    "threads workers n_workers num_workers n_jobs parallel",
    "progress show_progressbar progressbar verbose",
    "overwrite force replace exist_ok",
    "compression compressor codec encoding filters",
    "compression_opts level clevel complevel",
    "durable sync fsync flush",
    "checksum seal sealed fletcher32",
    "axes axes_manager scale scales offset units",
    "stack new_axis_name",
)
"""Keywords for one thing: a function has one of them, other packages have the others."""

_MEANT = """
load open info: mode driver: it only reads; hspyio.update(path, signal) changes a file
open: name experiment: hspyio.open(path)[name] is one experiment
open info: lazy: it reads no data
save append Signal.save: mode: hspyio.append(path, signal) adds to a file
save append Signal.save: name title: signal.title = 'HAADF' names it
save Signal.save: extension file_format format engine: hspyio.export('a.hspy', 'a.nc') converts it
append: overwrite: hspyio.update(path, signal, name) changes one that is there
update: data overwrite: the data stay; hspyio.save(path, signal, overwrite=True) writes them
create: checksum: once it is closed, hspyio.repack(path, target, checksum=True) seals it
create: nexus navigator: once it is closed, hspyio.add_{0}(path)
create resume: data frames array: w.append(frames) writes them
any: name experiment names: hspyio.extract(source, name, target) makes a file of one
any: lazy stack: hspyio.load(path, {0}=True) reads so
any: chunks compression compression_opts shuffle checksum: hspyio.repack(source, target, {0}=...)
any: nexus navigator: hspyio.add_{0}(path) adds it
any: fletcher32 scaleoffset maxshape: hspyio.file_writer(path, a_dict, {0}=...) takes it
any: title signal_type metadata original_metadata axes attributes: signal.{0} is the place
any: storage_options: its files are on this computer; hspyio.load takes addresses
"""
"""Functions, their keywords that are none, and what is told of these."""


def wrong_call(
    function: Callable[..., Any], args: Sequence[object], kwargs: Mapping[str, object]
) -> str:
    """What to say of arguments that a function does not take."""
    parameters = dict(inspect.signature(function).parameters)
    if "." in function.__qualname__:
        args = args[1:]
        del parameters[next(iter(parameters))]
    name = function.__qualname__.removesuffix(".__init__")
    places = [key for key, one in parameters.items() if one.kind <= one.POSITIONAL_OR_KEYWORD]
    takes_any = any(one.kind == one.VAR_KEYWORD for one in parameters.values())
    if not takes_any and (unknown := [key for key in kwargs if key not in parameters]):
        return "; ".join(_unknown(name, parameters, key) for key in unknown)
    if name == "save_all" and len(args) > 1:
        return "save_all() takes a dict: hspyio.save_all({path: signal, ...})"
    call = _call(name, parameters)
    if len(args) > len(places):
        others = [f"{key}=..." for key, one in parameters.items() if one.kind == one.KEYWORD_ONLY]
        options = ", ".join(others) or "none"
        taken = f"{len(places)} argument{'s' * (len(places) != 1)}"
        return f"{name}() takes {taken} by position, not {len(args)}: {call}; by name: {options}"
    if twice := [key for key in places[: len(args)] if key in kwargs]:
        return f"{name}() got {' and '.join(twice)} by position and by name: {call}"
    given = {*places[: len(args)], *kwargs}
    lacking = [key for key in parameters if key in _needed(parameters) and key not in given]
    return f"{name}() lacks {' and '.join(lacking)}: {call}"


def _needed(parameters: Mapping[str, inspect.Parameter]) -> list[str]:
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [
        key for key, one in parameters.items() if one.default is one.empty and one.kind not in kinds
    ]


def _call(name: str, parameters: Mapping[str, inspect.Parameter], *options: str) -> str:
    """The shortest call of a function, and a keyword."""
    kind, _, method = name.rpartition(".")
    needed = _needed(parameters)
    shown = [*needed, *(f"{option}=..." for option in options if option not in needed)]
    return f"{_OBJECTS.get(kind, 'hspyio')}.{method}({', '.join(shown)})"


def _unknown(name: str, parameters: Mapping[str, inspect.Parameter], keyword: str) -> str:
    """What to say of one keyword that a function does not have."""
    told = _told(name, keyword)
    alike = (row.split() for row in _ALIKE if keyword in row.split())
    meant = [known for row in alike for known in row if known in parameters]
    if not (told or meant):
        told, meant = _told("any", keyword), nearest(keyword, parameters, 1)
    if told:
        return f"{name}() has no {quoted(keyword)}; {told}"
    if meant:
        return (
            f"{name}() has no {quoted(keyword)}; did you mean {_call(name, parameters, meant[0])}?"
        )
    return f"{name}() has no {quoted(keyword)}; it takes {listing(list(parameters), 30)}"


def _told(name: str, keyword: str) -> str:
    for line in _MEANT.split("\n"):
        functions, _, rest = line.partition(": ")
        keywords, _, told = rest.partition(": ")
        if name in functions.split() and keyword in keywords.split():
            return told.format(keyword)
    return ""
