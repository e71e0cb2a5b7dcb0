"""hspyio: read and write HyperSpy's HSpy files, losslessly.

The names below are imported when they are first used, so that ``import hspyio`` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hspyio.api.editing import append, remove, update
    from hspyio.api.experiments import Experiments
    from hspyio.api.inspecting import ExperimentInfo, describe
    from hspyio.api.loading import load
    from hspyio.api.loading import open_file as open
    from hspyio.api.repacking import repack
    from hspyio.api.saving import save
    from hspyio.axes import Axes, DataAxis, FunctionalAxis, UniformAxis
    from hspyio.bridges.inspection import list_datasets_in_file, read_metadata_from_file
    from hspyio.bridges.rosettasciio import file_reader, file_writer
    from hspyio.errors import HspyError, HspyWarning, UnsupportedTypeError
    from hspyio.signal import Model, Signal
    from hspyio.tree import MetadataTree

__version__ = "0.1.0"

__all__ = [
    "Axes",
    "DataAxis",
    "ExperimentInfo",
    "Experiments",
    "FunctionalAxis",
    "HspyError",
    "HspyWarning",
    "MetadataTree",
    "Model",
    "Signal",
    "UniformAxis",
    "UnsupportedTypeError",
    "append",
    "describe",
    "file_reader",
    "file_writer",
    "list_datasets_in_file",
    "load",
    "open",
    "read_metadata_from_file",
    "remove",
    "repack",
    "save",
    "update",
]

_HOMES = {
    "hspyio.api.editing": "append remove update",
    "hspyio.api.experiments": "Experiments",
    "hspyio.api.inspecting": "ExperimentInfo describe",
    "hspyio.api.loading": "load",
    "hspyio.api.repacking": "repack",
    "hspyio.api.saving": "save",
    "hspyio.axes": "Axes DataAxis FunctionalAxis UniformAxis",
    "hspyio.bridges.inspection": "list_datasets_in_file read_metadata_from_file",
    "hspyio.bridges.rosettasciio": "file_reader file_writer",
    "hspyio.errors": "HspyError HspyWarning UnsupportedTypeError",
    "hspyio.signal": "Model Signal",
    "hspyio.tree": "MetadataTree",
}
_HOME_OF = {name: home for home, listed in _HOMES.items() for name in listed.split()}


def __getattr__(name: str) -> Any:
    if name == "open":
        return import_module("hspyio.api.loading").open_file
    if name not in _HOME_OF:
        raise AttributeError(f"module 'hspyio' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
