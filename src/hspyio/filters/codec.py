"""One HDF5 filter, as planning and messages need it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Codec"]


@dataclass(frozen=True, slots=True)
class Codec:
    """An HDF5 filter.

    Attributes
    ----------
    id : int
        HDF5's registered number.
    name : str
        The name a person knows.
    package : str
        What to install where it is not built in, ``""`` for what every HDF5 has.
    options : callable, optional
        ``compression_opts -> client data``; raises `OptionError`. ``None`` for filters that are
        not chosen through ``compression``.
    everywhere : bool
        Whether every HDF5 program can read it.
    rounds : bool
        Whether it changes values: it is then applied to a signal's data only, and unshuffled.
    """

    id: int
    name: str
    package: str = ""
    options: Callable[[Any], tuple[int, ...]] | None = None
    everywhere: bool = False
    rounds: bool = False
