"""Packages that need not be there, and how to get them: by pip, or with an extra of hspyio's."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from hspyio.errors import MissingPackageError

__all__ = ["check_there", "how_to_get", "imported", "is_there"]

_EXTRAS = {
    "hyperspy": "hyperspy",
    "rosettasciio": "import",
    "scikit-image": "import",
    "xarray": "xarray",
    **dict.fromkeys(("h5netcdf", "tifffile", "zarr"), "export"),
    **dict.fromkeys(("fastparquet", "kerchunk", "virtualizarr"), "virtual"),
    "matplotlib": "plot",
    "bokeh": "view",
    "hdf5plugin": "plugins",
    "obstore": "remote",
}
"""The extra of hspyio's that brings a package."""
_NAMES = {
    "PIL": "pillow",
    "cv2": "opencv-python",
    "rsciio": "rosettasciio",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "usid": "pyUSID",
    "yaml": "PyYAML",
}
"""What pip calls a package, where that is another name than that of its module."""


def is_there(module: str) -> bool:
    """Whether a package is installed."""
    return find_spec(module.partition(".")[0]) is not None


def how_to_get(module: str) -> str:
    """What to say of a package that is missing, by the name of its module."""
    top = module.partition(".")[0]
    name = _NAMES.get(top, top)
    extra = _EXTRAS.get(name)
    # Nothing is published yet: an extra is had in a clone.
    ours = f', as does `pip install ".[{extra}]"` in a clone of hspyio' if extra else ""
    return f"{name} is not installed; `pip install {name}` does it{ours}"


def check_there(module: str) -> None:
    """Raise a `MissingPackageError` for a package that is not installed."""
    if not is_there(module):
        raise MissingPackageError(how_to_get(module))


def imported(module: str) -> ModuleType:
    """Import a module of an optional package."""
    check_there(module)
    return import_module(module)
