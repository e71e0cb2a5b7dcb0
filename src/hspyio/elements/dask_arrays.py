"""dask arrays inside a tree: their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hspyio.elements.element import Element
from hspyio.elements.form import Form

if TYPE_CHECKING:
    from hspyio.elements.encoder import Encoder

__all__ = ["ELEMENT"]


def is_dask(value: object) -> bool:
    """Whether a value is a dask array, told without importing dask."""
    return type(value).__module__.partition(".")[0] == "dask" and hasattr(value, "compute")


def _encode(value: Any, walker: Encoder, where: str) -> Form:
    return walker.encode(np.asarray(value), where)


ELEMENT = Element(accepts=is_dask, encode=_encode)
