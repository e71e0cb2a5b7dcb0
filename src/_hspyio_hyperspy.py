"""Looks, as Python starts, whether hspyio is to stand under HyperSpy in this session.

``hspyio-hyperspy.pth`` calls `start` in every session, so nothing is imported here but what Python
itself has imported by then; hspyio comes when HyperSpy does.
"""

import os
import sys

TYPE_CHECKING = False  # typing takes longer to import than all this
if TYPE_CHECKING:
    from typing import Any

SWITCH = "HSPYIO_HYPERSPY"
"""The variable that decides for one process: 1 or 0."""
MARK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hspyio-hyperspy.on")
"""A file that is there where ``hspy hyperspy on`` has decided for the environment."""
RUNS = False
"""Whether sessions of this environment look; set by the first thing that one does."""
_FORMATS = "rsciio"


def wanted() -> bool:
    """Whether hspyio is to be under HyperSpy: by the variable, else by the mark."""
    said = os.environ.get(SWITCH)
    return said == "1" if said in ("0", "1") else os.path.exists(MARK)


def start() -> None:
    """Wait for HyperSpy where it is wanted, or where somebody has to be told of a wrong word."""
    global RUNS  # noqa: PLW0603  # this is what has happened to the process, not a setting
    if RUNS:  # a folder of packages may be on the path by two names
        return
    RUNS = True
    if wanted() or os.environ.get(SWITCH) not in (None, "", "0"):
        sys.meta_path.insert(0, Waiting())


class Waiting:
    """Finds nothing itself; when RosettaSciIO is imported, hspyio takes its place in the list."""

    def find_spec(self, name, path=None, target=None):  # type: ignore[no-untyped-def]
        """What the other finders find, for RosettaSciIO with `Loader` around its loader."""
        if name != _FORMATS:
            return None
        for finder in sys.meta_path:
            mine = isinstance(finder, Waiting)
            find = None if mine else getattr(finder, "find_spec", None)
            spec = find and find(name, path, target)
            if spec:
                if spec.loader:
                    spec.loader = Loader(spec.loader)
                return spec
        return None


class Loader:
    """A loader that calls hspyio after the module; all else is the other loader's."""

    def __init__(self, loader: object) -> None:
        self._loader: Any = loader

    def __getattr__(self, name):  # type: ignore[no-untyped-def]
        return getattr(self._loader, name)

    def create_module(self, spec):  # type: ignore[no-untyped-def]
        """The other loader's module."""
        return self._loader.create_module(spec)

    def exec_module(self, module):  # type: ignore[no-untyped-def]
        """Run the module with its own loader, then put hspyio into its list."""
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        _take_place()


def _take_place() -> None:
    """HyperSpy is not kept from its work: what goes wrong is a warning."""
    import warnings

    said = os.environ.get(SWITCH)
    if said not in (None, "", "0", "1"):
        warnings.warn(f"{SWITCH}={said} is neither 1 nor 0, and changes nothing", stacklevel=2)
    if not wanted():
        return
    try:
        import hspyio

        hspyio.enable_hyperspy()
    except Exception as error:
        warnings.warn(f"hspyio is not under HyperSpy in this session: {error}", stacklevel=2)
