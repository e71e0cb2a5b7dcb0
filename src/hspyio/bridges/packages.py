"""Packages that a bridge leads to, and that need not be there."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from hspyio.errors import MissingPackageError

__all__ = ["imported"]


def imported(module: str, package: str, extra: str = "") -> ModuleType:
    """Import a module of an optional package, which pip installs under a name of its own."""
    if find_spec(module.partition(".")[0]) is None:
        name = extra or package
        raise MissingPackageError(f"{package} is not installed; `pip install {name}` does it")
    return import_module(module)
