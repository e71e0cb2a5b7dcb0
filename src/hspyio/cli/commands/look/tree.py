"""``hspy tree``: all that a file holds, as a tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import hspyio
from hspyio.api.examining.info import ExperimentInfo, outlines
from hspyio.cli.console import Console, each_file, one_line, say_json, stored_text
from hspyio.cli.drawing import Fact, branches, leaves, signal_parts
from hspyio.cli.hdf5_tree import hdf5_tree
from hspyio.cli.keys import experiment_group
from hspyio.cli.usage import AsJson, Exit, Files, Option, Place, WrongUsageError
from hspyio.cli.values import json_text
from hspyio.hdf5.limits import MOST_GROWTH, UNSUSPICIOUS
from hspyio.model.signal import Signal

__all__ = ["tree"]


def tree(
    files: Files,
    depth: Annotated[
        int | None, Option(min=1, help="How many levels are shown; all by default.")
    ] = None,
    name: Annotated[
        str | None, Option(help="One experiment, by its group or its title; else all.")
    ] = None,
    as_json: AsJson = False,
    lines: Annotated[
        bool,
        Option(
            "--lines", help="A line a value, whole, with a digest of the data: for git and grep."
        ),
    ] = False,
    data: Annotated[
        bool, Option("--data/--no-data", help="Whether --lines reads the data.")
    ] = True,
    hdf5: Annotated[
        bool, Option("--hdf5", help="The HDF5 objects, and how they are stored.")
    ] = False,
) -> None:
    """Show all that is in HSpy files as a tree; long values are shortened.

    With --hdf5 it is a tree of groups, attributes and datasets, of any HDF5 file. With --lines it
    is text to compare, in which every change shows. The exit code is 1 if a file cannot be read.
    Example: hspy tree map.hspy --depth 3
    """
    if sum((as_json, lines, hdf5)) > 1:
        raise WrongUsageError("only one of --json, --lines and --hdf5 at a time")
    console = Console()
    records: list[dict[str, Any]] = []

    def show(file: Place) -> None:
        if as_json:
            records.append(_record(file, name))
            return
        if lines:
            shown: Iterator[str] = _lines(file, name, data=data)
        elif hdf5:
            shown = hdf5_tree(file, depth)
        else:
            shown = branches(_drawn(file, name), depth)
        for index, line in enumerate(shown):
            if index == 0 and not lines:
                console.print(f"{file}", style="bold")
            console.print(line)

    fine = each_file(files, show)
    if as_json:
        say_json(json_text(records))
    if not fine:
        raise Exit(1)


def _outlined(file: Place, name: str | None) -> list[tuple[ExperimentInfo, Signal]]:
    found = outlines(file)
    if name is None:
        return found
    with hspyio.open(file) as experiments:
        wanted = experiment_group(experiments, name)
    return [(info, signal) for info, signal in found if info.group == wanted]


def _drawn(file: Place, name: str | None) -> dict[str, Any]:
    """What is drawn of a file: an entry an experiment."""
    result: dict[str, Any] = {}
    for info, signal in _outlined(file, name):
        same = info.title in ("", info.group)
        key = info.group if same else f"{info.title}   [group {info.group}]"
        parts = signal_parts(signal)
        for index, axis in parts.get("axes", {}).items():
            parts["axes"][index] = {key: value for key, value in axis.items() if key != "_type"}
        result[key] = {"data": Fact(_data_text(info)), **parts}
    with hspyio.open(file) as experiments:
        models = {key: model.tree for key, model in experiments.models.items()}
    if name is None and models:
        result["models of no signal"] = models
    return result


def _data_text(info: ExperimentInfo) -> str:
    filters = " + ".join(info.filters) or "uncompressed"
    chunks = "in one block" if info.chunks is None else f"chunks of {info.chunks}"
    kind = "ragged" if info.ragged else info.dtype
    stored = stored_text(info.stored_bytes, info.array_bytes)
    return f"{info.shape} {kind}, {stored}, {chunks}, {filters}"


def _record(file: Place, name: str | None) -> dict[str, Any]:
    """The same as data; arrays are told by shape and dtype where they are large."""
    experiments = {}
    version = ""
    for info, signal in _outlined(file, name):
        version = info.format_version
        data = {fact: getattr(info, fact) for fact in _OF_DATA}
        experiments[info.group] = {"title": info.title, "data": data, **signal_parts(signal)}
    return {"file": str(file), "format_version": version, "experiments": experiments}


_OF_DATA = ("shape", "dtype", "ragged", "chunks", "filters", "stored_bytes", "array_bytes")


def _lines(file: Place, name: str | None, *, data: bool) -> Iterator[str]:
    """A line a value; none says what the file is called, which git changes."""
    with hspyio.open(file) as experiments:
        most = UNSUSPICIOUS + MOST_GROWTH * experiments.size
        wanted = list(experiments) if name is None else [experiment_group(experiments, name)]
        yield f"format version = {one_line(experiments.version)}"
        if experiments.attrs:
            yield from leaves(experiments.attrs, "attributes of the file", data=data, most=most)
        for group in wanted:
            with experiments[group] as signal:
                before = f"{one_line(group)}: " if len(experiments) > 1 else ""
                yield from (before + line for line in leaves(signal, "", data=data, most=most))
        if name is None and (models := experiments.models):
            yield from leaves(models, "models of no signal", data=data, most=most)
