"""What the user of an operation is told: the error, the warnings, and noise that nobody meant."""

from __future__ import annotations

import gc
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import hspyio

_STANDS_OLD = ("is untouched", "are untouched", "as it was", "nothing was written")
_STANDS_NEW = ("new state stands", "stands in its place")
_UNKNOWN = "may be changed or not"


@dataclass(frozen=True)
class Told:
    """What came of an operation.

    Attributes
    ----------
    error : str
        Class of the error, ``""`` for none.
    ours : bool
        Whether it is one of hspyio's.
    message : str
        Its text, the traceback where it is not ours.
    double : bool
        Whether a traceback would show another error before it.
    warned : tuple of str
        Warnings of hspyio.
    noise : str
        What else was written to stderr, or warned of.
    value : object
        What was returned.
    """

    error: str
    ours: bool
    message: str
    double: bool
    warned: tuple[str, ...]
    noise: str
    value: object

    @property
    def text(self) -> str:
        """All that was told."""
        return "\n".join((self.message, *self.warned))

    @property
    def claims_old(self) -> bool:
        return any(words in self.text for words in _STANDS_OLD)

    @property
    def claims_new(self) -> bool:
        return any(words in self.text for words in _STANDS_NEW)

    @property
    def knows_not(self) -> bool:
        """Whether it says that nobody can tell, as the file could not be read afterwards."""
        return _UNKNOWN in self.text

    def problems(self) -> list[str]:
        """What is wrong with the way it was told."""
        found = []
        if self.error and not self.ours:
            found.append(f"no error of ours: {self.message}")
        if self.noise:
            found.append(f"noise: {self.noise[-1500:]}")
        return found


def listened(function: Callable[[], object], noise: int) -> Told:
    """Run a function; what it tells. Meant for a child: stderr goes to a file for good.

    The file is open already: a fault could strike where it is opened.
    """
    os.dup2(noise, 2)
    error, kind, message, double, value = False, "", "", False, None
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            value = function()
        except Exception as raised:
            error, kind = isinstance(raised, hspyio.HspyError), type(raised).__name__
            message = str(raised) if error else traceback.format_exc()[-1500:]
            double = raised.__cause__ is not None or not (
                raised.__suppress_context__ or raised.__context__ is None
            )
        gc.collect()  # what is closed late may complain, too
        sys.stderr.flush()
    ours = [str(item.message) for item in said if issubclass(item.category, hspyio.HspyWarning)]
    strange = [
        f"{item.category.__name__}: {item.message}"
        for item in said
        if not issubclass(item.category, hspyio.HspyWarning)
    ]
    return Told(kind, error, message, double, tuple(ours), "\n".join(strange), value)
