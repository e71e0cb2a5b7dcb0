"""``hspy info``: what is in a file."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

import hspyio
from hspyio.cli.console import complain, make_console, one_line, size_text, stored_text
from hspyio.errors import HspyError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

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
FACTS = tuple(field.name for field in fields(hspyio.ExperimentInfo) if field.name != "metadata")
LONGEST = 100
MANY_ITEMS = 1000


def info(
    files: Annotated[list[Path], typer.Argument(help="HSpy files.", metavar="FILE...")],
    tree: Annotated[bool, typer.Option("--tree", help="Show all the metadata.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON list, an item an experiment.")
    ] = False,
) -> None:
    """Show what is in HSpy files: experiments, axes, storage, metadata. No data are read."""
    console = make_console()
    records: list[dict[str, Any]] = []
    failed = False
    for file in files:
        try:
            if as_json:
                records += _records(file, tree)
            else:
                show_file(console, file, tree=tree)
        except (HspyError, OSError) as error:
            if isinstance(error, BrokenPipeError):
                raise
            complain(error)
            failed = True
    if as_json:
        typer.echo(json.dumps(records, indent=2, ensure_ascii=False, allow_nan=False))
    if failed:
        raise typer.Exit(1)


def show_file(console: Console, path: Path, *, tree: bool = False) -> None:
    """Print a file's experiments; with ``tree`` all of their metadata."""
    described = hspyio.describe(path)
    with hspyio.open(path) as experiments:
        version = one_line(experiments.version) or "without a version"
        without_signal = list(experiments.models)
    count = "1 experiment" if len(described) == 1 else f"{len(described)} experiments"
    size = size_text(path.stat().st_size)
    _say(console, f"{path}: HSpy {version}, {count}, {size}", style="bold")
    if unused := hspyio.unused_bytes(path):
        _say(console, f"  {size_text(unused)} of it are left over from updates: hspy repack")
    for experiment in described:
        _show_experiment(console, experiment)
        if tree:
            _say(console, _indented(repr(experiment.metadata), 4))
        else:
            _show_highlights(console, experiment.metadata)
    if without_signal:
        _say(console, f"  models without a signal: {_listed(without_signal)}")


def _show_experiment(console: Console, experiment: hspyio.ExperimentInfo) -> None:
    title = one_line(experiment.title) or "(no title)"
    if experiment.title != experiment.group:
        title += f"   [group {one_line(experiment.group)}]"
    _say(console, f"  {title}", style="bold cyan")
    for label, text in _facts(experiment):
        _say(console, f"    {label:<9}{text}")
    if experiment.axes:
        from rich.padding import Padding

        console.print(Padding.indent(_axes_table(experiment.axes), 4))


def _show_highlights(console: Console, metadata: hspyio.MetadataTree) -> None:
    found = _highlights(metadata)
    width = max(map(len, found), default=0)
    for label, text in found.items():
        _say(console, f"    {label:<{width}}  {text}")


def _facts(experiment: hspyio.ExperimentInfo) -> list[tuple[str, str]]:
    """What can be said of the data in a few words, a line each."""
    kind = one_line(experiment.signal_type) or "no signal type"
    if experiment.package:
        kind += f", from {one_line(experiment.package)}"
    filters = " + ".join(experiment.filters) or "uncompressed"
    chunks = "in one block" if experiment.chunks is None else f"in chunks of {experiment.chunks}"
    stored = stored_text(experiment.stored_bytes, experiment.array_bytes)
    if experiment.ragged:  # what the items take lies elsewhere in the file
        stored = f"{size_text(experiment.stored_bytes)} without the items"
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


def _dimensions(experiment: hspyio.ExperimentInfo) -> str:
    """The dimensions as HyperSpy prints them: the fastest first, navigation | signal."""
    signal = ["ragged"] if experiment.ragged else experiment.signal_shape[::-1]
    return f"({_listed(experiment.navigation_shape[::-1])}|{_listed(signal)})"


def _axes_table(axes: list[dict[str, Any]]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in ("axis", "name", "size", "values", "units", "space"):
        table.add_column(heading, justify="right" if heading in ("axis", "size") else "left")
    for index, axis in enumerate(axes):
        table.add_row(
            str(index),
            one_line(axis.get("name") or ""),
            str(axis.get("size", len(axis.get("axis", ())))),
            _axis_values(axis),
            one_line(axis.get("units") or ""),
            "navigation" if axis.get("navigate") else "signal",
        )
    return table


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
    for label, path, unit in HIGHLIGHTS:
        for instrument in INSTRUMENTS if "INSTRUMENT" in path else ("",):
            place = path.replace("INSTRUMENT", f"Acquisition_instrument.{instrument}")
            value = metadata.get_item(place)
            if text := _short(value):
                found[label] = f"{text} {unit}".rstrip()
    return found


def _short(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        value = _listed(value)
    if isinstance(value, float | np.floating):
        value = f"{value:g}"
    text = one_line(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _records(path: Path, tree: bool) -> list[dict[str, Any]]:
    """The same as data: an item an experiment, with all of its metadata where ``tree``."""
    records = []
    unused = hspyio.unused_bytes(path)
    for experiment in hspyio.describe(path):
        record: dict[str, Any] = {"file": str(path), "unused_bytes": unused}
        record |= {name: getattr(experiment, name) for name in FACTS}
        record["highlights"] = _highlights(experiment.metadata)
        if tree:
            record["metadata"] = experiment.metadata
        records.append(_jsonable(record))
    return records


def _jsonable(value: Any) -> Any:
    """The nearest JSON: long arrays by shape and dtype, what JSON has no word for as text."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    if isinstance(value, np.ndarray) and value.size <= MANY_ITEMS:
        return _jsonable(value.tolist())
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return {"shape": list(value.shape), "dtype": str(value.dtype)}
    return str(value)


def _say(console: Console, text: str, style: str | None = None) -> None:
    console.print(text, style=style, soft_wrap=True)


def _listed(items: Iterable[object]) -> str:
    return ", ".join(map(one_line, items))


def _indented(text: str, width: int) -> str:
    return "\n".join(" " * width + line for line in text.splitlines())
