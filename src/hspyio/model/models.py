"""Model: what a file says of a fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hspyio.model.tree import MetadataTree
from hspyio.printable import printable_line

__all__ = ["Model"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Model:
    """A model fitted to a signal, as stored: shown and kept, not run.

    Attributes
    ----------
    tree : MetadataTree
        All that the file says about it.
    """

    tree: MetadataTree

    @property
    def date(self) -> str | None:
        """When it was stored, as the file says it."""
        return self._text("date")

    @property
    def dimensions(self) -> str | None:
        """Dimensions of its signal, as HyperSpy prints them: ``(10|100)``."""
        return self._text("dimensions")

    @property
    def components(self) -> tuple[str, ...]:
        """Names of its components."""
        named = self.tree.get("components")
        if isinstance(named, Mapping) and named:
            return tuple(str(name) for name in named)
        inner = self.tree.get("_dict")
        listed = inner.get("components") if isinstance(inner, Mapping) else None
        if not isinstance(listed, list | tuple):
            return ()
        return tuple(
            str(part.get("name") or part.get("_id_name") or "")
            for part in listed
            if isinstance(part, Mapping)
        )

    def _text(self, key: str) -> str | None:
        value = self.tree.get(key)
        return None if value is None else str(value)

    def __repr__(self) -> str:
        parts = [f"components: {', '.join(self.components) or 'none'}"]
        if self.dimensions:
            parts.append(f"dimensions: {self.dimensions}")
        if self.date:
            parts.append(f"date: {self.date}")
        return f"<Model, {printable_line(', '.join(parts))}>"

    def _repr_html_(self) -> str:
        from hspyio.model.pages import model_page

        return model_page(repr(self)[8:-1], self.tree)
