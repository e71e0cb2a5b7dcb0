"""``hspy info``: what is in a file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from functools import partial
from typing import Annotated, Any

import numpy as np

import hspyio
from hspyio.api.examining.info import ExperimentInfo
from hspyio.api.examining.info import info as file_info
from hspyio.cli.console import Console, each_file, one_line, say_json, stored_text, table_lines
from hspyio.cli.processes import in_processes
from hspyio.cli.usage import Exit, Files, Option, Place
from hspyio.errors import byte_text
from hspyio.printable import printable_name

__all__ = ["info", "show_file"]

INSTRUMENTS = ("TEM", "SEM")
# What one wants to know of a measurement at first sight: label, place in the metadata, unit.
# INSTRUMENT stands for each of INSTRUMENTS.
HIGHLIGHTS: tuple[tuple[str, str, str], ...] = (
    ("date", "General.date", ""),
    ("time", "General.time", ""),
    ("authors", "General.authors", ""),
    ("original file", "General.original_filename", ""),
    ("quantity", "Signal.quantity", ""),
    ("sample", "Sample.description", ""),
    ("elements", "Sample.elements", ""),
    ("X-ray lines", "Sample.xray_lines", ""),
    ("microscope", "INSTRUMENT.microscope", ""),
    ("beam energy", "INSTRUMENT.beam_energy", "keV"),
    ("beam current", "INSTRUMENT.beam_current", "nA"),
    ("magnification", "INSTRUMENT.magnification", ""),
    ("camera length", "INSTRUMENT.camera_length", "mm"),
    ("convergence angle", "INSTRUMENT.convergence_angle", "mrad"),
    ("tilt alpha", "INSTRUMENT.Stage.tilt_alpha", "°"),
    ("EELS collection angle", "INSTRUMENT.Detector.EELS.collection_angle", "mrad"),
    ("EDS resolution (Mn Ka)", "INSTRUMENT.Detector.EDS.energy_resolution_MnKa", "eV"),
    ("EDS live time", "INSTRUMENT.Detector.EDS.live_time", "s"),
    ("camera exposure", "INSTRUMENT.Detector.Camera.exposure", "s"),
)
FACTS = tuple(field.name for field in fields(ExperimentInfo) if field.name != "metadata")
LONGEST = 100


def info(
    files: Files,
    tree: Annotated[bool, Option("--tree", help="Show all the metadata.")] = False,
    as_json: Annotated[
        bool, Option("--json", help="Print one JSON list, an item an experiment.")
    ] = False,
) -> None:
    """Show what is in HSpy files: experiments, axes, storage, metadata. No data are read.

    The exit code is 1 if a file cannot be read; the others are shown all the same.
    Example: hspy info *.hspy
    """
    console = Console()
    if as_json:
        records, fine = in_processes(partial(_records, tree=tree), files)
        say_json(records)
    else:
        fine = each_file(files, lambda file: show_file(console, file, tree=tree))
    if not fine:
        raise Exit(1)


def show_file(console: Console, path: Place, *, tree: bool = False) -> None:
    """Print a file's experiments; with ``tree`` all of their metadata."""
    known = file_info(path)
    version = one_line(known.version) or "without a version"
    number = len(known.experiments)
    count = "1 experiment" if number == 1 else f"{number} experiments"
    console.print(f"{path}: HSpy {version}, {count}, {byte_text(known.size)}", style="bold")
    if known.unused_bytes:
        unused = byte_text(known.unused_bytes)
        console.print(f"  {unused} of it are left over from updates: hspy repack")
    for experiment in known.experiments:
        _show_experiment(console, experiment)
        if tree:
            for line in repr(experiment.metadata).splitlines():
                console.print(f"    {line}")
        else:
            _show_highlights(console, experiment.metadata)
    if known.models:
        console.print(f"  models without a signal: {_listed(known.models)}")


def _show_experiment(console: Console, experiment: ExperimentInfo) -> None:
    title = printable_name(experiment.title) or "(no title)"
    if experiment.title != experiment.group:
        title += f"   [group {printable_name(experiment.group)}]"
    console.print(f"  {title}", style="bold cyan")
    for label, text in _facts(experiment):
        console.print(f"    {label:<9}{text}")
    for line in _axes_table(experiment.axes):
        console.print(f"    {line}")


def _show_highlights(console: Console, metadata: hspyio.MetadataTree) -> None:
    found = _highlights(metadata)
    width = max(map(len, found), default=0)
    for label, text in found.items():
        console.print(f"    {label:<{width}}  {text}")


def _facts(experiment: ExperimentInfo) -> list[tuple[str, str]]:
    """What can be said of the data in a few words, a line each."""
    kind = one_line(experiment.signal_type) or "no signal type"
    if experiment.package:
        kind += f", from {one_line(experiment.package)}"
    filters = " + ".join(experiment.filters) or "uncompressed"
    chunks = "in one block" if experiment.chunks is None else f"in chunks of {experiment.chunks}"
    stored = stored_text(experiment.stored_bytes, experiment.array_bytes)
    if experiment.ragged:  # what the items take lies elsewhere in the file
        stored = f"{byte_text(experiment.stored_bytes)} without the items"
    facts = [
        ("data", f"{_dimensions(experiment)}, {experiment.dtype}; array shape {experiment.shape}"),
        ("kind", kind),
        ("stored", f"{stored}, {chunks}, {filters}"),
    ]
    if experiment.needs:
        facts.append(("", experiment.needs))
    if experiment.models:
        facts.append(("models", _listed(experiment.models)))
    return facts


def _dimensions(experiment: ExperimentInfo) -> str:
    """The dimensions as HyperSpy prints them: the fastest first, navigation | signal."""
    signal = ["ragged"] if experiment.ragged else experiment.signal_shape[::-1]
    return f"({_listed(experiment.navigation_shape[::-1])}|{_listed(signal)})"


def _axes_table(axes: list[dict[str, Any]]) -> list[str]:
    rows = [
        (
            str(index),
            printable_name(str(axis.get("name") or "")),
            str(axis.get("size", len(axis.get("axis", ())))),
            _axis_values(axis),
            printable_name(str(axis.get("units") or "")),
            "navigation" if axis.get("navigate") else "signal",
        )
        for index, axis in enumerate(axes)
    ]
    headings = ("axis", "name", "size", "values", "units", "space")
    return table_lines(headings, rows, right="101000") if rows else []


def _axis_values(axis: dict[str, Any]) -> str:
    """Where an axis begins and how it goes on."""
    if "expression" in axis:
        return one_line(axis["expression"])
    if "axis" in axis:
        values = np.asarray(axis["axis"])
        return f"{values[0]:g} … {values[-1]:g}" if values.size else "none"
    return f"{axis.get('offset', 0):g}, step {axis.get('scale', 1):g}"


def _highlights(metadata: hspyio.MetadataTree) -> dict[str, str]:
    found = {}
    heads = _heads(metadata)
    for label, path, unit in HIGHLIGHTS:
        for instrument in INSTRUMENTS if "INSTRUMENT" in path else ("",):
            place = path.replace("INSTRUMENT", f"Acquisition_instrument.{instrument}")
            if place.partition(".")[0] not in heads:
                continue
            value = metadata.get_item(place, None)
            if text := _short(value):
                found[label] = f"{text} {unit}".rstrip()
    return found


def _heads(metadata: hspyio.MetadataTree) -> set[str]:
    """What the paths in a tree begin with: most files have little of what is looked for."""
    return {key.partition(".")[0] for key in metadata if isinstance(key, str)}


def _short(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        value = _listed(value)
    if isinstance(value, float | np.floating):
        value = f"{value:g}"
    text = one_line(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _records(path: Place, tree: bool) -> list[dict[str, Any]]:
    """The same as data: an item an experiment, with all of its metadata where ``tree``."""
    records = []
    known = file_info(path)
    for experiment in known.experiments:
        record: dict[str, Any] = {"file": str(path), "unused_bytes": known.unused_bytes}
        record |= {name: getattr(experiment, name) for name in FACTS}
        record["highlights"] = _highlights(experiment.metadata)
        if tree:
            record["metadata"] = experiment.metadata
        records.append(record)
    return records


def _listed(items: Iterable[object]) -> str:
    return ", ".join(map(one_line, items))
