"""The only floor that composes: load, save, open, append, update, remove, repack, describe."""

from __future__ import annotations

from hspyio.api.editing import append, remove, update
from hspyio.api.experiments import Experiments
from hspyio.api.inspecting import ExperimentInfo, describe
from hspyio.api.loading import load, open_file
from hspyio.api.repacking import repack
from hspyio.api.saving import save

__all__ = [
    "ExperimentInfo",
    "Experiments",
    "append",
    "describe",
    "load",
    "open_file",
    "remove",
    "repack",
    "save",
    "update",
]
