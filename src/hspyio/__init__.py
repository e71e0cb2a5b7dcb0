"""hspyio: read and write HyperSpy's HSpy files, losslessly.

The names below are imported when they are first used, so that ``import hspyio`` is quick.
"""

from __future__ import annotations

from importlib import import_module
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hspyio.api.changing.add_navigator import add_navigator
    from hspyio.api.changing.add_nexus import add_nexus
    from hspyio.api.changing.copy import extract, repack, upgrade
    from hspyio.api.changing.edit import append, remove, update
    from hspyio.api.examining.diff import diff
    from hspyio.api.examining.info import info
    from hspyio.api.examining.rescue import rescue
    from hspyio.api.examining.validate import validate
    from hspyio.api.examining.verify import verify
    from hspyio.api.loading.experiments import Experiments
    from hspyio.api.loading.load import load, open
    from hspyio.api.saving.save import save, save_all
    from hspyio.api.streaming.create import create, resume
    from hspyio.api.streaming.follow import follow
    from hspyio.bridges.exporting.export import export
    from hspyio.bridges.exporting.references import to_references, virtual_dataset
    from hspyio.bridges.hyperspy import from_hyperspy
    from hspyio.bridges.hyperspy_plugin import disable_hyperspy, enable_hyperspy
    from hspyio.bridges.importing.import_file import import_file
    from hspyio.bridges.inspection import list_datasets_in_file, read_metadata_from_file
    from hspyio.bridges.rosettasciio import file_reader, file_writer
    from hspyio.bridges.viewer import view
    from hspyio.bridges.xarray import from_xarray
    from hspyio.errors import HspyError, HspyWarning
    from hspyio.model.axes import Axes, DataAxis, FunctionalAxis, UniformAxis
    from hspyio.model.models import Model
    from hspyio.model.signal import Signal
    from hspyio.model.tree import MetadataTree
    from hspyio.streaming.writer import StreamWriter

__version__ = "0.1.0"

__all__ = [
    "Axes",
    "DataAxis",
    "Experiments",
    "FunctionalAxis",
    "HspyError",
    "HspyWarning",
    "MetadataTree",
    "Model",
    "Signal",
    "StreamWriter",
    "UniformAxis",
    "add_navigator",
    "add_nexus",
    "append",
    "create",
    "diff",
    "disable_hyperspy",
    "enable_hyperspy",
    "export",
    "extract",
    "file_reader",
    "file_writer",
    "follow",
    "from_hyperspy",
    "from_xarray",
    "import_file",
    "info",
    "list_datasets_in_file",
    "load",
    "open",
    "read_metadata_from_file",
    "remove",
    "repack",
    "rescue",
    "resume",
    "save",
    "save_all",
    "to_references",
    "update",
    "upgrade",
    "validate",
    "verify",
    "view",
    "virtual_dataset",
]

_HOMES = {
    "hspyio.api.changing.add_navigator": "add_navigator",
    "hspyio.api.changing.add_nexus": "add_nexus",
    "hspyio.api.examining.diff": "diff",
    "hspyio.api.changing.edit": "append remove update",
    "hspyio.api.loading.experiments": "Experiments",
    "hspyio.api.changing.copy": "extract repack upgrade",
    "hspyio.api.streaming.create": "create resume",
    "hspyio.api.streaming.follow": "follow",
    "hspyio.api.examining.info": "info",
    "hspyio.api.loading.load": "load open",
    "hspyio.api.examining.rescue": "rescue",
    "hspyio.api.saving.save": "save save_all",
    "hspyio.api.examining.validate": "validate",
    "hspyio.api.examining.verify": "verify",
    "hspyio.model.axes": "Axes DataAxis FunctionalAxis UniformAxis",
    "hspyio.bridges.exporting.export": "export",
    "hspyio.bridges.hyperspy": "from_hyperspy",
    "hspyio.bridges.hyperspy_plugin": "disable_hyperspy enable_hyperspy",
    "hspyio.bridges.importing.import_file": "import_file",
    "hspyio.bridges.inspection": "list_datasets_in_file read_metadata_from_file",
    "hspyio.bridges.exporting.references": "to_references virtual_dataset",
    "hspyio.bridges.rosettasciio": "file_reader file_writer",
    "hspyio.bridges.viewer": "view",
    "hspyio.bridges.xarray": "from_xarray",
    "hspyio.errors": "HspyError HspyWarning",
    "hspyio.model.models": "Model",
    "hspyio.model.signal": "Signal",
    "hspyio.model.tree": "MetadataTree",
    "hspyio.streaming.writer": "StreamWriter",
}
_HOME_OF = {name: home for home, listed in _HOMES.items() for name in listed.split()}


def __getattr__(name: str) -> Any:
    if name in ("errors", "reports"):
        return import_module(f"hspyio.{name}")
    if name not in _HOME_OF:
        error = import_module("hspyio.suggestions").NotThereError
        raise error(lambda: f"module 'hspyio' has no attribute {name!r}{_hint(name)}")
    found = getattr(import_module(_HOME_OF[name]), name)
    if isinstance(found, FunctionType):
        found = import_module("hspyio.options").public(found)
        found.__module__ = __name__
    return globals().setdefault(name, found)


_MEANT = {
    **dict.fromkeys(("BaseSignal", "signals"), "hspyio.Signal(array, axes)"),
    "Signal1D": "hspyio.Signal(array, axes, signal_dimension=1)",
    "Signal2D": "hspyio.Signal(array, axes, signal_dimension=2)",
    **dict.fromkeys(
        ("read", "imread", "File"), "hspyio.load(path), or hspyio.open(path) for several"
    ),
    **dict.fromkeys(("write", "dump"), "hspyio.save(path, signal)"),
    **dict.fromkeys(("describe", "ls", "list"), "hspyio.info(path), or hspyio.open(path)"),
    "annotate": "hspyio.add_nexus(path)",
    **dict.fromkeys(("to_hyperspy", "to_xarray", "plot"), "a method: signal.{}()"),
    **dict.fromkeys(("show", "browse", "explore"), "hspyio.view(path)"),
    **dict.fromkeys(("delete", "rm"), "hspyio.remove(path, name)"),
    **dict.fromkeys(("to_netcdf", "to_zarr", "convert"), "hspyio.export(path, 'out.nc')"),
}
"""What other packages call it, and what is meant."""


def _hint(name: str) -> str:
    if name.startswith("_"):
        return ""
    if name in _MEANT:
        return f"; did you mean {_MEANT[name].format(name)}?"
    return str(import_module("hspyio.suggestions").did_you_mean(name, __all__))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
