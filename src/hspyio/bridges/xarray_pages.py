"""xarray's objects whose notebook pages cut long attributes: a metadata tree can take megabytes.

xarray writes every attribute in full into a page, folded or not. Nothing but the page differs:
the attributes are whole, and so is what is written of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray

__all__ = ["DataArray", "Dataset"]

_LONGEST = 1000
"""Characters of an attribute on a page."""


class DataArray(xarray.DataArray):
    """A DataArray with a short page in notebooks."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        short = self.copy(deep=False)
        short.attrs = _shortened(short.attrs)
        _shorten(short.coords.variables)
        return str(xarray.DataArray._repr_html_(short))


class Dataset(xarray.Dataset):
    """A Dataset with a short page in notebooks, for itself and for each variable."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        """One variable, or a Dataset of several; the data stay where they are."""
        found: Any = super().__getitem__(key)
        if not isinstance(found, xarray.DataArray):
            return found
        made = DataArray(found.variable, found.coords, name=found.name)
        made.encoding = found.encoding
        return made

    def _repr_html_(self) -> str:
        short = self.copy(deep=False)
        short.attrs = _shortened(short.attrs)
        _shorten(short.variables)
        return str(xarray.Dataset._repr_html_(short))


def _shorten(variables: Mapping[Any, Any]) -> None:
    for variable in variables.values():
        variable.attrs = _shortened(variable.attrs)


def _shortened(attributes: Mapping[Any, Any]) -> dict[Any, Any]:
    """The same with the beginning of what is long, and how much there is."""
    return {
        key: f"{value[:_LONGEST]} … ({len(value):,} characters in all)"
        if isinstance(value, str) and len(value) > _LONGEST
        else value
        for key, value in attributes.items()
    }
