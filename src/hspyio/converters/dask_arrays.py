"""dask arrays inside a tree: their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hspyio.converters.converter import Element
from hspyio.converters.form import Form, Refusal
from hspyio.converters.masked import has_masked_blocks, joined, parts_of
from hspyio.errors import SaveError
from hspyio.model.given import is_dask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hspyio.converters.encoder import Encoder

__all__ = ["ELEMENT", "values_of"]


def values_of(graph: Any) -> NDArray[Any]:
    """The values of a dask array; of masked blocks, with their mask.

    Raises
    ------
    Refusal
        If they cannot be computed, or are not what dask was told.
    """
    from hspyio.nodes.computed import computed, computed_together

    try:
        if has_masked_blocks(graph):
            return joined(graph, *computed_together(*parts_of(graph)))
        return computed(graph)
    except SaveError as error:
        raise Refusal(error.message) from None


def _encode(value: Any, walker: Encoder, where: str) -> Form:
    return walker.encode(values_of(value), where)


ELEMENT = Element(accepts=is_dask, encode=_encode)
